//! Poisson's equation assembled by `fenris`, solved by its own conjugate gradients and by multigrid.
//!
//! The argument of the program is the number of elements along a side, 512 by default.

use fenris::nalgebra::{DMatrix, DVector};
use fenris::nalgebra_sparse::factorization::CscCholesky;
use fenris::nalgebra_sparse::{CscMatrix, CsrMatrix};
use fenris_sparse::cg::{ConjugateGradient, IdentityOperator, LinearOperator, RelativeResidualCriterion};
use multigrad::{Csr, Solver};
use multigrad_in_other_crates::Outcome;
use multigrad_in_other_crates::fenris_preconditioner::Cycle;
use multigrad_in_other_crates::poisson::poisson;
use multigrad_in_other_crates::report::{self, Measured, repeated, timed};

/// Unknowns up to which a Cholesky factorisation without a fill-reducing order is measured.
const DIRECT: usize = 40_000;
/// Unknowns up to which the dense Cholesky factorisation of fenris' example is measured.
const DENSE: usize = 2_000;
/// Largest difference of two solutions.
const ACCURACY: f64 = 1e-5;

fn main() -> Outcome {
    report::one_thread()?;
    let n = report::size(512)?;
    let ((a, b), assembly) = timed(|| poisson(n))?;
    println!("assembly by fenris: {assembly:.2} s\n");
    let mut rows = vec![("multigrad", repeated(3, || multigrid(&a, &b))?)];
    rows.push(("fenris CG", repeated(3, || cg(&a, &b, IdentityOperator, 0.0))?));
    rows.push(("fenris CG with a cycle of multigrad", repeated(3, || cycle(&a, &b))?));
    if b.len() <= DIRECT {
        rows.push(("nalgebra-sparse Cholesky", cholesky(&a, &b)?));
    }
    if b.len() <= DENSE {
        rows.push(("dense Cholesky of fenris' example", dense(&a, &b)?));
    }
    report::table(&format!("Poisson by fenris, {n} × {n} elements: {} unknowns", b.len()), &rows);
    let worst = rows.iter().map(|row| report::difference(&row.1.x, &rows[0].1.x)).fold(0.0, f64::max);
    if worst > ACCURACY { Err(format!("the solutions differ by {worst:e}").into()) } else { Ok(()) }
}

fn csr(a: &CsrMatrix<f64>) -> Outcome<Csr<f64>> {
    Ok(Csr::from_csr(a.nrows(), a.ncols(), a.row_offsets(), a.col_indices(), a.values())?)
}

/// `Solver::auto`, the copy of the matrix included.
fn multigrid(a: &CsrMatrix<f64>, b: &DVector<f64>) -> Outcome<Measured> {
    let (solver, setup) = timed(|| Ok(Solver::auto(&csr(a)?)?))?;
    let (out, solve) = timed(|| Ok(solver.solve(b.as_slice())?))?;
    if !out.converged() {
        return Err(out.to_string().into());
    }
    Ok(Measured { x: out.x, setup, solve, work: format!("{} iterations", out.iterations) })
}

/// Conjugate gradients of fenris-sparse with this preconditioner.
fn cg(a: &CsrMatrix<f64>, b: &DVector<f64>, m: impl LinearOperator<f64>, setup: f64) -> Outcome<Measured> {
    let mut x = DVector::zeros(b.len());
    let (out, solve) = timed(|| {
        let cg = ConjugateGradient::new().with_operator(a).with_preconditioner(m).with_max_iter(100_000);
        Ok(cg.with_stopping_criterion(RelativeResidualCriterion::new(1e-8)).solve_with_guess(b, &mut x)?)
    })?;
    let work = format!("{} iterations", out.num_iterations);
    Ok(Measured { x: x.as_slice().to_vec(), setup, solve, work })
}

fn cycle(a: &CsrMatrix<f64>, b: &DVector<f64>) -> Outcome<Measured> {
    let (solver, setup) = timed(|| Ok(Solver::auto(&csr(a)?)?))?;
    cg(a, b, Cycle(&solver), setup)
}

fn cholesky(a: &CsrMatrix<f64>, b: &DVector<f64>) -> Outcome<Measured> {
    let (factors, setup) =
        timed(|| Ok(CscCholesky::factor(&CscMatrix::from(a)).map_err(|e| format!("{e:?}"))?))?;
    let (x, solve) = timed(|| Ok(factors.solve(b)))?;
    Ok(Measured { x: x.as_slice().to_vec(), setup, solve, work: "direct".into() })
}

fn dense(a: &CsrMatrix<f64>, b: &DVector<f64>) -> Outcome<Measured> {
    let (factors, setup) =
        timed(|| Ok(DMatrix::from(a).cholesky().ok_or("the matrix is not positive definite")?))?;
    let (x, solve) = timed(|| Ok(factors.solve(b)))?;
    Ok(Measured { x: x.as_slice().to_vec(), setup, solve, work: "direct".into() })
}
