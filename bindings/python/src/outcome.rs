//! Options and outcomes of solves.

use std::sync::Arc;
use std::time::Instant;

use multigrad::{Krylov, Limits, Outcome, SolveOptions, Status};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays::Floats;
use crate::errors::{Error, in_python, raise};
use crate::worker::{Cancel, limits};

/// The options of a solve, as the package passes them.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Settings {
    rtol: f64,
    atol: f64,
    maxiter: usize,
    restart: usize,
    accel: Option<String>,
    least_squares: bool,
    transposed: bool,
    time_limit: Option<f64>,
    memory_limit: Option<u64>,
}

/// A solve on the worker: right-hand side, options, and whether with the transposed matrix.
type Solve<'s> = &'s mut dyn FnMut(&[f64], SolveOptions<'_>, bool) -> multigrad::Result<Outcome>;

/// A solve for several right-hand sides at once.
type SolveMany<'s> = &'s mut dyn FnMut(&[&[f64]], SolveOptions<'_>) -> multigrad::Result<Vec<Outcome>>;

/// Outcomes with their seconds.
pub type Outcomes = Vec<(Outcome, f64)>;

/// Solves for several right-hand sides with these options, prepared for a worker.
pub struct Task {
    rows: usize,
    b: Vec<f64>,
    x0: Option<Vec<f64>>,
    krylov: Option<Krylov>,
    settings: Settings,
    callback: Option<Arc<Py<PyAny>>>,
}

impl Task {
    /// A task for the rows of the array `b`, with the rows of `x0` as initial guesses.
    pub fn new(
        b: &Bound<'_, PyAny>,
        x0: Option<&Bound<'_, PyAny>>,
        settings: Settings,
        callback: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let (_, rows): (usize, usize) = b.getattr("shape")?.extract()?;
        let b = Floats::of(b)?.values().to_vec();
        let x0 = x0.map(|x| PyResult::Ok(Floats::of(x)?.values().to_vec())).transpose()?;
        if rows == 0 || x0.as_ref().is_some_and(|x| x.len() != b.len()) {
            return Err(Error::new_err("the arrays of a solve are empty or differ in size"));
        }
        let krylov = settings.accel.as_deref().map(str::parse).transpose().map_err(raise)?;
        Ok(Self { rows, b, x0, krylov, settings, callback: callback.map(Arc::new) })
    }

    /// The limits of all solves together.
    pub fn limits(&self) -> Limits {
        limits(self.settings.time_limit, self.settings.memory_limit)
    }

    /// Whether nothing belongs to one of several right-hand sides.
    fn is_block(&self) -> bool {
        let alone = self.x0.is_some() || self.callback.is_some() || self.settings.transposed;
        self.b.len() > self.rows && !alone
    }

    /// The options without an initial guess and a callback.
    fn options<'o>(&self) -> SolveOptions<'o> {
        let settings = &self.settings;
        let options = SolveOptions::new()
            .rtol(settings.rtol)
            .atol(settings.atol)
            .max_iterations(settings.maxiter)
            .restart(settings.restart)
            .least_squares(settings.least_squares);
        match self.krylov {
            Some(krylov) => options.krylov(krylov),
            None => options,
        }
    }

    /// Solves for all right-hand sides at once, with equal shares of the seconds.
    fn perform_together(&self, solve: SolveMany<'_>) -> multigrad::Result<Outcomes> {
        let clock = Instant::now();
        let columns: Vec<&[f64]> = self.b.chunks_exact(self.rows).collect();
        let outcomes = solve(&columns, self.options())?;
        let share = clock.elapsed().as_secs_f64() / columns.len() as f64;
        Ok(outcomes.into_iter().map(|outcome| (outcome, share)).collect())
    }

    /// Solves for the right-hand sides: at once by `many` where nothing belongs to one of them, otherwise one after another.
    pub fn perform(
        self,
        cancel: &Cancel,
        solve: Solve<'_>,
        many: Option<SolveMany<'_>>,
    ) -> multigrad::Result<Outcomes> {
        if let Some(many) = many.filter(|_| self.is_block()) {
            return self.perform_together(many);
        }
        let (rows, b, callback) = (self.rows, &self.b, &self.callback);
        let mut outcomes = Vec::with_capacity(b.len() / rows);
        for (column, b) in b.chunks_exact(rows).enumerate() {
            let clock = Instant::now();
            let mut observe = |iteration: usize, residual: f64| match callback {
                Some(call) => {
                    let call = call.clone();
                    cancel.call(move |py| call.call1(py, (iteration, residual)).map(|_| ()));
                }
                None => cancel.check(),
            };
            let mut options = self.options().on_iteration(&mut observe);
            if let Some(x0) = &self.x0 {
                options = options.initial_guess(&x0[column * rows..(column + 1) * rows]);
            }
            cancel.check();
            let outcome = solve(b, options, self.settings.transposed)?;
            outcomes.push((outcome, clock.elapsed().as_secs_f64()));
        }
        Ok(outcomes)
    }
}

/// Writes the solutions to the rows of the array `out` and returns the other results.
pub fn publish<'py>(
    py: Python<'py>,
    outcomes: &Outcomes,
    out: &Bound<'py, PyAny>,
) -> PyResult<Vec<Bound<'py, PyDict>>> {
    Floats::of(out)?.write(py, outcomes.iter().flat_map(|(outcome, _)| outcome.x.iter().copied()))?;
    outcomes.iter().map(|(outcome, seconds)| describe(py, outcome, *seconds)).collect()
}

/// The outcome without x.
fn describe<'py>(py: Python<'py>, outcome: &Outcome, seconds: f64) -> PyResult<Bound<'py, PyDict>> {
    let status = match outcome.status {
        Status::Converged => "converged",
        Status::MaxIterations => "maxiter",
        Status::Stagnated => "stagnated",
        Status::Diverged => "diverged",
        _ => "breakdown",
    };
    let dict = PyDict::new(py);
    dict.set_item("status", status)?;
    dict.set_item("converged", outcome.converged())?;
    dict.set_item("iterations", outcome.iterations)?;
    dict.set_item("residuals", &outcome.residual_history)?;
    dict.set_item("seconds", seconds)?;
    dict.set_item("accel", outcome.krylov.map_or("direct", Krylov::name))?;
    dict.set_item("backward_error", outcome.backward_error)?;
    dict.set_item("advice", outcome.advice.as_deref().map(in_python))?;
    dict.set_item("solver", &outcome.solver)?;
    dict.set_item("attempts", &outcome.attempts)?;
    dict.set_item("removed", outcome.removed.as_ref().map(|removed| removed.norm))?;
    dict.set_item("text", in_python(&outcome.to_string()))?;
    Ok(dict)
}
