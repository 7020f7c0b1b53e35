//! Training: targets, losses, parameters, the trainer and its report. The optimiser is
//! [`Adam`](crate::optimise::Adam).

mod batch;
mod carry;
mod cost;
mod entry_training;
mod evaluate;
mod family_training;
mod fit;
mod for_solves;
mod handed_out;
mod learned_solver;
mod loss;
mod network;
mod network_file;
mod on_patches;
mod parameters;
mod recipe;
mod report;
mod schwarz_network;
mod select;
mod session;
mod solves_report;
mod spending;
mod start;
mod target;
mod tracked_solver;
mod trainer;
mod use_report;

pub use cost::{BreakEven, CostObserver, CostOptions, CostReport, Entry, Learned};
pub use evaluate::{Baseline, Evaluation, FactorEstimate, asymptotic_factor, classical_baselines};
pub use for_solves::ForSolves;
pub use handed_out::{HandedOut, SolveWork};
pub use learned_solver::LearnedSolver;
pub use loss::Loss;
#[doc(hidden)]
pub use loss::LossAndGradient;
pub use network::{Family, NetworkTraining, SmootherNetwork};
#[doc(hidden)]
pub use parameters::Parameters;
#[doc(hidden)]
pub use recipe::Recipe;
pub use report::TrainingReport;
pub use schwarz_network::{SchwarzNetwork, SchwarzNetworkTraining, TrainingStep};
#[cfg(feature = "cuda")]
#[doc(hidden)]
pub use session::ResidentTraining;
#[doc(hidden)]
pub use session::Session;
pub use solves_report::{Attempt, SolvesReport};
pub use start::Start;
pub use target::{LearnedSmoother, Target};
pub use tracked_solver::{TrackedSolver, Update};
pub use trainer::{Observer, Progress, Trainer};
pub use use_report::UseReport;
