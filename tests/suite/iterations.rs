//! Iterations and hierarchies against PyAMG with the same method: same strength, splitting or aggregates,
//! interpolation, smoother, tolerance. `data/pyamg_iterations/make.py` writes the figures; `--nocapture`
//! shows the table.

use multigrad::gallery;
use multigrad::multigrid::{Relaxation, Setup};
use multigrad::setup::{Coarsening, Variant};
use multigrad::solver::{Builder, Configuration, Krylov, SolveOptions, training_setup};

#[derive(serde::Deserialize)]
struct Document {
    problems: Vec<Row>,
}

#[derive(serde::Deserialize)]
struct Row {
    problem: String,
    n: usize,
    unknowns: usize,
    nonzeros: usize,
    sa: Peer,
    classical: Option<Peer>,
}

#[derive(serde::Deserialize)]
struct Peer {
    iterations: usize,
    rows: Vec<usize>,
    operator_complexity: f64,
    converged: bool,
}

#[test]
fn no_worse_than_pyamg() {
    let document: Document =
        serde_json::from_str(include_str!("../data/pyamg_iterations/iterations.json")).unwrap();
    assert!(document.problems.len() >= 10);
    let mut worse = Vec::new();
    println!(
        "{:24} {:11} {:>17} {:>11} {:>13}",
        "problem", "setup", "iterations (theirs)", "levels", "complexity"
    );
    for row in &document.problems {
        let problem = gallery::named(&row.problem, row.n, 1).unwrap();
        let a = &problem.matrix;
        assert_eq!((a.rows(), a.nnz()), (row.unknowns, row.nonzeros), "{}", row.problem);
        let classical: Setup = "ruge-stueben".parse().unwrap();
        // PyAMG counts nodes where it stops, we count rows.
        let columns = problem.near_nullspace.as_ref().map_or(1, |b| b.cols());
        let aggregation =
            Coarsening { theta: 0.0, max_coarse: 40 * columns, ..training_setup(Variant::Symmetric) };
        let aggregation = Setup::from(aggregation);
        let pairs = [(Some(&row.sa), aggregation), (row.classical.as_ref(), classical)];
        for (peer, setup) in pairs.into_iter().filter_map(|(peer, setup)| peer.map(|p| (p, setup))) {
            assert!(peer.converged);
            let name = setup.name();
            let configuration = Configuration::new(setup, Relaxation::GaussSeidel, Krylov::Cg).double();
            let candidates = problem.near_nullspace.as_ref().filter(|_| name == "sa");
            let solver = Builder::from(configuration).near_nullspace(candidates.cloned()).build(a).unwrap();
            let outcome = solver
                .solve_for(a, &vec![1.0; a.rows()], SolveOptions::new().rtol(1e-8).max_iterations(500))
                .unwrap();
            assert!(outcome.converged(), "{} {name}", row.problem);
            println!(
                "{:24} {:11} {:10} ({:2}) {:6} ({:2}) {:6.2} ({:.2})",
                row.problem,
                name,
                outcome.iterations,
                peer.iterations,
                solver.levels(),
                peer.rows.len(),
                solver.operator_complexity(),
                peer.operator_complexity
            );
            // Ties between equal weights on coarse levels are broken by rounding.
            let costs_more = solver.operator_complexity() > 1.08 * peer.operator_complexity;
            if outcome.iterations > peer.iterations || costs_more {
                worse.push(format!("{} {name}", row.problem));
            }
        }
    }
    assert!(worse.is_empty(), "worse than PyAMG: {worse:?}");
}
