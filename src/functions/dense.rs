//! Functions of small dense matrices without symmetry.

use faer::prelude::*;

use crate::error::{Error, Result};

/// Largest number of steps of Newton's iteration, and of roots.
const STEPS: usize = 60;

/// The Padé approximant [13/13] of eˣ is exact to double precision up to this norm (Higham, SIAM J. Matrix Anal.
/// Appl. 26, 2005, table 2.3).
const PADE_NORM: f64 = 5.37;

fn identity(k: usize) -> Mat<f64> {
    Mat::identity(k, k)
}

/// Largest sum of a column.
fn norm_one(a: &Mat<f64>) -> f64 {
    (0..a.ncols()).map(|j| (0..a.nrows()).map(|i| a[(i, j)].abs()).sum::<f64>()).fold(0.0, f64::max)
}

/// A⁻¹ by LU with partial pivoting.
pub(super) fn inverse(a: &Mat<f64>) -> Result<Mat<f64>> {
    let out = a.partial_piv_lu().solve(identity(a.nrows()));
    let size = norm_one(&out) * norm_one(a);
    if size.is_finite() && size < 1e15 {
        return Ok(out);
    }
    Err(Error::singular("the small matrix is singular: A has no inverse on the Krylov space"))
}

/// A⁻¹ b by LU with partial pivoting.
pub(super) fn solve(a: &Mat<f64>, b: impl Fn(usize) -> f64) -> Result<Vec<f64>> {
    let k = a.nrows();
    let x = a.partial_piv_lu().solve(Mat::from_fn(k, 1, |i, _| b(i)));
    let x: Vec<f64> = (0..k).map(|i| x[(i, 0)]).collect();
    let largest = |v: &mut dyn Iterator<Item = f64>| v.fold(0.0f64, |m, v| m.max(v.abs()));
    let (size, of_b) = (largest(&mut x.iter().copied()) * norm_one(a), largest(&mut (0..k).map(b)));
    if size.is_finite() && size < 1e15 * of_b.max(f64::MIN_POSITIVE) {
        return Ok(x);
    }
    Err(Error::singular("the small matrix is singular: A has no inverse on the Krylov space"))
}

/// eᴬ by scaling, a Padé approximant and squaring (Higham 2005, algorithm 2.3).
pub(super) fn exponential(a: &Mat<f64>) -> Result<Mat<f64>> {
    const B: [f64; 14] = [
        64764752532480000.0,
        32382376266240000.0,
        7771770303897600.0,
        1187353796428800.0,
        129060195264000.0,
        10559470521600.0,
        670442572800.0,
        33522128640.0,
        1323241920.0,
        40840800.0,
        960960.0,
        16380.0,
        182.0,
        1.0,
    ];
    let size = norm_one(a);
    if !size.is_finite() {
        return Err(Error::invalid_input("the small matrix is not finite"));
    }
    let squarings = (size / PADE_NORM).log2().ceil().max(0.0) as i32;
    let a = a * Scale(0.5f64.powi(squarings));
    let k = a.nrows();
    let a2 = &a * &a;
    let a4 = &a2 * &a2;
    let a6 = &a4 * &a2;
    let sum = |w: [f64; 4]| {
        Mat::from_fn(k, k, |i, j| {
            let one = if i == j { w[0] } else { 0.0 };
            one + w[1] * a2[(i, j)] + w[2] * a4[(i, j)] + w[3] * a6[(i, j)]
        })
    };
    let u = &a * (&a6 * sum([0.0, B[9], B[11], B[13]]) + sum([B[1], B[3], B[5], B[7]]));
    let v = &a6 * sum([0.0, B[8], B[10], B[12]]) + sum([B[0], B[2], B[4], B[6]]);
    let mut out = (&v - &u).partial_piv_lu().solve(&v + &u);
    for _ in 0..squarings {
        out = &out * &out;
    }
    Ok(out)
}

/// A^{1/2} and A^{−1/2} by the iteration of Denman and Beavers, scaled by norms (Higham, Functions of Matrices,
/// 2008, eq. 6.28).
pub(super) fn roots(a: &Mat<f64>) -> Result<(Mat<f64>, Mat<f64>)> {
    let (mut x, mut y) = (a.clone(), identity(a.nrows()));
    let mut change = f64::INFINITY;
    for step in 0..STEPS {
        let (xi, yi) = (inverse(&x)?, inverse(&y)?);
        let mu = if change > 1e-2 && step < 20 {
            (norm_one(&xi) * norm_one(&yi) / (norm_one(&x) * norm_one(&y))).powf(0.25)
        } else {
            1.0
        };
        let next_x = (&x * Scale(mu) + &yi * Scale(1.0 / mu)) * Scale(0.5);
        let next_y = (&y * Scale(mu) + &xi * Scale(1.0 / mu)) * Scale(0.5);
        let before = change;
        change = norm_one(&(&next_x - &x)) / norm_one(&next_x);
        (x, y) = (next_x, next_y);
        if change < 1e-15 || (change < 1e-10 && change >= before) {
            return Ok((x, y));
        }
    }
    Err(Error::unsuited(
        "the square root of the small matrix was not found: it has eigenvalues on the negative real axis, or close to it",
    ))
}

/// The principal logarithm: roots until the matrix is close to I, then a Padé approximant by Gauss–Legendre
/// quadrature (Dieci, Morini and Papini, SIAM J. Matrix Anal. Appl. 17, 1996, eq. 2.8).
pub(super) fn logarithm(a: &Mat<f64>) -> Result<Mat<f64>> {
    // Nodes and weights on (−1, 1), 8 points.
    const NODES: [(f64, f64); 4] = [
        (0.183_434_642_495_649_8, 0.362_683_783_378_362),
        (0.525_532_409_916_329, 0.313_706_645_877_887_3),
        (0.796_666_477_413_626_7, 0.222_381_034_453_374_48),
        (0.960_289_856_497_536_3, 0.101_228_536_290_376_26),
    ];
    let k = a.nrows();
    let (mut x, mut count) = (a.clone(), 0i32);
    while norm_one(&(&x - identity(k))) > 0.25 {
        if count == STEPS as i32 {
            return Err(Error::unsuited("the logarithm of the small matrix was not found"));
        }
        x = roots(&x)?.0;
        count += 1;
    }
    let e = &x - identity(k);
    let mut sum = Mat::zeros(k, k);
    for (node, weight) in NODES.into_iter().flat_map(|(t, w)| [(t, w), (-t, w)]) {
        let system = identity(k) + &e * Scale(0.5 + 0.5 * node);
        sum += system.partial_piv_lu().solve(&e) * Scale(0.5 * weight);
    }
    Ok(sum * Scale(2f64.powi(count)))
}
