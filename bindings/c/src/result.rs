//! Results of solves.

use std::ffi::{CString, c_char, c_int};
use std::sync::Arc;

use multigrad::Outcome as Solved;

use crate::guard::{c_string, guarded, guarded_value};
use crate::matrix::free;
use crate::memory::Place;
use crate::status::{Failure, mg_status};
use crate::table::{self, handle};

/// The result of a call that solves: one column for each right-hand side. It never changes.
pub struct mg_result;

handle!(mg_result, Result, Columns);

/// The columns of a result.
pub(crate) struct Columns(pub Vec<Column>);

/// The result for one right-hand side.
pub(crate) struct Column {
    converged: bool,
    iterations: i64,
    residual: f64,
    backward_error: f64,
    seconds: f64,
    status: CString,
    advice: CString,
    text: CString,
    history: Vec<f64>,
}

impl Column {
    pub fn new(out: &Solved, seconds: f64) -> Self {
        let mut text = out.to_string();
        if let Some(solver) = &out.solver {
            text += &format!("\nsolved by: {solver}");
        }
        for attempt in &out.attempts {
            text += &format!("\ntried before: {attempt}");
        }
        Self {
            converged: out.converged(),
            iterations: out.iterations as i64,
            residual: out.relative_residual(),
            backward_error: out.backward_error.unwrap_or(f64::NAN),
            seconds,
            status: c_string(&out.status.to_string()),
            advice: c_string(out.advice.as_deref().unwrap_or_default()),
            text: c_string(&text),
            history: out.residual_history.clone(),
        }
    }
}

/// Calls `f` with a column of a result.
fn with_column<T>(result: *const mg_result, column: i64, otherwise: T, f: impl FnOnce(&Column) -> T) -> T {
    guarded_value(otherwise, || {
        let columns: Arc<Columns> = table::get(result)?;
        let found = usize::try_from(column).ok().and_then(|j| columns.0.get(j));
        Ok(f(found.ok_or_else(|| outside(column, columns.0.len()))?))
    })
}

fn outside(column: i64, count: usize) -> Failure {
    Failure::dimension(format!("there is no column {column} in a result with {count}; columns count from 0"))
}

/// A text of a column, which lives as long as the result.
fn text_of(result: *const mg_result, column: i64, f: impl Fn(&Column) -> &CString) -> *const c_char {
    with_column(result, column, c"".as_ptr(), |own| f(own).as_ptr())
}

/// Number of right-hand sides of a result; -1 if the handle is not a result.
#[unsafe(no_mangle)]
pub extern "C" fn mg_result_columns(result: *const mg_result) -> i64 {
    guarded_value(-1, || Ok(table::get(result)?.0.len() as i64))
}

/// Whether the solve for a right-hand side, counted from 0, has converged (1) or not (0). Also 0 for a wrong argument.
#[unsafe(no_mangle)]
pub extern "C" fn mg_result_converged(result: *const mg_result, column: i64) -> c_int {
    with_column(result, column, 0, |own| c_int::from(own.converged))
}

/// Number of iterations; -1 for a wrong argument.
#[unsafe(no_mangle)]
pub extern "C" fn mg_result_iterations(result: *const mg_result, column: i64) -> i64 {
    with_column(result, column, -1, |own| own.iterations)
}

/// ||b - A x|| / ||b|| of the returned x in the 2-norm; NaN for a wrong argument.
#[unsafe(no_mangle)]
pub extern "C" fn mg_result_relative_residual(result: *const mg_result, column: i64) -> f64 {
    with_column(result, column, f64::NAN, |own| own.residual)
}

/// The componentwise backward error, the largest |b - A x|_i / (|A| |x| + |b|)_i; NaN if it was not computed, or for a
/// wrong argument.
#[unsafe(no_mangle)]
pub extern "C" fn mg_result_backward_error(result: *const mg_result, column: i64) -> f64 {
    with_column(result, column, f64::NAN, |own| own.backward_error)
}

/// Seconds of the solve; NaN for a wrong argument.
#[unsafe(no_mangle)]
pub extern "C" fn mg_result_seconds(result: *const mg_result, column: i64) -> f64 {
    with_column(result, column, f64::NAN, |own| own.seconds)
}

/// The relative residuals at the start and after every iteration. `*count` receives their number. The array belongs to
/// the result and is valid until it is freed. Null for a wrong argument.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mg_result_history(
    result: *const mg_result,
    column: i64,
    count: *mut i64,
) -> *const f64 {
    let mut history = std::ptr::null();
    guarded(|| {
        // SAFETY: the header asks for a variable of this type.
        let mut place = unsafe { Place::new("the variable for the number of residuals", count)? };
        place.set(0);
        let columns: Arc<Columns> = table::get(result)?;
        let found = usize::try_from(column).ok().and_then(|j| columns.0.get(j));
        let own = found.ok_or_else(|| outside(column, columns.0.len()))?;
        place.set(own.history.len() as i64);
        history = own.history.as_ptr();
        Ok(())
    });
    history
}

/// The reason for the end of the solve in a few words, such as "converged" or "stagnated"; an empty text for a wrong
/// argument. This and the following texts belong to the result and are valid until it is freed; never null.
#[unsafe(no_mangle)]
pub extern "C" fn mg_result_status_text(result: *const mg_result, column: i64) -> *const c_char {
    text_of(result, column, |own| &own.status)
}

/// One sentence of advice if the solve has not converged, otherwise an empty text.
#[unsafe(no_mangle)]
pub extern "C" fn mg_result_advice(result: *const mg_result, column: i64) -> *const c_char {
    text_of(result, column, |own| &own.advice)
}

/// A summary: status, iterations, residual, advice, and a line for every method that was tried before.
#[unsafe(no_mangle)]
pub extern "C" fn mg_result_text(result: *const mg_result, column: i64) -> *const c_char {
    text_of(result, column, |own| &own.text)
}

/// Frees a result with its texts, and sets `*result` to null. A null result is permitted.
///
/// Errors: MG_INVALID_HANDLE for a handle that is not a result; it is then unchanged.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mg_result_free(result: *mut *mut mg_result) -> mg_status {
    // SAFETY: the header asks for a variable of this type that is initialised.
    guarded(|| unsafe { free(result) })
}

/// Puts a result into the table and into the variable of the caller, if there is one.
pub(crate) fn deliver(place: Option<Place<*mut mg_result>>, columns: Columns) {
    if let Some(mut place) = place {
        place.set(table::insert(columns));
    }
}
