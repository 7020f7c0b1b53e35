//! Operands of operations: references to stored data and to vectors.

use std::fmt::Debug;
use std::marker::PhantomData;

use super::leaves::Leaves;

/// A kind of operands: borrowed operands for kernels, or recorded operands for plans.
pub trait Operands: Debug {
    /// Representation of stored data.
    type Leaves: Leaves;
    /// A reference to stored data.
    type Stored<X: Clone + Debug + 'static>: Clone + Debug;
    /// A vector that is read.
    type In: Copy + Debug;
    /// A vector that is written.
    type Out: Debug;
}

/// Operands in memory: `H` is the storage of a vector.
#[derive(Debug)]
pub struct Borrowed<'a, L, H: ?Sized>(PhantomData<(L, &'a H)>);

impl<'a, L: Leaves, H: Debug + ?Sized + 'a> Operands for Borrowed<'a, L, H> {
    type Leaves = L;
    type Stored<X: Clone + Debug + 'static> = &'a X;
    type In = &'a H;
    type Out = &'a mut H;
}

/// Operands of a plan: shared leaves and places in its workspace.
#[derive(Debug, Clone)]
pub struct Written<L>(PhantomData<L>);

impl<L: Leaves> Operands for Written<L> {
    type Leaves = L;
    type Stored<X: Clone + Debug + 'static> = X;
    type In = Place;
    type Out = Place;
}

/// Location of a vector of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The right-hand side, which is read-only.
    Input,
    /// Slot of the workspace with this number.
    Slot(usize),
}

/// Replaces the operands of an operation.
pub trait Translate<'o, P: Operands, Q: Operands<Leaves = P::Leaves>> {
    /// Stored data.
    fn stored<X: Clone + Debug + 'static>(&mut self, x: &'o P::Stored<X>) -> Q::Stored<X>;
    /// A vector that is read.
    fn read(&mut self, x: &'o P::In) -> Q::In;
    /// A vector that is written; `updated` means that its old content is read as well.
    fn write(&mut self, x: &'o P::Out, updated: bool) -> Q::Out;
}

/// The places of an operation, in the order of its operands. An updated vector counts as both read and written.
#[derive(Debug, Default)]
pub(super) struct Touched {
    pub reads: Vec<Place>,
    pub writes: Vec<Place>,
}

/// Empty operands.
#[derive(Debug)]
pub(super) struct Nothing<L>(PhantomData<L>);

impl<L: Leaves> Operands for Nothing<L> {
    type Leaves = L;
    type Stored<X: Clone + Debug + 'static> = ();
    type In = ();
    type Out = ();
}

impl<'o, L: Leaves> Translate<'o, Written<L>, Nothing<L>> for Touched {
    fn stored<X: Clone + Debug + 'static>(&mut self, _: &'o X) {}

    fn read(&mut self, x: &'o Place) {
        self.reads.push(*x);
    }

    fn write(&mut self, x: &'o Place, updated: bool) {
        if updated {
            self.reads.push(*x);
        }
        self.writes.push(*x);
    }
}
