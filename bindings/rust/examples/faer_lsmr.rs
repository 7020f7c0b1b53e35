//! One multigrid cycle and its transpose as the right preconditioner of faer's LSMR: recirculating flow, 32².

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::matrix_free::lsmr::{LsmrParams, lsmr, lsmr_scratch};
use faer::{Mat, Par};
use multigrad::Solver;
use multigrad::gallery::{FlowScheme, recirculating_flow};
use multigrad::integrations::{FaerPreconditioner, csr_to_faer};
use multigrad_in_other_crates::{Outcome, report::check};

fn main() -> Outcome {
    let problem = recirculating_flow(32, 0.05, FlowScheme::Upwind)?;
    let solver = Solver::auto(&problem.matrix)?;
    let (a, m) = (csr_to_faer(&problem.matrix)?, FaerPreconditioner(&solver));
    let b = Mat::from_fn(a.nrows(), 1, |i, _| problem.rhs[i]);
    let mut x = Mat::zeros(a.nrows(), 1);
    let mut memory = MemBuffer::new(lsmr_scratch(m, a.as_ref(), 1, Par::Seq));
    let stack = MemStack::new(&mut memory);
    let params = LsmrParams { rel_tolerance: 1e-8, max_iters: 500, ..LsmrParams::default() };
    let info = lsmr(x.as_mut(), m, a.as_ref(), b.as_ref(), params, |_| (), Par::Seq, stack)
        .map_err(|error| format!("faer's LSMR failed: {error:?}"))?;
    println!("{} iterations", info.iter_count);
    check("relative residual", (&b - &a * &x).norm_l2() / b.norm_l2(), 1e-6)
}
