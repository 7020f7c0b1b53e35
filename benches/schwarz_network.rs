//! The network of interface values on grids outside its training set, up to 100 times larger: iterations of
//! FGMRES to 1e-10 on a random right-hand side, without restart, beside the restricted method (RAS) and Robin
//! conditions of order zero (OO0).
//!
//! ```text
//! cargo bench --bench schwarz_network                              # the network of this crate
//! cargo bench --bench schwarz_network -- 20000 2 out/schwarz.mgnet # up to 20 000 nodes, 2 seeds, another file
//! ```
//!
//! OO0 is shown three times: with the share and the coupling that are best on grids of the training sizes,
//! and with the share of Gander's formula for both couplings. A dash marks no convergence within 600
//! iterations; such a solve counts as 600 in the means. Times are CPU seconds of all threads; the setup of
//! the network consists of its inference and the factorisation of the local matrices.
#![allow(missing_docs)]

#[path = "common/clock.rs"]
#[allow(dead_code)] // Processor time only.
mod clock;

use std::sync::Arc;

use clock::Clock;
use multigrad::error::Result;
use multigrad::gallery::{TriangleMesh, random_triangle_mesh};
use multigrad::krylov::Fgmres;
use multigrad::learn::SchwarzNetwork;
use multigrad::schwarz::{
    Coupling, Decomposition, Interface, Layout, Schwarz, Variant, optimised_parameter_zero, partition,
    robin_shares,
};
use multigrad::sparse::Csr;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// Numbers of nodes; the last are 100 times the largest of the training.
const NODES: [usize; 6] = [850, 2_000, 5_000, 10_000, 20_000, 85_000];
/// Rows of a subdomain, without overlap.
const ROWS: [usize; 2] = [60, 120];
const SHARES: [f64; 10] = [0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.93, 0.96, 0.98];
/// Iterations after which a method counts as not converging.
const LIMIT: usize = 600;

struct Case {
    a: Csr<f64>,
    layout: Arc<Layout>,
    /// The side of an equilateral triangle of the mean area.
    h: f64,
    eta: f64,
    rhs: Vec<f64>,
}

fn case(nodes: usize, rows: usize, eta: f64, seed: u64) -> Result<Case> {
    let mesh: TriangleMesh = random_triangle_mesh(nodes, seed)?;
    let a = mesh.diffusion(eta, |_| 1.0)?.matrix;
    let h = (mesh.area() / mesh.triangles.len() as f64 * 4.0 / 3f64.sqrt()).sqrt();
    let part = partition(a.pattern(), (a.rows() / rows).max(2))?;
    let layout = Layout::new(a.pattern(), Decomposition::from_parts(a.pattern(), &part, 1)?)?;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let rhs = (0..a.rows()).map(|_| random.random::<f64>() - 0.5).collect();
    Ok(Case { a, layout, h, eta, rhs })
}

/// Iterations, `None` without convergence, and CPU seconds of setup and of the solve.
struct Solve {
    iterations: Option<usize>,
    setup: f64,
    solve: f64,
}

impl Solve {
    fn of(case: &Case, make: impl FnOnce(&Case) -> Result<Schwarz<f64>>) -> Result<Self> {
        let clock = Clock::start();
        let m = make(case)?;
        let setup = clock.elapsed().cpu;
        let clock = Clock::start();
        let solver = Fgmres::new().restart(LIMIT).max_iterations(LIMIT).rtol(1e-10);
        let out = solver.preconditioner(&m).solve(&case.a, &case.rhs)?;
        let solve = clock.elapsed().cpu;
        Ok(Self { iterations: out.converged().then_some(out.iterations), setup, solve })
    }

    fn robin(case: &Case, share: f64, coupling: Coupling) -> Result<Self> {
        Self::of(case, |c| {
            let interface = Interface::optimised(&c.a, &c.layout, share, 0.0, coupling)?;
            Schwarz::new(&c.a, interface, Variant::Restricted)
        })
    }

    fn shown(&self) -> String {
        self.iterations.map_or_else(|| "-".into(), |i| i.to_string())
    }

    fn counted(&self) -> f64 {
        self.iterations.unwrap_or(LIMIT) as f64
    }
}

/// The share and the coupling with the fewest iterations on grids of the training sizes.
fn best_of_training_sizes() -> Result<(f64, Coupling)> {
    let mut best = (f64::INFINITY, 0.0, Coupling::Sum);
    let mut cases = Vec::new();
    for (q, nodes) in [200, 500, 850].into_iter().cycle().take(12).enumerate() {
        let eta = [0.0, 1.0, 1.0, 100.0][q % 4];
        cases.push(case(nodes, [40, 80][q % 2], eta, 50_000 + q as u64)?);
    }
    for coupling in [Coupling::Largest, Coupling::Sum] {
        let mut line = format!("OO0 {coupling:?}:");
        for share in SHARES {
            let mut sum = 0.0;
            for c in &cases {
                sum += Solve::robin(c, share, coupling)?.counted();
            }
            line += &format!("  {share}: {:.2}", sum / cases.len() as f64);
            if sum < best.0 {
                best = (sum, share, coupling);
            }
        }
        println!("{line}");
    }
    Ok((best.1, best.2))
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let largest: usize = arguments.first().and_then(|a| a.parse().ok()).unwrap_or(85_000);
    let seeds: u64 = arguments.get(1).and_then(|a| a.parse().ok()).unwrap_or(4);
    let network = match arguments.get(2) {
        Some(path) => SchwarzNetwork::from_bytes(&std::fs::read(path)?)?,
        None => SchwarzNetwork::shipped()?,
    };
    let first: u64 = arguments.get(3).and_then(|a| a.parse().ok()).unwrap_or(900_000);
    let (share, coupling) = best_of_training_sizes()?;
    println!("best OO0 on training sizes: share {share}, {coupling:?}; {} weights\n", network.count());
    println!(
        "unknowns  rows  parts   eta |  RAS   OO0  formula L/S  network | setup: RAS, OO0, network | solve: RAS, OO0, network"
    );
    let (mut sums, mut count, mut above_ras, mut above_robin) = ([0.0; 3], 0, 0, 0);
    for nodes in NODES.into_iter().filter(|&n| n <= largest) {
        for seed in 0..seeds {
            let (rows, eta) = (ROWS[seed as usize % 2], [1.0, 0.0, 0.0, 1.0][seed as usize % 4]);
            let c = case(nodes, rows, eta, first + 1000 * nodes as u64 + seed)?;
            let ras = Solve::of(&c, |c| Schwarz::new(&c.a, Interface::zero(&c.layout), Variant::Restricted))?;
            let robin = Solve::robin(&c, share, coupling)?;
            let formula = robin_shares(optimised_parameter_zero(c.h, c.eta), 0.0, c.h).0;
            let formulas = [Coupling::Largest, Coupling::Sum].map(|of| Solve::robin(&c, formula, of));
            let [largest, sum] = formulas;
            let learned = Solve::of(&c, |c| network.preconditioner(&c.a, &c.layout))?;
            println!(
                "{:>8}  {rows:>4}  {:>5}  {:>4} | {:>4}  {:>4}  {:>6} {:>4}  {:>7} | {:>6.3} {:>6.3} {:>6.3} | {:>6.3} {:>6.3} {:>6.3}",
                c.a.rows(),
                c.layout.decomposition().parts(),
                c.eta,
                ras.shown(),
                robin.shown(),
                largest?.shown(),
                sum?.shown(),
                learned.shown(),
                ras.setup,
                robin.setup,
                learned.setup,
                ras.solve,
                robin.solve,
                learned.solve
            );
            sums[0] += ras.counted();
            sums[1] += robin.counted();
            sums[2] += learned.counted();
            above_ras += usize::from(learned.counted() >= ras.counted());
            above_robin += usize::from(learned.counted() >= robin.counted());
            count += 1;
        }
    }
    let [ras, robin, learned] = sums.map(|s| s / count.max(1) as f64);
    println!("\n{count} grids: {ras:.1} iterations of RAS, {robin:.1} of OO0, {learned:.1} of the network");
    println!("the network needs no fewer than RAS on {above_ras}, no fewer than OO0 on {above_robin}");
    Ok(())
}
