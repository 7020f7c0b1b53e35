//! The training of a solver: candidates, their trials, the steps, and the selection of the result.

use std::time::Instant;

use super::evaluate::asymptotic_factor;
use super::loss::Loss;
use super::parameters::Parameters;
use super::recipe::Recipe;
use super::report::TrainingReport;
use super::select::{RunStats, improves, select};
#[cfg(feature = "cuda")]
use super::session::ResidentTraining;
use super::session::{Session, Trained};
use super::start::{Candidate, StartOptions, Tuning};
use super::target::{LearnedSmoother, Target};
use super::trainer::{Observer, Progress, Trainer};
use crate::engine::Host;
use crate::error::{Error, Result};
use crate::limits;
use crate::multigrid::{CyclePreconditioner, Hierarchy};
use crate::operator::Preconditioner;
use crate::solver::Amg;

/// Cycles of the measurement that tells a fast start from a slow one.
const START_CYCLES: usize = 12;
/// Steps, and rate of the first, of a network that is trained on one matrix.
const TUNING_STEPS: usize = 200;
const TUNING_RATE: f64 = 1e-3;
/// Cycles whose time is taken.
const TIMED_CYCLES: usize = 5;
/// Steps of a trial, where there is a choice: of the first candidate, and of the later ones.
const TRIAL_STEPS: (usize, usize) = (20, 10);
/// A later candidate has to reach this share of the best cost so far, since the first one is trained longer.
const CLEARLY: f64 = 0.8;
/// Values of a batch that give every thread of a large device something to do.
#[cfg(feature = "cuda")]
const FULL_BATCH: usize = 1 << 20;
/// Columns that a thread loads at once, and most columns.
#[cfg(feature = "cuda")]
const COLUMNS: (usize, usize) = (4, 64);

impl Trainer {
    /// Trains the target ([`learn`](Self::learn)) from its [`start`](Self::start). The smoothers and transfers of
    /// `amg` are replaced by the learned ones if these are better, and stay as they are otherwise; where neither
    /// these nor those converge, by a classical fallback that is better. It keeps its precision and its device.
    /// [`fit_best`](Self::fit_best) compares with the start alone.
    ///
    /// # Errors
    /// Parameters out of range; a level on which the start cannot be built; values that overflow
    /// single precision.
    pub fn fit(&self, amg: &mut Amg) -> Result<TrainingReport> {
        self.fit_observed(amg, &mut |_| {})
    }

    /// As [`fit`](Self::fit); `observe` is called after every step.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub fn fit_observed(&self, amg: &mut Amg, observe: Observer<'_>) -> Result<TrainingReport> {
        let (trained, mut report) = self.fit_best(std::slice::from_ref(amg), observe)?;
        // A solver that is not symmetric cannot stay where symmetry is asked for.
        let cannot_stay = self.symmetric && !amg.is_symmetric();
        if cannot_stay || improves(amg, &trained, &mut report)? {
            amg.adopt(trained)?;
        }
        Ok(report)
    }

    /// Trains on the best of several hierarchies of the same matrix: each gets a short trial,
    /// and the best by the loss is trained to the end.
    ///
    /// # Errors
    /// As for [`fit`](Self::fit), and no hierarchy at all.
    pub fn fit_best(&self, candidates: &[Amg], observe: Observer<'_>) -> Result<(Amg, TrainingReport)> {
        let clock = Instant::now();
        let mut starts = Vec::new();
        let mut failure = Error::invalid_input("there is no hierarchy to train on");
        for amg in candidates {
            let options = StartOptions {
                sweeps: self.sweeps.unwrap_or(amg.sweeps()),
                seed: self.seed,
                symmetric: self.symmetric,
                loss: self.loss,
                subdomains: self.subdomains,
            };
            for learn in self.targets() {
                match amg.check_finest().and_then(|()| self.start.candidate(amg, learn, options)) {
                    Ok(candidate) => starts.push(candidate),
                    Err(e) => failure = e,
                }
            }
        }
        // Interface conditions of a single level are learned from residuals far below single precision.
        if starts.iter().any(Candidate::is_single_schwarz) {
            if self.loss == Loss::Krylov {
                self.tune(&mut starts, clock, observe)?;
            }
            return self.run::<f64>(&starts, failure, clock, observe);
        }
        self.run::<f32>(&starts, failure, clock, observe)
    }

    /// Trains a network on the matrix for every start.
    fn tune(&self, starts: &mut [Candidate], clock: Instant, observe: Observer<'_>) -> Result<()> {
        for candidate in starts {
            let mut show = |step: usize, steps: usize, loss: f64| {
                let seconds = clock.elapsed().as_secs_f64();
                let left = self.time_limit.map_or(f64::INFINITY, |l| (l.as_secs_f64() - seconds).max(0.0));
                let seconds_left = left.min(seconds / step as f64 * (steps - step) as f64);
                let factor = f64::NAN;
                observe(&Progress { step: (step, steps), loss, factor, seconds, seconds_left, trial: false });
                left > 0.0
            };
            let (steps, rate) = (self.steps.unwrap_or(TUNING_STEPS), self.rate.unwrap_or(TUNING_RATE));
            candidate.tune(&mut Tuning { steps, rate, seed: self.seed, observe: &mut show })?;
        }
        Ok(())
    }

    /// Trains in this precision on the candidate with the best trial; without a candidate, the failure.
    fn run<T: Trained>(
        &self,
        starts: &[Candidate],
        failure: Error,
        clock: Instant,
        observe: Observer<'_>,
    ) -> Result<(Amg, TrainingReport)> {
        let mut trials = Vec::new();
        if let Some((start, factor)) = self.settled(starts, &mut trials)? {
            let recipe = self.recipe(start, factor)?;
            let parameters = Parameters::<T>::learned(start.amg.hierarchy(), start.learn, self.symmetric)?;
            let train_seconds = clock.elapsed().as_secs_f64();
            let run = RunStats { train_seconds, stopped_early: None, trials };
            return select::<T>(start, None, (recipe, parameters.count()), (self.seed, run));
        }
        let Some((start, mut session)) = self.choose::<T>(starts, &mut trials, clock, observe)? else {
            return Err(failure);
        };
        let mut stopped_early = self.train(&mut session, clock, observe)?;
        if start.learn.smoother() == Some(LearnedSmoother::Scalars) {
            self.train_again(start, (&mut session, &mut stopped_early), clock, observe)?;
        }
        let train_seconds = clock.elapsed().as_secs_f64();
        let run = RunStats { train_seconds, stopped_early, trials };
        select(start, Some(&session), (session.recipe(), session.candidates()[0].count()), (self.seed, run))
    }

    /// Takes the steps of the recipe; the reason if the time limit ends them.
    pub(super) fn train<T: Trained>(
        &self,
        session: &mut Session<T>,
        clock: Instant,
        observe: Observer<'_>,
    ) -> Result<Option<String>> {
        let steps = session.recipe().steps;
        let mut stopped_early = None;
        while stopped_early.is_none() && !session.is_empty() && session.steps() < steps {
            session.step_at(self.share(session, clock))?;
            observe(&self.progress(session, clock, false));
            if self.time_limit.is_some_and(|limit| clock.elapsed() >= limit) && session.steps() < steps {
                stopped_early = Some(format!("the time limit was reached after {} steps", session.steps()));
            }
            if let Err(e) = limits::check() {
                stopped_early.get_or_insert(format!("{e}, after {} steps", session.steps()));
            }
        }
        session.finish()?;
        Ok(stopped_early)
    }

    /// Without steps, the best of starts that were compared with their classical smoothers, and its factor per cycle or
    /// reduction per iteration: nothing else has to be measured. `None` with steps, or if no start converges.
    fn settled<'a>(
        &self,
        starts: &'a [Candidate],
        trials: &mut Vec<(String, f64)>,
    ) -> Result<Option<(&'a Candidate, f64)>> {
        let mut best: Option<(f64, &Candidate, f64)> = None;
        if self.steps != Some(0) || starts.iter().any(|candidate| candidate.compared.is_none()) {
            return Ok(None);
        }
        for candidate in starts {
            let Some((own, _)) = candidate.compared.filter(|(own, _)| own.sound(self.loss)) else { continue };
            let factor = if self.loss == Loss::Krylov { own.reduction } else { own.factor };
            if starts.len() > 1 {
                trials.push((candidate.label(starts), factor));
            }
            let cost = self.cost(candidate, factor)?;
            if best.is_none_or(|b| cost < b.0) {
                best = Some((cost, candidate, factor));
            }
        }
        Ok(best.map(|(_, candidate, factor)| (candidate, factor)))
    }

    /// The hierarchy whose trial ends best, with the session that
    /// was begun on it.
    fn choose<'a, T: Trained>(
        &self,
        starts: &'a [Candidate],
        trials: &mut Vec<(String, f64)>,
        clock: Instant,
        observe: Observer<'_>,
    ) -> Result<Option<(&'a Candidate, Session<T>)>> {
        let mut best: Option<(f64, &Candidate, Session<T>)> = None;
        for candidate in starts {
            let mut session = self.session(candidate)?;
            if starts.len() == 1 {
                return Ok(Some((candidate, session)));
            }
            let recipe = session.recipe();
            // With a time limit, all trials together take a quarter of it at most.
            let trial = Instant::now();
            let limit = self.time_limit.map(|l| l / (4 * starts.len() as u32));
            let in_time = || limit.is_none_or(|l| trial.elapsed() < l);
            let steps = if best.is_none() { TRIAL_STEPS.0 } else { TRIAL_STEPS.1 };
            while session.steps() < steps.min(recipe.steps) && !session.is_empty() && in_time() {
                session.step_at(self.share(&session, clock))?;
                observe(&self.progress(&session, clock, true));
            }
            session.finish()?;
            let factor = session.best_factor();
            trials.push((candidate.label(starts), factor));
            let cost = self.cost(candidate, factor)?;
            if best.as_ref().is_none_or(|b| cost < CLEARLY * b.0) {
                best = Some((cost, candidate, session));
            }
        }
        Ok(best.map(|(_, candidate, session)| (candidate, session)))
    }

    /// Cycles per digit, or seconds per digit.
    fn cost(&self, candidate: &Candidate, factor: f64) -> Result<f64> {
        let unit = match self.loss {
            Loss::Time => cycle_seconds(candidate.amg.hierarchy())?,
            Loss::Rate | Loss::Krylov | Loss::Slowest => 1.0,
        };
        Ok(unit / -factor.min(1.0 - 1e-9).log10())
    }

    /// The targets that are tried: with [`Loss::Time`] both M and the factors, where one of them is asked for.
    fn targets(&self) -> Vec<Target> {
        let both = [LearnedSmoother::Relaxation, LearnedSmoother::Ilu];
        match self.learn.smoother() {
            Some(smoother) if self.loss == Loss::Time && both.contains(&smoother) => {
                both.map(|smoother| self.learn.with(smoother)).into()
            }
            _ => vec![self.learn],
        }
    }

    fn progress<T: Trained>(&self, session: &Session<T>, clock: Instant, trial: bool) -> Progress {
        let (step, steps) = (session.steps(), session.recipe().steps);
        let seconds = clock.elapsed().as_secs_f64();
        let limit = self.time_limit.map_or(f64::INFINITY, |l| (l.as_secs_f64() - seconds).max(0.0));
        Progress {
            step: (step, steps),
            loss: session.loss_history.last().copied().unwrap_or(f64::NAN),
            factor: session.factor(),
            seconds,
            seconds_left: limit.min(session.seconds_per_step() * (steps - step.min(steps)) as f64),
            trial,
        }
    }

    /// How much of the training is done, by steps or by time, whichever is more.
    fn share<T: Trained>(&self, session: &Session<T>, clock: Instant) -> f64 {
        let steps = session.steps() as f64 / session.recipe().steps.max(1) as f64;
        let time = self.time_limit.map_or(0.0, |l| clock.elapsed().as_secs_f64() / l.as_secs_f64());
        steps.max(time).min(1.0)
    }

    /// A session with the settings of the trainer; the others suit the hierarchy and its start.
    fn session<T: Trained>(&self, candidate: &Candidate) -> Result<Session<T>> {
        if candidate.learn.smoother() == Some(LearnedSmoother::Scalars) {
            return self.patch_session(candidate, 0);
        }
        let h = candidate.amg.hierarchy();
        let factor = match candidate.factor {
            Some(factor) => factor,
            None => asymptotic_factor(h, self.seed, START_CYCLES).factor,
        };
        let recipe = self.recipe(candidate, factor)?;
        let parameters = Parameters::learned(h, candidate.learn, self.symmetric)?;
        self.session_on(h, parameters, recipe)
    }

    /// The recipe for a start with this factor.
    fn recipe(&self, candidate: &Candidate, factor: f64) -> Result<Recipe> {
        let h = candidate.amg.hierarchy();
        let suited = Recipe::suited_to(
            (candidate.learn, self.loss, self.start),
            candidate.amg.setup(),
            h.rows(),
            factor,
        );
        let recipe = Recipe {
            loss: self.loss,
            steps: if candidate.tunes(self.loss) { 0 } else { self.steps.unwrap_or(suited.steps) },
            rate: self.rate.unwrap_or(suited.rate),
            cycles: self.cycles.map_or(suited.cycles, |c| (c.min(suited.cycles.0), c)),
            batch: self.batch.unwrap_or_else(|| self.filling(suited.batch, h.rows())),
            factor_first: suited.factor_first,
        };
        recipe.check()?;
        Ok(recipe)
    }
}

#[cfg(feature = "cuda")]
impl Trainer {
    /// Columns of the batch: on a device as many as fill it, since more cost no time until then.
    fn filling(&self, suited: usize, rows: usize) -> usize {
        let full = FULL_BATCH / rows.max(1) / COLUMNS.0 * COLUMNS.0;
        if self.cuda.is_some() { suited.max(full.min(COLUMNS.1)) } else { suited }
    }

    /// A session whose steps are taken on the device of the trainer, if it has one.
    fn session_on<T: Trained>(
        &self,
        h: &Hierarchy<Host<f64>>,
        parameters: Parameters<T>,
        recipe: Recipe,
    ) -> Result<Session<T>> {
        let Some(cuda) = self.cuda.as_ref().filter(|_| recipe.steps > 0) else {
            return Session::on(h, parameters, recipe, self.seed);
        };
        Session::taking(h, (parameters, None), recipe, self.seed, |h, parameters, loss| {
            let mut steps = ResidentTraining::new(cuda, h, parameters, recipe.batch, self.seed)?;
            steps.minimise(loss, self.seed)?;
            Ok(Box::new(steps))
        })
    }
}

/// Without devices.
#[cfg(not(feature = "cuda"))]
impl Trainer {
    fn filling(&self, suited: usize, _: usize) -> usize {
        suited
    }

    fn session_on<T: Trained>(
        &self,
        h: &Hierarchy<Host<f64>>,
        parameters: Parameters<T>,
        recipe: Recipe,
    ) -> Result<Session<T>> {
        Session::on(h, parameters, recipe, self.seed)
    }
}

/// Seconds of one compiled cycle on one column, the fastest of several.
fn cycle_seconds(h: &Hierarchy<Host<f64>>) -> Result<f64> {
    let cycle = CyclePreconditioner::trusted(h.cast::<f32>()?, Some(false))?;
    let (r, mut z) = (vec![1.0; h.rows()], vec![0.0; h.rows()]);
    let mut least = f64::INFINITY;
    for _ in 0..TIMED_CYCLES {
        let clock = Instant::now();
        cycle.apply(&r, &mut z)?;
        least = least.min(clock.elapsed().as_secs_f64());
    }
    Ok(least)
}
