//! Smoothers for a hierarchy of PETSc: weakened incomplete factors whose scalar τ is learned on each rank's own rows.

use crate::error::{Error, Result};
use crate::krylov::Krylov;
use crate::multigrid::Setup;
use crate::setup::Coarsening;
use crate::setup::relaxation::{ilu0, weaken_factors};
use crate::solver::{best_tau, best_tau_in_parts, suited_variant};

use super::factors::multiply;
use super::native::{Levels, Reduction, Session};
use super::session::Outcome;

/// What was learned.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct LearnedTau {
    /// τ: entries of L and U beside the diagonal are multiplied by 1 − τ.
    pub tau: f64,
    /// The least and the largest τ that a rank has found.
    pub range: (f64, f64),
    /// Number of ranks that have found one.
    pub ranks: usize,
    /// Whether the matrix is symmetric.
    pub symmetric: bool,
}

/// Fewest rows of a rank on which learning says something.
const FEWEST: usize = 200;

impl LearnedTau {
    /// Learns τ on patches of every rank's own rows and one ring of neighbours, on several ranks with the factors of two parts
    /// of each patch, without communication but the final
    /// agreement: the largest τ of all ranks, because too small a one lets factors diverge and too large a one only slows
    /// them down. Ranks with fewer than 200 rows take what the others have found.
    ///
    /// Cost: about five hierarchies and solves on patches of a twelfth of a rank's rows.
    ///
    /// # Errors
    /// No rank finds a τ with which the smoother converges on its patches.
    pub fn of(session: &Session, levels: &mut Levels<'_>) -> Outcome<Self> {
        let block = session.together(levels.region(levels.count() - 1, 1))?.matrix;
        let symmetric = session.reduce(f64::from(u8::from(block.is_symmetric())), Reduction::Least)? > 0.0;
        let (setup, krylov) = if symmetric {
            (Setup::from(Coarsening { theta: 0.0, ..Coarsening::default() }), Krylov::Cg)
        } else {
            (Setup::from(suited_variant(&block)), Krylov::Fgmres)
        };
        let best = if session.size() > 1 { best_tau_in_parts } else { best_tau };
        let found = (block.rows() >= FEWEST).then(|| best(&block, &setup, krylov)).flatten();
        let least = session.reduce(found.map_or(f64::INFINITY, |f| f.0), Reduction::Least)?;
        let largest = session.reduce(found.map_or(-1.0, |f| f.0), Reduction::Largest)?;
        let ranks = session.reduce(f64::from(u8::from(found.is_some())), Reduction::Sum)? as usize;
        session.together(if ranks == 0 {
            Err(Error::unsuited(
                "on no rank's rows do incomplete factors with any τ smooth: they cannot be computed, diverge, or every rank has fewer than 200 rows",
            ))
        } else {
            Ok(())
        })?;
        Ok(Self { tau: largest, range: (least, largest), ranks, symmetric })
    }

    /// This τ on all ranks.
    pub fn given(tau: f64, ranks: usize, symmetric: bool) -> Self {
        Self { tau, range: (tau, tau), ranks, symmetric }
    }

    /// Gives every level but the coarsest incomplete factors with this τ on each rank's own rows and `overlap` rings of
    /// neighbours.
    ///
    /// # Errors
    /// Factors that cannot be computed on a rank, such as for a zero pivot.
    pub fn install(&self, session: &Session, levels: &mut Levels<'_>, overlap: usize) -> Outcome<()> {
        for level in 1..levels.count() {
            let region = levels.region(level, overlap)?.matrix;
            let smoother = || -> Result<_> {
                let at = |e: Error| e.at(format!("level {level} of rank {}", session.rank()));
                let factors = if region.rows() == 0 { region } else { ilu0(&region).map_err(at)? };
                Ok(multiply(&weaken_factors(factors, self.tau)?))
            };
            let b = session.together(smoother())?;
            levels.set_factors(level, &b)?;
        }
        Ok(())
    }
}

/// Options for smoothers of the levels that are blocks of factors, or products.
pub fn smoother_options(products: bool) -> String {
    let common = [("ksp_type", "richardson"), ("ksp_max_it", "1"), ("ksp_norm_type", "none")];
    let factors = [
        ("pc_type", "galerkin"),
        ("galerkin_ksp_type", "preonly"),
        ("galerkin_pc_type", "bjacobi"),
        ("galerkin_sub_ksp_type", "preonly"),
        ("galerkin_sub_pc_type", "ilu"),
        ("galerkin_sub_pc_factor_levels", "0"),
        ("galerkin_sub_pc_factor_zeropivot", "1e-300"),
    ];
    let kind = if products { &[("pc_type", "mat")][..] } else { &factors };
    let sides = ["mg_levels_", "mg_levels_up_"];
    let lines =
        sides.iter().flat_map(|side| common.iter().chain(kind).map(move |(k, v)| format!("-{side}{k} {v} ")));
    lines.collect()
}
