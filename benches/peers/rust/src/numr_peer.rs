//! `numr`: classical multigrid and ILU(0) on its tensors.

use multigrad_in_other_crates::Outcome;
use multigrad_in_other_crates::report::{Measured, timed};
use numr::algorithm::iterative::{
    AmgOptions, BiCgStabOptions, CgOptions, GmresOptions, IterativeSolvers, PreconditionerType,
    amg_preconditioned_cg, amg_setup,
};
use numr::prelude::{CpuClient, CpuRuntime, Runtime, Tensor};
use numr::sparse::CsrData;

use crate::configurations::{ITERATIONS, Matrices, Settings, iterated};
use crate::system::System;

/// The configurations. ILU(0) is computed inside of its solves.
pub const ALL: [Settings; 5] = [
    ("AMG, CG", Matrices::Symmetric, |s, t| amg(s, t, AmgOptions::default())),
    ("AMG, one sweep, CG", Matrices::Symmetric, |s, t| {
        amg(s, t, AmgOptions { smoother_sweeps: 1, ..AmgOptions::default() })
    }),
    ("ILU(0), CG", Matrices::Symmetric, |s, t| {
        ilu(s, |client, a, b| {
            let out = client.cg(a, b, None, cg_options(t))?;
            Ok((out.solution, out.iterations, out.converged))
        })
    }),
    ("ILU(0), GMRES", Matrices::Nonsymmetric, |s, t| {
        ilu(s, |client, a, b| {
            let out = client.gmres(a, b, None, gmres_options(t))?;
            Ok((out.solution, out.iterations, out.converged))
        })
    }),
    ("ILU(0), BiCGStab", Matrices::Nonsymmetric, |s, t| {
        ilu(s, |client, a, b| {
            let out = client.bicgstab(a, b, None, bicgstab_options(t))?;
            Ok((out.solution, out.iterations, out.converged))
        })
    }),
];

fn cg_options(rtol: f64) -> CgOptions {
    let preconditioner = PreconditionerType::Ilu0;
    CgOptions { max_iter: ITERATIONS, rtol, preconditioner, ..CgOptions::default() }
}

fn gmres_options(rtol: f64) -> GmresOptions {
    let preconditioner = PreconditionerType::Ilu0;
    GmresOptions { max_iter: ITERATIONS, restart: 200, rtol, preconditioner, ..GmresOptions::default() }
}

fn bicgstab_options(rtol: f64) -> BiCgStabOptions {
    let preconditioner = PreconditionerType::Ilu0;
    BiCgStabOptions { max_iter: ITERATIONS, rtol, preconditioner, ..BiCgStabOptions::default() }
}

type Matrix = CsrData<CpuRuntime>;
type Vector = Tensor<CpuRuntime>;

/// The client, the matrix and the right-hand side.
fn tensors(system: &System) -> Outcome<(CpuClient, Matrix, Vector)> {
    let n = system.n();
    let device = CpuRuntime::default_device();
    let long = |indices: &[usize]| -> Vec<i64> { indices.iter().map(|&i| i as i64).collect() };
    let (row_ptr, columns) = (long(&system.row_ptr), long(&system.columns));
    let a = CsrData::from_slices(&row_ptr, &columns, &system.values, [n, n], &device)?;
    let b = Tensor::from_slice(&system.b, &[n], &device)?;
    Ok((CpuRuntime::default_client(&device), a, b))
}

fn amg(system: &System, tolerance: f64, options: AmgOptions) -> Outcome<Measured> {
    let (client, a, b) = tensors(system)?;
    let (hierarchy, setup) = timed(|| Ok(amg_setup(&client, &a, options)?))?;
    let ((x, iterations, _, converged), solve) =
        timed(|| Ok(amg_preconditioned_cg(&client, &a, &b, None, &hierarchy, ITERATIONS, tolerance, 0.0)?))?;
    iterated(x.to_vec(), [setup, solve], iterations, converged)
}

fn ilu(
    system: &System,
    run: impl FnOnce(&CpuClient, &Matrix, &Vector) -> Outcome<(Vector, usize, bool)>,
) -> Outcome<Measured> {
    let (client, a, b) = tensors(system)?;
    let ((x, iterations, converged), solve) = timed(|| run(&client, &a, &b))?;
    iterated(x.to_vec(), [0.0, solve], iterations, converged)
}
