//! Products and arrangements of dense blocks, for networks.

use crate::autodiff::handle::{Dense, Handle};
use crate::autodiff::kernels::each;
use crate::autodiff::ops::Op as Any;
use crate::autodiff::reverse::Reverse;
use crate::autodiff::tape::Shape;
use crate::backend::vectorised;
use crate::error::Error;
use crate::parallel;
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
    /// Columns from `first` on; their number is that of the result.
    Columns {
        x: usize,
        first: usize,
        width: usize,
    },
}

/// The number of multiplications below which a product stays on one thread.
const PARALLEL: usize = 1 << 17;
/// Rows per task.
const ROWS: usize = 512;
/// Rows per partial sum.
const BLOCK: usize = 4096;

/// Calls `body` with `$L` a constant for usual widths.
macro_rules! with_width {
    ($l:expr, $body:ident($($argument:expr),*)) => {
        match $l {
            1 => $body::<T, 1>($($argument),*),
            4 => $body::<T, 4>($($argument),*),
            8 => $body::<T, 8>($($argument),*),
            16 => $body::<T, 16>($($argument),*),
            32 => $body::<T, 32>($($argument),*),
            _ => $body::<T, 0>($($argument),*),
        }
    };
}

/// C ← A B for row-major A (n × m) and B (m × l).
fn product<T: Scalar>((n, m, l): (usize, usize, usize), a: &[T], b: &[T], c: &mut [T]) {
    if n == 0 || l == 0 {
        return;
    }
    if m == 0 {
        return c.fill(T::ZERO);
    }
    let rows: &(dyn Fn(usize, &mut [T]) + Sync) = &|first, c| {
        let a = &a[first * m..first * m + c.len() / l * m];
        with_width!(l, rows_times(a, m, b, l, c));
    };
    if n * m * l < PARALLEL || parallel::threads() == 1 {
        return rows(0, c);
    }
    parallel::for_each(c.chunks_mut(ROWS * l).enumerate(), &|(q, c)| rows(q * ROWS, c));
}

/// Rows of A times B, with `L` columns, or `l` if `L` is 0.
#[inline(always)]
fn rows_times<T: Scalar, const L: usize>(a: &[T], m: usize, b: &[T], l: usize, c: &mut [T]) {
    vectorised(
        #[inline(always)]
        || {
            if L == 0 {
                for (row, a) in c.chunks_exact_mut(l).zip(a.chunks_exact(m)) {
                    row.fill(T::ZERO);
                    for (&v, b) in a.iter().zip(b.chunks_exact(l)) {
                        row.iter_mut().zip(b).for_each(|(c, &b)| *c += v * b);
                    }
                }
                return;
            }
            for (row, a) in c.chunks_exact_mut(L).zip(a.chunks_exact(m)) {
                let mut sum = [T::ZERO; L];
                for (&v, b) in a.iter().zip(b.chunks_exact(L)) {
                    for q in 0..L {
                        sum[q] += v * b[q];
                    }
                }
                row.copy_from_slice(&sum);
            }
        },
    );
}

/// C ← Aᵀ B for row-major A (n × m) and B (n × l): sums of blocks of rows, in their order.
/// `scratch` is as long as C.
fn product_transposed<T: Scalar>(
    (n, m, l): (usize, usize, usize),
    a: &[T],
    b: &[T],
    scratch: &mut [T],
    c: &mut [T],
) {
    c.fill(T::ZERO);
    if n == 0 || m == 0 || l == 0 {
        return;
    }
    let block: &(dyn Fn(usize, &mut [T]) + Sync) = &|q, c| {
        let rows = q * BLOCK..n.min((q + 1) * BLOCK);
        let (a, b) = (&a[rows.start * m..rows.end * m], &b[rows.start * l..rows.end * l]);
        with_width!(l, add_transposed(a, m, b, l, c));
    };
    let blocks = n.div_ceil(BLOCK);
    if blocks == 1 {
        return block(0, c);
    }
    if n * m * l < PARALLEL || parallel::threads() == 1 {
        for q in 0..blocks {
            scratch.fill(T::ZERO);
            block(q, scratch);
            c.iter_mut().zip(&*scratch).for_each(|(c, &p)| *c += p);
        }
        return;
    }
    let parts = parallel::map(0..blocks, &|q| {
        let mut part = vec![T::ZERO; m * l];
        block(q, &mut part);
        part
    });
    for part in parts {
        c.iter_mut().zip(&part).for_each(|(c, &p)| *c += p);
    }
}

/// C ← C + Aᵀ B with `L` columns, or `l` if `L` is 0.
#[inline(always)]
fn add_transposed<T: Scalar, const L: usize>(a: &[T], m: usize, b: &[T], l: usize, c: &mut [T]) {
    let l = if L == 0 { l } else { L };
    vectorised(
        #[inline(always)]
        || {
            for (a, b) in a.chunks_exact(m).zip(b.chunks_exact(l)) {
                for (row, &v) in c.chunks_exact_mut(l).zip(a) {
                    row.iter_mut().zip(b).for_each(|(c, &b)| *c += v * b);
                }
            }
        },
    );
}

impl Op {
    /// As for [`Any`].
    pub(super) fn passes_to(&self) -> Option<usize> {
        match *self {
            Op::Bias { x, .. } => Some(x),
            _ => None,
        }
    }

    pub(super) fn reverse<T: Scalar>(&self, up: &[T], r: &mut Reverse<'_, T>) {
        match *self {
            Op::Product { x, y } => {
                let ((n, m), (_, l)) = (r.extent(x), r.extent(y));
                let (left, right) = (r.value(x), r.value(y));
                // X̄ = C̄ Yᵀ and Ȳ = Xᵀ C̄.
                let mut flipped = r.pool.take(m * l);
                each(&mut flipped, |p| right[p % m * l + p / m]);
                r.sum(x, |g| product((n, l, m), up, &flipped, g));
                r.pool.put(flipped);
                let mut part = r.pool.take(m * l);
                r.sum(y, |g| product_transposed((n, m, l), left, up, &mut part, g));
                r.pool.put(part);
            }
            Op::Transpose { x } => {
                let (rows, cols) = r.extent(x);
                r.add(x, |p| up[(p % cols) * rows + p / cols]);
            }
            Op::Bias { b, .. } => {
                let width = r.value(b).len();
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
        let (tape, x, y) = (self.tape(), self.id(), self.other(&y));
        let id = tape.record(&[x, y], |nodes, _, pool| {
            let ((n, m), (rows, l)) = (nodes[x].shape.extent(), nodes[y].shape.extent());
            if m != rows {
                return Err(Error::dimension(format!("{} times {}", nodes[x].shape, nodes[y].shape)));
            }
            let mut out = pool.take(n * l);
            product((n, m, l), &nodes[x].value, &nodes[y].value, &mut out);
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
        let (tape, x, b) = (self.tape(), self.id(), self.other(&bias));
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
        let (tape, x, y) = (self.tape(), self.id(), self.other(&y));
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
            if width == 0 || first.checked_add(width).is_none_or(|last| last > cols) {
                let text = format!("{width} columns behind the first {first} of {}", nodes[x].shape);
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
