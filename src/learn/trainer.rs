//! The trainer and its settings.

use std::time::Duration;

use super::loss::Loss;
use super::start::Start;
use super::target::Target;
#[cfg(feature = "cuda")]
use crate::backend::Cuda;
use crate::multigrid::SchwarzOptions;

/// Trains parts of a hierarchy: minimises the asymptotic convergence factor of the cycle. By default the learned part is a
/// sparse M on the pattern of A for every sweep of every level; [`Target`] lists the other possibilities.
///
/// Settings that the user does not make are chosen from the matrix. The same seed gives the same values on any number of
/// threads, except with a time limit or [`Loss::Time`].
///
/// ```
/// use multigrad::{gallery, learn::Trainer, solver::Amg};
/// let problem = gallery::recirculating_flow(16, 0.005, gallery::FlowScheme::Upwind)?;
/// let mut amg = Amg::smoothed_aggregation().suited_to(&problem.matrix).build(&problem.matrix)?;
/// let report = Trainer::new().seed(1).steps(60).fit(&mut amg)?;
/// assert!(report.factor_after < report.factor_before);
/// assert!(amg.solve(&problem.rhs)?.converged());
/// # Ok::<(), multigrad::error::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Trainer {
    pub(super) steps: Option<usize>,
    pub(super) rate: Option<f64>,
    pub(super) cycles: Option<usize>,
    pub(super) batch: Option<usize>,
    pub(super) sweeps: Option<(usize, usize)>,
    pub(super) learn: Target,
    pub(super) loss: Loss,
    pub(super) start: Start,
    pub(super) symmetric: bool,
    pub(super) subdomains: (SchwarzOptions, usize),
    pub(super) seed: u64,
    pub(super) time_limit: Option<Duration>,
    #[cfg(feature = "cuda")]
    pub(super) cuda: Option<Cuda>,
}

/// The state of a training after a step.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Progress {
    /// Steps taken, and steps in all.
    pub step: (usize, usize),
    /// Loss of this step.
    pub loss: f64,
    /// Asymptotic factor at the last measurement.
    pub factor: f64,
    /// Seconds since training began.
    pub seconds: f64,
    /// Seconds that remain, by the pace so far.
    pub seconds_left: f64,
    /// Whether this is a trial of a candidate.
    pub trial: bool,
}

/// Called after every step.
pub type Observer<'a> = &'a mut dyn FnMut(&Progress);

impl Trainer {
    /// Everything chosen from the matrix, seed 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// The learned parts; the sparse M of every level by default.
    #[must_use]
    pub fn learn(mut self, learn: Target) -> Self {
        self.learn = learn;
        self
    }

    /// The loss function. Default: [`Loss::Rate`], the convergence factor of the cycle.
    #[must_use]
    pub fn loss(mut self, loss: Loss) -> Self {
        self.loss = loss;
        self
    }

    /// The start of the training; classical smoothers by default.
    #[must_use]
    pub fn start(mut self, start: Start) -> Self {
        self.start = start;
        self
    }

    /// Keeps the cycle symmetric, so that CG may be used: post-sweeps are the transposes of the
    /// pre-sweeps in reverse order, and R = Pᵀ. A must be symmetric and the given
    /// hierarchy must have R = Pᵀ.
    ///
    /// Off by default, also for symmetric matrices: a symmetric cycle has half as many learned values, and CG with it
    /// needed no fewer iterations than FGMRES with an unrestricted cycle (`docs/training-notes.md`).
    #[must_use]
    pub fn symmetric(mut self, symmetric: bool) -> Self {
        self.symmetric = symmetric;
        self
    }

    /// Steps of the optimiser.
    #[must_use]
    pub fn steps(mut self, steps: usize) -> Self {
        self.steps = Some(steps);
        self
    }

    /// Learning rate of the first step of Adam; it decreases to 2 % of this value.
    #[must_use]
    pub fn rate(mut self, rate: f64) -> Self {
        self.rate = Some(rate);
        self
    }

    /// Number of cycles in the loss at the last step; earlier steps use fewer.
    #[must_use]
    pub fn cycles(mut self, cycles: usize) -> Self {
        self.cycles = Some(cycles);
        self
    }

    /// Number of columns of the batch. Default: chosen for the hierarchy; on a GPU as many as it processes at once, up to
    /// 64.
    #[must_use]
    pub fn batch(mut self, batch: usize) -> Self {
        self.batch = Some(batch);
        self
    }

    /// Learned sweeps before and after the coarse-grid correction, each with its own M;
    /// as many as the hierarchy has by default.
    #[must_use]
    pub fn sweeps(mut self, pre: usize, post: usize) -> Self {
        self.sweeps = Some((pre, post));
        self
    }

    /// Subdomains of [`Target::Schwarz`], and on how many of the finest levels; the levels below learn M. By
    /// default parts of 100 rows with one ring of overlap on the finest level. The Robin share in
    /// `options` is ignored: training starts from the best of a few shares.
    #[must_use]
    pub fn subdomains(mut self, options: SchwarzOptions, levels: usize) -> Self {
        self.subdomains = (options, levels);
        self
    }

    /// Seed of all random vectors.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Training stops after this time, with the best it has.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// Takes the steps on a device. Measurements, those of the returned solver included, stay on the CPU.
    #[cfg(feature = "cuda")]
    #[must_use]
    pub fn on(mut self, cuda: &Cuda) -> Self {
        self.cuda = Some(cuda.clone());
        self
    }
}
