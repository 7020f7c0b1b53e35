//! The own solvers of `faer`, measured.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::matrix_free::bicgstab::{BicgParams, bicgstab, bicgstab_scratch};
use faer::matrix_free::conjugate_gradient::{CgParams, conjugate_gradient, conjugate_gradient_scratch};
use faer::matrix_free::{IdentityPrecond, Precond};
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

/// Conjugate gradients without a preconditioner.
pub fn cg(a: &SparseRowMat<usize, f64>, b: &[f64]) -> Outcome<Measured> {
    cg_with(a, b, IdentityPrecond { dim: b.len() }, TOLERANCE)
}

/// Conjugate gradients with the diagonal as the preconditioner, the only one that `faer` offers.
pub fn jacobi_cg(a: &SparseRowMat<usize, f64>, b: &[f64], tolerance: f64) -> Outcome<Measured> {
    cg_with(a, b, &inverse_diagonal(a).as_diagonal_mut(), tolerance)
}

fn cg_with(
    a: &SparseRowMat<usize, f64>,
    b: &[f64],
    preconditioner: impl Precond<f64> + Copy,
    rel_tolerance: f64,
) -> Outcome<Measured> {
    let mut x = Mat::zeros(b.len(), 1);
    let mut memory = MemBuffer::new(conjugate_gradient_scratch(preconditioner, a.as_ref(), 1, Par::Seq));
    let params = CgParams { rel_tolerance, max_iters: ITERATIONS, ..CgParams::default() };
    let b = column(b);
    let (info, solve) = timed(|| {
        let stack = MemStack::new(&mut memory);
        conjugate_gradient(
            x.as_mut(),
            preconditioner,
            a.as_ref(),
            b.as_mat(),
            params,
            |_| (),
            Par::Seq,
            stack,
        )
        .map_err(|e| format!("faer's CG: {e:?}").into())
    })?;
    Ok(iterated(&x, solve, info.iter_count))
}

/// BiCGSTAB without a preconditioner.
pub fn bicgstab_alone(a: &SparseRowMat<usize, f64>, b: &[f64]) -> Outcome<Measured> {
    bicgstab_with(a, b, IdentityPrecond { dim: b.len() }, TOLERANCE)
}

/// BiCGSTAB with the diagonal as the preconditioner, the only one that `faer` offers.
pub fn jacobi_bicgstab(a: &SparseRowMat<usize, f64>, b: &[f64], tolerance: f64) -> Outcome<Measured> {
    bicgstab_with(a, b, &inverse_diagonal(a).as_diagonal_mut(), tolerance)
}

fn bicgstab_with(
    a: &SparseRowMat<usize, f64>,
    b: &[f64],
    preconditioner: impl Precond<f64> + Copy,
    rel_tolerance: f64,
) -> Outcome<Measured> {
    let (n, one) = (b.len(), IdentityPrecond { dim: b.len() });
    let mut x = Mat::zeros(n, 1);
    let mut memory = MemBuffer::new(bicgstab_scratch(one, preconditioner, a.as_ref(), 1, Par::Seq));
    let params = BicgParams { rel_tolerance, max_iters: ITERATIONS, ..BicgParams::default() };
    let b = column(b);
    let (info, solve) = timed(|| {
        let stack = MemStack::new(&mut memory);
        bicgstab(x.as_mut(), one, preconditioner, a.as_ref(), b.as_mat(), params, |_| (), Par::Seq, stack)
            .map_err(|e| format!("faer's BiCGSTAB: {e:?}").into())
    })?;
    Ok(iterated(&x, solve, info.iter_count))
}

fn inverse_diagonal(a: &SparseRowMat<usize, f64>) -> Col<f64> {
    Col::from_fn(a.nrows(), |i| 1.0 / a.get(i, i).copied().unwrap_or(1.0))
}

fn column(b: &[f64]) -> Col<f64> {
    Col::from_fn(b.len(), |i| b[i])
}

fn iterated(x: &Mat<f64>, solve: f64, iterations: usize) -> Measured {
    let x = x.col(0).iter().copied().collect();
    Measured { x, setup: 0.0, solve, work: format!("{iterations} iterations") }
}
