//! Sweeps of polynomials, with coefficients that are constants or a leaf.

use crate::engine::{Engine, MatrixOf, ValuesOf};

/// The polynomial of [`Smoother::Chebyshev`](super::Smoother::Chebyshev), with the pair α, β of every step.
pub(super) fn chebyshev<E: Engine>(
    e: &E,
    a: &MatrixOf<E>,
    inverse_diagonal: &ValuesOf<E>,
    coefficients: &[(f64, f64)],
    b: &E::Vector,
    mut x: E::Vector,
) -> E::Vector {
    let rows = a.pattern.rows();
    let mut d = e.zeros(rows);
    for &(alpha, beta) in coefficients {
        d = e.polynomial_step(a, inverse_diagonal, b, &x, (alpha, beta), d);
        x = e.combine(1.0, &d, 1.0, x);
    }
    x
}

/// The same polynomial with α and β of step q in entries 2q and 2q + 1 of `scalars`. The
/// first α multiplies a zero direction.
pub(super) fn stored_polynomial<E: Engine>(
    e: &E,
    a: &MatrixOf<E>,
    inverse_diagonal: &ValuesOf<E>,
    (scalars, steps): (&ValuesOf<E>, usize),
    b: &E::Vector,
    mut x: E::Vector,
) -> E::Vector {
    let rows = a.pattern.rows();
    let mut d = e.zeros(rows);
    for q in 0..steps {
        let r = e.residual(b, a, &x);
        let scaled = e.diagonal_add(inverse_diagonal, &r, e.zeros(rows));
        drop(r);
        let kept = e.scaled_add(scalars, 2 * q, &d, e.zeros(rows));
        d = e.scaled_add(scalars, 2 * q + 1, &scaled, kept);
        x = e.combine(1.0, &d, 1.0, x);
    }
    x
}
