//! Strength by algebraic distance: relaxation makes near unknowns similar.

use super::distance::nearest;
use super::graph::check_square;
use crate::error::{Error, Result};
use crate::parallel;
use crate::setup::spectral::inverse_diagonal;
use crate::sparse::{Csr, Pattern};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// Test vectors.
const VECTORS: usize = 5;
/// Jacobi sweeps on each of them.
const SWEEPS: usize = 20;
/// Weight of Jacobi.
const WEIGHT: f64 = 0.5;
/// Rows per task.
const CHUNK: usize = 4096;

/// The strong connections by algebraic distance (Ron, Safro, Brandt 2011), n × n without
/// diagonal.
///
/// Five random vectors are relaxed on A x = 0 with twenty sweeps of Jacobi of weight ½; the distance of two
/// neighbours is the root mean square of their differences. Neighbour j of i is strong unless its distance is
/// at least ε times the smallest of the row, or zero. Like PyAMG's measure of that name, where ε = 2, but
/// from a fixed start: the same bits on every run and any number of threads. Cost: 100 products with A.
///
/// # Errors
/// A matrix that is not square or has a zero on its diagonal; ε of one or less; relaxation that
/// overflows.
pub fn algebraic_distance_strength(a: &Csr<f64>, epsilon: f64) -> Result<Pattern> {
    check_square(a.pattern())?;
    if epsilon.is_nan() || epsilon <= 1.0 {
        return Err(Error::invalid_input(format!(
            "the drop tolerance epsilon is {epsilon}; choose one above 1, such as 2"
        )));
    }
    let x = test_vectors(a)?;
    nearest(a, epsilon, |i, j| {
        let square: f64 = x[i].iter().zip(&x[j]).map(|(p, q)| (p - q) * (p - q)).sum();
        if square > 0.0 { (square / VECTORS as f64).sqrt() } else { f64::INFINITY }
    })
}

fn test_vectors(a: &Csr<f64>) -> Result<Vec<[f64; VECTORS]>> {
    let inverse = inverse_diagonal(a)?;
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut x: Vec<[f64; VECTORS]> =
        (0..a.rows()).map(|_| std::array::from_fn(|_| random.random::<f64>() - 0.5)).collect();
    let mut next = x.clone();
    for _ in 0..SWEEPS {
        parallel::chunks_mut(&mut next, CHUNK, &|first, chunk| {
            for (q, out) in chunk.iter_mut().enumerate() {
                let i = first + q;
                let mut sum = [0.0; VECTORS];
                for (j, v) in a.row(i) {
                    sum.iter_mut().zip(&x[j]).for_each(|(s, x)| *s += v * x);
                }
                *out = std::array::from_fn(|r| x[i][r] - WEIGHT * inverse[i] * sum[r]);
            }
        });
        std::mem::swap(&mut x, &mut next);
    }
    if x.iter().flatten().any(|v| !v.is_finite()) {
        return Err(Error::unsuited(
            "Jacobi relaxation overflows, so algebraic distances mean nothing; take the classical or the \
             symmetric measure",
        ));
    }
    Ok(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// −u_xx − 0.01 u_yy: relaxation makes only neighbours along x similar.
    #[test]
    fn weak_direction_is_found() {
        let n = 16;
        let mut entries = Vec::new();
        for i in 0..n * n {
            entries.push((i, i, 2.02));
            let mut link = |inside: bool, j: usize, v: f64| {
                if inside {
                    entries.push((i, j, v));
                }
            };
            link(i % n > 0, i.wrapping_sub(1), -1.0);
            link(i % n + 1 < n, i + 1, -1.0);
            link(i >= n, i.wrapping_sub(n), -0.01);
            link(i + n < n * n, i + n, -0.01);
        }
        let a = Csr::from_triplets(n * n, n * n, &entries).unwrap();
        let strong = algebraic_distance_strength(&a, 2.0).unwrap();
        let (mut along, mut across) = (0, 0);
        for i in 0..n * n {
            for &j in strong.row_cols(i) {
                assert_ne!(i, j as usize);
                if i / n == j as usize / n { along += 1 } else { across += 1 }
            }
        }
        // 480 links each way, some along x by chance not the nearest.
        assert!(along > 5 * across && along > 300, "{along} along, {across} across");
        assert!(algebraic_distance_strength(&a, 1.0).unwrap_err().is_invalid_input());
    }
}
