//! Options of a hierarchy.

use std::path::{Path, PathBuf};

use clap::Args;

use super::misuse;
use super::values::{HierarchyChoice, aggregates, named, positive_count, smoothing, threshold, whole};
use crate::error::{Error, Result};
use crate::multigrid::{CycleShape, Setup};
use crate::setup::classical::{Interpolation, Restriction, SplittingKind};
use crate::setup::{Aggregates, Coarsening, Smoothing, Strength};
use crate::sparse::{Csr, DenseMatrix, MatrixFile};

#[derive(Debug, Args)]
pub struct HierarchyOptions {
    /// Multigrid hierarchy: auto (chosen from the matrix; `train` tries several), sa (smoothed
    /// aggregation), sasym (sa built on (A+Aᵀ)/2), sat (sa with R smoothed on Aᵀ), san
    /// (energy-minimised aggregation, for dominant advection), plain (aggregation without
    /// smoothing), pairwise (plain aggregation in pairs, for graphs), root-node (root-node
    /// aggregation), two-level (one coarse level, for Schwarz smoothers), classical (classical AMG,
    /// HMIS and extended+i), ruge-stueben (classical AMG of Ruge and Stüben), air (approximate
    /// ideal restriction, for advection), none (no coarse levels), pivoted (none, in an order of
    /// large pivots by ILUT), direct (sparse factorisation)
    #[arg(long, default_value = "auto", value_name = "NAME")]
    pub hierarchy: HierarchyChoice,
    /// Near-nullspace vectors such as rigid-body modes (a format of A, or NumPy's .npy; one column per vector)
    /// [default: the constant vector of every unknown of a node]
    #[arg(long, value_name = "MODES.mtx")]
    pub near_nullspace: Option<PathBuf>,
    /// Strength-of-connection threshold θ, 0 to 1 [default: 0.08 for aggregation, 0.25 for classical
    /// AMG, 0.3 for air, 0 for two-level; `train` takes 0.1 for sa and 0 for sasym, sat and san]
    #[arg(long, allow_negative_numbers = true, value_parser = threshold)]
    pub theta: Option<f64>,
    /// Maximum number of rows of the coarsest level, which is solved directly [default: 40; in `solve`
    /// and `info` 800 for sasym, sat and san]
    #[arg(long, value_name = "ROWS", allow_negative_numbers = true, value_parser = whole)]
    pub max_coarse: Option<usize>,
    /// Number of unknowns per node, for systems of PDEs (aggregation) [default: detected]
    #[arg(long, value_name = "ROWS", allow_negative_numbers = true, value_parser = positive_count)]
    pub block_size: Option<usize>,
    /// Aggregates: standard (a node and its neighbours), pairwise, or parts(100) (graph partition into
    /// parts of about 100 nodes) (aggregation) [default: standard]
    #[arg(long, value_name = "NAME", value_parser = aggregates)]
    pub aggregates: Option<Aggregates>,
    /// Smoothing of the prolongation P: none, jacobi, energy (energy minimisation) or root-node
    /// (aggregation) [default: energy for san, otherwise jacobi]
    #[arg(long, value_name = "NAME", value_parser = smoothing)]
    pub smoothing: Option<Smoothing>,
    /// Splitting into coarse and fine points: ruge-stueben, first-pass, pmis or hmis (classical)
    /// [default: ruge-stueben for ruge-stueben and air, otherwise hmis]
    #[arg(long, value_name = "NAME", value_parser = named::<SplittingKind>)]
    pub splitting: Option<SplittingKind>,
    /// Interpolation: direct, classical, standard, extended or one-point (classical) [default: extended
    /// for classical, classical for ruge-stueben, one-point for air]
    #[arg(long, value_name = "NAME", value_parser = named::<Interpolation>)]
    pub interpolation: Option<Interpolation>,
    /// Restriction: transpose (Pᵀ), transposed-problem (interpolation of Aᵀ, transposed), air-1 or air-2
    /// (approximate ideal restriction, distance 1 or 2) (classical) [default: air-2 for air, otherwise
    /// transpose]
    #[arg(long, value_name = "NAME", value_parser = named::<Restriction>)]
    pub restriction: Option<Restriction>,
    /// Maximum number of entries in a row of P, 0 for no limit (classical) [default: 4 for classical,
    /// otherwise 0]
    #[arg(long, value_name = "WEIGHTS", allow_negative_numbers = true, value_parser = whole)]
    pub max_per_row: Option<usize>,
    /// Number of levels with aggressive coarsening, from the finest level on (classical) [default: 0]
    #[arg(long, value_name = "LEVELS", allow_negative_numbers = true, value_parser = whole)]
    pub aggressive_levels: Option<usize>,
    /// Cycle: V, W, F or K with the numbers of pre- and post-smoothing sweeps, as in V(2,1), at most 20
    /// each [default: V(1,1); hierarchy auto may choose K(1,1)]
    #[arg(long, value_name = "CYCLE")]
    pub cycle: Option<CycleShape>,
}

impl HierarchyOptions {
    /// The setup with the parameters of these options.
    ///
    /// # Errors
    /// A parameter that does not belong to the setup.
    pub fn apply(&self, setup: Setup) -> Result<Setup> {
        let name = setup.name();
        let foreign = |given: bool, option: &str| {
            if given {
                Err(misuse(format!("{option} does not belong to the hierarchy {name}")))
            } else {
                Ok(())
            }
        };
        let aggregation = [
            (self.block_size.is_some(), "--block-size"),
            (self.aggregates.is_some(), "--aggregates"),
            (self.smoothing.is_some(), "--smoothing"),
        ];
        let classical = [
            (self.splitting.is_some(), "--splitting"),
            (self.interpolation.is_some(), "--interpolation"),
            (self.restriction.is_some(), "--restriction"),
            (self.max_per_row.is_some(), "--max-per-row"),
            (self.aggressive_levels.is_some(), "--aggressive-levels"),
        ];
        match setup {
            Setup::Aggregation(c) => {
                classical.into_iter().try_for_each(|(given, option)| foreign(given, option))?;
                Ok(self.coarsening(c).into())
            }
            Setup::SaddlePoint(mut s) => {
                classical.into_iter().try_for_each(|(given, option)| foreign(given, option))?;
                s.coarsening = self.coarsening(s.coarsening);
                Ok(s.into())
            }
            Setup::Classical(mut c) => {
                aggregation.into_iter().try_for_each(|(given, option)| foreign(given, option))?;
                if let (Some(theta), Strength::Classical { measure, .. }) = (self.theta, &c.strength) {
                    c.strength = Strength::Classical { theta, measure: *measure };
                }
                c.max_coarse = self.max_coarse.unwrap_or(c.max_coarse);
                c.splitting = self.splitting.unwrap_or(c.splitting);
                c.interpolation = self.interpolation.unwrap_or(c.interpolation);
                c.restriction = self.restriction.unwrap_or(c.restriction);
                c.aggressive_levels = self.aggressive_levels.unwrap_or(c.aggressive_levels);
                if let Some(limit) = self.max_per_row {
                    c.max_per_row = (limit > 0).then_some(limit);
                }
                Ok(c.into())
            }
            Setup::OneLevel | Setup::Pivoted | Setup::Direct => {
                foreign(self.theta.is_some(), "--theta")?;
                foreign(self.max_coarse.is_some(), "--max-coarse")?;
                foreign(self.cycle.is_some(), "--cycle")?;
                aggregation
                    .into_iter()
                    .chain(classical)
                    .try_for_each(|(given, option)| foreign(given, option))?;
                Ok(setup)
            }
        }
    }

    /// Parameters of aggregation with those that are given.
    fn coarsening(&self, mut c: Coarsening) -> Coarsening {
        c.theta = self.theta.unwrap_or(c.theta);
        c.max_coarse = self.max_coarse.unwrap_or(c.max_coarse);
        c.block_size = self.block_size.or(c.block_size);
        c.aggregates = self.aggregates.unwrap_or(c.aggregates);
        c.smoothing = self.smoothing.or(c.smoothing);
        c
    }

    /// The cycle for training: V(1,1) by default, or one sweep without coarser levels.
    pub fn training_cycle(&self) -> CycleShape {
        let alone = matches!(&self.hierarchy, HierarchyChoice::Named(s) if s.has_one_level());
        let post = usize::from(!alone);
        self.cycle.unwrap_or(CycleShape { post, ..CycleShape::default() })
    }

    /// The near-nullspace candidates from the file, if one is given.
    ///
    /// # Errors
    /// A file that cannot be read, or whose number of rows differs from that of `a`.
    pub fn candidates(&self, a: &Csr<f64>, matrix: &Path) -> Result<Option<DenseMatrix>> {
        if let Some(size) = self.block_size
            && !a.rows().is_multiple_of(size)
        {
            return Err(misuse(format!(
                "--block-size {size} does not divide the {} rows of {}; leave it out to have it detected",
                a.rows(),
                matrix.display()
            )));
        }
        read_candidates(self.near_nullspace.as_deref(), a)
    }
}

/// Near-nullspace candidates from a file, if one is given.
///
/// # Errors
/// A file that cannot be read, or whose number of rows differs from that of `a`.
pub fn read_candidates(path: Option<&Path>, a: &Csr<f64>) -> Result<Option<DenseMatrix>> {
    let Some(path) = path else { return Ok(None) };
    let candidates = MatrixFile::read_dense(path)?;
    if candidates.rows() != a.rows() {
        return Err(Error::dimension(format!(
            "{}: {} rows of near-nullspace candidates for a matrix with {} rows",
            path.display(),
            candidates.rows(),
            a.rows()
        )));
    }
    Ok(Some(candidates))
}
