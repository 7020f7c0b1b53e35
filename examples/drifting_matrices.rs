//! A sequence of slightly different matrices on one pattern, one solve each, as in Newton's method or a
//! parameter sweep: the costs of rebuilding, refreshing, following with a learned smoother, and factoring.
//!
//! ```text
//! cargo run --release --example drifting_matrices                  # flow, 64 × 64, 100 matrices
//! cargo run --release --example drifting_matrices rotated 96 200   # another family, size and number
//! ```
//!
//! `flow`: the diffusion ε of the recirculating flow falls from 0.02 to 0.002. `rotated`: diffusion with
//! ratio 0.01 turns from 30° to 45°. Every system is solved to ‖b − Ax‖ ≤ 10⁻⁸ ‖b‖ from x = 0, which is
//! checked outside the timing; everything else is timed, including the training on the first matrix. A
//! learned solver is either followed, with a measurement of its smoothers for every matrix, or carried, where
//! the iterations of the solve itself decide; a few steps tune it if it has become worse.
//!
//! `out/drifting_matrices.svg` shows the seconds spent, `out/drifting_iterations.svg` the iterations.

mod common;

use std::error::Error;
use std::time::Instant;

use common::{argument, picture};
use multigrad::error::Result;
use multigrad::gallery::{FlowScheme, Problem, recirculating_flow, rotated_anisotropic};
use multigrad::krylov::Fgmres;
use multigrad::learn::{Loss, Start, Target, TrackedSolver, Trainer};
use multigrad::plot::ResidualPlot;
use multigrad::solver::Direct;
use multigrad::solver::{Amg, SolveOptions, Solver, relative_residual, training_setups};
use multigrad::sparse::Csr;

/// The relative residual to reach, and the iterations after which a solve has failed.
const RTOL: f64 = 1e-8;
const MOST: usize = 500;
/// Steps of the short training on the first matrix, and the threshold at which a followed matrix needs
/// tuning.
const FIRST_STEPS: usize = 60;
const TUNING_STEPS: usize = 20;

fn main() -> std::result::Result<(), Box<dyn Error>> {
    let family = std::env::args().nth(1).unwrap_or("flow".into());
    let n = argument(2, "the number of unknowns per side", 64, 8..=512)?;
    let count = argument(3, "the number of matrices", 100, 2..=10_000)?;
    let drift = Drift { rotated: rotated(&family)?, n, count };
    let (first, last) = (drift.problem(0)?.name, drift.problem(count - 1)?.name);
    println!("{first} to {last}: {count} matrices, solved to {RTOL:e}\n");

    let mut runs = vec![
        drift.run("automatic choice, built anew", &mut Anew)?,
        drift.run("automatic choice, refreshed", &mut Refreshed(None))?,
    ];
    let trainer = Trainer::new().learn(Target::Ilu).loss(Loss::Krylov).seed(1);
    let network = trainer.clone().start(Start::Network).steps(0);
    let once = trainer.clone().steps(FIRST_STEPS);
    for (name, first, measured) in [
        ("learned L and U from the network, followed", &network, true),
        ("learned L and U from the network, carried", &network, false),
        ("learned L and U trained once, followed", &once, true),
        ("learned L and U trained once, carried", &once, false),
    ] {
        let (first, tuning) = (first.clone(), trainer.clone().steps(TUNING_STEPS));
        let (solver, best) = (None, usize::MAX);
        let mut following = Following { first, tuning, measured, solver, best, outcome: String::new() };
        let run = drift.run(name, &mut following)?;
        runs.push(Run { name: run.name + &following.outcome, ..run });
    }
    runs.push(drift.run("direct solver, factored anew", &mut Factored)?);

    report(&runs);
    let title = format!("{count} matrices that drift: {family} {n} × {n}");
    let x_label = "matrices after the first";
    let mut seconds = ResidualPlot::new(&title).x_label(x_label).y_label("seconds in all");
    let mut iterations = ResidualPlot::new(&title).x_label(x_label).y_label("iterations of a solve");
    for run in &runs {
        seconds = seconds.series(&run.name, &run.seconds);
        if run.iterations.iter().any(|&i| i > 0.0) {
            iterations = iterations.series(&run.name, &run.iterations);
        }
    }
    seconds.write(picture("drifting_matrices.svg")?)?;
    iterations.write(picture("drifting_iterations.svg")?)?;
    println!("\nout/drifting_matrices.svg shows the seconds, out/drifting_iterations.svg the iterations");
    match runs.iter().find(|r| r.failed > 0) {
        Some(run) => Err(format!("{}: {} solves did not converge", run.name, run.failed).into()),
        None => Ok(()),
    }
}

fn rotated(family: &str) -> std::result::Result<bool, String> {
    match family {
        "flow" => Ok(false),
        "rotated" => Ok(true),
        _ => Err(format!("there is no family '{family}'; choose flow or rotated")),
    }
}

/// The sequence of problems.
struct Drift {
    rotated: bool,
    n: usize,
    count: usize,
}

/// A solver's run through the sequence, with its costs.
struct Run {
    name: String,
    /// Seconds after every matrix.
    seconds: Vec<f64>,
    /// Iterations for every matrix.
    iterations: Vec<f64>,
    /// The numbers of tunings and of fallbacks or rebuilds.
    tuned: usize,
    fell_back: usize,
    failed: usize,
    /// The largest ‖b − Ax‖/‖b‖.
    residual: f64,
}

/// The cost of one matrix.
struct Solved {
    x: Vec<f64>,
    iterations: usize,
    tuned: bool,
    fell_back: bool,
}

impl Solved {
    fn plainly((x, iterations): (Vec<f64>, usize)) -> Self {
        Solved { x, iterations, tuned: false, fell_back: false }
    }
}

/// Solves for one matrix after the other.
trait Competitor {
    fn solve(&mut self, a: &Csr<f64>, b: &[f64]) -> Result<Solved>;
}

impl Drift {
    fn problem(&self, place: usize) -> Result<Problem> {
        let share = place as f64 / (self.count - 1) as f64;
        if self.rotated {
            rotated_anisotropic(self.n, 0.01, (30.0 + 15.0 * share).to_radians())
        } else {
            recirculating_flow(self.n, 0.02 * 0.1f64.powf(share), FlowScheme::Upwind)
        }
    }

    fn run(&self, name: &str, competitor: &mut dyn Competitor) -> Result<Run> {
        let (seconds, iterations) = (Vec::new(), Vec::new());
        let name = name.to_string();
        let mut run = Run { name, seconds, iterations, tuned: 0, fell_back: 0, failed: 0, residual: 0.0 };
        let mut spent = 0.0;
        for place in 0..self.count {
            let Problem { matrix, rhs, .. } = self.problem(place)?;
            let clock = Instant::now();
            let solved = competitor.solve(&matrix, &rhs)?;
            spent += clock.elapsed().as_secs_f64();
            let residual = relative_residual(&matrix, &rhs, &solved.x)?;
            // Sums in another order differ in the last digits.
            run.failed += usize::from(residual.is_nan() || residual > RTOL * (1.0 + 1e-6));
            run.residual = run.residual.max(residual);
            run.seconds.push(spent);
            run.iterations.push(solved.iterations as f64);
            run.tuned += usize::from(solved.tuned);
            run.fell_back += usize::from(solved.fell_back);
        }
        Ok(run)
    }
}

/// The automatic choice, built for every matrix.
struct Anew;

impl Competitor for Anew {
    fn solve(&mut self, a: &Csr<f64>, b: &[f64]) -> Result<Solved> {
        let out = Amg::auto(a)?.solve_for(a, b, SolveOptions::new().rtol(RTOL).max_iterations(MOST))?;
        Ok(Solved::plainly((out.x, out.iterations)))
    }
}

/// The automatic choice for the first matrix with new values; rebuilt if that does not converge.
struct Refreshed(Option<Solver>);

impl Competitor for Refreshed {
    fn solve(&mut self, a: &Csr<f64>, b: &[f64]) -> Result<Solved> {
        let Some(solver) = &mut self.0 else {
            let solver = self.0.insert(Amg::auto(a)?);
            let out = solver.solve_for(a, b, SolveOptions::new().rtol(RTOL).max_iterations(MOST))?;
            return Ok(Solved::plainly((out.x, out.iterations)));
        };
        solver.refresh(a)?;
        let out = solver.solve_for(a, b, SolveOptions::new().rtol(RTOL).max_iterations(MOST))?;
        if out.converged() {
            return Ok(Solved::plainly((out.x, out.iterations)));
        }
        *solver = Amg::auto(a)?;
        let again = solver.solve_for(a, b, SolveOptions::new().rtol(RTOL).max_iterations(MOST))?;
        let iterations = out.iterations + again.iterations;
        Ok(Solved { fell_back: true, ..Solved::plainly((again.x, iterations)) })
    }
}

/// A learned solver, which starts as `first` says and is tuned by `tuning`.
struct Following {
    first: Trainer,
    tuning: Trainer,
    /// Whether a measurement decides about tuning; otherwise the solve itself decides.
    measured: bool,
    solver: Option<TrackedSolver>,
    /// Iterations of the first solve, and of the first after tuning.
    best: usize,
    /// The solver of the first matrix if learning was no gain.
    outcome: String,
}

impl Competitor for Following {
    fn solve(&mut self, a: &Csr<f64>, b: &[f64]) -> Result<Solved> {
        let mut solved = Solved::plainly((Vec::new(), 0));
        let solver = match &mut self.solver {
            Some(solver) => solver,
            none => {
                // The last one is the aggregation, with the cheapest cycles.
                let build = |setup| Amg::builder(setup).build(a);
                let candidates: Vec<Amg> =
                    training_setups(a).into_iter().map(build).collect::<Result<_>>()?;
                let cheapest = &candidates[candidates.len() - 1..];
                let (amg, report) = self.first.fit_best(cheapest, &mut |_| {})?;
                if self.measured {
                    println!("{report}\n"); // the other one starts in the same way
                }
                if !report.accepted {
                    let kept = report.fallback.unwrap_or(report.start);
                    self.outcome = format!(" (no gain on the first: {kept})");
                }
                let solver = none.insert(TrackedSolver::new(amg, self.tuning.clone())?);
                let (x, iterations) = within(solver, a, b)?;
                self.best = iterations;
                return Ok(Solved::plainly((x, iterations)));
            }
        };
        if self.measured {
            let followed = solver.follow(a)?;
            (solved.tuned, solved.fell_back) = (followed.tuned, followed.fell_back);
        } else {
            solver.carry(a)?;
        }
        (solved.x, solved.iterations) = within(solver, a, b)?;
        if !self.measured && 2 * solved.iterations > 3 * self.best {
            solved.tuned = true;
            solved.fell_back = solver.tune()?.fell_back;
            let again = within(solver, a, b)?;
            self.best = again.1;
            (solved.x, solved.iterations) = (again.0, solved.iterations + again.1);
        }
        Ok(solved)
    }
}

fn within(solver: &TrackedSolver, a: &Csr<f64>, b: &[f64]) -> Result<(Vec<f64>, usize)> {
    let out = Fgmres::new().rtol(RTOL).max_iterations(MOST).preconditioner(solver.amg()).solve(a, b)?;
    Ok((out.x, out.iterations))
}

/// Factors of every matrix.
struct Factored;

impl Competitor for Factored {
    fn solve(&mut self, a: &Csr<f64>, b: &[f64]) -> Result<Solved> {
        let mut x = vec![0.0; b.len()];
        Direct::new(a)?.solve(b, &mut x, 1);
        Ok(Solved::plainly((x, 0)))
    }
}

/// The table, and the fastest solver.
fn report(runs: &[Run]) {
    println!("  first s     all s   ms/matrix   iterations   tuned   fell back   residual   solver");
    let all = |run: &Run| run.seconds.last().copied().unwrap_or(f64::INFINITY);
    for run in runs {
        let (count, first) = (run.seconds.len() as f64, run.seconds[0]);
        let later = 1e3 * (all(run) - first) / (count - 1.0);
        let mean = run.iterations.iter().sum::<f64>() / count;
        let failed =
            if run.failed > 0 { format!("  ✗ {} not converged", run.failed) } else { String::new() };
        println!(
            "{first:>9.3} {:>9.3} {later:>11.2} {mean:>12.1} {:>7} {:>11} {:>10.1e}   {}{failed}",
            all(run),
            run.tuned,
            run.fell_back,
            run.residual,
            run.name
        );
    }
    let mut sound: Vec<&Run> = runs.iter().filter(|r| r.failed == 0).collect();
    sound.sort_by(|p, q| all(p).total_cmp(&all(q)));
    let [best, rest @ ..] = sound.as_slice() else { return };
    println!("\nLeast time in all: {} ({:.2} s).", best.name, all(best));
    for run in rest {
        println!("{:.1} times that: {}", all(run) / all(best), run.name);
    }
}
