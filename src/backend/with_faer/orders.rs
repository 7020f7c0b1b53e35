//! Orders of elimination that keep the fill of sparse factors low, and their fill.

use faer::Side;
use faer::dyn_stack::{MemBuffer, MemStack, StackReq};
use faer::perm::PermRef;
use faer::sparse::linalg::cholesky::{SymmetricOrdering, factorize_symbolic_cholesky};
use faer::sparse::linalg::{amd, colamd};

use super::columns;
use crate::error::{Error, Result};
use crate::sparse::Pattern;

/// An approximate minimum degree order of A + Aᵀ (Amestoy, Davis and Duff 1996), for pivots on the diagonal.
///
/// # Errors
/// Too much memory.
pub fn order_for_diagonal_pivots(pattern: &Pattern) -> Result<Vec<u32>> {
    let (n, nnz) = (pattern.rows(), pattern.nnz());
    ordered(n, amd::order_scratch::<usize>(n, nnz), |order, inverse, stack| {
        amd::order(order, inverse, columns(pattern).as_ref(), Default::default(), stack).map(|_| ())
    })
}

/// An approximate minimum degree order of A Aᵀ (Davis, Gilbert, Larimore and Ng 2004), for pivots anywhere.
///
/// # Errors
/// Too much memory.
pub fn order_for_any_pivots(pattern: &Pattern) -> Result<Vec<u32>> {
    let (n, nnz) = (pattern.rows(), pattern.nnz());
    ordered(n, colamd::order_scratch::<usize>(n, n, nnz), |order, inverse, stack| {
        colamd::order(order, inverse, columns(pattern).as_ref(), Default::default(), stack)
    })
}

/// The order of n rows that a method finds, with this memory.
fn ordered<E: std::fmt::Debug>(
    n: usize,
    needs: StackReq,
    method: impl FnOnce(&mut [usize], &mut [usize], &mut MemStack) -> std::result::Result<(), E>,
) -> Result<Vec<u32>> {
    let failed = |e: &dyn std::fmt::Debug| Error::singular(format!("the order of elimination failed: {e:?}"));
    let (mut order, mut inverse) = (vec![0usize; n], vec![0usize; n]);
    let mut memory = MemBuffer::try_new(needs).map_err(|e| failed(&e))?;
    method(&mut order, &mut inverse, MemStack::new(&mut memory)).map_err(|e| failed(&e))?;
    Ok(order.into_iter().map(|i| i as u32).collect())
}

/// The nonzeros of the Cholesky factor of a symmetric pattern in this order, by default of approximate minimum degree, by
/// symbolic analysis; `None` if that runs out of memory.
pub fn cholesky_nonzeros(pattern: &Pattern, order: Option<&[u32]>) -> Option<f64> {
    let forward: Vec<usize> = order.unwrap_or_default().iter().map(|&i| i as usize).collect();
    let mut inverse = vec![0usize; forward.len()];
    forward.iter().enumerate().for_each(|(k, &i)| inverse[i] = k);
    let order = match order {
        Some(_) => SymmetricOrdering::Custom(PermRef::new_checked(&forward, &inverse, forward.len())),
        None => SymmetricOrdering::Amd,
    };
    let (upper, defaults) = (Side::Upper, Default::default());
    let symbolic = factorize_symbolic_cholesky(columns(pattern).as_ref(), upper, order, defaults).ok()?;
    Some(symbolic.len_val() as f64)
}
