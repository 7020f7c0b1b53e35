//! Kernels of `Cpu`: equivalent to `Reference`, with the same bits on any number of threads. Sizes are
//! awkward on purpose.

use crate::common::numbers::{Numbers, bits, pools};
use multigrad::backend::{Cpu, Direction, Reference, Triangle};
use multigrad::sparse::{Csr, Scalar};

const COLUMNS: [usize; 12] = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33];
/// Columns for matrices with work above the parallel threshold.
const FEW: [usize; 3] = [1, 5, 16];

fn tolerance<T: Scalar>() -> f64 {
    if T::NAME == "f64" { 1e-13 } else { 3e-5 }
}

/// Runs `cpu` in pools of 1, 2 and 3 threads: the same bits, and the result of `reference`.
fn judge<T: Scalar>(
    what: &str,
    start: &[T],
    cpu: impl Fn(&mut [T]) + Send + Sync,
    reference: impl Fn(&mut [T]),
) {
    let mut expected = start.to_vec();
    reference(&mut expected);
    let size = expected.iter().fold(1.0f64, |m, v| m.max(v.to_f64().abs()));
    let mut first: Option<Vec<u64>> = None;
    for pool in pools() {
        let mut got = start.to_vec();
        pool.install(|| cpu(&mut got));
        for (q, (x, y)) in got.iter().zip(&expected).enumerate() {
            let (x, y) = (x.to_f64(), y.to_f64());
            assert!((x - y).abs() <= tolerance::<T>() * size, "{what}, value {q}: {x} against {y}");
        }
        let own = bits(&got);
        assert_eq!(first.get_or_insert_with(|| own.clone()), &own, "{what}: bits depend on threads");
    }
}

fn small<T: Scalar>() -> Vec<(&'static str, Csr<T>)> {
    let mut r = Numbers(7);
    let mut spiked: Vec<(usize, usize, T)> = (0..30).rev().map(|j| (7, j, T::from_f64(r.value()))).collect();
    spiked.extend([(29, 0, T::ONE), (0, 29, -T::ONE)]);
    vec![
        ("no rows", r.matrix(0, 3, 1)),
        ("no columns", r.matrix(3, 0, 1)),
        ("nothing at all", r.matrix(0, 0, 0)),
        ("no entries", r.matrix(6, 4, 0)),
        ("one entry", Csr::from_triplets(1, 1, &[(0, 0, T::from_f64(-2.5))]).unwrap()),
        ("one row", r.matrix(1, 7, 4)),
        ("one column", r.matrix(7, 1, 1)),
        ("a dense row among empty ones", Csr::from_triplets(30, 30, &spiked).unwrap()),
        ("wide", r.matrix(11, 23, 6)),
        ("tall", r.matrix(23, 11, 3)),
        ("square", r.matrix(67, 67, 5)),
    ]
}

fn large<T: Scalar>() -> Vec<(&'static str, Csr<T>)> {
    let mut r = Numbers(8);
    vec![("large", r.matrix(2_603, 3_001, 60)), ("large and tall", r.matrix(20_011, 37, 9))]
}

fn cases<T: Scalar>() -> impl Iterator<Item = (String, Csr<T>, usize)> {
    let small = small().into_iter().flat_map(|(name, a)| COLUMNS.map(|k| (name, a.clone(), k)));
    let large = large().into_iter().flat_map(|(name, a)| FEW.map(|k| (name, a.clone(), k)));
    small.chain(large).map(|(name, a, k)| (format!("{name}, {k} columns, {}", T::NAME), a, k))
}

fn products<T: Scalar>() {
    let mut r = Numbers(9);
    for (name, a, k) in cases::<T>() {
        let (x, y) = (r.vector::<T>(a.cols() * k), r.vector::<T>(a.rows() * k));
        let scalars: &[f64] = if a.rows() > 1_000 { &[0.0, -1.0] } else { &[0.0, 1.0, -1.0, 0.5] };
        for &alpha in &[0.0, 1.0, -1.0, 0.5] {
            for &beta in scalars {
                let what = format!("{name}, α = {alpha}, β = {beta}");
                let (alpha, b) = (T::from_f64(alpha), T::from_f64(beta));
                let hidden =
                    |v: &Vec<T>| if beta == 0.0 { vec![T::from_f64(f64::NAN); v.len()] } else { v.clone() };
                judge(
                    &format!("spmv: {what}"),
                    &hidden(&y),
                    |y| Cpu.spmv(alpha, (&a).into(), &x, b, y, k),
                    |y| Reference.spmv(alpha, (&a).into(), &x, b, y, k),
                );
                judge(
                    &format!("spmv_transposed: {what}"),
                    &hidden(&x),
                    |x| Cpu.spmv_transposed(alpha, (&a).into(), &y, b, x, k),
                    |x| Reference.spmv_transposed(alpha, (&a).into(), &y, b, x, k),
                );
                judge(
                    &format!("combine: {what}"),
                    &hidden(&y),
                    |z| Cpu.combine(alpha, &y, b, z),
                    |z| Reference.combine(alpha, &y, b, z),
                );
            }
        }
    }
}

fn residuals_and_samples<T: Scalar>() {
    let mut r = Numbers(10);
    for (name, a, k) in cases::<T>() {
        let (x, b) = (r.vector::<T>(a.cols() * k), r.vector::<T>(a.rows() * k));
        let nan = vec![T::from_f64(f64::NAN); b.len()];
        judge(
            &format!("residual: {name}"),
            &nan,
            |out| Cpu.residual((&a).into(), &b, &x, out, k),
            |out| Reference.residual((&a).into(), &b, &x, out, k),
        );
        let (g, alpha) = (r.vector::<T>(a.nnz()), T::from_f64(-0.75));
        judge(
            &format!("sampled_product: {name}"),
            &g,
            |g| Cpu.sampled_product(alpha, a.pattern(), &b, &x, g, k),
            |g| Reference.sampled_product(alpha, a.pattern(), &b, &x, g, k),
        );
        let (d, y) = (r.vector::<T>(a.rows()), r.vector::<T>(a.rows() * k));
        judge(
            &format!("diagonal_add: {name}"),
            &y,
            |y| Cpu.diagonal_add(&d, &b, y, k),
            |y| Reference.diagonal_add(&d, &b, y, k),
        );
        judge(
            &format!("diagonal_scale: {name}"),
            &vec![T::from_f64(f64::NAN); y.len()],
            |y| Cpu.diagonal_scale(&d, &b, y, k),
            |y| Reference.diagonal_scale(&d, &b, y, k),
        );
        for alpha in [0.0, -0.75] {
            let start = if alpha == 0.0 { &nan } else { &y };
            let factors = (T::from_f64(alpha), T::from_f64(1.25));
            judge(
                &format!("polynomial_step: {name}, α = {alpha}"),
                start,
                |y| Cpu.polynomial_step((&a).into(), &d, &b, &x, factors, y, k),
                |y| Reference.polynomial_step((&a).into(), &d, &b, &x, factors, y, k),
            );
        }
        if a.rows() == a.cols() {
            judge(
                &format!("jacobi: {name}"),
                &nan,
                |next| Cpu.jacobi((&a).into(), &d, &b, &x, next, k),
                |next| Reference.jacobi((&a).into(), &d, &b, &x, next, k),
            );
        }
        judge(
            &format!("row_dots: {name}"),
            &d,
            |g| Cpu.row_dots(&y, &b, g, k),
            |g| Reference.row_dots(&y, &b, g, k),
        );
    }
}

/// Square matrices of awkward sizes: nonsymmetric patterns, missing diagonal entries, rows that are empty or
/// lie on one side of the diagonal.
fn squares<T: Scalar>() -> Vec<(&'static str, Csr<T>)> {
    let mut r = Numbers(16);
    let full = r.dominant::<T>(67, 6);
    let keep = |a: &Csr<T>, f: fn(usize, usize) -> bool| a.filter(|i, j, _| f(i, j));
    vec![
        ("no rows", r.matrix(0, 0, 0)),
        ("one entry", r.dominant(1, 1)),
        ("one row without an entry", r.matrix(1, 1, 0)),
        ("random, most diagonal entries missing", r.matrix(53, 53, 4)),
        ("dominant", r.dominant(211, 5)),
        ("no diagonal at all", keep(&full, |i, j| i != j)),
        ("every third diagonal entry missing", keep(&full, |i, j| i != j || i % 3 != 0)),
        ("a lower triangle", keep(&full, |i, j| j <= i)),
        ("a strictly upper triangle", keep(&full, |i, j| j > i)),
        ("every fifth row empty", keep(&full, |i, _| i % 5 != 2)),
    ]
}

/// g of a triangle: its entries are sampled, and the others do not change.
fn sampled_triangles<T: Scalar>() {
    let mut r = Numbers(17);
    // Above the parallel threshold, in chunks that do not divide it.
    let mut matrices: Vec<_> = squares::<T>().into_iter().map(|(name, a)| (name, a, &COLUMNS[..])).collect();
    matrices.push(("large", r.matrix(2_603, 2_603, 60), &FEW[..]));
    for (name, a, columns) in &matrices {
        for &k in *columns {
            let (y, x) = (r.vector::<T>(a.rows() * k), r.vector::<T>(a.rows() * k));
            let (g, alpha) = (r.vector::<T>(a.nnz()), T::from_f64(-0.75));
            for part in (0..4).map(|q| Triangle { lower: q & 1 == 0, unit: q & 2 == 0 }) {
                let what = format!("sampled_triangle: {name}, {k} columns, {}, {part:?}", T::NAME);
                judge(
                    &what,
                    &g,
                    |g| Cpu.sampled_triangle(alpha, a.pattern(), part, (&y, &x), g, k),
                    |g| Reference.sampled_triangle(alpha, a.pattern(), part, (&y, &x), g, k),
                );
                let mut own = g.clone();
                Cpu.sampled_triangle(alpha, a.pattern(), part, (&y, &x), &mut own, k);
                for i in 0..a.rows() {
                    for p in a.pattern().row(i) {
                        let read = part.reads(i, a.pattern().col_idx()[p] as usize);
                        assert!(read || own[p] == g[p], "{what}: an entry beside the triangle changed");
                    }
                }
            }
        }
    }
}

/// Blocks of 1 to 17 columns: every width of the kernels and every remainder. A triangle of unit diagonal
/// need not store it, and entries outside are not read.
fn block_substitutions<T: Scalar>() {
    let mut r = Numbers(18);
    let half = |a: &Csr<T>| a.map(|i, j, v| if i == j { v } else { T::from_f64(0.3) * v });
    for (name, a) in &squares::<T>() {
        let (a, n) = (half(a), a.rows());
        let whole = (0..n).all(|i| a.pattern().find(i, i).is_some());
        for (k, q) in (1..=17).flat_map(|k| (0..8).map(move |q| (k, q))) {
            let (part, transposed) = (Triangle { lower: q & 1 == 0, unit: q & 2 == 0 }, q & 4 == 0);
            if !part.unit && !whole {
                continue;
            }
            let b = r.vector::<T>(n * k);
            let hidden = a.map(|i, j, v| if part.reads(i, j) { v } else { T::from_f64(f64::NAN) });
            let what = format!("{part:?}, transposed {transposed}: {name}, {k} columns, {}", T::NAME);
            judge(
                &what,
                &b,
                |x| Cpu.solve_triangular((&hidden).into(), part, transposed, x, k),
                |x| Reference.solve_triangular((&a).into(), part, transposed, x, k),
            );
            // A block is its columns, to rounding.
            let mut x = b.clone();
            Cpu.solve_triangular((&a).into(), part, transposed, &mut x, k);
            for c in 0..k {
                let column = |v: &[T]| (0..n).map(|i| v[i * k + c]).collect::<Vec<T>>();
                let mut own = column(&b);
                Cpu.solve_triangular((&a).into(), part, transposed, &mut own, 1);
                let size = own.iter().fold(1.0f64, |m, v| m.max(v.to_f64().abs()));
                for (p, q) in own.iter().zip(column(&x)) {
                    assert!((p.to_f64() - q.to_f64()).abs() <= tolerance::<T>() * size, "{what}");
                }
            }
        }
    }
}

fn column_sums<T: Scalar>() {
    let mut r = Numbers(11);
    for k in COLUMNS.into_iter().chain([9_000]) {
        for rows in [0, 1, 2, 1_000, 200_000 / k + 1] {
            let (x, y) = (r.vector::<T>(rows * k), r.vector::<T>(rows * k));
            judge(
                &format!("column_dots: {rows} × {k}, {}", T::NAME),
                &vec![T::from_f64(f64::NAN); k],
                |out| Cpu.column_dots(&x, &y, out),
                |out| {
                    // In double precision: a plain sum in f32 is the less accurate of the two.
                    for (c, o) in out.iter_mut().enumerate() {
                        let terms = (0..rows).map(|i| x[i * k + c].to_f64() * y[i * k + c].to_f64());
                        *o = T::from_f64(terms.sum());
                    }
                },
            );
        }
    }
}

fn substitutions<T: Scalar>() {
    let mut r = Numbers(12);
    let matrices = [0, 1, 2, 37, 211].map(|n| r.dominant::<T>(n, 6));
    for (a, k) in matrices.iter().flat_map(|a| COLUMNS.map(|k| (a, k))) {
        let n = a.rows();
        let (b, x) = (r.vector::<T>(n * k), r.vector::<T>(n * k));
        for (lower, unit, transposed) in (0..8).map(|q| (q & 1 == 0, q & 2 == 0, q & 4 == 0)) {
            let part = Triangle { lower, unit };
            judge(
                &format!("{part:?}, transposed {transposed}: {n} × {k}, {}", T::NAME),
                &b,
                |x| Cpu.solve_triangular(a.into(), part, transposed, x, k),
                |x| Reference.solve_triangular(a.into(), part, transposed, x, k),
            );
        }
        let dense = b.iter().zip(&x).map(|(b, x)| *b + *x).collect::<Vec<T>>();
        for (q, start) in (0..8).flat_map(|q| [(q, None), (q, Some(&dense[..]))]) {
            let (part, transposed) = (Triangle { lower: q & 1 == 0, unit: q & 2 == 0 }, q & 4 == 0);
            judge(
                &format!("Jacobi on {part:?}, transposed {transposed}: {n} × {k}, {}", T::NAME),
                &x,
                |y| Cpu.sweep_triangular(a.into(), part, transposed, (&b, start), y, k),
                |y| Reference.sweep_triangular(a.into(), part, transposed, (&b, start), y, k),
            );
        }
        for direction in [Direction::Forward, Direction::Backward] {
            judge(
                &format!("Gauss–Seidel {direction:?}: {n} × {k}, {}", T::NAME),
                &x,
                |x| Cpu.gauss_seidel(a.into(), &b, x, direction, k),
                |x| Reference.gauss_seidel(a.into(), &b, x, direction, k),
            );
        }
    }
}

/// Strictly triangular, nothing stored on the diagonal: a unit factor may be stored so.
fn strict_factors<T: Scalar>() {
    let a = Numbers(13).dominant::<T>(50, 5);
    for lower in [true, false] {
        let (part, strict) = (Triangle { lower, unit: true }, a.filter(|i, j, _| i != j && (j < i) == lower));
        let b = Numbers(14).vector::<T>(50 * 3);
        for transposed in [true, false] {
            let (mut x, mut y) = (b.clone(), b.clone());
            Cpu.solve_triangular((&strict).into(), part, transposed, &mut x, 3);
            Cpu.solve_triangular((&a).into(), part, transposed, &mut y, 3);
            assert_eq!(bits(&x), bits(&y), "the stored diagonal or the other triangle was read");
        }
    }
}

/// ⟨A x, y⟩ = ⟨x, Aᵀ y⟩, and ⟨T⁻¹ x, y⟩ = ⟨x, T⁻ᵀ y⟩.
fn adjoints<T: Scalar>() {
    let mut r = Numbers(15);
    let inner = |x: &[T], y: &[T]| x.iter().zip(y).map(|(x, y)| x.to_f64() * y.to_f64()).sum::<f64>();
    for (name, a, k) in cases::<T>() {
        let (x, y) = (r.vector::<T>(a.cols() * k), r.vector::<T>(a.rows() * k));
        let (mut ax, mut aty) = (y.clone(), x.clone());
        Cpu.spmv(T::ONE, (&a).into(), &x, T::ZERO, &mut ax, k);
        Cpu.spmv_transposed(T::ONE, (&a).into(), &y, T::ZERO, &mut aty, k);
        let size = (1 + a.rows() * k) as f64;
        assert!((inner(&ax, &y) - inner(&x, &aty)).abs() <= tolerance::<T>() * size, "{name}");
    }
    let a = r.dominant::<T>(150, 7);
    for part in (0..4).map(|q| Triangle { lower: q & 1 == 0, unit: q & 2 == 0 }) {
        let (x, y) = (r.vector::<T>(300), r.vector::<T>(300));
        let (mut tx, mut ty) = (x.clone(), y.clone());
        Cpu.solve_triangular((&a).into(), part, false, &mut tx, 2);
        Cpu.solve_triangular((&a).into(), part, true, &mut ty, 2);
        assert!((inner(&tx, &y) - inner(&x, &ty)).abs() <= tolerance::<T>() * 300.0, "{part:?}");
    }
}

macro_rules! is_equivalent_to_reference {
    ($($scalar:ident),*) => {$(
        mod $scalar {
            #[test]
            fn products_are_equivalent_to_reference() {
                super::products::<$scalar>();
            }
            #[test]
            fn residuals_and_samples_are_equivalent_to_reference() {
                super::residuals_and_samples::<$scalar>();
            }
            #[test]
            fn column_sums_are_equivalent_to_reference() {
                super::column_sums::<$scalar>();
            }
            #[test]
            fn substitutions_are_equivalent_to_reference() {
                super::substitutions::<$scalar>();
            }
            #[test]
            fn sampled_triangles_are_equivalent_to_reference() {
                super::sampled_triangles::<$scalar>();
            }
            #[test]
            fn block_substitutions_are_equivalent_to_reference() {
                super::block_substitutions::<$scalar>();
            }
            #[test]
            fn unit_factors_read_only_their_triangle() {
                super::strict_factors::<$scalar>();
            }
            #[test]
            fn transposed_kernels_are_adjoint() {
                super::adjoints::<$scalar>();
            }
        }
    )*};
}

is_equivalent_to_reference!(f64, f32);
