//! The input of all interpolation formulas, checked once.

use crate::error::{Error, Result};
use crate::parallel;
use crate::setup::classical::splitting::Splitting;
use crate::sparse::{Csr, Pattern};

/// Rows per task.
const ROWS: usize = 1024;

/// A denominator below this part of its terms is zero.
const TINY: f64 = 1e-13;

/// A matrix, its strong connections and its splitting, which are consistent.
pub(in crate::setup::classical) struct Input<'a> {
    pub a: &'a Csr<f64>,
    pub strong: &'a Pattern,
    pub splitting: &'a Splitting,
    /// The diagonal of A, without zeros.
    pub diagonal: Vec<f64>,
}

/// Defects of a row.
#[derive(Clone, Copy)]
enum Flaw {
    Diagonal,
    Value(u32, f64),
    Strong(u32),
}

impl<'a> Input<'a> {
    /// Checks shapes, the diagonal, the values, and that A has every strong connection.
    pub fn new(a: &'a Csr<f64>, strong: &'a Pattern, splitting: &'a Splitting) -> Result<Self> {
        let n = a.rows();
        if a.cols() != n || strong.rows() != n || strong.cols() != n || splitting.rows() != n {
            return Err(Error::dimension(format!(
                "a {n} × {} matrix with {} × {} strong connections and a splitting of {} points; all must have the {n} rows of a square matrix",
                a.cols(),
                strong.rows(),
                strong.cols(),
                splitting.rows()
            )));
        }
        let mut diagonal = vec![0.0; n];
        let flaws: Vec<Option<(usize, Flaw)>> =
            parallel::map(diagonal.chunks_mut(ROWS).enumerate(), &|(c, piece)| {
                piece.iter_mut().enumerate().find_map(|(r, d)| {
                    let i = c * ROWS + r;
                    check_row(a, strong, i, d).err().map(|flaw| (i, flaw))
                })
            });
        match flaws.into_iter().flatten().next() {
            None => Ok(Self { a, strong, splitting, diagonal }),
            Some((i, flaw)) => Err(describe(i, flaw)),
        }
    }

    /// Calls `visit(whether strong, column, value)` for the couplings of row `i`, columns
    /// ascending; the diagonal is left out.
    #[inline(always)]
    pub fn walk(&self, i: usize, mut visit: impl FnMut(bool, usize, f64)) {
        let near = self.strong.row_cols(i);
        let mut next = 0;
        for (j, v) in self.a.row(i) {
            if near.get(next) == Some(&(j as u32)) {
                next += 1;
                visit(true, j, v);
            } else if j != i {
                visit(false, j, v);
            }
        }
    }
}

/// Finds the diagonal entry of row `i`.
#[inline(always)]
fn check_row(a: &Csr<f64>, strong: &Pattern, i: usize, diagonal: &mut f64) -> std::result::Result<(), Flaw> {
    let near = strong.row_cols(i);
    let mut next = 0;
    for (j, v) in a.row(i) {
        if !v.is_finite() {
            return Err(Flaw::Value(j as u32, v));
        }
        if j == i {
            *diagonal = v;
        } else if near.get(next) == Some(&(j as u32)) {
            next += 1;
        }
    }
    match near.get(next) {
        _ if *diagonal == 0.0 => Err(Flaw::Diagonal),
        Some(&j) => Err(Flaw::Strong(j)),
        None => Ok(()),
    }
}

fn describe(i: usize, flaw: Flaw) -> Error {
    let row = i + 1;
    match flaw {
        Flaw::Diagonal => Error::invalid_input(format!(
            "the diagonal entry of row {row} is zero; classical multigrid needs a diagonal without zeros"
        )),
        Flaw::Value(j, v) => Error::invalid_input(format!(
            "the value in row {row}, column {} is {v}; values must be finite",
            j as usize + 1
        )),
        Flaw::Strong(j) => Error::invalid_input(format!(
            "the strong connection in row {row}, column {} is not an off-diagonal entry of the matrix; compute the strength from the same matrix",
            j as usize + 1
        )),
    }
}

/// Turns the numerators of a row into weights −vⱼ·`factor`/`denominator`, where `size` is the sum of the
/// sizes of the terms of the denominator; into an average if the denominator vanishes.
pub(super) fn divide(numerators: &mut [f64], factor: f64, denominator: f64, size: f64) {
    let scale = -factor / denominator;
    if denominator.abs() <= TINY * size || !numerators.iter().all(|v| (v * scale).is_finite()) {
        average(numerators);
    } else {
        numerators.iter_mut().for_each(|v| *v *= scale);
    }
}

/// Whether `sum` is only rounding error, if the sizes of its terms add up to `size`.
pub(super) fn vanishes(sum: f64, size: f64) -> bool {
    !sum.is_finite() || sum.abs() <= TINY * size
}

/// Replaces the numerators of a row by weights in proportion to their sizes, sum 1.
pub(super) fn average(numerators: &mut [f64]) {
    let largest = numerators.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let usable = largest > 0.0 && largest.is_finite() && numerators.iter().all(|v| v.is_finite());
    for v in numerators.iter_mut() {
        *v = if usable { v.abs() / largest } else { 1.0 };
    }
    let sum: f64 = numerators.iter().sum();
    numerators.iter_mut().for_each(|v| *v /= sum);
}
