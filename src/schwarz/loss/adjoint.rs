//! The adjoint of the Schwarz iteration, from the last step to the first.

use rayon::prelude::*;

use crate::backend::{Backend, Cpu, interleaved_dot, vectorised};
use crate::error::Result;
use crate::schwarz::layout::Layout;
use crate::schwarz::operator::Schwarz;
use crate::sparse::Scalar;

/// The gradient with respect to the interface values, from the corrections on the outer rings of all steps
/// and the adjoint of the last iterate. `add(k, x̄)` adds what the loss itself gives to the adjoint of iterate
/// k, for k from one below the last down to 1.
pub(super) fn sweep<T: Scalar>(
    m: &Schwarz<T>,
    mut kept: Vec<Vec<T>>,
    mut x: Vec<T>,
    k: usize,
    mut add: impl FnMut(usize, &mut [T]),
) -> Result<Vec<T>> {
    let layout = m.layout();
    let mut gradient = vec![T::ZERO; layout.interface_entries()];
    while let Some(y) = kept.pop() {
        let lambda = m.corrections(&x, k, true)?;
        add_products(layout, &on_rings(layout, &lambda, k), &y, &mut gradient, k);
        if !kept.is_empty() {
            let mut sum = vec![T::ZERO; x.len()];
            m.add_corrections(T::ONE, &lambda, &mut sum, k, true)?;
            Cpu.spmv_transposed(-T::ONE, m.matrix().into(), &sum, T::ONE, &mut x, k);
            add(kept.len(), &mut x);
        }
    }
    Ok(gradient)
}

/// The rows of the outer rings, subdomain after subdomain.
pub(super) fn on_rings<T: Scalar>(layout: &Layout, y: &[T], k: usize) -> Vec<T> {
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

/// g(p,q) ← g(p,q) + λ(p) · y(q) on all interface entries.
pub(super) fn add_products<T: Scalar>(layout: &Layout, lambda: &[T], y: &[T], gradient: &mut [T], k: usize) {
    let ring_starts = layout.decomposition().ring_starts();
    let mut tasks = Vec::with_capacity(layout.decomposition().parts());
    let mut rest = gradient;
    for (p, &first) in ring_starts.iter().enumerate().take(layout.decomposition().parts()) {
        let own = layout.interface_of(p);
        let (g, others) = rest.split_at_mut(own.len());
        rest = others;
        tasks.push((first as usize, &layout.ring_ends()[own], g));
    }
    tasks.into_par_iter().with_min_len(8).for_each(|(first, ends, g)| {
        vectorised(
            #[inline(always)]
            || {
                for (g, &[r, c]) in g.iter_mut().zip(ends) {
                    let (r, c) = ((first + r as usize) * k, (first + c as usize) * k);
                    *g += interleaved_dot(&lambda[r..r + k], &y[c..c + k]);
                }
            },
        );
    });
}
