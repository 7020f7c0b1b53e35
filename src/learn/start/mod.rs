//! The start of training: a hierarchy with the smoothers that are trained.

mod classical;
mod network;
mod tune;

use serde::{Deserialize, Serialize};

pub(super) use self::tune::Tuning;
use super::evaluate::Evaluation;
use super::loss::Loss;
use super::target::{LearnedSmoother, Target};
use crate::engine::Host;
use crate::error::{Error, Result};
use crate::multigrid::{Hierarchy, SchwarzOptions, Setup};
use crate::solver::{Amg, Builder, patch_sizes};

/// Patches of a matrix for training, the last one for the judgement of its result.
const PATCHES: usize = 3;

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

/// Options of a start.
#[derive(Debug, Clone, Copy)]
pub(super) struct StartOptions {
    /// Sweeps before and after the coarse-grid correction.
    pub sweeps: (usize, usize),
    /// Seed of all measurements.
    pub seed: u64,
    /// Whether the cycle has to be symmetric.
    pub symmetric: bool,
    /// The loss by which starts are compared.
    pub loss: Loss,
    /// Subdomains of Schwarz methods, and the number of finest levels that have them.
    pub subdomains: (SchwarzOptions, usize),
}

/// A hierarchy to train from.
#[derive(Debug)]
pub(super) struct Candidate {
    pub amg: Amg,
    /// The name of its smoothers.
    pub name: String,
    pub learn: Target,
    pub loss: Loss,
    /// Its asymptotic factor, if it was measured.
    pub factor: Option<f64>,
    /// The classical smoothers and their name, if those of `amg` come from a network.
    pub classical: Option<(Amg, String)>,
    /// The losses of the training of a network on the matrix, if there was one.
    pub tuning: Vec<f64>,
    /// The evaluation of the network, if the classical smoothers were better.
    pub rejected: Option<Evaluation>,
    /// The evaluations of `amg` and of the classical smoothers from a comparison of the two.
    pub compared: Option<(Evaluation, Evaluation)>,
}

impl Candidate {
    /// A hierarchy with smoothers of this name that do not come from a network.
    pub fn new(amg: Amg, name: String, (learn, loss): (Target, Loss), factor: Option<f64>) -> Self {
        Self {
            amg,
            name,
            learn,
            loss,
            factor,
            classical: None,
            tuning: Vec::new(),
            rejected: None,
            compared: None,
        }
    }

    /// Whether interface conditions of a single level are learned.
    pub fn is_single_schwarz(&self) -> bool {
        self.learn.smoother() == Some(LearnedSmoother::Schwarz) && *self.amg.setup() == Setup::OneLevel
    }

    /// Whether a network is trained on the matrix in place of the values themselves.
    pub fn tunes(&self, loss: Loss) -> bool {
        self.is_single_schwarz() && loss == Loss::Krylov
    }

    /// Hierarchies with the setup and the smoothers of the solver on patches of its matrix, two for training and
    /// a last one for the judgement of the result; the whole matrix alone where it is small.
    ///
    /// # Errors
    /// Smoothers without a name.
    pub fn patches(&self, seed: u64) -> Result<Vec<Hierarchy<Host<f64>>>> {
        let Some(finest) = self.amg.hierarchy().levels.first() else { return Ok(Vec::new()) };
        let Some(configuration) = self.amg.configuration() else {
            return Err(Error::unsuited(format!(
                "what is learned on patches starts from smoothers by name, not from {}; leave the start out",
                self.amg.smoother()
            )));
        };
        let a = finest.a.to_csr();
        let (_, rows) = patch_sizes(&a);
        let builder = Builder::from(configuration);
        a.patches(PATCHES, rows, seed ^ 0x9a7c).iter().map(|patch| builder.build_hierarchy(patch)).collect()
    }

    /// The hierarchy, and the target where the candidates have different ones.
    pub fn label(&self, all: &[Candidate]) -> String {
        let setup = self.amg.setup().name();
        match all.iter().all(|other| other.learn == self.learn) {
            true => setup.to_string(),
            false => format!("{setup} {}", self.learn),
        }
    }

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
            (self.tuning, self.factor, self.compared) = (losses, None, None);
        }
        Ok(())
    }
}
