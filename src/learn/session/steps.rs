//! Training steps, and their implementation on the host.

use std::fmt::Debug;

use crate::cycle_tape::Tape;
use crate::engine::Host;
use crate::error::Result;
use crate::learn::batch::Batch;
use crate::learn::loss::Loss;
use crate::learn::parameters::Parameters;
use crate::learn::recipe::adam;
use crate::multigrid::Hierarchy;
use crate::optimise::{Adam, Optimiser};
use crate::sparse::Scalar;

/// Training steps with their parameters, optimiser and batch, on the host or on a device.
pub(in crate::learn) trait Steps<T>: Debug {
    /// Takes one step on the loss of `cycles` cycles.
    ///
    /// # Errors
    /// A failure of the device.
    fn step(&mut self, cycles: usize, rate: f64) -> Result<Step>;
    /// The present parameters.
    ///
    /// # Errors
    /// A failure of the device.
    fn parameters(&mut self) -> Result<Parameters<T>>;
    /// Minimises another loss from here on, on a new batch.
    ///
    /// # Errors
    /// A failure of the device.
    fn minimise(&mut self, loss: Loss, seed: u64) -> Result<()>;
    /// Continues from these parameters, with a new optimiser and a new batch.
    ///
    /// # Errors
    /// A failure of the device.
    fn restart(&mut self, parameters: &Parameters<T>, seed: u64) -> Result<()>;
}

/// The result of a step.
#[derive(Debug, Clone, Copy)]
pub(in crate::learn) struct Step {
    /// The loss before the step.
    pub loss: f64,
    /// Whether loss and gradient were finite; otherwise nothing was changed.
    pub finite: bool,
}

/// Precisions in which hierarchies are trained.
#[cfg(feature = "cuda")]
pub(in crate::learn) trait Trained: crate::backend::cuda::OnDevice {}
/// Precisions in which hierarchies are trained.
#[cfg(not(feature = "cuda"))]
pub(in crate::learn) trait Trained: Scalar {}

impl Trained for f32 {}
impl Trained for f64 {}

/// Parameters, optimiser and batch of a training on the host. The tape of a run of steps is not among them: it stays on
/// its thread.
#[derive(Debug)]
pub(in crate::learn) struct HostSteps<T: Scalar> {
    hierarchy: Hierarchy<Host<T>>,
    parameters: Parameters<T>,
    /// One for every buffer of the parameters.
    optimisers: Vec<Adam<T>>,
    batch: Batch<T>,
    loss: Loss,
}

impl<T: Scalar> HostSteps<T> {
    /// Steps on `loss` with `columns` vectors in a batch that is drawn from the seed.
    pub fn new(
        hierarchy: Hierarchy<Host<T>>,
        parameters: Parameters<T>,
        columns: usize,
        (loss, seed): (Loss, u64),
    ) -> Self {
        let batch = Batch::new(hierarchy.rows(), columns, seed);
        let optimisers = adam(parameters.len());
        Self { hierarchy, parameters, optimisers, batch, loss }
    }

    /// A tape for a run of these steps, which reuses its buffers from step to step.
    pub fn tape(&self) -> Tape<T> {
        Tape::new(self.batch.columns())
    }

    /// The present parameters.
    pub fn parameters(&self) -> &Parameters<T> {
        &self.parameters
    }

    /// Takes one step on the loss of `cycles` cycles, recorded on this tape.
    ///
    /// # Errors
    /// No cycle; a tape with another number of columns.
    pub fn step(&mut self, tape: &Tape<T>, cycles: usize, rate: f64) -> Result<Step> {
        let z = self.batch.values();
        let result = self.loss.differentiate(tape, &self.hierarchy, &self.parameters, z, cycles)?;
        let finite = |g: &Vec<T>| g.iter().fold(true, |fine, v| fine & v.finite());
        if !result.loss.is_finite() || !result.gradient.iter().all(finite) {
            return Ok(Step { loss: result.loss, finite: false });
        }
        for (q, (optimiser, gradient)) in self.optimisers.iter_mut().zip(&result.gradient).enumerate() {
            let (values, units) = self.parameters.buffer_mut(q);
            optimiser.step_scaled(values, gradient, units, rate)?;
        }
        self.batch.advance(&result.after_one_cycle);
        Ok(Step { loss: result.loss, finite: true })
    }

    /// Right-hand sides as columns of the next batch.
    pub fn use_columns(&mut self, columns: &[Vec<f64>]) {
        self.batch.use_columns(columns);
    }

    fn renew(&mut self, seed: u64) {
        self.batch = Batch::new(self.hierarchy.rows(), self.batch.columns(), seed);
    }
}

/// Steps of one session, with their tape.
#[derive(Debug)]
pub(super) struct SessionSteps<T: Scalar> {
    steps: HostSteps<T>,
    tape: Tape<T>,
}

impl<T: Scalar> From<HostSteps<T>> for SessionSteps<T> {
    fn from(steps: HostSteps<T>) -> Self {
        Self { tape: steps.tape(), steps }
    }
}

impl<T: Scalar> Steps<T> for SessionSteps<T> {
    fn step(&mut self, cycles: usize, rate: f64) -> Result<Step> {
        self.steps.step(&self.tape, cycles, rate)
    }

    fn parameters(&mut self) -> Result<Parameters<T>> {
        Ok(self.steps.parameters.clone())
    }

    fn minimise(&mut self, loss: Loss, seed: u64) -> Result<()> {
        self.steps.loss = loss;
        self.steps.renew(seed);
        Ok(())
    }

    fn restart(&mut self, parameters: &Parameters<T>, seed: u64) -> Result<()> {
        self.steps.parameters = parameters.clone();
        self.steps.optimisers = adam(parameters.len());
        self.steps.renew(seed);
        Ok(())
    }
}

/// Training steps on patches of a matrix, one patch after another, for parameters that all patches share. The reported
/// parameters are those of the whole matrix.
#[derive(Debug)]
pub(super) struct PatchSteps<T: Scalar> {
    members: Vec<HostSteps<T>>,
    tape: Tape<T>,
    whole: Parameters<T>,
    optimisers: Vec<Adam<T>>,
    steps: usize,
}

impl<T: Scalar> PatchSteps<T> {
    /// Steps on `patches`, hierarchies with their parameters.
    pub fn new(
        patches: Vec<(Hierarchy<Host<T>>, Parameters<T>)>,
        whole: Parameters<T>,
        columns: usize,
        (loss, seed): (Loss, u64),
    ) -> Self {
        let member = |(place, (hierarchy, parameters))| {
            HostSteps::new(hierarchy, parameters, columns, (loss, seed ^ (place as u64) << 16))
        };
        let members = patches.into_iter().enumerate().map(member).collect();
        let optimisers = adam(whole.len());
        Self { members, tape: Tape::new(columns), whole, optimisers, steps: 0 }
    }
}

impl<T: Scalar> Steps<T> for PatchSteps<T> {
    fn step(&mut self, cycles: usize, rate: f64) -> Result<Step> {
        let place = self.steps % self.members.len().max(1);
        let Some(member) = self.members.get_mut(place) else {
            return Ok(Step { loss: f64::NAN, finite: false });
        };
        self.steps += 1;
        member.parameters.take_buffers(&self.whole);
        // The optimiser belongs to the parameters, not to a patch.
        std::mem::swap(&mut member.optimisers, &mut self.optimisers);
        let step = member.step(&self.tape, cycles, rate);
        std::mem::swap(&mut member.optimisers, &mut self.optimisers);
        self.whole.take_buffers(&member.parameters);
        step
    }

    fn parameters(&mut self) -> Result<Parameters<T>> {
        Ok(self.whole.clone())
    }

    fn minimise(&mut self, loss: Loss, seed: u64) -> Result<()> {
        self.members.iter_mut().for_each(|member| {
            member.loss = loss;
            member.renew(seed);
        });
        Ok(())
    }

    fn restart(&mut self, parameters: &Parameters<T>, seed: u64) -> Result<()> {
        self.whole.take_buffers(parameters);
        self.optimisers = adam(self.whole.len());
        self.members.iter_mut().for_each(|member| member.renew(seed));
        Ok(())
    }
}
