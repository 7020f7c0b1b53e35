//! Lists of terms against the plans of the host.

use super::super::{GalerkinPlan, ProductPlan};
use super::*;
use crate::gallery::poisson_2d;
use crate::sparse::Csr;

fn sums(gather: &Gather, a: &[f64], b: &[f64]) -> Vec<f64> {
    let sum = |w: &[u32]| {
        let terms = gather.left[w[0] as usize..w[1] as usize].iter();
        let terms = terms.zip(&gather.right[w[0] as usize..w[1] as usize]);
        terms.fold(0.0, |sum, (&p, &q)| sum + a[p as usize] * b[q as usize])
    };
    gather.ptr.windows(2).map(sum).collect()
}

/// Several thousand rows, so that there are several chunks.
fn factors() -> (Csr<f64>, Csr<f64>, Csr<f64>) {
    let a = poisson_2d(30, 25).unwrap().matrix.map(|i, j, v| v + 0.1 * ((i * 7 + j * 3) as f64).sin());
    let transfer: Vec<_> =
        (0..750).flat_map(|i| [(i, i / 3, 0.3 + (i as f64).cos()), (i, (i * i) % 250, 0.7)]).collect();
    let p = Csr::from_triplets(750, 250, &transfer).unwrap();
    (p.transpose(), a, p)
}

#[test]
fn the_bits_are_those_of_the_plans() {
    let (r, a, p) = factors();
    let plan = ProductPlan::new(a.pattern(), p.pattern()).unwrap();
    let product = plan.numeric(&a, &p).unwrap();
    let gather = Gather::product(a.pattern(), p.pattern(), plan.pattern()).unwrap();
    assert_eq!(sums(&gather, a.values(), p.values()), product.values());

    let plan = GalerkinPlan::new(r.pattern(), a.pattern(), p.pattern()).unwrap();
    let coarse = plan.numeric(&r, &a, &p).unwrap();
    let [inner, outer] = Gather::galerkin(r.pattern(), a.pattern(), p.pattern(), plan.pattern()).unwrap();
    let values = sums(&outer, &sums(&inner, r.values(), a.values()), p.values());
    assert_eq!(values, coarse.values());
}

#[test]
fn a_larger_pattern_has_zeros_and_a_smaller_one_is_refused() {
    let (_, a, p) = factors();
    let full: Vec<_> = (0..750).flat_map(|i| (0..250).map(move |j| (i, j, 1.0))).collect();
    let full = Csr::from_triplets(750, 250, &full).unwrap();
    let gather = Gather::product(a.pattern(), p.pattern(), full.pattern()).unwrap();
    let product = a.multiply(&p).unwrap();
    let values = sums(&gather, a.values(), p.values());
    assert!((0..750).all(|i| (0..250).all(|j| values[i * 250 + j] == product.get(i, j))));
    assert!(Gather::product(a.pattern(), p.pattern(), p.pattern()).is_err());
    assert!(Gather::product(a.pattern(), p.pattern(), a.pattern()).is_err());
    assert!(Gather::product(p.pattern(), a.pattern(), p.pattern()).is_err());
}
