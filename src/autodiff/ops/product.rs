//! Products with sparse matrices, and products sampled on a pattern.

use std::ops::Mul;
use std::sync::Arc;

use crate::autodiff::handle::{Dense, Handle, Sparse};
use crate::autodiff::kernels::by_rows;
use crate::autodiff::ops::Op as Any;
use crate::autodiff::reverse::Reverse;
use crate::autodiff::tape::{Shape, Tape};
use crate::backend::{Cpu, View, product_adjoints, sampled_adjoints};
use crate::error::Error;
use crate::sparse::{Pattern, ProductPlan, Scalar};

pub(crate) enum Op {
    /// A X, or Aᵀ X.
    Block { a: usize, x: usize, transposed: bool },
    /// A B.
    Sparse { a: usize, b: usize, plan: Arc<ProductPlan> },
    /// (X Yᵀ) ⊙ pattern.
    Sampled { x: usize, y: usize, pattern: Arc<Pattern> },
}

impl Op {
    pub(super) fn reverse<T: Scalar>(&self, up: &[T], r: &mut Reverse<'_, T>) {
        match self {
            &Op::Block { a, x, transposed } => {
                let (pattern, values) = (r.pattern(a), r.value(a));
                let (block, k) = (r.value(x), r.extent(x).1);
                if !transposed && crate::parallel::threads() == 1 && r.wants(a) && r.wants(x) {
                    return if k == 1 { both(a, x, up, r) } else { both_blocks(a, x, up, r) };
                }
                let (left, right) = if transposed { (block, up) } else { (up, block) };
                r.with(a, |g, add| sampled(pattern, left, right, g, k, add));
                r.sum(x, |g| {
                    let view = View::new(pattern, values);
                    if transposed {
                        Cpu.spmv(T::ONE, view, up, T::ZERO, g, k);
                    } else {
                        transposed_product(view, up, g, k);
                    }
                });
            }
            Op::Sparse { a, b, plan } => {
                let (left, right) = (r.value(*a), r.value(*b));
                r.sum(*a, |g| plan.adjoint_left(up, right, g));
                r.sum(*b, |g| plan.adjoint_right(up, left, g));
            }
            &Op::Sampled { x, y, ref pattern } => {
                let (left, right, k) = (r.value(x), r.value(y), r.extent(x).1);
                let view = View::new(pattern, up);
                if k > 1 && x != y && crate::parallel::threads() == 1 && r.wants(x) && r.wants(y) {
                    return both_sampled(x, y, view, r);
                }
                r.sum(x, |g| Cpu.spmv(T::ONE, view, right, T::ZERO, g, k));
                r.sum(y, |g| transposed_product(view, left, g, k));
            }
        }
    }
}

/// g(p) ← Σ_c y(i,c) x(j,c) for every entry p = (i, j), or g(p) plus that.
fn sampled<T: Scalar>(pattern: &Pattern, y: &[T], x: &[T], g: &mut [T], k: usize, add: bool) {
    if k > 1 {
        if !add {
            g.fill(T::ZERO);
        }
        return Cpu.sampled_product(T::ONE, pattern, y, x, g, k);
    }
    by_rows(pattern, g, |i, g| {
        let (own, entries) = (y[i], g.iter_mut().zip(pattern.row_cols(i)));
        if add {
            entries.for_each(|(g, &j)| *g += own * x[j as usize]);
        } else {
            entries.for_each(|(g, &j)| *g = own * x[j as usize]);
        }
    });
}

/// y ← Aᵀ x. On one thread row by row of A, without the permutation; the same bits.
fn transposed_product<T: Scalar>(a: View<'_, T>, x: &[T], y: &mut [T], k: usize) {
    if k > 1 || crate::parallel::threads() > 1 {
        return Cpu.spmv_transposed(T::ONE, a, x, T::ZERO, y, k);
    }
    y.fill(T::ZERO);
    for (i, &xi) in x.iter().enumerate() {
        let range = a.pattern.row(i);
        for (&j, &v) in a.pattern.col_idx()[range.clone()].iter().zip(&a.values[range]) {
            y[j as usize] += v * xi;
        }
    }
}

/// Both gradients of a product A x with one vector, in one pass over the matrix.
fn both<T: Scalar>(a: usize, x: usize, up: &[T], r: &mut Reverse<'_, T>) {
    let (pattern, values, vector) = (r.pattern(a), r.value(a), r.value(x));
    let mut part = r.pool.take(vector.len());
    r.with_two((a, x), |(g, add), (of_x, keep)| {
        // An existing sum gets the whole product at once, as on several threads.
        let sums = if keep { &mut part[..] } else { &mut *of_x };
        sums.fill(T::ZERO);
        if add {
            rows_both::<T, true>(pattern, values, up, vector, g, sums);
        } else {
            rows_both::<T, false>(pattern, values, up, vector, g, sums);
        }
        if keep {
            of_x.iter_mut().zip(&part).for_each(|(g, &v)| *g += v);
        }
    });
    r.pool.put(part);
}

/// g(p) ← y(i) x(j), added if `ADD`, and z(j) ← z(j) + v y(i), entry by entry.
fn rows_both<T: Scalar, const ADD: bool>(
    pattern: &Pattern,
    values: &[T],
    y: &[T],
    x: &[T],
    mut g: &mut [T],
    z: &mut [T],
) {
    // One common length, so that one comparison serves both.
    let z = &mut z[..x.len()];
    let (mut columns, mut values) = (pattern.col_idx(), values);
    for (&own, bounds) in y.iter().zip(pattern.row_ptr().windows(2)) {
        let length = (bounds[1] - bounds[0]) as usize;
        let (now, here, part);
        (now, columns) = columns.split_at(length);
        (here, values) = values.split_at(length);
        (part, g) = g.split_at_mut(length);
        let mut entry = |j: u32, v: T, g: &mut T| {
            let j = j as usize;
            let term = own * x[j];
            *g = if ADD { *g + term } else { term };
            z[j] += v * own;
        };
        // The usual row length on a grid, without a loop.
        if let (&[a, b, c, d, e], &[p, q, r, s, t], [k, l, m, n, o]) = (now, here, &mut *part) {
            entry(a, p, k);
            entry(b, q, l);
            entry(c, r, m);
            entry(d, s, n);
            entry(e, t, o);
            continue;
        }
        now.iter().zip(here).zip(part).for_each(|((&j, &v), g)| entry(j, v, g));
    }
}

/// Both gradients of a product A X with a block, in one pass.
fn both_blocks<T: Scalar>(a: usize, x: usize, up: &[T], r: &mut Reverse<'_, T>) {
    let view = View::new(r.pattern(a), r.value(a));
    let (block, k) = (r.value(x), r.extent(x).1);
    let mut part = r.pool.take(block.len());
    r.with_two((a, x), |(g, add), (of_x, keep)| {
        if !add {
            g.fill(T::ZERO);
        }
        let sums = if keep { &mut part[..] } else { &mut *of_x };
        sums.fill(T::ZERO);
        product_adjoints(view, up, block, g, sums, k);
        if keep {
            of_x.iter_mut().zip(&part).for_each(|(g, &v)| *g += v);
        }
    });
    r.pool.put(part);
}

/// Both gradients of a sampled product, in one pass over its adjoint `up`.
fn both_sampled<T: Scalar>(x: usize, y: usize, up: View<'_, T>, r: &mut Reverse<'_, T>) {
    let (left, right, k) = (r.value(x), r.value(y), r.extent(x).1);
    let (mut of_x, mut of_y) = (r.pool.take(left.len()), r.pool.take(right.len()));
    of_y.fill(T::ZERO);
    sampled_adjoints(up, left, right, &mut of_x, &mut of_y, k);
    r.hand(x, of_x);
    r.hand(y, of_y);
}

fn block<T: Scalar>(tape: &Tape<T>, a: usize, x: usize, transposed: bool) -> usize {
    tape.record(&[a, x], |nodes, _, pool| {
        let Shape::Sparse(pattern) = &nodes[a].shape else { unreachable!("a sparse handle") };
        let (rows, k) = nodes[x].shape.extent();
        let (out, inner) =
            if transposed { (pattern.cols(), pattern.rows()) } else { (pattern.rows(), pattern.cols()) };
        if rows != inner {
            let what = if transposed { "the transpose of " } else { "" };
            return Err(Error::dimension(format!("{what}{} times {}", nodes[a].shape, nodes[x].shape)));
        }
        let mut y = pool.take(out * k);
        let view = View::new(pattern, &nodes[a].value);
        if transposed {
            transposed_product(view, &nodes[x].value, &mut y, k);
        } else {
            Cpu.spmv(T::ONE, view, &nodes[x].value, T::ZERO, &mut y, k);
        }
        Ok((y, Shape::Dense(out, k), Any::Product(Op::Block { a, x, transposed })))
    })
}

impl<'t, T: Scalar> Mul<Dense<'t, T>> for Sparse<'t, T> {
    type Output = Dense<'t, T>;

    /// A X. Gradients: Ā = (Ȳ Xᵀ) on the pattern of A, X̄ = Aᵀ Ȳ.
    fn mul(self, x: Dense<'t, T>) -> Dense<'t, T> {
        Dense::new(self.tape(), block(self.tape(), self.id(), self.other(&x), false))
    }
}

impl<'t, T: Scalar> Mul for Sparse<'t, T> {
    type Output = Self;

    /// A B, sparse. Gradients: Ā = (C̄ Bᵀ) on the pattern of A, B̄ = (Aᵀ C̄) on that of B; unmasked products
    /// are never formed. The pattern of the product is computed once per pair of patterns.
    fn mul(self, b: Self) -> Self {
        let (tape, a, b) = (self.tape(), self.id(), self.other(&b));
        let id = tape.record(&[a, b], |nodes, plans, pool| {
            let (Shape::Sparse(left), Shape::Sparse(right)) = (&nodes[a].shape, &nodes[b].shape) else {
                unreachable!("sparse handles")
            };
            let plan = plans.product(left, right)?;
            let mut out = pool.take(plan.pattern().nnz());
            plan.numeric_into(&nodes[a].value, &nodes[b].value, &mut out)?;
            let shape = Shape::Sparse(plan.pattern().clone());
            Ok((out, shape, Any::Product(Op::Sparse { a, b, plan })))
        });
        Self::new(tape, id)
    }
}

impl<'t, T: Scalar> Sparse<'t, T> {
    /// Aᵀ X without a transposition. Gradients: Ā = (X Ȳᵀ) on the pattern of A, X̄ = A Ȳ.
    pub fn transposed_times(self, x: Dense<'t, T>) -> Dense<'t, T> {
        Dense::new(self.tape(), block(self.tape(), self.id(), self.other(&x), true))
    }

    /// A as a dense block: cols products with unit vectors, for small matrices.
    pub fn to_dense(self) -> Dense<'t, T> {
        let n = self.extent().1;
        let mut unit = vec![T::ZERO; n * n];
        unit.iter_mut().step_by(n + 1).for_each(|v| *v = T::ONE);
        self * self.tape().block(&unit, n)
    }

    /// The Galerkin product R A P, the coarse matrix of a two-grid method; A is this matrix.
    pub fn galerkin(self, restriction: Self, prolongation: Self) -> Self {
        restriction * (self * prolongation)
    }
}

impl<'t, T: Scalar> Dense<'t, T> {
    /// (X Yᵀ) sampled on a pattern: entry (i, j) is Σ_c x(i,c) y(j,c). Gradients: X̄ = C̄ Y and
    /// Ȳ = C̄ᵀ X.
    pub fn outer_on(self, y: Self, pattern: &Arc<Pattern>) -> Sparse<'t, T> {
        let (tape, x, y) = (self.tape(), self.id(), self.other(&y));
        let id = tape.record(&[x, y], |nodes, _, pool| {
            let ((rows, k), (cols, l)) = (nodes[x].shape.extent(), nodes[y].shape.extent());
            if k != l || rows != pattern.rows() || cols != pattern.cols() {
                return Err(Error::dimension(format!(
                    "the outer product of {} and {} does not fit a {} × {} pattern",
                    nodes[x].shape,
                    nodes[y].shape,
                    pattern.rows(),
                    pattern.cols()
                )));
            }
            let mut out = pool.take(pattern.nnz());
            sampled(pattern, &nodes[x].value, &nodes[y].value, &mut out, k, false);
            let op = Op::Sampled { x, y, pattern: pattern.clone() };
            Ok((out, Shape::Sparse(pattern.clone()), Any::Product(op)))
        });
        Sparse::new(tape, id)
    }
}
