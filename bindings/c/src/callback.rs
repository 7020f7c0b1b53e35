//! Functions of the caller, and how they stop the library.

use std::ffi::{CString, c_char, c_int, c_void};
use std::panic::resume_unwind;

use multigrad::{LinearOperator, Result};

/// Function that is called after every iteration of a solve with the number of the iteration, counted from 1, the
/// relative residual after it, and the pointer `data` of mg_options_set_iteration_callback().
///
/// A value other than zero stops the solve with MG_STOPPED. The function must return normally: neither a C++
/// exception nor longjmp may leave it. It must not use the solver that calls it.
pub type mg_iteration_callback =
    Option<unsafe extern "C" fn(iteration: i64, relative_residual: f64, data: *mut c_void) -> c_int>;

/// Function that is called with a short text for every part of a training that begins, valid during the call, and the
/// pointer `data`.
///
/// A value other than zero ends the training with MG_STOPPED and leaves the solver as it was. The rules of
/// mg_iteration_callback hold.
pub type mg_training_callback =
    Option<unsafe extern "C" fn(stage: *const c_char, data: *mut c_void) -> c_int>;

/// Function that computes y = A x for vectors of n values, with the pointer `data`.
///
/// A value other than zero stops the solve with MG_STOPPED. The rules of mg_iteration_callback hold. The function is
/// called once at a time.
pub type mg_operator =
    Option<unsafe extern "C" fn(n: i64, x: *const f64, y: *mut f64, data: *mut c_void) -> c_int>;

/// The payload of an unwinding that a callback has asked for.
pub(crate) struct Stop;

/// Ends the work of the library if a callback has asked for it. The panic hook is not called.
fn stop_unless_zero(code: c_int) {
    if code != 0 {
        resume_unwind(Box::new(Stop));
    }
}

/// The pointer that a callback gets back.
#[derive(Clone, Copy)]
struct Data(*mut c_void);

// SAFETY: this crate never dereferences the pointer. It only hands it back to the function of the caller, during a call
// that the caller makes; the header asks the caller not to use one such pointer in two calls at once unless the
// function permits it.
unsafe impl Send for Data {}
// SAFETY: as for Send.
unsafe impl Sync for Data {}

/// A function to be called after every iteration.
#[derive(Clone, Copy)]
pub(crate) struct OnIteration {
    function: unsafe extern "C" fn(i64, f64, *mut c_void) -> c_int,
    data: Data,
}

impl OnIteration {
    pub fn new(function: mg_iteration_callback, data: *mut c_void) -> Option<Self> {
        function.map(|function| Self { function, data: Data(data) })
    }

    pub fn call(&self, iteration: usize, residual: f64) {
        // SAFETY: the caller has given this function for calls with these arguments.
        stop_unless_zero(unsafe { (self.function)(iteration as i64, residual, self.data.0) });
    }
}

/// Calls a function of the caller with the name of a part of a training.
pub(crate) fn on_stage(function: mg_training_callback, data: *mut c_void, stage: &str) {
    let Some(function) = function else { return };
    let stage: CString = crate::guard::c_string(stage);
    // SAFETY: the caller has given this function for calls with these arguments; the text lives until the end of the
    // call.
    stop_unless_zero(unsafe { function(stage.as_ptr(), data) });
}

/// A matrix of which only products with vectors are known.
pub(crate) struct Operator {
    rows: usize,
    function: unsafe extern "C" fn(i64, *const f64, *mut f64, *mut c_void) -> c_int,
    data: Data,
}

impl Operator {
    pub fn new(rows: usize, function: mg_operator, data: *mut c_void) -> Option<Self> {
        function.map(|function| Self { rows, function, data: Data(data) })
    }
}

impl LinearOperator for Operator {
    fn rows(&self) -> usize {
        self.rows
    }

    fn apply(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        if x.len() != self.rows || y.len() != self.rows {
            let message =
                format!("an operator of {} rows and vectors of {} and {}", self.rows, x.len(), y.len());
            return Err(multigrad::Error::dimension(message));
        }
        // SAFETY: the caller has given this function for calls with these arguments. Both vectors have as many values
        // as the first argument says, and do not overlap.
        let code = unsafe { (self.function)(self.rows as i64, x.as_ptr(), y.as_mut_ptr(), self.data.0) };
        stop_unless_zero(code);
        Ok(())
    }
}
