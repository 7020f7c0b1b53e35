//! Estimates of condition numbers and errors against dense inverses.

use crate::common::numbers::{Numbers, distance, largest};
use multigrad::gallery::{FlowScheme, poisson_2d, recirculating_flow};
use multigrad::solver::Direct;
use multigrad::{Csr, SolveOptions, Solver};

/// The inverse, by columns.
fn inverse(a: &Csr) -> Vec<Vec<f64>> {
    let direct = Direct::new(a).unwrap();
    let column = |j: usize| {
        let (mut b, mut x) = (vec![0.0; a.rows()], vec![0.0; a.rows()]);
        b[j] = 1.0;
        direct.solve(&b, &mut x, 1);
        x
    };
    (0..a.rows()).map(column).collect()
}

fn one_norm(columns: &[Vec<f64>]) -> f64 {
    columns.iter().map(|c| c.iter().map(|v| v.abs()).sum()).fold(0.0, f64::max)
}

/// Symmetric, nonsymmetric, in bad units, and indefinite.
fn matrices() -> Vec<Csr> {
    let mut r = Numbers(4);
    let poisson = poisson_2d(12, 11).unwrap().matrix;
    let flow = recirculating_flow(12, 0.005, FlowScheme::Upwind).unwrap().matrix;
    let scale: Vec<f64> = (0..poisson.rows()).map(|_| (6.0 * r.value()).exp()).collect();
    let units = poisson.map(|i, _, v| scale[i] * v);
    let indefinite = poisson.map(|i, j, v| if i == j { v - 1.3 } else { v });
    vec![poisson, flow, units, indefinite]
}

#[test]
fn condition_numbers_are_lower_bounds_within_a_factor_of_three() {
    for (k, a) in matrices().into_iter().enumerate() {
        let t = a.transpose();
        let columns: Vec<Vec<f64>> = (0..a.cols()).map(|j| t.row(j).map(|(_, v)| v).collect()).collect();
        let exact = one_norm(&columns) * one_norm(&inverse(&a));
        let condition = Solver::auto(&a).unwrap().condition().unwrap();
        assert!(condition.number <= exact * (1.0 + 1e-3), "{k}: {condition} {exact:e}");
        assert!(condition.number >= exact / 3.0, "{k}: {condition} {exact:e}");
        assert!(condition.solves <= 11, "{condition}");
    }
}

#[test]
fn the_error_of_a_rough_solution_is_bounded() {
    let mut r = Numbers(9);
    for (k, a) in matrices().into_iter().enumerate() {
        let known: Vec<f64> = (0..a.rows()).map(|_| 1.0 + r.value()).collect();
        let mut b = vec![0.0; a.rows()];
        a.spmv(&known, &mut b).unwrap();
        let solver = Solver::auto(&a).unwrap();
        let x = solver.solve_with(&b, SolveOptions::new().rtol(1e-6)).unwrap().x;
        let found = solver.forward_error(&x, &b).unwrap();
        let error = x.iter().zip(&known).fold(0.0f64, |m, (x, y)| m.max((x - y).abs())) / largest(&x);
        assert!(error <= 3.0 * found.bound, "{k}: {error:e}, {found}");
        assert!(found.bound <= 1e3 * error + 1e-9, "{k}: {error:e}, {found}");
        // ‖|A⁻¹| |A| |x|‖.
        let terms: Vec<f64> =
            (0..a.rows()).map(|i| a.row(i).map(|(j, v)| (v * x[j]).abs()).sum::<f64>()).collect();
        let inverse = inverse(&a);
        let exact = (0..a.rows())
            .map(|i| inverse.iter().zip(&terms).map(|(c, t)| c[i].abs() * t).sum::<f64>())
            .fold(0.0, f64::max)
            / largest(&x);
        assert!(
            found.condition <= exact * (1.0 + 1e-3) && found.condition >= exact / 3.0,
            "{k}: {found} {exact:e}"
        );
    }
}

#[test]
fn a_matrix_without_an_inverse_has_no_number() {
    // Constants are in the nullspace.
    let a = multigrad::gallery::neumann_2d(12, 12).unwrap().matrix;
    let error = Solver::auto(&a).unwrap().condition().unwrap_err();
    assert!(error.is_singular() && error.to_string().contains("infinite"), "{error}");
    // Singular, without a null vector that is known: two equal rows.
    let mut t = vec![(0, 0, 1.0), (0, 1, 2.0), (1, 0, 1.0), (1, 1, 2.0)];
    (2..9).for_each(|i| t.extend([(i, i, 3.0), (i, i - 1, 1.0)]));
    let a = Csr::from_triplets(9, 9, &t).unwrap();
    if let Ok(solver) = Solver::auto(&a) {
        match solver.condition() {
            Ok(found) => assert!(found.number > 1e14, "{found}"),
            Err(e) => assert!(e.to_string().contains("no estimate") || e.is_singular(), "{e}"),
        }
        assert!(solver.forward_error(&[0.0; 9], &[1.0; 9]).unwrap_err().is_invalid_input());
    }
}

/// −10⁻⁶ (∂²/∂x² + ∂²/∂y²) − ∂²/∂z² with no flux through the boundary, plus 10⁻¹⁰: a thin layer of water.
fn thin_layer(n: [usize; 3]) -> Csr {
    let number = |p: [usize; 3]| (p[0] * n[1] + p[1]) * n[2] + p[2];
    let mut entries = Vec::new();
    for p in (0..n[0] * n[1] * n[2]).map(|i| [i / (n[1] * n[2]), i / n[2] % n[1], i % n[2]]) {
        let mut diagonal = 1e-10;
        for (axis, weight) in [1e-6, 1e-6, 1.0].into_iter().enumerate() {
            let mut towards = |other: usize| {
                let mut q = p;
                q[axis] = other;
                entries.push((number(p), number(q), -weight));
                diagonal += weight;
            };
            if p[axis] > 0 {
                towards(p[axis] - 1);
            }
            if p[axis] + 1 < n[axis] {
                towards(p[axis] + 1);
            }
        }
        entries.push((number(p), number(p), diagonal));
    }
    let size = n.into_iter().product();
    Csr::from_triplets(size, size, &entries).unwrap()
}

#[test]
fn the_last_step_of_a_few_iterations_shows_the_error_that_their_residual_hides() {
    let a = thin_layer([60, 60, 4]);
    let x: Vec<f64> = (0..a.rows()).map(|i| 1.0 + (i * 7919 % 1000) as f64 / 2000.0).collect();
    let mut b = vec![0.0; x.len()];
    (0..a.rows()).for_each(|i| b[i] = a.row(i).map(|(j, v)| v * x[j]).sum());
    let out = Solver::auto(&a).unwrap().solve(&b).unwrap();
    // The five iterations that reduce the residual by 10⁸ leave an error of 2·10⁻³.
    assert!(out.converged() && out.iterations < 20, "{out}");
    assert!(distance(&out.x, &x) < 1e-6, "{out}");
}
