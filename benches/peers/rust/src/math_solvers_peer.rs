//! `math-solvers`: classical multigrid and ILU in conjugate gradients and GMRES. Its licence is the GPL.

use math_audio_solvers::iterative::CgConfig;
use math_audio_solvers::iterative::{GmresConfig, gmres_preconditioned};
use math_audio_solvers::{AmgConfig, AmgPreconditioner, CsrMatrix, IluPreconditioner, Preconditioner, pcg};
use multigrad_in_other_crates::Outcome;
use multigrad_in_other_crates::report::{Measured, timed};
use ndarray::Array1;

use crate::configurations::{ITERATIONS, Matrices, Settings, iterated};
use crate::system::System;

/// The configurations: its settings for finite elements and for many processors.
pub const ALL: [Settings; 5] = [
    ("AMG, CG", Matrices::Symmetric, |s, t| cg(s, t, |a| amg(a, AmgConfig::for_fem()))),
    ("AMG PMIS, CG", Matrices::Symmetric, |s, t| cg(s, t, |a| amg(a, AmgConfig::for_parallel()))),
    ("ILU(0), CG", Matrices::Symmetric, |s, t| cg(s, t, IluPreconditioner::from_csr)),
    ("AMG, GMRES", Matrices::Nonsymmetric, |s, t| gmres(s, t, |a| amg(a, AmgConfig::for_fem()))),
    ("ILU(0), GMRES", Matrices::Nonsymmetric, |s, t| gmres(s, t, IluPreconditioner::from_csr)),
];

fn amg(a: &CsrMatrix<f64>, config: AmgConfig) -> AmgPreconditioner<f64> {
    AmgPreconditioner::from_csr(a, config)
}

fn matrix(system: &System) -> (CsrMatrix<f64>, Array1<f64>) {
    let n = system.n();
    let (row_ptr, columns) = (system.row_ptr.clone(), system.columns.clone());
    let a = CsrMatrix::from_raw_parts(n, n, row_ptr, columns, system.values.clone());
    (a, Array1::from_vec(system.b.clone()))
}

fn cg<P: Preconditioner<f64>>(
    system: &System,
    tolerance: f64,
    build: impl FnOnce(&CsrMatrix<f64>) -> P,
) -> Outcome<Measured> {
    let (a, b) = matrix(system);
    let config = CgConfig { max_iterations: ITERATIONS, tolerance, print_interval: 0 };
    let (m, setup) = timed(|| Ok(build(&a)))?;
    let (out, solve) = timed(|| Ok(pcg(&a, &m, &b, &config)))?;
    iterated(out.x.to_vec(), [setup, solve], out.iterations, out.converged)
}

fn gmres<P: Preconditioner<f64>>(
    system: &System,
    tolerance: f64,
    build: impl FnOnce(&CsrMatrix<f64>) -> P,
) -> Outcome<Measured> {
    let (a, b) = matrix(system);
    let config = GmresConfig { max_iterations: ITERATIONS, restart: 200, tolerance, print_interval: 0 };
    let (m, setup) = timed(|| Ok(build(&a)))?;
    let (out, solve) = timed(|| Ok(gmres_preconditioned(&a, &m, &b, &config)))?;
    iterated(out.x.to_vec(), [setup, solve], out.iterations, out.converged)
}
