//! Losses of Schwarz methods on the tape: against the adjoint by hand, differences, the solver, threads.

use std::sync::Arc;

use multigrad::cycle_tape::{Tape, gradient_check};
use multigrad::engine::Host;
use multigrad::gallery::{FlowScheme, poisson_2d, recirculating_flow};
use multigrad::krylov::Fgmres;
use multigrad::learn::{Loss, LossAndGradient, Parameters, Target};
use multigrad::multigrid::{Hierarchy, Relaxation, Setup, Smoother};
use multigrad::schwarz::{Interface, Layout, Schwarz, Subdomains, Variant, blocks_2d};
use multigrad::solver::Amg;
use multigrad::sparse::{Csr, Storage};

use crate::common::numbers::{Numbers, bits, distance, dot, pools};
use crate::common::schwarz_by_hand::ByHand;

const VARIANTS: [Variant; 4] = [Variant::Restricted, Variant::Additive, Variant::Weighted, Variant::Harmonic];

const LOSSES: [Loss; 3] = [Loss::Rate, Loss::Slowest, Loss::Krylov];

/// A grid with nonsymmetric values, and a third of its entries stored on one side only.
fn unsymmetric(nx: usize, ny: usize) -> Csr<f64> {
    let mut numbers = Numbers(3);
    let a = poisson_2d(nx, ny).unwrap().matrix.map(|_, _, v| v + 0.4 * numbers.value());
    let mut triplets = Vec::new();
    for i in 0..a.rows() {
        triplets.extend(a.row(i).filter(|&(j, _)| j <= i || (i + j) % 3 > 0).map(|(j, v)| (i, j, v)));
    }
    Csr::from_triplets(a.rows(), a.cols(), &triplets).unwrap()
}

struct Method {
    a: Csr<f64>,
    layout: Arc<Layout>,
    variant: Variant,
    hierarchy: Hierarchy<Host<f64>>,
    parameters: Parameters<f64>,
}

impl Method {
    /// One level with the method as its only sweep, and these or random interface values.
    fn new(a: Csr<f64>, part: Vec<u32>, variant: Variant, values: Option<Vec<f64>>) -> Self {
        let subdomains = Subdomains::new(a.pattern(), part, 1, variant).unwrap();
        let layout = subdomains.layout(a.pattern()).unwrap();
        let noise = || Numbers(4).vector(layout.interface_entries()).iter().map(|v: &f64| 0.3 * v).collect();
        let interface: Vec<f64> = values.unwrap_or_else(noise);
        let builder = Amg::builder(Setup::OneLevel).relaxation(Relaxation::L1Jacobi).sweeps(1, 0);
        let mut hierarchy = builder.build_hierarchy(&a).unwrap();
        hierarchy.levels[0].pre =
            vec![Smoother::Schwarz { subdomains, interface: Storage::shared(interface) }];
        let parameters = Parameters::learned(&hierarchy, Target::Schwarz, false).unwrap();
        Self { a, layout, variant, hierarchy, parameters }
    }

    fn loss(&self, loss: Loss, u: &[f64], columns: usize, steps: usize) -> LossAndGradient<f64> {
        loss.differentiate(&Tape::new(columns), &self.hierarchy, &self.parameters, u, steps).unwrap()
    }

    fn alone(&self) -> Schwarz<f64> {
        let values = self.parameters.values().first().map_or(Vec::new(), |v| v.to_vec());
        Schwarz::new(&self.a, Interface::new(&self.layout, values).unwrap(), self.variant).unwrap()
    }
}

fn on_grid(side: usize, blocks: (usize, usize), variant: Variant) -> Method {
    Method::new(unsymmetric(side, side), blocks_2d(side, side, blocks.0, blocks.1).unwrap(), variant, None)
}

/// Two programs for one gradient.
#[test]
fn the_tape_and_the_adjoint_by_hand_agree() {
    let flow = recirculating_flow(12, 0.02, FlowScheme::Upwind).unwrap().matrix;
    for variant in VARIANTS {
        let blocks = blocks_2d(12, 12, 3, 2).unwrap();
        for (m, columns, steps) in [
            (on_grid(6, (2, 2), variant), 5, 1),
            (on_grid(6, (2, 2), variant), 1, 2),
            (Method::new(flow.clone(), blocks, variant, None), 3, 4),
        ] {
            let u: Vec<f64> = Numbers(2).vector(m.a.rows() * columns);
            let by_hand = ByHand::new(&m.a, &m.layout, &m.parameters.values()[0], variant);
            let judged = [
                by_hand.logarithm(&u, columns, steps),
                by_hand.slowest(&u, columns, steps),
                by_hand.krylov(&u, columns, steps),
            ];
            for (loss, (value, gradient)) in LOSSES.into_iter().zip(judged) {
                let found = m.loss(loss, &u, columns, steps);
                assert!((found.loss - value).abs() < 1e-11, "{variant:?} {loss}: {} {value}", found.loss);
                let far = distance(&found.gradient[0], &gradient);
                let size = gradient.iter().fold(0.0f64, |m, v| m.max(v.abs()));
                assert!(size > 1e-3 && far < 1e-9, "{variant:?} {loss}, {steps} steps: {far}");
            }
        }
    }
}

#[test]
fn gradients_are_those_of_differences() {
    let columns = 5;
    for variant in VARIANTS {
        let m = on_grid(6, (2, 2), variant);
        let u: Vec<f64> = Numbers(8).vector(m.a.rows() * columns);
        for loss in LOSSES {
            for steps in [1, 2, 4] {
                let found = m.loss(loss, &u, columns, steps);
                let moved = |values: &[Vec<f64>]| {
                    let mut parameters = m.parameters.clone();
                    parameters.buffer_mut(0).0.copy_from_slice(&values[0]);
                    Ok(loss.differentiate(&Tape::new(columns), &m.hierarchy, &parameters, &u, steps)?.loss)
                };
                let at = [m.parameters.values()[0].to_vec()];
                let check = gradient_check(moved, &at, &found.gradient, 6).unwrap();
                assert!(check.relative_error < 1e-7, "{variant:?} {loss}, {steps} steps: {check:?}");
                if loss != Loss::Krylov {
                    let mut after = u.clone();
                    m.alone().iterate(&mut after, columns).unwrap();
                    assert!(distance(&after, &found.after_one_cycle) < 1e-13);
                }
            }
        }
    }
}

#[test]
fn bits_do_not_depend_on_threads() {
    let run = |pool: &rayon::ThreadPool| {
        pool.install(|| {
            let m = on_grid(26, (4, 3), Variant::Weighted);
            let u: Vec<f64> = Numbers(2).vector(m.a.rows() * 40);
            LOSSES.map(|loss| {
                let found = m.loss(loss, &u, 40, 2);
                (found.loss.to_bits(), bits(&found.gradient[0]), bits(&found.after_one_cycle))
            })
        })
    };
    let [one, _, three] = pools();
    assert!(run(one) == run(three));
}

/// The Krylov loss agrees with the solver's residual, and the next columns are its residual.
#[test]
fn the_krylov_loss_is_that_of_the_solver() {
    let m = on_grid(12, (3, 2), Variant::Restricted);
    let u: Vec<f64> = Numbers(8).vector(m.a.rows());
    let alone = m.alone();
    for steps in [1, 3, 7] {
        let found = m.loss(Loss::Krylov, &u, 1, steps);
        let solver = Fgmres::new().max_iterations(steps).rtol(1e-14).preconditioner(&alone);
        let residual = solver.solve(&m.a, &u).unwrap().relative_residual();
        let factor = (0.5 * found.loss * steps as f64).exp();
        assert!((factor / residual - 1.0).abs() < 1e-8, "{factor} {residual}");
        let norm = dot(&found.after_one_cycle, &found.after_one_cycle).sqrt();
        assert!((norm / factor - 1.0).abs() < 1e-10);
    }
}

/// A space that is exhausted before the last step: the loss is that of the steps whose residual is above rounding.
#[test]
fn exhausted_spaces_do_no_harm() {
    let path = |i: usize| [(i, i, 2.1 + 0.1 * i as f64), (i, (i + 1) % 6, -1.0), ((i + 1) % 6, i, -0.8)];
    let entries: Vec<_> = (0..6).flat_map(|i| path(i).into_iter().take(if i < 5 { 3 } else { 1 })).collect();
    let a = Csr::from_triplets(6, 6, &entries).unwrap();
    let m = Method::new(a, vec![0, 0, 0, 1, 1, 1], Variant::Restricted, None);
    let of = |steps| m.loss(Loss::Krylov, &[1.0, 2.0, 0.5, -1.0, 0.3, -0.7], 1, steps);
    let found = of(5);
    assert!((1..5).any(|steps| (of(steps).loss - found.loss).abs() < 1e-9), "{found:?}");
    assert!(found.gradient[0].iter().all(|g| g.is_finite() && *g != 0.0), "{found:?}");
}
