//! Cache of factored local matrices of Schwarz methods. A method lives as long as the values from which it was
//! factored.

use std::cell::RefCell;
use std::sync::Arc;

use super::Matrix;
use crate::schwarz::{SubdomainSolver, Subdomains};
use crate::sparse::{Scalar, Storage};

/// The factored methods of an engine. A sweep is applied many times to the same values, and the two sweeps of a
/// level often share their method.
#[derive(Debug)]
pub struct Factored<T>(RefCell<Vec<Entry<T>>>);

/// The entry owns the values, so that their address cannot be reused for other values.
#[derive(Debug)]
struct Entry<T> {
    a: Arc<Storage<T>>,
    interface: Arc<Storage<T>>,
    subdomains: Subdomains,
    /// `None` if a local matrix is singular.
    solver: Option<Arc<SubdomainSolver<T>>>,
}

impl<T> Default for Factored<T> {
    fn default() -> Self {
        Self(RefCell::new(Vec::new()))
    }
}

impl<T: Scalar> Factored<T> {
    /// The method of `a` on these subdomains with these interface values, or `None` if a local matrix is singular
    /// or the values do not fit. It is factored on first use. Methods whose interface values have no other owner
    /// are dropped.
    pub fn get(
        &self,
        a: &Matrix<Arc<Storage<T>>>,
        subdomains: &Subdomains,
        interface: &Arc<Storage<T>>,
    ) -> Option<Arc<SubdomainSolver<T>>> {
        let mut entries = self.0.borrow_mut();
        let known = entries.iter().find(|e| {
            Arc::ptr_eq(&e.a, &a.values)
                && Arc::ptr_eq(&e.interface, interface)
                && e.subdomains == *subdomains
        });
        if let Some(entry) = known {
            return entry.solver.clone();
        }
        entries.retain(|e| Arc::strong_count(&e.interface) > 1 && Arc::strong_count(&e.a) > 1);
        let factor = || {
            let layout = subdomains.layout(&a.pattern).ok()?;
            let solver = SubdomainSolver::new(&layout, &a.values, interface, subdomains.variant());
            solver.ok().map(Arc::new)
        };
        let solver = factor();
        entries.push(Entry {
            a: a.values.clone(),
            interface: interface.clone(),
            subdomains: subdomains.clone(),
            solver: solver.clone(),
        });
        solver
    }

    /// Drops all factorisations.
    pub fn clear(&self) {
        self.0.borrow_mut().clear();
    }
}
