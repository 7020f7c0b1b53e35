//! The spectral radius from a sample of the rows.

use super::arnoldi::{Effort, dominant};
use super::{check, row_sums};
use crate::backend::SpectrumEnd;
use crate::error::Result;
use crate::sparse::Csr;
use crate::sparse::assemble::assemble;

/// The number of neighbourhoods in a sample, and of rows in each.
const SAMPLES: usize = 4;
const SAMPLE_ROWS: usize = 500;
/// One process suffices for a damping factor.
const ROUGH: Effort = Effort { steps: 15, restarts: 0, tolerance: 0.1, signed: true };

/// An estimate of the spectral radius of diag(`scaling`) A from a sample of its rows.
///
/// A matrix of up to 2000 rows is its own sample. From a larger one four neighbourhoods of 500 rows each are
/// taken, by breadth-first search from the row with the largest sum Σⱼ |sᵢ aᵢⱼ| of each quarter of the rows,
/// and fifteen steps of Arnoldi's method work on that principal submatrix. The result is never above
/// [`infinity_norm`](super::infinity_norm). For a matrix similar to a symmetric one it is a lower bound, a
/// few percent low, and lower if the largest eigenvalue belongs to a small feature outside the sample.
///
/// Cost: one pass over the matrix, and a constant: fifteen products with 2000 rows.
///
/// # Errors
/// As [`spectral_radius`](super::spectral_radius).
pub fn sampled_radius(a: &Csr<f64>, scaling: &[f64]) -> Result<f64> {
    check(a, scaling)?;
    let n = a.rows();
    let sums = row_sums(a, scaling);
    let bound = sums.iter().fold(0.0f64, |m, &v| m.max(v));
    if n <= SAMPLES * SAMPLE_ROWS {
        return Ok(radius(a, scaling)?.min(bound));
    }
    // Numbers of the rows in the sample.
    let mut number = vec![u32::MAX; n];
    let mut rows: Vec<u32> = Vec::with_capacity(SAMPLES * SAMPLE_ROWS);
    for q in 0..SAMPLES {
        let part = q * n / SAMPLES..(q + 1) * n / SAMPLES;
        // From the middle of the part, so that ties do not all end on the rim of a grid.
        let middle = part.start + part.len() / 2;
        let order = (middle..part.end).chain(part.start..middle);
        let seed = order.fold(middle, |best, i| if sums[i] > sums[best] { i } else { best });
        let mut next = rows.len();
        let full = next + SAMPLE_ROWS;
        let mut visit = |i: usize, rows: &mut Vec<u32>| {
            if number[i] == u32::MAX && rows.len() < full {
                number[i] = rows.len() as u32;
                rows.push(i as u32);
            }
        };
        visit(seed, &mut rows);
        while next < rows.len() && rows.len() < full {
            for &j in a.pattern().row_cols(rows[next] as usize) {
                visit(j as usize, &mut rows);
            }
            next += 1;
        }
    }
    let weights: Vec<f64> = rows.iter().map(|&i| scaling[i as usize]).collect();
    let sample =
        assemble(rows.len(), rows.len(), Vec::new, |i, row: &mut Vec<(u32, f64)>, columns, values| {
            row.clear();
            row.extend(a.row(rows[i] as usize).map(|(j, v)| (number[j], v)).filter(|e| e.0 != u32::MAX));
            row.sort_unstable_by_key(|e| e.0);
            columns.extend(row.iter().map(|e| e.0));
            values.extend(row.iter().map(|e| e.1));
        })?;
    Ok(radius(&sample, &weights)?.min(bound))
}

fn radius(a: &Csr<f64>, scaling: &[f64]) -> Result<f64> {
    dominant(a, scaling, ROUGH, SpectrumEnd::Modulus)
}

#[cfg(test)]
mod tests {
    use super::super::{inverse_diagonal, spectral_radius};
    use super::*;

    #[test]
    fn a_sample_tells_the_radius() {
        let exact = |a: &Csr<f64>| spectral_radius(a, &inverse_diagonal(a).unwrap()).unwrap();
        let sampled = |a: &Csr<f64>| sampled_radius(a, &inverse_diagonal(a).unwrap()).unwrap();
        let plane = crate::gallery::poisson_2d(150, 120).unwrap().matrix;
        let space = crate::gallery::poisson_3d(26, 25, 27).unwrap().matrix;
        let elements = crate::gallery::rotated_anisotropic(130, 1e-2, 0.7).unwrap().matrix;
        for a in [&plane, &space, &elements] {
            let ratio = sampled(a) / exact(a);
            assert!(ratio > 0.93 && ratio < 1.01, "{ratio}");
        }
        // The sample contains a corner that is far worse than the rest.
        let n = 130;
        let strong = |i: usize| i % n < 8 && i / n < 8;
        let a = crate::gallery::rotated_anisotropic(n, 1.0, 0.0).unwrap().matrix;
        let a = a.map(|i, j, v| if i != j && strong(i) && strong(j) { 4.0 * v } else { v });
        let ratio = sampled(&a) / exact(&a);
        assert!(exact(&a) > 2.0 && ratio > 0.97 && ratio < 1.01, "{ratio}");
    }
}
