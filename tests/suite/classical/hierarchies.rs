//! Convergence and ends of hierarchies.

use super::*;

/// V(1,1) cycles with Gauss–Seidel, backward after the correction.
struct Cycle {
    grids: Grids,
    direct: Direct<f64>,
}

impl Cycle {
    fn run(&self, level: usize, b: &[f64], x: &mut [f64]) {
        let Some(t) = self.grids.transfers.get(level) else {
            return self.direct.solve(b, x, 1);
        };
        let sweep = |x: &mut [f64], i: usize| {
            let rest: f64 = t.a.row(i).map(|(j, v)| if j == i { 0.0 } else { v * x[j] }).sum();
            x[i] = (b[i] - rest) / t.a.get(i, i);
        };
        (0..x.len()).for_each(|i| sweep(x, i));
        let mut r = vec![0.0; x.len()];
        t.a.spmv(x, &mut r).unwrap();
        r.iter_mut().zip(b).for_each(|(r, b)| *r = b - *r);
        let mut coarse = vec![0.0; t.restriction.rows()];
        t.restriction.spmv(&r, &mut coarse).unwrap();
        let mut e = vec![0.0; coarse.len()];
        self.run(level + 1, &coarse, &mut e);
        t.prolongation.spmv(&e, &mut r).unwrap();
        x.iter_mut().zip(&r).for_each(|(x, r)| *x += r);
        (0..x.len()).rev().for_each(|i| sweep(x, i));
    }

    /// Reduction of a wave by the last of twelve cycles on A x = 0.
    fn factor(grids: Grids) -> f64 {
        let cycle = Self { direct: Direct::new(&grids.coarsest).unwrap(), grids };
        let n = cycle.grids.matrices().next().unwrap().rows();
        let mut x: Vec<f64> = (0..n).map(|i| ((i * i) as f64 * 0.37 + i as f64).sin()).collect();
        let norm = |x: &[f64]| x.iter().map(|v| v * v).sum::<f64>().sqrt();
        let mut factor = 0.0;
        for _ in 0..12 {
            let before = norm(&x);
            cycle.run(0, &vec![0.0; n], &mut x);
            factor = norm(&x) / before;
        }
        factor
    }
}

#[test]
fn hierarchies_reduce_errors() {
    let plane = gallery::poisson_2d(60, 60).unwrap().matrix;
    let space = gallery::poisson_3d(16, 16, 16).unwrap().matrix;
    // −u_xx − 0.001 u_yy.
    let stretched = stencil(40, 40, 4).map(|i, j, v| match i.abs_diff(j) {
        0 => 2.002,
        1 => v,
        _ => 1e-3 * v,
    });
    let default = Classical::default();
    let ruge = Classical {
        splitting: SplittingKind::RugeStueben,
        interpolation: Interpolation::Modified,
        max_per_row: None,
        ..default.clone()
    };
    let pmis = Classical { splitting: SplittingKind::Pmis, ..default.clone() };
    let aggressive = Classical { aggressive_levels: 1, ..default.clone() };
    for (name, c, bound) in [
        ("default", &default, 0.3),
        ("ruge-stueben", &ruge, 0.3),
        ("pmis", &pmis, 0.5),
        ("aggressive", &aggressive, 0.8),
    ] {
        for (problem, a) in [("plane", &plane), ("space", &space), ("stretched", &stretched)] {
            let grids = c.coarsen(a).unwrap();
            let rows: Vec<usize> = grids.matrices().map(|a| a.rows()).collect();
            let nnz: Vec<usize> = grids.matrices().map(|a| a.nnz()).collect();
            let complexity = nnz.iter().sum::<usize>() as f64 / nnz[0] as f64;
            let factor = Cycle::factor(grids);
            println!("{name} {problem}: {rows:?}, complexity {complexity:.2}, factor {factor:.3}");
            assert!(factor < bound, "{name} {problem}: {factor}");
            assert!(complexity < 4.5, "{name} {problem}: {complexity}");
        }
    }
}

#[test]
fn restrictions_for_transport() {
    let a = upwind(32);
    for restriction in Restriction::ALL {
        let c = Classical { restriction, ..Classical::air() };
        let grids = c.coarsen(&a).unwrap();
        assert!(grids.levels() > 2);
        for (t, next) in grids.transfers.iter().zip(grids.matrices().skip(1)) {
            assert_eq!((t.restriction.rows(), t.restriction.cols()), (next.rows(), t.a.rows()));
            assert_eq!((t.prolongation.rows(), t.prolongation.cols()), (t.a.rows(), next.rows()));
        }
        let transposed = grids.transfers[0].restriction == grids.transfers[0].prolongation.transpose();
        assert_eq!(transposed, restriction == Restriction::Transpose);
        let factor = Cycle::factor(grids);
        println!("{restriction}: {factor:.3}");
        if restriction.air_distance().is_some() {
            assert!(factor < 0.5, "{restriction}: {factor}");
        }
    }
    // The transposed problem of a symmetric one is the same.
    let c = Classical { restriction: Restriction::TransposedProblem, ..Classical::default() };
    let (poisson, default) =
        (matrix("five-point 32x32"), Classical { max_levels: 2, ..Classical::default() });
    assert!(
        Classical { max_levels: 2, ..c }.coarsen(&poisson).unwrap() == default.coarsen(&poisson).unwrap()
    );
}

#[test]
fn coarsening_ends_where_it_should() {
    let default = Classical::default();
    assert_eq!(default.coarsen(&Csr::identity(500)).unwrap().levels(), 1);
    let a = matrix("five-point 32x32");
    let sizes =
        |c: &Classical| -> Vec<usize> { c.coarsen(&a).unwrap().matrices().map(|a| a.rows()).collect() };
    let all = sizes(&default);
    assert!(all.last().unwrap() <= &40 && all[all.len() - 2] > 40);
    assert_eq!(sizes(&Classical { max_levels: 2, ..default.clone() }), all[..2]);
    assert_eq!(sizes(&Classical { max_coarse: 600, ..default.clone() }), all[..2]);
    // Rows 5, −1, −1, −1, −1 have sum 1 or more: a bound of a tenth of the diagonal drops all connections.
    let shifted = a.map(|i, j, v| if i == j { 5.0 } else { v });
    let bounded = |bound| Classical { max_row_sum: Some(bound), ..default.clone() };
    assert_eq!(bounded(0.1).coarsen(&shifted).unwrap().levels(), 1);
    // No sum of the finest level exceeds 0.6 of the diagonal.
    let two = |c: Classical| Classical { max_levels: 2, ..c }.coarsen(&shifted).unwrap();
    assert!(two(bounded(0.61)) == two(default.clone()) && two(bounded(0.59)) != two(default.clone()));
    let distance =
        Strength::Distance { theta: 2.0, coordinates: gallery::poisson_2d(32, 32).unwrap().coordinates };
    assert!(sizes(&Classical { strength: distance, ..default }).len() > 2);
}

#[test]
fn mistakes_are_named() {
    let a = matrix("airfoil");
    let default = Classical::default;
    let say = |c: Classical| c.coarsen(&a).unwrap_err().to_string();
    assert!(say(Classical { max_levels: 0, ..default() }).contains("max_levels"));
    assert!(say(Classical { truncation: 1.0, ..default() }).contains("truncation"));
    assert!(say(Classical { max_per_row: Some(0), ..default() }).contains("max_per_row"));
    assert!(say(Classical { aggressive_paths: 0, ..default() }).contains("aggressive_paths"));
    assert!(say(Classical { restriction_theta: 2.0, ..default() }).contains("restriction_theta"));
    assert!(say(Classical { aggressive_levels: 1, ..Classical::air() }).contains("air-2"));
    let theta = Strength::Classical { theta: 2.0, measure: StrengthMeasure::Negative };
    assert!(say(Classical { strength: theta, ..default() }).contains("level 1"));
    let zero = Csr::from_triplets(2, 2, &[(0, 0, 1.0), (1, 0, 1.0)]).unwrap();
    assert!(default().coarsen(&zero).unwrap_err().to_string().contains("diagonal of row 2"));
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config {
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(1),
        ..proptest::test_runner::Config::with_cases(1000)
    })]

    /// Random graphs, one-way links included: every splitting terminates and satisfies its invariant.
    #[test]
    fn random_graphs_are_split(
        n in 1usize..50,
        links in proptest::collection::vec((0usize..50, 0usize..50), 0..200),
    ) {
        let entries: Vec<_> = links
            .iter()
            .filter(|l| l.0 < n && l.1 < n && l.0 != l.1)
            .map(|&(i, j)| (i, j, 1.0))
            .collect();
        let a = Csr::from_triplets(n, n, &entries).unwrap();
        let strong = a.pattern();
        for kind in SplittingKind::ALL {
            let s = kind.split(strong).unwrap();
            let followers = strong.transposed();
            for i in (0..n).filter(|&i| !s.is_coarse(i)) {
                let served = depends_on_coarse(strong, &s, i);
                match kind {
                    SplittingKind::RugeStueben => proptest::prop_assert!(strong.row(i).is_empty() || served),
                    SplittingKind::FirstPass => {}
                    _ => proptest::prop_assert!(followers.row(i).is_empty() || served),
                }
            }
            if kind == SplittingKind::RugeStueben {
                proptest::prop_assert_eq!(uncovered(strong, |i| s.is_coarse(i)), 0);
            }
            for paths in [1, 2] {
                let twice = aggressive(strong, kind, paths).unwrap();
                proptest::prop_assert!((0..n).all(|i| s.is_coarse(i) || !twice.splitting.is_coarse(i)));
                proptest::prop_assert!(s.count() == 0 || twice.splitting.count() > 0);
            }
        }
    }
}
