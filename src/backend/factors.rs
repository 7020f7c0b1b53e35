//! Sparse LU for one pattern with many values, with singularity tests: supernodal by `faer`, or left-looking.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use super::block_triangular::{inside, strong_components};
use super::equilibration::{Equilibration, scale_rows};
use super::fill::nonzeros_in_order;
use super::left_looking::LeftLooking;
use super::library::{Analysis, Supernodal, order_for_any_pivots, order_for_diagonal_pivots};
use super::matching::{Matching, largest_product};
use super::{Cpu, View};
use crate::error::{Error, Result};
use crate::sparse::Pattern;

/// The order of elimination for a pattern.
pub struct Ordering(Symbolic);

/// The method with its symbolic part.
enum Symbolic {
    Supernodal(Analysis),
    /// Orders by the first values.
    LeftLooking(OnceLock<Orders>),
}

/// Orders for left-looking factors.
struct Orders {
    /// The rows, each at the place of the column with which it is matched: their large entries then lie on the diagonal.
    matched: Vec<u32>,
    pattern: Arc<Pattern>,
    /// The block of the block triangular form in which each matched row lies, and the end of every block.
    block_of: Vec<u32>,
    ends: Vec<u32>,
    /// Order of elimination of the matched rows, block by block, for pivots on the diagonal.
    on_diagonal: Vec<u32>,
    /// The same for pivots anywhere, found when it is needed.
    anywhere: OnceLock<Vec<u32>>,
    /// Whether the second order is tried first.
    reversed: bool,
    /// Predicted entries of the factors.
    predicted: f64,
}

/// A diagonal entry is weak if it is less than this share of the largest entry of its row. Rows are matched with columns if
/// more than this share of them has a weak one.
const WEAK: (f64, f64) = (0.1, 0.05);
/// Matching destroys a symmetric pattern. It is not used where that multiplies the predicted fill by this factor: in optimal
/// control and with constraints, zeros on the diagonal fill before they are pivots.
const FILLS: f64 = 1.5;

/// Share of rows without a diagonal entry above which pivots are expected beside the diagonal.
const OFF_DIAGONAL: f64 = 0.05;

impl Orders {
    fn new(pattern: &Pattern, values: &[f64]) -> Result<Self> {
        let own = || Self::of_rows((0..pattern.rows() as u32).collect(), Arc::new(pattern.clone()));
        if !has_weak_diagonal(pattern, values) {
            return own();
        }
        let Some(Matching { columns, .. }) = largest_product(pattern, values)? else { return own() };
        let mut matched = vec![0u32; columns.len()];
        columns.iter().enumerate().for_each(|(i, &j)| matched[j as usize] = i as u32);
        let rows = matched.iter().map(|&i| pattern.row_cols(i as usize));
        let mut ptr = vec![0u32];
        rows.clone().for_each(|row| ptr.push(ptr[ptr.len() - 1] + row.len() as u32));
        let columns = rows.flatten().copied().collect();
        let permuted = Arc::new(Pattern::from_parts(pattern.rows(), pattern.cols(), ptr, columns));
        let new = Self::of_rows(matched, permuted)?;
        if pattern.is_symmetric() {
            let own = own()?;
            if new.predicted > FILLS * own.predicted {
                return Ok(own);
            }
        }
        Ok(new)
    }

    /// The orders for the matched rows.
    fn of_rows(matched: Vec<u32>, pattern: Arc<Pattern>) -> Result<Self> {
        let (block_of, count) = strong_components(&pattern);
        let mut ends = vec![0u32; count];
        block_of.iter().for_each(|&b| ends[b as usize] += 1);
        (1..count).for_each(|b| ends[b] += ends[b - 1]);
        let blocks =
            if count > 1 { Cow::Owned(inside(&pattern, &block_of)) } else { Cow::Borrowed(&*pattern) };
        let outside = (pattern.nnz() - blocks.nnz()) as f64;
        let on_diagonal = by_blocks(order_for_diagonal_pivots(&blocks)?, &block_of, &ends);
        let predicted = nonzeros_in_order(&blocks, Some(&on_diagonal)).unwrap_or(f64::INFINITY) + outside;
        let missing = (0..pattern.rows()).filter(|&i| pattern.find(i, i).is_none()).count();
        let reversed = missing as f64 > OFF_DIAGONAL * pattern.rows() as f64;
        drop(blocks);
        Ok(Self {
            matched,
            pattern,
            block_of,
            ends,
            on_diagonal,
            anywhere: OnceLock::new(),
            reversed,
            predicted,
        })
    }

    /// The first or second order.
    fn order(&self, number: usize) -> Result<&[u32]> {
        if (number == 0) != self.reversed {
            return Ok(&self.on_diagonal);
        }
        if let Some(known) = self.anywhere.get() {
            return Ok(known);
        }
        let new = by_blocks(order_for_any_pivots(&self.pattern)?, &self.block_of, &self.ends);
        Ok(self.anywhere.get_or_init(|| new))
    }

    fn factor(&self, pattern: &Pattern, values: &[f64]) -> Result<Option<LeftLooking>> {
        let rows = self.matched.iter().flat_map(|&i| &values[pattern.row(i as usize)]);
        let own: Vec<f64> = rows.copied().collect();
        let orders = |number| self.order(number);
        let factors = LeftLooking::new(&self.pattern, &own, &orders, &self.ends, self.predicted)?;
        Ok(factors.map(|factors| factors.of_rows(&self.matched)))
    }
}

/// The order, block by block.
fn by_blocks(order: Vec<u32>, block_of: &[u32], ends: &[u32]) -> Vec<u32> {
    if ends.len() < 2 {
        return order;
    }
    let mut next: Vec<u32> = std::iter::once(0).chain(ends.iter().copied()).collect();
    let mut own = vec![0; order.len()];
    for i in order {
        let place = &mut next[block_of[i as usize] as usize];
        own[*place as usize] = i;
        *place += 1;
    }
    own
}

/// A row or column this many times longer than the mean makes the factors left-looking: the supernodal ones are laid out
/// for the pattern of A Aᵀ and Aᵀ A, which it fills.
const LONG: usize = 10;

/// L and U of a matrix in double precision.
#[derive(Clone)]
pub struct Factors {
    /// Factors of the transpose, scaled if the matrix was.
    numeric: Numeric,
    scaling: Option<Arc<Equilibration>>,
}

#[derive(Clone)]
enum Numeric {
    Supernodal(Supernodal),
    LeftLooking(Arc<LeftLooking>),
}

/// Accuracy of factors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Known solutions come back: the matrix is not singular to working precision.
    Regular,
    /// Residuals are small, whatever the condition of the matrix.
    Residual,
}

impl std::fmt::Debug for Ordering {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match &self.0 {
            Symbolic::Supernodal(_) => "order of supernodal LU",
            Symbolic::LeftLooking(_) => "order of left-looking LU",
        })
    }
}

impl Ordering {
    /// From a square pattern. Cost: an ordering that keeps fill low, without values.
    ///
    /// # Errors
    /// A pattern that is not square; too much memory.
    pub fn new(pattern: &Pattern) -> Result<Self> {
        let n = pattern.rows();
        if n != pattern.cols() {
            let text = format!("a direct solver needs a square matrix, got {n} × {}", pattern.cols());
            return Err(Error::dimension(text));
        }
        let supernodal = if has_long_lines(pattern) { None } else { Analysis::new(pattern)? };
        Ok(Self(match supernodal {
            Some(analysis) => Symbolic::Supernodal(analysis),
            None => Symbolic::LeftLooking(OnceLock::new()),
        }))
    }

    /// Factors these values, with the accuracy of the factors; `None` if there is none. `faer` factors a singular matrix
    /// without an error, so the factors are tested by solves with known solutions. A matrix with rows or columns of
    /// very different size is scaled before.
    ///
    /// # Errors
    /// Fill far beyond the prediction; a limit of time or memory.
    pub fn factor(&self, pattern: &Pattern, values: &[f64]) -> Result<Option<(Factors, Trust)>> {
        let scaling = Equilibration::of(pattern, values).map(Arc::new);
        let scaled = scaling.as_ref().map(|s| s.apply(pattern, values));
        let values = scaled.as_deref().unwrap_or(values);
        let numeric = match &self.0 {
            Symbolic::Supernodal(analysis) => analysis.factor(values).map(Numeric::Supernodal),
            Symbolic::LeftLooking(known) => {
                let orders = match known.get() {
                    Some(orders) => orders,
                    None => {
                        let new = Orders::new(pattern, values)?;
                        known.get_or_init(|| new)
                    }
                };
                orders.factor(pattern, values)?.map(|factors| Numeric::LeftLooking(Arc::new(factors)))
            }
        };
        let Some(numeric) = numeric else { return Ok(None) };
        let plain = Factors { numeric, scaling: None };
        let trust = if plain.returns_known_solutions(pattern, values) {
            Some(Trust::Regular)
        } else {
            plain.leaves_small_residuals(pattern, values).then_some(Trust::Residual)
        };
        Ok(trust.map(|trust| (Factors { scaling, ..plain }, trust)))
    }

    /// Factors of a matrix that is not singular to working precision.
    ///
    /// # Errors
    /// As for [`factor`](Self::factor).
    pub fn regular(&self, pattern: &Pattern, values: &[f64]) -> Result<Option<Factors>> {
        let factors = self.factor(pattern, values)?;
        Ok(factors.filter(|(_, trust)| *trust == Trust::Regular).map(|(factors, _)| factors))
    }
}

/// Whether so many diagonal entries are weak that rows should be matched with columns.
pub(crate) fn has_weak_diagonal(pattern: &Pattern, values: &[f64]) -> bool {
    has_diagonal_below(WEAK.0, pattern, values)
}

/// Whether many diagonal entries are less than this share of the largest entry of their row.
pub(crate) fn has_diagonal_below(share: f64, pattern: &Pattern, values: &[f64]) -> bool {
    let is_weak = |i: usize| {
        let largest = values[pattern.row(i)].iter().fold(0.0f64, |m, v| m.max(v.abs()));
        pattern.find(i, i).is_none_or(|p| values[p].abs() < share * largest)
    };
    (0..pattern.rows()).filter(|&i| is_weak(i)).count() as f64 > WEAK.1 * pattern.rows() as f64
}

/// Whether a row or column is far longer than the others.
fn has_long_lines(pattern: &Pattern) -> bool {
    let mut columns = vec![0usize; pattern.cols()];
    pattern.col_idx().iter().for_each(|&j| columns[j as usize] += 1);
    let rows = (0..pattern.rows()).map(|i| pattern.row(i).len());
    let longest = rows.chain(columns).max().unwrap_or(0);
    longest > LONG * (pattern.nnz() / pattern.rows().max(1)).max(10)
}

/// Values of both signs for tests of the factors.
pub(super) fn rough(length: usize) -> Vec<f64> {
    (0..length).map(|q| ((q as f64 + 1.0) * 1.618).sin()).collect()
}

impl Factors {
    /// Whether two rough solutions come back.
    fn returns_known_solutions(&self, pattern: &Pattern, values: &[f64]) -> bool {
        let known = rough(2 * pattern.rows());
        let mut x = vec![0.0; known.len()];
        Cpu.spmv(1.0, View::new(pattern, values), &known, 0.0, &mut x, 2);
        self.solve(&mut x, 2, false);
        x.iter().zip(&known).all(|(x, y)| (x - y).abs() < 1e-4)
    }

    /// Whether x of a rough solution satisfies its equations: ‖b − A x‖∞ ≤ 10⁻⁶ ‖b‖∞.
    fn leaves_small_residuals(&self, pattern: &Pattern, values: &[f64]) -> bool {
        let known = rough(pattern.rows());
        let mut b = vec![0.0; known.len()];
        Cpu.spmv(1.0, View::new(pattern, values), &known, 0.0, &mut b, 1);
        let (mut x, mut r) = (b.clone(), vec![0.0; b.len()]);
        self.solve(&mut x, 1, false);
        Cpu.residual(View::new(pattern, values), &b, &x, &mut r, 1);
        let largest =
            |v: &[f64]| v.iter().fold(0.0f64, |m, v| if v.is_nan() { f64::INFINITY } else { m.max(v.abs()) });
        largest(&r) <= 1e-6 * largest(&b)
    }

    /// x ← A⁻¹ x or A⁻ᵀ x for a row-major block of `k` columns.
    pub fn solve(&self, x: &mut [f64], k: usize, transposed: bool) {
        match &self.scaling {
            None => self.substitute(x, k, transposed),
            Some(scaling) => {
                let (before, after) = match transposed {
                    false => (&scaling.rows, &scaling.columns),
                    true => (&scaling.columns, &scaling.rows),
                };
                scale_rows(before, x, k);
                self.substitute(x, k, transposed);
                scale_rows(after, x, k);
            }
        }
    }

    /// Entries of left-looking factors; `None` for supernodal ones, whose size the library does not tell.
    pub fn entries(&self) -> Option<usize> {
        match &self.numeric {
            Numeric::LeftLooking(factors) => Some(factors.entries()),
            Numeric::Supernodal(_) => None,
        }
    }

    fn substitute(&self, x: &mut [f64], k: usize, transposed: bool) {
        match &self.numeric {
            Numeric::LeftLooking(factors) => factors.solve(x, k, transposed),
            Numeric::Supernodal(factors) => factors.solve(x, k, transposed),
        }
    }
}
