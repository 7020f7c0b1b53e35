//! Solves, and single applications of the preconditioner.

use std::ffi::c_void;

use multigrad::{Preconditioner, SolveOptions};

use crate::block::Block;
use crate::callback::{Operator, mg_operator};
use crate::guard::{guard, guarded};
use crate::memory::{Output, input, size};
use crate::options::mg_options;
use crate::result::mg_result;
use crate::solver::mg_solver;
use crate::status::{Failure, mg_status};
use crate::table;

/// Solves A x = b for one right-hand side.
///
/// n:       the number of rows of the matrix, for a check.
/// b:       n values.
/// x:       n values; receives the solution. It is read first if the options ask for an initial guess. x and b may be
///          the same array.
/// options: null, or the options of the solve: tolerances, iterations, method, callback, limits.
/// result:  null, or receives the result; free it by mg_result_free() before the variable is used again.
///
/// Returns MG_OK if the solve has converged, and MG_NOT_CONVERGED if not: x and the result are then those of the last
/// iterate, and mg_last_error() says what to do.
/// Errors: MG_DIMENSION, MG_INVALID_INPUT for values that are not finite, MG_STOPPED by a callback. x is then
/// unchanged, and `*result` null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mg_solver_solve(
    solver: *const mg_solver,
    n: i64,
    b: *const f64,
    x: *mut f64,
    options: *const mg_options,
    result: *mut *mut mg_result,
) -> mg_status {
    // SAFETY: the rules are the same.
    unsafe { mg_solver_solve_block(solver, n, 1, b, x, options, result) }
}

/// Solves A X = B for several right-hand sides. b and x have n * count values, column after column, as a Fortran array of n
/// rows and count columns. Up to sixteen columns are solved together, which reads the matrix and the levels once for all;
/// with an initial guess, an iteration callback, training between the solves, or fewer than 150000 entries in A they
/// are solved one after another. The result has `count` columns; the time of each is its share of the time of all.
/// Otherwise as mg_solver_solve(); MG_NOT_CONVERGED if one solve or more has not converged.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mg_solver_solve_block(
    solver: *const mg_solver,
    n: i64,
    count: i64,
    b: *const f64,
    x: *mut f64,
    options: *const mg_options,
    result: *mut *mut mg_result,
) -> mg_status {
    guard(|| {
        let cell = table::get(solver)?;
        // SAFETY: the header asks for arrays of the declared sizes.
        let mut block = unsafe { Block::new(cell.rows(), (n, count), b, x, options, result)? };
        let limits = block.limits();
        let outs = match cell.is_learning() {
            true => cell.learned(|own| limits.within(|| block.run(|b, o| Ok(own.solve_with(b, o)?)))),
            false => cell.solver(|own| {
                let all = |b: &[&[f64]], o: SolveOptions<'_>| own.solve_many_with(b, o);
                limits.within(|| block.run_together(|b, o| Ok(own.solve_with(b, o)?), all))
            }),
        }?;
        block.finish(&outs)
    })
}

/// Solves A^T X = B with the transposed matrix. Otherwise as mg_solver_solve_block().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mg_solver_solve_transposed(
    solver: *const mg_solver,
    n: i64,
    count: i64,
    b: *const f64,
    x: *mut f64,
    options: *const mg_options,
    result: *mut *mut mg_result,
) -> mg_status {
    guard(|| {
        let cell = table::get(solver)?;
        // SAFETY: the header asks for arrays of the declared sizes.
        let mut block = unsafe { Block::new(cell.rows(), (n, count), b, x, options, result)? };
        let limits = block.limits();
        let outs =
            cell.solver(|own| limits.within(|| block.run(|b, o| Ok(own.solve_transposed_with(b, o)?))))?;
        block.finish(&outs)
    })
}

/// Solves C x = b for another matrix C of the same size, of which a function computes products with vectors. The cycle
/// of the solver is the preconditioner. `data` is handed to the function. Otherwise as mg_solver_solve().
///
/// Errors: MG_NULL_POINTER if the function is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mg_solver_solve_operator(
    solver: *const mg_solver,
    function: mg_operator,
    data: *mut c_void,
    n: i64,
    b: *const f64,
    x: *mut f64,
    options: *const mg_options,
    result: *mut *mut mg_result,
) -> mg_status {
    guard(|| {
        let cell = table::get(solver)?;
        // SAFETY: the header asks for arrays of the declared sizes.
        let mut block = unsafe { Block::new(cell.rows(), (n, 1), b, x, options, result)? };
        let operator = Operator::new(cell.rows(), function, data).ok_or_else(|| {
            Failure::new(mg_status::MG_NULL_POINTER, "the function that computes products is null")
        })?;
        let limits = block.limits();
        let outs =
            cell.solver(|own| limits.within(|| block.run(|b, o| Ok(own.solve_for(&operator, b, o)?))))?;
        block.finish(&outs)
    })
}

/// Applies the preconditioner once: z = M r, where M is one multigrid cycle, an approximate inverse of A. For iterative
/// methods of the caller. r and z have n values, and may be the same array.
///
/// Errors: MG_DIMENSION, and MG_INVALID_INPUT for values of r that are not finite.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mg_solver_precondition(
    solver: *const mg_solver,
    n: i64,
    r: *const f64,
    z: *mut f64,
) -> mg_status {
    // SAFETY: the rules are the same.
    unsafe { apply(solver, n, r, z, false) }
}

/// As mg_solver_precondition(), with the transpose of M, for methods that need it or the adjoint system.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mg_solver_precondition_transposed(
    solver: *const mg_solver,
    n: i64,
    r: *const f64,
    z: *mut f64,
) -> mg_status {
    // SAFETY: the rules are the same.
    unsafe { apply(solver, n, r, z, true) }
}

/// # Safety
/// r and z have n values.
unsafe fn apply(solver: *const mg_solver, n: i64, r: *const f64, z: *mut f64, transposed: bool) -> mg_status {
    guarded(|| {
        let cell = table::get(solver)?;
        let n = size("n", n)?;
        if n != cell.rows() {
            let message = format!("n is {n}, but the matrix of the solver has {} rows", cell.rows());
            return Err(Failure::dimension(message));
        }
        // SAFETY: the caller promises the sizes.
        let (r, mut z) = unsafe { (input("r", r, n)?, Output::new("z", z, n)?) };
        if let Some(i) = r.iter().position(|v| !v.is_finite()) {
            let message = format!("r is {} in row {}; its values must be finite", r[i], i + 1);
            return Err(Failure::input(message));
        }
        let copy = z.overlaps(r).then(|| r.to_vec());
        cell.solver(|own| {
            let mut run = |r: &[f64]| {
                // SAFETY: r is a copy if it shares memory with z.
                let z = unsafe { z.zeros() };
                if transposed { own.apply_transposed(r, z) } else { own.apply(r, z) }
            };
            match &copy {
                Some(copy) => run(copy)?,
                None => run(r)?,
            }
            Ok(())
        })
    })
}
