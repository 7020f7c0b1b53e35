//! Operations of a tape: each computes immediately and records the data that its reverse rule needs.

use super::node::{DirectOf, Leaf, Node, Operand, Value, plain};
use super::parameter::Recorded;
use super::tape::{Handle, Tape, TapeVector};
use crate::backend::{Direction, OrderedSweep, Triangle};
use crate::engine::{Engine, Executor, Reversible, Vector};
use crate::schwarz::Subdomains;
use crate::sparse::Scalar;

impl<T: Scalar, X: Reversible<T>> Engine for Tape<T, X> {
    type Leaves = Recorded<<X as Executor>::Leaves>;
    type Vector = TapeVector<T, X>;

    fn zeros(&self, rows: usize) -> TapeVector<T, X> {
        self.wrap(self.eager.zeros(rows), None)
    }

    fn residual(&self, b: &TapeVector<T, X>, a: &Operand<X>, x: &TapeVector<T, X>) -> TapeVector<T, X> {
        let value = Engine::residual(&self.eager, &b.value, &plain(a), &x.value);
        self.affine(-1.0, a, x, b.node, value)
    }

    fn spmv(&self, a: &Operand<X>, x: &TapeVector<T, X>) -> TapeVector<T, X> {
        let value = Engine::spmv(&self.eager, &plain(a), &x.value);
        self.affine(1.0, a, x, None, value)
    }

    fn spmv_add(&self, a: &Operand<X>, x: &TapeVector<T, X>, y: TapeVector<T, X>) -> TapeVector<T, X> {
        let node = y.node;
        let value = Engine::spmv_add(&self.eager, &plain(a), &x.value, self.own(y));
        self.affine(1.0, a, x, node, value)
    }

    fn diagonal_add(&self, d: &Leaf<X>, x: &TapeVector<T, X>, y: TapeVector<T, X>) -> TapeVector<T, X> {
        let node = y.node;
        let value = Engine::diagonal_add(&self.eager, &d.values, &x.value, self.own(y));
        let learned = d.number.is_some() && x.value.handle().is_some();
        self.record(value, learned || x.node.is_some() || node.is_some(), || Node::Diagonal {
            d: d.clone(),
            x: x.node,
            y: node,
            kept_x: learned.then(|| x.value.clone()),
        })
    }

    fn combine(&self, alpha: f64, x: &TapeVector<T, X>, beta: f64, y: TapeVector<T, X>) -> TapeVector<T, X> {
        let node = y.node;
        let value = Engine::combine(&self.eager, alpha, &x.value, beta, self.own(y));
        self.record(value, x.node.is_some() || node.is_some(), || Node::Combine {
            alpha,
            x: x.node,
            beta,
            y: node,
        })
    }

    fn scaled_add(
        &self,
        scalars: &Leaf<X>,
        index: usize,
        x: &TapeVector<T, X>,
        y: TapeVector<T, X>,
    ) -> TapeVector<T, X> {
        let node = y.node;
        let value = Engine::scaled_add(&self.eager, &scalars.values, index, &x.value, self.own(y));
        let learned = scalars.number.is_some() && x.value.handle().is_some();
        self.record(value, learned || x.node.is_some() || node.is_some(), || Node::Scaled {
            scalars: scalars.clone(),
            index,
            x: x.node,
            y: node,
            kept_x: learned.then(|| x.value.clone()),
        })
    }

    fn least_squares(
        &self,
        b: &TapeVector<T, X>,
        first: (&TapeVector<T, X>, &TapeVector<T, X>),
        second: Option<(&TapeVector<T, X>, &TapeVector<T, X>)>,
    ) -> TapeVector<T, X> {
        let values =
            |(v, c): (&'_ TapeVector<T, X>, &'_ TapeVector<T, X>)| (v.value.clone(), c.value.clone());
        let (one, other) = (values(first), second.map(values));
        let other = other.as_ref().map(|(v, c)| (&**v, &**c));
        let value = Engine::least_squares(&self.eager, &b.value, (&*one.0, &*one.1), other);
        let vectors = [Some(first), second].into_iter().flatten().flat_map(|(v, c)| [v, c]);
        let depends = b.node.is_some() || vectors.into_iter().any(|v| v.node.is_some());
        self.record(value, depends, || Node::Refused {
            what: "a K-cycle (it is not linear); train the V-cycle and use the K-cycle afterwards",
        })
    }

    fn solve_triangular(&self, a: &Operand<X>, part: Triangle, x: TapeVector<T, X>) -> TapeVector<T, X> {
        let node = x.node;
        let value = Engine::solve_triangular(&self.eager, &plain(a), part, self.own(x));
        let learned = a.values.number.is_some();
        let mut out = self.record(value, learned || node.is_some(), || Node::Triangular {
            a: a.clone(),
            part,
            x: node,
            kept: None,
        });
        if learned {
            self.keep(&mut out, |node, value| {
                if let Node::Triangular { kept, .. } = node {
                    *kept = Some(value);
                }
            });
        }
        out
    }

    fn sweep_triangular(
        &self,
        a: &Operand<X>,
        part: Triangle,
        b: &TapeVector<T, X>,
        x: &TapeVector<T, X>,
    ) -> TapeVector<T, X> {
        let learned = a.values.number.is_some();
        let value = Engine::sweep_triangular(&self.eager, &plain(a), part, &b.value, &x.value);
        let depends = learned || b.node.is_some() || x.node.is_some();
        let mut out = self.record(value, depends, || Node::TriangularSweep {
            a: a.clone(),
            part,
            b: b.node,
            x: x.node,
            kept: None,
        });
        if learned {
            self.keep(&mut out, |node, value| {
                if let Node::TriangularSweep { kept, .. } = node {
                    *kept = Some((x.value.clone(), value));
                }
            });
        }
        out
    }

    fn gauss_seidel(
        &self,
        a: &Operand<X>,
        b: &TapeVector<T, X>,
        x: TapeVector<T, X>,
        direction: Direction,
    ) -> TapeVector<T, X> {
        let learned = a.values.number.is_some();
        let (node, before) = (x.node, learned.then(|| x.value.clone()));
        let value = Engine::gauss_seidel(&self.eager, &plain(a), &b.value, self.own(x), direction);
        let mut out = self.record(value, learned || b.node.is_some() || node.is_some(), || Node::Sweep {
            a: a.clone(),
            direction,
            b: b.node,
            x: node,
            kept: None,
        });
        if let Some(before) = before {
            self.keep(&mut out, |node, value| {
                if let Node::Sweep { kept, .. } = node {
                    *kept = Some((before, value));
                }
            });
        }
        out
    }

    fn ordered_sweep(
        &self,
        a: &Operand<X>,
        inverse: &Leaf<X>,
        sweep: &OrderedSweep,
        b: &TapeVector<T, X>,
        x: TapeVector<T, X>,
    ) -> TapeVector<T, X> {
        let learned = a.values.number.is_some() || inverse.number.is_some();
        let (node, before) = (x.node, learned.then(|| x.value.clone()));
        let own = self.own(x);
        let value = Engine::ordered_sweep(&self.eager, &plain(a), &inverse.values, sweep, &b.value, own);
        let mut out = self.record(value, learned || b.node.is_some() || node.is_some(), || Node::Ordered {
            a: a.clone(),
            inverse: inverse.clone(),
            sweep: sweep.clone(),
            b: b.node,
            x: node,
            kept: None,
        });
        if let Some(before) = before {
            self.keep(&mut out, |node, value| {
                if let Node::Ordered { kept, .. } = node {
                    *kept = Some((before, value));
                }
            });
        }
        out
    }

    fn subdomain_solves(
        &self,
        a: &Operand<X>,
        subdomains: &Subdomains,
        interface: &Leaf<X>,
        r: &TapeVector<T, X>,
        x: TapeVector<T, X>,
    ) -> TapeVector<T, X> {
        self.record_subdomain_solves(a, subdomains, interface, r, x)
    }

    fn solve(&self, direct: &DirectOf<X>, b: &TapeVector<T, X>) -> TapeVector<T, X> {
        let value = Engine::solve(&self.eager, direct, &b.value);
        self.record(value, b.node.is_some(), || Node::Solve { direct: direct.clone(), b: b.node })
    }
}

impl<T: Scalar, X: Reversible<T>> Tape<T, X> {
    fn affine(
        &self,
        alpha: f64,
        a: &Operand<X>,
        x: &TapeVector<T, X>,
        y: Option<usize>,
        value: Vector<Handle<X>>,
    ) -> TapeVector<T, X> {
        let learned = a.values.number.is_some() && x.value.handle().is_some();
        let depends = learned || x.node.is_some() || y.is_some();
        self.record(value, depends, || Node::Affine {
            alpha,
            a: a.clone(),
            x: x.node,
            y,
            kept_x: learned.then(|| x.value.clone()),
        })
    }

    /// Stores the value of a result in its node.
    fn keep(&self, out: &mut TapeVector<T, X>, store: impl FnOnce(&mut Node<T, X>, Value<X>)) {
        if let Some(number) = out.node {
            store(&mut self.nodes.borrow_mut()[number], out.value.clone());
        }
    }
}
