//! Where the steps of a trainer are taken.

#[cfg(feature = "cuda")]
use super::resident::ResidentTraining;
use super::session::Session;
use super::steps::Trained;
use super::trainer::Trainer;
use crate::error::Result;

/// Values of a batch that give every thread of a large card something to do.
#[cfg(feature = "cuda")]
const FULL_BATCH: usize = 1 << 20;
/// Columns that a thread loads at once, and most columns.
#[cfg(feature = "cuda")]
const COLUMNS: (usize, usize) = (4, 64);

#[cfg(feature = "cuda")]
impl Trainer {
    /// Columns of the batch: on a card as many as it has use for, since more cost no time until it is full.
    pub(super) fn filling(&self, suited: usize, rows: usize) -> usize {
        let full = FULL_BATCH / rows.max(1) / COLUMNS.0 * COLUMNS.0;
        if self.cuda.is_some() { suited.max(full.min(COLUMNS.1)) } else { suited }
    }

    /// The session with its steps where they are wanted.
    pub(super) fn placed<T: Trained>(&self, session: Session<T>) -> Result<Session<T>> {
        let Some(cuda) = self.cuda.as_ref().filter(|_| session.recipe().steps > 0) else {
            return Ok(session);
        };
        let recipe = session.recipe();
        let [parameters, _] = session.candidates();
        let steps = ResidentTraining::new(cuda, session.hierarchy(), parameters, recipe.batch, self.seed)?;
        session.on_device(Box::new(steps))
    }
}

/// Without cards.
#[cfg(not(feature = "cuda"))]
impl Trainer {
    pub(super) fn filling(&self, suited: usize, _: usize) -> usize {
        suited
    }

    pub(super) fn placed<T: Trained>(&self, session: Session<T>) -> Result<Session<T>> {
        Ok(session)
    }
}
