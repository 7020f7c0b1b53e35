//! Products and arrangements of dense blocks, as networks need them.

use crate::backend::vectorised;
use crate::error::Error;
use crate::expression::handle::{Dense, Handle};
use crate::expression::kernels::each;
use crate::expression::ops::Op as Any;
use crate::expression::reverse::Reverse;
use crate::expression::tape::Shape;
use crate::sparse::Scalar;

pub(crate) enum Op {
    /// X Y.
    Product {
        x: usize,
        y: usize,
    },
    Transpose {
        x: usize,
    },
    /// X with the vector b added to every row.
    Bias {
        x: usize,
        b: usize,
    },
    /// [X Y].
    Beside {
        x: usize,
        y: usize,
    },
    /// Columns from `first` on, as many as the result has.
    Columns {
        x: usize,
        first: usize,
        width: usize,
    },
}

/// C ← A B for row-major A (n × m) and B (m × l), or with their transposes: element (i, q) of A is
/// `a[i * a_step.0 + q * a_step.1]`.
fn product<T: Scalar>(
    (n, m, l): (usize, usize, usize),
    a: &[T],
    a_step: (usize, usize),
    b: &[T],
    b_step: (usize, usize),
    c: &mut [T],
) {
    vectorised(
        #[inline(always)]
        || {
            for i in 0..n {
                let row = &mut c[i * l..(i + 1) * l];
                row.fill(T::ZERO);
                for q in 0..m {
                    let v = a[i * a_step.0 + q * a_step.1];
                    if b_step.1 == 1 {
                        let other = &b[q * b_step.0..q * b_step.0 + l];
                        row.iter_mut().zip(other).for_each(|(c, &b)| *c += v * b);
                    } else {
                        let other = b[q * b_step.0..].iter().step_by(b_step.1);
                        row.iter_mut().zip(other).for_each(|(c, &b)| *c += v * b);
                    }
                }
            }
        },
    );
}

impl Op {
    pub(super) fn reverse<T: Scalar>(&self, up: &[T], r: &mut Reverse<'_, T>) {
        match *self {
            Op::Product { x, y } => {
                let ((n, m), (_, l)) = (r.extent(x), r.extent(y));
                let (left, right) = (r.value(x), r.value(y));
                // X̄ = C̄ Yᵀ and Ȳ = Xᵀ C̄.
                r.sum(x, |g| product((n, l, m), up, (l, 1), right, (1, l), g));
                r.sum(y, |g| product((m, n, l), left, (1, m), up, (l, 1), g));
            }
            Op::Transpose { x } => {
                let (rows, cols) = r.extent(x);
                r.add(x, |p| up[(p % cols) * rows + p / cols]);
            }
            Op::Bias { x, b } => {
                let width = r.value(b).len();
                r.add(x, |p| up[p]);
                r.zeroed(b, |g| {
                    let rows = up.chunks_exact(width.max(1));
                    rows.for_each(|row| g.iter_mut().zip(row).for_each(|(g, &u)| *g += u));
                });
            }
            Op::Beside { x, y } => {
                let (left, right) = (r.extent(x).1, r.extent(y).1);
                let width = left + right;
                r.add(x, |p| up[p / left * width + p % left]);
                r.add(y, |p| up[p / right * width + left + p % right]);
            }
            Op::Columns { x, first, width } => {
                let whole = r.extent(x).1;
                r.zeroed(x, |g| {
                    let rows = g.chunks_exact_mut(whole.max(1)).zip(up.chunks_exact(width.max(1)));
                    rows.for_each(|(g, u)| g[first..].iter_mut().zip(u).for_each(|(g, &u)| *g += u));
                });
            }
        }
    }
}

impl<'t, T: Scalar> Dense<'t, T> {
    /// The dense product X Y of an n × m and an m × l block.
    pub fn times(self, y: Self) -> Self {
        let (tape, x, y) = (self.tape(), self.id(), y.id());
        let id = tape.record(&[x, y], |nodes, _, pool| {
            let ((n, m), (rows, l)) = (nodes[x].shape.extent(), nodes[y].shape.extent());
            if m != rows {
                return Err(Error::dimension(format!("{} times {}", nodes[x].shape, nodes[y].shape)));
            }
            let mut out = pool.take(n * l);
            product((n, m, l), &nodes[x].value, (m, 1), &nodes[y].value, (l, 1), &mut out);
            Ok((out, Shape::Dense(n, l), Any::Dense(Op::Product { x, y })))
        });
        Self::new(tape, id)
    }

    /// Xᵀ.
    pub fn transpose(self) -> Self {
        let (tape, x) = (self.tape(), self.id());
        let id = tape.record(&[x], |nodes, _, pool| {
            let (rows, cols) = nodes[x].shape.extent();
            let from = &nodes[x].value;
            let mut out = pool.take(rows * cols);
            each(&mut out, |p| from[(p % rows) * cols + p / rows]);
            Ok((out, Shape::Dense(cols, rows), Any::Dense(Op::Transpose { x })))
        });
        Self::new(tape, id)
    }

    /// X with the vector `bias` (one value per column) added to every row.
    pub fn add_to_rows(self, bias: Self) -> Self {
        let (tape, x, b) = (self.tape(), self.id(), bias.id());
        let id = tape.record(&[x, b], |nodes, _, pool| {
            let (rows, cols) = nodes[x].shape.extent();
            if nodes[b].value.len() != cols {
                return Err(Error::dimension(format!(
                    "{} plus {} in every row",
                    nodes[x].shape, nodes[b].shape
                )));
            }
            let (from, bias) = (&nodes[x].value, &nodes[b].value);
            let mut out = pool.take(rows * cols);
            each(&mut out, |p| from[p] + bias[p % cols]);
            Ok((out, Shape::Dense(rows, cols), Any::Dense(Op::Bias { x, b })))
        });
        Self::new(tape, id)
    }

    /// [X Y], two blocks side by side.
    pub fn beside(self, y: Self) -> Self {
        let (tape, x, y) = (self.tape(), self.id(), y.id());
        let id = tape.record(&[x, y], |nodes, _, pool| {
            let ((n, left), (m, right)) = (nodes[x].shape.extent(), nodes[y].shape.extent());
            if n != m {
                return Err(Error::dimension(format!("{} beside {}", nodes[x].shape, nodes[y].shape)));
            }
            let width = left + right;
            let mut out = pool.take(n * width);
            let (a, b) = (&nodes[x].value, &nodes[y].value);
            for (i, row) in out.chunks_exact_mut(width.max(1)).enumerate() {
                row[..left].copy_from_slice(&a[i * left..(i + 1) * left]);
                row[left..].copy_from_slice(&b[i * right..(i + 1) * right]);
            }
            Ok((out, Shape::Dense(n, width), Any::Dense(Op::Beside { x, y })))
        });
        Self::new(tape, id)
    }

    /// `width` columns from column `first` (counted from 0) on.
    pub fn columns(self, first: usize, width: usize) -> Self {
        let (tape, x) = (self.tape(), self.id());
        let id = tape.record(&[x], |nodes, _, pool| {
            let (rows, cols) = nodes[x].shape.extent();
            if width == 0 || first + width > cols {
                let text = format!("columns {} to {} of {}", first + 1, first + width, nodes[x].shape);
                return Err(Error::dimension(text));
            }
            let mut out = pool.take(rows * width);
            let pairs = out.chunks_exact_mut(width).zip(nodes[x].value.chunks_exact(cols));
            pairs.for_each(|(out, row)| out.copy_from_slice(&row[first..first + width]));
            Ok((out, Shape::Dense(rows, width), Any::Dense(Op::Columns { x, first, width })))
        });
        Self::new(tape, id)
    }
}
