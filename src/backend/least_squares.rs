//! Least-squares problems with one or two unknowns per column.

use super::Cpu;
use crate::sparse::Scalar;

/// x ← Σ y(q) c(q) with the y that minimises ‖b − Σ y(q) v(q)‖₂, separately for every column.
///
/// One or two v, and as many c; blocks of n rows and `k` columns. The second v is orthogonalised against the
/// first; a v that vanishes gets y = 0. Cost: 2 or 5 scalar products and as many passes over vectors.
pub fn least_squares<T: Scalar>(b: &[T], v: &[&[T]], c: &[&[T]], x: &mut [T], k: usize) {
    x.fill(T::ZERO);
    let dots = |x: &[T], y: &[T]| {
        let mut out = vec![T::ZERO; k];
        Cpu.column_dots(x, y, &mut out);
        out
    };
    let (Some(v1), Some(c1)) = (v.first(), c.first()) else { return };
    let (v1v1, v1b) = (dots(v1, v1), dots(v1, b));
    let ratio = |a: T, b: T| if b > T::ZERO { a / b } else { T::ZERO };
    let mut y1: Vec<T> = v1b.iter().zip(&v1v1).map(|(&a, &b)| ratio(a, b)).collect();
    if let (Some(v2), Some(c2)) = (v.get(1), c.get(1)) {
        let (v2v2, v1v2, v2b) = (dots(v2, v2), dots(v1, v2), dots(v2, b));
        // Squaring loses half of the digits.
        let dependent = if T::NAME == "f64" { T::from_f64(1e-13) } else { T::from_f64(1e-5) };
        let y2: Vec<T> = (0..k)
            .map(|q| {
                let h = ratio(v1v2[q], v1v1[q]);
                let (left, rhs) = (v2v2[q] - h * v1v2[q], v2b[q] - h * v1b[q]);
                let y2 = if left > dependent * v2v2[q] { rhs / left } else { T::ZERO };
                y1[q] -= h * y2;
                y2
            })
            .collect();
        Cpu.column_add(&y2, c2, x);
    }
    Cpu.column_add(&y1, c1, x);
}
