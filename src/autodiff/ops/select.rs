//! Selections: parts of sparse matrices, block matrices, and values in another shape.

use std::sync::Arc;

use super::elementwise::same;
use crate::autodiff::handle::{Dense, Handle, Sparse};
use crate::autodiff::kernels::each;
use crate::autodiff::ops::Op as Any;
use crate::autodiff::plans::{Assembly, NONE, Part, Selection, Union};
use crate::autodiff::reverse::Reverse;
use crate::autodiff::tape::{Node, Shape, Tape};
use crate::error::{Error, Result};
use crate::sparse::{Pattern, Scalar};

pub(crate) enum Op {
    /// Entries of x selected by a plan.
    Part { x: usize, plan: Arc<Selection> },
    /// Products of the common entries.
    Common { x: usize, y: usize, plan: Arc<Union> },
    /// The entries of several matrices, each with their places in the result.
    Blocks { operands: Vec<usize>, plan: Arc<Assembly> },
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
            // A permutation sets every value.
            Op::Part { x, plan } if plan.permutes => {
                r.with(*x, |g, add| {
                    for (&p, &u) in plan.source.iter().zip(up) {
                        let g = &mut g[p as usize];
                        *g = if add { *g + u } else { u };
                    }
                });
            }
            Op::Part { x, plan } => r.with(*x, |g, add| {
                if add {
                    return scatter(&plan.source, g);
                }
                // From left to right, with zeros between, as far as the entries come in order.
                let mut next = 0;
                let pairs = plan.source.iter().zip(up).filter(|(p, _)| **p != NONE);
                for (&p, &u) in pairs {
                    let p = p as usize;
                    if p >= next {
                        g[next..p].iter_mut().for_each(|g| *g = T::ZERO);
                        g[p] = u;
                        next = p + 1;
                    } else {
                        g[p] += u;
                    }
                }
                g[next..].fill(T::ZERO);
            }),
            Op::Common { x, y, plan } => {
                let (a, b) = (r.value(*x), r.value(*y));
                let places = || plan.of_a.iter().zip(&plan.of_b).map(|(&p, &q)| (p as usize, q as usize));
                r.zeroed(*x, |g| places().zip(up).for_each(|((p, q), &u)| g[p] += u * b[q]));
                r.zeroed(*y, |g| places().zip(up).for_each(|((p, q), &u)| g[q] += u * a[p]));
            }
            Op::Blocks { operands, plan } => {
                for (x, places) in operands.iter().zip(&plan.places) {
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

/// Checks that these rows and columns exist, and that no column is repeated.
fn check(shape: &Shape, rows: &[usize], columns: &[usize]) -> Result<()> {
    let (height, width) = shape.extent();
    let mut named = vec![false; width];
    for (list, count, what) in [(rows, height, "row"), (columns, width, "column")] {
        if let Some(i) = list.iter().find(|&&i| i >= count) {
            return Err(Error::invalid_input(format!("no {what} {} in {shape}", i + 1)));
        }
    }
    if let Some(j) = columns.iter().find(|&&j| std::mem::replace(&mut named[j], true)) {
        return Err(Error::invalid_input(format!("column {} is named twice in a submatrix", j + 1)));
    }
    Ok(())
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

    /// The submatrix of these rows and columns (counted from 0), in the given order. No column may be
    /// repeated.
    pub fn submatrix(self, rows: &[usize], columns: &[usize]) -> Self {
        let (tape, x) = (self.tape(), self.id());
        let id = tape.record(&[x], |nodes, plans, pool| {
            let pattern = pattern_of(&nodes[x]);
            let plan = plans.submatrix(pattern, rows, columns, || check(&nodes[x].shape, rows, columns))?;
            let mut out = pool.take(plan.source.len());
            gather(&plan.source, &nodes[x].value, &mut out);
            let shape = plan.pattern.clone().map_or(Shape::Dense(0, 1), Shape::Sparse);
            Ok((out, shape, Any::Select(Op::Part { x, plan })))
        });
        Self::new(tape, id)
    }

    /// The products of the common entries.
    pub(super) fn common_product(self, b: Self) -> Self {
        let (tape, x, y) = (self.tape(), self.id(), self.other(&b));
        let id = tape.record(&[x, y], |nodes, plans, pool| {
            if nodes[x].shape.extent() != nodes[y].shape.extent() {
                let (left, right) = (&nodes[x].shape, &nodes[y].shape);
                return Err(Error::dimension(format!("{left} times {right}, entry by entry")));
            }
            let plan = plans.common(pattern_of(&nodes[x]), pattern_of(&nodes[y]));
            let (a, b) = (&nodes[x].value, &nodes[y].value);
            let (of_a, of_b) = (&plan.of_a, &plan.of_b);
            let mut out = pool.take(of_a.len());
            each(&mut out, |q| a[of_a[q] as usize] * b[of_b[q] as usize]);
            Ok((out, Shape::Sparse(plan.pattern.clone()), Any::Select(Op::Common { x, y, plan })))
        });
        Self::new(tape, id)
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

fn vector_on(shape: &Shape, pattern: &Arc<Pattern>) -> Result<Shape> {
    match shape {
        Shape::Dense(n, 1) if *n == pattern.nnz() => Ok(Shape::Sparse(pattern.clone())),
        shape => Err(Error::dimension(format!("{shape} as the values of {} entries", pattern.nnz()))),
    }
}

impl<T: Scalar> Tape<T> {
    /// A block matrix, row of blocks by row of blocks, such as `[&[a, b], &[c, d]]`. All blocks of a row must
    /// have the same number of rows, all blocks of a column the same number of columns.
    pub fn assemble<'t>(&'t self, blocks: &[&[Sparse<'t, T>]]) -> Sparse<'t, T> {
        let operands: Vec<usize> = blocks.iter().flat_map(|row| row.iter().map(|b| self.place(b))).collect();
        let width = blocks.first().map_or(0, |row| row.len());
        let id = self.record(&operands, |nodes, plans, pool| {
            let patterns: Vec<&Arc<Pattern>> = operands.iter().map(|&q| pattern_of(&nodes[q])).collect();
            if width == 0 || blocks.iter().any(|row| row.len() != width) {
                return Err(Error::dimension("rows of blocks must be equally long and not empty"));
            }
            let plan = plans.assembly(&patterns, width, || assembly(&patterns, width))?;
            let mut out = pool.take(plan.pattern.nnz());
            for (&q, places) in operands.iter().zip(&plan.places) {
                places.iter().zip(nodes[q].value.iter()).for_each(|(&p, &v)| out[p as usize] = v);
            }
            let shape = Shape::Sparse(plan.pattern.clone());
            Ok((out, shape, Any::Select(Op::Blocks { operands: operands.clone(), plan })))
        });
        Sparse::new(self, id)
    }
}

/// The places of the entries of blocks, `width` blocks per row of blocks.
fn assembly(patterns: &[&Arc<Pattern>], width: usize) -> Result<Assembly> {
    let rows: Vec<&[&Arc<Pattern>]> = patterns.chunks_exact(width).collect();
    let heights: Vec<usize> = rows.iter().map(|row| row[0].rows()).collect();
    let widths: Vec<usize> = rows[0].iter().map(|p| p.cols()).collect();
    for (row, &height) in rows.iter().zip(&heights) {
        for (p, &width) in row.iter().zip(&widths) {
            let (rows, cols) = (p.rows(), p.cols());
            if (rows, cols) != (height, width) {
                let what = format!("a {rows} × {cols} block, but its place requires {height} × {width}");
                return Err(Error::dimension(what));
            }
        }
    }
    let mut places: Vec<Vec<u32>> = patterns.iter().map(|p| Vec::with_capacity(p.nnz())).collect();
    let (mut row_ptr, mut columns) = (vec![0u32], Vec::new());
    for ((row, places), &height) in rows.iter().zip(places.chunks_exact_mut(width)).zip(&heights) {
        for i in 0..height {
            let mut first = 0;
            for ((pattern, places), &width) in row.iter().zip(&mut *places).zip(&widths) {
                for &j in pattern.row_cols(i) {
                    places.push(columns.len() as u32);
                    columns.push(first + j);
                }
                first += width as u32;
            }
            row_ptr.push(columns.len() as u32);
        }
    }
    let pattern = Pattern::from_parts(heights.iter().sum(), widths.iter().sum(), row_ptr, columns);
    Ok(Assembly { pattern: Arc::new(pattern), places })
}
