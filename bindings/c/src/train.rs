//! Training of the smoothers of a solver for its matrix.

use std::ffi::{c_char, c_void};

use multigrad::{Limits, Solver, Trainer};

use crate::access::{Kind, State};
use crate::callback::{mg_training_callback, on_stage};
use crate::guard::guarded;
use crate::library::hand_out;
use crate::memory::{Place, size};
use crate::options::{Options, mg_options};
use crate::solver::mg_solver;
use crate::status::{Failure, Outcome, mg_status};
use crate::table;

/// Trains a solver for a number of solves to come: for as long as the expected saving over these solves exceeds the
/// cost of the training. If training does not pay, the solver stays as it is.
///
/// solves:   the number of solves to come.
/// options:  null, or options whose seed and limits are used.
/// callback: null, or a function that is called for every part of the training that begins, and may end it.
/// report:   null, or receives a table of what was tried; free it by mg_string_free().
///
/// Errors: MG_UNSUITED for a solver that is trained between its solves, MG_STOPPED by the callback; the solver is
/// then as before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mg_solver_train(
    solver: *mut mg_solver,
    solves: i64,
    options: *const mg_options,
    callback: mg_training_callback,
    data: *mut c_void,
    report: *mut *mut c_char,
) -> mg_status {
    guarded(|| {
        // SAFETY: the header asks for a variable of this type, or null.
        let mut place = unsafe { Place::optional("the variable for the report", report)? };
        let (cell, options) = (table::get(solver.cast_const())?, Options::of(options)?);
        let solves = size("the number of solves", solves)?;
        let text = cell.write(|state| {
            let own = untrained(state)?;
            let trainer = trainer(&options).for_solves(solves);
            let mut observe = |stage: &str| on_stage(callback, data, stage);
            Ok(memory(&options).within(|| trainer.fit_observed(own, &mut observe))?.to_string())
        })?;
        if let Some(place) = &mut place {
            place.set(hand_out(&text));
        }
        Ok(())
    })
}

/// Trains the smoothers of a solver by a number of gradient steps, and keeps the result if it is better. A solver that
/// is trained cannot be refreshed.
///
/// steps:   the number of steps; 200 is a usual number.
/// options: null, or options whose seed and limits are used.
/// report:  null, or receives a description of the training; free it by mg_string_free().
///
/// Errors: MG_UNSUITED for a solver that is trained between its solves or cannot be trained.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mg_solver_train_steps(
    solver: *mut mg_solver,
    steps: i64,
    options: *const mg_options,
    report: *mut *mut c_char,
) -> mg_status {
    guarded(|| {
        // SAFETY: the header asks for a variable of this type, or null.
        let mut place = unsafe { Place::optional("the variable for the report", report)? };
        let (cell, options) = (table::get(solver.cast_const())?, Options::of(options)?);
        let steps = size("the number of steps", steps)?;
        let text = cell.write(|state| {
            let own = untrained(state)?;
            let trainer = trainer(&options).steps(steps);
            Ok(memory(&options).within(|| trainer.fit(own))?.to_string())
        })?;
        if let Some(place) = &mut place {
            place.set(hand_out(&text));
        }
        Ok(())
    })
}

/// The solver, if it is not trained between its solves.
fn untrained(state: &mut State) -> Outcome<&mut Solver> {
    match &mut state.kind {
        Kind::Fixed(own) => Ok(own),
        Kind::Learning(_) => {
            let message =
                "the solver is trained between its solves; create one without mg_options_set_learning";
            Err(Failure::new(mg_status::MG_UNSUITED, message))
        }
    }
}

fn trainer(options: &Options) -> Trainer {
    let trainer = Trainer::new().seed(options.seed);
    match options.time_limit {
        Some(limit) => trainer.time_limit(limit),
        None => trainer,
    }
}

/// The limit of memory. That of time is the trainer's, which ends with the best that it has.
fn memory(options: &Options) -> Limits {
    match options.memory_limit {
        Some(bytes) => Limits::new().memory(bytes),
        None => Limits::new(),
    }
}
