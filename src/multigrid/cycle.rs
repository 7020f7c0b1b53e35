//! The multigrid cycle, written once for all engines.

use crate::engine::{Eager, Engine, Executor, Host, Plan, Tracer, ValuesOf};
use crate::error::Result;
use crate::sparse::Scalar;

use super::cycle_kind::CycleKind;
use super::hierarchy::{Hierarchy, Level};
use super::smoother::Smoother;

/// One cycle on A x = b from the guess x at level `depth`.
///
/// This is the only cycle of the crate. It computes on [`Eager`](crate::engine::Eager), is recorded on
/// [`Tape`](crate::cycle_tape::Tape) and compiled by [`compile`].
pub fn cycle<E: Engine>(
    e: &E,
    h: &Hierarchy<E::Leaves>,
    depth: usize,
    b: &E::Vector,
    x: E::Vector,
) -> E::Vector {
    visit(e, h, depth, h.kind, b, x)
}

fn visit<E: Engine>(
    e: &E,
    h: &Hierarchy<E::Leaves>,
    depth: usize,
    kind: CycleKind,
    b: &E::Vector,
    x: E::Vector,
) -> E::Vector {
    let Some(level) = h.levels.get(depth) else {
        return e.solve(&h.coarsest, b);
    };
    // A single level has no coarse-grid correction.
    if h.rows_at(depth + 1) == 0 {
        let x = relax(e, level, &level.pre, b, x);
        return relax(e, level, &level.post, b, x);
    }
    let x = relax(e, level, &level.pre, b, x);
    let coarse_b = e.spmv(&level.restriction, &e.residual(b, &level.a, &x));
    let coarse_x = correction(e, h, depth + 1, kind, &coarse_b);
    let x = e.spmv_add(&level.prolongation, &coarse_x, x);
    relax(e, level, &level.post, b, x)
}

/// Applies sweeps in order.
fn relax<E: Engine>(
    e: &E,
    level: &Level<E::Leaves>,
    sweeps: &[Smoother<ValuesOf<E>>],
    b: &E::Vector,
    x: E::Vector,
) -> E::Vector {
    sweeps.iter().fold(x, |x, sweep| sweep.smooth(e, &level.a, b, x))
}

/// The approximate solution of a coarser level, from x = 0.
pub(super) fn correction<E: Engine>(
    e: &E,
    h: &Hierarchy<E::Leaves>,
    depth: usize,
    kind: CycleKind,
    b: &E::Vector,
) -> E::Vector {
    let once = |kind| visit(e, h, depth, kind, b, e.zeros(h.rows_at(depth)));
    // A second visit would not improve the result of the direct solver.
    let Some(level) = h.levels.get(depth) else { return once(kind) };
    match kind {
        CycleKind::V => once(kind),
        CycleKind::W => visit(e, h, depth, kind, b, once(kind)),
        CycleKind::F => visit(e, h, depth, CycleKind::V, b, once(kind)),
        CycleKind::K => {
            let c = once(kind);
            let v = e.spmv(&level.a, &c);
            let r = e.combine(1.0, b, -1.0, e.least_squares(b, (&v, &v), None));
            let c2 = visit(e, h, depth, kind, &r, e.zeros(h.rows_at(depth)));
            drop(r);
            let v2 = e.spmv(&level.a, &c2);
            e.least_squares(b, (&v, &c), Some((&v2, &c2)))
        }
    }
}

/// One cycle from x = 0 as straight-line code for an executor: x = B b.
///
/// # Errors
/// A hierarchy with neither smoother nor coarse level, whose cycle is zero.
pub fn trace<X: Executor>(executor: &X, h: &Hierarchy<X::Leaves>) -> Result<Plan<X::Leaves>> {
    let tracer = Tracer::new(executor);
    let b = tracer.input(h.rows());
    let x = cycle(&tracer, h, 0, &b, tracer.zeros(h.rows()));
    drop(b);
    tracer.finish(h.rows(), x)
}

/// One cycle from x = 0 as straight-line code for the CPU.
///
/// # Errors
/// As [`trace`].
pub fn compile<T: Scalar>(h: &Hierarchy<Host<T>>) -> Result<Plan<Host<T>>> {
    trace(&Eager::new(1), h)
}
