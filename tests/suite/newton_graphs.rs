//! Matrix-free Newton on general programs: random graphs with edges across several layers beside forward accumulation,
//! their layers, and programs that are not invertible.

use multigrad::newton::{LayeredProgram, LocalJacobian, Newton, Order, Program, Recorded, Var};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// c · sin(a) · b + d · a, of values a and b before it.
#[derive(Clone, Copy)]
struct Operation {
    a: usize,
    b: usize,
    c: f64,
    d: f64,
}

/// A straight-line program; its outputs are its last n values, permuted.
struct Straight {
    n: usize,
    operations: Vec<Operation>,
    outputs: Vec<usize>,
}

impl Straight {
    /// Stages of n values, near the identity, through intermediate values, with edges from stages long before.
    fn random(n: usize, stages: usize, random: &mut ChaCha8Rng) -> Self {
        let mut operations = Vec::new();
        let mut history: Vec<Vec<usize>> = vec![(0..n).collect()];
        for _ in 0..stages {
            let last = history[history.len() - 1].clone();
            let from = if random.random_bool(0.3) {
                random.random_range(0..history.len())
            } else {
                history.len() - 1
            };
            let reach = random.random_range(0..3usize);
            let stage = (0..n).map(|i| {
                let mut value = last[i];
                for _ in 0..random.random_range(0..3) {
                    let near = random.random_range(i.saturating_sub(reach)..=(i + reach).min(n - 1));
                    // value + c sin(near) value, in two operations of which one is shared by nothing.
                    operations.push(Operation { a: history[from][near], b: value, c: 0.2, d: 0.1 });
                    let small = n + operations.len() - 1;
                    operations.push(Operation { a: small, b: small, c: 0.1, d: 0.3 });
                    let small = n + operations.len() - 1;
                    operations.push(Operation {
                        a: value,
                        b: small,
                        c: 0.3,
                        d: 1.0 + 0.2 * random.random::<f64>(),
                    });
                    value = n + operations.len() - 1;
                }
                value
            });
            let stage = stage.collect();
            history.push(stage);
        }
        let mut outputs = history[history.len() - 1].clone();
        outputs.rotate_left(random.random_range(0..n));
        Self { n, operations, outputs }
    }

    fn recorded(&self) -> Recorded<impl for<'r> Fn(&[Var<'r>]) -> Vec<Var<'r>> + '_> {
        Recorded::new(self.n, |x| {
            let mut values = x.to_vec();
            for o in &self.operations {
                let (a, b) = (values[o.a], values[o.b]);
                values.push(a.sin() * b * o.c + a * o.d);
            }
            self.outputs.iter().map(|&v| values[v]).collect()
        })
    }

    /// F(x) and its Jacobian by rows, by forward accumulation.
    fn accumulated(&self, x: &[f64]) -> (Vec<f64>, Vec<Vec<f64>>) {
        let n = self.n;
        let mut values = x.to_vec();
        let mut rows: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|j| f64::from(i == j)).collect()).collect();
        for o in &self.operations {
            let (a, b) = (values[o.a], values[o.b]);
            let (by_a, by_b) = (a.cos() * b * o.c + o.d, a.sin() * o.c);
            values.push(a.sin() * b * o.c + a * o.d);
            rows.push((0..n).map(|j| by_a * rows[o.a][j] + by_b * rows[o.b][j]).collect());
        }
        let pick = |v: &usize| (values[*v], rows[*v].clone());
        self.outputs.iter().map(pick).unzip()
    }
}

/// Gauss–Jordan elimination with row interchanges.
fn dense_solve(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for k in 0..n {
        let pivot = (k..n).max_by(|&i, &j| a[i][k].abs().total_cmp(&a[j][k].abs())).unwrap();
        a.swap(k, pivot);
        b.swap(k, pivot);
        let (top, known) = (a[k].clone(), b[k]);
        for i in (0..n).filter(|&i| i != k) {
            let factor = a[i][k] / top[k];
            a[i].iter_mut().zip(&top).for_each(|(a, t)| *a -= factor * t);
            b[i] -= factor * known;
        }
    }
    (0..n).map(|i| b[i] / a[i][i]).collect()
}

fn off(a: &[f64], b: &[f64]) -> f64 {
    let norm = |v: Vec<f64>| v.iter().map(|v| v * v).sum::<f64>().sqrt();
    norm(a.iter().zip(b).map(|(a, b)| a - b).collect()) / norm(b.to_vec())
}

#[test]
fn two_hundred_random_graphs_step_as_their_accumulated_jacobian() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let mut most = 0;
    for case in 0..200 {
        let (n, stages) = (random.random_range(1..25), random.random_range(0..7));
        let program = Straight::random(n, stages, &mut random);
        let x: Vec<f64> = (0..n).map(|_| random.random_range(-1.0..1.0)).collect();
        let (value, jacobian) = program.accumulated(&x);
        let expected = dense_solve(jacobian.clone(), value.clone());
        let recorded = program.recorded();
        // The product of the layers is the Jacobian.
        let layers = recorded.layers(&x, usize::MAX).unwrap();
        most = most.max(layers.len());
        let mut product: Vec<Vec<f64>> =
            (0..n).map(|i| (0..n).map(|j| f64::from(i == j)).collect()).collect();
        for a in &layers {
            let entry = |i: usize, j: usize| (0..n).map(|k| a.get(i, k) * product[k][j]).sum();
            product = (0..n).map(|i| (0..n).map(|j| entry(i, j)).collect()).collect();
        }
        assert!(off(&product.concat(), &jacobian.concat()) < 1e-12, "case {case}");
        for order in [Order::FactorFirst, Order::AccumulateFirst, Order::Planned] {
            let found = recorded.linearised(&x, order, usize::MAX).unwrap();
            assert!(off(&found.value, &value) < 1e-14);
            let error = off(&found.step, &expected);
            assert!(error < 1e-10, "case {case}, n = {n}, {stages} stages, {order:?}: {error:.1e}");
        }
    }
    assert!(most >= 6, "the longest chain has {most} layers");
}

/// x ← x + c sin(neighbours), q times, in operations of different depth at the ends.
fn tridiagonal<'r>(x: &[Var<'r>], q: usize) -> Vec<Var<'r>> {
    let mut y = x.to_vec();
    for _ in 0..q {
        y = (0..y.len())
            .map(|i| {
                let mut sum = y[i] * 1.5;
                if i > 0 {
                    sum = sum + (y[i - 1] * 0.2).sin();
                }
                if i + 1 < y.len() {
                    sum = sum - (y[i + 1] * y[i]).tanh() * 0.1;
                }
                sum
            })
            .collect();
    }
    y
}

#[test]
fn steps_of_an_integrator_become_tridiagonal_layers_whatever_their_operations() {
    let x: Vec<f64> = (0..40).map(|i| (i as f64).cos()).collect();
    for q in [1, 2, 30] {
        let layers =
            Recorded::new(40, move |x: &[Var<'_>]| tridiagonal(x, q)).layers(&x, usize::MAX).unwrap();
        assert_eq!(layers.len(), q);
        for a in &layers {
            assert_eq!((a.shape().lower, a.shape().upper), (1, 1));
        }
    }
    // Independent chains of different lengths are one diagonal layer, without steps or edges to split.
    let chains = Recorded::new(3, |x| vec![x[0].sin().exp() * 2.0, x[1], -x[2]]);
    let layers = chains.layers(&[0.3, 0.4, 0.5], usize::MAX).unwrap();
    assert_eq!(layers.len(), 1);
    assert_eq!((layers[0].shape().lower, layers[0].shape().upper), (0, 0));
}

#[test]
fn a_value_used_far_later_is_passed_on() {
    // The first two unknowns step often, the others wait; the end mixes them.
    let program = Recorded::new(4, |x| {
        let (mut a, mut b) = (x[0], x[1]);
        for _ in 0..5 {
            (a, b) = (a + b.sin() * 0.3, b - a * 0.2);
        }
        vec![a + x[2] * 0.1, b - x[3] * 0.1, x[2] + a * b * 0.1, x[3] * 2.0 - a]
    });
    let layers = program.layers(&[0.1, 0.7, -0.4, 0.2], usize::MAX).unwrap();
    assert_eq!(layers.len(), 6);
    for a in &layers[..5] {
        assert_eq!([a.get(2, 2), a.get(3, 3), a.get(2, 0), a.get(3, 1)], [1.0, 1.0, 0.0, 0.0]);
    }
}

#[test]
fn programs_that_are_not_invertible_are_refused_with_the_reason() {
    let reason = |program: &dyn Program, start: &[f64]| {
        let error = Newton::new().solve(program, start).unwrap_err();
        assert!(error.is_singular() && !error.to_string().contains('\n'), "{error}");
        error.to_string()
    };
    let narrow = Recorded::new(3, |x| {
        let (a, b) = (x[0] + x[1] * x[2], x[0] * x[1]);
        vec![a + b, a * b, a - b * 2.0]
    });
    assert!(reason(&narrow, &[1.0, 2.0, 3.0]).contains("only 2 of its intermediate values"));
    let unused = Recorded::new(2, |x| vec![x[0] + 1.0, x[0] * x[0]]);
    assert!(reason(&unused, &[1.0, 2.0]).contains("no output depends on input 2"));
    let twice = Recorded::new(2, |x| {
        let s = x[0] + x[1];
        vec![s, s]
    });
    assert!(reason(&twice, &[1.0, 2.0]).contains("outputs 1 and 2 are the same"));
    // Invertible by structure, singular by values: the second layer.
    let flat = Recorded::new(2, |x| {
        let (a, b) = (x[0] + x[1] * 2.0, x[1] - x[0]);
        let (c, d) = (a + b, a * 2.0 + b * 2.0);
        vec![c + d * d, d - c * c]
    });
    let found = flat.linearised(&[1.0, 2.0], Order::FactorFirst, usize::MAX).unwrap_err().to_string();
    assert!(found.contains("layer 2"), "{found}");
}

/// Layers of which number `bad` is singular, by rounding only.
struct Bad {
    q: usize,
    bad: usize,
}

impl LayeredProgram for Bad {
    fn rows(&self) -> usize {
        3
    }

    fn layers(&self) -> usize {
        self.q
    }

    fn layer(&self, _: usize, x: &[f64]) -> multigrad::Result<Vec<f64>> {
        Ok(x.to_vec())
    }

    fn jacobian(&self, i: usize, _: &[f64]) -> multigrad::Result<LocalJacobian> {
        let singular = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
        match (i == self.bad, i % 2) {
            (true, 0) => LocalJacobian::dense(3, &singular),
            (true, _) => Ok(LocalJacobian::banded(3, (2, 2), |i, j| singular[3 * i + j])),
            _ => Ok(LocalJacobian::banded(3, (1, 1), |i, j| if i == j { 2.0 } else { 0.5 })),
        }
    }
}

#[test]
fn a_matrix_that_is_singular_by_rounding_is_named_in_every_segment() {
    for (bad, memory) in [(6, usize::MAX), (6, 0), (7, usize::MAX), (7, 300)] {
        let found = Bad { q: 12, bad }.linearised(&[1.0; 3], Order::FactorFirst, memory);
        let error = found.unwrap_err();
        assert!(error.is_singular() && error.to_string().contains(&format!("layer {} ", bad + 1)), "{error}");
    }
}

#[test]
fn memory_bounds_recordings_layers_and_products() {
    let program = Recorded::new(40, |x| tridiagonal(x, 30));
    let x = vec![0.3; 40];
    let with = |memory| program.linearised(&x, Order::FactorFirst, memory).map(|_| ());
    assert!(with(1 << 20).is_ok());
    assert!(with(1000).unwrap_err().to_string().contains("recording"));
    assert!(with(1 << 17).unwrap_err().is_invalid_input());
    let wide = program.linearised(&x, Order::AccumulateFirst, 1 << 30).unwrap();
    assert_eq!(wide.plan.groups, [30]);
}
