//! Prolongation smoothing by one step of damped Jacobi.

use crate::error::{Error, Result};
use crate::setup::spectral::inverse_diagonal;
use crate::sparse::Csr;
use crate::sparse::assemble::{Accumulator, assemble};

use super::standard::NONE;

/// Rows of A up to this length are summed by a linear search among the previous columns.
const SHORT: usize = 48;

/// P = (I − ω/ρ D⁻¹A) T, the smoothed prolongation of Vaněk, Mandel and Brezina (1996).
///
/// A is n × n and T n × m; ρ is the spectral radius of D⁻¹A and ω usually 4/3. For a restriction on the
/// transpose pass Aᵀ and transpose the result; for anisotropic problems pass the
/// [`filtered_matrix`](super::filtered_matrix). Cost: one product A T, parallel over rows.
///
/// # Errors
/// Shapes that do not fit, a zero on the diagonal, ρ or ω not positive and finite.
pub fn jacobi_prolongation(a: &Csr<f64>, tentative: &Csr<f64>, rho: f64, omega: f64) -> Result<Csr<f64>> {
    smooth(a, &inverse_diagonal(a)?, tentative, rho, omega)
}

/// [`jacobi_prolongation`] with given 1/aᵢᵢ.
pub(super) fn smooth(
    a: &Csr<f64>,
    inverse: &[f64],
    tentative: &Csr<f64>,
    rho: f64,
    omega: f64,
) -> Result<Csr<f64>> {
    if tentative.rows() != a.rows() {
        return Err(Error::dimension(format!(
            "a prolongation with {} rows for a matrix with {}",
            tentative.rows(),
            a.rows()
        )));
    }
    let factor = omega / rho;
    if !(factor > 0.0 && factor.is_finite() && omega > 0.0) {
        return Err(Error::invalid_input(format!(
            "Jacobi smoothing of the prolongation needs a positive weight and spectral radius, got {omega} and {rho}"
        )));
    }
    let pattern = tentative.pattern();
    if (0..pattern.rows()).all(|i| pattern.row(i).len() <= 1) {
        return one_entry_per_row(a, inverse, tentative, factor);
    }
    assemble(
        a.rows(),
        tentative.cols(),
        || Accumulator::new(tentative.cols()),
        |i, row, columns, values| {
            for (c, t) in tentative.row(i) {
                row.add(c, t);
            }
            let weight = factor * inverse[i];
            for (j, v) in a.row(i) {
                for (c, t) in tentative.row(j) {
                    row.add(c, -(weight * v) * t);
                }
            }
            row.drain(columns, values);
        },
    )
}

/// The product for one candidate: every entry of A meets at most one of T, and a row of P has few columns, so
/// they are kept in order by insertion.
fn one_entry_per_row(a: &Csr<f64>, inverse: &[f64], t: &Csr<f64>, factor: f64) -> Result<Csr<f64>> {
    let n = t.rows();
    let (spread_columns, spread_values);
    let (of, own) = if t.nnz() == n {
        (t.pattern().col_idx(), t.values())
    } else {
        let entry = |i: usize| t.row(i).next().map_or((NONE, 0.0), |(c, v)| (c as u32, v));
        (spread_columns, spread_values) = (0..n).map(entry).unzip::<u32, f64, Vec<_>, Vec<_>>();
        (&spread_columns[..], &spread_values[..])
    };
    assemble(
        n,
        t.cols(),
        || Row { columns: [0; SHORT + 1], values: [0.0; SHORT + 1], len: 0, long: None },
        |i, row, columns, values| {
            let weight = factor * inverse[i];
            let terms = a.row(i).map(|(j, v)| (of[j], -(weight * v) * own[j]));
            if terms.len() > SHORT {
                let long = row.long.get_or_insert_with(|| Accumulator::new(t.cols()));
                let terms = std::iter::once((of[i], own[i])).chain(terms);
                terms.filter(|e| e.0 != NONE).for_each(|(c, v)| long.add(c as usize, v));
                return long.drain(columns, values);
            }
            row.len = 0;
            row.add(of[i], own[i]);
            terms.for_each(|(c, v)| row.add(c, v));
            columns.extend_from_slice(&row.columns[..row.len]);
            values.extend_from_slice(&row.values[..row.len]);
        },
    )
}

/// A row under construction, columns ascending.
struct Row {
    columns: [u32; SHORT + 1],
    values: [f64; SHORT + 1],
    len: usize,
    /// The accumulator of long rows; made by the first of them.
    long: Option<Accumulator>,
}

impl Row {
    /// Adds `v` in column `c`; [`NONE`] stands for no column.
    #[inline(always)]
    fn add(&mut self, c: u32, v: f64) {
        if let Some(p) = self.columns[..self.len].iter().position(|&q| q == c) {
            self.values[p] += v;
        } else if c != NONE && self.len <= SHORT {
            let mut p = self.len;
            while p > 0 && self.columns[p - 1] > c {
                (self.columns[p], self.values[p]) = (self.columns[p - 1], self.values[p - 1]);
                p -= 1;
            }
            (self.columns[p], self.values[p]) = (c, v);
            self.len += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (I − ω/ρ D⁻¹A) T by the general sparse operations.
    fn plain(a: &Csr<f64>, t: &Csr<f64>, rho: f64, omega: f64) -> Csr<f64> {
        let scaled = a.map(|i, _, v| v / a.get(i, i));
        t.add(1.0, &scaled.multiply(t).unwrap(), -omega / rho).unwrap()
    }

    #[test]
    fn one_entry_per_row_is_the_plain_product() {
        // Row 0 is long, node 7 is in no aggregate, and 9 sees only columns of others.
        let n = 90;
        let mut entries: Vec<_> = (0..n).map(|i| (i, i, 4.0 + i as f64)).collect();
        entries.extend((1..n).map(|j| (0, j, -1.0 / j as f64)));
        entries.extend((1..n).flat_map(|i| [(i, (i * 7) % n, -0.5), (i, (i * 3 + 1) % n, 0.25)]));
        let a = Csr::from_triplets(n, n, &entries).unwrap();
        for holes in [false, true] {
            let rows = (0..n).filter(|&i| !(holes && i == 7));
            let t: Vec<_> = rows.map(|i| (i, i / 4, 1.0 + (i % 3) as f64)).collect();
            let t = Csr::from_triplets(n, n.div_ceil(4), &t).unwrap();
            let p = jacobi_prolongation(&a, &t, 1.5, 4.0 / 3.0).unwrap();
            let difference = p.add(1.0, &plain(&a, &t, 1.5, 4.0 / 3.0), -1.0).unwrap();
            assert!(difference.values().iter().all(|v| v.abs() < 1e-14));
            assert!((0..n).all(|i| p.pattern().row_cols(i).is_sorted_by(|x, y| x < y)));
        }
    }

    #[test]
    fn weights_must_be_positive() {
        let a = Csr::identity(3);
        for (rho, omega) in [(0.0, 1.0), (1.0, -1.0), (-1.0, -1.0), (f64::NAN, 1.0)] {
            assert!(jacobi_prolongation(&a, &a, rho, omega).unwrap_err().is_invalid_input());
        }
        assert!(jacobi_prolongation(&a, &Csr::identity(4), 1.0, 1.0).unwrap_err().is_dimension());
    }
}
