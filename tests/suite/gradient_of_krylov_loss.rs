//! Krylov loss: its value against FGMRES, its gradient against differences.

use std::sync::Arc;

use crate::common::numbers::{Numbers, distance, dot};
use multigrad::backend::Direct;
use multigrad::cycle_tape::{Tape, gradient_check};
use multigrad::engine::Host;
use multigrad::gallery::{FlowScheme, poisson_2d, recirculating_flow};
use multigrad::krylov::Fgmres;
use multigrad::learn::{Loss, Parameters, Target};
use multigrad::multigrid::{CycleKind, Hierarchy, Level, Relaxation, Smoother};
use multigrad::setup::Coarsening;
use multigrad::solver::Amg;
use multigrad::sparse::{Csr, Scalar};

fn build(relaxation: Relaxation, sweeps: (usize, usize)) -> Amg {
    let a = recirculating_flow(8, 0.005, FlowScheme::Upwind).unwrap().matrix;
    let coarsening = Coarsening { max_coarse: 4, ..Coarsening::default() };
    let amg = Amg::smoothed_aggregation().coarsening(coarsening).suited_to(&a).build(&a).unwrap();
    assert!(amg.hierarchy().levels.len() >= 2, "{amg}");
    amg.with_relaxation(relaxation, sweeps).unwrap()
}

/// A symmetric cycle: the post-sweeps are the transposes of the pre-sweeps.
fn symmetric(relaxation: Relaxation) -> Amg {
    let a = poisson_2d(8, 7).unwrap().matrix;
    let coarsening = Coarsening { max_coarse: 4, ..Coarsening::default() };
    let builder = Amg::smoothed_aggregation().coarsening(coarsening).relaxation(relaxation);
    let amg = builder.build(&a).unwrap();
    let mut h = amg.hierarchy().clone();
    for level in &mut h.levels {
        level.post = level.pre.iter().rev().map(Smoother::transposed).collect();
    }
    amg.with_hierarchy(h).unwrap()
}

#[test]
fn the_gradient_of_every_kind_of_parameter_is_that_of_differences() {
    for (learn, tied, amg, steps, batch) in [
        ("relaxation", false, build(Relaxation::Spai1, (1, 1)), 1, 1),
        ("relaxation", false, build(Relaxation::Spai1, (1, 1)), 4, 3),
        ("ilu", false, build(Relaxation::Ilu0(0.8), (1, 1)), 3, 4),
        ("interpolation", false, build(Relaxation::Spai1, (1, 1)), 3, 2),
        ("interpolation", false, build(Relaxation::GaussSeidel, (2, 1)), 2, 1),
        ("restriction", false, build(Relaxation::Ilu0(0.8), (1, 0)), 3, 3),
        ("ilu,interpolation,restriction", false, build(Relaxation::Ilu0(0.8), (1, 1)), 3, 2),
        ("chebyshev,interpolation", false, build(Relaxation::Chebyshev(3), (1, 1)), 3, 2),
        ("damping", false, build(Relaxation::Jacobi(Some(0.7)), (1, 1)), 5, 2),
        ("relaxation,interpolation", true, symmetric(Relaxation::Spai1), 2, 2),
    ] {
        let learn: Target = learn.parse().unwrap();
        let what = format!("{learn}, {steps} steps, batch {batch}, symmetric {tied}");
        let h = amg.hierarchy();
        let parameters = Parameters::<f64>::learned(h, learn, tied).unwrap();
        // In units, from one on, and a little away from the start.
        let mut numbers = Numbers(61);
        let away = |length: usize| numbers.vector(length).iter().map(|v: &f64| 1.0 + 0.03 * v).collect();
        let units: Vec<Vec<f64>> = parameters.lengths().into_iter().map(away).collect();
        let at = |units: &[Vec<f64>]| {
            let mut moved = parameters.clone();
            for (q, shift) in units.iter().enumerate() {
                let (values, scaling) = moved.buffer_mut(q);
                values.iter_mut().zip(scaling).zip(shift).for_each(|((v, s), u)| *v += s * (u - 1.0));
            }
            moved
        };
        let z: Vec<f64> = Numbers(62).vector(h.rows() * batch);
        let tape = Tape::new(batch);
        let value = |p: &[Vec<f64>]| Loss::Krylov.differentiate(&Tape::new(batch), h, &at(p), &z, steps);
        let found = Loss::Krylov.differentiate(&tape, h, &at(&units), &z, steps).unwrap();
        let in_units = |(g, s): (&Vec<f64>, &Vec<f64>)| g.iter().zip(s).map(|(g, s)| g * s).collect();
        let gradient: Vec<Vec<f64>> = found.gradient.iter().zip(parameters.scaling()).map(in_units).collect();
        let check = gradient_check(|p| Ok(value(p)?.loss), &units, &gradient, 4).unwrap();
        assert!(check.relative_error < 1e-6 && check.compared >= gradient.len(), "{what}: {check:?}");
        assert!(gradient.iter().all(|g| g.iter().any(|v| *v != 0.0)), "{what}");

        // A tape that is used again gives the same.
        let again = Loss::Krylov.differentiate(&tape, h, &at(&units), &z, steps).unwrap();
        assert_eq!((again.loss, &again.gradient), (found.loss, &found.gradient), "{what}");
    }
}

/// The loss is the residual reduction of FGMRES with the same cycle, and that of a batch is the mean over
/// columns.
#[test]
fn the_value_is_that_of_fgmres() {
    for amg in [
        build(Relaxation::Spai1, (1, 1)),
        build(Relaxation::Ilu0(0.8), (1, 1)),
        build(Relaxation::GaussSeidel, (2, 1)),
        symmetric(Relaxation::Jacobi(None)),
    ] {
        let h = amg.hierarchy();
        let (n, batch) = (h.rows(), 3);
        let a = h.levels[0].a.to_csr();
        let parameters = Parameters::<f64>::relaxations(h);
        // Columns of very different size: only their direction matters.
        let mut z: Vec<f64> = Numbers(63).vector(n * batch);
        z.iter_mut().enumerate().for_each(|(q, v)| *v *= [1.0, 1e-9, 3e7][q % batch]);
        for steps in 1..=6 {
            let mut mean = 0.0;
            for c in 0..batch {
                let b: Vec<f64> = z.iter().skip(c).step_by(batch).copied().collect();
                let method = Fgmres::new().rtol(1e-15).restart(steps).max_iterations(steps);
                let out = method.preconditioner(&amg).solve(&a, &b).unwrap();
                let expected = 2.0 * out.residual_history[steps].ln() / steps as f64;
                assert!(out.residual_history[steps] < 0.9, "{amg}: a preconditioner that does something");
                let found = Loss::Krylov.differentiate(&Tape::new(1), h, &parameters, &b, steps).unwrap();
                assert!((found.loss - expected).abs() < 1e-8, "{steps}: {} {expected}", found.loss);
                // The vector passed on is the residual, in units of its start.
                let left = dot(&found.after_one_cycle, &found.after_one_cycle).ln() / steps as f64;
                assert!((left - expected).abs() < 1e-8, "{steps}: {left} {expected}");
                mean += expected / batch as f64;
            }
            let found = Loss::Krylov.differentiate(&Tape::new(batch), h, &parameters, &z, steps).unwrap();
            assert!((found.loss - mean).abs() < 1e-8, "{steps}: {} {mean}", found.loss);
        }
    }
}

/// One level without a coarser one: the cycle is its sweep x ← x + M b.
fn sweep_alone(a: &Csr<f64>, m: Csr<f64>) -> Hierarchy<Host<f64>> {
    let empty = |rows, cols| Csr::<f64>::from_triplets(rows, cols, &[]).unwrap();
    let level = Level {
        a: a.clone().into(),
        prolongation: empty(a.rows(), 0).into(),
        restriction: empty(0, a.rows()).into(),
        pre: vec![Smoother::Sparse { m: m.into() }],
        post: vec![],
    };
    let coarsest = Arc::new(Direct::new(&empty(0, 0)).unwrap());
    let h = Hierarchy { levels: vec![level], coarsest, coarsest_rows: 0, kind: CycleKind::V };
    h.validate().unwrap();
    h
}

fn finite<T: Scalar>(h: &Hierarchy<Host<f64>>, z: &[f64], batch: usize, steps: usize) -> (f64, Vec<f64>) {
    let z: Vec<T> = z.iter().map(|&v| T::from_f64(v)).collect();
    let parameters = Parameters::<T>::relaxations(h);
    let found = Loss::Krylov
        .differentiate(&Tape::new(batch), &h.cast::<T>().unwrap(), &parameters, &z, steps)
        .unwrap();
    let gradient: Vec<f64> = found.gradient.iter().flatten().map(|g| g.to_f64()).collect();
    let what = format!("{}, {steps} steps, {}, {gradient:?}", T::NAME, found.loss);
    assert!(found.loss.is_finite() && gradient.iter().all(|g| g.is_finite()), "{what}");
    assert!(found.after_one_cycle.iter().all(|v| v.finite()), "{what}");
    (found.loss, gradient)
}

/// A space that is exhausted before its steps are done: nothing is divided by zero.
#[test]
fn an_exhausted_space_gives_finite_values() {
    let diagonal = |d: &[f64]| {
        let t: Vec<_> = d.iter().enumerate().map(|(i, &v)| (i, i, v)).collect();
        Csr::from_triplets(d.len(), d.len(), &t).unwrap()
    };
    let a = diagonal(&[2.0, -4.0, 0.5, 8.0]);
    let exact = sweep_alone(&a, diagonal(&[0.5, -0.25, 2.0, 0.125]));
    // A B has two eigenvalues, so that two steps find everything.
    let nearly = sweep_alone(&a, diagonal(&[0.5, -0.25, 1.0, 0.0625]));
    // B = 0 on half of the unknowns: the space ends, and the residual there stays.
    let half = sweep_alone(&a, diagonal(&[0.5, -0.25, 0.0, 0.0]));
    let two = Csr::from_triplets(2, 2, &[(0, 0, 3.0), (0, 1, 1.0), (1, 0, -1.0), (1, 1, 2.0)]).unwrap();
    let small = sweep_alone(&two, diagonal(&[1.0, 0.3]));
    let z: Vec<f64> = Numbers(64).vector(4);
    for steps in 1..=6 {
        for found in [finite::<f64>(&exact, &z, 1, steps), finite::<f32>(&exact, &z, 1, steps)] {
            assert!(found.0 * (steps as f64) < -20.0 && found.1.iter().all(|g| *g == 0.0), "{found:?}");
        }
        // Two steps leave round-off: the loss is that of one step, which has a gradient.
        let loss = |h, z: &[f64], steps| (finite::<f64>(h, z, 1, steps).0, finite::<f32>(h, z, 1, steps).0);
        for (h, z) in [(&nearly, &z[..]), (&small, &z[..2])] {
            let (found, one) = (loss(h, z, steps), loss(h, z, 1));
            assert!(found.0 == one.0 && found.1 == one.1 && one.0 > -9.0, "{steps}: {found:?} {one:?}");
            assert!(finite::<f64>(h, z, 1, steps).1.iter().any(|g| *g != 0.0));
        }
        let rest = (z[2] * z[2] + z[3] * z[3]) / dot(&z, &z);
        let found = loss(&half, &z, steps);
        let found = (found.0 * steps as f64, found.1 * steps as f64);
        assert!(
            (found.0 - rest.ln()).abs() < 1e-12 && (found.1 - rest.ln()).abs() < 1e-5,
            "{found:?} {rest}"
        );
    }
    // Beside a column that is at its end, another one keeps its own gradient, halved by the mean.
    let mut batch = vec![0.0; 8];
    for i in 0..4 {
        batch[2 * i] = if i == 1 { 5.0 } else { 0.0 };
        batch[2 * i + 1] = z[i];
    }
    let (of_both, of_one) = (finite::<f64>(&half, &batch, 2, 3), finite::<f64>(&half, &z, 1, 3));
    for (both, one) in of_both.1.iter().zip(&of_one.1) {
        assert!((both - 0.5 * one).abs() < 1e-12, "{both} {one}");
    }
    // A column of zeros has no direction and no gradient.
    for steps in [1, 3] {
        assert!(finite::<f64>(&nearly, &[0.0; 4], 1, steps).1.iter().all(|g| *g == 0.0));
        assert!(finite::<f32>(&nearly, &[0.0; 8], 2, steps).1.iter().all(|g| *g == 0.0));
    }
}

#[test]
fn single_precision_gives_nearly_the_same() {
    let amg = build(Relaxation::Spai1, (1, 1));
    let (h, batch) = (amg.hierarchy(), 4);
    let z: Vec<f64> = Numbers(65).vector(h.rows() * batch);
    let mut last = 0.0;
    for steps in [1, 3, 4] {
        let ((double, g), (single, f)) =
            (finite::<f64>(h, &z, batch, steps), finite::<f32>(h, &z, batch, steps));
        assert!((double - single).abs() < 1e-3 && double != last, "{steps}: {double} {single}");
        assert!(distance(&f, &g) < 1e-2, "{steps}: {:e}", distance(&f, &g));
        last = double;
    }
}

#[test]
fn what_does_not_fit_is_an_error() {
    let amg = build(Relaxation::Spai1, (1, 1));
    let (h, tape) = (amg.hierarchy(), Tape::new(2));
    let parameters = Parameters::<f64>::relaxations(h);
    for length in [0, 1, 64, 127, 130, 256] {
        assert!(
            Loss::Krylov
                .differentiate(&tape, h, &parameters, &vec![1.0; length], 2)
                .unwrap_err()
                .is_dimension()
        );
    }
    assert!(
        Loss::Krylov.differentiate(&tape, h, &parameters, &[1.0; 128], 0).unwrap_err().is_invalid_input()
    );
    assert!(Loss::Krylov.differentiate(&tape, h, &parameters, &[1.0; 128], 1).is_ok());
    // A direct solver has no parameters.
    let a = Numbers(66).dominant::<f64>(4, 2);
    let direct = Amg::smoothed_aggregation().build(&a).unwrap();
    assert!(direct.hierarchy().levels.is_empty());
    let parameters = Parameters::<f64>::relaxations(direct.hierarchy());
    let error = Loss::Krylov.differentiate(&tape, direct.hierarchy(), &parameters, &[1.0; 8], 1).unwrap_err();
    assert!(error.is_invalid_input() && error.to_string().contains("direct solver"), "{error}");
}
