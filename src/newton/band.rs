//! Banded matrices.

use crate::error::{Error, Result};

/// Rows of entries i − lower … i + upper.
#[derive(Debug, Clone, PartialEq)]
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

    /// y ← A⁻¹ y by elimination with row interchanges, in place.
    pub(super) fn solve(self, y: &mut [f64]) -> Result<()> {
        if self.lower == 0 && self.upper == 0 {
            return self.divide(y);
        }
        let (n, lower) = (self.n, self.lower);
        // Interchanges widen the upper part by `lower`; row i starts at column max(i − lower, 0) at first, and at
        // column k once k pivots are eliminated.
        let reach = lower + self.upper;
        let width = reach + 1;
        let mut rows = vec![0.0; n * width];
        let fill = |i: usize, rows: &mut [f64]| {
            let (_, row) = self.row(i);
            rows[i * width..i * width + row.len()].copy_from_slice(row);
        };
        (0..n.min(lower + 1)).for_each(|i| fill(i, &mut rows));
        for k in 0..n {
            // Rows k … last start at column k.
            let last = (k + lower).min(n - 1);
            if k > 0 && k + lower < n {
                fill(last, &mut rows);
            }
            let pivot = (k..=last)
                .max_by(|&a, &b| rows[a * width].abs().total_cmp(&rows[b * width].abs()))
                .unwrap_or(k);
            let value = rows[pivot * width];
            if value == 0.0 || !value.is_finite() {
                return Err(Error::singular(format!("column {} has no pivot", k + 1)));
            }
            if pivot != k {
                let (top, bottom) = rows.split_at_mut(pivot * width);
                top[k * width..(k + 1) * width].swap_with_slice(&mut bottom[..width]);
                y.swap(k, pivot);
            }
            let (head, tail) = rows.split_at_mut((k + 1) * width);
            let own = &head[k * width..];
            for i in k + 1..=last {
                let row = &mut tail[(i - k - 1) * width..(i - k) * width];
                let factor = row[0] / value;
                for c in 1..width {
                    row[c - 1] = row[c] - factor * own[c];
                }
                row[width - 1] = 0.0;
                y[i] -= factor * y[k];
            }
        }
        for k in (0..n).rev() {
            let row = &rows[k * width..(k + 1) * width];
            let known = &y[k + 1..n.min(k + width)];
            let sum: f64 = row[1..].iter().zip(known).map(|(a, y)| a * y).sum();
            y[k] = (y[k] - sum) / row[0];
        }
        Ok(())
    }

    fn divide(self, y: &mut [f64]) -> Result<()> {
        for (i, (y, d)) in y.iter_mut().zip(&self.values).enumerate() {
            if *d == 0.0 || !d.is_finite() {
                return Err(Error::singular(format!("entry {} of the diagonal is {d}", i + 1)));
            }
            *y /= d;
        }
        Ok(())
    }
}
