//! A loss that is recorded on a tape, on the host or on a device.

use crate::cycle_tape::{Gradients, Recorded, Tape, TapeVector};
use crate::engine::{Executor, Operation, Reversible};
use crate::error::Result;
use crate::multigrid::Hierarchy;
use crate::sparse::Scalar;

/// A hierarchy whose leaves are on the tape.
pub(in crate::learn) type Levels<X> = Hierarchy<Recorded<<X as Executor>::Leaves>>;

/// Values where the tape runs, rows × columns.
pub(in crate::learn) type Values<X> = <X as Executor>::Handle;

/// A loss, the seeds of its gradient, and the next values of the batch.
pub(in crate::learn) struct RecordedLoss<T: Scalar, X: Reversible<T>> {
    pub loss: f64,
    /// Recorded vectors with the gradients of the loss with respect to them.
    pub outputs: Vec<(TapeVector<T, X>, Values<X>)>,
    /// The next values of the columns of the batch, before they are scaled.
    pub after: Values<X>,
}

impl<T: Scalar, X: Reversible<T>> RecordedLoss<T, X> {
    /// The loss, its gradients with respect to parameters of these lengths, and the next values of the batch.
    ///
    /// # Errors
    /// A failure of the device.
    pub fn backward(self, tape: &Tape<T, X>, lengths: &[usize]) -> Result<Differentiated<T, X>> {
        let (vectors, seeds): (Vec<_>, Vec<_>) = self.outputs.into_iter().unzip();
        let gradients = tape.backward_resident(lengths, vectors.iter().zip(seeds).collect())?;
        Ok((self.loss, gradients, self.after))
    }
}

/// A loss, its gradients with respect to the recorded parameters, and the next values of the batch.
pub(in crate::learn) type Differentiated<T, X> = (f64, Gradients<T, X>, Values<X>);

/// A copy of the values of a vector; zeros for a vector that is known to be zero.
pub(in crate::learn) fn values_of<T: Scalar, X: Reversible<T>>(
    tape: &Tape<T, X>,
    x: &TapeVector<T, X>,
    rows: usize,
) -> Values<X> {
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
