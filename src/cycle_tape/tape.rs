//! Recording engine.

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::rc::Rc;

use super::node::{Node, Value};
use crate::engine::{Eager, Engine, Executor, Reversible, Vector};
use crate::error::Result;
use crate::sparse::Scalar;

/// Engine that computes immediately and records the data of the reverse sweep.
///
/// ```
/// use std::sync::Arc;
/// use multigrad::cycle_tape::{Parameter, Tape};
/// use multigrad::engine::{Engine, Matrix};
/// use multigrad::sparse::{Csr, Storage};
///
/// // y = A x with A = [2 1; 0 3]; the loss is the sum of y.
/// let a: Matrix<Arc<Storage<f64>>> = Csr::from_triplets(2, 2, &[(0, 0, 2.0), (0, 1, 1.0), (1, 1, 3.0)])?.into();
/// let tape = Tape::new(1);
/// let x = tape.input(&[5.0, 7.0]);
/// let y = tape.spmv(&a.map(|v| Parameter::learned(v.clone(), 0)), &x);
/// let gradients = tape.backward(&[3], &y, &[1.0, 1.0])?;
/// assert_eq!(gradients[0], [5.0, 7.0, 7.0]); // x(j) for every entry (i, j)
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub struct Tape<T: Scalar, X: Reversible<T> = Eager<T>> {
    pub(super) eager: X,
    pub(super) nodes: RefCell<Vec<Node<T, X>>>,
    /// Number of the present recording, by which vectors of earlier recordings are recognised.
    pub(super) recording: Cell<u64>,
}

impl<T: Scalar, X: Reversible<T>> std::fmt::Debug for Tape<T, X> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let operations = self.nodes.borrow().len();
        f.debug_struct("Tape").field("executor", &self.eager).field("operations", &operations).finish()
    }
}

/// A vector of a recorded run.
pub struct TapeVector<T: Scalar, X: Reversible<T> = Eager<T>> {
    pub(super) value: Value<X>,
    pub(super) node: Option<usize>,
    pub(super) recording: u64,
    precision: PhantomData<T>,
}

impl<T: Scalar, X: Reversible<T>> TapeVector<T, X> {
    /// Its storage, or `None` if it is known to be zero.
    pub fn handle(&self) -> Option<&Handle<X>> {
        self.value.handle()
    }
}

impl<T: Scalar, X: Reversible<T>> Clone for TapeVector<T, X> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), precision: PhantomData, ..*self }
    }
}

pub(super) type Handle<X> = <X as Executor>::Handle;

impl<T: Scalar, X: Reversible<T>> Tape<T, X> {
    /// A tape that runs its operations on this executor.
    pub fn on(executor: X) -> Self {
        Self { eager: executor, nodes: RefCell::new(Vec::new()), recording: Cell::new(0) }
    }

    /// A constant vector, rows × k, row-major.
    ///
    /// # Panics
    /// A number of values that k does not divide.
    pub fn constant(&self, values: &[T]) -> TapeVector<T, X> {
        self.wrap(self.stored(values), None)
    }

    /// A differentiable vector, rows × k, row-major.
    ///
    /// # Panics
    /// A number of values that k does not divide.
    pub fn input(&self, values: &[T]) -> TapeVector<T, X> {
        let node = self.push(Node::Input);
        self.wrap(self.stored(values), Some(node))
    }

    /// A constant vector on the machine of the tape.
    pub fn constant_of(&self, rows: usize, handle: Handle<X>) -> TapeVector<T, X> {
        self.wrap(Vector::new(rows, handle), None)
    }

    fn stored(&self, values: &[T]) -> Vector<Handle<X>> {
        Vector::new(values.len() / self.columns().max(1), self.eager.store(values))
    }

    /// The values of a vector, rows × k, row-major. Cost: a copy.
    ///
    /// # Errors
    /// A failure of the device; the host never fails.
    pub fn read(&self, x: &TapeVector<T, X>) -> Result<Vec<T>> {
        match x.value.handle() {
            Some(handle) => self.eager.read(handle),
            None => Ok(vec![T::ZERO; x.value.rows() * self.columns()]),
        }
    }

    /// The executor of its operations.
    pub fn executor(&self) -> &X {
        &self.eager
    }

    /// Number of columns of every block.
    pub fn columns(&self) -> usize {
        self.eager.columns()
    }

    /// Number of recorded operations.
    pub fn operations(&self) -> usize {
        self.nodes.borrow().len()
    }

    /// Clears the recording and keeps the buffers for the next one.
    pub fn clear(&self) {
        self.nodes.borrow_mut().clear();
        self.eager.forget_methods();
        self.recording.set(self.recording.get() + 1);
    }

    pub(super) fn push(&self, node: Node<T, X>) -> usize {
        let mut nodes = self.nodes.borrow_mut();
        nodes.push(node);
        nodes.len() - 1
    }

    pub(super) fn wrap(&self, value: Vector<Handle<X>>, node: Option<usize>) -> TapeVector<T, X> {
        TapeVector { value: Rc::new(value), node, recording: self.recording.get(), precision: PhantomData }
    }

    /// The value itself if it is not shared, otherwise a copy.
    pub(super) fn own(&self, x: TapeVector<T, X>) -> Vector<Handle<X>> {
        Rc::try_unwrap(x.value).unwrap_or_else(|shared| match shared.handle() {
            Some(handle) => Vector::new(shared.rows(), self.eager.copy(handle)),
            None => self.eager.zeros(shared.rows()),
        })
    }

    /// A result, with a node if `depends` is set: the result depends on a parameter.
    pub(super) fn record(
        &self,
        value: Vector<Handle<X>>,
        depends: bool,
        node: impl FnOnce() -> Node<T, X>,
    ) -> TapeVector<T, X> {
        let node = (depends && value.handle().is_some()).then(|| self.push(node()));
        self.wrap(value, node)
    }
}

impl<T: Scalar> Tape<T> {
    /// A tape on the CPU for blocks of `k` columns.
    pub fn new(k: usize) -> Self {
        Self::on(Eager::new(k))
    }

    /// The values of a vector on the host, rows × k, row-major. Cost: a copy.
    pub fn values(&self, x: &TapeVector<T>) -> Vec<T> {
        self.eager.values(&x.value)
    }
}
