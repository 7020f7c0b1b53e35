//! The order of the equations of a system, where its diagonal has zeros.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ladder::check_factors;
use super::properties::MatrixProperties;
use crate::backend::{Matching, has_weak_diagonal, is_easily_matched, largest_product};
use crate::sparse::Csr;

/// Largest nonsymmetric matrices with zeros on their diagonal that are left to sparse factors, which match rows and columns
/// themselves: in general, and with fewer zeros than other entries on the diagonal.
const UNMATCHED: (usize, usize) = (3000, 100_000);

/// An order Q of the equations that brings large entries to the diagonal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Equations {
    /// The row of A for every row of Q A.
    order: Arc<[u32]>,
    /// Factors R and C of rows and columns that belong to the order, if it needs some.
    scaling: Option<(Vec<f64>, Vec<f64>)>,
}

impl Equations {
    /// The order with the largest product of the diagonal entries (Duff and Koster 2001), or `None` if every order leaves a zero
    /// there. Where diagonal entries are still weak beside others of their row, rows and columns are scaled so that, up to a
    /// factor of two, the diagonal has ones and no entry is larger. Cost: often a few passes over the entries, at most some
    /// sixty with a heap.
    pub fn with_large_diagonal(a: &Csr<f64>) -> Option<Self> {
        let Matching { columns, scaling: (rows, factors) } =
            largest_product(a.pattern(), a.values()).ok().flatten()?;
        let mut order = vec![0u32; a.rows()];
        columns.iter().enumerate().for_each(|(i, &j)| order[j as usize] = i as u32);
        let new = Self { order: order.into(), scaling: None };
        let own = new.of(a);
        let power = |v: &f64| v.log2().round().exp2();
        let scaling = has_weak_diagonal(own.pattern(), own.values())
            .then(|| (new.ordered(&rows).iter().map(power).collect(), factors.iter().map(power).collect()));
        Some(Self { scaling, ..new })
    }

    /// Whether the equations of `a` should be put in such an order: sparse factors find one by themselves, so where that takes a
    /// search, only if they do not fit.
    pub fn are_misplaced(a: &Csr<f64>, p: &MatrixProperties) -> bool {
        let many = 2 * p.zero_diagonals > p.rows;
        let suspect = p.rows > UNMATCHED.0 && !p.is_symmetric() && (many || p.rows > UNMATCHED.1);
        suspect
            && p.zero_diagonals > 0
            && has_weak_diagonal(a.pattern(), a.values())
            && ((many && is_easily_matched(a.pattern(), a.values())) || check_factors(a).is_err())
    }

    /// R and C, if they belong to the order; otherwise they follow from Q A.
    pub fn scaling(&self) -> Option<&(Vec<f64>, Vec<f64>)> {
        self.scaling.as_ref()
    }

    /// Whether this is an order of so many equations.
    pub fn fit(&self, rows: usize) -> bool {
        let mut seen = vec![false; rows];
        let is_new = |&i: &u32| seen.get_mut(i as usize).is_some_and(|s| !std::mem::replace(s, true));
        self.order.len() == rows
            && self.order.iter().all(is_new)
            && self.scaling.as_ref().is_none_or(|(r, c)| r.len() == rows && c.len() == rows)
    }

    /// Q A.
    pub fn of(&self, a: &Csr<f64>) -> Csr<f64> {
        a.select(Some(&self.order), None)
    }

    /// The row of A for row i of Q A.
    pub fn row(&self, i: usize) -> usize {
        self.order[i] as usize
    }

    /// Q v.
    pub fn ordered(&self, v: &[f64]) -> Vec<f64> {
        self.order.iter().map(|&i| v[i as usize]).collect()
    }

    /// Qᵀ v.
    pub fn in_rows(&self, v: Vec<f64>) -> Vec<f64> {
        let mut own = vec![0.0; v.len()];
        self.order.iter().zip(v).for_each(|(&i, v)| own[i as usize] = v);
        own
    }
}
