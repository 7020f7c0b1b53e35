//! `nalgebra-sparse-linalg`: classical multigrid as a solver, conjugate gradients without a preconditioner.
//!
//! Its multigrid stops on the largest entry of the residual, the others on the 2-norm; all of them by absolute values.

use multigrad_in_other_crates::Outcome;
use multigrad_in_other_crates::report::{Measured, timed};
use nalgebra_sparse::CsrMatrix;
use nalgebra_sparse::na::DVector;
use nalgebra_sparse_linalg::iteratives::amg::Amg;
use nalgebra_sparse_linalg::iteratives::conjugate_gradient::ConjugateGradient;
use nalgebra_sparse_linalg::iteratives::{IterativeSolver, biconjugate_gradient};

use crate::configurations::{ITERATIONS, Matrices, Settings, iterated};
use crate::system::System;

/// Cycles between two looks at the residual, and the growth of the residual that counts as divergence.
const CHUNK: usize = 50;
const DIVERGED: f64 = 1e3;

/// The configurations: thresholds of strong couplings and sweeps before and after every coarse correction.
pub const ALL: [Settings; 4] = [
    ("AMG, θ = 0.25", Matrices::All, |s, t| amg(s, t, 0.25, 1)),
    ("AMG, θ = 0.5, two sweeps", Matrices::All, |s, t| amg(s, t, 0.5, 2)),
    ("CG", Matrices::Symmetric, cg),
    ("BiCG", Matrices::Nonsymmetric, bicg),
];

fn matrix(system: &System) -> Outcome<(CsrMatrix<f64>, DVector<f64>)> {
    let (row_ptr, columns) = (system.row_ptr.clone(), system.columns.clone());
    let a = CsrMatrix::try_from_csr_data(system.n(), system.n(), row_ptr, columns, system.values.clone());
    Ok((a?, DVector::from_column_slice(&system.b)))
}

fn amg(system: &System, tolerance: f64, theta: f64, sweeps: usize) -> Outcome<Measured> {
    let (a, b) = matrix(system)?;
    let mut solver = Amg::with_smoothing(tolerance * b.amax(), theta, ITERATIONS, sweeps, sweeps);
    let ((), setup) = timed(|| {
        solver.init(&a, &b, None);
        Ok(())
    })?;
    let ((), solve) = timed(|| {
        loop {
            for _ in 0..CHUNK {
                if solver.step(&a, &b) {
                    return Ok(());
                }
            }
            match solver.residual_norm(&a, &b) / b.amax() {
                growth if growth < DIVERGED => {}
                _ => return Err(format!("diverges within {} cycles", solver.iter).into()),
            }
        }
    })?;
    iterated(solver.x.as_slice().to_vec(), [setup, solve], solver.iter, true)
}

fn cg(system: &System, tolerance: f64) -> Outcome<Measured> {
    let (a, b) = matrix(system)?;
    let zero = || DVector::zeros(system.n());
    let mut solver = ConjugateGradient {
        x: zero(),
        r: zero(),
        p: zero(),
        ap: zero(),
        residual_dot: 0.0,
        tol: tolerance * b.norm(),
        max_iter: ITERATIONS,
        iter: 0,
        converged: false,
    };
    let (converged, solve) = timed(|| {
        solver.init(&a, &b, None);
        Ok(solver.solve_iterations(&a, &b, ITERATIONS))
    })?;
    // The last iteration is not counted by the library.
    iterated(solver.x.as_slice().to_vec(), [0.0, solve], solver.iter + 1, converged)
}

fn bicg(system: &System, tolerance: f64) -> Outcome<Measured> {
    let (a, b) = matrix(system)?;
    let (x, solve) = timed(|| {
        let x = biconjugate_gradient::solve(&a, &b, ITERATIONS, tolerance * b.norm());
        x.ok_or_else(|| format!("gave up after {ITERATIONS} iterations").into())
    })?;
    Ok(Measured { x: x.as_slice().to_vec(), setup: 0.0, solve, work: "?".into() })
}
