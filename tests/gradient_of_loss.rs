//! The convergence loss and its gradient, in both precisions.
#![allow(missing_docs)]

#[path = "common/numbers.rs"]
mod numbers;

use multigrad::autodiff::{Tape, gradient_check};
use multigrad::backend::{Cpu, Reference};
use multigrad::engine::Host;
use multigrad::gallery::{FlowScheme, poisson_2d, recirculating_flow};
use multigrad::learn::{Parameters, convergence_loss};
use multigrad::multigrid::{Amg, CycleKind, Hierarchy, Relaxation};
use multigrad::setup::Coarsening;
use multigrad::sparse::Scalar;
use numbers::{Numbers, distance};

fn build(m: usize, sweeps: (usize, usize), w: bool) -> Hierarchy<Host<f64>> {
    build_with(m, sweeps, w, Relaxation::Spai1)
}

fn build_with(m: usize, sweeps: (usize, usize), w: bool, relaxation: Relaxation) -> Hierarchy<Host<f64>> {
    let a = recirculating_flow(m, 0.005, FlowScheme::Upwind).unwrap().matrix;
    let coarsening = Coarsening { max_coarse: 4, ..Coarsening::default() };
    let builder = Amg::smoothed_aggregation().coarsening(coarsening).suited_to(&a);
    let amg = if w { builder.cycle(CycleKind::W) } else { builder }.build(&a).unwrap();
    amg.with_relaxation(relaxation, sweeps).unwrap().hierarchy().clone()
}

fn with<T: Scalar>(start: &Parameters<T>, values: &[Vec<T>]) -> Parameters<T> {
    let mut parameters = start.clone();
    for (q, v) in values.iter().enumerate() {
        parameters.buffer_mut(q).0.copy_from_slice(v);
    }
    parameters
}

#[test]
fn the_gradient_of_the_loss_is_right() {
    let (m, lu) = (Relaxation::Spai1, Relaxation::Ilu0(0.8));
    for (cycles, batch, sweeps, w, relaxation) in [
        (1, 1, (1, 1), false, m),
        (3, 4, (1, 1), false, m),
        (8, 5, (1, 1), false, m),
        (2, 3, (2, 0), true, m),
        (1, 1, (1, 1), false, lu),
        (4, 8, (1, 1), false, lu),
    ] {
        let h = build_with(8, sweeps, w, relaxation);
        let parameters = Parameters::<f64>::relaxations(&h);
        let z: Vec<f64> = Numbers(51).vector(h.rows() * batch);
        let tape = Tape::new(Cpu, batch);
        let found = convergence_loss(&tape, &h, &parameters, &z, cycles).unwrap();
        let at: Vec<Vec<f64>> = parameters.values().iter().map(|v| v.to_vec()).collect();
        let loss = |p: &[Vec<f64>]| {
            Ok(convergence_loss(&Tape::new(Cpu, batch), &h, &with(&parameters, p), &z, cycles)?.loss)
        };
        let check = gradient_check(loss, &at, &found.gradient, 12).unwrap();
        assert!(check.relative_error < 1e-7, "{cycles} cycles, batch {batch}: {check:?}");

        // A tape that is used again gives the same, and the reference kernels agree.
        let again = convergence_loss(&tape, &h, &parameters, &z, cycles).unwrap();
        assert_eq!((again.loss, &again.gradient), (found.loss, &found.gradient));
        let plain = convergence_loss(&Tape::new(Reference, batch), &h, &parameters, &z, cycles).unwrap();
        assert!((plain.loss - found.loss).abs() < 1e-12);
        for (g, p) in found.gradient.iter().zip(&plain.gradient) {
            assert!(distance(g, p) < 1e-10, "{:e}", distance(g, p));
        }
    }
}

/// The size of an error does not matter, only its direction.
#[test]
fn the_loss_does_not_depend_on_scale() {
    let h = build(8, (1, 1), false);
    let parameters = Parameters::<f64>::relaxations(&h);
    let z: Vec<f64> = Numbers(52).vector(h.rows() * 2);
    let at = |scale: f64| {
        let z: Vec<f64> = z.iter().map(|v| v * scale).collect();
        convergence_loss(&Tape::new(Cpu, 2), &h, &parameters, &z, 3).unwrap()
    };
    let one = at(1.0);
    for scale in [0.125, 1024.0] {
        let other = at(scale);
        assert!((other.loss - one.loss).abs() < 1e-13);
        for (g, p) in other.gradient.iter().zip(&one.gradient) {
            assert!(distance(g, p) < 1e-12);
        }
    }
}

#[test]
fn single_precision_gives_nearly_the_same_gradient() {
    let h = build(12, (1, 1), false);
    let single = h.cast::<f32>().unwrap();
    let z: Vec<f64> = Numbers(53).vector(h.rows() * 8);
    let z32: Vec<f32> = z.iter().map(|&v| v as f32).collect();
    let (p64, p32) = (Parameters::<f64>::relaxations(&h), Parameters::<f32>::relaxations(&h));
    for cycles in [1, 4, 10] {
        let double = convergence_loss(&Tape::new(Cpu, 8), &h, &p64, &z, cycles).unwrap();
        let found = convergence_loss(&Tape::new(Cpu, 8), &single, &p32, &z32, cycles).unwrap();
        assert!((double.loss - found.loss).abs() < 1e-5, "{} {}", double.loss, found.loss);
        for (g, f) in double.gradient.iter().zip(&found.gradient) {
            let f: Vec<f64> = f.iter().map(|&v| f64::from(v)).collect();
            assert!(distance(&f, g) < 1e-4, "{cycles} cycles: {:e}", distance(&f, g));
        }
    }
}

/// Many cycles of a fast solver leave an error whose square single precision cannot hold.
#[test]
fn a_fast_solver_does_not_underflow_in_single_precision() {
    let a = poisson_2d(9, 9).unwrap().matrix;
    let amg = Amg::smoothed_aggregation().build(&a).unwrap();
    let amg = amg.with_relaxation(Relaxation::Spai1, (2, 2)).unwrap();
    let h = amg.hierarchy();
    let (p64, p32) = (Parameters::<f64>::relaxations(h), Parameters::<f32>::relaxations(h));
    let z: Vec<f64> = Numbers(54).vector(h.rows() * 4);
    let z32: Vec<f32> = z.iter().map(|&v| v as f32).collect();
    let cycles = 18;
    let double = convergence_loss(&Tape::new(Cpu, 4), h, &p64, &z, cycles).unwrap();
    let single = h.cast::<f32>().unwrap();
    let found = convergence_loss(&Tape::new(Cpu, 4), &single, &p32, &z32, cycles).unwrap();
    // ‖Gᵏz‖² is far below what f32 holds, and nothing is wrong with Gᵏz itself.
    assert!(double.loss * (cycles as f64) < -95.0, "not fast enough for this test: {}", double.loss);
    assert!((double.loss - found.loss).abs() < 1e-3, "{} against {}", found.loss, double.loss);
    for (g, f) in double.gradient.iter().zip(&found.gradient) {
        let f: Vec<f64> = f.iter().map(|&v| f64::from(v)).collect();
        assert!(distance(&f, g) < 1e-2, "{:e}", distance(&f, g));
    }
}

#[test]
fn lengths_that_do_not_fit_are_errors() {
    let h = build(8, (1, 1), false);
    let parameters = Parameters::<f64>::relaxations(&h);
    let tape = Tape::new(Cpu, 2);
    for length in [0, 1, 64, 127, 130, 256] {
        assert!(convergence_loss(&tape, &h, &parameters, &vec![1.0; length], 2).unwrap_err().is_dimension());
    }
    assert!(convergence_loss(&tape, &h, &parameters, &[1.0; 128], 0).unwrap_err().is_invalid_input());
    assert!(convergence_loss(&tape, &h, &parameters, &[1.0; 128], 1).is_ok());
}
