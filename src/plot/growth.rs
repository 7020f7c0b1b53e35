//! Plots of a quantity against the size of the problem.

use std::path::Path;

use super::axis::{Axis, ends};
use super::canvas::{Point, Scene};
use super::chart::Chart;
use super::panel::Panel;
use super::style::{Look, STROKE};
use super::{output, svg};
use crate::error::{Error, Result};

/// The ratio of the largest value to the least from which the vertical axis is logarithmic.
const WIDE: f64 = 31.6;

/// A figure of a quantity, such as iterations or seconds, against the size of the problem,
/// which grows to the right on a logarithmic axis; a legend stands beside the curves.
///
/// Every point has a marker, and the points of a series are joined in ascending size, those
/// of equal size in the order given. The vertical axis begins at 0; it is logarithmic
/// where all values are positive and span a decade and a half. A curve breaks at values that are
/// not finite.
///
/// ```
/// use multigrad::plot::GrowthPlot;
///
/// let jacobi = [(1e2, 21.0), (1e3, 24.0), (1e4, 29.0)];
/// let learned = [(1e2, 6.0), (1e3, 6.0), (1e4, 7.0)];
/// let plot = GrowthPlot::new("Poisson")
///     .series("Jacobi", &jacobi)
///     .series("learned", &learned)
///     .y_label("V(1,1) cycles");
/// assert!(plot.render_svg()?.contains("unknowns"));
/// # Ok::<(), multigrad::error::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a plot is drawn by `write` or `render_svg`"]
pub struct GrowthPlot {
    chart: Chart<(f64, f64)>,
}

impl GrowthPlot {
    /// A figure without series. A long title takes two lines; an empty one takes none.
    pub fn new(title: impl AsRef<str>) -> Self {
        Self { chart: Chart::new(title.as_ref(), "unknowns", "iterations") }
    }

    /// Adds a series: its name in the legend, and pairs of a size and the value there, in any
    /// order.
    pub fn series(mut self, name: impl AsRef<str>, points: &[(f64, f64)]) -> Self {
        let mut points = points.to_vec();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        self.chart.add(name.as_ref(), &points);
        self
    }

    /// The label of the horizontal axis; "unknowns" by default.
    pub fn x_label(mut self, label: impl AsRef<str>) -> Self {
        self.chart.set_x_label(label.as_ref());
        self
    }

    /// The label of the vertical axis; "iterations" by default.
    pub fn y_label(mut self, label: impl AsRef<str>) -> Self {
        self.chart.set_y_label(label.as_ref());
        self
    }

    /// Writes the figure as SVG or PNG (1920 × 1280 pixels), by the extension.
    ///
    /// # Errors
    ///
    /// Those of [`render_svg`](Self::render_svg); another extension than `.svg` and `.png`; a folder that is
    /// missing or not writable. Nothing is written then.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        output::write(path.as_ref(), || self.scene())
    }

    /// The figure as an SVG document of 960 × 640 pixels.
    ///
    /// # Errors
    ///
    /// No series, more than 12, or one without points; a size that is not a positive finite number.
    pub fn render_svg(&self) -> Result<String> {
        svg::render(&self.scene()?)
    }

    fn scene(&self) -> Result<Scene> {
        self.chart.check("growth", "points")?;
        for (name, points) in &self.chart.series {
            if let Some((size, _)) = points.iter().find(|(size, _)| !(size.is_finite() && *size > 0.0)) {
                return Err(Error::invalid_input(format!(
                    "the series \"{name}\" has a point of size {size}; sizes must be positive finite numbers"
                )));
            }
        }
        Ok(self.chart.scene(&self.x_axis(), &self.y_axis(), draw))
    }

    fn points(&self) -> impl Iterator<Item = &(f64, f64)> {
        self.chart.series.iter().flat_map(|(_, points)| points)
    }

    fn x_axis(&self) -> Axis {
        let (lo, hi) = ends(self.points().map(|p| p.0)).unwrap_or((1.0, 1.0));
        Axis::log(lo, hi)
    }

    fn y_axis(&self) -> Axis {
        let (lo, hi) = ends(self.points().map(|p| p.1).filter(|v| v.is_finite())).unwrap_or((0.0, 1.0));
        if lo > 0.0 && hi / lo >= WIDE {
            return Axis::log(lo, hi);
        }
        let room = 0.06 * (hi.clamp(0.0, 1e299) - lo.clamp(-1e299, 0.0));
        let (lo, hi) = (if lo < 0.0 { lo - room } else { 0.0 }, if hi > 0.0 { hi + room } else { 0.0 });
        Axis::linear(lo, hi, 8)
    }
}

/// One curve with all of its markers.
fn draw(scene: &mut Scene, panel: &Panel<'_>, points: &[(f64, f64)], look: &Look, _shift: f64) {
    let finite = |value: f64| if value.is_finite() { value } else { f64::NAN };
    let places: Vec<Point> = points.iter().map(|&(size, value)| panel.place(size, finite(value))).collect();
    panel.line(scene, &places, STROKE, look);
    panel.markers(scene, places, 0.0, look);
}

#[cfg(test)]
#[path = "growth_tests.rs"]
mod tests;
