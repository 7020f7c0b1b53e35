//! The own solver of `nalgebra-sparse`, measured: Cholesky factors in the order of the matrix. It has no solver for
//! matrices that are not symmetric.

use nalgebra::DVector;
use nalgebra_sparse::CscMatrix;
use nalgebra_sparse::factorization::CscCholesky;

use crate::Outcome;
use crate::report::{Measured, timed};

/// Sparse Cholesky factors, without a fill-reducing order.
pub fn cholesky(a: &CscMatrix<f64>, b: &[f64]) -> Outcome<Measured> {
    let (factors, setup) =
        timed(|| Ok(CscCholesky::factor(a).map_err(|e| format!("nalgebra's Cholesky: {e}"))?))?;
    let b = DVector::from_column_slice(b);
    let (x, solve) = timed(|| Ok(factors.solve(&b)))?;
    Ok(Measured { x: x.as_slice().to_vec(), setup, solve, work: "direct".into() })
}
