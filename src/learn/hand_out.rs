//! What a training run hands out: verified, with a classical solver to fall back to.

use super::begin::Begin;
use super::judge::Judgement;
use super::loss_kind::Loss;
use super::report::TrainingReport;
use super::session::Session;
use crate::error::Result;
use crate::multigrid::Relaxation;
use crate::solver::Amg;
use crate::sparse::Scalar;

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

/// A solver and what was measured of it.
type Judged = (Judgement, Amg);

/// The final measurement: in double precision, on vectors that training never saw.
#[derive(Clone, Copy)]
struct Judge {
    loss: Loss,
    seed: u64,
    cycles: usize,
    sides: usize,
}

impl Judge {
    fn new(begin: &Begin, seed: u64) -> Self {
        let sides = if begin.amg.hierarchy().rows() > LARGE { SIDES.1 } else { SIDES.0 };
        let cycles = if begin.loss == Loss::Krylov { CYCLES_OF_KRYLOV } else { CYCLES };
        Self { loss: begin.loss, seed: seed ^ 0xf4e5, cycles, sides }
    }

    fn of(self, amg: &Amg) -> Result<Judgement> {
        Judgement::of(amg.hierarchy(), self.seed, self.cycles, self.sides)
    }

    fn better(self, one: &Judgement, two: &Judgement) -> bool {
        one.is_better(two, self.loss)
    }

    /// Whether `after` is sound, and better than `before` by more than rounding.
    fn gains(self, after: &Judgement, before: &Judgement) -> bool {
        let enough =
            Judgement { factor: GAIN * before.factor, reduction: GAIN * before.reduction, ..*before };
        after.sound(self.loss) && self.better(after, &enough)
    }
}

/// The best of the last parameters, the best parameters and the start. If none of them converges, the
/// best classical smoother that does; where nothing does, the best of all.
pub(super) fn hand_out<T: Scalar>(
    begin: &Begin,
    session: &Session<T>,
    seed: u64,
    run: Progressed,
) -> Result<(Amg, TrainingReport)> {
    let judge = Judge::new(begin, seed);
    let started = judge.of(&begin.amg)?;
    let (before, classical, name) = match &begin.classical {
        Some((amg, name)) => (judge.of(amg)?, amg, name),
        None => (started, &begin.amg, &begin.name),
    };
    let best = best_learned(begin, session, judge, started)?;
    let network = begin.rejected.map_or(before.factor, |rejected| rejected.factor);
    let factor_learned = best.as_ref().map_or(network, |b| b.0.factor);
    let (accepted, fallback, (after, amg)) = match best {
        Some(best) if judge.gains(&best.0, &before) => (true, None, best),
        best => {
            let kept = (before, again(classical)?);
            let known = begin.rejected.map(|_| &begin.name).or(begin.classical.as_ref().map(|c| &c.1));
            let (fallback, kept) = without_learning(begin, judge, kept)?;
            let fallback = fallback.or(known.cloned());
            match best {
                Some(best) if !kept.0.sound(judge.loss) && judge.better(&best.0, &kept.0) => {
                    (true, None, best)
                }
                _ => (false, fallback, kept),
            }
        }
    };
    let report = TrainingReport {
        hierarchy: begin.amg.setup().name().to_string(),
        learn: begin.learn,
        start: if begin.classical.is_some() { begin.name.clone() } else { name.clone() },
        factor_before: before.factor,
        factor_after: after.factor,
        before: Some(before),
        after: Some(after),
        fallback,
        accepted,
        factor_learned,
        train_seconds: run.train_seconds,
        steps: begin.tuning.len() + session.steps(),
        parameters: session.candidates()[0].count(),
        rollbacks: session.rollbacks,
        stopped_early: run.stopped_early,
        seed,
        recipe: session.recipe(),
        loss_history: begin.tuning.iter().chain(&session.loss_history).copied().collect(),
        factor_history: session.factor_history.clone(),
        trials: run.trials,
    };
    let learned = format!("learned {}", report.learn);
    let smoother = if report.accepted { learned } else { report.kept().to_string() };
    let factor = Some(report.factor_after);
    Ok((amg.described(smoother, factor), report))
}

/// The same solver, to be given away.
fn again(amg: &Amg) -> Result<Amg> {
    amg.with_hierarchy(amg.hierarchy().clone())
}

/// The best of what training made, and of the network that it began with.
fn best_learned<T: Scalar>(
    begin: &Begin,
    session: &Session<T>,
    judge: Judge,
    started: Judgement,
) -> Result<Option<Judged>> {
    // The network itself is a candidate: it may be better than what a few steps made of it.
    let mut best = match begin.classical {
        Some(_) => Some((started, again(&begin.amg)?)),
        None => None,
    };
    if session.steps() == 0 {
        return Ok(best);
    }
    for parameters in session.candidates().into_iter().filter(|p| !p.is_empty() && p.finite()) {
        let learned = begin.amg.with_hierarchy(parameters.install(begin.amg.hierarchy()))?;
        let judged = judge.of(&learned)?;
        if best.as_ref().is_none_or(|b| judge.better(&judged, &b.0)) {
            best = Some((judged, learned));
        }
    }
    Ok(best)
}

/// What was kept, or a classical smoother that converges where that does not, and its name.
fn without_learning(begin: &Begin, judge: Judge, mut kept: Judged) -> Result<(Option<String>, Judged)> {
    // A null vector leaves every factor at 1: no other smoother would help.
    let singular = (kept.0.factor - 1.0).abs() < 1e-6;
    let mut name = None;
    if kept.0.sound(judge.loss) || singular || begin.learn.smoother().is_none() {
        return Ok((name, kept));
    }
    for relaxation in classical_choices() {
        let Ok(candidate) = begin.amg.with_relaxation(relaxation, begin.amg.sweeps()) else { continue };
        let judged = judge.of(&candidate)?;
        if judge.better(&judged, &kept.0) {
            kept = (judged, candidate);
            name = Some(relaxation.to_string());
        }
    }
    Ok((name, kept))
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
