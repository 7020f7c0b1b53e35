//! Starts from the networks of this crate.

use super::classical::robin;
use super::{Candidate, StartOptions};
use crate::error::{Error, Result};
use crate::learn::evaluate::Evaluation;
use crate::learn::loss::Loss;
use crate::learn::network::SmootherNetwork;
use crate::learn::schwarz_network::SchwarzNetwork;
use crate::learn::target::{LearnedSmoother, Target};
use crate::multigrid::Relaxation;
use crate::solver::Amg;

/// Cycles and right-hand sides of the evaluation that compares the network with the classical smoother.
const CYCLES: usize = 15;
const SIDES: usize = 2;
/// The largest number of iterations of FGMRES.
const MOST: usize = 60;
/// Values of the damping of ILU(0), beside none, that the network is compared with.
const DAMPING: [f64; 7] = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3];

/// The smoothers that the network gives, or the classical ones where those are better.
///
/// # Errors
/// A level on which a smoother cannot be built; a target for which there is no network; a symmetric cycle.
pub fn network(amg: &Amg, learn: Target, options: StartOptions) -> Result<Candidate> {
    let StartOptions { sweeps, loss, symmetric, .. } = options;
    if symmetric {
        return Err(Error::unsuited(
            "the network's smoother is not symmetric; leave the symmetry out, or start from classical",
        ));
    }
    let comparison = Comparison { loss, seed: options.seed };
    let classical = |base: Relaxation| Ok((amg.with_relaxation(base, sweeps)?, base.to_string()));
    // The network starts from undamped factors, even where these diverge; the best damping is its competitor.
    let (mut base, others) = match learn.smoother() {
        Some(LearnedSmoother::Ilu) => (classical(Relaxation::Ilu0(1.0))?, DAMPING.as_slice()),
        Some(LearnedSmoother::Relaxation) => (classical(Relaxation::Spai1)?, [].as_slice()),
        Some(LearnedSmoother::Schwarz) => {
            let (_, robin, name) = robin(amg, options)?;
            ((robin, name), [].as_slice())
        }
        _ => {
            let text = format!("there is no network for {learn}; it makes relaxation, ilu or schwarz");
            return Err(Error::unsuited(text));
        }
    };
    let h = base.0.hierarchy();
    let made = match learn.smoother() {
        Some(LearnedSmoother::Schwarz) => SchwarzNetwork::shipped()?.apply(h)?,
        _ => SmootherNetwork::shipped(learn)?.apply(h)?,
    };
    let network = amg.with_hierarchy(made)?;
    let judged = comparison.evaluate(&network, None)?;
    let mut old = comparison.evaluate(&base.0, Some(&judged))?;
    for &damping in others {
        let candidate = amg.with_relaxation(Relaxation::Ilu0(damping), sweeps)?;
        let least = if old.is_better(&judged, loss) { &old } else { &judged };
        let other = comparison.evaluate(&candidate, Some(least))?;
        if other.is_better(&old, loss) {
            (old, base) = (other, (candidate, Relaxation::Ilu0(damping).to_string()));
        }
    }
    if old.is_better(&judged, loss) {
        let (amg, name) = base;
        let candidate = Candidate::new(amg, name, (learn, loss), comparison.factor(&old));
        return Ok(Candidate { rejected: Some(judged), ..candidate });
    }
    let name = format!("network for {learn}");
    let candidate = Candidate::new(network, name, (learn, loss), comparison.factor(&judged));
    Ok(Candidate { classical: Some(base), ..candidate })
}

/// A comparison of cycles by a loss.
struct Comparison {
    loss: Loss,
    seed: u64,
}

impl Comparison {
    /// For a Krylov loss one cycle suffices, since the convergence factor is irrelevant and slow to measure. For
    /// the other losses FGMRES is skipped. A cycle that exceeds the iteration count of the best is abandoned.
    fn evaluate(&self, amg: &Amg, best: Option<&Evaluation>) -> Result<Evaluation> {
        let cycles = if self.loss == Loss::Krylov { 1 } else { CYCLES };
        let limit = match (self.loss, best) {
            (Loss::Krylov, Some(best)) if best.converges => best.iterations.ceil() as usize + 1,
            (Loss::Krylov, _) => MOST,
            _ => 1,
        };
        Evaluation::within(amg.hierarchy(), self.seed, cycles, (SIDES, limit))
    }

    /// The factor, if it was measured.
    fn factor(&self, judged: &Evaluation) -> Option<f64> {
        (self.loss != Loss::Krylov).then_some(judged.factor)
    }
}
