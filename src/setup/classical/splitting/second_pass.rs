//! The second pass of Ruge and Stüben.

use super::Splitting;
use super::graph::check;
use crate::error::{Error, Result};
use crate::sparse::Pattern;

/// The second pass of Ruge and Stüben (1987), on a splitting of the first.
///
/// Afterwards two fine points of which one depends on the other depend on a common coarse point, as the
/// classical interpolation formulas require. For every fine point i in order: the first of its fine
/// neighbours without such a point becomes coarse on trial; if there is a second one, i itself becomes coarse
/// instead, and the trial is revoked. Sequential; cost: for every fine point, the rows of its neighbours.
///
/// # Errors
/// A graph that is not square, a splitting of another number of points.
pub fn second_pass(strong: &Pattern, splitting: &Splitting) -> Result<Splitting> {
    check(strong)?;
    let n = strong.rows();
    if splitting.rows() != n {
        return Err(Error::dimension(format!(
            "a splitting of {} points for a graph of {n}",
            splitting.rows()
        )));
    }
    let mut coarse: Vec<bool> = (0..n).map(|i| splitting.is_coarse(i)).collect();
    // Entry j is i + 1 if point j is one of the coarse points that i depends on.
    let mut marked = vec![0u32; n];
    for i in 0..n {
        if coarse[i] {
            continue;
        }
        let mark = i as u32 + 1;
        for &j in strong.row_cols(i) {
            if coarse[j as usize] {
                marked[j as usize] = mark;
            }
        }
        let mut trial = None;
        for &j in strong.row_cols(i) {
            if coarse[j as usize] || strong.row_cols(j as usize).iter().any(|&k| marked[k as usize] == mark) {
                continue;
            }
            if let Some(first) = trial {
                coarse[first as usize] = false;
                coarse[i] = true;
                break;
            }
            trial = Some(j);
            coarse[j as usize] = true;
            marked[j as usize] = mark;
        }
    }
    Ok(Splitting::new(&coarse))
}
