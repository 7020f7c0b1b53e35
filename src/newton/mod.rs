//! Newton's method for programs whose Jacobian is a product of simple matrices, without forming it.
//!
//! F = F_q ∘ … ∘ F₁ with invertible local Jacobians A_i has the Jacobian A_q ⋯ A₁. The Newton step solves with A_q
//! first and A₁ last, and never multiplies them (Naumann, SIAM J. Sci. Comput. 46(3), A1423, 2024): O(q n μ²)
//! operations for half-bandwidths μ, against O(q μ n²) + O(n³) for the product.
//!
//! | given | use |
//! |---|---|
//! | layers with their Jacobians, such as the steps of an implicit integrator | [`LayeredProgram`] |
//! | code for a residual | [`Recorded`]: records it and splits its graph into uniform layers |
//! | local Jacobians and a residual | [`newton_step`] |
//!
//! [`Newton`] damps the steps. A [`Plan`] says which neighbouring layers are multiplied after all, by counting
//! operations; diagonal ones are.
//!
//! ```
//! use multigrad::newton::{Newton, Recorded};
//! // x₀² + x₁ = 3, x₀ + x₁² = 5
//! let program = Recorded::new(2, |x| vec![x[0] * x[0] + x[1] - 3.0, x[0] + x[1] * x[1] - 5.0]);
//! let out = Newton::new().solve(&program, &[1.5, 1.0])?;
//! assert!(out.converged() && (out.x[0] - 1.0).abs() < 1e-8 && (out.x[1] - 2.0).abs() < 1e-8);
//! # Ok::<(), multigrad::Error>(())
//! ```

mod band;
mod cuts;
mod dense;
mod graph;
mod layered;
mod local;
mod method;
mod paths;
mod plan;
mod program;
mod record;
mod segments;
mod step;
mod tridiagonal;

pub use layered::LayeredProgram;
pub use local::LocalJacobian;
pub use method::{Newton, NewtonOutcome, NewtonStatus};
pub use plan::{Order, Plan, Shape, exact_optimum, plan};
pub use program::{Linearised, Program};
pub use record::{Recorded, Var};
pub use step::newton_step;
