//! Direct solves with sparse matrices.

use std::sync::Arc;

use super::triangular::minus_outer;
use crate::autodiff::handle::{Dense, Handle, Sparse};
use crate::autodiff::ops::Op as Any;
use crate::autodiff::reverse::Reverse;
use crate::autodiff::tape::{Pool, Shape};
use crate::backend::{Cpu, Factors, View};
use crate::error::{Error, Result};
use crate::sparse::Scalar;

/// A⁻¹ B or A⁻ᵀ B.
pub(crate) struct Solve {
    a: usize,
    b: usize,
    factors: Arc<Factors>,
    transposed: bool,
}

impl Solve {
    pub(super) fn reverse<T: Scalar>(&self, id: usize, up: &[T], r: &mut Reverse<'_, T>) -> Result<()> {
        let &Solve { a, b, ref factors, transposed } = self;
        let (pattern, values, x) = (r.pattern(a), r.value(a), r.value(id));
        let k = r.extent(id).1;
        let mut adjoint = r.pool.take(up.len());
        solve(factors, View::new(pattern, values), !transposed, up, &mut adjoint, k, r.pool);
        let (left, right) = if transposed { (x, &adjoint[..]) } else { (&adjoint[..], x) };
        r.sum(a, |g| minus_outer(pattern, left, right, g, k, |_, _| true));
        r.hand(b, adjoint);
        Ok(())
    }
}

/// x ← A⁻¹ b or A⁻ᵀ b. The factors are in double precision; one step of refinement adds the derivatives of
/// `T`.
fn solve<T: Scalar>(
    factors: &Factors,
    a: View<'_, T>,
    transposed: bool,
    b: &[T],
    x: &mut [T],
    k: usize,
    pool: &mut Pool<T>,
) {
    let apply = |from: &[T], to: &mut [T]| {
        for part in 0..T::PARTS {
            let mut wide: Vec<f64> = from.iter().map(|v| v.part(part)).collect();
            factors.solve(&mut wide, k, transposed);
            to.iter_mut().zip(&wide).for_each(|(v, &w)| v.set_part(part, w));
        }
    };
    apply(b, x);
    if T::PARTS > 1 {
        let (mut residual, mut correction) = (pool.take(b.len()), pool.take(b.len()));
        residual.copy_from_slice(b);
        let minus = -T::ONE;
        if transposed {
            Cpu.spmv_transposed(minus, a, x, T::ONE, &mut residual, k);
        } else {
            Cpu.spmv(minus, a, x, T::ONE, &mut residual, k);
        }
        apply(&residual, &mut correction);
        x.iter_mut().zip(&correction).for_each(|(x, &c)| *x += c);
        pool.put(residual);
        pool.put(correction);
    }
}

impl<'t, T: Scalar> Sparse<'t, T> {
    /// A⁻¹ B by sparse LU: factored once, the order of elimination kept by pattern, and the factors reused
    /// (transposed) for the gradients B̄ = A⁻ᵀ X̄ and Ā = −(B̄ Xᵀ) on the pattern of A. A matrix that is
    /// singular to working precision is an error.
    pub fn solve(self, b: Dense<'t, T>) -> Dense<'t, T> {
        self.directly(b, false)
    }

    /// A⁻ᵀ B, as [`solve`](Self::solve).
    pub fn solve_transposed(self, b: Dense<'t, T>) -> Dense<'t, T> {
        self.directly(b, true)
    }

    fn directly(self, b: Dense<'t, T>, transposed: bool) -> Dense<'t, T> {
        let (tape, a, b) = (self.tape(), self.id(), self.other(&b));
        let id = tape.record(&[a, b], |nodes, plans, pool| {
            let Shape::Sparse(pattern) = &nodes[a].shape else { unreachable!("a sparse handle") };
            let (rows, k) = nodes[b].shape.extent();
            if pattern.rows() != pattern.cols() || rows != pattern.rows() {
                let (matrix, right) = (&nodes[a].shape, &nodes[b].shape);
                return Err(Error::dimension(format!("a direct solve with {matrix} and {right}")));
            }
            let values: Vec<f64> = nodes[a].value.iter().map(|v| v.to_f64()).collect();
            let factors = plans.ordering(pattern)?.regular(pattern, &values)?.ok_or_else(|| {
                Error::singular(format!("{} is singular to working precision", nodes[a].shape))
            })?;
            let factors = Arc::new(factors);
            let mut x = pool.take(rows * k);
            let view = View::new(pattern, &nodes[a].value);
            solve(&factors, view, transposed, &nodes[b].value, &mut x, k, pool);
            Ok((x, Shape::Dense(rows, k), Any::Solve(Solve { a, b, factors, transposed })))
        });
        Dense::new(tape, id)
    }
}
