//! Executor that records operations instead of computing them.

use std::cell::RefCell;
use std::fmt::Debug;
use std::rc::Rc;
use std::sync::Arc;

use super::executor::OperationOn;
use super::operands::{Place, Translate, Written};
use super::plan::{Frame, Plan};
use super::{Borrowed, Executor, Leaves, Matrix, Operation, Vector};
use crate::error::{Error, Result};
use crate::schwarz::Subdomains;

/// Records a run on one right-hand side as a [`Plan`], for the executor `X`.
///
/// A vector is a [`Slot`] of the workspace of the plan. Dropping it frees the slot for the next vector, so that
/// ownership in the cycle determines the register allocation of the plan.
#[derive(Debug)]
pub struct Tracer<'e, X: Executor> {
    executor: &'e X,
    operations: RefCell<Vec<Operation<Written<X::Leaves>>>>,
    slots: Rc<RefCell<Slots>>,
}

/// The workspace allocated so far.
#[derive(Debug, Default)]
struct Slots {
    /// Rows of every slot.
    rows: Vec<usize>,
    free: Vec<usize>,
}

/// A slot of the workspace, or the right-hand side.
#[derive(Debug)]
pub struct Slot {
    place: Place,
    rows: usize,
    slots: Rc<RefCell<Slots>>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Place::Slot(number) = self.place {
            self.slots.borrow_mut().free.push(number);
        }
    }
}

impl<'e, X: Executor> Tracer<'e, X> {
    /// An empty recording.
    pub fn new(executor: &'e X) -> Self {
        Self { executor, operations: RefCell::default(), slots: Rc::default() }
    }

    /// The right-hand side of the plan.
    pub fn input(&self, rows: usize) -> Vector<Slot> {
        Vector::new(rows, Slot { place: Place::Input, rows, slots: self.slots.clone() })
    }

    /// The recorded plan with result `output`.
    ///
    /// # Errors
    /// An output that does not depend on the input at all; a run that writes to the input.
    pub fn finish(self, input_rows: usize, output: Vector<Slot>) -> Result<Plan<X::Leaves>> {
        let output_rows = output.rows();
        let slot = output
            .into_handle()
            .ok_or_else(|| Error::invalid_input("the cycle returns zero for every right-hand side"))?;
        let frame = Frame::new(&self.slots.borrow().rows, input_rows, (slot.place, output_rows));
        Plan::new(self.operations.into_inner(), frame)
    }
}

/// Translates borrowed leaves to shared leaves and slots to places.
struct Write;

impl<'o, 'a, L: Leaves> Translate<'o, Borrowed<'a, L, Slot>, Written<L>> for Write {
    fn stored<X: Clone + Debug + 'static>(&mut self, x: &'o &'a X) -> X {
        X::clone(x)
    }

    fn read(&mut self, x: &'o &'a Slot) -> Place {
        x.place
    }

    fn write(&mut self, x: &'o &'a mut Slot, _: bool) -> Place {
        x.place
    }
}

impl<X: Executor> Executor for Tracer<'_, X> {
    type Leaves = X::Leaves;
    type Handle = Slot;

    fn allocate(&self, rows: usize) -> Slot {
        let mut slots = self.slots.borrow_mut();
        let reused = slots.free.iter().rposition(|&number| slots.rows[number] == rows);
        let number = match reused {
            Some(q) => slots.free.remove(q),
            None => {
                slots.rows.push(rows);
                slots.rows.len() - 1
            }
        };
        Slot { place: Place::Slot(number), rows, slots: self.slots.clone() }
    }

    fn copy(&self, x: &Slot) -> Slot {
        let mut y = self.allocate(x.rows);
        self.run(Operation::Copy { x, y: &mut y });
        y
    }

    fn run(&self, operation: OperationOn<'_, Self>) {
        self.operations.borrow_mut().push(operation.map(&mut Write));
    }

    fn scalar(&self, scalars: &<X::Leaves as Leaves>::Values, index: usize) -> f64 {
        self.executor.scalar(scalars, index)
    }

    fn method(
        &self,
        a: &Matrix<<X::Leaves as Leaves>::Values>,
        subdomains: &Subdomains,
        interface: &<X::Leaves as Leaves>::Values,
    ) -> Option<Arc<<X::Leaves as Leaves>::Method>> {
        self.executor.method(a, subdomains, interface)
    }
}
