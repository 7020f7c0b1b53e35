//! Aggressive coarsening: a second splitting of the coarse points of the first.

use super::graph::check;
use super::{Splitting, SplittingKind};
use crate::error::{Error, Result};
use crate::parallel;
use crate::setup::strength::join;
use crate::sparse::Pattern;
use crate::sparse::rows::Pool;

/// Coarse points per task.
const CHUNK: usize = 2048;

/// The two splittings of aggressive coarsening, both of the points of the fine level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aggressive {
    /// The first one, between the levels.
    pub intermediate: Splitting,
    /// The final one; its coarse points are some of the intermediate ones.
    pub splitting: Splitting,
}

/// Aggressive coarsening (Stüben 1999): splits the points, then the coarse ones among them by
/// [`path_graph`], both times by `kind`.
///
/// `paths` is 1 for the fewest coarse points or 2 for more. Coarse points without such a path to another stay
/// coarse. Many fine points are far from the coarse ones:
/// [`multipass_interpolation`](crate::setup::classical::multipass_interpolation) reaches them. Cost: two
/// splittings, and for every coarse point the rows of its neighbours.
///
/// # Errors
/// A graph that is not square, `paths` other than 1 or 2.
pub fn aggressive(strong: &Pattern, kind: SplittingKind, paths: usize) -> Result<Aggressive> {
    let intermediate = kind.split(strong)?;
    let graph = path_graph(strong, &intermediate, paths)?;
    let second = kind.split(&graph)?;
    let followers = graph.transposition();
    let stays = |c: usize| {
        let alone = graph.row(c).is_empty() && followers.ptr[c] == followers.ptr[c + 1];
        alone || second.is_coarse(c)
    };
    let coarse: Vec<bool> = (0..strong.rows()).map(|i| intermediate.index(i).is_some_and(stays)).collect();
    Ok(Aggressive { intermediate, splitting: Splitting::new(&coarse) })
}

/// The graph of strong connections of length one or two between the coarse points, m × m by
/// their numbers: i depends on j if there are `paths` or more paths i → j or i → k → j of strong
/// connections, k coarse or fine. As in hypre a direct connection counts for two paths.
/// Parallel over rows.
///
/// # Errors
/// A graph that is not square, a splitting of another number of points, `paths` other than 1 or
/// 2, more connections than 32-bit indices can number.
pub fn path_graph(strong: &Pattern, splitting: &Splitting, paths: usize) -> Result<Pattern> {
    check(strong)?;
    if splitting.rows() != strong.rows() {
        return Err(Error::dimension(format!(
            "a splitting of {} points for a graph of {}",
            splitting.rows(),
            strong.rows()
        )));
    }
    if !(1..=2).contains(&paths) {
        return Err(Error::invalid_input(format!(
            "aggressive coarsening by {paths} paths; choose 1, for the fewest coarse points, or 2"
        )));
    }
    let coarse = splitting.coarse();
    let pool = Pool::new(|| Counter { counts: vec![0; coarse.len()], met: Vec::new() });
    let parts: Vec<(Vec<u32>, Vec<u32>)> = parallel::map(coarse.chunks(CHUNK), &|chunk| {
        pool.with(|counter| {
            let (mut ends, mut columns) = (Vec::with_capacity(chunk.len()), Vec::new());
            for &i in chunk {
                counter.count(strong, splitting, i);
                counter.drain(paths as u32, &mut columns);
                ends.push(columns.len() as u32);
            }
            (ends, columns)
        })
    });
    join(coarse.len(), coarse.len(), &parts)
}

/// Scratch space of one thread: paths from one point to the others.
struct Counter {
    counts: Vec<u32>,
    met: Vec<u32>,
}

impl Counter {
    fn count(&mut self, strong: &Pattern, splitting: &Splitting, i: usize) {
        for &k in strong.row_cols(i) {
            self.add(splitting, k, 2);
            for &j in strong.row_cols(k as usize) {
                if j as usize != i {
                    self.add(splitting, j, 1);
                }
            }
        }
    }

    #[inline(always)]
    fn add(&mut self, splitting: &Splitting, j: u32, paths: u32) {
        if let Some(c) = splitting.index(j as usize) {
            if self.counts[c] == 0 {
                self.met.push(c as u32);
            }
            self.counts[c] += paths;
        }
    }

    /// Appends the points met at least `least` times, ascending, and clears all counts.
    fn drain(&mut self, least: u32, columns: &mut Vec<u32>) {
        self.met.sort_unstable();
        for c in self.met.drain(..) {
            if std::mem::take(&mut self.counts[c as usize]) >= least {
                columns.push(c);
            }
        }
    }
}
