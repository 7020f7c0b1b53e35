//! The start of training: a hierarchy with the smoothers that are trained.

mod candidate;
mod classical;
mod network;
mod tune;

use serde::{Deserialize, Serialize};

pub(super) use self::candidate::{Candidate, StartOptions};
pub(super) use self::tune::Tuning;
use super::target::Target;
use crate::error::{Error, Result};
use crate::solver::Amg;

/// The start of a training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Start {
    /// The classical smoother that [`Target`] names.
    #[default]
    Classical,
    /// The smoother that the network of this crate gives for the matrix, or the classical smoother where that is
    /// better. For M, for L and U and for interface conditions.
    Network,
    /// The smoothers that the hierarchy has, such as those learned for a similar matrix.
    Given,
}

impl Start {
    /// All of them.
    pub const ALL: [Start; 3] = [Start::Classical, Start::Network, Start::Given];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Start::Classical => "classical",
            Start::Network => "network",
            Start::Given => "given",
        }
    }
}

impl std::fmt::Display for Start {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Start {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|s| s.name() == text).ok_or_else(|| {
            let message = format!("there is no start '{text}'; choose classical, network or given");
            Error::invalid_input(message)
        })
    }
}

impl Start {
    /// The hierarchy of `amg` with the smoothers that training of `learn` starts from.
    ///
    /// # Errors
    /// A level on which a smoother cannot be built; a target for which there is no network.
    pub(super) fn candidate(self, amg: &Amg, learn: Target, options: StartOptions) -> Result<Candidate> {
        match self {
            Start::Classical => classical::classical(amg, learn, options),
            Start::Network => network::network(amg, learn, options),
            Start::Given => classical::given(amg, learn, options),
        }
    }
}

impl Candidate {
    /// Replaces the interface conditions of a single level, where they are trained for GMRES, by those that a
    /// network trained on the matrix gives, if they are better.
    ///
    /// # Errors
    /// Those of the training.
    pub fn tune(&mut self, tuning: &mut Tuning<'_>) -> Result<()> {
        if let Some((amg, losses)) = tune::tuned(&self.amg, tuning)? {
            let start = std::mem::replace(&mut self.amg, amg);
            let name = std::mem::replace(&mut self.name, "network trained on the matrix".into());
            self.classical.get_or_insert((start, name));
            (self.tuning, self.factor) = (losses, None);
        }
        Ok(())
    }
}
