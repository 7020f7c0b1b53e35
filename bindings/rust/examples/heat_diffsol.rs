//! The heat equation by `diffsol`'s BDF methods, with faer's sparse LU and with multigrid as the linear solver.
//!
//! The argument of the program is the number of points along a side, 256 by default.

use diffsol::{
    FaerContext, FaerSparseLU, FaerSparseMat, OdeBuilder, OdeSolverMethod, OdeSolverStopReason, Vector,
};
use diffsol_la::LinearSolver;
use multigrad_in_other_crates::Outcome;
use multigrad_in_other_crates::diffsol_solver::Multigrid;
use multigrad_in_other_crates::heat::Heat;
use multigrad_in_other_crates::report::{self, Measured, repeated, timed};

/// End of the time interval.
const END: f64 = 0.1;
/// Largest difference of the solutions: the tolerance of the time steps, many times.
const ACCURACY: f64 = 1e-3;

fn main() -> Outcome {
    report::one_thread()?;
    let n = report::size(256)?;
    let rows = [
        ("faer sparse LU", repeated(3, || integrate::<FaerSparseLU<f64>>(n))?),
        ("multigrad", repeated(3, || integrate::<Multigrid>(n))?),
    ];
    report::table(
        &format!("Heat equation by diffsol's BDF to t = {END}, {n} × {n}: {} unknowns", n * n),
        &rows,
    );
    let difference = report::difference(&rows[1].1.x, &rows[0].1.x);
    if difference > ACCURACY { Err(format!("the solutions differ by {difference:e}").into()) } else { Ok(()) }
}

/// Integrates with this linear solver. Setup is the construction of the BDF method, with the pattern of its matrix.
fn integrate<L: LinearSolver<FaerSparseMat<f64>>>(n: usize) -> Outcome<Measured> {
    let builder = OdeBuilder::<FaerSparseMat<f64>>::new().context(FaerContext::new()).rtol(1e-6).atol([1e-8]);
    let problem = builder.build_from_eqn(Heat::new(n)?)?;
    let (mut bdf, setup) = timed(|| Ok(problem.bdf::<L>()?))?;
    let ((), solve) = timed(|| {
        bdf.set_stop_time(END)?;
        while !matches!(bdf.step()?, OdeSolverStopReason::TstopReached) {}
        Ok(())
    })?;
    let s = bdf.get_statistics();
    let work = format!(
        "{} steps, {} matrices, {} linear solves",
        s.number_of_steps, s.number_of_linear_solver_setups, s.number_of_nonlinear_solver_iterations
    );
    Ok(Measured { x: bdf.state().y.clone_as_vec(), setup, solve, work })
}
