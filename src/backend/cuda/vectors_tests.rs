//! Vectors and diagonals against the reference and plain loops.

use super::super::judged::{COLUMNS, Numbers, hidden, in_both_precisions, judge};
use super::*;
use crate::backend::Reference;

const ROWS: [usize; 5] = [0, 1, 31, 256, 777];

in_both_precisions!(combinations, diagonals, columns, squares, indices);

fn shapes() -> impl Iterator<Item = (usize, usize)> {
    ROWS.into_iter().flat_map(|n| COLUMNS.map(|k| (n, k)))
}

fn combinations<T: OnDevice>() {
    let mut r = Numbers(20);
    for n in ROWS {
        let (x, y) = (r.vector::<T>(n), r.vector::<T>(n));
        for (alpha, beta) in [(0.25, 0.0), (0.25, -3.0)] {
            let start = if beta == 0.0 { hidden(n) } else { y.clone() };
            judge(
                &format!("combine, {n} values, β = {beta}"),
                &start,
                |cuda, y| cuda.combine(alpha, &cuda.upload(&x), beta, y),
                |y| Reference.combine(T::from_f64(alpha), &x, T::from_f64(beta), y),
            );
        }
        judge(
            &format!("fill, {n} values"),
            &hidden::<T>(n),
            |cuda, y| cuda.fill(0.375, y),
            |y| y.fill(T::from_f64(0.375)),
        );
    }
}

fn diagonals<T: OnDevice>() {
    let mut r = Numbers(21);
    for (n, k) in shapes() {
        let (d, x, y) = (r.vector::<T>(n), r.vector::<T>(n * k), r.vector::<T>(n * k));
        judge(
            &format!("diagonal_add, {n} × {k}"),
            &y,
            |cuda, y| cuda.diagonal_add(&cuda.upload(&d), &cuda.upload(&x), y, k),
            |y| Reference.diagonal_add(&d, &x, y, k),
        );
        judge(
            &format!("diagonal_scale, {n} × {k}"),
            &hidden(n * k),
            |cuda, y| cuda.diagonal_scale(&cuda.upload(&d), &cuda.upload(&x), y, k),
            |y| Reference.diagonal_scale(&d, &x, y, k),
        );
    }
}

fn columns<T: OnDevice>() {
    let mut r = Numbers(22);
    for (n, k) in shapes() {
        let (alpha, x, y) = (r.vector::<f64>(k), r.vector::<T>(n * k), r.vector::<T>(n * k));
        let scaled: Vec<T> = alpha.iter().map(|a| T::from_f64(-0.5 * a)).collect();
        judge(
            &format!("column_add, {n} × {k}"),
            &y,
            |cuda, y| cuda.column_add(-0.5, &cuda.upload(&alpha), &cuda.upload(&x), y),
            |y| Reference.column_add(&scaled, &x, y),
        );
        judge(
            &format!("column_scale, {n} × {k}"),
            &hidden(n * k),
            |cuda, y| cuda.column_scale(-0.5, &cuda.upload(&alpha), &cuda.upload(&x), y),
            |y| {
                y.fill(T::ZERO);
                Reference.column_add(&scaled, &x, y);
            },
        );
    }
}

fn squares<T: OnDevice>() {
    let mut r = Numbers(23);
    for n in ROWS {
        let (x, y) = (r.vector::<T>(n), r.vector::<T>(n));
        let w: Vec<T> = r.vector::<T>(n).into_iter().map(|w| w + T::from_f64(2.0)).collect();
        judge(
            &format!("add_over_square, {n} values"),
            &y,
            |cuda, y| cuda.add_over_square(-1.5, &cuda.upload(&x), &cuda.upload(&w), y),
            |y| (0..n).for_each(|i| y[i] += T::from_f64(-1.5) * x[i] / (w[i] * w[i])),
        );
    }
}

fn indices<T: OnDevice>() {
    let mut r = Numbers(24);
    for (n, k) in shapes() {
        // Some of the rows of a longer block, in any order.
        let mut order: Vec<u32> = (0..n as u32 + 5).collect();
        for q in (1..order.len()).rev() {
            order.swap(q, r.below(q + 1));
        }
        order.truncate(n);
        let (long, short) = (r.vector::<T>((n + 5) * k), r.vector::<T>(n * k));
        judge(
            &format!("gather, {n} × {k}"),
            &hidden(n * k),
            |cuda, y| cuda.gather(&cuda.upload(&order), &cuda.upload(&long), y, k),
            |y| (0..n * k).for_each(|q| y[q] = long[order[q / k] as usize * k + q % k]),
        );
        judge(
            &format!("scatter_add, {n} × {k}"),
            &long,
            |cuda, y| cuda.scatter_add(&cuda.upload(&order), &cuda.upload(&short), y, k),
            |y| (0..n * k).for_each(|q| y[order[q / k] as usize * k + q % k] += short[q]),
        );
    }
}

#[test]
fn conversions_round_once() {
    for cuda in [Cuda::emulated(false), Cuda::emulated(true)] {
        let x: Vec<f64> = Numbers(25).vector(777);
        let by = cuda.upload(&[0.3f64]);
        let wide = cuda.upload(&x);
        let cases = [
            (Factor::Is(0.7), 0.7),
            (Factor::Times(0.7, &by), 0.7 * 0.3),
            (Factor::Over(0.7, &by), 0.7 / 0.3),
        ];
        for (factor, value) in cases {
            let (mut narrow, mut back) = (cuda.undefined::<f32>(777), cuda.undefined::<f64>(777));
            cuda.narrow(factor, &wide, &mut narrow);
            cuda.widen(factor, &narrow, &mut back);
            let expected: Vec<f32> = x.iter().map(|x| (value * x) as f32).collect();
            assert_eq!(cuda.download(&narrow).unwrap(), expected);
            let expected: Vec<f64> = expected.iter().map(|&x| value * f64::from(x)).collect();
            assert_eq!(cuda.download(&back).unwrap(), expected);
        }
    }
}

/// Queues work on buffers of 7 and of 8 values.
type Queue<'a> = &'a dyn Fn(&Cuda, &Memory<f64>, &mut Memory<f64>);

#[test]
fn buffers_of_other_lengths_are_refused() {
    let refused = |queue: Queue<'_>| {
        let cuda = Cuda::emulated(false);
        let (x, mut y) = (cuda.upload(&[1.0; 7]), cuda.upload(&[1.0; 8]));
        queue(&cuda, &x, &mut y);
        cuda.check().is_err()
    };
    assert!(refused(&|cuda, x, y| cuda.combine(1.0, x, 0.0, y)));
    assert!(refused(&|cuda, x, y| cuda.diagonal_add(&cuda.upload(&[1.0; 4]), x, y, 2)));
    assert!(refused(&|cuda, _, y| cuda.diagonal_scale(
        &cuda.upload(&[1.0; 3]),
        &cuda.upload(&[1.0; 8]),
        y,
        2
    )));
    assert!(refused(&|cuda, _, y| cuda.column_add(1.0, &cuda.upload(&[1.0; 3]), &cuda.upload(&[1.0; 8]), y)));
    assert!(refused(&|cuda, x, y| cuda.add_over_square(1.0, x, &cuda.upload(&[1.0; 8]), y)));
    assert!(refused(&|cuda, x, y| cuda.gather(&cuda.upload(&[0; 7]), x, y, 1)));
    assert!(refused(&|cuda, x, y| cuda.scatter_add(&cuda.upload(&[0; 8]), x, y, 1)));
    assert!(refused(&|cuda, x, _| cuda.narrow(Factor::Is(1.0), x, &mut cuda.undefined(8))));
    assert!(refused(&|cuda, x, _| {
        cuda.narrow(Factor::Times(1.0, &cuda.undefined(0)), x, &mut cuda.undefined(7));
    }));
}

/// As in the gradient of a loss that many cycles have made small.
#[test]
fn the_factor_of_a_column_may_be_beyond_single_precision() {
    let cuda = Cuda::emulated(false);
    let (x, alpha) = (cuda.upload(&[1e-30f32, -2e-30, 1.0, 0.0]), cuda.upload(&[1e60, 0.5]));
    let mut y = cuda.undefined(4);
    cuda.column_scale(2.0, &alpha, &x, &mut y);
    assert_eq!(cuda.download(&y).unwrap()[1..], [-2e-30f32, f32::INFINITY, 0.0]);
    assert!((cuda.download(&y).unwrap()[0] * 5e-31 - 1.0).abs() < 1e-6);
}
