//! Trains the network that starts the training of smoothers, over families of problems.
//!
//! ```text
//! cargo run --release --example train_network -- factors      # or relaxation; 1500 steps, width 16, 2 rounds
//! cargo run --release --example train_network -- factors 3000 16 2 out/factors.mgnet
//! ```

mod common;

use std::time::Instant;

use common::argument;
use multigrad::engine::Host;
use multigrad::krylov::Fgmres;
use multigrad::learn::{Family, Loss, NetworkTraining, SmootherNetwork, asymptotic_factor};
use multigrad::multigrid::{Amg, Hierarchy, Relaxation, training_setups};

type Failure = Box<dyn std::error::Error>;

/// Sides of the grids to train on; all sizes must be there, or the network does not extrapolate.
const SIDES: [usize; 8] = [16, 24, 32, 40, 48, 56, 64, 80];

fn hierarchies(family: Family, side: usize, seed: u64, start: Relaxation) -> Result<Vec<Amg>, Failure> {
    let a = family.member(side, seed)?.matrix;
    let mut all = Vec::new();
    for setup in training_setups(&a) {
        all.push(Amg::builder(setup).relaxation(start).build(&a)?);
    }
    Ok(all)
}

pub fn main() -> Result<(), Failure> {
    let what = std::env::args().nth(1).unwrap_or_else(|| "factors".into());
    let start = match what.as_str() {
        "factors" => Relaxation::Ilu0(1.0),
        "relaxation" => Relaxation::Spai1,
        other => return Err(format!("'{other}' is neither factors nor relaxation").into()),
    };
    let steps = argument(2, "the number of steps", 1500, 0..=1_000_000)?;
    let width = argument(3, "the width", 16, 1..=256)?;
    let rounds = argument(4, "the number of rounds", 2, 1..=8)?;
    let each = argument(5, "problems per side and family", 2, 1..=100)?;
    let rate = argument(6, "the rate", 0.005, 1e-6..=1.0)?;
    let loss = match argument(7, "krylov", 1, 0..=1)? {
        1 => Loss::Krylov,
        _ => Loss::Factor,
    };
    let mut family: Vec<Hierarchy<Host<f64>>> = Vec::new();
    let clock = Instant::now();
    for (q, kind) in Family::ALL.into_iter().enumerate() {
        for (s, &side) in SIDES.iter().enumerate() {
            for copy in 0..(if kind == Family::Rotated { 3 * each } else { each }) {
                let seed = ((q * SIDES.len() + s) * 100 + copy) as u64;
                for amg in hierarchies(kind, side, seed, start)? {
                    if !amg.hierarchy().levels.is_empty() {
                        family.push(amg.hierarchy().clone());
                    }
                }
            }
        }
    }
    println!("{} hierarchies in {:.1} s", family.len(), clock.elapsed().as_secs_f64());
    let network = SmootherNetwork::new(width, rounds, 1);
    println!("{} weights", network.count());
    let mut training = NetworkTraining::new(network, &family, loss, rate, 1)?;
    let clock = Instant::now();
    let mut mean = 0.0;
    for step in 0..steps {
        let share = step as f64 / steps as f64;
        mean += training.step(share, if share < 0.5 { 3 } else { 5 })?;
        if (step + 1) % 100 == 0 {
            println!(
                "step {:>5}: mean loss {:.4}  {:.1} s",
                step + 1,
                mean / 100.0,
                clock.elapsed().as_secs_f64()
            );
            mean = 0.0;
        }
    }
    let network = training.network();
    println!("problem                                     start    network");
    for family in Family::ALL {
        for (side, seed) in [(36, 1001), (64, 1002), (64, 1003), (96, 1004), (128, 1005)] {
            for amg in hierarchies(family, side, seed, start)? {
                let made = network.apply(amg.hierarchy())?;
                let before = asymptotic_factor(amg.hierarchy(), 1, 60).factor;
                let after = asymptotic_factor(&made, 1, 60).factor;
                let learned = amg.with_hierarchy(made)?;
                let a = &amg.hierarchy().levels[0].a.to_csr();
                let b = common::normal(seed, a.rows());
                let run =
                    |p: &Amg| Fgmres::new().rtol(1e-8).max_iterations(100).preconditioner(p).solve(a, &b);
                println!(
                    "{family:?} {side} {} {before:.4} {after:.4} its {} {}",
                    amg.setup().name(),
                    run(&amg)?.iterations,
                    run(&learned)?.iterations
                );
            }
        }
    }
    if let Some(path) = std::env::args().nth(8) {
        std::fs::write(path, network.to_bytes()?)?;
    }
    Ok(())
}
