//! A prolongation P = S Agg for 2-D Poisson, with the prolongation smoother S learned through the
//! Galerkin product Pᵀ A P, its direct solve, and whole two-grid cycles.
//!
//! ```text
//! cargo run --release --example learned_prolongation          # 16 × 16 unknowns, 300 steps
//! cargo run --release --example learned_prolongation 24 500   # 24 × 24 unknowns, 500 steps
//! ```
//!
//! Agg is piecewise constant on 3 × 3 aggregates. Plain aggregation has S = I, smoothed aggregation
//! S = I − ω D⁻¹A with ω = 4/3 ρ(D⁻¹A)⁻¹ (Vaněk, Mandel and Brezina 1996); learning starts there and
//! changes every entry of S on the pattern of A. Residual histories are drawn in
//! `out/learned_prolongation.svg`.

mod common;

use common::{argument, normal, picture};
use multigrad::autodiff::{Dense, Sparse, Tape};
use multigrad::error::Result;
use multigrad::gallery::poisson_2d;
use multigrad::optimise::{Adam, Optimiser, Schedule};
use multigrad::plot::ResidualPlot;
use multigrad::setup::{inverse_diagonal, spectral_radius};
use multigrad::sparse::Csr;

/// Random starts at a time, their preliminary cycles, and the cycles of the gradient.
const BATCH: usize = 16;
const BEFORE: usize = 10;
const CYCLES: usize = 5;

/// A two-grid cycle, with a sweep of Jacobi before and after the coarse-grid correction.
struct TwoGrid<'t> {
    a: Sparse<'t>,
    p: Sparse<'t>,
    coarse: Sparse<'t>,
}

impl<'t> TwoGrid<'t> {
    fn new(tape: &'t Tape, a: &Csr<f64>, s: Sparse<'t>, aggregates: &Csr<f64>) -> Self {
        let (a, p) = (tape.matrix(a), s * tape.matrix(aggregates));
        Self { a, p, coarse: a.galerkin(p.transpose(), p) }
    }

    fn relax(&self, x: Dense<'t>, b: Dense<'t>) -> Dense<'t> {
        x + (b - self.a * x).scale_rows(self.a.diagonal().recip() * 0.8)
    }

    fn cycle(&self, x: Dense<'t>, b: Dense<'t>) -> Dense<'t> {
        let x = self.relax(x, b);
        let x = x + self.p * self.coarse.solve(self.p.transposed_times(b - self.a * x));
        self.relax(x, b)
    }
}

/// The asymptotic factor per cycle: power iteration from fresh vectors.
fn factor(a: &Csr<f64>, s: &Csr<f64>, aggregates: &Csr<f64>) -> Result<f64> {
    let (tape, n) = (Tape::new(), a.rows());
    let grids = TwoGrid::new(&tape, a, tape.matrix(s), aggregates);
    let (mut x, zero) = (tape.block(&normal(99, 4 * n), 4), tape.block(&vec![0.0; 4 * n], 4));
    let mut factor = 0.0;
    for _ in 0..100 {
        let next = grids.cycle(x, zero);
        factor = next.norm().value()? / x.norm().value()?;
        x = next / next.norm().value()?;
    }
    Ok(factor)
}

/// ‖b − A x‖ after every cycle for a fresh right-hand side, relative to the first.
fn history(a: &Csr<f64>, s: &Csr<f64>, aggregates: &Csr<f64>) -> Result<Vec<f64>> {
    let (tape, n) = (Tape::new(), a.rows());
    let grids = TwoGrid::new(&tape, a, tape.matrix(s), aggregates);
    let (b, mut x) = (tape.vector(&normal(7, n)), tape.vector(&vec![0.0; n]));
    let mut residuals = vec![1.0];
    while residuals.len() <= 60 && residuals[residuals.len() - 1] > 1e-10 {
        x = grids.cycle(x, b);
        residuals.push(((b - grids.a * x).norm() / b.norm()).value()?);
    }
    Ok(residuals)
}

/// Steps of Adam from `s`. The loss is the mean logarithm of the reduction by a cycle.
fn learn(a: &Csr<f64>, s: &Csr<f64>, aggregates: &Csr<f64>, steps: usize) -> Result<Csr<f64>> {
    let (pattern, mut values) = s.clone().into_parts();
    let (mut tape, mut adam, schedule) = (Tape::new(), Adam::new(), Schedule::cosine(0.05, 0.02));
    for step in 0..steps {
        let s = tape.parameter_on(&pattern, &values);
        let grids = TwoGrid::new(&tape, a, s, aggregates);
        let start = tape.block(&normal(1000 + step as u64, BATCH * a.rows()), BATCH);
        let zero = tape.block(&vec![0.0; BATCH * a.rows()], BATCH);
        // S has to reduce the errors that remain after some cycles.
        let fixed = TwoGrid::new(&tape, a, s.detached(), aggregates);
        let first = (0..BEFORE).fold(start, |x, _| fixed.cycle(x, zero));
        let last = (0..CYCLES).fold(first, |x, _| grids.cycle(x, zero));
        let loss = (last.norm() / first.norm()).ln() / CYCLES as f64;
        if step % 50 == 0 {
            println!("step {step:>4}: reduction by a cycle {:.4}", loss.value()?.exp());
        }
        let gradient = loss.gradients()?.take(s)?;
        adam.step(&mut values, &gradient, schedule.rate(step, steps))?;
        tape.clear();
    }
    Csr::new(pattern, values)
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let n = argument(1, "the number of unknowns per side", 16, 4..=64)?;
    let steps = argument(2, "the number of steps", 300, 1..=10_000)?;
    let a = poisson_2d(n, n)?.matrix;
    let side = n.div_ceil(3);
    let member = |k: usize| (k, (k / n / 3) * side + k % n / 3, 1.0);
    let aggregates = Csr::from_triplets(n * n, side * side, &(0..n * n).map(member).collect::<Vec<_>>())?;
    println!("Poisson {n} × {n}, {} aggregates of 3 × 3, two-grid cycles with Jacobi 0.8\n", side * side);

    let scaling = inverse_diagonal(&a)?;
    let omega = 4.0 / 3.0 / spectral_radius(&a, &scaling)?;
    let plain = a.map(|i, j, _| f64::from(u8::from(i == j)));
    let smoothed = a.map(|i, j, v| f64::from(u8::from(i == j)) - omega * scaling[i] * v);
    let learned = learn(&a, &smoothed, &aggregates, steps)?;

    println!("\nprolongation             factor per cycle    cycles to 1e-10");
    let mut plot = ResidualPlot::new(format!("two-grid cycles, Poisson {n} × {n}, 3 × 3 aggregates"));
    let mut factors = Vec::new();
    for (name, s) in [("aggregation", &plain), ("smoothed aggregation", &smoothed), ("learned", &learned)] {
        let (factor, residuals) = (factor(&a, s, &aggregates)?, history(&a, s, &aggregates)?);
        let done = residuals[residuals.len() - 1] <= 1e-10;
        let cycles = if done { (residuals.len() - 1).to_string() } else { String::from("above 60") };
        println!("{name:<23}  {factor:>16.4}    {cycles:>15}");
        plot = plot.series(name, &residuals);
        factors.push(factor);
    }
    plot.x_label("two-grid cycles").write(picture("learned_prolongation.svg")?)?;
    println!("\nout/learned_prolongation.svg shows the residuals");
    if factors[2] >= factors[1] || factors[1] >= factors[0] {
        return Err("the learned prolongation is not the best one; give it more steps".into());
    }
    Ok(())
}
