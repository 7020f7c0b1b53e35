//! From an `nalgebra-sparse` matrix to a solution, and back: −u″ = 1 on 10 000 points.

use multigrad::{Csr, Solver};
use multigrad_in_other_crates::{Outcome, report::check};
use nalgebra::DVector;
use nalgebra_sparse::{CooMatrix, CsrMatrix};

fn main() -> Outcome {
    let n = 10_000;
    let mut entries = CooMatrix::new(n, n);
    (0..n).for_each(|i| entries.push(i, i, 2.0));
    (1..n).for_each(|i| [(i, i - 1), (i - 1, i)].into_iter().for_each(|(i, j)| entries.push(i, j, -1.0)));
    let (matrix, b) = (CsrMatrix::from(&entries), DVector::from_element(n, 1.0));

    let a = Csr::from_csr(n, n, matrix.row_offsets(), matrix.col_indices(), matrix.values())?;
    let x = DVector::from_vec(Solver::auto(&a)?.solve(b.as_slice())?.x);

    let wide = |indices: &[u32]| indices.iter().map(|&i| i as usize).collect();
    let (rows, columns) = (wide(a.pattern().row_ptr()), wide(a.pattern().col_idx()));
    let back = CsrMatrix::try_from_csr_data(n, n, rows, columns, a.values().to_vec())?;
    check("relative residual", (back * x - &b).norm() / b.norm(), 1e-7)
}
