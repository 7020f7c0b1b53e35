//! Schwarz methods on the tape: recording and reverse rule.
//!
//! With y = B⁻¹ R r and x' = x + Σ R̃ᵀ y on all subdomains, λ = B⁻ᵀ R̃ x̄' gives r̄ += Σ Rᵀ λ and
//! L̄(p,q) −= λ(p) · y(q). At entries of A it also gives Ā(p,q) −= λ(p) · y(q). The reverse rule reuses the factors
//! of the recorded run, transposed.

use super::node::{Leaf, Node, Operand, SubdomainSolves, plain};
use super::reverse::Adjoints;
use super::tape::{Tape, TapeVector};
use crate::engine::{Operation, Reversible, Vector};
use crate::error::Result;
use crate::schwarz::Subdomains;
use crate::sparse::Scalar;

impl<T: Scalar, X: Reversible<T>> Tape<T, X> {
    /// x + M r. If a local matrix is singular, the result is a constant NaN, and so is the loss.
    pub(super) fn record_subdomain_solves(
        &self,
        a: &Operand<X>,
        subdomains: &Subdomains,
        interface: &Leaf<X>,
        r: &TapeVector<T, X>,
        x: TapeVector<T, X>,
    ) -> TapeVector<T, X> {
        let Some(residual) = r.value.handle() else { return x };
        let (node, rows) = (x.node, x.value.rows());
        let mut own = self.own(x).into_handle().unwrap_or_else(|| {
            let mut zero = self.eager.allocate(rows);
            self.eager.run(Operation::Clear { x: &mut zero });
            zero
        });
        let method = self.eager.method(&plain(a), subdomains, &interface.values);
        let solved = method.and_then(|m| {
            let y = self.eager.solutions(&m, residual, false).ok()?;
            self.eager.add_solutions(&m, &y, &mut own, false).ok()?;
            Some((m, y))
        });
        let Some((method, y)) = solved else {
            let nan = vec![T::from_f64(f64::NAN); rows * self.columns()];
            return self.record(Vector::new(rows, self.eager.store(&nan)), false, || Node::Input);
        };
        let (learned, of_matrix) = (interface.number.is_some(), a.values.number.is_some());
        let depends = learned || of_matrix || r.node.is_some() || node.is_some();
        self.record(Vector::new(rows, own), depends, || {
            let kept = learned.then(|| self.eager.on_rings(&method, &y));
            let (a, interface, whole) = (a.values.clone(), interface.clone(), of_matrix.then_some(y));
            Node::SubdomainSolves(SubdomainSolves { method, a, interface, r: r.node, x: node, kept, whole })
        })
    }
}

impl<T: Scalar, X: Reversible<T>> Adjoints<'_, T, X> {
    /// The reverse rule of [`SubdomainSolves`].
    pub(super) fn subdomain_solves(
        &mut self,
        node: &SubdomainSolves<T, X>,
        adjoint: X::Handle,
    ) -> Result<()> {
        let eager = self.eager;
        let lambda = eager.solutions(&node.method, &adjoint, true)?;
        if let (Some(number), Some(y)) = (node.interface.number, &node.kept) {
            let gradient = self.parameter(number, eager.length(&node.interface.values))?;
            let rings = eager.on_rings(&node.method, &lambda);
            eager.interface_products(&node.method, (&rings, y), gradient);
        }
        if let (Some(number), Some(y)) = (node.a.number, &node.whole) {
            let gradient = self.parameter(number, eager.length(&node.a.values))?;
            eager.matrix_products(&node.method, (&lambda, y), gradient);
        }
        let mut sum = Ok(());
        self.accumulate_added(node.r, eager.rows(&adjoint), |buffer| {
            sum = eager.add_solutions(&node.method, &lambda, buffer, true);
        });
        self.pass_on(node.x, adjoint);
        sum
    }
}
