//! Gradients of planned products.

use std::sync::Arc;

use super::*;
use crate::gallery;

#[test]
fn both_gradients_are_masked_products() {
    let a = gallery::recirculating_flow(20, 0.01, gallery::FlowScheme::Supg).unwrap().matrix;
    let b = a.filter(|i, j, _| (3 * i + j) % 4 != 0 && i != 7);
    let plan = ProductPlan::new(a.pattern(), b.pattern()).unwrap();
    let up: Vec<f64> = (0..plan.pattern().nnz()).map(|p| (p as f64 * 0.7).sin()).collect();
    let c = crate::sparse::Csr::from_parts(plan.pattern().clone(), up.clone());
    let left = c.multiply(&b.transpose()).unwrap();
    let right = a.transpose().multiply(&c).unwrap();
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let (mut of_a, mut of_b) = (vec![9.0; a.nnz()], vec![9.0; b.nnz()]);
        pool.install(|| {
            plan.adjoint_left(&up, b.values(), &mut of_a);
            plan.adjoint_right(&up, a.values(), &mut of_b);
        });
        for i in 0..a.rows() {
            let near = |x: f64, y: f64| (x - y).abs() < 1e-12 * (1.0 + y.abs());
            assert!(
                a.pattern().row(i).all(|p| { near(of_a[p], left.get(i, a.pattern().col_idx()[p] as usize)) })
            );
            assert!(
                b.pattern()
                    .row(i)
                    .all(|p| { near(of_b[p], right.get(i, b.pattern().col_idx()[p] as usize)) })
            );
        }
    }
    assert!(Arc::strong_count(plan.pattern()) > 1);
}
