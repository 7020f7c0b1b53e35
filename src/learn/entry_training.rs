//! Training of the entries of incomplete factors on a budget of seconds.

use std::time::Instant;

use super::loss::Loss;
use super::parameters::Parameters;
use super::recipe::rate_at;
use super::session::HostSteps;
use super::target::Target;
use crate::engine::Host;
use crate::error::Result;
use crate::limits;
use crate::multigrid::{Hierarchy, Relaxation, Smoother};
use crate::solver::Solver;

/// Columns of the batch, and steps of GMRES in the loss: the cheapest that reach most of the gain.
const BATCH: usize = 8;
const STEPS_OF_GMRES: usize = 2;
/// Rate of the first of three steps, and the power by which it falls with their number.
const RATE: (f64, f64) = (0.008, 0.27);
/// The fewest steps that are worth their cost, and the most of a run.
pub(super) const FEWEST: usize = 3;
const MOST: usize = 400;

/// The end of a run of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Run {
    /// All steps were taken.
    Done,
    /// The first step showed that the fewest steps would take more than twice the given time, or a limit was reached.
    TooExpensive,
    /// A loss or a gradient was not finite; the entries are those before that step.
    Diverged,
}

/// Entries of L and U of every level in training, for FGMRES. Runs of steps follow one another.
#[derive(Debug)]
pub(super) struct EntryTraining {
    hierarchy: Hierarchy<Host<f64>>,
    steps: HostSteps<f32>,
    taken: usize,
    seconds: f64,
}

impl EntryTraining {
    /// From the factors of `solver`, or from ILU(0) on its levels where it has other smoothers. `None` for a solver
    /// without levels of its matrix, where there is no ILU(0), and for weakened factors, which a few steps make worse.
    ///
    /// # Errors
    /// Values that overflow single precision.
    pub fn new(solver: &Solver, seed: u64) -> Result<Option<Self>> {
        let own = solver.hierarchy();
        let weakened = solver.configuration().is_some_and(|c| c.relaxation.tau().is_some());
        if own.levels.is_empty() || solver.check_finest().is_err() || !own.kind.is_linear() || weakened {
            return Ok(None);
        }
        let mut hierarchy = own.clone();
        let factors = |s: &Smoother<_>| matches!(s, Smoother::Factors { unit_lower: true, sweeps: None, .. });
        let all = own.levels.iter().flat_map(|l| l.pre.iter().chain(&l.post)).all(factors);
        if !all && hierarchy.set_smoothers(Relaxation::Ilu0(1.0), solver.sweeps()).is_err() {
            return Ok(None);
        }
        Self::on(hierarchy, seed).map(Some)
    }

    /// From the factors of this hierarchy.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn on(hierarchy: Hierarchy<Host<f64>>, seed: u64) -> Result<Self> {
        let parameters = Parameters::learned(&hierarchy, Target::Ilu, false)?;
        let steps = HostSteps::new(hierarchy.cast()?, parameters, BATCH, (Loss::Krylov, seed));
        Ok(Self { hierarchy, steps, taken: 0, seconds: 0.0 })
    }

    /// Right-hand sides of the user as columns of the next batch.
    pub fn use_columns(&mut self, columns: &[Vec<f64>]) {
        self.steps.use_columns(columns);
    }

    /// Steps taken.
    pub fn taken(&self) -> usize {
        self.taken
    }

    /// Seconds of a step so far.
    pub fn seconds_per_step(&self) -> Option<f64> {
        (self.taken > 0).then(|| self.seconds / self.taken as f64)
    }

    /// Takes steps for about this time, at least [`FEWEST`]; the first step tells how many, unless there were some
    /// before.
    ///
    /// # Errors
    /// None in practice.
    pub fn run(&mut self, seconds: f64) -> Result<Run> {
        let clock = Instant::now();
        let tape = self.steps.tape();
        let (before, mut steps) = (self.seconds, self.planned(seconds));
        let mut number = 0;
        while number < steps {
            let share = number as f64 / steps as f64;
            let first = RATE.0 * (FEWEST as f64 / (self.taken + steps - number) as f64).powf(RATE.1);
            let step = self.steps.step(&tape, STEPS_OF_GMRES, rate_at(first, share, steps))?;
            if !step.finite {
                return Ok(Run::Diverged);
            }
            (number, self.taken) = (number + 1, self.taken + 1);
            self.seconds = before + clock.elapsed().as_secs_f64();
            if limits::check().is_err() {
                return Ok(Run::TooExpensive);
            }
            if number == 1 {
                steps = self.planned(seconds);
                if self.seconds_per_step().is_some_and(|each| FEWEST as f64 * each > 2.0 * seconds) {
                    return Ok(Run::TooExpensive);
                }
            }
        }
        Ok(Run::Done)
    }

    fn planned(&self, seconds: f64) -> usize {
        let most = self.seconds_per_step().map_or(1.0, |each| seconds / each);
        (most as usize).clamp(FEWEST, MOST)
    }

    /// The levels with the present entries.
    pub fn learned(&self) -> Hierarchy<Host<f64>> {
        self.steps.parameters().install(&self.hierarchy)
    }

    /// The solver with the present entries, in single precision, for the system of `solver`.
    ///
    /// # Errors
    /// A value that overflows; factors that are singular.
    pub fn solver(&self, solver: &Solver) -> Result<Solver> {
        solver.with_hierarchy(self.learned())?.described("learned L and U", None).to_single_precision()
    }
}
