#![doc = "x"]
pub mod error;
pub mod sparse;
pub mod backend;
pub mod engine;
pub mod autodiff;
pub mod operator;
