//! Uniform timing of solvers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::krylov::Outcome;
use crate::operator::LinearOperator;
use crate::sparse::Csr;

/// Protocol for all solvers that are measured on one matrix.
#[derive(Debug, Clone, Copy)]
pub struct Protocol<'a> {
    /// The matrix of the system, n × n.
    pub a: &'a Csr<f64>,
    /// Right-hand sides of n values each.
    pub right_hand_sides: &'a [Vec<f64>],
    /// Required relative residual ‖b − A x‖₂/‖b‖₂.
    pub rtol: f64,
    /// Number of solves per right-hand side; the fastest counts.
    pub repeats: usize,
    /// Minimum total seconds of all solves: short solves are repeated up to twenty times to reduce the influence
    /// of disturbances. Requires `warm_up`, which gives the time of one solve.
    pub settle: f64,
    /// Whether a first solve, with cold caches and memory, is excluded.
    pub warm_up: bool,
    /// A solver is not repeated if its first solve takes more than this number of seconds.
    pub repeat_below: f64,
    /// Seconds after which a solve is abandoned.
    pub give_up: f64,
}

/// Measurement of a solver under a [`Protocol`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Measurement {
    /// Seconds of a solve: the median over the right-hand sides.
    pub solve_seconds: f64,
    /// Seconds of the fastest and of the slowest right-hand side.
    pub range: (f64, f64),
    /// Iterations: the median over the right-hand sides.
    pub iterations: usize,
    /// Whether every right-hand side was solved to the tolerance, by the residual recomputed from x.
    pub converged: bool,
    /// "converged", or the reason of the failure.
    pub status: String,
    /// Whether the solver failed because a solve was abandoned.
    pub abandoned: bool,
    /// The largest ‖b − A x‖₂/‖b‖₂, recomputed from x; `None` if it is not finite or the solve was abandoned.
    pub relative_residual: Option<f64>,
    /// Number of timed solves.
    pub runs: usize,
}

/// Largest number of repeats of a short solve.
const MOST_REPEATS: usize = 20;

/// A solve: operator, right-hand side, and the callback after every iteration.
pub type Solve<'s> =
    &'s mut dyn FnMut(&dyn LinearOperator, &[f64], &mut dyn FnMut(usize, f64)) -> Result<Outcome>;

/// The fastest of several setups, with its seconds. No further setup starts if the total would exceed `limit` seconds
/// with another one of the same time.
///
/// # Errors
/// Errors of the setup.
pub fn fastest_setup<T>(repeats: usize, limit: f64, build: &dyn Fn() -> Result<T>) -> Result<(T, f64)> {
    let start = Instant::now();
    let timed = || {
        let clock = Instant::now();
        build().map(|built| (built, clock.elapsed().as_secs_f64()))
    };
    let (mut built, mut seconds) = timed()?;
    for _ in 1..repeats {
        if start.elapsed().as_secs_f64() + seconds >= limit {
            break;
        }
        // The next setup can reuse the memory of the previous one, as in a program with a single setup.
        drop(built);
        let (next, its_seconds) = timed()?;
        (built, seconds) = (next, seconds.min(its_seconds));
    }
    Ok((built, seconds))
}

impl<'a> Protocol<'a> {
    /// One solve per right-hand side, without limits.
    pub fn new(a: &'a Csr<f64>, right_hand_sides: &'a [Vec<f64>], rtol: f64) -> Self {
        Self {
            a,
            right_hand_sides,
            rtol,
            repeats: 1,
            settle: 0.0,
            warm_up: false,
            repeat_below: f64::INFINITY,
            give_up: f64::INFINITY,
        }
    }

    /// Measures a solver. After a failure it is not run again.
    ///
    /// # Errors
    /// Errors of the solver; an empty list of right-hand sides.
    pub fn measure(&self, solve: Solve<'_>) -> Result<Measurement> {
        let Some(first) = self.right_hand_sides.first() else {
            return Err(Error::invalid_input("no right-hand side to measure a solver with"));
        };
        let mut results = Vec::new();
        let mut repeats = self.repeats.max(1);
        if self.warm_up {
            let run = self.run(first, solve)?;
            let slow = run.seconds > self.repeat_below;
            if !run.converged {
                return Ok(summary(&[run], 1));
            }
            if slow {
                repeats = 1;
                results.push(run);
            } else {
                let round = run.seconds * self.right_hand_sides.len() as f64;
                repeats = repeats.max(((self.settle / round).ceil() as usize).min(MOST_REPEATS));
            }
        }
        let mut runs = results.len();
        for repeat in 0..repeats {
            for (q, b) in self.right_hand_sides.iter().enumerate() {
                if repeat == 0 && q < results.len() {
                    continue;
                }
                let run = self.run(b, solve)?;
                runs += 1;
                let failed = !run.converged;
                if failed {
                    results.push(run);
                    return Ok(summary(&results, runs));
                }
                match results.get_mut(q) {
                    Some(before) if run.seconds < before.seconds => *before = run,
                    Some(_) => {}
                    None => results.push(run),
                }
            }
        }
        Ok(summary(&results, runs))
    }

    fn run(&self, b: &[f64], solve: Solve<'_>) -> Result<Run> {
        let operator = Limited::new(self.a, self.give_up);
        let mut iterations = 0;
        let clock = Instant::now();
        let solved = solve(&operator, b, &mut |iteration, _| iterations = iteration);
        let seconds = clock.elapsed().as_secs_f64();
        let out = match solved {
            Ok(out) => out,
            Err(_) if operator.expired.load(Ordering::Relaxed) => {
                let status = format!("abandoned after {seconds:.2} s");
                return Ok(Run {
                    seconds,
                    iterations,
                    converged: false,
                    abandoned: true,
                    status,
                    residual: None,
                });
            }
            Err(e) => return Err(e),
        };
        let residual = relative_residual(self.a, b, &out.x)?;
        // Norms with another order of summation differ in their last digits.
        let reached = residual <= self.rtol * (1.0 + 1e-6);
        let status = match (out.converged(), reached) {
            (true, false) => format!("the residual is {residual:.1e}"),
            _ => out.status.to_string(),
        };
        Ok(Run {
            seconds,
            iterations: out.iterations,
            converged: out.converged() && reached,
            abandoned: false,
            status,
            residual: residual.is_finite().then_some(residual),
        })
    }
}

/// ‖b − A x‖₂/‖b‖₂, 0 for b = 0 and x = 0.
///
/// # Errors
/// Lengths that do not fit.
pub fn relative_residual(a: &Csr<f64>, b: &[f64], x: &[f64]) -> Result<f64> {
    let mut r = vec![0.0; b.len()];
    LinearOperator::apply(a, x, &mut r)?;
    let norm = |v: &mut dyn Iterator<Item = f64>| v.map(|v| v * v).sum::<f64>().sqrt();
    let size = norm(&mut b.iter().copied());
    let rest = norm(&mut r.iter().zip(b).map(|(r, b)| b - r));
    Ok(if size > 0.0 { rest / size } else { rest })
}

/// One timed solve.
struct Run {
    seconds: f64,
    iterations: usize,
    converged: bool,
    abandoned: bool,
    status: String,
    residual: Option<f64>,
}

fn summary(results: &[Run], runs: usize) -> Measurement {
    let failed = results.iter().find(|r| !r.converged);
    let mut seconds: Vec<f64> = results.iter().map(|r| r.seconds).collect();
    let mut iterations: Vec<usize> = results.iter().map(|r| r.iterations).collect();
    seconds.sort_by(f64::total_cmp);
    iterations.sort_unstable();
    let (middle, last) = (results.len() / 2, results.len() - 1);
    let mut residuals = results.iter().map(|r| r.residual);
    Measurement {
        // For a failure, the time until it failed.
        solve_seconds: failed.map_or(seconds[middle], |r| r.seconds),
        range: (seconds[0], seconds[last]),
        iterations: failed.map_or(iterations[middle], |r| r.iterations),
        converged: failed.is_none(),
        abandoned: failed.is_some_and(|r| r.abandoned),
        status: failed.unwrap_or(&results[last]).status.clone(),
        relative_residual: residuals.try_fold(0.0, |most: f64, r| r.map(|r| most.max(r))),
        runs,
    }
}

/// A matrix whose application fails after a time limit. An iteration cannot be interrupted in any other way.
struct Limited<'a> {
    a: &'a Csr<f64>,
    end: Option<Instant>,
    expired: AtomicBool,
}

impl<'a> Limited<'a> {
    fn new(a: &'a Csr<f64>, seconds: f64) -> Self {
        let limit = Duration::try_from_secs_f64(seconds.max(0.0)).ok();
        let end = limit.and_then(|limit| Instant::now().checked_add(limit));
        Self { a, end, expired: AtomicBool::new(false) }
    }

    fn check(&self) -> Result<()> {
        if self.end.is_some_and(|end| Instant::now() >= end) {
            self.expired.store(true, Ordering::Relaxed);
            return Err(Error::unsuited("the solve took too long and was abandoned"));
        }
        Ok(())
    }
}

impl LinearOperator for Limited<'_> {
    fn rows(&self) -> usize {
        self.a.rows()
    }

    fn apply(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        self.check()?;
        LinearOperator::apply(self.a, x, y)
    }

    fn apply_dots(&self, x: &[f64], y: &mut [f64]) -> Result<Option<[f64; 2]>> {
        self.check()?;
        self.a.apply_dots(x, y)
    }
}
