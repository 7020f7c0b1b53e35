//! A hierarchy to train from.

use crate::learn::evaluate::Evaluation;
use crate::learn::loss::Loss;
use crate::learn::target::{LearnedSmoother, Target};
use crate::multigrid::{SchwarzOptions, Setup};
use crate::solver::Amg;

/// Options of a start.
#[derive(Debug, Clone, Copy)]
pub(in crate::learn) struct StartOptions {
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
pub(in crate::learn) struct Candidate {
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
}

impl Candidate {
    /// A hierarchy with smoothers of this name that do not come from a network.
    pub fn new(amg: Amg, name: String, (learn, loss): (Target, Loss), factor: Option<f64>) -> Self {
        Self { amg, name, learn, loss, factor, classical: None, tuning: Vec::new(), rejected: None }
    }

    /// Whether interface conditions of a single level are learned.
    pub fn is_single_schwarz(&self) -> bool {
        self.learn.smoother() == Some(LearnedSmoother::Schwarz) && *self.amg.setup() == Setup::OneLevel
    }

    /// Whether a network is trained on the matrix in place of the values themselves.
    pub fn tunes(&self, loss: Loss) -> bool {
        self.is_single_schwarz() && loss == Loss::Krylov
    }

    /// The hierarchy, and the target where the candidates have different ones.
    pub fn label(&self, all: &[Candidate]) -> String {
        let setup = self.amg.setup().name();
        match all.iter().all(|other| other.learn == self.learn) {
            true => setup.to_string(),
            false => format!("{setup} {}", self.learn),
        }
    }
}
