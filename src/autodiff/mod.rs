//! Differentiable expressions of sparse matrices, dense blocks and numbers, without densification.
//!
//! A [`Tape`] computes and records; expressions of its handles [`Sparse`], [`Dense`] and [`Number`] read like
//! their formulas. The gradient of a matrix is a vector on its pattern. The rules are those of Nytko,
//! Taghibakhshi, Zaman, MacLachlan, Olson and West, SIAM J. Sci. Comput. 47(5), C1115, 2025.
//!
//! Per-entry weights of Jacobi relaxation, min ‖I − Ω D⁻¹ A‖_F² by fifty steps of Adam:
//!
//! ```
//! use multigrad::{autodiff::Tape, optimise::{Adam, Optimiser}, sparse::Csr};
//!
//! let beside = (0..15).flat_map(|i| [(i, i + 1, -1.0), (i + 1, i, -1.0)]);
//! let entries: Vec<_> = (0..16).map(|i| (i, i, 2.0)).chain(beside).collect();
//! let a = Csr::from_triplets(16, 16, &entries)?;
//! let (mut omega, mut adam, mut tape) = (vec![1.0f64; 16], Adam::new(), Tape::new());
//! for _ in 0..50 {
//!     let (a, w) = (tape.matrix(&a), tape.parameter(&omega));
//!     let loss = (tape.identity(16) - (w / a.diagonal()).as_diagonal() * a).frobenius_squared();
//!     let gradient = loss.gradients()?.take(w)?;
//!     adam.step(&mut omega, &gradient, 0.01)?;
//!     tape.clear();
//! }
//! assert!((omega[7] - 0.6586766456).abs() < 1e-10 && (omega[0] - 0.7924235985).abs() < 1e-10);
//! # Ok::<(), multigrad::error::Error>(())
//! ```

mod anderson;
mod cache;
mod check;
mod checkpoint;
mod checksums;
mod fixed_point;
mod handle;
mod hash;
mod implicit;
mod inputs;
mod iterate;
mod kernels;
mod memory;
mod ops;
mod plans;
mod recover;
mod reverse;
mod reversible;
mod revolve;
mod step;
mod sweep;
mod tape;
#[cfg(test)]
mod tests;

pub use check::{Deviation, gradient_check, hessian_vector_product};
pub use checkpoint::{Checkpoints, unrolled};
pub use fixed_point::{Acceleration, Adjoint, FixedPoint, fixed_point, fixed_point_with};
pub use handle::{Dense, Handle, Number, Sparse};
pub use iterate::Limits;
pub use memory::Memory;
pub use ops::Function;
pub(crate) use ops::{Adjoints, Rule};
pub use recover::{Inversion, Recovery};
pub use reverse::Gradients;
pub use sweep::Unrolled;
pub use tape::Tape;

#[doc(inline)]
pub use crate::backend::Triangle;
