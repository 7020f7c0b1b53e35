//! The account of a solver in use.

use std::fmt;

/// The account of a solver in use. Printed, it is a sentence.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[non_exhaustive]
pub struct UseReport {
    /// Solves so far.
    pub solves: usize,
    /// Solves by learned factors.
    pub learned_solves: usize,
    /// Steps of training.
    pub steps: usize,
    /// Seconds of training.
    pub training_seconds: f64,
    /// Seconds of all solves and updates.
    pub solving_seconds: f64,
    /// Seconds that the classical solver would have taken, by its own solves.
    pub classical_seconds: f64,
    /// Trainings that were undone.
    pub undone: usize,
}

impl fmt::Display for UseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} solves in {:.3} s, {} of them by learned factors; {} steps of training in {:.3} s, undone {} times; the classical solver alone would take {:.3} s",
            self.solves,
            self.solving_seconds,
            self.learned_solves,
            self.steps,
            self.training_seconds,
            self.undone,
            self.classical_seconds
        )
    }
}
