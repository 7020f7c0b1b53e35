//! Left-looking sparse LU with symmetric pruning, which can be stopped: for matrices with long rows or columns, as in circuits.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::limits;
use crate::sparse::Pattern;

/// The diagonal entry is the pivot if it is at least this share of the largest candidate: the order is made for it. Sparse LU for
/// circuits takes a thousandth (Davis and Palamadai Natarajan 2010); solutions are refined.
const PREFERENCE: f64 = 0.01;
/// The factors may have this many times the entries of the prediction: first in one order after another, then again with
/// more. The second number has a least value.
const SURPLUS: [f64; 2] = [4.0, 10.0];
const LEAST: f64 = 1e6;
/// Columns between checks of the limits.
const CHECKED: usize = 64;
/// Marks a row without a pivot.
const NONE: u32 = u32::MAX;

/// Sparse columns that grow at the end.
#[derive(Debug, Default)]
struct Columns {
    ptr: Vec<usize>,
    rows: Vec<u32>,
    values: Vec<f64>,
}

impl Columns {
    fn new() -> Self {
        Self { ptr: vec![0], ..Self::default() }
    }

    fn push(&mut self, row: u32, value: f64) {
        self.rows.push(row);
        self.values.push(value);
    }

    fn close(&mut self) {
        self.ptr.push(self.rows.len());
    }

    /// Puts the entries of column j whose rows have a pivot first; returns the end of that part.
    fn partition(&mut self, j: usize, place: &[u32]) -> usize {
        let mut end = self.ptr[j];
        for p in self.ptr[j]..self.ptr[j + 1] {
            if place[self.rows[p] as usize] != NONE {
                self.rows.swap(end, p);
                self.values.swap(end, p);
                end += 1;
            }
        }
        end
    }

    fn column(&self, j: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let range = self.ptr[j]..self.ptr[j + 1];
        self.rows[range.clone()].iter().map(|&i| i as usize).zip(self.values[range].iter().copied())
    }
}

/// P Aᵀ Q = L U + F, with ones on the diagonal of L (Gilbert and Peierls 1988). L and U are block diagonal, and F has the entries
/// above the diagonal blocks of a block triangular form, which need no elimination (Davis and Palamadai Natarajan 2010).
#[derive(Debug)]
pub(super) struct LeftLooking {
    /// The end of every block.
    blocks: Vec<u32>,
    /// F by columns, with rows in the order of the pivots.
    outside: Columns,
    /// L below the diagonal, U above it, by columns, with rows in the order of the pivots.
    lower: Columns,
    upper: Columns,
    pivots: Vec<f64>,
    /// The column of A of each pivot, and the row of A that is eliminated with it.
    columns: Vec<u32>,
    rows: Vec<u32>,
}

/// The end of a factorisation.
enum Ended {
    Factored(Box<LeftLooking>),
    /// A pivot is zero or not finite.
    Singular,
    /// There are too many entries.
    Filled,
}

impl LeftLooking {
    /// Factors a square matrix in the first of these two orders of its rows that keeps the fill low. In both, the rows of a block
    /// follow each other, and have entries in the columns of their own and of former blocks only. The pivot is the diagonal
    /// entry unless another candidate is a hundred times larger. `None` if a pivot is zero or not finite. Cost: proportional to
    /// the multiplications.
    ///
    /// # Errors
    /// Factors beyond ten times the predicted number of entries; a [limit](crate::Limits).
    pub fn new<'o>(
        pattern: &Pattern,
        values: &[f64],
        orders: &dyn Fn(usize) -> Result<&'o [u32]>,
        blocks: &[u32],
        predicted: f64,
    ) -> Result<Option<Self>> {
        let more = (SURPLUS[1] * predicted).max(LEAST);
        for most in [SURPLUS[0] * predicted, more] {
            for number in 0..2 {
                match Self::in_order((pattern, values), orders(number)?, blocks, most as usize)? {
                    Ended::Factored(factors) => return Ok(Some(*factors)),
                    Ended::Singular => return Ok(None),
                    Ended::Filled => {}
                }
            }
        }
        Err(Error::unsuited(format!(
            "the sparse factors grow beyond {} times the predicted {predicted:.0e} entries, because pivots lie far from the diagonal",
            SURPLUS[1]
        )))
    }

    /// Entries of L, U and F.
    pub fn entries(&self) -> usize {
        self.lower.rows.len() + self.upper.rows.len() + self.outside.rows.len() + self.pivots.len()
    }

    /// Factors of at most `most` entries.
    fn in_order(
        (pattern, values): (&Pattern, &[f64]),
        order: &[u32],
        blocks: &[u32],
        most: usize,
    ) -> Result<Ended> {
        let n = pattern.rows();
        let (mut lower, mut upper, mut pivots) = (Columns::new(), Columns::new(), Vec::with_capacity(n));
        let mut outside = Columns::new();
        let (mut block, mut first) = (0, 0);
        let mut place = vec![NONE; n];
        let mut chosen = Vec::with_capacity(n);
        let mut x = vec![0.0; n];
        let mut search = Search::new(n);
        for (k, &row) in order.iter().enumerate() {
            if k % CHECKED == 0 {
                limits::check()?;
            }
            if blocks[block] == k as u32 {
                (block, first) = (block + 1, k as u32);
            }
            let is_outside = |i: u32| place[i as usize] < first;
            let range = pattern.row(row as usize);
            let own = pattern.row_cols(row as usize).iter().copied().filter(|&i| !is_outside(i));
            let reached = search.reach(k as u32, own, &place, &lower);
            for (&i, &v) in pattern.col_idx()[range.clone()].iter().zip(&values[range]) {
                if is_outside(i) {
                    outside.push(place[i as usize], v);
                } else {
                    x[i as usize] += v;
                }
            }
            outside.close();
            let mut largest = (0.0f64, NONE);
            for &i in reached.iter().rev() {
                let (pivot, value) = (place[i as usize], x[i as usize]);
                if pivot == NONE {
                    if value.is_nan() || value.abs() > largest.0 {
                        largest = (value.abs(), i);
                    }
                    continue;
                }
                upper.push(pivot, value);
                if value != 0.0 {
                    lower.column(pivot as usize).for_each(|(r, l)| x[r] -= l * value);
                }
            }
            if !(largest.0 > 0.0 && largest.0.is_finite()) {
                return Ok(Ended::Singular);
            }
            let prefers = place[row as usize] == NONE && x[row as usize].abs() >= PREFERENCE * largest.0;
            let pivot = if prefers { row } else { largest.1 };
            let diagonal = x[pivot as usize];
            let mut complete = true;
            for &i in reached {
                let value = std::mem::take(&mut x[i as usize]);
                if place[i as usize] != NONE || i == pivot {
                    continue;
                }
                match value == 0.0 {
                    true => complete = false,
                    false => lower.push(i, value / diagonal),
                }
            }
            place[pivot as usize] = k as u32;
            if complete {
                let above = upper.ptr[k]..upper.rows.len();
                search.prune(upper.rows[above].iter().map(|&j| j as usize), pivot, &place, &mut lower);
            }
            search.ends.push(lower.rows.len());
            pivots.push(diagonal);
            chosen.push(pivot);
            lower.close();
            upper.close();
            if lower.rows.len() + upper.rows.len() + outside.rows.len() > most {
                return Ok(Ended::Filled);
            }
        }
        lower.rows.iter_mut().for_each(|i| *i = place[*i as usize]);
        let (blocks, rows) = (blocks.to_vec(), order.to_vec());
        Ok(Ended::Factored(Box::new(Self { blocks, outside, lower, upper, pivots, columns: chosen, rows })))
    }

    /// The factors of the matrix whose row `rows[i]` is row i of this one.
    pub fn of_rows(mut self, rows: &[u32]) -> Self {
        self.rows.iter_mut().for_each(|i| *i = rows[*i as usize]);
        self
    }

    /// x ← A⁻¹ x or A⁻ᵀ x for a row-major block of `k` columns.
    pub fn solve(&self, x: &mut [f64], k: usize, transposed: bool) {
        let mut own = vec![0.0; self.pivots.len()];
        let (before, after) = match transposed {
            false => (&self.rows, &self.columns),
            true => (&self.columns, &self.rows),
        };
        for c in 0..k {
            own.iter_mut().zip(before).for_each(|(v, &i)| *v = x[i as usize * k + c]);
            if transposed {
                self.solve_transposed(&mut own)
            } else {
                self.solve_own(&mut own)
            }
            own.iter().zip(after).for_each(|(v, &i)| x[i as usize * k + c] = *v);
        }
    }

    /// Block after block: Fᵀ, Uᵀ, then Lᵀ.
    fn solve_own(&self, x: &mut [f64]) {
        for block in self.blocks() {
            for k in block.clone() {
                let sum: f64 = self.outside.column(k).map(|(j, f)| f * x[j]).sum();
                x[k] -= sum;
            }
            for k in block.clone() {
                let sum: f64 = self.upper.column(k).map(|(j, u)| u * x[j]).sum();
                x[k] = (x[k] - sum) / self.pivots[k];
            }
            for k in block.rev() {
                let sum: f64 = self.lower.column(k).map(|(i, l)| l * x[i]).sum();
                x[k] -= sum;
            }
        }
    }

    /// Block before block: L, U, then F.
    fn solve_transposed(&self, x: &mut [f64]) {
        for block in self.blocks().rev() {
            for k in block.clone() {
                let known = x[k];
                self.lower.column(k).for_each(|(i, l)| x[i] -= l * known);
            }
            for k in block.clone().rev() {
                x[k] /= self.pivots[k];
                let known = x[k];
                self.upper.column(k).for_each(|(j, u)| x[j] -= u * known);
            }
            for k in block {
                let known = x[k];
                self.outside.column(k).for_each(|(j, f)| x[j] -= f * known);
            }
        }
    }

    fn blocks(&self) -> impl DoubleEndedIterator<Item = Range<usize>> + '_ {
        let start = |b: usize| if b == 0 { 0 } else { self.blocks[b - 1] as usize };
        (0..self.blocks.len()).map(move |b| start(b)..self.blocks[b] as usize)
    }
}

/// Depth-first search in the graph of L.
struct Search {
    /// The last column that reached a row.
    seen: Vec<u32>,
    /// Where the search of every column ends.
    ends: Vec<usize>,
    /// Rows on the path, with the next entry of each.
    path: Vec<(u32, usize)>,
    /// The rows that were reached, each after those that depend on it.
    reached: Vec<u32>,
}

impl Search {
    fn new(n: usize) -> Self {
        Self { seen: vec![NONE; n], ends: Vec::with_capacity(n), path: Vec::new(), reached: Vec::new() }
    }

    /// Shortens the search (Eisenstat and Liu 1992): a column that updated the last one and has an entry in its pivot row has
    /// no other rows without a pivot than the last column, if no entry of that one has vanished.
    fn prune(
        &mut self,
        updates: impl Iterator<Item = usize>,
        pivot: u32,
        place: &[u32],
        lower: &mut Columns,
    ) {
        for j in updates {
            let own = lower.ptr[j]..lower.ptr[j + 1];
            if self.ends[j] == own.end && lower.rows[own].contains(&pivot) {
                self.ends[j] = lower.partition(j, place);
            }
        }
    }

    /// The rows that are nonzero in column k after elimination.
    fn reach(&mut self, k: u32, start: impl Iterator<Item = u32>, place: &[u32], lower: &Columns) -> &[u32] {
        self.reached.clear();
        let first =
            |i: u32| if place[i as usize] == NONE { 0 } else { lower.ptr[place[i as usize] as usize] };
        for root in start {
            if self.seen[root as usize] == k {
                continue;
            }
            self.seen[root as usize] = k;
            self.path.push((root, first(root)));
            while let Some((i, next)) = self.path.last_mut() {
                let pivot = place[*i as usize];
                let end = if pivot == NONE { 0 } else { self.ends[pivot as usize] };
                let unseen = (*next..end).find(|&p| self.seen[lower.rows[p] as usize] != k);
                match unseen {
                    Some(p) => {
                        *next = p + 1;
                        let child = lower.rows[p];
                        self.seen[child as usize] = k;
                        self.path.push((child, first(child)));
                    }
                    None => {
                        self.reached.push(*i);
                        self.path.pop();
                    }
                }
            }
        }
        &self.reached
    }
}

#[cfg(test)]
#[path = "left_looking_tests.rs"]
mod tests;
