//! Poisson's equation by the finite differences of `russell_pde` (its problem 04), solved by the direct solver and the
//! multigrid solvers of `russell_sparse` and by ours through the same trait, each in a child process that is stopped
//! after a minute.
//!
//! The argument of the program is the number of points along a side, 514 by default: 512² unknowns.

use std::time::Duration;

use multigrad_in_other_crates::Outcome;
use multigrad_in_other_crates::limited::{compare, reply, request};
use multigrad_in_other_crates::report::{self, Measured, repeated, timed};
use multigrad_in_other_crates::russell_solver::Multigrid;
use russell_lab::Vector;
use russell_pde::{Fdm2d, Grid2d, ProblemSamples};
use russell_sparse::{
    AmgCoarsening, CooMatrix, Genie, IterativeMethod, LinSolParams, LinSolver, StatsLinSol, Sym,
};

/// Time of a child process.
const LIMIT: Duration = Duration::from_secs(60);
const SOLVERS: [&str; 4] =
    ["multigrad", "russell CG, Ruge–Stüben", "russell CG, smoothed aggregation", "russell direct"];
/// Relative residual of the iterative solvers.
const TOLERANCE: f64 = 1e-8;
/// Largest difference of two solutions.
const ACCURACY: f64 = 1e-5;

fn main() -> Outcome {
    if let Some((arguments, file)) = request() {
        let [n, solver] = &arguments[..] else { return Err("two arguments are needed".into()) };
        report::one_thread()?;
        let (a, b) = assemble(n.parse()?)?;
        return reply(&file, &child(solver, &a, &b)?);
    }
    let n = report::size(514)?;
    let rows = compare("Poisson by russell_pde", &n.to_string(), &SOLVERS, LIMIT)?;
    let worst = rows.iter().map(|row| report::difference(&row.1.x, &rows[0].1.x)).fold(0.0, f64::max);
    if worst > ACCURACY { Err(format!("the solutions differ by {worst:e}").into()) } else { Ok(()) }
}

/// Measures one of the solvers.
fn child(solver: &str, a: &CooMatrix, b: &Vector) -> Outcome<Measured> {
    let classical = AmgCoarsening::RugeStuben;
    let cg = || Ok(LinSolver::new(Genie::Iterative(IterativeMethod::Cg))?);
    match solver {
        "multigrad" => solve(a, b, classical, || Ok(Multigrid::linear_solver())),
        "russell direct" => solve(a, b, classical, || Ok(LinSolver::new(Genie::Direct)?)),
        "russell CG, Ruge–Stüben" => solve(a, b, classical, cg),
        "russell CG, smoothed aggregation" => solve(a, b, AmgCoarsening::SmoothedAggregation, cg),
        _ => Err(format!("no solver is called {solver:?}").into()),
    }
}

/// Matrix and right-hand side for the unknowns inside the square.
fn assemble(n: usize) -> Outcome<(CooMatrix, Vector)> {
    let (x0, x1, y0, y1, kx, ky, essential, natural, source, _) = ProblemSamples::d2_problem_04(3);
    let fdm = Fdm2d::new(Grid2d::new_uniform(x0, x1, y0, y1, n, n)?, essential, natural, kx, ky)?;
    let (a, _) = fdm.get_matrices_sps(0.0, 0, Sym::YesFull);
    let (_, _, b) = fdm.get_vectors_sps(source); // the values on the boundary are zero
    Ok((a, b))
}

/// Three measurements of a solver through the trait `LinSolTrait`.
fn solve(
    a: &CooMatrix,
    b: &Vector,
    coarsening: AmgCoarsening,
    new: impl Fn() -> Outcome<LinSolver<'static>>,
) -> Outcome<Measured> {
    let mut params = LinSolParams::new();
    params.positive_definite = true;
    params.iterative.tolerance = TOLERANCE;
    params.iterative.amg_coarsening = coarsening;
    repeated(3, || {
        let mut solver = new()?;
        let mut x = Vector::new(b.dim());
        let ((), setup) = timed(|| Ok(solver.actual.preprocess(a, Some(params))?))?;
        let ((), solve) = timed(|| Ok(solver.actual.solve(&mut x, b, false)?))?;
        let mut stats = StatsLinSol::new();
        solver.actual.update_stats(&mut stats);
        let work = match &stats.iterative {
            Some(iterative) => format!("{} iterations", iterative.iterations_array.iter().sum::<usize>()),
            None => "direct".into(),
        };
        Ok(Measured { x: x.as_data().clone(), setup, solve, work })
    })
}
