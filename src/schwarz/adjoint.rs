//! Reverse rule of local solves: rows of the outer rings and gradients on interface entries.

use super::layout::Layout;
use crate::backend::{interleaved_dot, vectorised};
use crate::parallel;
use crate::sparse::Scalar;

/// The rows of the outer rings, subdomain after subdomain.
pub(crate) fn on_rings<T: Scalar>(layout: &Layout, y: &[T], k: usize) -> Vec<T> {
    let decomposition = layout.decomposition();
    let total = decomposition.ring_starts().last().map_or(0, |&r| r as usize);
    let mut out = Vec::with_capacity(total * k);
    for (p, subdomain) in decomposition.iter().enumerate() {
        let first = decomposition.range(p).start;
        for &local in subdomain.ring {
            let start = (first + local as usize) * k;
            out.extend_from_slice(&y[start..start + k]);
        }
    }
    out
}

/// g(p,q) ← g(p,q) + α λ(p) · y(q) on all interface entries.
pub(crate) fn add_products<T: Scalar>(
    layout: &Layout,
    alpha: T,
    lambda: &[T],
    y: &[T],
    gradient: &mut [T],
    k: usize,
) {
    let ring_starts = layout.decomposition().ring_starts();
    let mut tasks = Vec::with_capacity(layout.decomposition().parts());
    let mut rest = gradient;
    for (p, &first) in ring_starts.iter().enumerate().take(layout.decomposition().parts()) {
        let own = layout.interface_of(p);
        let (g, others) = rest.split_at_mut(own.len());
        rest = others;
        tasks.push((first as usize, &layout.ring_ends()[own], g));
    }
    parallel::for_each(tasks.into_iter(), &|(first, ends, g): (usize, &[[u32; 2]], &mut [T])| {
        vectorised(
            #[inline(always)]
            || {
                for (g, &[r, c]) in g.iter_mut().zip(ends) {
                    let (r, c) = ((first + r as usize) * k, (first + c as usize) * k);
                    *g += alpha * interleaved_dot(&lambda[r..r + k], &y[c..c + k]);
                }
            },
        );
    });
}

/// g(p) ← g(p) + α λ · y over all local copies of every entry of A, for local solutions at all places.
pub(crate) fn add_products_of_matrix<T: Scalar>(
    layout: &Layout,
    alpha: T,
    lambda: &[T],
    y: &[T],
    gradient: &mut [T],
    k: usize,
) {
    for p in 0..layout.decomposition().parts() {
        let first = layout.decomposition().range(p).start;
        let own = |local: usize| (first + local) * k..(first + local + 1) * k;
        let mut sources = layout.local_sources(p).iter();
        for (row, columns) in layout.local_rows(p).enumerate() {
            for (&column, &source) in columns.iter().zip(sources.by_ref()) {
                let product = interleaved_dot(&lambda[own(row)], &y[own(column as usize)]);
                gradient[source as usize] += alpha * product;
            }
        }
    }
}
