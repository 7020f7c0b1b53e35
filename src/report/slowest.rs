//! The error that a solver reduces least.

use std::time::Instant;

use serde::Serialize;

use crate::error::Result;
use crate::krylov::{norm, scattered};
use crate::operator::{LinearOperator, Preconditioner};
use crate::solver::Solver;

/// Steps of the power iteration, at most.
const STEPS: usize = 60;
/// Steps over which the factor is averaged.
const LAST: usize = 10;

/// The slowest error of x ← x + B (b − A x), found by power iteration.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SlowestError {
    /// The factor of a step, the mean of the last ten. Above 1 the stationary iteration diverges; a Krylov method may
    /// converge all the same.
    pub factor: f64,
    /// The error, scaled to a largest value of 1.
    pub values: Vec<f64>,
    /// eᵀ A e / eᵀ D e with D = |diag A|: near 0 for a smooth error, near 1 or above for an oscillating one.
    pub energy: f64,
    /// Steps of the power iteration.
    pub steps: usize,
}

/// Energy below which an error counts as a null vector, as smooth, and as between smooth and oscillating.
const NULL: f64 = 1e-10;
const SMOOTH: f64 = 0.05;
const BETWEEN: f64 = 0.5;

impl SlowestError {
    /// The kind of error in words, by its energy.
    pub fn kind(&self) -> &'static str {
        match self.energy {
            e if e.abs() < NULL => "a null vector of A, which no iteration changes",
            e if e < SMOOTH => "a smooth error",
            e if e < BETWEEN => "an error between smooth and oscillating",
            _ => "an oscillating error",
        }
    }

    /// Whether the error is smooth, and no null vector.
    pub(super) fn is_smooth(&self) -> bool {
        (NULL..SMOOTH).contains(&self.energy)
    }
}

/// Power iteration with I − B A. `None` where a step annihilates the error, as a direct solver does.
pub(super) fn slowest(solver: &Solver, seconds: f64, seed: u64) -> Result<Option<SlowestError>> {
    let a = solver.matrix();
    let clock = Instant::now();
    let mut e = scattered(a.rows(), seed);
    let (mut r, mut z) = (vec![0.0; e.len()], vec![0.0; e.len()]);
    let mut factors = Vec::new();
    let scale = |e: &mut [f64], by: f64| e.iter_mut().for_each(|e| *e /= by);
    let length = norm(&e);
    scale(&mut e, length);
    for _ in 0..STEPS {
        LinearOperator::apply(a, &e, &mut r)?;
        solver.apply(&r, &mut z)?;
        e.iter_mut().zip(&z).for_each(|(e, z)| *e -= z);
        let length = norm(&e);
        if !(length > 1e-12 && length.is_finite()) {
            return Ok(None);
        }
        factors.push(length);
        scale(&mut e, length);
        if clock.elapsed().as_secs_f64() > seconds {
            break;
        }
    }
    let last = &factors[factors.len().saturating_sub(LAST)..];
    let factor = (last.iter().map(|f| f.ln()).sum::<f64>() / last.len().max(1) as f64).exp();
    LinearOperator::apply(a, &e, &mut r)?;
    let diagonal = a.diagonal();
    let own: f64 = e.iter().zip(&diagonal).map(|(e, d)| d.abs() * e * e).sum();
    let energy = e.iter().zip(&r).map(|(e, r)| e * r).sum::<f64>() / own;
    let most = e.iter().fold(0.0f64, |m, e| if e.abs() > m.abs() { *e } else { m });
    scale(&mut e, most);
    Ok(Some(SlowestError { factor, values: e, energy, steps: factors.len() }))
}
