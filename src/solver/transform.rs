//! Equivalent systems: rows that determine their unknown are eliminated, rows and columns are scaled and renumbered.

use std::borrow::Cow;
use std::sync::Arc;

use super::equations::Equations;
use crate::backend::{Cpu, Equilibration, order_of_scattered, order_with_long_rows_last};
use crate::error::Result;
use crate::setup::{detect_block_size, relaxation::pivot_order};
use crate::sparse::{Csr, DenseMatrix};

/// A row determines its unknown if its other entries sum to less than this share of the diagonal.
const NEGLIGIBLE: f64 = 1e-14;
/// Stored zeros are left out if they are more than this fraction of the entries.
const MANY_ZEROS: usize = 20;
/// Largest asymmetry of a matrix, scaled by its diagonal, that is symmetric up to rounding.
pub(super) const SYMMETRIC: f64 = 1e-9;
/// Largest asymmetry of a matrix, scaled by its diagonal, that is nearly symmetric, as in flow through porous media. Methods for
/// symmetric matrices suit it, except CG.
pub(super) const NEARLY_SYMMETRIC: f64 = 1e-3;
/// Ratio of diagonal entries above which a symmetric scaling is considered.
const SPREAD: f64 = 100.0;
/// The scaling by the diagonal is made if its constant has less than this share of the energy of the plain constant.
const FLATTER: f64 = 0.25;
/// Beyond this ratio of diagonal entries residuals do not see the small rows: there the scaling is made unless its constant has
/// more than twice the energy, as for a diffusion with jumps.
const HUGE: (f64, f64) = (1e10, 2.0);
/// Sizes of values that single precision cannot hold with room for sums.
const RANGE: f64 = 1e25;

/// The system Â y = P R Q (b − A d) with x = d + C Pᵀ y, where d solves the rows that determine their unknown.
///
/// Such rows have no entry beside the diagonal (Dirichlet values as rows of the identity) or a diagonal that
/// outweighs the others to rounding (a penalty). Their columns leave the other rows, so that Â is symmetric where the
/// rest of A is. Zero rows with zero columns become rows of the identity, and their unknown is zero. R and C are
/// diagonal, P is a permutation, and Q one that brings large entries to the diagonal, where that has zeros.
#[derive(Debug, Clone)]
pub(super) struct Transform {
    /// Â, of the size of A.
    pub matrix: Csr<f64>,
    /// The rows that determine their unknown, with the inverse of the diagonal, or zero.
    determined: Vec<(u32, f64)>,
    rows: Vec<f64>,
    columns: Vec<f64>,
    /// Row i of the scaled matrix for every row of Â; `None` for its own order.
    order: Option<Arc<[u32]>>,
    /// Q; `None` for the own order of A.
    equations: Option<Equations>,
    /// What was done, one sentence each.
    pub reasons: Vec<String>,
}

impl Transform {
    /// The equivalent system for a square matrix, or `None` if nothing is to be gained. Cost: about four products
    /// with a vector.
    pub fn of(a: &Csr<f64>) -> Option<Self> {
        Self::scaled(a, None)
    }

    /// The same, with these factors of rows and columns, if they are given, in place of those that suit the matrix.
    fn scaled(a: &Csr<f64>, factors: Option<&(Vec<f64>, Vec<f64>)>) -> Option<Self> {
        let n = a.rows();
        let mut reasons = Vec::new();
        let inverses: Vec<Option<f64>> = (0..n).map(|i| determined(a, i)).collect();
        let marked: Vec<bool> = inverses.iter().map(Option::is_some).collect();
        let some = marked.contains(&true);
        let entries = || (0..n).flat_map(|i| a.row(i).filter(|e| e.1 != 0.0).map(move |(j, _)| (i, j)));
        let coupled = some && entries().any(|(i, j)| i != j && (marked[i] || marked[j]));
        // The unknown of a zero row with a nonzero column is not determined.
        let mut used = vec![false; n];
        if inverses.contains(&Some(0.0)) {
            entries().for_each(|(_, j)| used[j] = true);
        }
        let inverse = |i: usize| inverses[i].filter(|&v| v != 0.0 || !used[i]);
        let determined: Vec<(u32, f64)> = (0..n).filter_map(|i| Some((i as u32, inverse(i)?))).collect();
        let zero_rows = determined.iter().filter(|(_, v)| *v == 0.0).count();
        let zeros = a.values().iter().filter(|v| **v == 0.0).count();
        let mut matrix = Cow::Borrowed(a);
        if zeros > a.nnz() / MANY_ZEROS {
            matrix = Cow::Owned(a.filter(|i, j, v| v != 0.0 || i == j));
            reasons.push(format!("{zeros} stored zeros are left out"));
        }
        let eliminates = (coupled && !determined.is_empty()) || zero_rows > 0;
        if eliminates {
            let mut is_determined = vec![false; n];
            determined.iter().for_each(|&(i, _)| is_determined[i as usize] = true);
            matrix = Cow::Owned(without(&matrix, &is_determined));
            reasons.push(format!("{} rows determine their unknown and are eliminated", determined.len()));
        }
        let determined = if eliminates { determined } else { Vec::new() };
        let scaling = match factors {
            Some((rows, columns)) => Some((rows.clone(), columns.clone(), None)),
            None => scaling(&matrix).map(|(rows, columns, reason)| (rows, columns, Some(reason))),
        };
        if scaling.is_none() && !eliminates && reasons.is_empty() {
            return None;
        }
        let (rows, columns) = match scaling {
            Some((rows, columns, reason)) => {
                reasons.extend(reason);
                matrix = Cow::Owned(matrix.map(|i, j, v| rows[i] * v * columns[j]));
                (rows, columns)
            }
            None => (vec![1.0; n], vec![1.0; n]),
        };
        let matrix = with_ones(matrix.into_owned(), &determined);
        Some(Self { matrix, determined, rows, columns, order: None, equations: None, reasons })
    }

    /// The equivalent system for the rows of A in this order.
    pub fn with_equations(a: &Csr<f64>, equations: &Equations) -> Self {
        let own = equations.of(a);
        let mut new = match equations.scaling() {
            Some((rows, columns)) if !equations.are_pivoted() => {
                let matrix = own.map(|i, j, v| rows[i] * v * columns[j]);
                Self { matrix, rows: rows.clone(), columns: columns.clone(), ..Self::identity(&own) }
            }
            scaling => Self::scaled(&own, scaling).unwrap_or_else(|| Self::identity(&own)),
        };
        new.reasons.insert(0, "the equations in an order that brings large entries to the diagonal".into());
        Self { equations: Some(equations.clone()), ..new }
    }

    /// The equivalent system for A, of which `own` is one without another order, with its long rows last where they make
    /// elimination slow, or in an order of small bandwidth if its rows are numbered without regard to their neighbours; the
    /// unknowns of a node stay together. Otherwise `own`.
    pub fn ordered(own: Option<Self>, a: &Csr<f64>) -> Option<Self> {
        let matrix = own.as_ref().map_or(a, |t| &t.matrix);
        let block = || detect_block_size(matrix);
        let last = |order| (order, "renumbered: long rows come last, where they make elimination fast");
        let near = |order| (order, "renumbered by Cuthill and McKee: neighbours had numbers far apart");
        let found = order_with_long_rows_last(matrix.pattern(), block)
            .map(last)
            .or_else(|| order_of_scattered(matrix.pattern(), block).map(near));
        let Some((order, reason)) = found else { return own };
        let mut new = own.unwrap_or_else(|| Self::identity(a)).in_order(order.into());
        new.reasons.push(reason.into());
        Some(new)
    }

    /// The equivalent system for `own`, one for A if it is given, with its equations and unknowns in the order of ILUT with pivoting
    /// for this drop tolerance and fill factor, which begins with large entries on the diagonal if it finds no pivot of a row
    /// otherwise. `own` where no pivot is exchanged.
    ///
    /// # Errors
    /// As [`pivot_order`].
    pub fn pivoted(
        own: Option<&Arc<Self>>,
        a: &Csr<f64>,
        (drop, fill): (f64, f64),
    ) -> Result<Option<Arc<Self>>> {
        let find = |own: Option<&Arc<Self>>| pivot_order(own.map_or(a, |t| &t.matrix), drop, fill);
        let first = find(own);
        let matched = if first.is_err() { Equations::with_large_diagonal(a) } else { None };
        let matched = matched.map(|equations| Arc::new(Self::with_equations(a, &equations)));
        let (own, pivots) = match &matched {
            None => (own, first?),
            Some(matched) => (Some(matched), find(Some(matched))?),
        };
        if pivots.iter().enumerate().all(|(k, &j)| k == j as usize) {
            return Ok(own.cloned());
        }
        // The number in Q A of every row of P Q A Pᵀ.
        let number = |k: usize| own.and_then(|t| t.order.as_ref()).map_or(k as u32, |order| order[k]);
        let order: Vec<u32> = pivots.iter().map(|&j| number(j as usize)).collect();
        let mut rows = vec![0; pivots.len()];
        order.iter().enumerate().for_each(|(k, &j)| rows[j as usize] = number(k));
        let ones = || vec![1.0; rows.len()];
        let (r, c) = own.map_or_else(|| (ones(), ones()), |t| (t.rows.clone(), t.columns.clone()));
        let before = own.and_then(|t| t.equations.as_ref());
        let equations = Equations::reordered(before, &rows, (&r, c));
        let mut new = Self::restored(a, Some(&equations), Some(order.into()));
        if let (Some(new), Some(own)) = (&mut new, own) {
            new.reasons.splice(0..1, own.reasons.iter().cloned());
        }
        Ok(new.map(Arc::new))
    }

    /// The system for the equations in this order, and the rows and columns of that system in this one. `None` if that is A.
    pub fn restored(a: &Csr<f64>, equations: Option<&Equations>, order: Option<Arc<[u32]>>) -> Option<Self> {
        let new = match equations {
            None => Self::of(a),
            Some(equations) => Some(Self::with_equations(a, equations)),
        };
        match order {
            None => new,
            Some(order) => Some(new.unwrap_or_else(|| Self::identity(a)).in_order(order)),
        }
    }

    /// The same eliminations and scalings by new values of the same pattern, in the same order. `None` where the new values
    /// need others.
    pub fn renewed(&self, a: &Csr<f64>) -> Option<Self> {
        let new = Self::restored(a, self.equations.as_ref(), self.order.clone());
        new.filter(|new| new.matrix.pattern() == self.matrix.pattern())
    }

    /// The order of the equations, if it is not that of A.
    pub fn equations(&self) -> Option<&Equations> {
        self.equations.as_ref()
    }

    /// The row of Q A for every row of the system, if these differ.
    pub fn order(&self) -> Option<&Arc<[u32]>> {
        self.order.as_ref()
    }

    fn identity(a: &Csr<f64>) -> Self {
        let ones = vec![1.0; a.rows()];
        let (rows, columns) = (ones.clone(), ones);
        Self {
            matrix: a.clone(),
            determined: Vec::new(),
            rows,
            columns,
            order: None,
            equations: None,
            reasons: Vec::new(),
        }
    }

    fn in_order(self, order: Arc<[u32]>) -> Self {
        Self { matrix: self.matrix.permuted(&order), order: Some(order), ..self }
    }

    /// P v.
    fn permuted(&self, v: Vec<f64>) -> Vec<f64> {
        match &self.order {
            None => v,
            Some(order) => order.iter().map(|&i| v[i as usize]).collect(),
        }
    }

    /// Calls `f` with every entry of v = Pᵀ y and its number.
    fn each_in_own_order(&self, y: &[f64], mut f: impl FnMut(usize, f64)) {
        match &self.order {
            None => y.iter().enumerate().for_each(|(i, &v)| f(i, v)),
            Some(order) => order.iter().zip(y).for_each(|(&i, &v)| f(i as usize, v)),
        }
    }

    /// Whether the transform keeps the symmetry of a preconditioner.
    pub fn is_symmetric(&self) -> bool {
        self.determined.is_empty() && self.equations.is_none() && self.rows == self.columns
    }

    /// The vector that is constant for Âᵀ (`transposed`) or Â, in terms of Aᵀ or A: Qᵀ R 1 or C 1, zero where determined.
    pub fn constant(&self, transposed: bool) -> Vec<f64> {
        let mut v = if transposed { self.rows.clone() } else { self.columns.clone() };
        self.determined.iter().for_each(|&(i, _)| v[i as usize] = 0.0);
        match &self.equations {
            Some(equations) if transposed => equations.in_rows(v),
            _ => v,
        }
    }

    /// d with its determined values, and P R Q (r − A d). Cost: a product with A if there are determined rows.
    pub fn forward(&self, a: &Csr<f64>, r: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let mut d = vec![0.0; r.len()];
        let ordered = |v: Vec<f64>| match &self.equations {
            None => v,
            Some(equations) => equations.ordered(&v),
        };
        let mut rest = ordered(r.to_vec());
        if !self.determined.is_empty() {
            self.determined.iter().for_each(|&(i, inverse)| d[i as usize] = inverse * rest[i as usize]);
            Cpu.residual(a.into(), r, &d, &mut rest, 1);
            rest = ordered(rest);
            self.determined.iter().for_each(|&(i, _)| rest[i as usize] = 0.0);
        }
        rest.iter_mut().zip(&self.rows).for_each(|(v, s)| *v *= s);
        (d, self.permuted(rest))
    }

    /// d ← d + C Pᵀ y.
    pub fn backward(&self, y: &[f64], d: &mut [f64]) {
        self.each_in_own_order(y, |i, v| d[i] += self.columns[i] * v);
    }

    /// The transpose of r ↦ d + C Pᵀ M P R Q (r − A d), for the transpose of M.
    pub fn apply_transposed(
        &self,
        a: &Csr<f64>,
        s: &[f64],
        inverse: impl FnOnce(&[f64], &mut [f64]) -> Result<()>,
    ) -> Result<Vec<f64>> {
        let scaled = self.permuted(s.iter().zip(&self.columns).map(|(s, c)| s * c).collect());
        let (mut own, mut y) = (vec![0.0; s.len()], vec![0.0; s.len()]);
        inverse(&scaled, &mut own)?;
        self.each_in_own_order(&own, |i, v| y[i] = self.rows[i] * v);
        self.determined.iter().for_each(|&(i, _)| y[i as usize] = 0.0);
        let mut y = match &self.equations {
            None => y,
            Some(equations) => equations.in_rows(y),
        };
        if !self.determined.is_empty() {
            let mut product = vec![0.0; s.len()];
            Cpu.spmv_transposed(1.0, a.into(), &y, 0.0, &mut product, 1);
            for &(i, inverse) in &self.determined {
                let i = i as usize;
                let equation = self.equations.as_ref().map_or(i, |equations| equations.row(i));
                y[equation] = inverse * (s[i] - product[i]);
            }
        }
        Ok(y)
    }

    /// y of a guess for x.
    pub fn guess(&self, x: &[f64]) -> Vec<f64> {
        let mut y: Vec<f64> = x.iter().zip(&self.columns).map(|(x, c)| x / c).collect();
        self.determined.iter().for_each(|&(i, _)| y[i as usize] = 0.0);
        self.permuted(y)
    }

    /// P C⁻¹ B for near-nullspace candidates B of A.
    pub fn candidates(&self, candidates: &DenseMatrix) -> DenseMatrix {
        DenseMatrix::from_fn(candidates.rows(), candidates.cols(), |k, j| {
            let i = self.order.as_ref().map_or(k, |order| order[k] as usize);
            candidates.row(i)[j] / self.columns[i]
        })
    }
}

/// The inverse of the diagonal of a row that determines its unknown; zero for a zero row.
fn determined(a: &Csr<f64>, i: usize) -> Option<f64> {
    let (mut diagonal, mut others) = (0.0, 0.0);
    for (j, v) in a.row(i) {
        if j == i { diagonal = v } else { others += v.abs() }
    }
    match diagonal == 0.0 {
        true => (others == 0.0).then_some(0.0),
        false => (others <= NEGLIGIBLE * diagonal.abs()).then_some(1.0 / diagonal).filter(|v| v.is_finite()),
    }
}

/// A with rows and columns of the identity where marked.
fn without(a: &Csr<f64>, marked: &[bool]) -> Csr<f64> {
    let mut ptr = vec![0u32];
    let (mut columns, mut values) = (Vec::with_capacity(a.nnz()), Vec::with_capacity(a.nnz()));
    for i in 0..a.rows() {
        if marked[i] {
            columns.push(i as u32);
            values.push(1.0);
        } else {
            let kept = a.row(i).filter(|&(j, _)| !marked[j]);
            kept.for_each(|(j, v)| {
                columns.push(j as u32);
                values.push(v);
            });
        }
        ptr.push(columns.len() as u32);
    }
    let pattern = crate::sparse::Pattern::from_parts(a.rows(), a.cols(), ptr, columns);
    Csr::from_parts(pattern.into(), values)
}

/// The matrix with rows of the identity where the scaling changed them.
fn with_ones(a: Csr<f64>, determined: &[(u32, f64)]) -> Csr<f64> {
    let (pattern, mut values) = a.into_parts();
    for &(i, _) in determined {
        if let Some(p) = pattern.find(i as usize, i as usize) {
            values[p] = 1.0;
        }
    }
    Csr::from_parts(pattern, values)
}

type Scaling = (Vec<f64>, Vec<f64>, String);

/// Diagonal factors R and C with the reason, if they help.
fn scaling(a: &Csr<f64>) -> Option<Scaling> {
    let n = a.rows();
    let diagonal = a.diagonal();
    let sign = match () {
        () if n > 0 && diagonal.iter().all(|&v| v < 0.0) => -1.0,
        () => 1.0,
    };
    let one_sign = diagonal.iter().all(|&v| v * sign > 0.0);
    let (least, most) = extremes(diagonal.iter().map(|v| v.abs()));
    if one_sign && sign > 0.0 && most <= SPREAD * least && !out_of_range(a) {
        return None;
    }
    let symmetric = symmetric_when_scaled(a, &diagonal, SYMMETRIC);
    // Scaling by rows would make a nearly symmetric matrix less so.
    if one_sign && (symmetric || symmetric_when_scaled(a, &diagonal, NEARLY_SYMMETRIC)) {
        let roots: Vec<f64> = diagonal.iter().map(|v| v.abs().sqrt().recip()).collect();
        let share = if most > HUGE.0 * least { HUGE.1 } else { FLATTER };
        if (most > SPREAD * least && is_flatter(a, &diagonal, &roots, share)) || out_of_range(a) {
            let rows = roots.iter().map(|v| sign * v).collect();
            return Some((rows, roots, "scaled symmetrically by the diagonal".into()));
        }
        let minus =
            || (vec![-1.0; n], vec![1.0; n], "the sign changed: all diagonal entries are negative".into());
        return (sign < 0.0).then(minus);
    }
    // Scaling by rows would hide the symmetry of an indefinite matrix.
    if symmetric {
        return None;
    }
    let equilibration = Equilibration::of(a.pattern(), a.values())?;
    // Scaled columns would change the near-nullspace of a diffusion with convection.
    let columns = if equilibration.columns_spread() { equilibration.columns } else { vec![1.0; n] };
    Some((equilibration.rows, columns, "rows and columns scaled to entries of similar size".into()))
}

fn extremes(sizes: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    (sizes.clone().fold(f64::INFINITY, f64::min), sizes.fold(0.0, f64::max))
}

/// Whether values exceed the range of single precision.
fn out_of_range(a: &Csr<f64>) -> bool {
    let (_, most) = extremes(a.values().iter().map(|v| v.abs()));
    !(1.0 / RANGE..RANGE).contains(&most)
}

/// Whether the asymmetry of D^{-½} A D^{-½} is at most `most`, for D = |diag A|.
pub(super) fn symmetric_when_scaled(a: &Csr<f64>, diagonal: &[f64], most: f64) -> bool {
    let root: Vec<f64> =
        diagonal.iter().map(|v| if *v == 0.0 { 1.0 } else { v.abs().sqrt().recip() }).collect();
    a.is_symmetric_when_scaled(&root, most)
}

/// Whether v = `roots`, the constant of the scaled matrix, has less than this share of the energy vᵀ A v / vᵀ D v of the
/// constant.
fn is_flatter(a: &Csr<f64>, diagonal: &[f64], roots: &[f64], share: f64) -> bool {
    let quotient = |v: &[f64]| {
        let mut product = vec![0.0; v.len()];
        Cpu.spmv(1.0, a.into(), v, 0.0, &mut product, 1);
        let energy: f64 = product.iter().zip(v).map(|(p, v)| p * v).sum();
        energy / diagonal.iter().zip(v).map(|(d, v)| d * v * v).sum::<f64>()
    };
    quotient(roots) < share * quotient(&vec![1.0; roots.len()])
}

#[cfg(test)]
#[path = "transform_tests.rs"]
mod tests;
