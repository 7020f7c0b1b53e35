//! Solvers: creation, new values, files.

use std::ffi::c_char;
use std::sync::Arc;

use multigrad::{Csr, Setup, Solver};

use crate::access::{Kind, SolverCell, State};
use crate::guard::guarded;
use crate::matrix::{free, mg_matrix};
use crate::memory::{Place, input, size, text};
use crate::options::{Options, mg_options};
use crate::status::{Failure, Outcome, mg_status};
use crate::table::{self, handle};

/// A solver for one matrix and any number of right-hand sides. It holds its matrix.
pub struct mg_solver;

handle!(mg_solver, Solver, SolverCell);

/// Creates a solver for a square matrix.
///
/// options: null for the automatic solver, which analyses the matrix; otherwise setup, smoother, cycle, precision,
///          near-nullspace candidates, learning and limits are used.
/// solver:  receives the solver; free it by mg_solver_free().
///
/// Errors: MG_DIMENSION for a matrix that is not square, MG_UNSUITED or MG_SINGULAR where a method does not suit it,
/// MG_LIMIT. `*solver` is then null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mg_solver_create(
    matrix: *const mg_matrix,
    options: *const mg_options,
    solver: *mut *mut mg_solver,
) -> mg_status {
    guarded(|| {
        // SAFETY: the header asks for a variable of this type.
        let mut place = unsafe { Place::empty("the variable for the solver", solver)? };
        let (a, options) = (table::get(matrix)?, Options::of(options)?);
        let built = options.limits().within(|| build(&a, &options))?;
        place.set(table::insert(cell(&a, built, &options)?));
        Ok(())
    })
}

/// The solver that the options describe.
fn build(a: &Csr<f64>, options: &Options) -> Outcome<Solver> {
    if a.rows() != a.cols() || a.rows() == 0 {
        let message = format!(
            "the matrix is {} × {}; a solver needs a square one with at least one row",
            a.rows(),
            a.cols()
        );
        return Err(Failure::dimension(message));
    }
    let candidates = options.near_nullspace.as_deref();
    if let Some(rows) = candidates.map(|c| c.rows()).filter(|rows| *rows != a.rows()) {
        return Err(Failure::dimension(format!(
            "the near-nullspace candidates have {rows} rows, but the matrix has {}",
            a.rows()
        )));
    }
    if options.setup.is_none() && options.relaxation.is_none() && options.cycle.is_none() {
        return Ok(Solver::auto_with(a, candidates)?);
    }
    let mut builder = match &options.setup {
        Some(setup) => Solver::builder(setup.clone()),
        None => Solver::smoothed_aggregation().suited_to(a),
    };
    if let Some(relaxation) = options.relaxation {
        builder = builder.relaxation(relaxation);
    }
    builder = match options.cycle {
        Some((kind, before, after)) => builder.cycle(kind).sweeps(before, after),
        None if options.setup == Some(Setup::OneLevel) => builder.sweeps(1, 0),
        None => builder,
    };
    if options.single {
        builder = builder.single_precision();
    }
    Ok(builder.near_nullspace(candidates.cloned()).build(a)?)
}

/// The solver as it is, or trained between its solves.
fn cell(a: &Csr<f64>, solver: Solver, options: &Options) -> Outcome<SolverCell> {
    SolverCell::new(a.clone(), solver, options.learning.map(|share| (share, options.seed)))
}

/// Replaces the matrix of a solver by one with the same pattern and other values, as in time steps. The levels are
/// kept and recomputed, which costs less than a new solver.
///
/// Errors: MG_DIMENSION for another size or pattern, MG_UNSUITED if the levels cannot follow the values:
/// then create a new solver. The solver then keeps its former matrix.
#[unsafe(no_mangle)]
pub extern "C" fn mg_solver_refresh(solver: *mut mg_solver, matrix: *const mg_matrix) -> mg_status {
    guarded(|| {
        let cell = table::get(solver.cast_const())?;
        let a = table::get(matrix)?;
        cell.write(|state| renew(state, Csr::clone(&a)))
    })
}

/// As mg_solver_refresh(), with the new values alone: `entries` finite values in the order of the entries of the
/// matrix, row after row and by ascending columns.
///
/// Errors: MG_DIMENSION if `entries` is not the number of stored entries; otherwise as mg_solver_refresh().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mg_solver_refresh_values(
    solver: *mut mg_solver,
    entries: i64,
    values: *const f64,
) -> mg_status {
    guarded(|| {
        let cell = table::get(solver.cast_const())?;
        // SAFETY: the header asks for an array of the declared size.
        let values = unsafe { input("values", values, size("entries", entries)?)? };
        cell.write(|state| {
            let a = state.matrix.with_values(values)?;
            renew(state, a)
        })
    })
}

fn renew(state: &mut State, a: Csr<f64>) -> Outcome {
    let same = Arc::ptr_eq(a.pattern(), state.matrix.pattern()) || a.pattern() == state.matrix.pattern();
    if !same {
        let message =
            "the matrix has another size or pattern than that of the solver; create a new solver for it";
        return Err(Failure::dimension(message));
    }
    match &mut state.kind {
        Kind::Fixed(own) => own.refresh(&a)?,
        Kind::Learning(own) => own.call(|own| own.update(&a))??,
    }
    state.matrix = a;
    Ok(())
}

/// Writes a solver to a file, without its matrix. A file that exists is replaced. `path` is in UTF-8.
///
/// Errors: MG_IO.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mg_solver_save(solver: *const mg_solver, path: *const c_char) -> mg_status {
    guarded(|| {
        let cell = table::get(solver)?;
        // SAFETY: the header asks for a text that ends with a zero byte.
        let path = unsafe { text("the path", path)? };
        cell.solver(|own| Ok(own.save(path)?))
    })
}

/// Reads a solver from a file, for the matrix for which it was saved. Of the options, learning and limits are used.
///
/// Errors: MG_IO, MG_FORMAT for a damaged file, MG_OTHER_MATRIX. `*solver` is then null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mg_solver_load(
    path: *const c_char,
    matrix: *const mg_matrix,
    options: *const mg_options,
    solver: *mut *mut mg_solver,
) -> mg_status {
    guarded(|| {
        // SAFETY: the header asks for a variable of this type.
        let mut place = unsafe { Place::empty("the variable for the solver", solver)? };
        // SAFETY: the header asks for a text that ends with a zero byte.
        let path = unsafe { text("the path", path)? };
        let (a, options) = (table::get(matrix)?, Options::of(options)?);
        let loaded = options.limits().within(|| Solver::load(path, &a))?;
        place.set(table::insert(cell(&a, loaded, &options)?));
        Ok(())
    })
}

/// Frees a solver and sets `*solver` to null. A null solver is permitted. Calls that use the solver on other threads
/// end normally.
///
/// Errors: MG_INVALID_HANDLE for a handle that is not a solver; it is then unchanged.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mg_solver_free(solver: *mut *mut mg_solver) -> mg_status {
    // SAFETY: the header asks for a variable of this type that is initialised.
    guarded(|| unsafe { free(solver) })
}
