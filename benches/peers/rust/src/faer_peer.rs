//! `faer`: sparse factors, and Krylov methods with the diagonal.

use faer::sparse::SparseRowMat;
use multigrad_in_other_crates::Outcome;
use multigrad_in_other_crates::faer_solvers::{cholesky, jacobi_bicgstab, jacobi_cg, lu};

use crate::configurations::{Matrices, Settings};
use crate::system::System;

/// The configurations.
pub const ALL: [Settings; 4] = [
    ("Cholesky", Matrices::Symmetric, |s, _| cholesky(&rows(s)?.to_col_major()?, &s.b)),
    ("LU", Matrices::Nonsymmetric, |s, _| lu(&rows(s)?.to_col_major()?, &s.b)),
    ("Jacobi, CG", Matrices::Symmetric, |s, t| jacobi_cg(&rows(s)?, &s.b, t)),
    ("Jacobi, BiCGStab", Matrices::Nonsymmetric, |s, t| jacobi_bicgstab(&rows(s)?, &s.b, t)),
];

fn rows(system: &System) -> Outcome<SparseRowMat<usize, f64>> {
    Ok(multigrad::integrations::csr_to_faer(&system.a)?)
}
