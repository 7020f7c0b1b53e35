//! Operations with value semantics: the interface between algorithms and kernels.
//!
//! An operation may overwrite an owned argument; a borrowed argument is preserved.
//! `let x = e.spmv_add(&p, &xc, x);` therefore updates x in place without an aliasing rule. The V-cycle is written
//! once against [`Engine`] and runs on every implementation:
//!
//! * [`Eager`] computes immediately;
//! * [`Tape`](crate::cycle_tape::Tape) computes immediately and records the data that its reverse rules need;
//! * [`Tracer`] records the operations as a [`Plan`]: straight-line code over a workspace of known size. A plan is
//!   the compiled cycle and serves as the ordinary preconditioner.
//!
//! Below this interface, an [`Executor`] runs one [`Operation`] at a time on handles. Simplification of known
//! zeros turns every executor into an engine. On a GPU a plan becomes a program, in which adjacent operations
//! share launches.
//!
//! Engine code is straight-line, without branches on data. Krylov loops are above it, pivoting is below it.

mod eager;
mod eager_reverse;
mod executor;
mod factored;
#[cfg(feature = "cuda")]
mod fusion;
mod kernels;
mod leaves;
#[cfg(feature = "cuda")]
mod locked;
mod operands;
mod operation;
mod plan;
#[cfg(feature = "cuda")]
mod resident;
#[cfg(feature = "cuda")]
mod resident_leaves;
#[cfg(feature = "cuda")]
mod resident_methods;
#[cfg(feature = "cuda")]
mod resident_operators;
#[cfg(feature = "cuda")]
mod resident_program;
#[cfg(feature = "cuda")]
mod resident_reverse;
#[cfg(feature = "cuda")]
mod resident_sliced;
mod reversible;
#[cfg(feature = "cuda")]
mod sliced_matrix;
mod tracer;
mod zeros;

pub use eager::{Buffer, Eager};
pub use executor::{Executor, OperationOn};
pub(crate) use factored::Factored;
#[cfg(feature = "cuda")]
pub use fusion::{Fused, Launch};
pub use leaves::{Host, Leaves, Matrix};
pub use operands::{Borrowed, Operands, Place, Translate, Written};
pub use operation::Operation;
pub use plan::Plan;
#[cfg(feature = "cuda")]
pub use resident::{DeviceBuffer, Resident};
#[cfg(feature = "cuda")]
pub use resident_leaves::{DenseOperator, Device};
#[cfg(feature = "cuda")]
pub use resident_methods::DeviceMethod;
#[cfg(feature = "cuda")]
pub use resident_operators::Dots;
#[cfg(feature = "cuda")]
pub use resident_program::Program;
pub use reversible::{Entries, Reversible};
#[cfg(feature = "cuda")]
pub use sliced_matrix::SlicedMatrix;
pub use tracer::{Slot, Tracer};
pub use zeros::Vector;

use crate::backend::{Direction, OrderedSweep, Triangle};
use crate::schwarz::Subdomains;

/// Values of the leaves of an engine.
pub type ValuesOf<E> = <<E as Engine>::Leaves as Leaves>::Values;
/// Matrices of an engine.
pub type MatrixOf<E> = Matrix<ValuesOf<E>>;
/// Direct solvers of an engine.
pub type DirectOf<E> = <<E as Engine>::Leaves as Leaves>::Direct;

/// The operations of a cycle. Vectors are row-major n × k blocks.
pub trait Engine {
    /// Representation of stored data.
    type Leaves: Leaves;
    /// The vectors of a cycle.
    type Vector;

    /// A vector that is known to be zero: operations on it are simplified.
    fn zeros(&self, rows: usize) -> Self::Vector;

    /// b − A x.
    fn residual(&self, b: &Self::Vector, a: &MatrixOf<Self>, x: &Self::Vector) -> Self::Vector;

    /// A x.
    fn spmv(&self, a: &MatrixOf<Self>, x: &Self::Vector) -> Self::Vector;

    /// y + A x.
    fn spmv_add(&self, a: &MatrixOf<Self>, x: &Self::Vector, y: Self::Vector) -> Self::Vector;

    /// y + d ⊙ x, row by row.
    fn diagonal_add(&self, d: &ValuesOf<Self>, x: &Self::Vector, y: Self::Vector) -> Self::Vector;

    /// x + d ⊙ (b − A x): a sweep of Jacobi relaxation.
    fn jacobi(
        &self,
        a: &MatrixOf<Self>,
        d: &ValuesOf<Self>,
        b: &Self::Vector,
        x: Self::Vector,
    ) -> Self::Vector {
        let r = self.residual(b, a, &x);
        self.diagonal_add(d, &r, x)
    }

    /// x + M (b − A x): a sweep with a sparse approximate inverse.
    fn sparse_sweep(
        &self,
        m: &MatrixOf<Self>,
        a: &MatrixOf<Self>,
        b: &Self::Vector,
        x: Self::Vector,
    ) -> Self::Vector {
        let r = self.residual(b, a, &x);
        self.spmv_add(m, &r, x)
    }

    /// α y + β d ⊙ (b − A x) for the factors (α, β): a step of polynomial relaxation.
    fn polynomial_step(
        &self,
        a: &MatrixOf<Self>,
        d: &ValuesOf<Self>,
        b: &Self::Vector,
        x: &Self::Vector,
        factors: (f64, f64),
        y: Self::Vector,
    ) -> Self::Vector {
        let r = self.residual(b, a, x);
        let scaled = self.diagonal_add(d, &r, self.zeros(a.pattern.rows()));
        self.combine(factors.1, &scaled, factors.0, y)
    }

    /// α x + β y.
    fn combine(&self, alpha: f64, x: &Self::Vector, beta: f64, y: Self::Vector) -> Self::Vector;

    /// y + c(index) x for entry `index` of `scalars`. These scalars are stored and can be learned; the factors of
    /// [`combine`](Self::combine) are constants.
    fn scaled_add(
        &self,
        scalars: &ValuesOf<Self>,
        index: usize,
        x: &Self::Vector,
        y: Self::Vector,
    ) -> Self::Vector;

    /// Σ y(q) c(q) with the y that minimises ‖b − Σ y(q) v(q)‖, column by column, for one or two pairs (v, c). If
    /// a v is zero or linearly dependent on the other, its coefficient is y = 0.
    fn least_squares(
        &self,
        b: &Self::Vector,
        first: (&Self::Vector, &Self::Vector),
        second: Option<(&Self::Vector, &Self::Vector)>,
    ) -> Self::Vector;

    /// T⁻¹ x for a triangle T of `a`.
    fn solve_triangular(&self, a: &MatrixOf<Self>, part: Triangle, x: Self::Vector) -> Self::Vector;

    /// D⁻¹ (b − N x) for a triangle T = D + N of `a`: a sweep of Jacobi relaxation on T y = b from x.
    fn sweep_triangular(
        &self,
        a: &MatrixOf<Self>,
        part: Triangle,
        b: &Self::Vector,
        x: &Self::Vector,
    ) -> Self::Vector;

    /// The result of one Gauss–Seidel sweep on A x = b.
    fn gauss_seidel(
        &self,
        a: &MatrixOf<Self>,
        b: &Self::Vector,
        x: Self::Vector,
        direction: Direction,
    ) -> Self::Vector;

    /// The result of one Gauss–Seidel sweep on A x = b in blocks or by colours; row i multiplies its residual by
    /// `inverse`(i).
    fn ordered_sweep(
        &self,
        a: &MatrixOf<Self>,
        inverse: &ValuesOf<Self>,
        sweep: &OrderedSweep,
        b: &Self::Vector,
        x: Self::Vector,
    ) -> Self::Vector;

    /// x + M r for the Schwarz method M of `a` on these subdomains with these interface values. A singular
    /// local matrix makes the result NaN.
    fn subdomain_solves(
        &self,
        a: &MatrixOf<Self>,
        subdomains: &Subdomains,
        interface: &ValuesOf<Self>,
        r: &Self::Vector,
        x: Self::Vector,
    ) -> Self::Vector;

    /// A⁻¹ b by the direct solver.
    fn solve(&self, direct: &DirectOf<Self>, b: &Self::Vector) -> Self::Vector;
}
