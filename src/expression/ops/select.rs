//! Parts of sparse matrices, matrices made of parts, and the same values in another shape.

use std::sync::Arc;

use super::elementwise::same;
use crate::error::Error;
use crate::expression::handle::{Dense, Handle, Sparse};
use crate::expression::kernels::each;
use crate::expression::ops::Op as Any;
use crate::expression::plans::{NONE, Part, Selection, submatrix};
use crate::expression::reverse::Reverse;
use crate::expression::tape::{Node, Shape, Tape};
use crate::sparse::{Pattern, Scalar};

pub(crate) enum Op {
    /// Entries of x by a plan.
    Part { x: usize, plan: Arc<Selection> },
    /// One half of a plan for two matrices.
    Common { x: usize, plan: Arc<(Selection, Selection)>, right: bool },
    /// The entries of several matrices, each with its places in the result.
    Blocks { parts: Vec<(usize, Vec<u32>)> },
}

fn gather<T: Scalar>(source: &[u32], from: &[T], out: &mut [T]) {
    each(out, |q| if source[q] == NONE { T::ZERO } else { from[source[q] as usize] });
}

impl Op {
    pub(super) fn reverse<T: Scalar>(&self, up: &[T], r: &mut Reverse<'_, T>) {
        let scatter = |source: &[u32], g: &mut [T]| {
            for (&p, &u) in source.iter().zip(up).filter(|(p, _)| **p != NONE) {
                g[p as usize] += u;
            }
        };
        match self {
            Op::Part { x, plan } => r.zeroed(*x, |g| scatter(&plan.source, g)),
            Op::Common { x, plan, right } => {
                let selection = if *right { &plan.1 } else { &plan.0 };
                r.zeroed(*x, |g| scatter(&selection.source, g));
            }
            Op::Blocks { parts } => {
                for (x, places) in parts {
                    r.add(*x, |p| up[places[p] as usize]);
                }
            }
        }
    }
}

fn pattern_of<T: Scalar>(node: &Node<T>) -> &Arc<Pattern> {
    match &node.shape {
        Shape::Sparse(pattern) => pattern,
        Shape::Dense(..) => unreachable!("a sparse handle"),
    }
}

fn part<T: Scalar>(tape: &Tape<T>, x: usize, what: Part) -> usize {
    tape.record(&[x], |nodes, plans, pool| {
        let plan = plans.part(pattern_of(&nodes[x]), what);
        let mut out = pool.take(plan.source.len());
        gather(&plan.source, &nodes[x].value, &mut out);
        let shape = plan.pattern.clone().map_or(Shape::Dense(out.len(), 1), Shape::Sparse);
        Ok((out, shape, Any::Select(Op::Part { x, plan })))
    })
}

impl<'t, T: Scalar> Sparse<'t, T> {
    /// Aᵀ. For Aᵀ X see [`transposed_times`](Self::transposed_times), which is cheaper.
    pub fn transpose(self) -> Self {
        Self::new(self.tape(), part(self.tape(), self.id(), Part::Transpose))
    }

    /// The diagonal as a vector, zero where nothing is stored.
    pub fn diagonal(self) -> Dense<'t, T> {
        Dense::new(self.tape(), part(self.tape(), self.id(), Part::Diagonal))
    }

    /// The entries (i, j) with j − i ≤ `shift`: 0 for the lower triangle with its diagonal.
    pub fn tril(self, shift: i64) -> Self {
        Self::new(self.tape(), part(self.tape(), self.id(), Part::Lower(shift)))
    }

    /// The entries (i, j) with j − i ≥ `shift`: 0 for the upper triangle with its diagonal.
    pub fn triu(self, shift: i64) -> Self {
        Self::new(self.tape(), part(self.tape(), self.id(), Part::Upper(shift)))
    }

    /// The matrix of these rows and columns (counted from 0), in the order given. No column may be
    /// named twice.
    pub fn submatrix(self, rows: &[usize], columns: &[usize]) -> Self {
        let (tape, x) = (self.tape(), self.id());
        let id = tape.record(&[x], |nodes, _, pool| {
            let pattern = pattern_of(&nodes[x]);
            let mut named = vec![false; pattern.cols()];
            for (list, count, what) in [(rows, pattern.rows(), "row"), (columns, pattern.cols(), "column")] {
                if let Some(i) = list.iter().find(|&&i| i >= count) {
                    return Err(Error::invalid_input(format!("no {what} {} in {}", i + 1, nodes[x].shape)));
                }
            }
            if let Some(j) = columns.iter().find(|&&j| std::mem::replace(&mut named[j], true)) {
                return Err(Error::invalid_input(format!("column {} is named twice in a submatrix", j + 1)));
            }
            let plan = Arc::new(submatrix(pattern, rows, columns));
            let mut out = pool.take(plan.source.len());
            gather(&plan.source, &nodes[x].value, &mut out);
            let shape = plan.pattern.clone().map_or(Shape::Dense(0, 1), Shape::Sparse);
            Ok((out, shape, Any::Select(Op::Part { x, plan })))
        });
        Self::new(tape, id)
    }

    /// Both matrices on the entries that both have.
    pub(super) fn common(self, b: Self) -> (Self, Self) {
        let tape = self.tape();
        let half = |right: bool| {
            let (x, other) = (self.id(), b.id());
            let id = tape.record(&[x, other], |nodes, plans, pool| {
                if nodes[x].shape.extent() != nodes[other].shape.extent() {
                    let (left, right) = (&nodes[x].shape, &nodes[other].shape);
                    return Err(Error::dimension(format!("{left} times {right}, entry by entry")));
                }
                let plan = plans.common(pattern_of(&nodes[x]), pattern_of(&nodes[other]));
                let (selection, from) = if right { (&plan.1, other) } else { (&plan.0, x) };
                let mut out = pool.take(selection.source.len());
                gather(&selection.source, &nodes[from].value, &mut out);
                let shape = selection.pattern.clone().map_or(Shape::Dense(0, 1), Shape::Sparse);
                Ok((out, shape, Any::Select(Op::Common { x: from, plan, right })))
            });
            Self::new(tape, id)
        };
        (half(false), half(true))
    }

    /// The stored values as a vector, in the order of the pattern.
    pub fn entries(self) -> Dense<'t, T> {
        let shape = |s: &Shape| Ok(Shape::Dense(s.length(), 1));
        Dense::new(self.tape(), same(self.tape(), self.id(), shape))
    }
}

impl<'t, T: Scalar> Dense<'t, T> {
    /// The diagonal matrix of a vector.
    pub fn as_diagonal(self) -> Sparse<'t, T> {
        let tape = self.tape();
        let pattern = tape.plans.borrow_mut().identity(self.extent().0);
        Sparse::new(tape, same(tape, self.id(), |s| vector_on(s, &pattern)))
    }

    /// A sparse matrix on `pattern` with the values of this vector, in the order of its entries.
    pub fn on_pattern(self, pattern: &Arc<Pattern>) -> Sparse<'t, T> {
        Sparse::new(self.tape(), same(self.tape(), self.id(), |s| vector_on(s, pattern)))
    }
}

fn vector_on(shape: &Shape, pattern: &Arc<Pattern>) -> crate::error::Result<Shape> {
    match shape {
        Shape::Dense(n, 1) if *n == pattern.nnz() => Ok(Shape::Sparse(pattern.clone())),
        shape => Err(Error::dimension(format!("{shape} as the values of {} entries", pattern.nnz()))),
    }
}

impl<T: Scalar> Tape<T> {
    /// A matrix made of blocks, row of blocks by row of blocks, such as `[&[a, b], &[c, d]]`. All
    /// blocks of a row have the same number of rows, all blocks of a column the same number of columns.
    pub fn assemble<'t>(&'t self, blocks: &[&[Sparse<'t, T>]]) -> Sparse<'t, T> {
        let operands: Vec<usize> = blocks.iter().flat_map(|row| row.iter().map(Handle::id)).collect();
        let width = blocks.first().map_or(0, |row| row.len());
        let id = self.record(&operands, |nodes, _, pool| {
            if width == 0 || blocks.iter().any(|row| row.len() != width) {
                return Err(Error::dimension("rows of blocks have to be equally long and not empty"));
            }
            let extent = |b: &Sparse<'t, T>| nodes[b.id()].shape.extent();
            let heights: Vec<usize> = blocks.iter().map(|row| extent(&row[0]).0).collect();
            let widths: Vec<usize> = blocks[0].iter().map(|b| extent(b).1).collect();
            for (row, &height) in blocks.iter().zip(&heights) {
                for (b, &width) in row.iter().zip(&widths) {
                    if extent(b) != (height, width) {
                        let (rows, cols) = extent(b);
                        let what =
                            format!("a {rows} × {cols} block where a {height} × {width} one has to be");
                        return Err(Error::dimension(what));
                    }
                }
            }
            let mut parts: Vec<(usize, Vec<u32>)> = operands.iter().map(|&q| (q, Vec::new())).collect();
            let (mut row_ptr, mut columns) = (vec![0u32], Vec::new());
            for (r, (row, &height)) in blocks.iter().zip(&heights).enumerate() {
                for i in 0..height {
                    let mut first = 0;
                    for (c, (b, &width)) in row.iter().zip(&widths).enumerate() {
                        for &j in pattern_of(&nodes[b.id()]).row_cols(i) {
                            parts[r * row.len() + c].1.push(columns.len() as u32);
                            columns.push(first + j);
                        }
                        first += width as u32;
                    }
                    row_ptr.push(columns.len() as u32);
                }
            }
            let mut out = pool.take(columns.len());
            for (x, places) in &parts {
                places.iter().zip(nodes[*x].value.iter()).for_each(|(&p, &v)| out[p as usize] = v);
            }
            let pattern = Pattern::from_parts(heights.iter().sum(), widths.iter().sum(), row_ptr, columns);
            Ok((out, Shape::Sparse(Arc::new(pattern)), Any::Select(Op::Blocks { parts })))
        });
        Sparse::new(self, id)
    }
}
