//! Panels of four rows and W columns, in registers.

use crate::sparse::Scalar;

/// Rows processed at once.
pub(super) const ROWS: usize = 4;

/// a − f x. Arrays are passed and returned whole; otherwise the compiler keeps some of them in memory.
#[inline(always)]
fn minus<T: Scalar, const W: usize>(mut a: [T; W], f: T, x: &[T; W]) -> [T; W] {
    for w in 0..W {
        a[w] -= f * x[w];
    }
    a
}

/// f a.
#[inline(always)]
fn scaled<T: Scalar, const W: usize>(mut a: [T; W], f: T) -> [T; W] {
    for v in &mut a {
        *v *= f;
    }
    a
}

/// own(r) − l(r) x.
#[inline(always)]
pub(super) fn take_off<T: Scalar, const W: usize>(
    own: [[T; W]; ROWS],
    l: [T; ROWS],
    x: &[T; W],
) -> [[T; W]; ROWS] {
    let [a0, a1, a2, a3] = own;
    [minus(a0, l[0], x), minus(a1, l[1], x), minus(a2, l[2], x), minus(a3, l[3], x)]
}

/// Substitution inside four rows: t(r)(q) are the factors below the diagonal, `inverse` that of the diagonal
/// unless it is one.
#[inline(always)]
pub(super) fn substitute<T: Scalar, const W: usize, const UNIT: bool>(
    own: [[T; W]; ROWS],
    t: [[T; ROWS]; ROWS],
    inverse: [T; ROWS],
) -> [[T; W]; ROWS] {
    let divided = |a, r: usize| if UNIT { a } else { scaled(a, inverse[r]) };
    let [a0, a1, a2, a3] = own;
    let a0 = divided(a0, 0);
    let a1 = divided(minus(a1, t[1][0], &a0), 1);
    let a2 = divided(minus(minus(a2, t[2][0], &a0), t[2][1], &a1), 2);
    let a3 = divided(minus(minus(minus(a3, t[3][0], &a0), t[3][1], &a1), t[3][2], &a2), 3);
    [a0, a1, a2, a3]
}

/// As above, from the last row to the first.
#[inline(always)]
pub(super) fn reversed<V>([a, b, c, d]: [V; ROWS]) -> [V; ROWS] {
    [d, c, b, a]
}

/// Four entries of a row from i on.
#[inline(always)]
pub(super) fn four<T: Scalar>(row: &[T], i: usize) -> [T; ROWS] {
    let mut out = [T::ZERO; ROWS];
    out.copy_from_slice(&row[i..i + ROWS]);
    out
}

/// The first four rows of a panel.
#[inline(always)]
pub(super) fn first_four<T: Scalar, const W: usize>(x: &[[T; W]]) -> [[T; W]; ROWS] {
    [x[0], x[1], x[2], x[3]]
}
