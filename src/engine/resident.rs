//! The engine that computes on a card.

use std::collections::HashMap;
use std::sync::Arc;

use super::locked::Locked;
use super::resident_leaves::{DenseOperator, Device};
use super::resident_methods::Methods;
use super::resident_sliced::Slices;
use super::{Executor, Matrix, Reversible, Vector};
use crate::backend::cuda::{DevicePattern, DeviceView, Memory, OnDevice, Plain};
use crate::backend::{Cuda, Direction, OrderedSweep, Triangle};
use crate::error::{Error, Result};
use crate::schwarz::Subdomains;

/// Most entries of a restriction for each fine row where residuals are restricted in one pass: every entry works out
/// a residual.
const FUSED: f64 = 1.25;

/// Queues every operation when it is called, with buffers from a pool; nothing waits for the card.
///
/// As long as the pool has what a run needs, as it has after the first one, a run only launches kernels, and can be
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

/// Values of a vector on the device, on loan from the pool of their engine.
#[derive(Debug)]
pub struct DeviceBuffer<T: Plain> {
    /// Nothing only while it is dropped.
    memory: Option<Memory<T>>,
    pool: Arc<Pool<T>>,
}

impl<T: Plain> DeviceBuffer<T> {
    /// The memory.
    pub(crate) fn memory(&self) -> &Memory<T> {
        self.memory.as_ref().expect("a buffer has memory until it is dropped")
    }

    /// The memory, to be written.
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
        assert!(values.len().is_multiple_of(self.k), "{} values are no {} columns", values.len(), self.k);
        Vector::new(values.len() / self.k, self.store(values))
    }

    /// The values of a vector, rows × k, row-major, after all work that was queued.
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

/// Runs `work` with the pattern of `a` and a view of it.
macro_rules! with {
    ($engine:expr, $a:expr, $pattern:ident, $view:ident => $work:expr) => {{
        let $pattern = $engine.pattern($a);
        let $view = DeviceView::new(&$pattern, &$a.values);
        $work
    }};
}

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

    fn spmv(
        &self,
        alpha: f64,
        a: &Matrix<Arc<Memory<T>>>,
        x: &DeviceBuffer<T>,
        beta: f64,
        y: &mut DeviceBuffer<T>,
    ) {
        if let Some(sliced) = self.in_slices(a) {
            return self.cuda.spmv_sliced(alpha, sliced.matrix.view(), x.memory(), beta, y.memory_mut());
        }
        with!(self, a, pattern, view => self.cuda.spmv(alpha, view, x.memory(), beta, y.memory_mut(), self.k));
    }

    fn residual(
        &self,
        a: &Matrix<Arc<Memory<T>>>,
        b: &DeviceBuffer<T>,
        x: &DeviceBuffer<T>,
        r: &mut DeviceBuffer<T>,
    ) {
        if let Some(sliced) = self.in_slices(a) {
            return self.cuda.residual_sliced(sliced.matrix.view(), b.memory(), x.memory(), r.memory_mut());
        }
        with!(self, a, pattern, view => {
            self.cuda.residual(view, b.memory(), x.memory(), r.memory_mut(), self.k);
        });
    }

    fn restricts_residuals(&self, restriction: &Matrix<Arc<Memory<T>>>, a: &Matrix<Arc<Memory<T>>>) -> bool {
        let (pattern, a) = (&restriction.pattern, &a.pattern);
        let each = pattern.nnz() as f64 / pattern.cols().max(1) as f64;
        each <= FUSED || each * (a.nnz() * self.k) as f64 <= self.cuda.tuning().fused_entries as f64
    }

    fn restricted_residual(
        &self,
        restriction: &Matrix<Arc<Memory<T>>>,
        a: &Matrix<Arc<Memory<T>>>,
        (b, x): (&DeviceBuffer<T>, &DeviceBuffer<T>),
        y: &mut DeviceBuffer<T>,
    ) {
        with!(self, a, pattern, view => with!(self, restriction, coarse, r => {
            self.cuda.restricted_residual(r, view, (b.memory(), x.memory()), y.memory_mut(), self.k);
        }));
    }

    fn has_first_residuals(&self) -> bool {
        self.k == 1
    }

    fn first_residual(
        &self,
        a: &Matrix<Arc<Memory<T>>>,
        d: &Arc<Memory<T>>,
        b: &DeviceBuffer<T>,
        x: &mut DeviceBuffer<T>,
        r: &mut DeviceBuffer<T>,
    ) {
        let results = (x.memory_mut(), r.memory_mut());
        if let Some(sliced) = self.in_slices(a) {
            return self.cuda.first_residual_sliced(sliced.matrix.view(), d, b.memory(), results);
        }
        with!(self, a, pattern, view => self.cuda.first_residual(view, d, b.memory(), results));
    }

    fn first_restricted_residual(
        &self,
        restriction: &Matrix<Arc<Memory<T>>>,
        a: &Matrix<Arc<Memory<T>>>,
        (d, b): (&Arc<Memory<T>>, &DeviceBuffer<T>),
        x: &mut DeviceBuffer<T>,
        y: &mut DeviceBuffer<T>,
    ) {
        let results = (x.memory_mut(), y.memory_mut());
        with!(self, a, pattern, view => with!(self, restriction, coarse, r => {
            self.cuda.first_restricted_residual(r, view, (d, b.memory()), results);
        }));
    }

    fn corrects_in_sweeps(&self, prolongation: &Matrix<Arc<Memory<T>>>, a: &Matrix<Arc<Memory<T>>>) -> bool {
        let each = prolongation.pattern.nnz() as f64 / prolongation.pattern.rows().max(1) as f64;
        self.k == 1 && each * a.pattern.nnz() as f64 <= self.cuda.tuning().fused_entries as f64
    }

    fn corrected_jacobi(
        &self,
        (prolongation, e): (&Matrix<Arc<Memory<T>>>, &DeviceBuffer<T>),
        a: &Matrix<Arc<Memory<T>>>,
        (d, b): (&Arc<Memory<T>>, &DeviceBuffer<T>),
        x: &DeviceBuffer<T>,
        next: &mut DeviceBuffer<T>,
    ) {
        with!(self, a, pattern, view => with!(self, prolongation, fine, p => {
            let correction = (p, e.memory());
            self.cuda.corrected_jacobi(correction, view, (d, b.memory()), x.memory(), next.memory_mut());
        }));
    }

    fn diagonal_add(&self, d: &Arc<Memory<T>>, x: &DeviceBuffer<T>, y: &mut DeviceBuffer<T>) {
        self.cuda.diagonal_add(d, x.memory(), y.memory_mut(), self.k);
    }

    fn diagonal_scale(&self, d: &Arc<Memory<T>>, x: &DeviceBuffer<T>, y: &mut DeviceBuffer<T>) {
        self.cuda.diagonal_scale(d, x.memory(), y.memory_mut(), self.k);
    }

    fn jacobi(
        &self,
        a: &Matrix<Arc<Memory<T>>>,
        d: &Arc<Memory<T>>,
        b: &DeviceBuffer<T>,
        x: &DeviceBuffer<T>,
        next: &mut DeviceBuffer<T>,
    ) {
        if let Some(sliced) = self.in_slices(a) {
            return self.cuda.jacobi_sliced(
                sliced.matrix.view(),
                d,
                b.memory(),
                x.memory(),
                next.memory_mut(),
            );
        }
        with!(self, a, pattern, view => {
            self.cuda.jacobi(view, d, b.memory(), x.memory(), next.memory_mut(), self.k);
        });
    }

    fn polynomial_step(
        &self,
        a: &Matrix<Arc<Memory<T>>>,
        d: &Arc<Memory<T>>,
        b: &DeviceBuffer<T>,
        x: &DeviceBuffer<T>,
        factors: (f64, f64),
        y: &mut DeviceBuffer<T>,
    ) {
        if let Some(sliced) = self.in_slices(a) {
            let blocks = (b.memory(), x.memory());
            return self.cuda.polynomial_step_sliced(
                sliced.matrix.view(),
                d,
                blocks,
                factors,
                y.memory_mut(),
            );
        }
        with!(self, a, pattern, view => {
            self.cuda.polynomial_step(view, d, b.memory(), x.memory(), factors, y.memory_mut(), self.k);
        });
    }

    fn combine(&self, alpha: f64, x: &DeviceBuffer<T>, beta: f64, y: &mut DeviceBuffer<T>) {
        self.cuda.combine(alpha, x.memory(), beta, y.memory_mut());
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

    fn least_squares(
        &self,
        _: &DeviceBuffer<T>,
        _: &[&DeviceBuffer<T>],
        _: &[&DeviceBuffer<T>],
        _: &mut DeviceBuffer<T>,
    ) {
        self.cuda
            .fail(Error::unsuited("a K-cycle is not linear and runs on the CPU only; use a V- or W-cycle"));
    }

    fn solve_triangular(&self, a: &Matrix<Arc<Memory<T>>>, part: Triangle, x: &mut DeviceBuffer<T>) {
        with!(self, a, pattern, view => {
            let levels = pattern.levels(&self.cuda, &a.pattern, part.lower, false);
            self.cuda.solve_triangular(view, levels, part, x.memory_mut(), self.k);
        });
    }

    fn sweep_triangular(
        &self,
        a: &Matrix<Arc<Memory<T>>>,
        part: Triangle,
        b: &DeviceBuffer<T>,
        x: Option<&DeviceBuffer<T>>,
        y: &mut DeviceBuffer<T>,
    ) {
        with!(self, a, pattern, view => {
            let blocks = (b.memory(), x.map(DeviceBuffer::memory));
            self.cuda.sweep_triangular(view, part, blocks, y.memory_mut(), self.k);
        });
    }

    fn gauss_seidel(
        &self,
        a: &Matrix<Arc<Memory<T>>>,
        b: &DeviceBuffer<T>,
        x: &mut DeviceBuffer<T>,
        direction: Direction,
    ) {
        with!(self, a, pattern, view => {
            let levels = pattern.levels(&self.cuda, &a.pattern, direction == Direction::Forward, false);
            let mut scratch = self.allocate(pattern.rows);
            self.cuda.gauss_seidel(
                view, levels, b.memory(), x.memory_mut(), scratch.memory_mut(), direction, self.k,
            );
        });
    }

    fn ordered_sweep(
        &self,
        a: &Matrix<Arc<Memory<T>>>,
        inverse: &Arc<Memory<T>>,
        sweep: &OrderedSweep,
        b: &DeviceBuffer<T>,
        x: &mut DeviceBuffer<T>,
        scratch: &mut DeviceBuffer<T>,
    ) {
        with!(self, a, pattern, view => {
            let order = self.cuda.order(&sweep.order, pattern.rows);
            self.cuda.ordered_sweep(
                view,
                inverse,
                (&order.order, sweep.direction),
                b.memory(),
                x.memory_mut(),
                scratch.memory_mut(),
                self.k,
            );
        });
    }

    fn subdomain_solves(
        &self,
        a: &Matrix<Arc<Memory<T>>>,
        subdomains: &Subdomains,
        interface: &Arc<Memory<T>>,
        r: &DeviceBuffer<T>,
        beta: f64,
        x: &mut DeviceBuffer<T>,
    ) {
        self.add_subdomain_solves(a, subdomains, interface, r, beta, x);
    }

    fn solve(&self, direct: &Arc<DenseOperator<T>>, b: &DeviceBuffer<T>, x: &mut DeviceBuffer<T>) {
        self.cuda.dense_product(&direct.matrix, direct.rows, b.memory(), x.memory_mut(), self.k);
    }

    fn clear(&self, x: &mut DeviceBuffer<T>) {
        self.cuda.clear(x.memory_mut());
    }
}
