//! Orders of elimination that keep the fill of sparse factors low, and their fill.

use faer::Side;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::sparse::linalg::cholesky::factorize_symbolic_cholesky;
use faer::sparse::linalg::{amd, colamd};

use super::columns;
use crate::error::{Error, Result};
use crate::sparse::Pattern;

/// Share of rows without a diagonal entry above which pivots are expected beside the diagonal.
const OFF_DIAGONAL: f64 = 0.05;

/// Two orders in which the rows may be eliminated, the more suitable one first: approximate minimum degree of A + Aᵀ
/// (Amestoy, Davis and Duff 1996) for pivots on the diagonal, and of A Aᵀ (Davis, Gilbert, Larimore and Ng 2004) for
/// pivots anywhere.
///
/// # Errors
/// Too much memory.
pub fn orders(pattern: &Pattern) -> Result<[Vec<u32>; 2]> {
    let columns = columns(pattern);
    let (n, nnz) = (pattern.rows(), pattern.nnz());
    let failed = |e: &dyn std::fmt::Debug| Error::singular(format!("the order of elimination failed: {e:?}"));
    let narrow = |order: Vec<usize>| order.into_iter().map(|i| i as u32).collect::<Vec<u32>>();
    let (mut order, mut inverse) = (vec![0usize; n], vec![0usize; n]);
    let needs = amd::order_scratch::<usize>(n, nnz).or(colamd::order_scratch::<usize>(n, n, nnz));
    let mut memory = MemBuffer::try_new(needs).map_err(|e| failed(&e))?;
    let (view, stack) = (columns.as_ref(), MemStack::new(&mut memory));
    colamd::order(&mut order, &mut inverse, view, Default::default(), stack).map_err(|e| failed(&e))?;
    let anywhere = narrow(order.clone());
    amd::order(&mut order, &mut inverse, view, Default::default(), stack).map_err(|e| failed(&e))?;
    let missing = (0..n).filter(|&i| pattern.find(i, i).is_none()).count();
    let on_diagonal = narrow(order);
    Ok(match missing as f64 > OFF_DIAGONAL * n as f64 {
        true => [anywhere, on_diagonal],
        false => [on_diagonal, anywhere],
    })
}

/// The nonzeros of the Cholesky factor of a symmetric pattern in an approximate minimum degree order, by symbolic
/// analysis; `None` if that runs out of memory.
pub fn cholesky_nonzeros(pattern: &Pattern) -> Option<f64> {
    let (upper, defaults) = (Side::Upper, Default::default());
    let symbolic =
        factorize_symbolic_cholesky(columns(pattern).as_ref(), upper, defaults, Default::default()).ok()?;
    Some(symbolic.len_val() as f64)
}
