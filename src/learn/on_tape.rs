//! A loss that is recorded: the same on the host and on a device.

use super::loss_kind::Loss;
use super::{krylov_loss, loss, slowest_loss};
use crate::autodiff::{Gradients, Recorded, Tape, TapeVector};
use crate::engine::{Executor, Machine, Operation};
use crate::error::Result;
use crate::multigrid::Hierarchy;
use crate::sparse::Scalar;

/// A hierarchy whose leaves are on the tape.
pub(super) type Levels<T, B> = Hierarchy<Recorded<<<B as Machine<T>>::Executor as Executor>::Leaves>>;

/// Values where the tape runs, rows × columns.
pub(super) type Values<T, B> = <<B as Machine<T>>::Executor as Executor>::Handle;

/// A loss, what its gradient starts from, and what the batch needs.
pub(super) struct OnTape<T: Scalar, B: Machine<T>> {
    pub loss: f64,
    /// Recorded vectors with the gradients of the loss with respect to them.
    pub outputs: Vec<(TapeVector<T, B>, Values<T, B>)>,
    /// What the columns of the batch become.
    pub after: Values<T, B>,
}

impl Loss {
    /// Records so many cycles, or steps of GMRES, on the batch `z`, at least one.
    pub(super) fn on_tape<T: Scalar, B: Machine<T>>(
        self,
        tape: &Tape<T, B>,
        levels: &Levels<T, B>,
        z: Values<T, B>,
        cycles: usize,
    ) -> Result<OnTape<T, B>> {
        match self {
            Loss::Factor | Loss::Time => loss::record(tape, levels, z, cycles),
            Loss::Krylov => krylov_loss::record(tape, levels, &z, cycles),
            Loss::Slowest => slowest_loss::record(tape, levels, z, cycles),
        }
    }
}

impl<T: Scalar, B: Machine<T>> OnTape<T, B> {
    /// The loss, its gradients with respect to parameters of these lengths, and what the batch needs.
    ///
    /// # Errors
    /// A failure of the device.
    pub fn backward(self, tape: &Tape<T, B>, lengths: &[usize]) -> Result<Differentiated<T, B>> {
        let (vectors, seeds): (Vec<_>, Vec<_>) = self.outputs.into_iter().unzip();
        let gradients = tape.backward_resident(lengths, vectors.iter().zip(seeds).collect())?;
        Ok((self.loss, gradients, self.after))
    }
}

pub(super) type Differentiated<T, B> = (f64, Gradients<T, B>, Values<T, B>);

/// A copy of what a vector holds, zeros if it is known to be zero.
pub(super) fn values_of<T: Scalar, B: Machine<T>>(
    tape: &Tape<T, B>,
    x: &TapeVector<T, B>,
    rows: usize,
) -> Values<T, B> {
    let executor = tape.executor();
    x.handle().map_or_else(
        || {
            let mut zeros = executor.allocate(rows);
            executor.run(Operation::Clear { x: &mut zeros });
            zeros
        },
        |handle| executor.copy(handle),
    )
}
