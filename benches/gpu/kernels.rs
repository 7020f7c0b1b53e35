//! Times of single kernels.

use multigrad::backend::OnDevice;
use multigrad::engine::{
    Device, DeviceBuffer, Entries, Executor, Host, Leaves, Matrix, Operation, OperationOn, Resident,
    Reversible,
};
use multigrad::error::Result;
use multigrad::multigrid::Hierarchy;

use super::bench::{Bench, values};

/// The number of columns of products with blocks.
const COLUMNS: usize = 8;

/// y ← A x + β y.
fn spmv<'a, T: OnDevice>(
    a: &'a Matrix<<Device<T> as Leaves>::Values>,
    x: &'a DeviceBuffer<T>,
    beta: f64,
    y: &'a mut DeviceBuffer<T>,
) -> OperationOn<'a, Resident<T>> {
    Operation::Spmv { alpha: 1.0, a, transposed: false, x, beta, y }
}

/// All kernels on the finest level.
pub fn measure<T: OnDevice>(bench: &Bench, size: &str, h: &Hierarchy<Host<T>>) -> Result<()> {
    let Some(level) = h.levels.first() else { return Ok(()) };
    let row = |what: &str, bytes: f64, work: &mut dyn FnMut()| -> Result<()> {
        let seconds = bench.seconds(|| {
            work();
            Ok(())
        })?;
        bench.row(&format!("{what}, {}", T::NAME), size, seconds, bytes, "");
        Ok(())
    };
    let e: Resident<T> = Resident::new(bench.cuda.clone(), 1);
    let host = level.a.to_csr();
    let a = e.matrix(&host);
    let (rows, coarse) = (host.rows(), level.prolongation.pattern.cols());
    let s = size_of::<T>() as f64;
    let (n, nc, entries) = (rows as f64, coarse as f64, host.nnz() as f64);
    let (x, b) = (e.store(&values(1, rows)), e.store(&values(2, rows)));
    let d = e.leaf(&values(3, rows));
    let mut y = e.store(&values(4, rows));

    let product = entries * (s + 4.0) + n * (4.0 + 2.0 * s);
    row("SpMV, CSR", product, &mut || e.run(spmv(&a, &x, 0.0, &mut y)))?;
    row("residual, CSR", product + n * s, &mut || {
        e.run(Operation::Residual { a: &a, b: &b, x: &x, r: &mut y });
    })?;
    row("Jacobi sweep, CSR", product + 2.0 * n * s, &mut || {
        e.run(Operation::Jacobi { a: &a, d: &d, b: &b, x: &x, next: &mut y });
    })?;
    {
        let sliced = e.sliced(&a);
        let product = sliced.entries() as f64 * (s + 4.0) + n * (4.0 + 2.0 * s + 8.0 / 32.0);
        row("SpMV, slices", product, &mut || e.spmv_sliced(1.0, &sliced, &x, 0.0, &mut y))?;
        row("residual, slices", product + n * s, &mut || e.residual_sliced(&sliced, &b, &x, &mut y))?;
        let sweep = product + 2.0 * n * s;
        row("Jacobi sweep, slices", sweep, &mut || e.jacobi_sliced(&sliced, &d, &b, &x, &mut y))?;
    }
    // One more index per entry: the place of the value.
    row("transposed product", product + 4.0 * entries, &mut || {
        e.run(Operation::Spmv { alpha: 1.0, a: &a, transposed: true, x: &x, beta: 0.0, y: &mut y });
    })?;

    let (p, r) = (e.matrix(&level.prolongation.to_csr()), e.matrix(&level.restriction.to_csr()));
    let (pn, rn) = (p.pattern.nnz() as f64, r.pattern.nnz() as f64);
    let mut xc = e.store(&values(5, coarse));
    let moved = pn * (s + 4.0) + n * (4.0 + 2.0 * s) + nc * s;
    row("prolongation and correction", moved, &mut || e.run(spmv(&p, &xc, 1.0, &mut y)))?;
    let moved = rn * (s + 4.0) + nc * (4.0 + s) + n * s;
    row("restriction", moved, &mut || e.run(spmv(&r, &x, 0.0, &mut xc)))?;
    let mut dots = e.room_for_dots(rows);
    row("inner product", 2.0 * n * s, &mut || e.dots(&x, &b, &mut dots))?;

    let mut g = e.gradient(host.nnz());
    let sampled = |k: f64| entries * (4.0 + 2.0 * s) + n * (4.0 + 2.0 * k * s);
    row("sampled product, 1 column", sampled(1.0), &mut || {
        e.sampled_product(1.0, &a.pattern, Entries::All, (&b, &x), &mut g);
    })?;
    drop((x, b, y));
    let k = COLUMNS as f64;
    let e: Resident<T> = Resident::new(bench.cuda.clone(), COLUMNS);
    let (x, mut y) = (e.store(&values(6, rows * COLUMNS)), e.store(&values(7, rows * COLUMNS)));
    row(&format!("sampled product, {k} columns"), sampled(k), &mut || {
        e.sampled_product(1.0, &a.pattern, Entries::All, (&y, &x), &mut g);
    })?;
    let product = entries * (s + 4.0) + n * (4.0 + 2.0 * k * s);
    row(&format!("SpMM, {k} columns"), product, &mut || e.run(spmv(&a, &x, 0.0, &mut y)))
}
