//! Iterations whose states are recovered backwards, beside those with all states and differences.

use std::cell::Cell;

use multigrad::Error;
use multigrad::autodiff::{
    Checkpoints, Dense, Function, Inversion, Number, Recovery, Tape, Unrolled, gradient_check, unrolled,
};
use multigrad::sparse::Csr;

use crate::common::numbers::distance;

const N: usize = 40;

#[test]
fn iterations_in_single_precision_are_recovered_to_its_rounding() {
    let run = |way: Checkpoints| {
        unrolled(
            way,
            30,
            &[vec![0.7f32, -0.3, 1.1]],
            &[vec![1.0f32, 0.5, 0.8]],
            |_, _, x, p| vec![x[0] - p[0] * (x[0] + x[0] * x[0] * x[0]) * 0.02],
            |_, x, _| (x[0] * x[0]).sum(),
        )
        .unwrap()
    };
    let wide = |run: &Unrolled<f32>| run.of_parameters[0].iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
    let all = wide(&run(Checkpoints::All));
    for inversion in [Inversion::FixedPoint, Inversion::Anderson(3), Inversion::NewtonKrylov] {
        let recovery = Recovery { inversion, drift: 1e-3, ..Recovery::default() };
        let back = run(Checkpoints::Backwards(recovery));
        assert!(distance(&wide(&back), &all) < 1e-4 && back.drift < 1e-4, "{inversion:?} {}", back.drift);
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
fn gradients_of_recovered_iterations_agree_with_differences() {
    let start = [vec![0.7, -0.3, 1.1], vec![1.0, 0.4]];
    let theta = [vec![1.0, 0.5, 0.8], vec![0.3, 0.4]];
    for way in [
        Checkpoints::Backwards(Recovery::default()),
        Checkpoints::Backwards(Recovery { inversion: Inversion::NewtonKrylov, ..Recovery::default() }),
        Checkpoints::Reversible { beta: 0.2, drift: 1e-8 },
    ] {
        let at = |start: &[Vec<f64>], theta: &[Vec<f64>]| {
            unrolled(
                way,
                40,
                start,
                theta,
                |_, k, x, p| {
                    let h = 0.05 / (1.0 + 0.1 * k as f64);
                    vec![
                        x[0] - p[0] * (x[0] + x[0] * x[0] * x[0]) * h,
                        x[1] - p[1] * x[1].map(Function::Sin) * h,
                    ]
                },
                |_, x, p| (x[0] * x[0]).sum() + x[1].sum() * p[0].sum(),
            )
            .unwrap()
        };
        let run = at(&start, &theta);
        let check = |gradient: &[Vec<f64>], of_start: bool| {
            for q in 0..2 {
                for (i, g) in gradient[q].iter().enumerate() {
                    let loss = |step: f64| {
                        let (mut s, mut t) = (start.clone(), theta.clone());
                        if of_start {
                            s[q][i] += step
                        } else {
                            t[q][i] += step
                        }
                        at(&s, &t).loss
                    };
                    let difference = (8.0 * (loss(1e-3) - loss(-1e-3)) - (loss(2e-3) - loss(-2e-3))) / 12e-3;
                    assert!((difference - g).abs() < 1e-8 * g.abs().max(1e-3), "{way:?}: {difference} {g}");
                }
            }
        };
        check(&run.of_start, true);
        check(&run.of_parameters, false);
    }
}

#[test]
fn newton_recovers_states_where_the_fixed_point_cannot_and_without_differences() {
    // A rotation by 2 radians and a stretch: ‖I − ∂f/∂x‖ > 1.
    let calls = Cell::new(0);
    let run = |inversion: Inversion| {
        calls.set(0);
        let (c, s) = (2f64.cos(), 2f64.sin());
        let turn = Csr::from_triplets(2, 2, &[(0, 0, c), (0, 1, -s), (1, 0, s), (1, 1, c)]).unwrap();
        unrolled(
            Checkpoints::Backwards(Recovery { inversion, ..Recovery::default() }),
            50,
            &[vec![0.5, 0.2]],
            &[vec![1.01, 0.99]],
            |tape, _, x, p| {
                calls.set(calls.get() + 1);
                vec![tape.matrix(&turn) * (x[0] * p[0] + x[0].map(Function::Sin) * 0.01)]
            },
            |_, x, _| (x[0] * x[0]).sum(),
        )
    };
    let text = run(Inversion::FixedPoint).unwrap_err().to_string();
    assert!(text.contains("FixedPoint") && text.contains("Revolve"), "{text}");
    let newton = run(Inversion::NewtonKrylov).unwrap();
    assert!(newton.drift < 1e-12, "{}", newton.drift);
    // 50 steps forward, 50 recorded backward, and a few recordings for each of 49 recovered states.
    assert!(calls.get() <= 100 + 49 * 8, "{}", calls.get());
}

#[test]
fn newton_recovers_states_of_a_step_that_is_not_normal() {
    // Upwind transport with a reaction: the Jacobian is nearly a Jordan block.
    let entries =
        (0..N).flat_map(|i: usize| [(i, i, 1.0), (i, i.saturating_sub(1), if i > 0 { -1.0 } else { 0.0 })]);
    let upwind = Csr::from_triplets(N, N, &entries.collect::<Vec<_>>()).unwrap();
    let theta: Vec<f64> = (0..N).map(|i| 0.2 + 0.1 * (i as f64).cos()).collect();
    let run = |way: Checkpoints| {
        unrolled(
            way,
            20,
            &[(0..N).map(|i| (0.3 * i as f64).sin()).collect()],
            std::slice::from_ref(&theta),
            |tape, _, x, p| vec![x[0] - (tape.matrix(&upwind) * x[0] + p[0] * x[0].map(Function::Sin)) * 0.1],
            |_, x, _| (x[0] * x[0]).sum(),
        )
        .unwrap()
    };
    let all = run(Checkpoints::All);
    let newton = Recovery { inversion: Inversion::NewtonKrylov, ..Recovery::default() };
    let back = run(Checkpoints::Backwards(newton));
    let off = distance(&back.of_parameters[0], &all.of_parameters[0]);
    assert!(off > 0.0 && off < 1e-8 && back.drift < 1e-8, "{off} {}", back.drift);
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
    for (recovery, word) in [
        (Recovery { tolerance: 0.0, ..Recovery::default() }, "tolerance"),
        (Recovery { tolerance: f64::NAN, ..Recovery::default() }, "tolerance"),
        (Recovery { evaluations: 0, ..Recovery::default() }, "evaluation"),
        (Recovery { drift: f64::NAN, ..Recovery::default() }, "drift"),
    ] {
        let error = iterate(Checkpoints::Backwards(recovery), 3, 0.1).unwrap_err();
        assert!(error.is_invalid_input() && error.to_string().contains(word), "{error}");
    }
    // Steps that return too few or too many vectors, or other lengths.
    type Step = for<'t> fn(&'t Tape, usize, &[Dense<'t>], &[Dense<'t>]) -> Vec<Dense<'t>>;
    let steps: [Step; 3] = [
        |_, _, x, _| vec![x[0]],
        |_, _, x, _| vec![x[0], x[1], x[0]],
        |tape, _, x, _| vec![x[0], tape.vector(&[1.0])],
    ];
    for way in [
        Checkpoints::All,
        Checkpoints::Revolve(1),
        Checkpoints::Backwards(Recovery::default()),
        Checkpoints::Reversible { beta: 0.5, drift: 1.0 },
    ] {
        for step in steps {
            for count in [1, 3] {
                let start = [vec![1.0, 2.0], vec![1.0, 2.0]];
                let run = unrolled(way, count, &start, &[], step, |_, x, _| x[0].sum());
                assert!(run.unwrap_err().is_dimension());
            }
        }
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
