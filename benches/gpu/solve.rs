//! CG with a cycle in single precision, entirely on the GPU, against published figures.
//!
//! A whole solve tests the symmetry of the matrix, captures its graphs, and transfers the right-hand side and
//! x; the time of the iterations alone applies if vectors stay on the GPU.

use std::time::Instant;

use multigrad::error::Result;
use multigrad::multigrid::Relaxation;
use multigrad::solver::{Amg, Krylov, SolveOptions};

use super::bench::{Bench, time, values};
use super::problems::{Kind, Problem};

/// A published figure.
#[derive(Clone, Copy)]
enum Published {
    /// Seconds of a solve.
    Seconds(f64),
    /// Nanoseconds per unknown and iteration.
    Nanoseconds(f64),
}

/// A problem and its published figures.
type Case = (Problem, Published, &'static str);

const JACOBI: &str = "CG + Jacobi of torch-sla on one H200";
const HYPRE: &str = "hypre on one GPU of AMD";
const CASES: [Case; 3] = [
    (Problem { kind: Kind::Poisson2d, side: 1000 }, Published::Seconds(0.19), JACOBI),
    (Problem { kind: Kind::Poisson2d, side: 4000 }, Published::Seconds(7.3), JACOBI),
    (Problem { kind: Kind::Poisson3d, side: 256 }, Published::Nanoseconds(1.93), HYPRE),
];
const SIDES_EMULATED: [usize; 3] = [34, 40, 11];
const RTOL: f64 = 1e-6;
const RUNS: usize = 3;

/// Solves of Poisson's equation.
pub fn measure(bench: &Bench) -> Result<()> {
    bench.heading(&format!("CG with a V-cycle in single precision, to {RTOL:e}"));
    for ((problem, published, by), side) in CASES.into_iter().zip(SIDES_EMULATED) {
        let problem = if bench.emulated { Problem { side, ..problem } } else { problem };
        one(bench, (problem, published, by))?;
    }
    Ok(())
}

fn one(bench: &Bench, (problem, published, by): Case) -> Result<()> {
    let (a, size) = (problem.matrix()?, problem.to_string());
    let clock = Instant::now();
    let builder = Amg::smoothed_aggregation().relaxation(Relaxation::Spai0).single_precision();
    let mut solver = builder.krylov(Krylov::Cg).build(&a)?;
    solver.move_to_device(&bench.cuda)?;
    let setup = clock.elapsed().as_secs_f64();
    let rows = a.rows();
    let b: Vec<f64> = values(1, rows);
    let (mut iterations, mut alone) = (0, f64::INFINITY);
    let seconds = bench.wall(RUNS, || {
        let mut times = Vec::new();
        let out = {
            let mut record = |_, _| times.push(Instant::now());
            solver.solve_with(&b, SolveOptions::new().rtol(RTOL).on_iteration(&mut record))?
        };
        assert!(out.converged(), "{}: {out}", problem.name());
        iterations = out.iterations;
        if let [first, .., last] = times[..] {
            // The first iteration ends at this point.
            let each = (last - first).as_secs_f64() / (times.len() - 1) as f64;
            alone = alone.min(each * times.len() as f64);
        }
        Ok(())
    })?;
    let each = |seconds: f64| 1e9 * seconds / (rows * iterations) as f64;
    let ratio = |seconds: f64| match published {
        Published::Seconds(s) => format!("{:.2} of {} by {by}", seconds / s, time(s)),
        Published::Nanoseconds(ns) => format!("{:.2} of {ns} ns by {by}", each(seconds) / ns),
    };
    let row = |what: &str, seconds: f64, more: &str| {
        let nanoseconds = each(seconds);
        let remarks = format!(
            "{iterations} iterations, {nanoseconds:.3} ns per unknown and iteration, {}{more}",
            ratio(seconds)
        );
        bench.row(&format!("{}, {what}", problem.name()), &size, seconds, f64::NAN, &remarks);
    };
    row("iterations alone", alone, "");
    let setup = format!("; setup on the CPU and upload {}", time(setup));
    row("whole solve", seconds, &setup);
    Ok(())
}
