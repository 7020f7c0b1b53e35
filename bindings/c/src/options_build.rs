//! Options of the functions that create solvers.

use std::ffi::{c_char, c_int};
use std::sync::Arc;

use multigrad::gallery::rigid_body_modes;
use multigrad::sparse::DenseMatrix;
use multigrad::{CycleKind, Relaxation, Setup};

use crate::memory::{input, product, size, text};
use crate::options::{change, mg_options};
use crate::status::{Failure, Outcome, mg_status};

/// Selects the construction of the levels by name: "auto" (default: chosen from the matrix, with further methods where
/// the first does not converge), "sa" (smoothed aggregation), "sasym", "sat", "san" (aggregation for nonsymmetric
/// matrices), "plain", "pairwise", "root-node", "two-level" (other aggregations), "classical", "ruge-stueben", "air"
/// (classical AMG), "saddle-point", "saddle-point-product" (levels of a block triangular approximation), "none" (the
/// smoother alone), "pivoted" (the same with pivoting), "direct" (sparse factorisation).
///
/// Errors: MG_INVALID_INPUT for another name; the sentence lists the names.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mg_options_set_setup(options: *mut mg_options, name: *const c_char) -> mg_status {
    change(options, |own| {
        // SAFETY: the header asks for a text that ends with a zero byte.
        let name = unsafe { text("the name of the setup", name)? };
        own.setup = if name == "auto" { None } else { Some(name.parse::<Setup>()?) };
        Ok(())
    })
}

/// Selects the smoother by name, with parameters where needed, such as "jacobi", "gauss-seidel" (default outside of
/// "auto"), "chebyshev(3)", "spai0", "ilu0", "ilu0(tau=0.02)", "ilut(0.01,10)", "block-jacobi(3)", "schwarz(100,1)".
///
/// With the setup "auto", the levels are then those of smoothed aggregation suited to the matrix.
/// Errors: MG_INVALID_INPUT for another name; the sentence lists the names.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mg_options_set_smoother(options: *mut mg_options, name: *const c_char) -> mg_status {
    change(options, |own| {
        // SAFETY: the header asks for a text that ends with a zero byte.
        let name = unsafe { text("the name of the smoother", name)? };
        own.relaxation = Some(name.parse::<Relaxation>()?);
        Ok(())
    })
}

/// Selects the cycle: "V", "W", "F" or "K", and the sweeps of the smoother before and after the coarse-grid
/// correction, from 0 to 20 each, not both 0. Default: "V", 1, 1.
///
/// With the setup "auto", the levels are then those of smoothed aggregation suited to the matrix.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mg_options_set_cycle(
    options: *mut mg_options,
    kind: *const c_char,
    sweeps_before: i64,
    sweeps_after: i64,
) -> mg_status {
    change(options, |own| {
        // SAFETY: the header asks for a text that ends with a zero byte.
        let kind = unsafe { text("the kind of cycle", kind)? }.parse::<CycleKind>()?;
        let (before, after) = (size("sweeps_before", sweeps_before)?, size("sweeps_after", sweeps_after)?);
        if before > 20 || after > 20 || before + after == 0 {
            return Err(Failure::input(format!(
                "{before} sweeps before and {after} after the correction; use 0 to 20 each, and at least one"
            )));
        }
        own.cycle = Some((kind, before, after));
        Ok(())
    })
}

/// Whether the levels are held in single precision (1) or double precision (0, default). Vectors and results of a solve
/// are in double precision in both cases. The setup "auto" chooses itself.
#[unsafe(no_mangle)]
pub extern "C" fn mg_options_set_single_precision(options: *mut mg_options, single: c_int) -> mg_status {
    change(options, |own| {
        own.single = single != 0;
        Ok(())
    })
}

/// Sets near-nullspace candidates: vectors v with A v close to zero, such as the rigid-body modes of elasticity. They
/// are the columns of an array of rows × count values, column after column, and are copied. A count of 0 removes
/// them. Default: constants. "auto" and aggregations use them.
///
/// Errors: MG_DIMENSION for sizes, MG_INVALID_INPUT for values that are not finite.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mg_options_set_near_nullspace(
    options: *mut mg_options,
    rows: i64,
    count: i64,
    candidates: *const f64,
) -> mg_status {
    change(options, |own| {
        // SAFETY: the header asks for an array of the declared size.
        let block = unsafe { dense("the near-nullspace candidates", rows, count, candidates)? };
        own.near_nullspace = block.map(Arc::new);
        Ok(())
    })
}

/// Sets the rigid-body modes as near-nullspace candidates, for elasticity with interleaved unknowns: the displacements
/// x, y[, z] of the first node, then of the second. `coordinates` has one value for each unknown in the same order:
/// the place x, y[, z] of the first node, then of the second. `dimensions` is 2 or 3.
///
/// Errors: MG_DIMENSION for sizes, MG_INVALID_INPUT for nodes that all lie on one line or are not finite.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mg_options_set_rigid_body_modes(
    options: *mut mg_options,
    nodes: i64,
    dimensions: i64,
    coordinates: *const f64,
) -> mg_status {
    change(options, |own| {
        let (nodes, d) = (size("the number of nodes", nodes)?, size("the number of dimensions", dimensions)?);
        if !matches!(d, 2 | 3) {
            return Err(Failure::dimension(format!("the number of dimensions is {d}; it must be 2 or 3")));
        }
        let count = product("the array of coordinates", nodes, d * d)? / d.max(1);
        // SAFETY: the header asks for an array of the declared size.
        let places = unsafe { input("the coordinates", coordinates, count)? };
        let repeated = DenseMatrix::from_fn(nodes * d, d, |i, c| places[i / d * d + c]);
        own.near_nullspace = Some(Arc::new(rigid_body_modes(&repeated)?));
        Ok(())
    })
}

/// Makes solvers that are trained between their solves (mg_solver_create). `share` is the share of the time of the
/// untrained solver that training may cost: 0.1 is usual. A training that does not make the solves faster is undone. A
/// negative share switches learning off, which is the default.
///
/// Such a solver serves one call at a time.
#[unsafe(no_mangle)]
pub extern "C" fn mg_options_set_learning(options: *mut mg_options, share: f64) -> mg_status {
    change(options, |own| {
        if !share.is_finite() {
            return Err(Failure::input(format!(
                "the share of training is {share}; it must be finite, such as 0.1"
            )));
        }
        own.learning = (share >= 0.0).then_some(share);
        Ok(())
    })
}

/// Sets the seed of the random vectors of a training. Default: 0.
#[unsafe(no_mangle)]
pub extern "C" fn mg_options_set_seed(options: *mut mg_options, seed: u64) -> mg_status {
    change(options, |own| {
        own.seed = seed;
        Ok(())
    })
}

/// A dense block of the caller; `None` without columns.
///
/// # Safety
/// The array has rows × count values, column after column.
unsafe fn dense(what: &str, rows: i64, count: i64, values: *const f64) -> Outcome<Option<DenseMatrix>> {
    let (n, k) = (size("the number of rows", rows)?, size("the number of columns", count)?);
    if n == 0 || k == 0 {
        return Ok(None);
    }
    // SAFETY: the caller promises the size.
    let list = unsafe { input(what, values, product(what, n, k)?)? };
    if let Some(place) = list.iter().position(|v| !v.is_finite()) {
        return Err(Failure::input(format!(
            "{what}: the value in row {}, column {} is {}; it must be finite",
            place % n + 1,
            place / n + 1,
            list[place]
        )));
    }
    Ok(Some(DenseMatrix::from_fn(n, k, |i, j| list[j * n + i])))
}
