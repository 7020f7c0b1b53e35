//! Training of every part of a cycle, alone and together, and of symmetric pairs.

use crate::common;
use crate::common::numbers;

use multigrad::gallery::{FlowScheme, recirculating_flow};
use multigrad::krylov::Cg;
use multigrad::learn::{Target, Trainer, TrainingReport};
use multigrad::multigrid::{CycleKind, CyclePreconditioner, Smoother};
use multigrad::solver::Amg;

fn flow(m: usize) -> Amg {
    let a = recirculating_flow(m, 0.005, FlowScheme::Upwind).unwrap().matrix;
    Amg::smoothed_aggregation().suited_to(&a).build(&a).unwrap()
}

fn poisson(m: usize) -> Amg {
    let a = common::poisson(m);
    Amg::smoothed_aggregation().suited_to(&a).build(&a).unwrap()
}

/// A short training of a small problem.
fn short(learn: &str) -> Trainer {
    Trainer::new().learn(learn.parse().unwrap()).seed(5).steps(24).cycles(4).batch(6)
}

/// Takes what is learned if it improves on its start, even where the smoothers of `amg` are better.
fn fit(amg: &mut Amg, trainer: &Trainer) -> TrainingReport {
    let (trained, report) = trainer.fit_best(std::slice::from_ref(amg), &mut |_| ()).unwrap();
    *amg = trained;
    assert!(report.accepted && report.rollbacks == 0, "{}: {report}", report.learn);
    assert!(report.factor_after < 0.97 * report.factor_before, "{}: {report}", report.learn);
    report
}

#[test]
fn every_part_is_learned() {
    for (learn, start) in [
        ("wide-relaxation", "spai on the pattern"),
        ("chebyshev", "chebyshev(3)"),
        ("damping", "jacobi"),
        ("interpolation", "Gauss–Seidel"),
        ("restriction", "Gauss–Seidel"),
        ("relaxation,interpolation", "spai1"),
        ("ilu,interpolation,restriction", "ilu0"),
        ("iterative-ilu", "iterative-ilu0(3"),
    ] {
        let mut amg = flow(16);
        let before = amg.hierarchy().clone();
        let report = fit(&mut amg, &short(learn));
        println!("{learn}: {report}");
        assert_eq!(report.learn.to_string(), learn);
        assert!(report.start.starts_with(start) || learn == "damping", "{learn}: {}", report.start);
        let learn = report.learn;
        let changed =
            |p: &dyn Fn(&multigrad::multigrid::Level<_>) -> bool| amg.hierarchy().levels.iter().all(p);
        for (own, old) in amg.hierarchy().levels.iter().zip(&before.levels) {
            assert_eq!(own.prolongation.values != old.prolongation.values, learn.interpolation());
            assert_eq!(own.restriction.values != old.restriction.values, learn.restriction());
            assert_eq!(own.a.values, old.a.values);
        }
        // Scalars are constants again, so that a file holds an ordinary smoother.
        assert!(changed(&|l| !l.pre.iter().chain(&l.post).any(|s| matches!(s, Smoother::Scaled { .. }))));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("parts.mgrad");
        amg.to_single_precision().unwrap().save(&path).unwrap();
        Amg::load(&path, amg.matrix()).unwrap();
    }
}

#[test]
fn tied_and_stored_parameters_do_not_depend_on_threads() {
    let trainer = short("chebyshev,interpolation").steps(2).symmetric(true);
    let run = |pool: usize| {
        let mut amg = poisson(48);
        let report = numbers::pools()[pool].install(|| trainer.fit(&mut amg).unwrap());
        (report.loss_history, report.factor_learned)
    };
    assert_eq!(run(0), run(1));
}

/// A V(2,2) has four different smoothers on every level.
#[test]
fn every_sweep_has_its_own_smoother() {
    let mut amg = flow(16);
    let report = fit(&mut amg, &short("relaxation").sweeps(2, 2));
    assert_eq!(amg.sweeps(), (2, 2));
    let mut count = 0;
    for level in &amg.hierarchy().levels {
        let leaves: Vec<_> = level.pre.iter().chain(&level.post).filter_map(Smoother::leaf).collect();
        assert_eq!(leaves.len(), 4);
        for (q, leaf) in leaves.iter().enumerate() {
            assert!(leaves[q + 1..].iter().all(|other| other != leaf), "sweep {q} is not its own");
            count += leaf.len();
        }
    }
    assert_eq!(report.parameters, count);
}

#[test]
fn a_symmetric_cycle_stays_symmetric_and_suits_cg() {
    let a = common::poisson(16);
    let b = vec![1.0; a.rows()];
    for (learn, sweeps) in [
        ("relaxation,interpolation", 1),
        ("ilu", 1),
        ("iterative-ilu", 1),
        ("chebyshev,interpolation,restriction", 1),
        ("damping", 2),
    ] {
        let mut amg = poisson(16);
        let trainer = short(learn).symmetric(true).sweeps(sweeps, sweeps);
        let report = trainer.fit(&mut amg).unwrap();
        println!("{learn}: {report}");
        assert!(report.accepted, "{learn}: {report}");
        assert!(amg.hierarchy().is_symmetric(), "{learn}");
        let out = Cg::new().preconditioner(&amg).solve(&a, &b).unwrap();
        assert!(out.converged(), "{learn}");
        // In single precision, too.
        let single = CyclePreconditioner::new(amg.hierarchy().cast::<f32>().unwrap()).unwrap();
        assert!(Cg::new().preconditioner(&single).solve(&a, &b).unwrap().converged(), "{learn}");
        // Half the parameters of a cycle that is not tied.
        let apart = short(learn).steps(0).sweeps(sweeps, sweeps).fit(&mut poisson(16)).unwrap();
        assert!(report.parameters < apart.parameters, "{learn}");
    }
    // Untied pairs are refused by CG.
    let mut amg = poisson(16);
    fit(&mut amg, &short("relaxation"));
    assert!(Cg::new().preconditioner(&amg).solve(&a, &b).is_err());
}

#[test]
fn what_cannot_be_learned_is_said() {
    let unsuited = |amg: &Amg, trainer: Trainer, what: &str| {
        let mut amg = amg.with_hierarchy(amg.hierarchy().clone()).unwrap();
        let error = trainer.fit(&mut amg).unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
    };
    let symmetric = |learn| short(learn).steps(1).symmetric(true);
    let square = poisson(16);
    unsuited(&flow(16), symmetric("relaxation"), "symmetric matrix, and that of level 0 is not");
    unsuited(&square, symmetric("restriction"), "learn interpolation");
    unsuited(&square, symmetric("ilu").sweeps(2, 1), "not 2 and 1");
    unsuited(&square, short("interpolation").sweeps(2, 1), "no smoother is learned");
    let a = common::poisson(16);
    let k = Amg::smoothed_aggregation().cycle(CycleKind::K).build(&a).unwrap();
    unsuited(&k, symmetric("ilu"), "K-cycle");
    let mut h = square.hierarchy().clone();
    h.levels[0].restriction = h.levels[0].restriction.to_csr().map(|_, _, v| 2.0 * v).into();
    unsuited(&square.with_hierarchy(h).unwrap(), symmetric("ilu"), "R = Pᵀ");
    assert_eq!(Target::default(), Target::Relaxation);
}

/// Scalars without a place in their sweep stay a leaf, and the sweep runs on every engine.
#[test]
fn a_scaled_sweep_is_a_sweep() {
    let a = common::poisson(16);
    let amg = Amg::smoothed_aggregation().build(&a).unwrap();
    let scaled = |omega: &[f64]| {
        let mut h = amg.hierarchy().clone();
        for level in &mut h.levels {
            for sweep in level.pre.iter_mut().chain(&mut level.post) {
                *sweep = sweep.with_scalars(omega);
            }
        }
        amg.with_hierarchy(h)
    };
    let one = scaled(&[1.0]).unwrap();
    assert!(one.hierarchy().is_symmetric() && one.hierarchy().transposed().is_ok());
    assert!(one.hierarchy().cast::<f32>().unwrap().validate().is_ok());
    assert_eq!(one.hierarchy().to_string(), amg.hierarchy().to_string());
    let run = |amg: &Amg| {
        let (b, mut x) = (vec![1.0; a.rows()], vec![0.0; a.rows()]);
        multigrad::operator::Preconditioner::apply(amg, &b, &mut x).unwrap();
        x
    };
    let (own, plain) = (run(&one), run(&amg));
    assert!(own.iter().zip(&plain).all(|(x, y)| (x - y).abs() < 1e-12 * y.abs().max(1.0)));
    assert!(run(&scaled(&[0.5]).unwrap()) != plain);
    // A wrong number of scalars, and scalars that are NaN, are refused; files contain plain sweeps.
    for wrong in [&[][..], &[1.0, 2.0], &[f64::NAN]] {
        assert!(scaled(wrong).unwrap_err().is_invalid_input());
    }
    let folder = tempfile::tempdir().unwrap();
    assert!(one.save(folder.path().join("scaled.mgrad")).is_err());
}
