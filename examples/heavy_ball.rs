//! Step α and momentum β of the heavy ball x ← x + α (b − A x) + β (x − x_before), learned through its
//! unrolled iterations and compared with the best theoretical ones (Polyak 1964).
//!
//! ```text
//! cargo run --release --example heavy_ball           # Poisson 16 × 16, 100 iterations
//! cargo run --release --example heavy_ball 24 160    # another size and number
//! ```
//!
//! With the eigenvalues of A in [μ, L], theory has α = 4/(√L + √μ)², β = ((√L − √μ)/(√L + √μ))² and the
//! factor √β per iteration. Learning uses no eigenvalues, only residuals after some iterations, which it
//! differentiates with ten states in memory (`Checkpoints::Revolve`). Residual histories are drawn in
//! `out/heavy_ball.svg`.

mod common;

use std::error::Error;
use std::f64::consts::FRAC_PI_2;

use common::{argument, normal, picture};
use multigrad::autodiff::{Checkpoints, Dense, Sparse, Unrolled, unrolled};
use multigrad::gallery::poisson_2d;
use multigrad::optimise::{Adam, Optimiser, Schedule};
use multigrad::plot::ResidualPlot;
use multigrad::sparse::Csr;

/// Right-hand sides at a time, and steps of Adam.
const SIDES: usize = 4;
const STEPS: usize = 250;

/// One iteration, with α and β on a tape; the state consists of x and the previous x.
fn iterate<'t>(a: Sparse<'t>, b: Dense<'t>, x: &[Dense<'t>], p: &[Dense<'t>]) -> Vec<Dense<'t>> {
    let (alpha, beta) = (p[0].at(0, 0), p[0].at(1, 0));
    vec![x[0] + alpha * (b - a * x[0]) + beta * (x[0] - x[1]), x[0]]
}

/// ln(‖b − A x_N‖ / ‖b‖) / N with its gradient with respect to α and β.
fn learn_from(
    a: &Csr<f64>,
    b: &[f64],
    iterations: usize,
    p: &[f64],
) -> multigrad::error::Result<Unrolled<f64>> {
    let zero = vec![0.0; b.len()];
    unrolled(
        Checkpoints::Revolve(10),
        iterations,
        &[zero.clone(), zero],
        &[p.to_vec()],
        |tape, _, x, p| iterate(tape.matrix(a), tape.vector(b), x, p),
        |tape, x, _| {
            let b = tape.vector(b);
            ((b - tape.matrix(a) * x[0]).norm() / b.norm()).ln() / iterations as f64
        },
    )
}

/// ‖b − A x_k‖ / ‖b‖ for k = 0, 1, ….
fn history(a: &Csr<f64>, b: &[f64], iterations: usize, [alpha, beta]: [f64; 2]) -> Vec<f64> {
    let (mut x, mut before, mut ax) = (vec![0.0; b.len()], vec![0.0; b.len()], vec![0.0; b.len()]);
    let mut residuals = Vec::new();
    for _ in 0..=iterations {
        a.spmv(&x, &mut ax).ok();
        let r: Vec<f64> = b.iter().zip(&ax).map(|(b, ax)| b - ax).collect();
        residuals.push((r.iter().map(|r| r * r).sum::<f64>() / b.iter().map(|b| b * b).sum::<f64>()).sqrt());
        let next = (0..b.len()).map(|i| x[i] + alpha * r[i] + beta * (x[i] - before[i])).collect();
        before = std::mem::replace(&mut x, next);
    }
    residuals
}

/// The asymptotic factor: the largest root of z² − (1 + β − αλ) z + β over λ in [μ, L], which is at an end.
fn asymptotic([mu, l]: [f64; 2], [alpha, beta]: [f64; 2]) -> f64 {
    let root = |lambda: f64| {
        let half = (1.0 + beta - alpha * lambda) / 2.0;
        let inside = half * half - beta;
        if inside < 0.0 { beta.sqrt() } else { half.abs() + inside.sqrt() }
    };
    root(mu).max(root(l))
}

fn main() -> Result<(), Box<dyn Error>> {
    let n = argument(1, "the number of unknowns per side", 16, 2..=200)?;
    let iterations = argument(2, "the number of iterations", 100, 10..=2000)?;
    let a = poisson_2d(n, n)?.matrix;
    println!("heavy ball on Poisson {n} × {n}, learned through {iterations} iterations\n");

    // From a safe step: Gershgorin's circles end at 8.
    let (mut p, mut adam) = (vec![0.2, 0.5], Adam::new());
    let schedule = Schedule::cosine(0.02, 0.01);
    let mut last = None;
    for step in 0..STEPS {
        let (mut loss, mut gradient) = (0.0, [0.0; 2]);
        for side in 0..SIDES {
            let b = normal((step * SIDES + side) as u64, n * n);
            let run = learn_from(&a, &b, iterations, &p)?;
            loss += run.loss / SIDES as f64;
            gradient.iter_mut().zip(&run.of_parameters[0]).for_each(|(g, v)| *g += v / SIDES as f64);
            last = Some(run);
        }
        if step % 50 == 0 {
            println!("step {step:>4}: α = {:.4}, β = {:.4}, factor {:.4}", p[0], p[1], loss.exp());
        }
        adam.step(&mut p, &gradient, schedule.rate(step, STEPS))?;
    }
    if let Some(run) = last {
        println!("\na gradient keeps {} states and repeats {} iterations", run.snapshots, run.advanced);
    }

    let (s, c) = (FRAC_PI_2 / (n + 1) as f64).sin_cos();
    let [mu, l] = [8.0 * s * s, 8.0 * c * c];
    let sum = l.sqrt() + mu.sqrt();
    let polyak = [4.0 / (sum * sum), ((l.sqrt() - mu.sqrt()) / sum).powi(2)];
    let learned = [p[0], p[1]];
    println!("\n                        α         β    asymptotic factor    over {iterations} iterations");
    let b = normal(987_654, n * n);
    let mut plot = ResidualPlot::new(format!("heavy ball, Poisson {n} × {n}"));
    let mut factors = Vec::new();
    for (name, p) in [("no momentum", [2.0 / (l + mu), 0.0]), ("Polyak", polyak), ("learned", learned)] {
        let residuals = history(&a, &b, iterations, p);
        let mean = residuals[iterations].powf(1.0 / iterations as f64);
        println!("{name:<14}  {:>9.6}  {:>8.6}    {:>17.4}    {mean:.4}", p[0], p[1], asymptotic([mu, l], p));
        plot = plot.series(name, &residuals);
        factors.push((asymptotic([mu, l], p), mean));
    }
    plot.write(picture("heavy_ball.svg")?)?;
    println!("\nout/heavy_ball.svg shows the residuals");
    if factors[2].1 > factors[1].1 || (1.0 - factors[2].0) < 0.8 * (1.0 - factors[1].0) {
        return Err("the learned step and momentum are not as good as Polyak's".into());
    }
    Ok(())
}
