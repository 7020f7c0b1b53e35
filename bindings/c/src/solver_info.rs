//! What a solver is, and estimates of accuracy.

use std::ffi::{c_char, c_int};

use multigrad::{Preconditioner, Solver};

use crate::guard::{guarded, guarded_value};
use crate::library::hand_out;
use crate::memory::{Place, input, size};
use crate::solver::mg_solver;
use crate::status::mg_status;
use crate::table;

/// A property of a solver; `otherwise` if the handle is not a solver.
fn property<T: Send>(solver: *const mg_solver, otherwise: T, f: impl FnOnce(&Solver) -> T + Send) -> T {
    guarded_value(otherwise, || table::get(solver)?.solver(|own| Ok(f(own))))
}

/// Number of rows of the matrix; -1 if the handle is not a solver.
#[unsafe(no_mangle)]
pub extern "C" fn mg_solver_rows(solver: *const mg_solver) -> i64 {
    guarded_value(-1, || Ok(table::get(solver)?.rows() as i64))
}

/// Number of levels, including the coarsest; -1 if the handle is not a solver.
#[unsafe(no_mangle)]
pub extern "C" fn mg_solver_levels(solver: *const mg_solver) -> i64 {
    property(solver, -1, |own| own.levels() as i64)
}

/// Operator complexity: stored entries of the matrices of all levels over those of the finest; NaN if the handle is not
/// a solver.
#[unsafe(no_mangle)]
pub extern "C" fn mg_solver_operator_complexity(solver: *const mg_solver) -> f64 {
    property(solver, f64::NAN, Solver::operator_complexity)
}

/// Bytes of the levels and of the workspace of a cycle; -1 if the handle is not a solver.
#[unsafe(no_mangle)]
pub extern "C" fn mg_solver_bytes(solver: *const mg_solver) -> i64 {
    property(solver, -1, |own| own.bytes() as i64)
}

/// Seconds of the setup or of the last refresh; NaN if the handle is not a solver.
#[unsafe(no_mangle)]
pub extern "C" fn mg_solver_setup_seconds(solver: *const mg_solver) -> f64 {
    property(solver, f64::NAN, Solver::setup_seconds)
}

/// Whether the preconditioner M is symmetric, as a conjugate gradient method requires (1), or not (0); -1 if the handle
/// is not a solver.
#[unsafe(no_mangle)]
pub extern "C" fn mg_solver_is_symmetric(solver: *const mg_solver) -> c_int {
    property(solver, -1, |own| c_int::from(own.is_symmetric()))
}

/// Describes a solver in several lines: setup, smoother, cycle, the reasons of an automatic choice, and the table of
/// levels; of a solver that is trained between its solves also the account so far. `*text` receives the description;
/// free it by mg_string_free().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mg_solver_describe(solver: *const mg_solver, text: *mut *mut c_char) -> mg_status {
    guarded(|| {
        // SAFETY: the header asks for a variable of this type.
        let mut place = unsafe { Place::empty("the variable for the text", text)? };
        let cell = table::get(solver)?;
        let mut words = cell.solver(|own| Ok(format!("{own}\n")))?;
        if cell.is_learning() {
            words += &cell.learned(|own| Ok(format!("{}\n", own.report())))?;
        }
        place.set(hand_out(&words));
        Ok(())
    })
}

/// Estimates the condition number of the matrix in the 1-norm, by about five solves. `*condition` receives it.
///
/// Errors: MG_SINGULAR or MG_UNSUITED if the matrix is singular or a solve does not converge.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mg_solver_condition(solver: *const mg_solver, condition: *mut f64) -> mg_status {
    guarded(|| {
        // SAFETY: the header asks for a variable of this type.
        let mut place = unsafe { Place::new("the variable for the condition number", condition)? };
        place.set(f64::NAN);
        let number = table::get(solver)?.solver(|own| Ok(own.condition()?.number))?;
        place.set(number);
        Ok(())
    })
}

/// Estimates the error of a solution x of A x = b in the maximum norm, relative to x, by about ten solves. `*error`
/// receives the estimate, which is an upper bound up to a factor of about three.
///
/// Errors: MG_DIMENSION, MG_INVALID_INPUT; otherwise as mg_solver_condition().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mg_solver_forward_error(
    solver: *const mg_solver,
    n: i64,
    x: *const f64,
    b: *const f64,
    error: *mut f64,
) -> mg_status {
    guarded(|| {
        // SAFETY: the header asks for a variable of this type.
        let mut place = unsafe { Place::new("the variable for the error", error)? };
        place.set(f64::NAN);
        let (cell, n) = (table::get(solver)?, size("n", n)?);
        // SAFETY: the header asks for arrays of the declared sizes.
        let (x, b) = unsafe { (input("x", x, n)?, input("b", b, n)?) };
        let bound = cell.solver(|own| Ok(own.forward_error(x, b)?.bound))?;
        place.set(bound);
        Ok(())
    })
}
