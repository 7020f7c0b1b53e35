//! Matrices whose rows are numbered without regard to their neighbours.

use multigrad::multigrid::{Relaxation, Setup};
use multigrad::sparse::DenseMatrix;
use multigrad::{Builder, Configuration, Csr, Krylov, Preconditioner, SolveOptions, Solver, gallery};

/// A permutation of n numbers without any order.
fn shuffle(n: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    let mut state = 1u64;
    for k in (1..n).rev() {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        order.swap(k, (state >> 33) as usize % (k + 1));
    }
    order
}

fn renumbered(a: &Csr, order: &[usize]) -> Csr {
    let mut place = vec![0; order.len()];
    order.iter().enumerate().for_each(|(k, &i)| place[i] = k);
    let entries: Vec<_> =
        (0..a.rows()).flat_map(|i| a.row(i).map(|(j, v)| (i, j, v)).collect::<Vec<_>>()).collect();
    let entries: Vec<_> = entries.into_iter().map(|(i, j, v)| (place[i], place[j], v)).collect();
    Csr::from_triplets(a.rows(), a.cols(), &entries).unwrap()
}

fn known(n: usize) -> Vec<f64> {
    (0..n).map(|q| (q as f64 * 1.3).sin()).collect()
}

fn product(a: &Csr, x: &[f64]) -> Vec<f64> {
    let mut b = vec![0.0; a.rows()];
    a.spmv(x, &mut b).unwrap();
    b
}

fn distance(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).fold(0.0, |m, (x, y)| m.max((x - y).abs()))
}

fn is_renumbered(solver: &Solver) -> bool {
    solver.reasons().iter().any(|r| r.contains("renumbered"))
}

/// Iterations of the automatic solver, which must return a known solution.
fn iterations(a: &Csr) -> (usize, Solver) {
    let x = known(a.rows());
    let solver = Solver::auto(a).unwrap();
    let out = solver.solve(&product(a, &x)).unwrap();
    assert!(out.converged() && distance(&out.x, &x) < 1e-5, "{out}\n{solver}");
    assert!(out.attempts.is_empty(), "{out}");
    (out.iterations, solver)
}

#[test]
fn incomplete_factors_gain_from_another_order() {
    let flow = gallery::recirculating_flow(70, 0.005, gallery::FlowScheme::Supg).unwrap().matrix;
    assert!(!is_renumbered(&Solver::auto(&flow).unwrap()));
    let a = renumbered(&flow, &shuffle(flow.rows()));
    let (found, solver) = iterations(&a);
    assert!(is_renumbered(&solver), "{solver}");
    let factors = Relaxation::Ilu { level: 2, damping: Some(1.0), tau: 0.0 };
    let as_given =
        Builder::from(Configuration::new(Setup::OneLevel, factors, Krylov::BiCgStab)).build(&a).unwrap();
    assert_eq!(solver.summary(), as_given.summary());
    let as_given = as_given.solve(&product(&a, &known(a.rows()))).unwrap().iterations;
    assert!(2 * found <= as_given, "{found} {as_given}");
}

#[test]
fn aggregates_are_about_those_of_the_given_numbering() {
    let a = gallery::poisson_2d(120, 120).unwrap().matrix;
    let (expected, given) = iterations(&a);
    let (found, solver) = iterations(&renumbered(&a, &shuffle(a.rows())));
    assert!(!is_renumbered(&given) && is_renumbered(&solver), "{solver}");
    assert!(found as f64 <= 1.3 * expected as f64 + 2.0, "{found} {expected}");
}

#[test]
fn files_new_values_and_transposes_keep_the_order() {
    let a = gallery::recirculating_flow(60, 0.005, gallery::FlowScheme::Supg).unwrap().matrix;
    let a = renumbered(&a, &shuffle(a.rows()));
    let (x, mut solver) = (known(a.rows()), Solver::auto(&a).unwrap());
    assert!(is_renumbered(&solver));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scattered.mgrad");
    solver.save(&path).unwrap();
    let b = product(&a, &x);
    let loaded = Solver::load(&path, &a).unwrap().solve(&b).unwrap();
    assert_eq!(loaded.x, solver.solve(&b).unwrap().x);

    let transposed = solver.solve_transposed_with(&product(&a.transpose(), &x), SolveOptions::new()).unwrap();
    assert!(transposed.converged() && distance(&transposed.x, &x) < 1e-5, "{transposed}");
    // ⟨M r, s⟩ = ⟨r, Mᵀ s⟩.
    let (r, s) = (known(a.rows()), product(&a, &x));
    let (mut z, mut w) = (vec![0.0; r.len()], vec![0.0; r.len()]);
    solver.apply(&r, &mut z).unwrap();
    solver.apply_transposed(&s, &mut w).unwrap();
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    assert!((dot(&z, &s) - dot(&r, &w)).abs() < 1e-4 * dot(&z, &s).abs().max(1.0));

    let new = a.map(|i, j, v| if i == j { 1.1 * v } else { v });
    solver.refresh(&new).unwrap();
    let out = solver.solve(&product(&new, &x)).unwrap();
    assert!(out.converged() && distance(&out.x, &x) < 1e-5, "{out}");
    let block: Vec<Vec<f64>> =
        (1..4).map(|k| product(&new, &x).iter().map(|v| v * k as f64).collect()).collect();
    let columns: Vec<&[f64]> = block.iter().map(Vec::as_slice).collect();
    for (k, out) in solver.solve_many(&columns).unwrap().iter().enumerate() {
        let expected: Vec<f64> = x.iter().map(|v| v * (k + 1) as f64).collect();
        assert!(out.converged() && distance(&out.x, &expected) < 1e-4, "{out}");
    }
}

#[test]
fn unknowns_of_a_node_stay_together() {
    let problem = gallery::elasticity_2d(40, 40, 1.0, 0.3).unwrap();
    let (a, modes) = (&problem.matrix, problem.near_nullspace.as_ref().unwrap());
    let nodes = shuffle(a.rows() / 2);
    let order: Vec<usize> = nodes.iter().flat_map(|&k| [2 * k, 2 * k + 1]).collect();
    let shuffled = renumbered(a, &order);
    let own = DenseMatrix::from_fn(modes.rows(), modes.cols(), |i, j| modes.row(order[i])[j]);
    let x = known(a.rows());
    let given = Solver::auto_with(a, Some(modes)).unwrap();
    let solver = Solver::auto_with(&shuffled, Some(&own)).unwrap();
    assert!(is_renumbered(&solver), "{solver}");
    let expected = given.solve(&product(a, &x)).unwrap();
    let out = solver.solve(&product(&shuffled, &x)).unwrap();
    assert!(out.converged() && distance(&out.x, &x) < 1e-4, "{out}");
    assert!(out.iterations <= expected.iterations + 5, "{} {}", out.iterations, expected.iterations);
}

/// A graph of n vertices with three neighbours each, of which some are coupled to all, in a dominant matrix.
fn with_hubs(n: usize, hubs: &[usize], symmetric: bool) -> Csr {
    let mut entries = std::collections::BTreeMap::new();
    let mut add = |i: usize, j: usize, v: f64| {
        if i != j {
            entries.insert((i, j), v);
            entries.insert((j, i), if symmetric { v } else { 0.3 * v });
        }
    };
    (0..n)
        .for_each(|i| [7, 31].iter().for_each(|&step| add(i, (i * step + 5) % n, ((i + step) as f64).sin())));
    hubs.iter().for_each(|&h| (0..n).for_each(|j| add(h, j, ((h + 3 * j) as f64).cos())));
    let mut sums = vec![0.1; n];
    entries.iter().for_each(|(&(i, _), v): (_, &f64)| sums[i] += 1.05 * v.abs());
    let diagonal = sums.iter().enumerate().map(|(i, &v)| (i, i, v));
    let entries: Vec<_> = entries.iter().map(|(&(i, j), &v)| (i, j, v)).chain(diagonal).collect();
    Csr::from_triplets(n, n, &entries).unwrap()
}

#[test]
fn rows_coupled_to_all_others_come_last() {
    for (n, symmetric) in [(4000, false), (20_000, false), (4000, true)] {
        for hubs in [&[0][..], &[7, n / 3, n / 2]] {
            let a = with_hubs(n, hubs, symmetric);
            let clock = std::time::Instant::now();
            let (count, solver) = iterations(&a);
            let seconds = clock.elapsed().as_secs_f64();
            assert!(count <= 20 && seconds < 1.0, "{count} {seconds}\n{solver}");
            let factors = solver.summary().contains("ilu");
            assert!(
                !factors || solver.reasons().iter().any(|r| r.contains("long rows come last")),
                "{solver}"
            );
        }
    }
}
