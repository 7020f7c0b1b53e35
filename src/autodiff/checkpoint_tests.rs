//! Schedules of checkpoints beside one tape, and their cost.

use crate::autodiff::{Checkpoints, Function, Unrolled, unrolled};

/// x ← x − θ sin x + x₀ y, y ← y x: the gradient of every schedule is that of one tape.
fn run(checkpoints: Checkpoints, steps: usize) -> Unrolled<f64> {
    unrolled(
        checkpoints,
        steps,
        &[vec![0.7, -0.3], vec![1.0, 2.0]],
        &[vec![0.2, 0.1], vec![0.3, 0.4]],
        |_, k, x, p| {
            let weight = 0.01 * (k + 1) as f64;
            vec![x[0] - p[0] * x[0].map(Function::Sin), x[1] * x[0] * weight + p[1]]
        },
        |_, x, p| (x[0] * x[1]).sum() + p[0].frobenius_squared(),
    )
    .unwrap()
}

#[test]
fn all_schedules_give_the_same_gradient() {
    for steps in [1, 2, 3, 17, 40] {
        let all = run(Checkpoints::All, steps);
        assert_eq!((all.advanced, all.snapshots), (steps - 1, steps));
        for checkpoints in [
            Checkpoints::Segments(1),
            Checkpoints::Segments(5),
            Checkpoints::Segments(100),
            Checkpoints::Revolve(1),
            Checkpoints::Revolve(2),
            Checkpoints::Revolve(5),
            Checkpoints::Memory(3 * 144),
        ] {
            let other = run(checkpoints, steps);
            assert_eq!((other.loss, &other.state), (all.loss, &all.state), "{checkpoints:?}");
            assert_eq!(other.of_parameters, all.of_parameters, "{checkpoints:?}");
            assert_eq!(other.of_start, all.of_start, "{checkpoints:?}");
        }
    }
}

#[test]
fn revolve_keeps_to_its_snapshots_and_repeats_as_little_as_it_may() {
    for (snapshots, steps, most) in [(2, 6, 2), (3, 10, 2), (3, 20, 3), (5, 56, 3), (4, 35, 3)] {
        // C(s + r, s) ≥ steps for r = most: t = r l − C(s + r, r − 1) steps in all (Griewank and
        // Walther), of which the l recorded ones are not counted here.
        let run = run(Checkpoints::Revolve(snapshots), steps);
        assert!(run.snapshots <= snapshots, "{} of {snapshots}", run.snapshots);
        let binomial = |n: usize, k: usize| (1..=k).fold(1, |c, i| c * (n + 1 - i) / i);
        assert_eq!(binomial(snapshots + most, snapshots), steps);
        assert_eq!(run.advanced, most * steps - binomial(snapshots + most, most - 1), "{snapshots} {steps}");
    }
    let two = run(Checkpoints::Segments(8), 64);
    assert!(two.advanced <= 2 * 64 && two.snapshots <= 8 + 8, "{} {}", two.advanced, two.snapshots);
}

#[test]
fn impossible_schedules_are_refused() {
    let start = [vec![1.0]];
    for (checkpoints, steps) in [
        (Checkpoints::All, 0),
        (Checkpoints::Segments(0), 3),
        (Checkpoints::Revolve(0), 3),
        (Checkpoints::Memory(7), 3),
    ] {
        let run = unrolled(checkpoints, steps, &start, &[], |_, _, x, _| x.to_vec(), |_, x, _| x[0].sum());
        assert!(run.unwrap_err().is_invalid_input());
    }
}
