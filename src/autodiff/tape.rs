//! Tape: values, recorded operations and pooled buffers.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::hash::Spread;
use super::memory::Memory;
use super::ops::Op;
use super::plans::Plans;
use crate::error::{Error, Result};
use crate::sparse::{Pattern, Scalar, Storage};

/// The number of an operand that does not exist, because an operation before it failed.
pub(super) const FAILED: usize = usize::MAX;

/// Pool limit: SURPLUS × the bytes of one recording; pools below SMALL bytes are never trimmed.
const SURPLUS: usize = 4;
const SMALL: usize = 1 << 20;

/// Records expressions of sparse matrices, dense blocks and numbers as they are computed.
///
/// A tape returns handles ([`Sparse`](super::Sparse), [`Dense`](super::Dense), [`Number`](super::Number)) that combine with `+`, `-`, `*` and methods.
/// Values that depend on a [parameter](Self::parameter) are recorded with the data of their reverse rules;
/// all others are constants and cost nothing in the reverse sweep. A failed operation (shapes that do not
/// fit, a singular matrix) is recorded with its message; operations on its result fail too, and reading a
/// value or a gradient returns the error.
///
/// Symbolic work that depends on patterns alone (places of sparse products, elimination orders) is kept from
/// one recording to the next, as are buffers; [`clear`](Self::clear) starts the next recording.
///
/// ```
/// use multigrad::autodiff::Tape;
/// use multigrad::sparse::Csr;
///
/// let a = Csr::from_triplets(2, 2, &[(0, 0, 2.0), (0, 1, 1.0), (1, 1, 3.0)])?;
/// let tape = Tape::new();
/// let m = tape.parameter_matrix(&a);
/// let loss = (m * tape.vector(&[5.0, 7.0])).sum(); // Σ (A x)ᵢ
/// assert_eq!(loss.value()?, 38.0);
/// assert_eq!(loss.gradients()?.of(m)?, [5.0, 7.0, 7.0]); // x(j) for every entry (i, j)
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub struct Tape<T: Scalar = f64> {
    pub(super) nodes: RefCell<Vec<Node<T>>>,
    pub(super) pool: RefCell<Pool<T>>,
    pub(super) plans: RefCell<Plans>,
    pub(super) workspace: RefCell<Workspace<T>>,
    error: RefCell<Option<Error>>,
    /// Largest memory of values and adjoints so far, in bytes.
    pub(super) peak: Cell<usize>,
}

/// Empty lists that a sweep passes to the next one.
pub(super) struct Workspace<T> {
    pub(super) adjoints: Vec<Option<Vec<T>>>,
    pub(super) gradients: Vec<(usize, Vec<T>)>,
}

impl<T> Default for Workspace<T> {
    fn default() -> Self {
        Self { adjoints: Vec::new(), gradients: Vec::new() }
    }
}

/// A value, with its operation if it depends on a parameter.
pub(super) struct Node<T: Scalar> {
    pub(super) value: Value<T>,
    pub(super) shape: Shape,
    pub(super) op: Option<Op<T>>,
}

/// Values that belong to the tape or are shared with their owner.
pub(super) enum Value<T> {
    Owned(Vec<T>),
    Shared(Arc<Storage<T>>),
}

impl<T> std::ops::Deref for Value<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Value::Owned(v) => v,
            Value::Shared(v) => v,
        }
    }
}

/// The shape of a value.
#[derive(Clone)]
pub(super) enum Shape {
    /// Row-major; a vector has one column, a number one row and one column.
    Dense(usize, usize),
    /// The entries of a pattern.
    Sparse(Arc<Pattern>),
}

impl Shape {
    pub(super) fn length(&self) -> usize {
        match self {
            Shape::Dense(rows, cols) => rows * cols,
            Shape::Sparse(pattern) => pattern.nnz(),
        }
    }

    /// Rows and columns.
    pub(super) fn extent(&self) -> (usize, usize) {
        match self {
            Shape::Dense(rows, cols) => (*rows, *cols),
            Shape::Sparse(pattern) => (pattern.rows(), pattern.cols()),
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shape::Dense(1, 1) => f.write_str("a number"),
            Shape::Dense(rows, 1) => write!(f, "a vector of {rows}"),
            Shape::Dense(rows, cols) => write!(f, "a {rows} × {cols} block"),
            Shape::Sparse(p) => {
                write!(f, "a {} × {} sparse matrix with {} entries", p.rows(), p.cols(), p.nnz())
            }
        }
    }
}

/// A pool of buffers by length.
pub(super) struct Pool<T> {
    free: HashMap<usize, Vec<Vec<T>>, Spread>,
    /// Buffers of indices.
    lists: HashMap<usize, Vec<Vec<u32>>, Spread>,
}

impl<T: Scalar> Pool<T> {
    /// A buffer of this length with unspecified values.
    pub(super) fn take(&mut self, length: usize) -> Vec<T> {
        self.free.get_mut(&length).and_then(Vec::pop).unwrap_or_else(|| vec![T::ZERO; length])
    }

    pub(super) fn put(&mut self, buffer: Vec<T>) {
        // Empty buffers, left by gradients that were taken, would accumulate.
        if !buffer.is_empty() {
            self.free.entry(buffer.len()).or_default().push(buffer);
        }
    }

    /// A list of indices of this length with unspecified values.
    pub(super) fn take_list(&mut self, length: usize) -> Vec<u32> {
        self.lists.get_mut(&length).and_then(Vec::pop).unwrap_or_else(|| vec![0; length])
    }

    pub(super) fn put_list(&mut self, list: Vec<u32>) {
        self.lists.entry(list.len()).or_default().push(list);
    }

    fn bytes(&self) -> usize {
        let values: usize = self.free.iter().map(|(length, list)| length * list.len()).sum();
        let indices: usize = self.lists.iter().map(|(length, list)| length * list.len()).sum();
        values * size_of::<T>() + indices * size_of::<u32>()
    }
}

impl<T: Scalar> Default for Tape<T> {
    fn default() -> Self {
        Self {
            nodes: RefCell::default(),
            pool: RefCell::new(Pool { free: HashMap::default(), lists: HashMap::default() }),
            plans: RefCell::default(),
            workspace: RefCell::default(),
            error: RefCell::default(),
            peak: Cell::new(0),
        }
    }
}

impl<T: Scalar> Tape<T> {
    /// An empty tape.
    pub fn new() -> Self {
        Self::default()
    }

    /// Clears the recording; buffers and symbolic work are kept for the next one. No handle can outlive it.
    pub fn clear(&mut self) {
        let memory = self.memory();
        let pool = self.pool.get_mut();
        // Buffers of obsolete lengths would accumulate.
        if memory.pool > SURPLUS * (memory.values + memory.adjoints) + SMALL {
            pool.free.clear();
            pool.lists.clear();
        }
        for node in self.nodes.get_mut().drain(..) {
            if let Value::Owned(buffer) = node.value {
                pool.put(buffer);
            }
            if let Some(op) = node.op {
                op.recycle(pool);
            }
        }
        *self.error.get_mut() = None;
        self.plans.get_mut().next_recording();
    }

    /// Number of values on the tape, constants included.
    pub fn len(&self) -> usize {
        self.nodes.borrow().len()
    }

    /// Whether the tape is empty.
    pub fn is_empty(&self) -> bool {
        self.nodes.borrow().is_empty()
    }

    pub(super) fn store(&self, value: Value<T>, shape: Shape, op: Option<Op<T>>) -> usize {
        debug_assert_eq!(value.len(), shape.length());
        let mut nodes = self.nodes.borrow_mut();
        nodes.push(Node { value, shape, op });
        nodes.len() - 1
    }

    /// Records the first error.
    pub(super) fn fail(&self, error: Error) -> usize {
        self.error.borrow_mut().get_or_insert(error);
        FAILED
    }

    /// The first error, returned when a value is read.
    pub(super) fn error(&self) -> Error {
        let text = || Error::invalid_input("a handle of a failed operation");
        self.error.borrow().clone().unwrap_or_else(text)
    }

    /// Records the result of an operation on `operands`: `forward` returns its shape and the
    /// operation and fills the buffer, made by `buffer(length)`.
    pub(super) fn record(
        &self,
        operands: &[usize],
        forward: impl FnOnce(&[Node<T>], &mut Plans, &mut Pool<T>) -> Result<(Vec<T>, Shape, Op<T>)>,
    ) -> usize {
        if operands.contains(&FAILED) {
            return FAILED;
        }
        let done = {
            let nodes = self.nodes.borrow();
            let active = operands.iter().any(|&q| nodes[q].op.is_some());
            let (mut plans, mut pool) = (self.plans.borrow_mut(), self.pool.borrow_mut());
            forward(&nodes, &mut plans, &mut pool).map(|(value, shape, op)| {
                if active {
                    return (value, shape, Some(op));
                }
                op.recycle(&mut pool);
                (value, shape, None)
            })
        };
        match done {
            Ok((value, shape, op)) => self.store(Value::Owned(value), shape, op),
            Err(e) => self.fail(e),
        }
    }

    /// The memory of the tape.
    pub fn memory(&self) -> Memory {
        let nodes = self.nodes.borrow();
        let bytes = |shared: bool| {
            let of = |n: &&Node<T>| matches!(n.value, Value::Shared(_)) == shared;
            nodes.iter().filter(of).map(|n| n.value.len() * size_of::<T>()).sum::<usize>()
        };
        Memory {
            values: bytes(false),
            shared: bytes(true),
            nodes: nodes.capacity() * size_of::<Node<T>>(),
            pool: self.pool.borrow().bytes(),
            plans: self.plans.borrow().bytes(),
            adjoints: self.peak.get(),
        }
    }
}
