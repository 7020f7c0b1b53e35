//! Options of a cost report.

use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

use crate::error::{Error, Result};
use crate::learn::batch::normal_values;
use crate::solver::Amg;
use crate::sparse::{Csr, DenseMatrix};

/// Options of the measurement of all solvers.
#[derive(Debug, Clone, PartialEq)]
pub struct CostOptions {
    /// Relative residual ‖b − A x‖₂/‖b‖₂ that every solve has to reach.
    pub rtol: f64,
    /// Number of right-hand sides, of independent normal values; of A times such values if the rows
    /// of A sum to zero, since others have no solution.
    pub right_hand_sides: usize,
    /// Solves of every right-hand side, of which the fastest counts; more where they are short.
    pub repeats: usize,
    /// Iterations after which a solver has failed.
    pub max_iterations: usize,
    /// No classical solver is begun after this time, counted from the first one.
    pub time_limit: Option<Duration>,
    /// Most nonzeros of the factors, as estimated, for which the direct solver is tried.
    pub direct_nonzeros: f64,
    /// Near-nullspace candidates for the classical solvers, n × k; constants without them.
    pub near_nullspace: Option<DenseMatrix>,
    /// Seed of the right-hand sides.
    pub seed: u64,
}

impl Default for CostOptions {
    fn default() -> Self {
        Self {
            rtol: 1e-8,
            right_hand_sides: 3,
            repeats: 2,
            max_iterations: 500,
            time_limit: None,
            direct_nonzeros: 1e8,
            near_nullspace: None,
            seed: 0,
        }
    }
}

/// A trained solver and its costs so far.
#[derive(Debug, Clone, Copy)]
pub struct Learned<'a> {
    /// The result of the training.
    pub amg: &'a Amg,
    /// Its name, such as "learned M".
    pub name: &'a str,
    /// Whether training has found something better than its start; otherwise `amg` is the
    /// start, and training can never pay back.
    pub accepted: bool,
    /// Seconds of the setup of all hierarchies that were tried.
    pub setup_seconds: f64,
    /// Seconds of training.
    pub training_seconds: f64,
}

impl CostOptions {
    /// Checks that every option is in its range.
    pub(super) fn check(&self) -> Result<()> {
        for (count, what) in [
            (self.right_hand_sides, "right-hand sides"),
            (self.repeats, "repeats"),
            (self.max_iterations, "iterations"),
        ] {
            if count == 0 {
                return Err(Error::invalid_input(format!("a cost report with 0 {what}; ask for at least 1")));
            }
        }
        if !(self.rtol > 0.0 && self.rtol < 1.0) {
            return Err(Error::invalid_input(format!(
                "rtol is {}; choose one between 0 and 1, such as 1e-8",
                self.rtol
            )));
        }
        Ok(())
    }

    /// The right-hand sides for a matrix.
    pub(super) fn vectors(&self, a: &Csr<f64>, singular: bool) -> Result<Vec<Vec<f64>>> {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed ^ 0xacc0_0e57);
        let mut one = || -> Result<Vec<f64>> {
            let values: Vec<f64> = normal_values(&mut random, a.rows());
            if !singular {
                return Ok(values);
            }
            let mut b = vec![0.0; a.rows()];
            a.spmv(&values, &mut b)?;
            Ok(b)
        };
        (0..self.right_hand_sides).map(|_| one()).collect()
    }
}
