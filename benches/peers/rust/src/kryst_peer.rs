//! `kryst`, a library in the manner of PETSc. Its settings are options as on the command line of PETSc.

use std::sync::Arc;

use kryst::config::options::parse_all_options;
use kryst::matrix::op::CsrOp;
use kryst::matrix::sparse::CsrMatrix;
use kryst::{KspContext, LinOp};
use multigrad_in_other_crates::Outcome;
use multigrad_in_other_crates::report::{Measured, timed};

use crate::configurations::{ITERATIONS, Matrices, Settings, iterated};
use crate::system::System;

/// The configurations. Restarts of GMRES are far apart, because shorter ones need several times the iterations.
pub const ALL: [Settings; 9] = [
    ("AMG, CG", Matrices::Symmetric, |s, t| cg(s, t, "-pc_type amg")),
    ("AMG RS, direct, CG", Matrices::Symmetric, |s, t| {
        cg(s, t, "-pc_type amg -pc_amg_coarsen_type rs -pc_amg_interp_type direct")
    }),
    ("GAMG, CG", Matrices::Symmetric, |s, t| cg(s, t, "-pc_type gamg")),
    ("ILU(0), CG", Matrices::Symmetric, |s, t| cg(s, t, "-pc_type ilu0")),
    ("AMG, GMRES", Matrices::Nonsymmetric, |s, t| gmres(s, t, "-pc_type amg -pc_amg_require_spd false")),
    ("GAMG, GMRES", Matrices::Nonsymmetric, |s, t| gmres(s, t, "-pc_type gamg")),
    ("ILU(0), GMRES", Matrices::Nonsymmetric, |s, t| gmres(s, t, "-pc_type ilu0")),
    ("ILU(0), BiCGStab", Matrices::Nonsymmetric, |s, t| solve(s, t, "-ksp_type bicgstab -pc_type ilu0")),
    ("ILUT, GMRES", Matrices::Nonsymmetric, |s, t| {
        gmres(
            s,
            t,
            "-pc_type ilut -pc_ilut_drop_tol 1e-3 -pc_ilut_max_fill 20 -pc_ilut_row_filter_opt_in true",
        )
    }),
];

fn cg(system: &System, tolerance: f64, options: &str) -> Outcome<Measured> {
    solve(system, tolerance, &format!("-ksp_type cg -ksp_cg_norm unprecond {options}"))
}

fn gmres(system: &System, tolerance: f64, options: &str) -> Outcome<Measured> {
    solve(system, tolerance, &format!("-ksp_type gmres -ksp_gmres_restart 200 {options}"))
}

fn matrix(system: &System) -> Arc<dyn LinOp<S = f64>> {
    let n = system.n();
    let (row_ptr, columns) = (system.row_ptr.clone(), system.columns.clone());
    let a = CsrMatrix::from_csr(n, n, row_ptr, columns, system.values.clone());
    Arc::new(CsrOp::new(Arc::new(a)))
}

fn solve(system: &System, tolerance: f64, options: &str) -> Outcome<Measured> {
    let options = format!("{options} -ksp_rtol {tolerance:e} -ksp_atol 0 -ksp_max_it {ITERATIONS}");
    let words: Vec<String> = options.split_whitespace().map(String::from).collect();
    let (ksp, pc) = parse_all_options(&words)?;
    let a = matrix(system);
    let (mut context, setup) = timed(|| {
        let mut context = KspContext::new();
        context.set_from_all_options(&ksp, &pc)?;
        context.try_set_operators(a, None)?;
        context.setup()?;
        Ok(context)
    })?;
    let mut x = vec![0.0; system.n()];
    let (stats, solve) = timed(|| Ok(context.solve(&system.b, &mut x)?))?;
    if !stats.reason.is_converged() {
        return Err(format!("{:?} after {} iterations", stats.reason, stats.iterations).into());
    }
    iterated(x, [setup, solve], stats.iterations, true)
}
