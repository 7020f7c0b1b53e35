//! The linear system of a problem.

use multigrad::Csr;
use multigrad_in_other_crates::Outcome;

use crate::problem;

/// A matrix with the right-hand side of ones, and its arrays in the type that the peers take.
pub struct System {
    /// The matrix.
    pub a: Csr<f64>,
    /// Whether it is symmetric.
    pub symmetric: bool,
    /// Where every row begins.
    pub row_ptr: Vec<usize>,
    /// Columns of the entries.
    pub columns: Vec<usize>,
    /// Values of the entries.
    pub values: Vec<f64>,
    /// The right-hand side.
    pub b: Vec<f64>,
}

impl System {
    /// The system of the problem called `name`, as in `benches/common/problem.rs`.
    pub fn new(name: &str) -> Outcome<Self> {
        let a = problem::matrix(name)?;
        let wide = |indices: &[u32]| indices.iter().map(|&i| i as usize).collect();
        let (row_ptr, columns) = (wide(a.pattern().row_ptr()), wide(a.pattern().col_idx()));
        let (symmetric, values, b) = (a.is_symmetric(), a.values().to_vec(), vec![1.0; a.rows()]);
        Ok(Self { a, symmetric, row_ptr, columns, values, b })
    }

    /// Number of unknowns.
    pub fn n(&self) -> usize {
        self.b.len()
    }

    /// ‖b − A x‖ / ‖b‖.
    pub fn residual(&self, x: &[f64]) -> Outcome<f64> {
        let mut product = vec![0.0; self.n()];
        self.a.spmv(x, &mut product)?;
        Ok(multigrad_in_other_crates::report::difference(&product, &self.b))
    }
}
