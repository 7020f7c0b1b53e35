//! Hierarchies on a GPU.

use std::collections::HashMap;
use std::sync::Arc;

use super::cycle::{correction, cycle, trace};
use super::cycle_kind::CycleKind;
use super::hierarchy::{Hierarchy, Place};
use crate::backend::Cuda;
use crate::backend::cuda::{Graph, Memory, OnDevice};
use crate::engine::{
    DenseOperator, Device, DeviceBuffer, Eager, Engine, Executor, Host, Program, Resident, Vector,
};
use crate::error::{Error, Result};
use crate::sparse::Storage;

/// Largest coarsest level for which the inverse is formed.
const DENSE_ROWS: usize = 4096;

/// Number of columns of the identity solved at once.
const COLUMNS: usize = 32;

/// Purpose of a hierarchy on a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Solving: from the first small level downwards, the cycle is one dense matrix.
    Solve,
    /// Training: all levels are kept.
    Train,
}

impl<T: OnDevice> Hierarchy<Host<T>> {
    /// Uploads the hierarchy to a device. A leaf shared by several places is uploaded once.
    ///
    /// # Errors
    /// A K-cycle, which is not linear; a coarsest level with more than 4096 rows; a device that is out of memory.
    /// Cost of the dense matrix of the small levels: one cycle on them for each of its rows.
    pub fn to_device(&self, cuda: &Cuda, purpose: Use) -> Result<Hierarchy<Device<T>>> {
        if !self.kind.is_linear() {
            return Err(Error::unsuited(
                "a K-cycle is not linear and runs on the CPU only; use a V- or W-cycle",
            ));
        }
        let depth = self.dense_from(cuda, purpose);
        let dense = self.dense(depth)?;
        let kept = Hierarchy {
            levels: self.levels[..depth].to_vec(),
            coarsest: self.coarsest.clone(),
            coarsest_rows: self.rows_at(depth),
            kind: self.kind,
        };
        let mut known: HashMap<*const Storage<T>, Arc<Memory<T>>> = HashMap::new();
        let mut upload = |_: Place, values: &Arc<Storage<T>>| {
            known.entry(Arc::as_ptr(values)).or_insert_with(|| Arc::new(cuda.upload(values))).clone()
        };
        let rows = kept.coarsest_rows;
        let device = kept
            .map(&mut upload, |_| Arc::new(DenseOperator::new(cuda, rows, &dense, purpose == Use::Train)));
        cuda.check()?;
        Ok(device)
    }

    /// The first level of the dense matrix. The launches of small levels cost more than a dense product (1024²
    /// values in single precision are read in 2 µs).
    pub(super) fn dense_from(&self, cuda: &Cuda, purpose: Use) -> usize {
        let all = self.levels.len();
        // The action of an F-cycle below a level depends on the visit.
        if purpose == Use::Train || self.kind == CycleKind::F {
            return all;
        }
        (0..all).find(|&depth| self.rows_at(depth) <= cuda.tuning().tail_rows).unwrap_or(all)
    }

    /// The action of the cycle on level `depth` and below, as a row-major matrix.
    pub(super) fn dense(&self, depth: usize) -> Result<Vec<T>> {
        let n = self.rows_at(depth);
        if n > DENSE_ROWS {
            return Err(Error::unsuited(format!(
                "the coarsest level has {n} rows, and a GPU supports at most {DENSE_ROWS}; coarsen further"
            )));
        }
        let mut matrix = vec![T::ZERO; n * n];
        for first in (0..n).step_by(COLUMNS) {
            let k = COLUMNS.min(n - first);
            let e = Eager::new(k);
            let mut unit = vec![T::ZERO; n * k];
            (0..k).for_each(|c| unit[(first + c) * k + c] = T::ONE);
            let b = e.vector(&unit);
            // On the finest level the matrix is one cycle, below it the coarse-grid correction.
            let x = match depth {
                0 => cycle(&e, self, 0, &b, e.zeros(n)),
                _ => correction(&e, self, depth, self.kind, &b),
            };
            for (row, values) in e.values(&x).chunks_exact(k).enumerate() {
                matrix[row * n + first..row * n + first + k].copy_from_slice(values);
            }
        }
        match matrix.iter().all(|v| v.finite()) {
            true => Ok(matrix),
            false => Err(Error::singular(format!("level {depth} of the hierarchy cannot be solved"))),
        }
    }
}

/// One cycle from x = 0 on a device, z = B r. It only queues launches, so that it can be captured.
#[derive(Debug)]
pub struct ResidentCycle<T: OnDevice> {
    engine: Resident<T>,
    hierarchy: Hierarchy<Device<T>>,
    program: Program<T>,
}

impl<T: OnDevice> ResidentCycle<T> {
    /// The cycle of a hierarchy for one vector.
    ///
    /// # Errors
    /// As [`Hierarchy::to_device`]; a hierarchy whose cycle is zero.
    pub fn new(cuda: &Cuda, hierarchy: &Hierarchy<Host<T>>) -> Result<Self> {
        let engine = Resident::new(cuda.clone(), 1);
        let resident = hierarchy.to_device(cuda, Use::Solve)?;
        let program = prepare(&engine, &resident)?;
        let cycle = Self { engine, hierarchy: resident, program };
        // The first run fills the pool of buffers and completes all lazy uploads.
        let zero = cuda.upload(&vec![T::ZERO; hierarchy.rows()]);
        cycle.queue(|r| cuda.copy(&zero, r), |_| ());
        cuda.synchronise()?;
        Ok(cycle)
    }

    /// Replaces the values of the finest matrix by values on the device, with a plan for this cycle and
    /// [`Use::Solve`]. Earlier captures become invalid and must be repeated.
    ///
    /// # Errors
    /// As [`ResidentRefresh::apply`](super::ResidentRefresh::apply).
    pub fn refresh(&mut self, plan: &mut super::ResidentRefresh<T>, a: &Memory<T>) -> Result<()> {
        // Matrices in slices and the program contain the old values.
        self.engine.forget_slices();
        self.program = Program::default();
        let applied = plan.apply(a, &mut self.hierarchy);
        self.program = prepare(&self.engine, &self.hierarchy)?;
        applied
    }

    /// Number of unknowns.
    pub fn rows(&self) -> usize {
        self.hierarchy.rows()
    }

    /// The levels on the device, down to the dense matrix of the remaining cycle.
    pub fn hierarchy(&self) -> &Hierarchy<Device<T>> {
        &self.hierarchy
    }

    /// The launches of the cycle.
    pub fn program(&self) -> &Program<T> {
        &self.program
    }

    /// The engine of the cycle.
    pub fn engine(&self) -> &Resident<T> {
        &self.engine
    }

    /// Queues z = B r.
    pub fn apply(&self, r: &Vector<DeviceBuffer<T>>) -> Vector<DeviceBuffer<T>> {
        match r.handle() {
            Some(r) => Vector::new(self.rows(), self.engine.execute(&self.program, r)),
            None => self.engine.zeros(self.rows()),
        }
    }

    /// Captures z = B r for this r as one graph.
    ///
    /// # Errors
    /// Another number of rows; the first failure of the device.
    pub fn graph(self, r: &[T]) -> Result<Graph<OneCycle<T>>> {
        if r.len() != self.rows() {
            return Err(Error::dimension(format!("{} values for a cycle of {} rows", r.len(), self.rows())));
        }
        let cuda = self.engine.cuda().clone();
        let one = OneCycle { r: self.engine.vector(r), cycle: self, z: None };
        // This fills the pool with the buffers that a run needs while r is in use.
        drop(one.cycle.apply(&one.r));
        cuda.graph(one, |one| one.z = Some(one.cycle.apply(&one.r)))
    }

    /// Queues a cycle: `fill` writes r, and `take` reads z.
    pub(crate) fn queue(&self, fill: impl FnOnce(&mut Memory<T>), take: impl FnOnce(&Memory<T>)) {
        let mut r = self.engine.allocate(self.rows());
        fill(r.memory_mut());
        take(self.engine.execute(&self.program, &r).memory());
    }
}

/// Compiles a cycle into launches, with matrices in slices where they are faster.
fn prepare<T: OnDevice>(engine: &Resident<T>, hierarchy: &Hierarchy<Device<T>>) -> Result<Program<T>> {
    for level in &hierarchy.levels {
        for matrix in [&level.a, &level.prolongation, &level.restriction] {
            engine.slice_if_faster(matrix)?;
        }
    }
    engine.program(trace(engine, hierarchy)?)
}

/// A captured cycle with its vectors.
#[derive(Debug)]
pub struct OneCycle<T: OnDevice> {
    cycle: ResidentCycle<T>,
    r: Vector<DeviceBuffer<T>>,
    z: Option<Vector<DeviceBuffer<T>>>,
}

impl<T: OnDevice> OneCycle<T> {
    /// The values of z. Waits for all queued work.
    ///
    /// # Errors
    /// The first failure of the device.
    pub fn result(&self) -> Result<Vec<T>> {
        self.z.as_ref().map_or(Ok(Vec::new()), |z| self.cycle.engine.values(z))
    }
}
