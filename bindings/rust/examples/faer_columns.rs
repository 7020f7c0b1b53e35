//! From a faer matrix stored by columns to a solution, and back to a faer matrix stored by rows.

use faer::sparse::{SparseColMat, Triplet};
use multigrad::Solver;
use multigrad::integrations::{csr_from_faer, csr_to_faer};
use multigrad_in_other_crates::{Outcome, report::check};

fn main() -> Outcome {
    let n = 10_000;
    let diagonal = (0..n).map(|i| Triplet::new(i, i, 2.0));
    let beside = (1..n).flat_map(|i| [Triplet::new(i, i - 1, -1.0), Triplet::new(i - 1, i, -1.0)]);
    let entries: Vec<Triplet<usize, usize, f64>> = diagonal.chain(beside).collect();
    let by_columns = SparseColMat::try_new_from_triplets(n, n, &entries)?;
    let a = csr_from_faer(by_columns.as_ref())?;
    let out = Solver::auto(&a)?.solve(&vec![1.0; n])?;
    let x = faer::Col::from_fn(n, |i| out.x[i]);
    let residual = csr_to_faer(&a)? * x - faer::Col::<f64>::ones(n);
    check("relative residual", residual.norm_l2() / (n as f64).sqrt(), 1e-7)
}
