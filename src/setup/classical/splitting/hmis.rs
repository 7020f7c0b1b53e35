//! HMIS: the first pass of Ruge and Stüben in blocks, completed by PMIS.

use super::Splitting;
use super::first_pass::split_block;
use super::graph::Graph;
use super::pmis::complete;
use crate::error::Result;
use crate::parallel;
use crate::sparse::Pattern;

/// Points of a block; a constant, so that the splitting does not depend on the number of threads.
const BLOCK: usize = 1 << 17;

/// The hybrid of De Sterck, Yang and Heys (2006) of the Ruge–Stüben and PMIS splittings.
///
/// [`first_pass`](super::first_pass) on blocks of 131 072 consecutive points without regard to other blocks.
/// The resulting coarse points without neighbours in another block stay coarse, and [`pmis`](super::pmis)
/// decides on the points that do not depend on any of those. In hypre a block is the part of one process.
/// Cost: that of the first pass and about one more pass; parallel over blocks.
///
/// # Errors
/// A graph that is not square.
pub fn hmis(strong: &Pattern) -> Result<Splitting> {
    split_in_blocks(strong, BLOCK)
}

fn split_in_blocks(strong: &Pattern, size: usize) -> Result<Splitting> {
    let graph = Graph::new(strong)?;
    let n = graph.len();
    let interior: Vec<Vec<bool>> = parallel::map(0..n.div_ceil(size), &|b| {
        let block = b * size..n.min((b + 1) * size);
        let mut coarse = split_block(&graph, block.clone());
        if block.len() < n {
            let stays = |list: &[u32]| list.iter().all(|&j| block.contains(&(j as usize)));
            for (c, i) in coarse.iter_mut().zip(block.clone()).filter(|(c, _)| **c) {
                *c = stays(graph.depends(i)) && (graph.is_symmetric() || stays(graph.influences(i)));
            }
        }
        coarse
    });
    Ok(Splitting::new(&complete(&graph, interior.concat())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gallery;
    use crate::setup::{StrengthMeasure, classical_strength};

    /// Blocks far smaller than the grid, so that most of it is boundary.
    #[test]
    fn blocks_fit_together() {
        let a = gallery::poisson_2d(20, 20).unwrap().matrix;
        let strong = classical_strength(&a, 0.25, StrengthMeasure::Negative).unwrap();
        for size in [1, 7, 90, 399] {
            let s = split_in_blocks(&strong, size).unwrap();
            for i in 0..400 {
                let neighbours = strong.row_cols(i).iter().filter(|&&j| s.is_coarse(j as usize)).count();
                assert_eq!(neighbours == 0, s.is_coarse(i), "point {i} in blocks of {size}");
            }
        }
        let whole = split_in_blocks(&strong, 400).unwrap();
        assert_eq!(whole, crate::setup::classical::first_pass(&strong).unwrap());
    }
}
