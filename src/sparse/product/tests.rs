//! Products against a plain dense reference, plans against products, and errors.

use proptest::prelude::*;

use super::*;

/// Sums in the order of the rows of A, as in the product.
fn dense_product(a: &Csr<f64>, b: &Csr<f64>) -> (Vec<Vec<f64>>, Vec<Vec<bool>>) {
    let mut sums = vec![vec![0.0; b.cols()]; a.rows()];
    let mut stored = vec![vec![false; b.cols()]; a.rows()];
    for i in 0..a.rows() {
        for k in 0..a.cols() {
            for j in 0..b.cols() {
                sums[i][j] += a.get(i, k) * b.get(k, j);
                stored[i][j] |= a.pattern().find(i, k).is_some() && b.pattern().find(k, j).is_some();
            }
        }
    }
    (sums, stored)
}

fn check(c: &Csr<f64>, sums: &[Vec<f64>], stored: &[Vec<bool>], tolerance: f64) {
    let (ptr, cols) = (c.pattern().row_ptr().to_vec(), c.pattern().col_idx().to_vec());
    assert!(Pattern::new(c.rows(), c.cols(), ptr, cols).is_ok(), "columns out of order");
    for i in 0..c.rows() {
        for j in 0..c.cols() {
            assert_eq!(c.pattern().find(i, j).is_some(), stored[i][j], "row {i}, column {j}");
            assert!((c.get(i, j) - sums[i][j]).abs() <= tolerance, "row {i}, column {j}");
        }
    }
}

/// Some rows empty, some full, the rest sparse; few distinct values, so that sums cancel.
fn matrix(rows: usize, cols: usize) -> impl Strategy<Value = Csr<f64>> {
    let row = (0..4usize, prop::collection::vec((0..6u32, -2.0..2.0), cols));
    prop::collection::vec(row, rows).prop_map(move |list| {
        let mut entries = Vec::new();
        for (i, (kind, row)) in list.into_iter().enumerate() {
            for (j, (draw, v)) in row.into_iter().enumerate() {
                if kind == 0 || (kind > 1 && draw == 0) {
                    entries.push((i, j, if draw == 3 { 1.0 } else { v }));
                }
            }
        }
        Csr::from_triplets(rows, cols, &entries).unwrap()
    })
}

fn chain() -> impl Strategy<Value = (Csr<f64>, Csr<f64>, Csr<f64>)> {
    (0..9usize, 0..12usize, 0..12usize, 0..9usize)
        .prop_flat_map(|(k, l, m, n)| (matrix(k, l), matrix(l, m), matrix(m, n)))
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
    fn products_are_those_of_dense_matrices((r, a, p) in chain()) {
        let ap = a.multiply(&p).unwrap();
        let (sums, stored) = dense_product(&a, &p);
        // The same order of sums, hence the same bits except zeros.
        check(&ap, &sums, &stored, 0.0);
        let plan = ProductPlan::new(a.pattern(), p.pattern()).unwrap();
        prop_assert_eq!(&plan.numeric(&a, &p).unwrap(), &ap);

        let rap = a.galerkin(&r, &p).unwrap();
        let (sums, stored) = dense_product(&r, &ap);
        check(&rap, &sums, &stored, 1e-12 * (1.0 + r.nnz() as f64 * ap.nnz() as f64));
        let plan = GalerkinPlan::new(r.pattern(), a.pattern(), p.pattern()).unwrap();
        prop_assert_eq!(plan.numeric(&r, &a, &p).unwrap(), rap);
        // A plan takes other values too and overwrites all old contents.
        let doubled = a.map(|i, j, v| 2.0 * v + (i + j) as f64);
        let mut out = vec![7.0; plan.pattern().nnz()];
        plan.numeric_into(r.values(), doubled.values(), p.values(), &mut out).unwrap();
        prop_assert_eq!(&out, &doubled.galerkin(&r, &p).unwrap().into_parts().1);
    }
}

/// A deterministic matrix with scattered entries.
fn scattered(rows: usize, cols: usize, per_row: usize) -> Csr<f64> {
    let mut entries = Vec::new();
    for i in 0..rows {
        for q in 0..per_row + i % 3 {
            let j = (i * 7919 + q * (i % 31 + 1) * 127 + q * q) % cols;
            entries.push((i, j, ((i * 31 + q * 17) % 23) as f64 / 7.0 - 1.5));
        }
    }
    Csr::from_triplets(rows, cols, &entries).unwrap()
}

fn bits(a: &Csr<f64>) -> (Vec<u32>, Vec<u32>, Vec<u64>) {
    let values = a.values().iter().map(|v| v.to_bits()).collect();
    (a.pattern().row_ptr().to_vec(), a.pattern().col_idx().to_vec(), values)
}

#[test]
fn the_same_bits_on_any_number_of_threads() {
    let (a, p) = (scattered(20_000, 20_000, 6), scattered(20_000, 3_000, 2));
    let r = p.map(|i, j, v| v + (i % 3 + j % 2) as f64).transpose();
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let plan = ProductPlan::new(a.pattern(), p.pattern()).unwrap();
            let galerkin = GalerkinPlan::new(r.pattern(), a.pattern(), p.pattern()).unwrap();
            let (one, two) = (a.multiply(&p).unwrap(), a.galerkin(&r, &p).unwrap());
            assert_eq!(bits(&plan.numeric(&a, &p).unwrap()), bits(&one));
            assert_eq!(bits(&galerkin.numeric(&r, &a, &p).unwrap()), bits(&two));
            (bits(&one), bits(&two))
        })
    };
    let one = run(1);
    assert_eq!(one, run(2));
    assert_eq!(one, run(5));
}

#[test]
fn rows_of_every_length() {
    // Beyond 256 and 65 536 entries in a row, the plan needs wider places.
    for n in [300, 70_000] {
        let wide =
            Csr::from_triplets(2, n, &(0..n).rev().map(|j| (1, j, j as f64)).collect::<Vec<_>>()).unwrap();
        let (tall, row) = (scattered(5, 2, 1), Csr::diagonal_matrix(&vec![2.0; n]));
        let plan = ProductPlan::new(tall.pattern(), wide.pattern()).unwrap();
        assert_eq!(plan.numeric(&tall, &wide).unwrap(), tall.multiply(&wide).unwrap());
        let plan = GalerkinPlan::new(tall.pattern(), wide.pattern(), row.pattern()).unwrap();
        let product = wide.galerkin(&tall, &row).unwrap();
        assert_eq!(plan.numeric(&tall, &wide, &row).unwrap(), product);
        assert_eq!(product.get(1, n - 1), tall.get(1, 1) * (n - 1) as f64 * 2.0);
        assert_ne!(tall.get(1, 1), 0.0);
        let width = if n == 300 { 2 } else { 4 };
        assert!(plan.bytes() >= width * 2 * product.nnz() && plan.bytes() < (width * 2 + 8) * product.nnz());
    }
}

#[test]
fn by_hand() {
    // [1 2; 0 3] [0 4; 5 6] = [10 16; 15 18]
    let a = Csr::from_triplets(2, 2, &[(0, 0, 1.0f32), (0, 1, 2.0), (1, 1, 3.0)]).unwrap();
    let b = Csr::from_triplets(2, 2, &[(0, 1, 4.0f32), (1, 0, 5.0), (1, 1, 6.0)]).unwrap();
    assert_eq!(a.multiply(&b).unwrap().values(), [10.0, 16.0, 15.0, 18.0]);
    // [1 1] [0 4; 5 6] [1; 1] = 15
    let ones = Csr::from_triplets(1, 2, &[(0, 0, 1.0f32), (0, 1, 1.0)]).unwrap();
    assert_eq!(b.galerkin(&ones, &ones.transpose()).unwrap().values(), [15.0]);
}

#[test]
fn shapes_and_patterns_that_do_not_fit_are_errors() {
    let (a, b) = (scattered(4, 5, 1), scattered(4, 3, 1));
    let error = a.multiply(&b).unwrap_err();
    assert!(error.is_dimension() && error.to_string().contains("4 × 5 by a 4 × 3"), "{error}");
    assert!(ProductPlan::new(a.pattern(), b.pattern()).unwrap_err().is_dimension());
    assert!(b.galerkin(&a, &a).unwrap_err().is_dimension());
    assert!(GalerkinPlan::new(b.pattern(), a.pattern(), b.pattern()).unwrap_err().is_dimension());

    let at = a.transpose();
    let plan = ProductPlan::new(a.pattern(), at.pattern()).unwrap();
    // An equal pattern is accepted, another one is not.
    let copy = a.filter(|_, _, _| true).transpose().transpose();
    assert!(!Arc::ptr_eq(copy.pattern(), a.pattern()));
    assert_eq!(plan.numeric(&copy, &at).unwrap(), a.multiply(&at).unwrap());
    let other = scattered(4, 5, 2);
    let error = plan.numeric(&other, &at).unwrap_err();
    assert!(error.is_dimension() && error.to_string().starts_with("A is 4 × 5"), "{error}");
    let error = plan.numeric(&a, &other.transpose()).unwrap_err();
    assert!(error.to_string().starts_with("B is 5 × 4"), "{error}");
    let mut out = vec![0.0; plan.pattern().nnz()];
    assert!(plan.numeric_into(&[1.0], at.values(), &mut out).unwrap_err().is_dimension());
    assert!(plan.numeric_into(a.values(), &[], &mut out).unwrap_err().is_dimension());
    assert!(plan.numeric_into(a.values(), at.values(), &mut out[1..]).unwrap_err().is_dimension());

    let square = scattered(5, 5, 2);
    let plan = GalerkinPlan::new(a.pattern(), square.pattern(), at.pattern()).unwrap();
    assert!(plan.numeric(&other, &square, &at).unwrap_err().to_string().starts_with("R is"));
    assert!(plan.numeric(&a, &scattered(5, 5, 3), &at).unwrap_err().to_string().starts_with("A is"));
    assert!(plan.numeric(&a, &square, &other.transpose()).unwrap_err().to_string().starts_with("P is"));
    let mut out = vec![0.0; plan.pattern().nnz() + 1];
    assert!(
        plan.numeric_into(a.values(), square.values(), at.values(), &mut out).unwrap_err().is_dimension()
    );
}

#[test]
fn overflow_is_an_error_with_its_place() {
    let a = Csr::from_triplets(3, 3, &[(0, 0, 1.0), (2, 0, -1e300), (2, 1, 1.0)]).unwrap();
    let b = Csr::from_triplets(3, 3, &[(0, 0, 1.0), (0, 2, 1e300), (1, 1, 1.0)]).unwrap();
    let identity = Csr::identity(3);
    let plan = ProductPlan::new(a.pattern(), b.pattern()).unwrap();
    let galerkin = GalerkinPlan::new(identity.pattern(), a.pattern(), b.pattern()).unwrap();
    for error in [
        a.multiply(&b).unwrap_err(),
        a.galerkin(&identity, &b).unwrap_err(),
        plan.numeric(&a, &b).unwrap_err(),
        galerkin.numeric(&identity, &a, &b).unwrap_err(),
    ] {
        assert!(error.is_invalid_input(), "{error}");
        assert!(error.to_string().contains("overflows in row 3, column 3 (-inf)"), "{error}");
    }
}
