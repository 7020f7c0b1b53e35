//! The asymptotic convergence factor by power iteration.

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

use crate::backend::Cpu;
use crate::engine::{Eager, Engine, Host};
use crate::learn::batch::normal_values;
use crate::multigrid::{Hierarchy, cycle};
use crate::sparse::Scalar;

/// Columns of a measurement.
const COLUMNS: usize = 4;

/// Windows that have to agree with the one before.
const AGREEING: usize = 2;

/// The asymptotic factor of a cycle with its spread over random starts.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct FactorEstimate {
    /// Largest factor per cycle over the starts.
    pub factor: f64,
    /// Smallest factor per cycle over the starts.
    pub least: f64,
    /// Cycles that were run.
    pub cycles: usize,
}

/// Power iteration on the error propagator G: cycles on A x = 0 from `COLUMNS` random
/// guesses, normalised after every cycle. The factor is the geometric mean over the last
/// 20 cycles, the largest over the columns. Cost: at most `cycles` cycles on 4 columns; it
/// stops earlier once three windows in a row agree to one per cent. A factor of 1 or more diverges.
pub fn asymptotic_factor<T: Scalar>(h: &Hierarchy<Host<T>>, seed: u64, cycles: usize) -> FactorEstimate {
    let mut random = ChaCha8Rng::seed_from_u64(seed ^ 0x5eed_fac7);
    let start = normal_values(&mut random, h.rows() * COLUMNS);
    let mut power = PowerIteration::new(h.rows(), COLUMNS, start);
    let window = (cycles / 3).clamp(1, 20);
    let mut before = f64::INFINITY;
    let (mut done, mut agreeing) = (0, 0);
    while done < cycles {
        let (step, (factor, least)) = (window.min(cycles - done), power.run(h, window.min(cycles - done)));
        done += step;
        agreeing = if (factor - before).abs() <= 0.01 * factor { agreeing + 1 } else { 0 };
        before = factor;
        if agreeing == AGREEING || !factor.is_finite() || factor == 0.0 || done >= cycles {
            return FactorEstimate { factor, least, cycles: done };
        }
    }
    FactorEstimate { factor: before, least: before, cycles: done }
}

/// Vectors on which a cycle is iterated; they stay when the cycle changes a little.
#[derive(Debug)]
pub(in crate::learn) struct PowerIteration<T> {
    eager: Eager<T>,
    rows: usize,
    vectors: Vec<T>,
}

impl<T: Scalar> PowerIteration<T> {
    pub fn new(rows: usize, columns: usize, start: Vec<T>) -> Self {
        Self { eager: Eager::new(columns), rows, vectors: start }
    }

    /// Runs `cycles` cycles; the geometric mean of the factors of the largest column and of
    /// the smallest.
    pub fn run(&mut self, h: &Hierarchy<Host<T>>, cycles: usize) -> (f64, f64) {
        let columns = self.eager.columns();
        let zero = self.eager.zeros(self.rows);
        let start = self.vectors.clone();
        let mut logs = vec![0.0; columns];
        for _ in 0..cycles {
            let x = self.eager.vector(&self.vectors);
            let before = self.norms();
            let x = cycle(&self.eager, h, 0, &zero, x);
            self.vectors = self.eager.values(&x);
            let after = self.norms();
            for c in 0..columns {
                logs[c] += 0.5 * (after[c] / before[c]).ln() / cycles as f64;
            }
            let scale: Vec<T> = after.iter().map(|v| T::from_f64((self.rows as f64 / v).sqrt())).collect();
            if scale.iter().any(|s| !s.finite() || *s == T::ZERO) {
                // Zero to rounding: the cycle is exact. Otherwise it overflowed.
                let exact = after.iter().all(|v| v.is_finite());
                self.vectors = start;
                return if exact { (0.0, 0.0) } else { (f64::INFINITY, f64::INFINITY) };
            }
            for row in self.vectors.chunks_exact_mut(columns) {
                row.iter_mut().zip(&scale).for_each(|(v, &s)| *v *= s);
            }
        }
        let largest =
            logs.iter().fold(f64::NEG_INFINITY, |m, &v| if v.is_nan() { f64::INFINITY } else { m.max(v) });
        let least = logs.iter().fold(f64::INFINITY, |m, &v| m.min(v));
        (largest.exp(), least.exp())
    }

    fn norms(&self) -> Vec<f64> {
        let mut out = vec![T::ZERO; self.eager.columns()];
        Cpu.column_dots(&self.vectors, &self.vectors, &mut out);
        out.into_iter().map(|v| v.to_f64()).collect()
    }
}
