//! Classical starts of training.

use std::sync::Arc;

use super::{Candidate, StartOptions};
use crate::engine::Host;
use crate::error::{Error, Result};
use crate::krylov::Krylov;
use crate::learn::evaluate::{Evaluation, asymptotic_factor};
use crate::learn::loss::Loss;
use crate::learn::target::{LearnedSmoother, Target};
use crate::multigrid::{Hierarchy, Relaxation, SchwarzOptions, Smoother};
use crate::setup::relaxation::{spai, spai1};
use crate::solver::{Amg, best_tau};
use crate::sparse::{Csr, Storage};

/// Damping of ILU(0) that is tried for a start where it diverges faster than [`TAMEABLE`].
const DAMPING: [f64; 4] = [1.0, 0.7, 0.5, 0.3];
/// A divergence that training turns around in a few steps. Damped factors would have to grow first:
/// from ω = 0.7 on, training stalls at a factor of (1 − ω)² for two sweeps.
const TAMEABLE: f64 = 1e3;
/// Cycles of the measurement that tells one start from another.
const CYCLES: usize = 12;
/// Jacobi sweeps on each triangle of learned factors.
const SWEEPS: u32 = 3;
/// Shares of the Robin condition that are tried for a start of learned interface values.
pub(super) const SHARES: [f64; 9] = [0.0, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9];
/// Iterations of FGMRES after which a share has failed.
const MOST: usize = 100;
/// Steps of a learned polynomial.
const DEGREE: usize = 3;
/// Entries in a row of A² beyond which the dense problem of a row costs too much.
const WIDE: usize = 256;

/// The hierarchy of `amg` with the classical smoothers of the target. In a `symmetric` cycle every post-sweep is
/// the transpose of its mirror image among the pre-sweeps.
///
/// # Errors
/// A level on which they cannot be built; other sweeps than those of `amg` where no smoother is
/// learned; a hierarchy whose cycle cannot be symmetric.
pub fn classical(amg: &Amg, learn: Target, options: StartOptions) -> Result<Candidate> {
    let StartOptions { sweeps, seed, symmetric, loss, .. } = options;
    if symmetric {
        check_symmetric(learn, amg.hierarchy(), sweeps)?;
    }
    // The factors of a symmetric matrix are symmetric themselves.
    let mirrors = symmetric && learn.smoother() != Some(LearnedSmoother::Scalars);
    let finish = |amg: Amg| if mirrors { mirrored(&amg) } else { Ok(amg) };
    let build = |relaxation| finish(amg.with_relaxation(relaxation, sweeps)?);
    let candidate = |amg, name, factor| Candidate::new(amg, name, (learn, loss), factor);
    let named = |relaxation: Relaxation| Ok(candidate(build(relaxation)?, relaxation.to_string(), None));
    match learn.smoother() {
        Some(LearnedSmoother::Relaxation) => named(Relaxation::Spai1),
        Some(LearnedSmoother::Schwarz) => {
            let (factor, amg, name) = robin(amg, options)?;
            Ok(candidate(amg, name, factor))
        }
        Some(LearnedSmoother::Chebyshev) => named(Relaxation::Chebyshev(DEGREE)),
        Some(LearnedSmoother::WideRelaxation) => {
            Ok(candidate(finish(wide(amg, sweeps)?)?, "spai on the pattern of A²".into(), None))
        }
        Some(kind @ (LearnedSmoother::Ilu | LearnedSmoother::IterativeIlu)) => {
            let mut best: Option<(f64, Amg, Relaxation)> = None;
            for damping in DAMPING {
                let relaxation = match kind {
                    LearnedSmoother::Ilu => Relaxation::Ilu0(damping),
                    _ => Relaxation::IterativeIlu0 { sweeps: SWEEPS, damping: Some(damping) },
                };
                let built = build(relaxation)?;
                let factor = asymptotic_factor(built.hierarchy(), seed, CYCLES).factor;
                if best.as_ref().is_none_or(|b| factor < b.0) {
                    best = Some((factor, built, relaxation));
                }
                if factor < TAMEABLE {
                    break;
                }
            }
            best.map(|(factor, amg, relaxation)| candidate(amg, relaxation.to_string(), Some(factor)))
                .ok_or_else(|| Error::unsuited("no damping of ILU(0) gives a start"))
        }
        Some(LearnedSmoother::Scalars) => named(Relaxation::weak_ilu0(tau(amg)?)),
        Some(LearnedSmoother::Damping) => {
            let start = build(Relaxation::Jacobi(None))?;
            let mut best = (start, Relaxation::Jacobi(None));
            let mut least = asymptotic_factor(best.0.hierarchy(), seed, CYCLES).factor;
            for relaxation in DAMPING.map(Relaxation::Ilu0) {
                // A zero pivot leaves Jacobi.
                let Ok(built) = build(relaxation) else { break };
                let factor = asymptotic_factor(built.hierarchy(), seed, CYCLES).factor;
                if factor < least {
                    (least, best) = (factor, (built, relaxation));
                }
            }
            Ok(candidate(best.0, best.1.to_string(), Some(least)))
        }
        None => given(amg, learn, options),
    }
}

/// The τ of the smoother of `amg`, if it is ILU(0), or else the best one on patches.
fn tau(amg: &Amg) -> Result<f64> {
    let own = amg.configuration().map(|c| c.relaxation);
    if let Some(tau) = own.and_then(Relaxation::tau) {
        return Ok(tau);
    }
    let Some(finest) = amg.hierarchy().levels.first() else { return Ok(0.0) };
    let found = best_tau(&finest.a.to_csr(), amg.setup(), Krylov::Fgmres);
    found.map(|(tau, _)| tau).ok_or_else(|| {
        Error::unsuited(
            "ILU(0) with weaker off-diagonal entries converges on no patch of the matrix; learn ilu",
        )
    })
}

/// The hierarchy as it is.
///
/// # Errors
/// Other sweeps than those of `amg`; a hierarchy whose cycle cannot be symmetric.
pub fn given(amg: &Amg, learn: Target, options: StartOptions) -> Result<Candidate> {
    let StartOptions { sweeps, symmetric, loss, .. } = options;
    if sweeps != amg.sweeps() {
        return Err(Error::invalid_input(format!(
            "the hierarchy has {:?} sweeps and no smoother is learned anew, so that there cannot be {sweeps:?}; build it with these, or learn relaxation or ilu as well",
            amg.sweeps()
        )));
    }
    if symmetric {
        check_symmetric(learn, amg.hierarchy(), sweeps)?;
    }
    let first = amg.hierarchy().levels.first();
    let name = first.and_then(|l| l.pre.first().or(l.post.first())).map(Smoother::to_string);
    let start = amg.with_hierarchy(amg.hierarchy().clone())?;
    let mirrors = symmetric && learn.smoother() != Some(LearnedSmoother::Scalars);
    let start = if mirrors { mirrored(&start)? } else { start };
    Ok(Candidate::new(start, name.unwrap_or_else(|| "direct solver".into()), (learn, loss), None))
}

/// The Schwarz method of the best Robin condition on the finest levels, SPAI-1 on the others: its factor if it was
/// measured, the hierarchy, and its name.
///
/// # Errors
/// A level on which it cannot be built.
pub fn robin(amg: &Amg, options: StartOptions) -> Result<(Option<f64>, Amg, String)> {
    let StartOptions { sweeps, seed, loss, subdomains, .. } = options;
    let base = amg.with_relaxation(Relaxation::Spai1, sweeps)?;
    let (factor, amg, share) = best_share(&base, sweeps, (seed, loss), subdomains)?;
    let name = match share {
        0.0 => "Dirichlet conditions".into(),
        share => format!("Robin conditions, share {share}"),
    };
    Ok((factor, amg, name))
}

fn check_symmetric(learn: Target, h: &Hierarchy<Host<f64>>, (pre, post): (usize, usize)) -> Result<()> {
    if learn.smoother() == Some(LearnedSmoother::Schwarz) {
        return Err(Error::unsuited(
            "learned interface conditions are not symmetric; leave the symmetry out and use FGMRES",
        ));
    }
    let refuse = |what: String| Err(Error::unsuited(format!("a symmetric cycle {what}")));
    if !h.kind.is_linear() {
        return refuse("cannot be a K-cycle, which is not linear; train the V-cycle".into());
    }
    if learn.restriction() && !learn.interpolation() {
        return refuse("has R = Pᵀ, so that R is not learned alone; learn interpolation".into());
    }
    if pre != post {
        return refuse(format!(
            "has as many sweeps after the coarse-grid correction as before it, not {pre} and {post}"
        ));
    }
    for (depth, level) in h.levels.iter().enumerate() {
        if level.a.to_csr().asymmetry() >= 1e-12 {
            return refuse(format!(
                "needs a symmetric matrix, and that of level {depth} is not; leave the symmetry out"
            ));
        }
        if level.restriction.to_csr() != level.prolongation.to_csr().transpose() {
            return refuse(format!(
                "needs R = Pᵀ, which does not hold on level {depth}; build the hierarchy 'sa'"
            ));
        }
    }
    Ok(())
}

/// Schwarz methods on the finest `levels` of `base`, with the share of the Robin condition that gives the least
/// factor, or the fewest iterations of FGMRES where the loss is about those; the factor if it was measured, and
/// the share.
fn best_share(
    base: &Amg,
    (pre, post): (usize, usize),
    (seed, loss): (u64, Loss),
    (options, levels): (SchwarzOptions, usize),
) -> Result<(Option<f64>, Amg, f64)> {
    let mut cut = Vec::new();
    for (depth, level) in base.hierarchy().levels.iter().take(levels.max(1)).enumerate() {
        let a = level.a.to_csr();
        let subdomains = options.subdomains(&a).map_err(|e| e.at(format!("level {depth}")))?;
        cut.push((a, subdomains));
    }
    let mut best: Option<(f64, Amg, f64)> = None;
    for share in SHARES {
        let mut h = base.hierarchy().clone();
        for (level, (a, subdomains)) in h.levels.iter_mut().zip(&cut) {
            let interface = Storage::shared(SchwarzOptions { share, ..options }.interface(a, subdomains)?);
            let sweep = Smoother::Schwarz { subdomains: subdomains.clone(), interface };
            (level.pre, level.post) = (vec![sweep.clone(); pre], vec![sweep; post]);
        }
        // A local matrix may be singular with one share and not with another.
        let candidate = match (base.with_hierarchy(h), &best) {
            (Err(e), None) if share == SHARES[SHARES.len() - 1] => return Err(e),
            (Err(_), _) => continue,
            (Ok(candidate), _) => candidate,
        };
        let cost = match loss {
            Loss::Krylov => Evaluation::of_krylov(candidate.hierarchy(), seed, (1, MOST))?.by(loss),
            Loss::Rate | Loss::Slowest | Loss::Time => {
                asymptotic_factor(candidate.hierarchy(), seed, CYCLES).factor
            }
        };
        if best.as_ref().is_none_or(|b| cost < b.0) {
            best = Some((cost, candidate, share));
        }
    }
    let known = |cost: f64| (loss != Loss::Krylov).then_some(cost);
    best.map(|(cost, amg, share)| (known(cost), amg, share))
        .ok_or_else(|| Error::unsuited("no Robin condition gives a start"))
}

/// The same pre-sweeps, and post-sweeps that are their transposes in reverse order.
fn mirrored(amg: &Amg) -> Result<Amg> {
    let mut h = amg.hierarchy().clone();
    for level in &mut h.levels {
        level.post = level.pre.iter().rev().map(Smoother::transposed).collect();
    }
    if !h.is_symmetric() {
        return Err(Error::unsuited(
            "a symmetric cycle needs symmetric matrices on all levels, the coarsest included; leave the symmetry out",
        ));
    }
    amg.with_hierarchy(h)
}

/// Sparse approximate inverses on the pattern of A².
fn wide(amg: &Amg, (pre, post): (usize, usize)) -> Result<Amg> {
    let mut h = amg.hierarchy().clone();
    for (depth, level) in h.levels.iter_mut().enumerate() {
        let m = wide_inverse(&level.a.to_csr()).map_err(|e| e.at(format!("level {depth}")))?;
        let sweep = Smoother::Sparse { m: m.into() };
        (level.pre, level.post) = (vec![sweep.clone(); pre], vec![sweep; post]);
    }
    amg.with_hierarchy(h)
}

/// SPAI on the pattern of A², or SPAI-1 with zeros beside it where rows are long.
fn wide_inverse(a: &Csr<f64>) -> Result<Csr<f64>> {
    // Values that cannot cancel or overflow: only the pattern matters.
    let ones = a.map(|_, _, _| 1.0);
    let square = ones.multiply(&ones)?;
    let pattern = square.pattern();
    if (0..a.rows()).all(|i| pattern.row(i).len() <= WIDE) {
        return spai(a, pattern);
    }
    let narrow = spai1(a)?;
    let padded = |i: usize| pattern.row_cols(i).iter().map(move |&j| (i, j as usize));
    let values = (0..a.rows()).flat_map(padded).map(|(i, j)| narrow.get(i, j));
    Ok(Csr::from_shared(pattern.clone(), Arc::new(values.collect())))
}
