//! A matrix and a preconditioner on a device.

use std::fmt;
use std::sync::Arc;

use crate::backend::Cuda;
use crate::backend::cuda::{DevicePattern, DeviceView, Memory};
use crate::error::{Error, Result};
use crate::krylov::system::check_preconditioner_rows;
use crate::sparse::Csr;

/// A sparse matrix and a multigrid cycle as its preconditioner, on a device.
///
/// ```no_run
/// use multigrad::{Cg, backend::Cuda, gallery, krylov::DeviceSystem};
/// let problem = gallery::poisson_2d(1000, 1000)?;
/// let system = DeviceSystem::new(&Cuda::open(0)?, &problem.matrix)?;
/// assert!(Cg::new().rtol(1e-3).max_iterations(5000).solve_on(&system, &problem.rhs)?.converged());
/// # Ok::<(), multigrad::Error>(())
/// ```
pub struct DeviceSystem {
    pub(crate) cuda: Cuda,
    pattern: Arc<DevicePattern>,
    values: Memory<f64>,
    preconditioner: Option<OnDevice>,
}

/// z = B r on a device.
pub(crate) struct OnDevice {
    pub symmetric: bool,
    pub single: bool,
    /// Queues z ← B r. The work is captured: it must neither allocate nor wait, and it may only use r, z and memory
    /// that lives as long as the function.
    pub queue: Queue,
}

pub(crate) type Queue = Box<dyn Fn(&Memory<f64>, &mut Memory<f64>) + Send + Sync>;

impl fmt::Debug for DeviceSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceSystem").field("rows", &self.rows()).finish_non_exhaustive()
    }
}

impl DeviceSystem {
    /// Uploads a square matrix. The system has no preconditioner.
    ///
    /// # Errors
    /// A matrix that is not square; a device that is out of memory.
    pub fn new(cuda: &Cuda, a: &Csr<f64>) -> Result<Self> {
        if a.rows() != a.cols() {
            let message = format!("the matrix is {} × {}; a solver needs a square one", a.rows(), a.cols());
            return Err(Error::dimension(message));
        }
        let (pattern, values) = (cuda.pattern(a.pattern()), cuda.upload(a.values()));
        cuda.check()?;
        Ok(Self { cuda: cuda.clone(), pattern, values, preconditioner: None })
    }

    /// A preconditioner with this number of rows.
    pub(crate) fn with(mut self, rows: usize, preconditioner: OnDevice) -> Result<Self> {
        check_preconditioner_rows(rows, self.rows())?;
        self.preconditioner = Some(preconditioner);
        Ok(self)
    }

    /// Number of unknowns.
    pub fn rows(&self) -> usize {
        self.pattern.rows
    }

    /// Whether there is a preconditioner.
    pub(in crate::krylov) fn is_preconditioned(&self) -> bool {
        self.preconditioner.is_some()
    }

    /// Whether the preconditioner, if there is one, is symmetric.
    pub(in crate::krylov) fn is_symmetrically_preconditioned(&self) -> bool {
        self.preconditioner.as_ref().is_none_or(|b| b.symmetric)
    }

    /// Whether the preconditioner computes in single precision.
    pub(in crate::krylov) fn is_single(&self) -> bool {
        self.preconditioner.as_ref().is_some_and(|b| b.single)
    }

    /// y ← A x for vectors on the host.
    pub(in crate::krylov) fn apply(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        let (dx, mut dy) = (self.cuda.upload(x), self.cuda.undefined(y.len()));
        self.multiply(&dx, &mut dy);
        self.cuda.check()?;
        dy.read(y)
    }

    /// z ← B r for vectors on the host, or a copy without a preconditioner.
    pub(in crate::krylov) fn apply_preconditioner(&self, r: &[f64], z: &mut [f64]) -> Result<()> {
        let r = self.cuda.upload(r);
        let mut image = self.is_preconditioned().then(|| self.cuda.undefined(z.len()));
        let z_on_device = self.precondition(&r, &mut image);
        self.cuda.check()?;
        z_on_device.read(z)
    }

    /// Queues y ← A x.
    pub(super) fn multiply(&self, x: &Memory<f64>, y: &mut Memory<f64>) {
        self.cuda.spmv(1.0, DeviceView::new(&self.pattern, &self.values), x, 0.0, y, 1);
    }

    /// Queues z ← B r, if there is a preconditioner, and returns z, or else r.
    pub(super) fn precondition<'z>(
        &self,
        r: &'z Memory<f64>,
        z: &'z mut Option<Memory<f64>>,
    ) -> &'z Memory<f64> {
        match (&self.preconditioner, z) {
            (Some(b), Some(z)) => {
                (b.queue)(r, z);
                z
            }
            _ => r,
        }
    }
}
