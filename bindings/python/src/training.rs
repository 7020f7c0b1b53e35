//! Training of a solver, by steps or for a number of solves.

use std::sync::Arc;
use std::time::{Duration, Instant};

use multigrad::Trainer;
use multigrad::learn::{Loss, Progress, TrainingReport};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::solver::{Shared, write};
use crate::worker::{Cancel, limits, run};

/// The settings of a training, as the package passes them.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Settings {
    seed: u64,
    steps: Option<usize>,
    time_limit: Option<f64>,
    memory_limit: Option<u64>,
}

impl Settings {
    fn trainer(&self) -> Trainer {
        let mut trainer = Trainer::new().seed(self.seed);
        if let Some(steps) = self.steps {
            trainer = trainer.steps(steps);
        }
        match self.time_limit.and_then(|s| Duration::try_from_secs_f64(s).ok()) {
            Some(limit) => trainer.time_limit(limit),
            None => trainer,
        }
    }
}

/// Trains for a number of solves.
pub fn for_solves(
    py: Python<'_>,
    solver: Shared,
    solves: usize,
    settings: Settings,
    progress: Option<Py<PyAny>>,
) -> PyResult<Bound<'_, PyDict>> {
    let trainer = settings.trainer().for_solves(solves);
    let progress = progress.map(Arc::new);
    let report = run(py, limits(None, settings.memory_limit), move |cancel| {
        let clock = Instant::now();
        let mut observe = |phase: &str| match &progress {
            Some(call) => {
                let state = (phase.to_string(), 0, 0, f64::NAN, f64::NAN, clock.elapsed().as_secs_f64());
                let call = call.clone();
                cancel.call(move |py| call.call1(py, state).map(|_| ()));
            }
            None => cancel.check(),
        };
        trainer.fit_observed(&mut write(&solver), &mut observe)
    })?;
    let dict = PyDict::new(py);
    dict.set_item("replaced", report.replaced())?;
    dict.set_item("seconds", report.seconds)?;
    dict.set_item("steps", report.attempts.get(report.kept).map_or(0, |a| a.steps))?;
    dict.set_item("text", report.to_string())?;
    Ok(dict)
}

/// Trains by steps. The trained solver replaces the given one where a solve takes less time.
pub fn by_steps(
    py: Python<'_>,
    solver: Shared,
    settings: Settings,
    progress: Option<Py<PyAny>>,
) -> PyResult<Bound<'_, PyDict>> {
    // Solves use the cycle inside a Krylov method.
    let trainer = settings.trainer().loss(Loss::Krylov);
    let progress = progress.map(Arc::new);
    let (replaced, report, sentence) = run(py, limits(None, settings.memory_limit), move |cancel| {
        let mut guard = write(&solver);
        fit(&trainer, &mut guard, cancel, progress.as_ref())
    })?;
    let dict = PyDict::new(py);
    dict.set_item("replaced", replaced)?;
    dict.set_item("seconds", report.train_seconds)?;
    dict.set_item("steps", report.steps)?;
    dict.set_item("text", format!("{report}\n{sentence}"))?;
    Ok(dict)
}

/// As [`Trainer::fit`], with calls to an observer, which also end a cancelled training.
fn fit(
    trainer: &Trainer,
    solver: &mut multigrad::Solver,
    cancel: &Cancel,
    progress: Option<&Arc<Py<PyAny>>>,
) -> multigrad::Result<(bool, TrainingReport, String)> {
    let mut observe = |p: &Progress| match progress {
        Some(call) => {
            let phase = if p.trial { "trial" } else { "training" };
            let state = (phase, p.step.0, p.step.1, p.loss, p.factor, p.seconds);
            let call = call.clone();
            cancel.call(move |py| call.call1(py, state).map(|_| ()));
        }
        None => cancel.check(),
    };
    let (mut trained, report) = trainer.fit_best(std::slice::from_ref(&*solver), &mut observe)?;
    if !report.accepted {
        return Ok((false, report, "the smoothers stay as they are".into()));
    }
    if solver.is_single_precision() {
        trained = trained.to_single_precision()?;
    }
    let b: Vec<f64> = (0..solver.matrix().rows()).map(|i| 1.0 + (i as f64).sin()).collect();
    let (own, new) = (seconds(solver, &b, cancel)?, seconds(&trained, &b, cancel)?);
    let replaced = new.is_some_and(|new| own.is_none_or(|own| new < own));
    let words =
        |seconds: Option<f64>| seconds.map_or("does not converge".into(), |s| format!("takes {s:.4} s"));
    let sentence = format!(
        "a solve with the trained smoothers {}, with the former ones it {}: {} are kept",
        words(new),
        words(own),
        if replaced { "the trained ones" } else { "the former ones" }
    );
    if replaced {
        *solver = trained;
    }
    Ok((replaced, report, sentence))
}

/// Seconds of a solve, the less of two; `None` if it does not converge.
fn seconds(solver: &multigrad::Solver, b: &[f64], cancel: &Cancel) -> multigrad::Result<Option<f64>> {
    let mut least = f64::INFINITY;
    for _ in 0..2 {
        let clock = Instant::now();
        let mut observe = |_, _| cancel.check();
        let out = solver.solve_with(b, multigrad::SolveOptions::new().on_iteration(&mut observe))?;
        if !out.converged() {
            return Ok(None);
        }
        least = least.min(clock.elapsed().as_secs_f64());
    }
    Ok(Some(least))
}
