//! One operation at one size: time forward and backward, memory, allocations.

use multigrad::autodiff::{Memory, Tape};
use multigrad::error::{Error, Result};
use multigrad::optimise::{Adam, Optimiser};

use crate::allocations::so_far;
use crate::cases::{Case, Operand, Value};
use crate::clock::{Clock, Elapsed};
use crate::timing::{Sample, repeated};

/// The measurement of one operation at one size.
#[derive(Debug, Clone)]
pub struct Line {
    /// The operation.
    pub operation: &'static str,
    /// Grid points in one direction.
    pub m: usize,
    /// Nonzeros of the Poisson matrix.
    pub nonzeros: usize,
    /// Threads of the pool.
    pub threads: usize,
    /// Without recording.
    pub forward: Sample,
    /// Forward, recorded, and the gradients of all operands.
    pub both: Sample,
    /// Memory of the tape after a sweep.
    pub memory: Memory,
    /// Of the gradients, in bytes.
    pub gradients: usize,
    /// Values on the tape that are not operands.
    pub operations: usize,
    /// Calls of the allocator in one steady round, and bytes: forward, then forward and backward.
    pub allocations: [(u64, u64); 2],
}

/// The clock of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// Wall time.
    Wall,
    /// CPU time of all threads.
    Cpu,
}

impl Line {
    /// Least seconds forward, and backward: the difference between both and forward.
    pub fn seconds(&self, time: Time) -> (f64, f64) {
        let of = |s: &Sample| if time == Time::Cpu { s.cpu } else { s.min };
        (of(&self.forward), of(&self.both) - of(&self.forward))
    }

    /// Bytes of the tape and the gradients for every nonzero.
    pub fn bytes_per_nonzero(&self) -> f64 {
        (self.memory.total() + self.gradients) as f64 / self.nonzeros as f64
    }
}

/// The duration of repetitions.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// The least number of runs.
    pub fewest: usize,
    /// The least number of seconds.
    pub seconds: f64,
}

/// Rounds before the measurement: the first creates plans and buffers, the second grows lists to their
/// lengths.
const WARM: usize = 2;

/// Measures a case.
///
/// # Errors
/// An operation that fails.
pub fn measure(case: &Case, m: usize, nonzeros: usize, effort: Effort) -> Result<Line> {
    let mut tape = Tape::new();
    let mut round = Round { case, tape: &mut tape, seed: Vec::new(), adam: Adam::new(), weights: Vec::new() };
    round.prepare()?;
    let mut failed = None;
    let mut timed = |recorded: bool, round: &mut Round<'_>| {
        let mut count = (0, 0);
        (0..WARM).for_each(|_| failed = failed.take().or(round.run(recorded, None).err()));
        let sample = repeated(effort.fewest, effort.seconds, || match round.run(recorded, None) {
            Ok((elapsed, allocations)) => {
                count = allocations;
                elapsed
            }
            Err(e) => {
                failed = Some(e);
                Elapsed::default()
            }
        });
        (sample, count)
    };
    let (forward, first) = timed(false, &mut round);
    // Buffers needed only by the constants would count as memory of the sweep.
    *round.tape = Tape::new();
    let (both, second) = timed(true, &mut round);
    if let Some(e) = failed {
        return Err(e);
    }
    let mut held = Held::default();
    round.run(true, Some(&mut held))?;
    Ok(Line {
        operation: case.name,
        m,
        nonzeros,
        threads: rayon::current_num_threads(),
        forward,
        both,
        memory: held.memory.ok_or_else(|| Error::invalid_input("nothing was recorded"))?,
        gradients: held.gradients,
        operations: held.operations,
        allocations: [first, second],
    })
}

/// Resources of one round of the loop.
struct Round<'a> {
    case: &'a Case,
    tape: &'a mut Tape,
    seed: Vec<f64>,
    adam: Adam<f64>,
    weights: Vec<f64>,
}

/// Memory of the tape after a sweep.
#[derive(Default)]
struct Held {
    memory: Option<Memory>,
    gradients: usize,
    operations: usize,
}

impl Round<'_> {
    /// The seed of the sweep, as long as the result.
    fn prepare(&mut self) -> Result<()> {
        let operands: Vec<Value<'_>> = self.case.operands.iter().map(|o| o.put(self.tape, false)).collect();
        let length = (self.case.apply)(self.tape, &operands).length()?;
        self.tape.clear();
        self.seed = vec![1.0; length];
        if let (true, Some(Operand::Matrix(a))) = (self.case.trains, self.case.operands.first()) {
            self.weights = a.values().to_vec();
        }
        Ok(())
    }

    /// First the operands, which a program has anyway; then with the clock running the operation, the
    /// gradients if requested, and the end of the recording.
    fn run(&mut self, recorded: bool, held: Option<&mut Held>) -> Result<(Elapsed, (u64, u64))> {
        let before = so_far();
        let mut operands = [const { None }; 4];
        for (place, operand) in operands.iter_mut().zip(&self.case.operands) {
            *place = Some(operand.put(self.tape, recorded));
        }
        let count = self.case.operands.len();
        let missing = || Error::invalid_input("an operation has one to four operands");
        let first = operands[0].ok_or_else(missing)?;
        let operands: [Value<'_>; 4] = operands.map(|o| o.unwrap_or(first));
        let clock = Clock::start();
        let result = (self.case.apply)(self.tape, &operands[..count]);
        if recorded {
            let gradients = self.tape.backward(&[(result.handle(), &self.seed)])?;
            if self.case.trains {
                self.adam.step(&mut self.weights, gradients.of(first)?, 1e-4)?;
            }
            if let Some(held) = held {
                held.memory = Some(self.tape.memory());
                held.operations = self.tape.len() - count;
                held.gradients = gradients.bytes();
            }
            self.tape.recycle(gradients);
        } else {
            std::hint::black_box(result.handle());
        }
        self.tape.clear();
        let elapsed = clock.elapsed();
        let after = so_far();
        Ok((elapsed, (after.0 - before.0, after.1 - before.1)))
    }
}
