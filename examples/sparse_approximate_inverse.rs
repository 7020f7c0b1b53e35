//! A sparse M ≈ A⁻¹ for a recirculating flow: min ‖I − M A‖_F² by L-BFGS, with M on the pattern of A
//! and on that of A², as a preconditioner of GMRES.
//!
//! ```text
//! cargo run --release --example sparse_approximate_inverse           # 32 × 32 unknowns
//! cargo run --release --example sparse_approximate_inverse 48 2000   # 48 × 48, at most 2000 steps
//! ```
//!
//! On the pattern of A the minimum is known: SPAI-1 solves for M row by row (Grote and Huckle 1997). L-BFGS
//! finds it from the formula alone. Residual histories are drawn in `out/sparse_approximate_inverse.svg`.

mod common;

use std::sync::Arc;

use common::{Multiply, argument, picture};
use multigrad::autodiff::Tape;
use multigrad::error::Result;
use multigrad::gallery::{FLOW_EPSILON, FlowScheme, recirculating_flow};
use multigrad::krylov::Fgmres;
use multigrad::optimise::{Lbfgs, Report};
use multigrad::plot::ResidualPlot;
use multigrad::setup::relaxation::spai1;
use multigrad::sparse::{Csr, Pattern};

/// ‖I − M A‖_F² for M with these values on a pattern, and the gradient on that pattern.
fn loss(
    tape: &mut Tape,
    a: &Csr<f64>,
    on: &Arc<Pattern>,
    values: &[f64],
    gradient: &mut [f64],
) -> Result<f64> {
    tape.clear();
    let (a, m) = (tape.matrix(a), tape.parameter_on(on, values));
    let loss = (tape.identity(on.rows()) - m * a).frobenius_squared();
    gradient.copy_from_slice(loss.gradients()?.of(m)?);
    loss.value()
}

/// The M on a pattern that minimises the loss, from D⁻¹.
fn approximate_inverse(a: &Csr<f64>, on: &Csr<f64>, steps: usize) -> Result<(Csr<f64>, Report)> {
    let diagonal = a.diagonal();
    let (on, mut values) = on.map(|i, j, _| if i == j { 1.0 / diagonal[i] } else { 0.0 }).into_parts();
    let mut tape = Tape::new();
    let report = Lbfgs::new()
        .max_iterations(steps)
        .max_evaluations(2 * steps)
        .gradient_tolerance(1e-9)
        .minimise(&mut values, |values, gradient| loss(&mut tape, a, &on, values, gradient))?;
    Ok((Csr::new(on, values)?, report))
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let n = argument(1, "the number of unknowns per side", 32, 4..=200)?;
    let steps = argument(2, "the number of steps", 1000, 1..=100_000)?;
    let flow = recirculating_flow(n, FLOW_EPSILON, FlowScheme::Upwind)?;
    let a = &flow.matrix;
    println!("{}: {} unknowns, {} nonzeros\n", flow.name, a.rows(), a.nnz());

    let (learned, report) = approximate_inverse(a, a, steps)?;
    let show = |on: &str, r: &Report| {
        println!("pattern of {on:<3}  loss {:>11.6} after {} iterations of L-BFGS", r.loss, r.iterations);
    };
    show("A", &report);
    let (wider, wider_report) = approximate_inverse(a, &a.multiply(a)?, steps)?;
    show("A²", &wider_report);
    println!();
    let exact = spai1(a)?;
    let jacobi = Csr::diagonal_matrix(&a.diagonal().iter().map(|d| 1.0 / d).collect::<Vec<_>>());

    let (mut plot, mut iterations) = (ResidualPlot::new(format!("GMRES, {}", flow.name)), Vec::new());
    println!("M in GMRES                nonzeros    ‖I − M A‖_F²    iterations to 1e-8");
    let all = [
        ("none", &Csr::identity(a.rows())),
        ("D⁻¹", &jacobi),
        ("SPAI-1", &exact),
        ("L-BFGS, pattern of A", &learned),
        ("L-BFGS, pattern of A²", &wider),
    ];
    for (name, m) in all {
        let preconditioner = Multiply { m: m.clone(), symmetric: false };
        let gmres = Fgmres::new().restart(500).rtol(1e-8).max_iterations(500);
        let out = gmres.preconditioner(&preconditioner).solve(a, &flow.rhs)?;
        let of_loss = loss(&mut Tape::new(), a, m.pattern(), m.values(), &mut vec![0.0; m.nnz()])?;
        println!("{name:<24}  {:>8}    {of_loss:>12.6}    {:>10}  {}", m.nnz(), out.iterations, out.status);
        plot = plot.series(name, &out.residual_history);
        iterations.push(out.iterations);
    }
    plot.write(picture("sparse_approximate_inverse.svg")?)?;
    println!("\nout/sparse_approximate_inverse.svg shows the residuals");

    let pairs = exact.values().iter().zip(learned.values());
    let distance = pairs.fold(0.0f64, |m, (e, l)| m.max((e - l).abs()));
    let size = exact.values().iter().fold(0.0f64, |m, v| m.max(v.abs()));
    println!("largest difference of an entry from SPAI-1: {:.1e} of the largest", distance / size);
    if distance > 1e-5 * size {
        return Err("L-BFGS did not find SPAI-1; give it more steps".into());
    }
    if wider_report.loss >= report.loss || iterations[4] >= iterations[3] {
        return Err("the wider pattern is not better".into());
    }
    Ok(())
}
