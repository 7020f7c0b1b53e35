//! Random combinations of the columns of a basis.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use crate::krylov::{axpy, basis, dot};

/// The number of combinations.
const PROBES: usize = 3;

/// Distance that counts as rounding, in units of ε √m ‖x‖.
const ROUNDINGS: f64 = 4.0;

/// Sums Q s of the first m columns of Q with random signs s. They tell whether the products of a vector x with all of
/// these columns have wanted values. If the products differ from these by d, then sᵀ d has the variance ‖d‖² and is close
/// to normal: the probability that |sᵀ d| is below ‖d‖₂/20 for all three sums is about 6e-5. So a distance ‖d‖₂ above
/// 80 ε √m ‖x‖ is found with that certainty. Partial reorthogonalisation has the same aim and estimates the distance by a
/// recurrence (Simon, Math. Comp. 42, 1984). Cost: one product of long vectors per sum, and one addition per column
/// that leaves.
pub(super) struct Probes<'a> {
    basis: &'a [Vec<f64>],
    signs: Vec<Vec<f64>>,
    sums: Vec<Vec<f64>>,
    count: usize,
}

impl<'a> Probes<'a> {
    /// Sums of all columns.
    pub(super) fn new(basis: &'a [Vec<f64>]) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(0);
        let mut signs =
            || (0..basis.len()).map(|_| if random.random() { 1.0 } else { -1.0 }).collect::<Vec<_>>();
        let signs: Vec<_> = (0..PROBES).map(|_| signs()).collect();
        let sum = |s: &Vec<f64>| {
            let mut sum = vec![0.0; basis[0].len()];
            basis::add(basis, s, &mut sum);
            sum
        };
        Self { basis, sums: signs.iter().map(sum).collect(), signs, count: basis.len() }
    }

    /// Keeps the first m columns.
    pub(super) fn shrink(&mut self, m: usize) {
        for (signs, sum) in self.signs.iter().zip(&mut self.sums) {
            (m..self.count).for_each(|c| axpy(-signs[c], &self.basis[c], sum));
        }
        self.count = m;
    }

    /// Whether the products of a vector of this norm with the columns are `products`, up to rounding.
    pub(super) fn agree(&self, x: &[f64], length: f64, products: impl Fn(usize) -> f64) -> bool {
        // Of sums of orthonormal columns.
        let most = ROUNDINGS * f64::EPSILON * (self.count as f64).sqrt() * length;
        self.signs.iter().zip(&self.sums).all(|(signs, sum)| {
            let wanted: f64 = signs[..self.count].iter().enumerate().map(|(c, s)| s * products(c)).sum();
            (dot(sum, x) - wanted).abs() <= most
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::krylov::{norm, orthogonalise_twice, scattered};

    #[test]
    fn a_vector_off_by_more_than_rounding_in_one_product_is_found() {
        let mut q: Vec<Vec<f64>> = Vec::new();
        for c in 0..40 {
            let mut w = scattered(500, c);
            let (_, length) = orthogonalise_twice(&q, &mut w);
            q.push(w.iter().map(|w| w / length).collect());
        }
        let mut probes = Probes::new(&q);
        let mut x = scattered(500, 100);
        let products = basis::products(&q, &x);
        for m in [40, 39, 17, 1] {
            probes.shrink(m);
            assert!(probes.agree(&x, norm(&x), |c| products[c]), "{m}");
            axpy(1e-12 * norm(&x), &q[m - 1], &mut x);
            assert!(!probes.agree(&x, norm(&x), |c| products[c]), "{m}");
            axpy(-1e-12 * norm(&x), &q[m - 1], &mut x);
        }
    }
}
