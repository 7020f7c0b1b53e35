//! Weakened incomplete factors in place of a smoother that is slow: τ found on patches of the matrix.

use super::builder::Builder;
use super::configuration::Configuration;
use super::properties::MatrixProperties;
use super::value::Solver;
use crate::engine::Host;
use crate::error::Result;
use crate::krylov::{Krylov, Outcome, SolveOptions, scattered};
#[cfg(feature = "petsc")]
use crate::multigrid::Smoother;
use crate::multigrid::{Cycle, CyclePreconditioner, Hierarchy, Relaxation, Setup};
use crate::setup::Coarsening;
use crate::sparse::Csr;

/// Values of τ, ascending by factors of about √2. Below the best value factors of a larger matrix soon diverge, above it
/// the iterations grow slowly.
const TAUS: [f64; 13] = [0.0, 0.0035, 0.005, 0.007, 0.01, 0.014, 0.02, 0.028, 0.04, 0.055, 0.08, 0.11, 0.16];
/// Place of the value with which a search begins; it goes on in steps of two.
const FIRST: usize = 8;
/// Share of positive off-diagonal entries below which the present smoothers are hardly ever slow.
const WRONG_SIGN: f64 = 0.02;
/// Rows below which a matrix is not examined, because every solve takes milliseconds; a patch of a matrix four times as
/// large has at least as many.
const FEWEST: usize = 4000;
/// Mean number of entries per row above which the elimination costs too much.
const LONG: f64 = 32.0;
/// Number of iterations of the present choice for one with the factors from which those pay, whose cycle takes up to
/// 2.5 times as long.
const RATIO: f64 = 2.5;
/// Iterations after which a measurement ends.
const MOST: usize = 60;
/// Largest number of entries of all patches of a search.
const ENTRIES: usize = 600_000;
/// Ratio of iterations that makes a smaller τ, closer to divergence, worth taking.
const BETTER: f64 = 0.97;
/// Seed of the patches.
const SEED: u64 = 1;
/// Reduction of the residual in a measurement.
const REDUCTION: f64 = 1e-8;

/// The outcome of a search.
pub(super) struct Weakened {
    /// The configuration with the best τ, then with a larger one.
    pub configurations: [Configuration; 2],
    /// Mean iterations on patches.
    pub found: f64,
    /// Iterations beyond which the first one is left: the patches misjudged it.
    pub patience: usize,
    /// The sentence for the user.
    pub reason: String,
}

impl Weakened {
    /// ILU(0) with the best τ on patches of `a`, if it takes clearly less work than `present`. `None` without a
    /// measurement for matrices that are small, not symmetric, with several unknowns per node, with long rows or
    /// with hardly any positive off-diagonal entry.
    ///
    /// First both are compared on two small patches, together a twenty-fourth of the matrix, which bounds the cost
    /// where nothing is found. Cost of a search: about five hierarchies and solves on patches of a twelfth of the
    /// matrix and at most 600 000 entries: .05 to .25 s.
    pub fn of(a: &Csr<f64>, properties: &MatrixProperties, present: &Configuration) -> Option<Self> {
        let n = a.rows();
        let worth = properties.is_symmetric()
            && properties.block_size == 1
            && properties.wrong_sign >= WRONG_SIGN
            && !properties.has_hubs()
            && present.krylov == Krylov::Cg
            && properties.mean_row() <= LONG
            && n >= FEWEST;
        if !worth {
            return None;
        }
        let small = Patches::of(a, 2, (n / 48).clamp(400, 1000), &configuration(0.0))?;
        let after = small.iterations(TAUS[FIRST], MOST)?;
        let limit = RATIO * after;
        if small.iterations_of(present, limit.ceil() as usize).is_some_and(|before| before < limit) {
            return None;
        }
        let (count, rows) = patch_sizes(a);
        let patches = Patches::of(a, count, rows, &configuration(0.0))?;
        let (place, found) = search(|place, most| patches.iterations(TAUS[place], most))?;
        let tau = TAUS[place];
        let parts = if count == 1 { "a part".into() } else { format!("{count} parts") };
        Some(Self {
            configurations: [tau, 2.0 * TAUS[place.max(2)]].map(configuration),
            found,
            patience: 10 * found.ceil() as usize + 20,
            reason: format!(
                "{} takes more than {limit:.0} iterations on small parts of the matrix: ILU(0) with off-diagonal entries times {:.3}, found on {parts} of {rows} rows ({found:.0} iterations)",
                present.relaxation,
                1.0 - tau
            ),
        })
    }
}

/// The τ of ILU(0) with the fewest iterations on patches of `a`, inside hierarchies of this setup and this Krylov method,
/// and these iterations. `None` if no value converges.
///
/// Cost: about five hierarchies and solves on patches of a twelfth of the matrix and at most 600 000 entries.
pub(crate) fn best_tau(a: &Csr<f64>, setup: &Setup, krylov: Krylov) -> Option<(f64, f64)> {
    let (count, rows) = patch_sizes(a);
    let present = Configuration::new(setup.clone(), Relaxation::weak_ilu0(0.0), krylov);
    let patches = Patches::of(a, count, rows, &present)?;
    let (place, found) = search(|place, most| patches.iterations(TAUS[place], most))?;
    Some((TAUS[place], found))
}

/// As [`best_tau`], where the factors on every patch are those of two parts without entries between them, as the blocks of
/// two processes are. Such factors need a larger τ: what a substitution passes on ends at the border of a part.
///
/// Cost: as for [`best_tau`], and partitions of the patches.
#[cfg(feature = "petsc")]
pub(crate) fn best_tau_in_parts(a: &Csr<f64>, setup: &Setup, krylov: Krylov) -> Option<(f64, f64)> {
    let (count, rows) = patch_sizes(a);
    let present = Configuration::new(setup.clone(), Relaxation::weak_ilu0(0.0), krylov);
    let mut patches = Patches::of(a, count, rows, &present)?;
    for (_, hierarchy) in &mut patches.patches {
        in_two_parts(hierarchy).ok()?;
    }
    let (place, found) = search(|place, most| patches.iterations(TAUS[place], most))?;
    Some((TAUS[place], found))
}

/// Replaces the factors of every level by those of two parts; a coarse row belongs where most of its column of P lies.
#[cfg(feature = "petsc")]
fn in_two_parts(hierarchy: &mut Hierarchy<Host<f64>>) -> Result<()> {
    let Some(finest) = hierarchy.levels.first() else { return Ok(()) };
    let mut part = crate::schwarz::partition(&finest.a.pattern, 2.min(finest.a.pattern.rows()))?;
    for level in &mut hierarchy.levels {
        let a = level.a.to_csr();
        let factors = crate::setup::relaxation::ilu0(&a.filter(|i, j, _| part[i] == part[j]))?;
        let sweep =
            Smoother::Factors { factors: factors.into(), unit_lower: true, damping: 1.0, sweeps: None };
        (level.pre, level.post) = (vec![sweep.clone()], vec![sweep]);
        let p = level.prolongation.to_csr();
        let mut second = vec![0.0; p.cols()];
        for (i, &own) in part.iter().enumerate() {
            let sign = if own == 1 { 1.0 } else { -1.0 };
            p.row(i).for_each(|(j, v)| second[j] += sign * v.abs());
        }
        part = second.iter().map(|&v| u32::from(v > 0.0)).collect();
    }
    Ok(())
}

/// Number of patches of a search and their rows. A large patch tells more than two small ones.
pub(crate) fn patch_sizes(a: &Csr<f64>) -> (usize, usize) {
    let n = a.rows();
    let mean = a.nnz().div_ceil(n.max(1)).max(1);
    let affordable = (ENTRIES / mean).max(FEWEST);
    let most = affordable.min(16_000);
    let count = (n / 12 / most).min(affordable / most).clamp(1, 3);
    (count, (n / 12 / count).clamp(FEWEST.min(n / 4).max(1), most))
}

/// The factors on every level follow the strong couplings, so that aggregates need not: θ = 0.
fn configuration(tau: f64) -> Configuration {
    let setup = Coarsening { theta: 0.0, ..Coarsening::default() };
    Configuration::new(setup, Relaxation::weak_ilu0(tau), Krylov::Cg)
}

/// The place in [`TAUS`] of the least cost on the way up or down from the first value, refined by one half of a step
/// down, and the cost. `cost` is told how many iterations it may take; failure counts as too small a τ. A smaller τ must
/// be clearly better: on a larger matrix it is closer to divergence.
fn search(mut cost: impl FnMut(usize, usize) -> Option<f64>) -> Option<(usize, f64)> {
    let mut measured = |place: usize, least: f64| {
        let most = if least.is_finite() { least.ceil() as usize + 1 } else { MOST };
        cost(place, most).unwrap_or(f64::INFINITY)
    };
    let (mut best, mut least) = (FIRST, measured(FIRST, f64::INFINITY));
    for place in (FIRST + 2..TAUS.len()).step_by(2) {
        let next = measured(place, least);
        if next >= least && least.is_finite() {
            break;
        }
        (best, least) = (place, next);
    }
    let below = if best == FIRST { FIRST } else { 0 };
    for place in (0..below).rev().skip(1).step_by(2) {
        let next = measured(place, least);
        if next > BETTER * least {
            break;
        }
        (best, least) = (place, next);
    }
    if best > 0 && least.is_finite() {
        let next = measured(best - 1, least);
        if next <= BETTER * least {
            (best, least) = (best - 1, next);
        }
    }
    least.is_finite().then_some((best, least))
}

/// A patch, and its hierarchy whose smoother is ILU(0).
type Patch = (Csr<f64>, Hierarchy<Host<f64>>);

/// Patches for measurements.
struct Patches {
    patches: Vec<Patch>,
    setup: Setup,
    krylov: Krylov,
}

impl Patches {
    /// `None` if ILU(0) cannot be computed, or for CG is not symmetric.
    fn of(a: &Csr<f64>, count: usize, rows: usize, configuration: &Configuration) -> Option<Self> {
        let builder = Builder::from(configuration.clone());
        let krylov = configuration.krylov;
        let built = a.patches(count, rows, SEED).into_iter().map(|patch| {
            let suits = |h: &Hierarchy<Host<f64>>| krylov != Krylov::Cg || h.sweeps_mirror();
            let hierarchy = builder.build_hierarchy(&patch).ok().filter(suits)?;
            Some((patch, hierarchy))
        });
        let patches = built.collect::<Option<Vec<_>>>()?;
        Some(Self { patches, setup: configuration.setup.clone(), krylov })
    }

    /// Mean iterations with weakened factors.
    fn iterations(&self, tau: f64, most: usize) -> Option<f64> {
        let weakened = |(patch, hierarchy): &Patch| -> Result<Solver> {
            let symmetric = self.krylov == Krylov::Cg;
            let cycle = CyclePreconditioner::trusted(hierarchy.weakened(tau)?, Some(symmetric))?;
            let mut solver = Solver::of(patch.clone(), Cycle::Double(cycle), self.setup.clone());
            solver.krylov = Some(self.krylov);
            if symmetric {
                let _ = solver.symmetric_matrix.set(true);
            }
            Ok(solver)
        };
        self.mean(most, &weakened)
    }

    /// Mean iterations of another configuration.
    fn iterations_of(&self, configuration: &Configuration, most: usize) -> Option<f64> {
        let builder = Builder::from(configuration.clone()).known_symmetry(true);
        self.mean(most, &|(patch, _)| builder.build(patch))
    }

    /// The mean over all patches; `None` where a solver cannot be built, fails, or takes more than `most` iterations.
    fn mean(&self, most: usize, solver: &dyn Fn(&Patch) -> Result<Solver>) -> Option<f64> {
        let each = self.patches.iter().map(|patch| iterations(&solver(patch).ok()?, most));
        let counts = each.collect::<Option<Vec<f64>>>()?;
        Some(counts.iter().sum::<f64>() / counts.len() as f64)
    }
}

/// Iterations to a reduction of the residual by 10⁸, with a fraction, from a random right-hand side; `None` where they or
/// their forecast exceed `most`.
pub(super) fn iterations(solver: &Solver, most: usize) -> Option<f64> {
    let mut options = SolveOptions::new().rtol(REDUCTION).max_iterations(most);
    let budget: &dyn Fn(f64) -> f64 = &|_| most as f64;
    (options.definite, options.options.budget) = (true, Some(budget));
    let b = scattered(solver.matrix().rows(), SEED);
    let out = solver.attempt(solver.system(), &b, options).ok().filter(Outcome::converged)?;
    let [.., before, last] = out.residual_history[..] else { return Some(0.0) };
    let step = (REDUCTION / before).ln() / (last / before).ln();
    Some(out.iterations as f64 - 1.0 + if step.is_finite() { step.clamp(0.0, 1.0) } else { 1.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gallery::{FlowScheme, poisson_2d, recirculating_flow, rotated_anisotropic, unstructured_3d};
    use crate::solver::Choice;

    fn found(a: &Csr<f64>) -> Option<Weakened> {
        let properties = MatrixProperties::of(a);
        let present = Choice::suited(&properties, false).configurations.remove(0);
        Weakened::of(a, &properties, &present)
    }

    #[test]
    fn a_search_finds_the_least_cost_and_passes_failures_upwards() {
        let by = |best: usize| {
            let mut calls = 0;
            let place = search(|place, _| {
                calls += 1;
                (place >= best).then(|| 5.0 + (place - best) as f64 / 2.0)
            });
            (place, calls)
        };
        for best in 0..TAUS.len() - 1 {
            let (place, calls) = by(best);
            assert!(calls <= 7, "{best}: {calls}");
            assert_eq!(place, Some((best, 5.0)));
        }
        assert_eq!(search(|_, _| None), None);
        // Of equal values the first.
        assert_eq!(search(|_, _| Some(7.0)), Some((FIRST, 7.0)));
    }

    #[test]
    fn anisotropy_across_the_grid_needs_weakened_factors_and_others_do_not() {
        let weakened = found(&rotated_anisotropic(96, 1e-3, 0.9).unwrap().matrix).unwrap();
        let tau = weakened.configurations[0].relaxation.tau().unwrap();
        assert!((0.005..0.1).contains(&tau), "{}", weakened.reason);
        assert!(weakened.reason.contains("on a part of 2304 rows"), "{}", weakened.reason);
        for problem in [
            poisson_2d(96, 96),
            unstructured_3d(18, 1),
            recirculating_flow(64, 0.005, FlowScheme::Supg),
            rotated_anisotropic(40, 1e-3, 0.9),
        ] {
            let problem = problem.unwrap();
            assert!(found(&problem.matrix).is_none(), "{}", problem.name);
        }
    }
}
