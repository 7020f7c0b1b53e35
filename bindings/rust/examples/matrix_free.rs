//! A matrix-free operator with the hierarchy of an assembled approximation: −Δu + c u with a variable c ≥ 0, 128².
//!
//! The approximation has the mean of c in its place.

use multigrad::{LinearOperator, Result, SolveOptions, Solver, gallery};
use multigrad_in_other_crates::Outcome;
use multigrad_in_other_crates::report::{check, difference};

const N: usize = 128;
const H: f64 = 1.0 / (N + 1) as f64;

/// h² (−Δ + c) on N × N points, without a matrix.
struct Reaction;

impl Reaction {
    /// c at a point.
    fn c(p: usize) -> f64 {
        400.0 * ((p % N) as f64 * H).powi(2)
    }
}

impl LinearOperator for Reaction {
    fn rows(&self) -> usize {
        N * N
    }

    fn apply(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        for p in 0..N * N {
            let (i, j) = (p % N, p / N);
            let at = |inside: bool, q: usize| if inside { x[q] } else { 0.0 };
            let beside = at(i > 0, p.wrapping_sub(1)) + at(i + 1 < N, p + 1);
            let above = at(j > 0, p.wrapping_sub(N)) + at(j + 1 < N, p + N);
            y[p] = (4.0 + H * H * Self::c(p)) * x[p] - beside - above;
        }
        Ok(())
    }
}

fn main() -> Outcome {
    let poisson = gallery::poisson_2d(N, N)?;
    let mean = (0..N).map(Reaction::c).sum::<f64>() / N as f64;
    let approximation = poisson.matrix.map(|i, j, v| if i == j { v + H * H * mean } else { v });
    let solver = Solver::auto(&approximation)?;
    let out = solver.solve_for(&Reaction, &poisson.rhs, SolveOptions::new().rtol(1e-8))?;
    println!("{} iterations", out.iterations);
    let mut product = vec![0.0; N * N];
    Reaction.apply(&out.x, &mut product)?;
    check("relative residual", difference(&product, &poisson.rhs), 1e-7)
}
