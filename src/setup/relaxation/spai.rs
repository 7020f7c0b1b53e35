//! Sparse approximate inverses on a pattern.

use std::sync::Arc;

use super::check_square;
use crate::error::{Error, Result};
use crate::parallel;
use crate::sparse::rows::Pool;
use crate::sparse::{Csr, Pattern};

/// Pivot, relative to its diagonal entry, below which the normal equations are shifted.
const PIVOT: f64 = 1e-13;

/// The shift, relative to the diagonal.
const SHIFT: f64 = 1e-10;

/// Rows per task.
const ROWS: usize = 256;

/// SPAI-1: the M with the pattern of A that minimises ‖I − M A‖_F (Grote and Huckle 1997
/// with a fixed pattern; Bröker and Grote 2002 as a smoother).
///
/// The rows are independent: with J the columns of row i, its entries m minimise
/// ‖eᵢᵀ − m A(J,:)‖₂ and solve the normal equations A(J,:) A(J,:)ᵀ m = A(J,i), by a dense
/// Cholesky factorisation of size |J| (with a shift of 10⁻¹⁰ of the diagonal where rows of A
/// are dependent). The result shares the pattern of A. M is in general not symmetric, even
/// if A is.
///
/// Cost per row: |J|²/2 sparse products of rows and |J|³/6; rows run in parallel, with the
/// same bits on any number of threads.
///
/// # Errors
/// A matrix that is not square, or an unknown that no row in the pattern of its own row
/// touches, as for an empty row or column (the row is named).
///
/// ```
/// use multigrad::setup::relaxation::spai1;
/// use multigrad::sparse::Csr;
/// // The exact inverse, where the pattern has room for it.
/// let a = Csr::from_triplets(2, 2, &[(0, 0, 2.0), (0, 1, 1.0), (1, 1, 4.0)])?;
/// let m = spai1(&a)?;
/// assert!((m.get(0, 1) + 0.125).abs() < 1e-14);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn spai1(a: &Csr<f64>) -> Result<Csr<f64>> {
    spai(a, a.pattern())
}

/// The M with this pattern (n × n, as A) that minimises ‖I − M A‖_F, as [`spai1`] does for the
/// pattern of A: the wider the pattern, the closer to the inverse.
///
/// # Errors
/// As [`spai1`], and a pattern of other dimensions than A.
pub fn spai(a: &Csr<f64>, pattern: &Arc<Pattern>) -> Result<Csr<f64>> {
    check_square(a)?;
    if (pattern.rows(), pattern.cols()) != (a.rows(), a.cols()) {
        return Err(Error::dimension(format!(
            "a sparse approximate inverse of a {} × {} matrix on a pattern of {} × {}",
            a.rows(),
            a.cols(),
            pattern.rows(),
            pattern.cols()
        )));
    }
    let mut values = vec![0.0; pattern.nnz()];
    let mut pieces = Vec::with_capacity(a.rows().div_ceil(ROWS));
    let mut rest = values.as_mut_slice();
    for first in (0..a.rows()).step_by(ROWS) {
        let rows = first..(first + ROWS).min(a.rows());
        let length = pattern.row(rows.end - 1).end - pattern.row(first).start;
        let (head, tail) = rest.split_at_mut(length);
        pieces.push((rows, head));
        rest = tail;
    }
    let pool = Pool::new(|| Workspace::new(a.rows()));
    let failed: Vec<Option<usize>> = parallel::map(pieces.into_iter(), &|(rows, mut out)| {
        pool.with(|workspace| {
            for i in rows {
                let (row, next) = out.split_at_mut(pattern.row(i).len());
                if !workspace.solve_row(a, pattern, i, row) {
                    return Some(i);
                }
                out = next;
            }
            None
        })
    });
    if let Some(i) = failed.into_iter().flatten().next() {
        return Err(Error::invalid_input(format!(
            "SPAI-1 cannot determine unknown {}: no row that row {} couples to has a usable entry in that column; check for empty rows and columns",
            i + 1,
            i + 1
        )));
    }
    Csr::new(pattern.clone(), values)
}

/// Buffers of one thread.
struct Workspace {
    /// A row of A, spread over all columns; zero between uses.
    spread: Vec<f64>,
    /// The normal equations, lower triangle by rows, and a copy to factor.
    gram: Vec<f64>,
    factor: Vec<f64>,
    rhs: Vec<f64>,
}

impl Workspace {
    fn new(n: usize) -> Self {
        Self { spread: vec![0.0; n], gram: Vec::new(), factor: Vec::new(), rhs: Vec::new() }
    }

    /// The entries of row `i`. Returns false if they vanish or are not finite.
    fn solve_row(&mut self, a: &Csr<f64>, wanted: &Pattern, i: usize, out: &mut [f64]) -> bool {
        let near = wanted.row_cols(i);
        let size = near.len();
        self.gram.clear();
        self.gram.resize(size * size, 0.0);
        self.rhs.clear();
        for (s, &row) in near.iter().enumerate() {
            let (columns, entries) = row_of(a.pattern(), a.values(), row);
            for (&j, &v) in columns.iter().zip(entries) {
                self.spread[j as usize] = v;
            }
            self.rhs.push(self.spread[i]);
            for (t, &other) in near.iter().enumerate().skip(s) {
                let (columns, entries) = row_of(a.pattern(), a.values(), other);
                let product: f64 =
                    columns.iter().zip(entries).map(|(&j, v)| v * self.spread[j as usize]).sum();
                self.gram[t * size + s] = product;
            }
            for &j in columns {
                self.spread[j as usize] = 0.0;
            }
        }
        if self.rhs.iter().all(|&v| v == 0.0) {
            return false;
        }
        for s in 0..size {
            // A zero row of A gets the entry zero: its right-hand side is zero, too.
            let diagonal = &mut self.gram[s * size + s];
            if *diagonal == 0.0 {
                *diagonal = 1.0;
            }
        }
        for shift in [0.0, SHIFT, 1e3 * SHIFT] {
            self.factor.clone_from(&self.gram);
            for s in 0..size {
                self.factor[s * size + s] *= 1.0 + shift;
            }
            if cholesky(&mut self.factor, size) {
                out.copy_from_slice(&self.rhs);
                substitute(&self.factor, out);
                return out.iter().all(|v| v.is_finite());
            }
        }
        false
    }
}

#[inline(always)]
fn row_of<'a>(pattern: &'a Pattern, values: &'a [f64], i: u32) -> (&'a [u32], &'a [f64]) {
    let range = pattern.row(i as usize);
    (&pattern.col_idx()[range.clone()], &values[range])
}

/// Factors a symmetric matrix, lower triangle by rows, in place as L Lᵀ with 1/lᵢᵢ on the
/// diagonal. Returns false if a pivot is not positive to working precision.
fn cholesky(g: &mut [f64], n: usize) -> bool {
    for i in 0..n {
        let (above, row) = g.split_at_mut(i * n);
        for j in 0..i {
            let other = &above[j * n..j * n + j + 1];
            let known: f64 = row[..j].iter().zip(other).map(|(x, y)| x * y).sum();
            row[j] = (row[j] - known) * other[j];
        }
        let original = row[i];
        let pivot = original - row[..i].iter().map(|v| v * v).sum::<f64>();
        if pivot.is_nan() || pivot <= PIVOT * original {
            return false;
        }
        row[i] = 1.0 / pivot.sqrt();
    }
    true
}

/// x ← (L Lᵀ)⁻¹ x.
fn substitute(l: &[f64], x: &mut [f64]) {
    let n = x.len();
    for i in 0..n {
        let known: f64 = l[i * n..i * n + i].iter().zip(&x[..i]).map(|(l, x)| l * x).sum();
        x[i] = (x[i] - known) * l[i * n + i];
    }
    for i in (0..n).rev() {
        x[i] *= l[i * n + i];
        let known = x[i];
        x[..i].iter_mut().zip(&l[i * n..i * n + i]).for_each(|(x, l)| *x -= l * known);
    }
}
