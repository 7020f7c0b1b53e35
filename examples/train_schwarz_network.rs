//! Training of the network of interface values of Schwarz methods, on small unstructured grids.
//!
//! ```text
//! cargo run --release --example train_schwarz_network          # 200 steps
//! cargo run --release --example train_schwarz_network 7000     # the shipped network
//! ```
//!
//! Arguments: steps, grids, width of the network, blocks, the share of the start, the rate, steps of GMRES in
//! the loss, seed. The network goes to `out/schwarz.mgnet`; `cargo bench --bench schwarz_network` evaluates
//! it.

mod common;

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::time::Instant;

use common::{argument, picture};
use multigrad::gallery::random_triangle_mesh;
use multigrad::learn::{SchwarzNetwork, SchwarzNetworkTraining};
use multigrad::schwarz::{Decomposition, Layout, partition};
use multigrad::sparse::Csr;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use rayon::prelude::*;

type Failure = Box<dyn std::error::Error>;

/// Nodes of the grids to train on, those of Taghibakhshi et al. (2022).
const NODES: std::ops::Range<usize> = 85..850;
/// Rows of a subdomain without overlap.
const ROWS: std::ops::Range<f64> = 30.0..150.0;

/// η − Δ on a random grid, cut by METIS into at least two subdomains with one ring of overlap.
fn member(seed: u64) -> Result<(Csr<f64>, Arc<Layout>), multigrad::error::Error> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let nodes = random.random_range(NODES);
    let rows = ROWS.start * (ROWS.end / ROWS.start).powf(random.random::<f64>());
    let eta = match seed % 4 {
        0 => 0.0,
        1 | 2 => 1.0,
        _ => 10f64.powf(4.0 * random.random::<f64>()),
    };
    let a = random_triangle_mesh(nodes, seed)?.diffusion(eta, |_| 1.0)?.matrix;
    let parts = ((a.rows() as f64 / rows).round() as usize).max(2);
    let part = partition(a.pattern(), parts)?;
    let layout = Layout::new(a.pattern(), Decomposition::from_parts(a.pattern(), &part, 1)?)?;
    Ok((a, layout))
}

fn main() -> Result<(), Failure> {
    let steps: usize = argument(1, "the number of steps", 200, 1..=1_000_000)?;
    let grids: u64 = argument(2, "the number of grids", 1000, 1..=100_000)?;
    let width = argument(3, "the width of the network", 16, 1..=256)?;
    let rounds = argument(4, "the number of blocks", 3, 1..=8)?;
    let alpha = argument(5, "the share of the start", 0.8, 0.0..=1.0)?;
    let rate = argument(6, "the rate", 3e-3, 1e-6..=1.0)?;
    let iterations = argument(7, "the steps of GMRES", 10, 1..=100)?;
    let seed: u64 = argument(8, "the seed", 1, 0..=u64::MAX)?;
    let clock = Instant::now();
    let family: Result<Vec<_>, _> =
        (0..grids).into_par_iter().map(|q| member(1_000_000 * seed + q)).collect();
    let network = SchwarzNetwork::new(width, rounds, alpha, seed);
    println!("{grids} grids in {:.1} s; {} weights", clock.elapsed().as_secs_f64(), network.count());
    let mut training = SchwarzNetworkTraining::new(network, family?, rate, seed)?.iterations(iterations);
    let (clock, mut sum, mut failed) = (Instant::now(), 0.0, 0);
    let live = std::io::stderr().is_terminal();
    let path = picture("schwarz.mgnet")?;
    for step in 0..steps {
        let found = training.step(step as f64 / steps as f64)?;
        sum += found.loss;
        failed += found.failed;
        if live {
            eprint!("\rstep {:>6} of {steps}   {:8.4} iterations", step + 1, found.loss);
            std::io::stderr().flush()?;
        }
        if (step + 1) % 50 == 0 || step + 1 == steps {
            let (count, seconds) = (step % 50 + 1, clock.elapsed().as_secs_f64());
            println!(
                "step {:>6}: {:8.4} iterations for ten digits   {failed} failed   {seconds:6.1} s",
                step + 1,
                sum / count as f64
            );
            (sum, failed) = (0.0, 0);
            std::fs::write(&path, training.network().to_bytes()?)?;
        }
    }
    println!("{} holds the network", path.display());
    Ok(())
}
