//! A faer matrix stored by rows, and one multigrid cycle as the preconditioner of faer's conjugate gradients: Poisson, 100².

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::matrix_free::conjugate_gradient::{CgParams, conjugate_gradient, conjugate_gradient_scratch};
use faer::{Mat, Par};
use multigrad::Solver;
use multigrad::gallery::poisson_2d;
use multigrad::integrations::{FaerPreconditioner, csr_from_faer, csr_to_faer};
use multigrad_in_other_crates::{Outcome, report::check};

fn main() -> Outcome {
    let a = csr_to_faer(&poisson_2d(100, 100)?.matrix)?;
    let solver = Solver::auto(&csr_from_faer(a.as_ref())?)?;
    let m = FaerPreconditioner(&solver);
    let (b, mut x) = (Mat::full(a.nrows(), 1, 1.0), Mat::zeros(a.nrows(), 1));
    let mut memory = MemBuffer::new(conjugate_gradient_scratch(m, a.as_ref(), 1, Par::Seq));
    let stack = MemStack::new(&mut memory);
    let params = CgParams { rel_tolerance: 1e-8, max_iters: 100, ..CgParams::default() };
    conjugate_gradient(x.as_mut(), m, a.as_ref(), b.as_ref(), params, |_| (), Par::Seq, stack)
        .map_err(|error| format!("faer's CG failed: {error:?}"))?;
    check("relative residual", (&b - &a * &x).norm_l2() / b.norm_l2(), 1e-7)
}
