//! C interface of multigrad: opaque handles, status codes, error texts.
//!
//! The exported functions and types have the names of the C header `include/multigrad.h`, which is generated from this
//! crate. Their comments are those of the header and describe the interface for a C programmer.
//!
//! * [`table`] keeps every object behind a number. A handle is that number in the type of a pointer. It is never
//!   dereferenced, so a handle that is null, freed, of another kind or invented is an error, not undefined behaviour.
//! * [`memory`] contains the code that reads and writes memory of the caller.
//! * [`guard`] runs the body of every exported function, catches panics, and stores the error text of the thread.
//! * [`access`] gives a body access to a solver: shared for solves, exclusive for changes.
//! * [`worker`] is the thread of a solver that is trained between its solves.
//!
//! All other modules contain exported functions and the values behind the handles.

#![warn(missing_docs)]
#![deny(unsafe_op_in_unsafe_fn)]
#![allow(non_camel_case_types, reason = "exported names are those of the C header")]
#![allow(
    clippy::missing_safety_doc,
    reason = "the rules for pointers are the same for all functions and stand at the top of the header"
)]

mod access;
mod block;
mod callback;
mod guard;
mod memory;
mod status;
mod table;
mod worker;

pub mod library;
pub mod matrix;
pub mod options;
pub mod options_build;
pub mod options_solve;
pub mod result;
pub mod solve;
pub mod solver;
pub mod solver_info;
pub mod train;

pub use status::mg_status;
