//! Multigrid as the linear solver of `russell_sparse`, for a sequence of matrices: −u″ + c u = 1 on 1 000 points.

use multigrad_in_other_crates::{Outcome, report::check, russell_solver::Multigrid};
use russell_lab::Vector;
use russell_sparse::{CooMatrix, Sym};

fn main() -> Outcome {
    let n = 1_000;
    let mut solver = Multigrid::linear_solver();
    let mut matrix = CooMatrix::new(n, n, 2 * n, Sym::YesLower)?;
    for c in [1e-4, 1e-3, 1e-2] {
        matrix.reset();
        (0..n).try_for_each(|i| matrix.put(i, i, 2.0 + c))?;
        (1..n).try_for_each(|i| matrix.put(i, i - 1, -1.0))?;
        solver.actual.preprocess(&matrix, None)?; // from the second matrix on a refresh
        let (b, mut x, mut ax) = (Vector::filled(n, 1.0), Vector::new(n), Vector::new(n));
        solver.actual.solve(&mut x, &b, false)?;
        matrix.mat_vec_mul(&mut ax, 1.0, &x)?;
        check("largest residual", ax.as_data().iter().map(|v| (v - 1.0).abs()).fold(0.0, f64::max), 1e-8)?;
    }
    Ok(())
}
