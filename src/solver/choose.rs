//! Rules for the automatic choice of a configuration.

use std::time::Instant;

use super::builder::Builder;
use super::configuration::Configuration;
use super::properties::MatrixProperties;
use super::value::Solver;
use crate::error::{Error, Result};
use crate::krylov::Krylov;
use crate::multigrid::{CycleKind, Relaxation, Setup};
use crate::setup::classical::Classical;
use crate::setup::{Aggregates, Coarsening, Smoothing, Variant};
use crate::sparse::{Csr, DenseMatrix};

/// Largest nonsymmetric matrix that is solved without coarser levels. For a flow problem with 4096 rows, one level
/// took about half the time of a hierarchy; with 16 384 rows it took more (`cargo bench --bench solve`).
const ONE_LEVEL_ROWS: usize = 8000;

/// Configurations in order of preference, with reasons.
#[derive(Debug, Clone)]
pub struct Choice {
    /// The first configuration that can be built is used.
    pub configurations: Vec<Configuration>,
    /// Reasons, one sentence each.
    pub reasons: Vec<String>,
    symmetric: bool,
}

impl Choice {
    /// Explicitly requested configurations, for a matrix with this properties.
    pub fn asked_for(configurations: Vec<Configuration>, properties: &MatrixProperties) -> Self {
        Self { configurations, reasons: Vec::new(), symmetric: properties.is_symmetric() }
    }

    /// Configurations suited to a matrix with this properties, with or without near-nullspace candidates.
    pub fn suited(properties: &MatrixProperties, has_candidates: bool) -> Self {
        let mut choice = Self::asked_for(Vec::new(), properties);
        if properties.is_symmetric() {
            choice.symmetric_matrix(properties, has_candidates);
        } else {
            choice.nonsymmetric_matrix(properties, has_candidates);
        }
        choice
    }

    fn because(&mut self, reason: impl Into<String>) {
        self.reasons.push(reason.into());
    }

    fn symmetric_matrix(&mut self, p: &MatrixProperties, has_candidates: bool) {
        let smoothed = Coarsening::default();
        let last_resort = Configuration::new(smoothed.clone(), Relaxation::GaussSeidel, Krylov::Fgmres);
        if p.is_indefinite() {
            self.because("symmetric, with zeros or both signs on the diagonal, so indefinite: FGMRES");
            self.configurations = vec![last_resort.double()];
            return;
        }
        self.because("symmetric: CG with a symmetric cycle, held in single precision");
        if p.has_hubs() {
            self.because(format!(
                "rows of up to {} entries, {:.0} on average: a graph with hubs, so pairs of vertices are aggregated",
                p.longest_row,
                p.mean_row()
            ));
            let pairs = Coarsening {
                aggregates: Aggregates::Pairwise,
                smoothing: Some(Smoothing::None),
                ..Coarsening::default()
            };
            let configuration = Configuration::new(pairs, Relaxation::GaussSeidel, Krylov::Cg);
            self.configurations = vec![configuration.cycle(CycleKind::K)];
        } else {
            let relaxation = if p.block_size > 1 {
                self.because(format!(
                    "{} unknowns per node: aggregates of nodes{}",
                    p.block_size,
                    if has_candidates {
                        ""
                    } else {
                        "; near-nullspace candidates (rigid-body modes) would help"
                    }
                ));
                Relaxation::GaussSeidel
            } else {
                self.because(
                    "one unknown per node: smoothed aggregation, the cheapest setup for its convergence",
                );
                if p.wrong_sign < 1e-3 {
                    self.because("no positive off-diagonal entries: SPAI-0, whose sweeps run in parallel");
                    Relaxation::Spai0
                } else {
                    Relaxation::GaussSeidel
                }
            };
            self.configurations = vec![Configuration::new(smoothed, relaxation, Krylov::Cg)];
        }
        self.configurations.push(last_resort.double());
    }

    fn nonsymmetric_matrix(&mut self, p: &MatrixProperties, has_candidates: bool) {
        self.because(format!(
            "nonsymmetric (‖A − Aᵀ‖/‖A‖ = {:.1e}): BiCGStab with incomplete factors, which follow the flow",
            p.asymmetry
        ));
        if p.rows <= ONE_LEVEL_ROWS {
            self.because(format!("{} unknowns: factors with fill are faster than a hierarchy", p.rows));
            let factors = Relaxation::Ilu { level: 2, damping: Some(1.0) };
            self.configurations.push(Configuration::new(Setup::OneLevel, factors, Krylov::BiCgStab));
        }
        let setup = Coarsening::from(Variant::SymmetricPart);
        self.configurations.extend([
            Configuration::new(setup.clone(), Relaxation::Ilu0(1.0), Krylov::BiCgStab),
            Configuration::new(setup, Relaxation::GaussSeidel, Krylov::Fgmres).double(),
        ]);
        if !has_candidates {
            self.configurations
                .push(Configuration::new(Classical::air(), Relaxation::GaussSeidel, Krylov::Fgmres).double());
        }
    }

    /// The solver of the first configuration that can be built.
    ///
    /// # Errors
    /// The error of the first configuration, if none can be built.
    pub fn build(&self, a: &Csr<f64>, near_nullspace: Option<&DenseMatrix>) -> Result<Solver> {
        let clock = Instant::now();
        let mut reasons = self.reasons.clone();
        let mut failure = None;
        for configuration in &self.configurations {
            let builder = Builder::from(configuration.clone()).near_nullspace(near_nullspace.cloned());
            match builder.known_symmetry(self.symmetric).build(a) {
                Ok(solver) => return Ok(solver.explained(reasons, clock.elapsed().as_secs_f64())),
                Err(e) => {
                    reasons.push(format!("{configuration} could not be built: {e}"));
                    failure.get_or_insert(e);
                }
            }
        }
        Err(failure.unwrap_or_else(|| Error::invalid_input("no configuration to build a solver from")))
    }
}

impl Solver {
    /// The solver suited to the matrix: setup, smoother, precision and Krylov method follow from its properties
    /// ([`MatrixProperties`](super::MatrixProperties)). Printing the solver shows the choice with its reasons.
    ///
    /// # Errors
    /// A matrix that is not square, has a zero row or a zero on its diagonal.
    ///
    /// ```
    /// use multigrad::{Solver, gallery};
    /// let problem = gallery::poisson_2d(40, 40)?;
    /// let solver = Solver::auto(&problem.matrix)?;
    /// println!("{solver}");
    /// assert!(solver.solve(&problem.rhs)?.converged());
    /// # Ok::<(), multigrad::Error>(())
    /// ```
    pub fn auto(a: &Csr<f64>) -> Result<Self> {
        Self::auto_with(a, None)
    }

    /// As [`auto`](Self::auto), with near-nullspace candidates, n × k, such as rigid-body modes.
    ///
    /// # Errors
    /// As [`auto`](Self::auto); candidates that do not fit the matrix.
    pub fn auto_with(a: &Csr<f64>, near_nullspace: Option<&DenseMatrix>) -> Result<Self> {
        check(a)?;
        let clock = Instant::now();
        let choice = Choice::suited(&MatrixProperties::of(a), near_nullspace.is_some());
        let mut solver = choice.build(a, near_nullspace)?;
        solver.setup_seconds = clock.elapsed().as_secs_f64();
        Ok(solver)
    }
}

/// Checks that the matrix is square, as every solver requires.
fn check(a: &Csr<f64>) -> Result<()> {
    if a.rows() == a.cols() {
        return Ok(());
    }
    Err(Error::dimension(format!("the matrix is {} × {}; a solver needs a square one", a.rows(), a.cols())))
}
