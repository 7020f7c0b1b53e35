//! Componentwise backward error of a solution.

use crate::krylov::{largest, norm};
use crate::parallel;
use crate::sparse::Csr;

/// Rows handled by one task.
const CHUNK: usize = 4096;
/// Rows whose terms are below this share of what the largest unknowns would give are judged by the latter.
const SMALL: f64 = 1e-5;

/// The largest error of a row, the row, and the norm of the residual.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct BackwardError {
    /// ω = max |b − A x|ᵢ / (|A| |x| + |b|)ᵢ.
    pub value: f64,
    /// The row of the maximum, counted from 0.
    pub row: usize,
    /// ‖b − A x‖₂.
    pub residual: f64,
}

/// The componentwise backward error (Oettli and Prager 1964): x solves a system whose entries and right-hand side
/// differ by the relative error ω. It does not change when rows are scaled, so a residual that is small only beside
/// the largest rows is seen. The denominator of rows with small terms contains ‖Aᵢ‖₁ ‖x‖∞ (Arioli, Demmel and Duff
/// 1989), or Σ |aᵢⱼ| uⱼ max |xⱼ| / uⱼ with the units uⱼ of the unknowns if that is less: an unknown with large values
/// because of its unit excuses no wrong row. Known unknowns have the unit zero. Cost: one pass over A, parallel over rows.
pub(super) fn backward_error(a: &Csr<f64>, x: &[f64], b: &[f64], units: Option<&[f64]>) -> BackwardError {
    let most = largest(x);
    let most_units = units.map_or(f64::INFINITY, |units| {
        let sought = x.iter().zip(units).filter(|(_, unit)| **unit != 0.0);
        sought.fold(0.0, |most, (x, unit)| f64::max(most, (x / unit).abs()))
    });
    let row = |i: usize| {
        let (mut residual, mut terms, mut length, mut in_units) = (b[i], b[i].abs(), 0.0, 0.0);
        for (j, v) in a.row(i) {
            residual -= v * x[j];
            terms += (v * x[j]).abs();
            length += v.abs();
            in_units += units.map_or(1.0, |units| units[j]) * v.abs();
        }
        let bound = (length * most).min(in_units * most_units);
        let size = if terms > SMALL * bound { terms } else { terms + bound };
        let error = match residual == 0.0 {
            true => 0.0,
            false if residual.is_finite() && size > 0.0 => residual.abs() / size,
            false => f64::INFINITY,
        };
        (error, residual)
    };
    // Norms of the chunks, not their squares, which may overflow.
    let chunks = parallel::map(0..a.rows().div_ceil(CHUNK), &|c| {
        let rows = c * CHUNK..a.rows().min((c + 1) * CHUNK);
        let (mut found, mut residuals) = (BackwardError { value: 0.0, row: 0, residual: 0.0 }, [0.0; CHUNK]);
        for (i, r) in rows.zip(&mut residuals) {
            let (error, residual) = row(i);
            *r = residual;
            if error > found.value {
                (found.value, found.row) = (error, i);
            }
        }
        found.residual = norm(&residuals);
        found
    });
    let norms: Vec<f64> = chunks.iter().map(|c| c.residual).collect();
    let none = BackwardError { value: 0.0, row: 0, residual: norm(&norms) };
    chunks.into_iter().fold(none, |worst, c| match c.value > worst.value {
        true => BackwardError { residual: worst.residual, ..c },
        false => worst,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_row_beside_large_ones_is_seen() {
        // The second row is tiny; its residual is as large as its terms.
        let a = Csr::from_triplets(2, 2, &[(0, 0, 1.0), (1, 1, 1e-12)]).unwrap();
        let found = backward_error(&a, &[300.0, 100.0], &[300.0, 3e-10], None);
        assert_eq!(found.row, 1);
        assert!((found.residual - 2e-10).abs() < 1e-20, "{found:?}");
        assert!((found.value - 2.0 / 4.0).abs() < 1e-12, "{found:?}");
        assert_eq!(backward_error(&a, &[300.0, 300.0], &[300.0, 3e-10], None).value, 0.0);
    }

    #[test]
    fn an_unknown_in_a_small_unit_excuses_no_wrong_row() {
        let a = Csr::from_triplets(2, 2, &[(0, 0, 1.0), (1, 1, 1e-20)]).unwrap();
        let error = |units: Option<&[f64]>| backward_error(&a, &[3.0, 5e20], &[2.0, 5.0], units).value;
        assert!(error(None) < 1e-20);
        assert_eq!(error(Some(&[1.0, 1e20])), 1.0 / 5.0);
        assert_eq!(error(Some(&[1.0, 0.0])), 1.0 / 5.0);
    }

    #[test]
    fn rows_without_terms_count_as_wrong_only_with_a_residual() {
        let a = Csr::from_triplets(2, 2, &[(0, 0, 1.0)]).unwrap();
        assert_eq!(backward_error(&a, &[1.0, 0.0], &[1.0, 0.0], None).value, 0.0);
        assert_eq!(backward_error(&a, &[1.0, 0.0], &[1.0, 1e-3], None).value, 1.0);
        assert_eq!(backward_error(&a, &[f64::NAN, 0.0], &[1.0, 0.0], None).value, f64::INFINITY);
    }
}
