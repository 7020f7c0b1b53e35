//! Supernodal sparse LU.

use std::sync::Arc;

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::sparse::linalg::lu::{LuRef, LuSymbolicParams, NumericLu, SymbolicLu, factorize_symbolic_lu};
use faer::sparse::{SparseColMatRef, SymbolicSparseColMat};
use faer::{Conj, MatMut, get_global_parallelism};

use super::columns;
use crate::error::{Error, Result};
use crate::sparse::Pattern;

/// The symbolic part of the factorisation of Aᵀ.
pub struct Analysis {
    columns: SymbolicSparseColMat<usize>,
    symbolic: Arc<SymbolicLu<usize>>,
}

/// Factors of Aᵀ.
#[derive(Clone)]
pub struct Supernodal {
    symbolic: Arc<SymbolicLu<usize>>,
    numeric: Arc<NumericLu<usize, f64>>,
}

impl Analysis {
    /// The analysis of a square pattern.
    ///
    /// # Errors
    /// Too much memory.
    pub fn new(pattern: &Pattern) -> Result<Option<Self>> {
        let columns = columns(pattern);
        let symbolic = factorize_symbolic_lu(columns.as_ref(), LuSymbolicParams::default())
            .map_err(|e| Error::singular(format!("the order of elimination failed: {e:?}")))?;
        Ok(Some(Self { columns, symbolic: Arc::new(symbolic) }))
    }

    /// The factors of a matrix with this pattern. A singular matrix is factored without an error.
    pub fn factor(&self, values: &[f64]) -> Option<Supernodal> {
        let matrix = SparseColMatRef::new(self.columns.as_ref(), values);
        let (mut numeric, threads) = (NumericLu::new(), get_global_parallelism());
        let needs = self.symbolic.factorize_numeric_lu_scratch::<f64>(threads, Default::default());
        let mut memory = MemBuffer::try_new(needs).ok()?;
        let stack = MemStack::new(&mut memory);
        self.symbolic.factorize_numeric_lu(&mut numeric, matrix, threads, stack, Default::default()).ok()?;
        Some(Supernodal { symbolic: self.symbolic.clone(), numeric: Arc::new(numeric) })
    }
}

impl Supernodal {
    /// x ← A⁻¹ x or A⁻ᵀ x for a row-major block of `k` columns.
    pub fn solve(&self, x: &mut [f64], k: usize, transposed: bool) {
        let rows = x.len() / k.max(1);
        let block = MatMut::from_row_major_slice_mut(x, rows, k);
        let lu = LuRef::new_unchecked(&self.symbolic, &self.numeric);
        let threads = get_global_parallelism();
        let mut memory = MemBuffer::new(self.symbolic.solve_in_place_scratch::<f64>(k, threads));
        let stack = MemStack::new(&mut memory);
        if transposed {
            lu.solve_in_place_with_conj(Conj::No, block, threads, stack);
        } else {
            lu.solve_transpose_in_place_with_conj(Conj::No, block, threads, stack);
        }
    }
}
