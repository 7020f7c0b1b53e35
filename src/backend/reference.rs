//! Reference kernels: sequential loops that follow the formulas.

use super::{Direction, Order, OrderedView, Triangle, View};
use crate::sparse::{Pattern, Scalar};

/// The sequential reference implementation.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reference;

fn entries<'a, T: Scalar>(a: View<'a, T>, i: usize) -> impl Iterator<Item = (usize, T)> + 'a {
    a.pattern.row(i).map(move |p| (a.pattern.col_idx()[p] as usize, a.values[p]))
}

impl Reference {
    /// As [`Cpu::spmv`](super::Cpu::spmv).
    pub fn spmv<T: Scalar>(&self, alpha: T, a: View<'_, T>, x: &[T], beta: T, y: &mut [T], k: usize) {
        for i in 0..a.pattern.rows() {
            for c in 0..k {
                let mut sum = T::ZERO;
                for (j, v) in entries(a, i) {
                    sum += v * x[j * k + c];
                }
                let old = if beta == T::ZERO { T::ZERO } else { beta * y[i * k + c] };
                y[i * k + c] = alpha * sum + old;
            }
        }
    }

    /// As [`Cpu::spmv_transposed`](super::Cpu::spmv_transposed).
    pub fn spmv_transposed<T: Scalar>(
        &self,
        alpha: T,
        a: View<'_, T>,
        x: &[T],
        beta: T,
        y: &mut [T],
        k: usize,
    ) {
        for v in y.iter_mut() {
            *v = if beta == T::ZERO { T::ZERO } else { beta * *v };
        }
        for i in 0..a.pattern.rows() {
            for (j, v) in entries(a, i) {
                for c in 0..k {
                    y[j * k + c] += alpha * v * x[i * k + c];
                }
            }
        }
    }

    /// As [`Cpu::residual`](super::Cpu::residual).
    pub fn residual<T: Scalar>(&self, a: View<'_, T>, b: &[T], x: &[T], r: &mut [T], k: usize) {
        r.copy_from_slice(b);
        self.spmv(-T::ONE, a, x, T::ONE, r, k);
    }

    /// As [`Cpu::sampled_product`](super::Cpu::sampled_product).
    pub fn sampled_product<T: Scalar>(
        &self,
        alpha: T,
        pattern: &Pattern,
        y: &[T],
        x: &[T],
        g: &mut [T],
        k: usize,
    ) {
        for i in 0..pattern.rows() {
            for p in pattern.row(i) {
                let j = pattern.col_idx()[p] as usize;
                for c in 0..k {
                    g[p] += alpha * y[i * k + c] * x[j * k + c];
                }
            }
        }
    }

    /// As [`Cpu::sampled_triangle`](super::Cpu::sampled_triangle).
    pub fn sampled_triangle<T: Scalar>(
        &self,
        alpha: T,
        pattern: &Pattern,
        part: Triangle,
        (y, x): (&[T], &[T]),
        g: &mut [T],
        k: usize,
    ) {
        let mut all = vec![T::ZERO; g.len()];
        self.sampled_product(alpha, pattern, y, x, &mut all, k);
        for i in 0..pattern.rows() {
            for p in pattern.row(i).filter(|&p| part.reads(i, pattern.col_idx()[p] as usize)) {
                g[p] += all[p];
            }
        }
    }

    /// As [`Cpu::jacobi`](super::Cpu::jacobi).
    pub fn jacobi<T: Scalar>(&self, a: View<'_, T>, d: &[T], b: &[T], x: &[T], next: &mut [T], k: usize) {
        let mut r = vec![T::ZERO; b.len()];
        self.residual(a, b, x, &mut r, k);
        next.copy_from_slice(x);
        self.diagonal_add(d, &r, next, k);
    }

    /// As [`Cpu::polynomial_step`](super::Cpu::polynomial_step).
    #[expect(clippy::too_many_arguments, reason = "the operands of one formula")]
    pub fn polynomial_step<T: Scalar>(
        &self,
        a: View<'_, T>,
        d: &[T],
        b: &[T],
        x: &[T],
        (alpha, beta): (T, T),
        y: &mut [T],
        k: usize,
    ) {
        let (mut r, mut scaled) = (vec![T::ZERO; b.len()], vec![T::ZERO; b.len()]);
        self.residual(a, b, x, &mut r, k);
        self.diagonal_scale(d, &r, &mut scaled, k);
        self.combine(beta, &scaled, alpha, y);
    }

    /// As [`Cpu::diagonal_add`](super::Cpu::diagonal_add).
    pub fn diagonal_add<T: Scalar>(&self, d: &[T], x: &[T], y: &mut [T], k: usize) {
        for i in 0..d.len() {
            for c in 0..k {
                y[i * k + c] += d[i] * x[i * k + c];
            }
        }
    }

    /// As [`Cpu::diagonal_scale`](super::Cpu::diagonal_scale).
    pub fn diagonal_scale<T: Scalar>(&self, d: &[T], x: &[T], y: &mut [T], k: usize) {
        for i in 0..d.len() {
            for c in 0..k {
                y[i * k + c] = d[i] * x[i * k + c];
            }
        }
    }

    /// As [`Cpu::row_dots`](super::Cpu::row_dots).
    pub fn row_dots<T: Scalar>(&self, y: &[T], x: &[T], g: &mut [T], k: usize) {
        for i in 0..g.len() {
            for c in 0..k {
                g[i] += y[i * k + c] * x[i * k + c];
            }
        }
    }

    /// As [`Cpu::combine`](super::Cpu::combine).
    pub fn combine<T: Scalar>(&self, alpha: T, x: &[T], beta: T, y: &mut [T]) {
        for (yi, &xi) in y.iter_mut().zip(x) {
            *yi = alpha * xi + if beta == T::ZERO { T::ZERO } else { beta * *yi };
        }
    }

    /// As [`Cpu::solve_triangular`](super::Cpu::solve_triangular).
    pub fn solve_triangular<T: Scalar>(
        &self,
        a: View<'_, T>,
        part: Triangle,
        transposed: bool,
        x: &mut [T],
        k: usize,
    ) {
        let n = a.pattern.rows();
        // Substitution by columns of the factor, so that the transpose needs no separate code: once x(i) is
        // final, it is subtracted from the unknowns that depend on it.
        let factor = |i: usize, j: usize| if transposed { (j, i) } else { (i, j) };
        let ascending = part.lower != transposed;
        for step in 0..n {
            let i = if ascending { step } else { n - 1 - step };
            for j in 0..n {
                let (row, col) = factor(i, j);
                if i == j || !part.reads(row, col) {
                    continue;
                }
                if let Some(p) = a.pattern.find(row, col) {
                    for c in 0..k {
                        let known = x[j * k + c];
                        x[i * k + c] -= a.values[p] * known;
                    }
                }
            }
            if !part.unit {
                let d = a.pattern.find(i, i).map_or(T::ZERO, |p| a.values[p]);
                for c in 0..k {
                    x[i * k + c] /= d;
                }
            }
        }
    }

    /// As [`Cpu::sweep_triangular`](super::Cpu::sweep_triangular).
    pub fn sweep_triangular<T: Scalar>(
        &self,
        a: View<'_, T>,
        part: Triangle,
        transposed: bool,
        (b, x): (&[T], Option<&[T]>),
        y: &mut [T],
        k: usize,
    ) {
        y.copy_from_slice(b);
        for i in 0..a.pattern.rows() {
            for p in a.pattern.row(i) {
                let j = a.pattern.col_idx()[p] as usize;
                if let (Some(x), true, true) = (x, i != j, part.reads(i, j)) {
                    let (to, from) = if transposed { (j, i) } else { (i, j) };
                    for c in 0..k {
                        y[to * k + c] -= a.values[p] * x[from * k + c];
                    }
                }
            }
        }
        for i in (0..a.pattern.rows()).filter(|_| !part.unit) {
            let d = a.pattern.find(i, i).map_or(T::ZERO, |p| a.values[p]);
            for c in 0..k {
                y[i * k + c] /= d;
            }
        }
    }

    /// As [`Cpu::gauss_seidel`](super::Cpu::gauss_seidel).
    pub fn gauss_seidel<T: Scalar>(
        &self,
        a: View<'_, T>,
        b: &[T],
        x: &mut [T],
        direction: Direction,
        k: usize,
    ) {
        let n = a.pattern.rows();
        for step in 0..n {
            let i = if direction == Direction::Forward { step } else { n - 1 - step };
            for c in 0..k {
                let (mut sum, mut diagonal) = (b[i * k + c], T::ZERO);
                for (j, v) in entries(a, i) {
                    if j == i {
                        diagonal = v;
                    } else {
                        sum -= v * x[j * k + c];
                    }
                }
                x[i * k + c] = sum / diagonal;
            }
        }
    }

    /// As [`Cpu::column_add`](super::Cpu::column_add).
    pub fn column_add<T: Scalar>(&self, alpha: &[T], x: &[T], y: &mut [T]) {
        for (q, (y, &x)) in y.iter_mut().zip(x).enumerate() {
            *y += alpha[q % alpha.len()] * x;
        }
    }

    /// As [`Cpu::ordered_sweep`](super::Cpu::ordered_sweep).
    pub fn ordered_sweep<T: Scalar>(
        &self,
        s: OrderedView<'_, T>,
        b: &[T],
        x: &mut [T],
        _: &mut [T],
        k: usize,
    ) {
        let (n, old, new) = (s.a.pattern.rows(), x.to_vec(), s.sweep.reads_new(s.a.pattern.rows()));
        let mut rows: Vec<usize> = match &s.sweep.order {
            Order::Blocks { .. } => (0..n).collect(),
            Order::Colours(c) => (0..c.count()).flat_map(|q| c.colour(q)).map(|&i| i as usize).collect(),
        };
        if s.sweep.direction == Direction::Backward {
            rows.reverse();
        }
        for i in rows {
            for c in 0..k {
                let mut sum = b[i * k + c];
                for (j, v) in entries(s.a, i) {
                    sum -= v * if new(i, j) { x[j * k + c] } else { old[j * k + c] };
                }
                x[i * k + c] += s.inverse[i] * sum;
            }
        }
    }

    /// As [`Cpu::column_dots`](super::Cpu::column_dots).
    pub fn column_dots<T: Scalar>(&self, x: &[T], y: &[T], out: &mut [T]) {
        let k = out.len();
        out.fill(T::ZERO);
        for (q, (&a, &b)) in x.iter().zip(y).enumerate() {
            out[q % k] += a * b;
        }
    }
}
