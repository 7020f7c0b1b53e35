//! Kernels of reverse rules, which an executor provides in addition to its operations.

use std::fmt::Debug;
use std::sync::Arc;

use super::{Executor, Leaves};
use crate::backend::{OrderedSweep, Triangle};
use crate::error::Result;
use crate::sparse::{Pattern, Scalar};

/// Entries of a matrix that a rule samples.
#[derive(Debug, Clone, Copy)]
pub enum Entries<'a> {
    /// All entries.
    All,
    /// The entries that a triangle reads.
    Triangle(Triangle),
    /// The entries outside a triangle.
    Outside(Triangle),
    /// The diagonal entries.
    Diagonal,
    /// The entries that multiply new values in a sweep.
    New(&'a OrderedSweep),
    /// The entries that multiply old values in a sweep.
    Old(&'a OrderedSweep),
}

type Values<X> = <<X as Executor>::Leaves as Leaves>::Values;
type Method<X> = <<X as Executor>::Leaves as Leaves>::Method;

/// An executor with the kernels of reverse rules. Gradients are flat accumulators, one value for every
/// stored value of a leaf.
pub trait Reversible<T: Scalar>: Executor + Debug {
    /// A gradient accumulator.
    type Gradient;
    /// Local solutions on all subdomains of a Schwarz method.
    type Solutions: Debug;

    /// Number of columns of every block.
    fn columns(&self) -> usize;
    /// A handle with these values, rows × k, row-major.
    fn store(&self, values: &[T]) -> Self::Handle;
    /// The values of a handle.
    ///
    /// # Errors
    /// A failure of the device.
    fn read(&self, x: &Self::Handle) -> Result<Vec<T>>;
    /// Number of stored values of a leaf.
    fn length(&self, values: &Values<Self>) -> usize;
    /// Rows of a handle.
    fn rows(&self, x: &Self::Handle) -> usize;
    /// An accumulator of zeros.
    fn gradient(&self, length: usize) -> Self::Gradient;
    /// The values of an accumulator.
    ///
    /// # Errors
    /// A failure of the device.
    fn read_gradient(&self, g: Self::Gradient) -> Result<Vec<T>>;

    /// g(p) ← g(p) + α Σ_c y(i,c) x(j,c) for these entries p = (i, j), for blocks (y, x).
    fn sampled_product(
        &self,
        alpha: f64,
        pattern: &Arc<Pattern>,
        entries: Entries<'_>,
        blocks: (&Self::Handle, &Self::Handle),
        g: &mut Self::Gradient,
    );
    /// g(i) ← g(i) + Σ_c y(i,c) x(i,c).
    fn row_dots(&self, y: &Self::Handle, x: &Self::Handle, g: &mut Self::Gradient);
    /// g(i) ← g(i) + Σ_c y(i,c) x(i,c) / w(i)².
    fn row_dots_over_square(
        &self,
        y: &Self::Handle,
        x: &Self::Handle,
        w: &Values<Self>,
        g: &mut Self::Gradient,
    );
    /// g(index) ← g(index) + Σ y(i,c) x(i,c).
    fn add_dot(&self, y: &Self::Handle, x: &Self::Handle, g: &mut Self::Gradient, index: usize);
    /// Σ_i x(i,c) y(i,c) for every column, in the precision of the machine's kernels.
    ///
    /// # Errors
    /// A failure of the device.
    fn column_dots(&self, x: &Self::Handle, y: &Self::Handle) -> Result<Vec<f64>>;
    /// Σ_i x(i,c)² for every column, in double precision: many cycles of a fast solver leave an error whose square
    /// single precision cannot hold.
    ///
    /// # Errors
    /// A failure of the device.
    fn column_squares(&self, x: &Self::Handle) -> Result<Vec<f64>>;
    /// w(c) x(i,c), the weights in double precision.
    fn column_scaled(&self, weights: &[f64], x: &Self::Handle) -> Self::Handle;
    /// y(i,c) ← y(i,c) + w(c) x(i,c).
    fn column_add(&self, weights: &[T], x: &Self::Handle, y: &mut Self::Handle);

    /// Bᵢ⁻¹ Rᵢ r on all subdomains; if transposed, Bᵢ⁻ᵀ with the weights of the prolongation.
    ///
    /// # Errors
    /// A length that does not fit.
    fn solutions(&self, method: &Method<Self>, r: &Self::Handle, transposed: bool)
    -> Result<Self::Solutions>;
    /// x ← x + Σᵢ R̃ᵢᵀ yᵢ; if transposed, with the weights of the restriction.
    ///
    /// # Errors
    /// A length that does not fit.
    fn add_solutions(
        &self,
        method: &Method<Self>,
        y: &Self::Solutions,
        x: &mut Self::Handle,
        transposed: bool,
    ) -> Result<()>;
    /// The part of the solutions that [`interface_products`](Self::interface_products) reads.
    fn on_rings(&self, method: &Method<Self>, y: &Self::Solutions) -> Self::Solutions;
    /// g(p,q) ← g(p,q) − λ(p) · y(q) on all interface entries. Both blocks hold values on the rings.
    fn interface_products(
        &self,
        method: &Method<Self>,
        blocks: (&Self::Solutions, &Self::Solutions),
        g: &mut Self::Gradient,
    );
    /// g(p,q) ← g(p,q) − λ(p) · y(q) over all local copies of every entry of A.
    fn matrix_products(
        &self,
        method: &Method<Self>,
        blocks: (&Self::Solutions, &Self::Solutions),
        g: &mut Self::Gradient,
    );
    /// Drops the cached factorisations.
    fn forget_methods(&self);
}
