//! One cycle as a linear operator.

use std::sync::{Mutex, OnceLock};

use super::cycle::compile;
use super::hierarchy::Hierarchy;
use crate::backend::Cpu;
use crate::engine::{Host, Plan};
use crate::error::{Error, Result};
use crate::operator::{Preconditioner, check_lengths};
use crate::sparse::Scalar;

/// z = B r, one cycle from the zero guess, compiled.
///
/// `Sync`: many threads may apply it at once. Workspaces are reused; a host that brings its
/// own memory uses [`plan`](Self::plan), which takes no lock. With `T = f32` the vectors
/// are scaled and rounded on the way in and come back in double precision.
#[derive(Debug)]
pub struct CyclePreconditioner<T: Scalar> {
    hierarchy: Hierarchy<Host<T>>,
    plan: Plan<T>,
    transposed: OnceLock<Option<Plan<T>>>,
    symmetric: bool,
    workspaces: Mutex<Vec<Vec<T>>>,
}

impl<T: Scalar> CyclePreconditioner<T> {
    /// Checks and compiles a hierarchy.
    ///
    /// # Errors
    /// A hierarchy that breaks a rule (see [`Hierarchy::validate`]).
    pub fn new(hierarchy: Hierarchy<Host<T>>) -> Result<Self> {
        hierarchy.validate()?;
        let plan = compile(&hierarchy)?;
        let symmetric = hierarchy.is_symmetric();
        Ok(Self {
            hierarchy,
            plan,
            transposed: OnceLock::new(),
            symmetric,
            workspaces: Mutex::new(Vec::new()),
        })
    }

    /// The hierarchy.
    pub fn hierarchy(&self) -> &Hierarchy<Host<T>> {
        &self.hierarchy
    }

    /// The compiled cycle.
    pub fn plan(&self) -> &Plan<T> {
        &self.plan
    }

    /// Number of unknowns.
    pub fn rows(&self) -> usize {
        self.plan.rows()
    }

    /// Whether B is symmetric.
    pub fn is_symmetric(&self) -> bool {
        self.symmetric
    }

    fn run(&self, plan: &Plan<T>, r: &[f64], z: &mut [f64]) -> Result<()> {
        check_lengths(self.rows(), r, z)?;
        let n = self.rows();
        // Scaled so that a small residual does not underflow in single precision.
        let largest = r.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        let scale = if T::NAME == "f64" || largest == 0.0 || !largest.is_finite() { 1.0 } else { largest };
        let pooled = self.workspaces.lock().ok().and_then(|mut pool| pool.pop());
        let mut memory = pooled.unwrap_or_default();
        memory.resize(2 * n + plan.workspace(1), T::ZERO);
        let (b, rest) = memory.split_at_mut(n);
        let (x, work) = rest.split_at_mut(n);
        b.iter_mut().zip(r).for_each(|(b, r)| *b = T::from_f64(r / scale));
        let done = plan.run(&Cpu, b, x, work, 1);
        z.iter_mut().zip(x).for_each(|(z, x)| *z = x.to_f64() * scale);
        if let Ok(mut pool) = self.workspaces.lock() {
            pool.push(memory);
        }
        done
    }
}

impl<T: Scalar> Preconditioner for CyclePreconditioner<T> {
    fn rows(&self) -> usize {
        self.plan.rows()
    }

    fn is_symmetric(&self) -> bool {
        self.symmetric
    }

    fn apply(&self, r: &[f64], z: &mut [f64]) -> Result<()> {
        self.run(&self.plan, r, z)
    }

    fn apply_transposed(&self, r: &[f64], z: &mut [f64]) -> Result<()> {
        if self.symmetric {
            return self.apply(r, z);
        }
        let build = || self.hierarchy.transposed().and_then(|h| compile(&h)).ok();
        match self.transposed.get_or_init(build) {
            Some(plan) => self.run(plan, r, z),
            None => {
                Err(Error::singular("the transposed cycle cannot be built: the coarsest level is singular"))
            }
        }
    }
}
