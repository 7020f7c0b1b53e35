//! How operations refer to stored data and to vectors.

use std::fmt::Debug;
use std::marker::PhantomData;

use super::leaves::Leaves;

/// A kind of operands: borrowed ones, which a kernel needs, or written ones, which a plan keeps.
pub trait Operands: Debug {
    /// How stored data is held.
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

/// Operands of a plan: shared leaves, and places of its workspace.
#[derive(Debug, Clone)]
pub struct Written<L>(PhantomData<L>);

impl<L: Leaves> Operands for Written<L> {
    type Leaves = L;
    type Stored<X: Clone + Debug + 'static> = X;
    type In = Place;
    type Out = Place;
}

/// Where a vector of a plan lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The right-hand side, which is only read.
    Input,
    /// The slot of the workspace with this number.
    Slot(usize),
}

/// Other operands in place of those of an operation.
pub trait Translate<'o, P: Operands, Q: Operands<Leaves = P::Leaves>> {
    /// Stored data.
    fn stored<X: Clone + Debug + 'static>(&mut self, x: &'o P::Stored<X>) -> Q::Stored<X>;
    /// A vector that is read.
    fn read(&mut self, x: &'o P::In) -> Q::In;
    /// A vector that is written; `updated` says that its old content is read.
    fn write(&mut self, x: &'o P::Out, updated: bool) -> Q::Out;
}

/// The places of an operation, in the order of its operands. What is updated is both read and written.
#[derive(Debug, Default)]
pub(super) struct Touched {
    pub reads: Vec<Place>,
    pub writes: Vec<Place>,
}

/// No operands at all.
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
