//! Amortisation of training over a long run: u_t = ε Δu − w·∇u in the recirculating flow by implicit Euler,
//! with one matrix and a thousand right-hand sides; every solver runs through all of them separately.
//!
//! ```text
//! cargo run --release --example time_stepping                # 48 × 48 unknowns, 1000 steps, Δt = 0.5
//! cargo run --release --example time_stepping 128 1000 0.1   # other sizes and steps
//! ```
//!
//! The heated wall changes with time, so every step differs from the one before. Every step starts from the
//! values of the last one and ends at ‖b − Au‖ ≤ 10⁻⁸ ‖b‖, which is checked outside the timing. Setup,
//! training and the choice of a Krylov method are timed. `out/time_stepping.svg` shows the seconds spent
//! against the number of solves.

mod common;

use std::cell::RefCell;
use std::error::Error;
use std::time::Instant;

use common::{argument, picture};
use multigrad::error::Result;
use multigrad::gallery::{FLOW_EPSILON, FlowScheme, recirculating_flow};
use multigrad::krylov::Outcome;
use multigrad::learn::{BreakEven, LearnedSolver, Loss, Start, Target, Trainer};
use multigrad::multigrid::Relaxation;
use multigrad::operator::LinearOperator;
use multigrad::plot::ResidualPlot;
use multigrad::solver::Direct;
use multigrad::solver::{Amg, Krylov, SolveOptions, Solver, relative_residual, training_setups};
use multigrad::sparse::Csr;

/// The relative residual to reach, and the iterations after which a solve has failed.
const RTOL: f64 = 1e-8;
const MOST: usize = 500;
/// Time between two maxima of the heat.
const PERIOD: f64 = 20.0;

/// Maps a right-hand side and a guess to a solution and its iterations.
type Solve<'a> = &'a dyn Fn(&[f64], &[f64]) -> Result<(Vec<f64>, usize)>;

fn main() -> std::result::Result<(), Box<dyn Error>> {
    let n = argument(1, "the number of unknowns per side", 48, 8..=512)?;
    let steps = argument(2, "the number of steps", 1000, 2..=100_000)?;
    let dt = argument(3, "the length of a step", 0.5, 1e-4..=1e4)?;
    let flow = recirculating_flow(n, FLOW_EPSILON, FlowScheme::Upwind)?;
    // The gallery multiplies by h², so the mass matrix is multiplied too.
    let mass = (2.0 / (n + 1) as f64).powi(2) / dt;
    let a = flow.matrix.map(|i, j, v| if i == j { v + mass } else { v });
    let march = March { a: &a, mass, wall: &flow.rhs, dt, steps };
    println!("{}, implicit Euler with Δt = {dt}: {steps} solves to {RTOL:e}\n", flow.name);

    let learned = Trainer::new().learn(Target::Ilu).loss(Loss::Krylov).seed(1);
    let clock = Instant::now();
    let (amg, trained, outcome) = learned_cycle(&a, &learned)?;
    let mut runs = vec![march.learned(format!("learned L and U{outcome}"), &trained, clock)?];
    let clock = Instant::now();
    let (_, network, outcome) = learned_cycle(&a, &learned.start(Start::Network).steps(0))?;
    runs.push(march.learned(format!("L and U from the network{outcome}"), &network, clock)?);

    let clock = Instant::now();
    let automatic = Amg::auto(&a)?;
    let name = format!("automatic choice: {}", automatic.summary());
    let krylov = automatic.krylov();
    runs.push(march.run(name, clock, &|b, u| march.improve(&automatic, krylov, b, u))?);

    let clock = Instant::now();
    let mut tuned = Amg::auto(&a)?;
    let report_of_training = Trainer::new().seed(1).for_solves(steps).fit(&mut tuned)?;
    println!("{report_of_training}\n");
    let name = format!("trained for {steps} solves: {}", tuned.summary());
    let krylov = tuned.krylov();
    runs.push(march.run(name, clock, &|b, u| march.improve(&tuned, krylov, b, u))?);

    let clock = Instant::now();
    let in_use = RefCell::new(LearnedSolver::auto(&a)?);
    let solve = |b: &[f64], u: &[f64]| {
        let Some((r, rtol)) = march.defect(b, u)? else { return Ok((u.to_vec(), 0)) };
        let out = in_use.borrow_mut().solve_with(&r, SolveOptions::new().rtol(rtol).max_iterations(MOST))?;
        Ok((out.x.iter().zip(u).map(|(x, u)| x + u).collect(), out.iterations))
    };
    runs.push(march.run("trained between the solves".into(), clock, &solve)?);
    println!("{}\n", in_use.borrow().report());

    // The search for the best damping is not timed, in favour of the classical smoother.
    let hierarchy = training_setups(&a).into_iter().find(|s| s == amg.setup()).ok_or("no such setup")?;
    let damping = best_damping(&march, &amg)?;
    let clock = Instant::now();
    let classical =
        Amg::builder(hierarchy).relaxation(Relaxation::Ilu0(damping)).single_precision().build(&a)?;
    let name = format!("ilu0({damping}), same hierarchy, FGMRES");
    runs.push(march.run(name, clock, &|b, u| march.improve(&classical, Krylov::Fgmres, b, u))?);

    let clock = Instant::now();
    let direct = Direct::new(&a)?;
    let solve = |b: &[f64], _: &[f64]| {
        let mut x = vec![0.0; b.len()];
        direct.solve(b, &mut x, 1);
        Ok((x, 0))
    };
    runs.push(march.run("direct solver".into(), clock, &solve)?);

    report(&runs, steps);
    let title = format!("recirculating flow {n} × {n}: {steps} steps of implicit Euler");
    let mut plot = ResidualPlot::new(title).x_label("solves").y_label("seconds in all");
    for run in &runs {
        plot = plot.series(&run.name, &run.seconds);
    }
    plot.write(picture("time_stepping.svg")?)?;
    println!("\nout/time_stepping.svg shows the seconds against the number of solves");
    match runs.iter().find(|r| r.failed > 0) {
        Some(run) => Err(format!("{}: {} solves did not converge", run.name, run.failed).into()),
        None => Ok(()),
    }
}

/// The system of a step and the number of steps.
struct March<'a> {
    a: &'a Csr<f64>,
    mass: f64,
    /// The right-hand side of the heated wall.
    wall: &'a [f64],
    dt: f64,
    steps: usize,
}

/// A solver and its run through all steps.
struct Run {
    name: String,
    /// Seconds from the start of its setup, after it and after every solve.
    seconds: Vec<f64>,
    iterations: usize,
    failed: usize,
    /// The largest ‖b − Au‖/‖b‖.
    residual: f64,
}

impl March<'_> {
    /// Right-hand side of a step from `u`.
    fn right_hand_side(&self, step: usize, u: &[f64]) -> Vec<f64> {
        let phase = std::f64::consts::TAU * (step + 1) as f64 * self.dt / PERIOD;
        let heat = 1.0 + 0.5 * phase.sin();
        u.iter().zip(self.wall).map(|(u, wall)| self.mass * u + heat * wall).collect()
    }

    /// All steps. `clock` runs since the setup began; `solve(b, u)` computes the new values from the old ones
    /// and returns its iterations.
    fn run(&self, name: String, clock: Instant, solve: Solve<'_>) -> Result<Run> {
        let mut spent = clock.elapsed().as_secs_f64();
        let mut run = Run { name, seconds: vec![spent], iterations: 0, failed: 0, residual: 0.0 };
        let mut u = vec![0.0; self.a.rows()];
        for step in 0..self.steps {
            let b = self.right_hand_side(step, &u);
            let clock = Instant::now();
            let (next, iterations) = solve(&b, &u)?;
            spent += clock.elapsed().as_secs_f64();
            let residual = relative_residual(self.a, &b, &next)?;
            run.failed += usize::from(residual.is_nan() || residual > RTOL);
            run.residual = run.residual.max(residual);
            run.iterations += iterations;
            run.seconds.push(spent);
            u = next;
        }
        Ok(run)
    }

    /// A run with a learned cycle, in the Krylov method that solves the first step faster; finding out
    /// is on the clock.
    fn learned(&self, name: String, solver: &Solver, clock: Instant) -> Result<Run> {
        let (b, u) = (self.right_hand_side(0, &vec![0.0; self.a.rows()]), vec![0.0; self.a.rows()]);
        let mut best = (f64::INFINITY, Krylov::Fgmres);
        for krylov in [Krylov::Fgmres, Krylov::BiCgStab] {
            let trial = Instant::now();
            self.improve(solver, krylov, &b, &u)?;
            let seconds = trial.elapsed().as_secs_f64();
            best = if seconds < best.0 { (seconds, krylov) } else { best };
        }
        let name = format!("{name}, {}", best.1);
        self.run(name, clock, &|b, u| self.improve(solver, best.1, b, u))
    }

    /// b − Au with the tolerance of a correction; `None` if `u` is a solution.
    fn defect(&self, b: &[f64], u: &[f64]) -> Result<Option<(Vec<f64>, f64)>> {
        let mut r = vec![0.0; b.len()];
        LinearOperator::apply(self.a, u, &mut r)?;
        r.iter_mut().zip(b).for_each(|(r, b)| *r = b - *r);
        let norm = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>().sqrt();
        // A little less, because the last digits of u change b − Au.
        let rtol = 0.999 * RTOL * norm(b) / norm(&r);
        Ok((rtol < 1.0).then_some((r, rtol)))
    }

    /// New values from old ones by a Krylov method, and its iterations.
    fn improve(&self, solver: &Solver, krylov: Krylov, b: &[f64], u: &[f64]) -> Result<(Vec<f64>, usize)> {
        let Some((r, rtol)) = self.defect(b, u)? else { return Ok((u.to_vec(), 0)) };
        let options = SolveOptions::new().krylov(krylov).rtol(rtol).max_iterations(MOST);
        let Outcome { mut x, iterations, .. } = solver.solve_for(self.a, &r, options)?;
        x.iter_mut().zip(u).for_each(|(x, u)| *x += u);
        Ok((x, iterations))
    }
}

/// A solver with learned factors, the same in single precision, and what was kept instead if learning
/// did not help.
fn learned_cycle(a: &Csr<f64>, trainer: &Trainer) -> Result<(Amg, Amg, String)> {
    let build = |setup| Amg::builder(setup).build(a);
    let candidates: Vec<Amg> = training_setups(a).into_iter().map(build).collect::<Result<_>>()?;
    let (amg, report) = trainer.fit_best(&candidates, &mut |_| {})?;
    println!("{report}\n");
    let single = amg.to_single_precision()?;
    let kept = report.fallback.unwrap_or(report.start);
    let outcome = if report.accepted { String::new() } else { format!(" (no gain: {kept})") };
    Ok((amg, single, outcome))
}

/// The damping of ILU(0) with the fastest first step.
fn best_damping(march: &March<'_>, amg: &Amg) -> Result<f64> {
    let (b, u) = (march.right_hand_side(0, &vec![0.0; march.a.rows()]), vec![0.0; march.a.rows()]);
    let mut best = (f64::INFINITY, 1.0);
    for damping in [1.0, 0.9, 0.7, 0.5, 0.3] {
        let solver = amg.with_relaxation(Relaxation::Ilu0(damping), (1, 1))?.to_single_precision()?;
        for _ in 0..3 {
            let clock = Instant::now();
            let (x, _) = march.improve(&solver, Krylov::Fgmres, &b, &u)?;
            let seconds = clock.elapsed().as_secs_f64();
            if seconds < best.0 && relative_residual(march.a, &b, &x)? <= RTOL {
                best = (seconds, damping);
            }
        }
    }
    Ok(best.1)
}

/// The table, the crossings of the curves, and the fastest solver.
fn report(runs: &[Run], steps: usize) {
    println!("  setup s   ms/solve   iterations   residual     all s   solver");
    let ends = |run: &Run| (run.seconds[0], run.seconds[steps]);
    let each = |run: &Run| (run.seconds[steps] - run.seconds[0]) / steps as f64;
    for run in runs {
        let (setup, all) = ends(run);
        let mean = run.iterations as f64 / steps as f64;
        let failed =
            if run.failed > 0 { format!("  ✗ {} not converged", run.failed) } else { String::new() };
        println!(
            "{setup:>9.3} {:>10.3} {mean:>12.1} {:>10.1e} {all:>9.3}   {}{failed}",
            1e3 * each(run),
            run.residual,
            run.name
        );
    }
    for (place, learned) in runs.iter().take(2).enumerate() {
        println!("\n{}", learned.name);
        for rival in runs.iter().skip(place + 1) {
            let behind = |k: &usize| learned.seconds[*k] > rival.seconds[*k];
            let crossing = (0..=steps).rev().find(behind).map_or(1, |last| last + 1);
            let break_even =
                BreakEven::of((learned.seconds[0], rival.seconds[0]), (each(learned), each(rival)));
            let when = match break_even {
                _ if crossing <= steps => format!("has paid back after {crossing} solves"),
                Some(p) if p.until.is_none() => format!("would pay back after {p} solves"),
                Some(p) => format!("is ahead for {p} solves only"),
                None => "never pays back: it takes longer to set up and to solve".to_string(),
            };
            println!("  {when}, against {}", rival.name);
        }
    }
    let sound = runs.iter().filter(|r| r.failed == 0);
    let Some(best) = sound.min_by(|p, q| ends(p).1.total_cmp(&ends(q).1)) else { return };
    println!("\n{steps} solves took least with: {} ({:.2} s, its setup included)", best.name, ends(best).1);
    if best.name == "direct solver" {
        println!("The direct solver wins: at this size, no iterative solver pays.");
    }
}
