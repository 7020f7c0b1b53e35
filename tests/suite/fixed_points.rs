//! Accelerated fixed points and iterations recovered backwards, beside the plain ones and differences.

use multigrad::Error;
use multigrad::autodiff::{
    Acceleration, Adjoint, Checkpoints, Dense, FixedPoint, Function, Inversion, Limits, Number, Recovery,
    Tape, Unrolled, fixed_point_with, gradient_check, unrolled,
};
use multigrad::sparse::Csr;

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

fn distance(a: &[f64], b: &[f64]) -> f64 {
    let size: f64 = b.iter().map(|v| v * v).sum();
    (a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>() / size).sqrt()
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

/// x ← x − h θ (x + x³), 60 mildly contracting steps.
fn iterate(checkpoints: Checkpoints, steps: usize, h: f64) -> Result<Unrolled<f64>, Error> {
    unrolled(
        checkpoints,
        steps,
        &[vec![0.7, -0.3, 1.1], vec![1.0, 0.4]],
        &[vec![1.0, 0.5, 0.8], vec![0.3, 0.4]],
        |_, _, x, p| {
            vec![x[0] - p[0] * (x[0] + x[0] * x[0] * x[0]) * h, x[1] - p[1] * x[1].map(Function::Sin) * h]
        },
        |_, x, p| (x[0] * x[0]).sum() + x[1].sum() + p[0].sum() * 0.1,
    )
}

#[test]
fn states_recovered_backwards_give_the_gradient_of_the_tape_with_other_bits() {
    let all = iterate(Checkpoints::All, 60, 0.05).unwrap();
    for inversion in
        [Inversion::Descent, Inversion::FixedPoint, Inversion::Anderson(4), Inversion::NewtonKrylov]
    {
        let recovery = Recovery { inversion, ..Recovery::default() };
        let run = iterate(Checkpoints::Backwards(recovery), 60, 0.05).unwrap();
        assert_eq!(run.loss, all.loss);
        let off = distance(&run.of_parameters[0], &all.of_parameters[0]);
        assert!(off < 1e-9 && run.drift < 1e-9, "{inversion:?}: {off}, drift {}", run.drift);
        assert!(off > 0.0, "{inversion:?}: the same bits");
        assert!(distance(&run.of_start[0], &all.of_start[0]) < 1e-8);
        assert!(run.snapshots <= 3);
    }
}

#[test]
fn drift_stops_the_sweep_with_advice() {
    let error = iterate(Checkpoints::Backwards(Recovery::default()), 400, 0.4).unwrap_err();
    assert!(error.is_unsuited() && error.to_string().contains("Checkpoints::Revolve"), "{error}");
}

fn pair_by_hand<'t>(p: &[Dense<'t>], steps: usize, beta: f64, h: f64) -> Number<'t> {
    let (mut y, mut z) = (p[0], p[0]);
    for _ in 0..steps {
        let f = |x: Dense<'t>| x - p[1] * (x + x * x * x) * h;
        y = y * (1.0 - beta) + f(z) * beta;
        z = z * (1.0 - beta) + f(y) * beta;
    }
    (y * y).sum()
}

#[test]
fn the_reversible_pair_is_differentiated_exactly_in_flat_memory() {
    let (start, theta) = (vec![0.7, -0.3, 1.1], vec![1.0, 0.5, 0.8]);
    let run = |steps: usize| {
        unrolled(
            Checkpoints::Reversible { beta: 0.3, drift: 1e-6 },
            steps,
            std::slice::from_ref(&start),
            std::slice::from_ref(&theta),
            |_, _, x, p| vec![x[0] - p[0] * (x[0] + x[0] * x[0] * x[0]) * 0.1],
            |_, x, _| (x[0] * x[0]).sum(),
        )
        .unwrap()
    };
    let tape = Tape::new();
    let p = [tape.parameter(&start), tape.parameter(&theta)];
    let loss = pair_by_hand(&p, 20, 0.3, 0.1);
    let gradients = loss.gradients().unwrap();
    let twenty = run(20);
    assert!((twenty.loss - loss.value().unwrap()).abs() < 1e-14);
    assert!(distance(&twenty.of_start[0], gradients.of(p[0]).unwrap()) < 1e-10);
    assert!(distance(&twenty.of_parameters[0], gradients.of(p[1]).unwrap()) < 1e-10);
    let check =
        gradient_check(|_, p| pair_by_hand(p, 20, 0.3, 0.1), &[start.clone(), theta.clone()]).unwrap();
    assert!(check.relative < 1e-8);
    assert_eq!(run(5).snapshots, twenty.snapshots);
}

#[test]
fn meaningless_recoveries_are_refused() {
    for beta in [0.0, 1.0, f64::NAN] {
        let error = iterate(Checkpoints::Reversible { beta, drift: 1.0 }, 3, 0.1).unwrap_err();
        assert!(error.is_invalid_input());
    }
    // f(x) = 0 has no inverse.
    let run = unrolled(
        Checkpoints::Backwards(Recovery::default()),
        4,
        &[vec![1.0]],
        &[],
        |_, _, x, _| vec![x[0] * 0.0],
        |_, x, _| x[0].sum(),
    );
    let text = run.map(|r| r.of_start).unwrap_err().to_string();
    assert!(text.contains("Revolve"), "{text}");
}
