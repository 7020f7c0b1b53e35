//! A multigrid solver as the preconditioner of faer's conjugate gradients: 2-D Poisson, 256².

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::matrix_free::conjugate_gradient::{CgParams, conjugate_gradient, conjugate_gradient_scratch};
use faer::matrix_free::{IdentityPrecond, Precond};
use faer::sparse::SparseRowMat;
use faer::{Mat, Par};
use multigrad::integrations::{FaerPreconditioner, csr_to_faer};
use multigrad::{Amg, gallery};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let problem = gallery::poisson_2d(256, 256)?;
    let solver = Amg::smoothed_aggregation().build(&problem.matrix)?;
    let a = csr_to_faer(&problem.matrix)?;
    let b = Mat::from_fn(a.nrows(), 1, |i, _| problem.rhs[i]);
    let with = iterations(&a, &b, FaerPreconditioner(&solver))?;
    let without = iterations(&a, &b, IdentityPrecond { dim: a.nrows() })?;
    println!("faer CG on 2-D Poisson 256², relative residual 1e-8");
    println!("without preconditioner   {without:>4} iterations");
    println!("with multigrid           {with:>4} iterations");
    if 10 * with > without { Err("more than a tenth of the iterations".into()) } else { Ok(()) }
}

/// Iterations of faer's conjugate gradients from x = 0.
fn iterations(
    a: &SparseRowMat<usize, f64>,
    b: &Mat<f64>,
    m: impl Precond<f64> + Copy,
) -> Result<usize, String> {
    let params = CgParams { rel_tolerance: 1e-8, max_iters: 2000, ..CgParams::default() };
    let mut x = Mat::zeros(a.nrows(), 1);
    let mut memory = MemBuffer::new(conjugate_gradient_scratch(m, a.as_ref(), 1, Par::Seq));
    let stack = MemStack::new(&mut memory);
    conjugate_gradient(x.as_mut(), m, a.as_ref(), b.as_ref(), params, |_| (), Par::Seq, stack)
        .map(|info| info.iter_count)
        .map_err(|e| format!("faer's CG failed: {e:?}"))
}
