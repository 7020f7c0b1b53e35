//! The classical smoothers on the same hierarchy, tuned.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::power_iteration::asymptotic_factor;
use crate::error::Result;
use crate::multigrid::Relaxation;
use crate::solver::Amg;

/// A classical smoother with its best parameter and its asymptotic factor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Baseline {
    /// The relaxation in its text form, its parameter included.
    pub smoother: String,
    /// Asymptotic factor of the cycle; 1 or more diverges.
    pub factor: f64,
}

/// Cycles of one measurement.
const CYCLES: usize = 90;

/// The asymptotic factor of every classical smoother on the hierarchy of `amg`, best first;
/// Jacobi with its weight scanned, ILU(0) with its damping and its τ scanned. A smoother that cannot
/// be built on some level (a zero pivot) is left out. Cost: some 32 measurements of up to 90
/// cycles. After `time_limit`, if one is given, no further measurement is begun.
///
/// # Errors
/// None in practice.
pub fn classical_baselines(
    amg: &Amg,
    sweeps: (usize, usize),
    seed: u64,
    time_limit: Option<Duration>,
) -> Result<Vec<Baseline>> {
    let clock = Instant::now();
    let families: [&[Relaxation]; 9] = [
        &[1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1].map(Relaxation::Ilu0),
        &Relaxation::TAUS.map(Relaxation::weak_ilu0),
        &[Relaxation::SymmetricGaussSeidel],
        &[Relaxation::GaussSeidel],
        &[Relaxation::Spai1],
        &[2, 3, 4].map(Relaxation::Chebyshev),
        &[0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9].map(|w| Relaxation::Jacobi(Some(w))),
        &[Relaxation::Spai0],
        &[Relaxation::L1Jacobi],
    ];
    let mut found = Vec::new();
    for family in families {
        let mut best: Option<Baseline> = None;
        for &relaxation in family {
            if time_limit.is_some_and(|limit| clock.elapsed() >= limit) {
                break;
            }
            let Ok(candidate) = amg.with_relaxation(relaxation, sweeps) else { continue };
            let factor = asymptotic_factor(candidate.hierarchy(), seed, CYCLES).factor;
            if best.as_ref().is_none_or(|b| factor < b.factor) {
                best = Some(Baseline { smoother: relaxation.to_string(), factor });
            }
        }
        found.extend(best);
    }
    found.sort_by(|a, b| a.factor.total_cmp(&b.factor));
    Ok(found)
}
