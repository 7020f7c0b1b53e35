//! A thousand differentiated iterations: memory by the allocator, and gradients beside those of all states.

use multigrad::autodiff::{Checkpoints, Function, Inversion, Recovery, Unrolled, unrolled};

use crate::common::allocations::peak;
use crate::common::numbers::distance;

const N: usize = 200;

/// x ← x − h (d ⊙ sin x − θ) with d from 0.1 to 1, so that ∂f/∂x has eigenvalues down to 1 − h.
fn run(checkpoints: Checkpoints, steps: usize, h: f64) -> Unrolled<f64> {
    let scale: Vec<f64> = (0..N).map(|i| 0.1 + 0.9 * i as f64 / N as f64).collect();
    let theta: Vec<f64> = (0..N).map(|i| 0.05 * (i as f64).cos()).collect();
    unrolled(
        checkpoints,
        steps,
        &[vec![0.3; N]],
        &[theta],
        |tape, _, x, p| vec![x[0] - (tape.vector(&scale) * x[0].map(Function::Sin) - p[0]) * h],
        |_, x, _| (x[0] * x[0] * x[0]).sum(),
    )
    .unwrap()
}

/// Bytes of a state.
const STATE: f64 = 8.0 * N as f64;

#[test]
fn recovery_backwards_keeps_its_memory_for_a_thousand_steps() {
    let all = run(Checkpoints::All, 1000, 0.005);
    for inversion in [Inversion::FixedPoint, Inversion::Anderson(3), Inversion::NewtonKrylov] {
        let way = Checkpoints::Backwards(Recovery { inversion, ..Recovery::default() });
        let (_, short) = peak(|| run(way, 50, 0.005));
        let (long, memory) = peak(|| run(way, 1000, 0.005));
        // Checksums of up to 16 states in both.
        assert!(memory < short + 0.5 * STATE, "{inversion:?}: {memory} after {short}");
        let off = distance(&long.of_parameters[0], &all.of_parameters[0]);
        assert!(off < 1e-9 && off > 0.0 && long.drift < 1e-10, "{inversion:?}: {off}, {}", long.drift);
    }
    let (_, everything) = peak(|| run(Checkpoints::All, 1000, 0.005));
    assert!(everything > 999.0 * STATE, "the allocator counts nothing: {everything}");
}

#[test]
fn the_reversible_pair_keeps_its_memory_for_a_thousand_steps() {
    let way = Checkpoints::Reversible { beta: 0.005, drift: 1e-6 };
    let (_, short) = peak(|| run(way, 50, 0.9));
    let (long, memory) = peak(|| run(way, 1000, 0.9));
    assert!(memory < short + 0.5 * STATE, "{memory} after {short}");
    assert!(long.drift > 0.0 && long.drift < 1e-9, "{}", long.drift);
}

#[test]
fn checkpoints_keep_to_their_budget() {
    let (one, least) = peak(|| run(Checkpoints::Revolve(1), 20, 0.2));
    assert_eq!(one.snapshots, 1);
    for states in [4.0, 30.0, 200.0] {
        let budget = 1.06 * states * STATE;
        let (run, memory) = peak(|| run(Checkpoints::Memory(budget as usize), 1000, 0.2));
        assert!(memory <= least + budget, "{memory} of {least} + {budget}");
        assert!(memory > least + 0.99 * (states - 1.0) * STATE, "{memory}: is the budget used?");
        assert!(run.snapshots as f64 <= states);
    }
}

#[test]
fn more_snapshots_than_steps_and_deep_schedules_are_harmless() {
    let all = run(Checkpoints::All, 30, 0.2);
    for way in [Checkpoints::Revolve(usize::MAX), Checkpoints::Memory(usize::MAX)] {
        assert_eq!(run(way, 30, 0.2).of_parameters, all.of_parameters);
    }
    // A snapshot for every step: no recursion as deep as the iteration is long.
    let run = unrolled(
        Checkpoints::Revolve(60_000),
        60_000,
        &[vec![1.0]],
        &[vec![1e-5]],
        |_, _, x, p| vec![x[0] - p[0] * x[0]],
        |_, x, _| x[0].sum(),
    )
    .unwrap();
    let exact = -60_000.0 * (1.0f64 - 1e-5).powi(59_999);
    assert!((run.of_parameters[0][0] - exact).abs() < 1e-9 * exact.abs());
}
