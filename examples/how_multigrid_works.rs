//! Pictures of what a multigrid cycle does to an error: 2-D Poisson, 32². They illustrate the manual.

use std::error::Error;
use std::path::Path;

use multigrad::gallery::poisson_2d;
use multigrad::plot::{FieldPlot, PartsPlot};
use multigrad::setup::{Coarsening, Smoothing};
use multigrad::sparse::DenseMatrix;
use multigrad::{Amg, Preconditioner, Relaxation, Setup, Solver};

const N: usize = 32;
const SWEEPS: usize = 4;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new("out");
    std::fs::create_dir_all(folder)?;
    let problem = poisson_2d(N, N)?;
    let points = plane(&problem.coordinates);
    // A smooth error with noise on it.
    let start: Vec<f64> = points
        .iter()
        .enumerate()
        .map(|(i, [x, y])| {
            // The hash of Vigna's splitmix64, between −1 and 1.
            let hash = (i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let hash = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let noise = (hash >> 40) as f64 / f64::from(1 << 23) - 1.0;
            (std::f64::consts::PI * x).sin() * (std::f64::consts::PI * y).sin() + 0.5 * noise
        })
        .collect();
    let jacobi = Solver::builder(Setup::OneLevel)
        .relaxation(Relaxation::Jacobi(Some(0.8)))
        .sweeps(1, 0)
        .build(&problem.matrix)?;
    let cycle = Amg::smoothed_aggregation().build(&problem.matrix)?;
    let smoothed = after(&jacobi, &start, SWEEPS)?;
    let corrected = after(&cycle, &start, 1)?;
    let picture = |name: &str, title: &str, e: &[f64]| {
        FieldPlot::new(title, &points, e).and_then(|plot| plot.label("error").write(folder.join(name)))
    };
    picture("error_start.svg", "the error at the start", &start)?;
    picture("error_smoothed.svg", &format!("after {SWEEPS} sweeps of damped Jacobi"), &smoothed)?;
    picture("error_corrected.svg", "after one V-cycle", &corrected)?;

    // Without smoothing, every row of the prolongation has one entry: its aggregate.
    let plain = Coarsening { smoothing: Some(Smoothing::None), ..Coarsening::default() };
    let solver = Solver::builder(plain).build(&problem.matrix)?;
    let prolongation = &solver.hierarchy().levels[0].prolongation.pattern;
    let aggregates: Vec<u32> = (0..N * N).map(|i| prolongation.row_cols(i)[0]).collect();
    PartsPlot::new("aggregates", &points, &[], &aggregates)?.write(folder.join("aggregates.svg"))?;

    let size = |e: &[f64]| e.iter().map(|e| e * e).sum::<f64>().sqrt() / N as f64;
    println!("root mean square of the error: {:.3} at the start", size(&start));
    println!("  after {SWEEPS} sweeps of Jacobi: {:.3}, smooth", size(&smoothed));
    println!("  after one V-cycle: {:.3}", size(&corrected));
    println!(
        "{} unknowns in {} aggregates; pictures in out/",
        N * N,
        1 + aggregates.iter().max().unwrap_or(&0)
    );
    if size(&corrected) > 0.4 * size(&smoothed) {
        return Err("a V-cycle reduces the error much more than sweeps do".into());
    }
    Ok(())
}

fn plane(coordinates: &DenseMatrix) -> Vec<[f64; 2]> {
    coordinates.row_iter().map(|p| [p[0], p[1]]).collect()
}

/// The error after some steps e ← e − B A e.
fn after(solver: &Solver, e: &[f64], steps: usize) -> multigrad::Result<Vec<f64>> {
    let mut e = e.to_vec();
    let (mut r, mut z) = (vec![0.0; e.len()], vec![0.0; e.len()]);
    for _ in 0..steps {
        solver.matrix().spmv(&e, &mut r)?;
        solver.apply(&r, &mut z)?;
        e.iter_mut().zip(&z).for_each(|(e, z)| *e -= z);
    }
    Ok(e)
}
