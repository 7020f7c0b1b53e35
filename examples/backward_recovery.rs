//! Accuracy of gradients from states recovered backwards (`Checkpoints::Backwards`) against the contraction of the
//! iteration, and that of the reversible pair.
//!
//! ```text
//! cargo run --release --example backward_recovery       # 16 × 16 unknowns
//! cargo run --release --example backward_recovery 32
//! ```
//!
//! The iteration x ← x − (1 − c) (S x + θ ⊙ (x − ½ sin x) − b) with the eigenvalues of S, a scaled Laplacian, in (0, 0.8)
//! and those of θ in (0.05, 0.13) has those of ∂f/∂x between c and 1. Recovery inverts it: a step backwards multiplies
//! rounding ε by up to 1/c, so N steps cost about ε c⁻ᴺ. Where the iteration has converged long before its end, its
//! gradient hardly depends on the first states and may be right although they are lost: the rightmost point of 1000
//! steps. Errors are relative to the gradient with all states kept, and drawn in `out/backward_recovery.svg` and `.png`.

mod common;

use common::{argument, normal, picture};
use multigrad::autodiff::{Checkpoints, Dense, Function, Recovery, Sparse, Tape, Unrolled, unrolled};
use multigrad::error::Result;
use multigrad::gallery::poisson_2d;
use multigrad::plot::GrowthPlot;
use multigrad::sparse::Csr;

/// 1 − c for the smallest eigenvalue c.
const CONTRACTIONS: [f64; 10] = [1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.2, 0.3, 0.5];

/// β and the number of steps of the reversible pair.
const PAIR: (f64, usize) = (0.005, 1000);

struct Iteration {
    s: Csr<f64>,
    b: Vec<f64>,
    start: Vec<f64>,
    theta: Vec<f64>,
}

/// f(x), for a length of the step of 1 − c.
fn step<'t>((s, b): (Sparse<'t>, Dense<'t>), x: Dense<'t>, theta: Dense<'t>, length: f64) -> Dense<'t> {
    x - (s * x + theta * (x - x.map(Function::Sin) * 0.5) - b) * length
}

impl Iteration {
    fn new(n: usize) -> Result<Self> {
        let s = poisson_2d(n, n)?.matrix.map(|_, _, v| 0.1 * v);
        let theta = normal(2, n * n).iter().map(|v| 0.09 + 0.04 * v.sin()).collect();
        Ok(Self { s, b: normal(4, n * n), start: normal(1, n * n), theta })
    }

    /// S and b on a tape.
    fn on<'t>(&self, tape: &'t Tape) -> (Sparse<'t>, Dense<'t>) {
        (tape.matrix(&self.s), tape.vector(&self.b))
    }

    /// Σ x³ after some steps, with its gradients.
    fn run(&self, way: Checkpoints, steps: usize, length: f64, theta: &[f64]) -> Result<Unrolled<f64>> {
        unrolled(
            way,
            steps,
            std::slice::from_ref(&self.start),
            &[theta.to_vec()],
            |tape, _, x, p| vec![step(self.on(tape), x[0], p[0], length)],
            |_, x, _| (x[0] * x[0] * x[0]).sum(),
        )
    }

    /// The reversible pair with all states kept.
    fn pair(&self, (beta, steps): (f64, usize), length: f64) -> Result<Unrolled<f64>> {
        unrolled(
            Checkpoints::All,
            steps,
            &[self.start.clone(), self.start.clone()],
            std::slice::from_ref(&self.theta),
            |tape, _, x, p| {
                let f = |x| step(self.on(tape), x, p[0], length);
                let y = x[0] * (1.0 - beta) + f(x[1]) * beta;
                vec![y, x[1] * (1.0 - beta) + f(y) * beta]
            },
            |_, x, _| (x[0] * x[0] * x[0]).sum(),
        )
    }
}

/// ‖a − b‖ / ‖b‖ of the gradients with respect to θ.
fn distance(a: &Unrolled<f64>, b: &Unrolled<f64>) -> f64 {
    let [a, b] = [&a.of_parameters[0], &b.of_parameters[0]];
    let squares: f64 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
    (squares / b.iter().map(|b| b * b).sum::<f64>()).sqrt()
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let n = argument(1, "the number of unknowns per side", 16, 4..=64)?;
    let iteration = Iteration::new(n)?;
    let theta = &iteration.theta;

    // A derivative of the recovered gradient against differences.
    let along = normal(3, n * n);
    let way = Checkpoints::Backwards(Recovery::default());
    let loss = |h: f64| {
        let moved: Vec<f64> = theta.iter().zip(&along).map(|(t, d)| t + 0.1 * h * d).collect();
        iteration.run(Checkpoints::Revolve(1), 100, 0.01, &moved).map(|run| run.loss)
    };
    let run = iteration.run(way, 100, 0.01, theta)?;
    let slope: f64 = run.of_parameters[0].iter().zip(&along).map(|(g, d)| g * d).sum();
    let difference = (8.0 * (loss(1e-3)? - loss(-1e-3)?) - (loss(2e-3)? - loss(-2e-3)?)) / 1.2e-3;
    let off = (slope / difference - 1.0).abs();
    println!("gradient against central differences: {slope:.9e} and {difference:.9e}, off by {off:.1e}\n");

    println!("states kept: {}, for any number of steps\n", run.snapshots);
    println!("     N    1 − c   error of gradient   measured drift     ε c⁻ᴺ   with the default limit");
    let mut plot = GrowthPlot::new(format!("gradients from states recovered backwards, {n} × {n} unknowns"))
        .x_label("1 − smallest eigenvalue of ∂f/∂x")
        .y_label("relative error of the gradient");
    let (mut silent, mut refused) = (0.0f64, 0);
    for steps in [10, 30, 100, 300, 1000] {
        let mut curve = Vec::new();
        for length in CONTRACTIONS {
            let exact = iteration.run(Checkpoints::All, steps, length, theta)?;
            let unlimited = Recovery { drift: f64::INFINITY, ..Recovery::default() };
            let run = iteration.run(Checkpoints::Backwards(unlimited), steps, length, theta);
            let limited = iteration.run(way, steps, length, theta);
            let verdict = match &limited {
                Ok(run) => {
                    silent = silent.max(distance(run, &exact));
                    "returned"
                }
                Err(_) => {
                    refused += 1;
                    "refused"
                }
            };
            let (error, drift) = run.map_or((f64::NAN, f64::NAN), |run| (distance(&run, &exact), run.drift));
            let expected = f64::EPSILON * (1.0 - length).powf(-(steps as f64));
            println!(
                "{steps:>6}   {length:>6}   {error:>17.1e}   {drift:>14.1e}   {expected:>7.0e}   {verdict}"
            );
            // Rounding of a relative error, and none that exceeds 1.
            curve.push((length, if error <= 1.0 { error.max(1e-16) } else { f64::NAN }));
        }
        plot = plot.series(format!("backwards, {steps} steps"), &curve);
    }
    let mut curve = Vec::new();
    println!(
        "\nreversible pair, β = {}, {} steps\n 1 − c   error of gradient   measured drift",
        PAIR.0, PAIR.1
    );
    for length in CONTRACTIONS {
        let way = Checkpoints::Reversible { beta: PAIR.0, drift: 1e-6 };
        let run = iteration.run(way, PAIR.1, length, theta)?;
        let error = distance(&run, &iteration.pair(PAIR, length)?);
        println!("{length:>6}   {error:>17.1e}   {:>14.1e}", run.drift);
        silent = silent.max(error);
        curve.push((length, error.max(1e-16)));
    }
    plot = plot.series(format!("reversible, {} steps", PAIR.1), &curve);
    plot.write(picture("backward_recovery.svg")?)?;
    plot.write(picture("backward_recovery.png")?)?;
    println!("\n{refused} runs were refused; the largest error of a returned gradient is {silent:.1e}");
    println!("out/backward_recovery.svg and .png show the errors");
    if off > 1e-6 || silent > 1e-5 || refused == 0 {
        return Err("a gradient is wrong, or was returned in spite of its drift".into());
    }
    Ok(())
}
