//! A solver that is trained between its solves.

use multigrad::learn::{LearnedSolver, UseReport};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::matrix::Matrix;
use crate::outcome::{Settings, Task, publish};
use crate::worker::{Home, limits};

/// A learned solver of the library on its thread.
#[pyclass(frozen, module = "multigrad._multigrad")]
pub struct LearnedCore {
    home: Home<LearnedSolver>,
}

#[pymethods]
impl LearnedCore {
    /// Begins with the automatic solver.
    #[new]
    fn new(py: Python<'_>, matrix: &Matrix, share: f64, seed: u64) -> PyResult<Self> {
        let a = matrix.owned(py)?;
        let home = Home::new(py, move || Ok(LearnedSolver::auto(&a)?.share(share).seed(seed)))?;
        Ok(Self { home })
    }

    /// Solves for the rows of `b` and writes the solutions to the rows of `out`.
    fn solve<'py>(
        &self,
        py: Python<'py>,
        b: &Bound<'py, PyAny>,
        x0: Option<&Bound<'py, PyAny>>,
        out: &Bound<'py, PyAny>,
        settings: Settings,
        callback: Option<Py<PyAny>>,
    ) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let task = Task::new(b, x0, settings, callback)?;
        let outcomes = self.home.run(py, task.limits(), move |solver, cancel| {
            task.perform(cancel, &mut |b, options, _| solver.solve_with(b, options), None)
        })?;
        publish(py, &outcomes, out)
    }

    /// New values of the matrix.
    fn update(&self, py: Python<'_>, matrix: &Matrix) -> PyResult<()> {
        let a = matrix.owned(py)?;
        self.home.run(py, limits(None, None), move |solver, _| solver.update(&a))
    }

    /// The account so far, as a sentence.
    fn report(&self, py: Python<'_>) -> PyResult<String> {
        self.account(py).map(|report| report.to_string())
    }

    /// The solver of the next solve, as text.
    fn text(&self, py: Python<'_>) -> PyResult<String> {
        self.home.run(py, limits(None, None), |solver, _| solver.solver().map(ToString::to_string))
    }

    /// Solves, solves by learned factors, steps, and trainings that were undone.
    fn counts(&self, py: Python<'_>) -> PyResult<(usize, usize, usize, usize)> {
        let report = self.account(py)?;
        Ok((report.solves, report.learned_solves, report.steps, report.undone))
    }
}

impl LearnedCore {
    fn account(&self, py: Python<'_>) -> PyResult<UseReport> {
        self.home.run(py, limits(None, None), |solver, _| Ok(solver.report()))
    }
}
