//! The main job: train a smoother for recirculating flow, save it, load it again,
//! solve with it next to the classical smoothers, and look at it.
//!
//! ```text
//! cargo run --release --example recirculating_flow            # 64 × 64 unknowns, upwind
//! cargo run --release --example recirculating_flow 128 supg   # another size and scheme
//! ```
//!
//! Pictures and the trained solver go to the folder `out`.

use std::error::Error;
use std::io::IsTerminal;
use std::path::Path;

use multigrad::gallery::{FLOW_EPSILON, FlowScheme, Problem, recirculating_flow};
use multigrad::krylov::{Fgmres, Outcome, Richardson};
use multigrad::learn::{Trainer, TrainingReport, classical_baselines};
use multigrad::multigrid::{Relaxation, Setup};
use multigrad::operator::Preconditioner;
use multigrad::plot::{FieldPlot, ResidualPlot, TrainingPlot};
use multigrad::solver::{Amg, training_setups};
use multigrad::sparse::Csr;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let n = arguments.next().map_or(Ok(64), |n| n.parse())?;
    let scheme = arguments.next().map_or(Ok(FlowScheme::Upwind), |s| s.parse())?;
    let out = Path::new("out");
    std::fs::create_dir_all(out)?;

    // A matrix, and the two hierarchies that may suit a nonsymmetric one.
    let flow = recirculating_flow(n, FLOW_EPSILON, scheme)?;
    let a = &flow.matrix;
    println!("{}: {} unknowns, {} nonzeros\n", flow.name, a.rows(), a.nnz());
    let build = |setup: &Setup| Amg::builder(setup.clone()).build(a);
    let candidates: Vec<Amg> = training_setups(a).iter().map(build).collect::<Result<_, _>>()?;

    // Train the relaxation through the V-cycle, save, and load again.
    let (amg, report) = train(&candidates)?;
    println!("{amg}\n\n{report}\n");
    amg.save(out.join("flow.mgrad"))?;
    let learned = Amg::load(out.join("flow.mgrad"), a)?;

    // Solve a system outside the training set, beside the classical smoothers with their best parameters.
    let b = fresh_right_hand_side(&flow, n);
    let mut runs = vec![run("learned M", a, &b, &learned, report.factor_after)?];
    let baselines = classical_baselines(&amg, (1, 1), 1, None)?;
    for baseline in baselines.iter().filter(|b| b.factor < 1.0).take(4) {
        let relaxation: Relaxation = baseline.smoother.parse()?;
        let classical = amg.with_relaxation(relaxation, (1, 1))?;
        runs.push(run(&baseline.smoother, a, &b, &classical, baseline.factor)?);
    }
    let ilu = amg.with_relaxation(Relaxation::Ilu0(1.0), (1, 1))?;
    runs.push(krylov("ilu0 in FGMRES", a, &b, &ilu)?);
    runs.push(krylov("learned M in FGMRES", a, &b, &learned)?);
    println!("V(1,1) to 1e-8                       factor   iterations   seconds");
    for r in &runs {
        let iterations =
            if r.out.converged() { r.out.iterations.to_string() } else { r.out.status.to_string() };
        let factor = r.factor.map_or(String::from("–"), |f| format!("{f:.4}"));
        println!("{:<34}  {factor:>7}   {iterations:>10}   {:>7.4}", r.name, r.seconds);
    }

    // Pictures.
    let mut residuals = ResidualPlot::new(&flow.name).x_label("iterations, one V(1,1) cycle each");
    for r in &runs {
        residuals = residuals.series(&r.name, &r.out.residual_history);
    }
    let title = format!("training, {}", flow.name);
    let training = TrainingPlot::new(title).loss(&report.loss_history).factor(&report.factor_history);
    let points: Vec<[f64; 2]> = flow.coordinates.row_iter().map(|p| [p[0], p[1]]).collect();
    let solution = Richardson::new().preconditioner(&learned).solve(a, &b)?;
    let title = format!("{}, with a source of heat", flow.name);
    let field = FieldPlot::new(title, &points, &solution.x)?.label("u");
    for kind in ["svg", "png"] {
        residuals.write(out.join(format!("residuals.{kind}")))?;
        training.write(out.join(format!("training.{kind}")))?;
        field.write(out.join(format!("solution.{kind}")))?;
    }
    println!("\nout/ holds flow.mgrad and residuals, training and solution as .svg and .png");
    if !(runs[0].out.converged() && solution.converged()) {
        return Err("the learned solver did not converge".into());
    }
    Ok(())
}

fn train(candidates: &[Amg]) -> multigrad::error::Result<(Amg, TrainingReport)> {
    let terminal = std::io::stderr().is_terminal();
    let trained = Trainer::new().seed(1).fit_best(candidates, &mut |p| {
        if terminal {
            let (step, steps) = p.step;
            eprint!("\rstep {step}/{steps}  factor {:.4}  {:.0} s left   ", p.factor, p.seconds_left);
        }
    });
    if terminal {
        eprintln!();
    }
    trained
}

struct Run {
    name: String,
    factor: Option<f64>,
    seconds: f64,
    out: Outcome,
}

fn run(
    name: &str,
    a: &Csr<f64>,
    b: &[f64],
    p: &dyn Preconditioner,
    factor: f64,
) -> multigrad::error::Result<Run> {
    let (seconds, out) = timed(|| Richardson::new().rtol(1e-8).preconditioner(p).solve(a, b))?;
    Ok(Run { name: name.to_string(), factor: Some(factor), seconds, out })
}

fn krylov(name: &str, a: &Csr<f64>, b: &[f64], p: &dyn Preconditioner) -> multigrad::error::Result<Run> {
    let (seconds, out) = timed(|| Fgmres::new().rtol(1e-8).preconditioner(p).solve(a, b))?;
    Ok(Run { name: name.to_string(), factor: None, seconds, out })
}

/// The least time of five runs: the first run has cold caches.
fn timed(solve: impl Fn() -> multigrad::error::Result<Outcome>) -> multigrad::error::Result<(f64, Outcome)> {
    let mut best = f64::INFINITY;
    for _ in 0..4 {
        let clock = std::time::Instant::now();
        solve()?;
        best = best.min(clock.elapsed().as_secs_f64());
    }
    let clock = std::time::Instant::now();
    let out = solve()?;
    Ok((best.min(clock.elapsed().as_secs_f64()), out))
}

/// The boundary values of the problem and a source of heat inside the flow.
fn fresh_right_hand_side(flow: &Problem, n: usize) -> Vec<f64> {
    let h = 2.0 / (n + 1) as f64;
    let source = |x: f64, y: f64| (-20.0 * ((x - 0.3).powi(2) + (y + 0.4).powi(2))).exp();
    flow.rhs.iter().zip(flow.coordinates.row_iter()).map(|(b, p)| b + h * h * source(p[0], p[1])).collect()
}
