//! A clamped plate assembled by `finite_element_method`, solved by its own conjugate gradients and by multigrid.
//!
//! The argument of the program is the number of elements along a side, 40 by default.

use multigrad::Solver;
use multigrad_in_other_crates::Outcome;
use multigrad_in_other_crates::plate::{Plate, values};
use multigrad_in_other_crates::report::{self, Measured, repeated, timed};

/// Iterations after which conjugate gradients give up.
const ITERATIONS: usize = 200_000;
/// Largest difference of two solutions.
const ACCURACY: f64 = 1e-3;

fn main() -> Outcome {
    report::one_thread()?;
    let n = report::size(40)?;
    let (plate, assembly) = timed(|| Plate::new(u32::try_from(n)?))?;
    let unknowns = plate.matrix.get_n_aa();
    println!("assembly by finite_element_method: {assembly:.2} s\n");
    let rows = [
        ("multigrad", repeated(3, || multigrid(&plate))?),
        ("CG with block Jacobi", repeated(1, || cg(&plate, true))?),
        ("CG with Jacobi", repeated(1, || cg(&plate, false))?),
    ];
    report::table(&format!("Plate of {n} × {n} elements: {unknowns} unknowns"), &rows);
    let worst = rows.iter().map(|row| report::difference(&row.1.x, &rows[0].1.x)).fold(0.0, f64::max);
    if worst > ACCURACY { Err(format!("the solutions differ by {worst:e}").into()) } else { Ok(()) }
}

/// `Solver::auto`, the conversion of the triplets included.
fn multigrid(plate: &Plate) -> Outcome<Measured> {
    let (solver, setup) = timed(|| Ok(Solver::auto(&plate.csr()?)?))?;
    let (out, solve) = timed(|| Ok(solver.solve(&plate.right_hand_side()?)?))?;
    if !out.converged() {
        return Err(format!("{solver}\n{out}").into());
    }
    Ok(Measured {
        x: out.x,
        setup,
        solve,
        work: format!("{} iterations, {}", out.iterations, out.solver.unwrap_or_else(|| solver.summary())),
    })
}

/// The conjugate gradients of the crate, which convert the triplets and build the preconditioner in the same call.
fn cg(plate: &Plate, blocks: bool) -> Outcome<Measured> {
    let Plate { model, matrix, forces, fixed } = plate;
    let ((x, iterations), solve) = timed(|| {
        Ok(if blocks {
            model.find_ua_vector_iterative_pcg_block_jacobi_sparse(matrix, forces, fixed, ITERATIONS)?
        } else {
            model.find_ua_vector_iterative_pcg_jacobi_sparse(matrix, forces, fixed, ITERATIONS)?
        })
    })?;
    let x = values(&x, matrix.get_n_aa())?;
    Ok(Measured { x, setup: 0.0, solve, work: format!("{iterations} iterations") })
}
