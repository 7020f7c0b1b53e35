//! Loops over the numbers of entries in single precision.
//!
//! Products are separate multiplications and additions: the bits do not depend on the vector unit.

use crate::backend::vectorised;

/// t ← t + v.
#[inline(always)]
pub fn add(to: &mut [f32], from: &[f32]) {
    to.iter_mut().zip(from).for_each(|(t, v)| *t += v);
}

/// A mean from a sum.
pub fn scale(sum: &mut [f32], count: usize) {
    let share = 1.0 / count.max(1) as f32;
    sum.iter_mut().for_each(|v| *v *= share);
}

/// C ← C + A B for row-major A (n × m) and B (m × l), or c + A B with the same row c everywhere; l is `L` unless that is 0.
pub fn add_product<const L: usize>(a: &[f32], m: usize, b: &[f32], from: Option<&[f32]>, c: &mut [f32]) {
    if L == 0 {
        for (row, a) in c.chunks_exact_mut(b.len() / m).zip(a.chunks_exact(m)) {
            if let Some(from) = from {
                row.copy_from_slice(from);
            }
            for (&v, b) in a.iter().zip(b.chunks_exact(row.len())) {
                row.iter_mut().zip(b).for_each(|(c, &b)| *c += v * b);
            }
        }
        return;
    }
    let (b, (c, _)) = (b.as_chunks::<L>().0, c.as_chunks_mut::<L>());
    let from = from.and_then(|row| row.first_chunk::<L>());
    vectorised(
        #[inline(always)]
        || {
            let plus = |mut sum: [f32; L], v: f32, b: &[f32; L]| {
                (0..L).for_each(|q| sum[q] += v * b[q]);
                sum
            };
            // Four rows share the loads of B.
            let (fours, rest) = c.as_chunks_mut::<4>();
            let (first, last) = a.split_at(fours.len() * 4 * m);
            for (c, a) in fours.iter_mut().zip(first.chunks_exact(4 * m)) {
                let [mut s, mut t, mut u, mut v] = from.map_or(*c, |row| [*row; 4]);
                let (a, others) = a.split_at(m);
                let (d, others) = others.split_at(m);
                let (e, f) = others.split_at(m);
                for ((((b, &a), &d), &e), &f) in b.iter().zip(a).zip(d).zip(e).zip(f) {
                    (s, t) = (plus(s, a, b), plus(t, d, b));
                    (u, v) = (plus(u, e, b), plus(v, f, b));
                }
                *c = [s, t, u, v];
            }
            for (c, a) in rest.iter_mut().zip(last.chunks_exact(m)) {
                let start = from.copied().unwrap_or(*c);
                *c = a.iter().zip(b).fold(start, |sum, (&v, b)| plus(sum, v, b));
            }
        },
    );
}

/// x ← tanh x.
pub fn tanh_of(values: &mut [f32]) {
    vectorised(
        #[inline(always)]
        || values.iter_mut().for_each(|v| *v = tanh(*v)),
    );
}

/// tanh x to within four units in the last place of single precision, without branches: a rational function, constant
/// where tanh rounds to ±1. NaN stays NaN.
#[inline(always)]
fn tanh(x: f32) -> f32 {
    const END: f32 = 7.905_311;
    let x = if x > END { END } else { x };
    let x = if x < -END { -END } else { x };
    let z = x * x;
    let p = -2.760_768_5e-16 * z + 2.000_188e-13;
    let p = ((p * z - 8.604_672e-11) * z + 5.122_297e-8) * z + 1.485_722_4e-5;
    let p = (p * z + 6.372_619e-4) * z + 4.893_525e-3;
    let q = ((1.198_258_4e-6 * z + 1.185_347_1e-4) * z + 2.268_434_6e-3) * z + 4.893_525e-3;
    x * (p / q)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tanh_agrees_with_the_library() {
        for q in -200_000..=200_000 {
            let x = q as f32 * 5e-5;
            let (ours, exact) = (f64::from(tanh(x)), f64::from(x).tanh());
            assert!(
                (ours - exact).abs() <= 4.0 * f64::from(f32::EPSILON) * exact.abs(),
                "{x}: {ours} {exact}"
            );
        }
        for x in [0.0, 1e-40, 1e-10, 9.0, 1e30, f32::INFINITY] {
            assert!((tanh(x) - x.tanh()).abs() <= 4.0 * f32::EPSILON * x.tanh().abs(), "{x}");
            assert_eq!(tanh(-x), -tanh(x));
        }
        assert!(tanh(f32::NAN).is_nan());
    }

    #[test]
    fn products_agree_with_their_definition() {
        let number = |q: usize| ((q * 37 % 101) as f32 - 50.0) / 64.0;
        for (n, m) in [(0, 3), (1, 3), (4, 5), (11, 2)] {
            let a: Vec<f32> = (0..n * m).map(number).collect();
            let b: Vec<f32> = (0..m * 4).map(|q| number(q + 7)).collect();
            let row: Vec<f32> = (0..4).map(|q| number(q + 11)).collect();
            let start = row.repeat(n);
            let [mut one, mut two, mut three] = [start.clone(), start.clone(), vec![f32::NAN; n * 4]];
            add_product::<4>(&a, m, &b, None, &mut one);
            add_product::<0>(&a, m, &b, None, &mut two);
            add_product::<4>(&a, m, &b, Some(&row), &mut three);
            assert!(one == two && one == three, "{n} {m}");
            for (q, v) in one.iter().enumerate() {
                let sum: f32 = (0..m).map(|k| a[q / 4 * m + k] * b[k * 4 + q % 4]).sum();
                assert!((v - start[q] - sum).abs() < 1e-6, "{n} {m} {q}");
            }
        }
    }
}
