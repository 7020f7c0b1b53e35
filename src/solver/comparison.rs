//! Comparison of the automatic choice with other configurations on one matrix.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::builder::Builder;
use super::candidates::candidates;
use super::configuration::Configuration;
use super::measure::{Protocol, fastest_setup};
use super::properties::MatrixProperties;
use super::value::Solver;
use crate::error::Result;
use crate::krylov::SolveOptions;
use crate::limits::Limits;
use crate::sparse::{Csr, DenseMatrix};

/// Settings of a comparison.
///
/// ```
/// use multigrad::{gallery, solver::Comparison};
/// let problem = gallery::poisson_2d(20, 20)?;
/// let report = Comparison::new().repeats(1).run(&problem.matrix, &problem.rhs, &mut |_, _, _| ())?;
/// assert!(report.rows[0].converged);
/// # Ok::<(), multigrad::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Comparison {
    rtol: f64,
    max_iterations: usize,
    repeats: usize,
    /// Seconds of all measurements, or infinity.
    seconds: f64,
    memory: Option<u64>,
    near_nullspace: Option<DenseMatrix>,
}

/// The result of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ComparisonReport {
    /// The configurations, those that converged first, by their total seconds.
    #[serde(rename = "configurations")]
    pub rows: Vec<Compared>,
    /// One sentence for each configuration that was not measured.
    #[serde(rename = "not_built")]
    pub failures: Vec<String>,
}

/// The measurement of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Compared {
    /// The configuration in one line.
    pub configuration: String,
    /// Whether it is the automatic choice.
    pub automatic: bool,
    /// Seconds of the fastest setup.
    pub setup_seconds: f64,
    /// Seconds of the fastest solve.
    pub solve_seconds: f64,
    /// The sum of both.
    pub total_seconds: f64,
    /// Iterations of a solve.
    pub iterations: usize,
    /// Whether it reached the tolerance, by the residual recomputed from x.
    pub converged: bool,
    /// "converged", or the reason of the failure.
    pub status: String,
    /// ‖b − A x‖₂/‖b‖₂; infinite after a failure.
    pub relative_residual: f64,
    /// Nonzeros of all levels over those of A.
    pub operator_complexity: f64,
    /// Number of levels.
    pub levels: usize,
    /// Bytes of the hierarchy and of the workspace of a cycle, per row of A.
    pub bytes_per_unknown: f64,
    /// ‖b − A x‖₂/‖b‖₂ at the start and after every iteration.
    pub residual_history: Vec<f64>,
}

impl Default for Comparison {
    fn default() -> Self {
        Self {
            rtol: 1e-8,
            max_iterations: 500,
            repeats: 3,
            seconds: f64::INFINITY,
            memory: None,
            near_nullspace: None,
        }
    }
}

/// Called before a configuration is measured, with its number, the number of configurations, and its name.
type Observer<'a> = &'a mut dyn FnMut(usize, usize, &str);

impl Comparison {
    /// Relative tolerance 10⁻⁸, 500 iterations, three repeats, no limits.
    pub fn new() -> Self {
        Self::default()
    }

    /// Required ‖b − A x‖₂/‖b‖₂.
    pub fn rtol(mut self, rtol: f64) -> Self {
        self.rtol = rtol;
        self
    }

    /// Largest number of iterations of a solve.
    pub fn max_iterations(mut self, iterations: usize) -> Self {
        self.max_iterations = iterations;
        self
    }

    /// Number of setups and of solves of each configuration; the fastest count.
    pub fn repeats(mut self, repeats: usize) -> Self {
        self.repeats = repeats;
        self
    }

    /// Time limit of all measurements in seconds. A configuration may take up to three times the mean remaining time
    /// for each, and at most half of the remaining time.
    pub fn time_limit(mut self, seconds: f64) -> Self {
        self.seconds = seconds;
        self
    }

    /// Memory limit of the process in bytes; configurations that exceed it are left out.
    pub fn memory_limit(mut self, bytes: Option<u64>) -> Self {
        self.memory = bytes;
        self
    }

    /// Near-nullspace candidates of A, n × k.
    pub fn near_nullspace(mut self, candidates: Option<DenseMatrix>) -> Self {
        self.near_nullspace = candidates;
        self
    }

    /// Measures the automatic choice and the other configurations that suit A.
    ///
    /// # Errors
    /// A matrix for which no solver can be built, or a right-hand side of another length.
    pub fn run(&self, a: &Csr<f64>, b: &[f64], observe: Observer<'_>) -> Result<ComparisonReport> {
        let clock = Instant::now();
        let modes = self.near_nullspace.as_ref();
        let (mut rows, mut failures) = (Vec::new(), Vec::new());
        let mut picked = None;
        observe(0, 1, "the automatic choice");
        match self.measure(a, b, self.share(&clock, 1), &|| Solver::auto_with(a, modes)) {
            Ok((row, configuration)) => {
                picked = configuration;
                rows.push(Compared { automatic: true, ..row });
            }
            Err(e) if e.is_limit() => failures.push(format!("the automatic choice: {e}")),
            Err(e) => return Err(e),
        }
        let others = candidates(&MatrixProperties::of(a), modes.is_some());
        let configurations: Vec<_> = others.into_iter().filter(|c| Some(c) != picked.as_ref()).collect();
        for (done, configuration) in configurations.iter().enumerate() {
            if clock.elapsed().as_secs_f64() > 0.99 * self.seconds {
                failures.push(format!("{configuration}: left out, no time is left of {} s", self.seconds));
                continue;
            }
            observe(done + 1, configurations.len() + 1, &configuration.to_string());
            let builder = Builder::from(configuration.clone()).near_nullspace(modes.cloned());
            let share = self.share(&clock, configurations.len() - done);
            match self.measure(a, b, share, &|| builder.build(a)) {
                Ok((row, _)) => rows.push(row),
                Err(e) => failures.push(format!("{configuration}: {e}")),
            }
        }
        rows.sort_by(|p, q| q.converged.cmp(&p.converged).then(p.total_seconds.total_cmp(&q.total_seconds)));
        Ok(ComparisonReport { rows, failures })
    }

    /// Seconds that the next of so many solvers may take.
    fn share(&self, clock: &Instant, solvers: usize) -> f64 {
        let left = (self.seconds - clock.elapsed().as_secs_f64()).max(0.0);
        left * (3.0 / solvers.max(1) as f64).min(0.5)
    }

    /// The fastest of several setups and the fastest of several solves, within a share of the time.
    fn measure(
        &self,
        a: &Csr<f64>,
        b: &[f64],
        share: f64,
        build: &dyn Fn() -> Result<Solver>,
    ) -> Result<(Compared, Option<Configuration>)> {
        let clock = Instant::now();
        let time = Duration::try_from_secs_f64(share).ok();
        let limits = time.map_or(Limits::new(), |time| Limits::new().time(time));
        let limits = match self.memory {
            Some(bytes) => limits.memory(bytes),
            None => limits,
        };
        limits.within(|| {
            let (solver, setup_seconds) = fastest_setup(self.repeats, 0.5 * share, build)?;
            let left = share - clock.elapsed().as_secs_f64();
            let row = self.solves(a, b, left, &solver, setup_seconds)?;
            Ok((row, solver.configuration()))
        })
    }

    /// The fastest of several solves, which may take this number of seconds together.
    fn solves(
        &self,
        a: &Csr<f64>,
        b: &[f64],
        seconds: f64,
        solver: &Solver,
        setup_seconds: f64,
    ) -> Result<Compared> {
        let right_hand_sides = [b.to_vec()];
        let protocol = Protocol {
            repeats: self.repeats,
            give_up: 0.5 * seconds,
            // A slow solve is not repeated: the time of all must fit.
            warm_up: seconds.is_finite(),
            repeat_below: 0.5 * seconds / (self.repeats + 1) as f64,
            ..Protocol::new(a, &right_hand_sides, self.rtol)
        };
        let mut residual_history = Vec::new();
        let m = protocol.measure(&mut |a, b, on_iteration| {
            let own = SolveOptions::new().rtol(self.rtol).max_iterations(self.max_iterations);
            let out = solver.solve_for(a, b, own.on_iteration(on_iteration))?;
            residual_history.clone_from(&out.residual_history);
            Ok(out)
        })?;
        Ok(Compared {
            configuration: solver.summary(),
            automatic: false,
            setup_seconds,
            solve_seconds: m.solve_seconds,
            total_seconds: setup_seconds + m.solve_seconds,
            iterations: m.iterations,
            converged: m.converged,
            status: m.status,
            relative_residual: m.relative_residual.unwrap_or(f64::INFINITY),
            operator_complexity: solver.operator_complexity(),
            levels: solver.levels(),
            bytes_per_unknown: solver.bytes() as f64 / a.rows().max(1) as f64,
            residual_history,
        })
    }
}
