//! Transposition, symmetry, sums and selections against plain references.

use std::sync::Arc;

use proptest::prelude::*;

use super::{Csr, Pattern};

/// Entries as (row, column, value), some of them mirrored.
fn matrix(rows: usize, cols: usize) -> impl Strategy<Value = Csr<f64>> {
    let entry = (0..rows.max(1), 0..cols.max(1), -2.0..2.0f64, 0..3u8);
    prop::collection::vec(entry, 0..40).prop_map(move |list| {
        let mut entries = Vec::new();
        for (i, j, v, mirror) in list {
            if i < rows && j < cols {
                entries.push((i, j, v));
            }
            if j < rows && i < cols && mirror > 0 {
                entries.push((j, i, if mirror == 1 { v } else { 1.0 }));
            }
        }
        Csr::from_triplets(rows, cols, &entries).unwrap()
    })
}

fn any_matrix() -> impl Strategy<Value = Csr<f64>> {
    (0..9usize, 0..9usize).prop_flat_map(|(m, n)| matrix(m, n))
}

fn pair() -> impl Strategy<Value = (Csr<f64>, Csr<f64>)> {
    (0..9usize, 0..9usize).prop_flat_map(|(m, n)| (matrix(m, n), matrix(m, n)))
}

/// The definition: for every entry (i, j), a search for (j, i).
fn asymmetry(a: &Csr<f64>) -> f64 {
    let largest = a.values().iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let (mut difference, mut norm) = (0.0, 0.0);
    for i in 0..a.rows() {
        for (j, v) in a.row(i) {
            let (v, w) = (v / largest, a.get(j, i) / largest);
            norm += v * v;
            let twice = if a.pattern().find(j, i).is_some() { 1.0 } else { 2.0 };
            difference += twice * (v - w) * (v - w);
        }
    }
    if norm > 0.0 { (difference / norm).sqrt() } else { 0.0 }
}

fn valid(a: &Csr<f64>) -> bool {
    let p = a.pattern();
    Pattern::new(p.rows(), p.cols(), p.row_ptr().to_vec(), p.col_idx().to_vec()).is_ok()
}

fn settings() -> ProptestConfig {
    ProptestConfig {
        cases: 300,
        rng_seed: proptest::test_runner::RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(settings())]

    #[test]
    fn the_transpose_swaps_rows_and_columns(a in any_matrix()) {
        let t = a.transpose();
        prop_assert!(valid(&t) && a.pattern().known_transposition().is_none());
        prop_assert_eq!((t.rows(), t.cols(), t.nnz()), (a.cols(), a.rows(), a.nnz()));
        for i in 0..a.rows() {
            prop_assert!(a.row(i).all(|(j, v)| t.get(j, i) == v));
        }
        prop_assert_eq!(&*a.pattern().transposed(), &**t.pattern());
        // Once it is known, the transposition gives the same.
        let known = a.pattern().transposition();
        prop_assert_eq!((&known.ptr[..], &known.row_idx[..]), (t.pattern().row_ptr(), t.pattern().col_idx()));
        prop_assert!(known.source.iter().zip(t.values()).all(|(&p, &v)| a.values()[p as usize] == v));
        prop_assert_eq!(&a.transpose(), &t);
        prop_assert_eq!(&*a.pattern().transposed(), &**t.pattern());
    }

    #[test]
    fn asymmetry_is_that_of_its_definition(a in (0..9usize).prop_flat_map(|n| matrix(n, n))) {
        let expected = asymmetry(&a);
        prop_assert!((a.asymmetry() - expected).abs() <= 1e-14 * expected, "{} {}", a.asymmetry(), expected);
        let mirrored = (0..a.rows()).all(|i| a.row(i).all(|(j, _)| a.pattern().find(j, i).is_some()));
        prop_assert_eq!(a.pattern().is_symmetric(), mirrored);
        let half = a.symmetric_part().unwrap();
        prop_assert!(valid(&half) && half.asymmetry() == 0.0 && half.is_symmetric());
        for i in 0..a.rows() {
            prop_assert!(half.row(i).all(|(j, v)| v == 0.5 * a.get(i, j) + 0.5 * a.get(j, i)));
            let stored = |j: &usize| a.pattern().find(i, *j).is_some() || a.pattern().find(*j, i).is_some();
            prop_assert_eq!(half.row(i).len(), (0..a.rows()).filter(stored).count());
        }
    }

    #[test]
    fn sums_and_selections((a, b) in pair()) {
        let sum = a.add(2.0, &b, -3.0).unwrap();
        prop_assert!(valid(&sum));
        for i in 0..a.rows() {
            let stored = |j: &usize| a.pattern().find(i, *j).is_some() || b.pattern().find(i, *j).is_some();
            prop_assert_eq!(sum.row(i).len(), (0..a.cols()).filter(stored).count());
            prop_assert!(sum.row(i).all(|(j, v)| v == 2.0 * a.get(i, j) - 3.0 * b.get(i, j)));
        }
        let kept = a.filter(|i, j, v| v > 0.0 && i != j);
        prop_assert!(valid(&kept));
        for i in 0..a.rows() {
            let expected: Vec<_> = a.row(i).filter(|&(j, v)| v > 0.0 && i != j).collect();
            prop_assert_eq!(kept.row(i).collect::<Vec<_>>(), expected);
        }
        prop_assert_eq!(&a.filter(|_, _, _| true), &a);
        prop_assert_eq!(a.diagonal(), (0..a.rows().min(a.cols())).map(|i| a.get(i, i)).collect::<Vec<_>>());
    }
}

#[test]
fn large_matrices_on_several_threads() {
    let mut entries = Vec::new();
    for i in 0..60_000 {
        for q in 0..8 {
            entries.push((i, (i * 13 + q * q * 3571) % 40_000, (i % 17) as f64 - q as f64));
        }
    }
    let a = Csr::from_triplets(60_000, 40_000, &entries).unwrap();
    let b = a.filter(|i, j, _| (i + j) % 3 > 0);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let copy = |a: &Csr<f64>| Csr::from_parts(Arc::new(Pattern::clone(a.pattern())), a.values().to_vec());
        pool.install(|| {
            let fresh = copy(&a);
            let transpose = fresh.transpose();
            let pattern = fresh.pattern().transposition().clone();
            (transpose, pattern.row_idx, pattern.source, a.add(1.0, &b, 0.5).unwrap(), a.diagonal())
        })
    };
    let one = run(1);
    assert_eq!(one.0.transpose(), a);
    assert!(one == run(2) && one == run(5));
}

#[test]
fn symmetry_by_hand() {
    // Without a partner: (0, 1) and (2, 0); norm² = 1 + 4 + 9, difference² = 2 · 4 + 2 · 9.
    let a = Csr::from_triplets(3, 3, &[(0, 0, 1.0), (0, 1, 2.0), (2, 0, 3.0)]).unwrap();
    assert!((a.asymmetry() - (26.0f64 / 14.0).sqrt()).abs() < 1e-15);
    assert_eq!(Csr::<f64>::identity(0).asymmetry(), 0.0);
    assert_eq!(Csr::from_triplets(1, 2, &[(0, 0, 1.0)]).unwrap().asymmetry(), f64::INFINITY);
    // Neither too large nor too small to be squared.
    for scale in [1e300, 1e-300] {
        let a = Csr::from_triplets(2, 2, &[(0, 1, scale), (1, 0, -scale)]).unwrap();
        assert_eq!(a.asymmetry(), 2.0);
    }
    assert!(Csr::from_triplets(1, 2, &[(0, 0, 1.0)]).unwrap().symmetric_part().unwrap_err().is_dimension());
}

#[test]
fn a_shared_pattern_stays_shared() {
    let a = Csr::from_triplets(2, 2, &[(0, 1, 1.0), (1, 0, 2.0)]).unwrap();
    for same in [a.add(1.0, &a, 1.0).unwrap(), a.symmetric_part().unwrap(), a.filter(|_, _, _| true)] {
        assert!(Arc::ptr_eq(same.pattern(), a.pattern()));
    }
}
