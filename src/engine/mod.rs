//! What algorithms see: operations with value semantics.
//!
//! An owned argument means "I am done with it, overwrite it"; a borrowed one is still
//! needed. So `let x = e.spmv_add(&p, &xc, x);` updates in place without an aliasing rule.
//! The V-cycle is written once against [`Engine`] and runs on all of them:
//!
//! * [`Eager`] computes at once;
//! * [`Tape`](crate::autodiff::Tape) does what `Eager` does and records what its reverse
//!   rules need;
//! * [`Tracer`] writes the operations down as a [`Plan`]: straight-line code over one
//!   workspace of known size, which is the compiled solver and the ordinary preconditioner.
//!
//! Below it, an [`Executor`] runs one [`Operation`] at a time on handles; what is known of zeros makes every executor
//! an engine. On a card a plan becomes a program, in which neighbours share launches.
//!
//! Engine code is straight-line: no `if` on data. Krylov loops live above, pivoting below.

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
pub use resident_operators::{Dots, SlicedMatrix};
#[cfg(feature = "cuda")]
pub use resident_program::Program;
pub use reversible::{Entries, Reversible};
pub use tracer::{Slot, Tracer};
pub use zeros::Vector;

use crate::backend::{Direction, OrderedSweep, Triangle};
use crate::schwarz::Subdomains;

/// The values of an engine's leaves.
pub type ValuesOf<E> = <<E as Engine>::Leaves as Leaves>::Values;
/// The matrices of an engine.
pub type MatrixOf<E> = Matrix<ValuesOf<E>>;
/// The direct solvers of an engine.
pub type DirectOf<E> = <<E as Engine>::Leaves as Leaves>::Direct;

/// The operations that a cycle is made of. Vectors are row-major n × k blocks.
pub trait Engine {
    /// How stored data is held.
    type Leaves: Leaves;
    /// What flows through a cycle.
    type Vector;

    /// The zero vector, known to be zero: operations on it are simplified away.
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

    /// α y + β d ⊙ (b − A x): a step of polynomial relaxation, factors (α, β).
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

    /// y + c(index) x for the scalar with this number among `scalars`: a scalar that is stored and
    /// may be learned, where [`combine`](Self::combine) has constants.
    fn scaled_add(
        &self,
        scalars: &ValuesOf<Self>,
        index: usize,
        x: &Self::Vector,
        y: Self::Vector,
    ) -> Self::Vector;

    /// Σ y(q) c(q) with the y that minimises ‖b − Σ y(q) v(q)‖, column by column, for one or two
    /// pairs (v, c). A v that depends on the other, or is zero, gets y = 0.
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

    /// x after one Gauss–Seidel sweep on A x = b.
    fn gauss_seidel(
        &self,
        a: &MatrixOf<Self>,
        b: &Self::Vector,
        x: Self::Vector,
        direction: Direction,
    ) -> Self::Vector;

    /// x after one Gauss–Seidel sweep on A x = b in blocks or by colours, where row i multiplies
    /// its residual by `inverse`(i).
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
