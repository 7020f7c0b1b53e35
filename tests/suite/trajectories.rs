//! Whole optimisations, step by step against another implementation
//! (`tests/data/reference/trajectories.json`).

use multigrad::autodiff::Triangle;
use multigrad::autodiff::{Dense, Number, Sparse, Tape};
use multigrad::optimise::{Adam, Lbfgs, Optimiser};
use multigrad::sparse::Csr;
use serde_json::Value;

fn read(name: &str) -> Value {
    let text = include_str!("../data/reference/trajectories.json");
    serde_json::from_str::<Value>(text).unwrap()[name].clone()
}

fn list(value: &Value) -> Vec<f64> {
    serde_json::from_value(value.clone()).unwrap()
}

/// Losses by step.
fn losses(value: &Value) -> Vec<(usize, f64)> {
    let entries = value.as_object().unwrap().iter();
    entries.map(|(step, loss)| (step.parse().unwrap(), loss.as_f64().unwrap())).collect()
}

fn assert_near(x: f64, y: f64, tolerance: f64, what: &str) {
    assert!((x - y).abs() <= tolerance * y.abs(), "{what}: {x:e} instead of {y:e}");
}

/// ones(k) times the k-th diagonal, for several of them.
fn diagonals(n: usize, list: &[(i64, f64)]) -> Csr<f64> {
    let entries: Vec<_> = list
        .iter()
        .flat_map(|&(k, v)| (0..n as i64).map(move |i| (i, i + k, v)))
        .filter(|&(_, j, _)| j >= 0 && j < n as i64)
        .map(|(i, j, v)| (i as usize, j as usize, v))
        .collect();
    Csr::from_triplets(n, n, &entries).unwrap()
}

fn laplacian(n: usize) -> Csr<f64> {
    diagonals(n, &[(0, 2.0), (1, -1.0), (-1, -1.0)])
}

/// ‖I − Ω D⁻¹ A‖_F², or ‖I − Ω A‖_F² without D.
fn jacobi_loss<'t>(tape: &'t Tape, w: Dense<'t>, scaled: bool) -> Number<'t> {
    let a = tape.matrix(&laplacian(16));
    let weights = if scaled { w / a.diagonal() } else { w };
    (tape.identity(16) - weights.as_diagonal() * a).frobenius_squared()
}

#[test]
fn jacobi_weights() {
    for run in read("jacobi_frob_50").as_array().unwrap() {
        let scaled = run["dinv"].as_bool().unwrap();
        let mut w = vec![run["w0"].as_f64().unwrap(); 16];
        let (mut adam, mut tape) = (Adam::new(), Tape::new());
        for (step, &expected) in list(&run["loss_hist"]).iter().enumerate() {
            let omega = tape.parameter(&w);
            let loss = jacobi_loss(&tape, omega, scaled);
            assert_near(loss.value().unwrap(), expected, 1e-12, &format!("loss {step}"));
            let gradient = loss.gradients().unwrap().take(omega).unwrap();
            adam.step(&mut w, &gradient, run["lr"].as_f64().unwrap()).unwrap();
            tape.clear();
        }
        for (w, &expected) in w.iter().zip(&list(&run["omega"])) {
            assert!((w - expected).abs() < 1e-10, "{w} instead of {expected}");
        }
    }
}

#[test]
fn jacobi_weights_converge_to_two_thirds_and_four_fifths() {
    let mut w = vec![1.0; 16];
    let mut tape = Tape::new();
    let report = Lbfgs::new()
        .gradient_tolerance(1e-14)
        .minimise(&mut w, |w, gradient| {
            tape.clear();
            let omega = tape.parameter(w);
            let loss = jacobi_loss(&tape, omega, true);
            gradient.copy_from_slice(loss.gradients()?.of(omega)?);
            loss.value()
        })
        .unwrap();
    assert!(report.converged(), "{report}");
    let exact = |i: usize| if i == 0 || i == 15 { 0.8 } else { 2.0 / 3.0 };
    assert!(w.iter().enumerate().all(|(i, w)| (w - exact(i)).abs() < 1e-14), "{w:?}");
}

#[test]
fn sparse_approximate_inverse() {
    let run = read("spai_grad_300");
    let a = laplacian(8);
    let start = diagonals(8, &[(0, 2.0), (1, -1.0), (-1, -1.0), (2, 1.0), (-2, 1.0)]);
    let (mut values, expected) = (start.values().to_vec(), losses(&run["loss"]));
    let (mut adam, mut tape) = (Adam::new(), Tape::new());
    for step in 0..run["epochs"].as_u64().unwrap() as usize {
        let (a, m) = (tape.matrix(&a), tape.parameter_on(start.pattern(), &values));
        let loss =
            (a * m - tape.identity(8)).frobenius_squared() + (m * a - tape.identity(8)).frobenius_squared();
        if let Some((_, expected)) = expected.iter().find(|e| e.0 == step) {
            assert_near(loss.value().unwrap(), *expected, 1e-11, &format!("loss {step}"));
        }
        let gradient = loss.gradients().unwrap().take(m).unwrap();
        adam.step(&mut values, &gradient, 0.1).unwrap();
        tape.clear();
    }
    let worst = values.iter().zip(list(&run["M_final"])).fold(0.0f64, |m, (v, e)| m.max((v - e).abs()));
    assert!(worst < 1e-9, "{worst:e}");
}

#[test]
fn a_matrix_of_which_a_solve_is_prescribed() {
    let run = read("tri_solve_1000");
    let start = diagonals(5, &[(0, 2.0), (-1, -1.0)]);
    let (mut values, expected) = (start.values().to_vec(), losses(&run["loss"]));
    let b: Vec<f64> = (1..=5).map(f64::from).collect();
    let (mut adam, mut tape) = (Adam::new(), Tape::new());
    for step in 0..1000 {
        let (a, b) = (tape.parameter_on(start.pattern(), &values), tape.vector(&b));
        let x = a.solve_triangular(Triangle { lower: true, unit: false }, b);
        let loss = (x - b).frobenius_squared();
        // Below that the losses are rounding.
        if let Some((_, expected)) = expected.iter().find(|e| e.0 == step && e.1 > 1e-12) {
            assert_near(loss.value().unwrap(), *expected, 1e-6, &format!("loss {step}"));
        }
        let gradient = loss.gradients().unwrap().take(a).unwrap();
        adam.step(&mut values, &gradient, 0.01).unwrap();
        tape.clear();
    }
    let worst = values.iter().zip(list(&run["A_final"])).fold(0.0f64, |m, (v, e)| m.max((v - e).abs()));
    assert!(worst < 1e-9, "{worst:e}");
}

fn two_grid<'t>(p: Sparse<'t>, coarse: Sparse<'t>, a: Sparse<'t>, x: Dense<'t>, b: Dense<'t>) -> Dense<'t> {
    let jacobi = |x: Dense<'t>| x + ((b - a * x) / a.diagonal()) * 0.6;
    let x = jacobi(x);
    jacobi(x + p * coarse.solve(p.transposed_times(b - a * x)))
}

#[test]
fn prolongation_smoother_of_a_two_grid_method() {
    let run = read("multigrid_seed0");
    let a = laplacian(9);
    let aggregates = Csr::from_triplets(9, 3, &(0..9).map(|i| (i, i / 3, 1.0)).collect::<Vec<_>>()).unwrap();
    let mut b = vec![0.0; 9];
    b[4] = 1.0;
    let (mut values, expected) = (a.values().to_vec(), losses(&run["loss"]));
    let starts: Vec<Vec<f64>> = run["x_test"].as_array().unwrap().iter().map(list).collect();
    let (mut adam, mut tape) = (Adam::new(), Tape::new());
    for step in 0..run["steps_run"].as_u64().unwrap() as usize {
        let (s, a, b) = (tape.parameter_on(a.pattern(), &values), tape.matrix(&a), tape.vector(&b));
        let p = s * tape.matrix(&aggregates);
        let coarse = a.galerkin(p.transpose(), p);
        let of_one = |start: &Vec<f64>| {
            let start = tape.vector(start);
            let x = (0..3).fold(start, |x, _| two_grid(p, coarse, a, x, b));
            (b - a * x).norm() / (b - a * start).norm()
        };
        let loss = starts.iter().map(of_one).reduce(|sum, l| sum + l).unwrap() / starts.len() as f64;
        if let Some((_, expected)) = expected.iter().find(|e| e.0 == step) {
            assert_near(loss.value().unwrap(), *expected, 1e-8, &format!("loss {step}"));
        }
        let gradient = loss.gradients().unwrap().take(s).unwrap();
        adam.step(&mut values, &gradient, 0.1).unwrap();
        tape.clear();
    }
    let worst = values.iter().zip(list(&run["S_final"])).fold(0.0f64, |m, (v, e)| m.max((v - e).abs()));
    assert!(worst < 1e-6, "{worst:e}");
}

/// The residual norms of `steps` iterations of CG with the preconditioner M Mᵀ, relative to b.
fn pcg<'t>(a: Sparse<'t>, b: Dense<'t>, m: Sparse<'t>, steps: usize) -> Vec<Number<'t>> {
    let precondition = |r: Dense<'t>| m * m.transposed_times(r);
    let mut r = b;
    let z = precondition(r);
    let (mut p, mut rz) = (z, r.dot(z));
    let mut norms = vec![r.norm() / b.norm()];
    for _ in 0..steps {
        let ap = a * p;
        r = r - (rz / p.dot(ap)) * ap;
        let z = precondition(r);
        let next = r.dot(z);
        p = z + (next / rz) * p;
        rz = next;
        norms.push(r.norm() / b.norm());
    }
    norms
}

#[test]
fn preconditioner_learned_through_conjugate_gradients() {
    let run = read("pcg_2d");
    let a = multigrad::gallery::poisson_2d(8, 8).unwrap().matrix;
    let b: Vec<f64> = (0..64).map(|i| -1.0 + 2.0 * ((i / 8) as f64 + 1.0) / 9.0).collect();
    let start = diagonals(64, &[(0, 2.0), (-1, 0.1)]);
    let weights: Vec<f64> = (0..4).map(|k| 0.7f64.powi(3 - k)).collect();
    let total: f64 = weights.iter().sum();
    let mut values = start.values().to_vec();
    let (mut adam, mut tape) = (Adam::new().weight_decay(0.01), Tape::new());
    for step in 0..=300 {
        let (m, a, b) = (tape.parameter_on(start.pattern(), &values), tape.matrix(&a), tape.vector(&b));
        let norms = pcg(a, b, m, 3);
        let terms = norms
            .iter()
            .zip(&weights)
            .map(|(&n, &w)| (n + tape.number(1.0)).ln() * (w / total / std::f64::consts::LN_10));
        let loss = terms.reduce(|sum, t| sum + t).unwrap();
        if let Some(expected) = run["log"].get(step.to_string()) {
            let expected = list(expected);
            // Steps amplify rounding.
            let tolerance = if step <= 100 { 1e-8 } else { 1e-4 };
            assert_near(loss.value().unwrap(), expected[0], tolerance, &format!("loss {step}"));
            assert_near(norms[3].value().unwrap(), expected[1], tolerance, &format!("residual {step}"));
        }
        let gradient = loss.gradients().unwrap().take(m).unwrap();
        adam.step(&mut values, &gradient, 1e-3).unwrap();
        tape.clear();
    }
}

/// ‖b − A x‖/‖b − A 1‖ after twelve steps of heavy ball on A x = b from ones.
fn heavy_ball<'t>(a: Sparse<'t>, b: Dense<'t>, alpha: Number<'t>, beta: Number<'t>) -> Number<'t> {
    let ones = a.tape().vector(&[1.0; 12]);
    let (mut x, mut before) = (ones, ones);
    for _ in 0..12 {
        (x, before) = (x + alpha * (b - a * x) + beta * (x - before), x);
    }
    (b - a * x).norm() / (b - a * ones).norm()
}

#[test]
fn heavy_ball_from_the_stored_right_hand_sides() {
    let run = read("heavyball_seed0");
    let (first, sides) = (list(&run["first"]), run["b_rand"].as_array().unwrap());
    let mut weights = vec![0.5, 0.5];
    let mut tape = Tape::new();
    {
        let a = tape.matrix(&laplacian(12));
        let w = tape.parameter(&weights);
        let of_one = |b: &Value| heavy_ball(a, tape.vector(&list(b)), w.at(0, 0), w.at(1, 0));
        let loss = sides.iter().map(of_one).reduce(|s, l| s + l).unwrap() / sides.len() as f64;
        assert_near(loss.value().unwrap(), first[0], 1e-12, "the first loss");
        // The stored gradient is that of a fixed point, which this is not; the first step of Adam takes its
        // sign alone.
        let gradient = loss.gradients().unwrap().take(w).unwrap();
        Adam::new().step(&mut weights, &gradient, 0.01).unwrap();
    }
    tape.clear();
    let (a, w) = (tape.matrix(&laplacian(12)), tape.vector(&weights));
    let test = heavy_ball(a, tape.vector(&[1.0; 12]), w.at(0, 0), w.at(1, 0));
    assert_near(test.value().unwrap(), first[1], 1e-8, "the test loss");
}
