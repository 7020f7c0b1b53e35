//! Training of the networks that start the training of smoothers, over families of problems.
//!
//! ```text
//! cargo run --release --example train_network ilu                # or relaxation; 300 steps, a small family
//! cargo run --release --example train_network ilu 5000 2         # what is shipped for L and U
//! cargo run --release --example train_network relaxation 1300 1 0.006  # what is shipped for M
//! ```
//!
//! Arguments: what to make, steps, problems per side and family, rate, and the loss (krylov or rate). The
//! network goes to `out/`; beside it stand factor and iterations of FGMRES before and after, on problems that it
//! was not trained on, the larger ones of sizes that it never saw.

mod common;

use std::time::Instant;

use common::{argument, picture};
use multigrad::learn::{Evaluation, Family, Loss, NetworkTraining, SmootherNetwork};
use multigrad::multigrid::{Hierarchy, Relaxation};
use multigrad::solver::{Amg, training_setups};

type Failure = Box<dyn std::error::Error>;

/// Sides of the grids to train on; all sizes are necessary, or the network does not extrapolate.
const SIDES: [usize; 8] = [16, 24, 32, 40, 48, 56, 64, 80];
/// Width of the network, and its rounds of messages.
const WIDTH: usize = 16;
const ROUNDS: usize = 2;
/// Side and seed of the problems of the evaluation.
const UNSEEN: [(usize, u64); 4] = [(36, 1001), (60, 1002), (96, 1004), (128, 1005)];

fn hierarchies(family: Family, side: usize, seed: u64, start: Relaxation) -> Result<Vec<Amg>, Failure> {
    let a = family.member(side, seed)?.matrix;
    let mut all = Vec::new();
    for setup in training_setups(&a) {
        all.push(Amg::builder(setup).relaxation(start).build(&a)?);
    }
    Ok(all)
}

fn main() -> Result<(), Failure> {
    let what = std::env::args().nth(1).unwrap_or_else(|| "ilu".into());
    let start = match what.as_str() {
        "ilu" => Relaxation::Ilu0(1.0),
        "relaxation" => Relaxation::Spai1,
        other => return Err(format!("'{other}' is neither ilu nor relaxation").into()),
    };
    let steps = argument(2, "the number of steps", 300, 0..=1_000_000)?;
    let each = argument(3, "the problems per side and family", 1, 1..=100)?;
    let rate = argument(4, "the rate", 0.005, 1e-6..=1.0)?;
    let loss: Loss = std::env::args().nth(5).map_or(Ok(Loss::Krylov), |loss| loss.parse())?;
    let clock = Instant::now();
    let family = family(each, start)?;
    println!("{} hierarchies in {:.1} s", family.len(), clock.elapsed().as_secs_f64());
    let network = SmootherNetwork::new(WIDTH, ROUNDS, 1);
    println!("{} weights", network.count());
    let mut training = NetworkTraining::new(network, &family, loss, rate, 1)?;
    let clock = Instant::now();
    let mut sum = 0.0;
    for step in 0..steps {
        let share = step as f64 / steps as f64;
        sum += training.step(share, if share < 0.5 { 3 } else { 5 })?;
        if (step + 1) % 100 == 0 {
            let seconds = clock.elapsed().as_secs_f64();
            println!("step {:>5}: mean loss {:8.4}   {seconds:6.1} s", step + 1, sum / 100.0);
            sum = 0.0;
        }
    }
    let network = training.network();
    println!("\nfamily         side  hierarchy      factor   network   FGMRES   network");
    for family in Family::ALL {
        for (side, seed) in UNSEEN {
            for amg in hierarchies(family, side, seed, start)? {
                let learned = network.apply(amg.hierarchy())?;
                let before = Evaluation::of(amg.hierarchy(), seed, 60, 1)?;
                let after = Evaluation::of(&learned, seed, 60, 1)?;
                println!(
                    "{:<13} {side:>5}  {:<13} {:>7.4}   {:>7.4}   {:>6.0}   {:>7.0}",
                    format!("{family:?}"),
                    amg.setup().name(),
                    before.factor,
                    after.factor,
                    before.iterations,
                    after.iterations
                );
            }
        }
    }
    let path = picture(&format!("{what}.mgnet"))?;
    std::fs::write(&path, network.to_bytes()?)?;
    println!("\n{} holds the network", path.display());
    Ok(())
}

/// All hierarchies to train on.
fn family(each: usize, start: Relaxation) -> Result<Vec<Hierarchy>, Failure> {
    let mut all = Vec::new();
    for (q, family) in Family::ALL.into_iter().enumerate() {
        // Angle and ratio: two parameters; the other families have one or none.
        let members = if family == Family::Rotated { 3 * each } else { each };
        for (s, &side) in SIDES.iter().enumerate() {
            for copy in 0..members {
                let seed = ((q * SIDES.len() + s) * 100 + copy) as u64;
                let made = hierarchies(family, side, seed, start)?;
                let useful = made.iter().filter(|amg| !amg.hierarchy().levels.is_empty());
                all.extend(useful.map(|amg| amg.hierarchy().clone()));
            }
        }
    }
    Ok(all)
}
