//! Strong connections, and matrices without the weak ones.

use std::sync::Arc;

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::setup::grids::own;
use crate::setup::nodal::Nodes;
use crate::sparse::assemble::assemble;
use crate::sparse::{Csr, Pattern};

/// A diagonal that lumping brings below this fraction of its size is left as it was.
const SMALLEST: f64 = 0.1;
/// Rows handled by one task.
const CHUNK: usize = 4096;

/// The structure of [`symmetric_strength`](crate::setup::symmetric_strength): the diagonal and
/// the entries with aᵢⱼ ≠ 0 and aᵢⱼ² ≥ θ² |aᵢᵢ aⱼⱼ|. The pattern of A itself is shared if all
/// entries are strong. Cost: one pass over the matrix, a second one if some are weak.
pub(super) fn strong_pattern(a: &Csr<f64>, theta: f64) -> Result<Arc<Pattern>> {
    let n = a.rows();
    let diagonal: Vec<f64> = if theta == 0.0 {
        Vec::new()
    } else {
        (0..n).into_par_iter().with_min_len(CHUNK).map(|i| own(a, i).abs()).collect()
    };
    let is_strong = |i: usize, j: usize, v: f64| {
        i == j || (v != 0.0 && (theta == 0.0 || v * v >= theta * theta * diagonal[i] * diagonal[j]))
    };
    let all = (0..n).into_par_iter().with_min_len(CHUNK).all(|i| a.row(i).all(|(j, v)| is_strong(i, j, v)));
    if all {
        return Ok(a.pattern().clone());
    }
    let strong = assemble(
        n,
        n,
        || (),
        |i, (), columns, values| {
            columns.extend(a.row(i).filter(|&(j, v)| is_strong(i, j, v)).map(|(j, _)| j as u32));
            values.resize(columns.len(), 1.0);
        },
    )?;
    Ok(strong.into_parts().0)
}

/// A without its weak entries, which are added to the diagonal so that A b stays for the
/// near-nullspace `candidate` b (the row sums, if there is none or bᵢ = 0).
///
/// `strength` is a graph of nodes: entry (i, j) of A (n × n) is weak unless the node of i is
/// strongly connected to that of j, or is the same. A diagonal that would change sign or lose
/// more than nine tenths of its size keeps its value. Smoothing the prolongation of smoothed
/// aggregation with this matrix keeps interpolation along strong connections and coarse
/// matrices sparse (Vaněk, Mandel, Brezina 1996, section 3). Cost: one pass, parallel over
/// rows.
///
/// # Errors
/// Shapes that do not fit together.
pub fn filtered_matrix(
    a: &Csr<f64>,
    strength: &Pattern,
    nodes: &Nodes,
    candidate: Option<&[f64]>,
) -> Result<Csr<f64>> {
    let count = nodes.count();
    if a.rows() != a.cols()
        || nodes.rows() != a.rows()
        || candidate.is_some_and(|b| b.len() != a.rows())
        || strength.rows() != count
        || strength.cols() != count
    {
        return Err(Error::dimension(format!(
            "a {} × {} matrix, a {} × {} graph and {count} nodes of {} unknowns do not fit together",
            a.rows(),
            a.cols(),
            strength.rows(),
            strength.cols(),
            nodes.rows()
        )));
    }
    assemble(
        a.rows(),
        a.cols(),
        || (),
        |i, (), columns, values| {
            let node = nodes.node(i);
            let strong = strength.row_cols(node);
            let (from, mut lumped, mut place, mut diagonal) = (columns.len(), 0.0, None, 0.0);
            let mut next = 0;
            for (j, v) in a.row(i) {
                let other = nodes.node(j);
                if nodes.is_identity() {
                    next += strong[next..].iter().take_while(|&&s| (s as usize) < other).count();
                } else {
                    next = strong.partition_point(|&s| (s as usize) < other);
                }
                if other == node || strong.get(next).is_some_and(|&s| s as usize == other) {
                    if i == j {
                        (place, diagonal) = (Some(values.len()), v);
                    }
                    columns.push(j as u32);
                    values.push(v);
                } else {
                    lumped += candidate.filter(|b| b[i] != 0.0).map_or(v, |b| v * (b[j] / b[i]));
                }
            }
            debug_assert!(columns.len() >= from);
            if let Some(place) = place
                && (diagonal + lumped) * diagonal.signum() > SMALLEST * diagonal.abs()
            {
                values[place] = diagonal + lumped;
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::symmetric_strength;

    #[test]
    fn weak_entries_are_lumped() {
        let a = Csr::from_triplets(
            3,
            3,
            &[(0, 0, 4.0), (0, 1, -2.0), (0, 2, -0.1), (1, 0, -2.0), (1, 1, 4.0), (2, 0, -0.1), (2, 2, 0.1)],
        )
        .unwrap();
        let strong = strong_pattern(&a, 0.25).unwrap();
        assert_eq!(*strong, **symmetric_strength(&a, 0.25).unwrap().pattern());
        let f = filtered_matrix(&a, &strong, &Nodes::scalar(3), None).unwrap();
        assert_eq!((f.nnz(), f.get(0, 0), f.get(0, 1), f.get(1, 1)), (5, 3.9, -2.0, 4.0));
        // A b stays for a candidate b that is not constant.
        let b = filtered_matrix(&a, &strong, &Nodes::scalar(3), Some(&[1.0, 2.0, 5.0])).unwrap();
        assert_eq!(b.get(0, 0), 3.5);
        // The last row would be left with nothing.
        assert_eq!(f.get(2, 2), 0.1);
        assert!(filtered_matrix(&a, &strong, &Nodes::scalar(4), None).unwrap_err().is_dimension());
    }

    #[test]
    fn strength_is_that_of_the_values() {
        let a = crate::gallery::rotated_anisotropic(12, 1e-2, 0.4).unwrap().matrix;
        for theta in [0.0, 0.05, 0.1, 0.25, 0.6] {
            let expected = symmetric_strength(&a, theta).unwrap();
            assert_eq!(strong_pattern(&a, theta).unwrap(), *expected.pattern(), "{theta}");
        }
        assert!(Arc::ptr_eq(&strong_pattern(&a, 0.0).unwrap(), a.pattern()));
    }

    #[test]
    fn blocks_are_kept_whole() {
        // Two nodes of two unknowns: their coupling is weak, that within a node stays.
        let mut entries: Vec<_> = (0..4).map(|i| (i, i, 4.0)).collect();
        entries.extend([(0, 1, 0.001), (1, 0, 0.001), (0, 2, -0.5), (2, 0, -0.5), (1, 3, -1.0)]);
        let a = Csr::from_triplets(4, 4, &entries).unwrap();
        let nodes = Nodes::blocks(4, 2).unwrap();
        let f = filtered_matrix(&a, Csr::<f64>::identity(2).pattern(), &nodes, None).unwrap();
        assert_eq!(f.nnz(), 6);
        assert_eq!((f.get(0, 1), f.get(0, 0), f.get(1, 1), f.get(3, 3)), (0.001, 3.5, 3.0, 4.0));
    }
}
