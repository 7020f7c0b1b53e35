//! Least-squares problem of GMRES with a recorded space.

use crate::sparse::Scalar;

/// A direction of a Krylov space shorter than this share of its image is rounding error.
pub fn dependent<T: Scalar>() -> f64 {
    if T::NAME == "f32" { 1e-5 } else { 1e-12 }
}

/// The y that minimises ‖e₁ − H y‖ for a Hessenberg matrix given by columns, by Givens rotations; zero for a
/// column whose part orthogonal to earlier ones is shorter than `dependent` of its length.
pub fn hessenberg_least_squares(h: &[Vec<f64>], dependent: f64) -> Vec<f64> {
    let k = h.len();
    let mut r: Vec<Vec<f64>> = h.to_vec();
    let mut g = vec![0.0; k + 1];
    g[0] = 1.0;
    for q in 0..k {
        let (a, b) = (r[q][q], r[q][q + 1]);
        let length = a.hypot(b);
        let (c, s) = if length == 0.0 { (1.0, 0.0) } else { (a / length, b / length) };
        for column in r.iter_mut().skip(q) {
            let (u, v) = (column[q], column[q + 1]);
            (column[q], column[q + 1]) = (c * u + s * v, c * v - s * u);
        }
        (g[q], g[q + 1]) = (c * g[q], -s * g[q]);
    }
    let mut y = vec![0.0; k];
    for q in (0..k).rev() {
        let rest: f64 = (q + 1..k).map(|p| r[p][q] * y[p]).sum();
        let size = h[q].iter().map(|v| v * v).sum::<f64>().sqrt();
        y[q] = if r[q][q].abs() <= dependent * size { 0.0 } else { (g[q] - rest) / r[q][q] };
    }
    y
}
