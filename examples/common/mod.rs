//! Helpers of the examples: arguments, output paths, random numbers, and a sparse matrix as a preconditioner.
#![allow(dead_code)] // No example needs all helpers.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use multigrad::error::Result;
use multigrad::operator::{LinearOperator, Preconditioner};
use multigrad::sparse::Csr;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// Argument number `place` of the command line, or `default` without one.
pub fn argument<N: FromStr + PartialOrd + Display>(
    place: usize,
    what: &str,
    default: N,
    range: RangeInclusive<N>,
) -> std::result::Result<N, String> {
    let Some(text) = std::env::args().nth(place) else { return Ok(default) };
    text.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| {
        format!("{what} must be a number from {} to {}, not '{text}'", range.start(), range.end())
    })
}

/// The path of the picture `name` in the folder `out`, which is created if necessary.
pub fn picture(name: &str) -> std::io::Result<PathBuf> {
    std::fs::create_dir_all("out")?;
    Ok(Path::new("out").join(name))
}

/// `length` normally distributed numbers, a function of the seed.
pub fn normal(seed: u64, length: usize) -> Vec<f64> {
    StandardNormal.sample_iter(ChaCha8Rng::seed_from_u64(seed)).take(length).collect()
}

/// The preconditioner z = M r.
pub struct Multiply {
    pub m: Csr<f64>,
    pub symmetric: bool,
}

impl Preconditioner for Multiply {
    fn rows(&self) -> usize {
        self.m.rows()
    }

    fn is_symmetric(&self) -> bool {
        self.symmetric
    }

    fn apply(&self, r: &[f64], z: &mut [f64]) -> Result<()> {
        LinearOperator::apply(&self.m, r, z)
    }

    fn apply_transposed(&self, r: &[f64], z: &mut [f64]) -> Result<()> {
        self.m.transpose().spmv(r, z)
    }
}
