//! The recording engine.

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

use super::subdomains::SubdomainSolves;
use crate::backend::{Backend, Cpu, Direct, Direction, OrderedSweep, Triangle};
use crate::engine::{Buffer, Eager, Engine, Leaves, Matrix, Vector};
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
#[derive(Debug)]
pub struct Tape<T: Scalar, B = Cpu> {
    pub(super) eager: Eager<T, B>,
    pub(super) nodes: RefCell<Vec<Node<T>>>,
    /// Counts the recordings, so that a vector of an earlier one is not taken for one of this.
    pub(super) recording: Cell<u64>,
}

/// Leaves of a recorded run: constants and parameters.
#[derive(Debug, Clone, Copy)]
pub struct Recorded<T>(PhantomData<T>);

impl<T: Scalar> Leaves for Recorded<T> {
    type Values = Parameter<T>;
    type Direct = Arc<Direct<T>>;
}

/// Stored values, with the number of the parameter that they are, if any.
#[derive(Debug, Clone)]
pub struct Parameter<T> {
    pub(super) values: Arc<Vec<T>>,
    pub(super) number: Option<usize>,
}

impl<T> Parameter<T> {
    /// Values that are not differentiated; they cost nothing in the reverse sweep.
    pub fn constant(values: Arc<Vec<T>>) -> Self {
        Self { values, number: None }
    }

    /// Values whose gradient is wanted, as parameter `number`. Several leaves may share a
    /// number, and their gradients are added.
    pub fn learned(values: Arc<Vec<T>>, number: usize) -> Self {
        Self { values, number: Some(number) }
    }
}

/// A value that flows through a recorded run.
#[derive(Debug, Clone)]
pub struct TapeVector<T> {
    pub(super) value: Rc<Vector<Buffer<T>>>,
    pub(super) node: Option<usize>,
    pub(super) recording: u64,
}

pub(super) type Value<T> = Rc<Vector<Buffer<T>>>;

/// A matrix as a rule needs it.
pub(super) type Operand<T> = Matrix<Parameter<T>>;

/// One operation. `Option<usize>` is the node of an argument, or nothing for a constant;
/// values are kept only where a rule reads them.
#[derive(Debug)]
pub(super) enum Node<T: Scalar> {
    /// A differentiable input.
    Input,
    /// y + α A x (α = −1 for a residual).
    Affine { alpha: f64, a: Operand<T>, x: Option<usize>, y: Option<usize>, kept_x: Option<Value<T>> },
    /// y + d ⊙ x.
    Diagonal { d: Parameter<T>, x: Option<usize>, y: Option<usize>, kept_x: Option<Value<T>> },
    /// α x + β y.
    Combine { alpha: f64, x: Option<usize>, beta: f64, y: Option<usize> },
    /// y + c(index) x.
    Scaled {
        scalars: Parameter<T>,
        index: usize,
        x: Option<usize>,
        y: Option<usize>,
        kept_x: Option<Value<T>>,
    },
    /// T⁻¹ x.
    Triangular { a: Operand<T>, part: Triangle, x: Option<usize>, kept: Option<Value<T>> },
    /// y = D⁻¹ (b − N x) for a triangle T = D + N; x (unless it is zero) and y are kept.
    TriangularSweep {
        a: Operand<T>,
        part: Triangle,
        b: Option<usize>,
        x: Option<usize>,
        kept: Option<(Value<T>, Value<T>)>,
    },
    /// A Gauss–Seidel sweep: T x' = b − (A − T) x.
    Sweep {
        a: Operand<T>,
        direction: Direction,
        b: Option<usize>,
        x: Option<usize>,
        kept: Option<(Value<T>, Value<T>)>,
    },
    /// Σ w(c) x(·, c), weights for every column.
    Weighted { terms: Vec<(usize, Vec<T>)> },
    /// An operation without a reverse rule.
    Refused { what: &'static str },
    /// A Gauss–Seidel sweep in blocks or by colours: (W⁻¹ + S) x' = b − (A − S − W⁻¹) x, with
    /// W = diag(inverse) and S the entries that read new values.
    Ordered {
        a: Operand<T>,
        inverse: Parameter<T>,
        sweep: OrderedSweep,
        b: Option<usize>,
        x: Option<usize>,
        kept: Option<(Value<T>, Value<T>)>,
    },
    /// x + M r for a Schwarz method M.
    SubdomainSolves(SubdomainSolves<T>),
    /// A⁻¹ b.
    Solve { direct: Arc<Direct<T>>, b: Option<usize> },
}

impl<T: Scalar, B: Backend<T>> Tape<T, B> {
    /// A tape for blocks of `k` columns.
    pub fn new(backend: B, k: usize) -> Self {
        Self { eager: Eager::new(backend, k), nodes: RefCell::new(Vec::new()), recording: Cell::new(0) }
    }

    /// A constant vector, rows × k, row-major.
    ///
    /// # Panics
    /// A number of values that k does not divide.
    pub fn constant(&self, values: &[T]) -> TapeVector<T> {
        self.wrap(self.eager.vector(values), None)
    }

    /// A vector whose gradient flows on, rows × k, row-major.
    ///
    /// # Panics
    /// A number of values that k does not divide.
    pub fn input(&self, values: &[T]) -> TapeVector<T> {
        let node = self.push(Node::Input);
        self.wrap(self.eager.vector(values), Some(node))
    }

    /// The values of a vector, rows × k, row-major. Cost: a copy.
    pub fn values(&self, x: &TapeVector<T>) -> Vec<T> {
        self.eager.values(&x.value)
    }

    /// The kernels.
    pub fn backend(&self) -> &B {
        self.eager.backend()
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
        self.eager.factored().clear();
        self.recording.set(self.recording.get() + 1);
    }

    fn push(&self, node: Node<T>) -> usize {
        let mut nodes = self.nodes.borrow_mut();
        nodes.push(node);
        nodes.len() - 1
    }

    fn wrap(&self, value: Vector<Buffer<T>>, node: Option<usize>) -> TapeVector<T> {
        TapeVector { value: Rc::new(value), node, recording: self.recording.get() }
    }

    /// The value if nobody else needs it, or a copy.
    pub(super) fn own(&self, x: TapeVector<T>) -> Vector<Buffer<T>> {
        Rc::try_unwrap(x.value).unwrap_or_else(|shared| self.eager.duplicate(&shared))
    }

    /// A result, with its node if any of `depends` says that it depends on a parameter.
    pub(super) fn record(
        &self,
        value: Vector<Buffer<T>>,
        depends: bool,
        node: impl FnOnce() -> Node<T>,
    ) -> TapeVector<T> {
        let node = (depends && value.handle().is_some()).then(|| self.push(node()));
        self.wrap(value, node)
    }

    fn affine(
        &self,
        alpha: f64,
        a: &Operand<T>,
        x: &TapeVector<T>,
        y: Option<usize>,
        value: Vector<Buffer<T>>,
    ) -> TapeVector<T> {
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

fn host<T: Scalar>(a: &Operand<T>) -> Matrix<Arc<Vec<T>>> {
    a.map(|p| p.values.clone())
}

impl<T: Scalar, B: Backend<T>> Engine for Tape<T, B> {
    type Leaves = Recorded<T>;
    type Vector = TapeVector<T>;

    fn zeros(&self, rows: usize) -> TapeVector<T> {
        self.wrap(self.eager.zeros(rows), None)
    }

    fn residual(&self, b: &TapeVector<T>, a: &Operand<T>, x: &TapeVector<T>) -> TapeVector<T> {
        let value = Engine::residual(&self.eager, &b.value, &host(a), &x.value);
        self.affine(-1.0, a, x, b.node, value)
    }

    fn spmv(&self, a: &Operand<T>, x: &TapeVector<T>) -> TapeVector<T> {
        let value = Engine::spmv(&self.eager, &host(a), &x.value);
        self.affine(1.0, a, x, None, value)
    }

    fn spmv_add(&self, a: &Operand<T>, x: &TapeVector<T>, y: TapeVector<T>) -> TapeVector<T> {
        let node = y.node;
        let value = self.eager.spmv_add(&host(a), &x.value, self.own(y));
        self.affine(1.0, a, x, node, value)
    }

    fn diagonal_add(&self, d: &Parameter<T>, x: &TapeVector<T>, y: TapeVector<T>) -> TapeVector<T> {
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

    fn combine(&self, alpha: f64, x: &TapeVector<T>, beta: f64, y: TapeVector<T>) -> TapeVector<T> {
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
        scalars: &Parameter<T>,
        index: usize,
        x: &TapeVector<T>,
        y: TapeVector<T>,
    ) -> TapeVector<T> {
        let node = y.node;
        let value = self.eager.scaled_add(&scalars.values, index, &x.value, self.own(y));
        let learned = scalars.number.is_some() && x.value.handle().is_some();
        self.record(value, learned || x.node.is_some() || node.is_some(), || Node::Scaled {
            scalars: scalars.clone(),
            index,
            x: x.node,
            y: node,
            kept_x: learned.then(|| x.value.clone()),
        })
    }

    fn least_squares(&self, b: &TapeVector<T>, v: &[&TapeVector<T>], c: &[&TapeVector<T>]) -> TapeVector<T> {
        let plain = |list: &[&TapeVector<T>]| list.iter().map(|v| v.value.clone()).collect::<Vec<_>>();
        let (images, directions) = (plain(v), plain(c));
        let images: Vec<&Vector<Buffer<T>>> = images.iter().map(|v| &**v).collect();
        let directions: Vec<&Vector<Buffer<T>>> = directions.iter().map(|v| &**v).collect();
        let value = Engine::least_squares(&self.eager, &b.value, &images, &directions);
        let depends = b.node.is_some() || v.iter().chain(c).any(|v| v.node.is_some());
        self.record(value, depends, || Node::Refused {
            what: "a K-cycle (it is not linear); train the V-cycle and use the K-cycle afterwards",
        })
    }

    fn solve_triangular(&self, a: &Operand<T>, part: Triangle, x: TapeVector<T>) -> TapeVector<T> {
        let node = x.node;
        let value = Engine::solve_triangular(&self.eager, &host(a), part, self.own(x));
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
        a: &Operand<T>,
        part: Triangle,
        b: &TapeVector<T>,
        x: &TapeVector<T>,
    ) -> TapeVector<T> {
        let learned = a.values.number.is_some();
        let value = Engine::sweep_triangular(&self.eager, &host(a), part, &b.value, &x.value);
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
        a: &Operand<T>,
        b: &TapeVector<T>,
        x: TapeVector<T>,
        direction: Direction,
    ) -> TapeVector<T> {
        let learned = a.values.number.is_some();
        let (node, before) = (x.node, learned.then(|| x.value.clone()));
        let value = Engine::gauss_seidel(&self.eager, &host(a), &b.value, self.own(x), direction);
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
        a: &Operand<T>,
        inverse: &Parameter<T>,
        sweep: &OrderedSweep,
        b: &TapeVector<T>,
        x: TapeVector<T>,
    ) -> TapeVector<T> {
        let learned = a.values.number.is_some() || inverse.number.is_some();
        let (node, before) = (x.node, learned.then(|| x.value.clone()));
        let own = self.own(x);
        let value = Engine::ordered_sweep(&self.eager, &host(a), &inverse.values, sweep, &b.value, own);
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
        a: &Operand<T>,
        subdomains: &Subdomains,
        interface: &Parameter<T>,
        r: &TapeVector<T>,
        x: TapeVector<T>,
    ) -> TapeVector<T> {
        self.record_subdomain_solves(a, subdomains, interface, r, x)
    }

    fn solve(&self, direct: &Arc<Direct<T>>, b: &TapeVector<T>) -> TapeVector<T> {
        let value = Engine::solve(&self.eager, direct, &b.value);
        self.record(value, b.node.is_some(), || Node::Solve { direct: direct.clone(), b: b.node })
    }
}

impl<T: Scalar, B: Backend<T>> Tape<T, B> {
    /// Hands the value of a recorded result to its own node.
    fn keep(&self, out: &mut TapeVector<T>, store: impl FnOnce(&mut Node<T>, Value<T>)) {
        if let Some(number) = out.node {
            store(&mut self.nodes.borrow_mut()[number], out.value.clone());
        }
    }
}
