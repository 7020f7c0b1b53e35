//! Schwarz methods on the tape: the recorded run and its reverse rule.
//!
//! With y = B⁻¹ R r and x' = x + Σ R̃ᵀ y on all subdomains, λ = B⁻ᵀ R̃ x̄' gives r̄ += Σ Rᵀ λ and
//! L̄(p,q) −= λ(p) · y(q), where A has an entry too Ā(p,q) −= λ(p) · y(q): the factors of the recorded run are
//! used again, transposed.

use std::sync::Arc;

use super::reverse::Adjoints;
use super::tape::{Node, Operand, Parameter, Tape, TapeVector};
use crate::backend::Backend;
use crate::engine::{Buffer, Executor, Vector};
use crate::error::Result;
use crate::schwarz::{SubdomainSolver, Subdomains, add_products, add_products_of_matrix, on_rings};
use crate::sparse::Scalar;

/// A recorded x + M r.
#[derive(Debug)]
pub(super) struct SubdomainSolves<T> {
    solver: Arc<SubdomainSolver<T>>,
    a: Parameter<T>,
    interface: Parameter<T>,
    r: Option<usize>,
    x: Option<usize>,
    /// Of the local solutions those on the outer rings, if the interface values are learned.
    kept: Option<Vec<T>>,
    /// All of them, if A is.
    whole: Option<Vec<T>>,
}

impl<T: Scalar, B: Backend<T>> Tape<T, B> {
    /// x + M r. A singular local matrix makes a constant NaN, so that the loss is none.
    pub(super) fn record_subdomain_solves(
        &self,
        a: &Operand<T>,
        subdomains: &Subdomains,
        interface: &Parameter<T>,
        r: &TapeVector<T>,
        x: TapeVector<T>,
    ) -> TapeVector<T> {
        let matrix = a.map(|p| p.values.clone());
        let Some(residual) = r.value.handle() else { return x };
        let (node, rows) = (x.node, x.value.rows());
        let mut own = self.own(x).into_handle().unwrap_or_else(|| {
            let mut zero = self.eager.allocate(rows);
            zero.fill(T::ZERO);
            zero
        });
        let solver = self.eager.factored().get(&matrix, subdomains, &interface.values);
        let Some((solver, y)) = solver.and_then(|m| Some((m.clone(), self.correct(&m, residual, &mut own)?)))
        else {
            own.fill(T::from_f64(f64::NAN));
            return self.record(Vector::new(rows, own), false, || Node::Input);
        };
        let (learned, of_matrix) = (interface.number.is_some(), a.values.number.is_some());
        let depends = learned || of_matrix || r.node.is_some() || node.is_some();
        self.record(Vector::new(rows, own), depends, || {
            let kept = learned.then(|| on_rings(solver.layout(), &y, self.columns()));
            let (a, interface, whole) = (a.values.clone(), interface.clone(), of_matrix.then_some(y));
            Node::SubdomainSolves(SubdomainSolves { solver, a, interface, r: r.node, x: node, kept, whole })
        })
    }

    /// x ← x + M r; the solutions of all subdomains.
    fn correct(&self, m: &SubdomainSolver<T>, r: &[T], x: &mut [T]) -> Option<Vec<T>> {
        let y = m.corrections(r, self.columns(), false).ok()?;
        m.add_corrections(T::ONE, &y, x, self.columns(), false).ok()?;
        Some(y)
    }
}

impl<T: Scalar, B: Backend<T>> Adjoints<'_, T, B> {
    /// The rule of [`SubdomainSolves`].
    pub(super) fn subdomain_solves(&mut self, node: &SubdomainSolves<T>, adjoint: Buffer<T>) -> Result<()> {
        let k = self.eager.columns();
        let lambda = node.solver.corrections(&adjoint, k, true)?;
        let layout = node.solver.layout().clone();
        if let (Some(number), Some(y)) = (node.interface.number, &node.kept) {
            let gradient = self.parameter(number, node.interface.values.len())?;
            add_products(&layout, -T::ONE, &on_rings(&layout, &lambda, k), y, gradient, k);
        }
        if let (Some(number), Some(y)) = (node.a.number, &node.whole) {
            let gradient = self.parameter(number, node.a.values.len())?;
            add_products_of_matrix(&layout, -T::ONE, &lambda, y, gradient, k);
        }
        let mut sum = Ok(());
        self.accumulate(node.r, adjoint.len() / k.max(1), |beta, buffer| {
            if beta == T::ZERO {
                buffer.fill(T::ZERO);
            }
            sum = node.solver.add_corrections(T::ONE, &lambda, buffer, k, true);
        });
        self.pass_on(node.x, adjoint);
        sum
    }
}
