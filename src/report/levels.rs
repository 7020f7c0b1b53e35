//! Sizes, sparsity and times of the levels of a solver.

use std::time::Instant;

use serde::Serialize;

use crate::engine::Host;
use crate::error::Result;
use crate::multigrid::{Cycle, CyclePreconditioner, Hierarchy};
use crate::operator::Preconditioner;
use crate::solver::Solver;
use crate::sparse::{Pattern, Scalar};

/// Cells of a picture of sparsity in each direction, at most.
const CELLS: usize = 48;
/// Cycles of a measurement, at most.
const CYCLES: usize = 20;

/// Figures of a level.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LevelFigures {
    /// Rows of its matrix.
    #[serde(rename = "unknowns")]
    pub rows: usize,
    /// Nonzeros of its matrix.
    pub nonzeros: usize,
    /// Seconds of a visit of the cycle, without the levels below; `None` if it was not measured.
    pub seconds: Option<f64>,
    /// Number of cells of the picture in each direction.
    pub cells: usize,
    /// Entries of A in every cell, by rows of cells.
    pub counts: Vec<u32>,
}

/// The figures of all levels. The time of a level is the difference of cycles that begin on it and on the next one,
/// each the fastest of several.
pub(super) fn figures(solver: &Solver, seconds: f64) -> Result<Vec<LevelFigures>> {
    match solver.cycle() {
        Cycle::Double(c) => of_hierarchy(c.hierarchy(), seconds),
        Cycle::Single(c) => of_hierarchy(c.hierarchy(), seconds),
    }
}

fn of_hierarchy<T: Scalar>(h: &Hierarchy<Host<T>>, seconds: f64) -> Result<Vec<LevelFigures>> {
    let clock = Instant::now();
    let depth = h.levels.len();
    let mut from = vec![None; depth + 2];
    from[depth + 1] = Some(0.0);
    for level in (0..=depth).rev() {
        let spent = clock.elapsed().as_secs_f64();
        // A finer level takes a few times as long as all coarser ones.
        if spent > seconds / 4.0 {
            break;
        }
        let below = Hierarchy {
            levels: h.levels[level..].to_vec(),
            coarsest: h.coarsest.clone(),
            coarsest_rows: h.coarsest_rows,
            kind: h.kind,
        };
        from[level] = Some(fastest(&CyclePreconditioner::new(below)?)?);
    }
    let mut list = Vec::new();
    // A method on one level has an empty coarse level.
    let last = if h.coarsest_rows == 0 && depth > 0 { depth - 1 } else { depth };
    for level in 0..=last {
        let coarsest = h.coarsest.matrix();
        let pattern = h.levels.get(level).map_or_else(|| coarsest.pattern(), |l| &l.a.pattern);
        let cells = CELLS.min(pattern.rows());
        let seconds = from[level].zip(from[level + 1]).map(|(own, below): (f64, f64)| (own - below).max(0.0));
        let counts = densities(pattern, cells);
        list.push(LevelFigures { rows: pattern.rows(), nonzeros: pattern.nnz(), seconds, cells, counts });
    }
    Ok(list)
}

/// Seconds of the fastest of several cycles.
fn fastest<T: Scalar>(cycle: &CyclePreconditioner<T>) -> Result<f64> {
    let r: Vec<f64> = (0..cycle.rows()).map(|i| 1.0 + (i % 7) as f64).collect();
    let mut z = vec![0.0; r.len()];
    let (mut least, mut total) = (f64::INFINITY, 0.0);
    for _ in 0..CYCLES {
        let clock = Instant::now();
        cycle.apply(&r, &mut z)?;
        let seconds = clock.elapsed().as_secs_f64();
        (least, total) = (least.min(seconds), total + seconds);
        if total > 0.3 {
            break;
        }
    }
    Ok(least)
}

/// Entries in every cell of a coarse grid over the matrix.
fn densities(pattern: &Pattern, cells: usize) -> Vec<u32> {
    let n = pattern.rows().max(1);
    let mut counts = vec![0u32; cells * cells];
    for i in 0..pattern.rows() {
        let row = i * cells / n * cells;
        for &j in pattern.row_cols(i) {
            let count = &mut counts[row + j as usize * cells / n];
            *count = count.saturating_add(1);
        }
    }
    counts
}
