//! Sparse LU of `faer` for one pattern with many values, with singularity tests.

use faer::MatMut;
use faer::linalg::solvers::Solve;
use faer::sparse::linalg::solvers::{Lu, SymbolicLu};
use faer::sparse::{SparseColMatRef, SymbolicSparseColMat};

use super::{Cpu, View};
use crate::error::{Error, Result};
use crate::sparse::Pattern;

/// The order of elimination for a pattern.
pub struct Ordering {
    /// The arrays of a matrix by rows are those of its transpose by columns.
    columns: SymbolicSparseColMat<usize>,
    symbolic: SymbolicLu<usize>,
}

/// L and U of a matrix in double precision.
#[derive(Clone)]
pub struct Factors {
    /// Factors of the transpose.
    lu: Lu<usize, f64>,
}

impl Ordering {
    /// From a square pattern. Cost: an ordering that keeps fill low, without values.
    ///
    /// # Errors
    /// A pattern that is not square; errors of `faer`, such as too much memory.
    pub fn new(pattern: &Pattern) -> Result<Self> {
        let n = pattern.rows();
        if n != pattern.cols() {
            let text = format!("a direct solver needs a square matrix, got {n} × {}", pattern.cols());
            return Err(Error::dimension(text));
        }
        let wide = |list: &[u32]| list.iter().map(|&v| v as usize).collect::<Vec<usize>>();
        let (starts, rows) = (wide(pattern.row_ptr()), wide(pattern.col_idx()));
        let columns = SymbolicSparseColMat::new_checked(n, n, starts, None, rows);
        let symbolic = SymbolicLu::try_new(columns.as_ref())
            .map_err(|e| Error::singular(format!("the order of elimination failed: {e:?}")))?;
        Ok(Self { columns, symbolic })
    }

    /// Factors these values, or returns `None` if the matrix is singular to working precision. `faer` factors
    /// such a matrix without an error, so the factors are tested by solves with known solutions.
    pub fn factor(&self, pattern: &Pattern, values: &[f64]) -> Option<Factors> {
        let matrix = SparseColMatRef::new(self.columns.as_ref(), values);
        let lu = Lu::try_new_with_symbolic(self.symbolic.clone(), matrix).ok()?;
        let factors = Factors { lu };
        // Two rough solutions with entries of both signs.
        let known: Vec<f64> = (0..2 * pattern.rows()).map(|q| ((q as f64 + 1.0) * 1.618).sin()).collect();
        let mut x = vec![0.0; known.len()];
        Cpu.spmv(1.0, View { pattern, values }, &known, 0.0, &mut x, 2);
        factors.solve(&mut x, 2, false);
        x.iter().zip(&known).all(|(x, y)| (x - y).abs() < 1e-4).then_some(factors)
    }
}

impl Factors {
    /// x ← A⁻¹ x or A⁻ᵀ x for a row-major block of `k` columns.
    pub fn solve(&self, x: &mut [f64], k: usize, transposed: bool) {
        let rows = x.len() / k.max(1);
        let block = MatMut::from_row_major_slice_mut(x, rows, k);
        if transposed {
            self.lu.solve_in_place(block);
        } else {
            self.lu.solve_transpose_in_place(block);
        }
    }
}
