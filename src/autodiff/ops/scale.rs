//! Scaling of rows, of columns and of whole operands.

use std::ops::Mul;

use crate::autodiff::handle::{Dense, Handle, Number, Sparse};
use crate::autodiff::kernels::{by_rows, each, parts, put_and_sum, sum};
use crate::autodiff::ops::Op as Any;
use crate::autodiff::reverse::Reverse;
use crate::autodiff::tape::{Shape, Tape};
use crate::error::Error;
use crate::sparse::Scalar;

/// diag(d) A, A diag(d) or s A; `x` may be sparse or dense.
pub(crate) enum Op {
    Rows {
        x: usize,
        d: usize,
    },
    Columns {
        x: usize,
        d: usize,
    },
    All {
        x: usize,
        s: usize,
    },
    /// X + s Y.
    Sum {
        x: usize,
        y: usize,
        s: usize,
    },
}

/// Adds s times `up` to the adjoint of `x`; returns the scalar product of `up` and `values` on request.
fn scaled<T: Scalar>(x: usize, s: T, up: &[T], values: &[T], asked: bool, r: &mut Reverse<'_, T>) -> T {
    if !asked {
        r.add(x, |p| s * up[p]);
        return T::ZERO;
    }
    if !r.wants(x) {
        return sum(up.len(), |p| up[p] * values[p]);
    }
    let mut total = T::ZERO;
    r.with(x, |g, add| total = put_and_sum(add, g, |p| s * up[p], |p| up[p] * values[p]));
    total
}

/// Calls `f(row, first place, values of the row)`.
fn rows<T: Scalar>(shape: &Shape, out: &mut [T], f: impl Fn(usize, usize, &mut [T]) + Sync + Send) {
    match shape {
        Shape::Dense(_, k) => {
            out.chunks_exact_mut((*k).max(1)).enumerate().for_each(|(i, row)| f(i, i * k, row));
        }
        Shape::Sparse(pattern) => by_rows(pattern, out, |i, row| f(i, pattern.row(i).start, row)),
    }
}

/// The column of place q of row i.
#[inline(always)]
fn column(shape: &Shape, place: usize) -> usize {
    match shape {
        Shape::Dense(_, k) => place % k,
        Shape::Sparse(pattern) => pattern.col_idx()[place] as usize,
    }
}

impl Op {
    /// As for [`Any`].
    pub(super) fn passes_to(&self) -> Option<usize> {
        match *self {
            Op::Sum { x, .. } => Some(x),
            _ => None,
        }
    }

    pub(super) fn reverse<T: Scalar>(&self, up: &[T], r: &mut Reverse<'_, T>) {
        let nodes = r.nodes;
        match *self {
            Op::Rows { x, d } => {
                let (shape, values, weights) = (&nodes[x].shape, r.value(x), r.value(d));
                r.with(x, |g, add| {
                    rows(shape, g, |i, first, row| {
                        let (weight, entries) = (weights[i], row.iter_mut().zip(&up[first..]));
                        if add {
                            entries.for_each(|(g, &u)| *g += weight * u);
                        } else {
                            entries.for_each(|(g, &u)| *g = weight * u);
                        }
                    });
                });
                r.zeroed(d, |g| {
                    let dot =
                        |range: std::ops::Range<usize>| range.fold(T::ZERO, |sum, p| sum + up[p] * values[p]);
                    match shape {
                        Shape::Dense(_, k) => parts(g, |first, g| {
                            let dots = g.iter_mut().enumerate();
                            dots.for_each(|(q, g)| *g += dot((first + q) * k..(first + q + 1) * k));
                        }),
                        Shape::Sparse(pattern) => parts(g, |first, g| {
                            g.iter_mut().enumerate().for_each(|(q, g)| *g += dot(pattern.row(first + q)));
                        }),
                    }
                });
            }
            Op::Columns { x, d } => {
                let (shape, values, weights) = (&nodes[x].shape, r.value(x), r.value(d));
                r.add(x, |p| weights[column(shape, p)] * up[p]);
                r.zeroed(d, |g| {
                    for (p, (&u, &v)) in up.iter().zip(values).enumerate() {
                        g[column(shape, p)] += u * v;
                    }
                });
            }
            Op::All { x, s } => {
                let (values, factor) = (r.value(x), r.value(s)[0]);
                let total = scaled(x, factor, up, values, r.wants(s), r);
                r.add(s, |_| total);
            }
            Op::Sum { y, s, .. } => {
                let (values, factor) = (r.value(y), r.value(s)[0]);
                let total = scaled(y, factor, up, values, r.wants(s), r);
                r.add(s, |_| total);
            }
        }
    }
}

fn by_vector<T: Scalar>(tape: &Tape<T>, x: usize, d: usize, by_rows: bool) -> usize {
    tape.record(&[x, d], |nodes, _, pool| {
        let shape = nodes[x].shape.clone();
        let (row_count, column_count) = shape.extent();
        let (count, what) = if by_rows { (row_count, "rows") } else { (column_count, "columns") };
        if nodes[d].value.len() != count {
            return Err(Error::dimension(format!(
                "{} cannot scale the {count} {what} of {shape}; give one value each",
                nodes[d].shape
            )));
        }
        let mut out = pool.take(shape.length());
        let (values, weights) = (&nodes[x].value, &nodes[d].value);
        if by_rows {
            rows(&shape, &mut out, |i, first, row| {
                row.iter_mut().zip(&values[first..]).for_each(|(o, &v)| *o = weights[i] * v);
            });
        } else {
            each(&mut out, |p| weights[column(&shape, p)] * values[p]);
        }
        let op = if by_rows { Op::Rows { x, d } } else { Op::Columns { x, d } };
        Ok((out, shape, Any::Scale(op)))
    })
}

fn by_number<T: Scalar>(tape: &Tape<T>, x: usize, s: usize) -> usize {
    tape.record(&[x, s], |nodes, _, pool| {
        let shape = nodes[x].shape.clone();
        let (values, factor) = (&nodes[x].value, nodes[s].value[0]);
        let mut out = pool.take(shape.length());
        each(&mut out, |p| factor * values[p]);
        Ok((out, shape, Any::Scale(Op::All { x, s })))
    })
}

impl<'t, T: Scalar> Dense<'t, T> {
    /// X + s Y in one pass, for Krylov methods; the same bits as `x + s * y`.
    pub fn add_scaled(self, s: Number<'t, T>, y: Self) -> Self {
        let (tape, x, s, y) = (self.tape(), self.id(), self.other(&s), self.other(&y));
        let id = tape.record(&[x, s, y], |nodes, _, pool| {
            let shape = nodes[x].shape.clone();
            if shape.extent() != nodes[y].shape.extent() {
                return Err(Error::dimension(format!("{shape} plus a multiple of {}", nodes[y].shape)));
            }
            let (left, right, factor) = (&nodes[x].value, &nodes[y].value, nodes[s].value[0]);
            let mut out = pool.take(shape.length());
            each(&mut out, |p| left[p] + factor * right[p]);
            Ok((out, shape, Any::Scale(Op::Sum { x, y, s })))
        });
        Self::new(tape, id)
    }
}

macro_rules! scaled {
    ($name:ident) => {
        impl<'t, T: Scalar> $name<'t, T> {
            /// diag(d) times this: row i times dᵢ, for a vector d. Gradients: d̄ᵢ = Σⱼ c̄ᵢⱼ aᵢⱼ.
            pub fn scale_rows(self, d: Dense<'t, T>) -> Self {
                Self::new(self.tape(), by_vector(self.tape(), self.id(), self.other(&d), true))
            }

            /// This times diag(d): column j times dⱼ, for a vector d.
            pub fn scale_columns(self, d: Dense<'t, T>) -> Self {
                Self::new(self.tape(), by_vector(self.tape(), self.id(), self.other(&d), false))
            }
        }

        impl<'t, T: Scalar> Mul<$name<'t, T>> for Number<'t, T> {
            type Output = $name<'t, T>;

            fn mul(self, x: $name<'t, T>) -> $name<'t, T> {
                $name::new(self.tape(), by_number(self.tape(), self.other(&x), self.id()))
            }
        }
    };
}
scaled!(Sparse);
scaled!(Dense);
