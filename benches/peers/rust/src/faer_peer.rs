//! `faer`: sparse factors, and Krylov methods with the diagonal.

use faer::sparse::SparseRowMat;
use multigrad_in_other_crates::faer_solvers::{cholesky, jacobi_bicgstab, jacobi_cg, lu};
use multigrad_in_other_crates::{Outcome, report::Measured};

use crate::configurations::{Configuration, Matrices};
use crate::system::System;

const fn new(
    name: &'static str,
    matrices: Matrices,
    solve: fn(&System, f64) -> Outcome<Measured>,
) -> Configuration {
    Configuration::new("faer", name, matrices, solve)
}

/// The configurations.
pub const ALL: [Configuration; 4] = [
    new("Cholesky", Matrices::Symmetric, |s, _| cholesky(&rows(s)?.to_col_major()?, &s.b)),
    new("LU", Matrices::Nonsymmetric, |s, _| lu(&rows(s)?.to_col_major()?, &s.b)),
    new("Jacobi, CG", Matrices::Symmetric, |s, t| jacobi_cg(&rows(s)?, &s.b, t)),
    new("Jacobi, BiCGStab", Matrices::Nonsymmetric, |s, t| jacobi_bicgstab(&rows(s)?, &s.b, t)),
];

fn rows(system: &System) -> Outcome<SparseRowMat<usize, f64>> {
    Ok(multigrad::integrations::csr_to_faer(&system.a)?)
}
