//! Engine that computes on a GPU.

use std::collections::HashMap;
use std::sync::Arc;

use super::executor::OperationOn;
use super::locked::Locked;
use super::resident_leaves::Device;
use super::resident_methods::{DeviceMethod, Methods};
use super::sliced_matrix::Slices;
use super::{Executor, Matrix, Operation, Reversible, Vector};
use crate::backend::cuda::{DevicePattern, DeviceView, Memory, OnDevice, Plain};
use crate::backend::{Cuda, Direction};
use crate::error::{Error, Result};
use crate::schwarz::Subdomains;

/// Engine that queues every operation at the call, with pooled buffers, and never waits for the device.
///
/// After the first run the pool holds all buffers of a run. A run then only launches kernels, and it can be
/// captured as a graph.
#[derive(Debug, Clone)]
pub struct Resident<T: Plain> {
    pub(super) cuda: Cuda,
    pub(super) k: usize,
    pub(super) methods: Arc<Methods<T>>,
    pub(super) slices: Arc<Slices<T>>,
    pool: Arc<Pool<T>>,
}

#[derive(Debug)]
struct Pool<T>(Locked<HashMap<usize, Vec<Memory<T>>>>);

/// Values of a vector on the device, in a buffer from the pool of its engine.
#[derive(Debug)]
pub struct DeviceBuffer<T: Plain> {
    /// `None` only during the drop.
    memory: Option<Memory<T>>,
    pool: Arc<Pool<T>>,
}

impl<T: Plain> DeviceBuffer<T> {
    /// The device memory.
    pub(crate) fn memory(&self) -> &Memory<T> {
        self.memory.as_ref().expect("a buffer has memory until it is dropped")
    }

    /// The device memory, writable.
    pub(crate) fn memory_mut(&mut self) -> &mut Memory<T> {
        self.memory.as_mut().expect("a buffer has memory until it is dropped")
    }
}

impl<T: Plain> Drop for DeviceBuffer<T> {
    fn drop(&mut self) {
        if let Some(memory) = self.memory.take() {
            self.pool.0.borrow_mut().entry(memory.len()).or_default().push(memory);
        }
    }
}

impl<T: OnDevice> Resident<T> {
    /// An engine for blocks of `k` columns, at least one.
    pub fn new(cuda: Cuda, k: usize) -> Self {
        let pool = Arc::new(Pool(Locked::new(HashMap::new())));
        Self { cuda, k: k.max(1), methods: Arc::new(Methods::new()), slices: Arc::new(Slices::new()), pool }
    }

    /// The device.
    pub fn cuda(&self) -> &Cuda {
        &self.cuda
    }

    /// A vector with these values, rows × k, row-major.
    ///
    /// # Panics
    /// A number of values that k does not divide.
    pub fn vector(&self, values: &[T]) -> Vector<DeviceBuffer<T>> {
        assert!(values.len().is_multiple_of(self.k), "{} values are not {} columns", values.len(), self.k);
        Vector::new(values.len() / self.k, self.store(values))
    }

    /// The values of a vector, rows × k, row-major. Waits for all queued work.
    ///
    /// # Errors
    /// The first failure of the device.
    pub fn values(&self, x: &Vector<DeviceBuffer<T>>) -> Result<Vec<T>> {
        match x.handle() {
            Some(buffer) => self.read(buffer),
            None => Ok(vec![T::ZERO; x.rows() * self.k]),
        }
    }

    pub(super) fn pattern(&self, a: &Matrix<Arc<Memory<T>>>) -> Arc<DevicePattern> {
        self.cuda.pattern(&a.pattern)
    }
}

/// Calls `work` with the pattern of `a` and a view of `a` or of its transpose.
macro_rules! with {
    ($engine:expr, $a:expr, $pattern:ident, $view:ident => $work:expr) => {
        with!($engine, $a, false, $pattern, $view => $work)
    };
    ($engine:expr, $a:expr, $transposed:expr, $pattern:ident, $view:ident => $work:expr) => {{
        let $pattern = $engine.pattern($a);
        let mut $view = DeviceView::new(&$pattern, &$a.values);
        if $transposed {
            $view = $view.transposed($pattern.transposition(&$engine.cuda, &$a.pattern));
        }
        $work
    }};
}

pub(super) use with;

impl<T: OnDevice> Executor for Resident<T> {
    type Leaves = Device<T>;
    type Handle = DeviceBuffer<T>;

    fn allocate(&self, rows: usize) -> DeviceBuffer<T> {
        let length = rows * self.k;
        let reused = self.pool.0.borrow_mut().get_mut(&length).and_then(Vec::pop);
        let memory = match reused {
            Some(mut memory) => {
                self.cuda.forget(&mut memory);
                memory
            }
            None => self.cuda.undefined(length),
        };
        DeviceBuffer { memory: Some(memory), pool: self.pool.clone() }
    }

    fn copy(&self, x: &DeviceBuffer<T>) -> DeviceBuffer<T> {
        let mut out = self.allocate(x.memory().len() / self.k);
        self.cuda.copy(x.memory(), out.memory_mut());
        out
    }

    fn run(&self, operation: OperationOn<'_, Self>) {
        use Operation as O;
        let (cuda, k) = (&self.cuda, self.k);
        match operation {
            O::Copy { x, y } => cuda.copy(x.memory(), y.memory_mut()),
            O::Clear { x } => cuda.clear(x.memory_mut()),
            O::Spmv { alpha, a, transposed, x, beta, y } => match self.in_slices(a) {
                Some(s) if !transposed => {
                    cuda.spmv_sliced(alpha, s.matrix.view(), x.memory(), beta, y.memory_mut());
                }
                _ => with!(self, a, transposed, pattern, view => {
                    cuda.spmv(alpha, view, x.memory(), beta, y.memory_mut(), k);
                }),
            },
            O::Residual { a, b, x, r } => match self.in_slices(a) {
                Some(s) => cuda.residual_sliced(s.matrix.view(), b.memory(), x.memory(), r.memory_mut()),
                None => with!(self, a, pattern, view => {
                    cuda.residual(view, b.memory(), x.memory(), r.memory_mut(), k);
                }),
            },
            O::DiagonalAdd { d, x, y } => cuda.diagonal_add(d, x.memory(), y.memory_mut(), k),
            O::DiagonalScale { d, x, y } => cuda.diagonal_scale(d, x.memory(), y.memory_mut(), k),
            O::Jacobi { a, d, b, x, next } => match self.in_slices(a) {
                Some(s) => {
                    cuda.jacobi_sliced(s.matrix.view(), d, b.memory(), x.memory(), next.memory_mut());
                }
                None => with!(self, a, pattern, view => {
                    cuda.jacobi(view, d, b.memory(), x.memory(), next.memory_mut(), k);
                }),
            },
            O::PolynomialStep { a, d, b, x, factors, y } => match self.in_slices(a) {
                Some(s) => {
                    let blocks = (b.memory(), x.memory());
                    cuda.polynomial_step_sliced(s.matrix.view(), d, blocks, factors, y.memory_mut());
                }
                None => with!(self, a, pattern, view => {
                    cuda.polynomial_step(view, d, b.memory(), x.memory(), factors, y.memory_mut(), k);
                }),
            },
            O::Combine { alpha, x, beta, y } => cuda.combine(alpha, x.memory(), beta, y.memory_mut()),
            O::LeastSquares { .. } => cuda.fail(Error::unsuited(
                "a K-cycle is not linear and runs on the CPU only; use a V- or W-cycle",
            )),
            O::SolveTriangular { a, part, transposed, x } => with!(self, a, transposed, pattern, view => {
                let levels = pattern.levels(cuda, &a.pattern, part.lower, transposed);
                cuda.solve_triangular(view, levels, part, x.memory_mut(), k);
            }),
            O::SweepTriangular { a, part, transposed, b, x, y } => {
                with!(self, a, transposed, pattern, view => {
                    let blocks = (b.memory(), x.map(DeviceBuffer::memory));
                    cuda.sweep_triangular(view, part, blocks, y.memory_mut(), k);
                });
            }
            O::GaussSeidel { a, direction, b, x } => with!(self, a, pattern, view => {
                let levels = pattern.levels(cuda, &a.pattern, direction == Direction::Forward, false);
                let mut scratch = self.allocate(pattern.rows);
                let scratch = scratch.memory_mut();
                cuda.gauss_seidel(view, levels, b.memory(), x.memory_mut(), scratch, direction, k);
            }),
            O::OrderedSweep { a, transposed, inverse, sweep, b, x, scratch } => {
                with!(self, a, transposed, pattern, view => {
                    let order = cuda.order(&sweep.order, pattern.rows);
                    let order = (&order.order, sweep.direction);
                    let (x, scratch) = (x.memory_mut(), scratch.memory_mut());
                    cuda.ordered_sweep(view, inverse, order, b.memory(), x, scratch, k);
                });
            }
            O::SubdomainSolves { method, r, beta, x } => {
                self.add_subdomain_solves(method.map(|m| &**m), r, beta, x);
            }
            O::Solve { direct, transposed, b, x } => {
                let matrix = if transposed { direct.transposed.as_ref() } else { Some(&direct.matrix) };
                match matrix {
                    Some(matrix) => {
                        cuda.dense_product(matrix, direct.rows, b.memory(), x.memory_mut(), k);
                    }
                    None => cuda.fail(Error::invalid_input(
                        "the hierarchy was moved to the device for solving; move it there for training",
                    )),
                }
            }
        }
    }

    fn scalar(&self, scalars: &Arc<Memory<T>>, index: usize) -> f64 {
        match self.cuda.download(scalars) {
            Ok(values) => values.get(index).map_or(f64::NAN, |v| v.to_f64()),
            Err(e) => {
                self.cuda.fail(e);
                f64::NAN
            }
        }
    }

    fn method(
        &self,
        a: &Matrix<Arc<Memory<T>>>,
        subdomains: &Subdomains,
        interface: &Arc<Memory<T>>,
    ) -> Option<Arc<DeviceMethod<T>>> {
        match self.methods.get(&self.cuda, a, subdomains, interface) {
            Ok(method) => Some(method),
            // As on the host, the loss becomes NaN.
            Err(e) if e.is_singular() => None,
            Err(e) => {
                self.cuda.fail(e);
                None
            }
        }
    }
}
