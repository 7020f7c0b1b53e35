//! Functions of large matrices by Lanczos and Arnoldi, with gradients.
//!
//! f(A) v ≈ ‖v‖ Q f(H) e₁ for a Krylov basis Q of a few vectors and the small matrix H = Qᵀ A Q. [`FunctionOf`]
//! computes f(A) v and vᵀ f(A) v, [`StochasticTrace`] estimates tr f(A) and with it log det A = tr log A. Both are
//! operations of a [`Tape`](crate::autodiff::Tape): the adjoints of the decompositions (Krämer, Moreno-Muñoz,
//! Roy and Hauberg, NeurIPS 2024, arXiv 2405.17277) cost a third to three times as much as the decompositions.
//!
//! | function | A symmetric ([`Process::Lanczos`], [`Process::ThreeTerm`]) | any A ([`Process::Arnoldi`]) |
//! |---|---|---|
//! | of H | eigenvectors | scaling and squaring, Newton's iteration |
//! | derivative | divided differences (Daleckiĭ and Kreĭn) | f of a block matrix (Mathias 1996) |
//!
//! ```
//! use multigrad::{autodiff::Tape, functions::{FunctionOf, MatrixFunction}, gallery};
//! let a = gallery::poisson_2d(10, 10)?.matrix;
//! let tape = Tape::new();
//! let (m, v) = (tape.parameter_matrix(&a.map(|_, _, v| -0.1 * v)), tape.vector(&vec![1.0; 100]));
//! let heat = FunctionOf::new(MatrixFunction::Exp).order(20); // u = exp(−0.1 A) v
//! let u = heat.on_tape(m, v);
//! let gradient = u.frobenius_squared().gradients()?.take(m)?;
//! assert_eq!(gradient.len(), a.nnz());
//! # Ok::<(), multigrad::Error>(())
//! ```

mod action;
mod adjoint;
mod apply;
mod decomposition;
mod dense;
mod krylov;
mod probes;
mod recorded;
mod small;
mod three_term;
mod trace;

pub use action::TapeOperator;
pub use apply::{Evaluation, FunctionOf};
pub use decomposition::{Decomposition, Process};
pub use krylov::{DecompositionAdjoint, decompose};
pub use small::MatrixFunction;
pub use trace::{Estimate, StochasticTrace};
