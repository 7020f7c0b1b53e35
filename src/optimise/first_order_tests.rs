//! Adam and gradient descent: references, steps computed by hand, resuming, misuse.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::problems::{badly_scaled, himmelblau, jacobi};
use super::{Adam, Optimiser, Scaled, Scaling, Sgd, clip_norm};
use crate::error::Result;
use crate::sparse::Scalar;

fn train<T: Scalar>(
    optimiser: &mut dyn Optimiser<T>,
    values: &mut [T],
    loss: impl Fn(&[T], &mut [T]) -> f64,
    rate: f64,
    steps: usize,
) -> f64 {
    let mut gradient = vec![T::ZERO; values.len()];
    for _ in 0..steps {
        loss(values, &mut gradient);
        optimiser.step(values, &gradient, rate).unwrap();
    }
    loss(values, &mut gradient)
}

/// The trajectories of PyTorch's Adam in double precision.
#[test]
fn adam_takes_the_reference_trajectory() {
    let mut w = vec![1.0_f64; 16];
    let mut losses = Vec::new();
    let mut gradient = vec![0.0; 16];
    let mut adam = Adam::new();
    for _ in 0..50 {
        losses.push(jacobi(&w, &mut gradient));
        adam.step(&mut w, &gradient, 0.01).unwrap();
    }
    losses.push(jacobi(&w, &mut gradient));
    // The reference has the losses at w₀, w₁, …
    let first = [7.5, 7.352350001548, 7.209534709113399, 7.071632902452107, 6.938714433949679];
    for (loss, reference) in losses.iter().zip(first) {
        assert!((loss - reference).abs() < 1e-12, "{loss} {reference}");
    }
    assert!(losses.iter().any(|l| (l - 5.067402956314097).abs() < 1e-12), "{losses:?}");
    assert!(losses.iter().any(|l| (l - 5.067734044271043).abs() < 1e-12), "{losses:?}");
    for (i, w) in w.iter().enumerate() {
        let reference = if i == 0 || i == 15 { 0.7924235985 } else { 0.6586766456 };
        assert!((w - reference).abs() < 1e-10, "{i}: {w}");
    }
}

#[test]
fn single_precision_follows_double() {
    let (mut w, mut v) = (vec![1.0_f32; 16], vec![1.0_f64; 16]);
    train(&mut Adam::new(), &mut w, jacobi, 0.01, 50);
    train(&mut Adam::new(), &mut v, jacobi, 0.01, 50);
    assert!(w.iter().zip(&v).all(|(w, v)| (f64::from(*w) - v).abs() < 1e-5), "{w:?}");
}

/// A direct transcription of algorithm 2 of Loshchilov and Hutter, with the weight decay of the step before
/// the update, against several steps of the optimiser.
#[test]
fn adam_with_decay_agrees_with_its_definition() {
    let (b1, b2, eps, decay, rate) = (0.8, 0.95, 1e-3, 0.1, 0.05);
    let mut adam = Adam::new().betas(b1, b2).eps(eps).weight_decay(decay);
    let (mut w, mut g) = (vec![0.5, -1.5], vec![0.0; 2]);
    let (mut expected, mut m, mut v) = (w.clone(), [0.0; 2], [0.0; 2]);
    for step in 1..=30 {
        himmelblau(&expected, &mut g);
        for i in 0..2 {
            expected[i] -= rate * decay * expected[i];
            m[i] = b1 * m[i] + (1.0 - b1) * g[i];
            v[i] = b2 * v[i] + (1.0 - b2) * g[i] * g[i];
            let mean = m[i] / (1.0 - f64::powi(b1, step));
            let root = v[i].sqrt() / (1.0 - f64::powi(b2, step)).sqrt();
            expected[i] -= rate * mean / (root + eps);
        }
        himmelblau(&w, &mut g);
        adam.step(&mut w, &g, rate).unwrap();
        assert!((w[0] - expected[0]).abs() < 1e-12 && (w[1] - expected[1]).abs() < 1e-12, "{step}");
    }
    assert_eq!(adam.steps(), 30);
}

/// By hand, with g = 1: b = 1, 1.9, 2.71; Nesterov's direction g + 0.9 b = 1.9, 2.71.
#[test]
fn momentum_by_hand() {
    let run = |mut sgd: Sgd<f64>, g: f64, steps: usize| {
        let mut w = [1.0];
        (0..steps).for_each(|_| sgd.step(&mut w, &[g], 0.1).unwrap());
        w[0]
    };
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-15, "{a} {b}");
    near(run(Sgd::new(), 1.0, 3), 0.7);
    near(run(Sgd::new().momentum(0.9), 1.0, 3), 1.0 - 0.1 * (1.0 + 1.9 + 2.71));
    near(run(Sgd::new().momentum(0.9).nesterov(true), 1.0, 2), 1.0 - 0.1 * (1.9 + 2.71));
    // With decay: g = 0.5 w at first; b = 0.5, w = 0.95; g = 0.475, b = 0.925, w = 0.8575.
    near(run(Sgd::new().weight_decay(0.5), 0.0, 2), 0.95 * 0.95);
    near(run(Sgd::new().momentum(0.9).weight_decay(0.5), 0.0, 2), 0.8575);
}

#[test]
fn descent_finds_minima() {
    for optimiser in [
        &mut Adam::new() as &mut dyn Optimiser<f64>,
        &mut Sgd::new().momentum(0.9),
        &mut Sgd::new().momentum(0.9).nesterov(true),
    ] {
        let mut x = [4.0, 1.0];
        let loss = train(optimiser, &mut x, himmelblau, 0.003, 4000);
        assert!(loss < 1e-12 && (x[0] - 3.0).abs() < 1e-6 && (x[1] - 2.0).abs() < 1e-6, "{x:?} {loss}");
    }
}

/// 20 steps, JSON and 20 more steps give every bit of 40 steps.
fn goes_on<
    T: Scalar,
    O: Optimiser<T> + Clone + PartialEq + std::fmt::Debug + Serialize + DeserializeOwned,
>(
    start: O,
) {
    let start_values: Vec<T> = (0..16).map(|i| T::from_f64(1.0 + 0.01 * f64::from(i))).collect();
    let (mut whole, mut parts) = (start.clone(), start);
    let (mut w, mut v) = (start_values.clone(), start_values);
    train(&mut whole, &mut w, jacobi, 0.013, 40);
    train(&mut parts, &mut v, jacobi, 0.013, 20);
    let text = serde_json::to_string(&parts).unwrap();
    let mut parts: O = serde_json::from_str(&text).unwrap();
    train(&mut parts, &mut v, jacobi, 0.013, 20);
    assert_eq!(w, v);
    assert_eq!(whole, parts);
}

#[test]
fn a_stopped_run_goes_on_with_the_same_bits() {
    goes_on::<f64, _>(Adam::new().weight_decay(0.01));
    goes_on::<f32, _>(Adam::new().betas(0.9, 0.99));
    goes_on::<f64, _>(Sgd::new().momentum(0.9).nesterov(true));
    goes_on::<f32, _>(Sgd::new().weight_decay(0.1));
    let units = (1..=16).map(|i| 1.0 / f64::from(i)).collect();
    goes_on::<f64, _>(Scaled::new(Adam::new(), Scaling::new(units).unwrap()));
}

/// An optimiser that only implements `step`, to test the default methods of the trait.
struct Plain<O>(O);

impl<T: Scalar, O: Optimiser<T>> Optimiser<T> for Plain<O> {
    fn step(&mut self, values: &mut [T], gradient: &[T], rate: f64) -> Result<()> {
        self.0.step(values, gradient, rate)
    }
    fn reset(&mut self) {
        self.0.reset();
    }
}

#[test]
fn scaled_steps_are_steps_in_the_variables() {
    let scaling = Scaling::new(vec![0.3, 7.0, 2.0]).unwrap();
    let adam = Adam::new().weight_decay(0.1);
    let sgd = Sgd::new().momentum(0.8).nesterov(true).weight_decay(0.1);
    let still = Sgd::new().weight_decay(0.1);
    type Boxed = Box<dyn Optimiser<f64>>;
    let pairs: [(Boxed, Boxed); 4] = [
        (Box::new(Scaled::new(adam.clone(), scaling.clone())), Box::new(adam.clone())),
        (Box::new(Scaled::new(sgd.clone(), scaling.clone())), Box::new(sgd.clone())),
        (Box::new(Scaled::new(still.clone(), scaling.clone())), Box::new(still)),
        (Box::new(Scaled::new(Plain(sgd.clone()), scaling.clone())), Box::new(sgd)),
    ];
    for (mut scaled, mut plain) in pairs {
        let mut w = vec![0.4, -0.2, 3.0];
        let mut u = scaling.variables(&w).unwrap();
        let mut g = vec![0.0; 3];
        for _ in 0..25 {
            badly_scaled(&w, &mut g);
            clip_norm(&mut g, 5.0);
            scaled.step(&mut w, &g, 0.01).unwrap();
            badly_scaled(&scaling.values(&u).unwrap(), &mut g);
            clip_norm(&mut g, 5.0);
            plain.step(&mut u, &scaling.derivative(&g).unwrap(), 0.01).unwrap();
        }
        let same = scaling.values(&u).unwrap();
        assert!(w.iter().zip(&same).all(|(a, b)| (a - b).abs() < 1e-12 * b.abs().max(1.0)), "{w:?} {same:?}");
    }
    // Nested units multiply.
    let (mut w, mut v) = ([0.0; 3], [0.0; 3]);
    let mut nested = Scaled::new(Scaled::new(Adam::new(), scaling.clone()), scaling);
    nested.step(&mut w, &[1.0, -1.0, 1.0], 0.5).unwrap();
    Adam::new().step_scaled(&mut v, &[1.0, -1.0, 1.0], &[0.3 * 0.3, 49.0, 4.0], 0.5).unwrap();
    assert_eq!(w, v);
}

#[test]
fn misuse_names_the_entry_and_changes_nothing() {
    for optimiser in
        [&mut Adam::new() as &mut dyn Optimiser<f64>, &mut Sgd::new().momentum(0.5), &mut Plain(Sgd::new())]
    {
        let mut w = [1.0, 2.0, 3.0];
        let e = optimiser.step(&mut w, &[1.0, f64::NAN, f64::NAN], 0.1).unwrap_err();
        assert!(e.is_invalid_input() && e.to_string().contains("entry 2 of the gradient"), "{e}");
        let e = optimiser.step(&mut w, &[1.0, 2.0], 0.1).unwrap_err();
        assert!(e.is_dimension() && e.to_string().contains("entry 3"), "{e}");
        for rate in [-0.1, f64::NAN, f64::INFINITY] {
            assert!(optimiser.step(&mut w, &[1.0; 3], rate).unwrap_err().is_invalid_input());
        }
        let e = optimiser.step_scaled(&mut w, &[1.0; 3], &[1.0, 1.0, 0.0], 0.1).unwrap_err();
        assert!(e.is_invalid_input() && e.to_string().contains("unit 3"), "{e}");
        assert!(optimiser.step_scaled(&mut w, &[1.0; 3], &[1.0], 0.1).unwrap_err().is_dimension());
        assert_eq!(w, [1.0, 2.0, 3.0]);
    }
    let mut w = [1.0, 2.0, 3.0];
    let mut adam = Adam::new();
    adam.step(&mut w, &[1.0; 3], 0.1).unwrap();
    assert!(adam.step(&mut w[..2], &[1.0; 2], 0.1).unwrap_err().is_dimension());
    for mut wrong in [Adam::new().betas(1.0, 0.9), Adam::new().betas(0.9, -0.1), Adam::new().eps(f64::NAN)] {
        assert!(wrong.step(&mut w, &[1.0; 3], 0.1).is_err());
    }
    assert!(Sgd::new().nesterov(true).step(&mut w, &[1.0; 3], 0.1).is_err());
}

#[test]
fn reset_begins_anew() {
    for optimiser in [&mut Adam::new() as &mut dyn Optimiser<f64>, &mut Sgd::new().momentum(0.9)] {
        let (mut w, mut v) = ([1.0; 16], [1.0; 16]);
        train(optimiser, &mut w, jacobi, 0.01, 7);
        optimiser.reset();
        train(optimiser, &mut v, jacobi, 0.01, 7);
        assert_eq!(w, v);
    }
}
