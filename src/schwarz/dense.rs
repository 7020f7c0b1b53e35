//! Dense LU of one local matrix, vectorised over blocks of columns.
//!
//! Rows are processed four at a time: each known part of the solution is loaded once for four rows of the
//! factor, and the sums of four rows and a panel of 4, 8 or 16 columns stay in registers. That is as fast as
//! a product with the inverse, costs a third of its setup and keeps the accuracy of the factors.

use super::columns::Columns;
use super::panel::{ROWS, first_four, four, reversed, substitute, take_off};
use crate::backend::{interleaved_dot, vectorised};
use crate::sparse::Scalar;

/// L and U of a square matrix with rows swapped. The order is padded to a multiple of four with rows of the
/// identity.
#[derive(Debug, Clone)]
pub(super) struct DenseLu<T> {
    order: usize,
    /// The padded order.
    stride: usize,
    /// Row-major; L below the diagonal, with an implicit unit diagonal.
    lu: Vec<T>,
    /// The inverse of the diagonal of U.
    inverse: Vec<T>,
    /// The original row at each place.
    source: Vec<u32>,
}

impl<T: Scalar> DenseLu<T> {
    /// Factors a sparse matrix given by rows of columns and all values; on failure returns the row (from 0)
    /// at which it is singular.
    pub fn new<'a>(order: usize, rows: impl Iterator<Item = &'a [u32]>, values: &[T]) -> Result<Self, usize> {
        let stride = order.next_multiple_of(ROWS);
        let mut lu = vec![T::ZERO; stride * stride];
        // The largest entry of every row, the scale of its pivot.
        let mut sizes = vec![T::ONE; stride];
        let mut rest = values;
        // A right-hand side with a known, rough solution.
        let known: Vec<T> = (0..order).map(|q| T::from_f64(((q as f64 + 1.0) * 1.618).sin())).collect();
        let mut product = Vec::with_capacity(order);
        for ((row, size), columns) in lu.chunks_exact_mut(stride.max(1)).zip(&mut sizes).zip(rows) {
            let (own, others) = rest.split_at(columns.len());
            rest = others;
            columns.iter().zip(own).for_each(|(&j, &v)| row[j as usize] = v);
            product.push(columns.iter().zip(own).map(|(&j, &v)| v * known[j as usize]).sum());
            *size = own.iter().fold(T::ZERO, |m, v| if v.magnitude() > m { v.magnitude() } else { m });
        }
        (order..stride).for_each(|i| lu[i * stride + i] = T::ONE);
        let source = (0..stride as u32).collect();
        let mut factors = Self { order, stride, lu, inverse: vec![T::ONE; stride], source };
        vectorised(
            #[inline(always)]
            || factors.factor(&sizes),
        )?;
        // Rounding may leave a pivot that is too large to count as zero.
        let mut x = vec![T::ZERO; order];
        factors.solve(Columns::one(&product, &mut x), false);
        let bound = if T::NAME == "f32" { 5e-2 } else { 1e-4 };
        let close = |(&x, &y): (&T, &T)| (x - y).to_f64().abs() < bound;
        if x.iter().zip(&known).all(close) { Ok(factors) } else { Err(order - 1) }
    }

    /// LU with partial pivoting in place, four columns at a time.
    #[inline(always)]
    fn factor(&mut self, sizes: &[T]) -> Result<(), usize> {
        let s = self.stride;
        let tiny = T::from_f64(8.0 * T::EPSILON);
        for k in (0..s).step_by(ROWS) {
            for c in k..k + ROWS {
                let a = &mut self.lu;
                let larger = |best: usize, i: usize| {
                    if a[i * s + c].magnitude() > a[best * s + c].magnitude() { i } else { best }
                };
                let best = (c + 1..s).fold(c, larger);
                let pivot = a[best * s + c];
                let size = sizes[self.source[best] as usize];
                if pivot.magnitude() <= tiny * size || !pivot.finite() {
                    return Err(self.source[best] as usize);
                }
                if best != c {
                    let (above, below) = a.split_at_mut(best * s);
                    above[c * s..(c + 1) * s].swap_with_slice(&mut below[..s]);
                    self.source.swap(c, best);
                }
                let inverse = T::ONE / pivot;
                self.inverse[c] = inverse;
                let (above, below) = a.split_at_mut((c + 1) * s);
                let panel = &above[c * s + c + 1..c * s + k + ROWS];
                for row in below.chunks_exact_mut(s) {
                    let factor = row[c] * inverse;
                    row[c] = factor;
                    row[c + 1..k + ROWS].iter_mut().zip(panel).for_each(|(v, &u)| *v -= factor * u);
                }
            }
            self.update(k);
        }
        Ok(())
    }

    /// Rows k to k + 3 of U right of the panel, and the update of the rows below.
    #[inline(always)]
    fn update(&mut self, k: usize) {
        let (s, next) = (self.stride, k + ROWS);
        let (above, below) = self.lu.split_at_mut(next * s);
        let (u0, rest) = above[k * s..].split_at_mut(s);
        let (u1, rest) = rest.split_at_mut(s);
        let (u2, u3) = rest.split_at_mut(s);
        for j in next..s {
            let v0 = u0[j];
            let v1 = u1[j] - u1[k] * v0;
            let v2 = u2[j] - u2[k] * v0 - u2[k + 1] * v1;
            u3[j] = u3[j] - u3[k] * v0 - u3[k + 1] * v1 - u3[k + 2] * v2;
            (u1[j], u2[j]) = (v1, v2);
        }
        let (u0, u1, u2, u3) = (&u0[next..], &u1[next..], &u2[next..], &u3[next..]);
        for row in below.chunks_exact_mut(s) {
            let (left, right) = row.split_at_mut(next);
            let [l0, l1, l2, l3] = four(left, k);
            for ((((v, &u0), &u1), &u2), &u3) in right.iter_mut().zip(u0).zip(u1).zip(u2).zip(u3) {
                *v = *v - l0 * u0 - l1 * u1 - l2 * u2 - l3 * u3;
            }
        }
    }

    /// Solves for all columns of a block: by panels of 16 (single precision), 8 or 4 columns, padded with
    /// zeros, and one column by scalar products.
    pub fn solve(&self, mut block: Columns<'_, T>, transposed: bool) {
        let widest = if size_of::<T>() == 4 { 16 } else { 8 };
        vectorised(
            #[inline(always)]
            || {
                let mut c = 0;
                while c < block.k {
                    c += match (block.k - c).min(widest) {
                        9.. => self.panel::<16>(&mut block, c, transposed),
                        5.. => self.panel::<8>(&mut block, c, transposed),
                        2.. => self.panel::<4>(&mut block, c, transposed),
                        _ => self.single(&mut block, c, transposed),
                    };
                }
            },
        );
    }

    /// Gathers up to W columns from c on into rows of constant length; returns their number.
    #[inline(always)]
    fn panel<const W: usize>(&self, block: &mut Columns<'_, T>, c: usize, transposed: bool) -> usize {
        let width = W.min(block.k - c);
        let mut x = vec![[T::ZERO; W]; self.stride];
        if transposed {
            (0..self.order).for_each(|i| block.read(i, c, &mut x[i][..width]));
            self.forward_transposed(&mut x);
            self.backward_transposed(&mut x);
            for (own, &i) in x.iter().zip(&self.source).filter(|(_, i)| (**i as usize) < self.order) {
                block.write(i as usize, c, &own[..width]);
            }
        } else {
            for (own, &i) in x.iter_mut().zip(&self.source).filter(|(_, i)| (**i as usize) < self.order) {
                block.read(i as usize, c, &mut own[..width]);
            }
            self.forward(&mut x);
            self.backward(&mut x);
            (0..self.order).for_each(|i| block.write(i, c, &x[i][..width]));
        }
        width
    }

    /// x ← L⁻¹ x.
    #[inline(always)]
    fn forward<const W: usize>(&self, x: &mut [[T; W]]) {
        for i in (0..self.stride).step_by(ROWS) {
            let (known, rest) = x.split_at_mut(i);
            let [l0, l1, l2, l3] = self.rows(i);
            let mut own = first_four(rest);
            for ((((x, &l0), &l1), &l2), &l3) in known.iter().zip(l0).zip(l1).zip(l2).zip(l3) {
                own = take_off(own, [l0, l1, l2, l3], x);
            }
            let own = substitute::<T, W, true>(own, self.square(|r, q| (i + r, i + q)), [T::ONE; ROWS]);
            rest[..ROWS].copy_from_slice(&own);
        }
    }

    /// x ← U⁻¹ x.
    #[inline(always)]
    fn backward<const W: usize>(&self, x: &mut [[T; W]]) {
        for i in (0..self.stride).step_by(ROWS).rev() {
            let (rest, known) = x.split_at_mut(i + ROWS);
            let [u0, u1, u2, u3] = self.rows(i).map(|row| &row[i + ROWS..]);
            let mut own = first_four(&rest[i..]);
            for ((((x, &u0), &u1), &u2), &u3) in known.iter().zip(u0).zip(u1).zip(u2).zip(u3) {
                own = take_off(own, [u0, u1, u2, u3], x);
            }
            let square = self.square(|r, q| (i + ROWS - 1 - r, i + ROWS - 1 - q));
            let own = substitute::<T, W, false>(reversed(own), square, reversed(four(&self.inverse, i)));
            rest[i..].copy_from_slice(&reversed(own));
        }
    }

    /// x ← U⁻ᵀ x.
    #[inline(always)]
    fn forward_transposed<const W: usize>(&self, x: &mut [[T; W]]) {
        for i in (0..self.stride).step_by(ROWS) {
            let (known, rest) = x.split_at_mut(i);
            let mut own = first_four(rest);
            for (x, row) in known.iter().zip(self.lu.chunks_exact(self.stride)) {
                own = take_off(own, four(row, i), x);
            }
            let square = self.square(|r, q| (i + q, i + r));
            let own = substitute::<T, W, false>(own, square, four(&self.inverse, i));
            rest[..ROWS].copy_from_slice(&own);
        }
    }

    /// x ← L⁻ᵀ x.
    #[inline(always)]
    fn backward_transposed<const W: usize>(&self, x: &mut [[T; W]]) {
        let s = self.stride;
        for i in (0..s).step_by(ROWS).rev() {
            let (rest, known) = x.split_at_mut(i + ROWS);
            let mut own = first_four(&rest[i..]);
            for (x, row) in known.iter().zip(self.lu[(i + ROWS) * s..].chunks_exact(s)) {
                own = take_off(own, four(row, i), x);
            }
            let square = self.square(|r, q| (i + ROWS - 1 - q, i + ROWS - 1 - r));
            let own = substitute::<T, W, true>(reversed(own), square, [T::ONE; ROWS]);
            rest[i..].copy_from_slice(&reversed(own));
        }
    }

    /// Sixteen entries of the factors.
    #[inline(always)]
    fn square(&self, place: impl Fn(usize, usize) -> (usize, usize)) -> [[T; ROWS]; ROWS] {
        std::array::from_fn(|r| {
            std::array::from_fn(|q| {
                let (i, j) = place(r, q);
                self.lu[i * self.stride + j]
            })
        })
    }

    /// Four rows of the factors from i on.
    #[inline(always)]
    fn rows(&self, i: usize) -> [&[T]; ROWS] {
        let s = self.stride;
        std::array::from_fn(|r| &self.lu[(i + r) * s..(i + r + 1) * s])
    }

    /// One column: a row at a time, by scalar products or, transposed, by updates of the remaining rows.
    #[inline(always)]
    fn single(&self, block: &mut Columns<'_, T>, c: usize, transposed: bool) -> usize {
        let s = self.stride;
        let mut x = vec![T::ZERO; s];
        let place = |i: usize| if transposed { i } else { self.source[i] as usize };
        for (i, v) in x.iter_mut().enumerate().filter(|(i, _)| place(*i) < self.order) {
            block.read(place(i), c, std::slice::from_mut(v));
        }
        if transposed {
            for i in 0..s {
                let (known, rest) = x[i..].split_at_mut(1);
                known[0] *= self.inverse[i];
                rest.iter_mut()
                    .zip(&self.lu[i * s + i + 1..(i + 1) * s])
                    .for_each(|(v, &u)| *v -= u * known[0]);
            }
            for i in (0..s).rev() {
                let (rest, known) = x.split_at_mut(i);
                rest.iter_mut().zip(&self.lu[i * s..]).for_each(|(v, &l)| *v -= l * known[0]);
            }
        } else {
            for i in 0..s {
                let sum = interleaved_dot(&self.lu[i * s..i * s + i], &x[..i]);
                x[i] -= sum;
            }
            for i in (0..s).rev() {
                let sum = interleaved_dot(&self.lu[i * s + i + 1..(i + 1) * s], &x[i + 1..]);
                x[i] = (x[i] - sum) * self.inverse[i];
            }
        }
        let place = |i: usize| if transposed { self.source[i] as usize } else { i };
        for (i, v) in x.iter().enumerate().filter(|(i, _)| place(*i) < self.order) {
            block.write(place(i), c, std::slice::from_ref(v));
        }
        1
    }
}
