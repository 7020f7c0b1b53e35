//! Networks that start the training: files, invariances, and evaluation.

use crate::common::numbers;

use std::sync::Arc;

use crate::common::numbers::{Numbers, pools};
use multigrad::cycle_tape::Tape;
use multigrad::engine::Host;
use multigrad::gallery::{FlowScheme, poisson_2d, recirculating_flow};
use multigrad::krylov::Fgmres;
use multigrad::learn::{Family, Loss, NetworkTraining, Parameters, SmootherNetwork, Start, Target, Trainer};
use multigrad::multigrid::{Hierarchy, Relaxation, Smoother};
use multigrad::setup::Coarsening;
use multigrad::solver::{Amg, training_setups};
use multigrad::sparse::{Csr, Storage};

const BOTH: [(Target, Relaxation); 2] =
    [(Target::Ilu, Relaxation::Ilu0(1.0)), (Target::Relaxation, Relaxation::Spai1)];

fn build(a: &Csr<f64>, relaxation: Relaxation) -> Hierarchy<Host<f64>> {
    let coarsening = Coarsening { max_coarse: 8, ..Coarsening::default() };
    let amg = Amg::smoothed_aggregation().coarsening(coarsening).build(a).unwrap();
    assert!(amg.hierarchy().levels.len() >= 2, "{amg}");
    amg.with_relaxation(relaxation, (1, 1)).unwrap().hierarchy().clone()
}

fn flow(m: usize) -> Csr<f64> {
    recirculating_flow(m, 0.01, FlowScheme::Upwind).unwrap().matrix
}

/// The values of all sweeps, those before the coarse-grid correction of a level first.
fn sweeps(h: &Hierarchy<Host<f64>>) -> Vec<Arc<Storage<f64>>> {
    let of = |s: &Smoother<Arc<Storage<f64>>>| s.matrix().map(|m| m.values.clone()).unwrap();
    h.levels.iter().flat_map(|l| l.pre.iter().chain(&l.post).map(of)).collect()
}

#[test]
fn there_is_a_network_of_its_own_for_either() {
    let bytes = |learn| SmootherNetwork::shipped(learn).unwrap().to_bytes().unwrap();
    assert!(bytes(Target::Ilu) != bytes(Target::Relaxation));
}

#[test]
fn shipped_networks_load_and_survive_their_file() {
    for (learn, relaxation) in BOTH {
        let network = SmootherNetwork::shipped(learn).unwrap();
        assert!(network.count() > 1_000, "{}", network.count());
        let bytes = network.to_bytes().unwrap();
        let again = SmootherNetwork::from_bytes(&bytes).unwrap();
        assert_eq!((&again, again.to_bytes().unwrap()), (&network, bytes));
        // The network has an effect, a different one before and after the coarse-grid correction.
        let h = build(&flow(12), relaxation);
        let (start, made) = (sweeps(&h), network.apply(&h).unwrap());
        made.validate().unwrap();
        let made = sweeps(&made);
        assert_eq!(start.len(), made.len());
        assert!(start.iter().zip(&made).all(|(s, m)| s != m && m.iter().all(|v| v.is_finite())));
        assert_ne!(made[0], made[1]);
    }
    let factors = SmootherNetwork::shipped(Target::Ilu).unwrap();
    let beside = Target::Ilu.and(Target::Interpolation).unwrap();
    assert_eq!(SmootherNetwork::shipped(beside).unwrap(), factors);
    for learn in [Target::Damping, Target::Chebyshev, Target::WideRelaxation, Target::Interpolation] {
        let error = SmootherNetwork::shipped(learn).unwrap_err();
        assert!(error.is_unsuited() && error.to_string().contains(&learn.name()), "{error}");
    }
}

/// Any input is an error with a sentence or a network with consistent numbers.
#[test]
fn damaged_files_are_refused() {
    let bytes = SmootherNetwork::new(3, 2, 1).to_bytes().unwrap();
    let refused = |bytes: &[u8], part: &str| {
        let error = SmootherNetwork::from_bytes(bytes).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    };
    let head = bytes.iter().position(|&b| b == b'\n').unwrap() + 1;
    for length in 0..head {
        refused(&bytes[..length], "not the file of a network");
    }
    for length in head..bytes.len() {
        refused(&bytes[..length], "truncated or damaged");
    }
    refused(b"\x89PNG\r\n\x1a\n", "not the file of a network");
    let mut later = bytes.clone();
    later[head - 2] = b'2';
    refused(&later, "incompatible version");
    for more in [1, 1000] {
        let mut longer = bytes.clone();
        longer.extend(vec![0u8; more]);
        refused(&longer, &format!("{more} bytes too many"));
    }
    // Width, rounds, and the number of blocks are the first three numbers.
    for (at, part) in [(0, "fit its shape"), (1, "fit its shape"), (2, "")] {
        for value in [0, 1, 4, 9, 127] {
            let mut other = bytes.clone();
            if other[head + at] != value {
                other[head + at] = value;
                refused(&other, part);
            }
        }
    }
    // A huge length: memory is not allocated beyond the size of the file.
    let mut huge = bytes[..head + 2].to_vec();
    huge.extend([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);
    refused(&huge, "truncated or damaged");
    // Weights that are NaN.
    let last = bytes.len() - 4;
    for value in [f32::NAN, f32::INFINITY] {
        let mut other = bytes.clone();
        other[last..].copy_from_slice(&value.to_le_bytes());
        refused(&other, "not a finite number");
    }
    // Any flipped byte: no panic, and accepted files are complete.
    for at in 0..bytes.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut other = bytes.clone();
            other[at] ^= flip;
            if let Ok(network) = SmootherNetwork::from_bytes(&other) {
                assert_eq!(network.count(), SmootherNetwork::new(3, 2, 1).count());
                assert_eq!(network.to_bytes().unwrap(), other);
            }
        }
    }
    // Shapes that files must not have.
    for (width, rounds) in [(0, 1), (1, 0), (257, 1), (1, 9)] {
        refused(&SmootherNetwork::new(width, rounds, 1).to_bytes().unwrap(), "fit its shape");
    }
}

/// C = 0 and c = 0: the start.
#[test]
fn a_fresh_network_changes_nothing() {
    for (width, rounds) in [(1, 1), (5, 2), (16, 3)] {
        let network = SmootherNetwork::new(width, rounds, 7);
        for (_, relaxation) in BOTH {
            let h = build(&flow(10), relaxation);
            let made = network.apply(&h).unwrap();
            assert!(sweeps(&h) == sweeps(&made), "width {width}, {rounds} rounds");
            for (old, new) in h.levels.iter().zip(&made.levels) {
                assert_eq!(old.prolongation.to_csr(), new.prolongation.to_csr());
                assert_eq!(old.a.to_csr(), new.a.to_csr());
            }
        }
    }
    assert_eq!(SmootherNetwork::new(5, 2, 7), SmootherNetwork::new(5, 2, 7));
    assert_ne!(SmootherNetwork::new(5, 2, 7), SmootherNetwork::new(5, 2, 8));
}

#[test]
fn other_smoothers_are_refused() {
    for (width, rounds) in [(0, 1), (3, 0)] {
        let error = SmootherNetwork::new(width, rounds, 1).apply(&build(&flow(10), Relaxation::Spai1));
        assert!(error.unwrap_err().to_string().contains("fit its shape"));
    }
    let network = SmootherNetwork::new(2, 1, 1);
    for relaxation in [Relaxation::GaussSeidel, Relaxation::L1Jacobi, Relaxation::Chebyshev(2)] {
        let error = network.apply(&build(&flow(10), relaxation)).unwrap_err();
        assert!(error.is_unsuited(), "{relaxation}: {error}");
    }
    // A hierarchy without levels has no smoothers to change.
    let direct = Amg::smoothed_aggregation().build(&Numbers(3).dominant::<f64>(4, 2)).unwrap();
    assert!(network.apply(direct.hierarchy()).unwrap().levels.is_empty());
}

/// A matrix times a constant: M divided by it, U times it, L as it was. By powers of two in the last
/// bit; a negative constant too.
#[test]
fn the_scale_of_the_matrix_does_not_matter() {
    for (learn, relaxation) in BOTH {
        let network = SmootherNetwork::shipped(learn).unwrap();
        let a = flow(12);
        let made = sweeps(&network.apply(&build(&a, relaxation)).unwrap());
        for (scale, tolerance) in [(0.25, 0.0), (1024.0, 0.0), (-2.0, 0.0), (3e-5, 1e-4), (-7e4, 1e-4)] {
            let h = build(&a.map(|_, _, v| scale * v), relaxation);
            let scaled = network.apply(&h).unwrap();
            assert_eq!(made.len(), 2 * scaled.levels.len(), "another hierarchy");
            for (level, pair) in scaled.levels.iter().zip(made.chunks(2)) {
                let pattern = level.a.pattern.clone();
                for (sweep, made) in [&level.pre[0], &level.post[0]].into_iter().zip(pair) {
                    let found = sweep.matrix().unwrap();
                    assert_eq!(*found.pattern, *pattern);
                    for i in 0..pattern.rows() {
                        for p in pattern.row(i) {
                            let lower = (pattern.col_idx()[p] as usize) < i;
                            let unit = match (learn == Target::Ilu, lower) {
                                (true, true) => 1.0,
                                (true, false) => scale,
                                (false, _) => 1.0 / scale,
                            };
                            let (v, expected) = (found.values[p], unit * made[p]);
                            let near = (v - expected).abs() <= tolerance * unit.abs() * size(made);
                            assert!(near, "{learn}, scale {scale}, row {i}: {v} {expected}");
                        }
                    }
                }
            }
        }
    }
}

fn size(v: &[f64]) -> f64 {
    numbers::largest(v)
}

#[test]
fn the_result_does_not_depend_on_threads() {
    for (learn, relaxation) in BOTH {
        // More entries than small work has.
        let h = build(&flow(56), relaxation);
        let network = SmootherNetwork::shipped(learn).unwrap();
        let runs = [0, 1, 2].map(|p| pools()[p].install(|| sweeps(&network.apply(&h).unwrap())));
        assert!(runs[0] == runs[1] && runs[0] == runs[2], "{learn}");
    }
}

#[test]
fn training_a_network_lowers_the_loss() {
    for (loss, (_, relaxation)) in [(Loss::Krylov, BOTH[1]), (Loss::Rate, BOTH[0])] {
        let family = [flow(12), poisson_2d(11, 10).unwrap().matrix].map(|a| build(&a, relaxation));
        let begin = || NetworkTraining::new(SmootherNetwork::new(6, 2, 3), &family, loss, 0.01, 1).unwrap();
        let run = || {
            let mut training = begin();
            let losses: Vec<f64> = (0..30).map(|q| training.step(q as f64 / 30.0, 2).unwrap()).collect();
            assert_eq!(training.steps(), 30);
            (losses, training.network().clone())
        };
        let (losses, network) = run();
        // The batch of the training becomes harder over time; this one is fixed.
        let judge = |network: &SmootherNetwork| {
            let of = |h: &Hierarchy<Host<f64>>| {
                let (made, batch) = (network.apply(h).unwrap(), 8);
                let (p, z) = (Parameters::<f64>::relaxations(&made), Numbers(4).vector(h.rows() * batch));
                let tape = Tape::new(batch);
                loss.differentiate(&tape, &made, &p, &z, 4).unwrap().loss
            };
            family.iter().map(of).sum::<f64>() / 2.0
        };
        assert!(losses.iter().all(|l| l.is_finite()));
        let (first, last) = (judge(&SmootherNetwork::new(6, 2, 3)), judge(&network));
        assert!(last < first - 0.02, "{loss}: {first} {last}");
        assert_ne!(network, SmootherNetwork::new(6, 2, 3));
        let (again, same) = pools()[2].install(run);
        assert!(losses == again && network == same, "{loss}: training depends on threads");
        // The sweeps of the family itself stay.
        assert_eq!(begin().network(), &SmootherNetwork::new(6, 2, 3));
    }
    let nothing = NetworkTraining::new(SmootherNetwork::new(2, 1, 3), &[], Loss::Krylov, 0.01, 1);
    assert!(nothing.err().unwrap().is_invalid_input());
    let others = [build(&flow(8), Relaxation::GaussSeidel)];
    let refused = NetworkTraining::new(SmootherNetwork::new(2, 1, 3), &others, Loss::Krylov, 0.01, 1);
    assert!(refused.err().unwrap().is_unsuited());
}

/// Without training: never more iterations of FGMRES than ILU(0) at its best damping, and the report
/// says which of the two it is.
#[test]
fn a_network_is_never_worse_than_ilu0() {
    let (mut networks, mut fallbacks) = (0, 0);
    let members = [
        (Family::Upwind, 24, 901),
        (Family::Supg, 26, 902),
        (Family::Rotated, 24, 903),
        (Family::Rotated, 32, 904),
        (Family::Unstructured, 24, 905),
        (Family::Upwind, 32, 906),
    ];
    for (family, side, seed) in members {
        let problem = family.member(side, seed).unwrap();
        let mut candidates = Vec::new();
        for setup in training_setups(&problem.matrix) {
            candidates
                .push(Amg::builder(setup).relaxation(Relaxation::L1Jacobi).build(&problem.matrix).unwrap());
        }
        let trainer = Trainer::new().learn(Target::Ilu).loss(Loss::Krylov).start(Start::Network).steps(0);
        for candidate in &mut candidates {
            let report = trainer.fit(candidate).unwrap();
            let (before, after) = (report.before.unwrap(), report.after.unwrap());
            let what = format!("{family:?} {side} {seed}, {}: {report}", report.hierarchy);
            assert!(after.converges && after.iterations <= before.iterations, "{what}");
            assert_eq!((report.steps, report.fallback.is_some()), (0, !report.accepted), "{what}");
            let text = report.to_string();
            match &report.fallback {
                None => {
                    assert!(report.start.contains("network") && after != before, "{what}");
                    assert!(text.contains("FGMRES to 1e-8") && !text.contains("NaN"), "{what}");
                    assert!(after.factor.is_nan() && !text.contains("asymptotic factor"), "{what}");
                    networks += 1;
                }
                Some(name) => {
                    assert!(
                        name.starts_with("ilu0") && text.contains(&format!("fell back to {name}")),
                        "{what}"
                    );
                    assert_eq!(report.kept(), name);
                    fallbacks += 1;
                }
            }
            // The report holds for another right-hand side, against every damping.
            let count = |amg: &Amg| {
                let out = Fgmres::new().rtol(1e-8).restart(100).max_iterations(100).preconditioner(amg);
                out.solve(&problem.matrix, &problem.rhs).unwrap().iterations
            };
            let damped = |w: f64| candidate.with_relaxation(Relaxation::Ilu0(w), candidate.sweeps()).unwrap();
            let best = [1.0, 0.7, 0.5, 0.3].map(|w| count(&damped(w))).into_iter().min().unwrap();
            assert!(count(candidate) <= best + 2, "{what}: {} against {best}", count(candidate));
        }
    }
    println!("{networks} networks, {fallbacks} fallbacks");
    assert!(networks >= 3, "the network is hardly ever better: {networks} of {}", networks + fallbacks);
}

/// A few steps from the network: the returned smoother is not worse either.
#[test]
fn training_goes_on_from_a_network() {
    for loss in [Loss::Krylov, Loss::Rate] {
        let a = flow(20);
        let mut amg = Amg::smoothed_aggregation().suited_to(&a).build(&a).unwrap();
        let trainer = Trainer::new().learn(Target::Ilu).loss(loss).start(Start::Network).seed(2);
        let report = trainer.steps(20).fit(&mut amg).unwrap();
        let (before, after) = (report.before.unwrap(), report.after.unwrap());
        assert!(report.accepted && report.steps == 20 && report.recipe.loss == loss, "{report}");
        assert!(after.by(loss) < before.by(loss), "{report}");
    }
}

#[test]
fn what_no_network_can_start_is_refused() {
    let a = flow(12);
    let amg = || Amg::smoothed_aggregation().suited_to(&a).build(&a).unwrap();
    for learn in [Target::Damping, Target::Chebyshev, Target::WideRelaxation, Target::Interpolation] {
        let error = Trainer::new().learn(learn).start(Start::Network).steps(0).fit(&mut amg()).unwrap_err();
        assert!(error.is_unsuited() && error.to_string().contains("relaxation, ilu or schwarz"), "{error}");
    }
    let symmetric = Trainer::new().start(Start::Network).symmetric(true).steps(0);
    let error = symmetric.fit(&mut amg()).unwrap_err();
    assert!(error.is_unsuited() && error.to_string().contains("symmetr"), "{error}");
    // A matrix that goes to the direct solver at once.
    let a = Numbers(5).dominant::<f64>(7, 2);
    for learn in [Target::Ilu, Target::Relaxation] {
        for loss in Loss::ALL {
            let mut tiny = Amg::smoothed_aggregation().build(&a).unwrap();
            let trainer = Trainer::new().learn(learn).loss(loss).start(Start::Network).steps(3);
            let report = trainer.fit(&mut tiny).unwrap();
            assert_eq!((report.parameters, report.accepted), (0, false), "{report}");
            assert!(report.to_string().contains("nothing to learn"), "{report}");
        }
    }
}
