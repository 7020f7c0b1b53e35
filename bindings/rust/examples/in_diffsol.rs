//! Multigrid as the linear solver of `diffsol`'s BDF methods: u′ = Δu on 30² points, u(0) = sin πx sin πy.

use std::f64::consts::PI;

use diffsol::{FaerSparseMat, OdeBuilder, OdeSolverMethod, Vector};
use multigrad_in_other_crates::{Outcome, diffsol_solver::Multigrid, report::check};

const N: usize = 30;
const H: f64 = 1.0 / (N + 1) as f64;

fn main() -> Outcome {
    let problem = OdeBuilder::<FaerSparseMat<f64>>::new()
        .rtol(1e-6)
        .atol([1e-8])
        .rhs_implicit(|u, _, _, y| laplacian(u, y), |_, _, _, v, y| laplacian(v, y))
        .init(|_, _, u| u.iter_mut().enumerate().for_each(|(p, u)| *u = mode(p)), N * N)
        .build()?;
    let mut bdf = problem.bdf::<Multigrid>()?;
    bdf.set_stop_time(0.1)?;
    while !matches!(bdf.step()?, diffsol::OdeSolverStopReason::TstopReached) {}
    let decay = (-8.0 * (PI * H / 2.0).sin().powi(2) / (H * H) * 0.1).exp();
    let errors =
        bdf.state().y.clone_as_vec().into_iter().enumerate().map(|(p, u)| (u - decay * mode(p)).abs());
    check("largest error at t = 0.1", errors.fold(0.0, f64::max), 1e-4)
}

/// The eigenvector sin πx sin πy of the five-point stencil.
fn mode(p: usize) -> f64 {
    let sine = |q: usize| (PI * H * (q + 1) as f64).sin();
    sine(p % N) * sine(p / N)
}

/// y ← Δu by the five-point stencil.
fn laplacian(u: &[f64], y: &mut [f64]) {
    for p in 0..N * N {
        let (i, j) = (p % N, p / N);
        let at = |inside: bool, q: usize| if inside { u[q] } else { 0.0 };
        let beside = at(i > 0, p.wrapping_sub(1)) + at(i + 1 < N, p + 1);
        let above = at(j > 0, p.wrapping_sub(N)) + at(j + 1 < N, p + N);
        y[p] = (beside + above - 4.0 * u[p]) / (H * H);
    }
}
