//! Newton steps from local Jacobians.

use super::band::Workspace;
use super::local::LocalJacobian;
use super::plan::{Order, Plan, plan};
use crate::error::{Error, Result};

/// Bytes that a product of local Jacobians may take in [`newton_step`].
const PRODUCT: usize = 1 << 32;

/// (A_q ⋯ A₁)⁻¹ f, for the layers A₁ … A_q, first layer first.
///
/// Factor-first takes O(n) memory beside the layers and, for half-bandwidths μ, O(q n μ²) operations.
///
/// # Errors
/// No layer, layers of different orders, a singular layer (which is named), a step that is not finite; a product of more
/// than 4 GiB, if all layers are to be multiplied.
///
/// ```
/// use multigrad::newton::{LocalJacobian, Order, newton_step};
/// let layers = vec![LocalJacobian::diagonal(&[2.0, 4.0]), LocalJacobian::diagonal(&[5.0, 0.5])];
/// let (step, plan) = newton_step(layers, &[10.0, 1.0], Order::Planned)?;
/// assert_eq!(step, [1.0, 0.5]);
/// assert!(plan.operations <= plan.factor_first);
/// # Ok::<(), multigrad::Error>(())
/// ```
pub fn newton_step(layers: Vec<LocalJacobian>, f: &[f64], order: Order) -> Result<(Vec<f64>, Plan)> {
    step_within(layers, f, order, PRODUCT, 0)
}

/// [`newton_step`] with products of at most `memory` bytes, of layers that come after `before` others.
pub(super) fn step_within(
    mut layers: Vec<LocalJacobian>,
    f: &[f64],
    order: Order,
    memory: usize,
    before: usize,
) -> Result<(Vec<f64>, Plan)> {
    if layers.is_empty() || layers.iter().any(|a| a.rows() != f.len()) {
        let orders: Vec<usize> = layers.iter().map(LocalJacobian::rows).take(4).collect();
        return Err(Error::dimension(format!(
            "a Newton step needs layers of the order of the residual, {}, got orders {orders:?}",
            f.len()
        )));
    }
    let plan = planned(&layers, order, memory)?;
    let (mut y, mut work) = (f.to_vec(), Workspace::default());
    for &length in plan.groups.iter().rev() {
        let from = layers.len() - length;
        let Some(product) = multiplied(layers.drain(from..)) else { continue };
        product.solve(&mut y, &mut work).map_err(|e| e.at(place(before + from + 1, length)))?;
    }
    if y.iter().all(|v| v.is_finite()) || !f.iter().all(|v| v.is_finite()) {
        return Ok((y, plan));
    }
    Err(Error::singular(
        "the Newton step overflows: the product of the local Jacobians is singular to working precision",
    ))
}

/// The product of a group, from its first layer on. Neighbouring diagonal layers are multiplied with one another first.
fn multiplied(group: impl Iterator<Item = LocalJacobian>) -> Option<LocalJacobian> {
    let join = |product: Option<LocalJacobian>, next: LocalJacobian| match product {
        Some(product) => next.times(product),
        None => next,
    };
    let (mut product, mut run) = (None, None);
    for next in group {
        if next.is_diagonal() {
            run = Some(join(run, next));
        } else {
            product = run.take().map(|run| join(product.take(), run)).or(product);
            product = Some(join(product, next));
        }
    }
    run.map(|run| join(product.take(), run)).or(product)
}

fn planned(layers: &[LocalJacobian], order: Order, memory: usize) -> Result<Plan> {
    let shapes: Vec<_> = layers.iter().map(LocalJacobian::shape).collect();
    let plan = match order {
        Order::FactorFirst => return Ok(Plan::factor_first(&shapes)),
        Order::AccumulateFirst => Plan::accumulate_first(&shapes),
        Order::Planned => plan(&shapes),
    };
    let bytes = plan.bytes(&shapes);
    match order {
        _ if bytes <= memory as f64 => Ok(plan),
        Order::AccumulateFirst => Err(Error::invalid_input(format!(
            "the accumulated Jacobian takes {bytes:.1e} bytes and the memory is {memory:.1e}; allow more memory, or factor first"
        ))),
        _ => Ok(Plan::factor_first(&shapes)),
    }
}

fn place(from: usize, length: usize) -> String {
    match length {
        1 => format!("the local Jacobian of layer {from} is singular"),
        _ => {
            let to = from + length - 1;
            format!("the product of the local Jacobians of layers {from} to {to} is singular")
        }
    }
}
