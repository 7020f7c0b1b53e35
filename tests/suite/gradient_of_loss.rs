//! The convergence loss and its gradient, in both precisions.

use crate::common::numbers::{Numbers, distance};
use multigrad::cycle_tape::{Tape, gradient_check};
use multigrad::engine::{Eager, Engine, Host};
use multigrad::gallery::{FlowScheme, poisson_2d, recirculating_flow};
use multigrad::learn::{Loss, Parameters, Target};
use multigrad::multigrid::{CycleKind, Hierarchy, Relaxation, Smoother, cycle};
use multigrad::setup::{Coarsening, relaxation::spai};
use multigrad::solver::Amg;
use multigrad::sparse::Scalar;

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
        let tape = Tape::new(batch);
        let found = Loss::Rate.differentiate(&tape, &h, &parameters, &z, cycles).unwrap();
        let at: Vec<Vec<f64>> = parameters.values().iter().map(|v| v.to_vec()).collect();
        let loss = |p: &[Vec<f64>]| {
            Ok(Loss::Rate.differentiate(&Tape::new(batch), &h, &with(&parameters, p), &z, cycles)?.loss)
        };
        let check = gradient_check(loss, &at, &found.gradient, 12).unwrap();
        assert!(check.relative_error < 1e-7, "{cycles} cycles, batch {batch}: {check:?}");

        // A tape that is used again gives the same.
        let again = Loss::Rate.differentiate(&tape, &h, &parameters, &z, cycles).unwrap();
        assert_eq!((again.loss, &again.gradient), (found.loss, &found.gradient));
    }
}

/// Post-sweeps that are the transposes of the pre-sweeps.
fn mirrored(mut h: Hierarchy<Host<f64>>) -> Hierarchy<Host<f64>> {
    for level in &mut h.levels {
        level.post = level.pre.iter().rev().map(Smoother::transposed).collect();
    }
    h
}

fn poisson(relaxation: Relaxation, sweeps: usize) -> Hierarchy<Host<f64>> {
    let a = poisson_2d(8, 7).unwrap().matrix;
    let coarsening = Coarsening { max_coarse: 4, ..Coarsening::default() };
    let builder = Amg::smoothed_aggregation().coarsening(coarsening).relaxation(relaxation);
    mirrored(builder.sweeps(sweeps, sweeps).build(&a).unwrap().hierarchy().clone())
}

/// M on the pattern of A².
fn wide(mut h: Hierarchy<Host<f64>>) -> Hierarchy<Host<f64>> {
    for level in &mut h.levels {
        let a = level.a.to_csr();
        let m = spai(&a, a.multiply(&a).unwrap().pattern()).unwrap();
        assert!(m.nnz() > a.nnz() || a.rows() < 30);
        for sweep in level.pre.iter_mut().chain(&mut level.post) {
            *sweep = Smoother::Sparse { m: m.clone().into() };
        }
    }
    h
}

/// The gradient of every kind of parameter, alone and together, apart and tied.
#[test]
fn every_kind_of_parameter_has_its_gradient() {
    let (pre, w) = ((1, 1), false);
    let flow = |relaxation| build_with(8, pre, w, relaxation);
    let chebyshev = Relaxation::Chebyshev(3);
    let two = |relaxation| build_with(8, (2, 2), true, relaxation);
    for (learn, symmetric, h) in [
        ("wide-relaxation", false, wide(flow(Relaxation::Spai1))),
        ("chebyshev", false, two(chebyshev)),
        ("damping", false, two(Relaxation::Jacobi(Some(0.7)))),
        ("damping", false, flow(Relaxation::Ilu0(0.8))),
        ("damping", false, flow(Relaxation::GaussSeidel)),
        ("interpolation", false, flow(Relaxation::GaussSeidel)),
        ("restriction", false, flow(Relaxation::Spai1)),
        ("ilu,interpolation,restriction", false, flow(Relaxation::Ilu0(0.8))),
        ("chebyshev,interpolation", false, flow(chebyshev)),
        ("relaxation", true, poisson(Relaxation::Spai1, 2)),
        ("ilu,interpolation", true, poisson(Relaxation::Ilu0(1.0), 1)),
        ("chebyshev,interpolation,restriction", true, poisson(chebyshev, 1)),
        ("damping", true, poisson(Relaxation::Ilu0(0.9), 2)),
    ] {
        let learn: Target = learn.parse().unwrap();
        let what = format!("{learn}, symmetric {symmetric}");
        let parameters = Parameters::<f64>::learned(&h, learn, symmetric).unwrap();
        // In units, and away from the start, where tied values could be equal by chance.
        let mut numbers = Numbers(55);
        let away = |length: usize| numbers.vector(length).iter().map(|v: &f64| 0.03 * v).collect();
        let units: Vec<Vec<f64>> = parameters.lengths().into_iter().map(away).collect();
        let at = |units: &[Vec<f64>]| {
            let mut moved = parameters.clone();
            for (q, shift) in units.iter().enumerate() {
                let (values, scaling) = moved.buffer_mut(q);
                values.iter_mut().zip(scaling).zip(shift).for_each(|((v, s), u)| *v += s * u);
            }
            moved
        };
        let (batch, cycles) = (3, 2);
        let z: Vec<f64> = Numbers(56).vector(h.rows() * batch);
        let value = |p: &[Vec<f64>]| Loss::Rate.differentiate(&Tape::new(batch), &h, &at(p), &z, cycles);
        let found = value(&units).unwrap();
        let in_units = |(g, s): (&Vec<f64>, &Vec<f64>)| g.iter().zip(s).map(|(g, s)| g * s).collect();
        let gradient: Vec<Vec<f64>> = found.gradient.iter().zip(parameters.scaling()).map(in_units).collect();
        let check = gradient_check(|p| Ok(value(p)?.loss), &units, &gradient, 5).unwrap();
        assert!(check.relative_error < 1e-7, "{what}: {check:?}");
        assert!(gradient.iter().all(|g| g.iter().any(|v| *v != 0.0)), "{what}");

        // The returned hierarchy is the differentiated one.
        let installed = at(&units).install(&h);
        installed.validate().unwrap();
        assert_eq!(installed.is_symmetric(), symmetric, "{what}");
        let eager = Eager::new(batch);
        let zero = eager.zeros(h.rows());
        let x = eager.values(&cycle(&eager, &installed, 0, &zero, eager.vector(&z)));
        assert!(distance(&x, &found.after_one_cycle) < 1e-12, "{what}");
    }
}

/// Every sweep has its own parameters; in a symmetric cycle every pair has.
#[test]
fn sweeps_do_not_share_parameters_unless_tied() {
    let h = poisson(Relaxation::Spai1, 2);
    let levels = h.levels.len();
    assert!(levels > 1);
    for (learn, apart, tied) in [
        (Target::Relaxation, 4 * levels, 2 * levels),
        (Target::Damping, 4 * levels, 2 * levels),
        (Target::Interpolation, levels, levels),
        (Target::Damping.and(Target::Interpolation).unwrap(), 5 * levels, 3 * levels),
        (Target::Chebyshev, 0, 0),
    ] {
        assert_eq!(Parameters::<f64>::learned(&h, learn, false).unwrap().len(), apart, "{learn}");
        assert_eq!(Parameters::<f64>::learned(&h, learn, true).unwrap().len(), tied, "{learn}");
    }
    // A cycle that is not symmetric cannot be tied, nor can factors that are not transposes.
    let flow = build(8, (1, 1), false);
    assert!(Parameters::<f64>::learned(&flow, Target::Relaxation, true).unwrap_err().is_unsuited());
    let mut lu = poisson(Relaxation::Ilu0(1.0), 1);
    for level in &mut lu.levels {
        level.post = level.pre.clone();
    }
    assert!(lu.is_symmetric());
    let error = Parameters::<f64>::learned(&lu, Target::Ilu, true).unwrap_err();
    assert!(error.is_unsuited() && error.to_string().contains("transposes"), "{error}");
}

/// The size of an error does not matter, only its direction.
#[test]
fn the_loss_does_not_depend_on_scale() {
    let h = build(8, (1, 1), false);
    let parameters = Parameters::<f64>::relaxations(&h);
    let z: Vec<f64> = Numbers(52).vector(h.rows() * 2);
    let at = |scale: f64| {
        let z: Vec<f64> = z.iter().map(|v| v * scale).collect();
        Loss::Rate.differentiate(&Tape::new(2), &h, &parameters, &z, 3).unwrap()
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
        let double = Loss::Rate.differentiate(&Tape::new(8), &h, &p64, &z, cycles).unwrap();
        let found = Loss::Rate.differentiate(&Tape::new(8), &single, &p32, &z32, cycles).unwrap();
        assert!((double.loss - found.loss).abs() < 1e-5, "{} {}", double.loss, found.loss);
        for (g, f) in double.gradient.iter().zip(&found.gradient) {
            let f: Vec<f64> = f.iter().map(|&v| f64::from(v)).collect();
            assert!(distance(&f, g) < 1e-4, "{cycles} cycles: {:e}", distance(&f, g));
        }
    }
}

/// Many cycles of a fast solver leave an error whose square underflows in single precision.
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
    let double = Loss::Rate.differentiate(&Tape::new(4), h, &p64, &z, cycles).unwrap();
    let single = h.cast::<f32>().unwrap();
    let found = Loss::Rate.differentiate(&Tape::new(4), &single, &p32, &z32, cycles).unwrap();
    // ‖Gᵏz‖² is far below the range of f32, but Gᵏz itself is valid.
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
    let tape = Tape::new(2);
    for length in [0, 1, 64, 127, 130, 256] {
        assert!(
            Loss::Rate
                .differentiate(&tape, &h, &parameters, &vec![1.0; length], 2)
                .unwrap_err()
                .is_dimension()
        );
    }
    assert!(Loss::Rate.differentiate(&tape, &h, &parameters, &[1.0; 128], 0).unwrap_err().is_invalid_input());
    assert!(Loss::Rate.differentiate(&tape, &h, &parameters, &[1.0; 128], 1).is_ok());
}
