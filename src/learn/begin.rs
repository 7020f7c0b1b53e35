//! Where a training run begins: a hierarchy with the smoothers that are trained.

use serde::{Deserialize, Serialize};

use super::judge::Judgement;
use super::loss_kind::Loss;
use super::network::SmootherNetwork;
use super::what::{Learn, LearnedSmoother};
use crate::error::{Error, Result};
use crate::multigrid::{Amg, Relaxation};

/// What training starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// The classical smoother that [`Learn`] names.
    #[default]
    Classical,
    /// What the network of this crate makes of it, without having seen the matrix; the classical
    /// smoother where that is better. For M and for L and U.
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

/// Cycles and right-hand sides of the measurement that tells a network from its classical start.
const CYCLES: usize = 15;
const SIDES: usize = 1;

/// A hierarchy to train from.
#[derive(Debug)]
pub(super) struct Begin {
    pub amg: Amg,
    /// The smoothers that it has.
    pub name: String,
    pub learn: Learn,
    pub loss: Loss,
    /// Its factor, where it is known already.
    pub factor: Option<f64>,
    /// The classical smoothers, if a network made others.
    pub classical: Option<(Amg, String)>,
}

impl Begin {
    /// The start for `learn` on the hierarchy of `amg`.
    ///
    /// # Errors
    /// A level on which it cannot be built; a network for what no network makes.
    pub fn new(
        amg: &Amg,
        learn: Learn,
        start: Start,
        sweeps: (usize, usize),
        (seed, symmetric, loss): (u64, bool, Loss),
    ) -> Result<Self> {
        if start == Start::Given {
            let (amg, name) = learn.given(amg, sweeps, symmetric)?;
            return Ok(Self { amg, name, learn, loss, factor: None, classical: None });
        }
        let (classical, name, factor) = learn.start(amg, sweeps, seed, symmetric)?;
        if start == Start::Classical {
            return Ok(Self { amg: classical, name, learn, loss, factor, classical: None });
        }
        if symmetric {
            let text =
                "what the network makes is not symmetric; leave the symmetry out, or start from classical";
            return Err(Error::unsuited(text));
        }
        // The network knows undamped factors, also where they diverge.
        let base = match learn.smoother() {
            Some(LearnedSmoother::Factors) => Relaxation::Ilu0(1.0),
            Some(LearnedSmoother::Relaxation) => Relaxation::Spai1,
            _ => {
                let text = format!("there is no network for {learn}; it makes relaxation or factors");
                return Err(Error::unsuited(text));
            }
        };
        let base = amg.with_relaxation(base, sweeps)?;
        let made = SmootherNetwork::shipped(learn)?.apply(base.hierarchy())?;
        let judge = |h| Judgement::of(h, seed, CYCLES, SIDES);
        let (network, old) = (judge(&made)?, judge(classical.hierarchy())?);
        if network.sound(loss) >= old.sound(loss) && network.by(loss) <= old.by(loss) {
            let (amg, label) = (base.with_hierarchy(made)?, format!("network for {learn}"));
            let factor = Some(network.factor);
            return Ok(Self { amg, name: label, learn, loss, factor, classical: Some((classical, name)) });
        }
        Ok(Self { amg: classical, name, learn, loss, factor: Some(old.factor), classical: None })
    }

    /// The hierarchy, and what is learned where that differs.
    pub fn label(&self, all: &[Begin]) -> String {
        let setup = self.amg.setup().name();
        match all.iter().all(|other| other.learn == self.learn) {
            true => setup.to_string(),
            false => format!("{setup} {}", self.learn),
        }
    }
}
