//! Scalars on the incomplete factors of a sweep.

use std::sync::Arc;

use crate::error::Result;
use crate::setup::relaxation::ilu0_with_dropped_fill;
use crate::sparse::{Csr, Pattern, Scalar};

/// Size of an entry beside its pivots, |lᵢⱼ| √(pⱼ/pᵢ) or |uᵢⱼ| / √(pᵢ pⱼ), below which it counts as weak.
const WEAK: f64 = 0.03;

/// Factors L D U with unit diagonals of L and U, as a function of a few scalars s that are zero at first:
///
/// * pivots dᵢ (1 + s₀ + s₁ φᵢ), where φᵢ dᵢ is the fill that ILU(0) dropped in row i (s₁ = 1 is modified ILU),
/// * entries of L times 1 + s₂, weak ones times 1 + s₂ + s₃,
/// * entries of U times 1 + s₄, weak ones times 1 + s₄ + s₅; for a `symmetric` pair s₂ and s₃ serve both.
///
/// Every value has the magnitude of one where ILU(0) is a good start, so that one rate suits all.
#[derive(Debug)]
pub struct FactorScalars<T> {
    pattern: Arc<Pattern>,
    /// L below the diagonal, D U from the diagonal on, in the order of the pattern.
    base: Vec<T>,
    /// Whether an entry is weak.
    weak: Vec<bool>,
    /// φ, one per row.
    fill: Vec<T>,
    symmetric: bool,
}

/// Factors of an entry: (1 + …) of the pivot of its row, (1 + …) of the entry itself.
type Terms<T> = (T, T);

impl FactorScalars<f64> {
    /// The scalars on `factors` (L unit) of `a`; without dropped fill where the patterns differ.
    ///
    /// # Errors
    /// Those of ILU(0).
    pub fn new(factors: &Csr<f64>, a: &Csr<f64>, symmetric: bool) -> Result<Self> {
        let pattern = factors.pattern().clone();
        let pivots = factors.diagonal();
        let fill: Vec<f64> = if pattern.as_ref() == a.pattern().as_ref() {
            let (own, dropped) = ilu0_with_dropped_fill(a)?;
            own.diagonal().iter().zip(dropped).map(|(d, sum)| sum / d).collect()
        } else {
            vec![0.0; factors.rows()]
        };
        let mut weak = Vec::with_capacity(factors.nnz());
        for i in 0..factors.rows() {
            weak.extend(factors.row(i).map(|(j, v)| {
                let (p, q) = (pivots[i].abs(), pivots[j].abs());
                let size = if j < i { v.abs() * (q / p).sqrt() } else { v.abs() / (p * q).sqrt() };
                size < WEAK
            }));
        }
        Ok(Self { pattern, base: factors.values().to_vec(), weak, fill, symmetric })
    }

    /// The same in another precision.
    pub fn cast<T: Scalar>(self) -> FactorScalars<T> {
        let cast = |list: Vec<f64>| list.into_iter().map(T::from_f64).collect();
        let Self { pattern, base, weak, fill, symmetric } = self;
        FactorScalars { pattern, base: cast(base), weak, fill: cast(fill), symmetric }
    }
}

impl<T: Scalar> FactorScalars<T> {
    /// The number of scalars.
    pub fn count(&self) -> usize {
        if self.symmetric { 4 } else { 6 }
    }

    /// Number of factors' values.
    pub fn len(&self) -> usize {
        self.base.len()
    }

    /// The factors at these scalars, in the order of their pattern.
    pub fn values(&self, s: &[T]) -> Vec<T> {
        let mut values = Vec::with_capacity(self.len());
        self.each(s, |_, _, at, (pivot, own)| values.push(self.base[at] * pivot * own));
        values
    }

    /// The gradient with respect to the scalars of a loss whose gradient with respect to the values is `g`.
    pub fn gradient(&self, s: &[T], g: &[T]) -> Vec<T> {
        let mut sums = vec![0.0f64; self.count()];
        self.each(s, |i, j, at, (pivot, own)| {
            let slope = (g[at] * self.base[at]).to_f64();
            if j >= i {
                let by_pivot = slope * own.to_f64();
                sums[0] += by_pivot;
                sums[1] += by_pivot * self.fill[i].to_f64();
            }
            if j != i {
                let by_own = slope * pivot.to_f64();
                let first = self.first(j < i);
                sums[first] += by_own;
                sums[first + 1] += if self.weak[at] { by_own } else { 0.0 };
            }
        });
        sums.into_iter().map(T::from_f64).collect()
    }

    /// The scalar of the entries of L, or of U; that of the weak ones follows.
    fn first(&self, lower: bool) -> usize {
        if lower || self.symmetric { 2 } else { 4 }
    }

    /// Row, column, place and factors of every entry.
    fn each(&self, s: &[T], mut visit: impl FnMut(usize, usize, usize, Terms<T>)) {
        for i in 0..self.pattern.rows() {
            let pivot = T::ONE + s[0] + s[1] * self.fill[i];
            for at in self.pattern.row(i) {
                let j = self.pattern.col_idx()[at] as usize;
                let first = self.first(j < i);
                let own = match (j == i, self.weak[at]) {
                    (true, _) => T::ONE,
                    (false, false) => T::ONE + s[first],
                    (false, true) => T::ONE + s[first] + s[first + 1],
                };
                visit(i, j, at, (if j < i { T::ONE } else { pivot }, own));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gallery::{FlowScheme, recirculating_flow, rotated_anisotropic};
    use crate::setup::relaxation::{ilu0, weaken_factors};

    const SCALARS: [f64; 6] = [0.1, -0.3, 0.05, 0.2, -0.07, 0.4];

    #[test]
    fn gradients_agree_with_differences() {
        let a = recirculating_flow(9, 0.01, FlowScheme::Supg).unwrap().matrix;
        let factors = ilu0(&a).unwrap();
        for symmetric in [false, true] {
            let scalars = FactorScalars::new(&factors, &a, symmetric).unwrap();
            let s = &SCALARS[..scalars.count()];
            let g: Vec<f64> = (0..a.nnz()).map(|i| (i as f64 * 1.3).sin()).collect();
            let loss = |s: &[f64]| scalars.values(s).iter().zip(&g).map(|(v, g)| v * g).sum::<f64>();
            let gradient = scalars.gradient(s, &g);
            for k in 0..s.len() {
                let at = |step: f64| {
                    let mut s = s.to_vec();
                    s[k] += step;
                    loss(&s)
                };
                let difference = (at(1e-4) - at(-1e-4)) / 2e-4;
                let error = (difference - gradient[k]).abs();
                assert!(error < 1e-7 * (1.0 + gradient[k].abs()), "{k}: {difference} {}", gradient[k]);
            }
        }
    }

    #[test]
    fn known_methods_are_special_cases_and_symmetry_stays() {
        let a = rotated_anisotropic(12, 1e-2, 0.6).unwrap().matrix;
        let factors = ilu0(&a).unwrap();
        let scalars = FactorScalars::new(&factors, &a, true).unwrap();
        assert_eq!(scalars.values(&[0.0; 4]), factors.values());
        // The same value of τ for L and U.
        let weakened = weaken_factors(factors.clone(), 0.03).unwrap();
        let close =
            |v: &[f64], w: &[f64]| v.iter().zip(w).all(|(v, w)| (v - w).abs() < 1e-14 * (1.0 + w.abs()));
        assert!(close(&scalars.values(&[0.0, 0.0, -0.03, 0.0]), weakened.values()));
        // With the dropped fill on the pivots, row sums of L D U are those of A where no earlier pivot was changed.
        let (_, dropped) = ilu0_with_dropped_fill(&a).unwrap();
        let last = a.rows() - 1;
        let modified = Csr::from_parts(factors.pattern().clone(), scalars.values(&[0.0, 1.0, 0.0, 0.0]));
        let expected = factors.diagonal()[last] + dropped[last];
        assert!((modified.diagonal()[last] - expected).abs() < 1e-14);
        assert!(dropped[0] == 0.0 && dropped.iter().any(|d| d.abs() > 1e-3));
        // L D Lᵀ: D U is the transpose of L D.
        let values = scalars.values(&SCALARS[..4]);
        let changed = Csr::from_parts(factors.pattern().clone(), values);
        let pivots = changed.diagonal();
        let scaled = changed.map(|i, j, v| if j < i { v * pivots[j] } else { v });
        assert!(scaled.asymmetry() < 1e-13);
        assert!(changed != factors);
    }
}
