//! Entries of a sparse M on every level, trained on each rank's own rows with overlap.

use std::fmt;
use std::sync::Arc;

use super::native::{Levels, Reduction, Region, Session};
use super::session::Outcome;
use crate::error::{Error, Result};
use crate::learn::{Loss, Target, Trainer};
use crate::multigrid::{CycleKind, Hierarchy, Level, Relaxation, Setup, Smoother, Sweep};
use crate::setup::Coarsening;
use crate::solver::{Direct, Solver};
use crate::sparse::Csr;

/// What the ranks have trained.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct LearnedEntries {
    /// The largest asymptotic factor that a rank measures on its rows with classical smoothers.
    pub before: f64,
    /// The same with trained ones.
    pub after: f64,
}

impl fmt::Display for LearnedEntries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "largest factor on a rank {:.3}, before {:.3}", self.after, self.before)
    }
}

/// Rows of the smallest region that is trained.
const FEWEST: usize = 16;

impl LearnedEntries {
    /// Trains an M for every sweep of every level on the rows of each rank and `overlap` rings of neighbours, with this
    /// trainer, and gives the levels its rows. There is no communication but that for the neighbours' rows and the final
    /// agreement: the local problem is the matrix of the region, with the interpolations of the hierarchy there and Galerkin
    /// products below.
    ///
    /// For a `symmetric` matrix M after the coarse-grid correction is the transpose of the one before, on all ranks
    /// together.
    ///
    /// # Errors
    /// A region of fewer than 16 rows; failures of the training on a rank.
    pub fn of(
        session: &Session,
        levels: &mut Levels<'_>,
        trainer: &Trainer,
        overlap: usize,
        symmetric: bool,
    ) -> Outcome<Self> {
        let mut regions = Vec::new();
        for level in (0..levels.count()).rev() {
            regions.push(levels.region(level, overlap)?);
        }
        let mut transfers = Vec::new();
        for level in (1..levels.count()).rev() {
            transfers.push(levels.prolongation(level)?);
        }
        let trained = session.together(train(&regions, &transfers, trainer, symmetric))?;
        let count = levels.count();
        for (depth, [pre, post]) in trained.products.iter().enumerate() {
            levels.set_products(count - 1 - depth, pre, (!symmetric).then_some(post))?;
        }
        Ok(Self {
            before: session.reduce(trained.factors[0], Reduction::Largest)?,
            after: session.reduce(trained.factors[1], Reduction::Largest)?,
        })
    }
}

struct Trained {
    /// M before and after the correction on every level from the finest on: own rows, columns of the region.
    products: Vec<[Csr<f64>; 2]>,
    factors: [f64; 2],
}

/// Trains on the regions of one rank, the finest level first.
fn train(regions: &[Region], transfers: &[Csr<f64>], trainer: &Trainer, symmetric: bool) -> Result<Trained> {
    let rows = regions.first().map_or(0, |r| r.matrix.rows());
    if rows < FEWEST {
        return Err(Error::unsuited(format!(
            "a rank has {rows} rows with its neighbours, too few to train; run on fewer ranks"
        )));
    }
    let (hierarchy, kept) = local_hierarchy(&regions[0].matrix, transfers)?;
    let mut solver = Solver::from_hierarchy(hierarchy, Setup::from(Coarsening::default()))?;
    let trainer = trainer.clone().learn(Target::Relaxation).loss(Loss::Krylov).symmetric(symmetric);
    let report = trainer.fit(&mut solver)?;
    let mut products = Vec::new();
    for (depth, region) in regions[..transfers.len()].iter().enumerate() {
        let rows = region.matrix.rows();
        let smoothers = match (solver.hierarchy().levels.get(depth), kept.get(depth)) {
            (Some(level), Some(kept)) => {
                let a = level.a.to_csr();
                let m = [product(level.pre.first(), &a)?, product(level.post.first(), &a)?];
                m.map(|m| widened(&m, kept, rows))
            }
            // The region has fewer levels than the whole.
            _ => {
                let m =
                    product(Relaxation::Spai0.smoothers(&region.matrix, 1, 1)?.0.first(), &region.matrix)?;
                [m.clone(), m]
            }
        };
        let own: Vec<u32> = region.own.clone().map(|i| i as u32).collect();
        products.push(smoothers.map(|m| m.select(Some(&own), None)));
    }
    Ok(Trained { products, factors: [report.factor_before, report.factor_after] })
}

/// M of a sweep as a matrix.
fn product(sweep: Option<&Sweep>, a: &Csr<f64>) -> Result<Csr<f64>> {
    match sweep {
        Some(Smoother::Sparse { m }) => Ok(m.to_csr()),
        Some(Smoother::Diagonal { weights }) => Ok(Csr::diagonal_matrix(weights)),
        Some(other) => Err(Error::unsuited(format!("training kept \"{other}\", which is not a sparse M"))),
        None => Ok(Csr::identity(a.rows()).map(|_, _, _| 0.0)),
    }
}

/// A matrix on the kept rows of a region as one on all of them; other rows have the diagonal entry 0.
fn widened(m: &Csr<f64>, kept: &[u32], rows: usize) -> Csr<f64> {
    let place = |i: usize| kept[i] as usize;
    let mut triplets: Vec<(usize, usize, f64)> =
        (0..m.rows()).flat_map(|i| m.row(i).map(move |(j, v)| (place(i), place(j), v))).collect();
    let mut there = vec![false; rows];
    kept.iter().for_each(|&i| there[i as usize] = true);
    triplets.extend((0..rows).filter(|&i| !there[i]).map(|i| (i, i, 0.0)));
    // The places are below `rows` and the values those of a valid matrix.
    Csr::from_triplets(rows, rows, &triplets).unwrap_or_else(|_| Csr::identity(rows))
}

/// The levels on a region: its matrix, the interpolations without empty columns, Galerkin products below; and the rows of
/// the region that every level keeps.
fn local_hierarchy(a: &Csr<f64>, transfers: &[Csr<f64>]) -> Result<(Hierarchy, Vec<Vec<u32>>)> {
    let mut levels = Vec::new();
    let mut a = a.clone();
    let mut kept: Vec<Vec<u32>> = vec![(0..a.rows() as u32).collect()];
    for p in transfers {
        let rows = kept.last().map_or(&[][..], Vec::as_slice);
        let p = p.select(Some(rows), None);
        let mut size = vec![0.0; p.cols()];
        (0..p.rows()).flat_map(|i| p.row(i)).for_each(|(j, v)| size[j] += v * v);
        let columns: Vec<u32> = (0..p.cols() as u32).filter(|&j| size[j as usize] > 1e-8).collect();
        if columns.is_empty() || columns.len() >= a.rows() {
            break;
        }
        let p = p.select(None, Some(&columns));
        let r = p.transpose();
        let coarse = a.galerkin(&r, &p)?;
        let (pre, post) = Relaxation::Spai0.smoothers(&a, 1, 1)?;
        levels.push(Level { a: a.into(), prolongation: p.into(), restriction: r.into(), pre, post });
        a = coarse;
        kept.push(columns);
    }
    let coarsest_rows = a.rows();
    let coarsest = Arc::new(Direct::new(&a)?);
    Ok((Hierarchy { levels, coarsest, coarsest_rows, kind: CycleKind::V }, kept))
}
