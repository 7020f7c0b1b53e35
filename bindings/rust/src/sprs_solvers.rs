//! The own solvers of `sprs` and `sprs-ldl`, measured.

use sprs::linalg::bicgstab::BiCGSTAB;
use sprs::{CsMat, CsVec, FillInReduction, SymmetryCheck};
use sprs_ldl::Ldl;

use crate::Outcome;
use crate::report::{Measured, difference, timed};

/// Iterations after which BiCGSTAB gives up.
const ITERATIONS: usize = 100_000;
/// Relative residual of BiCGSTAB.
const TOLERANCE: f64 = 1e-8;

/// L D Lᵀ by `sprs-ldl` in reverse Cuthill–McKee order, the best that it has without the C library CAMD.
pub fn ldl(a: &CsMat<f64>, b: &[f64]) -> Outcome<Measured> {
    let options = Ldl::new()
        .check_symmetry(SymmetryCheck::DontCheckSymmetry)
        .fill_in_reduction(FillInReduction::ReverseCuthillMcKee);
    let (factors, setup) = timed(|| Ok(options.numeric(a.view())?))?;
    let (x, solve) = timed(|| Ok(factors.solve(b)))?;
    Ok(Measured { x, setup, solve, work: "direct".into() })
}

/// BiCGSTAB of `sprs`, which takes no preconditioner.
pub fn bicgstab(a: &CsMat<f64>, b: &[f64]) -> Outcome<Measured> {
    let n = b.len();
    let sparse = |values: Vec<f64>| CsVec::new(n, (0..n).collect(), values);
    let (start, b_sparse) = (sparse(vec![0.0; n]), sparse(b.to_vec()));
    let tolerance = TOLERANCE * b.iter().map(|v| v * v).sum::<f64>().sqrt();
    let ((x, iterations), solve) = timed(|| {
        match BiCGSTAB::<f64, usize, usize>::solve(
            a.view(),
            start.view(),
            b_sparse.view(),
            tolerance,
            ITERATIONS,
        ) {
            Ok(solver) => Ok((solver.x().to_owned(), solver.iteration_count())),
            Err(solver) => {
                Err(format!("sprs' BiCGSTAB: {} after {ITERATIONS} iterations", solver.err()).into())
            }
        }
    })?;
    let mut dense = vec![0.0; n];
    x.iter().for_each(|(i, &v)| dense[i] = v);
    let mut product = vec![0.0; n];
    sprs::prod::mul_acc_mat_vec_csr(a.view(), &dense[..], &mut product[..]);
    let residual = difference(&product, b);
    if residual > 100.0 * TOLERANCE {
        return Err(format!("sprs' BiCGSTAB: relative residual {residual:e}").into());
    }
    Ok(Measured { x: dense, setup: 0.0, solve, work: format!("{iterations} iterations") })
}
