//! Scalars on incomplete factors: gradients, training on patches, determinism.

use multigrad::cycle_tape::Tape;
use multigrad::gallery::{FlowScheme, recirculating_flow, rotated_anisotropic};
use multigrad::learn::{Loss, Parameters, Target, Trainer};
use multigrad::multigrid::Relaxation;
use multigrad::setup::Coarsening;
use multigrad::solver::Amg;
use multigrad::sparse::Csr;

use crate::common::numbers::Numbers;

fn scattered(n: usize, seed: u64) -> Vec<f64> {
    Numbers(seed + 1).vector(n)
}

fn factored(a: &Csr<f64>, tau: f64) -> Amg {
    let setup = Coarsening { theta: 0.0, max_coarse: 20, ..Coarsening::default() };
    Amg::builder(setup).relaxation(Relaxation::weak_ilu0(tau)).build(a).unwrap()
}

#[test]
fn gradients_of_scalars_agree_with_differences() {
    let flow = recirculating_flow(14, 0.01, FlowScheme::Supg).unwrap().matrix;
    let rotated = rotated_anisotropic(14, 1e-2, 0.5).unwrap().matrix;
    for (a, symmetric) in [(&flow, false), (&rotated, false), (&rotated, true)] {
        let amg = factored(a, 0.02);
        let h = amg.hierarchy();
        let mut parameters = Parameters::<f64>::learned(h, Target::Scalars, symmetric).unwrap();
        // Finest and coarser levels, before and after the correction: two dozen, or eight if they are tied.
        assert_eq!(parameters.count(), if symmetric { 8 } else { 24 });
        for q in 0..parameters.len() {
            let (values, _) = parameters.buffer_mut(q);
            let start = scattered(values.len(), q as u64);
            values.iter_mut().zip(start).for_each(|(v, r)| *v = 0.02 * r);
        }
        let columns = 3;
        let z = scattered(columns * a.rows(), 5);
        for loss in [Loss::Krylov, Loss::Rate] {
            let tape = Tape::<f64>::new(columns);
            let at = |p: &Parameters<f64>| loss.differentiate(&tape, h, p, &z, 2).unwrap();
            let gradient = at(&parameters).gradient;
            for (q, own) in gradient.iter().enumerate() {
                for (i, &slope) in own.iter().enumerate() {
                    let moved = |step: f64| {
                        let mut p = parameters.clone();
                        p.buffer_mut(q).0[i] += step;
                        at(&p).loss
                    };
                    // Fourth order: the error of the difference is below that of rounding.
                    let step = 2e-4;
                    let near = moved(step) - moved(-step);
                    let far = moved(2.0 * step) - moved(-2.0 * step);
                    let difference = (8.0 * near - far) / (12.0 * step);
                    let error = (difference - slope).abs();
                    assert!(error <= 1e-7 * (1.0 + slope.abs()), "{loss} {q} {i}: {difference} {}", slope);
                }
            }
        }
    }
}

#[test]
fn scalars_learned_on_patches_save_iterations_on_any_number_of_threads() {
    let a = rotated_anisotropic(96, 1e-3, 0.9).unwrap().matrix;
    let start = factored(&a, 0.03);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut amg = factored(&a, 0.03);
            let trainer = Trainer::new().learn(Target::Scalars).loss(Loss::Krylov).steps(20).seed(2);
            let report = trainer.fit(&mut amg).unwrap();
            let b = scattered(a.rows(), 9);
            let out = amg.solve(&b).unwrap();
            (report.loss_history, report.accepted, out.x, out.iterations)
        })
    };
    let (losses, accepted, x, iterations) = run(1);
    assert!(accepted && losses.len() == 20);
    let before = start.solve(&scattered(a.rows(), 9)).unwrap().iterations;
    assert!(iterations < before, "{iterations} {before}");
    for threads in [2, 3] {
        let other = run(threads);
        assert!(losses == other.0 && x == other.2, "{threads} threads");
    }
}

#[test]
fn scalars_need_factors_and_say_so() {
    let a = rotated_anisotropic(20, 1e-2, 0.5).unwrap().matrix;
    let amg = Amg::smoothed_aggregation().build(&a).unwrap();
    let error = Parameters::<f64>::learned(amg.hierarchy(), Target::Scalars, false).unwrap_err().to_string();
    assert!(error.contains("incomplete factors with unit L"), "{error}");
    // A matrix that goes to the direct solver at once has nothing to learn.
    let small = rotated_anisotropic(4, 1e-2, 0.5).unwrap().matrix;
    let mut direct = Amg::smoothed_aggregation().build(&small).unwrap();
    let report = Trainer::new().learn(Target::Scalars).loss(Loss::Krylov).fit(&mut direct).unwrap();
    assert_eq!(report.parameters, 0);
}
