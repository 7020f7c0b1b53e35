//! Operations on the CPU.

use std::fmt::Debug;

use super::{Borrowed, Host, Operation};
use crate::backend::{Cpu, OrderedView, least_squares};
use crate::schwarz::add_subdomain_solves;
use crate::sparse::Scalar;

/// Runs an operation on blocks of `k` columns.
pub(super) fn run<T: Scalar, H: AsRef<[T]> + AsMut<[T]> + Debug + ?Sized>(
    k: usize,
    operation: Operation<Borrowed<'_, Host<T>, H>>,
) {
    use Operation as O;
    let scalar = T::from_f64;
    match operation {
        O::Copy { x, y } => y.as_mut().copy_from_slice(x.as_ref()),
        O::Clear { x } => x.as_mut().fill(T::ZERO),
        O::Spmv { alpha, a, transposed: false, x, beta, y } => {
            Cpu.spmv(scalar(alpha), a.view(), x.as_ref(), scalar(beta), y.as_mut(), k);
        }
        O::Spmv { alpha, a, transposed: true, x, beta, y } => {
            Cpu.spmv_transposed(scalar(alpha), a.view(), x.as_ref(), scalar(beta), y.as_mut(), k);
        }
        O::Residual { a, b, x, r } => Cpu.residual(a.view(), b.as_ref(), x.as_ref(), r.as_mut(), k),
        O::DiagonalAdd { d, x, y } => Cpu.diagonal_add(d, x.as_ref(), y.as_mut(), k),
        O::DiagonalScale { d, x, y } => Cpu.diagonal_scale(d, x.as_ref(), y.as_mut(), k),
        O::Jacobi { a, d, b, x, next } => {
            Cpu.jacobi(a.view(), d, b.as_ref(), x.as_ref(), next.as_mut(), k);
        }
        O::PolynomialStep { a, d, b, x, factors: (alpha, beta), y } => {
            let factors = (scalar(alpha), scalar(beta));
            Cpu.polynomial_step(a.view(), d, b.as_ref(), x.as_ref(), factors, y.as_mut(), k);
        }
        O::Combine { alpha, x, beta, y } => {
            Cpu.combine(scalar(alpha), x.as_ref(), scalar(beta), y.as_mut());
        }
        O::LeastSquares { b, first: (v, c), second: None, x } => {
            least_squares(b.as_ref(), &[v.as_ref()], &[c.as_ref()], x.as_mut(), k);
        }
        O::LeastSquares { b, first: (v, c), second: Some((w, d)), x } => {
            let (images, directions) = ([v.as_ref(), w.as_ref()], [c.as_ref(), d.as_ref()]);
            least_squares(b.as_ref(), &images, &directions, x.as_mut(), k);
        }
        O::SolveTriangular { a, part, transposed, x } => {
            Cpu.solve_triangular(a.view(), part, transposed, x.as_mut(), k);
        }
        O::SweepTriangular { a, part, transposed, b, x, y } => {
            let blocks = (b.as_ref(), x.map(AsRef::as_ref));
            Cpu.sweep_triangular(a.view(), part, transposed, blocks, y.as_mut(), k);
        }
        O::GaussSeidel { a, direction, b, x } => {
            Cpu.gauss_seidel(a.view(), b.as_ref(), x.as_mut(), direction, k);
        }
        O::OrderedSweep { a, transposed, inverse, sweep, b, x, scratch } => {
            let of_transpose = transposed.then(|| a.to_csr().transpose());
            let a = of_transpose.as_ref().map_or_else(|| a.view(), Into::into);
            let sweep = OrderedView { a, inverse, sweep };
            Cpu.ordered_sweep(sweep, b.as_ref(), x.as_mut(), scratch.as_mut(), k);
        }
        O::SubdomainSolves { method, r, beta, x } => {
            add_subdomain_solves(method.map(|m| &**m), r.as_ref(), beta == 0.0, x.as_mut(), k);
        }
        O::Solve { direct, transposed: false, b, x } => direct.solve(b.as_ref(), x.as_mut(), k),
        O::Solve { direct, transposed: true, b, x } => direct.solve_transposed(b.as_ref(), x.as_mut(), k),
    }
}
