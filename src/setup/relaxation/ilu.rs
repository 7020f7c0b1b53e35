//! Incomplete LU factorisation without fill.

use super::check_square;
use crate::error::{Error, Result};
use crate::sparse::Csr;

/// Size of a pivot, relative to the largest entry of its row of A, that counts as zero.
const PIVOT: f64 = 1e-14;

/// Marks a column that the present row does not store.
const ABSENT: u32 = u32::MAX;

/// ILU(0): L U ≈ A on the pattern of A (Meijerink and van der Vorst 1977), by the IKJ
/// variant of Gaussian elimination (Saad 2003, algorithm 10.4).
///
/// The result shares the pattern of A: strictly below the diagonal it holds L, whose own
/// diagonal of ones is not stored, and from the diagonal on U. (L U)ᵢⱼ = aᵢⱼ wherever A has
/// an entry. Apply it by two triangular solves. Cost: one pass, sequential; per row i the sum
/// of the lengths of the rows k < i that it couples to.
///
/// # Errors
/// A matrix that is not square, a row without a stored diagonal entry, or a pivot that is
/// zero, tiny or not finite (the row is named).
///
/// ```
/// use multigrad::setup::relaxation::ilu0;
/// use multigrad::sparse::Csr;
/// let a = Csr::from_triplets(2, 2, &[(0, 0, 2.0), (0, 1, 1.0), (1, 0, 4.0), (1, 1, 5.0)])?;
/// let lu = ilu0(&a)?; // l = 4/2, u = 5 − 2·1
/// assert_eq!(lu.values(), [2.0, 1.0, 2.0, 3.0]);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn ilu0(a: &Csr<f64>) -> Result<Csr<f64>> {
    check_square(a)?;
    let pattern = a.pattern();
    let (n, columns) = (a.rows(), pattern.col_idx());
    let mut values = a.values().to_vec();
    let mut diagonals = Vec::with_capacity(n);
    // Where the present row stores a column.
    let mut place = vec![ABSENT; n];
    for i in 0..n {
        let row = pattern.row(i);
        let Some(diagonal) = pattern.find(i, i) else {
            return Err(Error::invalid_input(format!(
                "row {} has no stored diagonal entry, which ILU(0) needs; store a zero there or use SPAI-1",
                i + 1
            )));
        };
        let largest = a.values()[row.clone()].iter().fold(0.0f64, |m, v| m.max(v.abs()));
        for p in row.clone() {
            place[columns[p] as usize] = p as u32;
        }
        for p in row.start..diagonal {
            let k = columns[p] as usize;
            let pivot: usize = diagonals[k];
            let factor = values[p] / values[pivot];
            values[p] = factor;
            for q in pivot + 1..pattern.row(k).end {
                let target = place[columns[q] as usize];
                if target != ABSENT {
                    values[target as usize] -= factor * values[q];
                }
            }
        }
        for p in row.clone() {
            place[columns[p] as usize] = ABSENT;
        }
        let finite = values[row].iter().all(|v| v.is_finite());
        if !finite || values[diagonal].abs() <= PIVOT * largest {
            return Err(Error::singular(format!(
                "the pivot of row {} in ILU(0) is {:e}; add a shift to the diagonal, reorder the equations, or use SPAI-1",
                i + 1,
                values[diagonal]
            )));
        }
        diagonals.push(diagonal);
    }
    Csr::new(pattern.clone(), values)
}
