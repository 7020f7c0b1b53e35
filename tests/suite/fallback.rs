//! Classical fallbacks of training: if learning fails, a classical smoother is returned and named.

use crate::common::numbers::Numbers;
use multigrad::gallery::helmholtz_2d;
use multigrad::learn::{Loss, Start, Target, Trainer, TrainingReport};
use multigrad::multigrid::{Hierarchy, Relaxation};
use multigrad::solver::Amg;
use multigrad::sparse::Csr;

/// Strongly nonsymmetric, far from dominant: the products of many random factors, without a grid.
fn random(n: usize) -> Csr<f64> {
    let mut r = Numbers(81);
    let mut t: Vec<_> = (0..n).map(|i| (i, i, 1.0 + 0.2 * r.value())).collect();
    for _ in 0..4 * n {
        let (i, j) = (r.below(n), r.below(n));
        if i != j {
            t.push((i, j, if j > i { 1.5 * r.value() } else { 0.3 * r.value() }));
        }
    }
    Csr::from_triplets(n, n, &t).unwrap()
}

/// Whether the first sweep of the hierarchy is the reported one.
fn holds(h: &Hierarchy<multigrad::engine::Host<f64>>, amg: &Amg, name: &str) -> bool {
    let relaxation: Relaxation = name.parse().unwrap();
    let expected = amg.with_relaxation(relaxation, amg.sweeps()).unwrap();
    h.levels.iter().zip(&expected.hierarchy().levels).all(|(l, e)| l.pre[0].leaf() == e.pre[0].leaf())
}

fn named(report: &TrainingReport, what: &str) -> String {
    let name = report.fallback.clone().unwrap_or_else(|| panic!("{what}: no fallback: {report}"));
    assert!(!report.accepted && report.kept() == name, "{what}: {report}");
    let text = report.to_string();
    assert!(text.contains("was rejected") && text.contains(&format!("fell back to {name}")), "{text}");
    let (before, after) = (report.before.unwrap(), report.after.unwrap());
    assert!(after.by(report.recipe.loss) <= before.by(report.recipe.loss), "{what}: {report}");
    // The report says so if even the fallback diverges.
    assert_eq!(text.contains("diverges as well"), after.factor >= 1.0, "{text}");
    let hopeless = after.factor >= 1.0 && !after.converges;
    assert_eq!(text.contains("FGMRES does not converge"), hopeless, "{text}");
    name
}

#[test]
fn what_diverges_falls_back_by_name() {
    for (what, a) in [("Helmholtz", helmholtz_2d(14, 17.0).unwrap().matrix), ("random", random(220))] {
        for learn in [Target::Ilu, Target::Relaxation] {
            let build = || Amg::smoothed_aggregation().suited_to(&a).build(&a).unwrap();
            let mut amg = build();
            assert!(!amg.hierarchy().levels.is_empty());
            let report = Trainer::new().learn(learn).seed(1).steps(6).fit(&mut amg).unwrap();
            let what = format!("{what}, {learn}");
            println!("{what}: {report}");
            assert!(report.factor_before >= 1.0 && report.factor_learned >= 1.0, "{what}: {report}");
            let name = named(&report, &what);
            assert!(holds(amg.hierarchy(), &build(), &name), "{what}: {name} is not what is there");
        }
    }
}

/// From a network that makes the smoother worse, without a step.
#[test]
fn a_network_out_of_its_depth_gives_way() {
    let a = random(220);
    let build = || Amg::smoothed_aggregation().suited_to(&a).build(&a).unwrap();
    for loss in [Loss::Rate, Loss::Krylov] {
        let mut amg = build();
        let trainer = Trainer::new().learn(Target::Ilu).loss(loss).start(Start::Network).steps(0);
        let report = trainer.fit(&mut amg).unwrap();
        println!("{loss}: {report}");
        let (before, after) = (report.before.unwrap(), report.after.unwrap());
        assert!(report.accepted || holds(amg.hierarchy(), &build(), report.kept()), "{report}");
        assert!(after.by(loss) <= before.by(loss), "{report}");
        assert_eq!(report.accepted, report.fallback.is_none(), "{report}");
    }
}
