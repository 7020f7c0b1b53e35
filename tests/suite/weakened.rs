//! Incomplete factors with weaker off-diagonal entries: definition, symmetry, persistence, and the automatic choice.

use crate::common::numbers::{bits, pools};
use multigrad::gallery::{FlowScheme, poisson_2d, poisson_3d, recirculating_flow, rotated_anisotropic};
use multigrad::learn::{Loss, Start, Target, Trainer};
use multigrad::multigrid::{Relaxation, Smoother};
use multigrad::operator::Preconditioner;
use multigrad::setup::relaxation::{ilu0, iluk, ilut, weaken_factors};
use multigrad::solver::{Amg, Choice, Krylov};
use multigrad::sparse::Csr;

fn rotated(n: usize) -> Csr<f64> {
    rotated_anisotropic(n, 1e-3, 0.9).unwrap().matrix
}

fn right_hand_side(n: usize) -> Vec<f64> {
    (0..n).map(|i| ((i * 7919 + 13) % 101) as f64 / 50.0 - 1.0).collect()
}

#[test]
fn weakened_factors_are_those_of_the_definition() {
    let a = rotated(12);
    for (name, factors) in [
        ("ilu0(tau=0.03)", ilu0(&a).unwrap()),
        ("ilu(2,tau=0.03)", iluk(&a, 2).unwrap()),
        ("ilut(0.01,3,0.5,tau=0.03)", ilut(&a, 0.01, 3.0).unwrap()),
    ] {
        let relaxation: Relaxation = name.parse().unwrap();
        assert_eq!((relaxation.tau(), relaxation.to_string().as_str()), (Some(0.03), name));
        let (sweeps, _) = relaxation.smoothers(&a, 1, 1).unwrap();
        let Smoother::Factors { factors: own, .. } = &sweeps[0] else { panic!("{name}") };
        let expected = factors.map(|i, j, v| if i == j { v } else { (1.0 - 0.03) * v });
        assert_eq!(own.to_csr(), expected, "{name}");
    }
    let factors = ilu0(&a).unwrap();
    assert_eq!(weaken_factors(factors.clone(), 0.0).unwrap(), factors);
    let pivots = weaken_factors(factors.clone(), 1.0).unwrap();
    assert!((0..a.rows()).all(|i| pivots.row(i).all(|(j, v)| i == j || v == 0.0)));
    for wrong in [-0.1, 1.5, f64::NAN] {
        let e = weaken_factors(factors.clone(), wrong).unwrap_err().to_string();
        assert!(e.contains("must lie between 0 and 1"), "{e}");
    }
}

#[test]
fn conjugate_gradients_take_them_where_the_matrix_is_symmetric() {
    let a = rotated(40);
    let b = right_hand_side(a.rows());
    for name in ["ilu0(tau=0.03)", "ilu(1,tau=0.03)", "ilu0(0.9,tau=0.03)"] {
        let build = || Amg::smoothed_aggregation().relaxation(name.parse().unwrap());
        for amg in [build().build(&a).unwrap(), build().single_precision().build(&a).unwrap()] {
            assert!(amg.is_symmetric() && amg.krylov() == Krylov::Cg, "{name}");
            let out = amg.solve(&b).unwrap();
            assert!(out.converged() && out.iterations <= 20, "{name}: {out}");
        }
    }
    let flow = recirculating_flow(20, 0.005, FlowScheme::Supg).unwrap().matrix;
    let amg = Amg::smoothed_aggregation().relaxation(Relaxation::weak_ilu0(0.02)).build(&flow).unwrap();
    assert!(!amg.is_symmetric() && amg.krylov() == Krylov::Fgmres);
}

#[test]
fn a_refresh_and_a_file_keep_them() {
    let (a, folder) = (rotated(30), tempfile::tempdir().unwrap());
    let path = folder.path().join("weak.mgrad");
    let build = |a: &Csr<f64>| {
        Amg::smoothed_aggregation()
            .relaxation(Relaxation::weak_ilu0(0.03))
            .single_precision()
            .build(a)
            .unwrap()
    };
    let mut amg = build(&a);
    let (r, mut before, mut after) = (right_hand_side(a.rows()), vec![0.0; a.rows()], vec![0.0; a.rows()]);
    amg.apply(&r, &mut before).unwrap();
    amg.save(&path).unwrap();
    let mut loaded = Amg::load(&path, &a).unwrap();
    loaded.apply(&r, &mut after).unwrap();
    assert_eq!(bits(&before), bits(&after));
    assert_eq!(loaded.configuration(), amg.configuration());
    // Twice the matrix has the same transfers: refreshing is the same as building.
    let double = a.map(|_, _, v| 2.0 * v);
    build(&double).apply(&r, &mut before).unwrap();
    for solver in [&mut amg, &mut loaded] {
        solver.refresh(&double).unwrap();
        assert_eq!(solver.configuration().unwrap().relaxation.tau(), Some(0.03));
        solver.apply(&r, &mut after).unwrap();
        let gap = before.iter().zip(&after).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
        assert!(gap < 1e-5 * before.iter().fold(0.0f64, |m, v| m.max(v.abs())), "{gap:e}");
    }
}

#[test]
fn training_goes_on_from_them() {
    let a = rotated(32);
    let mut amg = Amg::smoothed_aggregation().relaxation(Relaxation::weak_ilu0(0.1)).build(&a).unwrap();
    let before = amg.solve(&right_hand_side(a.rows())).unwrap().iterations;
    let trainer = Trainer::new().learn(Target::Ilu).loss(Loss::Rate).start(Start::Given).steps(20).seed(1);
    let report = trainer.fit(&mut amg).unwrap();
    assert!(report.factor_before < 0.5, "the weakened factors are the start: {report}");
    let out = amg.solve(&right_hand_side(a.rows())).unwrap();
    assert!(out.converged() && out.iterations <= before + 1, "{report}; {out}");
}

#[test]
fn the_automatic_choice_takes_them_for_anisotropy_across_the_grid() {
    let a = rotated_anisotropic(240, 1e-4, 0.4).unwrap().matrix;
    let b = right_hand_side(a.rows());
    let amg = Amg::auto(&a).unwrap();
    assert!(amg.configuration().unwrap().relaxation.tau().is_some(), "{amg}");
    assert!(amg.reasons().iter().any(|r| r.contains("off-diagonal entries times 0.9")), "{amg}");
    let before = Choice::by_properties(&a, false).build(&a, None).unwrap().solve(&b).unwrap();
    let out = amg.solve(&b).unwrap();
    assert!(
        out.converged() && out.attempts.is_empty() && 3 * out.iterations <= before.iterations,
        "{out}, {before}"
    );
}

#[test]
fn the_automatic_choice_leaves_easy_problems_alone() {
    for problem in
        [poisson_2d(150, 150), poisson_3d(44, 44, 44), recirculating_flow(100, 0.005, FlowScheme::Upwind)]
    {
        let a = problem.unwrap().matrix;
        let (amg, before) =
            (Amg::auto(&a).unwrap(), Choice::by_properties(&a, false).build(&a, None).unwrap());
        assert_eq!(amg.configuration(), before.configuration());
    }
}

#[test]
fn the_choice_and_its_solution_do_not_depend_on_threads() {
    let a = rotated(96);
    let b = right_hand_side(a.rows());
    let run = || {
        let amg = Amg::auto(&a).unwrap();
        (amg.summary(), amg.reasons().to_vec(), bits(&amg.solve(&b).unwrap().x))
    };
    let [one, two, three] = pools();
    let expected = one.install(run);
    assert!(two.install(run) == expected && three.install(run) == expected);
}
