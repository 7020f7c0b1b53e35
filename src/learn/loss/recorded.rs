//! A loss that is recorded on a tape, on the host or on a device.

use crate::autodiff::{Gradients, Recorded, Tape, TapeVector};
use crate::engine::{Executor, Machine, Operation};
use crate::error::Result;
use crate::multigrid::Hierarchy;
use crate::sparse::Scalar;

/// A hierarchy whose leaves are on the tape.
pub(in crate::learn) type Levels<T, B> =
    Hierarchy<Recorded<<<B as Machine<T>>::Executor as Executor>::Leaves>>;

/// Values where the tape runs, rows × columns.
pub(in crate::learn) type Values<T, B> = <<B as Machine<T>>::Executor as Executor>::Handle;

/// A loss, the seeds of its gradient, and the next values of the batch.
pub(in crate::learn) struct RecordedLoss<T: Scalar, B: Machine<T>> {
    pub loss: f64,
    /// Recorded vectors with the gradients of the loss with respect to them.
    pub outputs: Vec<(TapeVector<T, B>, Values<T, B>)>,
    /// The next values of the columns of the batch, before they are scaled.
    pub after: Values<T, B>,
}

impl<T: Scalar, B: Machine<T>> RecordedLoss<T, B> {
    /// The loss, its gradients with respect to parameters of these lengths, and the next values of the batch.
    ///
    /// # Errors
    /// A failure of the device.
    pub fn backward(self, tape: &Tape<T, B>, lengths: &[usize]) -> Result<Differentiated<T, B>> {
        let (vectors, seeds): (Vec<_>, Vec<_>) = self.outputs.into_iter().unzip();
        let gradients = tape.backward_resident(lengths, vectors.iter().zip(seeds).collect())?;
        Ok((self.loss, gradients, self.after))
    }
}

/// A loss, its gradients with respect to the recorded parameters, and the next values of the batch.
pub(in crate::learn) type Differentiated<T, B> = (f64, Gradients<T, B>, Values<T, B>);

/// A copy of the values of a vector; zeros for a vector that is known to be zero.
pub(in crate::learn) fn values_of<T: Scalar, B: Machine<T>>(
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
