//! Kernels: BLAS-style, out-parameters, no allocation, no differentiation.
//!
//! Vectors are row-major blocks of n rows and k columns, so one code serves a single right-hand side, many of
//! them, and training batches. Lengths are the caller's responsibility: engines check them once, when a
//! hierarchy is assembled.
//!
//! [`Reference`] is the sequential reference of the others; [`Cpu`] runs on the `rayon` pool and gives the
//! same bits on any number of threads.

mod adjoint;
mod block_triangular;
mod columns;
mod convert;
mod cpu;
#[cfg(feature = "cuda")]
pub(crate) mod cuda;
mod cuthill_mckee;
mod direct;
mod equilibration;
mod factors;
mod fill;
mod fused;
mod hessenberg;
mod least_squares;
mod left_looking;
mod long_rows;
mod matching;
mod one_column;
mod order;
mod over_rows;
mod reference;
mod rows;
mod sampled;
mod spectrum;
mod stencils;
mod sweeps;
mod triangular;
mod triangular_sweeps;
#[cfg(feature = "faer")]
mod with_faer;
#[cfg(any(test, not(feature = "faer")))]
#[cfg_attr(feature = "faer", allow(dead_code, unused_imports))]
mod without_faer;

#[cfg(feature = "faer")]
use with_faer as library;
#[cfg(not(feature = "faer"))]
use without_faer as library;

pub(crate) use adjoint::{product_adjoints, sampled_adjoints};
pub(crate) use columns::interleaved_dot;
pub(crate) use columns::vectorised;
pub use cpu::Cpu;
#[cfg(feature = "cuda")]
pub use cuda::{Cuda, OnDevice, Tuning};
pub(crate) use cuthill_mckee::{broadest_level, order_of_scattered};
pub use direct::Direct;
pub(crate) use equilibration::Equilibration;
pub(crate) use factors::{Factors, Ordering, has_diagonal_below, has_weak_diagonal};
pub(crate) use fill::{has_little_fill, predicted_nonzeros, surely_fits};
pub(crate) use fused::{BLOCK, over_blocks};
pub(crate) use hessenberg::{dependent, hessenberg_least_squares};
pub use least_squares::least_squares;
pub(crate) use library::{dominant_eigenpair, largest_eigenvalue};
pub(crate) use long_rows::order_with_long_rows_last;
pub(crate) use matching::{Matching, is_easily_matched, largest_product};
pub use order::{Colouring, Order, OrderedSweep, OrderedView};
#[doc(hidden)]
pub use reference::Reference;
pub use spectrum::SpectrumEnd;

use crate::sparse::{Csr, Pattern, Runs, Scalar, Storage};

/// A borrowed sparse matrix.
#[derive(Debug, Clone, Copy)]
pub struct View<'a, T> {
    /// Structure.
    pub pattern: &'a Pattern,
    /// One value per stored entry.
    pub values: &'a [T],
    /// Runs of equal rows, if they are known.
    runs: Option<&'a Runs>,
}

impl<'a, T> View<'a, T> {
    /// A pattern with values on it.
    pub fn new(pattern: &'a Pattern, values: &'a [T]) -> Self {
        Self { pattern, values, runs: None }
    }

    /// The same for values whose runs of equal rows may be known.
    pub(crate) fn of(pattern: &'a Pattern, values: &'a Storage<T>) -> Self {
        Self { pattern, values, runs: values.runs(pattern) }
    }
}

impl<'a, T: Scalar> From<&'a Csr<T>> for View<'a, T> {
    fn from(a: &'a Csr<T>) -> Self {
        View::of(a.pattern(), a.storage())
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
