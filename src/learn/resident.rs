//! Training steps that stay on a card.

use std::sync::Arc;

use super::parameters::Parameters;
use crate::autodiff::{Recorded, Tape};
use crate::backend::Cuda;
use crate::backend::cuda::{AdamFactors, Memory, OnDevice, Reductions};
use crate::engine::{Device, Engine, Executor, Host};
use crate::error::{Error, Result};
use crate::multigrid::{Hierarchy, Use, cycle};

/// Moments of Adam in training.
const BETAS: (f64, f64) = (0.9, 0.99);
/// ε of Adam.
const EPSILON: f64 = 1e-8;

/// Parameters, optimiser and batch on a card: forward run, reverse sweep and update queue kernels only, and of a step
/// the host reads one loss for each column.
///
/// The loss, the update and the batch are those of [`Session`](super::Session) with the loss of the factor; the random
/// columns come from a generator of the card (Philox) and are others.
#[derive(Debug)]
pub struct ResidentTraining<T: OnDevice> {
    cuda: Cuda,
    tape: Tape<T, Cuda>,
    hierarchy: Hierarchy<Device<T>>,
    /// Which leaves are learned; the values on the host are those of the last [`parameters`](Self::parameters).
    host: Parameters<T>,
    values: Vec<Memory<T>>,
    units: Vec<Memory<T>>,
    moments: Vec<(Memory<T>, Memory<T>)>,
    /// The values in the order of the transpose, for leaves that are tied so.
    tied: Vec<Tied<T>>,
    batch: Batch<T>,
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
    start: Memory<f64>,
    end: Memory<f64>,
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
            start: cuda.undefined(k),
            end: cuda.undefined(k),
            scales: cuda.undefined(k),
        };
        let mut training = Self {
            cuda: cuda.clone(),
            tape: Tape::new(cuda.clone(), k),
            hierarchy: device,
            host: parameters.clone(),
            values: Vec::new(),
            units: parameters.scaling().iter().map(|u| cuda.upload(u)).collect(),
            moments: Vec::new(),
            tied: Vec::new(),
            batch,
            steps: 0,
            updates: 0,
        };
        training.restart(parameters, seed)?;
        Ok(training)
    }

    /// Goes on from these parameters, of the same leaves, with no step taken and a new batch.
    ///
    /// # Errors
    /// A failure of the device.
    pub fn restart(&mut self, parameters: &Parameters<T>, seed: u64) -> Result<()> {
        let cuda = &self.cuda;
        self.host = parameters.clone();
        self.values = parameters.values().iter().map(|v| cuda.upload(v)).collect();
        let zeros = |v: &Arc<Vec<T>>| {
            let mut memory = cuda.undefined(v.len());
            cuda.clear(&mut memory);
            memory
        };
        self.moments = parameters.values().iter().map(|v| (zeros(v), zeros(v))).collect();
        self.tied = parameters
            .tied()
            .map(|(number, pattern)| Tied {
                number,
                source: cuda.upload(&pattern.transposition().source),
                values: Arc::new(cuda.undefined(pattern.nnz())),
            })
            .collect();
        self.updates = 0;
        self.batch.seed = seed;
        cuda.normal_values(seed, self.steps, &mut self.batch.z);
        cuda.check()
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
    /// tests and for those who bring their own optimiser.
    ///
    /// # Errors
    /// A failure of the device.
    pub fn loss_and_gradient(&mut self, cycles: usize) -> Result<(f64, Vec<Vec<T>>)> {
        let (loss, gradients, _) = self.differentiate(cycles)?;
        let loss = loss()?;
        Ok((loss, gradients.iter().map(|g| self.cuda.download(g)).collect::<Result<_>>()?))
    }

    /// One step of Adam on the loss of `cycles` cycles; the loss before it. A loss that is not finite, or a
    /// gradient, changes nothing.
    ///
    /// # Errors
    /// A failure of the device.
    pub fn step(&mut self, cycles: usize, rate: f64) -> Result<f64> {
        let cuda = self.cuda.clone();
        let (loss, gradients, after) = self.differentiate(cycles)?;
        let mut flag = cuda.upload(&[0u32]);
        gradients.iter().for_each(|g| cuda.any_not_finite(g, &mut flag));
        let loss = loss()?;
        if !loss.is_finite() || cuda.download(&flag)? != [0] {
            return Ok(f64::NAN);
        }
        self.updates += 1;
        let factors = AdamFactors::new(BETAS, EPSILON, 0.0, self.updates, rate);
        for (q, gradient) in gradients.iter().enumerate() {
            let (first, second) = &mut self.moments[q];
            cuda.adam_step(&mut self.values[q], gradient, Some(&self.units[q]), (first, second), factors);
        }
        self.advance(&after);
        cuda.check()?;
        Ok(loss)
    }

    /// The next batch.
    fn advance(&mut self, after: &Memory<T>) {
        let (cuda, batch) = (&self.cuda, &mut self.batch);
        self.steps += 1;
        let half = batch.start.len().div_ceil(2);
        let renewed = self.steps.is_multiple_of(10).then(|| (self.steps / 10) as usize % half);
        cuda.column_dots(&mut batch.room, after, after, &mut batch.start);
        cuda.normal_values(batch.seed, self.steps, &mut batch.z);
        cuda.pool_advance((half, renewed), (after, &batch.start), &mut batch.scales, &mut batch.z);
    }

    /// Records the cycles and runs the reverse sweep.
    fn differentiate(&mut self, cycles: usize) -> Result<Differentiated<'_, T>> {
        let (cuda, tape) = (&self.cuda, &self.tape);
        let k = tape.columns();
        tape.clear();
        for tied in &mut self.tied {
            if let Some(values) = Arc::get_mut(&mut tied.values) {
                cuda.gather(&tied.source, &self.values[tied.number], values, 1);
            }
        }
        let leaves: Vec<Arc<Memory<T>>> = self.values.drain(..).map(Arc::new).collect();
        let recorded: Hierarchy<Recorded<Device<T>>> =
            self.host.record_as(&self.hierarchy, |number, tie| match tie {
                None => leaves[number].clone(),
                Some((tie, _)) => self.tied[tie].values.clone(),
            });
        let executor = tape.executor();
        let n = self.hierarchy.rows();
        let zero = tape.zeros(n);
        let mut z = executor.allocate(n);
        cuda.copy(&self.batch.z, z.memory_mut());
        let mut x = tape.constant_of(n, z);
        let mut after = cuda.undefined(n * k);
        for q in 0..cycles.max(1) {
            x = cycle(tape, &recorded, 0, &zero, x);
            if let (0, Some(values)) = (q, x.handle()) {
                cuda.copy(values.memory(), &mut after);
            }
        }
        let batch = &mut self.batch;
        cuda.column_dots(&mut batch.room, &batch.z, &batch.z, &mut batch.start);
        let mut seed = executor.allocate(n);
        let weight = 1.0 / (cycles.max(1) * k) as f64;
        let vanished = if T::NAME == "f64" { 1e-280 } else { 1e-60 };
        if let Some(last) = x.handle() {
            cuda.column_dots(&mut batch.room, last.memory(), last.memory(), &mut batch.end);
            cuda.loss_scales(weight, vanished, &batch.end, &mut batch.scales);
            cuda.column_scale(1.0, &batch.scales, last.memory(), seed.memory_mut());
        }
        let gradients = tape.backward_resident(&self.host.recorded_lengths(), &x, seed);
        // Nothing holds the values any more but `leaves`.
        drop(x);
        tape.clear();
        drop(recorded);
        self.values = leaves.into_iter().filter_map(Arc::into_inner).collect();
        let mut gradients = gradients?;
        if self.values.len() != self.host.len() {
            return Err(Error::device("parameters are still in use; start training anew"));
        }
        let behind = gradients.split_off(self.values.len());
        for (tied, gradient) in self.tied.iter().zip(&behind) {
            cuda.scatter_add(&tied.source, gradient, &mut gradients[tied.number], 1);
        }
        let loss = move || {
            let (start, end) = (cuda.download(&batch.start)?, cuda.download(&batch.end)?);
            let log = |square: f64| if square < vanished { vanished.ln() } else { square.ln() };
            Ok(start.iter().zip(&end).map(|(s, e)| weight * (log(*e) - log(*s))).sum())
        };
        Ok((Box::new(loss), gradients, after))
    }
}

/// The loss as it is read, the gradients, and the batch after one cycle.
type Differentiated<'a, T> = (Box<dyn FnOnce() -> Result<f64> + 'a>, Vec<Memory<T>>, Memory<T>);
