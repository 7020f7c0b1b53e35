//! Fusion of several operations of a plan into one launch.

use super::operands::{Operands, Place, Touched, Translate, Written};
use super::operation::{StoredMatrix, StoredValues};
use super::{Leaves, Operation};

/// Two or three operations that a device runs in one launch. An intermediate vector without further readers is not
/// stored.
#[derive(Debug)]
#[expect(missing_docs, reason = "the formula of an operation names its operands")]
pub enum Fused<P: Operands> {
    /// x ← d ⊙ b and r ← b − A x.
    FirstResidual { a: StoredMatrix<P>, d: StoredValues<P>, b: P::In, x: P::Out, r: P::Out },
    /// y ← R (b − A x).
    RestrictedResidual { restriction: StoredMatrix<P>, a: StoredMatrix<P>, b: P::In, x: P::In, y: P::Out },
    /// x ← d ⊙ b and y ← R (b − A x).
    FirstRestrictedResidual {
        restriction: StoredMatrix<P>,
        a: StoredMatrix<P>,
        d: StoredValues<P>,
        b: P::In,
        x: P::Out,
        y: P::Out,
    },
    /// x′ ← z + d ⊙ (b − A z) for z = x + P e.
    CorrectedJacobi {
        prolongation: StoredMatrix<P>,
        e: P::In,
        a: StoredMatrix<P>,
        d: StoredValues<P>,
        b: P::In,
        x: P::In,
        next: P::Out,
    },
}

/// A single launch on a device.
#[derive(Debug)]
pub enum Launch<P: Operands> {
    /// One operation.
    Single(Operation<P>),
    /// Several fused operations.
    Fused(Fused<P>),
}

impl<P: Operands> Fused<P> {
    /// The same launch with other operands.
    pub fn map<'o, Q: Operands<Leaves = P::Leaves>>(&'o self, to: &mut impl Translate<'o, P, Q>) -> Fused<Q> {
        match self {
            Fused::FirstResidual { a, d, b, x, r } => Fused::FirstResidual {
                a: to.stored(a),
                d: to.stored(d),
                b: to.read(b),
                x: to.write(x, false),
                r: to.write(r, false),
            },
            Fused::RestrictedResidual { restriction, a, b, x, y } => Fused::RestrictedResidual {
                restriction: to.stored(restriction),
                a: to.stored(a),
                b: to.read(b),
                x: to.read(x),
                y: to.write(y, false),
            },
            Fused::FirstRestrictedResidual { restriction, a, d, b, x, y } => Fused::FirstRestrictedResidual {
                restriction: to.stored(restriction),
                a: to.stored(a),
                d: to.stored(d),
                b: to.read(b),
                x: to.write(x, false),
                y: to.write(y, false),
            },
            Fused::CorrectedJacobi { prolongation, e, a, d, b, x, next } => Fused::CorrectedJacobi {
                prolongation: to.stored(prolongation),
                e: to.read(e),
                a: to.stored(a),
                d: to.stored(d),
                b: to.read(b),
                x: to.read(x),
                next: to.write(next, false),
            },
        }
    }
}

impl<L: Leaves> Launch<Written<L>> {
    /// The places that this launch reads and writes.
    pub(super) fn touched(&self) -> Touched {
        match self {
            Launch::Single(operation) => operation.touched(),
            Launch::Fused(fused) => {
                let mut touched = Touched::default();
                let _ = fused.map(&mut touched);
                touched
            }
        }
    }
}

/// The launches of a list of operations that ends with `output`. Operations are fused where the results are
/// unchanged and `pays` reports a gain in speed.
pub(super) fn fuse<L: Leaves>(
    mut rest: &[Operation<Written<L>>],
    output: Place,
    pays: impl Fn(&Fused<Written<L>>) -> bool,
) -> Vec<Launch<Written<L>>> {
    let mut launches = Vec::new();
    while let Some((first, after)) = rest.split_first() {
        let candidates = [three(rest, output), two(rest, output)];
        let fused = candidates.into_iter().flatten().find(|(fused, _)| pays(fused));
        (rest, _) = match fused {
            Some((fused, others)) => (others, launches.push(Launch::Fused(fused))),
            None => (after, launches.push(Launch::Single(first.clone()))),
        };
    }
    launches
}

/// A fused launch and the remaining operations.
type Found<'p, L> = (Fused<Written<L>>, &'p [Operation<Written<L>>]);

/// Fuses the first three operations.
fn three<L: Leaves>(operations: &[Operation<Written<L>>], output: Place) -> Option<Found<'_, L>> {
    let [Operation::DiagonalScale { d, x: b, y: x }, next, ..] = operations else { return None };
    match two(operations.get(1..)?, output)? {
        (Fused::RestrictedResidual { restriction, a, b: rhs, x: old, y }, rest)
            if matches!(next, Operation::Residual { .. }) && (rhs, old) == (*b, *x) =>
        {
            let (d, b, x) = (d.clone(), *b, *x);
            Some((Fused::FirstRestrictedResidual { restriction, a, d, b, x, y }, rest))
        }
        _ => None,
    }
}

/// Fuses the first two operations.
fn two<L: Leaves>(operations: &[Operation<Written<L>>], output: Place) -> Option<Found<'_, L>> {
    use Operation as O;
    let [first, second, rest @ ..] = operations else { return None };
    let dead = |place: Place| is_dead(rest, place, output);
    let fused = match (first, second) {
        (O::DiagonalScale { d, x: b, y: x }, O::Residual { a, b: rhs, x: old, r })
            if (rhs, old) == (b, x) =>
        {
            Fused::FirstResidual { a: a.clone(), d: d.clone(), b: *b, x: *x, r: *r }
        }
        // The product must not overwrite an operand of the residual.
        (
            O::Residual { a, b, x, r },
            O::Spmv { alpha: 1.0, a: restriction, transposed: false, x: of, beta: 0.0, y },
        ) if of == r && dead(*r) && y != b && y != x => {
            let (restriction, a) = (restriction.clone(), a.clone());
            Fused::RestrictedResidual { restriction, a, b: *b, x: *x, y: *y }
        }
        (
            O::Spmv { alpha: 1.0, a: prolongation, transposed: false, x: e, beta: 1.0, y: z },
            O::Jacobi { a, d, b, x, next },
        ) if x == z && b != z && dead(*z) && next != e => {
            let (prolongation, a, d) = (prolongation.clone(), a.clone(), d.clone());
            Fused::CorrectedJacobi { prolongation, e: *e, a, d, b: *b, x: *x, next: *next }
        }
        _ => return None,
    };
    Some((fused, rest))
}

/// Whether no later operation reads this place.
fn is_dead<L: Leaves>(rest: &[Operation<Written<L>>], place: Place, output: Place) -> bool {
    for operation in rest {
        let touched = operation.touched();
        if touched.reads.contains(&place) {
            return false;
        }
        if touched.writes.contains(&place) {
            return true;
        }
    }
    place != output
}

#[cfg(test)]
mod tests {
    use super::super::{Eager, Engine, Executor, Host, Matrix, Tracer, Vector};
    use super::*;
    use crate::sparse::Storage;

    use crate::sparse::Csr;
    use std::sync::Arc;

    type Run<'e> = Tracer<'e, Eager<f64>>;
    type Slots = Vector<<Run<'static> as Executor>::Handle>;

    /// Names of the launches of a run on b, with A = R = P and a diagonal.
    fn launches(
        run: impl Fn(&Run<'_>, &Matrix<Arc<Storage<f64>>>, &Arc<Storage<f64>>, Slots) -> Slots,
    ) -> String {
        let a: Matrix<Arc<Storage<f64>>> = Csr::from_triplets(1, 1, &[(0, 0, 2.0)]).unwrap().into();
        let e = Eager::new(1);
        let tracer = Tracer::new(&e);
        let x = run(&tracer, &a, &Storage::shared(vec![0.5]), tracer.input(1));
        let plan = tracer.finish(1, x).unwrap();
        let name = |launch: &Launch<Written<Host<f64>>>| {
            let text = match launch {
                Launch::Single(operation) => format!("{operation:?}"),
                Launch::Fused(fused) => format!("{fused:?}"),
            };
            text.split(' ').next().unwrap_or_default().to_string()
        };
        fuse(&plan.operations, plan.frame.output, |_| true).iter().map(name).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn neighbours_are_fused() {
        let restriction = launches(|e, a, d, b| {
            let x = e.jacobi(a, d, &b, e.zeros(1));
            e.spmv(a, &e.residual(&b, a, &x))
        });
        assert_eq!(restriction, "FirstRestrictedResidual");
        let restriction = launches(|e, a, d, b| {
            let x = e.jacobi(a, d, &b, e.jacobi(a, d, &b, e.zeros(1)));
            e.spmv(a, &e.residual(&b, a, &x))
        });
        assert_eq!(restriction, "DiagonalScale Jacobi RestrictedResidual");
        let correction = launches(|e, a, d, b| {
            let x = e.diagonal_add(d, &b, e.zeros(1));
            e.jacobi(a, d, &b, e.spmv_add(a, &b, x))
        });
        assert_eq!(correction, "DiagonalScale CorrectedJacobi");
    }

    #[test]
    fn what_is_read_later_is_stored() {
        let again = launches(|e, a, d, b| {
            let x = e.jacobi(a, d, &b, e.zeros(1));
            let r = e.residual(&b, a, &x);
            e.combine(1.0, &r, 1.0, e.spmv(a, &r))
        });
        assert_eq!(again, "FirstResidual Spmv Combine");
        let last = launches(|e, a, d, b| {
            let x = e.diagonal_add(d, &b, e.zeros(1));
            let z = e.spmv_add(a, &b, x);
            let kept = e.copy(z.handle().unwrap());
            let x = e.jacobi(a, d, &b, z);
            e.combine(1.0, &x, 1.0, Vector::new(1, kept))
        });
        assert_eq!(last, "DiagonalScale Spmv Copy Jacobi Combine");
    }

    /// The result overwrites an operand. Separate launches allow this, a fused launch does not.
    #[test]
    fn what_overlaps_is_not_fused() {
        let overlapping = launches(|e, a, d, b| {
            let x = e.jacobi(a, d, &b, e.zeros(1));
            let r = e.residual(&b, a, &x);
            drop(x);
            e.spmv(a, &r)
        });
        assert_eq!(overlapping, "FirstResidual Spmv");
    }
}
