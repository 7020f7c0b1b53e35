//! Right-hand sides outside of the range of a singular matrix: sentences with numbers, and least squares.

use crate::common::numbers::Numbers;
use multigrad::gallery::{disjoint_union, neumann_2d, poisson_2d};
use multigrad::sparse::DenseMatrix;
use multigrad::{Csr, SolveOptions, Solver};

/// A truss of n × n nodes on a rotated grid, with diagonal bars, free in the plane; and its coordinates, a row for each
/// unknown.
fn free_truss(n: usize) -> (Csr, DenseMatrix) {
    let (c, s) = (0.7f64.cos(), 0.7f64.sin());
    let place = |node: usize| {
        let (i, j) = ((node / n) as f64, (node % n) as f64);
        [c * i - s * j, s * i + c * j]
    };
    let mut t = Vec::new();
    for p in 0..n * n {
        for (di, dj) in [(0i64, 1i64), (1, 0), (1, 1), (1, -1)] {
            let (i, j) = ((p / n) as i64 + di, (p % n) as i64 + dj);
            if i >= n as i64 || !(0..n as i64).contains(&j) {
                continue;
            }
            let q = (i as usize) * n + j as usize;
            let (a, b) = (place(p), place(q));
            let d = [b[0] - a[0], b[1] - a[1]];
            let length = d[0] * d[0] + d[1] * d[1];
            for (x, y) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                let v = d[x] * d[y] / length;
                t.extend([(2 * p + x, 2 * p + y, v), (2 * q + x, 2 * q + y, v)]);
                t.extend([(2 * p + x, 2 * q + y, -v), (2 * q + x, 2 * p + y, -v)]);
            }
        }
    }
    let size = 2 * n * n;
    (Csr::from_triplets(size, size, &t).unwrap(), DenseMatrix::from_fn(size, 2, |i, d| place(i / 2)[d]))
}

fn norm(v: impl Iterator<Item = f64>) -> f64 {
    v.map(|v| v * v).sum::<f64>().sqrt()
}

fn product(a: &Csr, x: &[f64]) -> Vec<f64> {
    let mut y = vec![0.0; a.rows()];
    a.spmv(x, &mut y).unwrap();
    y
}

/// Least squares: Aᵀ (b − A x) = 0, with the removed part as the residual.
fn solves_least_squares(solver: &Solver, b: &[f64]) -> multigrad::Outcome {
    let a = solver.matrix();
    let out = solver.solve_with(b, SolveOptions::new().rtol(1e-10).least_squares(true)).unwrap();
    assert!(out.converged(), "{out}");
    let rest: Vec<f64> = product(a, &out.x).iter().zip(b).map(|(p, b)| b - p).collect();
    let removed = out.removed.as_ref().unwrap();
    let (size, length) = (norm(rest.iter().copied()), norm(b.iter().copied()));
    assert!((size - removed.norm).abs() <= 1e-8 * length, "{size} {removed:?}");
    let gradient = norm(product(&a.transpose(), &rest).into_iter());
    let largest = a.values().iter().fold(0.0f64, |m, v| m.max(v.abs()));
    assert!(gradient <= 1e-8 * largest * length, "{gradient}");
    out
}

#[test]
fn each_component_has_its_sum() {
    let [large, small] = [neumann_2d(20, 20).unwrap(), neumann_2d(5, 4).unwrap()];
    let held = poisson_2d(6, 6).unwrap();
    let a = disjoint_union(&[large, held, small]).unwrap().matrix;
    let solver = Solver::auto(&a).unwrap();
    let mut b = vec![1.0; a.rows()];
    // The first body is in balance, the last is not.
    (0..400).for_each(|i| b[i] = if i % 2 == 0 { 1.0 } else { -1.0 });
    let advice = solver.solve(&b).unwrap().advice.unwrap();
    for part in ["component 3 of 3 (rows 437 to 456, 20 unknowns)", "sums to 2.000e1", "its mean 1.000e0"] {
        assert!(advice.contains(part), "{advice}");
    }
    assert!(!advice.contains("component 1 of 3"), "{advice}");
    let out = solves_least_squares(&solver, &b);
    let removed = out.removed.unwrap();
    assert!(removed.null_vectors == 2 && removed.parts.len() == 1, "{removed:?}");
    assert!((removed.norm - 20f64.sqrt()).abs() < 1e-10);
    for rows in [0..400, 436..456] {
        assert!(out.x[rows].iter().sum::<f64>().abs() < 1e-6, "least norm");
    }
}

#[test]
fn forces_and_moments_are_named_one_by_one() {
    let (a, coordinates) = free_truss(9);
    let modes = multigrad::gallery::rigid_body_modes(&coordinates).unwrap();
    let mut r = Numbers(5);
    // Forces along y in balance, along x not; the moment follows.
    let mut b: Vec<f64> = (0..a.rows()).map(|_| r.value()).collect();
    let mean = |b: &[f64], d: usize| b.iter().skip(d).step_by(2).sum::<f64>() / 81.0;
    let (x, y) = (mean(&b, 0), mean(&b, 1));
    (0..81).for_each(|i| (b[2 * i], b[2 * i + 1]) = (b[2 * i] - x + 2.0, b[2 * i + 1] - y));
    let with = Solver::auto_with(&a, Some(&modes)).unwrap();
    let advice = with.solve(&b).unwrap().advice.unwrap();
    assert!(advice.contains("the forces along x sum to 1.620e2"), "{advice}");
    assert!(advice.contains("the moment by candidate 3 is "), "{advice}");
    assert!(!advice.contains("along y"), "{advice}");
    // Without candidates, the rotation is found by a solve.
    let without = Solver::auto(&a).unwrap();
    let advice = without.solve(&b).unwrap().advice.unwrap();
    assert!(advice.contains("the forces along x sum to 1.620e2"), "{advice}");
    for solver in [with, without] {
        let removed = solves_least_squares(&solver, &b).removed.unwrap();
        assert_eq!(removed.null_vectors, 3, "{removed:?}");
    }
}

#[test]
fn null_vectors_of_scaled_matrices_are_found() {
    let l = neumann_2d(15, 12).unwrap().matrix;
    let mut r = Numbers(8);
    let d: Vec<f64> = (0..l.rows()).map(|_| (3.0 * r.value()).exp()).collect();
    let a = l.map(|i, j, v| d[i] * v * d[j]);
    let solver = Solver::auto(&a).unwrap();
    let b: Vec<f64> = (0..a.rows()).map(|_| r.value()).collect();
    let out = solver.solve(&b).unwrap();
    let advice = out.advice.clone().unwrap();
    assert!(!out.converged() && advice.contains("a null vector of Aᵀ of norm 1"), "{out}");
    let removed = solves_least_squares(&solver, &b).removed.unwrap();
    // The null vector is D⁻¹ 1.
    let length = norm(d.iter().map(|d| 1.0 / d));
    let expected = b.iter().zip(&d).map(|(b, d)| b / d).sum::<f64>().abs() / length;
    assert!((removed.norm - expected).abs() < 1e-8 * norm(b.iter().copied()), "{removed:?} {expected}");
}

/// I − P of a Markov chain, transposed: columns sum to zero, and the null vector of A is not constant.
#[test]
fn a_nonsymmetric_singular_matrix_has_a_least_squares_solution() {
    let mut r = Numbers(3);
    let n = 150;
    let mut t = Vec::new();
    for i in 0..n {
        for j in [(i + 1) % n, r.below(n), r.below(n)] {
            if i != j {
                let v = 1.0 + r.value().abs();
                t.extend([(i, i, v), (j, i, -v)]);
            }
        }
    }
    let a = Csr::from_triplets(n, n, &t).unwrap();
    let solver = Solver::auto(&a).unwrap();
    let b: Vec<f64> = (0..n).map(|_| 1.0 + r.value()).collect();
    let out = solver.solve(&b).unwrap();
    assert!(out.advice.clone().unwrap().contains("sums to"), "{out}");
    let removed = solves_least_squares(&solver, &b).removed.unwrap();
    assert_eq!(removed.null_vectors, 1);
}

#[test]
fn a_right_hand_side_in_the_range_loses_nothing() {
    let problem = poisson_2d(30, 30).unwrap();
    let solver = Solver::auto(&problem.matrix).unwrap();
    let plain = solver.solve(&problem.rhs).unwrap();
    let out = solver.solve_with(&problem.rhs, SolveOptions::new().least_squares(true)).unwrap();
    assert_eq!(plain.x, out.x);
    let removed = out.removed.unwrap();
    assert_eq!((removed.norm, removed.null_vectors, removed.parts.len()), (0.0, 0, 0));
    // A right-hand side that is all outside leaves zero.
    let a = neumann_2d(10, 10).unwrap().matrix;
    let out =
        Solver::auto(&a).unwrap().solve_with(&[1.0; 100], SolveOptions::new().least_squares(true)).unwrap();
    assert!(out.converged() && out.x.iter().all(|v| *v == 0.0), "{out}");
    assert!((out.removed.unwrap().relative - 1.0).abs() < 1e-12);
    // Values that are not finite are refused as ever.
    let mut b = problem.rhs;
    b[3] = f64::NAN;
    let error = solver.solve_with(&b, SolveOptions::new().least_squares(true)).unwrap_err();
    assert!(error.to_string().contains("row 4"), "{error}");
}
