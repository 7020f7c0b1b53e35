//! Gauss–Newton for a sparse nonlinear least-squares problem: the diffusion coefficient κ of
//! −∇·κ∇u = f in every cell of a grid, from noisy observations of u for three sources f.
//!
//! ```text
//! cargo run --release --example gauss_newton          # 24 × 24 cells, noise 0.1 %
//! cargo run --release --example gauss_newton 32 0.01  # 32 × 32 cells, noise 1 %
//! ```
//!
//! The residuals are (A(θ)⁻¹ f − u_observed) / σ and weighted differences of θ = ln κ across edges,
//! written once for any scalar: dual numbers give J v, the reverse sweep Jᵀ w, and CG solves
//! JᵀJ δ = −Jᵀ r without J. κ true and recovered are drawn in `out/gauss_newton.svg`.

#[path = "../common/cells.rs"]
mod cells;
#[path = "../common/mod.rs"]
mod common;
mod model;

use common::{argument, normal, picture};
use model::Model;
use multigrad::autodiff::Tape;
use multigrad::plot::FieldPlot;

/// The largest number of Gauss–Newton steps.
const STEPS: usize = 12;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let n = argument(1, "the number of cells per side", 24, 8..=64)?;
    let noise = argument(2, "the noise, relative to the largest u,", 0.001, 1e-6..=0.1)?;
    let mut model = Model::new(n)?;
    let truth = model.cells.field(|x, y| {
        let inclusion = if (x - 0.68).hypot(y - 0.66) < 0.18 { 1.4 } else { 0.0 };
        inclusion - 1.2 * (-30.0 * ((x - 0.3).powi(2) + (y - 0.35).powi(2))).exp()
    });

    // Observations: the solution for the true κ, with noise.
    let tape = Tape::new();
    let u = model.solve(tape.vector(&truth)).values()?;
    model.sigma = noise * u.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    model.observed = u.iter().zip(normal(5, u.len())).map(|(u, e)| u + model.sigma * e).collect();

    println!("κ of {n} × {n} cells from {} observations with {} % noise\n", u.len(), 100.0 * noise);
    println!("step   misfit / noise   roughness   error of ln κ   CG iterations   step length");
    let error = |theta: &[f64]| {
        let squares: f64 = theta.iter().zip(&truth).map(|(a, b)| (a - b) * (a - b)).sum();
        (squares / truth.len() as f64).sqrt()
    };
    let misfit = |squares: [f64; 2]| (squares[0] / u.len() as f64).sqrt();
    let line = |step: usize, squares: [f64; 2], theta: &[f64], rest: &str| {
        println!(
            "{step:>4}   {:>14.4}   {:>9.3}   {:>13.4}   {rest}",
            misfit(squares),
            squares[1],
            error(theta)
        );
    };
    let mut theta = vec![0.0; n * n];
    let mut now = model.squares(&theta)?;
    let first = error(&theta);
    line(0, now, &theta, "");
    for step in 1..=STEPS {
        let (delta, inner) = model.step(&theta)?;
        let mut length = 1.0;
        let (next, squares) = loop {
            let next: Vec<f64> = theta.iter().zip(&delta).map(|(t, d)| t + length * d).collect();
            let squares = model.squares(&next)?;
            if squares.iter().sum::<f64>() <= now.iter().sum() || length < 1e-3 {
                break (next, squares);
            }
            length /= 2.0;
        };
        let decrease = 1.0 - squares.iter().sum::<f64>() / now.iter().sum::<f64>();
        (theta, now) = (next, squares);
        line(step, now, &theta, &format!("{inner:>13}   {length:>11}"));
        if decrease < 1e-5 {
            break;
        }
    }

    let kappa = |theta: &[f64]| theta.iter().map(|t| t.exp()).collect::<Vec<f64>>();
    let (points, values) = model.cells.side_by_side(&kappa(&truth), &kappa(&theta));
    let title = format!("κ true and recovered, {n} × {n} cells, {} % noise", 100.0 * noise);
    FieldPlot::new(title, &points, &values)?.label("κ").write(picture("gauss_newton.svg")?)?;
    println!("\nout/gauss_newton.svg shows κ, true and recovered");
    if !(misfit(now) < 1.2 && error(&theta) < 0.5 * first) {
        return Err("κ was not recovered: the misfit is not that of the noise, or the error is large".into());
    }
    Ok(())
}
