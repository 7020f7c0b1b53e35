//! The whole chain against differences, scales, files, threads, wrong input.

use std::sync::Arc;

use super::graph::LocalGraph;
use super::train::one_level;
use super::weights::Weights;
use super::{SchwarzNetwork, SchwarzNetworkTraining};
use crate::autodiff::Tape;
use crate::cycle_tape::Tape as CycleTape;
use crate::gallery::{poisson_2d, random_diffusion_2d};
use crate::krylov::Fgmres;
use crate::learn::{Loss, LossAndGradient, Parameters, Target};
use crate::schwarz::{Coupling, Decomposition, Interface, Layout, Schwarz, Variant, blocks_2d, partition};
use crate::sparse::Csr;

fn cut(a: &Csr<f64>, parts: usize) -> Arc<Layout> {
    let part = partition(a.pattern(), parts).unwrap();
    Layout::new(a.pattern(), Decomposition::from_parts(a.pattern(), &part, 1).unwrap()).unwrap()
}

fn grid(nodes: usize, seed: u64, parts: usize) -> (Csr<f64>, Arc<Layout>) {
    let a = random_diffusion_2d(nodes, 1.0, seed).unwrap().matrix;
    let layout = cut(&a, parts);
    (a, layout)
}

/// Weights none of which is zero.
fn stirred(width: usize, rounds: usize) -> Weights {
    let mut weights = Weights::new(width, rounds, 0.7, 3);
    for (b, block) in weights.blocks_mut().iter_mut().enumerate() {
        for (q, w) in block.iter_mut().enumerate() {
            *w += 0.1 * ((q * q + 7 * q + 13 * b) as f32 * 0.618).sin();
        }
    }
    weights
}

/// The loss of three steps of GMRES with these interface values.
fn of_values(values: &[f64], a: &Csr<f64>, layout: &Arc<Layout>, u: &[f64]) -> LossAndGradient<f64> {
    let h = one_level(a.clone(), layout).unwrap();
    let mut parameters = Parameters::learned(&h, Target::Schwarz, false).unwrap();
    parameters.buffer_mut(0).0.copy_from_slice(values);
    Loss::Krylov.differentiate(&CycleTape::new(2), &h, &parameters, u, 3).unwrap()
}

#[test]
fn the_gradient_of_the_whole_chain_is_that_of_differences() {
    let (a, layout) = grid(90, 5, 4);
    let graph = LocalGraph::<f64>::of(&a, &layout).unwrap();
    let weights = stirred(4, 2);
    let u: Vec<f64> = (0..2 * a.rows()).map(|q| ((q * q + 3) as f64 * 0.618).sin()).collect();
    let tape = Tape::new();
    let (out, handles) = weights.record(&tape, &graph);
    let numbers = out.values().unwrap();
    let found = of_values(&graph.values(&numbers, weights.alpha()), &a, &layout, &u);
    let seed = graph.pull_back(&found.gradient[0], &numbers);
    let mut gradients = tape.backward(&[(&out, &seed)]).unwrap();
    for (b, &handle) in handles.iter().enumerate() {
        let gradient = gradients.take(handle).unwrap();
        for q in [0, gradient.len() / 2, gradient.len() - 1] {
            // A step so small that it meets no kink of a relu.
            let moved = |steps: f32| {
                let mut moved = weights.clone();
                let w = &mut moved.blocks_mut()[b][q];
                let before = *w;
                *w += steps / 262_144.0;
                let step = f64::from(*w) - f64::from(before);
                (of_values(&moved.values(&graph).unwrap(), &a, &layout, &u).loss, step)
            };
            let ((up, high), (down, low)) = (moved(1.0), moved(-1.0));
            let difference = (up - down) / (high - low);
            let scale = gradient[q].abs().max(0.1);
            assert!(
                (difference - gradient[q]).abs() < 1e-6 * scale,
                "block {b}, {q}: {difference} {}",
                gradient[q]
            );
        }
    }
}

#[test]
fn it_starts_with_robin_conditions() {
    let (a, layout) = grid(300, 2, 6);
    let network = SchwarzNetwork::new(8, 2, 0.75, 1);
    let found = network.interface(&a, &layout).unwrap();
    let robin = Interface::optimised(&a, &layout, 0.75, 0.0, Coupling::Largest).unwrap();
    for (x, y) in found.values().iter().zip(robin.values()) {
        assert!((x - y).abs() <= 1e-6 * y.abs(), "{x} {y}");
    }
}

/// Rows in other units, and −A, give the same preconditioned iteration: L scales as its rows do.
#[test]
fn values_have_the_units_of_their_rows() {
    let (a, layout) = grid(300, 2, 6);
    let network = SchwarzNetwork { weights: stirred(8, 2) };
    let values = network.interface(&a, &layout).unwrap();
    let scaled = network.interface(&a.map(|_, _, v| -1e40 * v), &layout).unwrap();
    for (x, y) in values.values().iter().zip(scaled.values()) {
        assert!((-1e40 * x - y).abs() <= 1e-4 * 1e40, "{x} {y}");
    }
    let beside = layout.interface_ends(0).iter().position(|[p, q]| p != q).unwrap();
    assert!(values.values()[beside] != 0.0);
}

#[test]
fn training_repeats_itself_and_helps() {
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let family = (0..6).map(|q| grid(200 + 20 * q, q as u64, 4)).collect();
            let network = SchwarzNetwork::new(8, 2, 0.5, 1);
            let mut training =
                SchwarzNetworkTraining::new(network, family, 0.01, 1).unwrap().batch(3).iterations(5);
            let steps: Vec<_> = (0..12).map(|s| training.step(s as f64 / 12.0).unwrap()).collect();
            (steps, training.network().clone())
        })
    };
    let (steps, network) = run(1);
    assert!(steps.iter().all(|s| s.failed == 0 && s.loss.is_finite()));
    assert_eq!(run(3), (steps, network.clone()));
    let (a, layout) = grid(400, 77, 8);
    let iterations = |interface: Interface<f64>| {
        let m = Schwarz::new(&a, interface, Variant::Restricted).unwrap();
        let solver = Fgmres::new().restart(100).rtol(1e-10);
        solver.preconditioner(&m).solve(&a, &vec![1.0; a.rows()]).unwrap().iterations
    };
    let before = iterations(SchwarzNetwork::new(8, 2, 0.5, 1).interface(&a, &layout).unwrap());
    assert!(iterations(network.interface(&a, &layout).unwrap()) <= before);
}

#[test]
fn the_shipped_network_beats_the_classical_methods() {
    let network = SchwarzNetwork::shipped().unwrap();
    let (a, layout) = grid(3000, 11, 50);
    let b: Vec<f64> = (0..a.rows()).map(|q| ((q * q + 3) as f64 * 0.618).sin()).collect();
    let iterations = |m: Schwarz<f64>| {
        let out = Fgmres::new().restart(200).rtol(1e-10).preconditioner(&m).solve(&a, &b).unwrap();
        assert!(out.converged());
        out.iterations
    };
    let classical = |interface| iterations(Schwarz::new(&a, interface, Variant::Restricted).unwrap());
    let learned = iterations(network.preconditioner(&a, &layout).unwrap());
    assert!(learned < classical(Interface::zero(&layout)));
    assert!(learned < classical(Interface::optimised(&a, &layout, 0.75, 0.0, Coupling::Largest).unwrap()));
    // A matrix of another kind, in single precision.
    let a = poisson_2d(40, 40).unwrap().matrix.cast::<f32>();
    let parts = Decomposition::from_parts(a.pattern(), &blocks_2d(40, 40, 5, 5).unwrap(), 1).unwrap();
    let layout = Layout::new(a.pattern(), parts).unwrap();
    assert!(network.interface(&a, &layout).unwrap().values().iter().any(|v| *v != 0.0));
}

#[test]
fn files_and_matrices_that_are_no_good_are_refused() {
    let network = SchwarzNetwork { weights: stirred(4, 2) };
    let bytes = network.to_bytes().unwrap();
    assert_eq!(SchwarzNetwork::from_bytes(&bytes).unwrap(), network);
    assert!(
        SchwarzNetwork::from_bytes(&bytes[1..])
            .unwrap_err()
            .to_string()
            .contains("not the file of a network")
    );
    assert!(SchwarzNetwork::from_bytes(&bytes[..bytes.len() - 3]).is_err());
    assert!(SchwarzNetwork::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    let mut broken = network.clone();
    broken.weights.blocks_mut()[0][0] = f32::NAN;
    assert!(
        SchwarzNetwork::from_bytes(&broken.to_bytes().unwrap()).unwrap_err().to_string().contains("finite")
    );
    let (a, layout) = grid(90, 5, 3);
    let other = poisson_2d(5, 5).unwrap().matrix;
    assert!(network.interface(&other, &layout).unwrap_err().is_dimension());
    let bare = a.map(|i, j, v| if i == j { 0.0 } else { v });
    assert!(network.interface(&bare, &layout).unwrap_err().is_unsuited());
    assert!(SchwarzNetworkTraining::new(network.clone(), Vec::new(), 0.1, 1).is_err());
    let whole = cut(&a, 1);
    assert!(SchwarzNetworkTraining::new(network, vec![(a, whole)], 0.1, 1).is_err());
}
