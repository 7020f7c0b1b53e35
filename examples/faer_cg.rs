//! A frozen solver as the preconditioner of faer's conjugate gradients: 2-D Poisson, 256².

use faer::Par;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::matrix_free::IdentityPrecond;
use faer::matrix_free::conjugate_gradient::{CgParams, conjugate_gradient, conjugate_gradient_scratch};
use faer::{Col, Mat};
use multigrad::integrations::{FaerPreconditioner, csr_to_faer};
use multigrad::{gallery, multigrid::Amg};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let problem = gallery::poisson_2d(256, 256)?;
    let a = csr_to_faer(&problem.matrix)?;
    let b = Col::from_fn(a.nrows(), |i| problem.rhs[i]);
    let params = CgParams { rel_tolerance: 1e-8, max_iters: 2000, ..Default::default() };

    // With the frozen solver:
    let frozen = Amg::smoothed_aggregation().build(&problem.matrix)?.freeze()?;
    let m = FaerPreconditioner(&frozen);
    let mut x = Mat::<f64>::zeros(a.nrows(), 1);
    let mut memory = MemBuffer::new(conjugate_gradient_scratch(m, a.as_ref(), 1, Par::Seq));
    let stack = MemStack::new(&mut memory);
    let with = conjugate_gradient(x.as_mut(), m, a.as_ref(), b.as_mat(), params, |_| (), Par::Seq, stack)
        .map_err(|e| format!("{e:?}"))?;

    // Without it:
    let none = IdentityPrecond { dim: a.nrows() };
    let mut x = Mat::<f64>::zeros(a.nrows(), 1);
    let mut memory = MemBuffer::new(conjugate_gradient_scratch(none, a.as_ref(), 1, Par::Seq));
    let stack = MemStack::new(&mut memory);
    let without =
        conjugate_gradient(x.as_mut(), none, a.as_ref(), b.as_mat(), params, |_| (), Par::Seq, stack)
            .map_err(|e| format!("{e:?}"))?;

    println!("faer CG on 2-D Poisson 256², relative residual 1e-8");
    println!("without preconditioner   {:>4} iterations", without.iter_count);
    println!("with the frozen solver   {:>4} iterations", with.iter_count);
    if 10 * with.iter_count > without.iter_count {
        return Err("the frozen solver needs more than a tenth of the iterations".into());
    }
    Ok(())
}
