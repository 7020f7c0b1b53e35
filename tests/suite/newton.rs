//! Matrix-free Newton: its steps beside those of the accumulated Jacobian, the planner beside the exact optimum,
//! recorded programs, checkpoints, and bad input.

use multigrad::Error;
use multigrad::newton::{
    LayeredProgram, LocalJacobian, Newton, NewtonStatus, Order, Program, Recorded, Shape, Var, exact_optimum,
    newton_step, plan,
};

/// Pseudo-random numbers in (0, 1).
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() * n as f64) as usize
    }
}

/// A well-conditioned local Jacobian of a random kind.
fn local(n: usize, width: (usize, usize), kind: usize, random: &mut Random) -> LocalJacobian {
    let mut values = vec![0.0; n * n];
    for i in 0..n {
        for j in i.saturating_sub(width.0)..=(i + width.1).min(n - 1) {
            values[i * n + j] = (random.next() - 0.5) / (1 + width.0 + width.1) as f64;
        }
        values[i * n + i] = 1.0 + 0.3 * random.next();
    }
    match kind {
        0 => LocalJacobian::banded(n, width, |i, j| values[i * n + j]),
        1 => LocalJacobian::dense(n, &values).unwrap(),
        _ => {
            let entries: Vec<_> =
                (0..n * n).filter(|&q| values[q] != 0.0).map(|q| (q / n, q % n, values[q])).collect();
            LocalJacobian::sparse(multigrad::Csr::from_triplets(n, n, &entries).unwrap()).unwrap()
        }
    }
}

fn agree(a: &[f64], b: &[f64], tolerance: f64) {
    let size = b.iter().map(|v| v * v).sum::<f64>().sqrt();
    let off = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
    assert!(off <= tolerance * size, "off by {:.1e}", off / size);
}

#[test]
fn steps_equal_those_of_the_accumulated_jacobian() {
    let mut random = Random(1);
    for half in 1..=16 {
        let layers: Vec<_> = (0..6).map(|_| local(40, (half, half), 0, &mut random)).collect();
        let f: Vec<f64> = (0..40).map(|i| (i as f64).sin()).collect();
        let run = |order| newton_step(layers.clone(), &f, order).unwrap().0;
        let accumulated = run(Order::AccumulateFirst);
        agree(&run(Order::FactorFirst), &accumulated, 1e-10);
        agree(&run(Order::Planned), &accumulated, 1e-10);
    }
}

#[test]
fn two_hundred_random_programs_step_as_their_product() {
    let mut random = Random(7);
    for case in 0..200 {
        let (n, q) = (3 + random.below(20), 1 + random.below(8));
        let layers: Vec<_> = (0..q)
            .map(|_| {
                let width = (random.below(n.min(4)), random.below(n.min(4)));
                local(n, width, random.below(3), &mut random)
            })
            .collect();
        let f: Vec<f64> = (0..n).map(|_| random.next() - 0.5).collect();
        let run = |order| newton_step(layers.clone(), &f, order).unwrap().0;
        let accumulated = run(Order::AccumulateFirst);
        agree(&run(Order::FactorFirst), &accumulated, 1e-10);
        agree(&run(Order::Planned), &accumulated, 1e-10);
        assert!(case < 200);
    }
}

#[test]
fn bands_that_need_interchanges_are_solved_with_small_backward_errors() {
    let mut random = Random(11);
    let mut refused = 0;
    for case in 0..600 {
        let n = 1 + random.below(40);
        let width = if case % 2 == 0 { (1, 1) } else { (random.below(n.min(6)), random.below(n.min(6))) };
        let mut values = vec![0.0; n * n];
        for i in 0..n {
            for j in i.saturating_sub(width.0)..=(i + width.1).min(n - 1) {
                // Weak or missing diagonals, and rows of different scales.
                let weak = if i == j && case % 3 > 0 { 1e-9 * (case % 3 - 1) as f64 } else { 1.0 };
                values[i * n + j] = (random.next() - 0.5) * weak * 10f64.powi((i * case % 7) as i32 - 3);
            }
        }
        let f: Vec<f64> = (0..n).map(|_| random.next() - 0.5).collect();
        let a = LocalJacobian::banded(n, width, |i, j| values[i * n + j]);
        let Ok((x, _)) = newton_step(vec![a], &f, Order::FactorFirst) else {
            refused += 1;
            continue;
        };
        for i in 0..n {
            let row = &values[i * n..(i + 1) * n];
            let residual: f64 = f[i] - row.iter().zip(&x).map(|(a, x)| a * x).sum::<f64>();
            let largest = x.iter().fold(0.0f64, |m, x| m.max(x.abs()));
            let size = f[i].abs() + row.iter().fold(0.0f64, |m, a| m.max(a.abs())) * largest;
            assert!(residual.abs() < 1e-11 * size, "case {case}, row {i}: {residual:.1e} of {size:.1e}");
        }
    }
    assert!((1..200).contains(&refused), "{refused} are singular");
}

#[test]
fn the_planner_is_never_worse_than_a_pure_order_and_close_to_the_optimum() {
    let mut random = Random(3);
    for _ in 0..3000 {
        let (n, q) = (2 + random.below(60), 1 + random.below(12));
        let layers: Vec<_> = (0..q)
            .map(|_| match random.below(5) {
                0 | 1 => Shape { n, lower: 0, upper: 0 },
                2 => Shape::full(n),
                _ => Shape { n, lower: random.below(n.min(6)), upper: random.below(n.min(6)) },
            })
            .collect();
        let p = plan(&layers);
        assert_eq!(p.groups.iter().sum::<usize>(), q);
        assert!(p.operations <= 1.02 * p.factor_first.min(p.accumulate_first));
        let optimum = exact_optimum(&layers).unwrap();
        assert!(p.operations <= 1.1 * optimum, "{} {optimum} {layers:?}", p.operations);
        assert!(p.operations >= optimum * (1.0 - 1e-12));
    }
    // Diagonal layers are multiplied into a neighbour.
    let mut layers = vec![Shape { n: 50, lower: 0, upper: 0 }; 9];
    layers.push(Shape { n: 50, lower: 1, upper: 1 });
    assert_eq!(plan(&layers).groups, [10]);
    assert!(exact_optimum(&vec![Shape::full(2); 401]).unwrap_err().is_invalid_input());
}

/// Implicit-looking steps x ← x + h tanh(K x) with K tridiagonal.
struct Steps {
    n: usize,
    q: usize,
    shift: f64,
}

impl LayeredProgram for Steps {
    fn rows(&self) -> usize {
        self.n
    }

    fn layers(&self) -> usize {
        self.q
    }

    fn layer(&self, i: usize, x: &[f64]) -> Result<Vec<f64>, Error> {
        let at = |i: usize| x.get(i).copied().unwrap_or(0.0);
        let out = if i + 1 == self.q { self.shift } else { 0.0 };
        Ok((0..self.n)
            .map(|i| x[i] + 0.1 * (at(i + 1) - 2.0 * x[i] + at(i.wrapping_sub(1))).tanh() - out)
            .collect())
    }

    fn jacobian(&self, _: usize, x: &[f64]) -> Result<LocalJacobian, Error> {
        let at = |i: usize| x.get(i).copied().unwrap_or(0.0);
        Ok(LocalJacobian::banded(self.n, (1, 1), |i, j| {
            let t = (at(i + 1) - 2.0 * x[i] + at(i.wrapping_sub(1))).tanh();
            let k = if i == j { -2.0 } else { 1.0 };
            f64::from(u8::from(i == j)) + 0.1 * (1.0 - t * t) * k
        }))
    }
}

#[test]
fn newton_converges_quadratically_and_the_memory_changes_nothing_but_the_work() {
    let program = Steps { n: 30, q: 25, shift: 0.4 };
    let start: Vec<f64> = (0..30).map(|i| 0.3 + 0.1 * (i as f64).cos()).collect();
    let out = Newton::new().solve(&program, &start).unwrap();
    // The last step roughly squares the residual.
    let h = &out.residual_history;
    assert!(out.converged() && h[h.len() - 1] < 1e-3 * h[h.len() - 2], "{out} {h:?}");
    let all = program.linearised(&start, Order::FactorFirst, usize::MAX).unwrap();
    // Bytes of a state, 240, and of a local Jacobian, 720; levels of checkpoints, each of which repeats 25 layers.
    for (memory, levels) in [(0, 5), (720 * 4, 3), (720 * 9, 2), (720 * 24, 2)] {
        let few = program.linearised(&start, Order::FactorFirst, memory).unwrap();
        assert_eq!((few.value, few.step), (all.value.clone(), all.step.clone()));
        assert!(few.repeated > 0 && few.repeated <= 25 * levels, "{memory}: {}", few.repeated);
    }
    assert_eq!(all.repeated, 0);
}

fn chain<'r>(x: &[Var<'r>]) -> Vec<Var<'r>> {
    let n = x.len();
    let mut y = x.to_vec();
    for _ in 0..5 {
        y = (0..n)
            .map(|i| {
                let left = if i > 0 { y[i - 1] * 0.2 } else { y[i] * 0.1 };
                let right = if i + 1 < n { (y[i + 1] * y[i]).sin() * 0.1 } else { y[i] * 0.1 };
                y[i] + left + right
            })
            .collect();
    }
    // An input used once more at the end passes through all layers.
    y[0] = y[0] + x[n - 1] * 0.05;
    y.iter().map(|&y| y - 0.5).collect()
}

#[test]
fn recorded_programs_are_split_into_uniform_layers() {
    let program = Recorded::new(8, chain);
    let x: Vec<f64> = (0..8).map(|i| 0.2 + 0.05 * i as f64).collect();
    let step = |order| program.linearised(&x, order, usize::MAX).unwrap();
    let (factor, accumulated) = (step(Order::FactorFirst), step(Order::AccumulateFirst));
    agree(&factor.step, &accumulated.step, 1e-10);
    // J step = F, by differences of F along the step.
    let h = 1e-5;
    let at = |h: f64| {
        let moved: Vec<f64> = x.iter().zip(&factor.step).map(|(x, s)| x + h * s).collect();
        program.value(&moved).unwrap()
    };
    let product: Vec<f64> = at(h).iter().zip(at(-h)).map(|(a, b)| (a - b) / (2.0 * h)).collect();
    agree(&product, &factor.value, 1e-7);
    let out = Newton::new().solve(&program, &x).unwrap();
    assert!(out.converged(), "{out}");
}

#[test]
fn damping_saves_a_start_from_which_full_steps_diverge() {
    // atan by its derivative: Newton's full step from 2 overshoots ever more.
    let program =
        Recorded::new(1, |x| vec![x[0].map(x[0].value().atan(), 1.0 / (1.0 + x[0].value().powi(2)))]);
    let out = Newton::new().solve(&program, &[2.0]).unwrap();
    assert!(out.converged() && out.step_lengths.iter().any(|&t| t < 1.0), "{out}");
}

#[test]
fn bad_programs_are_told_with_the_layer() {
    let f = [1.0, 1.0];
    let good = || LocalJacobian::diagonal(&[1.0, 2.0]);
    let zero = LocalJacobian::diagonal(&[1.0, 0.0]);
    let error = newton_step(vec![good(), zero, good()], &f, Order::FactorFirst).unwrap_err();
    assert!(error.is_singular() && error.to_string().contains("layer 2"), "{error}");
    let dense = LocalJacobian::dense(2, &[1.0, 1.0, 1.0, 1.0]).unwrap();
    assert!(newton_step(vec![dense, good()], &f, Order::FactorFirst).unwrap_err().is_singular());
    assert!(newton_step(vec![], &f, Order::Planned).unwrap_err().is_dimension());
    assert!(LocalJacobian::dense(2, &[1.0]).unwrap_err().is_dimension());
    // Two inputs, one value between them.
    let narrow = Recorded::new(2, |x| {
        let s = x[0] + x[1];
        vec![s * 2.0, s * s]
    });
    let error = Newton::new().solve(&narrow, &[1.0, 2.0]).unwrap_err();
    assert!(error.to_string().contains("not invertible"), "{error}");
    let short = Recorded::new(2, |x| vec![x[0]]);
    assert!(Newton::new().solve(&short, &[1.0, 2.0]).unwrap_err().is_dimension());
    let none = Recorded::new(1, |x| vec![x[0] * x[0] + 1.0]);
    let out = Newton::new().solve(&none, &[0.7]).unwrap();
    assert!(out.status != NewtonStatus::Converged && out.advice.is_some());
}
