//! The automatic choice on hard problems: convergence, choice and reasons.

use multigrad::gallery::{
    Elimination, FlowScheme, Jumps, Problem, anisotropic_3d, disjoint_union, elasticity_2d, elasticity_3d,
    jumping_coefficients_2d, jumping_coefficients_3d, named, neumann_2d, poisson_2d, poisson_3d,
    recirculating_flow, rotated_anisotropic, stretched_grid_2d, unstructured_3d, with_identity_rows,
};
use multigrad::krylov::Status;
use multigrad::multigrid::Relaxation;
use multigrad::operator::Preconditioner;
use multigrad::setup::classical::Classical;
use multigrad::solver::{Amg, Builder, Configuration, Krylov, SolveOptions};
use multigrad::sparse::Csr;

/// The iterations of the automatic choice to 1e-8.
fn iterations(problem: &Problem) -> usize {
    iterations_to(problem, 1e-8)
}

/// The iterations of the automatic choice, with the residual checked from outside.
fn iterations_to(problem: &Problem, rtol: f64) -> usize {
    let a = &problem.matrix;
    let solver = Amg::auto_with(a, problem.near_nullspace.as_ref()).unwrap();
    let out = solver.solve_for(a, &problem.rhs, SolveOptions::new().rtol(rtol).max_iterations(500)).unwrap();
    println!(
        "{:<44} {:>7} unknowns  {:>3} iterations  complexity {:.2}  {}",
        problem.name,
        a.rows(),
        out.iterations,
        solver.operator_complexity(),
        solver.summary()
    );
    assert!(out.converged(), "{}: {out}\n{solver}", problem.name);
    assert!(!solver.reasons().is_empty());
    let mut r = vec![0.0; a.rows()];
    a.spmv(&out.x, &mut r).unwrap();
    let norm = |v: &mut dyn Iterator<Item = f64>| v.map(|v| v * v).sum::<f64>().sqrt();
    let residual = norm(&mut r.iter().zip(&problem.rhs).map(|(r, b)| b - r));
    assert!(residual <= 1.01 * rtol * norm(&mut problem.rhs.iter().copied()), "{}", problem.name);
    out.iterations
}

#[test]
fn diffusion_converges_fast() {
    for (problem, limit) in [
        (poisson_2d(100, 100), 15),
        (poisson_3d(44, 44, 44), 15),
        (stretched_grid_2d(64, 64, 1000.0), 30),
        (anisotropic_3d(16, 1.0, 1e-2, 1e-4), 30),
        (rotated_anisotropic(64, 1e-3, std::f64::consts::FRAC_PI_6), 60),
        (unstructured_3d(24, 1), 50), // ILU(0) on one level
    ] {
        let problem = problem.unwrap();
        let count = iterations(&problem);
        assert!(count <= limit, "{}: {count}", problem.name);
    }
}

/// The rounding of the residual, 10⁻¹⁶ ‖A‖‖x‖ / ‖b‖, is about 10⁻⁸ here: no method gets much below.
#[test]
fn jumping_coefficients_converge_as_far_as_rounding_allows() {
    for problem in [
        jumping_coefficients_2d(64, 64, 1e6, Jumps::Checkerboard(8), 1),
        jumping_coefficients_2d(64, 64, 1e6, Jumps::Random(4), 2),
        jumping_coefficients_3d(16, 16, 16, 1e6, Jumps::Random(4), 1),
    ] {
        let problem = problem.unwrap();
        let count = iterations_to(&problem, 1e-7);
        assert!(count <= 40, "{}: {count}", problem.name);
    }
}

#[test]
fn systems_graphs_and_flows_converge() {
    for (problem, limit) in [
        (elasticity_2d(24, 12, 1.0, 0.3), 40),
        (elasticity_3d(8, 5, 5, 1.0, 0.3), 40),
        (named("power-law", 3000, 1), 60),
        (named("power-law-grounded", 3000, 1), 60),
        (recirculating_flow(48, 0.005, FlowScheme::Supg), 30),
        (recirculating_flow(48, 0.005, FlowScheme::Upwind), 20),
        (recirculating_flow(48, 0.05, FlowScheme::Galerkin), 30),
        // Beyond the size where one level suffices.
        (recirculating_flow(128, 0.005, FlowScheme::Supg), 10),
        (recirculating_flow(128, 0.005, FlowScheme::Upwind), 10),
    ] {
        let problem = problem.unwrap();
        let count = iterations(&problem);
        assert!(count <= limit, "{}: {count}", problem.name);
    }
}

/// By name: approximate ideal restriction with Gauss–Seidel in both directions, inside FGMRES. (Forward
/// sweeps alone run against the flow in half of the domain: 385 iterations with SUPG.)
#[test]
fn flow_converges_by_approximate_ideal_restriction() {
    for (scheme, limit) in [(FlowScheme::Supg, 20), (FlowScheme::Upwind, 20)] {
        let problem = recirculating_flow(96, 0.005, scheme).unwrap();
        let a = &problem.matrix;
        let configuration =
            Configuration::new(Classical::air(), Relaxation::GaussSeidel, Krylov::Fgmres).double();
        let solver = Builder::from(configuration.clone()).build(a).unwrap();
        let out = solver.solve(&problem.rhs).unwrap();
        println!("{:<44} {:>3} iterations  {configuration}", problem.name, out.iterations);
        assert!(out.converged() && out.iterations <= limit, "{}: {out}", problem.name);
    }
}

#[test]
fn extreme_shapes_work() {
    iterations(&neumann_2d(40, 30).unwrap());
    let poisson = poisson_2d(24, 24).unwrap();
    let fixed: Vec<(usize, f64)> = (0..24).map(|i| (i, 1.0)).collect();
    iterations(&with_identity_rows(&poisson, &fixed, Elimination::RowsAndColumns).unwrap());
    iterations(&with_identity_rows(&poisson, &fixed, Elimination::Rows).unwrap());
    iterations(&disjoint_union(&[poisson.clone(), poisson_2d(9, 30).unwrap(), poisson]).unwrap());
    let one = Csr::from_triplets(1, 1, &[(0, 0, 4.0)]).unwrap();
    let out = Amg::auto(&one).unwrap().solve(&[2.0]).unwrap();
    assert!(out.converged() && out.x == [0.5]);
    let diagonal = Csr::diagonal_matrix(&(1..200).map(f64::from).collect::<Vec<_>>());
    assert!(Amg::auto(&diagonal).unwrap().solve(&[1.0; 199]).unwrap().converged());
}

#[test]
fn what_cannot_work_is_told() {
    // Indefinite: a status within the limit of iterations, not a hang or a panic.
    let problem = named("helmholtz2d", 40, 1).unwrap();
    let solver = Amg::auto(&problem.matrix).unwrap();
    assert!(solver.to_string().contains(solver.krylov().name()));
    let out = solver
        .solve_for(&problem.matrix, &problem.rhs, SolveOptions::new().rtol(1e-8).max_iterations(60))
        .unwrap();
    assert!(out.converged() || out.advice.is_some(), "{out}");
    // No solution: the vector of ones is not in the range of a Neumann problem.
    let neumann = neumann_2d(20, 20).unwrap();
    let out = Amg::auto(&neumann.matrix).unwrap().solve(&[1.0; 400]).unwrap();
    assert!(!out.converged() && out.advice.is_some(), "{out}");
    assert_ne!(out.status, Status::Converged);
    let wide = Csr::from_triplets(2, 3, &[(0, 0, 1.0), (1, 1, 1.0)]).unwrap();
    assert!(Amg::auto(&wide).unwrap_err().is_dimension());
    let hole = Csr::from_triplets(2, 2, &[(0, 0, 1.0)]).unwrap();
    let solver = Amg::auto(&hole).unwrap();
    assert_eq!(solver.solve(&[3.0, 0.0]).unwrap().x, [3.0, 0.0]);
    let out = solver.solve(&[1.0, 2.0]).unwrap();
    assert!(!out.converged() && out.advice.unwrap().contains("row 2 is all zeros"));
}

#[test]
fn the_choice_follows_the_matrix() {
    let choice = |problem: Problem| Amg::auto(&problem.matrix).unwrap().configuration().unwrap();
    let poisson = choice(poisson_2d(150, 150).unwrap());
    assert_eq!((poisson.setup.name(), poisson.krylov, poisson.single), ("sa", Krylov::Cg, true));
    let small = choice(poisson_2d(20, 20).unwrap());
    assert_eq!((small.setup.name(), small.krylov), ("sa", Krylov::Cg));
    let easy = choice(poisson_2d(10, 10).unwrap());
    assert_eq!((easy.setup.name(), easy.krylov), ("none", Krylov::Cg));
    let graph = choice(named("power-law", 2000, 1).unwrap());
    assert_eq!((graph.setup.name(), graph.krylov), ("pairwise", Krylov::Cg));
    let flow = choice(recirculating_flow(20, 0.005, FlowScheme::Supg).unwrap());
    assert_ne!(flow.krylov, Krylov::Cg);
}

/// The largest difference of two solutions, relative to the second.
fn distance(x: &[f64], y: &[f64]) -> f64 {
    let largest = |v: &mut dyn Iterator<Item = f64>| v.fold(0.0f64, |m, v| m.max(v.abs()));
    largest(&mut x.iter().zip(y).map(|(x, y)| x - y)) / largest(&mut y.iter().copied())
}

#[test]
fn a_refreshed_solver_is_one_of_the_new_matrix() {
    for problem in [poisson_2d(40, 40), recirculating_flow(30, 0.005, FlowScheme::Supg)] {
        let Problem { matrix: a, rhs, .. } = problem.unwrap();
        // Twice the matrix has the same transfers: refreshing is the same as building.
        let double = a.map(|_, _, v| 2.0 * v);
        let mut solver = Amg::auto(&a).unwrap();
        let (fresh, before) = (Amg::auto(&double).unwrap(), solver.solve(&rhs).unwrap());
        solver.refresh(&double).unwrap();
        let (mut x, mut y) = (vec![0.0; a.rows()], vec![0.0; a.rows()]);
        solver.apply(&rhs, &mut x).unwrap();
        fresh.apply(&rhs, &mut y).unwrap();
        assert!(distance(&x, &y) < 1e-5, "{:e}", distance(&x, &y));
        // A time step, twice, and back.
        let step = a.map(|i, j, v| if i == j { 1.3 * v } else { v });
        for _ in 0..2 {
            solver.refresh(&step).unwrap();
            let out = solver.solve(&rhs).unwrap();
            assert!(out.converged() && out.iterations <= before.iterations + 2, "{out}");
        }
        solver.refresh(&a).unwrap();
        assert_eq!(solver.solve(&rhs).unwrap().iterations, before.iterations);
        // Another pattern is refused, and the solver stays as it was.
        let other = Csr::identity(a.rows());
        assert!(solver.refresh(&other).unwrap_err().to_string().contains("another pattern"));
        assert_eq!(solver.solve(&rhs).unwrap().iterations, before.iterations);
    }
}

/// One row is tiny beside its right-hand side: unknowns of 10¹⁹ leave a residual by rounding alone, which is no convergence
/// by the norm, and is said.
#[test]
fn a_residual_at_the_limit_of_rounding_is_not_called_converged() {
    let n = 40;
    let row = |i: usize| [(i, i, 1.7), (i, (i + 3) % n, -0.9), (i, (i + 7) % n, 0.4)];
    let size = |i: usize| if i == 19 { 1e-19 } else { 1.0 };
    let entries: Vec<_> = (0..n).flat_map(row).map(|(i, j, v)| (i, j, v * size(i))).collect();
    let a = Csr::from_triplets(n, n, &entries).unwrap();
    let b: Vec<f64> = (0..n).map(|i| 1.0 + (i as f64).sin() / 3.0).collect();
    let out = Amg::auto(&a).unwrap().solve(&b).unwrap();
    let mut r = vec![0.0; n];
    a.spmv(&out.x, &mut r).unwrap();
    r.iter_mut().zip(&b).for_each(|(r, b)| *r = b - *r);
    let norm = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>().sqrt();
    assert!(norm(&r) > 1e-5 * norm(&b), "rounding leaves a residual");
    assert!(!out.converged() && out.advice.is_some(), "{out}");
    // The answer is as good as it can be.
    let backward = out.backward_error.unwrap();
    assert!(backward < 1e-13, "{backward:e}");
}

/// Incomplete factors on one level would take four to six times as many iterations.
#[test]
fn small_diffusion_in_any_units_takes_few_iterations() {
    let plain = poisson_2d(40, 40).unwrap();
    let n = plain.matrix.rows();
    // Powers of ten from 10⁻² to 10², without order.
    let scale: Vec<f64> = (0..n).map(|i| 10f64.powf(2.0 * ((i * 7919 + 13) as f64).sin())).collect();
    let scaled = plain.matrix.map(|i, j, v| scale[i] * v * scale[j]);
    let fixed: Vec<_> = (0..40).map(|i| (i, 1.0)).collect();
    let tiny = with_identity_rows(&plain, &fixed, Elimination::Rows).unwrap().matrix;
    let tiny = tiny.map(|i, _, v| if i < 40 { v } else { 1e-12 * v });
    for a in [plain.matrix.clone(), scaled, tiny] {
        let x: Vec<f64> = (0..n).map(|i| (1.0 + (i as f64).sin()) / scale[i].max(1.0)).collect();
        let mut b = vec![0.0; n];
        a.spmv(&x, &mut b).unwrap();
        let out = Amg::auto(&a).unwrap().solve(&b).unwrap();
        assert!(out.converged() && out.iterations <= 15, "{out}");
    }
}

/// Lowest-order edge elements on a periodic square of n² cells: Cᵀ C + 3 I/100 with the curl C.
fn edge_elements(n: usize) -> Csr<f64> {
    let along = |i: usize, j: usize| j % n * n + i;
    let across = |i: usize, j: usize| n * n + j * n + i % n;
    let mut sums = std::collections::BTreeMap::new();
    for (i, j) in (0..n * n).map(|cell| (cell % n, cell / n)) {
        let edges =
            [(along(i, j), 1.0), (across(i + 1, j), 1.0), (along(i, j + 1), -1.0), (across(i, j), -1.0)];
        for (p, q) in edges.iter().flat_map(|p| edges.iter().map(move |q| (p, q))) {
            *sums.entry((p.0, q.0)).or_insert(0.0) += p.1 * q.1;
        }
    }
    (0..2 * n * n).for_each(|i| *sums.entry((i, i)).or_insert(0.0) += 0.03);
    let entries: Vec<_> = sums.into_iter().map(|((i, j), v)| (i, j, v)).collect();
    Csr::from_triplets(2 * n * n, 2 * n * n, &entries).unwrap()
}

#[test]
fn edge_elements_with_a_smooth_right_hand_side_need_the_diagonal_only() {
    let a = edge_elements(40);
    let solver = Amg::auto(&a).unwrap();
    // A field that varies across its direction, so that it has a curl.
    let wave = |i: usize| 2.0 + (i as f64 * std::f64::consts::TAU / 40.0).cos();
    let smooth: Vec<f64> = (0..a.rows()).map(|i| if i < 1600 { wave(i / 40) } else { 1.0 }).collect();
    let rough: Vec<f64> = (0..a.rows()).map(|i| ((i * i) as f64).sin()).collect();
    let by_diagonal = solver.solve(&smooth).unwrap();
    assert!(by_diagonal.converged() && by_diagonal.iterations <= 20, "{by_diagonal}");
    assert!(by_diagonal.solver.unwrap().contains("jacobi"));
    let first = solver.solve(&rough).unwrap();
    assert!(first.converged() && first.attempts[0].contains("jacobi"), "{first}\n{solver}");
    assert!(!first.solver.unwrap_or_default().contains("jacobi"));
    // The diagonal is not tried again.
    let second = solver.solve(&rough).unwrap();
    assert!(second.converged() && second.attempts.is_empty(), "{second}");
}

/// A flow without enough diffusion is left to sparse LU, which then follows the next matrices without another attempt of
/// the first configuration, until that is due.
#[test]
fn the_configuration_that_answered_follows_new_values() {
    let problem = recirculating_flow(48, 0.0003, FlowScheme::Galerkin).unwrap();
    let mut solver = Amg::auto(&problem.matrix).unwrap();
    let first = solver.solve(&problem.rhs).unwrap();
    assert!(first.converged() && !first.attempts.is_empty(), "{first}\n{solver}");
    let mut with_attempts = 0;
    for step in 1..=20 {
        let a = problem.matrix.map(|_, _, v| v * (1.0 + 0.01 * step as f64));
        solver.refresh(&a).unwrap();
        let out = solver.solve(&problem.rhs).unwrap();
        assert!(
            out.converged() && multigrad::solver::relative_residual(&a, &problem.rhs, &out.x).unwrap() < 1e-8,
            "{out}"
        );
        assert_eq!(out.solver, first.solver);
        with_attempts += usize::from(!out.attempts.is_empty());
    }
    assert_eq!(with_attempts, 1, "of 20 steps");
}

/// Sparse factors that leave small residuals are good enough for a system, at its setup and after a refresh.
#[test]
fn an_ill_conditioned_direct_solver_follows_new_values() {
    for symmetric in [true, false] {
        // Strings of masses with stiffnesses over eleven decades.
        let n = 400;
        let k = |i: usize| 10f64.powi(-((i * 7 % 12) as i32));
        let mut entries = Vec::new();
        for i in 0..n {
            entries.push((i, i, k(i) + k(i + 1)));
            if i + 1 < n {
                entries.push((i, i + 1, -k(i + 1)));
                entries.push((i + 1, i, if symmetric { -k(i + 1) } else { -0.99999 * k(i + 1) }));
            }
        }
        let a = Csr::from_triplets(n, n, &entries).unwrap();
        let mut solver = Amg::builder(multigrad::Setup::Direct).build(&a).unwrap();
        let known: Vec<f64> = (0..n).map(|i| (i as f64).sin()).collect();
        let mut b = vec![0.0; n];
        a.spmv(&known, &mut b).unwrap();
        for factor in [1.0, 2.0, 3.0] {
            let next = a.map(|_, _, v| factor * v);
            solver.refresh(&next).unwrap();
            let mut fresh = Amg::builder(multigrad::Setup::Direct).build(&next).unwrap();
            let (x, y) = (solver.solve(&b).unwrap(), fresh.solve(&b).unwrap());
            assert!(x.converged() && y.converged(), "{symmetric}: {x} {y}");
            assert_eq!((&x.x, solver.bytes()), (&y.x, fresh.bytes()), "{symmetric}");
            fresh.refresh(&next).unwrap();
            assert_eq!(x.x, fresh.solve(&b).unwrap().x);
        }
    }
}
