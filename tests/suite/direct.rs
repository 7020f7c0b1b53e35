//! Direct solver: both algorithms, singular matrices, and errors.

use crate::common;
use crate::common::numbers;

use crate::common::numbers::{Numbers, distance};
use multigrad::solver::Direct;
use multigrad::sparse::{Csr, Scalar};

fn wide<T: Scalar>(v: &[T]) -> Vec<f64> {
    v.iter().map(|x| x.to_f64()).collect()
}

/// Small matrices are kept as dense inverses, from 161 rows on as sparse factors.
fn solves<T: Scalar>(tolerance: f64) {
    let mut r = Numbers(1);
    for n in [1, 2, 3, 40, 159, 160, 161, 162, 400, 700] {
        let a = r.dominant::<T>(n, 6);
        let direct = Direct::new(&a).unwrap();
        assert_eq!(direct.rows(), n);
        for k in [1, 2, 5, 8, 17] {
            let known = r.vector::<T>(n * k);
            let mut x = vec![T::from_f64(f64::NAN); n * k];
            let mut b = vec![T::ZERO; n * k];
            a.spmm(k, &known, &mut b).unwrap();
            direct.solve(&b, &mut x, k);
            let error = distance(&wide(&x), &wide(&known));
            assert!(error < tolerance, "{n} rows, {k} columns: {error:e}");
            a.transpose().spmm(k, &known, &mut b).unwrap();
            direct.solve_transposed(&b, &mut x, k);
            let error = distance(&wide(&x), &wide(&known));
            assert!(error < tolerance, "transposed, {n} rows, {k} columns: {error:e}");
        }
    }
}

#[test]
fn it_solves_in_f64() {
    solves::<f64>(1e-12);
}

#[test]
fn it_solves_in_f32() {
    solves::<f32>(1e-4);
}

#[test]
fn the_factors_count_among_the_bytes() {
    let of = |n: usize| {
        let a = multigrad::gallery::poisson_2d(n, n).unwrap().matrix;
        let direct = Direct::new(&a).unwrap();
        (direct.bytes(), 12 * a.nnz() + 4 * (a.rows() + 1))
    };
    // Up to 160 rows: the dense inverse and its transpose.
    let (bytes, matrix) = of(12);
    assert_eq!(bytes, matrix + 2 * 144 * 144 * 8);
    // The factors of a plane have about n log n entries in each triangle.
    let (bytes, matrix) = of(60);
    assert!(bytes > 4 * matrix && bytes < 20 * matrix, "{bytes} for a matrix of {matrix}");
}

/// x = A⁺ b: A x = b for a b without constant part, and x has none either.
fn check_pseudo_inverse(a: &Csr<f64>, tolerance: f64) {
    let n = a.rows();
    let direct = Direct::new(a).unwrap();
    let mut b: Vec<f64> = Numbers(2).vector(n);
    let mean = b.iter().sum::<f64>() / n as f64;
    b.iter_mut().for_each(|v| *v -= mean);
    let (mut x, mut y) = (vec![f64::NAN; n], vec![0.0; n]);
    direct.solve(&b, &mut x, 1);
    a.spmv(&x, &mut y).unwrap();
    assert!(distance(&y, &b) < tolerance, "{n}: {:e}", distance(&y, &b));
    let drift = x.iter().sum::<f64>().abs() / (n as f64 * numbers::largest(&x));
    assert!(drift < tolerance, "{n}: {drift:e}");
    // The constant part of b is dropped.
    let shifted: Vec<f64> = b.iter().map(|v| v + 10.0).collect();
    direct.solve(&shifted, &mut y, 1);
    assert!(distance(&y, &x) < 1e3 * tolerance, "{n}: {:e}", distance(&y, &x));
    direct.solve_transposed(&b, &mut y, 1);
    assert!(distance(&y, &x) < 1e3 * tolerance, "{n}: {:e}", distance(&y, &x));
}

#[test]
fn a_singular_matrix_has_a_pseudo_inverse() {
    for n in [2, 3, 40, 159, 160, 161, 300] {
        check_pseudo_inverse(&common::neumann(n), 1e-10);
    }
}

/// Weights that are not binary fractions: elimination leaves a tiny pivot, not a zero.
#[test]
fn rounding_does_not_hide_a_singular_matrix() {
    let mut r = Numbers(3);
    for _ in 0..400 {
        let n = 3 + r.below(60);
        let mut t = Vec::new();
        for i in 1..n {
            for j in [i - 1, r.below(i)] {
                let w = 1.5 + r.value();
                t.extend([(i, i, w), (j, j, w), (i, j, -w), (j, i, -w)]);
            }
        }
        let a = Csr::from_triplets(n, n, &t).unwrap();
        check_pseudo_inverse(&a, 1e-9);
    }
}

/// Rounded to f32 the rows of a Neumann matrix no longer add up to zero; it must still count as singular.
#[test]
fn single_precision_does_not_hide_a_singular_matrix() {
    for n in [20, 100, 170] {
        let mut r = Numbers(4);
        let mut t = Vec::new();
        for i in 1..n {
            let w = 1.5 + r.value();
            t.extend([(i, i, w), (i - 1, i - 1, w), (i, i - 1, -w), (i - 1, i, -w)]);
        }
        let a = Csr::from_triplets(n, n, &t).unwrap();
        let mut b: Vec<f64> = r.vector(n);
        let mean = b.iter().sum::<f64>() / n as f64;
        b.iter_mut().for_each(|v| *v -= mean);
        let (mut x, mut y) = (vec![0.0; n], vec![0.0f32; n]);
        let direct = Direct::new(&a).unwrap();
        direct.solve(&b, &mut x, 1);
        let single: Vec<f32> = b.iter().map(|&v| v as f32).collect();
        direct.cast::<f32>().unwrap().solve(&single, &mut y, 1);
        let error = distance(&wide(&y), &x);
        assert!(error < 1e-2, "{n} rows: {error:e}");
    }
}

#[test]
fn matrices_without_entries_or_rows() {
    let zero = Direct::new(&Csr::<f64>::from_triplets(3, 3, &[]).unwrap()).unwrap();
    let mut x = [f64::NAN; 3];
    zero.solve(&[1.0, 2.0, 3.0], &mut x, 1);
    assert_eq!(x, [0.0; 3]);
    let stored = Direct::new(&Csr::<f64>::from_triplets(1, 1, &[(0, 0, 0.0)]).unwrap()).unwrap();
    let mut x = [f64::NAN];
    stored.solve(&[1.0], &mut x, 1);
    assert_eq!(x, [0.0]);
    let nothing = Direct::new(&Csr::<f64>::from_triplets(0, 0, &[]).unwrap()).unwrap();
    nothing.solve(&[], &mut [], 1);
    // An empty row and an empty column, elsewhere.
    let holes = Csr::<f64>::from_triplets(3, 3, &[(0, 0, 2.0), (0, 1, 1.0), (2, 1, 4.0)]).unwrap();
    let mut x = [f64::NAN; 3];
    Direct::new(&holes).unwrap().solve(&[4.0, 9.0, 8.0], &mut x, 1);
    assert!(distance(&x, &[1.0, 2.0, 0.0]) < 1e-12, "{x:?}");
}

#[test]
fn bad_scaling_is_not_singular() {
    for size in [1e-200, 1e-30, 1e30, 1e200] {
        let a = Numbers(5).dominant::<f64>(60, 4).map(|_, _, v| v * size);
        let known: Vec<f64> = Numbers(6).vector(60);
        let (mut b, mut x) = (vec![0.0; 60], vec![0.0; 60]);
        a.spmv(&known, &mut b).unwrap();
        let direct = Direct::new(&a).unwrap();
        direct.solve(&b, &mut x, 1);
        assert!(distance(&x, &known) < 1e-12, "{size:e}: {:e}", distance(&x, &known));
    }
}

#[test]
fn what_it_refuses() {
    let wide = Csr::<f64>::from_triplets(2, 3, &[(0, 0, 1.0), (1, 1, 1.0)]).unwrap();
    assert!(Direct::new(&wide).unwrap_err().is_dimension());
    let error = Direct::new(&common::neumann(601)).unwrap_err();
    assert!(error.is_singular(), "{error}");
    assert!(error.to_string().contains("601"), "{error}");
}

/// Serialised as the matrix and factored again: the same bits.
#[test]
fn it_survives_a_round_trip() {
    for n in [30, 170] {
        let a = Numbers(7).dominant::<f64>(n, 5);
        let direct = Direct::new(&a).unwrap();
        let text = serde_json::to_string(&direct).unwrap();
        let again: Direct<f64> = serde_json::from_str(&text).unwrap();
        let b: Vec<f64> = Numbers(8).vector(n);
        let (mut x, mut y) = (vec![0.0; n], vec![0.0; n]);
        direct.solve(&b, &mut x, 1);
        again.solve(&b, &mut y, 1);
        assert_eq!(x, y);
    }
}

/// A circuit: a few entries a row, a full row and a full column, some zeros on the diagonal.
#[test]
fn long_rows_are_factored_with_little_fill() {
    let (n, mut r) = (4000, Numbers(7));
    let mut t = Vec::new();
    for i in 0..n {
        // Row i and row i + 1 exchange their diagonals.
        let exchanged = if i % 50 == 7 {
            i + 1
        } else if i % 50 == 8 {
            i - 1
        } else {
            i
        };
        t.extend([(i, i, 0.0), (i, exchanged, 2.0 + r.value())]);
        t.extend([(i, (i + 1) % n, 0.3 * r.value()), (i, r.below(i + 1), 0.3 * r.value())]);
        t.extend([(3, i, 0.3 * r.value()), (i, 3, 0.3 * r.value())]);
    }
    let a = Csr::from_triplets(n, n, &t).unwrap();
    let clock = std::time::Instant::now();
    let direct = Direct::new(&a).unwrap();
    let known: Vec<f64> = r.vector(n);
    let (mut b, mut x) = (vec![0.0; n], vec![0.0; n]);
    a.spmv(&known, &mut b).unwrap();
    direct.solve(&b, &mut x, 1);
    assert!(distance(&x, &known) < 1e-8, "{:e}", distance(&x, &known));
    a.transpose().spmv(&known, &mut b).unwrap();
    direct.solve_transposed(&b, &mut x, 1);
    assert!(distance(&x, &known) < 1e-8, "{:e}", distance(&x, &known));
    assert!(clock.elapsed().as_secs_f64() < 20.0, "{:?}", clock.elapsed());
}

/// Random entries far from the diagonal fill any factors: a limit of time ends it before or inside.
#[test]
fn limits_end_factorisations() {
    use std::time::{Duration, Instant};
    let (n, mut r) = (12_000, Numbers(11));
    let mut t = Vec::new();
    for i in 0..n {
        t.push((i, i, 1.0 + r.value()));
        (0..6).for_each(|_| t.push((i, r.below(n), r.value())));
        t.push((0, i, r.value()));
    }
    let a = Csr::from_triplets(n, n, &t).unwrap();
    let clock = Instant::now();
    let limits = multigrad::Limits::new().time(Duration::from_millis(300));
    let error = limits.within(|| Direct::new(&a)).unwrap_err();
    assert!(error.is_limit(), "{error}");
    assert!(clock.elapsed().as_secs_f64() < 5.0, "{:?}", clock.elapsed());
}
