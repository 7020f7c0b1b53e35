//! Weights ω of Jacobi relaxation, one per row, that minimise ‖I − Ω D⁻¹ A‖_F² for the matrix
//! A = tridiag(−1, 2, −1): fifty steps of Adam come near them, L-BFGS finds them.
//!
//! ```text
//! cargo run --release --example jacobi_weights          # 16 rows, 50 steps
//! cargo run --release --example jacobi_weights 100 80   # 100 rows, 80 steps
//! ```
//!
//! The loss is written like its formula, and its gradient comes from the tape. Losses are drawn in
//! `out/jacobi_weights.svg`.

mod common;

use common::{argument, picture};
use multigrad::autodiff::Tape;
use multigrad::error::Result;
use multigrad::optimise::{Adam, Lbfgs, Optimiser};
use multigrad::plot::ResidualPlot;
use multigrad::sparse::Csr;

/// ‖I − Ω D⁻¹ A‖_F² with Ω = diag(w), and its gradient with respect to w.
fn loss(tape: &mut Tape, a: &Csr<f64>, w: &[f64], gradient: &mut [f64]) -> Result<f64> {
    tape.clear();
    let (a, w) = (tape.matrix(a), tape.parameter(w));
    let omega = (w / a.diagonal()).as_diagonal();
    let loss = (tape.identity(gradient.len()) - omega * a).frobenius_squared();
    gradient.copy_from_slice(loss.gradients()?.of(w)?);
    loss.value()
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let n = argument(1, "the number of rows", 16, 3..=100_000)?;
    let steps = argument(2, "the number of steps", 50, 1..=10_000)?;
    let diagonal = (0..n).map(|i| (i, i, 2.0));
    let beside = (1..n).flat_map(|i| [(i, i - 1, -1.0), (i - 1, i, -1.0)]);
    let a = Csr::from_triplets(n, n, &diagonal.chain(beside).collect::<Vec<_>>())?;
    let mut tape = Tape::new();

    // Adam takes steps of about the given rate against each gradient.
    let (mut w, mut adam, mut gradient) = (vec![1.0; n], Adam::new(), vec![0.0; n]);
    let mut of_adam = vec![loss(&mut tape, &a, &w, &mut gradient)?];
    for _ in 0..steps {
        adam.step(&mut w, &gradient, 0.01)?;
        of_adam.push(loss(&mut tape, &a, &w, &mut gradient)?);
    }

    // L-BFGS chooses its steps itself.
    let (mut best, mut of_lbfgs) = (vec![1.0; n], Vec::new());
    let report = Lbfgs::new().gradient_tolerance(1e-12).minimise(&mut best, |w, gradient| {
        of_lbfgs.push(loss(&mut tape, &a, w, gradient)?);
        Ok(of_lbfgs[of_lbfgs.len() - 1])
    })?;

    // A row contributes (1 − ω)² + ω²/4 per neighbour.
    let (exact, least) = ([4.0 / 5.0, 2.0 / 3.0], (n - 2) as f64 / 3.0 + 2.0 / 5.0);
    println!("min ‖I − Ω D⁻¹ A‖_F², A = tridiag(−1, 2, −1) with {n} rows\n");
    println!("                              loss      ω, first row     ω, middle");
    let line = |name: &str, loss: f64, w: [f64; 2]| {
        println!("{name:<22}  {loss:>12.6}    {:.10}    {:.10}", w[0], w[1]);
    };
    line("start", of_adam[0], [1.0, 1.0]);
    line(&format!("{steps} steps of Adam"), of_adam[steps], [w[0], w[n / 2]]);
    line(&format!("{} steps of L-BFGS", report.iterations), report.loss, [best[0], best[n / 2]]);
    line("exact", least, exact);

    let above = |losses: &[f64]| losses.iter().map(|l| (l - least).max(0.0) / least).collect::<Vec<_>>();
    ResidualPlot::new(format!("weights of Jacobi relaxation, {n} rows"))
        .series("Adam", &above(&of_adam))
        .series("L-BFGS", &above(&of_lbfgs))
        .x_label("gradients")
        .y_label("loss above the minimum, relative")
        .write(picture("jacobi_weights.svg")?)?;
    println!("\nout/jacobi_weights.svg shows the losses");

    let known = [0.7924235985, 0.6586766456]; // after 50 steps from 1, for any number of rows
    let near = |a: &[f64], b: [f64; 2], by: f64| (a[0] - b[0]).abs() < by && (a[n / 2] - b[1]).abs() < by;
    if !near(&best, exact, 1e-10) {
        return Err(format!("L-BFGS did not find 4/5 and 2/3: {report}").into());
    }
    let last_but_one = (of_adam[steps - 1] - 5.067734).abs() < 1e-6 || n != 16;
    if steps == 50 && !(near(&w, known, 1e-9) && last_but_one) {
        return Err("Adam did not reach the known values after 50 steps".into());
    }
    Ok(())
}
