//! Kernels: BLAS-style, out-parameters, no allocation, no differentiation.
//!
//! Vectors are row-major blocks of n rows and k columns, so one code serves a single right-hand side, many of
//! them, and training batches. Lengths are the caller's responsibility: engines check them once, when a
//! hierarchy is assembled.
//!
//! [`Reference`] is the sequential reference of the others; [`Cpu`] runs on the `rayon` pool and gives the
//! same bits on any number of threads.

mod adjoint;
mod columns;
mod convert;
mod cpu;
#[cfg(feature = "cuda")]
pub(crate) mod cuda;
mod direct;
mod factors;
mod fused;
mod hessenberg;
mod least_squares;
mod one_column;
mod order;
mod over_rows;
mod reference;
mod rows;
mod sampled;
mod sweeps;
mod triangular;
mod triangular_sweeps;

pub(crate) use adjoint::{product_adjoints, sampled_adjoints};
pub(crate) use columns::interleaved_dot;
pub(crate) use columns::vectorised;
pub use cpu::Cpu;
#[cfg(feature = "cuda")]
pub use cuda::{Cuda, OnDevice, Tuning};
pub use direct::Direct;
pub(crate) use factors::{Factors, Ordering};
pub(crate) use fused::{BLOCK, over_blocks};
pub(crate) use hessenberg::{dependent, hessenberg_least_squares};
pub use least_squares::least_squares;
pub use order::{Colouring, Order, OrderedSweep, OrderedView};
#[doc(hidden)]
pub use reference::Reference;

use crate::sparse::{Csr, Pattern, Scalar};

/// A borrowed sparse matrix.
#[derive(Debug, Clone, Copy)]
pub struct View<'a, T> {
    /// Structure.
    pub pattern: &'a Pattern,
    /// One value per stored entry.
    pub values: &'a [T],
}

impl<'a, T: Scalar> From<&'a Csr<T>> for View<'a, T> {
    fn from(a: &'a Csr<T>) -> Self {
        View { pattern: a.pattern(), values: a.values() }
    }
}

/// Order of a Gauss–Seidel sweep over the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Direction {
    /// First row first.
    Forward,
    /// Last row first.
    Backward,
}

impl Direction {
    /// The opposite order.
    #[must_use]
    pub fn reversed(self) -> Self {
        match self {
            Direction::Forward => Direction::Backward,
            Direction::Backward => Direction::Forward,
        }
    }
}

/// A triangular factor stored in a square matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Triangle {
    /// The part at and below the diagonal, or the one at and above it.
    pub lower: bool,
    /// Whether the diagonal is one, regardless of the stored values.
    pub unit: bool,
}

impl Triangle {
    /// Whether entry (i, j) belongs to the factor and is read.
    #[inline(always)]
    pub fn reads(self, i: usize, j: usize) -> bool {
        if i == j { !self.unit } else { (j < i) == self.lower }
    }
}

/// The kernels of the CPU: implemented by [`Cpu`] and by [`Reference`]. A GPU implements the traits of
/// [`engine`](crate::engine) directly. `k` is the number of columns of every block.
#[doc(hidden)]
pub trait Backend<T: Scalar>: Clone + Send + Sync + std::fmt::Debug {
    /// y ← α A x + β y. With β = 0, y is not read.
    fn spmv(&self, alpha: T, a: View<'_, T>, x: &[T], beta: T, y: &mut [T], k: usize);

    /// y ← α Aᵀ x + β y, as a gather through the transposition of the pattern.
    fn spmv_transposed(&self, alpha: T, a: View<'_, T>, x: &[T], beta: T, y: &mut [T], k: usize);

    /// r ← b − A x.
    fn residual(&self, a: View<'_, T>, b: &[T], x: &[T], r: &mut [T], k: usize);

    /// g(p) ← g(p) + α Σ_c y(i,c) x(j,c) for every entry p = (i, j): the sampled
    /// dense-dense product, which is the gradient with respect to a matrix.
    fn sampled_product(&self, alpha: T, pattern: &Pattern, y: &[T], x: &[T], g: &mut [T], k: usize);

    /// The same for the entries that a triangle reads, for blocks (y, x).
    fn sampled_triangle(
        &self,
        alpha: T,
        pattern: &Pattern,
        part: Triangle,
        blocks: (&[T], &[T]),
        g: &mut [T],
        k: usize,
    );

    /// x′(i,c) ← x(i,c) + d(i) (b − A x)(i,c): a sweep of Jacobi relaxation.
    fn jacobi(&self, a: View<'_, T>, d: &[T], b: &[T], x: &[T], next: &mut [T], k: usize);

    /// y(i,c) ← α y(i,c) + β d(i) (b − A x)(i,c): a step of polynomial relaxation. With α = 0, y
    /// is not read.
    #[expect(clippy::too_many_arguments, reason = "the operands of one formula")]
    fn polynomial_step(
        &self,
        a: View<'_, T>,
        d: &[T],
        b: &[T],
        x: &[T],
        factors: (T, T),
        y: &mut [T],
        k: usize,
    );

    /// y(i,c) ← y(i,c) + d(i) x(i,c).
    fn diagonal_add(&self, d: &[T], x: &[T], y: &mut [T], k: usize);

    /// y(i,c) ← d(i) x(i,c).
    fn diagonal_scale(&self, d: &[T], x: &[T], y: &mut [T], k: usize);

    /// g(i) ← g(i) + Σ_c y(i,c) x(i,c).
    fn row_dots(&self, y: &[T], x: &[T], g: &mut [T], k: usize);

    /// y ← α x + β y. With β = 0, y is not read.
    fn combine(&self, alpha: T, x: &[T], beta: T, y: &mut [T]);

    /// x ← T⁻¹ x, or T⁻ᵀ x, for a triangle of `a` whose diagonal has no zero.
    fn solve_triangular(&self, a: View<'_, T>, part: Triangle, transposed: bool, x: &mut [T], k: usize);

    /// y ← D⁻¹ (b − N x) for a triangle T = D + N of `a` whose diagonal D has no zero, or
    /// D⁻¹ (b − Nᵀ x): a sweep of Jacobi relaxation on T y = b, or on Tᵀ y = b. Without x, from zero.
    fn sweep_triangular(
        &self,
        a: View<'_, T>,
        part: Triangle,
        transposed: bool,
        blocks: (&[T], Option<&[T]>),
        y: &mut [T],
        k: usize,
    );

    /// One Gauss–Seidel sweep on A x = b in place; the diagonal has no zero.
    fn gauss_seidel(&self, a: View<'_, T>, b: &[T], x: &mut [T], direction: Direction, k: usize);

    /// y(i,c) ← y(i,c) + α(c) x(i,c).
    fn column_add(&self, alpha: &[T], x: &[T], y: &mut [T]);

    /// One Gauss–Seidel sweep on A x = b in place, in blocks or by colours: in the order of
    /// `sweep`, x(i) ← x(i) + w(i) (b(i) − Σ_j a(i,j) x(j)). `scratch` is as long as x, with any
    /// content.
    fn ordered_sweep(&self, sweep: OrderedView<'_, T>, b: &[T], x: &mut [T], scratch: &mut [T], k: usize);

    /// out(c) ← Σ_i x(i,c) y(i,c), summed in an order that does not depend on threads.
    fn column_dots(&self, x: &[T], y: &[T], out: &mut [T]);
}
