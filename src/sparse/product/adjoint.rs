//! Reverse rules of a planned product C = A B: both gradients on their patterns, from the stored places of
//! the plan.

use super::plan::{CHUNK, ProductPlan, for_chunks};
use super::positions::{Position, Positions, with_positions};
use crate::parallel;
use crate::sparse::Scalar;
use crate::sparse::rows::{in_parallel, split};

impl ProductPlan {
    /// Ā = (C̄ Bᵀ) on the pattern of A, from the values of C̄ and B. The memory traffic is that of the
    /// product.
    pub(crate) fn adjoint_left<T: Scalar>(&self, up: &[T], b: &[T], out: &mut [T]) {
        for_chunks(&self.a, &self.chunks, self.bytes(), out, |range, positions, out| {
            with_positions!(positions, list => {
                let (mut rest, mut out) = (&list[..], out.iter_mut());
                for i in range {
                    let row = &up[self.pattern.row(i)];
                    for (&k, g) in self.a.row_cols(i).iter().zip(&mut out) {
                        let values = &b[self.b.row(k as usize)];
                        let now;
                        (now, rest) = rest.split_at(values.len());
                        let terms = now.iter().zip(values).map(|(p, &v)| row[p.index()] * v);
                        *g = terms.fold(T::ZERO, |sum, term| sum + term);
                    }
                }
            });
        });
    }

    /// B̄ = (Aᵀ C̄) on the pattern of B, from the values of C̄ and A. On one thread row by row of
    /// A, on several row by row of B through the transposition of A: the same sums in the same order.
    pub(crate) fn adjoint_right<T: Scalar>(&self, up: &[T], a: &[T], out: &mut [T]) {
        if !in_parallel(self.bytes()) {
            out.fill(T::ZERO);
            for (c, positions) in self.chunks.iter().enumerate() {
                with_positions!(positions, list => {
                    let mut rest = &list[..];
                    for i in c * CHUNK..self.a.rows().min((c + 1) * CHUNK) {
                        let row = &up[self.pattern.row(i)];
                        let entries = self.a.row(i);
                        for (&k, &v) in self.a.col_idx()[entries.clone()].iter().zip(&a[entries]) {
                            let target = &mut out[self.b.row(k as usize)];
                            let now;
                            (now, rest) = rest.split_at(target.len());
                            target.iter_mut().zip(now).for_each(|(g, p)| *g += v * row[p.index()]);
                        }
                    }
                });
            }
            return;
        }
        let transposition = self.a.transposition();
        let starts = self.starts();
        let rows = (0..self.b.rows()).map(|k| self.b.row(k).len());
        let row = |k: usize, out: &mut [T]| {
            out.fill(T::ZERO);
            let range = transposition.ptr[k] as usize..transposition.ptr[k + 1] as usize;
            for (&i, &p) in transposition.row_idx[range.clone()].iter().zip(&transposition.source[range]) {
                let (i, p) = (i as usize, p as usize);
                let (row, v) = (&up[self.pattern.row(i)], a[p]);
                let start = starts[p] as usize;
                with_positions!(&self.chunks[i / CHUNK], list => {
                    let now = &list[start..start + out.len()];
                    out.iter_mut().zip(now).for_each(|(g, p)| *g += v * row[p.index()]);
                });
            }
        };
        parallel::chunks_mut(&mut split(out, rows), CHUNK, &|first, rows| {
            rows.iter_mut().enumerate().for_each(|(q, out)| row(first + q, out));
        });
    }

    /// The start of the places of every entry of A in the list of its chunk.
    fn starts(&self) -> &[u32] {
        self.starts.get_or_init(|| {
            let mut starts = Vec::with_capacity(self.a.nnz());
            for first in (0..self.a.rows()).step_by(CHUNK) {
                let mut next = 0u32;
                for i in first..self.a.rows().min(first + CHUNK) {
                    for &k in self.a.row_cols(i) {
                        starts.push(next);
                        next += self.b.row(k as usize).len() as u32;
                    }
                }
            }
            starts
        })
    }
}

#[cfg(test)]
#[path = "adjoint_tests.rs"]
mod tests;
