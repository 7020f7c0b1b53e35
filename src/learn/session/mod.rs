//! A training session: steps on one hierarchy, with measurements on the way.

#[cfg(feature = "cuda")]
mod device;
mod steps;

use std::time::Instant;

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

#[cfg(feature = "cuda")]
pub use self::device::ResidentTraining;
pub(super) use self::steps::{HostSteps, Steps, Trained};
use self::steps::{PatchSteps, SessionSteps};
use super::batch::normal_values;
use super::evaluate::{Krylov, PowerIteration};
use super::loss::Loss;
use super::parameters::Parameters;
use super::recipe::{Recipe, rate_at};
use crate::engine::Host;
use crate::error::{Error, Result};
use crate::multigrid::Hierarchy;
use crate::sparse::Scalar;

/// Steps between two measurements of the factor.
const CHECK_EVERY: usize = 20;
/// Cycles of a measurement on the way, and columns.
const CHECK_CYCLES: usize = 8;
const CHECK_COLUMNS: usize = 4;
/// Right-hand sides of a measurement inside FGMRES.
const CHECK_SIDES: usize = 2;

/// The measurement of progress that belongs to the loss.
#[derive(Debug)]
enum Check<T> {
    /// The factor of cycles.
    Power(PowerIteration<T>),
    /// The reduction per iteration of FGMRES, on the hierarchy in double precision.
    Krylov(Krylov, Hierarchy<Host<f64>>),
}

/// Training in progress: steps, their measurements, and the best parameters so far.
#[derive(Debug)]
pub struct Session<T: Scalar> {
    /// The hierarchy on which progress is measured.
    hierarchy: Hierarchy<Host<T>>,
    /// Its parameters, if it is not the one that is trained.
    measured: Option<Parameters<T>>,
    /// The parameters at the last measurement.
    parameters: Parameters<T>,
    steps: Box<dyn Steps<T>>,
    check: Check<T>,
    recipe: Recipe,
    seed: u64,
    rate: f64,
    seconds: f64,
    /// The loss of the present steps: at first the factor where the loss is that of GMRES.
    minimised: Loss,
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
        Self::taking(hierarchy, (parameters, None), recipe, seed, |hierarchy, parameters, loss| {
            let (hierarchy, parameters) = (hierarchy.clone(), parameters.clone());
            let steps = HostSteps::new(hierarchy, parameters, recipe.batch, (loss, seed));
            Ok(Box::new(SessionSteps::from(steps)))
        })
    }

    /// Trains parameters that hierarchies share on `patches`, and measures progress on the last of them, on which
    /// no step is taken unless it is the only one. Runs of different `seed`s are comparable.
    ///
    /// # Errors
    /// As [`new`](Self::new); no patch.
    pub(super) fn on_patches(
        mut patches: Vec<(Hierarchy<Host<f64>>, Parameters<T>)>,
        parameters: Parameters<T>,
        recipe: Recipe,
        (seed, run): (u64, u64),
    ) -> Result<Self> {
        let (fresh, measured) = match patches.len() {
            0 => return Err(Error::unsuited("no patch of the matrix has a level to learn on")),
            1 => patches[0].clone(),
            last => patches.swap_remove(last - 1),
        };
        let cast = |(h, p): (Hierarchy<Host<f64>>, Parameters<T>)| Ok((h.cast()?, p));
        let members = patches.into_iter().map(cast).collect::<Result<Vec<_>>>()?;
        Self::taking(&fresh, (parameters, Some(measured)), recipe, seed, |_, whole, loss| {
            let seeds = (loss, seed ^ run << 40);
            Ok(Box::new(PatchSteps::new(members, whole.clone(), recipe.batch, seeds)))
        })
    }

    /// As [`on`](Self::on), with steps that `steps` makes of the hierarchy in the precision of training, the
    /// parameters and the first loss. If `measured` is given, `hierarchy` is another one than that of the steps, and
    /// these are its parameters.
    pub(super) fn taking(
        hierarchy: &Hierarchy<Host<f64>>,
        (parameters, measured): (Parameters<T>, Option<Parameters<T>>),
        recipe: Recipe,
        seed: u64,
        steps: impl FnOnce(&Hierarchy<Host<T>>, &Parameters<T>, Loss) -> Result<Box<dyn Steps<T>>>,
    ) -> Result<Self> {
        let rows = hierarchy.rows();
        let minimised = if recipe.loss == Loss::Krylov { Loss::Rate } else { recipe.loss };
        let check = match recipe.loss {
            Loss::Krylov => Check::Krylov(Krylov::new(rows, CHECK_SIDES, seed ^ 0xc4ec), hierarchy.clone()),
            Loss::Rate | Loss::Slowest | Loss::Time => {
                let mut random = ChaCha8Rng::seed_from_u64(seed ^ 0xc4ec);
                let start = normal_values(&mut random, rows * CHECK_COLUMNS);
                Check::Power(PowerIteration::new(rows, CHECK_COLUMNS, start))
            }
        };
        let hierarchy = hierarchy.cast()?;
        let mut session = Self {
            steps: steps(&hierarchy, &parameters, minimised)?,
            hierarchy,
            measured,
            check,
            rate: recipe.rate,
            seconds: 0.0,
            minimised,
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
                let start = session.measured.as_ref().unwrap_or(&session.parameters);
                power.run(&start.install(&session.hierarchy), CHECK_CYCLES);
            }
            session.measure()?;
        }
        Ok(session)
    }

    /// The recipe of the training.
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
        let rate = rate_at(self.rate, share, self.recipe.steps);
        let cycles = self.recipe.cycles_at(share);
        let loss = match self.recipe.loss {
            Loss::Krylov if share < self.recipe.factor_first => Loss::Rate,
            loss => loss,
        };
        if loss != std::mem::replace(&mut self.minimised, loss) {
            // The batch held errors until now, and holds residuals from now on.
            self.steps.minimise(loss, self.seed ^ 0x4e51)?;
        }
        let step = self.steps.step(cycles, rate)?;
        self.loss_history.push(step.loss);
        if !step.finite {
            return self.roll_back();
        }
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

    /// Measures the result of the last steps.
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
        self.parameters = self.steps.parameters()?;
        let parameters = match &mut self.measured {
            None => &self.parameters,
            Some(own) => {
                own.take_buffers(&self.parameters);
                own
            }
        };
        let factor = match &mut self.check {
            Check::Power(power) => power.run(&parameters.install(&self.hierarchy), CHECK_CYCLES).0,
            Check::Krylov(krylov, h) => krylov.run(&parameters.install(h))?.1,
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
        self.steps.restart(&self.parameters, self.seed ^ ((self.rollbacks as u64) << 32))
    }

    /// The parameters at the last measurement ([`finish`](Self::finish)), and the best ones measured.
    pub fn candidates(&self) -> [&Parameters<T>; 2] {
        [&self.parameters, &self.best.1]
    }
}
