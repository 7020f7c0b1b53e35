//! Interface conditions of overlapping subdomains computed by a network, the experiment of Taghibakhshi,
//! Nytko, Zaman, MacLachlan, Olson and West (NeurIPS 2022): iterations on unstructured grids outside the
//! training set, far larger than those of the training.
//!
//! ```text
//! cargo run --release --example learned_schwarz              # grids of 500 to 10 000 nodes
//! cargo run --release --example learned_schwarz 85000 5      # up to 85 000 nodes, 5 grids of each size
//! ```
//!
//! The problem is −Δu + η u = f with η = 1 and linear elements on random polygons, some with holes, some
//! refined towards a point; METIS cuts it into parts of about 100 rows with one ring of overlap; FGMRES runs
//! to a relative residual of 1e-12 from a random right-hand side. The example compares the restricted method
//! (RAS), Robin conditions of order zero with the best share of a scan on the smallest grids (OO0), and the
//! network. The table goes to `out/learned_schwarz.csv` as well, iterations against size to
//! `out/learned_schwarz.svg`, and the subdomains of one grid to `out/learned_schwarz_parts.svg`.

mod common;

use std::error::Error;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Instant;

use common::{argument, normal, picture};
use multigrad::gallery::{TriangleMesh, random_triangle_mesh};
use multigrad::krylov::Fgmres;
use multigrad::learn::SchwarzNetwork;
use multigrad::plot::{GrowthPlot, PartsPlot};
use multigrad::schwarz::{Coupling, Decomposition, Interface, Layout, Schwarz, Variant, partition};
use multigrad::sparse::Csr;

/// Nodes of the grids.
const NODES: [usize; 8] = [500, 1_000, 2_000, 5_000, 10_000, 20_000, 40_000, 85_000];
/// Rows of a subdomain without overlap.
const ROWS: usize = 100;
/// Seeds of the grids; the network was trained on those of other seeds.
const SEED: u64 = 2_000_000;
/// Shares of the Robin condition that are tried on the smallest grids.
const SHARES: [f64; 8] = [0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98];
const METHODS: [&str; 3] = ["RAS", "OO0", "network"];

struct Case {
    mesh: TriangleMesh,
    part: Vec<u32>,
    a: Csr<f64>,
    layout: Arc<Layout>,
    b: Vec<f64>,
}

impl Case {
    fn new(nodes: usize, seed: u64) -> Result<Self, multigrad::error::Error> {
        let mesh = random_triangle_mesh(nodes, seed)?;
        let a = mesh.diffusion(1.0, |_| 1.0)?.matrix;
        let part = partition(a.pattern(), a.rows().div_ceil(ROWS).max(2))?;
        let layout = Layout::new(a.pattern(), Decomposition::from_parts(a.pattern(), &part, 1)?)?;
        let b = normal(seed, a.rows());
        Ok(Self { mesh, part, a, layout, b })
    }

    fn robin(&self, share: f64) -> Result<Schwarz<f64>, multigrad::error::Error> {
        let interface = Interface::optimised(&self.a, &self.layout, share, 0.0, Coupling::Largest)?;
        Schwarz::new(&self.a, interface, Variant::Restricted)
    }

    /// Iterations, if it converges.
    fn iterations(&self, m: &Schwarz<f64>) -> Result<Option<usize>, multigrad::error::Error> {
        let method = Fgmres::new().rtol(1e-12).restart(600).max_iterations(600);
        let out = method.preconditioner(m).solve(&self.a, &self.b)?;
        Ok(out.converged().then_some(out.iterations))
    }
}

/// The cost of one method: iterations, seconds of setup and of the solve.
type Taken = (Option<usize>, f64, f64);

fn taken(
    case: &Case,
    make: impl FnOnce() -> Result<Schwarz<f64>, multigrad::error::Error>,
) -> Result<Taken, multigrad::error::Error> {
    let clock = Instant::now();
    let m = make()?;
    let setup = clock.elapsed().as_secs_f64();
    let clock = Instant::now();
    let iterations = case.iterations(&m)?;
    Ok((iterations, setup, clock.elapsed().as_secs_f64()))
}

/// The share with the fewest iterations on some of the smallest grids.
fn best_share(seeds: u64) -> Result<f64, multigrad::error::Error> {
    let mut best = (usize::MAX, 0.0);
    let cases = (0..seeds).map(|s| Case::new(NODES[0], SEED + 500 + s)).collect::<Result<Vec<_>, _>>()?;
    for share in SHARES {
        let mut sum = 0;
        for case in &cases {
            sum += case.iterations(&case.robin(share)?)?.unwrap_or(600);
        }
        if sum < best.0 {
            best = (sum, share);
        }
    }
    Ok(best.1)
}

fn main() -> Result<(), Box<dyn Error>> {
    let largest: usize = argument(1, "the number of nodes", 10_000, 500..=1_000_000)?;
    let seeds: u64 = argument(2, "the number of grids of each size", 3, 1..=100)?;
    let network = SchwarzNetwork::shipped()?;
    let share = best_share(seeds.max(3))?;
    println!("η = 1, parts of about {ROWS} rows, overlap 1; OO0 with the share {share}; FGMRES to 1e-12\n");
    println!(
        "unknowns  parts |  RAS  OO0  network | setup s: RAS    OO0  network | solve s: RAS    OO0  network"
    );
    let mut csv = String::from("unknowns,parts,method,iterations,setup_seconds,solve_seconds\n");
    let mut curves: [Vec<(f64, f64)>; 3] = Default::default();
    let (mut grids, mut beaten, mut sums) = (0usize, 0usize, [0.0; 3]);
    for nodes in NODES.into_iter().filter(|&n| n <= largest) {
        let mut means = [0.0; 3];
        let mut rows = 0.0;
        for seed in 0..seeds {
            let case = Case::new(nodes, SEED + 1_000 * nodes as u64 + seed)?;
            let found = [
                taken(&case, || case.robin(0.0))?,
                taken(&case, || case.robin(share))?,
                taken(&case, || network.preconditioner(&case.a, &case.layout))?,
            ];
            let parts = case.layout.decomposition().parts();
            let [ras, robin, learned] = &found;
            let shown = |t: &Taken| t.0.map_or("-".into(), |i| i.to_string());
            println!(
                "{:>8}  {parts:>5} | {:>4} {:>4}  {:>7} |     {:>7.3} {:>6.3}  {:>7.3} |     {:>7.3} {:>6.3}  {:>7.3}",
                case.a.rows(),
                shown(ras),
                shown(robin),
                shown(learned),
                ras.1,
                robin.1,
                learned.1,
                ras.2,
                robin.2,
                learned.2
            );
            for (q, (name, (iterations, setup, solve))) in METHODS.iter().zip(&found).enumerate() {
                let count = iterations.map_or(String::new(), |i| i.to_string());
                writeln!(csv, "{},{parts},{name},{count},{setup:.6},{solve:.6}", case.a.rows())?;
                means[q] += iterations.map_or(f64::NAN, |i| i as f64) / seeds as f64;
                sums[q] += iterations.map_or(600.0, |i| i as f64);
            }
            let count = |t: &Taken| t.0.unwrap_or(600);
            beaten += usize::from(count(learned) < count(ras));
            grids += 1;
            rows += case.a.rows() as f64 / seeds as f64;
            if nodes == 2_000 && seed == 0 {
                let parts = case.mesh.on_all_points(&case.part)?;
                let title =
                    format!("{} unknowns in {} parts", case.a.rows(), case.layout.decomposition().parts());
                PartsPlot::new(title, &case.mesh.points, &case.mesh.triangles, &parts)?
                    .write(picture("learned_schwarz_parts.svg")?)?;
            }
        }
        curves.iter_mut().zip(means).for_each(|(curve, mean)| curve.push((rows, mean)));
    }
    let mut plot = GrowthPlot::new("Schwarz methods on unstructured grids, parts of 100 rows")
        .x_label("unknowns")
        .y_label("FGMRES iterations to 1e-12");
    for (name, curve) in METHODS.iter().zip(&curves) {
        plot = plot.series(name, curve);
    }
    plot.write(picture("learned_schwarz.svg")?)?;
    std::fs::write(picture("learned_schwarz.csv")?, csv)?;
    let [ras, robin, learned] = sums.map(|s| s / grids as f64);
    println!("\nmean over {grids} grids: RAS {ras:.1}, OO0 {robin:.1}, network {learned:.1} iterations");
    println!("the network needs fewer iterations than RAS on {beaten} of {grids}");
    println!(
        "pictures and table in out/: learned_schwarz.svg, learned_schwarz_parts.svg, learned_schwarz.csv"
    );
    if beaten < grids || learned >= robin {
        return Err(
            "the network does not need fewer iterations than RAS on every grid and than OO0 on average"
                .into(),
        );
    }
    Ok(())
}
