//! Banded matrices.

use super::tridiagonal;
use crate::error::{Error, Result};

/// Buffers of factorisations, used again from layer to layer.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    /// The factors.
    rows: Vec<f64>,
    /// The largest entry of every column of A.
    columns: Vec<f64>,
}

/// A pivot smaller than this share of the largest entry of its column calls for a test of singularity.
const SUSPICIOUS: f64 = 1e-8;

/// Rows of entries i − lower … i + upper.
#[derive(Debug, Clone)]
pub(super) struct Band {
    n: usize,
    lower: usize,
    upper: usize,
    /// n rows of lower + upper + 1 entries; those outside of the matrix are zero.
    values: Vec<f64>,
}

impl Band {
    pub(super) fn zeros(n: usize, lower: usize, upper: usize) -> Self {
        let (lower, upper) = (lower.min(n.saturating_sub(1)), upper.min(n.saturating_sub(1)));
        Self { n, lower, upper, values: vec![0.0; n * (lower + upper + 1)] }
    }

    pub(super) fn widths(&self) -> (usize, usize) {
        (self.lower, self.upper)
    }

    pub(super) fn order(&self) -> usize {
        self.n
    }

    fn width(&self) -> usize {
        self.lower + self.upper + 1
    }

    pub(super) fn is_diagonal(&self) -> bool {
        self.width() == 1
    }

    /// The diagonal of a diagonal matrix; all stored entries, by rows, of another.
    pub(super) fn values(&self) -> &[f64] {
        &self.values
    }

    pub(super) fn set(&mut self, i: usize, j: usize, value: f64) {
        let at = i * self.width() + j + self.lower - i;
        self.values[at] = value;
    }

    pub(super) fn get(&self, i: usize, j: usize) -> f64 {
        if j + self.lower < i || j > i + self.upper {
            return 0.0;
        }
        self.values[i * self.width() + j + self.lower - i]
    }

    /// First column of row i, and its entries.
    pub(super) fn row(&self, i: usize) -> (usize, &[f64]) {
        let (first, last) = (i.saturating_sub(self.lower), (i + self.upper).min(self.n - 1));
        let start = i * self.width() + first + self.lower - i;
        (first, &self.values[start..start + last - first + 1])
    }

    /// Whether the band of A B leaves a part of the matrix zero.
    pub(super) fn product_is_narrow(&self, b: &Self) -> bool {
        self.width() + b.width() <= self.n
    }

    /// A B.
    pub(super) fn times(&self, b: &Self) -> Self {
        let mut c = Self::zeros(self.n, self.lower + b.lower, self.upper + b.upper);
        let (width, lower) = (c.width(), c.lower);
        for i in 0..self.n {
            let (first, row) = self.row(i);
            for (k, &a) in (first..).zip(row) {
                let (from, other) = b.row(k);
                let start = i * width + from + lower - i;
                c.values[start..start + other.len()].iter_mut().zip(other).for_each(|(c, b)| *c += a * b);
            }
        }
        c
    }

    /// Multiplies row i by d(i).
    pub(super) fn scale_rows(&mut self, d: &[f64]) {
        let width = self.width();
        for (row, d) in self.values.chunks_exact_mut(width).zip(d) {
            row.iter_mut().for_each(|v| *v *= d);
        }
    }

    /// Multiplies column j by d(j).
    pub(super) fn scale_columns(&mut self, d: &[f64]) {
        let (width, lower) = (self.width(), self.lower);
        for (i, row) in self.values.chunks_exact_mut(width).enumerate() {
            let skip = lower.saturating_sub(i);
            row[skip..].iter_mut().zip(&d[(i + skip) - lower..]).for_each(|(v, d)| *v *= d);
        }
    }

    /// y ← A y.
    fn multiply(&self, y: &mut [f64]) {
        let x = y.to_vec();
        for (i, y) in y.iter_mut().enumerate() {
            let (first, row) = self.row(i);
            *y = row.iter().zip(&x[first..]).map(|(a, x)| a * x).sum();
        }
    }

    /// y ← A⁻¹ y by elimination with row interchanges.
    ///
    /// # Errors
    /// A matrix that is singular to working precision, or not finite.
    pub(super) fn solve(&self, y: &mut [f64], work: &mut Workspace) -> Result<()> {
        if self.is_diagonal() {
            return self.divide(y);
        }
        if (self.lower, self.upper) == (1, 1) && tridiagonal::solve(&self.values, y, &mut work.rows) {
            return Ok(());
        }
        let smallest = self.eliminate(y, work)?;
        if smallest < SUSPICIOUS {
            check_known(self.n, |x| {
                self.multiply(x);
                self.eliminate(x, work).map(|_| ())
            })?;
        }
        Ok(())
    }

    /// Gaussian elimination with partial pivoting. Returns the least ratio of a pivot to the largest entry of its column.
    fn eliminate(&self, y: &mut [f64], work: &mut Workspace) -> Result<f64> {
        // Interchanges widen the upper part by `lower`.
        let (n, lower, upper) = (self.n, self.lower, self.upper);
        let (own, width) = (self.width(), self.width() + lower);
        let Workspace { rows, columns } = work;
        rows.clear();
        rows.resize(n * width, 0.0);
        columns.clear();
        columns.resize(n, 0.0);
        for (i, (row, values)) in rows.chunks_exact_mut(width).zip(self.values.chunks_exact(own)).enumerate()
        {
            row[..own].copy_from_slice(values);
            let (first, row) = self.row(i);
            columns[first..].iter_mut().zip(row).for_each(|(c, v)| *c = c.max(v.abs()));
        }
        let (mut smallest, mut last_column) = (f64::INFINITY, 0);
        for k in 0..n {
            let last = (k + lower).min(n - 1);
            // Entry (i, k) of the rows that are left.
            let at = |i: usize| i * width + k + lower - i;
            let mut pivot = k;
            for i in k + 1..=last {
                if rows[at(i)].abs() > rows[at(pivot)].abs() {
                    pivot = i;
                }
            }
            let value = rows[at(pivot)];
            if value == 0.0 || !value.is_finite() {
                let what = if value == 0.0 { "has no pivot" } else { "has entries that are not finite" };
                return Err(Error::singular(format!("column {} {what}", k + 1)));
            }
            smallest = smallest.min(value.abs() / columns[k]);
            last_column = last_column.max((pivot + upper).min(n - 1));
            let count = last_column - k + 1;
            let split = (k + 1) * width;
            let (head, tail) = rows.split_at_mut(split);
            let top = &mut head[at(k)..at(k) + count];
            if pivot != k {
                top.swap_with_slice(&mut tail[at(pivot) - split..at(pivot) - split + count]);
                y.swap(k, pivot);
            }
            let known = y[k];
            for i in k + 1..=last {
                let row = &mut tail[at(i) - split..at(i) - split + count];
                if row[0] != 0.0 {
                    let factor = row[0] / value;
                    row[1..].iter_mut().zip(&top[1..]).for_each(|(r, t)| *r -= factor * t);
                    y[i] -= factor * known;
                }
            }
        }
        let reach = lower + upper;
        for k in (0..n).rev() {
            let row = &rows[k * width + lower..(k + 1) * width];
            let known = &y[k + 1..n.min(k + reach + 1)];
            let sum: f64 = row[1..].iter().zip(known).map(|(a, y)| a * y).sum();
            y[k] = (y[k] - sum) / row[0];
        }
        Ok(smallest)
    }

    fn divide(&self, y: &mut [f64]) -> Result<()> {
        for (i, (y, d)) in y.iter_mut().zip(&self.values).enumerate() {
            if *d == 0.0 || !d.is_finite() {
                return Err(Error::singular(format!("entry {} of the diagonal is {d}", i + 1)));
            }
            *y /= d;
        }
        Ok(())
    }
}

/// Solves with a right-hand side whose solution is known; `solve_product` replaces x by A⁻¹ (A x). A factorisation of a
/// singular matrix ends with tiny pivots instead of zeros, and returns another x.
///
/// # Errors
/// A solution without a correct digit: a matrix that is singular to working precision.
pub(super) fn check_known(n: usize, mut solve_product: impl FnMut(&mut [f64]) -> Result<()>) -> Result<()> {
    for phase in [1.618, 2.414] {
        let known: Vec<f64> = (1..=n).map(|i| (i as f64 * phase).sin()).collect();
        let mut x = known.clone();
        solve_product(&mut x)?;
        // The negation rejects a solution that is not a number, too.
        if !x.iter().zip(&known).all(|(x, y)| (x - y).abs() < 1e-2) {
            return Err(Error::singular("it is singular to working precision"));
        }
    }
    Ok(())
}
