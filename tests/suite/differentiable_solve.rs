//! Solves by multigrid on a tape: gradients beside differences and the direct solve, refresh, warm start,
//! several right-hand sides, and the errors.

use std::sync::Arc;

use multigrad::autodiff::Tape;
use multigrad::gallery::{FlowScheme, Jumps, jumping_coefficients_2d, poisson_2d, recirculating_flow};
use multigrad::solver::DifferentiableSolver;
use multigrad::sparse::Dual;
use multigrad::{Amg, Csr, SolveOptions, Trainer};

use crate::common::allocations::peak;

fn flow() -> Csr {
    recirculating_flow(12, 0.02, FlowScheme::Upwind).unwrap().matrix
}

fn wave(n: usize) -> Vec<f64> {
    (0..n).map(|i| (0.3 + 0.7 * i as f64).sin()).collect()
}

fn solver(a: &Csr) -> DifferentiableSolver {
    DifferentiableSolver::new(Amg::auto(a).unwrap()).rtol(1e-12)
}

/// Σ wᵢ xᵢ + xᵢ² with its gradients with respect to A and b.
fn gradients(s: &mut DifferentiableSolver, a: &Csr, b: &[f64], k: usize) -> (f64, Vec<f64>, Vec<f64>) {
    let tape = Tape::new();
    let (ta, tb) = (tape.parameter_matrix(a), tape.parameter_block(b, k));
    let solve = s.solve(ta, tb);
    let loss = (solve.x * tape.block(&wave(b.len()), k) + solve.x * solve.x).sum();
    let mut g = loss.gradients().unwrap();
    assert!(solve.residual().unwrap() <= 1e-12 && solve.adjoint_residual().unwrap() <= 1e-12);
    (loss.value().unwrap(), g.take(ta).unwrap(), g.take(tb).unwrap())
}

fn direct(a: &Csr, b: &[f64], k: usize) -> (Vec<f64>, Vec<f64>) {
    let tape = Tape::new();
    let (ta, tb) = (tape.parameter_matrix(a), tape.parameter_block(b, k));
    let x = ta.solve(tb);
    let mut g = (x * tape.block(&wave(b.len()), k) + x * x).sum().gradients().unwrap();
    (g.take(ta).unwrap(), g.take(tb).unwrap())
}

fn close(x: &[f64], y: &[f64], tolerance: f64) {
    let size = y.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    for (x, y) in x.iter().zip(y) {
        assert!((x - y).abs() <= tolerance * size, "{x} {y} of {size}");
    }
}

#[test]
fn gradients_are_those_of_the_direct_solve_but_another_computation() {
    let jumps = jumping_coefficients_2d(12, 12, 1e4, Jumps::Random(3), 1).unwrap().matrix;
    for a in [poisson_2d(12, 12).unwrap().matrix, jumps, flow()] {
        for k in [1, 3] {
            let b: Vec<f64> = wave(a.rows() * k);
            let (_, of_a, of_b) = gradients(&mut solver(&a), &a, &b, k);
            let (da, db) = direct(&a, &b, k);
            close(&of_a, &da, 1e-8);
            close(&of_b, &db, 1e-8);
            assert!(of_a != da && of_b != db, "the same bits: is this the direct solve?");
        }
    }
}

#[test]
fn gradients_agree_with_differences_and_the_solver_follows_the_values() {
    let a = flow();
    let b = wave(a.rows());
    let mut s = solver(&a);
    let (_, of_a, of_b) = gradients(&mut s, &a, &b, 1);
    let largest = of_a.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    for p in (0..a.nnz()).step_by(53) {
        let mut at = |step: f64| {
            let mut values = a.values().to_vec();
            values[p] += step;
            gradients(&mut s, &a.with_values(values).unwrap(), &b, 1).0
        };
        let h = 1e-4 * a.values()[p].abs();
        let difference = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
        assert!((difference - of_a[p]).abs() < 1e-6 * largest, "{difference} {}", of_a[p]);
    }
    for q in [0, 71, 143] {
        let mut at = |step: f64| {
            let mut b = b.clone();
            b[q] += step;
            gradients(&mut s, &a, &b, 1).0
        };
        let difference = (at(1e-3) - at(-1e-3)) / 2e-3;
        assert!((difference - of_b[q]).abs() < 1e-6 * of_b[q].abs().max(1.0), "{difference} {}", of_b[q]);
    }
}

#[test]
fn an_older_tape_keeps_its_matrix() {
    let a = flow();
    let b = wave(a.rows());
    let other = a.map(|i, j, v| if i == j { 1.3 * v } else { v });
    let mut s = solver(&a);
    let tape = Tape::new();
    let (ta, tb) = (tape.parameter_matrix(&a), tape.parameter(&b));
    let x = s.solve(ta, tb).x;
    gradients(&mut s, &other, &b, 1);
    let g = (x * tape.vector(&wave(b.len())) + x * x).sum().gradients().unwrap();
    close(g.of(ta).unwrap(), &direct(&a, &b, 1).0, 1e-8);
}

#[test]
fn a_warm_start_saves_iterations_and_changes_no_digit_that_counts() {
    let a = poisson_2d(24, 24).unwrap().matrix;
    let b = wave(a.rows());
    let near: Vec<f64> = b.iter().map(|b| b * (1.0 + 1e-8)).collect();
    let iterations = |warm: bool| {
        let mut s = solver(&a).rtol(1e-10).warm_start(warm);
        let run = |s: &mut DifferentiableSolver, b: &[f64]| {
            let tape = Tape::new();
            let solve = s.solve(tape.matrix(&a), tape.parameter(b));
            solve.x.frobenius_squared().gradients().unwrap();
            (solve.forward().unwrap().iterations, solve.adjoint().unwrap().iterations)
        };
        run(&mut s, &b);
        run(&mut s, &near)
    };
    let (cold, warm) = (iterations(false), iterations(true));
    assert!(warm.0 < cold.0 / 2 && warm.1 < cold.1 / 2, "{warm:?} {cold:?}");
}

#[test]
fn learned_smoothers_keep_their_cycle_for_new_values() {
    let a = flow();
    let mut amg = Amg::smoothed_aggregation().suited_to(&a).build(&a).unwrap();
    Trainer::new().steps(3).fit(&mut amg).unwrap();
    let other = a.map(|i, j, v| if i == j { 1.05 * v } else { v });
    let b = wave(a.rows());
    let (_, of_a, _) = gradients(&mut DifferentiableSolver::new(amg).rtol(1e-12), &other, &b, 1);
    close(&of_a, &direct(&other, &b, 1).0, 1e-8);
}

#[test]
fn an_adjoint_that_does_not_converge_is_an_error_and_so_is_a_solve() {
    let a = flow();
    let b = wave(a.rows());
    let mut s = solver(&a).rtol(1e-10).warm_start(true);
    let tape = Tape::new();
    let exact = s.solve(tape.matrix(&a), tape.vector(&b));
    assert!(exact.x.values().is_ok() && exact.adjoint_residual().is_none());
    // From the solution, no forward iteration is needed; the adjoint starts from zero.
    let mut s = s.max_iterations(1);
    let second = s.solve(tape.parameter_matrix(&a), tape.vector(&b));
    assert!(second.residual().unwrap() < 1e-10);
    let error = second.x.sum().gradients().unwrap_err();
    assert!(error.is_unsuited() && error.to_string().contains("the adjoint solve"), "{error}");
    let mut cold = solver(&a).max_iterations(1);
    let failed = cold.solve(tape.matrix(&a), tape.vector(&b));
    let error = failed.residual().unwrap_err();
    assert!(error.to_string().starts_with("the solve of column 1"), "{error}");
}

#[test]
fn a_symmetric_matrix_after_a_nonsymmetric_one_leaves_the_older_adjoint_right() {
    let symmetric = poisson_2d(12, 12).unwrap().matrix;
    let skew = symmetric.map(|i, j, v| if i < j { 0.2 * v } else { v });
    let b = wave(symmetric.rows());
    let mut s = solver(&skew);
    let tape = Tape::new();
    let ta = tape.parameter_matrix(&skew);
    let x = s.solve(ta, tape.vector(&b)).x;
    gradients(&mut s, &symmetric, &b, 1);
    let g = (x * tape.vector(&wave(b.len())) + x * x).sum().gradients().unwrap();
    close(g.of(ta).unwrap(), &direct(&skew, &b, 1).0, 1e-8);
}

#[test]
fn new_values_need_no_symbolic_work() {
    let a = jumping_coefficients_2d(100, 100, 100.0, Jumps::Random(5), 1).unwrap().matrix;
    let b = wave(a.rows());
    let mut s = solver(&a);
    let patterns = |s: &DifferentiableSolver| -> Vec<_> {
        s.with_solver(|s| s.hierarchy().levels.iter().map(|l| l.a.pattern.clone()).collect())
    };
    gradients(&mut s, &a.map(|_, _, v| 1.5 * v), &b, 1);
    let before = patterns(&s);
    gradients(&mut s, &a.map(|i, j, v| if i == j { 2.0 * v } else { v }), &b, 1);
    let after = patterns(&s);
    assert!(before.len() > 1 && before.len() == after.len());
    assert!(before.iter().zip(&after).all(|(p, q)| Arc::ptr_eq(p, q)));
}

#[test]
fn backward_costs_a_solve_and_few_vectors() {
    let n = 64;
    for a in [
        poisson_2d(n, n).unwrap().matrix,
        jumping_coefficients_2d(n, n, 1e3, Jumps::Random(8), 1).unwrap().matrix,
    ] {
        let b = vec![1.0; a.rows()];
        let amg = Amg::auto(&a).unwrap();
        let solve = || amg.solve_with(&b, SolveOptions::new().rtol(1e-10)).unwrap();
        solve();
        let (out, alone) = peak(solve);
        let mut s = DifferentiableSolver::new(amg);
        let ((iterations, g), both) = peak(|| {
            let tape = Tape::new();
            let (ta, tb) = (tape.parameter_matrix(&a), tape.parameter(&b));
            let solve = s.solve(ta, tb);
            let g = solve.x.frobenius_squared().gradients().unwrap();
            (solve.adjoint().unwrap().iterations, g.bytes())
        });
        let vector = 8.0 * a.rows() as f64;
        assert!(g > 5 * 8 * a.rows(), "the gradients of A and b");
        assert!(both <= alone + 6.0 * vector, "{} vectors more", (both - alone) / vector);
        assert!(both > alone, "is anything counted?");
        assert!(10 * iterations <= 13 * out.iterations, "{iterations} and {}", out.iterations);
    }
}

#[test]
fn tapes_in_single_precision_get_rounded_gradients_and_dual_numbers_an_error() {
    let a = flow();
    let b = wave(a.rows());
    let (da, db) = direct(&a, &b, 1);
    let single = |v: &[f64]| v.iter().map(|&v| v as f32).collect::<Vec<f32>>();
    let tape = Tape::<f32>::new();
    let (ta, tb) = (tape.parameter_matrix(&a.cast()), tape.parameter(&single(&b)));
    let mut s = solver(&a);
    let solve = s.solve(ta, tb);
    let loss = (solve.x * tape.vector(&single(&wave(b.len()))) + solve.x * solve.x).sum();
    let g = loss.gradients().unwrap();
    let wide = |v: &[f32]| v.iter().map(|&v| f64::from(v)).collect::<Vec<f64>>();
    close(&wide(g.of(ta).unwrap()), &da, 1e-5);
    close(&wide(g.of(tb).unwrap()), &db, 1e-5);
    assert!(solve.residual().unwrap() < 1e-12 && solve.adjoint_residual().unwrap() < 1e-12);
    let tape = Tape::<Dual>::new();
    let dual: Vec<Dual> = b.iter().map(|&v| Dual::new(v, 1.0)).collect();
    let error = s.solve(tape.matrix(&a.cast()), tape.vector(&dual)).x.values().unwrap_err();
    assert!(error.is_unsuited() && error.to_string().contains("Sparse::solve"), "{error}");
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let a = flow();
    let mut s = solver(&a);
    let tape = Tape::new();
    let short = s.solve(tape.matrix(&a), tape.vector(&[1.0]));
    assert!(short.x.values().unwrap_err().is_dimension());
    let tape = Tape::new();
    let other = s.solve(tape.identity(a.rows()), tape.vector(&wave(a.rows())));
    assert!(other.x.values().unwrap_err().to_string().contains("pattern"));
}

#[test]
fn transposed_solves_take_as_many_iterations_as_solves() {
    let a = recirculating_flow(32, 0.01, FlowScheme::Upwind).unwrap().matrix;
    let solver = Amg::auto(&a).unwrap();
    let b = wave(a.rows());
    let there = solver.solve_with(&b, SolveOptions::new().rtol(1e-10)).unwrap();
    let back = solver.solve_transposed_with(&b, SolveOptions::new().rtol(1e-10)).unwrap();
    assert!(back.converged() && back.iterations <= there.iterations + 3, "{back} {there}");
}
