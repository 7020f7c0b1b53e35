//! A multigrid cycle as the preconditioner of a system on a device.

use crate::backend::cuda::Factor;
use crate::error::Result;
use crate::krylov::{DeviceSystem, OnDevice, Queue};
use crate::multigrid::{Cycle, ResidentCycle};
use crate::operator::Preconditioner;

impl DeviceSystem {
    /// Uploads a cycle as the preconditioner.
    ///
    /// # Errors
    /// A cycle of another size; errors of [`ResidentCycle::new`].
    pub fn preconditioner(self, cycle: &Cycle) -> Result<Self> {
        let cuda = self.cuda.clone();
        let queue: Queue = match cycle {
            Cycle::Double(c) => {
                let cycle = ResidentCycle::new(&cuda, c.hierarchy())?;
                Box::new(move |x, y| cycle.queue(|r| cuda.copy(x, r), |z| cuda.copy(z, y)))
            }
            Cycle::Single(c) => {
                let (cycle, one) = (ResidentCycle::new(&cuda, c.hierarchy())?, Factor::Is(1.0));
                Box::new(move |x, y| cycle.queue(|r| cuda.narrow(one, x, r), |z| cuda.widen(one, z, y)))
            }
        };
        let single = matches!(cycle, Cycle::Single(_));
        self.with(cycle.rows(), OnDevice { symmetric: cycle.is_symmetric(), single, queue })
    }
}
