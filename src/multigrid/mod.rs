//! Hierarchies, smoothers and the cycle.

mod amg;
mod convert;
mod cycle;
mod hierarchy;
mod preconditioner;
mod relaxation;
mod setup;
mod smoother;
mod table;

pub use amg::{Amg, AmgBuilder, suited_variant, training_setup, training_setups};
pub use cycle::{CycleKind, compile, cycle};
pub use hierarchy::{Hierarchy, Level, Place, Role};
pub use preconditioner::CyclePreconditioner;
pub use relaxation::{Relaxation, Sweep, Sweeps};
pub use setup::Setup;
pub use smoother::Smoother;
