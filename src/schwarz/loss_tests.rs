//! Losses of Schwarz methods: gradients against differences, a published loss, threads.

use super::schwarz_tests::{VARIANTS, layout, noise, unsymmetric};
use super::{Interface, Loss, Schwarz, Variant, blocks_2d, loss, loss_and_gradient};
use crate::gallery::poisson_2d;
use crate::krylov::Fgmres;
use crate::operator::Preconditioner;
use crate::sparse::Csr;

#[test]
fn gradients_are_those_of_differences() {
    let a = unsymmetric(6, 6);
    let (n, columns) = (a.rows(), 5);
    let layout = layout(&a, &blocks_2d(6, 6, 2, 2).unwrap(), 1);
    let base: Vec<f64> = noise(4, layout.interface_entries()).iter().map(|v| 0.3 * v).collect();
    let u = noise(8, n * columns);
    for variant in VARIANTS {
        for kind in [Loss::Largest, Loss::Logarithm, Loss::Softmax, Loss::Krylov] {
            for steps in [1, 2, 4] {
                let at = |values: Vec<f64>| {
                    let interface = Interface::new(&layout, values).unwrap();
                    let m = Schwarz::new(&a, interface, variant).unwrap();
                    loss(&m, kind, &u, columns, steps).unwrap()
                };
                let m = Schwarz::new(&a, Interface::new(&layout, base.clone()).unwrap(), variant).unwrap();
                let found = loss_and_gradient(&m, kind, &u, columns, steps).unwrap();
                assert_eq!(found.loss, at(base.clone()));
                // Some entries, and one direction through all of them.
                let entries = base.len();
                let mut directions = vec![noise(2, entries)];
                for q in [0, entries / 3, entries - 1] {
                    directions.push((0..entries).map(|p| if p == q { 1.0 } else { 0.0 }).collect());
                }
                for direction in directions {
                    let h = 1e-3;
                    let moved = |s: f64| at(base.iter().zip(&direction).map(|(b, d)| b + s * d).collect());
                    let difference =
                        (8.0 * (moved(h) - moved(-h)) - (moved(2.0 * h) - moved(-2.0 * h))) / (12.0 * h);
                    let derivative: f64 = found.gradient.iter().zip(&direction).map(|(g, d)| g * d).sum();
                    let scale = derivative.abs().max(1.0);
                    assert!(
                        (difference - derivative).abs() < 1e-7 * scale,
                        "{variant:?} {kind:?} {steps}: {difference} {derivative}"
                    );
                }
                if kind != Loss::Krylov {
                    let mut after = u.clone();
                    m.iterate(&mut after, columns).unwrap();
                    assert_eq!(after, found.after_one_step);
                }
            }
        }
    }
}

#[test]
fn bits_do_not_depend_on_threads() {
    let a = unsymmetric(26, 26);
    let (n, k) = (a.rows(), 100);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let layout = layout(&a, &blocks_2d(26, 26, 4, 3).unwrap(), 1);
            let interface = Interface::new(&layout, noise(1, layout.interface_entries())).unwrap();
            let m = Schwarz::new(&a, interface, Variant::Weighted).unwrap();
            let mut z = vec![0.0; n * k];
            m.apply_block(&noise(2, n * k), &mut z, k).unwrap();
            let of = |kind| loss_and_gradient(&m, kind, &z, k, 2).unwrap();
            let found = [Loss::Logarithm, Loss::Softmax, Loss::Krylov].map(of);
            let bits = found.map(|f| (f.gradient, f.loss, f.after_one_step));
            (z, bits)
        })
    };
    assert!(run(1) == run(3));
}

/// The loss of the classical method in a published experiment on 39² points (.23919, with unknown vectors):
/// blocks of some hundred rows, one ring, 100 random vectors, one step.
#[test]
fn a_loss_of_the_literature() {
    let a = poisson_2d(39, 39).unwrap().matrix;
    let layout = layout(&a, &blocks_2d(39, 39, 4, 4).unwrap(), 1);
    let m = Schwarz::new(&a, Interface::zero(&layout), Variant::Restricted).unwrap();
    let found = loss(&m, Loss::Largest, &noise(5, 1521 * 100), 100, 1).unwrap();
    assert!((found - 0.239).abs() < 0.01, "{found}");
}

/// The Krylov loss agrees with the solver's residual, and the next columns are its residual.
#[test]
fn the_krylov_loss_is_that_of_the_solver() {
    let a = unsymmetric(12, 12);
    let n = a.rows();
    let layout = layout(&a, &blocks_2d(12, 12, 3, 2).unwrap(), 1);
    let m =
        Schwarz::new(&a, Interface::optimised_zero(&a, &layout, 0.4).unwrap(), Variant::Restricted).unwrap();
    let u = noise(8, n);
    for steps in [1, 3, 7] {
        let found = loss_and_gradient(&m, Loss::Krylov, &u, 1, steps).unwrap();
        let solver = Fgmres::new().max_iterations(steps).rtol(1e-14);
        let out = solver.preconditioner(&m as &dyn Preconditioner).solve(&a, &u).unwrap();
        let factor = (0.5 * found.loss * steps as f64).exp();
        assert!(
            (factor / out.relative_residual() - 1.0).abs() < 1e-8,
            "{factor} {}",
            out.relative_residual()
        );
        let norm = found.after_one_step.iter().map(|v| v * v).sum::<f64>().sqrt();
        assert!((norm / factor - 1.0).abs() < 1e-10);
    }
}

/// A space that is exhausted before the last step: the residual is rounding error, the gradient finite.
#[test]
fn exhausted_spaces_do_no_harm() {
    let a = Csr::from_triplets(4, 4, &(0..4).map(|i| (i, i, 1.0 + i as f64)).collect::<Vec<_>>()).unwrap();
    let layout = layout(&a, &[0, 0, 1, 1], 1);
    let m = Schwarz::new(&a, Interface::zero(&layout), Variant::Restricted).unwrap();
    let found = loss_and_gradient(&m, Loss::Krylov, &[1.0, 2.0, 0.5, -1.0], 1, 5).unwrap();
    assert!(found.loss < -10.0 && found.gradient.iter().all(|g| g.is_finite()), "{found:?}");
}
