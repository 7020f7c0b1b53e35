//! Near-nullspace candidates, the vectors that a coarse grid has to represent.

use crate::error::{Error, Result};
use crate::parallel;
use crate::setup::nodal::Nodes;
use crate::setup::spectral::inverse_diagonal;
use crate::sparse::{Csr, DenseMatrix};

/// The default candidates, unknowns × b: the constant vector, or for nodes of b unknowns each the b vectors
/// that are constant in one of them.
pub fn default_candidates(nodes: &Nodes) -> DenseMatrix {
    let columns = (0..nodes.count()).map(|node| nodes.unknowns(node).len()).max().unwrap_or(1);
    let mut candidates = DenseMatrix::zeros(nodes.rows(), columns);
    for node in 0..nodes.count() {
        for (q, &i) in nodes.unknowns(node).iter().enumerate() {
            candidates[[i as usize, q]] = 1.0;
        }
    }
    candidates
}

/// Candidates for a matrix with `rows` rows: as many rows, at least one column, all finite,
/// no column of zeros.
///
/// # Errors
/// Names the row or column (counted from 1) that breaks a rule.
pub fn check_candidates(candidates: &DenseMatrix, rows: usize) -> Result<()> {
    if candidates.rows() != rows {
        return Err(Error::dimension(format!(
            "the near-nullspace candidates have {} rows and the matrix {rows}; give one value per unknown",
            candidates.rows()
        )));
    }
    if candidates.cols() == 0 {
        return Err(Error::dimension("no near-nullspace candidates; leave them out to use constants"));
    }
    for c in 0..candidates.cols() {
        let mut column = candidates.column(c);
        if let Some(i) = column.clone().position(|v| !v.is_finite()) {
            return Err(Error::invalid_input(format!(
                "near-nullspace candidate {} is {} in row {}; candidates must be finite",
                c + 1,
                candidates[[i, c]],
                i + 1
            )));
        }
        if column.all(|v| v == 0.0) && rows > 0 {
            return Err(Error::invalid_input(format!(
                "near-nullspace candidate {} is all zeros; remove that column",
                c + 1
            )));
        }
    }
    Ok(())
}

/// Whether A b ≈ 0, to a tenth of aᵢᵢ bᵢ, in nine tenths of the rows for every candidate b. Gauss–Seidel
/// sweeps then change only the values near boundaries, which smoothing corrects anyway. Cost: one pass over
/// the matrix, parallel over rows.
pub(super) fn are_near_nullspace(a: &Csr<f64>, candidates: &DenseMatrix) -> bool {
    let k = candidates.cols();
    let b = candidates.values();
    let far = |i: usize| {
        (0..k).any(|c| {
            let (mut sum, mut own) = (0.0, 0.0);
            for (j, v) in a.row(i) {
                let term = v * b[j * k + c];
                sum += term;
                if i == j {
                    own = term;
                }
            }
            f64::abs(sum) > 0.1 * f64::abs(own)
        })
    };
    let count = parallel::collect(a.rows(), 4096, far).into_iter().filter(|&far| far).count();
    10 * count <= a.rows()
}

/// Symmetric Gauss–Seidel sweeps on A B = 0, which adapt candidates to boundary conditions and coefficients.
///
/// Shapes n × n and n × k. A column that the sweeps annihilate (below 10⁻¹⁰ of its length, as for a
/// triangular matrix) or blow up is returned unchanged. Sequential; cost: two passes over the matrix a sweep.
///
/// # Errors
/// Shapes that do not fit, a zero on the diagonal.
pub fn relax_candidates(a: &Csr<f64>, candidates: &DenseMatrix, sweeps: usize) -> Result<DenseMatrix> {
    check_candidates(candidates, a.rows())?;
    inverse_diagonal(a)?;
    let (n, k) = candidates.shape();
    let mut x = candidates.values().to_vec();
    for _ in 0..sweeps {
        if k == 1 {
            (0..n).chain((0..n).rev()).for_each(|i| relax_value(a, i, &mut x));
        } else {
            let mut sum = vec![0.0; k];
            (0..n).chain((0..n).rev()).for_each(|i| relax_row(a, i, &mut x, &mut sum));
        }
    }
    let mut relaxed = candidates.clone();
    for c in 0..k {
        let before = candidates.column(c).map(|v| v * v).sum::<f64>();
        let after = (0..n).map(|i| x[i * k + c] * x[i * k + c]).sum::<f64>();
        if after.is_finite() && after > 1e-20 * before {
            (0..n).for_each(|i| relaxed[[i, c]] = x[i * k + c]);
        }
    }
    Ok(relaxed)
}

#[inline(always)]
fn relax_value(a: &Csr<f64>, i: usize, x: &mut [f64]) {
    let (mut sum, mut own) = (0.0, 1.0);
    for (j, v) in a.row(i) {
        if j == i {
            own = v;
        } else {
            sum += v * x[j];
        }
    }
    x[i] = (0.0 - sum) / own;
}

fn relax_row(a: &Csr<f64>, i: usize, x: &mut [f64], sum: &mut [f64]) {
    let k = sum.len();
    sum.fill(0.0);
    let mut own = 1.0;
    for (j, v) in a.row(i) {
        if j == i {
            own = v;
        } else {
            sum.iter_mut().zip(&x[j * k..]).for_each(|(s, x)| *s += v * x);
        }
    }
    x[i * k..].iter_mut().zip(&*sum).for_each(|(x, s)| *x = (0.0 - s) / own);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_candidates_are_named() {
        let say = |b: &DenseMatrix| check_candidates(b, 3).unwrap_err().to_string();
        assert!(say(&DenseMatrix::ones(2, 1)).contains("2 rows"));
        assert!(say(&DenseMatrix::zeros(3, 1)).contains("all zeros"));
        let mut b = DenseMatrix::ones(3, 2);
        b[[1, 1]] = f64::NAN;
        assert!(say(&b).contains("candidate 2") && say(&b).contains("row 2"));
    }

    #[test]
    fn only_candidates_far_from_the_nullspace_need_work() {
        let a = crate::gallery::poisson_2d(40, 40).unwrap().matrix;
        assert!(are_near_nullspace(&a, &DenseMatrix::ones(1600, 1)));
        let scaled = a.map(|i, j, v| v * (1.0 + (i % 3) as f64) * (1.0 + (j % 3) as f64));
        assert!(!are_near_nullspace(&scaled, &DenseMatrix::ones(1600, 1)));
        let right = DenseMatrix::from_fn(1600, 1, |i, _| 1.0 / (1.0 + (i % 3) as f64));
        assert!(are_near_nullspace(&scaled, &right));
        let both = DenseMatrix::from_fn(1600, 2, |i, c| if c == 0 { right[[i, 0]] } else { 1.0 });
        assert!(!are_near_nullspace(&scaled, &both));
    }

    #[test]
    fn annihilated_candidates_are_kept() {
        let a =
            Csr::from_triplets(3, 3, &[(0, 0, 1.0), (1, 0, -1.0), (1, 1, 1.0), (2, 1, -1.0), (2, 2, 1.0)])
                .unwrap();
        let b = DenseMatrix::ones(3, 2);
        assert_eq!(relax_candidates(&a, &b, 4).unwrap(), b);
    }

    #[test]
    fn one_column_and_several_agree() {
        let entries: Vec<_> =
            (0..9).flat_map(|i| [(i, i, 2.5), (i, (i + 1) % 9, -1.0), (i, (i + 4) % 9, -0.7)]).collect();
        let a = Csr::from_triplets(9, 9, &entries).unwrap();
        let one = relax_candidates(&a, &DenseMatrix::ones(9, 1), 4).unwrap();
        let two = relax_candidates(&a, &DenseMatrix::ones(9, 2), 4).unwrap();
        assert!(one.column(0).eq(two.column(1)));
        let blocks = default_candidates(&Nodes::blocks(6, 3).unwrap());
        assert_eq!(blocks.shape(), (6, 3));
        assert_eq!((blocks[[4, 1]], blocks[[4, 0]]), (1.0, 0.0));
    }
}
