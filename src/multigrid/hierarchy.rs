//! Levels of a hierarchy and the traversal of their leaves.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::cycle_kind::CycleKind;
use super::smoother::{Part, Smoother};
use crate::engine::{Host, Leaves, Matrix};
use crate::error::{Error, Result};
use crate::sparse::{Scalar, Storage};

/// A multigrid hierarchy, generic over the representation of its leaves.
///
/// `levels[0]` is the finest level; the direct solver is below the last one. A sufficiently small matrix has no
/// levels, only the direct solver.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound(
    serialize = "L::Values: Serialize, L::Direct: Serialize",
    deserialize = "L::Values: Deserialize<'de>, L::Direct: Deserialize<'de>"
))]
pub struct Hierarchy<L: Leaves = Host<f64>> {
    /// All levels except the coarsest.
    pub levels: Vec<Level<L>>,
    /// The direct solver of the coarsest level.
    pub coarsest: L::Direct,
    /// Rows of the coarsest level.
    pub coarsest_rows: usize,
    /// Number and order of the visits to the coarser levels.
    pub kind: CycleKind,
}

/// One level: its operator, the transfers to the next level, and its smoothers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound(
    serialize = "L::Values: Serialize, L::Direct: Serialize",
    deserialize = "L::Values: Deserialize<'de>, L::Direct: Deserialize<'de>"
))]
pub struct Level<L: Leaves = Host<f64>> {
    /// A, n × n.
    pub a: Matrix<L::Values>,
    /// P, n × n_coarse.
    pub prolongation: Matrix<L::Values>,
    /// R, n_coarse × n.
    pub restriction: Matrix<L::Values>,
    /// Sweeps before the coarse-grid correction, in order.
    pub pre: Vec<Smoother<L::Values>>,
    /// Sweeps after the coarse-grid correction, in order.
    pub post: Vec<Smoother<L::Values>>,
}

/// Largest number of levels above the coarsest for a W- or K-cycle.
const MANY_VISITS_LEVELS: usize = 16;

/// Position of a leaf in its hierarchy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Level, 0 for the finest.
    pub level: usize,
    /// Role of the leaf on its level.
    pub role: Role,
}

/// Role of a leaf on its level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Values of A.
    Operator,
    /// Values of P.
    Prolongation,
    /// Values of R.
    Restriction,
    /// Values of this sweep before the coarse-grid correction.
    Pre(usize),
    /// Values of this sweep after the coarse-grid correction.
    Post(usize),
    /// Scalars of this sweep before the coarse-grid correction.
    PreScalars(usize),
    /// Scalars of this sweep after the coarse-grid correction.
    PostScalars(usize),
}

impl Role {
    /// The role of a leaf of sweep `q`, before the coarse-grid correction or, with `post`, after it.
    pub fn of_sweep(post: bool, q: usize, part: Part) -> Self {
        match (post, part) {
            (false, Part::Values) => Role::Pre(q),
            (true, Part::Values) => Role::Post(q),
            (false, Part::Scalars) => Role::PreScalars(q),
            (true, Part::Scalars) => Role::PostScalars(q),
        }
    }
}

impl<L: Leaves> Hierarchy<L> {
    /// Rows of the finest level.
    pub fn rows(&self) -> usize {
        self.levels.first().map_or(self.coarsest_rows, |level| level.a.pattern.rows())
    }

    /// Rows of level `depth`, the coarsest included.
    pub fn rows_at(&self, depth: usize) -> usize {
        self.levels.get(depth).map_or(self.coarsest_rows, |level| level.a.pattern.rows())
    }

    /// The same hierarchy with other leaves. Uploading, recording as parameters or constants, changing the
    /// precision and collecting values all use this traversal. It visits the leaves from the finest level down; on
    /// each level the sweeps (pre, post) precede the operators.
    pub fn map<M: Leaves>(
        &self,
        mut values: impl FnMut(Place, &L::Values) -> M::Values,
        direct: impl FnOnce(&L::Direct) -> M::Direct,
    ) -> Hierarchy<M> {
        let mut levels = Vec::with_capacity(self.levels.len());
        for (level, l) in self.levels.iter().enumerate() {
            let mut at = |role, v: &L::Values| values(Place { level, role }, v);
            let mut sweeps = |list: &[Smoother<L::Values>], post| {
                let sweeps = list.iter().enumerate();
                sweeps.map(|(q, s)| s.map(&mut |v, part| at(Role::of_sweep(post, q, part), v))).collect()
            };
            let (pre, post) = (sweeps(&l.pre, false), sweeps(&l.post, true));
            levels.push(Level {
                a: l.a.map(|v| at(Role::Operator, v)),
                prolongation: l.prolongation.map(|v| at(Role::Prolongation, v)),
                restriction: l.restriction.map(|v| at(Role::Restriction, v)),
                pre,
                post,
            });
        }
        Hierarchy {
            levels,
            coarsest: direct(&self.coarsest),
            coarsest_rows: self.coarsest_rows,
            kind: self.kind,
        }
    }
}

impl<T: Scalar> Hierarchy<Host<T>> {
    /// Refuses a cycle that visits the coarsest level too often.
    pub(super) fn check_cycle(&self) -> Result<()> {
        let doubles = matches!(self.kind, CycleKind::W | CycleKind::K);
        if doubles && self.levels.len() > MANY_VISITS_LEVELS {
            return Err(Error::invalid_input(format!(
                "a {}-cycle on {} levels visits the coarsest 2^{} times; use a V- or F-cycle, or fewer levels",
                self.kind,
                self.levels.len() + 1,
                self.levels.len() - 1
            )));
        }
        Ok(())
    }

    /// Checks the assumptions of the kernels: matching dimensions, values that fit their patterns and are finite,
    /// and diagonals without zeros where a smoother divides by them.
    ///
    /// # Errors
    /// A level that violates a rule. Cost: one pass.
    pub fn validate(&self) -> Result<()> {
        let problem = |depth: usize, what: &str| {
            Err(Error::invalid_input(format!("level {depth} of the hierarchy has {what}")))
        };
        self.check_cycle()?;
        if self.coarsest.rows() != self.coarsest_rows {
            return problem(self.levels.len(), "a direct solver of another size");
        }
        for (depth, level) in self.levels.iter().enumerate() {
            let (n, coarse) = (self.rows_at(depth), self.rows_at(depth + 1));
            let shape = |m: &Matrix<Arc<Storage<T>>>| (m.pattern.rows(), m.pattern.cols());
            if shape(&level.a) != (n, n)
                || shape(&level.prolongation) != (n, coarse)
                || shape(&level.restriction) != (coarse, n)
            {
                return problem(depth, "operators whose dimensions do not chain");
            }
            for m in [&level.a, &level.prolongation, &level.restriction] {
                if m.values.len() != m.pattern.nnz() || m.values.iter().any(|v| !v.finite()) {
                    return problem(depth, "an operator with missing or non-finite values");
                }
            }
            for smoother in level.pre.iter().chain(&level.post) {
                smoother.validate(&level.a).map_err(|e| e.at(format!("level {depth}")))?;
            }
        }
        Ok(())
    }

    /// Whether one cycle is a symmetric operator: every A is symmetric, R = Pᵀ, and every post-sweep is the
    /// transpose of its mirror image among the pre-sweeps.
    pub fn is_symmetric(&self) -> bool {
        let tolerance = if T::NAME == "f64" { 1e-12 } else { 1e-5 };
        self.kind.is_linear()
            && self.coarsest.matrix().asymmetry() < tolerance
            && self.levels.iter().all(|level| {
                level.a.to_csr().asymmetry() < tolerance
                    && level.restriction.to_csr() == level.prolongation.to_csr().transpose()
            })
            && self.sweeps_mirror()
    }

    /// Whether, for symmetric A, every post-sweep of every level is the transpose of its mirror image among the
    /// pre-sweeps. On a level without a coarse-grid correction, the sequence of all sweeps must equal its mirror
    /// image.
    pub(crate) fn sweeps_mirror(&self) -> bool {
        self.levels.iter().all(|level| {
            let corrected = level.prolongation.pattern.cols() > 0;
            let all: Vec<_> = level.pre.iter().chain(&level.post).collect();
            (!corrected || level.pre.len() == level.post.len())
                && all
                    .iter()
                    .zip(all.iter().rev())
                    .take(all.len().div_ceil(2))
                    .all(|(pre, post)| pre.mirrors(post))
        })
    }
}
