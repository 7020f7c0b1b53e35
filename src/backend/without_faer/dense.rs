//! Decompositions of small dense matrices, written plainly.

use crate::backend::spectrum::{Eigenpair, SpectrumEnd};
use crate::error::{Error, Result};
use crate::sparse::Csr;

/// Largest number of sweeps of Jacobi rotations.
const SWEEPS: usize = 40;

/// Squarings of a matrix: its power is dominated by the end of the spectrum.
const SQUARINGS: usize = 50;

/// The eigenvalues of I + H/s lie close to exp(λ/s) for s this many times the norm of H.
const SHIFT: f64 = 1e5;

/// The pseudo-inverse, by rows, without singular values below `cut` times the largest, and the number of the others: by
/// rotations of columns (Hestenes 1958).
///
/// # Errors
/// A decomposition that does not converge.
pub fn pseudo_inverse(a: &Csr<f64>, cut: f64) -> Result<(Vec<f64>, usize)> {
    let n = a.rows();
    // Columns of A V and of V.
    let mut product = vec![vec![0.0; n]; a.cols()];
    (0..n).for_each(|i| a.row(i).for_each(|(j, v)| product[j][i] = v));
    let mut right: Vec<Vec<f64>> =
        (0..a.cols()).map(|j| (0..a.cols()).map(|i| f64::from(u8::from(i == j))).collect()).collect();
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    let mut rotated = true;
    for _ in 0..SWEEPS {
        rotated = false;
        for p in 0..a.cols() {
            for q in p + 1..a.cols() {
                let (x, y) = (&product[p], &product[q]);
                let (alpha, beta, gamma) = (dot(x, x), dot(y, y), dot(x, y));
                if gamma == 0.0 || gamma.abs() <= 1e-15 * (alpha * beta).sqrt() {
                    continue;
                }
                rotated = true;
                let zeta = (beta - alpha) / (2.0 * gamma);
                let t = zeta.signum() / (zeta.abs() + zeta.hypot(1.0));
                let c = 1.0 / t.hypot(1.0);
                for block in [&mut product, &mut right] {
                    let (left, rest) = block.split_at_mut(q);
                    for (x, y) in left[p].iter_mut().zip(&mut rest[0]) {
                        (*x, *y) = (c * *x - c * t * *y, c * t * *x + c * *y);
                    }
                }
            }
        }
        if !rotated {
            break;
        }
    }
    let values: Vec<f64> = product.iter().map(|x| dot(x, x).sqrt()).collect();
    if rotated || values.iter().any(|v| !v.is_finite()) {
        let text = "the singular value decomposition of the coarsest level did not converge";
        return Err(Error::singular(text));
    }
    let cut = cut * values.iter().fold(0.0, |m: f64, &v| m.max(v));
    let mut inverse = vec![0.0; n * n];
    for ((x, v), s) in product.iter().zip(&right).zip(&values).filter(|(_, s)| **s > cut) {
        for (i, row) in inverse.chunks_exact_mut(n).enumerate() {
            let weight = v[i] / (s * s);
            row.iter_mut().zip(x).for_each(|(out, x)| *out += weight * x);
        }
    }
    Ok((inverse, values.iter().filter(|v| **v > cut).count()))
}

/// The value at the end of the spectrum of the matrix of order k with entries h(i, j); `None` if it is not finite.
pub fn largest_eigenvalue(h: impl Fn(usize, usize) -> f64, k: usize, end: SpectrumEnd) -> Option<f64> {
    dominant_eigenpair(h, k, end).map(|pair| pair.value)
}

/// As [`largest_eigenvalue`], with a vector, from powers by repeated squaring: of H for the largest modulus, of I + H/s
/// with a large s for the largest real part.
pub fn dominant_eigenpair(h: impl Fn(usize, usize) -> f64, k: usize, end: SpectrumEnd) -> Option<Eigenpair> {
    let entries: Vec<f64> = (0..k * k).map(|q| h(q / k, q % k)).collect();
    let size = entries.iter().fold(0.0f64, |m, v| if v.is_nan() { f64::INFINITY } else { m.max(v.abs()) });
    let shift = SHIFT * size * k as f64;
    if !shift.is_finite() {
        return None;
    }
    let mut power: Vec<f64> = match end {
        SpectrumEnd::Modulus => entries,
        SpectrumEnd::RealPart if size == 0.0 => entries,
        SpectrumEnd::RealPart => {
            let one = |q: usize| f64::from(u8::from(q / k == q % k));
            entries.iter().enumerate().map(|(q, v)| one(q) + v / shift).collect()
        }
    };
    // The logarithm of the spectral radius is the sum of those of the factors by which the powers are divided.
    let (mut logarithm, mut exponent) = (0.0, 1.0);
    for _ in 0..SQUARINGS {
        let factor = power.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        if factor == 0.0 {
            // A nilpotent matrix.
            return Some(Eigenpair { value: 0.0, vector: vec![1.0; k], last: 0.0 });
        }
        power.iter_mut().for_each(|v| *v /= factor);
        logarithm += factor.ln() / exponent;
        exponent *= 2.0;
        power = (0..k * k)
            .map(|q| (0..k).map(|m| power[q / k * k + m] * power[m * k + q % k]).sum::<f64>())
            .collect();
    }
    let value = match end {
        SpectrumEnd::Modulus => logarithm.exp(),
        SpectrumEnd::RealPart => shift * logarithm.exp_m1(),
    };
    let length = |j: usize| (0..k).map(|i| power[i * k + j].powi(2)).sum::<f64>().sqrt();
    let best = (0..k).fold(0, |best, j| if length(j) > length(best) { j } else { best });
    let scale = length(best);
    let vector: Vec<f64> = (0..k).map(|i| power[i * k + best] / scale).collect();
    Some(Eigenpair { value, last: vector[k - 1].abs(), vector })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gallery;

    #[test]
    #[cfg(feature = "faer")]
    fn the_ends_of_spectra_are_those_of_faer() {
        use crate::backend::with_faer;
        for k in [1usize, 2, 5, 10, 15] {
            for seed in 0..6 {
                let entry = |i: usize, j: usize| ((i * 31 + j * 17 + seed * 7 + 1) as f64 * 1.618).sin();
                let general = |i: usize, j: usize| if j + 1 >= i { entry(i, j) } else { 0.0 };
                let symmetric = |i: usize, j: usize| entry(i.min(j), i.max(j));
                let turn = |i: usize, j: usize| general(i, j) - general(j, i);
                for end in [SpectrumEnd::Modulus, SpectrumEnd::RealPart] {
                    for h in [&general as &dyn Fn(usize, usize) -> f64, &symmetric, &turn] {
                        let expected = with_faer::largest_eigenvalue(h, k, end).unwrap();
                        let found = largest_eigenvalue(h, k, end).unwrap();
                        let error = (found - expected).abs();
                        assert!(
                            error < 1e-4 * expected.abs().max(1.0),
                            "{k} {seed} {end:?}: {found} {expected}"
                        );
                    }
                }
                let expected = with_faer::dominant_eigenpair(symmetric, k, SpectrumEnd::RealPart).unwrap();
                let found = dominant_eigenpair(symmetric, k, SpectrumEnd::RealPart).unwrap();
                assert!((found.last - expected.last).abs() < 1e-6, "{} {}", found.last, expected.last);
            }
        }
    }

    #[test]
    #[cfg(feature = "faer")]
    fn pseudo_inverses_are_those_of_faer() {
        use crate::backend::with_faer;
        let regular = gallery::recirculating_flow(7, 0.01, gallery::FlowScheme::Upwind).unwrap().matrix;
        let neumann = gallery::poisson_2d(6, 5).unwrap().matrix;
        let sums: Vec<f64> = (0..30).map(|i| neumann.row(i).map(|(_, v)| v).sum()).collect();
        let neumann = neumann.map(|i, j, v| if i == j { v - sums[i] } else { v });
        for (a, rank) in [(regular, 49), (neumann, 29)] {
            let (expected, count) = with_faer::pseudo_inverse(&a, 1e-11).unwrap();
            let (found, own) = pseudo_inverse(&a, 1e-11).unwrap();
            assert_eq!((count, own), (rank, rank));
            let largest = expected.iter().fold(0.0f64, |m, v| m.max(v.abs()));
            let error = found.iter().zip(&expected).fold(0.0f64, |m, (x, y)| m.max((x - y).abs()));
            assert!(error < 1e-11 * largest, "{error} of {largest}");
        }
    }

    #[test]
    fn degenerate_matrices() {
        let zero = |_: usize, _: usize| 0.0;
        let nilpotent = |i: usize, j: usize| f64::from(u8::from(j == i + 1));
        for end in [SpectrumEnd::Modulus, SpectrumEnd::RealPart] {
            assert_eq!(largest_eigenvalue(zero, 3, end), Some(0.0));
            assert!(largest_eigenvalue(|_, _| f64::NAN, 3, end).is_none());
        }
        assert_eq!(largest_eigenvalue(nilpotent, 4, SpectrumEnd::Modulus), Some(0.0));
        assert!(largest_eigenvalue(nilpotent, 4, SpectrumEnd::RealPart).unwrap().abs() < 1e-3);
    }
}
