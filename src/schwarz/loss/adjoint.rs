//! The adjoint of the Schwarz iteration, from the last step to the first.

use crate::backend::{Backend, Cpu};
use crate::error::Result;
use crate::schwarz::adjoint::{add_products, on_rings};
use crate::schwarz::operator::Schwarz;
use crate::sparse::Scalar;

/// The gradient with respect to the interface values, from the corrections on the outer rings of all steps
/// and the adjoint of the last iterate. `add(k, x̄)` adds the direct contribution of the loss to the adjoint
/// of iterate k, for k from one below the last down to 1.
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
        add_products(layout, T::ONE, &on_rings(layout, &lambda, k), &y, &mut gradient, k);
        if !kept.is_empty() {
            let mut sum = vec![T::ZERO; x.len()];
            m.add_corrections(T::ONE, &lambda, &mut sum, k, true)?;
            Cpu.spmv_transposed(-T::ONE, m.matrix().into(), &sum, T::ONE, &mut x, k);
            add(kept.len(), &mut x);
        }
    }
    Ok(gradient)
}
