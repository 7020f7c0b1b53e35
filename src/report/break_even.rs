//! Total time against the number of solves.

use serde::Serialize;

use crate::plot::GrowthPlot;

/// Numbers of solves in a picture, per decade.
const PER_DECADE: usize = 4;

/// A solver in a picture of total times.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// Seconds before the first solve: setup and training.
    #[serde(rename = "before_seconds")]
    pub before: f64,
    /// Seconds of a solve.
    #[serde(rename = "solve_seconds")]
    pub solve: f64,
}

impl Line {
    /// The number of solves from which this solver takes more time in total than `other`, if that is so from some number on
    /// but not from the first.
    pub fn slower_from(&self, other: &Self) -> Option<f64> {
        let crossing = (other.before - self.before) / (self.solve - other.solve);
        (self.solve > other.solve && crossing >= 1.0).then_some(crossing.ceil())
    }
}

/// Total time against the number of solves, up to the next power of ten above `solves`: straight lines. The legend says
/// from how many solves on a line is above the last one.
pub fn break_even(title: &str, lines: &[Line], solves: usize) -> Option<GrowthPlot> {
    let last = lines.last()?;
    let decades = (solves.max(10) as f64).log10().ceil() as usize;
    let most = 10f64.powf(decades as f64);
    let numbers: Vec<f64> =
        (0..=decades * PER_DECADE).map(|q| 10f64.powf(q as f64 / PER_DECADE as f64)).collect();
    let mut plot = GrowthPlot::new(title).x_label("solves").y_label("seconds, setup and training included");
    for (number, line) in lines.iter().enumerate() {
        let name = match line.slower_from(last).filter(|&n| number + 1 < lines.len() && n <= most) {
            Some(from) => format!("{} (slower from {from:.0} solves on)", line.name),
            None => line.name.clone(),
        };
        let points: Vec<(f64, f64)> = numbers.iter().map(|&n| (n, line.before + n * line.solve)).collect();
        plot = plot.series(name, &points);
    }
    Some(plot)
}
