//! What a training run hands out: verified, with a classical solver to fall back to.

use super::begin::Begin;
use super::judge::Judgement;
use super::loss_kind::Loss;
use super::report::TrainingReport;
use super::session::Session;
use crate::error::Result;
use crate::multigrid::{Amg, Relaxation};

/// Cycles of the final measurement, at most; fewer where the factor of a cycle is not what counts.
const CYCLES: usize = 120;
const CYCLES_OF_KRYLOV: usize = 30;
/// Right-hand sides of the final measurement, and rows beyond which there are fewer.
const SIDES: (usize, usize) = (3, 1);
const LARGE: usize = 200_000;
/// The least gain that counts: rounding the start to single precision is not learning.
const GAIN: f64 = 0.999;

/// What else is known of the run.
pub(super) struct Progressed {
    pub train_seconds: f64,
    pub stopped_early: Option<String>,
    pub trials: Vec<(String, f64)>,
}

/// The best of the last parameters, the best parameters and the start, measured in double
/// precision on vectors that training never saw. If none of them converges, the best classical
/// smoother that does.
pub(super) fn hand_out(
    begin: &Begin,
    session: &Session<f32>,
    seed: u64,
    run: Progressed,
) -> Result<(Amg, TrainingReport)> {
    let (start, loss, fresh) = (&begin.amg, begin.loss, seed ^ 0xf4e5);
    let sides = if start.hierarchy().rows() > LARGE { SIDES.1 } else { SIDES.0 };
    let cycles = if loss == Loss::Krylov { CYCLES_OF_KRYLOV } else { CYCLES };
    let judge = |amg: &Amg| Judgement::of(amg.hierarchy(), fresh, cycles, sides);
    let from_network = begin.classical.is_some();
    let started = judge(start)?;
    let (before, classical) = match &begin.classical {
        Some((amg, name)) => (judge(amg)?, (amg, name.clone())),
        None => (started, (start, begin.name.clone())),
    };
    let better = |one: &Judgement, two: &Judgement| one.is_better(two, loss);
    // The network itself is a candidate: it may be better than what a few steps made of it.
    let mut best = match from_network {
        true => Some((started, start.with_hierarchy(start.hierarchy().clone())?)),
        false => None,
    };
    let untouched = session.steps() == 0;
    for parameters in session.candidates().into_iter().filter(|p| !untouched && !p.is_empty() && p.finite()) {
        let learned = start.with_hierarchy(parameters.install(start.hierarchy()))?;
        let judged = judge(&learned)?;
        if best.as_ref().is_none_or(|b| better(&judged, &b.0)) {
            best = Some((judged, learned));
        }
    }
    let network = begin.rejected.map_or(before.factor, |rejected| rejected.factor);
    let factor_learned = best.as_ref().map_or(network, |b| b.0.factor);
    let gains = |after: &Judgement| {
        let enough = Judgement { factor: GAIN * before.factor, reduction: GAIN * before.reduction, ..before };
        after.sound(loss) && better(after, &enough)
    };
    let mut fallback = begin.rejected.map(|_| begin.name.clone());
    let (accepted, after, amg) = match best {
        Some((after, learned)) if gains(&after) => {
            fallback = None;
            (true, after, learned)
        }
        _ => {
            if from_network {
                fallback = Some(classical.1.clone());
            }
            let mut kept = (before, classical.0.with_hierarchy(classical.0.hierarchy().clone())?);
            // A null vector leaves every factor at 1: no other smoother would help.
            let singular = (before.factor - 1.0).abs() < 1e-6;
            if !before.sound(loss) && !singular && begin.learn.smoother().is_some() {
                for relaxation in classical_choices() {
                    let Ok(candidate) = start.with_relaxation(relaxation, start.sweeps()) else { continue };
                    let judged = judge(&candidate)?;
                    if better(&judged, &kept.0) {
                        kept = (judged, candidate);
                        fallback = Some(relaxation.to_string());
                    }
                }
            }
            (false, kept.0, kept.1)
        }
    };
    let report = TrainingReport {
        hierarchy: start.setup().name().to_string(),
        learn: begin.learn,
        start: if from_network { begin.name.clone() } else { classical.1 },
        factor_before: before.factor,
        factor_after: after.factor,
        before: Some(before),
        after: Some(after),
        fallback,
        accepted,
        factor_learned,
        train_seconds: run.train_seconds,
        steps: session.steps(),
        parameters: session.candidates()[0].count(),
        rollbacks: session.rollbacks,
        stopped_early: run.stopped_early,
        seed,
        recipe: session.recipe(),
        loss_history: session.loss_history.clone(),
        factor_history: session.factor_history.clone(),
        trials: run.trials,
    };
    Ok((amg, report))
}

/// What is tried where neither the learned smoother nor its start converges.
fn classical_choices() -> Vec<Relaxation> {
    let mut all: Vec<Relaxation> = [0.7, 0.5, 0.3].map(Relaxation::Ilu0).into();
    all.extend([
        Relaxation::SymmetricGaussSeidel,
        Relaxation::Spai1,
        Relaxation::Chebyshev(3),
        Relaxation::L1Jacobi,
    ]);
    all
}
