//! Reverse-mode differentiation of whatever runs on an [`Engine`](crate::engine::Engine).
//!
//! [`Tape`] computes like [`Eager`](crate::engine::Eager) and pushes one node per operation
//! whose result depends on a parameter; it keeps a value only if some rule will need it.
//! Each operation has one reverse rule, and all accumulation goes through one function.
//!
//! The rules are those of Nytko, Taghibakhshi, Zaman, MacLachlan, Olson and West,
//! SIAM J. Sci. Comput. 47(5), C1115, 2025: a gradient of a matrix is a vector on its
//! pattern, one sampled dense-dense product, and the unmasked product is never formed.

mod check;
mod columns;
mod node;
mod recording;
mod reverse;
mod subdomains;
mod tape;

pub use check::{GradientCheck, gradient_check};
pub use reverse::{Gradients, Seed};
pub use tape::{Parameter, Recorded, Tape, TapeVector};
