//! Tests of equivalent systems.

use super::*;
use crate::gallery;
use crate::krylov::{SolveOptions, scattered};
use crate::solver::{Builder, Choice, Configuration, Solver};

fn product(a: &Csr<f64>, x: &[f64]) -> Vec<f64> {
    let mut y = vec![0.0; a.rows()];
    a.spmv(x, &mut y).unwrap();
    y
}

fn inner(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

/// The rows in an order without regard to their unknowns, with factors.
fn shuffled(a: &Csr<f64>, factor: impl Fn(usize) -> f64) -> Csr<f64> {
    let n = a.rows();
    let order: Vec<u32> = (0..n).map(|i| ((i * 7919 + 5) % n) as u32).collect();
    a.select(Some(&order), None).map(|i, _, v| factor(i) * v)
}

#[test]
fn equations_in_another_order_are_those_of_the_same_system() {
    let flow = gallery::recirculating_flow(20, 0.05, gallery::FlowScheme::Upwind).unwrap().matrix;
    // With a determined unknown, whose equation has another number, and with scaled columns.
    let dirichlet = flow.map(|i, j, v| if i == 7 && j != 7 { 0.0 } else { v });
    let columns = flow.map(|_, j, v| v * 10f64.powi((j % 9) as i32 - 4));
    for (number, a) in [flow, dirichlet, columns].iter().enumerate() {
        let a = shuffled(a, |_| 1.0);
        let t = Transform::with_equations(&a, &Equations::with_large_diagonal(&a).unwrap());
        assert!(t.equations().unwrap().scaling().is_some() == (number == 2) && !t.is_symmetric());
        assert!(t.matrix.diagonal().iter().all(|v| *v != 0.0));
        let tolerance = if number == 2 { 1e-6 } else { 1e-9 };
        is_equivalent(&a, &t, tolerance);
        // Exchanged equations have zeros on the diagonal.
        let rows: Vec<u32> = (0..400u32).map(|i| if i / 4 % 2 == 0 { i ^ 2 } else { i }).collect();
        let exchanged = Equations::reordered(t.equations(), &rows, (&t.rows, t.columns.clone()));
        let t = Arc::new(Transform::with_equations(&a, &exchanged).in_order((0..400).rev().collect()));
        let pivoted = Transform::pivoted(Some(&t), &a, (0.0, 100.0)).unwrap().unwrap();
        assert!(!Arc::ptr_eq(&t, &pivoted));
        is_equivalent(&a, &pivoted, tolerance);
        let again = Transform::pivoted(Some(&pivoted), &a, (0.0, 100.0)).unwrap().unwrap();
        assert!(Arc::ptr_eq(&pivoted, &again));
    }
}

/// Checks that the system has the solutions of A.
fn is_equivalent(a: &Csr<f64>, t: &Transform, tolerance: f64) {
    // x = d + C Pᵀ y for Â y = P R Q (A x − A d).
    let x = scattered(400, 3);
    let (mut d, right) = t.forward(a, &product(a, &x));
    let mut y = vec![0.0; 400];
    crate::backend::Direct::of_system(&t.matrix).unwrap().solve(&right, &mut y, 1);
    t.backward(&y, &mut d);
    let worst = d.iter().zip(&x).fold(0.0f64, |m, (d, x)| m.max((d - x).abs()));
    assert!(worst < tolerance, "{worst}");
    // ⟨B r, s⟩ = ⟨r, Bᵀ s⟩ for M = I.
    let (r, s) = (scattered(400, 4), scattered(400, 5));
    let (mut z, rest) = t.forward(a, &r);
    t.backward(&rest, &mut z);
    let identity = |r: &[f64], z: &mut [f64]| {
        z.copy_from_slice(r);
        Ok(())
    };
    let zt = t.apply_transposed(a, &s, identity).unwrap();
    let (left, right) = (inner(&z, &s), inner(&r, &zt));
    assert!((left - right).abs() < 1e-10 * (1.0 + left.abs()), "{left} {right}");
}

#[test]
fn factors_with_pivoting_need_no_matching_and_are_refreshed_and_saved() {
    // Three of six equations in other places.
    let place = |i: u32| match i % 6 {
        0 | 2 => i + 2 + i % 6 / 2,
        5 => i - 5,
        _ => i,
    };
    let flow = gallery::poisson_2d(60, 60).unwrap().matrix.map(|i, j, v| match j {
        j if j < i => 1.2 * v,
        j if j == i => 1.1 * v,
        _ => v,
    });
    let a = flow.select(Some(&(0..3600).map(place).collect::<Vec<_>>()), None);
    let build = |text: &str| Builder::from(text.parse::<Configuration>().unwrap()).build(&a);
    assert!(
        build("none, ilut(0.01,10), f64, FGMRES").unwrap_err().to_string().contains("the pivot of row 1")
    );
    let mut solver = build("pivoted, ilut(0.01,10), f64, FGMRES").unwrap();
    let x = scattered(3600, 3);
    let check = |solver: &Solver, b: &[f64]| {
        let out = solver.solve(b).unwrap();
        let worst = out.x.iter().zip(&x).fold(0.0f64, |m, (p, q)| m.max((p - q).abs()));
        assert!(out.converged() && out.iterations < 30 && worst < 1e-5, "{worst}\n{out}\n{solver}");
        out
    };
    let b = product(&a, &x);
    let first = check(&solver, &b);
    let loaded = Solver::from_bytes(&solver.to_bytes().unwrap(), &a).unwrap();
    assert_eq!(check(&loaded, &b).x, first.x);
    let transposed = solver.solve_transposed_with(&b, SolveOptions::new()).unwrap();
    assert!(transposed.converged() && transposed.iterations < 30, "{transposed}");
    let other = a.map(|_, j, v| v * if j % 2 == 0 { 1.5 } else { 1.0 });
    solver.refresh(&other).unwrap();
    check(&solver, &product(&other, &x));
    let choice = Choice::of(&a, false).configurations;
    assert!(choice.iter().any(|c| c.to_string().starts_with("pivoted, ilut")), "{choice:?}");
}

#[test]
fn solvers_of_shuffled_equations_are_those_of_the_system_and_are_refreshed_and_saved() {
    let poisson = gallery::poisson_3d(16, 16, 16).unwrap().matrix;
    let a = shuffled(&poisson, |_| 1.0);
    let mut solver = Solver::auto(&a).unwrap();
    assert!(solver.transform.as_ref().unwrap().equations().is_some(), "{solver}");
    let x = scattered(a.rows(), 3);
    let solves = |solver: &Solver, a: &Csr<f64>| {
        let out = solver.solve(&product(a, &x)).unwrap();
        assert!(out.converged() && out.iterations <= 25, "{} iterations", out.iterations);
        assert!(out.x.iter().zip(&x).all(|(p, q)| (p - q).abs() < 1e-5));
        out.x
    };
    solves(&solver, &a);
    let new = shuffled(&poisson.map(|i, j, v| if i == j { v + 0.01 * (i % 3) as f64 } else { v }), |i| {
        1.0 + (i % 4) as f64
    });
    solver.refresh(&new).unwrap();
    let found = solves(&solver, &new);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shuffled.mgrad");
    solver.save(&path).unwrap();
    assert_eq!(solves(&Solver::load(&path, &new).unwrap(), &new), found);
    // The adjoint, by the transposed cycle.
    let b = scattered(a.rows(), 8);
    let z = solver.solve_transposed_for(&new, &b, SolveOptions::new()).unwrap();
    let mut back = vec![0.0; b.len()];
    Cpu.spmv_transposed(1.0, (&new).into(), &z.x, 0.0, &mut back, 1);
    assert!(z.converged() && back.iter().zip(&b).all(|(p, q)| (p - q).abs() < 1e-5));
}
