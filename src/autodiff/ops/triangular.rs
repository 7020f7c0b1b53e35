//! Triangular solves.

use crate::autodiff::handle::{Dense, Handle, Sparse};
use crate::autodiff::kernels::by_rows;
use crate::autodiff::ops::Op as Any;
use crate::autodiff::plans::{NONE, Part};
use crate::autodiff::reverse::Reverse;
use crate::autodiff::tape::Shape;
use crate::backend::{Cpu, Triangle, View};
use crate::error::Error;
use crate::sparse::{Pattern, Scalar};

/// T⁻¹ B or T⁻ᵀ B for a triangle T of a matrix.
pub(crate) struct Op {
    a: usize,
    b: usize,
    triangle: Triangle,
    transposed: bool,
}

impl Op {
    pub(super) fn reverse<T: Scalar>(&self, id: usize, up: &[T], r: &mut Reverse<'_, T>) {
        let Op { a, b, triangle, transposed } = *self;
        let (pattern, values, x) = (r.pattern(a), r.value(a), r.value(id));
        let k = r.extent(id).1;
        let mut adjoint = r.pool.take(up.len());
        adjoint.copy_from_slice(up);
        Cpu.solve_triangular(View::new(pattern, values), triangle, !transposed, &mut adjoint, k);
        let (left, right) = if transposed { (x, &adjoint[..]) } else { (&adjoint[..], x) };
        r.sum(a, |g| minus_outer(pattern, left, right, g, k, |i, j| triangle.reads(i, j)));
        r.hand(b, adjoint);
    }
}

/// g(p) ← −Σ_c y(i,c) x(j,c) for the entries p = (i, j) that are `read`, 0 for the others.
pub(super) fn minus_outer<T: Scalar>(
    pattern: &Pattern,
    y: &[T],
    x: &[T],
    g: &mut [T],
    k: usize,
    read: impl Fn(usize, usize) -> bool + Sync + Send,
) {
    if k == 1 {
        return by_rows(pattern, g, |i, g| {
            let own = y[i];
            for (g, &j) in g.iter_mut().zip(pattern.row_cols(i)) {
                let product = own * x[j as usize];
                *g = if read(i, j as usize) { -product } else { T::ZERO };
            }
        });
    }
    by_rows(pattern, g, |i, g| {
        for (g, &j) in g.iter_mut().zip(pattern.row_cols(i)) {
            let j = j as usize;
            *g = if read(i, j) {
                let terms = y[i * k..(i + 1) * k].iter().zip(&x[j * k..(j + 1) * k]);
                T::ZERO - terms.fold(T::ZERO, |sum, (&y, &x)| sum + y * x)
            } else {
                T::ZERO
            };
        }
    });
}

impl<'t, T: Scalar> Sparse<'t, T> {
    /// T⁻¹ B for the `triangle` T of this matrix. Entries outside it are not read and get no gradient;
    /// neither does the diagonal of a unit triangle. Gradients: B̄ = T⁻ᵀ X̄, T̄ = −(B̄ Xᵀ) on the pattern of
    /// T. A missing or zero diagonal is an error.
    pub fn solve_triangular(self, triangle: Triangle, b: Dense<'t, T>) -> Dense<'t, T> {
        self.substitute(triangle, false, b)
    }

    /// T⁻ᵀ B for the `triangle` T of this matrix, as
    /// [`solve_triangular`](Self::solve_triangular).
    pub fn solve_triangular_transposed(self, triangle: Triangle, b: Dense<'t, T>) -> Dense<'t, T> {
        self.substitute(triangle, true, b)
    }

    fn substitute(self, triangle: Triangle, transposed: bool, b: Dense<'t, T>) -> Dense<'t, T> {
        let (tape, a, b) = (self.tape(), self.id(), self.other(&b));
        let id = tape.record(&[a, b], |nodes, plans, pool| {
            let Shape::Sparse(pattern) = &nodes[a].shape else { unreachable!("a sparse handle") };
            let (rows, k) = nodes[b].shape.extent();
            if pattern.rows() != pattern.cols() || rows != pattern.rows() {
                let (matrix, right) = (&nodes[a].shape, &nodes[b].shape);
                return Err(Error::dimension(format!("a triangular solve with {matrix} and {right}")));
            }
            let values = &nodes[a].value;
            if !triangle.unit {
                let diagonal = plans.part(pattern, Part::Diagonal);
                let pivot = |p: u32| if p == NONE { T::ZERO } else { values[p as usize] };
                let missing = |v: T| v == T::ZERO || !v.finite();
                if let Some(i) = diagonal.source.iter().position(|&p| missing(pivot(p))) {
                    return Err(Error::singular(format!(
                        "the diagonal of row {} of a triangular solve is {}; every row needs a pivot",
                        i + 1,
                        pivot(diagonal.source[i])
                    )));
                }
            }
            let mut x = pool.take(rows * k);
            x.copy_from_slice(&nodes[b].value);
            Cpu.solve_triangular(View::new(pattern, values), triangle, transposed, &mut x, k);
            Ok((x, Shape::Dense(rows, k), Any::Triangular(Op { a, b, triangle, transposed })))
        });
        Dense::new(tape, id)
    }
}
