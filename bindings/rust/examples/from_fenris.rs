//! A matrix of `fenris`, solved by multigrid, and by the conjugate gradients of `fenris-sparse` with a multigrid cycle.

use fenris::nalgebra::DVector;
use fenris_sparse::cg::{ConjugateGradient, RelativeResidualCriterion};
use multigrad::{Csr, Solver};
use multigrad_in_other_crates::{Outcome, fenris_preconditioner::Cycle, poisson::poisson, report::check};

fn main() -> Outcome {
    let (matrix, b) = poisson(64)?; // assembled by fenris
    let n = matrix.nrows();
    let a = Csr::from_csr(n, n, matrix.row_offsets(), matrix.col_indices(), matrix.values())?;
    let solver = Solver::auto(&a)?;
    let u = DVector::from_vec(solver.solve(b.as_slice())?.x);

    let mut v = DVector::zeros(n);
    let cg = ConjugateGradient::new().with_operator(&matrix).with_preconditioner(Cycle(&solver));
    cg.with_stopping_criterion(RelativeResidualCriterion::new(1e-8))
        .with_max_iter(100)
        .solve_with_guess(&b, &mut v)?;
    check("relative residual", (&matrix * &u - &b).norm() / b.norm(), 1e-7)?;
    check("relative difference of the solutions", (&u - v).norm() / u.norm(), 1e-6)
}
