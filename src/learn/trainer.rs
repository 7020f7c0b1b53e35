//! From a matrix to a learned solver.

use std::time::{Duration, Instant};

use super::factor::{FactorEstimate, asymptotic_factor};

use super::parameters::Parameters;
use super::recipe::Recipe;
use super::report::TrainingReport;
use super::session::Session;
use super::what::Learn;
use crate::error::{Error, Result};
use crate::multigrid::Amg;

/// Cycles of the final measurement.
const MEASURE_CYCLES: usize = 120;
/// Cycles of the measurement that tells a fast start from a slow one.
const START_CYCLES: usize = 20;
/// The least gain that counts: rounding the start to single precision is not learning.
const GAIN: f64 = 0.999;
/// Steps of a trial, where there is a choice.
const TRIAL_STEPS: usize = 40;

/// Trains parts of a hierarchy to minimise the asymptotic factor of the cycle: by default its
/// relaxation, a sparse M⁽ˡ⁾ on every level's own pattern, one for every sweep; [`Learn`] names the
/// others.
///
/// What is not set is chosen from the matrix. The same seed gives the same values on any
/// number of threads; a time limit gives that up.
///
/// ```
/// use multigrad::{gallery, learn::Trainer, multigrid::Amg};
/// let problem = gallery::recirculating_flow(16, 0.005, gallery::FlowScheme::Upwind)?;
/// let mut amg = Amg::smoothed_aggregation().suited_to(&problem.matrix).build(&problem.matrix)?;
/// let report = Trainer::new().seed(1).steps(60).fit(&mut amg)?;
/// assert!(report.factor_after < report.factor_before);
/// amg.freeze()?; // save it, solve with it
/// # Ok::<(), multigrad::error::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Trainer {
    steps: Option<usize>,
    rate: Option<f64>,
    cycles: Option<usize>,
    batch: Option<usize>,
    sweeps: Option<(usize, usize)>,
    learn: Learn,
    symmetric: bool,
    seed: u64,
    time_limit: Option<Duration>,
}

/// Where training stands, after every step.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Steps taken, and steps in all.
    pub step: (usize, usize),
    /// Loss of this step.
    pub loss: f64,
    /// Asymptotic factor at the last measurement.
    pub factor: f64,
    /// Seconds since training began.
    pub seconds: f64,
    /// Seconds that remain, by the pace so far.
    pub seconds_left: f64,
    /// Whether this is a trial of a candidate.
    pub trial: bool,
}

/// A hierarchy to train from, and its smoothers.
type Start = (Amg, String);

/// Called after every step.
pub type Observer<'a> = &'a mut dyn FnMut(&Progress);

impl Trainer {
    /// Everything chosen from the matrix, seed 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is learned; the sparse M of every level by default.
    #[must_use]
    pub fn learn(mut self, learn: Learn) -> Self {
        self.learn = learn;
        self
    }

    /// Keeps the cycle symmetric, so that CG may be used: post-sweeps are the transposes of the
    /// pre-sweeps in reverse order, and R = Pᵀ. A must be symmetric and R = Pᵀ from the start.
    #[must_use]
    pub fn symmetric(mut self, symmetric: bool) -> Self {
        self.symmetric = symmetric;
        self
    }

    /// Steps of the optimiser.
    #[must_use]
    pub fn steps(mut self, steps: usize) -> Self {
        self.steps = Some(steps);
        self
    }

    /// Rate of the first step of Adam.
    #[must_use]
    pub fn rate(mut self, rate: f64) -> Self {
        self.rate = Some(rate);
        self
    }

    /// Cycles in the loss at the last step; it begins with fewer.
    #[must_use]
    pub fn cycles(mut self, cycles: usize) -> Self {
        self.cycles = Some(cycles);
        self
    }

    /// Columns of the batch.
    #[must_use]
    pub fn batch(mut self, batch: usize) -> Self {
        self.batch = Some(batch);
        self
    }

    /// Learned sweeps before and after the coarse-grid correction, each with an M of its own;
    /// as many as the hierarchy has by default.
    #[must_use]
    pub fn sweeps(mut self, pre: usize, post: usize) -> Self {
        self.sweeps = Some((pre, post));
        self
    }

    /// Seed of all random vectors.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Training stops after this time, with the best it has.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// Trains what [`learn`](Self::learn) names, from the start that [`Learn`] names; the smoothers and
    /// transfers of `amg` are replaced by the learned ones, or by the start if those are no better.
    ///
    /// # Errors
    /// Parameters out of range; a level on which the start cannot be built; values that overflow
    /// single precision.
    pub fn fit(&self, amg: &mut Amg) -> Result<TrainingReport> {
        let (trained, report) = self.fit_best(std::slice::from_ref(amg), &mut |_| {})?;
        *amg = trained;
        Ok(report)
    }

    /// Trains on the best of several hierarchies of the same matrix: each gets a short trial,
    /// and the one with the best factor for its cost is trained to the end.
    ///
    /// # Errors
    /// As for [`fit`](Self::fit), and no hierarchy at all.
    pub fn fit_best(&self, candidates: &[Amg], observe: Observer<'_>) -> Result<(Amg, TrainingReport)> {
        let clock = Instant::now();
        let mut starts = Vec::new();
        let mut failure = Error::invalid_input("there is no hierarchy to train on");
        for amg in candidates {
            match self.learn.start(amg, self.sweeps.unwrap_or(amg.sweeps()), self.seed, self.symmetric) {
                Ok(start) => starts.push(start),
                Err(e) => failure = e,
            }
        }
        let mut trials = Vec::new();
        let Some((start, mut session)) = self.choose(&starts, &mut trials, clock, observe)? else {
            return Err(failure);
        };
        let recipe = session.recipe();
        let mut stopped_early = None;
        while stopped_early.is_none() && !session.is_empty() && session.steps() < recipe.steps {
            session.step_at(self.share(&session, clock))?;
            observe(&self.progress(&session, clock, false));
            if self.time_limit.is_some_and(|limit| clock.elapsed() >= limit) && session.steps() < recipe.steps
            {
                stopped_early = Some(format!("the time limit was reached after {} steps", session.steps()));
            }
        }
        session.finish();
        let train_seconds = clock.elapsed().as_secs_f64();
        self.hand_out(start, &session, recipe, TrainingAccount { train_seconds, stopped_early, trials })
    }

    /// The hierarchy whose trial ends with the least work per digit, with the session that
    /// was begun on it.
    fn choose<'a>(
        &self,
        starts: &'a [Start],
        trials: &mut Vec<(String, f64)>,
        clock: Instant,
        observe: Observer<'_>,
    ) -> Result<Option<(&'a Start, Session<f32>)>> {
        let mut best: Option<(f64, &Start, Session<f32>)> = None;
        for pair in starts {
            let start = &pair.0;
            let mut session = self.session(start)?;
            if starts.len() == 1 {
                return Ok(Some((pair, session)));
            }
            let recipe = session.recipe();
            // With a time limit, all trials together take a quarter of it at most.
            let trial = Instant::now();
            let limit = self.time_limit.map(|l| l / (4 * starts.len() as u32));
            let in_time = || limit.is_none_or(|l| trial.elapsed() < l);
            while session.steps() < TRIAL_STEPS.min(recipe.steps) && !session.is_empty() && in_time() {
                session.step_at(self.share(&session, clock))?;
                observe(&self.progress(&session, clock, true));
            }
            session.finish();
            let factor = session.best_factor();
            trials.push((start.setup().name().to_string(), factor));
            // Nonzeros of one cycle over the digits that it gains.
            let cost = start.hierarchy().operator_complexity() / -factor.min(1.0 - 1e-9).log10();
            if best.as_ref().is_none_or(|b| cost < b.0) {
                best = Some((cost, pair, session));
            }
        }
        Ok(best.map(|(_, pair, session)| (pair, session)))
    }

    fn progress(&self, session: &Session<f32>, clock: Instant, trial: bool) -> Progress {
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
    fn share(&self, session: &Session<f32>, clock: Instant) -> f64 {
        let steps = session.steps() as f64 / session.recipe().steps.max(1) as f64;
        let time = self.time_limit.map_or(0.0, |l| clock.elapsed().as_secs_f64() / l.as_secs_f64());
        steps.max(time).min(1.0)
    }

    /// A session with what was set, and the rest suited to the hierarchy and its start.
    fn session(&self, start: &Amg) -> Result<Session<f32>> {
        let h = start.hierarchy();
        let factor = asymptotic_factor(h, self.seed, START_CYCLES).factor;
        let suited = Recipe::suited_to(self.learn, h.rows(), factor);
        let recipe = Recipe {
            steps: self.steps.unwrap_or(suited.steps),
            rate: self.rate.unwrap_or(suited.rate),
            cycles: self.cycles.map_or(suited.cycles, |c| (c.min(suited.cycles.0), c)),
            batch: self.batch.unwrap_or(suited.batch),
        };
        recipe.check()?;
        Session::on(h, Parameters::learned(h, self.learn, self.symmetric)?, recipe, self.seed)
    }

    /// The better of the last and the best parameters, if better than the start, measured in
    /// double precision on vectors that training never saw.
    fn hand_out(
        &self,
        (start, relaxation): &Start,
        session: &Session<f32>,
        recipe: Recipe,
        account: TrainingAccount,
    ) -> Result<(Amg, TrainingReport)> {
        let fresh = self.seed ^ 0xf4e5;
        let before = asymptotic_factor(start.hierarchy(), fresh, MEASURE_CYCLES);
        let mut best: Option<(FactorEstimate, Amg)> = None;
        for parameters in session.candidates().into_iter().filter(|p| !p.is_empty() && p.finite()) {
            let learned = start.with_hierarchy(parameters.install(start.hierarchy()))?;
            let estimate = asymptotic_factor(learned.hierarchy(), fresh, MEASURE_CYCLES);
            if best.as_ref().is_none_or(|b| estimate.factor < b.0.factor) {
                best = Some((estimate, learned));
            }
        }
        let factor_learned = best.as_ref().map_or(before.factor, |b| b.0.factor);
        let (accepted, after, amg) = match best {
            Some((after, learned)) if after.factor < GAIN * before.factor => (true, after, learned),
            _ => (false, before, start.with_hierarchy(start.hierarchy().clone())?),
        };
        let report = TrainingReport {
            hierarchy: start.setup().name().to_string(),
            learn: self.learn,
            start: relaxation.to_string(),
            factor_before: before.factor,
            factor_after: after.factor,
            accepted,
            factor_learned,
            train_seconds: account.train_seconds,
            steps: session.steps(),
            parameters: session.candidates()[0].count(),
            rollbacks: session.rollbacks,
            stopped_early: account.stopped_early,
            seed: self.seed,
            recipe,
            loss_history: session.loss_history.clone(),
            factor_history: session.factor_history.clone(),
            trials: account.trials,
        };
        Ok((amg, report))
    }
}

struct TrainingAccount {
    train_seconds: f64,
    stopped_early: Option<String>,
    trials: Vec<(String, f64)>,
}
