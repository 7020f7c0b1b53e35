//! Losses with gradients computed by hand.

use crate::sparse::Scalar;

/// ‖I − diag(w) D⁻¹A‖² for A = tridiag(−1, 2, −1): the best w is 2/3 inside and 4/5 at the ends.
pub(super) fn jacobi<T: Scalar>(w: &[T], gradient: &mut [T]) -> f64 {
    let n = w.len();
    let mut loss = 0.0;
    for (i, (w, g)) in w.iter().zip(gradient).enumerate() {
        let (w, neighbours) = (w.to_f64(), if i == 0 || i + 1 == n { 1.0 } else { 2.0 });
        loss += (1.0 - w) * (1.0 - w) + neighbours * w * w / 4.0;
        *g = T::from_f64(-2.0 * (1.0 - w) + neighbours * w / 2.0);
    }
    loss
}

/// Rosenbrock's valley in pairs of variables; minimum at (1, 1, …).
pub(super) fn rosenbrock<T: Scalar>(x: &[T], gradient: &mut [T]) -> f64 {
    let mut loss = 0.0;
    for (x, g) in x.chunks_exact(2).zip(gradient.chunks_exact_mut(2)) {
        let (a, b) = (T::ONE - x[0], x[1] - x[0] * x[0]);
        g[0] = T::from_f64(-2.0) * a - T::from_f64(400.0) * x[0] * b;
        g[1] = T::from_f64(200.0) * b;
        loss += a.to_f64() * a.to_f64() + 100.0 * b.to_f64() * b.to_f64();
    }
    loss
}

/// (x² + y − 11)² + (x + y² − 7)²: four minima of loss 0.
pub(super) fn himmelblau(x: &[f64], gradient: &mut [f64]) -> f64 {
    let (a, b) = (x[0] * x[0] + x[1] - 11.0, x[0] + x[1] * x[1] - 7.0);
    gradient[0] = 4.0 * a * x[0] + 2.0 * b;
    gradient[1] = 2.0 * a + 4.0 * b * x[1];
    a * a + b * b
}

/// Σ cᵢ (xᵢ − i)²/2 with cᵢ from 1 to 10⁶.
pub(super) fn badly_scaled(x: &[f64], gradient: &mut [f64]) -> f64 {
    let n = x.len();
    let mut loss = 0.0;
    for (i, (x, g)) in x.iter().zip(gradient).enumerate() {
        let c = 1e6f64.powf(i as f64 / (n - 1) as f64);
        loss += 0.5 * c * (x - i as f64) * (x - i as f64);
        *g = c * (x - i as f64);
    }
    loss
}

#[test]
fn the_gradients_are_those_of_the_losses() {
    let check = |name: &str, f: &dyn Fn(&[f64], &mut [f64]) -> f64, x: &[f64]| {
        let (mut g, mut unused) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        f(x, &mut g);
        for i in 0..x.len() {
            let h = 1e-5;
            let at = |step: f64, unused: &mut [f64]| {
                let mut x = x.to_vec();
                x[i] += step;
                f(&x, unused)
            };
            let slope = (at(h, &mut unused) - at(-h, &mut unused)) / (2.0 * h);
            assert!((slope - g[i]).abs() < 1e-5 * (1.0 + g[i].abs()), "{name} {i}: {slope} {}", g[i]);
        }
    };
    check("jacobi", &|x, g| jacobi(x, g), &[0.3, 0.8, 1.4, 0.2]);
    check("rosenbrock", &|x, g| rosenbrock(x, g), &[-1.2, 1.0, 0.4, 0.3]);
    check("himmelblau", &himmelblau, &[0.7, -1.3]);
    check("badly_scaled", &badly_scaled, &[0.7, -1.3, 2.9]);
}
