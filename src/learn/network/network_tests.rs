//! Inference against the tape of training.

use std::sync::Arc;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::SmootherNetwork;
use super::graph::Graph;
use crate::engine::Host;
use crate::gallery::{FlowScheme, poisson_3d, recirculating_flow, recirculating_flow_3d};
use crate::learn::Target;
use crate::multigrid::{Hierarchy, Relaxation};
use crate::setup::{Coarsening, Variant};
use crate::solver::Amg;
use crate::sparse::{Csr, Storage};

/// Hierarchies of a 2-D flow, a 3-D flow and a symmetric 3-D matrix, with R = Pᵀ and without.
fn problems(relaxation: Relaxation) -> Vec<Hierarchy<Host<f64>>> {
    let build = |a: Csr<f64>, variant| {
        let coarsening = Coarsening { variant, max_coarse: 8, ..Coarsening::default() };
        let amg = Amg::builder(coarsening).build(&a).unwrap();
        assert!(amg.hierarchy().levels.len() >= 2, "{amg}");
        amg.with_relaxation(relaxation, (1, 2)).unwrap().hierarchy().clone()
    };
    vec![
        build(recirculating_flow(24, 0.01, FlowScheme::Supg).unwrap().matrix, Variant::TransposeSmoothed),
        build(recirculating_flow_3d(9, 0.01).unwrap().matrix, Variant::Symmetric),
        build(poisson_3d(9, 8, 7).unwrap().matrix, Variant::Symmetric),
    ]
}

/// A network with weights everywhere.
fn random(width: usize, rounds: usize) -> SmootherNetwork {
    let mut network = SmootherNetwork::new(width, rounds, 3);
    let mut random = ChaCha8Rng::seed_from_u64(7);
    for block in network.weights.blocks_mut() {
        if block.iter().all(|&w| w == 0.0) {
            block.iter_mut().for_each(|w| *w = 0.5 * (random.random::<f32>() - 0.5));
        }
    }
    network
}

fn values(h: &Hierarchy<Host<f64>>) -> Vec<Arc<Storage<f64>>> {
    let sweeps = h.levels.iter().flat_map(|l| l.pre.iter().chain(&l.post));
    sweeps.map(|s| s.matrix().map(|m| m.values.clone()).unwrap()).collect()
}

#[test]
fn inference_agrees_with_the_tape() {
    for (learn, relaxation) in [(Target::Ilu, Relaxation::Ilu0(1.0)), (Target::Relaxation, Relaxation::Spai1)]
    {
        let mut networks: Vec<_> = [(16, 2), (8, 1), (5, 3), (16, 4)].map(|(w, r)| random(w, r)).into();
        networks.push(SmootherNetwork::shipped(learn).unwrap());
        for h in problems(relaxation) {
            let graph = Graph::of(&h).unwrap();
            for (number, network) in networks.iter().enumerate() {
                let (made, recorded) = (network.apply(&h).unwrap(), network.apply_recorded(&h).unwrap());
                let (made, recorded) = (values(&made), values(&recorded));
                assert_eq!((made.len(), recorded.len()), (graph.buffers.len(), graph.buffers.len()));
                let mut changed = 0;
                for ((made, recorded), (range, _)) in made.iter().zip(&*recorded).zip(&graph.buffers) {
                    for ((v, w), (start, unit)) in
                        made.iter().zip(&**recorded).zip(&graph.start[range.clone()])
                    {
                        let (start, size) = (f64::from(*start), f64::from(start.abs() + unit.abs()));
                        assert!(
                            (v - w).abs() <= 1e-5 * size,
                            "{learn}, network {number}: {v} {w}, size {size}"
                        );
                        changed += usize::from((v - start).abs() > 1e-3 * size);
                    }
                }
                assert!(2 * changed > graph.start.len(), "{learn}: network {number} has hardly an effect");
                for threads in [1, 2, 3] {
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                    let again = pool.install(|| values(&network.apply(&h).unwrap()));
                    assert!(again == made, "{learn}: network {number} depends on threads");
                }
            }
        }
    }
}
