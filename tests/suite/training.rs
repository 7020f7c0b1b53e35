//! Training: reproducible, never worse than its start, and accurately reported.

use crate::common;

use std::time::{Duration, Instant};

use crate::common::numbers::{Numbers, pools};
use multigrad::gallery::{FlowScheme, recirculating_flow};
use multigrad::learn::{Target, Trainer, TrainingReport, asymptotic_factor};
use multigrad::multigrid::Relaxation;
use multigrad::operator::Preconditioner;
use multigrad::setup::Variant;
use multigrad::solver::Amg;
use multigrad::sparse::Csr;

fn flow(m: usize) -> Amg {
    let a = recirculating_flow(m, 0.005, FlowScheme::Upwind).unwrap().matrix;
    Amg::smoothed_aggregation().suited_to(&a).build(&a).unwrap()
}

/// The bytes of the frozen file, and the report.
fn train(m: usize, trainer: &Trainer) -> (Vec<u8>, TrainingReport) {
    let mut amg = flow(m);
    let report = trainer.fit(&mut amg).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trained.mgrad");
    amg.save(&path).unwrap();
    (std::fs::read(path).unwrap(), report)
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_any_number_of_threads() {
    let trainer = |seed| Trainer::new().seed(seed).steps(30).cycles(5);
    let runs = [0, 1, 2].map(|p| pools()[p].install(|| train(48, &trainer(3))));
    for (bytes, report) in &runs {
        assert!(bytes == &runs[0].0, "the file depends on the number of threads");
        assert_eq!(report.loss_history, runs[0].1.loss_history);
        assert_eq!(report.factor_history, runs[0].1.factor_history);
        assert!(report.accepted && report.factor_after < report.factor_before);
        assert_eq!((report.steps, report.rollbacks, report.seed), (30, 0, 3));
    }
    let (other, report) = train(48, &trainer(4));
    assert!(other != runs[0].0);
    assert_ne!(report.loss_history[0], runs[0].1.loss_history[0]);
}

/// L and U start from ILU(0), stay on its pattern, and a frozen solver has them.
#[test]
fn factors_are_learned() {
    let trainer = Trainer::new().learn(Target::Ilu).seed(3).steps(80);
    let runs = [0, 1].map(|p| pools()[p].install(|| train(24, &trainer)));
    assert!(runs[0].0 == runs[1].0, "the file depends on the number of threads");
    let (bytes, report) = &runs[0];
    assert!(report.accepted && report.learn == Target::Ilu && report.start.starts_with("ilu0"), "{report}");
    assert!(report.factor_after < 0.5 * report.factor_before, "{report}");
    // The same factor from the file.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("factors.mgrad");
    std::fs::write(&path, bytes).unwrap();
    let a = recirculating_flow(24, 0.005, FlowScheme::Upwind).unwrap().matrix;
    let frozen = Amg::load(&path, &a).unwrap();
    let out =
        multigrad::krylov::Richardson::new().preconditioner(&frozen).solve(&a, &vec![1.0; a.rows()]).unwrap();
    assert!(out.converged());
    let expected = (1e-8f64.ln() / report.factor_after.ln()).ceil();
    assert!(
        (out.iterations as f64) < expected + 4.0,
        "{} iterations, factor {}",
        out.iterations,
        report.factor_after
    );
    assert!("multipliers".parse::<Target>().unwrap_err().to_string().contains("ilu"));
    // Also by its former name.
    assert_eq!(["ilu", "factors"].map(|t| t.parse::<Target>().unwrap()), [Target::Ilu; 2]);
}

#[test]
fn a_choice_of_hierarchies_is_reproducible() {
    let a = recirculating_flow(16, 0.005, FlowScheme::Upwind).unwrap().matrix;
    let build = |v| Amg::smoothed_aggregation().variant(v).build(&a).unwrap();
    let candidates = [build(Variant::SymmetricPart), build(Variant::EnergyMinimised)];
    let run = || {
        let mut seen = 0;
        let (amg, report) =
            Trainer::new().steps(50).fit_best(&candidates, &mut |p| seen += usize::from(!p.trial)).unwrap();
        assert!(seen > 0 && report.trials.len() == 2);
        (amg.setup().clone(), report.loss_history, report.factor_after)
    };
    assert_eq!(run(), run());
    assert!(Trainer::new().fit_best(&[], &mut |_| {}).unwrap_err().is_invalid_input());
}

/// A rate that is far too large diverges; it is rolled back, and the result is not worse than the start.
#[test]
fn divergence_is_rolled_back() {
    for rate in [50.0, 1e6, 1e30] {
        let mut amg = flow(16);
        let start = amg.with_relaxation(Relaxation::Spai1, (1, 1)).unwrap();
        let report = Trainer::new().seed(1).steps(60).rate(rate).fit(&mut amg).unwrap();
        assert!(report.rollbacks > 0, "{report}");
        assert!(report.factor_after <= report.factor_before);
        let factor = |amg: &Amg| asymptotic_factor(amg.hierarchy(), 99, 60).factor;
        assert!(factor(&amg) <= 1.05 * factor(&start), "{} {}", factor(&amg), factor(&start));
        let leaves = amg.hierarchy().levels.iter().flat_map(|l| l.pre.iter().chain(&l.post));
        assert!(leaves.filter_map(|s| s.leaf()).all(|v| v.iter().all(|x| x.is_finite())));
    }
}

/// After a divergence training continues at a lower rate, and learns.
#[test]
fn training_recovers_from_divergence() {
    let mut amg = flow(16);
    let report = Trainer::new().seed(2).steps(400).cycles(1).rate(1e12).fit(&mut amg).unwrap();
    assert!(report.rollbacks > 0);
    // Measurements after the first divergence are finite once the rate is sound again.
    let last = report.factor_history.last().unwrap();
    assert!(last.1.is_finite(), "{:?}", report.factor_history);
}

/// A solver keeps its own smoothers, not those of the start, if the learned ones are worse.
#[test]
fn what_is_worse_leaves_the_solver_as_it_was() {
    let own = || flow(16).with_relaxation(Relaxation::SymmetricGaussSeidel, (1, 1)).unwrap();
    let mut amg = own();
    let report = Trainer::new().seed(1).steps(1).rate(1.0).fit(&mut amg).unwrap();
    assert!(!report.accepted && report.fallback.is_none(), "{report}");
    assert!(report.factor_learned > 0.999 * report.factor_before);
    assert_eq!((report.kept(), report.start.as_str()), (own().smoother().as_str(), "spai1"));
    let text = report.to_string();
    assert!(text.contains("does not improve on the solver itself") && text.contains(report.kept()), "{text}");
    assert_eq!(amg.smoother(), own().smoother());
    let r: Vec<f64> = Numbers(3).vector(256);
    let (mut y, mut z) = (vec![0.0; 256], vec![0.0; 256]);
    amg.apply(&r, &mut y).unwrap();
    own().apply(&r, &mut z).unwrap();
    assert_eq!(y, z);
}

/// A start that is worse than the solver itself: smoothers that improve on the start alone are not taken.
#[test]
fn a_trained_solver_is_not_replaced_by_a_worse_one() {
    let mut amg = flow(16);
    let trained = Trainer::new().seed(1).steps(60).fit(&mut amg).unwrap();
    let report = Trainer::new().seed(1).steps(3).fit(&mut amg).unwrap();
    assert!(trained.accepted && !report.accepted, "{report}");
    assert!(report.own.is_some() && report.factor_after == trained.factor_after, "{report}");
}

#[test]
fn tiny_matrices_have_nothing_to_learn() {
    let mut matrices = vec![Csr::from_triplets(1, 1, &[(0, 0, -3.0)]).unwrap()];
    matrices.extend([2, 7, 39].map(|n| Numbers(n as u64).dominant::<f64>(n, 3)));
    for a in matrices {
        let mut amg = Amg::smoothed_aggregation().suited_to(&a).build(&a).unwrap();
        let report = Trainer::new().steps(5).fit(&mut amg).unwrap();
        assert_eq!((report.steps, report.parameters, report.accepted), (0, 0, false));
        assert!(report.stopped_early.is_none());
        assert!(report.to_string().contains("nothing to learn"), "{report}");
    }
}

#[test]
fn a_time_limit_stops_early() {
    let (clock, limit) = (Instant::now(), Duration::from_millis(200));
    let (_, report) = train(16, &Trainer::new().steps(100_000).time_limit(limit));
    assert!(clock.elapsed() < Duration::from_secs(20));
    assert!(report.steps > 0 && report.steps < 100_000);
    assert!(report.stopped_early.unwrap().contains("time limit"));

    // Trials count, too.
    let candidates = [flow(16), flow(16), flow(16)];
    let trainer = Trainer::new().time_limit(Duration::ZERO);
    let mut steps = 0;
    let (_, report) = trainer.fit_best(&candidates, &mut |_| steps += 1).unwrap();
    assert!(steps <= 4, "{steps} steps within no time");
    assert!(report.stopped_early.is_some());
}

#[test]
fn parameters_out_of_range_are_errors() {
    let wrong = [
        Trainer::new().rate(0.0),
        Trainer::new().rate(f64::NAN),
        Trainer::new().rate(-1.0),
        Trainer::new().cycles(0),
        Trainer::new().batch(0),
        Trainer::new().batch(100_000),
    ];
    for trainer in wrong {
        assert!(trainer.fit(&mut flow(16)).unwrap_err().is_invalid_input());
    }
    // No steps and odd batches are fine.
    for trainer in
        [Trainer::new().steps(0), Trainer::new().steps(3).batch(1), Trainer::new().steps(3).batch(7)]
    {
        assert!(trainer.fit(&mut flow(16)).is_ok());
    }
}

/// An easy problem whose cycle is nearly exact: its error underflows in single precision.
#[test]
fn a_problem_that_is_nearly_solved_trains_without_divergence() {
    let a = common::poisson(8);
    let mut amg = Amg::smoothed_aggregation().build(&a).unwrap();
    let report = Trainer::new().sweeps(2, 2).steps(100).cycles(20).fit(&mut amg).unwrap();
    assert_eq!(report.rollbacks, 0, "{report}");
    assert!(report.loss_history.iter().all(|l| l.is_finite()));
}

#[test]
fn levels_of_an_approximation_are_not_trained() {
    let stokes = multigrad::gallery::stokes_2d(64).unwrap();
    let mut solver = Amg::auto(&stokes.matrix).unwrap();
    assert_eq!(solver.setup().name(), "saddle-point");
    let error = Trainer::new().steps(2).fit(&mut solver).unwrap_err().to_string();
    assert!(error.contains("those of an approximation"), "{error}");
    // A solver that would learn from its use solves as before.
    let mut used = multigrad::learn::LearnedSolver::new(solver).share(10.0);
    for _ in 0..4 {
        assert!(used.solve(&stokes.rhs).unwrap().converged());
    }
    assert_eq!(used.report().steps, 0);
}
