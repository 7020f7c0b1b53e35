//! `scirs2-sparse`: incomplete factors and classical multigrid in Krylov methods.

use multigrad_in_other_crates::Outcome;
use multigrad_in_other_crates::report::{Measured, timed};
use ndarray::Array1;
use scirs2_sparse::linalg::{AMGOptions, AMGPreconditioner};
use scirs2_sparse::{
    CsrArray, CsrMatrix, Ic0, Ilu0Enhanced, IluK, IterativeSolverConfig, Preconditioner, SolverResult,
    SparseResult, enhanced_bicgstab, enhanced_cg, enhanced_gmres,
};

use crate::configurations::{ITERATIONS, Matrices, Settings, iterated};
use crate::system::System;

/// The configurations.
pub const ALL: [Settings; 7] = [
    ("AMG, CG", Matrices::Symmetric, |s, t| solve(s, t, |_| multigrid(s), enhanced_cg)),
    ("IC(0), CG", Matrices::Symmetric, |s, t| solve(s, t, Ic0::new, enhanced_cg)),
    ("ILU(0), CG", Matrices::Symmetric, |s, t| solve(s, t, Ilu0Enhanced::new, enhanced_cg)),
    ("AMG, BiCGStab", Matrices::Nonsymmetric, |s, t| solve(s, t, |_| multigrid(s), enhanced_bicgstab)),
    ("ILU(0), GMRES", Matrices::Nonsymmetric, |s, t| {
        solve(s, t, Ilu0Enhanced::new, |a, b, config, m| enhanced_gmres(a, b, config, 200, m))
    }),
    ("ILU(0), BiCGStab", Matrices::Nonsymmetric, |s, t| solve(s, t, Ilu0Enhanced::new, enhanced_bicgstab)),
    ("ILU(2), BiCGStab", Matrices::Nonsymmetric, |s, t| solve(s, t, |a| IluK::new(a, 2), enhanced_bicgstab)),
];

type Krylov = fn(
    &CsrMatrix<f64>,
    &Array1<f64>,
    &IterativeSolverConfig,
    Option<&dyn Preconditioner<f64>>,
) -> SparseResult<SolverResult<f64>>;

/// A cycle as a preconditioner of the Krylov methods, which the crate does not provide.
struct Cycle(AMGPreconditioner<f64>);

impl Preconditioner<f64> for Cycle {
    fn apply(&self, r: &Array1<f64>) -> SparseResult<Array1<f64>> {
        self.0.apply(&r.view())
    }
}

fn multigrid(system: &System) -> SparseResult<Cycle> {
    let (row_ptr, columns) = (system.row_ptr.clone(), system.columns.clone());
    let a = CsrArray::new(
        system.values.clone().into(),
        columns.into(),
        row_ptr.into(),
        (system.n(), system.n()),
    )?;
    Ok(Cycle(AMGPreconditioner::new(&a, AMGOptions::default())?))
}

fn matrix(system: &System) -> SparseResult<CsrMatrix<f64>> {
    let (row_ptr, columns) = (system.row_ptr.clone(), system.columns.clone());
    CsrMatrix::from_raw_csr(system.values.clone(), row_ptr, columns, (system.n(), system.n()))
}

fn solve<P: Preconditioner<f64>>(
    system: &System,
    tolerance: f64,
    build: impl FnOnce(&CsrMatrix<f64>) -> SparseResult<P>,
    krylov: Krylov,
) -> Outcome<Measured> {
    let a = matrix(system)?;
    let b = Array1::from_vec(system.b.clone());
    let config = IterativeSolverConfig { max_iter: ITERATIONS, tol: tolerance, verbose: false };
    let (m, setup) = timed(|| Ok(build(&a)?))?;
    let (out, solve) = timed(|| Ok(krylov(&a, &b, &config, Some(&m))?))?;
    iterated(out.solution.to_vec(), [setup, solve], out.n_iter, out.converged)
}
