//! Training steps on one hierarchy, with checks on the way.

use std::time::Instant;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::factor::PowerIteration;
use super::judge::Krylov;
use super::loss::on_host;
use super::loss_kind::Loss;
use super::parameters::Parameters;
use super::pool::{Pool, normal_values};
use super::recipe::Recipe;
use super::steps::Steps;
use crate::autodiff::Tape;
use crate::backend::Cpu;
use crate::engine::Host;
use crate::error::Result;
use crate::multigrid::Hierarchy;
use crate::optimise::{Adam, Optimiser, Schedule};
use crate::sparse::Scalar;

/// Steps between two measurements of the factor.
const CHECK_EVERY: usize = 20;
/// Cycles of a measurement on the way, and columns.
const CHECK_CYCLES: usize = 8;
const CHECK_COLUMNS: usize = 4;
/// Right-hand sides of a measurement inside FGMRES.
const CHECK_SIDES: usize = 2;
/// Rate of the last step, as a share of the first.
const LAST_RATE: f64 = 0.02;

/// How progress is measured: by what the loss is about.
#[derive(Debug)]
enum Check<T> {
    /// The factor of cycles.
    Power(PowerIteration<T>),
    /// The reduction per iteration of FGMRES, on the hierarchy in double precision.
    Krylov(Krylov, Hierarchy<Host<f64>>),
}

/// Training in progress: parameters, optimiser, batch, and the best that was seen.
#[derive(Debug)]
pub struct Session<T: Scalar> {
    hierarchy: Hierarchy<Host<T>>,
    tape: Tape<T>,
    parameters: Parameters<T>,
    /// One for every buffer of the parameters.
    optimisers: Vec<Adam<T>>,
    /// The batch, drawn when the first step on the host needs it, and the seed that it is drawn from.
    pool: Option<Pool<T>>,
    pool_seed: u64,
    check: Check<T>,
    recipe: Recipe,
    seed: u64,
    rate: f64,
    seconds: f64,
    /// What the steps minimise by now: at first the factor where the loss is that of GMRES.
    minimised: Loss,
    /// Where the steps are taken, if not on the host.
    device: Option<Box<dyn Steps<T>>>,
    best: (f64, Parameters<T>),
    /// Loss of every step.
    pub loss_history: Vec<f64>,
    /// (step, factor per cycle, or reduction per iteration of FGMRES) of every measurement.
    pub factor_history: Vec<(usize, f64)>,
    /// How often training diverged and went back to its best.
    pub rollbacks: usize,
}

impl<T: Scalar> Session<T> {
    /// Starts from the sparse smoothers of `hierarchy`.
    ///
    /// # Errors
    /// A hierarchy whose values overflow the precision `T`.
    pub fn new(hierarchy: &Hierarchy<Host<f64>>, recipe: Recipe, seed: u64) -> Result<Self> {
        Self::on(hierarchy, Parameters::relaxations(hierarchy), recipe, seed)
    }

    /// Starts from these parameters of `hierarchy`.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn on(
        hierarchy: &Hierarchy<Host<f64>>,
        parameters: Parameters<T>,
        recipe: Recipe,
        seed: u64,
    ) -> Result<Self> {
        let rows = hierarchy.rows();
        let check = match recipe.loss {
            Loss::Krylov => Check::Krylov(Krylov::new(rows, CHECK_SIDES, seed ^ 0xc4ec), hierarchy.clone()),
            Loss::Factor | Loss::Slowest | Loss::Time => {
                let mut random = ChaCha8Rng::seed_from_u64(seed ^ 0xc4ec);
                let start = normal_values(&mut random, rows * CHECK_COLUMNS);
                Check::Power(PowerIteration::new(rows, CHECK_COLUMNS, start))
            }
        };
        let mut session = Self {
            hierarchy: hierarchy.cast()?,
            tape: Tape::new(Cpu, recipe.batch),
            optimisers: optimisers(&parameters),
            pool: None,
            pool_seed: seed,
            check,
            rate: recipe.rate,
            seconds: 0.0,
            minimised: if recipe.loss == Loss::Krylov { Loss::Factor } else { recipe.loss },
            device: None,
            best: (f64::INFINITY, parameters.clone()),
            parameters,
            recipe,
            seed,
            loss_history: Vec::new(),
            factor_history: Vec::new(),
            rollbacks: 0,
        };
        if !session.is_empty() {
            if let Check::Power(power) = &mut session.check {
                // From random vectors, the first measurement needs more cycles than the others.
                power.run(&session.parameters.install(&session.hierarchy), CHECK_CYCLES);
            }
            session.measure()?;
        }
        Ok(session)
    }

    /// The same session with its steps on a device.
    #[cfg(feature = "cuda")]
    pub(super) fn on_device(mut self, mut steps: Box<dyn Steps<T>>) -> Result<Self> {
        steps.minimise(self.minimised, self.seed)?;
        self.device = Some(steps);
        Ok(self)
    }

    /// The hierarchy in the precision of training.
    #[cfg(feature = "cuda")]
    pub(super) fn hierarchy(&self) -> &Hierarchy<Host<T>> {
        &self.hierarchy
    }

    /// How it is trained.
    pub fn recipe(&self) -> Recipe {
        self.recipe
    }

    /// Steps taken.
    pub fn steps(&self) -> usize {
        self.loss_history.len()
    }

    /// The factor at the last measurement.
    pub fn factor(&self) -> f64 {
        self.factor_history.last().map_or(f64::INFINITY, |f| f.1)
    }

    /// The best factor measured so far.
    pub fn best_factor(&self) -> f64 {
        self.best.0
    }

    /// One step of the optimiser; every few steps the factor is measured, the best
    /// parameters are kept, and a divergence is rolled back to them at half the rate.
    ///
    /// # Errors
    /// None in practice: lengths are right by construction, and a gradient that is not finite is a
    /// divergence.
    pub fn step(&mut self) -> Result<()> {
        self.step_at(self.steps() as f64 / self.recipe.steps.max(1) as f64)
    }

    /// As [`step`](Self::step), with the rate and the cycles of this `share` of the schedule,
    /// 0 at the beginning and 1 at the end: for training that ends by the clock.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn step_at(&mut self, share: f64) -> Result<()> {
        let clock = Instant::now();
        let done = self.take_step(share);
        self.seconds += clock.elapsed().as_secs_f64();
        done
    }

    fn take_step(&mut self, share: f64) -> Result<()> {
        let number = self.steps();
        let rate = Schedule::cosine(self.rate, LAST_RATE).rate_at(share, self.recipe.steps);
        let cycles = self.recipe.cycles_at(share);
        let loss = match self.recipe.loss {
            Loss::Krylov if share < self.recipe.factor_first => Loss::Factor,
            loss => loss,
        };
        if loss != std::mem::replace(&mut self.minimised, loss) {
            // The batch held errors until now, and holds residuals from now on.
            let seed = self.seed ^ 0x4e51;
            match &mut self.device {
                Some(device) => device.minimise(loss, seed)?,
                None => (self.pool, self.pool_seed) = (None, seed),
            }
        }
        if let Some(device) = &mut self.device {
            let loss = device.step(cycles, rate)?;
            self.loss_history.push(loss);
            if !loss.is_finite() {
                return self.roll_back();
            }
            return self.measure_if_due(number);
        }
        let (rows, columns, seed) = (self.hierarchy.rows(), self.recipe.batch, self.pool_seed);
        let pool = self.pool.get_or_insert_with(|| Pool::new(rows, columns, seed));
        let result = on_host(loss, &self.tape, &self.hierarchy, &self.parameters, pool.values(), cycles)?;
        self.loss_history.push(result.loss);
        let finite = |g: &Vec<T>| g.iter().fold(true, |fine, v| fine & v.finite());
        if !result.loss.is_finite() || !result.gradient.iter().all(finite) {
            return self.roll_back();
        }
        for (q, (optimiser, gradient)) in self.optimisers.iter_mut().zip(&result.gradient).enumerate() {
            let (values, units) = self.parameters.buffer_mut(q);
            optimiser.step_scaled(values, gradient, units, rate)?;
        }
        pool.advance(&result.after_one_cycle);
        self.measure_if_due(number)
    }

    fn measure_if_due(&mut self, number: usize) -> Result<()> {
        if (number + 1).is_multiple_of(CHECK_EVERY) {
            self.measure()?;
        }
        Ok(())
    }

    /// Whether there is nothing to learn.
    pub fn is_empty(&self) -> bool {
        self.parameters.is_empty()
    }

    /// Seconds per step so far.
    pub fn seconds_per_step(&self) -> f64 {
        self.seconds / self.steps().max(1) as f64
    }

    /// Measures what the last steps gave.
    ///
    /// # Errors
    /// None in practice.
    pub fn finish(&mut self) -> Result<()> {
        if !self.is_empty() && self.factor_history.last().is_some_and(|f| f.0 < self.steps()) {
            self.measure()?;
        }
        Ok(())
    }

    fn measure(&mut self) -> Result<()> {
        if let Some(device) = &mut self.device {
            self.parameters = device.parameters()?;
        }
        let factor = match &mut self.check {
            Check::Power(power) => power.run(&self.parameters.install(&self.hierarchy), CHECK_CYCLES).0,
            Check::Krylov(krylov, h) => krylov.run(&self.parameters.install(h))?.1,
        };
        self.factor_history.push((self.steps(), factor));
        if factor < self.best.0 {
            self.best = (factor, self.parameters.clone());
        } else if !factor.is_finite() || factor > 1.5 * self.best.0.max(0.5) {
            self.roll_back()?;
        }
        Ok(())
    }

    fn roll_back(&mut self) -> Result<()> {
        self.rollbacks += 1;
        self.rate *= 0.5;
        self.parameters = self.best.1.clone();
        self.optimisers = optimisers(&self.parameters);
        let seed = self.seed ^ ((self.rollbacks as u64) << 32);
        if let Some(device) = &mut self.device {
            return device.restart(&self.parameters, seed);
        }
        (self.pool, self.pool_seed) = (None, seed);
        Ok(())
    }

    /// The parameters now, and the best ones measured.
    pub fn candidates(&self) -> [&Parameters<T>; 2] {
        [&self.parameters, &self.best.1]
    }
}

/// Adam with moments (0.9, 0.99) for every buffer, no step taken yet.
fn optimisers<T: Scalar>(parameters: &Parameters<T>) -> Vec<Adam<T>> {
    vec![Adam::new().betas(0.9, 0.99); parameters.len()]
}
