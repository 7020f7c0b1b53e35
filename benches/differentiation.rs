//! Times of differentiated solves, of Lanczos and Arnoldi with their adjoints, and of matrix-free Newton steps, beside
//! the published ones.
//!
//! ```text
//! cargo bench --bench differentiation                  # all
//! cargo bench --bench differentiation -- lanczos       # one of solve, iterations, lanczos, trace, newton
//! cargo bench --bench differentiation -- trace 100     # with this number of seeds
//! ```

#[path = "common/peak.rs"]
mod peak;

use std::time::Instant;

use multigrad::autodiff::{Checkpoints, Function, Inversion, Recovery, Tape, unrolled};
use multigrad::functions::{Estimate, FunctionOf, MatrixFunction, Process, StochasticTrace};
use multigrad::gallery::{
    Jumps, elasticity_2d, elasticity_3d, jumping_coefficients_2d, poisson_2d, poisson_3d, unstructured_3d,
};
use multigrad::newton::{LocalJacobian, Order, newton_step};
use multigrad::solver::DifferentiableSolver;
use multigrad::{Amg, Csr, Result, SolveOptions};
use peak::peak;

#[global_allocator]
static ALLOCATOR: peak::Counting = peak::Counting;

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

/// A solve alone, and a differentiated one with the gradients of all nonzeros and of b: seconds of the solve phase and of
/// the backward sweep, and the peak of memory in vectors of one number per unknown.
fn solve(name: &str, a: &Csr) -> Result<()> {
    let b = vec![1.0; a.rows()];
    let vector = 8.0 * a.rows() as f64;
    let amg = Amg::auto(a)?;
    let options = || SolveOptions::new().rtol(1e-8);
    let alone = fastest(3, || amg.solve_with(&b, options()).map(|out| out.iterations));
    let (out, least) = peak(|| amg.solve_with(&b, options()));
    let alone_iterations = out?.iterations;
    let mut solver = DifferentiableSolver::new(amg).rtol(1e-8);
    let (mut there, mut back, mut most) = (f64::INFINITY, f64::INFINITY, 0.0f64);
    let mut iterations = (0, 0);
    for _ in 0..4 {
        let (run, memory) = peak(|| -> Result<()> {
            let tape = Tape::new();
            let (ta, tb) = (tape.parameter_matrix(a), tape.parameter(&b));
            let clock = Instant::now();
            let solve = solver.solve(ta, tb);
            solve.residual()?;
            there = there.min(clock.elapsed().as_secs_f64());
            let loss = solve.x.frobenius_squared();
            let clock = Instant::now();
            std::hint::black_box(loss.gradients()?);
            back = back.min(clock.elapsed().as_secs_f64());
            let count = |q: Option<multigrad::solver::SolveQuality>| q.map_or(0, |q| q.iterations);
            iterations = (count(solve.forward()), count(solve.adjoint()));
            Ok(())
        });
        run?;
        most = most.max(memory);
    }
    println!(
        "{name:<12} {:>8}  {alone:>9.3}  {there:>9.3}  {back:>9.3}  {:>16.2}  {alone_iterations:>4} {:>4} {:>4}  {:>6.1} {:>6.1}  {:>6.2}",
        a.rows(),
        back / there,
        iterations.0,
        iterations.1,
        least / vector,
        most / vector,
        (most - least) / vector,
    );
    Ok(())
}

/// Peak memory and seconds of N differentiated steps x ← x − h (d ⊙ sin x − θ).
fn iterations() -> Result<()> {
    const N: usize = 10_000;
    let scale: Vec<f64> = (0..N).map(|i| 0.1 + 0.9 * i as f64 / N as f64).collect();
    let theta: Vec<f64> = (0..N).map(|i| 0.05 * (i as f64).cos()).collect();
    let states = |k: f64| (k * 8.0 * N as f64) as usize;
    let newton = Recovery { inversion: Inversion::NewtonKrylov, ..Recovery::default() };
    println!("\nN steps on states of {N} values: peak memory in states, seconds, drift");
    println!("{:<24} {:>24} {:>24} {:>24}", "", "N = 10", "N = 100", "N = 1000");
    for (name, way) in [
        ("all states", Checkpoints::All),
        ("budget of 40 states", Checkpoints::Memory(states(40.0))),
        ("backwards, Anderson(5)", Checkpoints::Backwards(Recovery::default())),
        ("backwards, Newton", Checkpoints::Backwards(newton)),
        ("reversible, β = 0.005", Checkpoints::Reversible { beta: 0.005, drift: 1e-6 }),
    ] {
        let mut line = format!("{name:<24}");
        for steps in [10, 100, 1000] {
            let clock = Instant::now();
            let (run, memory) = peak(|| {
                unrolled(
                    way,
                    steps,
                    &[vec![0.3; N]],
                    std::slice::from_ref(&theta),
                    |tape, _, x, p| {
                        vec![x[0] - (tape.vector(&scale) * x[0].map(Function::Sin) - p[0]) * 0.005]
                    },
                    |_, x, _| (x[0] * x[0] * x[0]).sum(),
                )
            });
            let seconds = clock.elapsed().as_secs_f64();
            let drift = run?.drift;
            line += &format!(" {:>8.1} {seconds:>7.3} {drift:>7.0e}", memory / states(1.0) as f64);
        }
        println!("{line}");
    }
    Ok(())
}

/// Krämer et al. 2024, one core, bcsstk18 (order 11 948, 149 090 nonzeros): K, then seconds forward and adjoint of
/// Lanczos and of Arnoldi.
const PUBLISHED: [(usize, [[f64; 2]; 2]); 3] = [
    (10, [[0.0114, 0.0121], [0.0127, 0.0111]]),
    (50, [[0.0559, 0.0529], [0.104, 0.0872]]),
    (90, [[0.1016, 0.0984], [0.2563, 0.2416]]),
];

fn lanczos(name: &str, a: &Csr) -> Result<()> {
    println!("\n{name}, order {}, {} nonzeros; seconds (published / ours)", a.rows(), a.nnz());
    let v: Vec<f64> = (0..a.rows()).map(|i| (i as f64).sin()).collect();
    for process in [Process::ThreeTerm, Process::Lanczos, Process::Arnoldi] {
        for order in [10, 50, 90, 250] {
            let f = FunctionOf::new(MatrixFunction::Inverse).order(order).process(process);
            let (mut there, mut back) = (f64::INFINITY, f64::INFINITY);
            for _ in 0..if order < 100 { 15 } else { 5 } {
                let tape = Tape::new();
                let (m, v) = (tape.parameter_matrix(a), tape.parameter(&v));
                let clock = Instant::now();
                let y = f.on_tape(m, v);
                y.values()?;
                there = there.min(clock.elapsed().as_secs_f64());
                let loss = y.sum();
                back = back.min(fastest(1, || loss.gradients().map(|g| g.bytes())));
            }
            let published = PUBLISHED.iter().find(|p| p.0 == order);
            let gain = published.map_or(String::new(), |(_, times)| {
                let [forward, adjoint] = times[usize::from(process == Process::Arnoldi)];
                format!("  ({:.1} and {:.1})", forward / there, adjoint / back)
            });
            let name = format!("{process:?}");
            println!(
                "{name:<9} K = {order:<3}  forward {there:.4}  adjoint {back:.4}  ratio {:.2}{gain}",
                back / there
            );
        }
    }
    Ok(())
}

/// log det of the 5-point Laplacian on n × n points, and its derivative with respect to the conductivity along x, beside
/// the known values Σ ln(sᵢ + sⱼ) and n²/2, for several seeds.
fn trace(n: usize, seeds: u64) -> Result<()> {
    let a = poisson_2d(n, n)?.matrix;
    let s = |i: usize| 4.0 * (i as f64 * std::f64::consts::FRAC_PI_2 / (n + 1) as f64).sin().powi(2);
    let s: Vec<f64> = (1..=n).map(s).collect();
    let exact: f64 = s.iter().map(|x| s.iter().map(|y| (x + y).ln()).sum::<f64>()).sum();
    let slope = 0.5 * (n * n) as f64;
    println!("\nlog det of the Laplacian, {} unknowns: {exact:.2}; its derivative: {slope:.1}", n * n);
    let along_x = a.map(|i, j, _| match i.abs_diff(j) {
        0 => 2.0,
        1 => -1.0,
        _ => 0.0,
    });
    let (mut inside, mut inside_of_slope) = (0, 0);
    for seed in 0..seeds {
        let trace = StochasticTrace::log_determinant().order(60).probes(8).seed(seed);
        let clock = Instant::now();
        let estimate = trace.of(&a)?;
        let there = clock.elapsed().as_secs_f64();
        let gradients = trace.gradients_of_terms(&a)?;
        let back = clock.elapsed().as_secs_f64() - there;
        let inner = |g: &Vec<f64>| g.iter().zip(along_x.values()).map(|(g, v)| g * v).sum::<f64>();
        let slopes = Estimate::new(gradients.iter().map(inner).collect())?;
        let within = |e: &Estimate, exact: f64| {
            let (low, high) = e.interval();
            usize::from(low <= exact && exact <= high)
        };
        inside += within(&estimate, exact);
        inside_of_slope += within(&slopes, slope);
        println!(
            "seed {seed:>2}: {:.1} ± {:.1} and {:.1} by truncation, off by {:>6.1} ({there:.1} s); derivative {:.1} ± {:.1}, off by {:>6.1} ({back:.1} s)",
            estimate.value,
            estimate.error,
            estimate.truncation,
            estimate.value - exact,
            slopes.value,
            slopes.error,
            slopes.value - slope,
        );
    }
    println!("inside of the interval of 95 %: {inside} and {inside_of_slope} of {seeds}");
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
        println!("seconds; memory in vectors; iterations of the solve alone, forward and adjoint");
        println!(
            "{:<12} {:>8}  {:>9}  {:>9}  {:>9}  {:>16}  {:>14}  {:>13}  {:>6}",
            "",
            "unknowns",
            "alone",
            "forward",
            "backward",
            "backward/forward",
            "iterations",
            "alone, with",
            "more"
        );
        solve("poisson 2-D", &poisson_2d(1000, 1000)?.matrix)?;
        solve("jumps 2-D", &jumping_coefficients_2d(1000, 1000, 1e3, Jumps::Random(50), 1)?.matrix)?;
    }
    if on("iterations") {
        iterations()?;
    }
    if on("lanczos") {
        lanczos("P1 on tetrahedra", &unstructured_3d(24, 1)?.matrix)?;
        lanczos("2-D elasticity", &elasticity_2d(77, 77, 1.0, 0.3)?.matrix)?;
        lanczos("3-D elasticity", &elasticity_3d(15, 15, 16, 1.0, 0.3)?.matrix)?;
        lanczos("3-D Poisson", &poisson_3d(23, 23, 23)?.matrix)?;
    }
    if on("trace") {
        trace(1000, wanted.iter().find_map(|w| w.parse().ok()).unwrap_or(20))?;
    }
    if on("newton") {
        newton()?;
    }
    Ok(())
}
