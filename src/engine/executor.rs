//! Kernels that an engine is made of.

use super::{Leaves, Matrix};
use crate::backend::{Direction, OrderedSweep, Triangle};
use crate::schwarz::Subdomains;

/// Kernels on handles: a buffer that is computed at once, or a slot of a plan. Everything
/// that implements it is an [`Engine`](super::Engine).
pub trait Executor {
    /// How stored data is held.
    type Leaves: Leaves;
    /// Storage of one vector, released when it is dropped.
    type Handle;

    /// Storage for `rows` rows, its content undefined.
    fn allocate(&self, rows: usize) -> Self::Handle;
    /// A copy of `x`.
    fn copy(&self, x: &Self::Handle) -> Self::Handle;
    /// y ← α A x + β y.
    fn spmv(&self, alpha: f64, a: &Matrix<Values<Self>>, x: &Self::Handle, beta: f64, y: &mut Self::Handle);
    /// r ← b − A x.
    fn residual(&self, a: &Matrix<Values<Self>>, b: &Self::Handle, x: &Self::Handle, r: &mut Self::Handle);
    /// Whether the next one is there and pays for this restriction of this matrix.
    fn restricts_residuals(&self, _restriction: &Matrix<Values<Self>>, _a: &Matrix<Values<Self>>) -> bool {
        false
    }
    /// y ← R (b − A x), without the residual in memory; see `restricts_residuals`.
    fn restricted_residual(
        &self,
        _restriction: &Matrix<Values<Self>>,
        _a: &Matrix<Values<Self>>,
        _blocks: (&Self::Handle, &Self::Handle),
        _y: &mut Self::Handle,
    ) {
    }
    /// Whether the next two are there.
    fn has_first_residuals(&self) -> bool {
        false
    }
    /// x ← d ⊙ b and r ← b − A x; see `has_first_residuals`.
    fn first_residual(
        &self,
        _a: &Matrix<Values<Self>>,
        _d: &Values<Self>,
        _b: &Self::Handle,
        _x: &mut Self::Handle,
        _r: &mut Self::Handle,
    ) {
    }
    /// x ← d ⊙ b and y ← R (b − A x), where residuals are restricted at once; see `has_first_residuals`.
    fn first_restricted_residual(
        &self,
        _restriction: &Matrix<Values<Self>>,
        _a: &Matrix<Values<Self>>,
        _blocks: (&Values<Self>, &Self::Handle),
        _x: &mut Self::Handle,
        _y: &mut Self::Handle,
    ) {
    }
    /// Whether the next one is there and pays for these matrices.
    fn corrects_in_sweeps(&self, _prolongation: &Matrix<Values<Self>>, _a: &Matrix<Values<Self>>) -> bool {
        false
    }
    /// x′ ← z + d ⊙ (b − A z) for z = x + P e, without z in memory; see `corrects_in_sweeps`.
    fn corrected_jacobi(
        &self,
        _correction: (&Matrix<Values<Self>>, &Self::Handle),
        _a: &Matrix<Values<Self>>,
        _blocks: (&Values<Self>, &Self::Handle),
        _x: &Self::Handle,
        _next: &mut Self::Handle,
    ) {
    }
    /// y ← y + d ⊙ x.
    fn diagonal_add(&self, d: &Values<Self>, x: &Self::Handle, y: &mut Self::Handle);
    /// y ← d ⊙ x.
    fn diagonal_scale(&self, d: &Values<Self>, x: &Self::Handle, y: &mut Self::Handle);
    /// x′ ← x + d ⊙ (b − A x).
    fn jacobi(
        &self,
        a: &Matrix<Values<Self>>,
        d: &Values<Self>,
        b: &Self::Handle,
        x: &Self::Handle,
        next: &mut Self::Handle,
    );
    /// y ← α y + β d ⊙ (b − A x) for the factors (α, β).
    fn polynomial_step(
        &self,
        a: &Matrix<Values<Self>>,
        d: &Values<Self>,
        b: &Self::Handle,
        x: &Self::Handle,
        factors: (f64, f64),
        y: &mut Self::Handle,
    );
    /// y ← α x + β y.
    fn combine(&self, alpha: f64, x: &Self::Handle, beta: f64, y: &mut Self::Handle);
    /// The scalar with this number; a plan is compiled with it as a constant.
    fn scalar(&self, scalars: &Values<Self>, index: usize) -> f64;
    /// x ← Σ y(q) c(q) with the y that minimises ‖b − Σ y(q) v(q)‖.
    fn least_squares(&self, b: &Self::Handle, v: &[&Self::Handle], c: &[&Self::Handle], x: &mut Self::Handle);
    /// x ← T⁻¹ x.
    fn solve_triangular(&self, a: &Matrix<Values<Self>>, part: Triangle, x: &mut Self::Handle);
    /// y ← D⁻¹ (b − N x) for a triangle T = D + N; without x, y ← D⁻¹ b.
    fn sweep_triangular(
        &self,
        a: &Matrix<Values<Self>>,
        part: Triangle,
        b: &Self::Handle,
        x: Option<&Self::Handle>,
        y: &mut Self::Handle,
    );
    /// One Gauss–Seidel sweep in place.
    fn gauss_seidel(&self, a: &Matrix<Values<Self>>, b: &Self::Handle, x: &mut Self::Handle, d: Direction);
    /// One Gauss–Seidel sweep in blocks or by colours, in place; `scratch` is as long as x.
    fn ordered_sweep(
        &self,
        a: &Matrix<Values<Self>>,
        inverse: &Values<Self>,
        sweep: &OrderedSweep,
        b: &Self::Handle,
        x: &mut Self::Handle,
        scratch: &mut Self::Handle,
    );
    /// x ← β x + M r for a Schwarz method M, β 0 or 1.
    fn subdomain_solves(
        &self,
        a: &Matrix<Values<Self>>,
        subdomains: &Subdomains,
        interface: &Values<Self>,
        r: &Self::Handle,
        beta: f64,
        x: &mut Self::Handle,
    );
    /// x ← A⁻¹ b.
    fn solve(&self, direct: &<Self::Leaves as Leaves>::Direct, b: &Self::Handle, x: &mut Self::Handle);
    /// x ← 0.
    fn clear(&self, x: &mut Self::Handle);
}

type Values<X> = <<X as Executor>::Leaves as Leaves>::Values;
