//! Kernels of the backend and their memory traffic.
//!
//! Each byte counts that must come from or go to memory at least once: every stored entry with its value (s
//! bytes) and its column (4 bytes), the row pointers (4 bytes each), and every vector once for each time that
//! it is read or written in full. A matrix has nnz (s + 4) + 4 (rows + 1) bytes.

use std::hint::black_box;

use multigrad::backend::{Cpu, Direction, Triangle, View};
use multigrad::sparse::{Csr, Scalar};

use crate::timing::{Sample, sample};

/// The matrices of the finest level.
pub struct Operators<T: Scalar> {
    /// A, n × n.
    pub a: Csr<T>,
    /// P, n × n_coarse.
    pub prolongation: Csr<T>,
    /// R, n_coarse × n.
    pub restriction: Csr<T>,
}

/// One kernel: its name, the bytes that it moves, its time.
pub type Measured = (&'static str, usize, Sample);

/// Bytes of one value.
pub fn size<T: Scalar>() -> usize {
    std::mem::size_of::<T>()
}

/// Bytes of a matrix.
pub fn bytes(rows: usize, nnz: usize, s: usize) -> usize {
    nnz * (s + 4) + 4 * (rows + 1)
}

/// All kernels on one hierarchy's finest level, for one right-hand side.
pub fn measure<T: Scalar>(operators: &Operators<T>, smoke: bool) -> Vec<Measured> {
    let Operators { a, prolongation, restriction } = operators;
    let (n, coarse, s) = (a.rows(), prolongation.cols(), size::<T>());
    let of = |m: &Csr<T>| {
        let (rows, entries) = m.read_by_product();
        bytes(rows, entries, s)
    };
    let (fine, small) = (n * s, coarse * s);
    let mut x: Vec<T> = (0..n).map(|i| T::from_f64((i as f64 * 0.7).sin())).collect();
    let b = vec![T::from_f64(1.0); n];
    let mut y = vec![T::ZERO; n];
    let mut xc = vec![T::from_f64(1.0); coarse];
    let one = T::ONE;
    let mut list: Vec<Measured> = Vec::new();

    // A; x read, y written.
    let time = sample(smoke, || Cpu.spmv(one, View::from(a), &x, T::ZERO, black_box(&mut y), 1));
    list.push(("spmv", of(a) + 2 * fine, time));
    // A; b and x read, r written.
    let time = sample(smoke, || Cpu.residual(View::from(a), &b, &x, black_box(&mut y), 1));
    list.push(("residual", of(a) + 3 * fine, time));
    // R; r read, the coarse b written.
    let time = sample(smoke, || Cpu.spmv(one, View::from(restriction), &x, T::ZERO, black_box(&mut xc), 1));
    list.push(("restriction", of(restriction) + fine + small, time));
    // P; the coarse x read, x read and written.
    let time = sample(smoke, || Cpu.spmv(one, View::from(prolongation), &xc, one, black_box(&mut y), 1));
    list.push(("prolongation", of(prolongation) + small + 2 * fine, time));
    // A; b read, x read and written.
    let time = sample(smoke, || {
        Cpu.gauss_seidel(View::from(a), &b, black_box(&mut x), Direction::Forward, 1);
    });
    list.push(("gauss_seidel", bytes(n, a.nnz(), s) + 3 * fine, time));
    // The entries at and below the diagonal; x read and written.
    let below = (0..n).map(|i| a.pattern().row_cols(i).iter().filter(|&&j| j as usize <= i).count()).sum();
    let lower = Triangle { lower: true, unit: false };
    let time = sample(smoke, || {
        // From the same vector, so that values do not decay from run to run.
        x.copy_from_slice(&b);
        Cpu.solve_triangular(View::from(a), lower, false, black_box(&mut x), 1);
    });
    // The copy moves two vectors more.
    list.push(("solve_triangular", bytes(n, below, s) + 4 * fine, time));
    // d, x, y read, y written.
    let tiny = vec![T::from_f64(1e-3); n];
    let time = sample(smoke, || Cpu.diagonal_add(&tiny, &b, black_box(&mut y), 1));
    list.push(("diagonal_add", 4 * fine, time));
    // x and y read.
    let mut out = [T::ZERO];
    let time = sample(smoke, || Cpu.column_dots(&x, &b, black_box(&mut out)));
    list.push(("column_dots", 2 * fine, time));
    // x and y read, y written.
    let half = T::from_f64(0.5);
    let time = sample(smoke, || Cpu.combine(one, &x, half, black_box(&mut y)));
    list.push(("combine", 3 * fine, time));
    list
}
