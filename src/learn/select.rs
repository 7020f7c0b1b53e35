//! Selection of the solver that a training returns: verified, with a classical solver as fallback.

use super::evaluate::Evaluation;
use super::loss::Loss;
use super::recipe::Recipe;
use super::report::TrainingReport;
use super::session::Session;
use super::start::Candidate;
use crate::error::Result;
use crate::multigrid::Relaxation;
use crate::solver::Amg;
use crate::sparse::Scalar;

/// Cycles of the final measurement, at most; fewer for a Krylov loss.
const CYCLES: usize = 120;
const CYCLES_OF_KRYLOV: usize = 30;
/// Right-hand sides of the final measurement, and rows beyond which there are fewer.
const SIDES: (usize, usize) = (3, 1);
const LARGE: usize = 200_000;
/// The least gain that counts: rounding the start to single precision is not learning.
const GAIN: f64 = 0.999;

/// Seconds, reason of the end and trials of a run.
pub(super) struct RunStats {
    pub train_seconds: f64,
    pub stopped_early: Option<String>,
    pub trials: Vec<(String, f64)>,
}

/// A solver and its evaluation.
type Judged = (Evaluation, Amg);

/// The final measurement: in double precision, on vectors that are independent of the training.
#[derive(Clone, Copy)]
struct Protocol {
    loss: Loss,
    seed: u64,
    cycles: usize,
    sides: usize,
}

impl Protocol {
    fn new(loss: Loss, rows: usize, seed: u64) -> Self {
        let sides = if rows > LARGE { SIDES.1 } else { SIDES.0 };
        let cycles = if loss == Loss::Krylov { CYCLES_OF_KRYLOV } else { CYCLES };
        Self { loss, seed: seed ^ 0xf4e5, cycles, sides }
    }

    fn of(self, amg: &Amg) -> Result<Evaluation> {
        Evaluation::of(amg.hierarchy(), self.seed, self.cycles, self.sides)
    }

    fn better(self, one: &Evaluation, two: &Evaluation) -> bool {
        one.is_better(two, self.loss)
    }

    /// Whether `after` is sound, and better than `before` by more than rounding.
    fn gains(self, after: &Evaluation, before: &Evaluation) -> bool {
        let enough =
            Evaluation { factor: GAIN * before.factor, reduction: GAIN * before.reduction, ..*before };
        after.sound(self.loss) && self.better(after, &enough)
    }
}

/// The best of the last parameters, the best parameters and the start. If none of them converges, the
/// best convergent classical smoother; if no smoother converges, the best of all. Without a session there was no step,
/// and the comparison from which the start came decides.
pub(super) fn select<T: Scalar>(
    candidate: &Candidate,
    session: Option<&Session<T>>,
    (recipe, parameters): (Recipe, usize),
    (seed, run): (u64, RunStats),
) -> Result<(Amg, TrainingReport)> {
    let protocol = Protocol::new(candidate.loss, candidate.amg.hierarchy().rows(), seed);
    let known = candidate.compared.filter(|_| session.is_none());
    let of = |known: Option<Evaluation>, amg| known.map_or_else(|| protocol.of(amg), Ok);
    let started = of(known.map(|k| k.0), &candidate.amg)?;
    let (before, classical, name) = match &candidate.classical {
        Some((amg, name)) => (of(known.map(|k| k.1), amg)?, amg, name),
        None => (started, &candidate.amg, &candidate.name),
    };
    let best = best_learned(candidate, session, protocol, started)?;
    let network = candidate.rejected.map_or(before.factor, |rejected| rejected.factor);
    let factor_learned = best.as_ref().map_or(network, |b| b.0.factor);
    let (accepted, fallback, (after, amg)) = match best {
        Some(best) if protocol.gains(&best.0, &before) => (true, None, best),
        best => {
            let kept = (before, duplicate(classical)?);
            let known =
                candidate.rejected.map(|_| &candidate.name).or(candidate.classical.as_ref().map(|c| &c.1));
            let (fallback, kept) = without_learning(candidate, protocol, kept)?;
            let fallback = fallback.or(known.cloned());
            match best {
                Some(best) if !kept.0.sound(protocol.loss) && protocol.better(&best.0, &kept.0) => {
                    (true, None, best)
                }
                _ => (false, fallback, kept),
            }
        }
    };
    let losses = session.map_or(&[][..], |s| &s.loss_history);
    let report = TrainingReport {
        hierarchy: candidate.amg.setup().name().to_string(),
        learn: candidate.learn,
        start: if candidate.classical.is_some() { candidate.name.clone() } else { name.clone() },
        factor_before: before.factor,
        factor_after: after.factor,
        before: Some(before),
        after: Some(after),
        fallback,
        own: None,
        accepted,
        factor_learned,
        train_seconds: run.train_seconds,
        steps: candidate.tuning.len() + session.map_or(0, Session::steps),
        parameters,
        rollbacks: session.map_or(0, |s| s.rollbacks),
        stopped_early: run.stopped_early,
        seed,
        recipe,
        loss_history: candidate.tuning.iter().chain(losses).copied().collect(),
        factor_history: session.map_or_else(Vec::new, |s| s.factor_history.clone()),
        trials: run.trials,
    };
    let learned = format!("learned {}", report.learn);
    let smoother = if report.accepted { learned } else { report.kept().to_string() };
    let factor = Some(report.factor_after).filter(|factor| !factor.is_nan());
    Ok((amg.described(smoother, factor), report))
}

/// Whether the result of a training, learned or a fallback, is better than the solver `own` that was to be trained,
/// by the same measurement of both. Otherwise the report says that `own` is kept.
///
/// # Errors
/// Those of the evaluation.
pub(super) fn improves(own: &Amg, trained: &Amg, report: &mut TrainingReport) -> Result<bool> {
    let Some(after) = report.after.filter(|_| report.parameters > 0) else { return Ok(false) };
    let protocol = Protocol::new(report.recipe.loss, own.hierarchy().rows(), report.seed);
    let partial = after.factor.is_nan() || after.iterations.is_nan();
    let after = if partial { protocol.of(trained)? } else { after };
    let judged = protocol.of(own)?;
    let better = match after.sound(protocol.loss) {
        true => protocol.gains(&after, &judged),
        false => protocol.better(&after, &judged),
    };
    if better && (report.accepted || report.fallback.is_some()) {
        return Ok(true);
    }
    (report.accepted, report.fallback, report.own) = (false, None, Some(own.smoother()));
    (report.factor_after, report.after) = (judged.factor, Some(judged));
    Ok(false)
}

/// A copy of the solver.
fn duplicate(amg: &Amg) -> Result<Amg> {
    amg.with_hierarchy(amg.hierarchy().clone())
}

/// The best of the trained parameters and of the network that training started from.
fn best_learned<T: Scalar>(
    candidate: &Candidate,
    session: Option<&Session<T>>,
    protocol: Protocol,
    started: Evaluation,
) -> Result<Option<Judged>> {
    // The network itself is a candidate: a few steps may have made it worse.
    let mut best = match candidate.classical {
        Some(_) => Some((started, duplicate(&candidate.amg)?)),
        None => None,
    };
    let Some(session) = session.filter(|s| s.steps() > 0) else { return Ok(best) };
    for parameters in session.candidates().into_iter().filter(|p| !p.is_empty() && p.finite()) {
        let learned = candidate.amg.with_hierarchy(parameters.install(candidate.amg.hierarchy()))?;
        let judged = protocol.of(&learned)?;
        if best.as_ref().is_none_or(|b| protocol.better(&judged, &b.0)) {
            best = Some((judged, learned));
        }
    }
    Ok(best)
}

/// The kept solver, or a classical smoother that converges where the kept one does not, and its name.
fn without_learning(
    candidate: &Candidate,
    protocol: Protocol,
    mut kept: Judged,
) -> Result<(Option<String>, Judged)> {
    // A null vector leaves every factor at 1: no other smoother would help.
    let singular = (kept.0.factor - 1.0).abs() < 1e-6;
    let mut name = None;
    if kept.0.sound(protocol.loss) || singular || candidate.learn.smoother().is_none() {
        return Ok((name, kept));
    }
    for relaxation in classical_choices() {
        let Ok(amg) = candidate.amg.with_relaxation(relaxation, candidate.amg.sweeps()) else { continue };
        let judged = protocol.of(&amg)?;
        if protocol.better(&judged, &kept.0) {
            kept = (judged, amg);
            name = Some(relaxation.to_string());
        }
    }
    Ok((name, kept))
}

/// The smoothers that are tried where neither the learned smoother nor its start converges.
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
