//! From an `sprs` matrix to a solution, stored by rows or by columns: −u″ = 1 on 10 000 points.

use multigrid::{Csr, Solver};
use multigrid_in_other_crates::{Outcome, report::check};

fn main() -> Outcome {
    let n = 10_000;
    let mut entries = sprs::TriMat::new((n, n));
    (0..n).for_each(|i| entries.add_triplet(i, i, 2.0));
    (1..n).for_each(|i| {
        [(i, i - 1), (i - 1, i)].into_iter().for_each(|(i, j)| entries.add_triplet(i, j, -1.0))
    });
    let matrix: sprs::CsMat<f64> = entries.to_csc();

    let by_rows = matrix.to_csr(); // a copy for a matrix stored by columns
    let (row_ptr, columns, values) = by_rows.into_raw_storage();
    let a = Csr::from_csr(n, n, row_ptr, columns, values)?; // the values are moved
    let out = Solver::auto(&a)?.solve(&vec![1.0; n])?;

    let residual: Vec<f64> = (&matrix * &out.x).iter().map(|ax| ax - 1.0).collect();
    check("relative residual", residual.iter().map(|r| r * r).sum::<f64>().sqrt() / (n as f64).sqrt(), 1e-7)
}
