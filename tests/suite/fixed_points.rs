//! Fixed points, plain and accelerated, beside unrolled iterations and differences.

use std::cell::Cell;

use multigrad::Error;
use multigrad::autodiff::{
    Acceleration, Adjoint, Checkpoints, Dense, FixedPoint, Function, Limits, Tape, fixed_point,
    fixed_point_with, unrolled,
};
use multigrad::sparse::Csr;

use crate::common::numbers::distance;

const N: usize = 40;

/// A nonsymmetric matrix with eigenvalues in about (−1, 1) times `scale`; above 1, from 0.3 to 0.3 − 1.1 `scale`.
fn mix(scale: f64) -> Csr {
    let mut entries = Vec::new();
    for i in 0..N {
        let t = i as f64 / N as f64;
        entries.push((i, i, if scale > 1.0 { 0.3 - 1.1 * scale * t } else { scale * (0.9 - 1.7 * t) }));
        if i + 1 < N {
            entries.push((i, i + 1, 0.05 * scale));
            entries.push((i + 1, i, -0.03 * scale));
        }
    }
    Csr::from_triplets(N, N, &entries).unwrap()
}

/// x ← scale M x + 0.1 sin x + θ, with loss Σ x³/3.
fn run(scale: f64, acceleration: Acceleration, limits: Limits) -> Result<FixedPoint<f64>, Error> {
    let theta: Vec<f64> = (0..N).map(|i| 0.2 + (i as f64).cos()).collect();
    fixed_point_with(
        limits,
        acceleration,
        &[0.0; N],
        &[theta],
        |tape, x, p| tape.matrix(&mix(scale)) * x + x.map(Function::Sin) * 0.1 + p[0],
        |_, x, _| (x * x * x).sum() / 3.0,
    )
}

fn methods() -> [Acceleration; 4] {
    [
        Acceleration { iteration: 8, adjoint: Adjoint::Plain },
        Acceleration { iteration: 0, adjoint: Adjoint::Anderson(8) },
        Acceleration { iteration: 8, adjoint: Adjoint::Fgmres(40) },
        Acceleration { iteration: 8, adjoint: Adjoint::Anderson(12) },
    ]
}

#[test]
fn accelerated_fixed_points_give_the_same_gradient_in_fewer_steps() {
    let limits = Limits { tolerance: 1e-12, steps: 10_000 };
    let plain = run(0.9, Acceleration::default(), limits).unwrap();
    for method in methods() {
        let fast = run(0.9, method, limits).unwrap();
        assert!(distance(&fast.of_parameters[0], &plain.of_parameters[0]) < 1e-9, "{method:?}");
        if method.iteration > 0 {
            assert!(fast.steps.0 * 2 < plain.steps.0, "{:?} {:?}", fast.steps, plain.steps);
        }
        if method.adjoint != Adjoint::Plain {
            assert!(fast.steps.1 * 2 < plain.steps.1, "{:?} {:?}", fast.steps, plain.steps);
        }
    }
}

#[test]
fn an_expanding_adjoint_converges_with_acceleration_and_is_an_error_without() {
    let limits = Limits { tolerance: 1e-11, steps: 600 };
    let newton = Acceleration { iteration: 20, adjoint: Adjoint::Fgmres(40) };
    let anderson = Acceleration { iteration: 20, adjoint: Adjoint::Anderson(20) };
    let (a, b) = (run(1.4, newton, limits).unwrap(), run(1.4, anderson, limits).unwrap());
    assert!(distance(&a.of_parameters[0], &b.of_parameters[0]) < 1e-8);
    let plain = Acceleration { iteration: 20, adjoint: Adjoint::Plain };
    assert!(run(1.4, plain, limits).unwrap_err().to_string().contains("adjoint"));
    // Differences of the loss along one direction.
    let theta: Vec<f64> = (0..N).map(|i| 0.2 + (i as f64).cos()).collect();
    let direction: Vec<f64> = (0..N).map(|i| (1.0 + 2.0 * i as f64).sin()).collect();
    let at = |h: f64| {
        let moved: Vec<f64> = theta.iter().zip(&direction).map(|(t, d)| t + h * d).collect();
        fixed_point_with(limits, newton, &[0.0; N], &[moved], step_of, |_, x, _| (x * x * x).sum() / 3.0)
            .unwrap()
            .loss
    };
    fn step_of<'t>(tape: &'t Tape<f64>, x: Dense<'t>, p: &[Dense<'t>]) -> Dense<'t> {
        tape.matrix(&mix(1.4)) * x + x.map(Function::Sin) * 0.1 + p[0]
    }
    let slope: f64 = a.of_parameters[0].iter().zip(&direction).map(|(g, d)| g * d).sum();
    let difference = (at(1e-4) - at(-1e-4)) / 2e-4;
    assert!((slope - difference).abs() < 1e-6 * slope.abs(), "{slope} {difference}");
}

#[test]
fn the_estimated_error_of_the_gradient_is_of_the_size_of_the_error() {
    let exact = run(0.9, Acceleration::default(), Limits { tolerance: 1e-14, steps: 10_000 }).unwrap();
    for tolerance in [1e-3, 1e-5, 1e-7] {
        for method in [Acceleration::default()].into_iter().chain(methods()) {
            let rough = run(0.9, method, Limits { tolerance, steps: 10_000 }).unwrap();
            let error = distance(&rough.of_parameters[0], &exact.of_parameters[0]);
            assert!(error < 30.0 * rough.error, "{method:?} {tolerance}: {error} {}", rough.error);
            assert!(rough.error < 1e3 * tolerance);
        }
    }
}

#[test]
fn an_implicit_gradient_is_that_of_the_unrolled_iteration_in_fewer_operations() {
    let theta: Vec<f64> = (0..N).map(|i| 0.2 + (i as f64).cos()).collect();
    let calls = Cell::new(0);
    let count = || calls.set(calls.get() + 1);
    let implicit = fixed_point(
        Limits { tolerance: 1e-13, steps: 2000 },
        &[0.0; N],
        std::slice::from_ref(&theta),
        |tape, x, p| {
            count();
            tape.matrix(&mix(0.8)) * x + x.map(Function::Sin) * 0.1 + p[0]
        },
        |_, x, _| (x * x * x).sum() / 3.0,
    )
    .unwrap();
    // The iteration, and one recording for all steps of the adjoint.
    assert_eq!(calls.replace(0), implicit.steps.0 + 1);
    let steps = 2 * implicit.steps.0;
    let long = unrolled(
        Checkpoints::All,
        steps,
        &[vec![0.0; N]],
        &[theta],
        |tape, _, x, p| {
            count();
            vec![tape.matrix(&mix(0.8)) * x[0] + x[0].map(Function::Sin) * 0.1 + p[0]]
        },
        |_, x, _| (x[0] * x[0] * x[0]).sum() / 3.0,
    )
    .unwrap();
    assert_eq!(calls.get(), 2 * steps - 1);
    let off = distance(&implicit.of_parameters[0], &long.of_parameters[0]);
    assert!(off > 0.0 && off < 1e-11, "{off}");
}

#[test]
fn single_precision_gives_the_gradient_to_its_own_accuracy() {
    let theta: Vec<f32> = (0..N).map(|i| (0.2 + (i as f64).cos()) as f32).collect();
    let exact = run(0.9, Acceleration::default(), Limits::default()).unwrap();
    for method in [Acceleration::default()].into_iter().chain(methods()) {
        let run = |tolerance: f64| {
            fixed_point_with(
                Limits { tolerance, steps: 2000 },
                method,
                &[0.0f32; N],
                std::slice::from_ref(&theta),
                |tape, x, p| tape.matrix(&mix(0.9).cast()) * x + x.map(Function::Sin) * 0.1 + p[0],
                |_, x, _| (x * x * x).sum() / 3.0,
            )
        };
        let single = run(1e-5).unwrap();
        let wide: Vec<f64> = single.of_parameters[0].iter().map(|&v| f64::from(v)).collect();
        let off = distance(&wide, &exact.of_parameters[0]);
        assert!(off < 1e-3 && off < 30.0 * single.error, "{method:?}: {off}, {}", single.error);
        // Below its rounding the tolerance is met by chance only.
        let text = run(1e-12).map_or_else(|e| e.to_string(), |_| "rounding of f32".into());
        assert!(text.contains("rounding of f32"), "{text}");
    }
}

#[test]
fn meaningless_tolerances_are_refused() {
    for tolerance in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = run(0.5, Acceleration::default(), Limits { tolerance, steps: 10 }).unwrap_err();
        assert!(error.is_invalid_input(), "{error}");
    }
}
