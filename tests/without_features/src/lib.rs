//! The automatic solver without default features: no `faer`, no METIS, no training, no program.
#![cfg(test)]

use std::path::Path;

use multigrad::gallery::{self, FlowScheme};
use multigrad::sparse::matrix_market::{read_matrix, read_vector};
use multigrad::{Csr, Result, Solver, Status};

/// Solves for a known x, and returns the largest error of an entry.
fn error(a: &Csr<f64>) -> Result<f64> {
    let known: Vec<f64> = (0..a.rows()).map(|i| (1.7 * i as f64).sin()).collect();
    let mut b = vec![0.0; a.rows()];
    a.spmv(&known, &mut b)?;
    let outcome = Solver::auto(a)?.solve(&b)?;
    assert_eq!(outcome.status, Status::Converged, "{outcome:?}");
    Ok(outcome.x.iter().zip(&known).fold(0.0, |m, (x, y)| f64::max(m, (x - y).abs())))
}

#[test]
fn model_problems_are_solved() {
    let problems = [
        gallery::poisson_2d(60, 50),
        gallery::poisson_3d(12, 11, 10),
        gallery::recirculating_flow(40, 0.005, FlowScheme::Supg),
        gallery::rotated_anisotropic(50, 1e-3, 0.4),
    ];
    for problem in problems {
        let problem = problem.unwrap();
        let error = error(&problem.matrix).unwrap();
        assert!(error < 1e-4, "{}: {error}", problem.matrix.rows());
    }
}

/// Systems that end at the direct solver: indefinite, a saddle point, a circuit with a long row.
#[test]
fn direct_solves_take_over() {
    let helmholtz = gallery::helmholtz_2d(40, 20.0).unwrap().matrix;
    assert!(error(&helmholtz).unwrap() < 1e-5);

    let n = 300;
    let mut entries: Vec<_> = (0..n).map(|i| (i, i, 2.0)).collect();
    (0..n - 1).for_each(|i| entries.extend([(i, i + 1, -1.0), (i + 1, i, -1.0)]));
    (0..n / 3).for_each(|k| entries.extend([(n + k, 3 * k, 1.0), (3 * k, n + k, 1.0)]));
    let saddle = Csr::from_triplets(n + n / 3, n + n / 3, &entries).unwrap();
    assert!(error(&saddle).unwrap() < 1e-6);

    let mut entries: Vec<_> = (1..n).map(|i| (i, (i * 7) % n, 1.0 + (i % 5) as f64)).collect();
    (0..n).for_each(|i| entries.extend([(0, i, 0.5), (i, 0, -0.25), (i, i, 0.01)]));
    let circuit = Csr::from_triplets(n, n, &entries).unwrap();
    assert!(error(&circuit).unwrap() < 1e-6);
}

/// A singular system with a consistent right-hand side: the residual vanishes.
#[test]
fn a_neumann_problem_is_solved() {
    let a = gallery::poisson_2d(30, 30).unwrap().matrix;
    let sums: Vec<f64> = (0..a.rows()).map(|i| a.row(i).map(|(_, v)| v).sum()).collect();
    let a = a.map(|i, j, v| if i == j { v - sums[i] } else { v });
    let known: Vec<f64> = (0..a.rows()).map(|i| (0.3 * i as f64).cos()).collect();
    let mut b = vec![0.0; a.rows()];
    a.spmv(&known, &mut b).unwrap();
    let outcome = Solver::auto(&a).unwrap().solve(&b).unwrap();
    assert_eq!(outcome.status, Status::Converged);
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    let (of_x, of_known) = (mean(&outcome.x), mean(&known));
    let error = outcome.x.iter().zip(&known).fold(0.0, |m, (x, y)| f64::max(m, (x - of_x - y + of_known).abs()));
    assert!(error < 1e-5, "{error}");
}

/// The files a.mtx, b.mtx and s.mgrad of a folder: a solver that the program has trained.
#[test]
#[ignore = "needs MULTIGRAD_TRAINED, the folder of a trained solver"]
fn a_trained_solver_is_loaded() {
    let folder = std::env::var_os("MULTIGRAD_TRAINED").expect("MULTIGRAD_TRAINED is not set");
    let file = |name: &str| Path::new(&folder).join(name);
    let (a, b) = (read_matrix(file("a.mtx")).unwrap(), read_vector(file("b.mtx")).unwrap());
    let outcome = Solver::load(file("s.mgrad"), &a).unwrap().solve(&b).unwrap();
    assert_eq!(outcome.status, Status::Converged);
    assert!(outcome.iterations > 1, "{outcome}");
}
