//! Training: parameters, loss, trainer and its report; its optimiser is
//! [`Adam`](crate::optimise::Adam).

mod baselines;
mod factor;
mod learn;
mod loss;
mod parameters;
mod pool;
mod recipe;
mod report;
mod session;
mod trainer;

pub use baselines::{Baseline, classical_baselines};
pub use factor::{FactorEstimate, asymptotic_factor};
pub use learn::Learn;
pub use loss::{LossAndGradient, convergence_loss};
pub use parameters::Parameters;
pub use recipe::Recipe;
pub use report::TrainingReport;
pub use session::Session;
pub use trainer::{Observer, Progress, Trainer};
