//! A trained solver that follows a sequence of matrices with one pattern, tested and tuned on request.

use super::carry::{bases, carried};
use super::evaluate::Evaluation;
use super::loss::Loss;
use super::start::Start;
use super::trainer::Trainer;
use crate::error::Result;
use crate::multigrid::{Refresh, Relaxation};
use crate::solver::Amg;
use crate::sparse::Csr;

/// Cycles of the test of a carried smoother.
const CYCLES: usize = 6;

/// A trained solver that follows a sequence of matrices with one pattern, tested and tuned on request; see
/// [`LearnedSolver`](super::LearnedSolver) for one that does both by itself.
///
/// The transfers between the levels stay, the matrices of the coarser levels are recomputed, and the learned
/// smoothers are carried over: a learned M by the ratio of the diagonals, learned factors by their ratio to ILU(0), small
/// entries by the difference in units of its pivots. A short test decides: keep the carried smoothers, tune them by a few steps, or
/// use classical ones until a later matrix passes.
///
/// ```
/// use multigrad::{gallery, krylov::Fgmres, learn::{Target, TrackedSolver, Trainer}, solver::Amg};
/// let flow = |epsilon| gallery::recirculating_flow(16, epsilon, gallery::FlowScheme::Upwind);
/// let first = flow(0.005)?;
/// let mut amg = Amg::smoothed_aggregation().suited_to(&first.matrix).build(&first.matrix)?;
/// let trainer = Trainer::new().learn(Target::Ilu).steps(20);
/// trainer.fit(&mut amg)?;
/// let mut solver = TrackedSolver::new(amg, trainer.steps(10))?;
/// let next = flow(0.0055)?;
/// let kept = solver.follow(&next.matrix)?;
/// assert!(kept.evaluation.converges);
/// let out = Fgmres::new().preconditioner(solver.amg()).solve(&next.matrix, &next.rhs)?;
/// assert!(out.converged());
/// # Ok::<(), multigrad::error::Error>(())
/// ```
#[derive(Debug)]
pub struct TrackedSolver {
    /// The smoothers for the last matrix on which they were accepted.
    learned: Amg,
    /// The classical fallback while they are rejected.
    fallback: Option<Amg>,
    trainer: Trainer,
    refresh: Refresh,
    /// The evaluation after the last training.
    trained: Evaluation,
    /// ILU(0) of every level of `learned` where there are factors.
    base: Vec<Option<Csr<f64>>>,
}

/// The result of an update to a new matrix.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Update {
    /// Whether the smoothers had to be tuned.
    pub tuned: bool,
    /// Whether classical smoothers are used, because tuning did not help.
    pub fell_back: bool,
    /// The last evaluation; its factors are those of a few cycles from one random start.
    pub evaluation: Evaluation,
}

/// Iterations of FGMRES that a carried smoother may need beyond those at its training.
const PATIENCE: f64 = 1.5;

impl TrackedSolver {
    /// Takes over a trained solver, and the trainer that tunes it (its steps count).
    ///
    /// # Errors
    /// Products that cannot be planned; ILU(0) of a level that does not exist.
    pub fn new(amg: Amg, trainer: Trainer) -> Result<Self> {
        let refresh = Refresh::new(amg.hierarchy())?;
        let trained = Evaluation::quick(&amg, 0, CYCLES)?;
        let base = bases(amg.hierarchy())?;
        let trainer = trainer.start(Start::Given).loss(Loss::Krylov);
        Ok(Self { learned: amg, fallback: None, trainer, refresh, trained, base })
    }

    /// The solver for the last matrix: a preconditioner.
    pub fn amg(&self) -> &Amg {
        self.fallback.as_ref().unwrap_or(&self.learned)
    }

    /// Updates to new values on the same pattern. Cost: that of [`carry`](Self::carry), a solve and six
    /// cycles; that of [`tune`](Self::tune) where the carried smoothers fall behind. An error leaves the
    /// solver as it was. Classical smoothers are replaced as soon as the learned ones pass the test.
    ///
    /// # Errors
    /// As [`carry`](Self::carry) and [`tune`](Self::tune).
    pub fn follow(&mut self, a: &Csr<f64>) -> Result<Update> {
        let (amg, base) = self.carried(a)?;
        let evaluation = Evaluation::quick(&amg, 0, CYCLES)?;
        if evaluation.converges && evaluation.iterations <= PATIENCE * self.trained.iterations {
            (self.learned, self.base, self.fallback) = (amg, base, None);
            return Ok(Update { tuned: false, fell_back: false, evaluation });
        }
        self.settle(amg)
    }

    /// Updates to new values on the same pattern without a test, for a caller whose own solves show when to
    /// [`tune`](Self::tune). Cost: the numerical part of a setup.
    ///
    /// # Errors
    /// Another pattern; a level without ILU(0); smoothers that cannot be carried.
    pub fn carry(&mut self, a: &Csr<f64>) -> Result<()> {
        let (amg, base) = self.carried(a)?;
        (self.learned, self.base, self.fallback) = (amg, base, None);
        Ok(())
    }

    /// Tunes the smoothers for the last matrix by the steps of the trainer; classical
    /// ones are used where that does not help.
    ///
    /// # Errors
    /// A level on which no smoother can be built.
    pub fn tune(&mut self) -> Result<Update> {
        let amg = self.learned.with_hierarchy(self.learned.hierarchy().clone())?;
        self.settle(amg)
    }

    /// The learned smoothers for new values, with ILU(0) of the levels where there are factors.
    fn carried(&self, a: &Csr<f64>) -> Result<(Amg, Vec<Option<Csr<f64>>>)> {
        let (h, base) = carried(&self.refresh, (self.learned.hierarchy(), &self.base), a)?;
        Ok((Amg::from_hierarchy(h, self.learned.setup().clone())?, base))
    }

    /// Tunes the carried smoothers, and keeps them if they converge.
    fn settle(&mut self, mut amg: Amg) -> Result<Update> {
        let report = self.trainer.fit(&mut amg)?;
        let mut evaluation = Evaluation::quick(&amg, 0, CYCLES)?;
        let mut fell_back = report.fallback.is_some();
        if evaluation.converges && !fell_back {
            (self.base, self.trained) = (bases(amg.hierarchy())?, evaluation);
            (self.learned, self.fallback) = (amg, None);
            return Ok(Update { tuned: true, fell_back, evaluation });
        }
        if !evaluation.converges {
            let classical = amg.with_relaxation(Relaxation::L1Jacobi, amg.sweeps())?;
            let other = Evaluation::quick(&classical, 0, CYCLES)?;
            if other.converges {
                (amg, evaluation, fell_back) = (classical, other, true);
            }
        }
        self.fallback = Some(amg);
        Ok(Update { tuned: true, fell_back, evaluation })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gallery::{FlowScheme, recirculating_flow};
    use crate::krylov::Fgmres;
    use crate::learn::Target;
    use crate::multigrid::Smoother;

    fn flow(epsilon: f64) -> Csr<f64> {
        recirculating_flow(14, epsilon, FlowScheme::Upwind).unwrap().matrix
    }

    fn learned(a: &Csr<f64>) -> TrackedSolver {
        let mut amg = Amg::smoothed_aggregation().suited_to(a).build(a).unwrap();
        let trainer = Trainer::new().learn(Target::Ilu).steps(5).seed(3);
        trainer.fit(&mut amg).unwrap();
        TrackedSolver::new(amg, trainer).unwrap()
    }

    #[test]
    fn there_and_back_is_where_it_was() {
        let (first, next) = (flow(0.01), flow(0.012));
        let mut solver = learned(&first);
        let factors = |s: &TrackedSolver| match &s.amg().hierarchy().levels[0].pre[0] {
            Smoother::Factors { factors, .. } => factors.values.to_vec(),
            other => panic!("{other}"),
        };
        let before = factors(&solver);
        solver.carry(&next).unwrap();
        let there = factors(&solver);
        assert!(before.iter().zip(&there).any(|(p, q)| (p - q).abs() > 1e-6));
        solver.carry(&first).unwrap();
        assert!(before.iter().zip(&factors(&solver)).all(|(p, q)| (p - q).abs() < 1e-12));
        // Following is carrying, with a measurement.
        let followed = solver.follow(&next).unwrap();
        assert!(!followed.tuned && followed.evaluation.converges && followed.evaluation.factor < 1.0);
        assert!(there.iter().zip(&factors(&solver)).all(|(p, q)| (p - q).abs() < 1e-12));
    }

    #[test]
    fn what_fell_back_can_still_follow() {
        let (first, next) = (flow(0.01), flow(0.012));
        let mut solver = learned(&first);
        let classical = solver.learned.with_relaxation(Relaxation::L1Jacobi, (1, 1)).unwrap();
        solver.fallback = Some(classical);
        assert!(matches!(solver.amg().hierarchy().levels[0].pre[0], Smoother::Diagonal { .. }));
        solver.carry(&next).unwrap();
        let b = vec![1.0; next.rows()];
        assert!(Fgmres::new().preconditioner(solver.amg()).solve(&next, &b).unwrap().converged());
        assert!(matches!(solver.amg().hierarchy().levels[0].pre[0], Smoother::Factors { .. }));
        let tuned = solver.tune().unwrap();
        assert!(tuned.tuned && !tuned.fell_back);
        assert!(Fgmres::new().preconditioner(solver.amg()).solve(&next, &b).unwrap().converged());
    }
}
