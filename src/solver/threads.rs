//! The threads of a setup or a solve.

use crate::krylov::SolveOptions;
use crate::limits::Inherited;
use crate::parallel;

/// Entries of a matrix below which one thread is as fast as two for a setup: upwind flow on a grid of 128² has 81 000.
const SMALL: usize = 100_000;

/// Runs the automatic setup for a matrix with so many entries: a small one on this thread alone, a large one on the pool.
pub(super) fn for_setup<R: Send>(entries: usize, work: impl FnOnce() -> R + Send) -> R {
    if entries < SMALL { parallel::alone(work) } else { for_loops(entries, work) }
}

/// Runs work whose loops pass over so many entries: on the pool if there are many, within the limits of this thread.
pub(super) fn for_loops<R: Send>(entries: usize, work: impl FnOnce() -> R + Send) -> R {
    if entries < SMALL {
        return work();
    }
    let limits = Inherited::from_this_thread();
    parallel::on_the_pool(|| limits.within(work))
}

/// As [`for_loops`], for a solve with these options. A callback stays on the thread of the caller, and so does its solve.
pub(super) fn for_solve<R: Send>(
    entries: usize,
    options: SolveOptions<'_>,
    work: impl FnOnce(SolveOptions<'_>) -> R + Send,
) -> R {
    match options.for_another_thread() {
        Some(options) => for_loops(entries, || work(options())),
        None => work(options),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::gallery;
    use crate::krylov::SolveOptions;
    use crate::limits::Limits;
    use crate::solver::Solver;

    #[test]
    fn several_threads_share_a_matrix_and_a_solver() {
        let problem = gallery::poisson_2d(170, 170).unwrap();
        assert!(problem.matrix.nnz() > super::SMALL);
        let x = Solver::auto(&problem.matrix).unwrap().solve(&problem.rhs).unwrap().x;
        // A new pattern: nothing is known of it yet.
        let a = problem.matrix.filter(|_, _, _| true).map(|_, _, v| v);
        let shared = Solver::auto(&a).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let own = Solver::auto(&a).unwrap();
                    let (first, second) =
                        (own.solve(&problem.rhs).unwrap(), shared.solve(&problem.rhs).unwrap());
                    assert!(first.x == x && second.x == x);
                });
            }
        });
    }

    #[test]
    fn limits_and_callbacks_hold_on_the_pool() {
        let problem = gallery::poisson_2d(170, 170).unwrap();
        let none = Limits::new().time(Duration::ZERO);
        assert!(none.clone().within(|| Solver::auto(&problem.matrix)).unwrap_err().is_limit());
        let solver = Solver::auto(&problem.matrix).unwrap();
        let stopped = none.within(|| solver.solve(&problem.rhs)).unwrap();
        assert!(!stopped.converged() && stopped.iterations <= 1, "{stopped}");
        let caller = std::thread::current().id();
        let mut calls = 0;
        let mut call = |_, _| {
            assert_eq!(std::thread::current().id(), caller);
            calls += 1;
        };
        let out = solver.solve_with(&problem.rhs, SolveOptions::new().on_iteration(&mut call)).unwrap();
        assert!(out.converged() && calls == out.iterations);
    }
}
