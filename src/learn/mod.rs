//! Training: parameters, loss, trainer and its report; its optimiser is
//! [`Adam`](crate::optimise::Adam).

mod account;
mod baselines;
mod begin;
mod collect;
mod factor;
mod hand_out;
mod judge;
mod krylov_loss;
mod loss;
mod loss_kind;
mod network;
mod network_file;
mod on_tape;
mod parameters;
mod placed;
mod pool;
mod recipe;
mod report;
#[cfg(feature = "cuda")]
mod resident;
mod reuse;
mod schwarz_network;
mod session;
mod slowest_loss;
mod start;
mod steps;
mod trainer;
mod what;

pub use account::{Account, AccountObserver, AccountOptions, Entry, Learned, Payback};
pub use baselines::{Baseline, classical_baselines};
pub use begin::Start;
pub use factor::{FactorEstimate, asymptotic_factor};
pub use judge::Judgement;
pub use krylov_loss::krylov_loss;
pub use loss::{LossAndGradient, convergence_loss};
pub use loss_kind::Loss;
pub use network::{Family, NetworkTraining, SmootherNetwork};
pub use parameters::Parameters;
pub use recipe::Recipe;
pub use report::TrainingReport;
#[cfg(feature = "cuda")]
pub use resident::ResidentTraining;
pub use reuse::{Followed, LearnedSolver};
pub use schwarz_network::{SchwarzNetwork, SchwarzNetworkTraining, TrainingStep};
pub use session::Session;
pub use slowest_loss::slowest_loss;
pub use trainer::{Observer, Progress, Trainer};
pub use what::{Learn, LearnedSmoother};
