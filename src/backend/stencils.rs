//! Products with one vector. Where rows of a matrix repeat, the entries of a run of equal rows are read once, and neighbouring
//! rows are computed together. Sums are in the order of [`one_column`](super::one_column), so that the bits are the same.

use std::ops::Range;

use super::View;
use super::columns::vectorised;
use super::one_column::products;
use crate::sparse::{Runs, Scalar};

/// Rows computed together: their sums and their values of x stay in the first-level cache.
const BLOCK: usize = 256;
/// Rows of a matrix with runs whose sums are computed before they are used: they stay in the first-level cache.
const STRIP: usize = 1024;

/// Calls `emit(i, y, s)` for parts of the rows `first`, `first` + 1, … of `y`, where i is the first row of the part, `y` its
/// rows and s(l) = Σ v x(j) over the entries of row i + l.
#[inline(always)]
pub fn row_products<T: Scalar>(
    a: View<'_, T>,
    x: &[T],
    first: usize,
    y: &mut [T],
    emit: impl Fn(usize, &mut [T], &[T]),
) {
    match a.runs {
        // The sums are compiled once for all uses.
        Some(runs) => {
            let mut memory = [T::ZERO; STRIP];
            for (part, y) in y.chunks_mut(STRIP).enumerate() {
                let (first, sums) = (first + part * STRIP, &mut memory[..y.len()]);
                with_runs(a, runs, x, first, sums);
                emit(first, y, sums);
            }
        }
        None if a.pattern.is_ragged() => products::<T, true>(a, x, first, y, &emit),
        None => products::<T, false>(a, x, first, y, &emit),
    }
}

/// s(l) ← Σ v x(j) over the entries of row `first` + l, for a matrix with these runs of equal rows.
fn with_runs<T: Scalar>(a: View<'_, T>, runs: &Runs, x: &[T], first: usize, sums: &mut [T]) {
    vectorised(
        #[inline(always)]
        || {
            let copy = |_, s: &mut [T], sums: &[T]| s.copy_from_slice(sums);
            let (mut done, end) = (0, first + sums.len());
            for run in runs.not_before(first).iter().take_while(|run| (run.start as usize) < end) {
                let row = run.start as usize;
                let rows = row.saturating_sub(first)..(run.end as usize - first).min(sums.len());
                products::<T, false>(a, x, first + done, &mut sums[done..rows.start], &copy);
                done = rows.end;
                Stencil { a, row, entries: a.pattern.row(row) }.sums(x, first + rows.start, &mut sums[rows]);
            }
            products::<T, false>(a, x, first + done, &mut sums[done..], &copy);
        },
    );
}

/// The first row of a run, which stands for all of them.
struct Stencil<'a, T> {
    a: View<'a, T>,
    row: usize,
    entries: Range<usize>,
}

impl<T: Scalar> Stencil<'_, T> {
    /// The sums of rows from `start` on.
    #[inline(always)]
    fn sums(&self, x: &[T], mut start: usize, sums: &mut [T]) {
        let values = &self.a.values[self.entries.clone()];
        let columns = &self.a.pattern.col_idx()[self.entries.clone()];
        for sums in sums.chunks_mut(BLOCK) {
            sums.fill(T::ZERO);
            let moved = start - self.row;
            let length = sums.len();
            let term = |q: usize| (values[q], &x[columns[q] as usize + moved..][..length]);
            // Four entries at once in long rows, as for other rows.
            let fours = if values.len() < 10 { 0 } else { values.len() / 4 };
            for q in 0..fours {
                let t = [0, 1, 2, 3].map(|l| term(4 * q + l));
                add(sums, t, |sum, [p, q, r, s]| sum + ((p + q) + (r + s)));
            }
            let mut q = 4 * fours;
            while q < values.len() {
                q += match values.len() - q {
                    1 => add(sums, [term(q)], |sum, [p]| sum + p),
                    2 => add(sums, [term(q), term(q + 1)], |sum, [p, q]| sum + p + q),
                    3 => add(sums, [0, 1, 2].map(|l| term(q + l)), |sum, [p, q, r]| sum + p + q + r),
                    5 => add(sums, [0, 1, 2, 3, 4].map(|l| term(q + l)), |sum, [p, q, r, s, t]| {
                        sum + p + q + r + s + t
                    }),
                    _ => {
                        add(sums, [0, 1, 2, 3].map(|l| term(q + l)), |sum, [p, q, r, s]| sum + p + q + r + s)
                    }
                };
            }
            start += sums.len();
        }
    }
}

/// s(l) ← f(s(l), v x(l) of every term); returns the number of terms. All x are as long as s.
#[inline(always)]
fn add<T: Scalar, const N: usize>(
    sums: &mut [T],
    terms: [(T, &[T]); N],
    f: impl Fn(T, [T; N]) -> T,
) -> usize {
    let terms = terms.map(|(v, x)| (v, &x[..sums.len()]));
    for l in 0..sums.len() {
        sums[l] = f(sums[l], terms.map(|(v, x)| v * x[l]));
    }
    N
}

#[cfg(test)]
mod tests {
    use crate::backend::Cpu;
    use crate::gallery;
    use crate::sparse::{Csr, Scalar};

    /// The results of all kernels with one column, one after the other.
    fn kernels<T: Scalar>(a: &Csr<T>) -> Vec<T> {
        let n = a.rows();
        let vector = |shift: usize| -> Vec<T> {
            (0..n).map(|i| T::from_f64(((i * 37 + shift) % 101) as f64 / 7.0 - 6.0)).collect()
        };
        let (x, b, d) = (vector(1), vector(2), vector(3));
        let mut out = Vec::new();
        let mut add = |f: &dyn Fn(&mut [T])| {
            let mut y = vector(4);
            f(&mut y);
            out.extend(y);
        };
        for (alpha, beta) in [(1.0, 0.0), (1.0, 1.0), (-0.7, 0.0), (0.3, 1.7)] {
            add(&|y| Cpu.spmv(T::from_f64(alpha), a.into(), &x, T::from_f64(beta), y, 1));
        }
        add(&|y| Cpu.residual(a.into(), &b, &x, y, 1));
        add(&|y| Cpu.jacobi(a.into(), &d, &b, &x, y, 1));
        for alpha in [0.0, 0.4] {
            let factors = (T::from_f64(alpha), T::from_f64(1.3));
            add(&|y| Cpu.polynomial_step(a.into(), &d, &b, &x, factors, y, 1));
        }
        out
    }

    /// With stencils of 3 to 27 entries, lines of several lengths, rows without a pattern, and a matrix with more columns.
    #[test]
    fn products_are_those_of_single_rows() {
        let cube = gallery::poisson_3d(50, 9, 4).unwrap().matrix;
        let square = cube.multiply(&cube).unwrap();
        let plane = gallery::poisson_2d(83, 31).unwrap().matrix;
        let split = plane.map(|i, j, v| if (i + j) % 997 == 0 { v + 1.0 } else { v });
        let wide: Vec<_> = (0..300).flat_map(|i| [(i, i, 2.0), (i, i + 150, -0.1)]).collect();
        let wide = Csr::from_triplets(300, 300 + 150, &wide).unwrap();
        for a in [cube, square, plane, split] {
            let plain = a.clone().map(|_, _, v| v);
            a.find_runs();
            assert!(
                a.storage().runs(a.pattern()).is_some() && plain.storage().runs(plain.pattern()).is_none()
            );
            assert_eq!(kernels(&a), kernels(&plain));
            let (a, plain) = (a.cast::<f32>(), plain.cast::<f32>());
            a.find_runs();
            assert_eq!(kernels(&a), kernels(&plain));
        }
        let x: Vec<f64> = (0..450).map(|i| (i as f64).sin()).collect();
        let plain = wide.map(|_, _, v| v);
        wide.find_runs();
        let product = |a: &Csr| {
            let mut y = vec![0.0; 300];
            a.spmv(&x, &mut y).unwrap();
            y
        };
        assert_eq!(product(&wide), product(&plain));
    }

    #[test]
    fn runs_end_with_new_values_or_another_pattern() {
        let a = gallery::poisson_2d(60, 60).unwrap().matrix;
        a.find_runs();
        let (pattern, values) = a.clone().into_shared();
        assert!(values.runs(&pattern).is_some() && values.runs(&(*pattern).clone()).is_none());
        let mut other = (*values).clone();
        other.find_runs(&pattern);
        assert!(other.runs(&pattern).is_some());
        other[7] = 3.0;
        assert!(other.runs(&pattern).is_none());
        let rounded = crate::sparse::Storage::from(vec![0.5f32; values.len()]).with_runs_of(&values);
        assert!(rounded.runs(&pattern).is_some());
    }
}
