//! The content of a page as data for programs, in JSON or another format of `serde`.

use serde::{Serialize, Serializer};

use super::Page;
use super::break_even::Line;
use super::conclusions::{advice, lines};
use super::levels::LevelFigures;
use super::slowest::SlowestError;
use crate::krylov::Outcome;
use crate::learn::{SolvesReport, TrainingReport};
use crate::solver::{ComparisonReport, MatrixProperties};

#[derive(Serialize)]
struct Data<'a> {
    title: &'a str,
    version: &'static str,
    matrix: Matrix<'a>,
    configuration: &'a str,
    reasons: &'a [String],
    setup_seconds: f64,
    solve_seconds: f64,
    bytes_per_unknown: f64,
    #[serde(flatten)]
    outcome: &'a Outcome,
    recommendations: Vec<String>,
    level_table: &'a [LevelFigures],
    slowest_error: Option<Slowest<'a>>,
    comparison: Option<&'a ComparisonReport>,
    total_times: Vec<TotalTime<'a>>,
    training_for_solves: Option<&'a SolvesReport>,
    training: Option<&'a TrainingReport>,
    solver: &'a str,
}

#[derive(Serialize)]
struct Matrix<'a> {
    #[serde(flatten)]
    properties: &'a MatrixProperties,
    symmetric: bool,
}

#[derive(Serialize)]
struct Slowest<'a> {
    #[serde(flatten)]
    error: &'a SlowestError,
    kind: &'static str,
}

/// A solver for many solves, compared with the last one of the list.
#[derive(Serialize)]
struct TotalTime<'a> {
    #[serde(flatten)]
    line: &'a Line,
    slower_from_solves: Option<f64>,
}

/// Everything that the page shows, with the values behind its pictures; without coordinates. Infinite and undefined values are
/// null in JSON.
impl Serialize for Page {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (lines, _) = lines(self);
        let total_time = |line| TotalTime {
            line,
            slower_from_solves: lines.last().and_then(|last| line.slower_from(last)),
        };
        let data = Data {
            title: &self.title,
            version: env!("CARGO_PKG_VERSION"),
            matrix: Matrix { properties: &self.properties, symmetric: self.properties.is_symmetric() },
            configuration: &self.summary,
            reasons: &self.reasons,
            setup_seconds: self.seconds.0,
            solve_seconds: self.seconds.1,
            bytes_per_unknown: self.bytes_per_unknown,
            outcome: &self.outcome,
            recommendations: advice(self),
            level_table: &self.levels,
            slowest_error: self.slowest.as_ref().map(|error| Slowest { error, kind: error.kind() }),
            comparison: self.comparison.as_ref(),
            total_times: lines.iter().map(total_time).collect(),
            training_for_solves: self.solves.as_ref(),
            training: self.training.as_ref(),
            solver: &self.solver,
        };
        data.serialize(serializer)
    }
}
