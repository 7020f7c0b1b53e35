//! From a matrix to a learned solver.

use std::time::{Duration, Instant};

use super::begin::{Begin, Start};
use super::factor::asymptotic_factor;
use super::hand_out::{Progressed, hand_out};
use super::loss_kind::Loss;
use super::parameters::Parameters;
use super::recipe::Recipe;
use super::report::TrainingReport;
use super::schwarz_network::Tuning;
use super::session::Session;
use super::start::Wishes;
use super::steps::Trained;
use super::what::{Learn, LearnedSmoother};
#[cfg(feature = "cuda")]
use crate::backend::Cuda;
use crate::engine::Host;
use crate::error::{Error, Result};
use crate::multigrid::{CyclePreconditioner, Hierarchy, SchwarzOptions};
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
/// What a later candidate has to reach of the best before it: the first ones learn longest.
const CLEARLY: f64 = 0.8;

/// Trains parts of a hierarchy to minimise the asymptotic factor of the cycle: by default its
/// relaxation, a sparse M⁽ˡ⁾ on every level's own pattern, one for every sweep; [`Learn`] names the
/// others.
///
/// What is not set is chosen from the matrix. The same seed gives the same values on any
/// number of threads; a time limit gives that up.
///
/// ```
/// use multigrad::{gallery, learn::Trainer, solver::Amg};
/// let problem = gallery::recirculating_flow(16, 0.005, gallery::FlowScheme::Upwind)?;
/// let mut amg = Amg::smoothed_aggregation().suited_to(&problem.matrix).build(&problem.matrix)?;
/// let report = Trainer::new().seed(1).steps(60).fit(&mut amg)?;
/// assert!(report.factor_after < report.factor_before);
/// assert!(amg.solve(&problem.rhs)?.converged());
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
    loss: Loss,
    start: Start,
    symmetric: bool,
    subdomains: (SchwarzOptions, usize),
    pub(super) seed: u64,
    time_limit: Option<Duration>,
    #[cfg(feature = "cuda")]
    pub(super) cuda: Option<Cuda>,
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

    /// What is minimised; the asymptotic factor by default.
    #[must_use]
    pub fn loss(mut self, loss: Loss) -> Self {
        self.loss = loss;
        self
    }

    /// Where training starts; from classical smoothers by default.
    #[must_use]
    pub fn start(mut self, start: Start) -> Self {
        self.start = start;
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

    /// Columns of the batch. Default: what suits the hierarchy, on a card what fills it.
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

    /// Subdomains of [`Learn::Schwarz`], and on how many of the finest levels; the levels below learn M. By
    /// default parts of 100 rows with one ring of overlap on the finest level. The share of the options is
    /// not used: the start is the best of a few.
    #[must_use]
    pub fn subdomains(mut self, options: SchwarzOptions, levels: usize) -> Self {
        self.subdomains = (options, levels);
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

    /// Takes the steps on a card. Measurements between them, and of what is handed out, stay on the CPU.
    #[cfg(feature = "cuda")]
    #[must_use]
    pub fn on(mut self, cuda: &Cuda) -> Self {
        self.cuda = Some(cuda.clone());
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
    /// and the one that the loss likes best is trained to the end.
    ///
    /// # Errors
    /// As for [`fit`](Self::fit), and no hierarchy at all.
    pub fn fit_best(&self, candidates: &[Amg], observe: Observer<'_>) -> Result<(Amg, TrainingReport)> {
        let clock = Instant::now();
        let mut starts = Vec::new();
        let mut failure = Error::invalid_input("there is no hierarchy to train on");
        for amg in candidates {
            let wishes = Wishes {
                sweeps: self.sweeps.unwrap_or(amg.sweeps()),
                seed: self.seed,
                symmetric: self.symmetric,
                loss: self.loss,
                subdomains: self.subdomains,
            };
            for learn in self.ways() {
                match Begin::new(amg, learn, self.start, wishes) {
                    Ok(begin) => starts.push(begin),
                    Err(e) => failure = e,
                }
            }
        }
        // Interface conditions of a single level are learned from residuals far below single precision.
        if starts.iter().any(Begin::is_single_schwarz) {
            if self.loss == Loss::Krylov {
                self.tune(&mut starts, clock, observe)?;
            }
            return self.run::<f64>(&starts, failure, clock, observe);
        }
        self.run::<f32>(&starts, failure, clock, observe)
    }

    /// Trains a network on the matrix for every start.
    fn tune(&self, starts: &mut [Begin], clock: Instant, observe: Observer<'_>) -> Result<()> {
        for begin in starts {
            let mut show = |step: usize, steps: usize, loss: f64| {
                let seconds = clock.elapsed().as_secs_f64();
                let left = self.time_limit.map_or(f64::INFINITY, |l| (l.as_secs_f64() - seconds).max(0.0));
                let seconds_left = left.min(seconds / step as f64 * (steps - step) as f64);
                let factor = f64::NAN;
                observe(&Progress { step: (step, steps), loss, factor, seconds, seconds_left, trial: false });
                left > 0.0
            };
            let (steps, rate) = (self.steps.unwrap_or(TUNING_STEPS), self.rate.unwrap_or(TUNING_RATE));
            begin.tune(&mut Tuning { steps, rate, seed: self.seed, observe: &mut show })?;
        }
        Ok(())
    }

    /// Trains in this precision on the start whose trial ends best; without a start, the failure.
    fn run<T: Trained>(
        &self,
        starts: &[Begin],
        failure: Error,
        clock: Instant,
        observe: Observer<'_>,
    ) -> Result<(Amg, TrainingReport)> {
        let mut trials = Vec::new();
        let Some((start, mut session)) = self.choose::<T>(starts, &mut trials, clock, observe)? else {
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
        session.finish()?;
        let train_seconds = clock.elapsed().as_secs_f64();
        hand_out(start, &session, self.seed, Progressed { train_seconds, stopped_early, trials })
    }

    /// The hierarchy whose trial ends best, with the session that
    /// was begun on it.
    fn choose<'a, T: Trained>(
        &self,
        starts: &'a [Begin],
        trials: &mut Vec<(String, f64)>,
        clock: Instant,
        observe: Observer<'_>,
    ) -> Result<Option<(&'a Begin, Session<T>)>> {
        let mut best: Option<(f64, &Begin, Session<T>)> = None;
        for begin in starts {
            let mut session = self.session(begin)?;
            if starts.len() == 1 {
                return Ok(Some((begin, session)));
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
            trials.push((begin.label(starts), factor));
            // Cycles, or seconds of cycles, for a digit.
            let unit = match self.loss {
                Loss::Time => cycle_seconds(begin.amg.hierarchy())?,
                Loss::Factor | Loss::Krylov | Loss::Slowest => 1.0,
            };
            let cost = unit / -factor.min(1.0 - 1e-9).log10();
            if best.as_ref().is_none_or(|b| cost < CLEARLY * b.0) {
                best = Some((cost, begin, session));
            }
        }
        Ok(best.map(|(_, begin, session)| (begin, session)))
    }

    /// What is tried: with [`Loss::Time`], M and the factors both, where one of them is asked for.
    fn ways(&self) -> Vec<Learn> {
        let both = [LearnedSmoother::Relaxation, LearnedSmoother::Factors];
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

    /// A session with what was set, and the rest suited to the hierarchy and its start.
    fn session<T: Trained>(&self, begin: &Begin) -> Result<Session<T>> {
        let h = begin.amg.hierarchy();
        let factor = match begin.factor {
            Some(factor) => factor,
            None => asymptotic_factor(h, self.seed, START_CYCLES).factor,
        };
        let suited =
            Recipe::suited_to((begin.learn, self.loss, self.start), begin.amg.setup(), h.rows(), factor);
        let recipe = Recipe {
            loss: self.loss,
            steps: if begin.tunes(self.loss) { 0 } else { self.steps.unwrap_or(suited.steps) },
            rate: self.rate.unwrap_or(suited.rate),
            cycles: self.cycles.map_or(suited.cycles, |c| (c.min(suited.cycles.0), c)),
            batch: self.batch.unwrap_or_else(|| self.filling(suited.batch, h.rows())),
            factor_first: suited.factor_first,
        };
        recipe.check()?;
        let session =
            Session::on(h, Parameters::learned(h, begin.learn, self.symmetric)?, recipe, self.seed)?;
        self.placed(session)
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
