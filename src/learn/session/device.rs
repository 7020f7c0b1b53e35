//! Training steps on a device.

use std::sync::Arc;

use super::steps::{Step, Steps};
use crate::backend::Cuda;
use crate::backend::cuda::{AdamFactors, Memory, OnDevice, Reductions};
use crate::cycle_tape::{Recorded, Tape};
use crate::engine::{Device, Executor, Host, Resident};
use crate::error::{Error, Result};
use crate::learn::loss::{Differentiated, Loss};
use crate::learn::parameters::{Parameters, Tie};
use crate::learn::recipe::BETAS;
use crate::multigrid::{Hierarchy, Use};
use crate::sparse::Storage;

/// ε of Adam.
const EPSILON: f64 = 1e-8;

/// Parameters, optimiser and batch on a device: forward run, reverse sweep and update work in its memory, and in
/// every step the host reads a few numbers per column.
///
/// Losses, update and batch are those of [`Session`](super::Session); the random columns come from the
/// generator of the device (Philox) and differ from those of the host.
#[derive(Debug)]
pub struct ResidentTraining<T: OnDevice> {
    cuda: Cuda,
    tape: Tape<T, Resident<T>>,
    hierarchy: Hierarchy<Device<T>>,
    /// Which leaves are learned; the values on the host are those of the last [`parameters`](Self::parameters).
    host: Parameters<T>,
    values: Vec<Memory<T>>,
    units: Vec<Memory<T>>,
    moments: Vec<(Memory<T>, Memory<T>)>,
    /// The values in the order of the transpose, for leaves that are tied so.
    tied: Vec<Tied<T>>,
    batch: Batch<T>,
    loss: Loss,
    steps: u64,
    updates: u64,
}

#[derive(Debug)]
struct Tied<T: OnDevice> {
    number: usize,
    source: Memory<u32>,
    values: Arc<Memory<T>>,
}

/// The columns of a step and the small vectors that belong to them.
#[derive(Debug)]
struct Batch<T: OnDevice> {
    z: Memory<T>,
    seed: u64,
    room: Reductions,
    squares: Memory<f64>,
    scales: Memory<f64>,
}

impl<T: OnDevice> ResidentTraining<T> {
    /// Uploads a hierarchy and its parameters; the first batch is drawn from the seed.
    ///
    /// # Errors
    /// A coarsest level with more than 4096 rows, a K-cycle, a device that is out of memory.
    pub fn new(
        cuda: &Cuda,
        hierarchy: &Hierarchy<Host<T>>,
        parameters: &Parameters<T>,
        columns: usize,
        seed: u64,
    ) -> Result<Self> {
        let device = hierarchy.to_device(cuda, Use::Train)?;
        let (n, k) = (hierarchy.rows(), columns.max(1));
        let mut z = cuda.undefined(n * k);
        cuda.normal_values(seed, 0, &mut z);
        let batch = Batch {
            z,
            seed,
            room: Reductions::new(cuda, [(n, k)]),
            squares: cuda.undefined(k),
            scales: cuda.undefined(k),
        };
        let mut training = Self {
            cuda: cuda.clone(),
            tape: Tape::on(Resident::new(cuda.clone(), k)),
            hierarchy: device,
            host: parameters.clone(),
            values: Vec::new(),
            units: parameters.scaling().iter().map(|u| cuda.upload(u)).collect(),
            moments: Vec::new(),
            tied: Vec::new(),
            batch,
            loss: Loss::Rate,
            steps: 0,
            updates: 0,
        };
        training.restart(parameters, seed)?;
        Ok(training)
    }

    /// Continues from these parameters, of the same leaves, with a new optimiser and a new batch.
    ///
    /// # Errors
    /// A failure of the device.
    pub fn restart(&mut self, parameters: &Parameters<T>, seed: u64) -> Result<()> {
        let cuda = &self.cuda;
        self.host = parameters.clone();
        self.values = parameters.values().iter().map(|v| cuda.upload(v)).collect();
        let zeros = |v: &Arc<Storage<T>>| {
            let mut memory = cuda.undefined(v.len());
            cuda.clear(&mut memory);
            memory
        };
        self.moments = parameters.values().iter().map(|v| (zeros(v), zeros(v))).collect();
        let tied = |(number, tie): (usize, &Tie<T>)| match tie {
            Tie::Transposed(pattern) => Ok(Tied {
                number,
                source: cuda.upload(&pattern.transposition().source),
                values: Arc::new(cuda.undefined(pattern.nnz())),
            }),
            Tie::Scalars(_) => Err(Error::unsuited(
                "scalars on factors are learned on small patches, on the CPU; leave the device out",
            )),
        };
        self.tied = parameters.tied().map(tied).collect::<Result<_>>()?;
        self.updates = 0;
        self.renew(seed)
    }

    /// Minimises this loss from here on, on a new batch; the first loss is [`Loss::Rate`].
    ///
    /// # Errors
    /// A failure of the device.
    pub fn minimise(&mut self, loss: Loss, seed: u64) -> Result<()> {
        self.loss = loss;
        self.renew(seed)
    }

    fn renew(&mut self, seed: u64) -> Result<()> {
        self.batch.seed = seed;
        self.cuda.normal_values(seed, self.steps, &mut self.batch.z);
        self.cuda.check()
    }

    /// Overwrites the batch, rows × columns.
    ///
    /// # Errors
    /// Another number of values.
    pub fn set_batch(&mut self, z: &[T]) -> Result<()> {
        self.batch.z.write(z)
    }

    /// The parameters as they are now, on the host.
    ///
    /// # Errors
    /// A failure of the device.
    pub fn parameters(&mut self) -> Result<Parameters<T>> {
        for (q, memory) in self.values.iter().enumerate() {
            self.host.buffer_mut(q).0.copy_from_slice(&self.cuda.download(memory)?);
        }
        Ok(self.host.clone())
    }

    /// The loss of `cycles` cycles on the batch, and its gradient with respect to every buffer, on the host: for
    /// tests and for other optimisers.
    ///
    /// # Errors
    /// A failure of the device.
    pub fn loss_and_gradient(&mut self, cycles: usize) -> Result<(f64, Vec<Vec<T>>)> {
        let (loss, gradients, _) = self.differentiate(cycles)?;
        Ok((loss, gradients.iter().map(|g| self.cuda.download(g)).collect::<Result<_>>()?))
    }

    /// One step of Adam on the loss of `cycles` cycles; the loss before it. A loss that is not finite, or a
    /// gradient, changes nothing.
    ///
    /// # Errors
    /// A failure of the device.
    pub fn step(&mut self, cycles: usize, rate: f64) -> Result<f64> {
        let (loss, gradients, after) = self.differentiate(cycles)?;
        let cuda = &self.cuda;
        let mut flag = cuda.upload(&[0u32]);
        gradients.iter().for_each(|g| cuda.any_not_finite(g, &mut flag));
        if !loss.is_finite() || cuda.download(&flag)? != [0] {
            return Ok(f64::NAN);
        }
        self.updates += 1;
        let factors = AdamFactors::new(BETAS, EPSILON, 0.0, self.updates, rate);
        for (q, gradient) in gradients.iter().enumerate() {
            let (first, second) = &mut self.moments[q];
            cuda.adam_step(&mut self.values[q], gradient, Some(&self.units[q]), (first, second), factors);
        }
        self.advance(after.memory());
        self.cuda.check()?;
        Ok(loss)
    }

    /// The next batch.
    fn advance(&mut self, after: &Memory<T>) {
        let (cuda, batch) = (&self.cuda, &mut self.batch);
        self.steps += 1;
        let half = batch.squares.len().div_ceil(2);
        let renewed = self.steps.is_multiple_of(10).then(|| (self.steps / 10) as usize % half);
        cuda.column_dots(&mut batch.room, after, after, &mut batch.squares);
        cuda.normal_values(batch.seed, self.steps, &mut batch.z);
        cuda.pool_advance((half, renewed), (after, &batch.squares), &mut batch.scales, &mut batch.z);
    }

    /// Records the loss and runs the reverse sweep.
    fn differentiate(&mut self, cycles: usize) -> Result<Differentiated<T, Resident<T>>> {
        let (cuda, tape) = (&self.cuda, &self.tape);
        tape.clear();
        for tied in &mut self.tied {
            let values = Arc::get_mut(&mut tied.values).ok_or_else(in_use)?;
            cuda.gather(&tied.source, &self.values[tied.number], values, 1);
        }
        let leaves: Vec<Arc<Memory<T>>> = self.values.drain(..).map(Arc::new).collect();
        let recorded: Hierarchy<Recorded<Device<T>>> =
            self.host.record_as(&self.hierarchy, |number, tie| match tie {
                None => leaves[number].clone(),
                Some((tie, _)) => self.tied[tie].values.clone(),
            });
        let mut z = tape.executor().allocate(self.hierarchy.rows());
        cuda.copy(&self.batch.z, z.memory_mut());
        let run = self.loss.record(tape, &recorded, z, cycles.max(1));
        let run = run.and_then(|run| run.backward(tape, &self.host.recorded_lengths()));
        // Nothing holds the values any more but `leaves`.
        tape.clear();
        drop(recorded);
        self.values = leaves.into_iter().filter_map(Arc::into_inner).collect();
        let (loss, mut gradients, after) = run?;
        if self.values.len() != self.host.len() {
            return Err(in_use());
        }
        let behind = gradients.split_off(self.values.len());
        for (tied, gradient) in self.tied.iter().zip(&behind) {
            cuda.scatter_add(&tied.source, gradient, &mut gradients[tied.number], 1);
        }
        Ok((loss, gradients, after))
    }
}

fn in_use() -> Error {
    Error::device("parameters are still in use; start the training again")
}

impl<T: OnDevice> Steps<T> for ResidentTraining<T> {
    fn step(&mut self, cycles: usize, rate: f64) -> Result<Step> {
        let loss = self.step(cycles, rate)?;
        Ok(Step { loss, finite: loss.is_finite() })
    }

    fn parameters(&mut self) -> Result<Parameters<T>> {
        self.parameters()
    }

    fn minimise(&mut self, loss: Loss, seed: u64) -> Result<()> {
        self.minimise(loss, seed)
    }

    fn restart(&mut self, parameters: &Parameters<T>, seed: u64) -> Result<()> {
        self.restart(parameters, seed)
    }
}
