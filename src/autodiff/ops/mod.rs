//! Families of operations, each with its reverse rules.

mod add;
mod batched;
mod dense;
mod edges;
mod elementwise;
mod function;
mod outside;
mod product;
mod reduce;
mod scale;
mod select;
mod solve;
mod triangular;

pub use function::Function;
pub(crate) use outside::{Adjoints, Rule};

use super::reverse::Reverse;
use super::tape::Pool;
use crate::error::Result;
use crate::sparse::Scalar;

/// A recorded operation: the numbers of its operands and the data of its rule.
pub(super) enum Op<T: Scalar> {
    Parameter,
    Add(add::Add<T>),
    Batched(batched::Batched<T>),
    Dense(dense::Op),
    Edges(edges::Op),
    Elementwise(elementwise::Op),
    Outside(outside::Outside<T>),
    Product(product::Op),
    Reduce(reduce::Op),
    Scale(scale::Op),
    Select(select::Op),
    Solve(solve::Solve),
    Triangular(triangular::Op),
}

impl<T: Scalar> Op<T> {
    pub(super) fn is_parameter(&self) -> bool {
        matches!(self, Op::Parameter)
    }

    /// The operand whose adjoint is the adjoint of the result itself. [`reverse`](Self::reverse) omits it.
    pub(super) fn passes_to(&self) -> Option<usize> {
        match self {
            Op::Elementwise(op) => op.passes_to(),
            Op::Add(op) => op.passes_to(),
            Op::Dense(op) => op.passes_to(),
            Op::Scale(op) => op.passes_to(),
            _ => None,
        }
    }

    /// Returns the buffers that it owns.
    pub(super) fn recycle(self, pool: &mut Pool<T>) {
        if let Op::Batched(op) = self {
            op.recycle(pool);
        }
    }

    /// Adds the contributions of `up`, the adjoint of value `id`, to the adjoints of the operands.
    pub(super) fn reverse(&self, id: usize, up: &[T], r: &mut Reverse<'_, T>) -> Result<()> {
        match self {
            Op::Parameter => {}
            Op::Add(op) => op.reverse(up, r),
            Op::Batched(op) => op.reverse(id, up, r),
            Op::Dense(op) => op.reverse(up, r),
            Op::Edges(op) => op.reverse(up, r),
            Op::Elementwise(op) => op.reverse(id, up, r),
            Op::Outside(op) => return op.reverse(id, up, r),
            Op::Product(op) => op.reverse(up, r),
            Op::Reduce(op) => op.reverse(id, up, r),
            Op::Scale(op) => op.reverse(up, r),
            Op::Select(op) => op.reverse(up, r),
            Op::Solve(op) => return op.reverse(id, up, r),
            Op::Triangular(op) => op.reverse(id, up, r),
        }
        Ok(())
    }
}
