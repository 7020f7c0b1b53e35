//! Losses: the numbers that training minimises, and their gradients.

mod cycles;
mod krylov;

use serde::{Deserialize, Serialize};

use super::parameters::Parameters;
use crate::cycle_tape::{Gradients, Recorded, Tape, TapeVector};
use crate::engine::{Executor, Host, Operation, Reversible};
use crate::error::{Error, Result};
use crate::multigrid::Hierarchy;
use crate::sparse::Scalar;

/// The number that training minimises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Loss {
    /// The convergence rate: the asymptotic factor of the cycle, for a cycle that is iterated by itself.
    #[default]
    #[serde(alias = "factor")]
    Rate,
    /// The residual of a few steps of GMRES, for FGMRES, BiCGStab and CG, which remove a few slow errors
    /// themselves. From a slow start the rate is minimised first; from a start so fast that GMRES would reach
    /// round-off, only the rate is minimised.
    Krylov,
    /// The factors of one to K cycles, weighted to the slowest column and number of cycles (Taghibakhshi et al.
    /// 2023): the rate, with less weight on fast errors.
    Slowest,
    /// Seconds per digit: the rate, where candidates are compared by the measured time of a cycle over the
    /// digits that it gains.
    Time,
}

impl Loss {
    /// All of them.
    pub const ALL: [Loss; 4] = [Loss::Rate, Loss::Krylov, Loss::Slowest, Loss::Time];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Loss::Rate => "rate",
            Loss::Krylov => "krylov",
            Loss::Slowest => "slowest",
            Loss::Time => "time",
        }
    }
}

impl std::fmt::Display for Loss {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Loss {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        // Its former name is still read.
        let text = if text == "factor" { "rate" } else { text };
        Self::ALL.into_iter().find(|l| l.name() == text).ok_or_else(|| {
            Error::invalid_input(format!("there is no loss '{text}'; choose rate, krylov, slowest or time"))
        })
    }
}

impl Loss {
    /// The loss of k = `cycles` cycles, or steps of GMRES, on the columns of `z` (rows × columns), and its gradient
    /// with respect to the parameters. With the error propagator G and the cycle B as a preconditioner it is
    ///
    /// | loss | value |
    /// |---|---|
    /// | [`Rate`](Loss::Rate), [`Time`](Loss::Time) | the mean over the columns of log(‖Gᵏz‖² / ‖z‖²) / k |
    /// | [`Krylov`](Loss::Krylov) | the mean over the columns of log(‖r‖² / ‖z‖²) / k |
    /// | [`Slowest`](Loss::Slowest) | σ of yⱼ^(1/j) for j = 1 … k, where yⱼ is σ of the ‖Gʲz‖ / ‖z‖ of all columns |
    ///
    /// One cycle on A x = 0 from the guess z *is* G z, so the cycle is recorded as it runs. The logarithm of k
    /// cycles tends to that of the asymptotic factor; one cycle of random z is far from it.
    ///
    /// r is the residual of k steps of GMRES on the residual z, preconditioned from the right:
    /// ‖r‖ = min ‖z − A B p(A B) z‖ over the polynomials p of degree below k. Its gradient is that of the recorded
    /// space: the coefficients of the minimum have none to first order, and those of the basis none at all, since
    /// the space does not depend on them.
    ///
    /// σ(v) = Σ exp(vⱼ) vⱼ / Σ exp(vⱼ) (Taghibakhshi et al. 2023).
    ///
    /// Cost: 3 to 4 times k cycles. For `Slowest` all errors are kept, for `Krylov` the space.
    ///
    /// # Errors
    /// Lengths that do not fit; no cycles; for `Krylov` a hierarchy without levels.
    pub fn differentiate<T: Scalar>(
        self,
        tape: &Tape<T>,
        h: &Hierarchy<Host<T>>,
        parameters: &Parameters<T>,
        z: &[T],
        cycles: usize,
    ) -> Result<LossAndGradient<T>> {
        tape.clear();
        let columns = tape.columns();
        if columns == 0 || z.len() != h.rows() * columns {
            let message = format!("{} values are not {columns} columns of {} rows", z.len(), h.rows());
            return Err(Error::dimension(message));
        }
        if cycles == 0 {
            return Err(Error::invalid_input("the loss needs at least one cycle"));
        }
        let recorded = parameters.record(h);
        let executor = tape.executor();
        let run = self.record(tape, &recorded, executor.store(z), cycles)?;
        let (loss, gradient, after) = run.backward(tape, &parameters.recorded_lengths())?;
        tape.clear();
        let gradient = gradient.into_iter().map(|g| executor.read_gradient(g)).collect::<Result<_>>()?;
        Ok(LossAndGradient {
            loss,
            gradient: parameters.untied(gradient),
            after_one_cycle: executor.read(&after)?,
        })
    }

    /// Records `cycles` cycles, or steps of GMRES, at least one, on the batch `z` (rows × columns).
    pub(super) fn record<T: Scalar, X: Reversible<T>>(
        self,
        tape: &Tape<T, X>,
        levels: &Levels<X>,
        z: Values<X>,
        cycles: usize,
    ) -> Result<RecordedLoss<T, X>> {
        match self {
            Loss::Rate | Loss::Time => cycles::record_rate(tape, levels, z, cycles),
            Loss::Krylov => krylov::record(tape, levels, &z, cycles),
            Loss::Slowest => cycles::record_slowest(tape, levels, z, cycles),
        }
    }
}

/// A loss, its gradient, and the next values of the batch.
#[derive(Debug, Clone)]
pub struct LossAndGradient<T> {
    /// The loss.
    pub loss: f64,
    /// Its gradient with respect to every buffer of the parameters.
    pub gradient: Vec<Vec<T>>,
    /// The next values, rows × columns: G z, or for [`Loss::Krylov`] the residual r.
    pub after_one_cycle: Vec<T>,
}

/// A hierarchy whose leaves are on the tape.
pub(super) type Levels<X> = Hierarchy<Recorded<<X as Executor>::Leaves>>;

/// Values where the tape runs, rows × columns.
pub(super) type Values<X> = <X as Executor>::Handle;

/// A loss, the seeds of its gradient, and the next values of the batch.
pub(super) struct RecordedLoss<T: Scalar, X: Reversible<T>> {
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
pub(super) type Differentiated<T, X> = (f64, Gradients<T, X>, Values<X>);

/// A copy of the values of a vector; zeros for a vector that is known to be zero.
fn values_of<T: Scalar, X: Reversible<T>>(tape: &Tape<T, X>, x: &TapeVector<T, X>, rows: usize) -> Values<X> {
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
