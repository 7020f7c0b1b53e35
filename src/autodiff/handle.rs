//! Handles of values on a tape.

use std::sync::Arc;

use super::tape::{FAILED, Shape, Tape};
use crate::error::{Error, Result};
use crate::sparse::{Csr, Pattern, Scalar};

/// A value on a tape; [`Sparse`], [`Dense`] or [`Number`].
pub trait Handle<T: Scalar> {
    /// Its index on the tape.
    #[doc(hidden)]
    fn id(&self) -> usize;

    /// Its tape.
    #[doc(hidden)]
    fn home(&self) -> &Tape<T>;
}

impl<T: Scalar> Tape<T> {
    /// The index of a handle, which must be on this tape.
    pub(super) fn place(&self, handle: &(impl Handle<T> + ?Sized)) -> usize {
        if std::ptr::eq(self, handle.home()) {
            return handle.id();
        }
        let text = "operands of two tapes cannot be combined; put both on one tape";
        self.fail(Error::invalid_input(text))
    }
}

macro_rules! handle {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub struct $name<'t, T: Scalar = f64> {
            tape: &'t Tape<T>,
            id: usize,
        }

        impl<T: Scalar> Clone for $name<'_, T> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<T: Scalar> Copy for $name<'_, T> {}

        impl<T: Scalar> std::fmt::Debug for $name<'_, T> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self.shape() {
                    Some(shape) => std::fmt::Display::fmt(&shape, f),
                    None => f.write_str("the result of a failed operation"),
                }
            }
        }

        impl<T: Scalar> Handle<T> for $name<'_, T> {
            fn id(&self) -> usize {
                self.id
            }

            fn home(&self) -> &Tape<T> {
                self.tape
            }
        }

        impl<T: Scalar> Handle<T> for &$name<'_, T> {
            fn id(&self) -> usize {
                self.id
            }

            fn home(&self) -> &Tape<T> {
                self.tape
            }
        }

        impl<'t, T: Scalar> $name<'t, T> {
            pub(super) fn new(tape: &'t Tape<T>, id: usize) -> Self {
                Self { tape, id }
            }

            /// The index of another operand, which must be on the same tape.
            pub(super) fn other(&self, operand: &impl Handle<T>) -> usize {
                self.tape.place(operand)
            }

            /// Its tape.
            pub fn tape(&self) -> &'t Tape<T> {
                self.tape
            }

            pub(super) fn shape(&self) -> Option<Shape> {
                self.tape.nodes.borrow().get(self.id).map(|n| n.shape.clone())
            }

            /// Rows and columns; 0 × 0 after a failed operation.
            pub fn extent(&self) -> (usize, usize) {
                self.shape().map_or((0, 0), |s| s.extent())
            }

            /// The same values as a constant: no gradient flows through. Costs a copy.
            pub fn detached(self) -> Self {
                if self.id == FAILED {
                    return self;
                }
                let (value, shape) = {
                    let nodes = self.tape.nodes.borrow();
                    let node = &nodes[self.id];
                    let mut copy = self.tape.pool.borrow_mut().take(node.value.len());
                    copy.copy_from_slice(&node.value);
                    (copy, node.shape.clone())
                };
                Self::new(self.tape, self.tape.store(super::tape::Value::Owned(value), shape, None))
            }

            /// Its values: of a number one, of a block row by row, of a sparse matrix those of
            /// its pattern. Cost: a copy.
            ///
            /// # Errors
            /// The first operation that failed on this tape, if this depends on it.
            pub fn values(&self) -> Result<Vec<T>> {
                match self.tape.nodes.borrow().get(self.id) {
                    Some(node) => Ok(node.value.to_vec()),
                    None => Err(self.tape.error()),
                }
            }
        }
    };
}

handle! {
    /// A sparse matrix on a tape.
    Sparse
}
handle! {
    /// A dense block on a tape, row-major; a vector is a block of one column.
    Dense
}
handle! {
    /// A number on a tape.
    Number
}

impl<T: Scalar> Sparse<'_, T> {
    /// Its pattern, shared.
    ///
    /// # Errors
    /// The first operation that failed on this tape, if this depends on it.
    pub fn pattern(&self) -> Result<Arc<Pattern>> {
        match self.shape() {
            Some(Shape::Sparse(pattern)) => Ok(pattern),
            _ => Err(self.tape().error()),
        }
    }

    /// As a separate matrix. Cost: a copy of the values.
    ///
    /// # Errors
    /// As [`pattern`](Self::pattern).
    pub fn to_csr(&self) -> Result<Csr<T>> {
        Ok(Csr::from_parts(self.pattern()?, self.values()?))
    }
}

impl<T: Scalar> Number<'_, T> {
    /// Its value.
    ///
    /// # Errors
    /// The first operation that failed on this tape, if this depends on it.
    pub fn value(&self) -> Result<T> {
        match self.tape().nodes.borrow().get(self.id()) {
            Some(node) => Ok(node.value[0]),
            None => Err(self.tape().error()),
        }
    }
}
