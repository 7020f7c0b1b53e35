//! Measures of the strength of connection.
//!
//! Smoothed aggregation takes a matrix of strengths with its diagonal
//! ([`symmetric_strength`], [`evolution_strength`](super::evolution_strength)); classical
//! coarsening takes the strong connections alone, a [`Pattern`](crate::sparse::Pattern) without
//! diagonal whose row i lists the points that i depends on. [`Strength`] chooses any of the
//! measures and gives the latter.

mod algebraic;
mod classical;
mod distance;
mod graph;
mod kind;
mod symmetric;

pub use algebraic::algebraic_distance_strength;
pub use classical::{StrengthMeasure, classical_strength, drop_dominant_rows};
pub use distance::distance_strength;
pub(super) use graph::join;
pub use graph::strong_connections;
pub use kind::Strength;
pub(super) use symmetric::scale_by_largest;
pub use symmetric::{absolute_sum, symmetric_strength};
