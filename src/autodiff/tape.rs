//! The recording engine.

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::rc::Rc;

use super::node::{Node, Value};
use crate::backend::Cpu;
use crate::engine::{Engine, Executor, HostMachine, Leaves, Machine, Reversible, Vector};
use crate::error::Result;
use crate::sparse::Scalar;

/// Computes at once and records what the reverse sweep needs.
///
/// ```
/// use std::sync::Arc;
/// use multigrad::autodiff::{Parameter, Tape};
/// use multigrad::backend::Cpu;
/// use multigrad::engine::{Engine, Matrix};
/// use multigrad::sparse::Csr;
///
/// // y = A x with A = [2 1; 0 3]; the loss is the sum of y.
/// let a: Matrix<Arc<Vec<f64>>> = Csr::from_triplets(2, 2, &[(0, 0, 2.0), (0, 1, 1.0), (1, 1, 3.0)])?.into();
/// let tape = Tape::new(Cpu, 1);
/// let x = tape.input(&[5.0, 7.0]);
/// let y = tape.spmv(&a.map(|v| Parameter::learned(v.clone(), 0)), &x);
/// let gradients = tape.backward(&[3], &y, &[1.0, 1.0])?;
/// assert_eq!(gradients[0], [5.0, 7.0, 7.0]); // x(j) for every entry (i, j)
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub struct Tape<T: Scalar, B: Machine<T> = Cpu> {
    pub(super) eager: B::Executor,
    pub(super) machine: B,
    pub(super) nodes: RefCell<Vec<Node<T, B::Executor>>>,
    /// Counts the recordings, so that a vector of an earlier one is not taken for one of this.
    pub(super) recording: Cell<u64>,
}

impl<T: Scalar, B: Machine<T>> std::fmt::Debug for Tape<T, B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let operations = self.nodes.borrow().len();
        f.debug_struct("Tape").field("machine", &self.machine).field("operations", &operations).finish()
    }
}

/// Leaves of a recorded run: those of `L`, as constants and parameters.
#[derive(Debug, Clone, Copy)]
pub struct Recorded<L>(PhantomData<L>);

impl<L: Leaves> Leaves for Recorded<L> {
    type Values = Parameter<L::Values>;
    type Direct = L::Direct;
    type Method = L::Method;
}

/// Stored values, with the number of the parameter that they are, if any.
#[derive(Debug, Clone)]
pub struct Parameter<V> {
    pub(super) values: V,
    pub(super) number: Option<usize>,
}

impl<V> Parameter<V> {
    /// Values that are not differentiated; they cost nothing in the reverse sweep.
    pub fn constant(values: V) -> Self {
        Self { values, number: None }
    }

    /// Values whose gradient is wanted, as parameter `number`. Several leaves may share a
    /// number, and their gradients are added.
    pub fn learned(values: V, number: usize) -> Self {
        Self { values, number: Some(number) }
    }
}

/// A value that flows through a recorded run.
pub struct TapeVector<T: Scalar, B: Machine<T> = Cpu> {
    pub(super) value: Value<B::Executor>,
    pub(super) node: Option<usize>,
    pub(super) recording: u64,
}

impl<T: Scalar, B: Machine<T>> TapeVector<T, B> {
    /// Its storage, or nothing if it is known to be zero.
    pub fn handle(&self) -> Option<&Handle<T, B>> {
        self.value.handle()
    }
}

impl<T: Scalar, B: Machine<T>> Clone for TapeVector<T, B> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), node: self.node, recording: self.recording }
    }
}

pub(super) type Handle<T, B> = <<B as Machine<T>>::Executor as Executor>::Handle;

impl<T: Scalar, B: Machine<T>> Tape<T, B> {
    /// A tape for blocks of `k` columns.
    pub fn new(backend: B, k: usize) -> Self {
        let eager = backend.clone().executor(k);
        Self { eager, machine: backend, nodes: RefCell::new(Vec::new()), recording: Cell::new(0) }
    }

    /// A constant vector, rows × k, row-major.
    ///
    /// # Panics
    /// A number of values that k does not divide.
    pub fn constant(&self, values: &[T]) -> TapeVector<T, B> {
        self.wrap(self.stored(values), None)
    }

    /// A vector whose gradient flows on, rows × k, row-major.
    ///
    /// # Panics
    /// A number of values that k does not divide.
    pub fn input(&self, values: &[T]) -> TapeVector<T, B> {
        let node = self.push(Node::Input);
        self.wrap(self.stored(values), Some(node))
    }

    /// A constant vector that lies where the tape computes.
    pub fn constant_of(&self, rows: usize, handle: Handle<T, B>) -> TapeVector<T, B> {
        self.wrap(Vector::new(rows, handle), None)
    }

    fn stored(&self, values: &[T]) -> Vector<Handle<T, B>> {
        Vector::new(values.len() / self.columns().max(1), self.eager.store(values))
    }

    /// The values of a vector, rows × k, row-major. Cost: a copy.
    ///
    /// # Errors
    /// A failure of the device; none on the host.
    pub fn read(&self, x: &TapeVector<T, B>) -> Result<Vec<T>> {
        match x.value.handle() {
            Some(handle) => self.eager.read(handle),
            None => Ok(vec![T::ZERO; x.value.rows() * self.columns()]),
        }
    }

    /// Where it computes.
    pub fn machine(&self) -> &B {
        &self.machine
    }

    /// What runs its operations.
    pub fn executor(&self) -> &B::Executor {
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

    /// Forgets the recording and keeps the buffers for the next one.
    pub fn clear(&self) {
        self.nodes.borrow_mut().clear();
        self.eager.forget_methods();
        self.recording.set(self.recording.get() + 1);
    }

    pub(super) fn push(&self, node: Node<T, B::Executor>) -> usize {
        let mut nodes = self.nodes.borrow_mut();
        nodes.push(node);
        nodes.len() - 1
    }

    pub(super) fn wrap(&self, value: Vector<Handle<T, B>>, node: Option<usize>) -> TapeVector<T, B> {
        TapeVector { value: Rc::new(value), node, recording: self.recording.get() }
    }

    /// The value if nobody else needs it, or a copy.
    pub(super) fn own(&self, x: TapeVector<T, B>) -> Vector<Handle<T, B>> {
        Rc::try_unwrap(x.value).unwrap_or_else(|shared| match shared.handle() {
            Some(handle) => Vector::new(shared.rows(), self.eager.copy(handle)),
            None => self.eager.zeros(shared.rows()),
        })
    }

    /// A result, with its node if any of `depends` says that it depends on a parameter.
    pub(super) fn record(
        &self,
        value: Vector<Handle<T, B>>,
        depends: bool,
        node: impl FnOnce() -> Node<T, B::Executor>,
    ) -> TapeVector<T, B> {
        let node = (depends && value.handle().is_some()).then(|| self.push(node()));
        self.wrap(value, node)
    }
}

impl<T: Scalar, B: HostMachine<T>> Tape<T, B> {
    /// The values of a vector on the host, rows × k, row-major. Cost: a copy.
    pub fn values(&self, x: &TapeVector<T, B>) -> Vec<T> {
        self.eager.values(&x.value)
    }

    /// The kernels.
    pub fn backend(&self) -> &B {
        &self.machine
    }
}
