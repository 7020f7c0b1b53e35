//! An unsteady recirculating flow: u_t = ε Δu − w·∇u by implicit Euler, where the wind w and ε drift, so that every step has
//! another matrix.
//!
//! ```text
//! cargo run --release --example unsteady_flow            # 64 × 64 unknowns, 1000 steps
//! cargo run --release --example unsteady_flow 128 300    # other sizes
//! ```
//!
//! One [`LearnedSolver`] takes all steps: it follows the matrix, is trained between the steps where that pays, and reports
//! what that cost and gained. The residual of every step is checked. `out/unsteady_flow.png` shows the last state,
//! `out/unsteady_flow_animation.png` all of them.

mod common;

use std::error::Error;
use std::time::Instant;

use common::{argument, picture};
use indicatif::ProgressBar;
use multigrad::gallery::{FlowScheme, Problem, recirculating_flow};
use multigrad::learn::LearnedSolver;
use multigrad::plot::{FieldAnimation, FieldPlot};
use multigrad::solver::relative_residual;
use multigrad::{Csr, SolveOptions};

/// Length of a step.
const STEP: f64 = 0.2;
/// Period of the drift.
const PERIOD: f64 = 60.0;
/// Frames of the animation.
const FRAMES: usize = 50;

/// The matrix ε D + s W + m I of a step.
struct Drift {
    problem: Problem,
    diffusion: Csr<f64>,
    wind: Csr<f64>,
    mass: f64,
}

impl Drift {
    fn new(n: usize) -> multigrad::Result<Self> {
        let (one, two) = (0.01, 0.02);
        let problem = recirculating_flow(n, one, FlowScheme::Upwind)?;
        let other = recirculating_flow(n, two, FlowScheme::Upwind)?.matrix;
        // The matrix is linear in ε: its two parts follow from two values.
        let values: Vec<f64> =
            problem.matrix.values().iter().zip(other.values()).map(|(a, b)| (b - a) / (two - one)).collect();
        let diffusion = problem.matrix.with_values(values)?;
        let rest: Vec<f64> =
            problem.matrix.values().iter().zip(diffusion.values()).map(|(a, d)| a - one * d).collect();
        let wind = problem.matrix.with_values(rest)?;
        // The gallery multiplies by h², so the mass matrix is multiplied too.
        let mass = (2.0 / (n + 1) as f64).powi(2) / STEP;
        Ok(Self { problem, diffusion, wind, mass })
    }

    /// ε and the strength of the wind at a time.
    fn parameters(t: f64) -> (f64, f64) {
        let phase = std::f64::consts::TAU * t / PERIOD;
        (0.005 * (1.0 + 0.6 * phase.sin()), 1.0 + 0.4 * (1.7 * phase).cos())
    }

    fn matrix(&self, t: f64) -> multigrad::Result<Csr<f64>> {
        let (epsilon, strength) = Self::parameters(t);
        let parts = self.diffusion.values().iter().zip(self.wind.values());
        let values: Vec<f64> = parts.map(|(d, w)| epsilon * d + strength * w).collect();
        let a = self.problem.matrix.with_values(values)?;
        Ok(a.map(|i, j, v| if i == j { v + self.mass } else { v }))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let n = argument(1, "the number of unknowns per side", 64, 8..=512)?;
    let steps: usize = argument(2, "the number of steps", 1000, 2..=100_000)?;
    let drift = Drift::new(n)?;
    let points: Vec<[f64; 2]> = drift.problem.coordinates.row_iter().map(|p| [p[0], p[1]]).collect();
    let mut u = vec![0.0; n * n];
    let mut solver = LearnedSolver::auto(&drift.matrix(0.0)?)?;
    println!("{}\n", solver.solver()?);
    let bar = ProgressBar::new(steps as u64);
    let (mut frames, mut iterations, mut worst) = (Vec::new(), 0, 0.0f64);
    let clock = Instant::now();
    for step in 1..=steps {
        let t = STEP * step as f64;
        let a = drift.matrix(t)?;
        // The heated wall diffuses with the present ε.
        let heat = Drift::parameters(t).0 / 0.01;
        let b: Vec<f64> = u.iter().zip(&drift.problem.rhs).map(|(u, f)| drift.mass * u + heat * f).collect();
        solver.update(&a)?;
        let out = solver.solve_with(&b, SolveOptions::new().initial_guess(&u))?;
        worst = worst.max(relative_residual(&a, &b, &out.x)?);
        if !out.converged() {
            return Err(format!("step {step}: {out}").into());
        }
        iterations += out.iterations;
        u = out.x;
        if step % steps.div_ceil(FRAMES) == 0 || step == steps {
            frames.push(FieldPlot::new(format!("t = {t:.0}"), &points, &u)?.label("u").range(0.0, 1.0));
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    println!(
        "{steps} steps in {:.2} s, {:.1} iterations each",
        clock.elapsed().as_secs_f64(),
        iterations as f64 / steps as f64
    );
    println!("largest relative residual {worst:.1e}");
    println!("{}", solver.report());
    frames.last().ok_or("no step")?.write(picture("unsteady_flow.png")?)?;
    FieldAnimation::new(frames).write(picture("unsteady_flow_animation.png")?)?;
    println!("pictures: out/unsteady_flow.png, out/unsteady_flow_animation.png");
    if worst > 1.01e-8 { Err("a step has a larger residual than asked for".into()) } else { Ok(()) }
}
