//! Time to a solution with learned and classical smoothers of the same hierarchy.

use std::time::Instant;

use multigrad::error::Result;
use multigrad::learn::{Loss, Target, Trainer};
use multigrad::multigrid::{Passes, Relaxation};
use multigrad::operator::Preconditioner as _;
use multigrad::solver::{Amg, Krylov, SolveOptions, training_setups};
use multigrad::sparse::Csr;

use super::bench::{Bench, time, values};
use super::problems::{Kind, Problem};

const KINDS: [Kind; 2] = [Kind::Supg, Kind::Rotated];
const SIDES: [usize; 2] = [512, 1024];
const SIDES_EMULATED: [usize; 1] = [34];
/// Steps of training.
const STEPS: usize = 150;
const STEPS_EMULATED: usize = 2;
const RTOL: f64 = 1e-8;
const MOST_ITERATIONS: usize = 300;
const MOST_ITERATIONS_EMULATED: usize = 40;
const RUNS: usize = 3;

/// The smoothers compared with a learned M.
const CLASSICAL: [(&str, Relaxation); 5] = [
    ("ILU(0) by levels", Relaxation::Ilu0(1.0)),
    ("ILU(0) by Jacobi sweeps", Relaxation::IterativeIlu0 { sweeps: 3, damping: Some(1.0) }),
    ("multicolour Gauss–Seidel", Relaxation::MulticolourGaussSeidel(Passes::Mirrored)),
    ("SPAI-0", Relaxation::Spai0),
    ("Chebyshev, degree 3", Relaxation::Chebyshev(3)),
];

/// All smoothers on all problems.
pub fn measure(bench: &Bench) -> Result<()> {
    let sides: &[usize] = if bench.emulated { &SIDES_EMULATED } else { &SIDES };
    // Small sizes of all kinds first: the time may not suffice for the large ones.
    for problem in sides.iter().flat_map(|&side| KINDS.map(|kind| Problem { kind, side })) {
        bench.heading(&format!(
            "{}, {problem}: one hierarchy of aggregates, V(1,1), to {RTOL:e}",
            problem.name()
        ));
        let a = problem.matrix()?;
        // The second setup is that of aggregates.
        let setup = training_setups(&a).swap_remove(1);
        let start = Amg::builder(setup).relaxation(Relaxation::Spai1).build(&a)?;
        let mut learned = start.with_hierarchy(start.hierarchy().clone())?;
        let steps = if bench.emulated { STEPS_EMULATED } else { STEPS };
        let trainer = Trainer::new().learn(Target::Relaxation).loss(Loss::Krylov).steps(steps).seed(1);
        let clock = Instant::now();
        trainer.on(&bench.cuda).fit(&mut learned)?;
        let trained = format!(", {steps} steps of training in {}", time(clock.elapsed().as_secs_f64()));
        solve(bench, problem, "learned M", &a, &learned, &trained)?;
        drop(learned);
        for (name, relaxation) in CLASSICAL {
            let amg = start.with_relaxation(relaxation, (1, 1))?;
            solve(bench, problem, name, &a, &amg, "")?;
        }
    }
    Ok(())
}

/// By CG if the cycle is symmetric and CG converges with it, otherwise by FGMRES.
fn solve(bench: &Bench, problem: Problem, name: &str, a: &Csr<f64>, amg: &Amg, more: &str) -> Result<()> {
    let symmetric = a.is_symmetric() && amg.is_symmetric();
    let most = if bench.emulated { MOST_ITERATIONS_EMULATED } else { MOST_ITERATIONS };
    let mut solver = amg.to_single_precision()?;
    solver.move_to_device(&bench.cuda)?;
    let b: Vec<f64> = values(5, a.rows());
    let by = |krylov| {
        let options = SolveOptions::new().krylov(krylov).rtol(RTOL).max_iterations(most);
        solver.solve_with(&b, options)
    };
    let method = if symmetric && by(Krylov::Cg)?.converged() { Krylov::Cg } else { Krylov::Fgmres };
    let clock = Instant::now();
    let out = by(method)?;
    let once = clock.elapsed().as_secs_f64();
    let (iterations, converged) = (out.iterations, out.converged());
    // One run without convergence is enough.
    let seconds = if converged { bench.wall(RUNS, || by(method).map(drop))? } else { once };
    let verdict = if converged { "" } else { " WITHOUT CONVERGENCE" };
    let each = time(seconds / iterations.max(1) as f64);
    let remarks = format!("{iterations} iterations of {method}{verdict}, {each} each{more}");
    bench.row(name, &problem.to_string(), seconds, f64::NAN, &remarks);
    Ok(())
}
