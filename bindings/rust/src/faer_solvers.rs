//! The own solvers of `faer`, measured.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::matrix_free::IdentityPrecond;
use faer::matrix_free::bicgstab::{BicgParams, bicgstab, bicgstab_scratch};
use faer::matrix_free::conjugate_gradient::{CgParams, conjugate_gradient, conjugate_gradient_scratch};
use faer::prelude::Solve;
use faer::sparse::{SparseColMat, SparseRowMat};
use faer::{Col, Mat, Par, Side};

use crate::Outcome;
use crate::report::{Measured, timed};

/// Iterations after which an iterative solver gives up.
const ITERATIONS: usize = 100_000;
/// Relative residual of the iterative solvers.
const TOLERANCE: f64 = 1e-8;

/// Sparse Cholesky factors, in faer's order of least fill.
pub fn cholesky(a: &SparseColMat<usize, f64>, b: &[f64]) -> Outcome<Measured> {
    let (factors, setup) =
        timed(|| Ok(a.sp_cholesky(Side::Lower).map_err(|e| format!("faer's Cholesky: {e:?}"))?))?;
    let (x, solve) = timed(|| Ok(factors.solve(column(b))))?;
    Ok(Measured { x: x.iter().copied().collect(), setup, solve, work: "direct".into() })
}

/// Sparse LU factors, in faer's order of least fill.
pub fn lu(a: &SparseColMat<usize, f64>, b: &[f64]) -> Outcome<Measured> {
    let (factors, setup) = timed(|| Ok(a.sp_lu().map_err(|e| format!("faer's LU: {e:?}"))?))?;
    let (x, solve) = timed(|| Ok(factors.solve(column(b))))?;
    Ok(Measured { x: x.iter().copied().collect(), setup, solve, work: "direct".into() })
}

/// Conjugate gradients. `faer` has no preconditioner but the identity.
pub fn cg(a: &SparseRowMat<usize, f64>, b: &[f64]) -> Outcome<Measured> {
    let (n, one) = (b.len(), IdentityPrecond { dim: b.len() });
    let mut x = Mat::zeros(n, 1);
    let mut memory = MemBuffer::new(conjugate_gradient_scratch(one, a.as_ref(), 1, Par::Seq));
    let params = CgParams { rel_tolerance: TOLERANCE, max_iters: ITERATIONS, ..CgParams::default() };
    let b = column(b);
    let (info, solve) = timed(|| {
        let stack = MemStack::new(&mut memory);
        conjugate_gradient(x.as_mut(), one, a.as_ref(), b.as_mat(), params, |_| (), Par::Seq, stack)
            .map_err(|e| format!("faer's CG: {e:?}").into())
    })?;
    Ok(iterated(&x, solve, info.iter_count))
}

/// BiCGSTAB. `faer` has no preconditioner but the identity.
pub fn bicgstab_alone(a: &SparseRowMat<usize, f64>, b: &[f64]) -> Outcome<Measured> {
    let (n, one) = (b.len(), IdentityPrecond { dim: b.len() });
    let mut x = Mat::zeros(n, 1);
    let mut memory = MemBuffer::new(bicgstab_scratch(one, one, a.as_ref(), 1, Par::Seq));
    let params = BicgParams { rel_tolerance: TOLERANCE, max_iters: ITERATIONS, ..BicgParams::default() };
    let b = column(b);
    let (info, solve) = timed(|| {
        let stack = MemStack::new(&mut memory);
        bicgstab(x.as_mut(), one, one, a.as_ref(), b.as_mat(), params, |_| (), Par::Seq, stack)
            .map_err(|e| format!("faer's BiCGSTAB: {e:?}").into())
    })?;
    Ok(iterated(&x, solve, info.iter_count))
}

fn column(b: &[f64]) -> Col<f64> {
    Col::from_fn(b.len(), |i| b[i])
}

fn iterated(x: &Mat<f64>, solve: f64, iterations: usize) -> Measured {
    let x = x.col(0).iter().copied().collect();
    Measured { x, setup: 0.0, solve, work: format!("{iterations} iterations") }
}
