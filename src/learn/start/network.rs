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

/// Cycles of the evaluation that compares the network with the classical smoother.
const CYCLES: usize = 15;
/// Its columns and right-hand sides, and those of matrices with more rows than `LARGE`.
const COLUMNS: (usize, usize) = (4, 1);
const SIDES: (usize, usize) = (2, 1);
const LARGE: usize = 50_000;
/// The largest number of iterations of FGMRES.
const MOST: usize = 60;
/// Values of the damping of ILU(0), beside none, that the network is compared with.
const DAMPING: [f64; 7] = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3];
/// Patches of a large matrix on which the dampings are compared, and their rows.
const PATCHES: usize = 2;
const PATCH: usize = 6_000;

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
    let mut base = match learn.smoother() {
        Some(LearnedSmoother::Ilu) => classical(Relaxation::Ilu0(1.0))?,
        Some(LearnedSmoother::Relaxation) => classical(Relaxation::Spai1)?,
        Some(LearnedSmoother::Schwarz) => {
            let (_, robin, name) = robin(amg, options)?;
            (robin, name)
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
    let mut dampings = [].as_slice();
    if learn.smoother() == Some(LearnedSmoother::Ilu) {
        match comparison.damping_on_patches(amg, sweeps) {
            Some(damping) => base = classical(Relaxation::Ilu0(damping))?,
            None => dampings = DAMPING.as_slice(),
        }
    }
    let mut old = comparison.evaluate(&base.0, Some(&judged))?;
    for &damping in dampings {
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
        return Ok(Candidate { rejected: Some(judged), compared: Some((old, old)), ..candidate });
    }
    let name = format!("network for {learn}");
    let candidate = Candidate::new(network, name, (learn, loss), comparison.factor(&judged));
    Ok(Candidate { classical: Some(base), compared: Some((judged, old)), ..candidate })
}

/// A comparison of cycles by a loss.
struct Comparison {
    loss: Loss,
    seed: u64,
}

impl Comparison {
    /// For a Krylov loss iterations alone, for the others the factor alone. A solve that exceeds the iteration count of
    /// the best is abandoned.
    fn evaluate(&self, amg: &Amg, best: Option<&Evaluation>) -> Result<Evaluation> {
        let h = amg.hierarchy();
        let suited = |(usual, large): (usize, usize)| if h.rows() > LARGE { large } else { usual };
        if self.loss != Loss::Krylov {
            return Ok(Evaluation::of_cycles(h, self.seed, (CYCLES, suited(COLUMNS))));
        }
        let limit = match best {
            Some(best) if best.converges => best.iterations.ceil() as usize + 1,
            _ => MOST,
        };
        Evaluation::of_krylov(h, self.seed, (suited(SIDES), limit))
    }

    /// The factor, if it was measured.
    fn factor(&self, judged: &Evaluation) -> Option<f64> {
        (self.loss != Loss::Krylov).then_some(judged.factor)
    }

    /// The best damping on patches of a large matrix, in cycles of the same setup; `None` for a small matrix, or if a
    /// patch has no such cycle.
    fn damping_on_patches(&self, amg: &Amg, sweeps: (usize, usize)) -> Option<f64> {
        let h = amg.hierarchy();
        let finest = h.levels.first()?.a.to_csr();
        if finest.rows() <= LARGE {
            return None;
        }
        let all = std::iter::once(1.0).chain(DAMPING);
        let mut costs: Vec<(f64, f64)> = all.map(|damping| (0.0, damping)).collect();
        for patch in finest.patches(PATCHES, PATCH, self.seed) {
            let cycle = Amg::builder(amg.setup().clone()).relaxation(Relaxation::L1Jacobi).cycle(h.kind);
            let cycle = cycle.build(&patch).ok()?;
            for (cost, damping) in &mut costs {
                let damped = cycle.with_relaxation(Relaxation::Ilu0(*damping), sweeps).ok()?;
                let found = self.evaluate(&damped, None).ok()?;
                // What does not converge is behind all that does.
                *cost += found.by(self.loss) + if found.sound(self.loss) { 0.0 } else { MOST as f64 };
            }
        }
        costs.into_iter().min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, damping)| damping)
    }
}
