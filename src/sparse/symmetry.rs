//! Detection of symmetry: every entry meets its partner across the diagonal in one pass.

use super::{Csr, Pattern, Scalar};
use crate::error::Result;

/// A result of [`pairs`].
enum Met {
    /// Entries (i, j) and (j, i) with j < i, as nonzero numbers.
    Pair(usize, usize),
    /// An entry off the diagonal whose partner is not stored, as nonzero number.
    Single(usize),
}

/// Finds the partner of every off-diagonal entry of a square pattern, until `f` returns false; returns
/// whether it never did. Rows are read in order, so the entries right of the diagonal of a row are met in
/// order too, and one cursor per row suffices.
#[inline(always)]
fn pairs(pattern: &Pattern, mut f: impl FnMut(Met) -> bool) -> bool {
    let (ptr, col_idx) = (pattern.row_ptr(), pattern.col_idx());
    let mut cursor = ptr[..pattern.rows()].to_vec();
    for i in 0..pattern.rows() {
        let mut p = ptr[i] as usize;
        let end = ptr[i + 1] as usize;
        while p < end && (col_idx[p] as usize) < i {
            let j = col_idx[p] as usize;
            let (mut q, stop) = (cursor[j] as usize, ptr[j + 1] as usize);
            while q < stop && (col_idx[q] as usize) < i {
                if !f(Met::Single(q)) {
                    return false;
                }
                q += 1;
            }
            let paired = q < stop && col_idx[q] as usize == i;
            if !f(if paired { Met::Pair(p, q) } else { Met::Single(p) }) {
                return false;
            }
            cursor[j] = (q + usize::from(paired)) as u32;
            p += 1;
        }
        cursor[i] = (p + usize::from(p < end && col_idx[p] as usize == i)) as u32;
    }
    let rest = |i: usize| cursor[i] as usize..ptr[i + 1] as usize;
    (0..pattern.rows()).flat_map(rest).all(|p| f(Met::Single(p)))
}

const LANES: usize = 8;

/// Folds f over all values, in a fixed order that permits eight at a time.
#[inline(always)]
fn fold<T: Scalar>(values: &[T], f: impl Fn(f64, f64) -> f64, join: impl Fn(f64, f64) -> f64) -> f64 {
    let mut lanes = [0.0; LANES];
    let mut chunks = values.chunks_exact(LANES);
    for chunk in &mut chunks {
        for (lane, v) in lanes.iter_mut().zip(chunk) {
            *lane = f(*lane, v.to_f64());
        }
    }
    let tail = chunks.remainder().iter().fold(0.0, |sum, v| f(sum, v.to_f64()));
    lanes.into_iter().fold(tail, join)
}

impl Pattern {
    /// Whether entry (j, i) is stored wherever (i, j) is. Cost: one pass, less if the answer is no.
    pub fn is_symmetric(&self) -> bool {
        self.rows() == self.cols() && pairs(self, |met| matches!(met, Met::Pair(..)))
    }
}

impl Csr<f64> {
    /// Whether D A D, for this diagonal D, differs from its transpose by at most `share` of its Frobenius norm; no for a
    /// norm that overflows. Cost: two passes, or one if the answer is no.
    pub(crate) fn is_symmetric_when_scaled(&self, d: &[f64], share: f64) -> bool {
        let (pattern, values) = (self.pattern(), self.values());
        let square = |p: usize, i: usize, v: f64| (d[i] * v * d[pattern.col_idx()[p] as usize]).powi(2);
        let rows = (0..self.rows()).map(|i| pattern.row(i).map(|p| square(p, i, values[p])).sum::<f64>());
        let limit = share * share * rows.sum::<f64>();
        let mut sum = 0.0;
        limit.is_finite()
            && pairs(pattern, |met| {
                sum += 2.0
                    * match met {
                        Met::Pair(p, q) => square(p, pattern.col_idx()[q] as usize, values[p] - values[q]),
                        Met::Single(p) => square(p, pattern.place(p).0, values[p]),
                    };
                sum <= limit
            })
    }
}

impl<T: Scalar> Csr<T> {
    /// Frobenius norm of A − Aᵀ relative to that of A; 0 for a symmetric matrix, 1 or more
    /// for one that is far from it, infinite for one that is not square. Cost: three passes.
    pub fn asymmetry(&self) -> f64 {
        self.symmetry().0
    }

    /// The [`asymmetry`](Self::asymmetry), and whether the pattern [is symmetric](Pattern::is_symmetric), for
    /// the cost of the former.
    pub(crate) fn symmetry(&self) -> (f64, bool) {
        if self.rows() != self.cols() {
            return (f64::INFINITY, false);
        }
        let values = self.values();
        // Scaled, so that squares neither overflow nor underflow.
        let largest = fold(values, |m, v| if v.abs() > m { v.abs() } else { m }, f64::max);
        let scale = (1.0 / largest).min(f64::MAX);
        let norm = fold(values, |sum, v| sum + (scale * v) * (scale * v), |a, b| a + b);
        let (mut difference, mut singles) = (0.0, 0usize);
        pairs(self.pattern(), |met| {
            let d = match met {
                Met::Pair(p, q) => scale * values[p].to_f64() - scale * values[q].to_f64(),
                Met::Single(p) => {
                    singles += 1;
                    scale * values[p].to_f64()
                }
            };
            difference += d * d;
            true
        });
        (if norm > 0.0 { (2.0 * difference / norm).sqrt() } else { 0.0 }, singles == 0)
    }

    /// Symmetric to rounding (relative asymmetry below 10⁻¹²).
    pub fn is_symmetric(&self) -> bool {
        self.asymmetry() < 1e-12
    }

    /// (A + Aᵀ)/2, on the pattern of A if that is symmetric. Cost: one pass then, otherwise a transposition
    /// and a sum.
    ///
    /// # Errors
    /// A matrix that is not square.
    pub fn symmetric_part(&self) -> Result<Self> {
        let half = T::from_f64(0.5);
        if self.rows() == self.cols() {
            let mut values = self.values().to_vec();
            let paired = pairs(self.pattern(), |met| match met {
                Met::Pair(p, q) => {
                    let mean = half * values[p] + half * values[q];
                    (values[p], values[q]) = (mean, mean);
                    true
                }
                Met::Single(_) => false,
            });
            if paired {
                return Ok(Self::from_parts(self.pattern().clone(), values));
            }
        }
        self.add(half, &self.transpose(), half)
    }
}
