//! Executors: machines that run operations.

use std::fmt::Debug;
use std::sync::Arc;

use super::{Borrowed, Leaves, Matrix, Operation};
use crate::schwarz::Subdomains;

/// A machine that runs operations on handles. A handle is a buffer that is computed immediately, or a slot of a
/// plan. Every executor is an [`Engine`](super::Engine).
pub trait Executor {
    /// Representation of stored data.
    type Leaves: Leaves;
    /// Storage of one vector, released when it is dropped.
    type Handle: Debug;

    /// Storage for `rows` rows with undefined content.
    fn allocate(&self, rows: usize) -> Self::Handle;

    /// A copy of `x`.
    fn copy(&self, x: &Self::Handle) -> Self::Handle;

    /// Runs one operation.
    fn run(&self, operation: OperationOn<'_, Self>);

    /// The scalar with this number; a plan contains it as a constant.
    fn scalar(&self, scalars: &Values<Self>, index: usize) -> f64;

    /// The Schwarz method of `a` on these subdomains, factored on first use; `None` if a local matrix is singular.
    fn method(
        &self,
        a: &Matrix<Values<Self>>,
        subdomains: &Subdomains,
        interface: &Values<Self>,
    ) -> Option<Arc<<Self::Leaves as Leaves>::Method>>;
}

/// An operation on the handles of an executor.
pub type OperationOn<'a, X> = Operation<Borrowed<'a, <X as Executor>::Leaves, <X as Executor>::Handle>>;

type Values<X> = <<X as Executor>::Leaves as Leaves>::Values;
