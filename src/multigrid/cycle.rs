//! The multigrid cycle, written once.

use crate::engine::{Engine, Host, Plan, Traced, Tracer};
use crate::error::Result;
use crate::sparse::Scalar;

use super::hierarchy::Hierarchy;

/// One cycle on A x = b from the guess x at level `depth` (V for γ = 1, W for γ = 2).
///
/// This is the only cycle of the crate: it computes on [`Eager`](crate::engine::Eager), is
/// recorded on [`Tape`](crate::autodiff::Tape) and compiled by [`compile`].
pub fn cycle<E: Engine>(
    e: &E,
    h: &Hierarchy<E::Leaves>,
    depth: usize,
    b: &E::Vector,
    mut x: E::Vector,
) -> E::Vector {
    let Some(level) = h.levels.get(depth) else {
        return e.solve(&h.coarsest, b);
    };
    for smoother in &level.pre {
        x = smoother.smooth(e, &level.a, b, x);
    }
    let r = e.residual(b, &level.a, &x);
    let coarse_b = e.spmv(&level.restriction, &r);
    drop(r);
    let mut coarse_x = e.zeros(h.rows_at(depth + 1));
    for _ in 0..h.visits(depth + 1) {
        coarse_x = cycle(e, h, depth + 1, &coarse_b, coarse_x);
    }
    x = e.spmv_add(&level.prolongation, &coarse_x, x);
    for smoother in &level.post {
        x = smoother.smooth(e, &level.a, b, x);
    }
    x
}

impl<L: crate::engine::Leaves> Hierarchy<L> {
    /// Visits to a level per visit to the one above: γ, but the direct solver needs only one.
    fn visits(&self, depth: usize) -> usize {
        if depth < self.levels.len() { self.gamma } else { 1 }
    }
}

/// One cycle from the zero guess as straight-line code: x = B b.
///
/// # Errors
/// A hierarchy whose cycle does nothing (it has no smoother and no coarse level).
pub fn compile<T: Scalar>(h: &Hierarchy<Host<T>>) -> Result<Plan<T>> {
    let tracer = Tracer::new();
    let traced: Hierarchy<Traced<T>> = h.map(|_, values| values.clone(), Clone::clone);
    let b = tracer.input(h.rows());
    let x = cycle(&tracer, &traced, 0, &b, tracer.zeros(h.rows()));
    drop(b);
    tracer.finish(h.rows(), x)
}
