//! Gathering of rows along a list, and their sums: nodes to edges and back.

use std::sync::Arc;

use crate::autodiff::handle::{Dense, Handle};
use crate::autodiff::ops::Op as Any;
use crate::autodiff::reverse::Reverse;
use crate::autodiff::tape::Shape;
use crate::error::Error;
use crate::parallel;
use crate::sparse::Scalar;

pub(crate) enum Op {
    /// Row e of the result is row list(e).
    Gather { x: usize, list: Arc<[u32]> },
    /// Row list(e) of the result is the sum of these rows e.
    Scatter { x: usize, list: Arc<[u32]> },
}

/// The number of values above which several threads gather rows, and rows per task.
const PARALLEL: usize = 1 << 16;
const ROWS: usize = 1 << 12;

/// Calls `body` with `$K` a constant for usual widths, so that copying a row is not a function call.
macro_rules! with_width {
    ($k:expr, $body:ident($($argument:expr),*)) => {
        match $k {
            1 => $body::<T, 1>($($argument),*),
            2 => $body::<T, 2>($($argument),*),
            4 => $body::<T, 4>($($argument),*),
            8 => $body::<T, 8>($($argument),*),
            16 => $body::<T, 16>($($argument),*),
            _ => $body::<T, 0>($($argument),*),
        }
    };
}

fn gather<T: Scalar>(list: &[u32], k: usize, from: &[T], to: &mut [T]) {
    if k == 0 {
        return;
    }
    if to.len() < PARALLEL || parallel::threads() == 1 {
        return with_width!(k, gather_rows(list, k, from, to));
    }
    let tasks = to.chunks_mut(ROWS * k).zip(list.chunks(ROWS));
    parallel::for_each(tasks, &|(to, list)| with_width!(k, gather_rows(list, k, from, to)));
}

fn gather_rows<T: Scalar, const K: usize>(list: &[u32], k: usize, from: &[T], to: &mut [T]) {
    let k = if K == 0 { k } else { K };
    for (row, &i) in to.chunks_exact_mut(k).zip(list) {
        row.copy_from_slice(&from[i as usize * k..i as usize * k + k]);
    }
}

fn scatter<T: Scalar>(list: &[u32], k: usize, from: &[T], to: &mut [T]) {
    if k > 0 {
        with_width!(k, scatter_rows(list, k, from, to));
    }
}

fn scatter_rows<T: Scalar, const K: usize>(list: &[u32], k: usize, from: &[T], to: &mut [T]) {
    let k = if K == 0 { k } else { K };
    for (row, &i) in from.chunks_exact(k).zip(list) {
        let to = &mut to[i as usize * k..i as usize * k + k];
        to.iter_mut().zip(row).for_each(|(t, &v)| *t += v);
    }
}

impl Op {
    pub(super) fn reverse<T: Scalar>(&self, up: &[T], r: &mut Reverse<'_, T>) {
        match self {
            Op::Gather { x, list } => {
                let k = r.extent(*x).1;
                r.zeroed(*x, |g| scatter(list, k, up, g));
            }
            Op::Scatter { x, list } => {
                let k = r.extent(*x).1;
                r.sum(*x, |g| gather(list, k, up, g));
            }
        }
    }
}

impl<'t, T: Scalar> Dense<'t, T> {
    /// The block whose row e is row `list[e]` (counted from 0) of this one: values of nodes at the
    /// ends of edges.
    pub fn gather_rows(self, list: &Arc<[u32]>) -> Self {
        let (tape, x) = (self.tape(), self.id());
        let id = tape.record(&[x], |nodes, _, pool| {
            let (rows, k) = nodes[x].shape.extent();
            if let Some(i) = list.iter().find(|&&i| i as usize >= rows) {
                return Err(Error::invalid_input(format!("no row {} in {}", i + 1, nodes[x].shape)));
            }
            let mut out = pool.take(list.len() * k);
            gather(list, k, &nodes[x].value, &mut out);
            Ok((out, Shape::Dense(list.len(), k), Any::Edges(Op::Gather { x, list: list.clone() })))
        });
        Self::new(tape, id)
    }

    /// The block of `rows` rows whose row i is the sum of the rows e with `list[e]` = i: values of
    /// edges added up at nodes.
    pub fn scatter_rows(self, list: &Arc<[u32]>, rows: usize) -> Self {
        let (tape, x) = (self.tape(), self.id());
        let id = tape.record(&[x], |nodes, _, pool| {
            let (height, k) = nodes[x].shape.extent();
            if height != list.len() || list.iter().any(|&i| i as usize >= rows) {
                let text = format!("{} along a list of {} onto {rows} rows", nodes[x].shape, list.len());
                return Err(Error::dimension(text));
            }
            let mut out = pool.take(rows * k);
            out.fill(T::ZERO);
            scatter(list, k, &nodes[x].value, &mut out);
            Ok((out, Shape::Dense(rows, k), Any::Edges(Op::Scatter { x, list: list.clone() })))
        });
        Self::new(tape, id)
    }
}
