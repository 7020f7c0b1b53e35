//! Overlapping Schwarz methods of one level, with interface conditions that can be learned.
//!
//! The additive Schwarz method (Dryja and Widlund, 1987) solves on overlapping subdomains in parallel,
//!
//! ```text
//! M = Σᵢ R̃ᵢᵀ (Rᵢ A Rᵢᵀ + Lᵢ)⁻¹ Rᵢ
//! ```
//!
//! Rᵢ takes the rows of subdomain i with its overlap; R̃ᵢ, and sometimes Rᵢ too, carries the weights of a
//! [`Variant`]. Lᵢ changes only entries of A between rows of the outer ring of the subdomain: it is the
//! interface condition. Lᵢ = 0 is Dirichlet's. Optimised Schwarz methods (Gander, 2006) use Robin's, and
//! Taghibakhshi et al. (2022) learn all its entries.
//!
//! | step | type |
//! |---|---|
//! | rows to subdomains | [`blocks_2d`], [`blocks_3d`], [`partition`] (METIS), [`greedy`] |
//! | overlap and outer rings | [`Decomposition`] |
//! | places of the local matrices and the interface entries | [`Layout`] |
//! | values of the interface entries | [`Interface`] |
//! | the preconditioner M of a matrix | [`Schwarz`] |
//! | the reduction of errors or residuals in K steps, with gradient | [`Loss::differentiate`](crate::learn::Loss::differentiate) |
//! | learned interface values | [`Trainer`](crate::learn::Trainer) with [`Target::Schwarz`](crate::learn::Target::Schwarz) |
//!
//! ```
//! use multigrad::gallery::poisson_2d;
//! use multigrad::schwarz::{Decomposition, Interface, Layout, Schwarz, Variant, blocks_2d};
//! # use multigrad::operator::Preconditioner;
//! let a = poisson_2d(12, 12)?.matrix;
//! let parts = Decomposition::from_parts(a.pattern(), &blocks_2d(12, 12, 2, 2)?, 1)?;
//! let layout = Layout::new(a.pattern(), parts)?;
//! let robin = Interface::optimised_zero(&a, &layout, 0.5)?;
//! let m = Schwarz::new(&a, robin, Variant::Restricted)?;
//! let mut z = vec![0.0; 144];
//! m.apply(&vec![1.0; 144], &mut z)?;
//! # Ok::<(), multigrad::error::Error>(())
//! ```

mod adjoint;
mod columns;
mod decomposition;
mod dense;
mod graph;
mod interface;
mod layout;
mod local;
mod operator;
mod panel;
mod partition;
#[cfg(test)]
mod partition_tests;
#[cfg(feature = "cuda")]
mod resident;
#[cfg(all(test, feature = "emulator"))]
mod resident_tests;
#[cfg(test)]
mod schwarz_tests;
mod solver;
mod subdomains;
mod variant;

pub(crate) use adjoint::{add_products, add_products_of_matrix, on_rings};
pub use decomposition::{Decomposition, Subdomain};
pub use interface::{Coupling, Interface, optimised_parameter_zero, optimised_parameters_two, robin_shares};
pub use layout::Layout;
#[doc(hidden)]
pub use local::LocalSolves;
pub use operator::Schwarz;
pub use partition::{blocks_2d, blocks_3d, greedy, partition};
#[cfg(feature = "cuda")]
pub(crate) use resident::{DeviceFactors, DeviceSubdomains};
#[doc(hidden)]
pub use solver::SubdomainSolver;
pub(crate) use solver::add_subdomain_solves;
#[doc(hidden)]
pub use subdomains::Subdomains;
pub use variant::Variant;
