//! All steps of an implicit time integrator by one matrix-free Newton method.
//!
//! ```text
//! cargo run --release --example implicit_steps          # 256 points, 200 steps
//! cargo run --release --example implicit_steps 512 400  # other numbers
//! ```
//!
//! u_t = ε u_xx + ρ u (1 − u)(u − ½) on [0, 1] with insulated ends, from t = 0 to 1. A step of implicit Euler,
//! u_k − h f(u_k) = u_{k−1}, is explicit backwards in time: u_{k−1} = Ψ(u_k). So the final state v of q steps from u₀ is
//! the root of F(v) = Ψ(Ψ(… Ψ(v))) − u₀: a program of q layers with tridiagonal local Jacobians, the last step being the
//! first layer. J⁻¹ p is the derivative of the final state in the direction p of initial states. The diffusion is
//! weak, ε = 2 Δx²: the condition of J is about e⁸, whatever the number of points.
//!
//! The times of one Newton step against q and n, with the local Jacobians factored one by one and multiplied first, are
//! drawn in `out/implicit_steps_q.svg` and `out/implicit_steps_n.svg`, and as PNG.

mod common;

use std::error::Error;
use std::f64::consts::PI;
use std::time::Instant;

use common::{argument, picture};
use multigrad::error::Result;
use multigrad::newton::{LayeredProgram, LocalJacobian, Newton, Order, Program, newton_step};
use multigrad::plot::GrowthPlot;

/// ρ and ε / Δx².
const REACTION: f64 = 6.0;
const DIFFUSION: f64 = 2.0;

/// Steps of implicit Euler of length h, taken backwards; the layers after them subtract the initial state.
struct Steps {
    h: f64,
    number: usize,
    initial: Vec<f64>,
}

impl Steps {
    /// A smooth wave with slope zero at the ends.
    fn new(n: usize, number: usize) -> Self {
        let wave = |i: usize| {
            let x = PI * (i as f64 + 0.5) / n as f64;
            0.5 + 0.3 * (3.0 * x).cos() + 0.1 * (10.0 * x).cos()
        };
        Self { h: 1.0 / number as f64, number, initial: (0..n).map(wave).collect() }
    }
}

impl LayeredProgram for Steps {
    fn rows(&self) -> usize {
        self.initial.len()
    }

    fn layers(&self) -> usize {
        self.number
    }

    fn layer(&self, i: usize, u: &[f64]) -> Result<Vec<f64>> {
        let n = u.len();
        let back = |j: usize| {
            let (left, right) = (u[j.saturating_sub(1)], u[(j + 1).min(n - 1)]);
            let rate =
                DIFFUSION * (left - 2.0 * u[j] + right) + REACTION * u[j] * (1.0 - u[j]) * (u[j] - 0.5);
            u[j] - self.h * rate - if i + 1 == self.number { self.initial[j] } else { 0.0 }
        };
        Ok((0..n).map(back).collect())
    }

    fn jacobian(&self, _: usize, u: &[f64]) -> Result<LocalJacobian> {
        let n = u.len();
        Ok(LocalJacobian::banded(n, (1, 1), |i, j| {
            if i != j {
                return -self.h * DIFFUSION;
            }
            let neighbours = f64::from(u8::from(i > 0) + u8::from(i + 1 < n));
            let reaction = REACTION * (3.0 * u[i] * (1.0 - u[i]) - 0.5);
            1.0 + self.h * (DIFFUSION * neighbours - reaction)
        }))
    }
}

/// The local Jacobians along the trajectory that ends in v, first layer first.
fn local_jacobians(steps: &Steps, v: &[f64]) -> Result<Vec<LocalJacobian>> {
    let mut state = v.to_vec();
    (0..steps.number)
        .map(|i| {
            let a = steps.jacobian(i, &state)?;
            state = steps.layer(i, &state)?;
            Ok(a)
        })
        .collect()
}

fn largest_difference(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// The median time of a Newton step in milliseconds, for both orders.
fn times(n: usize, q: usize) -> Result<[f64; 2]> {
    let steps = Steps::new(n, q);
    let layers = local_jacobians(&steps, &steps.initial)?;
    let mut medians = [0.0; 2];
    for (median, order) in medians.iter_mut().zip([Order::FactorFirst, Order::AccumulateFirst]) {
        let mut runs = Vec::new();
        for _ in 0..5 {
            let layers = layers.clone();
            let clock = Instant::now();
            newton_step(layers, &steps.initial, order)?;
            runs.push(1e3 * clock.elapsed().as_secs_f64());
        }
        runs.sort_by(f64::total_cmp);
        *median = runs[2];
    }
    Ok(medians)
}

/// A table and a picture of the times for several (n, q), against the number in `sizes`.
fn compare(
    name: &str,
    title: String,
    label: &str,
    sizes: &[usize],
    shape: impl Fn(usize) -> (usize, usize),
) -> std::result::Result<(), Box<dyn Error>> {
    println!("\n    n     q   factor first   accumulate first   ratio");
    let (mut factor, mut accumulate) = (Vec::new(), Vec::new());
    for &size in sizes {
        let (n, q) = shape(size);
        let [a, b] = times(n, q)?;
        println!("{n:>5} {q:>5}   {a:>9.3} ms   {b:>13.2} ms   {:>5.0}", b / a);
        factor.push((size as f64, a));
        accumulate.push((size as f64, b));
    }
    let plot = GrowthPlot::new(title)
        .series("accumulate first", &accumulate)
        .series("factor first", &factor)
        .x_label(label)
        .y_label("milliseconds per Newton step");
    for extension in ["svg", "png"] {
        plot.write(picture(&format!("{name}.{extension}"))?)?;
    }
    Ok(())
}

fn main() -> std::result::Result<(), Box<dyn Error>> {
    let n = argument(1, "the number of points", 256, 8..=4096)?;
    let q = argument(2, "the number of steps", 200, 2..=4096)?;
    let steps = Steps::new(n, q);
    let out = Newton::new().solve(&steps, &steps.initial)?;
    println!("{n} points, {q} steps of implicit Euler at once: {out}");
    let history: Vec<String> = out.residual_history.iter().map(|r| format!("{r:.1e}")).collect();
    println!("residuals {}", history.join("  "));
    if !out.converged() {
        return Err("Newton's method did not converge".into());
    }

    // The same steps one after another, each by a Newton method of its own.
    let mut one = Steps { h: steps.h, number: 1, initial: steps.initial.clone() };
    for _ in 0..q {
        let state = one.initial.clone();
        one.initial = Newton::new().tolerance(1e-13).solve(&one, &state)?.x;
    }
    let apart = largest_difference(&out.x, &one.initial);
    println!("largest difference from steps taken one after another: {apart:.1e}");

    // The derivative of the final state in a direction of initial states, by one Newton step and by differences.
    let direction: Vec<f64> = (0..n).map(|i| (5.0 * PI * (i as f64 + 0.5) / n as f64).cos()).collect();
    let (derivative, plan) = newton_step(local_jacobians(&steps, &out.x)?, &direction, Order::Planned)?;
    let moved = |d: f64| -> Result<Vec<f64>> {
        let initial = steps.initial.iter().zip(&direction).map(|(u, p)| u + d * p).collect();
        Ok(Newton::new().tolerance(1e-13).solve(&Steps { h: steps.h, number: q, initial }, &out.x)?.x)
    };
    let d = 3e-5;
    let (ahead, behind) = (moved(d)?, moved(-d)?);
    let differences: Vec<f64> = ahead.iter().zip(&behind).map(|(a, b)| (a - b) / (2.0 * d)).collect();
    let size = derivative.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let error = largest_difference(&derivative, &differences) / size;
    println!(
        "derivative of the final state: {size:.2} at most, relative error against differences {error:.1e}"
    );
    println!(
        "a step takes {:.1e} operations; accumulating first {:.1e}",
        plan.operations, plan.accumulate_first
    );

    // Less memory, more evaluations, the same step.
    let all = steps.linearised(&out.x, Order::FactorFirst, usize::MAX)?;
    println!("\n   memory, states and local Jacobians   layers evaluated again   difference");
    for share in [1, 4, 16, 64] {
        let memory = 24 * n * q / share;
        let few = steps.linearised(&out.x, Order::FactorFirst, memory)?;
        let difference = largest_difference(&few.step, &all.step);
        println!("{:>30} KiB   {:>25}   {difference:.0e}", memory / 1024, few.repeated);
    }

    compare(
        "implicit_steps_q",
        format!("a Newton step of {n} unknowns"),
        "layers q",
        &[16, 32, 64, 128, 256, 512],
        |q| (n, q),
    )?;
    compare(
        "implicit_steps_n",
        format!("a Newton step of {q} layers"),
        "unknowns n",
        &[64, 128, 256, 512, 1024],
        |n| (n, q),
    )?;
    println!("\nout/implicit_steps_q.svg and out/implicit_steps_n.svg show the times");
    if apart > 1e-7 || error > 1e-6 {
        return Err("the steps disagree".into());
    }
    Ok(())
}
