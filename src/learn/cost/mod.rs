//! The costs and savings of a learned solver, beside the fastest classical solver that was found
//! and the direct solver.

mod competitors;
mod direct;
mod entry;
mod options;
mod scan;
mod text;

use serde::{Deserialize, Serialize};

pub use entry::{BreakEven, Entry};
pub use options::{CostOptions, Learned};

/// Called before every measurement with the number of those done, of all, and a name.
pub type CostObserver<'a> = &'a mut dyn FnMut(usize, usize, &str);

/// The costs of a learned solver: seconds of its training, setup and solves beside those of the
/// classical solvers and of the direct one, on the same right-hand sides, to the same relative
/// residual of the same system.
///
/// Printed, it is a table with a verdict.
///
/// ```
/// use multigrad::gallery::{FlowScheme, recirculating_flow};
/// use multigrad::learn::{CostReport, CostOptions, Learned, Trainer};
/// use multigrad::solver::Amg;
/// let a = recirculating_flow(12, 0.005, FlowScheme::Upwind)?.matrix;
/// let mut amg = Amg::smoothed_aggregation().suited_to(&a).build(&a)?;
/// let report = Trainer::new().steps(10).fit(&mut amg)?;
/// let learned = Learned {
///     amg: &amg,
///     name: &report.learn.noun(),
///     accepted: report.accepted,
///     setup_seconds: 0.01, // of the hierarchy
///     training_seconds: report.train_seconds,
/// };
/// let options = CostOptions { repeats: 1, ..CostOptions::default() };
/// let account = CostReport::measure(&a, &learned, &options, &mut |_, _, _| ())?;
/// println!("{account}");
/// assert!(account.fastest_iterative().is_some());
/// # Ok::<(), multigrad::error::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CostReport {
    /// n of the n × n matrix.
    pub rows: usize,
    /// Its stored entries.
    pub nonzeros: usize,
    /// The relative residual ‖b − A x‖₂/‖b‖₂ that every solve had to reach.
    pub rtol: f64,
    /// Right-hand sides that every solver was given.
    pub right_hand_sides: usize,
    /// Threads that were used.
    pub threads: usize,
    /// Seconds of training.
    pub training_seconds: f64,
    /// Whether training found something better than its start.
    pub accepted: bool,
    /// The learned cycle in the precision and the Krylov method in which it is fastest.
    pub learned: Entry,
    /// The learned cycle in its other precisions and methods, the fastest first.
    pub learned_otherwise: Vec<Entry>,
    /// The classical iterative solvers, the fastest solve first, those that failed last.
    pub classical: Vec<Entry>,
    /// The direct solver.
    pub direct: Option<Entry>,
    /// Why the direct solver was left out, if it was.
    pub direct_left_out: Option<String>,
    /// Classical solvers that could not be built or run, or are the direct one by another name, and why.
    pub left_out: Vec<String>,
    /// Classical solvers that were not tried because the time was over.
    pub not_tried: Vec<String>,
    /// Seconds after which no further classical solver was begun, if that cut the account short.
    pub cut_off_after: Option<f64>,
}

impl CostReport {
    /// The classical iterative solver with the fastest solve, of those that converged.
    pub fn fastest_iterative(&self) -> Option<&Entry> {
        self.converged().min_by(|p, q| p.solve_seconds.total_cmp(&q.solve_seconds))
    }

    /// The classical iterative solver that takes the least time for this number of solves, its
    /// setup included.
    pub fn cheapest_iterative(&self, solves: f64) -> Option<&Entry> {
        self.converged().min_by(|p, q| p.total_seconds(solves).total_cmp(&q.total_seconds(solves)))
    }

    fn converged(&self) -> impl Iterator<Item = &Entry> {
        self.classical.iter().filter(|e| e.converged)
    }

    /// Seconds of the learned solver before its first solve: setup and training.
    pub fn learned_fixed_seconds(&self) -> f64 {
        self.learned.setup_seconds + self.training_seconds
    }

    /// The numbers of solves for which training, setup and solves of the learned solver take no
    /// more time than setup and solves of another; nothing if there are none, or if the
    /// solver is not learned.
    pub fn break_even_against(&self, other: &Entry) -> Option<BreakEven> {
        if !(self.accepted && self.learned.converged) {
            return None;
        }
        if !other.converged {
            return Some(BreakEven { from: 1.0, until: None });
        }
        BreakEven::of(
            (self.learned_fixed_seconds(), other.setup_seconds),
            (self.learned.solve_seconds, other.solve_seconds),
        )
    }

    /// The numbers of solves for which the learned solver takes no more time than *every* classical
    /// iterative one; nothing if there are none.
    pub fn break_even(&self) -> Option<BreakEven> {
        if !(self.accepted && self.learned.converged) {
            return None;
        }
        let always = BreakEven { from: 1.0, until: None };
        self.converged().try_fold(always, |all, e| self.break_even_against(e).and_then(|p| all.and(p)))
    }

    /// The smallest number of solves after which training has paid back against every classical
    /// iterative solver; nothing if it never has.
    pub fn break_even_solves(&self) -> Option<f64> {
        self.break_even().map(|p| p.from)
    }

    /// As [`break_even`](Self::break_even), against the direct solver alone; nothing also if that was left
    /// out.
    pub fn break_even_direct(&self) -> Option<BreakEven> {
        self.direct.as_ref().and_then(|direct| self.break_even_against(direct))
    }
}
