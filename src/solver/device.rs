//! Complete solves on a GPU.

use crate::backend::Cuda;
use crate::backend::cuda::{Factor, Memory};
use crate::error::{Error, Result};
use crate::krylov::{
    Krylov, Outcome, ResidentBiCgStab, ResidentCg, ResidentFgmres, ResidentMatrix, ResidentOperator,
    ResidentRichardson, SolveOptions,
};
use crate::multigrid::{Cycle, ResidentCycle};
use crate::operator::Preconditioner;
use crate::sparse::Csr;

/// A matrix and a multigrid cycle on a device.
#[derive(Debug)]
pub(super) struct DeviceSolver {
    pub cuda: Cuda,
    matrix: ResidentMatrix,
    cycle: DeviceCycle,
}

#[derive(Debug)]
enum Precision {
    Double(ResidentCycle<f64>),
    Single(ResidentCycle<f32>),
}

/// A cycle as an operator of the Krylov methods.
#[derive(Debug)]
struct DeviceCycle {
    cuda: Cuda,
    precision: Precision,
    symmetric: bool,
}

impl ResidentOperator for DeviceCycle {
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

impl DeviceSolver {
    pub fn new(cuda: &Cuda, a: &Csr<f64>, cycle: &Cycle) -> Result<Self> {
        if cycle.rows() != a.rows() {
            let message = format!("a cycle of {} rows for a matrix of {}", cycle.rows(), a.rows());
            return Err(Error::dimension(message));
        }
        let precision = match cycle {
            Cycle::Double(c) => Precision::Double(ResidentCycle::new(cuda, c.hierarchy())?),
            Cycle::Single(c) => Precision::Single(ResidentCycle::new(cuda, c.hierarchy())?),
        };
        let cycle = DeviceCycle { cuda: cuda.clone(), precision, symmetric: cycle.is_symmetric() };
        let matrix = ResidentMatrix::new(cuda, a, a.is_symmetric())?;
        Ok(Self { cuda: cuda.clone(), matrix, cycle })
    }

    /// A solver with another matrix and cycle on the same device.
    pub fn with(&self, a: &Csr<f64>, cycle: &Cycle) -> Result<Self> {
        Self::new(&self.cuda, a, cycle)
    }

    pub fn solve(&self, krylov: Krylov, b: &[f64], options: SolveOptions<'_>) -> Result<Outcome> {
        // Scaling b to about 1 keeps small residuals of a small b representable in single precision.
        let largest = b.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        let exponent = if largest > 0.0 && largest.is_finite() { largest.log2().floor() } else { 0.0 };
        let scale = 0.5f64.powi(exponent.clamp(-1000.0, 1000.0) as i32);
        let scaled = |v: &[f64]| v.iter().map(|v| v * scale).collect::<Vec<_>>();
        let (b, guess) = (scaled(b), options.initial_guess.map(scaled));
        let SolveOptions { rtol, atol, max_iterations, restart, on_iteration, .. } = options;
        let mut ignore = |_: usize, _: f64| ();
        let call = on_iteration.unwrap_or(&mut ignore);
        macro_rules! solve {
            ($method:expr) => {{
                let mut method = $method.rtol(rtol).atol(atol * scale).max_iterations(max_iterations);
                if let Some(x) = &guess {
                    method = method.initial_guess(x);
                }
                method.solve_with(&self.matrix, Some(&self.cycle), &b, call)?
            }};
        }
        let mut out = match krylov {
            Krylov::Cg => solve!(ResidentCg::new(&self.cuda)),
            Krylov::BiCgStab => solve!(ResidentBiCgStab::new(&self.cuda)),
            Krylov::Fgmres => solve!(ResidentFgmres::new(&self.cuda).restart(restart)),
            Krylov::Richardson => solve!(ResidentRichardson::new(&self.cuda)),
        };
        out.x.iter_mut().for_each(|v| *v /= scale);
        Ok(out)
    }
}
