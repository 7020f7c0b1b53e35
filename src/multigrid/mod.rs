//! Hierarchies, smoothers and the cycle.

mod cycle;
mod hierarchy;
mod preconditioner;
mod smoother;

pub use cycle::{compile, cycle};
pub use hierarchy::{Hierarchy, Level, Place, Role};
pub use preconditioner::CyclePreconditioner;
pub use smoother::Smoother;
