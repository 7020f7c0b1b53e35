//! New values on the same pattern, without the symbolic work of a setup.

use std::sync::Arc;

use super::hierarchy::{Hierarchy, Level};
use super::relaxation::Relaxation;
use crate::engine::{Host, Matrix};
use crate::error::{Error, Result};
use crate::setup::check_matrix;
use crate::sparse::{Csr, GalerkinPlan, Pattern, Scalar, Storage};

/// The products R A P of all levels, planned once for a hierarchy.
#[derive(Debug)]
pub(crate) struct Refresh {
    finest: Arc<Pattern>,
    plans: Vec<GalerkinPlan>,
}

impl Refresh {
    /// Plans the products. Cost: about as much as the products of a setup.
    ///
    /// # Errors
    /// Products too large for 32-bit indices. For a hierarchy without levels the plan is empty.
    pub(crate) fn new<T: Scalar>(h: &Hierarchy<Host<T>>) -> Result<Self> {
        let first = h.levels.first();
        let finest = first.map_or_else(|| h.coarsest.matrix().pattern().clone(), |l| l.a.pattern.clone());
        let mut plans: Vec<GalerkinPlan> = Vec::with_capacity(h.levels.len());
        for level in &h.levels {
            let a = plans.last().map_or(&finest, GalerkinPlan::pattern);
            let plan = GalerkinPlan::new(&level.restriction.pattern, a, &level.prolongation.pattern)?;
            plans.push(plan);
        }
        Ok(Self { finest, plans })
    }

    /// The hierarchy with the transfers of `h`, the products with a new A and new smoothers, in double precision.
    ///
    /// # Errors
    /// A pattern that differs from that of the finest level; an error of the smoother on a level; a coarsest
    /// matrix that is singular and large.
    pub(crate) fn apply<T: Scalar>(
        &self,
        h: &Hierarchy<Host<T>>,
        a: &Csr<f64>,
        relaxation: Relaxation,
        sweeps: (usize, usize),
    ) -> Result<Hierarchy<Host<f64>>> {
        let shared = Arc::ptr_eq(a.pattern(), &self.finest);
        if !shared && **a.pattern() != *self.finest {
            return Err(other_pattern(a.pattern(), &self.finest));
        }
        // The plans identify their pattern by its address.
        let mut current =
            if shared { a.clone() } else { Csr::new(self.finest.clone(), a.values().to_vec())? };
        let mut levels = Vec::with_capacity(h.levels.len());
        for (depth, (level, plan)) in h.levels.iter().zip(&self.plans).enumerate() {
            let double = |m: &Matrix<Arc<Storage<T>>>| m.to_csr().cast::<f64>();
            let (r, p) = (double(&level.restriction), double(&level.prolongation));
            let next = plan.numeric(&r, &current, &p)?;
            // As in a setup; the smoother of a single level checks its matrix itself.
            if next.rows() > 0 {
                check_matrix(&current).map_err(|e| e.at(format!("level {depth}")))?;
            }
            let relaxation = if depth == 0 { relaxation } else { relaxation.below(h.rows()) };
            let smoothers = relaxation.smoothers(&current, sweeps.0, sweeps.1);
            let (pre, post) = smoothers.map_err(|e| e.at(format!("level {depth}")))?;
            let a = std::mem::replace(&mut current, next).into();
            levels.push(Level { a, prolongation: p.into(), restriction: r.into(), pre, post });
        }
        let coarsest_rows = current.rows();
        let coarsest = Arc::new(h.coarsest.renewed(current)?);
        Ok(Hierarchy { levels, coarsest, coarsest_rows, kind: h.kind })
    }
}

/// The error of a matrix with another pattern than that of the solver.
pub(crate) fn other_pattern(new: &Pattern, own: &Pattern) -> Error {
    Error::fingerprint(format!(
        "the matrix has another pattern ({} × {}, {} entries) than the one that the solver was built for ({} × {}, {} entries); build a new solver",
        new.rows(),
        new.cols(),
        new.nnz(),
        own.rows(),
        own.cols(),
        own.nnz()
    ))
}
