//! Sums of sparse matrices on the union of their patterns.

use std::sync::Arc;

use crate::autodiff::handle::{Handle, Sparse};
use crate::autodiff::kernels::each;
use crate::autodiff::ops::Op as Any;
use crate::autodiff::plans::Union;
use crate::autodiff::reverse::Reverse;
use crate::autodiff::tape::{Shape, Tape};
use crate::error::Error;
use crate::sparse::Scalar;

/// A + β B for a constant β.
pub(crate) struct Add<T> {
    a: usize,
    b: usize,
    beta: T,
    /// None if both have the same pattern.
    plan: Option<Arc<Union>>,
}

impl<T: Scalar> Add<T> {
    pub(super) fn reverse(&self, up: &[T], r: &mut Reverse<'_, T>) {
        let beta = self.beta;
        match &self.plan {
            None => r.add(self.b, |p| beta * up[p]),
            Some(plan) => {
                r.add(self.a, |p| up[plan.of_a[p] as usize]);
                r.add(self.b, |p| beta * up[plan.of_b[p] as usize]);
            }
        }
    }

    /// As for [`Any`].
    pub(super) fn passes_to(&self) -> Option<usize> {
        self.plan.is_none().then_some(self.a)
    }
}

pub(super) fn add<T: Scalar>(tape: &Tape<T>, a: usize, b: usize, beta: T) -> usize {
    tape.record(&[a, b], |nodes, plans, pool| {
        let (Shape::Sparse(left), Shape::Sparse(right)) = (&nodes[a].shape, &nodes[b].shape) else {
            unreachable!("sparse handles")
        };
        if nodes[a].shape.extent() != nodes[b].shape.extent() {
            return Err(Error::dimension(format!("{} plus {}", nodes[a].shape, nodes[b].shape)));
        }
        let (x, y) = (&nodes[a].value, &nodes[b].value);
        if Arc::ptr_eq(left, right) || left == right {
            let mut out = pool.take(left.nnz());
            each(&mut out, |p| x[p] + beta * y[p]);
            return Ok((out, nodes[a].shape.clone(), Any::Add(Add { a, b, beta, plan: None })));
        }
        let plan = plans.union(left, right);
        let mut out = pool.take(plan.pattern.nnz());
        out.fill(T::ZERO);
        plan.of_a.iter().zip(x.iter()).for_each(|(&p, &v)| out[p as usize] = v);
        plan.of_b.iter().zip(y.iter()).for_each(|(&p, &v)| out[p as usize] += beta * v);
        let shape = Shape::Sparse(plan.pattern.clone());
        Ok((out, shape, Any::Add(Add { a, b, beta, plan: Some(plan) })))
    })
}

impl<'t, T: Scalar> std::ops::Add for Sparse<'t, T> {
    type Output = Self;

    /// A + B on the union of both patterns.
    fn add(self, b: Self) -> Self {
        Self::new(self.tape(), add(self.tape(), self.id(), self.other(&b), T::ONE))
    }
}

impl<'t, T: Scalar> std::ops::Sub for Sparse<'t, T> {
    type Output = Self;

    /// A − B on the union of both patterns.
    fn sub(self, b: Self) -> Self {
        Self::new(self.tape(), add(self.tape(), self.id(), self.other(&b), -T::ONE))
    }
}
