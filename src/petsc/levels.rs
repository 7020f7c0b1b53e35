//! The levels of a solver as objects of PETSc.

use crate::error::{Error, Result};
use crate::krylov::Krylov;
use crate::multigrid::{CycleKind, Sweep};
use crate::solver::Solver;
use crate::sparse::Csr;

use super::layout::{Partition, Rows, renumbered};
use super::sweeps::{Blocks, Part, Side};

/// One level, renumbered by rank.
#[derive(Debug)]
pub(super) struct Level {
    pub a: Csr<f64>,
    pub rows: Rows,
    /// P and R to the next coarser level; none on the coarsest.
    pub transfers: Option<(Csr<f64>, Csr<f64>)>,
    pub pre: Side,
    /// Sweeps after the coarse-grid correction; `None` if they are those before it.
    pub post: Option<Side>,
}

/// All levels, the coarsest first, as PETSc counts them.
#[derive(Debug)]
pub(super) struct Levels {
    pub levels: Vec<Level>,
    /// 1 for a V-, 2 for a W-cycle.
    pub visits: i64,
    /// 0 for any number of ranks.
    pub ranks: usize,
}

impl Levels {
    /// # Errors
    /// A solver that PETSc cannot express, or a partition that does not fit.
    pub fn new(solver: &Solver, partition: &Partition, overlap: usize) -> Result<Self> {
        solver.check_finest()?;
        let h = solver.hierarchy();
        let symmetric = solver.krylov() == Krylov::Cg;
        if solver.is_transformed() {
            return Err(Error::unsuited(
                "the solver works on an equivalent system (scaled or reordered), which is not exported; build one by Amg::builder or train one",
            ));
        }
        let visits = match h.kind {
            CycleKind::V => 1,
            CycleKind::W => 2,
            other => {
                return Err(Error::unsuited(format!("PETSc has no {other}-cycle; build a V- or W-cycle")));
            }
        };
        let given = partition.rows(h.rows())?;
        let mut rows = given.clone().unwrap_or_else(|| Rows::equal(h.rows(), 1));
        let mut levels = Vec::new();
        for (depth, level) in h.levels.iter().enumerate() {
            let at = |e: Error| e.at(format!("level {}", depth + 1));
            let a = level.a.to_csr();
            let one_level = h.rows_at(depth + 1) == 0;
            let mut pre = level.pre.clone();
            let mut post = level.post.clone();
            if one_level {
                pre.append(&mut post);
            }
            let blocks = |mirrored| Blocks { rows: &rows, overlap, mirrored };
            let pre = side(&pre, &a, blocks(false)).map_err(at)?;
            if one_level {
                levels.push(Level {
                    a: renumbered(&a, &rows, &rows)?,
                    rows: rows.clone(),
                    transfers: None,
                    pre,
                    post: None,
                });
                break;
            }
            let post = side(&post, &a, blocks(symmetric)).map_err(at)?;
            let coarse = rows.coarser(&level.prolongation.to_csr());
            levels.push(Level {
                a: renumbered(&a, &rows, &rows)?,
                transfers: Some((
                    renumbered(&level.prolongation.to_csr(), &rows, &coarse)?,
                    renumbered(&level.restriction.to_csr(), &coarse, &rows)?,
                )),
                post: (post != pre).then_some(post),
                pre,
                rows: std::mem::replace(&mut rows, coarse),
            });
        }
        if h.coarsest_rows > 0 || h.levels.is_empty() {
            if h.coarsest.is_in_parts() {
                return Err(Error::unsuited(format!(
                    "the coarsest matrix ({} rows) is singular and solved part by part, which PETSc's LU cannot; let setup coarsen it to at most 600 rows",
                    h.coarsest_rows
                )));
            }
            levels.push(coarsest(h.coarsest.matrix(), h.coarsest.inverse(), rows)?);
        }
        let needs = levels.iter().any(|l| {
            let sides = std::iter::once(&l.pre).chain(&l.post);
            sides.flat_map(|s| &s.parts).any(Part::needs_ranks)
        });
        levels.reverse();
        let ranks = given.map_or(usize::from(needs), |rows| rows.counts.len());
        Ok(Self { levels, visits, ranks })
    }

    /// The row of the solver that every row of the file is, if rows were renumbered.
    pub fn permutation(&self) -> Option<&[u32]> {
        let finest = self.levels.last()?;
        (!finest.rows.is_natural()).then_some(&finest.rows.order)
    }
}

fn side(sweeps: &[Sweep], a: &Csr<f64>, blocks: Blocks<'_>) -> Result<Side> {
    let side = Side::new(sweeps, a, blocks)?;
    let parts = side.parts.iter().map(|p| p.renumbered(blocks.rows)).collect::<Result<_>>()?;
    Ok(Side { parts, ..side })
}

/// The coarsest level: a product with its inverse where the library stores that, else LU.
fn coarsest(a: &Csr<f64>, inverse: Option<&[f64]>, rows: Rows) -> Result<Level> {
    let part = match inverse {
        None => Part::Direct,
        Some(values) => {
            let n = a.rows();
            let row_ptr: Vec<usize> = (0..=n).map(|i| i * n).collect();
            let columns: Vec<usize> = (0..n * n).map(|p| p % n).collect();
            Part::Product(Csr::from_csr(n, n, &row_ptr, &columns, values)?)
        }
    };
    let pre = Side { iterations: 1, parts: vec![part.renumbered(&rows)?] };
    Ok(Level { a: renumbered(a, &rows, &rows)?, rows, transfers: None, pre, post: None })
}
