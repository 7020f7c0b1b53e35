//! Where a training run begins: a hierarchy with the smoothers that are trained.

use serde::{Deserialize, Serialize};

use super::judge::Judgement;
use super::loss_kind::Loss;
use super::network::SmootherNetwork;
use super::schwarz_network::{SchwarzNetwork, Tuning, tuned};
use super::start::Wishes;
use super::what::{Learn, LearnedSmoother};
use crate::error::{Error, Result};
use crate::multigrid::{Relaxation, Setup};
use crate::solver::Amg;

/// What training starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// The classical smoother that [`Learn`] names.
    #[default]
    Classical,
    /// What the network of this crate makes of it, without having seen the matrix; the classical
    /// smoother where that is better. For M, for L and U and for interface conditions.
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
const SIDES: usize = 2;
/// Iterations of FGMRES at most.
const MOST: usize = 60;
/// Damping of ILU(0) that a network has to beat, beside none.
const DAMPING: [f64; 7] = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3];

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
    /// The losses of a network that was trained on the matrix, if one was.
    pub tuning: Vec<f64>,
    /// What the network reached, if the classical smoothers were better.
    pub rejected: Option<Judgement>,
}

impl Begin {
    /// The start for `learn` on the hierarchy of `amg`.
    ///
    /// # Errors
    /// A level on which it cannot be built; a network for what no network makes.
    pub fn new(amg: &Amg, learn: Learn, start: Start, wishes: Wishes) -> Result<Self> {
        let Wishes { sweeps, seed, symmetric, loss, .. } = wishes;
        if start == Start::Given {
            let (amg, name) = learn.given(amg, sweeps, symmetric)?;
            return Ok(Self {
                amg,
                name,
                learn,
                loss,
                factor: None,
                classical: None,
                tuning: Vec::new(),
                rejected: None,
            });
        }
        if start == Start::Classical {
            let (classical, name, factor) = learn.start(amg, wishes)?;
            return Ok(Self {
                amg: classical,
                name,
                learn,
                loss,
                factor,
                classical: None,
                tuning: Vec::new(),
                rejected: None,
            });
        }
        if symmetric {
            let text =
                "what the network makes is not symmetric; leave the symmetry out, or start from classical";
            return Err(Error::unsuited(text));
        }
        // Inside a Krylov method the factor of a cycle does not matter, and takes the longer to measure.
        // For the factor of a cycle, FGMRES does not; where it does, who needs more iterations than the
        // best so far has lost.
        let cycles = if loss == Loss::Krylov { 1 } else { CYCLES };
        let judge = |amg: &Amg, best: Option<&Judgement>| {
            let limit = match (loss, best) {
                (Loss::Krylov, Some(best)) if best.converges => best.iterations.ceil() as usize + 1,
                (Loss::Krylov, _) => MOST,
                _ => 1,
            };
            Judgement::within(amg.hierarchy(), seed, cycles, (SIDES, limit))
        };
        let known = |judged: &Judgement| (loss != Loss::Krylov).then_some(judged.factor);
        let better = |one: &Judgement, two: &Judgement| one.is_better(two, loss);
        // The network knows undamped factors, also where they diverge; its rival is the best damping.
        let classical = |base: Relaxation| Ok((amg.with_relaxation(base, sweeps)?, base.to_string()));
        let (mut classical, others) = match learn.smoother() {
            Some(LearnedSmoother::Factors) => (classical(Relaxation::Ilu0(1.0))?, DAMPING.as_slice()),
            Some(LearnedSmoother::Relaxation) => (classical(Relaxation::Spai1)?, [].as_slice()),
            Some(LearnedSmoother::Schwarz) => {
                let (robin, name, _) = learn.start(amg, wishes)?;
                ((robin, name), [].as_slice())
            }
            _ => {
                let text =
                    format!("there is no network for {learn}; it makes relaxation, factors or schwarz");
                return Err(Error::unsuited(text));
            }
        };
        let h = classical.0.hierarchy();
        let made = match learn.smoother() {
            Some(LearnedSmoother::Schwarz) => SchwarzNetwork::shipped()?.apply(h)?,
            _ => SmootherNetwork::shipped(learn)?.apply(h)?,
        };
        let network = amg.with_hierarchy(made)?;
        let judged = judge(&network, None)?;
        let mut old = judge(&classical.0, Some(&judged))?;
        for &damping in others {
            let candidate = amg.with_relaxation(Relaxation::Ilu0(damping), sweeps)?;
            let least = if better(&old, &judged) { &old } else { &judged };
            let other = judge(&candidate, Some(least))?;
            if better(&other, &old) {
                (old, classical) = (other, (candidate, Relaxation::Ilu0(damping).to_string()));
            }
        }
        if better(&old, &judged) {
            let (amg, name) = classical;
            let rejected = Some(judged);
            return Ok(Self {
                amg,
                name,
                learn,
                loss,
                factor: known(&old),
                classical: None,
                tuning: Vec::new(),
                rejected,
            });
        }
        Ok(Self {
            amg: network,
            name: format!("network for {learn}"),
            learn,
            loss,
            factor: known(&judged),
            classical: Some(classical),
            tuning: Vec::new(),
            rejected: None,
        })
    }

    /// Whether interface conditions of a single level are learned.
    pub fn is_single_schwarz(&self) -> bool {
        self.learn.smoother() == Some(LearnedSmoother::Schwarz) && *self.amg.setup() == Setup::OneLevel
    }

    /// Whether a network is trained on the matrix in place of the values themselves.
    pub fn tunes(&self, loss: Loss) -> bool {
        self.is_single_schwarz() && loss == Loss::Krylov
    }

    /// For interface conditions of a single level inside GMRES: those that a network trained on the matrix
    /// makes, if they are better.
    ///
    /// # Errors
    /// What training reports.
    pub fn tune(&mut self, tuning: &mut Tuning<'_>) -> Result<()> {
        if let Some((amg, losses)) = tuned(&self.amg, tuning)? {
            let start = std::mem::replace(&mut self.amg, amg);
            let name = std::mem::replace(&mut self.name, "network trained on the matrix".into());
            self.classical.get_or_insert((start, name));
            (self.tuning, self.factor) = (losses, None);
        }
        Ok(())
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
