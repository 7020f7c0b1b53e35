//! The report on a matrix, as an HTML page.

use multigrad::report::Report;
use pyo3::prelude::*;

use crate::arrays::{Floats, dense};
use crate::matrix::Matrix;
use crate::worker::{limits, run};

/// The settings of a report, as the package passes them.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Settings {
    title: String,
    solves: Option<usize>,
    train: bool,
    time_limit: f64,
    memory_limit: Option<u64>,
    seed: u64,
}

/// Writes the page; returns whether the solve converged, and its words.
#[pyfunction]
pub fn report(
    py: Python<'_>,
    matrix: &Matrix,
    b: &Bound<'_, PyAny>,
    path: String,
    coordinates: Option<&Bound<'_, PyAny>>,
    near_nullspace: Option<&Bound<'_, PyAny>>,
    settings: Settings,
) -> PyResult<(bool, String)> {
    let (a, _) = matrix.shared(py)?;
    let b = Floats::of(b)?.values().to_vec();
    let mut report = Report::new(settings.title)
        .near_nullspace(near_nullspace.map(dense).transpose()?)
        .time_limit(settings.time_limit)
        .memory_limit(settings.memory_limit)
        .solves(settings.solves)
        .train(settings.train)
        .seed(settings.seed);
    if let Some(points) = coordinates {
        report = report.coordinates(&dense(points)?);
    }
    run(py, limits(None, None), move |cancel| {
        let page = report.run(&a, &b, &mut |_| cancel.check())?;
        page.write(path)?;
        Ok((page.outcome.converged(), page.outcome.to_string()))
    })
}
