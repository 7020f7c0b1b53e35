//! The sweeps of a level, with what comes between them: the residual for the coarser level and its correction.
//!
//! A sweep by a diagonal is so short that an engine may take it together with its neighbour.

use crate::engine::{Engine, ValuesOf};

use super::hierarchy::Level;
use super::smoother::Smoother;

/// The sweeps before the correction, and R (b − A x) of what they make.
pub(super) fn relax_and_restrict<E: Engine>(
    e: &E,
    level: &Level<E::Leaves>,
    b: &E::Vector,
    x: E::Vector,
) -> (E::Vector, E::Vector) {
    if let Some((Smoother::Diagonal { weights }, others)) = level.pre.split_last() {
        let x = relax(e, level, others, b, x);
        return e.jacobi_and_restriction(&level.a, weights, b, x, &level.restriction);
    }
    let x = relax(e, level, &level.pre, b, x);
    let restricted = e.restricted_residual(b, &level.a, &x, &level.restriction);
    (x, restricted)
}

/// x + P c for the correction c, and the sweeps after it.
pub(super) fn correct_and_relax<E: Engine>(
    e: &E,
    level: &Level<E::Leaves>,
    c: &E::Vector,
    b: &E::Vector,
    x: E::Vector,
) -> E::Vector {
    if let Some((Smoother::Diagonal { weights }, others)) = level.post.split_first() {
        let x = e.correction_and_jacobi((&level.prolongation, c), &level.a, weights, b, x);
        return relax(e, level, others, b, x);
    }
    relax(e, level, &level.post, b, e.spmv_add(&level.prolongation, c, x))
}

/// Sweeps, one after the other.
pub(super) fn relax<E: Engine>(
    e: &E,
    level: &Level<E::Leaves>,
    sweeps: &[Smoother<ValuesOf<E>>],
    b: &E::Vector,
    x: E::Vector,
) -> E::Vector {
    sweeps.iter().fold(x, |x, sweep| sweep.smooth(e, &level.a, b, x))
}
