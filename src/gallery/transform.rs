//! Problems derived from others: identity rows, and unions of several problems.

use std::sync::Arc;

use super::Problem;
use crate::error::{Error, Result};
use crate::sparse::{Csr, DenseMatrix, Pattern};

/// The treatment of the columns of fixed unknowns in [`with_identity_rows`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Elimination {
    /// Columns stay: other rows are unchanged, and a symmetric matrix becomes nonsymmetric.
    Rows,
    /// Columns move to the right-hand side: a symmetric matrix stays symmetric.
    RowsAndColumns,
}

/// The same problem with some unknowns fixed by rows of the identity, as in programs that keep Dirichlet
/// boundaries in the system.
///
/// `fixed` lists rows (from 0) and the values of their unknowns. Such a row has only a 1 on its diagonal, and
/// its value on the right-hand side. With [`Elimination::RowsAndColumns`] the entries of other rows in these
/// columns, times the value, move to the right-hand side. Both have the same solution. The near-nullspace is
/// set to 0 in the fixed rows, and columns of it that then vanish are omitted. Cost: one pass.
///
/// # Errors
/// A row that does not exist or is fixed twice, a value that is not finite, parts of the
/// problem that do not fit together.
///
/// ```
/// use multigrad::gallery::{Elimination, poisson_2d, with_identity_rows};
/// let problem = with_identity_rows(&poisson_2d(3, 1)?, &[(0, 2.0)], Elimination::RowsAndColumns)?;
/// assert_eq!(problem.matrix.values(), [1.0, 4.0, -1.0, -1.0, 4.0]);
/// assert_eq!(problem.rhs, [2.0, 2.0625, 0.0625]);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn with_identity_rows(
    problem: &Problem,
    fixed: &[(usize, f64)],
    elimination: Elimination,
) -> Result<Problem> {
    problem.check()?;
    let a = &problem.matrix;
    let n = a.rows();
    let mut value: Vec<Option<f64>> = vec![None; n];
    for &(row, v) in fixed {
        let slot = value.get_mut(row).ok_or_else(|| {
            Error::invalid_input(format!("row {} cannot be fixed; the matrix has {n} rows", row + 1))
        })?;
        if slot.is_some() || !v.is_finite() {
            let fault = if slot.is_some() { "is fixed twice".into() } else { format!("is fixed at {v}") };
            return Err(Error::invalid_input(format!(
                "row {} {fault}; give every row at most once, with a finite value",
                row + 1
            )));
        }
        *slot = Some(v);
    }
    let mut rhs = problem.rhs.clone();
    let (mut row_ptr, mut col_idx, mut values) = (vec![0u32], Vec::new(), Vec::new());
    for (i, b) in rhs.iter_mut().enumerate() {
        if let Some(v) = value[i] {
            *b = v;
            col_idx.push(i as u32);
            values.push(1.0);
        } else {
            for (j, entry) in a.row(i) {
                match value[j].filter(|_| elimination == Elimination::RowsAndColumns) {
                    Some(v) => *b -= entry * v,
                    None => {
                        col_idx.push(j as u32);
                        values.push(entry);
                    }
                }
            }
        }
        row_ptr.push(col_idx.len() as u32);
    }
    let near_nullspace = problem.near_nullspace.as_ref().and_then(|modes| {
        let mut modes = modes.clone();
        fixed.iter().for_each(|&(row, _)| modes.row_mut(row).fill(0.0));
        let kept: Vec<usize> = (0..modes.cols()).filter(|&c| modes.column(c).any(|v| v != 0.0)).collect();
        (!kept.is_empty()).then(|| DenseMatrix::from_fn(n, kept.len(), |i, c| modes[[i, kept[c]]]))
    });
    let kind = if elimination == Elimination::Rows { "identity rows" } else { "identity rows and columns" };
    Ok(Problem {
        matrix: Csr::new(Arc::new(Pattern::from_parts(n, n, row_ptr, col_idx)), values)?,
        rhs,
        coordinates: problem.coordinates.clone(),
        near_nullspace,
        name: format!("{}, {} {kind}", problem.name, fixed.len()),
    })
}

/// Several independent problems in one system: a block-diagonal matrix.
///
/// The problems are placed side by side along x, from 0 on and with gaps of 0.1 between them; missing
/// coordinates are 0. If one has a near-nullspace, so has the union: as many columns as the widest, the parts
/// one below the other, with 0 in the missing columns of a part, and the constant vector for parts without
/// one. Cost: one pass.
///
/// # Errors
/// No problems, more entries than 32-bit indices can count, parts of a problem that do not fit
/// together.
///
/// ```
/// use multigrad::gallery::{disjoint_union, poisson_2d};
/// let problem = disjoint_union(&[poisson_2d(2, 1)?, poisson_2d(1, 1)?])?;
/// assert_eq!(problem.matrix.values(), [4.0, -1.0, -1.0, 4.0, 4.0]);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn disjoint_union(problems: &[Problem]) -> Result<Problem> {
    if problems.is_empty() {
        return Err(Error::invalid_input("a union needs at least one problem"));
    }
    problems.iter().try_for_each(Problem::check)?;
    let sum = |size: fn(&Problem) -> usize| {
        problems.iter().try_fold(0usize, |sum, p| sum.checked_add(size(p))).filter(|&n| n < u32::MAX as usize)
    };
    let (Some(n), Some(nnz)) = (sum(|p| p.matrix.rows()), sum(|p| p.matrix.nnz())) else {
        return Err(Error::dimension(format!(
            "the union of {} problems exceeds the 32-bit index range ({}); take smaller ones",
            problems.len(),
            u32::MAX
        )));
    };
    let modes_of = |p: &Problem| p.near_nullspace.as_ref().map_or(1, DenseMatrix::cols);
    let dimension = problems.iter().map(|p| p.coordinates.cols()).max().unwrap_or(0);
    let mut coordinates = DenseMatrix::zeros(n, dimension);
    let columns = problems.iter().map(modes_of).max().unwrap_or(1);
    let mut near_nullspace =
        problems.iter().any(|p| p.near_nullspace.is_some()).then(|| DenseMatrix::zeros(n, columns));
    let mut row_ptr = Vec::with_capacity(n + 1);
    let (mut col_idx, mut values) = (Vec::with_capacity(nnz), Vec::with_capacity(nnz));
    let mut rhs = Vec::with_capacity(n);
    row_ptr.push(0u32);
    let mut edge = 0.0;
    for problem in problems {
        let (pattern, d) = (problem.matrix.pattern(), problem.coordinates.cols());
        let (first, entries) = (rhs.len(), col_idx.len() as u32);
        let part = first..first + problem.rhs.len();
        row_ptr.extend(pattern.row_ptr()[1..].iter().map(|p| entries + p));
        col_idx.extend(pattern.col_idx().iter().map(|j| first as u32 + j));
        values.extend_from_slice(problem.matrix.values());
        rhs.extend_from_slice(&problem.rhs);
        let places = part.clone().zip(problem.coordinates.row_iter());
        places.for_each(|(i, place)| coordinates.row_mut(i)[..d].copy_from_slice(place));
        if d > 0 && !part.is_empty() {
            let along = problem.coordinates.column(0);
            let (low, high) = along.fold((f64::MAX, f64::MIN), |(a, b), x| (a.min(x), b.max(x)));
            part.clone().for_each(|i| coordinates[[i, 0]] = coordinates[[i, 0]] - low + edge);
            edge += high - low + 0.1;
        }
        if let Some(all) = &mut near_nullspace {
            match &problem.near_nullspace {
                Some(modes) => part
                    .zip(modes.row_iter())
                    .for_each(|(i, mode)| all.row_mut(i)[..modes.cols()].copy_from_slice(mode)),
                None => part.for_each(|i| all[[i, 0]] = 1.0),
            }
        }
    }
    let names: Vec<&str> = problems.iter().map(|p| p.name.as_str()).collect();
    Ok(Problem {
        matrix: Csr::from_parts(Arc::new(Pattern::from_parts(n, n, row_ptr, col_idx)), values),
        rhs,
        coordinates,
        near_nullspace,
        name: names.join(" and "),
    })
}

#[cfg(test)]
#[path = "transform_tests.rs"]
mod tests;
