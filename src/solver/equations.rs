//! The order of the equations of a system, where its diagonal has zeros or small entries.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::properties::MatrixProperties;
use crate::backend::{Matching, has_diagonal_below, has_weak_diagonal, is_easily_matched, largest_product};
use crate::sparse::Csr;

/// Largest nonsymmetric matrices with small entries or zeros on their diagonal that are left to sparse factors, which match rows and
/// columns themselves: in general, and where a matching takes a search; factors of so few rows fit.
const UNMATCHED: (usize, usize) = (3000, 10_000);
/// Share of the largest entry of its row below which a diagonal entry is small.
const SMALL: f64 = 0.5;
/// Asymmetry with the equations in another order, relative to that in their own, below which these were misplaced: the equation
/// of an unknown has its largest entry there, and couples to those whose equations have it.
const MORE_SYMMETRIC: f64 = 0.35;
/// Rows of a sample.
const SAMPLE: usize = 1000;
/// Share of rows that may have their largest entry in the column of another one.
const COMMON: f64 = 0.05;

/// An order Q of the equations that brings large entries to the diagonal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Equations {
    /// The row of A for every row of Q A.
    order: Arc<[u32]>,
    /// Factors R and C of rows and columns that belong to the order, if it needs some.
    scaling: Option<(Vec<f64>, Vec<f64>)>,
    /// Whether pivots were exchanged in a system whose determined unknowns had been eliminated.
    pivoted: bool,
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
        let new = Self { order: order.into(), scaling: None, pivoted: false };
        let own = new.of(a);
        let power = |v: &f64| v.log2().round().exp2();
        let scaling = has_weak_diagonal(own.pattern(), own.values())
            .then(|| (new.ordered(&rows).iter().map(power).collect(), factors.iter().map(power).collect()));
        Some(Self { scaling, ..new })
    }

    /// Whether many diagonal entries of a nonsymmetric matrix are small beside others of their row, and the matrix is far more
    /// symmetric with the largest entries of its rows on the diagonal. Cost: a pass over the entries, another where many are small.
    pub fn may_be_misplaced(a: &Csr<f64>, p: &MatrixProperties) -> bool {
        p.rows > UNMATCHED.0
            && !p.is_symmetric()
            && has_diagonal_below(SMALL, a.pattern(), a.values())
            && order_by_largest(a)
                .is_some_and(|order| sampled_asymmetry(a, &order) < MORE_SYMMETRIC * p.asymmetry)
    }

    /// Whether the equations of `a` may need such an order because of zeros on the diagonal: sparse factors find one by themselves, so
    /// only where they do not fit, unless many entries are zeros (second value), whose fill in another order cannot be predicted
    /// either, and the order takes no search in a small matrix.
    pub fn may_need_order(a: &Csr<f64>, p: &MatrixProperties) -> (bool, bool) {
        let many = 2 * p.zero_diagonals > p.rows;
        let suspect = !p.is_symmetric() && (p.rows > UNMATCHED.1 || (many && p.rows > UNMATCHED.0));
        let may = suspect && p.zero_diagonals > 0 && has_weak_diagonal(a.pattern(), a.values());
        (may, may && many && (p.rows > UNMATCHED.1 || is_easily_matched(a.pattern(), a.values())))
    }

    /// The order of the equations in which row i is that of number `rows[i]` in the order `before`, if there is one, or else of A.
    /// R and C belong to the latter.
    pub fn reordered(before: Option<&Self>, rows: &[u32], (r, c): (&[f64], Vec<f64>)) -> Self {
        let order = rows.iter().map(|&i| before.map_or(i, |b| b.order[i as usize])).collect();
        let scaling = (rows.iter().map(|&i| r[i as usize]).collect(), c);
        Self { order, scaling: Some(scaling), pivoted: true }
    }

    /// Whether pivots were exchanged in a system whose determined unknowns had been eliminated.
    pub fn are_pivoted(&self) -> bool {
        self.pivoted
    }

    /// R and C, if they belong to the order; otherwise they follow from Q A.
    pub fn scaling(&self) -> Option<&(Vec<f64>, Vec<f64>)> {
        self.scaling.as_ref()
    }

    /// Whether this is an order of so many equations.
    pub fn fit(&self, rows: usize) -> bool {
        is_order(&self.order, rows)
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

/// Whether these are the numbers of so many rows, each of them once.
pub(super) fn is_order(numbers: &[u32], rows: usize) -> bool {
    let mut seen = vec![false; rows];
    let is_new = |&i: &u32| seen.get_mut(i as usize).is_some_and(|s| !std::mem::replace(s, true));
    numbers.len() == rows && numbers.iter().all(is_new)
}

/// ‖B − Bᵀ‖ / ‖B‖ for B = D^{-½} Q A D^{-½} with the rows of A in this order and D = |diag Q A|, from a sample of its rows.
fn sampled_asymmetry(a: &Csr<f64>, order: &[u32]) -> f64 {
    let entry = |i: usize, j: usize| a.get(order[i] as usize, j);
    let (mut difference, mut size) = (0.0, 0.0);
    for i in (0..order.len()).step_by(order.len().div_ceil(SAMPLE).max(1)) {
        let own = entry(i, i).abs();
        for (j, v) in a.row(order[i] as usize) {
            let weight = own * entry(j, j).abs();
            if weight > 0.0 {
                let mirrored = entry(j, i);
                // The place of an entry that is not stored counts as well.
                let places = if mirrored == 0.0 { 2.0 } else { 1.0 };
                difference += places * (v - mirrored).powi(2) / weight;
                size += v * v / weight;
            }
        }
    }
    (difference / size).sqrt()
}

/// The rows in the order of the columns of their largest entries, the others anywhere. `None` if these are many.
fn order_by_largest(a: &Csr<f64>) -> Option<Vec<u32>> {
    const NONE: u32 = u32::MAX;
    let mut order = vec![NONE; a.rows()];
    let mut others = Vec::new();
    for i in 0..a.rows() {
        let largest =
            a.row(i).fold((0, 0.0f64), |best, (j, v)| if v.abs() > best.1 { (j, v.abs()) } else { best });
        match order[largest.0] == NONE {
            true => order[largest.0] = i as u32,
            false => others.push(i as u32),
        }
    }
    if others.len() as f64 > COMMON * a.rows() as f64 {
        return None;
    }
    order.iter_mut().filter(|i| **i == NONE).zip(others).for_each(|(place, i)| *place = i);
    Some(order)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gallery;
    use crate::krylov::scattered;
    use crate::multigrid::Setup;
    use crate::solver::Solver;

    /// Convection and diffusion in a cube.
    fn flow(n: usize) -> Csr<f64> {
        let a = gallery::poisson_3d(n, n, n).unwrap().matrix;
        a.map(|i, j, v| if i == j { v } else { v * if j < i { 1.1 } else { 0.9 } })
    }

    /// The automatic choice, which must solve at once.
    fn solves(a: &Csr<f64>) -> Solver {
        let solver = Solver::auto(a).unwrap();
        let x = scattered(a.rows(), 3);
        let mut b = vec![0.0; x.len()];
        a.spmv(&x, &mut b).unwrap();
        let out = solver.solve(&b).unwrap();
        assert!(out.converged() && out.attempts.is_empty(), "{out}\n{solver}");
        let error = out.x.iter().zip(&x).fold(0.0f64, |m, (x, y)| m.max((x - y).abs()));
        assert!(error < 1e-5, "{error}");
        solver
    }

    #[test]
    fn misplaced_equations_are_recognised_beside_small_entries_and_among_others() {
        let a = flow(17);
        let n = a.rows();
        let shuffled: Vec<u32> = (0..n).map(|i| (i * 1201 % n) as u32).collect();
        let all = a.select(Some(&shuffled), None);
        let noise = Csr::diagonal_matrix(&scattered(n, 7)).map(|_, _, v| 1e-6 * v);
        let swapped: Vec<u32> =
            (0..n as u32).map(|i| if i % 8 < 2 && i < 4800 { i ^ 1 } else { i }).collect();
        for a in [all.add(1.0, &noise, 1.0).unwrap(), all, a.select(Some(&swapped), None)] {
            let solver = solves(&a);
            assert!(solver.reasons()[0].contains("large entries"), "{solver}");
            assert_ne!(*solver.setup(), Setup::Direct);
        }
    }

    #[test]
    fn equations_that_lie_beside_larger_entries_keep_their_place() {
        // Central differences of a strong convection: the entries at neighbours are larger than the diagonal.
        let n = 70;
        let a = gallery::poisson_2d(n, n).unwrap().matrix.map(|i, j, v| match (j == i + 1, i == j + 1) {
            (true, _) => v + 12.0,
            (_, true) => v - 12.0,
            _ => v,
        });
        let p = MatrixProperties::of(&a);
        assert!(has_diagonal_below(SMALL, a.pattern(), a.values()) && !p.is_symmetric());
        assert!(solves(&a).reasons().iter().all(|r| !r.contains("large entries")));
    }
}
