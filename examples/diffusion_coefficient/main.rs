//! The coefficient κ of −∇·κ∇u = f in 256 × 256 cells, recovered from observations of u at sensors by differentiating
//! through the multigrid solve.
//!
//! ```text
//! cargo run --release --example diffusion_coefficient           # 256 × 256 cells, noise 1 %
//! cargo run --release --example diffusion_coefficient 64 0.001  # 64 × 64 cells, noise 0.1 %
//! ```
//!
//! ln κ is a smooth random field (Lindgren, Rue and Lindström 2011): ln κ = s √(4π) (ℓ/h) (I − ℓ²Δ)⁻¹ φ with white noise
//! φ, which has the standard deviation s and the correlation length ℓ. L-BFGS minimises
//! ½ ‖(u(φ) − u_observed)/σ‖² + ½ ‖φ‖². Both systems, that of the field and that of u for three sources, are solved by
//! multigrid on the tape (`DifferentiableSolver`): a gradient costs as many solves as a loss. The solvers are refreshed
//! for new values of κ and start from the previous solutions. ln κ true and recovered are drawn in
//! `out/diffusion_coefficient.svg` and `.png`.

#[path = "../common/cells.rs"]
mod cells;
#[path = "../common/mod.rs"]
mod common;
mod inverse;

use std::time::Instant;

use common::{argument, normal, picture};
use inverse::Inverse;
use multigrad::autodiff::Tape;
use multigrad::optimise::Lbfgs;
use multigrad::plot::FieldPlot;

/// Evaluations of the loss and its gradient.
const EVALUATIONS: usize = 60;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let n = argument(1, "the number of cells per side", 256, 16..=512)?;
    let noise = argument(2, "the noise, relative to the largest u,", 0.01, 1e-6..=0.1)?;
    let mut inverse = Inverse::new(n, 1e-9)?;
    let truth = inverse.cells.field(|x, y| {
        let inclusion = if (x - 0.68).hypot(y - 0.66) < 0.18 { 1.4 } else { 0.0 };
        inclusion - 1.2 * (-30.0 * ((x - 0.3).powi(2) + (y - 0.35).powi(2))).exp()
    });

    let mut tape = Tape::new();
    let u = inverse.observe(tape.vector(&truth)).values()?;
    inverse.sigma = noise * u.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    inverse.observed = u.iter().zip(normal(5, u.len())).map(|(u, e)| u + inverse.sigma * e).collect();
    println!("κ of {n} × {n} cells from {} observations with {} % noise\n", u.len(), 100.0 * noise);
    println!("gradient against central differences along a random direction:");
    let (slope, difference) = inverse.check()?;
    println!("{slope:.9e} and {difference:.9e}, off by {:.1e}\n", (slope / difference - 1.0).abs());

    let error = |theta: &[f64]| {
        let squares: f64 = theta.iter().zip(&truth).map(|(a, b)| (a - b) * (a - b)).sum();
        (squares / truth.len() as f64).sqrt()
    };
    println!("evaluation   misfit / noise   error of ln κ   iterations forward and adjoint   seconds");
    let (mut phi, mut theta) = (vec![0.0; n * n], vec![0.0; n * n]);
    let first = error(&theta);
    let (clock, mut count, mut misfit) = (Instant::now(), 0, f64::INFINITY);
    let report = Lbfgs::new().max_evaluations(EVALUATIONS).gradient_tolerance(1e-2).minimise(
        &mut phi,
        |phi, gradient| {
            tape.clear();
            let handle = tape.parameter(phi);
            let run = inverse.run(handle);
            let mut gradients = run.loss.gradients()?;
            gradient.copy_from_slice(&gradients.take(handle)?);
            theta = run.theta.values()?;
            misfit = (run.misfit.value()? / u.len() as f64).sqrt();
            if count % 5 == 0 {
                let of = |q: Option<multigrad::solver::SolveQuality>| q.map_or(0, |q| q.iterations);
                let (there, back) = (of(run.solve.forward()), of(run.solve.adjoint()));
                let seconds = clock.elapsed().as_secs_f64();
                let off = error(&theta);
                println!(
                    "{count:>10}   {misfit:>14.4}   {off:>13.4}   {there:>18} {back:>11}   {seconds:>7.1}"
                );
            }
            count += 1;
            run.loss.value()
        },
    )?;
    // The field of the accepted φ, not of the last trial.
    tape.clear();
    let run = inverse.run(tape.vector(&phi));
    theta = run.theta.values()?;
    misfit = (run.misfit.value()? / u.len() as f64).sqrt();
    println!("{count:>10}   {misfit:>14.4}   {:>13.4}\n\n{report}", error(&theta));

    let (points, values) = inverse.cells.side_by_side(&truth, &theta);
    let title = format!("ln κ true and recovered, {n} × {n} cells, {} % noise", 100.0 * noise);
    let plot = FieldPlot::new(title, &points, &values)?.label("ln κ");
    plot.write(picture("diffusion_coefficient.svg")?)?;
    plot.write(picture("diffusion_coefficient.png")?)?;
    println!("\nout/diffusion_coefficient.svg and .png show ln κ, true and recovered");
    if !((slope / difference - 1.0).abs() < 1e-6 && misfit < 1.2 && error(&theta) < 0.6 * first) {
        return Err(
            "κ was not recovered: the gradient, the misfit or the error is not what it should be".into()
        );
    }
    Ok(())
}
