//! Filtered matrices: weak entries lumped into the diagonal.

use crate::error::{Error, Result};
use crate::parallel;
use crate::setup::grids::own;
use crate::setup::nodal::Nodes;
use crate::sparse::assemble::assemble;
use crate::sparse::{Csr, Pattern};

/// A diagonal entry that lumping reduces below this fraction of its size keeps its value.
const SMALLEST: f64 = 0.1;
/// Rows handled by one task.
const CHUNK: usize = 4096;

/// The [`filtered_matrix`] of a scalar problem. Its pattern is that of
/// [`symmetric_strength`](crate::setup::symmetric_strength): the diagonal and the entries with aᵢⱼ ≠ 0 and
/// aᵢⱼ² ≥ θ² |aᵢᵢ aⱼⱼ|. `None` if all entries are strong. Cost: two passes over the matrix, or one.
pub(super) fn strong_part(a: &Csr<f64>, theta: f64, candidate: Option<&[f64]>) -> Result<Option<Csr<f64>>> {
    let n = a.rows();
    let diagonal: Vec<f64> =
        if theta == 0.0 { vec![0.0; n] } else { parallel::collect(n, CHUNK, |i| own(a, i).abs()) };
    let is_strong = |own: f64, j: usize, v: f64| (v != 0.0) & (v * v >= theta * theta * own * diagonal[j]);
    let complete = |i: usize| a.row(i).all(|(j, v)| (i == j) | is_strong(diagonal[i], j, v));
    if !parallel::collect(n, CHUNK, complete).contains(&false) {
        return Ok(None);
    }
    let strong = assemble(
        n,
        n,
        || (),
        |i, (), columns, values| {
            // Every entry is written, and the next one overwrites a weak one: strength is unpredictable, and
            // so is a branch on it.
            let (from, range) = (columns.len(), a.pattern().row(i));
            columns.resize(from + range.len(), 0);
            values.resize(from + range.len(), 0.0);
            let (mut kept, mut place, mut lumped) = (from, from, 0.0);
            let own = diagonal[i];
            for (&j, &v) in a.pattern().col_idx()[range.clone()].iter().zip(&a.values()[range]) {
                let strong = is_strong(own, j as usize, v) | (j as usize == i);
                let weight = match candidate {
                    Some(b) if !strong && b[i] != 0.0 => b[j as usize] / b[i],
                    _ => 1.0,
                };
                lumped += if strong { 0.0 } else { v * weight };
                (columns[kept], values[kept]) = (j, v);
                place = if j as usize == i { kept } else { place };
                kept += usize::from(strong);
            }
            columns.truncate(kept);
            values.truncate(kept);
            if kept > from && columns[place] as usize == i {
                lump(&mut values[place], lumped);
            }
        },
    )?;
    Ok(Some(strong))
}

/// Adds weak entries to a diagonal entry, unless they cancel most of it.
fn lump(diagonal: &mut f64, weak: f64) {
    if (*diagonal + weak) * diagonal.signum() > SMALLEST * diagonal.abs() {
        *diagonal += weak;
    }
}

/// A without its weak entries, which are added to the diagonal so that A b is preserved for the
/// near-nullspace `candidate` b (the row sums, if there is none or bᵢ = 0).
///
/// `strength` is a graph of nodes: entry (i, j) of A (n × n) is weak unless the node of i is strongly
/// connected to that of j, or is the same. A diagonal that would change sign or lose more than nine tenths of
/// its size keeps its value. Smoothing the prolongation of smoothed aggregation with this matrix keeps
/// interpolation along strong connections and coarse matrices sparse (Vaněk, Mandel, Brezina 1996, section
/// 3). Cost: one pass, parallel over rows.
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
            let (mut lumped, mut place) = (0.0, None);
            for (j, v) in a.row(i) {
                let other = nodes.node(j);
                if other == node || strong.binary_search(&(other as u32)).is_ok() {
                    if i == j {
                        place = Some(values.len());
                    }
                    columns.push(j as u32);
                    values.push(v);
                } else {
                    lumped += candidate.filter(|b| b[i] != 0.0).map_or(v, |b| v * (b[j] / b[i]));
                }
            }
            if let Some(place) = place {
                lump(&mut values[place], lumped);
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
        let strong = symmetric_strength(&a, 0.25).unwrap();
        let strong = strong.pattern();
        let f = filtered_matrix(&a, strong, &Nodes::scalar(3), None).unwrap();
        assert_eq!((f.nnz(), f.get(0, 0), f.get(0, 1), f.get(1, 1)), (5, 3.9, -2.0, 4.0));
        // A b is preserved for a candidate b that is not constant.
        let b = filtered_matrix(&a, strong, &Nodes::scalar(3), Some(&[1.0, 2.0, 5.0])).unwrap();
        assert_eq!(b.get(0, 0), 3.5);
        // The last row would become empty.
        assert_eq!(f.get(2, 2), 0.1);
        assert!(filtered_matrix(&a, strong, &Nodes::scalar(4), None).unwrap_err().is_dimension());
    }

    #[test]
    fn the_strong_part_is_the_filtered_matrix() {
        let a = crate::gallery::rotated_anisotropic(12, 1e-2, 0.4).unwrap().matrix;
        let wave: Vec<f64> = (0..a.rows()).map(|i| (i as f64).sin()).collect();
        for candidate in [None, Some(&wave[..])] {
            for theta in [0.05, 0.1, 0.25, 0.6] {
                let strength = symmetric_strength(&a, theta).unwrap();
                let nodes = Nodes::scalar(a.rows());
                let expected = filtered_matrix(&a, strength.pattern(), &nodes, candidate).unwrap();
                let strong = strong_part(&a, theta, candidate).unwrap().unwrap();
                assert!(strong.pattern() == strength.pattern() && strong == expected, "{theta}");
            }
            assert!(strong_part(&a, 0.0, candidate).unwrap().is_none());
        }
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
