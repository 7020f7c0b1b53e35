//! Random matrices.

use super::*;

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config {
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(2),
        ..proptest::test_runner::Config::with_cases(2000)
    })]

    /// Random matrices, some of them with rows that decouple: no panic, finite results, shapes
    /// that chain, and no zero rows in coarse matrices.
    #[test]
    fn random_matrices_give_sound_hierarchies(
        n in 1usize..60,
        links in proptest::collection::vec((0usize..60, 0usize..60, -2.0f64..2.0), 0..200),
        columns in 1usize..4,
        kind in 0usize..16,
        pairs: bool,
        theta in 0.0f64..0.3,
    ) {
        let entries: Vec<_> = links
            .iter()
            .filter(|l| l.0 < n && l.1 < n && l.0 != l.1)
            .copied()
            .chain((0..n).map(|i| (i, i, 3.0)))
            .collect();
        let a = Csr::from_triplets(n, n, &entries).unwrap();
        let b = DenseMatrix::from_fn(n, columns, |i, c| (i as f64 / n as f64).powi(c as i32) + if n == 1 { 1.0 } else { 0.0 });
        let smoothing = [None, Some(Smoothing::None), Some(Smoothing::Energy), Some(Smoothing::RootNode)][kind / 4];
        let aggregates = if pairs { Aggregates::Pairwise } else { Aggregates::Standard };
        let coarsening = Coarsening { theta, max_coarse: 2, block_size: Some(1), smoothing, aggregates, ..with(Variant::ALL[kind % 4]) };
        let grids = coarsening.coarsen(&a, Some(&b)).unwrap();
        for (t, next) in grids.transfers.iter().zip(grids.matrices().skip(1)) {
            proptest::prop_assert_eq!(t.prolongation.rows(), t.a.rows());
            proptest::prop_assert_eq!(t.restriction.cols(), t.a.rows());
            proptest::prop_assert_eq!(t.prolongation.cols(), next.rows());
            proptest::prop_assert!(next.rows() < t.a.rows());
            proptest::prop_assert!((0..next.rows()).all(|i| next.row(i).len() > 0));
        }
    }
}

/// The candidates of A and Aᵀ are nonzero on different rows of an aggregate (found by the property test
/// above): restricting with one set what the other interpolates would give a zero row.
#[test]
fn a_starved_column_is_not_left_behind() {
    let links = [
        (10, 34, -0.3485819161958556),
        (23, 10, 1.3949769454842764),
        (28, 12, -0.8409887958150427),
        (14, 34, -1.831222212061277),
        (10, 21, -0.9410002080729641),
        (10, 23, 1.533225071244869),
        (14, 10, -1.5362107466474022),
    ];
    let n = 35;
    let entries: Vec<_> = links.into_iter().chain((0..n).map(|i| (i, i, 3.0))).collect();
    let a = Csr::from_triplets(n, n, &entries).unwrap();
    let b = DenseMatrix::from_fn(n, 2, |i, c| (i as f64 / n as f64).powi(c as i32));
    let coarsening = Coarsening {
        theta: 0.25799950905805513,
        max_coarse: 2,
        block_size: Some(1),
        ..with(Variant::EnergyMinimised)
    };
    let grids = coarsening.coarsen(&a, Some(&b)).unwrap();
    assert!(grids.matrices().all(|m| (0..m.rows()).all(|i| m.row(i).len() > 0)));
}
