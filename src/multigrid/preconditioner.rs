//! One multigrid cycle as a preconditioner.

use std::sync::{Mutex, OnceLock};

use super::cycle::compile;
use super::hierarchy::Hierarchy;
use crate::backend::Cpu;
use crate::engine::{Host, Plan};
use crate::error::{Error, Result};
use crate::operator::{Lent, Preconditioner, check_lengths};
use crate::sparse::Scalar;

/// z = B r: one compiled cycle from x = 0.
///
/// `Sync`: many threads may apply it at once. Workspaces are reused; a host code with its own memory uses
/// [`plan`](Self::plan), which takes no lock. With `T = f32` the vectors are scaled and rounded on input and
/// returned in double precision.
#[derive(Debug)]
pub struct CyclePreconditioner<T: Scalar> {
    hierarchy: Hierarchy<Host<T>>,
    plan: Plan<Host<T>>,
    transposed: OnceLock<Option<Plan<Host<T>>>>,
    symmetric: OnceLock<bool>,
    workspaces: Mutex<Vec<Vec<T>>>,
}

impl<T: Scalar> CyclePreconditioner<T> {
    /// Checks and compiles a hierarchy.
    ///
    /// # Errors
    /// A hierarchy that violates a rule (see [`Hierarchy::validate`]).
    pub fn new(hierarchy: Hierarchy<Host<T>>) -> Result<Self> {
        hierarchy.validate()?;
        Self::trusted(hierarchy, None)
    }

    /// Compiles a hierarchy from a setup of this crate, without validation. The symmetry of its cycle is
    /// determined on first use unless it is given.
    pub(crate) fn trusted(hierarchy: Hierarchy<Host<T>>, symmetric: Option<bool>) -> Result<Self> {
        hierarchy.check_cycle()?;
        hierarchy.levels.iter().for_each(|level| level.a.values.find_runs(&level.a.pattern));
        let plan = compile(&hierarchy)?;
        let known = symmetric.map_or_else(OnceLock::new, OnceLock::from);
        let (transposed, workspaces) = (OnceLock::new(), Mutex::new(Vec::new()));
        Ok(Self { hierarchy, plan, transposed, symmetric: known, workspaces })
    }

    /// The hierarchy.
    pub fn hierarchy(&self) -> &Hierarchy<Host<T>> {
        &self.hierarchy
    }

    /// The compiled cycle.
    pub fn plan(&self) -> &Plan<Host<T>> {
        &self.plan
    }

    /// Number of unknowns.
    pub fn rows(&self) -> usize {
        self.plan.rows()
    }

    /// Bytes of the hierarchy, of a workspace for one vector, and of a vector in its precision.
    pub fn bytes(&self) -> usize {
        let vectors = if T::NAME == "f64" { 0 } else { self.rows() };
        self.hierarchy.bytes() + (self.plan.workspace(1) + vectors) * size_of::<T>()
    }

    /// Whether B is symmetric.
    pub fn is_symmetric(&self) -> bool {
        *self.symmetric.get_or_init(|| self.hierarchy.is_symmetric())
    }

    /// z ← B r by a plan, for a residual of norm `length` (computed if absent). Returns ⟨r, z⟩ if the norm was
    /// given and the precisions differ.
    fn run(
        &self,
        plan: &Plan<Host<T>>,
        r: &[f64],
        length: Option<f64>,
        z: &mut [f64],
    ) -> Result<Option<f64>> {
        check_lengths(self.rows(), r, z)?;
        let n = self.rows();
        let pooled = self.workspaces.lock().ok().and_then(|mut pool| pool.pop());
        let mut memory = pooled.unwrap_or_default();
        let done = match (T::borrow(r), T::borrow_mut(z)) {
            (Some(b), Some(x)) => {
                memory.resize(plan.workspace(1), T::ZERO);
                plan.run(b, x, &mut memory, 1).map(|()| None)
            }
            _ => {
                memory.resize(n + plan.workspace(1), T::ZERO);
                let (b, work) = memory.split_at_mut(n);
                let scale = scale(length, r);
                Cpu.convert(r, 1.0 / scale, b);
                plan.run_in(b, work, 1).map(|x| match length {
                    Some(_) => Some(Cpu.convert_dot(x, scale, z, r)),
                    None => {
                        Cpu.convert(x, scale, z);
                        None
                    }
                })
            }
        };
        if let Ok(mut pool) = self.workspaces.lock() {
            pool.push(memory);
        }
        done
    }
}

impl<T: Scalar> CyclePreconditioner<T> {
    /// z ← B r for several vectors as one block, with ⟨r, z⟩. `memory` is scratch space of any length, for this purpose
    /// alone. Cost: the hierarchy is read once. Memory: the workspace for k columns, and k values a row.
    ///
    /// # Errors
    /// Lengths that do not fit.
    pub(crate) fn apply_to_many(&self, vectors: &mut [Lent<'_>], memory: &mut Vec<T>) -> Result<()> {
        let (n, k) = (self.rows(), vectors.len());
        vectors.iter().try_for_each(|lent| check_lengths(n, lent.x, lent.y))?;
        memory.resize((n * k + self.plan.workspace(k)).max(memory.len()), T::ZERO);
        let (b, work) = memory.split_at_mut(n * k);
        let double = T::NAME == "f64";
        let scale = |lent: &Lent<'_>| if double { 1.0 } else { scale(lent.norm, lent.x) };
        let scales: Vec<f64> = vectors.iter().map(scale).collect();
        let inverses: Vec<f64> = scales.iter().map(|s| 1.0 / s).collect();
        let (rs, zs): (Vec<&[f64]>, Vec<&mut [f64]>) =
            vectors.iter_mut().map(|lent| (lent.x, &mut *lent.y)).unzip();
        Cpu.interleave(&rs, &inverses, b);
        let x = self.plan.run_in(b, work, k)?;
        let dots = Cpu.separate_dots(x, &scales, &rs, zs);
        vectors.iter_mut().zip(dots).for_each(|(lent, [dot])| lent.dots = [dot, 0.0]);
        Ok(())
    }
}

/// The factor of a residual in single precision, which keeps a small one from underflow: its norm, computed if absent.
fn scale(norm: Option<f64>, r: &[f64]) -> f64 {
    let scale = norm.unwrap_or_else(|| Cpu.largest(r));
    if scale == 0.0 || !scale.is_finite() { 1.0 } else { scale.max(1e-290) }
}

impl<T: Scalar> Preconditioner for CyclePreconditioner<T> {
    fn rows(&self) -> usize {
        self.plan.rows()
    }

    fn is_symmetric(&self) -> bool {
        CyclePreconditioner::is_symmetric(self)
    }

    fn apply(&self, r: &[f64], z: &mut [f64]) -> Result<()> {
        self.run(&self.plan, r, None, z).map(|_| ())
    }

    fn apply_dot(&self, r: &[f64], norm: f64, z: &mut [f64]) -> Result<Option<f64>> {
        self.run(&self.plan, r, Some(norm), z)
    }

    fn apply_transposed(&self, r: &[f64], z: &mut [f64]) -> Result<()> {
        if CyclePreconditioner::is_symmetric(self) {
            return self.apply(r, z);
        }
        if !self.hierarchy.kind.is_linear() {
            return self.hierarchy.transposed().map(|_| ());
        }
        let build = || self.hierarchy.transposed().and_then(|h| compile(&h)).ok();
        match self.transposed.get_or_init(build) {
            Some(plan) => self.run(plan, r, None, z).map(|_| ()),
            None => {
                Err(Error::singular("the transposed cycle cannot be built: the coarsest level is singular"))
            }
        }
    }
}
