//! One multigrid cycle as the right preconditioner of faer's BiCGSTAB: recirculating flow, 64².

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::matrix_free::IdentityPrecond;
use faer::matrix_free::bicgstab::{BicgParams, bicgstab, bicgstab_scratch};
use faer::{Mat, Par};
use multigrad::Solver;
use multigrad::gallery::{FlowScheme, recirculating_flow};
use multigrad::integrations::{FaerPreconditioner, csr_to_faer};
use multigrad_in_other_crates::{Outcome, report::check};

fn main() -> Outcome {
    let problem = recirculating_flow(64, 0.005, FlowScheme::Upwind)?;
    let solver = Solver::auto(&problem.matrix)?;
    let a = csr_to_faer(&problem.matrix)?;
    let b = Mat::from_fn(a.nrows(), 1, |i, _| problem.rhs[i]);
    let (left, right) = (IdentityPrecond { dim: a.nrows() }, FaerPreconditioner(&solver));
    let mut x = Mat::zeros(a.nrows(), 1);
    let mut memory = MemBuffer::new(bicgstab_scratch(left, right, a.as_ref(), 1, Par::Seq));
    let stack = MemStack::new(&mut memory);
    let params = BicgParams { rel_tolerance: 1e-8, max_iters: 100, ..BicgParams::default() };
    bicgstab(x.as_mut(), left, right, a.as_ref(), b.as_ref(), params, |_| (), Par::Seq, stack)
        .map_err(|error| format!("faer's BiCGSTAB failed: {error:?}"))?;
    check("relative residual", (&b - &a * &x).norm_l2() / b.norm_l2(), 1e-7)
}
