//! Options of solves, and limits.

use std::ffi::{c_char, c_int, c_void};
use std::time::Duration;

use multigrad::Krylov;

use crate::callback::{OnIteration, mg_iteration_callback};
use crate::memory::{size, text};
use crate::options::{change, mg_options};
use crate::status::{Failure, mg_status};

/// Sets the relative tolerance: a solve ends when ||b - A x|| <= tolerance ||b|| in the 2-norm. Default: 1e-8.
///
/// Errors: MG_INVALID_INPUT unless it is positive and finite.
#[unsafe(no_mangle)]
pub extern "C" fn mg_options_set_relative_tolerance(options: *mut mg_options, tolerance: f64) -> mg_status {
    change(options, |own| {
        if !(tolerance > 0.0 && tolerance.is_finite()) {
            return Err(Failure::input(format!(
                "the relative tolerance is {tolerance}; it must be positive and finite, such as 1e-8"
            )));
        }
        own.rtol = tolerance;
        Ok(())
    })
}

/// Sets the absolute tolerance: a solve also ends when ||b - A x|| <= tolerance in the 2-norm, in the unit of b.
/// Default: 0.
///
/// Errors: MG_INVALID_INPUT unless it is zero or positive, and finite.
#[unsafe(no_mangle)]
pub extern "C" fn mg_options_set_absolute_tolerance(options: *mut mg_options, tolerance: f64) -> mg_status {
    change(options, |own| {
        if !(tolerance >= 0.0 && tolerance.is_finite()) {
            return Err(Failure::input(format!(
                "the absolute tolerance is {tolerance}; it must be zero or positive, and finite"
            )));
        }
        own.atol = tolerance;
        Ok(())
    })
}

/// Sets the largest number of iterations of a solve. Default: 500.
#[unsafe(no_mangle)]
pub extern "C" fn mg_options_set_max_iterations(options: *mut mg_options, iterations: i64) -> mg_status {
    change(options, |own| {
        own.max_iterations = size("the largest number of iterations", iterations)?;
        Ok(())
    })
}

/// Whether x contains an initial guess when a solve begins (1), or the solve begins with zero (0, default).
#[unsafe(no_mangle)]
pub extern "C" fn mg_options_set_initial_guess(options: *mut mg_options, guess: c_int) -> mg_status {
    change(options, |own| {
        own.initial_guess = guess != 0;
        Ok(())
    })
}

/// Selects the iterative method: "auto" (default: follows from the matrix), "cg", "bicgstab", "fgmres", or "none"
/// (plain cycles). A named method is used alone: an automatic solver then tries no others.
///
/// Errors: MG_INVALID_INPUT for another name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mg_options_set_krylov(options: *mut mg_options, name: *const c_char) -> mg_status {
    change(options, |own| {
        // SAFETY: the header asks for a text that ends with a zero byte.
        let name = unsafe { text("the name of the method", name)? };
        own.krylov = match name {
            "auto" => None,
            _ => Some(name.parse::<Krylov>().map_err(|e| Failure::input(format!("{e}, auto")))?),
        };
        Ok(())
    })
}

/// Sets the number of FGMRES iterations between restarts, from 1 to 10000. Default: 30.
#[unsafe(no_mangle)]
pub extern "C" fn mg_options_set_restart(options: *mut mg_options, iterations: i64) -> mg_status {
    change(options, |own| {
        if !(1..=10_000).contains(&iterations) {
            return Err(Failure::input(format!("the restart is {iterations}; it must be from 1 to 10000")));
        }
        own.restart = size("the restart", iterations)?;
        Ok(())
    })
}

/// Whether a solve with a singular matrix minimises ||b - A x|| (1) or asks for A x = b (0, default).
#[unsafe(no_mangle)]
pub extern "C" fn mg_options_set_least_squares(options: *mut mg_options, least_squares: c_int) -> mg_status {
    change(options, |own| {
        own.least_squares = least_squares != 0;
        Ok(())
    })
}

/// Sets the largest number of entries in the factors of a sparse factorisation that an automatic solver may try.
/// Default: 150000000, about 2.4 GB.
#[unsafe(no_mangle)]
pub extern "C" fn mg_options_set_direct_limit(options: *mut mg_options, entries: i64) -> mg_status {
    change(options, |own| {
        own.direct_limit = Some(usize::try_from(entries).map_err(|_| {
            Failure::dimension(format!("the limit of a factorisation is {entries}; it must not be negative"))
        })?);
        Ok(())
    })
}

/// Sets a function that is called after every iteration of a solve, or removes it if it is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mg_options_set_iteration_callback(
    options: *mut mg_options,
    callback: mg_iteration_callback,
    data: *mut c_void,
) -> mg_status {
    change(options, |own| {
        own.on_iteration = OnIteration::new(callback, data);
        Ok(())
    })
}

/// Sets a limit of the time of one call that creates, trains or runs a solver, in seconds; it may be exceeded by one
/// step, such as one iteration or one level. A negative limit removes it, which is the default.
///
/// A setup that would exceed the limit ends with MG_LIMIT, a solve with MG_NOT_CONVERGED and its last iterate, and a
/// training with the best that it has.
#[unsafe(no_mangle)]
pub extern "C" fn mg_options_set_time_limit(options: *mut mg_options, seconds: f64) -> mg_status {
    change(options, |own| {
        if seconds.is_nan() {
            return Err(Failure::input("the time limit is NaN; it must be a number of seconds"));
        }
        // Longer than any run.
        let longest = 1e9;
        own.time_limit = (seconds >= 0.0).then(|| Duration::from_secs_f64(seconds.min(longest)));
        Ok(())
    })
}

/// Sets a limit of the memory of the whole process in bytes, where the operating system tells it (Linux). A negative
/// limit removes it, which is the default. Otherwise as mg_options_set_time_limit().
#[unsafe(no_mangle)]
pub extern "C" fn mg_options_set_memory_limit(options: *mut mg_options, bytes: i64) -> mg_status {
    change(options, |own| {
        own.memory_limit = u64::try_from(bytes).ok();
        Ok(())
    })
}
