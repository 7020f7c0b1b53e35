//! Multigrid: hierarchies, smoothers and cycles.

mod assemble;
mod compiled;
mod convert;
mod cycle;
mod cycle_kind;
mod cycle_shape;
mod damping;
mod hierarchy;
mod polynomial;
mod preconditioner;
mod refresh;
mod relaxation;
mod relaxation_names;
#[cfg(feature = "cuda")]
mod resident;
#[cfg(feature = "cuda")]
mod resident_refresh;
#[cfg(all(test, feature = "emulator"))]
mod resident_refresh_tests;
mod scaled;
mod setup;
mod smoother;
mod smoother_check;
mod subdomains;
mod table;

pub(crate) use compiled::BlockMemory;
#[doc(hidden)]
pub use compiled::Cycle;
#[doc(hidden)]
pub use cycle::{compile, cycle, trace};
pub use cycle_kind::CycleKind;
pub(crate) use cycle_shape::CycleShape;
#[doc(hidden)]
pub use damping::spectral_bound;
pub use hierarchy::{Hierarchy, Level};
#[doc(hidden)]
pub use hierarchy::{Place, Role};
#[doc(hidden)]
pub use preconditioner::CyclePreconditioner;
pub(crate) use refresh::{Refresh, other_pattern};
pub use relaxation::{Passes, Relaxation};
#[cfg(feature = "cuda")]
#[doc(hidden)]
pub use resident::{OneCycle, ResidentCycle, Use};
#[cfg(feature = "cuda")]
#[doc(hidden)]
pub use resident_refresh::ResidentRefresh;
pub use setup::Setup;
pub use smoother::Smoother;
#[doc(hidden)]
pub use smoother::{Part, Sweep, Sweeps};
pub use subdomains::{Parts, SchwarzOptions};
