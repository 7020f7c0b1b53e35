//! Results of training on the model problems with default options: asymptotic factors, iterations of FGMRES
//! beside those with the best damped ILU(0), and seconds.
//!
//! ```text
//! cargo bench --bench learned                             # all cases, L and U and M, both losses, one seed
//! cargo bench --bench learned -- "upwind 64" 3            # cases whose name holds this, the median of 3 seeds
//! cargo bench --bench learned -- "upwind 64" 3 ilu        # L and U only
//! ```
//!
//! One core: `RAYON_NUM_THREADS=1`. ILU(0) uses the better of the same hierarchies, its damping scanned for
//! the fewest iterations.
#![allow(missing_docs)]

use std::f64::consts::FRAC_PI_6;
use std::time::Instant;

use multigrad::error::Result;
use multigrad::gallery::{FlowScheme, Problem, poisson_2d, recirculating_flow, rotated_anisotropic};
use multigrad::learn::{Evaluation, Loss, Target, Trainer};
use multigrad::multigrid::Relaxation;
use multigrad::solver::{Amg, training_setups};

type Build = fn() -> Result<Problem>;

const CASES: [(&str, Build); 9] = [
    ("upwind 32", || recirculating_flow(32, 0.005, FlowScheme::Upwind)),
    ("upwind 64", || recirculating_flow(64, 0.005, FlowScheme::Upwind)),
    ("upwind 128", || recirculating_flow(128, 0.005, FlowScheme::Upwind)),
    ("supg 64", || recirculating_flow(64, 0.005, FlowScheme::Supg)),
    ("supg 128", || recirculating_flow(128, 0.005, FlowScheme::Supg)),
    ("galerkin 64", || recirculating_flow(64, 0.005, FlowScheme::Galerkin)),
    ("poisson 64", || poisson_2d(64, 64)),
    ("rotated 64", || rotated_anisotropic(64, 1e-3, FRAC_PI_6)),
    ("rotated 128", || rotated_anisotropic(128, 1e-3, FRAC_PI_6)),
];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let wanted = arguments.first().map_or("", String::as_str);
    let seeds: u64 = arguments.get(1).and_then(|s| s.parse().ok()).unwrap_or(1);
    let kinds = match arguments.get(2) {
        Some(kind) => vec![kind.parse::<Target>()?],
        None => vec![Target::Ilu, Target::Relaxation],
    };
    println!("case         learned      loss     hierarchy      factor   FGMRES   ILU(0)   seconds   steps");
    for (name, build) in CASES.into_iter().filter(|(name, _)| name.contains(wanted)) {
        let a = build()?.matrix;
        let mut hierarchies = Vec::new();
        for setup in training_setups(&a) {
            hierarchies.push(Amg::builder(setup).relaxation(Relaxation::L1Jacobi).build(&a)?);
        }
        let mut best = f64::INFINITY;
        for amg in &hierarchies {
            let damped = [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3].map(Relaxation::Ilu0);
            let weak = [0.005, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1].map(Relaxation::weak_ilu0);
            for relaxation in damped.into_iter().chain(weak) {
                let ilu = amg.with_relaxation(relaxation, (1, 1))?;
                let judged = Evaluation::of(ilu.hierarchy(), 99, 1, 3)?;
                best = best.min(if judged.converges { judged.iterations } else { f64::INFINITY });
            }
        }
        for &learn in &kinds {
            for loss in [Loss::Rate, Loss::Krylov] {
                let mut runs = Vec::new();
                let mut hierarchy = String::new();
                let mut steps = 0;
                for seed in 1..=seeds {
                    let clock = Instant::now();
                    let trainer = Trainer::new().learn(learn).loss(loss).seed(seed);
                    let (amg, report) = trainer.fit_best(&hierarchies, &mut |_| ())?;
                    let whole = clock.elapsed().as_secs_f64();
                    let judged = Evaluation::of(amg.hierarchy(), 99, 120, 3)?;
                    runs.push((judged.factor, judged.iterations, report.train_seconds.min(whole)));
                    (hierarchy, steps) = (report.hierarchy, report.steps);
                }
                let median = |pick: fn(&(f64, f64, f64)) -> f64| {
                    let mut all: Vec<f64> = runs.iter().map(pick).collect();
                    all.sort_by(f64::total_cmp);
                    all[all.len() / 2]
                };
                println!(
                    "{name:<12} {:<12} {:<8} {hierarchy:<13} {:>7.4}   {:>6.1}   {best:>6.1}   {:>7.2}   {steps:>5}",
                    learn.name(),
                    loss.name(),
                    median(|r| r.0),
                    median(|r| r.1),
                    median(|r| r.2),
                );
            }
        }
    }
    Ok(())
}
