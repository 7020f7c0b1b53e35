//! A solver whose whole iteration stays on a card.

use super::configuration::Krylov;
use crate::backend::Cuda;
use crate::backend::cuda::{Factor, Memory};
use crate::engine::Host;
use crate::error::{Error, Result};
use crate::krylov::{
    Outcome, ResidentBiCgStab, ResidentCg, ResidentCycles, ResidentFgmres, ResidentMatrix, ResidentOperator,
};
use crate::multigrid::{CyclePreconditioner, Hierarchy, ResidentCycle};
use crate::sparse::Csr;

/// A matrix and a multigrid cycle on a card, and a Krylov method around them: vectors, scalars and the cycle stay
/// there, iterations run as captured graphs, and of each the host reads a few scalars.
///
/// The iterations are those of the methods on the processor, up to the rounding of sums in another order.
///
/// ```no_run
/// use multigrad::{backend::Cuda, gallery, multigrid::Amg, solver::{Krylov, ResidentSolver}};
/// let problem = gallery::poisson_2d(1000, 1000)?;
/// let amg = Amg::smoothed_aggregation().build(&problem.matrix)?;
/// let cuda = Cuda::open(0)?;
/// let solver = ResidentSolver::double(&cuda, &problem.matrix, amg.hierarchy())?;
/// let out = solver.krylov(Krylov::Cg).rtol(1e-6).solve(&problem.rhs)?;
/// assert!(out.converged());
/// # Ok::<(), multigrad::error::Error>(())
/// ```
#[derive(Debug)]
pub struct ResidentSolver {
    cuda: Cuda,
    matrix: ResidentMatrix,
    cycle: Cycle,
    krylov: Krylov,
    rtol: f64,
    max_iterations: usize,
    restart: usize,
}

#[derive(Debug)]
enum Precision {
    Double(ResidentCycle<f64>),
    Single(ResidentCycle<f32>),
}

/// A cycle as the methods see it.
#[derive(Debug)]
struct Cycle {
    cuda: Cuda,
    precision: Precision,
    symmetric: bool,
}

impl ResidentOperator for Cycle {
    fn rows(&self) -> usize {
        match &self.precision {
            Precision::Double(cycle) => cycle.rows(),
            Precision::Single(cycle) => cycle.rows(),
        }
    }

    fn queue(&self, x: &Memory<f64>, y: &mut Memory<f64>) {
        let cuda = &self.cuda;
        match &self.precision {
            Precision::Double(cycle) => cycle.queue(|r| cuda.copy(x, r), |z| cuda.copy(z, y)),
            Precision::Single(cycle) => {
                cycle.queue(|r| cuda.narrow(Factor::Is(1.0), x, r), |z| cuda.widen(Factor::Is(1.0), z, y));
            }
        }
    }

    fn is_symmetric(&self) -> bool {
        self.symmetric
    }
}

impl ResidentSolver {
    /// With a cycle in double precision, by CG if matrix and cycle are symmetric, otherwise by FGMRES.
    ///
    /// # Errors
    /// Sizes that do not fit; what [`Hierarchy::to_device`] refuses; a device that is out of memory.
    pub fn double(cuda: &Cuda, a: &Csr<f64>, hierarchy: &Hierarchy<Host<f64>>) -> Result<Self> {
        let symmetric = hierarchy.is_symmetric();
        Self::with(cuda, a, Precision::Double(ResidentCycle::new(cuda, hierarchy)?), symmetric)
    }

    /// With a cycle in single precision, half the memory traffic, inside a method in double precision.
    ///
    /// # Errors
    /// As [`double`](Self::double).
    pub fn single(cuda: &Cuda, a: &Csr<f64>, hierarchy: &Hierarchy<Host<f32>>) -> Result<Self> {
        let symmetric = hierarchy.is_symmetric();
        Self::with(cuda, a, Precision::Single(ResidentCycle::new(cuda, hierarchy)?), symmetric)
    }

    /// With a compiled cycle of the processor, in its precision.
    ///
    /// # Errors
    /// As [`double`](Self::double); neither precision given.
    pub fn of(
        cuda: &Cuda,
        a: &Csr<f64>,
        (double, single): (Option<&CyclePreconditioner<f64>>, Option<&CyclePreconditioner<f32>>),
    ) -> Result<Self> {
        match (double, single) {
            (Some(cycle), _) => Self::double(cuda, a, cycle.hierarchy()),
            (None, Some(cycle)) => Self::single(cuda, a, cycle.hierarchy()),
            (None, None) => Err(Error::unsuited("there is no multigrid cycle to move to a card")),
        }
    }

    fn with(cuda: &Cuda, a: &Csr<f64>, precision: Precision, symmetric: bool) -> Result<Self> {
        let cycle = Cycle { cuda: cuda.clone(), precision, symmetric };
        if cycle.rows() != a.rows() {
            let message = format!("a cycle of {} rows for a matrix of {}", cycle.rows(), a.rows());
            return Err(Error::dimension(message));
        }
        let symmetric = a.is_symmetric();
        let krylov = if symmetric && cycle.symmetric { Krylov::Cg } else { Krylov::Fgmres };
        let matrix = ResidentMatrix::new(cuda, a, symmetric)?;
        let cuda = cuda.clone();
        Ok(Self { cuda, matrix, cycle, krylov, rtol: 1e-8, max_iterations: 500, restart: 30 })
    }

    /// The method.
    #[must_use]
    pub fn krylov(mut self, krylov: Krylov) -> Self {
        self.krylov = krylov;
        self
    }

    /// Relative tolerance: converged when ‖b − A x‖₂ ≤ rtol ‖b‖₂. Default 1e-8.
    #[must_use]
    pub fn rtol(mut self, rtol: f64) -> Self {
        self.rtol = rtol;
        self
    }

    /// Iterations after which to give up. Default 500.
    #[must_use]
    pub fn max_iterations(mut self, iterations: usize) -> Self {
        self.max_iterations = iterations;
        self
    }

    /// Iterations of FGMRES between restarts. Default 30.
    #[must_use]
    pub fn restart(mut self, iterations: usize) -> Self {
        self.restart = iterations;
        self
    }

    /// Solves A x = b from zero.
    ///
    /// # Errors
    /// As the method on the processor; a failure of the device. Not converging is no error.
    pub fn solve(&self, b: &[f64]) -> Result<Outcome> {
        self.solve_with(b, &mut |_, _| ())
    }

    /// As [`solve`](Self::solve), calling `on_iteration(iteration, relative residual)` after every
    /// iteration, counted from 1.
    ///
    /// # Errors
    /// As [`solve`](Self::solve).
    pub fn solve_with(&self, b: &[f64], on_iteration: &mut dyn FnMut(usize, f64)) -> Result<Outcome> {
        // The power of two next to the largest value, so that single precision holds small residuals of small b.
        let largest = b.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        let exponent = if largest > 0.0 && largest.is_finite() { largest.log2().floor() } else { 0.0 };
        let scale = 0.5f64.powi(exponent.clamp(-1000.0, 1000.0) as i32);
        let scaled: Vec<f64> = b.iter().map(|v| v * scale).collect();
        let (a, cycle): (&dyn ResidentOperator, Option<&dyn ResidentOperator>) =
            (&self.matrix, Some(&self.cycle));
        macro_rules! solve {
            ($method:expr) => {
                $method.rtol(self.rtol).max_iterations(self.max_iterations).solve_with(
                    a,
                    cycle,
                    &scaled,
                    on_iteration,
                )?
            };
        }
        let mut out = match self.krylov {
            Krylov::Cg => solve!(ResidentCg::new(&self.cuda)),
            Krylov::BiCgStab => solve!(ResidentBiCgStab::new(&self.cuda)),
            Krylov::Fgmres => solve!(ResidentFgmres::new(&self.cuda).restart(self.restart)),
            Krylov::Cycles => solve!(ResidentCycles::new(&self.cuda)),
        };
        out.x.iter_mut().for_each(|v| *v /= scale);
        Ok(out)
    }
}
