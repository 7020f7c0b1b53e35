//! NVIDIA GPUs.
//!
//! [`Cuda`] opens a device. [`Solver::move_to_device`](crate::Solver::move_to_device) moves solves there, and
//! [`Trainer::on`](crate::Trainer::on) the steps of training.
//!
//! ```no_run
//! use multigrad::{Amg, gallery, gpu::Cuda};
//! let problem = gallery::poisson_2d(1000, 1000)?;
//! let mut solver = Amg::auto(&problem.matrix)?;
//! solver.move_to_device(&Cuda::open(0)?)?;
//! assert!(solver.solve(&problem.rhs)?.converged());
//! # Ok::<(), multigrad::Error>(())
//! ```

#[doc(inline)]
pub use crate::backend::{Cuda, Tuning};
