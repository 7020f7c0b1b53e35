//! Setup and one V-cycle of the crate's solver, with memory traffic.

use multigrad::engine::Host;
use multigrad::error::Result;
use multigrad::multigrid::{Hierarchy, Relaxation};
use multigrad::operator::Preconditioner;
use multigrad::solver::Amg;
use multigrad::sparse::{Csr, Scalar};

use crate::clock::Clock;
use crate::kernels::{Measured, bytes, size};
use crate::problem;
use crate::timing::{repeated, sample};

/// The measured solver; the only place that selects it.
///
/// # Errors
/// As for its builder.
pub fn build(a: &Csr<f64>) -> Result<Amg> {
    Amg::smoothed_aggregation().relaxation(Relaxation::Spai0).build(a)
}

/// Setup, and the cycle in double and in single precision.
///
/// # Errors
/// A matrix that the solver does not suit.
pub fn measure(a: &Csr<f64>, smoke: bool) -> Result<(Amg, [Measured; 3])> {
    let mut failed = None;
    let (fewest, seconds) = if smoke { (1, 0.0) } else { (3, 1.0) };
    // From new arrays: a pattern caches its transposition.
    let setup = repeated(fewest, seconds, || {
        let fresh = problem::fresh(a);
        let clock = Clock::start();
        let built = fresh.and_then(|a| build(&a));
        let elapsed = clock.elapsed();
        failed = built.err();
        elapsed
    });
    if let Some(e) = failed {
        return Err(e);
    }
    let amg = build(a)?;
    let single = amg.to_single_precision()?;
    let r = vec![1.0; a.rows()];
    let mut z = vec![0.0; a.rows()];
    let mut apply = |b: &dyn Preconditioner| {
        let mut outcome = Ok(());
        let time = sample(smoke, || outcome = b.apply(&r, std::hint::black_box(&mut z)));
        outcome.map(|()| time)
    };
    let (in_double, in_single) = (apply(&amg)?, apply(&single)?);
    let cycle = moved::<f64>(amg.hierarchy());
    // Vectors are in double precision outside: r read, the rounded b written, x read, z written.
    let rounded = moved::<f32>(amg.hierarchy()) + 2 * (8 + 4) * a.rows();
    let list = [("setup", 0, setup), ("v_cycle", cycle, in_double), ("v_cycle_f32", rounded, in_single)];
    Ok((amg, list))
}

/// Bytes of a cycle with one sweep before and one after the coarse-grid correction, in values of
/// type `T`; on each level, with n rows:
///
/// * the first sweep, from zero: d, b read, x written;
/// * the residual: A (once for rows that repeat), b and x read, r written;
/// * the restriction: R, r read, the coarse b written;
/// * the prolongation: P, the coarse x read, x read and written;
/// * the last sweep: A, d, b and x read, another x written.
///
/// The coarsest level is not counted.
fn moved<T: Scalar>(hierarchy: &Hierarchy<Host<f64>>) -> usize {
    let s = size::<T>();
    let of_level = |(depth, level): (usize, &multigrad::multigrid::Level<Host<f64>>)| {
        let (n, coarse) = (hierarchy.rows_at(depth), hierarchy.rows_at(depth + 1));
        let (rows, entries) = level.a.to_csr().read_by_product();
        let a = bytes(rows, entries, s);
        let p = bytes(n, level.prolongation.pattern.nnz(), s);
        let r = bytes(coarse, level.restriction.pattern.nnz(), s);
        2 * a + p + r + s * (13 * n + 2 * coarse)
    };
    hierarchy.levels.iter().enumerate().map(of_level).sum()
}
