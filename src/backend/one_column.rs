//! Kernels for one vector (k = 1), in which the cost of an entry is not shared with other columns.
//!
//! If row lengths are predictable, as on a grid, rows of up to nine entries run through loops of constant
//! length, and sums are taken in the order of the entries: the bits are those of the plain loop. If they are
//! not, as in a prolongation, jumps cost more than entries: rows are processed in windows of four that are
//! added up together, and entries of a window beyond the row count as zero. Long rows are always processed in
//! windows, so that one addition in four waits for another. The choice depends on the pattern alone.
//!
//! # Reasons for `unsafe`
//!
//! A bounds check per entry costs 28 % of a product in single precision out of cache (5-point matrix of 10⁶
//! rows: 6.6 ms with checks, 4.8 ms without, where reading the matrix alone takes 4.5 ms) and 50 % in cache.
//! In a substitution with nine entries a row it costs 12 % more (2.8 ms against 2.5 ms for 512² rows in
//! single precision). The checked conditions are asserted once per call: the structure of a
//! [`Pattern`](crate::sparse::Pattern) is checked by every constructor and is immutable (row pointers ascend
//! from zero to the number of entries, columns lie below `cols`), and the lengths of `values` and `x` are
//! compared with it here; for substitutions, row by row, the range of entries too. `.ci/miri` runs the tests below
//! under Miri.
#![allow(unsafe_code)]

use std::ops::Range;
use std::slice;

use super::View;
use crate::sparse::Scalar;

/// y ← A x for rows from `first` on of N vectors: an entry is read once for all of them. Sums are in the order of the
/// entries.
#[inline(always)]
pub fn row_products_of<T: Scalar, const N: usize>(
    a: View<'_, T>,
    xs: [&[T]; N],
    first: usize,
    mut ys: [&mut [T]; N],
) {
    let pattern = a.pattern;
    let rows = ys.first().map_or(0, |y| y.len());
    assert!(
        a.values.len() == pattern.nnz()
            && xs.iter().all(|x| x.len() >= pattern.cols())
            && ys.iter().all(|y| y.len() == rows),
        "lengths of a product"
    );
    let ends = &pattern.row_ptr()[first + 1..=first + rows];
    let mut start = pattern.row_ptr()[first] as usize;
    let (columns, values) = (pattern.col_idx(), a.values);
    for (local, &end) in ends.iter().enumerate() {
        let mut sums = [T::ZERO; N];
        for q in start..end as usize {
            // SAFETY: q is below the number of entries, the length of both arrays, by the invariant of the pattern; the
            // column is below `cols`, at most the length of every x.
            unsafe {
                let (j, v) = (*columns.get_unchecked(q) as usize, *values.get_unchecked(q));
                sums.iter_mut().zip(xs).for_each(|(sum, x)| *sum += v * *x.get_unchecked(j));
            }
        }
        ys.iter_mut().zip(sums).for_each(|(y, sum)| y[local] = sum);
        start = end as usize;
    }
}

/// [`row_products`](super::stencils::row_products) of a matrix whose rows differ.
#[inline(always)]
pub(super) fn products<T: Scalar, const RAGGED: bool>(
    a: View<'_, T>,
    x: &[T],
    first: usize,
    y: &mut [T],
    emit: &impl Fn(usize, &mut [T], &[T]),
) {
    let pattern = a.pattern;
    assert!(a.values.len() == pattern.nnz() && x.len() >= pattern.cols(), "lengths of a product");
    let ends = &pattern.row_ptr()[first + 1..=first + y.len()];
    let mut start = pattern.row_ptr()[first] as usize;
    let (columns, values, nnz) = (pattern.col_idx(), a.values, pattern.nnz());
    // SAFETY: callers ensure `q < nnz`, which is the length of both arrays, by the invariant of the pattern
    // that no row ends beyond it. The column is below `cols`, the length of `x`.
    let term = |q: usize| unsafe {
        let j = *columns.get_unchecked(q) as usize;
        *values.get_unchecked(q) * *x.get_unchecked(j)
    };
    for ((local, y), &end) in y.iter_mut().enumerate().zip(ends) {
        let end = end as usize;
        // Four entries from q on, those from `end` on replaced by zeros; q + 4 ≤ nnz.
        let window = |q: usize| {
            let terms = [term(q), term(q + 1), term(q + 2), term(q + 3)];
            let part = |l: usize| if q + l < end { terms[l] } else { T::ZERO };
            (terms[0] + part(1)) + (part(2) + part(3))
        };
        let in_order = |from: usize, sum: T| (from..end).fold(sum, |sum, q| sum + term(q));
        macro_rules! constant {
            ($length:literal) => {
                (0..$length).fold(T::ZERO, |sum, q| sum + term(start + q))
            };
        }
        let sum = if RAGGED && end + 4 <= nnz {
            match end - start {
                0 => T::ZERO,
                1..=4 => window(start),
                5..=8 => window(start) + window(start + 4),
                _ => (start..end).step_by(4).fold(T::ZERO, |sum, q| sum + window(q)),
            }
        } else {
            match end - start {
                1 => constant!(1),
                2 => constant!(2),
                3 => constant!(3),
                4 => constant!(4),
                5 => constant!(5),
                6 => constant!(6),
                7 => constant!(7),
                8 => constant!(8),
                9 => constant!(9),
                length => {
                    let whole = start + length / 4 * 4;
                    let sum = (start..whole).step_by(4).fold(T::ZERO, |sum, q| {
                        sum + ((term(q) + term(q + 1)) + (term(q + 2) + term(q + 3)))
                    });
                    in_order(whole, sum)
                }
            }
        };
        emit(first + local, slice::from_mut(y), &[sum]);
        start = end;
    }
}

/// The rows of a square matrix split at their diagonals, for substitutions and sweeps over one vector.
#[derive(Clone, Copy)]
pub struct SplitRows<'a, T> {
    row_ptr: &'a [u32],
    splits: &'a [u32],
    columns: &'a [u32],
    values: &'a [T],
    /// Columns of the matrix.
    width: usize,
}

impl<'a, T: Scalar> SplitRows<'a, T> {
    pub fn new(a: View<'a, T>) -> Self {
        let pattern = a.pattern;
        assert!(a.values.len() == pattern.nnz(), "values of a matrix");
        Self {
            row_ptr: pattern.row_ptr(),
            splits: pattern.splits(),
            columns: pattern.col_idx(),
            values: a.values,
            width: pattern.cols(),
        }
    }

    /// The entries of row `i` left of the diagonal without that of column i − 1, which is returned second
    /// (zero if there is none).
    #[inline(always)]
    pub fn below(&self, i: usize) -> (Range<usize>, T) {
        let (start, end) = (self.row_ptr[i] as usize, self.splits[i] as usize);
        if start < end && self.columns[end - 1] as usize + 1 == i {
            (start..end - 1, self.values[end - 1])
        } else {
            (start..end, T::ZERO)
        }
    }

    /// The entries of row `i` right of the diagonal without that of column i + 1, which is returned second,
    /// and the diagonal (each zero if there is none).
    #[inline(always)]
    pub fn above(&self, i: usize) -> (Range<usize>, T, T) {
        let (mut start, end) = (self.splits[i] as usize, self.row_ptr[i + 1] as usize);
        let (mut near, mut diagonal) = (T::ZERO, T::ZERO);
        if start < end && self.columns[start] as usize == i {
            diagonal = self.values[start];
            start += 1;
        }
        if start < end && self.columns[start] as usize == i + 1 {
            near = self.values[start];
            start += 1;
        }
        (start..end, near, diagonal)
    }

    /// `sum` − Σ v x(j) over these entries.
    #[inline(always)]
    pub fn subtract(&self, entries: Range<usize>, x: &[T], mut sum: T) -> T {
        assert!(entries.end <= self.columns.len() && x.len() >= self.width, "lengths of a sweep");
        let term = |q: usize| {
            // SAFETY: `q` lies below the length of both arrays (that of the values was compared with that of
            // the columns in `new`); the column is below `width`, the length of `x`.
            unsafe {
                let j = *self.columns.get_unchecked(q) as usize;
                *self.values.get_unchecked(q) * *x.get_unchecked(j)
            }
        };
        // Pairs, to shorten the chain of additions.
        let mut q = entries.start;
        while q + 1 < entries.end {
            sum -= term(q) + term(q + 1);
            q += 2;
        }
        if q < entries.end {
            sum -= term(q);
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::super::stencils::row_products;
    use super::*;
    use crate::sparse::Csr;

    /// A square matrix whose rows have these numbers of entries. All values are small whole numbers: sums in any order
    /// are equal.
    fn matrix(lengths: &[usize]) -> Csr<f64> {
        let n = lengths.len();
        let row = |(i, &length): (usize, &usize)| {
            let first = 5 * i % (n - length + 1);
            (0..length).map(move |q| (i, first + q, 1.0 + ((3 * i + 7 * q) % 5) as f64))
        };
        Csr::from_triplets(n, n, &lengths.iter().enumerate().flat_map(row).collect::<Vec<_>>()).unwrap()
    }

    /// Rows of equal length, for each length; and rows of all lengths, whose last ones are full or empty.
    fn matrices() -> Vec<Csr<f64>> {
        let equal = (0..14).map(|length| vec![length; 14]);
        let mixed = [0, 2, 5].map(|shift| (0..14).map(|i| (5 * i + shift) % 14).collect());
        equal.chain(mixed).map(|lengths: Vec<usize>| matrix(&lengths)).collect()
    }

    #[test]
    fn sums_of_rows_of_every_length() {
        let matrices = matrices();
        assert_eq!(matrices.iter().filter(|a| a.pattern().is_ragged()).count(), 3);
        for a in &matrices {
            let n = a.rows();
            let xs =
                [0, 4].map(|shift| (0..n).map(|i| ((i * i + shift) % 7) as f64 - 3.0).collect::<Vec<_>>());
            let plain = xs
                .each_ref()
                .map(|x| (0..n).map(|i| a.row(i).map(|(j, v)| v * x[j]).sum::<f64>()).collect::<Vec<_>>());
            for first in [0, 11, n] {
                let mut y = vec![0.0; n - first];
                row_products(a.into(), &xs[0], first, &mut y, |i, y, sums| y[0] = sums[0] + i as f64);
                assert!((first..n).all(|i| y[i - first] == plain[0][i] + i as f64));

                let mut ys = [(); 2].map(|()| vec![0.0; n - first]);
                let parts = ys.each_mut().map(|y| &mut **y);
                row_products_of(a.into(), xs.each_ref().map(|x| &**x), first, parts);
                assert!(ys.iter().zip(&plain).all(|(y, plain)| *y == plain[first..]));
            }
            let (rows, x) = (SplitRows::new(a.into()), &xs[0]);
            for i in 0..n {
                let ((below, left), (above, right, diagonal)) = (rows.below(i), rows.above(i));
                let near = left * x[i.saturating_sub(1)] + diagonal * x[i] + right * x[(i + 1).min(n - 1)];
                let far = rows.subtract(above, x, rows.subtract(below, x, 1.0));
                assert_eq!(far - near, 1.0 - plain[0][i]);
            }
        }
    }

    fn refused<R>(call: impl FnOnce() -> R) {
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).is_err());
    }

    /// What the unchecked accesses rely on.
    #[test]
    fn lengths_that_do_not_fit_are_refused() {
        for lengths in [vec![4; 20], (0..20).map(|i| i % 5).collect()] {
            let a = matrix(&lengths);
            let (view, x) = (View::from(&a), vec![0.0; 20]);
            let short = View { values: &a.values()[1..], ..view };
            for (view, x, first) in [(short, &x[..], 0), (view, &x[1..], 0), (view, &x, 1)] {
                let mut y = vec![0.0; 20];
                refused(|| row_products(view, x, first, &mut y, |_, _, _| ()));
                refused(|| row_products_of(view, [&[0.0; 20], x], first, [&mut y, &mut [0.0; 20]]));
            }
            refused(|| row_products_of(view, [&x, &x], 0, [&mut [0.0; 20], &mut [0.0; 19]]));
            refused(|| SplitRows::new(short));
            refused(|| SplitRows::new(view).subtract(0..1, &x[1..], 0.0));
            refused(|| SplitRows::new(view).subtract(0..a.nnz() + 1, &x, 0.0));
        }
    }
}
