//! The step of Arnoldi's process: a new direction against an orthonormal basis.

use super::vector::{axpy_dot, axpy_norm, dot};

/// A second orthogonalisation follows if the first leaves less than this share of the norm.
pub(super) const REORTHOGONALISE: f64 = 0.1;

/// Modified Gram–Schmidt: subtracts from w, of norm `length`, its components along the basis, a second time if
/// less than `share` of the norm is left. Returns the components with the norm of the remainder.
pub(crate) fn orthogonalise(basis: &[Vec<f64>], w: &mut [f64], length: f64, share: f64) -> (Vec<f64>, f64) {
    let mut h = vec![0.0; basis.len()];
    let Some(first) = basis.first() else { return (h, length) };
    let mut sweep = |w: &mut [f64]| {
        let mut part = dot(first, w);
        let mut rest = 0.0;
        for (i, v) in basis.iter().enumerate() {
            h[i] += part;
            match basis.get(i + 1) {
                Some(next) => part = axpy_dot(-part, v, w, next),
                None => rest = axpy_norm(-part, v, w),
            }
        }
        rest
    };
    let mut rest = sweep(w);
    if rest < share * length {
        rest = sweep(w);
    }
    (h, rest)
}
