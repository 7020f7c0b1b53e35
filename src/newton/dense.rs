//! Dense matrices by rows.

use faer::linalg::matmul::matmul;
use faer::prelude::*;
use faer::{Accum, MatMut, MatRef, Par};

use super::band::check_known;
use crate::error::{Error, Result};

/// A pivot smaller than this share of the largest one calls for a test of singularity.
const SUSPICIOUS: f64 = 1e-8;

/// Rows that are added in one pass over the sum.
const TOGETHER: usize = 3;

#[derive(Debug, Clone)]
pub(super) struct Dense {
    pub(super) n: usize,
    pub(super) values: Vec<f64>,
}

impl Dense {
    pub(super) fn zeros(n: usize) -> Self {
        Self { n, values: vec![0.0; n * n] }
    }

    pub(super) fn row(&self, i: usize) -> &[f64] {
        &self.values[i * self.n..(i + 1) * self.n]
    }

    pub(super) fn row_mut(&mut self, i: usize) -> &mut [f64] {
        &mut self.values[i * self.n..(i + 1) * self.n]
    }

    fn view(&self) -> MatRef<'_, f64> {
        MatRef::from_row_major_slice(&self.values, self.n, self.n)
    }

    /// A B.
    pub(super) fn times(&self, b: &Self) -> Self {
        let mut c = Self::zeros(self.n);
        let out = MatMut::from_row_major_slice_mut(&mut c.values, self.n, self.n);
        matmul(out, Accum::Replace, self.view(), b.view(), 1.0, Par::Seq);
        c
    }

    /// Adds to row i of this matrix the rows k of `b` times `a(k)`, for (k, a(k)) in `terms`.
    pub(super) fn add_rows(&mut self, i: usize, terms: &[(usize, f64)], b: &Self) {
        let sum = self.row_mut(i);
        for terms in terms.chunks(TOGETHER) {
            // Missing terms are zero times the first.
            let term = |t: usize| terms.get(t).map_or((b.row(terms[0].0), 0.0), |&(k, a)| (b.row(k), a));
            let [(p, a), (q, c), (r, d)] = [term(0), term(1), term(2)];
            match terms.len() {
                1 => sum.iter_mut().zip(p).for_each(|(s, p)| *s += a * p),
                _ => {
                    sum.iter_mut()
                        .zip(p.iter().zip(q).zip(r))
                        .for_each(|(s, ((p, q), r))| *s += a * p + c * q + d * r);
                }
            }
        }
    }

    /// y ← A⁻¹ y by LU with row interchanges.
    ///
    /// # Errors
    /// A matrix that is singular to working precision, or not finite.
    pub(super) fn solve(&self, y: &mut [f64]) -> Result<()> {
        let n = self.n;
        let lu = self.view().partial_piv_lu();
        let pivots = (0..n).map(|i| lu.U()[(i, i)].abs());
        let (smallest, largest) =
            pivots.fold(
                (f64::INFINITY, 0.0f64),
                |(s, l), p| if p.is_nan() { (0.0, l) } else { (s.min(p), l.max(p)) },
            );
        if smallest == 0.0 || !largest.is_finite() {
            return Err(Error::singular("a pivot of the dense matrix is zero or not finite"));
        }
        let solve = |x: &mut [f64]| lu.solve_in_place(MatMut::from_column_major_slice_mut(x, n, 1));
        if smallest < SUSPICIOUS * largest {
            check_known(n, |x| {
                let product: Vec<f64> =
                    (0..n).map(|i| self.row(i).iter().zip(&*x).map(|(a, x)| a * x).sum()).collect();
                x.copy_from_slice(&product);
                solve(x);
                Ok(())
            })?;
        }
        solve(y);
        Ok(())
    }
}
