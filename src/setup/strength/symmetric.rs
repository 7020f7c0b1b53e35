//! Strength of connection by the size of the entries.

use crate::error::{Error, Result};
use crate::sparse::Csr;
use crate::sparse::assemble::assemble;

/// The symmetric strength of connection of Vaněk, Mandel and Brezina (1996).
///
/// Connection (i, j) is strong when |aᵢⱼ| ≥ θ √(|aᵢᵢ aⱼⱼ|) and aᵢⱼ ≠ 0; the diagonal is kept.
/// Values are |aᵢⱼ| divided by the largest of the row. For block systems pass the norms of
/// [`amalgamate`](crate::setup::amalgamate). n × n; cost: one pass over the matrix.
///
/// # Errors
/// A matrix that is not square; θ negative or not finite.
pub fn symmetric_strength(a: &Csr<f64>, theta: f64) -> Result<Csr<f64>> {
    if a.rows() != a.cols() {
        return Err(Error::dimension(format!(
            "strength of connection needs a square matrix, got {} × {}",
            a.rows(),
            a.cols()
        )));
    }
    if !(theta >= 0.0 && theta.is_finite()) {
        return Err(Error::invalid_input(format!(
            "the strength threshold theta is {theta}; choose 0 or a little more"
        )));
    }
    let diagonal = a.diagonal();
    assemble(
        a.rows(),
        a.rows(),
        || (),
        |i, (), columns, values| {
            let from = values.len();
            let bound = theta * theta * diagonal[i].abs();
            for (j, v) in a.row(i) {
                if i == j || (v != 0.0 && v * v >= bound * diagonal[j].abs()) {
                    columns.push(j as u32);
                    values.push(v.abs());
                }
            }
            scale_by_largest(&mut values[from..]);
        },
    )
}

/// |A| + |A|ᵀ, the strength graph of a matrix that is used together with its transpose.
///
/// # Errors
/// A matrix that is not square.
pub fn absolute_sum(a: &Csr<f64>) -> Result<Csr<f64>> {
    let absolute = a.map(|_, _, v| v.abs());
    absolute.add(1.0, &absolute.transpose(), 1.0)
}

/// Divides the values of a row by the largest of them.
pub(in crate::setup) fn scale_by_largest(row: &mut [f64]) {
    let largest = row.iter().fold(0.0f64, |m, &v| m.max(v));
    if largest > 0.0 {
        let factor = 1.0 / largest;
        row.iter_mut().for_each(|v| *v *= factor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_entries_are_dropped() {
        let entries =
            [(0, 0, 4.0), (0, 1, -1.0), (1, 0, -1.0), (1, 1, 4.0), (0, 2, -0.1), (2, 0, -0.1), (2, 2, 1.0)];
        let a = Csr::from_triplets(3, 3, &entries).unwrap();
        let c = symmetric_strength(&a, 0.1).unwrap();
        assert_eq!(c.nnz(), 5);
        assert_eq!((c.get(0, 0), c.get(0, 1), c.get(2, 2)), (1.0, 0.25, 1.0));
        assert_eq!(symmetric_strength(&a, 0.0).unwrap().nnz(), 7);
        assert!(symmetric_strength(&a, f64::NAN).unwrap_err().is_invalid_input());
    }
}
