//! From an `sprs` matrix to a solution, stored by rows or by columns: −u″ = 1 on 10 000 points.

use multigrad::{Csr, Solver};
use multigrad_in_other_crates::Outcome;
use multigrad_in_other_crates::report::{check, difference};

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

    let mut product = vec![0.0; n];
    sprs::prod::mul_acc_mat_vec_csc(matrix.view(), &out.x[..], &mut product[..]);
    check("relative residual", difference(&product, &vec![1.0; n]), 1e-7)
}
