//! Assembly of a hierarchy: the levels of a setup with their smoothers.

use std::sync::Arc;

use super::cycle_kind::CycleKind;
use super::hierarchy::{Hierarchy, Level};
use super::relaxation::Relaxation;
use super::setup::Setup;
use super::smoother::Smoother;
use crate::backend::Direct;
use crate::engine::Host;
use crate::error::{Error, Result};
use crate::limits;
use crate::setup::Grids;
use crate::setup::relaxation::weaken_factors;
use crate::sparse::{Csr, DenseMatrix};

/// A larger coarsest level is factorised only if `max_coarse` allows it.
const LARGE_COARSEST: usize = 50_000;
/// Bytes of a smoother for an entry of its matrix.
const SMOOTHER_BYTES: f64 = 16.0;

impl Hierarchy<Host<f64>> {
    /// The levels of a setup for `a`, without smoothers. `is_costly`: whether sparse factors of `a` are refused where the setup finds
    /// no coarse level.
    ///
    /// # Errors
    /// A matrix that is not square, has a zero row or a zero on its diagonal; near-nullspace candidates of
    /// the wrong length; a coarsest level that is singular and large; no coarse level for a matrix with costly factors.
    pub(crate) fn without_smoothers(
        a: &Csr<f64>,
        setup: &Setup,
        (near_nullspace, kind): (Option<&DenseMatrix>, CycleKind),
        is_costly: &dyn Fn(&Csr<f64>) -> bool,
    ) -> Result<Self> {
        let Grids { transfers, coarsest } = setup.coarsen(a, near_nullspace)?;
        let (rows, nnz) = (coarsest.rows(), coarsest.nnz());
        if rows > setup.max_coarse().max(LARGE_COARSEST) && nnz > 3 * rows {
            return Err(Error::unsuited(format!(
                "coarsening stopped at {rows} unknowns, too many to solve directly; lower the strength threshold theta, or raise max_coarse to allow the direct solver"
            )));
        }
        if transfers.is_empty() && rows > setup.max_coarse() && is_costly(&coarsest) {
            return Err(Error::unsuited(
                "coarsening finds no couplings that are strong enough for a coarse level, and sparse factors are costly",
            ));
        }
        let direct =
            if transfers.is_empty() { Direct::of_system(&coarsest)? } else { Direct::new(&coarsest)? };
        let direct = Arc::new(direct);
        let levels = transfers.into_iter().map(|t| Level {
            a: t.a.into(),
            prolongation: t.prolongation.into(),
            restriction: t.restriction.into(),
            pre: Vec::new(),
            post: Vec::new(),
        });
        Ok(Self { levels: levels.collect(), coarsest_rows: rows, coarsest: direct, kind })
    }

    /// Sets the smoothers of a relaxation on every level: `sweeps` before and after the coarse-grid correction.
    ///
    /// # Errors
    /// As for [`Relaxation::smoothers`], with the level.
    pub(crate) fn set_smoothers(&mut self, relaxation: Relaxation, sweeps: (usize, usize)) -> Result<()> {
        let rows = self.rows();
        for (depth, level) in self.levels.iter_mut().enumerate() {
            limits::room_for(SMOOTHER_BYTES * level.a.pattern.nnz() as f64, "smoothers")
                .map_err(|e| e.at(format!("level {depth}")))?;
            let a = level.a.to_csr();
            let relaxation = if depth == 0 { relaxation } else { relaxation.below(rows) };
            let smoothers = relaxation.smoothers(&a, sweeps.0, sweeps.1);
            (level.pre, level.post) = smoothers.map_err(|e| e.at(format!("level {depth}")))?;
        }
        Ok(())
    }

    /// The same hierarchy with weakened incomplete factors (see [`weaken_factors`]); other sweeps are kept.
    ///
    /// # Errors
    /// A τ outside [0, 1].
    pub(crate) fn weakened(&self, tau: f64) -> Result<Self> {
        let mut hierarchy = self.clone();
        for sweep in hierarchy.levels.iter_mut().flat_map(|level| level.pre.iter_mut().chain(&mut level.post))
        {
            if let Smoother::Factors { factors, .. } = sweep {
                *factors = weaken_factors(factors.to_csr(), tau)?.into();
            }
        }
        Ok(hierarchy)
    }
}
