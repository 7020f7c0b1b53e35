//! Evaluation of cycles: their asymptotic factor, and their iterations inside FGMRES.

mod baselines;
mod power_iteration;

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use serde::{Deserialize, Serialize};

pub use self::baselines::{Baseline, classical_baselines};
pub(super) use self::power_iteration::PowerIteration;
pub use self::power_iteration::{FactorEstimate, asymptotic_factor};
use super::batch::normal_values;
use super::loss::Loss;
use crate::engine::Host;
use crate::error::Result;
use crate::krylov::Fgmres;
use crate::multigrid::{CyclePreconditioner, Hierarchy};
use crate::operator::{LinearOperator, Preconditioner};
use crate::solver::Solver;
use crate::sparse::Csr;

/// Relative residual that FGMRES has to reach.
const RTOL: f64 = 1e-8;
/// Iterations after which FGMRES gives up, without a restart.
const ITERATIONS: usize = 100;

/// Measurements of a cycle, on vectors that are independent of its training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Evaluation {
    /// Asymptotic factor per cycle, the largest over random starts; 1 or more diverges, NaN where it was not measured.
    pub factor: f64,
    /// The smallest over the starts.
    pub least_factor: f64,
    /// Iterations of FGMRES to 1e-8, the mean over random right-hand sides; NaN where they were not measured.
    pub iterations: f64,
    /// Reduction of the residual per iteration of FGMRES, the geometric mean over the right-hand
    /// sides.
    pub reduction: f64,
    /// Whether FGMRES converged for all of them.
    pub converges: bool,
}

impl Evaluation {
    /// Measures a cycle by power iteration (see [`asymptotic_factor`]) and by `sides` solves.
    ///
    /// # Errors
    /// A hierarchy whose cycle is zero.
    pub fn of(h: &Hierarchy<Host<f64>>, seed: u64, cycles: usize, sides: usize) -> Result<Self> {
        Self::within(h, seed, cycles, (sides, ITERATIONS))
    }

    /// As [`of`](Self::of) with at most `limit` iterations of FGMRES, for a comparison with a known cycle.
    pub(super) fn within(
        h: &Hierarchy<Host<f64>>,
        seed: u64,
        cycles: usize,
        (sides, limit): (usize, usize),
    ) -> Result<Self> {
        let estimate = asymptotic_factor(h, seed, cycles);
        let inside = Self::of_krylov(h, seed, (sides, limit))?;
        Ok(Self { factor: estimate.factor, least_factor: estimate.least, ..inside })
    }

    /// Measures at most `limit` iterations of FGMRES for each of `sides` right-hand sides, and no factor.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub(super) fn of_krylov(
        h: &Hierarchy<Host<f64>>,
        seed: u64,
        (sides, limit): (usize, usize),
    ) -> Result<Self> {
        let krylov = Krylov { limit, ..Krylov::new(h.rows(), sides, seed) };
        let (iterations, reduction, converges) = krylov.run(h)?;
        Ok(Self { factor: f64::NAN, least_factor: f64::NAN, iterations, reduction, converges })
    }

    /// Measures the factor over the last third of `cycles` cycles from `columns` random starts, and no iterations.
    pub(super) fn of_cycles(h: &Hierarchy<Host<f64>>, seed: u64, (cycles, columns): (usize, usize)) -> Self {
        let start = normal_values(&mut ChaCha8Rng::seed_from_u64(seed ^ 0x5eed_fac7), h.rows() * columns);
        let mut power = PowerIteration::new(h.rows(), columns, start);
        let last = cycles.div_ceil(3);
        let mut factors = power.run(h, cycles - last);
        if factors.0.is_finite() {
            factors = power.run(h, last);
        }
        let (factor, least_factor) = factors;
        let (iterations, reduction, converges) = (f64::NAN, f64::NAN, false);
        Self { factor, least_factor, iterations, reduction, converges }
    }

    /// As [`of`](Self::of) with one solve, by its compiled cycle: the factor is that
    /// of the last half of a few cycles from one random start. Cost: the cycles and the solve.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub(super) fn quick(solver: &Solver, seed: u64, cycles: usize) -> Result<Self> {
        if solver.levels() == 1 {
            let (factor, iterations) = (0.0, 1.0);
            return Ok(Self { factor, least_factor: factor, iterations, reduction: 0.0, converges: true });
        }
        let a = solver.matrix();
        let (iterations, reduction, converges) = Krylov::new(a.rows(), 1, seed).solve(a, solver)?;
        let mut x: Vec<f64> = normal_values(&mut ChaCha8Rng::seed_from_u64(seed ^ 0x5eed_fac7), a.rows());
        let (mut r, mut z) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        let mut logarithm = 0.0;
        for step in 0..cycles {
            let norm = |x: &[f64]| x.iter().map(|v| v * v).sum::<f64>().sqrt();
            let before = norm(&x);
            LinearOperator::apply(a, &x, &mut r)?;
            solver.apply(&r, &mut z)?;
            x.iter_mut().zip(&z).for_each(|(x, z)| *x -= z);
            if step >= cycles / 2 {
                logarithm += (norm(&x) / before).ln();
            }
        }
        let factor = (logarithm / (cycles - cycles / 2).max(1) as f64).exp();
        let factor = if factor.is_nan() { f64::INFINITY } else { factor };
        Ok(Self { factor, least_factor: factor, iterations, reduction, converges })
    }

    /// The number that a loss stands for; less is better.
    pub fn by(&self, loss: Loss) -> f64 {
        match loss {
            // Whole iterations first: they determine the time of a solve.
            Loss::Krylov => self.iterations + self.reduction.min(0.999),
            Loss::Rate | Loss::Slowest | Loss::Time => self.factor,
        }
    }

    /// Whether this one is better: sound where the other is not, or less by the loss.
    pub fn is_better(&self, other: &Self, loss: Loss) -> bool {
        match (self.sound(loss), other.sound(loss)) {
            (true, false) => true,
            (false, true) => false,
            _ => self.by(loss) < other.by(loss),
        }
    }

    /// Whether a solver may be returned: its cycles converge, or, for a Krylov loss, FGMRES does.
    pub fn sound(&self, loss: Loss) -> bool {
        match loss {
            Loss::Krylov => self.converges,
            Loss::Rate | Loss::Slowest | Loss::Time => self.factor < 1.0,
        }
    }
}

/// Right-hand sides on which cycles are compared inside FGMRES.
#[derive(Debug)]
pub(super) struct Krylov {
    sides: Vec<Vec<f64>>,
    /// Iterations after which a solve has failed.
    limit: usize,
}

impl Krylov {
    pub fn new(rows: usize, sides: usize, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed ^ 0x51de);
        let sides = (0..sides.max(1)).map(|_| normal_values(&mut random, rows)).collect();
        Self { sides, limit: ITERATIONS }
    }

    /// Mean iterations, reduction per iteration, and whether all converged.
    pub fn run(&self, h: &Hierarchy<Host<f64>>) -> Result<(f64, f64, bool)> {
        let Some(finest) = h.levels.first() else { return Ok((1.0, 0.0, true)) };
        let a = finest.a.to_csr();
        self.solve(&a, &CyclePreconditioner::trusted(h.clone(), Some(false))?)
    }

    /// The same for a compiled cycle.
    fn solve(&self, a: &Csr<f64>, cycle: &dyn Preconditioner) -> Result<(f64, f64, bool)> {
        let method =
            Fgmres::new().rtol(RTOL).restart(self.limit).max_iterations(self.limit).preconditioner(cycle);
        let (mut iterations, mut logarithm, mut converges, mut solves) = (0, 0.0, true, 0.0);
        for b in &self.sides {
            let out = method.solve(a, b)?;
            solves += 1.0;
            iterations += out.iterations;
            converges &= out.converged();
            let residual = out.relative_residual().max(1e-16);
            logarithm += match residual.is_finite() && out.iterations > 0 {
                true => residual.ln() / out.iterations as f64,
                false => f64::INFINITY,
            };
            if !converges {
                // One failure decides; the other right-hand sides would change nothing.
                break;
            }
        }
        Ok((iterations as f64 / solves, (logarithm / solves).exp(), converges))
    }
}
