//! A report on a matrix and its solver, as one HTML page without further files.
//!
//! The page shows the properties of the matrix, the automatic choice with its reasons, the levels with pictures of their
//! sparsity, the times and residual histories of other configurations, the time of every level, the slowest error of the
//! cycle, and advice; on request also what training would gain. It follows the light or dark scheme of the reader. `serde`
//! writes the content of a [`Page`] as data, for JSON for example.
//!
//! ```
//! use multigrad::{gallery, report::Report};
//! let flow = gallery::recirculating_flow(24, 0.005, gallery::FlowScheme::Upwind)?;
//! let report = Report::new("flow").time_limit(2.0).coordinates(&flow.coordinates);
//! let page = report.run(&flow.matrix, &flow.rhs, &mut |_| ())?;
//! assert!(page.outcome.converged() && page.html()?.starts_with("<!DOCTYPE html>"));
//! # Ok::<(), multigrad::Error>(())
//! ```

mod break_even;
mod conclusions;
mod data;
mod html;
mod levels;
mod page;
mod pictures;
mod slowest;

use std::path::Path;
use std::time::{Duration, Instant};

pub use break_even::{Line, break_even};
pub use levels::LevelFigures;
pub use slowest::SlowestError;

use crate::error::{Error, Result};
use crate::krylov::{Outcome, SolveOptions};
use crate::learn::{SolvesReport, Trainer, TrainingReport};
use crate::limits::Limits;
use crate::solver::{Comparison, ComparisonReport, MatrixProperties, Solver};
use crate::sparse::{Csr, DenseMatrix, write_atomic};

/// Default time limit of the comparison in seconds.
const SECONDS: f64 = 30.0;

/// Settings of a report.
#[derive(Debug, Clone)]
#[must_use]
pub struct Report {
    title: String,
    coordinates: Option<DenseMatrix>,
    near_nullspace: Option<DenseMatrix>,
    seconds: f64,
    memory: Option<u64>,
    solves: Option<usize>,
    train: bool,
    seed: u64,
}

/// The content of a report.
#[derive(Debug)]
#[non_exhaustive]
pub struct Page {
    /// The title.
    pub title: String,
    /// Properties of the matrix.
    pub properties: MatrixProperties,
    /// The solver that answered, printed.
    pub solver: String,
    /// The first configuration in one line; `outcome.solver` names the one that answered, if it is another.
    pub summary: String,
    /// The reasons for its choice.
    pub reasons: Vec<String>,
    /// Seconds of the first setup and of the solve, with all further attempts.
    pub seconds: (f64, f64),
    /// Bytes of the hierarchy that answered, per row of the matrix.
    pub bytes_per_unknown: f64,
    /// The solve.
    pub outcome: Outcome,
    /// The levels, the finest first.
    pub levels: Vec<LevelFigures>,
    /// The slowest error of the stationary iteration with this solver; `None` for a direct solver.
    pub slowest: Option<SlowestError>,
    /// Other configurations; `None` if the solver was given.
    pub comparison: Option<ComparisonReport>,
    /// Training for a number of solves, if asked for.
    pub solves: Option<SolvesReport>,
    /// The default training, if asked for.
    pub training: Option<TrainingReport>,
    /// What was left out and why, one sentence each.
    pub notes: Vec<String>,
    coordinates: Option<DenseMatrix>,
}

impl Report {
    /// A report with this title: no coordinates, no training, a comparison of at most 30 seconds.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            coordinates: None,
            near_nullspace: None,
            seconds: SECONDS,
            memory: None,
            solves: None,
            train: false,
            seed: 1,
        }
    }

    /// Coordinates of the unknowns, n × d, for the picture of the slowest error, which is drawn for d = 2.
    pub fn coordinates(mut self, points: &DenseMatrix) -> Self {
        self.coordinates = Some(points.clone());
        self
    }

    /// Near-nullspace candidates of the matrix, n × k.
    pub fn near_nullspace(mut self, candidates: Option<DenseMatrix>) -> Self {
        self.near_nullspace = candidates;
        self
    }

    /// Time limit of the comparison with other configurations in seconds. Each training takes at most as long.
    pub fn time_limit(mut self, seconds: f64) -> Self {
        self.seconds = seconds;
        self
    }

    /// Memory limit of the process in bytes.
    pub fn memory_limit(mut self, bytes: Option<u64>) -> Self {
        self.memory = bytes;
        self
    }

    /// Adds a training for this number of solves, with the total time against the number of solves.
    pub fn solves(mut self, solves: Option<usize>) -> Self {
        self.solves = solves;
        self
    }

    /// Whether the default training is run, for its curve.
    pub fn train(mut self, train: bool) -> Self {
        self.train = train;
        self
    }

    /// The seed of the random vectors.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Builds the automatic solver, solves A x = b, and measures. `observe` is told what comes next.
    ///
    /// # Errors
    /// A matrix for which no solver can be built; a right-hand side or coordinates of another length; the memory limit.
    pub fn run(&self, a: &Csr<f64>, b: &[f64], observe: &mut dyn FnMut(&str)) -> Result<Page> {
        self.within(|| {
            observe("automatic solver");
            let solver = Solver::auto_with(a, self.near_nullspace.as_ref())?;
            let clock = Instant::now();
            let out = solver.solve_with(b, SolveOptions::new())?;
            let mut page = self.page(&solver, out, clock.elapsed().as_secs_f64(), observe)?;
            let comparison = Comparison::new()
                .repeats(1)
                .time_limit(self.seconds)
                .memory_limit(self.memory)
                .near_nullspace(self.near_nullspace.clone());
            page.comparison = Some(comparison.run(a, b, &mut |_, _, name| observe(name))?);
            if let Some(solves) = self.solves {
                observe("training for a number of solves");
                let trainer = self.trainer().for_solves(solves);
                let mut own = Solver::auto_with(a, self.near_nullspace.as_ref())?;
                match trainer.fit(&mut own) {
                    Ok(report) => page.solves = Some(report),
                    Err(e) => page.notes.push(format!("No training for {solves} solves: {e}.")),
                }
            }
            if self.train {
                observe("training");
                let fit = || {
                    let mut amg = Solver::smoothed_aggregation()
                        .suited_to(a)
                        .near_nullspace(self.near_nullspace.clone())
                        .build(a)?;
                    self.trainer().fit(&mut amg)
                };
                match fit() {
                    Ok(report) => page.training = Some(report),
                    Err(e) => page.notes.push(format!("No training: {e}.")),
                }
            }
            Ok(page)
        })
    }

    /// The report on a solve that was made by this solver in so many seconds, without a comparison.
    ///
    /// # Errors
    /// Coordinates of another length; the memory limit.
    pub fn of_solve(&self, solver: &Solver, outcome: &Outcome, seconds: f64) -> Result<Page> {
        self.within(|| self.page(solver, outcome.clone(), seconds, &mut |_| ()))
    }

    fn within<R>(&self, work: impl FnOnce() -> R) -> R {
        self.memory.map_or(Limits::new(), |bytes| Limits::new().memory(bytes)).within(work)
    }

    fn trainer(&self) -> Trainer {
        let limit = Duration::try_from_secs_f64(self.seconds.max(0.01)).ok();
        let trainer = Trainer::new().seed(self.seed);
        limit.map_or(trainer.clone(), |limit| trainer.time_limit(limit))
    }

    fn page(
        &self,
        solver: &Solver,
        outcome: Outcome,
        seconds: f64,
        observe: &mut dyn FnMut(&str),
    ) -> Result<Page> {
        let a = solver.matrix();
        if let Some(points) = self.coordinates.as_ref().filter(|points| points.rows() != a.rows()) {
            return Err(Error::dimension(format!(
                "coordinates of {} points for a matrix of {} rows; a picture needs one point for each",
                points.rows(),
                a.rows()
            )));
        }
        // The levels are those of the configuration that solved.
        let answered = solver.answered();
        let shown = answered.as_deref().unwrap_or(solver);
        let mut notes = Vec::new();
        observe("levels");
        let levels = levels::figures(shown, self.seconds / 4.0).unwrap_or_else(|e| {
            notes.push(format!("The levels were not measured: {e}."));
            Vec::new()
        });
        observe("slowest error");
        let slowest = slowest::slowest(shown, self.seconds / 4.0, self.seed).unwrap_or_else(|e| {
            notes.push(format!("The slowest error was not measured: {e}."));
            None
        });
        Ok(Page {
            title: self.title.clone(),
            properties: MatrixProperties::of(a),
            solver: shown.to_string(),
            summary: solver.summary(),
            reasons: solver.reasons().to_vec(),
            seconds: (solver.setup_seconds(), seconds),
            bytes_per_unknown: shown.bytes() as f64 / a.rows().max(1) as f64,
            outcome,
            levels,
            slowest,
            comparison: None,
            solves: None,
            training: None,
            notes,
            coordinates: self.coordinates.clone(),
        })
    }
}

impl Page {
    /// The page as one HTML document without further files.
    ///
    /// # Errors
    /// A picture that cannot be drawn.
    pub fn html(&self) -> Result<String> {
        page::document(self)
    }

    /// Writes the page.
    ///
    /// # Errors
    /// As [`html`](Self::html); a file that cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let text = self.html()?;
        write_atomic(path.as_ref(), |file| file.write_all(text.as_bytes()))
    }
}

#[cfg(test)]
mod tests;
