//! A solver for one matrix: built, applied, refreshed.

use std::fmt;
use std::time::Instant;

use ndarray::Array2;

use super::choose::{Choice, check};
use super::configuration::{Configuration, Krylov};
use super::iterate::Iteration;
use super::portrait::Portrait;
use crate::error::Result;
use crate::krylov::Outcome;
use crate::multigrid::{Amg, CyclePreconditioner, Refresh};
use crate::operator::{LinearOperator, Preconditioner};
use crate::sparse::Csr;

/// A cycle in one of two precisions, with the Krylov method that goes with it.
///
/// [`Amg::auto`] makes one that suits the matrix; [`Solver::build`] makes any. It is a
/// [`Preconditioner`]; printing it shows what was picked, why, and the table of levels.
#[derive(Debug)]
pub struct Solver {
    configuration: Configuration,
    cycle: Cycle,
    /// The products of the levels, planned when they are needed first.
    refresh: Option<Refresh>,
    reasons: Vec<String>,
    setup_seconds: f64,
}

#[derive(Debug)]
enum Cycle {
    Double(CyclePreconditioner<f64>),
    Single(CyclePreconditioner<f32>),
}

macro_rules! either {
    ($cycle:expr, $c:ident => $body:expr) => {
        match $cycle {
            Cycle::Double($c) => $body,
            Cycle::Single($c) => $body,
        }
    };
}

impl Solver {
    /// The solver for `a` (n × n) that a configuration describes; near-nullspace candidates are
    /// n × k, constants without them.
    ///
    /// # Errors
    /// What the setup and the smoother report of the matrix; a value that overflows single
    /// precision.
    pub fn build(
        a: &Csr<f64>,
        configuration: &Configuration,
        near_nullspace: Option<&Array2<f64>>,
    ) -> Result<Self> {
        Self::build_known(a, configuration, near_nullspace, None)
    }

    /// As [`build`](Self::build), where it is known already whether `a` is symmetric.
    pub(super) fn build_known(
        a: &Csr<f64>,
        configuration: &Configuration,
        near_nullspace: Option<&Array2<f64>>,
        symmetric: Option<bool>,
    ) -> Result<Self> {
        let clock = Instant::now();
        let c = configuration;
        let mut builder = Amg::builder(c.setup.clone())
            .relaxation(c.relaxation)
            .sweeps(c.sweeps.0, c.sweeps.1)
            .cycle(c.cycle);
        if let Some(candidates) = near_nullspace {
            builder = builder.near_nullspace(candidates.clone());
        }
        let hierarchy = builder.build_hierarchy(a)?;
        let known = symmetric.map(|symmetric| {
            symmetric && c.cycle.is_linear() && c.setup.keeps_symmetry() && hierarchy.sweeps_mirror()
        });
        let cycle = if c.single {
            Cycle::Single(CyclePreconditioner::trusted(hierarchy.into_precision()?, known)?)
        } else {
            Cycle::Double(CyclePreconditioner::trusted(hierarchy, known)?)
        };
        let setup_seconds = clock.elapsed().as_secs_f64();
        Ok(Self {
            configuration: configuration.clone(),
            cycle,
            refresh: None,
            reasons: Vec::new(),
            setup_seconds,
        })
    }

    /// Takes a matrix with new values on the same pattern, as in time stepping or Newton's method:
    /// the transfers between levels are kept, their products and the smoothers are computed anew
    /// without symbolic work. The first call plans the products and costs about as much as a
    /// setup; the next ones a quarter of it (`cargo bench --bench cycle`). Build a new solver once convergence suffers,
    /// since the transfers were made for the first matrix.
    ///
    /// # Errors
    /// Another pattern; what the smoother reports of the new values. The solver stays as it was.
    ///
    /// ```
    /// use multigrad::{gallery, multigrid::Amg};
    /// let problem = gallery::poisson_2d(30, 30)?;
    /// let mut solver = Amg::auto(&problem.matrix)?;
    /// // A step of implicit Euler: the same pattern, another diagonal.
    /// let heat = problem.matrix.map(|i, j, v| if i == j { v + 0.1 } else { v });
    /// solver.refresh(&heat)?;
    /// assert!(solver.solve(&heat, &problem.rhs)?.converged());
    /// # Ok::<(), multigrad::error::Error>(())
    /// ```
    pub fn refresh(&mut self, a: &Csr<f64>) -> Result<()> {
        let clock = Instant::now();
        let plan = match self.refresh.take() {
            Some(plan) => plan,
            None => either!(&self.cycle, c => Refresh::new(c.hierarchy()))?,
        };
        let (relaxation, sweeps) = (self.configuration.relaxation, self.configuration.sweeps);
        let symmetric = Some(self.is_symmetric() && a.is_symmetric());
        let renewed = match &self.cycle {
            Cycle::Double(c) => plan
                .apply(c.hierarchy(), a, relaxation, sweeps)
                .and_then(|h| CyclePreconditioner::trusted(h, symmetric).map(Cycle::Double)),
            Cycle::Single(c) => plan
                .apply(c.hierarchy(), a, relaxation, sweeps)
                .and_then(|h| CyclePreconditioner::trusted(h, symmetric).map(Cycle::Single)),
        };
        self.refresh = Some(plan);
        self.cycle = renewed?;
        self.setup_seconds = clock.elapsed().as_secs_f64();
        Ok(())
    }

    /// With what led to it.
    pub(super) fn explained(mut self, reasons: Vec<String>, setup_seconds: f64) -> Self {
        (self.reasons, self.setup_seconds) = (reasons, setup_seconds);
        self
    }

    /// What it is made of.
    pub fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// Why it is made so, one sentence each; empty if it was asked for.
    pub fn reasons(&self) -> &[String] {
        &self.reasons
    }

    /// Seconds that the setup took.
    pub fn setup_seconds(&self) -> f64 {
        self.setup_seconds
    }

    /// The compiled cycle, if it is in double precision.
    pub fn double(&self) -> Option<&CyclePreconditioner<f64>> {
        if let Cycle::Double(c) = &self.cycle { Some(c) } else { None }
    }

    /// The compiled cycle, if it is in single precision.
    pub fn single(&self) -> Option<&CyclePreconditioner<f32>> {
        if let Cycle::Single(c) = &self.cycle { Some(c) } else { None }
    }

    /// Number of levels, the coarsest included.
    pub fn levels(&self) -> usize {
        either!(&self.cycle, c => c.hierarchy().levels.len() + 1)
    }

    /// Nonzeros of the operators of all levels over those of the finest.
    pub fn operator_complexity(&self) -> f64 {
        either!(&self.cycle, c => c.hierarchy().operator_complexity())
    }

    /// Bytes of the hierarchy and of the workspace of a cycle.
    pub fn bytes(&self) -> usize {
        either!(&self.cycle, c => c.bytes())
    }

    /// Solves A x = b to ‖b − A x‖₂ ≤ 10⁻⁸ ‖b‖₂; [`solve_to`](Self::solve_to) for another
    /// tolerance.
    ///
    /// # Errors
    /// As the Krylov methods; not converging is a status of the outcome.
    pub fn solve(&self, a: &dyn LinearOperator, b: &[f64]) -> Result<Outcome> {
        self.solve_to(a, b, 1e-8, 500, &mut |_, _| ())
    }

    /// Solves A x = b to ‖b − A x‖₂ ≤ `rtol` ‖b‖₂ in at most `max_iterations`, calling
    /// `on_iteration(iteration, relative residual)`.
    ///
    /// # Errors
    /// As [`solve`](Self::solve).
    pub fn solve_to(
        &self,
        a: &dyn LinearOperator,
        b: &[f64],
        rtol: f64,
        max_iterations: usize,
        on_iteration: &mut dyn FnMut(usize, f64),
    ) -> Result<Outcome> {
        self.solve_by(self.configuration.krylov, a, b, rtol, max_iterations, on_iteration)
    }

    /// As [`solve_to`](Self::solve_to), by another method than its own. Whether the cycle is
    /// symmetric, as CG needs it, is left to the caller.
    ///
    /// # Errors
    /// As [`solve`](Self::solve).
    pub fn solve_by(
        &self,
        krylov: Krylov,
        a: &dyn LinearOperator,
        b: &[f64],
        rtol: f64,
        max_iterations: usize,
        on_iteration: &mut dyn FnMut(usize, f64),
    ) -> Result<Outcome> {
        let flexible = !self.configuration.cycle.is_linear();
        Iteration { krylov, rtol, max_iterations, flexible }.solve(self, a, b, on_iteration)
    }
}

impl Preconditioner for Solver {
    fn rows(&self) -> usize {
        either!(&self.cycle, c => c.rows())
    }

    fn is_symmetric(&self) -> bool {
        either!(&self.cycle, c => c.is_symmetric())
    }

    fn apply(&self, r: &[f64], z: &mut [f64]) -> Result<()> {
        either!(&self.cycle, c => c.apply(r, z))
    }

    fn apply_dot(&self, r: &[f64], norm: f64, z: &mut [f64]) -> Result<Option<f64>> {
        either!(&self.cycle, c => c.apply_dot(r, norm, z))
    }

    fn apply_transposed(&self, r: &[f64], z: &mut [f64]) -> Result<()> {
        either!(&self.cycle, c => c.apply_transposed(r, z))
    }
}

impl fmt::Display for Solver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.configuration)?;
        for reason in &self.reasons {
            writeln!(f, "  · {reason}")?;
        }
        either!(&self.cycle, c => c.hierarchy().fmt(f))
    }
}

impl Amg {
    /// A solver that suits the matrix: setup, smoother, precision and Krylov method are picked by
    /// what can be seen of it ([`Portrait`]); printing it says what was picked and why.
    ///
    /// # Errors
    /// A matrix that is not square, has a zero row or a zero on its diagonal.
    ///
    /// ```
    /// use multigrad::{gallery, multigrid::Amg};
    /// let problem = gallery::poisson_2d(40, 40)?;
    /// let solver = Amg::auto(&problem.matrix)?;
    /// println!("{solver}");
    /// let out = solver.solve(&problem.matrix, &problem.rhs)?;
    /// assert!(out.converged());
    /// # Ok::<(), multigrad::error::Error>(())
    /// ```
    pub fn auto(a: &Csr<f64>) -> Result<Solver> {
        Self::auto_with(a, None)
    }

    /// As [`auto`](Self::auto), for near-nullspace candidates, n × k, such as rigid-body modes.
    ///
    /// # Errors
    /// As [`auto`](Self::auto); candidates that do not fit the matrix.
    pub fn auto_with(a: &Csr<f64>, near_nullspace: Option<&Array2<f64>>) -> Result<Solver> {
        check(a)?;
        let clock = Instant::now();
        let choice = Choice::suited(&Portrait::of(a), near_nullspace.is_some());
        let solver = choice.build(a, near_nullspace)?;
        Ok(Solver { setup_seconds: clock.elapsed().as_secs_f64(), ..solver })
    }
}
