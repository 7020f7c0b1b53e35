//! Multipass interpolation, for aggressive coarsening.

use super::input::Input;
use super::rows::{build, coarse_neighbours};
use super::{direct::direct_row, standard::spread};
use crate::error::Result;
use crate::setup::classical::splitting::Splitting;
use crate::sparse::assemble::assemble;
use crate::sparse::{Csr, Pattern};

const NONE: u32 = u32::MAX;

/// Multipass interpolation of Stüben (1999): from neighbours with known interpolation.
///
/// The first pass gives the fine points with strong coarse neighbours the rows of
/// [`direct_interpolation`](super::direct_interpolation). Every later pass takes the fine points with strong
/// neighbours j of the previous pass, substitutes their interpolation for e_j, so that v_k = Σ_j a_ij w_jk,
/// and distributes the other couplings over these: w_ik = −α v_k/a_ii with α = (Σ_k v_k + Σ_others a_im) /
/// Σ_k v_k. So rows of A with sum zero keep weights of sum one.
///
/// Fine points without a chain of strong connections to a coarse point get empty rows; if Σ v_k vanishes, the
/// row is an average.
///
/// n × n_c; cost: two passes over A and one over its strong connections.
///
/// # Errors
/// Shapes that do not fit, a zero on the diagonal, a value that is not finite, a strong
/// connection that A does not have; the row is named.
pub fn multipass_interpolation(a: &Csr<f64>, strong: &Pattern, splitting: &Splitting) -> Result<Csr<f64>> {
    let input = Input::new(a, strong, splitting)?;
    let n = a.rows();
    let mut done = Done { pass: vec![NONE; n], row: vec![0; n], parts: Vec::new() };
    let mut points: Vec<u32> = (0..n as u32).filter(|&i| splitting.is_coarse(i as usize)).collect();
    done.assign(&points, 0);
    while !points.is_empty() {
        points = done.next(&points, strong);
        let part = assemble(points.len(), splitting.count(), Vec::new, |r, pairs, columns, values| {
            let i = points[r] as usize;
            if done.parts.is_empty() {
                let start = columns.len();
                columns.resize(start + coarse_neighbours(&input, i), 0);
                values.resize(columns.len(), 0.0);
                direct_row(&input, i, &mut columns[start..], &mut values[start..]);
            } else {
                done.append_row(&input, i, pairs, columns, values);
            }
        })?;
        done.parts.push(part);
        done.assign(&points, done.parts.len() as u32);
    }
    build(
        &input,
        |i| done.row(i).len(),
        || (),
        |i, (), columns, values| {
            for ((column, value), (k, v)) in columns.iter_mut().zip(values).zip(done.row(i)) {
                (*column, *value) = (k as u32, v);
            }
        },
    )
}

/// The rows of the passes so far.
struct Done {
    /// The pass in which a point got its row, 0 for coarse points.
    pass: Vec<u32>,
    /// Its row in the part of that pass.
    row: Vec<u32>,
    /// The rows of pass 1, 2, …
    parts: Vec<Csr<f64>>,
}

impl Done {
    /// Records that the points got their rows in this pass, in order.
    fn assign(&mut self, points: &[u32], pass: u32) {
        for (r, &i) in points.iter().enumerate() {
            (self.pass[i as usize], self.row[i as usize]) = (pass, r as u32);
        }
    }

    /// The points without a row that one of `points` strongly influences, ascending.
    fn next(&self, points: &[u32], strong: &Pattern) -> Vec<u32> {
        let t = strong.transposition();
        let influenced = |&j: &u32| {
            let range = t.ptr[j as usize] as usize..t.ptr[j as usize + 1] as usize;
            t.row_idx[range].iter().copied()
        };
        let mut next: Vec<u32> =
            points.iter().flat_map(influenced).filter(|&i| self.pass[i as usize] == NONE).collect();
        next.sort_unstable();
        next.dedup();
        next
    }

    /// The row of the fine point `i`, empty if it has none.
    fn row(&self, i: usize) -> impl ExactSizeIterator<Item = (usize, f64)> + '_ {
        let part = (self.pass[i] as usize).checked_sub(1).and_then(|p| self.parts.get(p));
        let range = part.map_or(0..0, |part| part.pattern().row(self.row[i] as usize));
        let (columns, values) = part.map_or((&[][..], &[][..]), |p| (p.pattern().col_idx(), p.values()));
        columns[range.clone()].iter().map(|&k| k as usize).zip(values[range].iter().copied())
    }

    /// Appends the row of `i`, for a later pass than the first. `pairs` is scratch space.
    fn append_row(
        &self,
        input: &Input,
        i: usize,
        pairs: &mut Vec<(usize, f64)>,
        columns: &mut Vec<u32>,
        values: &mut Vec<f64>,
    ) {
        pairs.clear();
        let mut rest = 0.0;
        input.walk(i, |strong, j, v| {
            if strong && self.pass[j] != NONE {
                pairs.extend(self.row(j).map(|(k, w)| (k, v * w)));
            } else {
                rest += v;
            }
        });
        // Stable, to fix the order of every sum.
        pairs.sort_by_key(|&(k, _)| k);
        let start = columns.len();
        for &(k, v) in pairs.iter() {
            if columns.len() > start && columns.last() == Some(&(k as u32)) {
                let last = values.len() - 1;
                values[last] += v;
            } else {
                columns.push(k as u32);
                values.push(v);
            }
        }
        let own = input.diagonal[i];
        spread(&mut values[start..], rest, own, own.abs());
    }
}
