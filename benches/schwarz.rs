//! Learned Schwarz methods: cost of a training step and its scaling, values learned directly, two levels, and
//! use as a smoother.
//!
//! ```text
//! cargo bench --bench schwarz               # one training step on one core, as published
//! cargo bench --bench schwarz -- scaling    # seconds and memory of a step to a million unknowns
//! cargo bench --bench schwarz -- direct     # learned directly: Poisson 30², 50², 70², 90² in 10 × 10 blocks
//! cargo bench --bench schwarz -- two-level  # iterations of one and two levels, 10³ to 10⁵ unknowns
//! cargo bench --bench schwarz -- smoother   # on the finest level of a hierarchy, against learned M
//! ```
//!
//! The published experiment (Taghibakhshi et al., 2022) takes 3.060, 5.088, 12.906 and 18.321 s for a step.
#![allow(missing_docs)]

use std::time::{Duration, Instant};

use multigrad::cycle_tape::Tape;
use multigrad::engine::Host;
use multigrad::error::Result;
use multigrad::gallery::{FlowScheme, poisson_2d, recirculating_flow, rotated_anisotropic};
use multigrad::krylov::Fgmres;
use multigrad::learn::{self, Parameters, Start, Target, Trainer, asymptotic_factor};
use multigrad::multigrid::{Hierarchy, Parts, Relaxation, SchwarzOptions, Setup, Smoother};
use multigrad::operator::Preconditioner;
use multigrad::optimise::{Adam, Optimiser};
use multigrad::schwarz::{
    Coupling, Decomposition, Interface, Layout, Schwarz, Subdomains, Variant, blocks_2d,
};
use multigrad::solver::{Amg, training_setups};
use multigrad::sparse::{Csr, Storage};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let number = |q: usize, default: usize| arguments.get(q).and_then(|a| a.parse().ok()).unwrap_or(default);
    match arguments.first().map(String::as_str) {
        None => step(),
        Some("scaling") => scaling(number(1, 1000)),
        Some("direct") => direct(number(1, 90)),
        Some("two-level") => two_level(number(1, 320)),
        Some("smoother") => smoother(number(1, 128)),
        Some(other) => {
            eprintln!("there is no '{other}'; choose scaling, direct, two-level or smoother");
            std::process::exit(2);
        }
    }
}

fn noise(seed: u64, count: usize) -> Vec<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| StandardNormal.sample(&mut random)).collect()
}

/// CPU seconds of this process so far, including system time.
fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// The least CPU seconds of several runs.
fn least<R>(runs: usize, mut run: impl FnMut() -> Result<R>) -> Result<f64> {
    let mut least = f64::INFINITY;
    for _ in 0..runs {
        let before = cpu();
        run()?;
        least = least.min((cpu() - before).as_secs_f64());
    }
    Ok(least)
}

/// The square of n² points in blocks of about 10 × 10, with one ring of overlap.
fn square(n: usize) -> Result<(Csr<f64>, Vec<u32>, std::sync::Arc<Layout>)> {
    let a = poisson_2d(n, n)?.matrix;
    let blocks = (n as f64 / 10.0).round() as usize;
    let part = blocks_2d(n, n, blocks, blocks)?;
    let layout = Layout::new(a.pattern(), Decomposition::from_parts(a.pattern(), &part, 1)?)?;
    Ok((a, part, layout))
}

/// Interface values that are trained on the tape, without a session.
struct Training {
    tape: Tape<f64>,
    hierarchy: Hierarchy<Host<f64>>,
    parameters: Parameters<f64>,
    adam: Adam<f64>,
}

impl Training {
    /// From Dirichlet conditions, on blocks of this many columns.
    fn new(a: &Csr<f64>, part: Vec<u32>, entries: usize, columns: usize) -> Result<Self> {
        let hierarchy = one_level(a, part, vec![0.0; entries])?.hierarchy().clone();
        let parameters = Parameters::learned(&hierarchy, Target::Schwarz, false)?;
        Ok(Self { tape: Tape::new(columns), hierarchy, parameters, adam: Adam::new() })
    }

    /// Factorisation, one step forward and back, and an update.
    fn step(&mut self, u: &[f64]) -> Result<()> {
        let found = learn::Loss::Rate.differentiate(&self.tape, &self.hierarchy, &self.parameters, u, 1)?;
        self.adam.step(self.parameters.buffer_mut(0).0, &found.gradient[0], 1e-3)
    }
}

/// Forward, backward and update of the published experiment, factorisation included. The loss is the logarithm
/// of the reduction of every vector; the published one is the largest of them, whose adjoint needs one vector
/// only.
fn step() -> Result<()> {
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let one = one.map_err(|e| multigrad::error::Error::invalid_input(e.to_string()))?;
    println!("Poisson, blocks of about 100 unknowns, 100 vectors, K = 1, f64, one core; CPU seconds");
    println!("unknowns   factor   forward  training step (factor, forward, backward, update)");
    for n in [39, 54, 77, 90] {
        one.install(|| -> Result<()> {
            let (a, part, layout) = square(n)?;
            let u = noise(1, a.rows() * 100);
            let values = vec![0.0; layout.interface_entries()];
            let mut m = Schwarz::new(&a, Interface::zero(&layout), Variant::Restricted)?;
            let factor = least(5, || m.set_interface(&values))?;
            let mut x = u.clone();
            let forward = least(5, || m.iterate(&mut x, 100))?;
            let mut training = Training::new(&a, part, values.len(), 100)?;
            let step = least(7, || training.step(&u))?;
            println!("{:>8}   {factor:.4}   {forward:.4}   {step:.4}", a.rows());
            Ok(())
        })?;
    }
    Ok(())
}

/// A step on 16 columns for growing problems, wall time on all cores.
fn scaling(largest: usize) -> Result<()> {
    println!("  unknowns   set up s   s/step   µs per unknown   peak memory, bytes per unknown");
    for n in [100, 178, 316, 562, 1000].into_iter().filter(|&n| n <= largest) {
        let clock = Instant::now();
        let (a, part, layout) = square(n)?;
        let mut training = Training::new(&a, part, layout.interface_entries(), 16)?;
        let ready = clock.elapsed().as_secs_f64();
        let u = noise(1, a.rows() * 16);
        let mut least = f64::INFINITY;
        for _ in 0..3 {
            let clock = Instant::now();
            training.step(&u)?;
            least = least.min(clock.elapsed().as_secs_f64());
        }
        let (rows, memory) = (a.rows() as f64, peak_memory());
        let memory = memory.map_or("-".into(), |bytes| format!("{:.0}", bytes / rows));
        println!("{:>10} {ready:>10.2} {least:>8.3} {:>16.2}   {memory:>8}", a.rows(), 1e6 * least / rows);
    }
    Ok(())
}

/// The largest resident memory of this process so far, if the system reports it.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kilobytes| 1024.0 * kilobytes)
}

/// Mean iterations of FGMRES to 1e-8 over three right-hand sides; infinite if one did not converge.
fn iterations(a: &Csr<f64>, m: &dyn Preconditioner) -> Result<f64> {
    let mut sum = 0;
    for seed in 0..3 {
        let b = noise(100 + seed, a.rows());
        let method = Fgmres::new().rtol(1e-8).restart(400).max_iterations(400).preconditioner(m);
        let out = method.solve(a, &b)?;
        if !out.converged() {
            return Ok(f64::INFINITY);
        }
        sum += out.iterations;
    }
    Ok(sum as f64 / 3.0)
}

/// A hierarchy of one level whose only sweep is the method with these interface values.
fn one_level(a: &Csr<f64>, part: Vec<u32>, interface: Vec<f64>) -> Result<Amg> {
    let subdomains = Subdomains::new(a.pattern(), part, 1, Variant::Restricted)?;
    let amg = Amg::builder(Setup::OneLevel).relaxation(Relaxation::L1Jacobi).sweeps(1, 0).build(a)?;
    let mut h = amg.hierarchy().clone();
    for level in &mut h.levels {
        level.pre = vec![Smoother::Schwarz {
            subdomains: subdomains.clone(),
            interface: Storage::shared(interface.clone()),
        }];
    }
    amg.with_hierarchy(h)
}

/// Values learned directly, against the restricted method and the best Robin condition of a scan.
fn direct(largest: usize) -> Result<()> {
    println!("Poisson n² in blocks of 10 × 10, overlap 1: factor of a step / FGMRES iterations to 1e-8");
    println!("  n   restricted     best Robin (α)        learned, factor         learned, GMRES");
    for n in [30, 50, 70, 90].into_iter().filter(|&n| n <= largest) {
        let (a, part, layout) = square(n)?;
        let with = |alpha: f64, coupling| -> Result<Amg> {
            let interface = Interface::optimised(&a, &layout, alpha, 0.0, coupling)?;
            one_level(&a, part.clone(), interface.values().to_vec())
        };
        let factor = |amg: &Amg| asymptotic_factor(amg.hierarchy(), 1, 300).factor;
        let plain = with(0.0, Coupling::Largest)?;
        print!("{n:>3}   {:.3} / {:<4.1}", factor(&plain), iterations(&a, &plain)?);
        let (mut least, mut fastest) =
            ((f64::INFINITY, plain.with_hierarchy(plain.hierarchy().clone())?), f64::INFINITY);
        let (mut best, mut share) = (f64::INFINITY, 0.0);
        for coupling in [Coupling::Largest, Coupling::Sum] {
            for alpha in (0..=20).map(|q| 0.05 * f64::from(q)) {
                let Ok(amg) = with(alpha, coupling) else { continue };
                let (found, slowest) = (iterations(&a, &amg)?, factor(&amg));
                if found < best {
                    (best, share, fastest) = (found, alpha, slowest);
                }
                // Near Neumann's condition a start is almost divergent.
                if slowest < least.0 && alpha < 0.92 {
                    least = (slowest, amg);
                }
            }
        }
        print!("   {fastest:.3} / {best:<4.1} ({share:.2})");
        for (kind, mut amg) in
            [(learn::Loss::Rate, least.1), (learn::Loss::Krylov, with(share, Coupling::Largest)?)]
        {
            let trainer = Trainer::new().learn(Target::Schwarz).loss(kind).sweeps(1, 0);
            // From the best of the scan, with the steps of a training from classical conditions.
            let steps = if kind == learn::Loss::Rate { 400 } else { 200 };
            let report = trainer.start(Start::Given).steps(steps).fit(&mut amg)?;
            let (seconds, found) = (report.train_seconds, iterations(&a, &amg)?);
            print!("   {:.3} / {found:<4.1} {seconds:>5.0} s", factor(&amg));
        }
        println!();
    }
    Ok(())
}

/// Iterations of one and of two levels for growing problems, with subdomains of about 100 unknowns.
fn two_level(largest: usize) -> Result<()> {
    println!("FGMRES iterations to 1e-8, METIS parts of about 100 unknowns, overlap 1");
    println!("unknowns   one level   two levels   two levels, learned (interfaces, P and R; 60 steps)");
    for n in [32, 56, 100, 178, 320].into_iter().filter(|&n| n <= largest) {
        let a = poisson_2d(n, n)?.matrix;
        let schwarz = Relaxation::Schwarz(SchwarzOptions::default());
        let one = Amg::builder(Setup::OneLevel).relaxation(schwarz).sweeps(1, 0).build(&a)?;
        let mut two =
            Amg::builder("two-level".parse::<Setup>()?).relaxation(schwarz).sweeps(1, 0).build(&a)?;
        print!("{:>8}   {:>9.1}   {:>10.1}", a.rows(), iterations(&a, &one)?, iterations(&a, &two)?);
        let learn = Target::Schwarz.and(Target::Interpolation)?.and(Target::Restriction)?;
        let report = Trainer::new().learn(learn).loss(learn::Loss::Krylov).steps(60).fit(&mut two)?;
        println!("   {:>10.1}   {:.0} s", iterations(&a, &two)?, report.train_seconds);
    }
    Ok(())
}

/// Learned interface conditions on the finest level with M below, against M and factors on all levels.
fn smoother(n: usize) -> Result<()> {
    let problems = [
        ("Poisson", poisson_2d(n, n)?.matrix),
        ("upwind flow", recirculating_flow(n, 0.005, FlowScheme::Upwind)?.matrix),
        ("SUPG flow", recirculating_flow(n, 0.005, FlowScheme::Supg)?.matrix),
        ("rotated", rotated_anisotropic(n, 1e-3, std::f64::consts::PI / 6.0)?.matrix),
    ];
    println!("n = {n}, aggregation, V(1,1): factor, FGMRES iterations, ms of a solve, s of training");
    for (name, a) in problems {
        let setup = training_setups(&a).swap_remove(1);
        for (learn, rows) in [
            (Target::Relaxation, 0),
            (Target::Ilu, 0),
            (Target::Schwarz, 25),
            (Target::Schwarz, 50),
            (Target::Schwarz, 100),
        ] {
            let mut amg = Amg::builder(setup.clone()).relaxation(Relaxation::L1Jacobi).build(&a)?;
            let options = SchwarzOptions { parts: Parts::Rows(rows), ..SchwarzOptions::default() };
            let trainer = Trainer::new().learn(learn).loss(learn::Loss::Krylov).subdomains(options, 1);
            let report = trainer.seed(1).fit(&mut amg)?;
            let single = amg.to_single_precision()?;
            let b = noise(9, a.rows());
            let method = Fgmres::new().rtol(1e-8).preconditioner(&single);
            let (mut least, mut count) = (f64::INFINITY, 0);
            for _ in 0..5 {
                let clock = Instant::now();
                count = method.solve(&a, &b)?.iterations;
                least = least.min(clock.elapsed().as_secs_f64());
            }
            let what = if rows > 0 { format!("{learn}, parts of {rows}") } else { learn.to_string() };
            println!(
                "{name:<12} {what:<22} {:.4}  {count:>3}  {:>7.2}  {:>5.1}",
                report.factor_after,
                1e3 * least,
                report.train_seconds
            );
        }
    }
    Ok(())
}
