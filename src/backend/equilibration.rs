//! Equilibration: scaling of rows and columns to entries of size one (van der Sluis 1969).

use crate::sparse::Pattern;

/// Ratio of the largest to the smallest row or column above which scaling pays.
const SPREAD: f64 = 1e4;

/// Factors R and C, powers of two, for which R A C has rows and columns with largest entry between 1/2 and 1.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Equilibration {
    /// R, one factor per row.
    pub rows: Vec<f64>,
    /// C, one factor per column.
    pub columns: Vec<f64>,
}

impl Equilibration {
    /// The factors for a matrix, or `None` if its rows and columns are of similar size. Zero rows and columns keep
    /// the factor one. Cost: two passes.
    pub fn of(pattern: &Pattern, values: &[f64]) -> Option<Self> {
        let (mut rows, mut columns) = (vec![0.0f64; pattern.rows()], vec![0.0f64; pattern.cols()]);
        let entries = |i: usize| {
            let row = pattern.row(i);
            pattern.col_idx()[row.clone()].iter().zip(&values[row])
        };
        for (i, row) in rows.iter_mut().enumerate() {
            for (&j, v) in entries(i) {
                *row = larger(*row, v.abs());
                columns[j as usize] = larger(columns[j as usize], v.abs());
            }
        }
        if !(is_spread(&rows) || is_spread(&columns)) {
            return None;
        }
        rows.iter_mut().for_each(|r| *r = inverse_power(*r));
        columns.fill(0.0);
        for (i, &row) in rows.iter().enumerate() {
            for (&j, v) in entries(i) {
                columns[j as usize] = larger(columns[j as usize], row * v.abs());
            }
        }
        columns.iter_mut().for_each(|c| *c = inverse_power(*c));
        Some(Self { rows, columns })
    }

    /// Whether columns differ by more than a factor of 10⁸ once the rows are scaled.
    pub fn columns_spread(&self) -> bool {
        let (least, most) =
            self.columns.iter().fold((f64::INFINITY, 0.0f64), |(l, m), &c| (l.min(c), m.max(c)));
        most > SPREAD * SPREAD * least
    }

    /// The values of R A C.
    pub fn apply(&self, pattern: &Pattern, values: &[f64]) -> Vec<f64> {
        let row = |i: usize| {
            pattern
                .row(i)
                .map(move |p| self.rows[i] * values[p] * self.columns[pattern.col_idx()[p] as usize])
        };
        (0..pattern.rows()).flat_map(row).collect()
    }
}

/// The larger of two sizes, the first if the second is NaN: one comparison, where `f64::max` takes two.
fn larger(a: f64, b: f64) -> f64 {
    if b > a { b } else { a }
}

/// Whether sizes that are not zero differ by more than a factor of 10⁴.
fn is_spread(sizes: &[f64]) -> bool {
    let nonzero = sizes.iter().copied().filter(|&s| s > 0.0);
    let (least, most) =
        nonzero.fold((f64::INFINITY, 0.0), |(least, most), s| (-larger(-least, -s), larger(most, s)));
    most > SPREAD * least
}

/// The largest power of two up to 1/size, or one for zero. It neither overflows nor underflows.
fn inverse_power(size: f64) -> f64 {
    if !(size > 0.0 && size.is_finite()) {
        return 1.0;
    }
    // From the bits of the number: size = 2^exponent (1 + fraction). A subnormal number has the exponent −1023.
    let (exponent, fraction) = ((size.to_bits() >> 52) as i64 - 1023, size.to_bits() & ((1 << 52) - 1));
    let power = (-(exponent + i64::from(fraction != 0))).clamp(-1000, 1000);
    f64::from_bits(((power + 1023) as u64) << 52)
}

/// Row i of a row-major block with `k` columns times factor i.
pub(crate) fn scale_rows(factors: &[f64], x: &mut [f64], k: usize) {
    for (row, f) in x.chunks_exact_mut(k.max(1)).zip(factors) {
        row.iter_mut().for_each(|v| *v *= f);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sparse::Csr;

    #[test]
    fn rows_and_columns_come_to_size_one() {
        let a =
            Csr::from_triplets(3, 3, &[(0, 0, 3e20), (0, 2, 1e12), (1, 1, 5e-7), (2, 0, 2.0), (2, 2, 1e-3)])
                .unwrap();
        let scaling = Equilibration::of(a.pattern(), a.values()).unwrap();
        let scaled = scaling.apply(a.pattern(), a.values());
        let scaled = Csr::new(a.pattern().clone(), scaled).unwrap();
        for i in 0..3 {
            let largest = |v: Vec<f64>| v.into_iter().fold(0.0f64, |m, v| m.max(v.abs()));
            assert!((0.25..=1.0).contains(&largest(scaled.row(i).map(|(_, v)| v).collect())));
            assert!((0.25..=1.0).contains(&largest((0..3).map(|k| scaled.get(k, i)).collect())));
        }
        assert!(scaling.rows.iter().chain(&scaling.columns).all(|f| f.log2().fract() == 0.0));
    }

    #[test]
    fn similar_sizes_and_zeros_are_left_alone() {
        let a = Csr::from_triplets(2, 2, &[(0, 0, 3.0), (1, 0, 0.0)]).unwrap();
        assert_eq!(Equilibration::of(a.pattern(), a.values()), None);
        assert_eq!((inverse_power(0.0), inverse_power(f64::INFINITY)), (1.0, 1.0));
        assert!(inverse_power(5e-324).is_finite() && inverse_power(f64::MAX) > 0.0);
        for size in [1.0, 3.0, 0.3, 4.0, 1e-300, 1e300, 1.0 + f64::EPSILON] {
            assert_eq!(inverse_power(size), (-size.log2().ceil()).clamp(-1000.0, 1000.0).exp2());
        }
    }
}
