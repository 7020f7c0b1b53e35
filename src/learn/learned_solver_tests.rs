//! Tests of the solver that is trained between its solves.

use super::*;
use crate::gallery::{FlowScheme, poisson_2d, recirculating_flow, recirculating_flow_3d};
use crate::krylov::scattered;

#[test]
fn the_solver_is_trained_between_solves_and_gets_better() {
    let a = recirculating_flow_3d(12, 0.005).unwrap().matrix;
    let setup = crate::setup::Coarsening::from(crate::setup::Variant::SymmetricPart);
    let classical = Solver::builder(setup)
        .relaxation(crate::multigrid::Relaxation::Ilu0(1.0))
        .krylov(crate::krylov::Krylov::Fgmres)
        .single_precision()
        .build(&a)
        .unwrap();
    let before = classical.solve(&scattered(a.rows(), 7)).unwrap().iterations;
    // Times of so short solves vary; `Spending` is tested for what they may cost.
    let mut solver = LearnedSolver::new(classical).seed(3).share(0.5);
    let mut least = before;
    for number in 0..250 {
        let b = scattered(a.rows(), number);
        let out = solver.solve(&b).unwrap();
        assert!(out.converged(), "{number}: {}", out.status);
        least = least.min(out.iterations);
    }
    let report = solver.report();
    assert!(report.steps >= FEWEST && report.solves == 250, "{report}");
    assert!(report.learned_solves > 0 && report.training_seconds > 0.0, "{report}");
    assert!(least < before, "{least} {before}: {report}");
}

#[test]
fn new_values_carry_what_was_learned() {
    let flow = |epsilon| recirculating_flow_3d(10, epsilon).unwrap();
    let first = flow(0.005);
    let mut solver = LearnedSolver::auto(&first.matrix).unwrap().share(10.0);
    for number in 0..20 {
        solver.solve(&scattered(first.matrix.rows(), number)).unwrap();
    }
    for epsilon in [0.006, 0.007, 0.02] {
        let next = flow(epsilon);
        solver.update(&next.matrix).unwrap();
        let out = solver.solve(&next.rhs).unwrap();
        assert!(out.converged());
        let r = crate::solver::relative_residual(&next.matrix, &next.rhs, &out.x).unwrap();
        assert!(r < 1.01e-8, "{epsilon}: {r}");
    }
    // Another pattern is an error, after which the former matrix is solved.
    assert!(solver.update(&poisson_2d(31, 32).unwrap().matrix).is_err());
    assert!(solver.solve(&flow(0.02).rhs).unwrap().converged());
}

/// The classical solver follows new values late; until then it must not solve, nor be trained.
#[test]
fn a_training_that_is_undone_after_an_update_leaves_no_old_matrix() {
    let flow = |epsilon| recirculating_flow_3d(12, epsilon).unwrap();
    let first = flow(0.005);
    let builder = Solver::smoothed_aggregation().relaxation(crate::multigrid::Relaxation::Ilu0(1.0));
    let mut solver = LearnedSolver::new(builder.build(&first.matrix).unwrap()).share(100.0);
    for number in 0..3 {
        solver.solve(&scattered(first.matrix.rows(), number)).unwrap();
    }
    assert!(solver.learned.is_some());
    let next = flow(0.05);
    solver.update(&next.matrix).unwrap();
    assert!(solver.behind.is_some());
    solver.undo();
    solver.failures = 0;
    solver.train().unwrap();
    for _ in 0..3 {
        let out = solver.solve(&next.rhs).unwrap();
        let r = crate::solver::relative_residual(&next.matrix, &next.rhs, &out.x).unwrap();
        assert!(out.converged() && r < 1.01e-8, "{r}");
    }
    assert_eq!(solver.solver().unwrap().matrix().values(), next.matrix.values());
    // A matrix that the classical solver cannot follow: an error each time, never a solve of the former one.
    (solver.learned, solver.behind) = (None, Some(poisson_2d(31, 32).unwrap().matrix));
    for _ in 0..2 {
        assert!(solver.solve(&next.rhs).is_err() && solver.solver().is_err());
    }
    solver.update(&next.matrix).unwrap();
    assert!(solver.solve(&next.rhs).unwrap().converged());
}

/// A few steps on the whole matrix make weakened factors worse.
#[test]
fn weakened_factors_stay_as_they_are() {
    let a = crate::gallery::rotated_anisotropic(24, 1e-2, 0.5).unwrap().matrix;
    let relaxation = crate::multigrid::Relaxation::weak_ilu0(0.03);
    let classical = Solver::smoothed_aggregation().relaxation(relaxation).build(&a).unwrap();
    let mut solver = LearnedSolver::new(classical).share(100.0);
    for number in 0..5 {
        assert!(solver.solve(&scattered(a.rows(), number)).unwrap().converged());
    }
    assert_eq!(solver.report().steps, 0);
}

#[test]
fn without_a_share_nothing_is_trained() {
    let problem = recirculating_flow(20, 0.005, FlowScheme::Upwind).unwrap();
    let mut solver = LearnedSolver::auto(&problem.matrix).unwrap().share(0.0);
    for _ in 0..10 {
        solver.solve(&problem.rhs).unwrap();
    }
    assert_eq!((solver.report().steps, solver.report().learned_solves), (0, 0));
    assert_eq!(solver.solver().unwrap().summary(), Solver::auto(&problem.matrix).unwrap().summary());
}

/// A solver with training in progress is `Send`: this does not compile otherwise.
#[test]
fn a_solver_in_training_moves_to_another_thread() {
    let problem = recirculating_flow_3d(10, 0.005).unwrap();
    let (a, b) = (problem.matrix, problem.rhs);
    let builder = Solver::smoothed_aggregation().relaxation(crate::multigrid::Relaxation::Ilu0(1.0));
    let mut solver = LearnedSolver::new(builder.build(&a).unwrap()).share(100.0);
    let trained = |solver: &LearnedSolver| solver.training.as_ref().map_or(0, EntryTraining::taken);
    for _ in 0..20 {
        assert!(solver.solve(&b).unwrap().converged());
        if trained(&solver) > 0 {
            break;
        }
    }
    assert!(trained(&solver) > 0, "{}", solver.report());
    let (report, solver) = std::thread::spawn(move || {
        assert!(solver.solve(&b).unwrap().converged());
        (solver.report(), solver)
    })
    .join()
    .unwrap();
    assert_eq!(solver.report(), report);
}
