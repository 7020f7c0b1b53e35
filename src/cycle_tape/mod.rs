//! Reverse-mode differentiation of any run on an [`Engine`](crate::engine::Engine).
//!
//! [`Tape`] computes like [`Eager`](crate::engine::Eager) and pushes one node per operation whose result depends
//! on a parameter. It keeps a value only if a reverse rule needs it. Each operation has one reverse rule, and all
//! accumulation goes through one function.
//!
//! The rules follow Nytko, Taghibakhshi, Zaman, MacLachlan, Olson and West, SIAM J. Sci. Comput. 47(5), C1115,
//! 2025: the gradient of a matrix is a vector on its pattern, computed as one sampled dense-dense product. The
//! unmasked product is never formed.

mod check;
mod columns;
mod node;
mod parameter;
mod recording;
mod reverse;
mod subdomains;
mod tape;

pub use check::{GradientCheck, gradient_check};
pub use parameter::{Parameter, Recorded};
pub use reverse::{Gradients, Seed};
pub use tape::{Tape, TapeVector};
