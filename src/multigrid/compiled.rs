//! A compiled cycle in double or single precision.

use super::preconditioner::CyclePreconditioner;
use crate::error::Result;
use crate::operator::{Lent, Preconditioner};

/// One multigrid cycle, compiled, in double or single precision.
#[derive(Debug)]
pub enum Cycle {
    /// In double precision.
    Double(CyclePreconditioner<f64>),
    /// In single precision: half the memory traffic.
    Single(CyclePreconditioner<f32>),
}

impl Cycle {
    fn preconditioner(&self) -> &dyn Preconditioner {
        match self {
            Cycle::Double(cycle) => cycle,
            Cycle::Single(cycle) => cycle,
        }
    }
}

/// Memory of applications to several vectors.
#[derive(Debug, Default)]
pub(crate) struct BlockMemory {
    double: Vec<f64>,
    single: Vec<f32>,
}

impl Cycle {
    /// z ← B r for several vectors, with ⟨r, z⟩.
    pub(crate) fn apply_to_many(&self, vectors: &mut [Lent<'_>], memory: &mut BlockMemory) -> Result<()> {
        match self {
            Cycle::Double(cycle) => cycle.apply_to_many(vectors, &mut memory.double),
            Cycle::Single(cycle) => cycle.apply_to_many(vectors, &mut memory.single),
        }
    }
}

impl Preconditioner for Cycle {
    fn rows(&self) -> usize {
        self.preconditioner().rows()
    }

    fn is_symmetric(&self) -> bool {
        self.preconditioner().is_symmetric()
    }

    fn apply(&self, r: &[f64], z: &mut [f64]) -> Result<()> {
        self.preconditioner().apply(r, z)
    }

    fn apply_dot(&self, r: &[f64], norm: f64, z: &mut [f64]) -> Result<Option<f64>> {
        self.preconditioner().apply_dot(r, norm, z)
    }

    fn apply_transposed(&self, r: &[f64], z: &mut [f64]) -> Result<()> {
        self.preconditioner().apply_transposed(r, z)
    }
}
