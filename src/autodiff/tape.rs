//! The recording engine.

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::rc::Rc;

use super::subdomains::SubdomainSolves;
use crate::backend::{Cpu, Direction, OrderedSweep, Triangle};
use crate::engine::{Engine, Executor, HostMachine, Leaves, Machine, Matrix, Reversible, Vector};
use crate::error::Result;
use crate::schwarz::Subdomains;
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

pub(super) type Value<X> = Rc<Vector<<X as Executor>::Handle>>;

type ValuesOf<X> = <<X as Executor>::Leaves as Leaves>::Values;
type DirectOf<X> = <<X as Executor>::Leaves as Leaves>::Direct;

/// Stored values as a rule needs them.
pub(super) type Leaf<X> = Parameter<ValuesOf<X>>;

/// A matrix as a rule needs it.
pub(super) type Operand<X> = Matrix<Leaf<X>>;

/// One operation. `Option<usize>` is the node of an argument, or nothing for a constant;
/// values are kept only where a rule reads them.
pub(super) enum Node<T: Scalar, X: Reversible<T>> {
    /// A differentiable input.
    Input,
    /// y + α A x (α = −1 for a residual).
    Affine { alpha: f64, a: Operand<X>, x: Option<usize>, y: Option<usize>, kept_x: Option<Value<X>> },
    /// y + d ⊙ x.
    Diagonal { d: Leaf<X>, x: Option<usize>, y: Option<usize>, kept_x: Option<Value<X>> },
    /// α x + β y.
    Combine { alpha: f64, x: Option<usize>, beta: f64, y: Option<usize> },
    /// y + c(index) x.
    Scaled { scalars: Leaf<X>, index: usize, x: Option<usize>, y: Option<usize>, kept_x: Option<Value<X>> },
    /// T⁻¹ x.
    Triangular { a: Operand<X>, part: Triangle, x: Option<usize>, kept: Option<Value<X>> },
    /// y = D⁻¹ (b − N x) for a triangle T = D + N; x (unless it is zero) and y are kept.
    TriangularSweep {
        a: Operand<X>,
        part: Triangle,
        b: Option<usize>,
        x: Option<usize>,
        kept: Option<(Value<X>, Value<X>)>,
    },
    /// A Gauss–Seidel sweep: T x' = b − (A − T) x.
    Sweep {
        a: Operand<X>,
        direction: Direction,
        b: Option<usize>,
        x: Option<usize>,
        kept: Option<(Value<X>, Value<X>)>,
    },
    /// Σ w(c) x(·, c), weights for every column.
    Weighted { terms: Vec<(usize, Vec<T>)> },
    /// An operation without a reverse rule.
    Refused { what: &'static str },
    /// A Gauss–Seidel sweep in blocks or by colours: (W⁻¹ + S) x' = b − (A − S − W⁻¹) x, with
    /// W = diag(inverse) and S the entries that read new values.
    Ordered {
        a: Operand<X>,
        inverse: Leaf<X>,
        sweep: OrderedSweep,
        b: Option<usize>,
        x: Option<usize>,
        kept: Option<(Value<X>, Value<X>)>,
    },
    /// x + M r for a Schwarz method M.
    SubdomainSolves(SubdomainSolves<T, X>),
    /// A⁻¹ b.
    Solve { direct: DirectOf<X>, b: Option<usize> },
}

type Handle<T, B> = <<B as Machine<T>>::Executor as Executor>::Handle;

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

    fn push(&self, node: Node<T, B::Executor>) -> usize {
        let mut nodes = self.nodes.borrow_mut();
        nodes.push(node);
        nodes.len() - 1
    }

    fn wrap(&self, value: Vector<Handle<T, B>>, node: Option<usize>) -> TapeVector<T, B> {
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

    fn affine(
        &self,
        alpha: f64,
        a: &Operand<B::Executor>,
        x: &TapeVector<T, B>,
        y: Option<usize>,
        value: Vector<Handle<T, B>>,
    ) -> TapeVector<T, B> {
        let learned = a.values.number.is_some() && x.value.handle().is_some();
        let depends = learned || x.node.is_some() || y.is_some();
        self.record(value, depends, || Node::Affine {
            alpha,
            a: a.clone(),
            x: x.node,
            y,
            kept_x: learned.then(|| x.value.clone()),
        })
    }
}

/// A matrix without the number of its parameter.
pub(super) fn plain<V: Clone>(a: &Matrix<Parameter<V>>) -> Matrix<V> {
    a.map(|p| p.values.clone())
}

impl<T: Scalar, B: Machine<T>> Engine for Tape<T, B> {
    type Leaves = Recorded<<B::Executor as Executor>::Leaves>;
    type Vector = TapeVector<T, B>;

    fn zeros(&self, rows: usize) -> TapeVector<T, B> {
        self.wrap(self.eager.zeros(rows), None)
    }

    fn residual(
        &self,
        b: &TapeVector<T, B>,
        a: &Operand<B::Executor>,
        x: &TapeVector<T, B>,
    ) -> TapeVector<T, B> {
        let value = Engine::residual(&self.eager, &b.value, &plain(a), &x.value);
        self.affine(-1.0, a, x, b.node, value)
    }

    fn spmv(&self, a: &Operand<B::Executor>, x: &TapeVector<T, B>) -> TapeVector<T, B> {
        let value = Engine::spmv(&self.eager, &plain(a), &x.value);
        self.affine(1.0, a, x, None, value)
    }

    fn spmv_add(
        &self,
        a: &Operand<B::Executor>,
        x: &TapeVector<T, B>,
        y: TapeVector<T, B>,
    ) -> TapeVector<T, B> {
        let node = y.node;
        let value = Engine::spmv_add(&self.eager, &plain(a), &x.value, self.own(y));
        self.affine(1.0, a, x, node, value)
    }

    fn diagonal_add(
        &self,
        d: &Leaf<B::Executor>,
        x: &TapeVector<T, B>,
        y: TapeVector<T, B>,
    ) -> TapeVector<T, B> {
        let node = y.node;
        let value = Engine::diagonal_add(&self.eager, &d.values, &x.value, self.own(y));
        let learned = d.number.is_some() && x.value.handle().is_some();
        self.record(value, learned || x.node.is_some() || node.is_some(), || Node::Diagonal {
            d: d.clone(),
            x: x.node,
            y: node,
            kept_x: learned.then(|| x.value.clone()),
        })
    }

    fn combine(&self, alpha: f64, x: &TapeVector<T, B>, beta: f64, y: TapeVector<T, B>) -> TapeVector<T, B> {
        let node = y.node;
        let value = Engine::combine(&self.eager, alpha, &x.value, beta, self.own(y));
        self.record(value, x.node.is_some() || node.is_some(), || Node::Combine {
            alpha,
            x: x.node,
            beta,
            y: node,
        })
    }

    fn scaled_add(
        &self,
        scalars: &Leaf<B::Executor>,
        index: usize,
        x: &TapeVector<T, B>,
        y: TapeVector<T, B>,
    ) -> TapeVector<T, B> {
        let node = y.node;
        let value = Engine::scaled_add(&self.eager, &scalars.values, index, &x.value, self.own(y));
        let learned = scalars.number.is_some() && x.value.handle().is_some();
        self.record(value, learned || x.node.is_some() || node.is_some(), || Node::Scaled {
            scalars: scalars.clone(),
            index,
            x: x.node,
            y: node,
            kept_x: learned.then(|| x.value.clone()),
        })
    }

    fn least_squares(
        &self,
        b: &TapeVector<T, B>,
        v: &[&TapeVector<T, B>],
        c: &[&TapeVector<T, B>],
    ) -> TapeVector<T, B> {
        let values = |list: &[&TapeVector<T, B>]| list.iter().map(|v| v.value.clone()).collect::<Vec<_>>();
        let (images, directions) = (values(v), values(c));
        let images: Vec<&Vector<Handle<T, B>>> = images.iter().map(|v| &**v).collect();
        let directions: Vec<&Vector<Handle<T, B>>> = directions.iter().map(|v| &**v).collect();
        let value = Engine::least_squares(&self.eager, &b.value, &images, &directions);
        let depends = b.node.is_some() || v.iter().chain(c).any(|v| v.node.is_some());
        self.record(value, depends, || Node::Refused {
            what: "a K-cycle (it is not linear); train the V-cycle and use the K-cycle afterwards",
        })
    }

    fn solve_triangular(
        &self,
        a: &Operand<B::Executor>,
        part: Triangle,
        x: TapeVector<T, B>,
    ) -> TapeVector<T, B> {
        let node = x.node;
        let value = Engine::solve_triangular(&self.eager, &plain(a), part, self.own(x));
        let learned = a.values.number.is_some();
        let mut out = self.record(value, learned || node.is_some(), || Node::Triangular {
            a: a.clone(),
            part,
            x: node,
            kept: None,
        });
        if learned {
            self.keep(&mut out, |node, value| {
                if let Node::Triangular { kept, .. } = node {
                    *kept = Some(value);
                }
            });
        }
        out
    }

    fn sweep_triangular(
        &self,
        a: &Operand<B::Executor>,
        part: Triangle,
        b: &TapeVector<T, B>,
        x: &TapeVector<T, B>,
    ) -> TapeVector<T, B> {
        let learned = a.values.number.is_some();
        let value = Engine::sweep_triangular(&self.eager, &plain(a), part, &b.value, &x.value);
        let depends = learned || b.node.is_some() || x.node.is_some();
        let mut out = self.record(value, depends, || Node::TriangularSweep {
            a: a.clone(),
            part,
            b: b.node,
            x: x.node,
            kept: None,
        });
        if learned {
            self.keep(&mut out, |node, value| {
                if let Node::TriangularSweep { kept, .. } = node {
                    *kept = Some((x.value.clone(), value));
                }
            });
        }
        out
    }

    fn gauss_seidel(
        &self,
        a: &Operand<B::Executor>,
        b: &TapeVector<T, B>,
        x: TapeVector<T, B>,
        direction: Direction,
    ) -> TapeVector<T, B> {
        let learned = a.values.number.is_some();
        let (node, before) = (x.node, learned.then(|| x.value.clone()));
        let value = Engine::gauss_seidel(&self.eager, &plain(a), &b.value, self.own(x), direction);
        let mut out = self.record(value, learned || b.node.is_some() || node.is_some(), || Node::Sweep {
            a: a.clone(),
            direction,
            b: b.node,
            x: node,
            kept: None,
        });
        if let Some(before) = before {
            self.keep(&mut out, |node, value| {
                if let Node::Sweep { kept, .. } = node {
                    *kept = Some((before, value));
                }
            });
        }
        out
    }

    fn ordered_sweep(
        &self,
        a: &Operand<B::Executor>,
        inverse: &Leaf<B::Executor>,
        sweep: &OrderedSweep,
        b: &TapeVector<T, B>,
        x: TapeVector<T, B>,
    ) -> TapeVector<T, B> {
        let learned = a.values.number.is_some() || inverse.number.is_some();
        let (node, before) = (x.node, learned.then(|| x.value.clone()));
        let own = self.own(x);
        let value = Engine::ordered_sweep(&self.eager, &plain(a), &inverse.values, sweep, &b.value, own);
        let mut out = self.record(value, learned || b.node.is_some() || node.is_some(), || Node::Ordered {
            a: a.clone(),
            inverse: inverse.clone(),
            sweep: sweep.clone(),
            b: b.node,
            x: node,
            kept: None,
        });
        if let Some(before) = before {
            self.keep(&mut out, |node, value| {
                if let Node::Ordered { kept, .. } = node {
                    *kept = Some((before, value));
                }
            });
        }
        out
    }

    fn subdomain_solves(
        &self,
        a: &Operand<B::Executor>,
        subdomains: &Subdomains,
        interface: &Leaf<B::Executor>,
        r: &TapeVector<T, B>,
        x: TapeVector<T, B>,
    ) -> TapeVector<T, B> {
        self.record_subdomain_solves(a, subdomains, interface, r, x)
    }

    fn solve(&self, direct: &DirectOf<B::Executor>, b: &TapeVector<T, B>) -> TapeVector<T, B> {
        let value = Engine::solve(&self.eager, direct, &b.value);
        self.record(value, b.node.is_some(), || Node::Solve { direct: direct.clone(), b: b.node })
    }
}

impl<T: Scalar, B: Machine<T>> Tape<T, B> {
    /// Hands the value of a recorded result to its own node.
    fn keep(
        &self,
        out: &mut TapeVector<T, B>,
        store: impl FnOnce(&mut Node<T, B::Executor>, Value<B::Executor>),
    ) {
        if let Some(number) = out.node {
            store(&mut self.nodes.borrow_mut()[number], out.value.clone());
        }
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
