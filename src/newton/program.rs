//! Programs in layers and their Newton steps.

use super::local::LocalJacobian;
use super::plan::{Order, Plan, plan};
use crate::error::{Error, Result};

/// A residual F with its Newton steps.
pub trait Program {
    /// The number of unknowns and of equations.
    fn rows(&self) -> usize;

    /// F(x).
    ///
    /// # Errors
    /// Errors of the program.
    fn value(&self, x: &[f64]) -> Result<Vec<f64>>;

    /// F(x) and J(x)⁻¹ F(x), with at most `memory` bytes of local Jacobians at a time.
    ///
    /// # Errors
    /// A singular local Jacobian, with its layer; errors of the program.
    fn linearised(&self, x: &[f64], order: Order, memory: usize) -> Result<Linearised>;
}

/// A residual and its Newton step.
#[derive(Debug, Clone, PartialEq)]
pub struct Linearised {
    /// F(x).
    pub value: Vec<f64>,
    /// J⁻¹ F(x).
    pub step: Vec<f64>,
    /// The groups of layers and the operations of the step.
    pub plan: Plan,
    /// Layers evaluated a second time, because not all local Jacobians fit into the memory.
    pub repeated: usize,
}

/// A program in layers x ← F_i(x), i = 0 … q − 1, such as the steps of a time integrator. Implement this; it is a
/// [`Program`].
pub trait LayeredProgram {
    /// The number of values in every layer.
    fn rows(&self) -> usize;

    /// The number of layers q.
    fn layers(&self) -> usize;

    /// F_i(x).
    ///
    /// # Errors
    /// Errors of the program.
    fn layer(&self, i: usize, x: &[f64]) -> Result<Vec<f64>>;

    /// The Jacobian of F_i at x.
    ///
    /// # Errors
    /// Errors of the program.
    fn jacobian(&self, i: usize, x: &[f64]) -> Result<LocalJacobian>;
}

impl<P: LayeredProgram> Program for P {
    fn rows(&self) -> usize {
        LayeredProgram::rows(self)
    }

    fn value(&self, x: &[f64]) -> Result<Vec<f64>> {
        (0..self.layers()).try_fold(x.to_vec(), |x, i| checked(self, i, self.layer(i, &x)?))
    }

    /// The states at the starts of segments are kept, about √q of them, if the local Jacobians exceed the memory;
    /// a segment has as many layers as fit.
    fn linearised(&self, x: &[f64], order: Order, memory: usize) -> Result<Linearised> {
        let q = self.layers();
        if q == 0 {
            return Err(Error::invalid_input("a program of no layer has no Jacobian"));
        }
        let first = self.jacobian(0, x)?;
        let fit = (memory / first.bytes().max(1)).max(1);
        let mut state = x.to_vec();
        let (mut kept, mut starts) = (Vec::new(), Vec::new());
        for i in 0..q {
            if fit < q && i.is_multiple_of(fit) {
                starts.push(state.clone());
            } else if fit >= q {
                kept.push(self.jacobian(i, &state)?);
            }
            state = checked(self, i, self.layer(i, &state)?)?;
        }
        let value = state;
        if fit >= q {
            let (step, plan) = newton_step(kept, &value, order)?;
            return Ok(Linearised { value, step, plan, repeated: 0 });
        }
        let (mut y, mut repeated) = (value.clone(), 0);
        let mut whole =
            Plan { groups: Vec::new(), operations: 0.0, factor_first: 0.0, accumulate_first: 0.0 };
        while let Some(mut state) = starts.pop() {
            let from = starts.len() * fit;
            let end = q.min(from + fit);
            let mut kept = Vec::new();
            for i in from..end {
                kept.push(self.jacobian(i, &state)?);
                if i + 1 < end {
                    state = self.layer(i, &state)?;
                    repeated += 1;
                }
            }
            let (step, plan) =
                newton_step(kept, &y, order).map_err(|e| e.at(format!("after layer {from}")))?;
            y = step;
            whole.groups.splice(0..0, plan.groups);
            whole.operations += plan.operations;
            whole.factor_first += plan.factor_first;
            whole.accumulate_first += plan.accumulate_first;
        }
        Ok(Linearised { value, step: y, plan: whole, repeated })
    }
}

fn checked<P: LayeredProgram>(program: &P, layer: usize, x: Vec<f64>) -> Result<Vec<f64>> {
    let rows = LayeredProgram::rows(program);
    if x.len() == rows {
        return Ok(x);
    }
    Err(Error::dimension(format!("layer {} returned {} values; every layer has {rows}", layer + 1, x.len())))
}

/// (A_q ⋯ A₁)⁻¹ f, for the layers A₁ … A_q, first layer first. Factor-first takes O(n) memory beside the layers.
///
/// # Errors
/// No layer, layers of different orders, a singular layer (which is named).
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
    if layers.is_empty() || layers.iter().any(|a| a.rows() != f.len()) {
        let orders: Vec<usize> = layers.iter().map(LocalJacobian::rows).take(4).collect();
        return Err(Error::dimension(format!(
            "a Newton step needs layers of the order of the residual, {}, got orders {orders:?}",
            f.len()
        )));
    }
    let shapes: Vec<_> = layers.iter().map(LocalJacobian::shape).collect();
    let mut plan = plan(&shapes);
    match order {
        Order::FactorFirst => (plan.groups, plan.operations) = (vec![1; layers.len()], plan.factor_first),
        Order::AccumulateFirst => {
            (plan.groups, plan.operations) = (vec![layers.len()], plan.accumulate_first)
        }
        Order::Planned => {}
    }
    let mut y = f.to_vec();
    let mut layers = layers;
    for &length in plan.groups.iter().rev() {
        let from = layers.len() - length;
        let mut group = layers.drain(from..);
        let Some(mut product) = group.next() else { continue };
        for next in group {
            product = next.times(&product);
        }
        let place = || match length {
            1 => format!("the local Jacobian of layer {} is singular", from + 1),
            _ => format!(
                "the product of the local Jacobians of layers {} to {} is singular",
                from + 1,
                from + length
            ),
        };
        product.solve(&mut y).map_err(|e| e.at(place()))?;
    }
    Ok((y, plan))
}
