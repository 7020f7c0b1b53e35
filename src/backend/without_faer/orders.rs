//! An order of elimination of small bandwidth, and its fill.

use crate::backend::cuthill_mckee::cuthill_mckee;
use crate::error::{Error, Result};
use crate::sparse::Pattern;

/// Marks a row that is not numbered yet.
const NONE: u32 = u32::MAX;

/// The reverse order of Cuthill and McKee (1969) of A + Aᵀ.
///
/// # Errors
/// Too many entries.
pub fn order_for_diagonal_pivots(pattern: &Pattern) -> Result<Vec<u32>> {
    let graph = pattern.symmetrised().ok_or_else(|| Error::invalid_input("A + Aᵀ has too many entries"))?;
    Ok(cuthill_mckee(&graph))
}

/// The given order.
///
/// # Errors
/// None here.
pub fn order_for_any_pivots(pattern: &Pattern) -> Result<Vec<u32>> {
    Ok((0..pattern.rows() as u32).collect())
}

/// The nonzeros of the Cholesky factor of a symmetric pattern in this order, by default of Cuthill and McKee, from its
/// elimination tree (Liu 1986). Cost: proportional to the result.
pub fn cholesky_nonzeros(pattern: &Pattern, order: Option<&[u32]>) -> Option<f64> {
    let n = pattern.rows();
    let order = order.map_or_else(|| cuthill_mckee(pattern), <[u32]>::to_vec);
    let mut place = vec![0u32; n];
    order.iter().enumerate().for_each(|(k, &i)| place[i as usize] = k as u32);
    let (mut parent, mut seen) = (vec![NONE; n], vec![NONE; n]);
    let mut count = n;
    for (k, &row) in order.iter().enumerate() {
        let k = k as u32;
        seen[k as usize] = k;
        for &j in pattern.row_cols(row as usize) {
            let mut i = place[j as usize];
            while i < k && seen[i as usize] != k {
                seen[i as usize] = k;
                count += 1;
                if parent[i as usize] == NONE {
                    parent[i as usize] = k;
                }
                i = parent[i as usize];
            }
        }
    }
    Some(count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gallery;
    use crate::sparse::Csr;

    #[test]
    fn fill_is_counted() {
        let line = gallery::poisson_2d(1, 50).unwrap().matrix;
        assert_eq!(cholesky_nonzeros(line.pattern(), None), Some(99.0));
        let full: Vec<_> = (0..36).map(|q| (q / 6, q % 6, 1.0)).collect();
        let full = Csr::from_triplets(6, 6, &full).unwrap();
        assert_eq!(cholesky_nonzeros(full.pattern(), None), Some(21.0));
    }
}
