//! Programs: plans compiled for a GPU.

use std::fmt::Debug;
use std::sync::Arc;

use super::fusion::{Fused, Launch, fuse};
use super::operands::{Borrowed, Place, Translate, Written};
use super::plan::{Frame, Plan, Writes};
use super::resident::{DeviceBuffer, Resident, with};
use super::{Device, Executor, Matrix};
use crate::backend::cuda::{DeviceView, Memory, OnDevice};
use crate::error::Result;
use crate::sparse::Pattern;

/// Largest number of entries of A that one thread of a fused restriction reads one after another.
const SERIAL: f64 = 64.0;
/// Threads that share a coarse row.
const SHARED: f64 = 32.0;

/// Largest number of restriction entries per fine row for which residuals are restricted in one pass: the fused
/// kernel computes one residual per entry.
const FUSED: f64 = 1.25;

/// A plan compiled for a device: adjacent operations with a fused kernel share a launch.
#[derive(Debug)]
pub struct Program<T: OnDevice> {
    steps: Vec<Step<T>>,
    frame: Frame,
}

#[derive(Debug)]
struct Step<T: OnDevice> {
    launch: Launch<Written<Device<T>>>,
    writes: Writes,
    /// Whether the old content of an output is read.
    updated: [bool; 2],
}

impl<T: OnDevice> Default for Program<T> {
    /// A program without launches; it returns its right-hand side.
    fn default() -> Self {
        Self { steps: Vec::new(), frame: Frame::new(&[], 0, (Place::Input, 0)) }
    }
}

impl<T: OnDevice> Program<T> {
    /// The launches in order.
    pub fn launches(&self) -> impl Iterator<Item = &Launch<Written<Device<T>>>> {
        self.steps.iter().map(|step| &step.launch)
    }

    /// Rows of the vector at this place.
    pub fn rows_at(&self, place: Place) -> usize {
        match place {
            Place::Input => self.frame.input_rows,
            Place::Slot(number) => self.frame.slots[number].len(),
        }
    }
}

impl<T: OnDevice> Resident<T> {
    /// Compiles a plan into launches of this engine.
    ///
    /// # Errors
    /// A plan that writes to its right-hand side.
    pub fn program(&self, plan: Plan<Device<T>>) -> Result<Program<T>> {
        let launches = fuse(&plan.operations, plan.frame.output, |fused| self.pays(fused));
        let step = |launch: Launch<_>| {
            let touched = launch.touched();
            let writes = touched.slots()?;
            let read =
                |number: Option<usize>| number.is_some_and(|q| touched.reads.contains(&Place::Slot(q)));
            Ok(Step { launch, writes, updated: writes.map(read) })
        };
        let steps = launches.into_iter().map(step).collect::<Result<_>>()?;
        Ok(Program { steps, frame: plan.frame })
    }

    /// Queues a program on this right-hand side, with vectors from the pool.
    pub fn execute(&self, program: &Program<T>, input: &DeviceBuffer<T>) -> DeviceBuffer<T> {
        self.execute_around(program, input, &mut |_, launch| launch())
    }

    /// As [`execute`](Self::execute); `around` gets the number of each launch and calls it at least once, which
    /// serves to time launches one by one.
    pub fn execute_around(
        &self,
        program: &Program<T>,
        input: &DeviceBuffer<T>,
        around: &mut dyn FnMut(usize, &mut dyn FnMut()),
    ) -> DeviceBuffer<T> {
        let Frame { slots, output, .. } = &program.frame;
        let mut slots: Vec<_> = slots.iter().map(|slot| Some(self.allocate(slot.len()))).collect();
        for (number, step) in program.steps.iter().enumerate() {
            around(number, &mut || self.step(step, input, &mut slots));
        }
        match output {
            Place::Slot(number) => slots[*number].take().expect("a slot that is written has a buffer"),
            Place::Input => self.copy(input),
        }
    }

    fn step(&self, step: &Step<T>, input: &DeviceBuffer<T>, slots: &mut [Option<DeviceBuffer<T>>]) {
        let Step { launch, writes, updated } = step;
        let mut outputs = writes.map(|number| number.and_then(|number| slots[number].take()));
        // The buffer holds stale values, which must not be read.
        for (buffer, _) in outputs.iter_mut().zip(updated).filter(|(_, updated)| !**updated) {
            if let Some(buffer) = buffer {
                self.cuda.forget(buffer.memory_mut());
            }
        }
        let [first, second] = outputs.each_mut().map(Option::as_mut);
        let mut lent = Lent { input, slots, outputs: [(writes[0], first), (writes[1], second)] };
        match launch {
            Launch::Single(operation) => self.run(operation.map(&mut lent)),
            Launch::Fused(fused) => self.run_fused(fused.map(&mut lent)),
        }
        for (number, buffer) in writes.iter().zip(outputs) {
            if let (Some(number), Some(buffer)) = (number, buffer) {
                slots[*number] = Some(buffer);
            }
        }
    }

    fn run_fused(&self, fused: Fused<Borrowed<'_, Device<T>, DeviceBuffer<T>>>) {
        let cuda = &self.cuda;
        match fused {
            Fused::FirstResidual { a, d, b, x, r } => {
                let results = (x.memory_mut(), r.memory_mut());
                match self.in_slices(a) {
                    Some(s) => cuda.first_residual_sliced(s.matrix.view(), d, b.memory(), results),
                    None => with!(self, a, pattern, view => {
                        cuda.first_residual(view, d, b.memory(), results);
                    }),
                }
            }
            Fused::RestrictedResidual { restriction, a, b, x, y } => {
                with!(self, a, pattern, view => with!(self, restriction, coarse, r => {
                    cuda.restricted_residual(r, view, (b.memory(), x.memory()), y.memory_mut(), self.k);
                }));
            }
            Fused::FirstRestrictedResidual { restriction, a, d, b, x, y } => {
                let results = (x.memory_mut(), y.memory_mut());
                with!(self, a, pattern, view => with!(self, restriction, coarse, r => {
                    cuda.first_restricted_residual(r, view, (d, b.memory()), results);
                }));
            }
            Fused::CorrectedJacobi { prolongation, e, a, d, b, x, next } => {
                with!(self, a, pattern, view => with!(self, prolongation, fine, p => {
                    let correction = (p, e.memory());
                    cuda.corrected_jacobi(correction, view, (d, b.memory()), x.memory(), next.memory_mut());
                }));
            }
        }
    }

    /// Whether the fused kernel supports this number of columns and is faster than separate launches.
    fn pays(&self, fused: &Fused<Written<Device<T>>>) -> bool {
        let most = self.cuda.tuning().fused_entries as f64;
        let restricts = |restriction: &Matrix<Arc<Memory<T>>>, a: &Matrix<Arc<Memory<T>>>| {
            let (pattern, a) = (&restriction.pattern, &a.pattern);
            let average = |pattern: &Pattern| pattern.nnz() as f64 / pattern.rows().max(1) as f64;
            let each = pattern.nnz() as f64 / pattern.cols().max(1) as f64;
            let serial = (average(pattern) / SHARED).max(1.0) * average(a);
            each <= FUSED || serial <= SERIAL && each * (a.nnz() * self.k) as f64 <= most
        };
        match fused {
            Fused::FirstResidual { .. } => self.k == 1,
            Fused::RestrictedResidual { restriction, a, .. } => restricts(restriction, a),
            Fused::FirstRestrictedResidual { restriction, a, .. } => self.k == 1 && restricts(restriction, a),
            Fused::CorrectedJacobi { prolongation, a, .. } => {
                let pattern = &prolongation.pattern;
                let each = pattern.nnz() as f64 / pattern.rows().max(1) as f64;
                self.k == 1 && each * a.pattern.nnz() as f64 <= most
            }
        }
    }
}

/// The vectors of one launch.
struct Lent<'a, T: OnDevice> {
    input: &'a DeviceBuffer<T>,
    slots: &'a [Option<DeviceBuffer<T>>],
    /// Outputs: slot and buffer.
    outputs: [(Option<usize>, Option<&'a mut DeviceBuffer<T>>); 2],
}

impl<'a, T: OnDevice> Translate<'a, Written<Device<T>>, Borrowed<'a, Device<T>, DeviceBuffer<T>>>
    for Lent<'a, T>
{
    fn stored<X: Clone + Debug + 'static>(&mut self, x: &'a X) -> &'a X {
        x
    }

    fn read(&mut self, x: &'a Place) -> &'a DeviceBuffer<T> {
        match x {
            Place::Input => self.input,
            Place::Slot(number) => self.slots[*number].as_ref().expect("what is read is not written"),
        }
    }

    fn write(&mut self, x: &'a Place, _: bool) -> &'a mut DeviceBuffer<T> {
        let own = self.outputs.iter_mut().find(|(number, _)| number.map(Place::Slot) == Some(*x));
        own.and_then(|(_, buffer)| buffer.take()).expect("a slot is written once")
    }
}
