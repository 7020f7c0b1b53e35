//! Reductions: sums, norms, maxima.

use crate::autodiff::handle::{Dense, Handle, Number, Sparse};
use crate::autodiff::kernels::{by_rows, parts, sum};
use crate::autodiff::ops::Op as Any;
use crate::autodiff::reverse::Reverse;
use crate::autodiff::tape::{Shape, Tape};
use crate::backend::Cpu;
use crate::error::Error;
use crate::sparse::Scalar;

pub(crate) enum Op {
    Sum {
        x: usize,
    },
    SumOfSquares {
        x: usize,
    },
    /// ‖x‖₂ of all values.
    Norm {
        x: usize,
    },
    Dot {
        x: usize,
        y: usize,
    },
    /// The value at this index.
    At {
        x: usize,
        place: usize,
    },
    Rows {
        x: usize,
    },
    Columns {
        x: usize,
    },
    /// ⟨x, y⟩ column by column.
    ColumnDots {
        x: usize,
        y: usize,
    },
}

impl Op {
    pub(super) fn reverse<T: Scalar>(&self, id: usize, up: &[T], r: &mut Reverse<'_, T>) {
        let first = up.first().copied().unwrap_or(T::ZERO);
        match *self {
            Op::Sum { x } => r.add(x, |_| first),
            Op::SumOfSquares { x } => {
                let (values, factor) = (r.value(x), first + first);
                r.add(x, |p| factor * values[p]);
            }
            Op::Norm { x } => {
                let (values, norm) = (r.value(x), r.value(id)[0]);
                // The smallest subgradient at zero.
                let factor = if norm > T::ZERO { first / norm } else { T::ZERO };
                r.add(x, |p| factor * values[p]);
            }
            Op::Dot { x, y } => {
                let (left, right) = (r.value(x), r.value(y));
                r.add(x, |p| first * right[p]);
                r.add(y, |p| first * left[p]);
            }
            Op::At { x, place } => r.zeroed(x, |g| g[place] += first),
            Op::Rows { x } => match &r.nodes[x].shape {
                Shape::Dense(_, k) => r.add(x, |p| up[p / k]),
                Shape::Sparse(pattern) => {
                    r.with(x, |g, add| {
                        by_rows(pattern, g, |i, g| {
                            let own = up[i];
                            if add {
                                g.iter_mut().for_each(|g| *g += own);
                            } else {
                                g.iter_mut().for_each(|g| *g = own);
                            }
                        });
                    });
                }
            },
            Op::Columns { x } => match &r.nodes[x].shape {
                Shape::Dense(_, k) => r.add(x, |p| up[p % k]),
                Shape::Sparse(pattern) => r.add(x, |p| up[pattern.col_idx()[p] as usize]),
            },
            Op::ColumnDots { x, y } => {
                let (left, right, k) = (r.value(x), r.value(y), up.len());
                r.add(x, |p| up[p % k] * right[p]);
                r.add(y, |p| up[p % k] * left[p]);
            }
        }
    }
}

fn number<T: Scalar>(tape: &Tape<T>, x: usize, f: impl FnOnce(&[T]) -> (T, Op)) -> Number<'_, T> {
    let id = tape.record(&[x], |nodes, _, pool| {
        let (value, op) = f(&nodes[x].value);
        let mut out = pool.take(1);
        out[0] = value;
        Ok((out, Shape::Dense(1, 1), Any::Reduce(op)))
    });
    Number::new(tape, id)
}

/// Sums of the rows or columns of a sparse or dense operand.
fn sums<T: Scalar>(tape: &Tape<T>, x: usize, of_rows: bool) -> Dense<'_, T> {
    let id = tape.record(&[x], |nodes, _, pool| {
        let (values, shape) = (&nodes[x].value, &nodes[x].shape);
        let (rows, cols) = shape.extent();
        let mut out = pool.take(if of_rows { rows } else { cols });
        if of_rows {
            let total = |row: &[T]| row.iter().fold(T::ZERO, |sum, &v| sum + v);
            match shape {
                Shape::Dense(_, k) => parts(&mut out, |first, out| {
                    let rows = values[first * k..].chunks_exact((*k).max(1));
                    out.iter_mut().zip(rows).for_each(|(out, row)| *out = total(row));
                }),
                Shape::Sparse(pattern) => parts(&mut out, |first, out| {
                    let bounds = pattern.row_ptr()[first..=first + out.len()].windows(2);
                    let rows = bounds.map(|b| &values[b[0] as usize..b[1] as usize]);
                    out.iter_mut().zip(rows).for_each(|(out, row)| *out = total(row));
                }),
            }
        } else {
            out.fill(T::ZERO);
            match shape {
                Shape::Dense(_, k) => {
                    let rows = values.chunks_exact((*k).max(1));
                    rows.for_each(|row| out.iter_mut().zip(row).for_each(|(o, &v)| *o += v));
                }
                Shape::Sparse(pattern) => {
                    pattern.col_idx().iter().zip(values.iter()).for_each(|(&j, &v)| out[j as usize] += v);
                }
            }
        }
        let shape = Shape::Dense(out.len(), 1);
        Ok((out, shape, Any::Reduce(if of_rows { Op::Rows { x } } else { Op::Columns { x } })))
    });
    Dense::new(tape, id)
}

macro_rules! reductions {
    ($type:ident) => {
        impl<'t, T: Scalar> $type<'t, T> {
            /// The sum of all values.
            pub fn sum(self) -> Number<'t, T> {
                let x = self.id();
                number(self.tape(), x, |v| (sum(v.len(), |p| v[p]), Op::Sum { x }))
            }

            /// The mean of all values (stored ones of a sparse matrix).
            pub fn mean(self) -> Number<'t, T> {
                let count = self.shape().map_or(1, |s| s.length()).max(1);
                self.sum() * T::from_f64(1.0 / count as f64)
            }

            /// Σ x², the square of the [`norm`](Self::norm).
            pub fn frobenius_squared(self) -> Number<'t, T> {
                let x = self.id();
                number(self.tape(), x, |v| (sum(v.len(), |p| v[p] * v[p]), Op::SumOfSquares { x }))
            }

            /// The square root of the sum of squares: the Euclidean norm of a vector, the Frobenius
            /// norm of a matrix. Its gradient at zero is taken as zero.
            pub fn norm(self) -> Number<'t, T> {
                let x = self.id();
                number(self.tape(), x, |v| (sum(v.len(), |p| v[p] * v[p]).root(), Op::Norm { x }))
            }

            /// The largest value (stored one of a sparse matrix); the gradient goes to the first of the
            /// largest values.
            pub fn max(self) -> Number<'t, T> {
                let x = self.id();
                if self.shape().is_some_and(|s| s.length() == 0) {
                    let error = Error::dimension("the maximum of no values");
                    return Number::new(self.tape(), self.tape().fail(error));
                }
                number(self.tape(), x, |v| {
                    let place = (0..v.len()).fold(0, |best, p| if v[p] > v[best] { p } else { best });
                    (v[place], Op::At { x, place })
                })
            }

            /// The sums of the rows, a vector.
            pub fn row_sums(self) -> Dense<'t, T> {
                sums(self.tape(), self.id(), true)
            }

            /// The sums of the columns, a vector.
            pub fn column_sums(self) -> Dense<'t, T> {
                sums(self.tape(), self.id(), false)
            }

            /// ⟨x, y⟩ = Σ x y over all values of two operands of the same shape.
            pub fn dot(self, other: Self) -> Number<'t, T> {
                let (tape, x, y) = (self.tape(), self.id(), self.other(&other));
                let id = tape.record(&[x, y], |nodes, _, pool| {
                    let (left, right) = (&nodes[x].value, &nodes[y].value);
                    let (of_x, of_y) = (&nodes[x].shape, &nodes[y].shape);
                    let alike = match (of_x, of_y) {
                        (Shape::Sparse(p), Shape::Sparse(q)) => std::sync::Arc::ptr_eq(p, q) || p == q,
                        _ => of_x.extent() == of_y.extent(),
                    };
                    if !alike {
                        return Err(Error::dimension(format!("the scalar product of {of_x} and {of_y}")));
                    }
                    let mut out = pool.take(1);
                    out[0] = sum(left.len(), |p| left[p] * right[p]);
                    Ok((out, Shape::Dense(1, 1), Any::Reduce(Op::Dot { x, y })))
                });
                Number::new(tape, id)
            }
        }
    };
}
reductions!(Sparse);
reductions!(Dense);

impl<'t, T: Scalar> Sparse<'t, T> {
    /// The sum of the diagonal.
    pub fn trace(self) -> Number<'t, T> {
        self.diagonal().sum()
    }
}

impl<'t, T: Scalar> Dense<'t, T> {
    /// √⟨x, A x⟩, the norm of a symmetric positive definite A.
    pub fn weighted_norm(self, a: Sparse<'t, T>) -> Number<'t, T> {
        self.dot(a * self).sqrt()
    }

    /// ⟨x, y⟩ for every column of two blocks of the same shape, a vector.
    pub fn column_dots(self, other: Self) -> Self {
        let (tape, x, y) = (self.tape(), self.id(), self.other(&other));
        let id = tape.record(&[x, y], |nodes, _, pool| {
            let (_, k) = nodes[x].shape.extent();
            if nodes[x].shape.extent() != nodes[y].shape.extent() {
                let (left, right) = (&nodes[x].shape, &nodes[y].shape);
                return Err(Error::dimension(format!(
                    "the scalar products of the columns of {left} and {right}"
                )));
            }
            let mut out = pool.take(k);
            Cpu.column_dots(&nodes[x].value, &nodes[y].value, &mut out);
            Ok((out, Shape::Dense(k, 1), Any::Reduce(Op::ColumnDots { x, y })))
        });
        Self::new(tape, id)
    }

    /// One value of a block as a number, rows and columns counted from 0.
    pub fn at(self, row: usize, column: usize) -> Number<'t, T> {
        let (rows, cols) = self.extent();
        if row >= rows || column >= cols {
            let text = format!("no row {}, column {} in a {rows} × {cols} block", row + 1, column + 1);
            return Number::new(self.tape(), self.tape().fail(Error::invalid_input(text)));
        }
        let (x, place) = (self.id(), row * cols + column);
        number(self.tape(), x, |v| (v[place], Op::At { x, place }))
    }
}
