//! Times of differentiated solves, of Lanczos and Arnoldi with their adjoints, and of matrix-free Newton steps, beside
//! the published ones.
//!
//! ```text
//! cargo bench --bench differentiation                  # all
//! cargo bench --bench differentiation -- lanczos       # one of solve, lanczos, newton
//! ```

use std::time::Instant;

use multigrad::autodiff::Tape;
use multigrad::functions::{FunctionOf, MatrixFunction, Process};
use multigrad::gallery::{Jumps, elasticity_3d, jumping_coefficients_2d, poisson_2d, poisson_3d};
use multigrad::newton::{LocalJacobian, Order, newton_step};
use multigrad::solver::DifferentiableSolver;
use multigrad::{Amg, Csr, Result};

/// The shortest of several runs, in seconds.
fn fastest<R>(runs: usize, mut f: impl FnMut() -> R) -> f64 {
    (0..runs)
        .map(|_| {
            let clock = Instant::now();
            std::hint::black_box(f());
            clock.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min)
}

fn solve(name: &str, a: &Csr) -> Result<()> {
    let b = vec![1.0; a.rows()];
    let mut solver = DifferentiableSolver::new(Amg::auto(a)?).rtol(1e-8);
    let (mut there, mut back) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..3 {
        let tape = Tape::new();
        let (ta, tb) = (tape.parameter_matrix(a), tape.parameter(&b));
        let clock = Instant::now();
        let solve = solver.solve(ta, tb);
        solve.residual()?;
        there = there.min(clock.elapsed().as_secs_f64());
        let loss = solve.x.frobenius_squared();
        let clock = Instant::now();
        loss.gradients()?;
        back = back.min(clock.elapsed().as_secs_f64());
        let both = (solve.forward().map(|q| q.iterations), solve.adjoint().map(|q| q.iterations));
        println!("{name:<16} {:>9} rows, iterations {both:?}", a.rows());
    }
    println!("{name:<16} forward {there:.3} s, backward {back:.3} s, ratio {:.2}", back / there);
    Ok(())
}

fn lanczos(name: &str, a: &Csr) -> Result<()> {
    println!("\n{name}, order {}, {} nonzeros; seconds", a.rows(), a.nnz());
    let v: Vec<f64> = (0..a.rows()).map(|i| (i as f64).sin()).collect();
    for process in [Process::ThreeTerm, Process::Lanczos, Process::Arnoldi] {
        for order in [10, 50, 90, 250] {
            let f = FunctionOf::new(MatrixFunction::Inverse).order(order).process(process);
            let tape = Tape::new();
            let (m, v) = (tape.parameter_matrix(a), tape.parameter(&v));
            let (mut there, mut back) = (f64::INFINITY, f64::INFINITY);
            for _ in 0..3 {
                let clock = Instant::now();
                let y = f.on_tape(m, v);
                y.values()?;
                there = there.min(clock.elapsed().as_secs_f64());
                let loss = y.sum();
                back = back.min(fastest(1, || loss.gradients().map(|g| g.bytes())));
            }
            println!("{process:?} K = {order:<3}  forward {there:.4}  adjoint {back:.4}");
        }
    }
    Ok(())
}

/// Ratios of the reference run (Naumann, SIAM J. Sci. Comput. 46(3), A1423, 2024) for n and q = n/8, n/2, n, 2n, 4n.
const REFERENCE: [(usize, &[f64]); 5] = [
    (64, &[2.9, 2.2, 2.1, 2.0, 1.9]),
    (128, &[4.7, 3.0, 3.3, 2.8, 3.7]),
    (256, &[11.6, 5.1, 6.6, 13.4, 13.5]),
    (512, &[29.2, 24.6, 27.6, 17.5, 25.3]),
    (1024, &[73.0, 130.0, 92.0, 114.0]),
];

/// The median time of a Newton step, in seconds, without the making of its layers.
fn step_time(layers: &[LocalJacobian], order: Order, runs: usize) -> Result<f64> {
    let f = vec![1.0; layers[0].rows()];
    let mut times = Vec::new();
    for _ in 0..runs {
        let layers = layers.to_vec();
        let clock = Instant::now();
        std::hint::black_box(newton_step(layers, &f, order)?);
        times.push(clock.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    Ok(times[runs / 2])
}

/// Accumulate-first in two ways: bands are multiplied as bands and factored as a band as long as it does not fill
/// the matrix; and all products and factors are dense, as in the reference run.
fn newton() -> Result<()> {
    println!("\nNewton steps, tridiagonal layers: medians in ms, ratios accumulate-first / factor-first");
    println!("{:>5} {:>5}  factor  planned    banded     dense   ratios       reference", "n", "q");
    for (n, reference) in REFERENCE {
        for (k, q) in [n / 8, n / 2, n, 2 * n, 4 * n].into_iter().enumerate() {
            // Near the identity, so that the product of all layers is well conditioned.
            let entry = |l: usize, i: usize, j: usize| match i == j {
                true => 1.0,
                false => (1.0 + 0.1 * ((l + i + j) % 7) as f64) / (2 * q) as f64,
            };
            let mut layers: Vec<_> =
                (0..q).map(|l| LocalJacobian::banded(n, (1, 1), |i, j| entry(l, i, j))).collect();
            let runs = if n * q < 1 << 18 { 9 } else { 3 };
            let factor = step_time(&layers, Order::FactorFirst, 3 * runs)?;
            let planned = step_time(&layers, Order::Planned, runs)?;
            let long = if n * n * q > 1 << 30 { 1 } else { runs };
            let banded = step_time(&layers, Order::AccumulateFirst, long)?;
            let values: Vec<f64> = (0..n * n)
                .map(|p| if (p / n).abs_diff(p % n) < 2 { entry(0, p / n, p % n) } else { 0.0 })
                .collect();
            layers[0] = LocalJacobian::dense(n, &values)?;
            let dense = step_time(&layers, Order::AccumulateFirst, long)?;
            let published = reference.get(k).map_or("-".to_string(), f64::to_string);
            println!(
                "{n:>5} {q:>5} {:>7.3}  {:>7.3} {:>9.2} {:>9.2}  {:>6.1} {:>6.1}  {published:>6}",
                1e3 * factor,
                1e3 * planned,
                1e3 * banded,
                1e3 * dense,
                banded / factor,
                dense / factor
            );
        }
    }
    println!("\nfactor-first, half-bandwidth 1 … 16, n = q = 256: ns per row and layer");
    for half in [1, 2, 3, 4, 8, 16] {
        let entry = |i: usize, j: usize| if i == j { 1.0 } else { 0.001 / half as f64 };
        let layers: Vec<_> = (0..256).map(|_| LocalJacobian::banded(256, (half, half), entry)).collect();
        println!("{half:>3} {:>8.1}", 1e9 * step_time(&layers, Order::FactorFirst, 9)? / 65536.0);
    }
    Ok(())
}

fn main() -> Result<()> {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let on = |name: &str| wanted.is_empty() || wanted.iter().any(|w| w == name);
    if on("solve") {
        solve("poisson 2-D", &poisson_2d(1000, 1000)?.matrix)?;
        solve("jumps 2-D", &jumping_coefficients_2d(1000, 1000, 1e3, Jumps::Random(50), 1)?.matrix)?;
    }
    if on("lanczos") {
        lanczos("3-D elasticity", &elasticity_3d(15, 15, 16, 1.0, 0.3)?.matrix)?;
        lanczos("3-D Poisson", &poisson_3d(23, 23, 23)?.matrix)?;
    }
    if on("newton") {
        newton()?;
    }
    Ok(())
}
