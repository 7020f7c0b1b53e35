//! A recorded cycle: straight-line code over one workspace.

use std::fmt::Debug;
use std::ops::Range;

use super::operands::{Place, Touched, Translate, Written};
use super::{Borrowed, Host, Leaves, Operation, kernels};
use crate::error::{Error, Result};
use crate::sparse::Scalar;

/// Straight-line code for x = B b, with a workspace of known size.
///
/// A plan holds shared leaves and no mutable state. On the host it is `Sync` and lock-free: many threads may run
/// it at once, each with a separate workspace. Its result equals that of the eager engine bit for bit.
#[derive(Debug, Clone)]
pub struct Plan<L: Leaves> {
    pub(super) operations: Vec<Operation<Written<L>>>,
    /// Slots that each operation writes.
    writes: Vec<Writes>,
    pub(super) frame: Frame,
}

/// Slots that an operation writes, in ascending order.
pub(super) type Writes = [Option<usize>; 2];

/// The vectors of a plan.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    /// Row ranges of the slots in the workspace.
    pub slots: Vec<Range<usize>>,
    pub input_rows: usize,
    pub output: Place,
    pub output_rows: usize,
}

impl Frame {
    pub fn new(rows: &[usize], input_rows: usize, (output, output_rows): (Place, usize)) -> Self {
        let mut first = 0;
        let slots = rows.iter().map(|rows| {
            first += rows;
            first - rows..first
        });
        Self { slots: slots.collect(), input_rows, output, output_rows }
    }

    /// Rows of the workspace.
    pub fn work_rows(&self) -> usize {
        self.slots.last().map_or(0, |slot| slot.end)
    }
}

impl Touched {
    /// The slots that an operation writes.
    ///
    /// # Errors
    /// A write to the right-hand side.
    pub fn slots(&self) -> Result<Writes> {
        let mut slots = [None; 2];
        for (slot, place) in slots.iter_mut().zip(&self.writes) {
            let Place::Slot(number) = *place else {
                return Err(Error::invalid_input("a plan writes to its right-hand side"));
            };
            *slot = Some(number);
        }
        if slots[1].is_some() {
            slots.sort_unstable();
        }
        Ok(slots)
    }
}

impl<L: Leaves> Plan<L> {
    pub(super) fn new(operations: Vec<Operation<Written<L>>>, frame: Frame) -> Result<Self> {
        let writes = operations.iter().map(|operation| operation.touched().slots());
        Ok(Self { writes: writes.collect::<Result<_>>()?, operations, frame })
    }

    /// Rows of the right-hand side.
    pub fn rows(&self) -> usize {
        self.frame.input_rows
    }

    /// Number of operations.
    pub fn operations(&self) -> usize {
        self.operations.len()
    }

    /// Length of the workspace for a run on blocks of `k` columns.
    pub fn workspace(&self, k: usize) -> usize {
        self.frame.work_rows() * k
    }
}

impl<L: Leaves> Operation<Written<L>> {
    /// The places that this operation reads and writes.
    pub(super) fn touched(&self) -> Touched {
        let mut touched = Touched::default();
        let _ = self.map(&mut touched);
        touched
    }
}

impl<T: Scalar> Plan<Host<T>> {
    /// x ← B b for row-major rows × k blocks.
    ///
    /// # Errors
    /// Lengths of b or x that do not fit, or a workspace that is too short.
    pub fn run(&self, b: &[T], x: &mut [T], work: &mut [T], k: usize) -> Result<()> {
        if x.len() != self.frame.output_rows * k {
            return Err(Error::dimension(format!(
                "the solver has {} unknowns and was given space for {} values of {k} columns",
                self.frame.input_rows,
                x.len()
            )));
        }
        x.copy_from_slice(self.run_in(b, work, k)?);
        Ok(())
    }

    /// As [`run`](Self::run); the result B b lies in the workspace.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_in<'w>(&'w self, b: &'w [T], work: &'w mut [T], k: usize) -> Result<&'w [T]> {
        let frame = &self.frame;
        if b.len() != frame.input_rows * k {
            return Err(Error::dimension(format!(
                "the solver has {} unknowns and was given {} values for {k} columns",
                frame.input_rows,
                b.len()
            )));
        }
        if work.len() < self.workspace(k) {
            return Err(Error::dimension(format!(
                "the solver needs a workspace of {} values, got {}",
                self.workspace(k),
                work.len()
            )));
        }
        for (operation, writes) in self.operations.iter().zip(&self.writes) {
            kernels::run(k, operation.map(&mut Split::new(frame, *writes, b, work, k)));
        }
        Ok(Split::new(frame, [None; 2], b, work, k).values(frame.output))
    }
}

/// The workspace, split into the written vectors and the pieces around them.
struct Split<'a, T> {
    frame: &'a Frame,
    b: &'a [T],
    k: usize,
    /// Read-only pieces: first row and values.
    pieces: [(usize, &'a [T]); 3],
    /// Written vectors: slot and values.
    outputs: [Option<(usize, &'a mut [T])>; 2],
}

impl<'a, T> Split<'a, T> {
    fn new(frame: &'a Frame, writes: Writes, b: &'a [T], work: &'a mut [T], k: usize) -> Self {
        let (mut start, mut rest) = (0, work);
        let mut pieces: [(usize, &[T]); 3] = [(usize::MAX, &[]); 3];
        let mut outputs = [None, None];
        for ((piece, output), number) in pieces.iter_mut().zip(&mut outputs).zip(writes.into_iter().flatten())
        {
            let slot = &frame.slots[number];
            let (before, after) = rest.split_at_mut((slot.start - start) * k);
            let (values, after) = after.split_at_mut(slot.len() * k);
            (*piece, *output) = ((start, &*before), Some((number, values)));
            (start, rest) = (slot.end, after);
        }
        pieces[2] = (start, rest);
        Self { frame, b, k, pieces, outputs }
    }

    /// A read-only vector.
    fn values(&self, place: Place) -> &'a [T] {
        let Place::Slot(number) = place else { return self.b };
        let slot = &self.frame.slots[number];
        // A slot without rows may start anywhere.
        let piece = self.pieces.iter().rev().find(|(start, _)| *start <= slot.start);
        match piece {
            Some((start, piece)) if !slot.is_empty() => {
                &piece[(slot.start - start) * self.k..(slot.end - start) * self.k]
            }
            _ => &[],
        }
    }
}

impl<'a, T: Scalar> Translate<'a, Written<Host<T>>, Borrowed<'a, Host<T>, [T]>> for Split<'a, T> {
    fn stored<X: Clone + Debug + 'static>(&mut self, x: &'a X) -> &'a X {
        x
    }

    fn read(&mut self, x: &'a Place) -> &'a [T] {
        self.values(*x)
    }

    fn write(&mut self, x: &'a Place, _: bool) -> &'a mut [T] {
        let own = |output: &&mut Option<(usize, &'a mut [T])>| {
            output.as_ref().is_some_and(|(number, _)| Place::Slot(*number) == *x)
        };
        // `Plan::new` guarantees that every operation finds its slots.
        self.outputs
            .iter_mut()
            .find(own)
            .and_then(Option::take)
            .map_or_else(Default::default, |(_, values)| values)
    }
}
