#![doc = "x"]
pub mod error;
pub mod sparse;
