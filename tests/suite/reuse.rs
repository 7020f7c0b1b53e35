//! Learned solvers that follow a sequence of matrices, and their reports.

use crate::common::numbers;

use crate::common::numbers::Numbers;
use multigrad::gallery::{FlowScheme, Problem, poisson_2d, recirculating_flow};
use multigrad::krylov::Fgmres;
use multigrad::learn::{Loss, Start, Target, TrackedSolver, Trainer};
use multigrad::multigrid::Relaxation;
use multigrad::operator::Preconditioner;
use multigrad::solver::Amg;
use multigrad::sparse::Csr;

fn flow(epsilon: f64) -> Problem {
    recirculating_flow(16, epsilon, FlowScheme::Upwind).unwrap()
}

fn learned(first: &Csr<f64>, learn: Target) -> TrackedSolver {
    let mut amg = Amg::smoothed_aggregation().suited_to(first).build(first).unwrap();
    let trainer = Trainer::new().learn(learn).loss(Loss::Krylov).steps(30).seed(1);
    let report = trainer.fit(&mut amg).unwrap();
    assert!(report.accepted, "{report}");
    TrackedSolver::new(amg, trainer.steps(10)).unwrap()
}

/// Iterations of FGMRES to 1e-8, or nothing.
fn iterations(solver: &TrackedSolver, problem: &Problem) -> Option<usize> {
    let method = Fgmres::new().rtol(1e-8).restart(100).max_iterations(100).preconditioner(solver.amg());
    let out = method.solve(&problem.matrix, &problem.rhs).unwrap();
    out.converged().then_some(out.iterations)
}

fn applied(solver: &TrackedSolver) -> Vec<f64> {
    let n = Preconditioner::rows(solver.amg());
    let mut z = vec![0.0; n];
    solver.amg().apply(&Numbers(71).vector::<f64>(n), &mut z).unwrap();
    z
}

#[test]
fn a_parameter_that_drifts_is_followed() {
    for learn in [Target::Ilu, Target::Relaxation] {
        let mut epsilon = 0.005;
        let mut solver = learned(&flow(epsilon).matrix, learn);
        let first = iterations(&solver, &flow(epsilon)).unwrap();
        let mut tuned = 0;
        for step in 0..5 {
            epsilon *= 1.1;
            let problem = flow(epsilon);
            let followed = solver.follow(&problem.matrix).unwrap();
            let what = format!("{learn}, step {step}, ε = {epsilon:.4}: {followed:?}");
            assert!(followed.evaluation.converges && !followed.fell_back, "{what}");
            let now = iterations(&solver, &problem).unwrap();
            assert!(2 * now <= 3 * first + 4, "{what}: {now} iterations, {first} at first");
            tuned += usize::from(followed.tuned);
            // The hierarchy is that of the new matrix.
            assert_eq!(solver.amg().hierarchy().levels[0].a.to_csr(), problem.matrix, "{what}");
        }
        assert!(tuned <= 2, "{learn}: tuned {tuned} times on a slow drift");
    }
}

/// The same values again: the learned values are carried over unchanged, to rounding.
#[test]
fn the_same_matrix_changes_nothing() {
    for learn in [Target::Ilu, Target::Relaxation] {
        let problem = flow(0.01);
        let mut solver = learned(&problem.matrix, learn);
        let before = applied(&solver);
        let followed = solver.follow(&problem.matrix).unwrap();
        assert!(!followed.tuned && !followed.fell_back, "{followed:?}");
        assert!(numbers::distance(&applied(&solver), &before) < 1e-12);
        // A scaled matrix has the scaled inverse, without a step of training.
        let followed = solver.follow(&problem.matrix.map(|_, _, v| 8.0 * v)).unwrap();
        assert!(!followed.tuned && !followed.fell_back, "{followed:?}");
        let eighth: Vec<f64> = before.iter().map(|v| v / 8.0).collect();
        assert!(numbers::distance(&applied(&solver), &eighth) < 1e-9, "{learn}");
    }
}

#[test]
fn errors_leave_the_solver_as_it_was() {
    let problem = flow(0.01);
    let mut solver = learned(&problem.matrix, Target::Ilu);
    let before = applied(&solver);
    let n = problem.matrix.rows();
    let others = [
        poisson_2d(16, 16).unwrap().matrix.filter(|i, j, _| i != j + 1),
        problem.matrix.filter(|i, j, _| (i, j) != (3, 4)),
        poisson_2d(5, 5).unwrap().matrix,
    ];
    for other in &others {
        let error = solver.follow(other).unwrap_err();
        assert!(error.to_string().contains("another pattern"), "{error}");
        assert_eq!(applied(&solver), before);
    }
    // A zero pivot: no ILU(0), and a sentence that names the row.
    let pivot = problem.matrix.map(|i, j, v| if (i, j) == (0, 0) { 0.0 } else { v });
    assert!(solver.follow(&pivot).is_err());
    assert_eq!(applied(&solver), before);
    let zero = Csr::new(problem.matrix.pattern().clone(), vec![0.0; problem.matrix.nnz()]).unwrap();
    assert!(solver.follow(&zero).is_err());
    assert_eq!(applied(&solver), before);
    // The sequence continues.
    let next = flow(0.011);
    assert!(solver.follow(&next.matrix).unwrap().evaluation.converges);
    assert!(iterations(&solver, &next).is_some() && Preconditioner::rows(solver.amg()) == n);
}

/// From one problem to a very different one on the same pattern, and back: it tunes or falls back, reports
/// it, and can follow again afterwards.
#[test]
fn a_jump_is_noticed() {
    for learn in [Target::Ilu, Target::Relaxation] {
        let problem = flow(0.005);
        let a = &problem.matrix;
        let mut solver = learned(a, learn);
        let first = iterations(&solver, &problem).unwrap();
        let mut numbers = Numbers(72);
        // Random values, hardly dominant: nothing of the flow is left.
        let random = a.map(|i, j, _| if i == j { 2.5 } else { numbers.value() });
        // And one whose sweeps diverge: the couplings exceed the diagonal by far.
        let wild = a.map(|i, j, v| if i == j { 0.2 * v } else { v });
        let mut noticed = 0;
        for (name, jump) in [("random", random), ("wild", wild)] {
            let followed = solver.follow(&jump).unwrap();
            let what = format!("{learn}, {name}: {followed:?}");
            println!("{what}");
            noticed += usize::from(followed.tuned);
            assert!(followed.tuned || followed.evaluation.converges, "{what}");
            assert!(!followed.fell_back || followed.tuned, "{what}");
            // The report agrees with the smoother.
            let b: Vec<f64> = Numbers(73).vector(a.rows());
            let other = Problem { matrix: jump, rhs: b, ..flow(0.005) };
            if followed.evaluation.converges {
                assert!(iterations(&solver, &other).is_some_and(|n| n < 100), "{what}");
            }
            assert_eq!(solver.amg().hierarchy().levels[0].a.to_csr(), other.matrix, "{what}");
            let classical = solver.amg().hierarchy().levels[0].pre[0].matrix().is_none();
            assert!(!classical || followed.fell_back, "{what}: a classical smoother, and it does not say so");
            // Back: it follows, after any fallback.
            let followed = solver.follow(a).unwrap();
            assert!(followed.evaluation.converges && !followed.fell_back, "{what}, back: {followed:?}");
            let now = iterations(&solver, &problem).unwrap();
            assert!(now <= 2 * first + 4, "{what}, back: {now} iterations, {first} at first");
        }
        assert!(noticed > 0, "{learn}: no jump was too large");
    }
}

#[test]
fn what_cannot_follow_says_so() {
    let a = flow(0.01).matrix;
    let amg =
        Amg::smoothed_aggregation().suited_to(&a).relaxation(Relaxation::GaussSeidel).build(&a).unwrap();
    let mut solver = TrackedSolver::new(amg, Trainer::new().steps(1)).unwrap();
    let before = applied(&solver);
    let error = solver.follow(&a).unwrap_err();
    assert!(error.is_unsuited() && error.to_string().contains("cannot follow its matrix"), "{error}");
    assert_eq!(applied(&solver), before);
}

/// Training from the current values: the given smoothers are the start, and are kept unless they improve.
#[test]
fn training_from_given_smoothers() {
    let a = flow(0.01).matrix;
    let mut amg = Amg::smoothed_aggregation().suited_to(&a).build(&a).unwrap();
    let trainer = Trainer::new().learn(Target::Ilu).loss(Loss::Krylov).seed(1);
    let first = trainer.clone().steps(30).fit(&mut amg).unwrap();
    let again = trainer.clone().start(Start::Given).steps(20).fit(&mut amg).unwrap();
    let (one, two, three) = (first.after.unwrap(), again.before.unwrap(), again.after.unwrap());
    // The start of the second run is the result of the first.
    assert_eq!(one, two);
    assert!(three.by(Loss::Krylov) <= two.by(Loss::Krylov), "{again}");
    let suited = trainer.start(Start::Given).fit(&mut amg).unwrap();
    assert_eq!(suited.steps, 50, "{suited}");
}
