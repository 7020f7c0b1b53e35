//! `oxiphysics-fem`: multigrid by smoothed aggregation and by Ruge and Stüben, incomplete Cholesky factors.

use multigrad_in_other_crates::Outcome;
use multigrad_in_other_crates::report::{Measured, timed};
use oxiphysics_fem::parallel_solver::{CsrMatrix, ParallelPcgSolver, PcgWithPrecond};
use oxiphysics_fem::solvers::amg::cycle::amg_solve;
use oxiphysics_fem::solvers::amg::{
    AmgClassical, AmgHierarchy, AmgPreconditioner, CycleKind, SmoothedAggregationAmg,
};
use oxiphysics_fem::solvers::{bicgstab_sparse, pcg_icc};
use oxiphysics_fem::sparse;

use crate::configurations::{ITERATIONS, Matrices, Settings, iterated};
use crate::system::System;

/// Iterations and tolerance of the solver on the coarsest level, as in the tests of the crate.
const COARSEST: (usize, f64) = (500, 1e-10);

/// Cycles between two looks at the residual, and the growth of the residual that counts as divergence.
const CHUNK: usize = 10;
const DIVERGED: f64 = 1e3;

/// The configurations. Incomplete Cholesky factors are computed inside of the solve.
pub const ALL: [Settings; 6] = [
    ("SA, CG", Matrices::Symmetric, |s, t| cg(s, t, aggregation)),
    ("RS, CG", Matrices::Symmetric, |s, t| cg(s, t, classical)),
    ("IC(0), CG", Matrices::Symmetric, |s, t| krylov(s, |a| pcg_icc(a, &s.b, ITERATIONS, t))),
    ("SA, V-cycles", Matrices::Nonsymmetric, |s, t| cycles(s, t, aggregation)),
    ("RS, V-cycles", Matrices::Nonsymmetric, |s, t| cycles(s, t, classical)),
    ("BiCGStab", Matrices::Nonsymmetric, |s, t| krylov(s, |a| bicgstab_sparse(a, &s.b, ITERATIONS, t))),
];

fn matrix(system: &System) -> CsrMatrix {
    let n = system.n();
    let (row_offsets, col_indices) = (system.row_ptr.clone(), system.columns.clone());
    CsrMatrix { nrows: n, ncols: n, row_offsets, col_indices, values: system.values.clone() }
}

fn aggregation(a: &CsrMatrix) -> AmgHierarchy {
    SmoothedAggregationAmg::new().build(a, None)
}

fn classical(a: &CsrMatrix) -> AmgHierarchy {
    AmgClassical::new().build(a)
}

fn cg(system: &System, tolerance: f64, build: fn(&CsrMatrix) -> AmgHierarchy) -> Outcome<Measured> {
    let a = matrix(system);
    let (hierarchy, setup) = timed(|| Ok(build(&a)))?;
    let pcg = ParallelPcgSolver::new(COARSEST.0, COARSEST.1);
    let cycle = AmgPreconditioner { hierarchy, cycle_kind: CycleKind::V, pcg };
    let solver = PcgWithPrecond::new(cycle, ITERATIONS, tolerance);
    let mut x = vec![0.0; system.n()];
    let (stats, solve) = timed(|| Ok(solver.solve(&a, &system.b, &mut x)))?;
    iterated(x, [setup, solve], stats.iterations, stats.converged)
}

fn cycles(system: &System, tolerance: f64, build: fn(&CsrMatrix) -> AmgHierarchy) -> Outcome<Measured> {
    let a = matrix(system);
    let (hierarchy, setup) = timed(|| Ok(build(&a)))?;
    let (n, mut x, mut done) = (system.n() as f64, vec![0.0; system.n()], 0);
    let ((), solve) = timed(|| {
        loop {
            let stats = amg_solve(&hierarchy, &system.b, &mut x, CycleKind::V, CHUNK, tolerance);
            done += stats.iterations;
            match stats.residual_norm / n.sqrt() {
                _ if stats.converged => return Ok(()),
                growth if growth < DIVERGED => {}
                _ => return Err(format!("diverges within {done} cycles").into()),
            }
        }
    })?;
    iterated(x, [setup, solve], done, true)
}

fn krylov(
    system: &System,
    run: impl FnOnce(&sparse::CsrMatrix) -> (Vec<f64>, oxiphysics_fem::solvers::SolverStats),
) -> Outcome<Measured> {
    let n = system.n();
    let mut a = sparse::CsrMatrix::new(n, n);
    (a.row_ptr, a.col_indices) = (system.row_ptr.clone(), system.columns.clone());
    a.values = system.values.clone();
    let ((x, stats), solve) = timed(|| Ok(run(&a)))?;
    iterated(x, [0.0, solve], stats.iterations, stats.converged)
}
