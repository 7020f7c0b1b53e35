//! `kryst`, a library in the manner of PETSc. Its settings are options as on the command line of PETSc.

use std::sync::Arc;

use kryst::config::options::parse_all_options;
use kryst::matrix::op::CsrOp;
use kryst::matrix::sparse::CsrMatrix;
use kryst::{KspContext, LinOp};
use multigrad_in_other_crates::Outcome;
use multigrad_in_other_crates::report::{Measured, timed};

use crate::configurations::{Configuration, ITERATIONS, Matrices, iterated};
use crate::system::System;

const fn new(
    name: &'static str,
    matrices: Matrices,
    solve: fn(&System, f64) -> Outcome<Measured>,
) -> Configuration {
    Configuration::new("kryst", name, matrices, solve)
}

/// The configurations.
pub const ALL: [Configuration; 8] = [
    new("AMG, CG", Matrices::Symmetric, |s, t| solve(s, t, "-ksp_type cg -pc_type amg")),
    new("AMG RS, classical, CG", Matrices::Symmetric, |s, t| {
        solve(s, t, "-ksp_type cg -pc_type amg -pc_amg_coarsen_type rs -pc_amg_interp_type classical")
    }),
    new("GAMG, CG", Matrices::Symmetric, |s, t| solve(s, t, "-ksp_type cg -pc_type gamg")),
    new("ILU(0), CG", Matrices::Symmetric, |s, t| solve(s, t, "-ksp_type cg -pc_type ilu0")),
    new("AMG, FGMRES", Matrices::Nonsymmetric, |s, t| {
        solve(s, t, "-ksp_type fgmres -pc_type amg -pc_amg_require_spd false")
    }),
    new("ILU(0), GMRES", Matrices::Nonsymmetric, |s, t| {
        solve(s, t, "-ksp_type gmres -ksp_gmres_restart 50 -pc_type ilu0")
    }),
    new("ILU(0), BiCGStab", Matrices::Nonsymmetric, |s, t| solve(s, t, "-ksp_type bicgstab -pc_type ilu0")),
    new("ILUT, GMRES", Matrices::Nonsymmetric, |s, t| {
        solve(s, t, "-ksp_type gmres -ksp_gmres_restart 50 -pc_type ilut -pc_ilut_drop_tol 1e-3")
    }),
];

fn solve(system: &System, tolerance: f64, options: &str) -> Outcome<Measured> {
    let n = system.n();
    let options = format!("{options} -ksp_rtol {tolerance:e} -ksp_atol 0 -ksp_max_it {ITERATIONS}");
    let words: Vec<String> = options.split_whitespace().map(String::from).collect();
    let (ksp, pc) = parse_all_options(&words)?;
    let (row_ptr, columns) = (system.row_ptr.clone(), system.columns.clone());
    let a = Arc::new(CsrMatrix::from_csr(n, n, row_ptr, columns, system.values.clone()));
    let a: Arc<dyn LinOp<S = f64>> = Arc::new(CsrOp::new(a));
    let (mut context, setup) = timed(|| {
        let mut context = KspContext::new();
        context.set_from_all_options(&ksp, &pc)?;
        context.try_set_operators(a, None)?;
        context.setup()?;
        Ok(context)
    })?;
    let mut x = vec![0.0; n];
    let (stats, solve) = timed(|| Ok(context.solve(&system.b, &mut x)?))?;
    if !stats.reason.is_converged() {
        return Err(format!("{:?} after {} iterations", stats.reason, stats.iterations).into());
    }
    iterated(x, [setup, solve], stats.iterations, true)
}
