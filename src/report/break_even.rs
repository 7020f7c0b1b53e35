//! Total time against the number of solves.

use crate::plot::GrowthPlot;

/// Numbers of solves in a picture, per decade.
const PER_DECADE: usize = 4;

/// A solver in a picture of total times.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// Seconds before the first solve: setup and training.
    pub before: f64,
    /// Seconds of a solve.
    pub solve: f64,
}

/// Total time against the number of solves, up to the next power of ten above `solves`: straight lines. The legend says
/// from how many solves on a line is above the last one.
pub fn break_even(title: &str, lines: &[Line], solves: usize) -> Option<GrowthPlot> {
    let last = lines.last()?;
    let decades = (solves.max(10) as f64).log10().ceil() as usize;
    let numbers: Vec<f64> =
        (0..=decades * PER_DECADE).map(|q| 10f64.powf(q as f64 / PER_DECADE as f64)).collect();
    let mut plot = GrowthPlot::new(title).x_label("solves").y_label("seconds, setup and training included");
    for (number, line) in lines.iter().enumerate() {
        let crossing = (last.before - line.before) / (line.solve - last.solve);
        let shown = (1.0..=10f64.powf(decades as f64)).contains(&crossing);
        let name = match number + 1 < lines.len() && shown && line.solve > last.solve {
            true => format!("{} (slower from {:.0} solves on)", line.name, crossing.ceil()),
            false => line.name.clone(),
        };
        let points: Vec<(f64, f64)> = numbers.iter().map(|&n| (n, line.before + n * line.solve)).collect();
        plot = plot.series(name, &points);
    }
    Some(plot)
}
