//! Plots of residual histories.

use std::path::Path;

use super::axis::Axis;
use super::canvas::{Point, Scene};
use super::chart::Chart;
use super::panel::Panel;
use super::style::{self, Look, STROKE};
use super::{curve, output, svg};
use crate::error::Result;

/// The largest ratio of the axis to the largest first residual.
const HEADROOM: f64 = 1e2;

/// A figure of residual histories: iterations to the right, residuals upwards on a
/// logarithmic axis, a legend beside them.
///
/// Entry `k` of a history is drawn at iteration `k`, unscaled: divide by the norm of the right-hand side
/// first if the label says so. A curve breaks at NaN and at negative values; zero leaves the figure at the
/// bottom. A history that diverges is cut 10² above the largest first residual and ends in a triangle there.
///
/// ```
/// use multigrad::plot::ResidualPlot;
///
/// let (slow, fast) = ([1.0, 0.4, 0.17, 0.07], [1.0, 1e-2, 1e-5, 1e-8]);
/// let plot = ResidualPlot::new("Poisson 64²").series("Jacobi", &slow).series("learned", &fast);
/// assert!(plot.render_svg()?.contains("learned"));
/// # Ok::<(), multigrad::error::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a plot is drawn by `write` or `render_svg`"]
pub struct ResidualPlot {
    chart: Chart<f64>,
}

impl ResidualPlot {
    /// A figure without series. A long title takes two lines; an empty one takes none.
    pub fn new(title: impl AsRef<str>) -> Self {
        Self { chart: Chart::new(title.as_ref(), "iterations", "relative residual ‖b − Ax‖ / ‖b‖") }
    }

    /// Adds a history: its name in the legend and a residual for each iteration, starting with the initial
    /// one.
    pub fn series(mut self, name: impl AsRef<str>, residuals: &[f64]) -> Self {
        self.chart.add(name.as_ref(), residuals);
        self
    }

    /// The label of the horizontal axis; "iterations" by default.
    pub fn x_label(mut self, label: impl AsRef<str>) -> Self {
        self.chart.set_x_label(label.as_ref());
        self
    }

    /// The label of the vertical axis; the relative residual by default.
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
    /// No series, more than 12, or one without entries.
    pub fn render_svg(&self) -> Result<String> {
        svg::render(&self.scene()?)
    }

    fn scene(&self) -> Result<Scene> {
        self.chart.check("residual", "residuals")?;
        let last = self.chart.series.iter().map(|(_, h)| h.len() - 1).max().unwrap_or(0);
        Ok(self.chart.scene(&Axis::counts(last, 8), &self.y_axis(), draw))
    }

    fn y_axis(&self) -> Axis {
        let drawable = |r: &f64| r.is_finite() && *r > 0.0;
        let first = |h: &Vec<f64>| h.iter().copied().find(drawable);
        let start = self.chart.series.iter().filter_map(|(_, h)| first(h)).fold(0.0, f64::max);
        if start == 0.0 {
            return Axis::log(0.01, 1.0);
        }
        let cap = (start * HEADROOM).min(f64::MAX);
        let shown = self.chart.series.iter().flat_map(|(_, h)| h).copied().filter(drawable);
        let (lo, hi) = shown.fold((start, start), |(lo, hi), r| (lo.min(r), hi.max(r)));
        let beyond = self.chart.series.iter().flat_map(|(_, h)| h).any(|r| *r == f64::INFINITY);
        Axis::log(lo, if beyond { cap } else { hi.min(cap) })
    }
}

/// One curve: line in pieces, markers, and a triangle at its exit through the top.
fn draw(scene: &mut Scene, panel: &Panel<'_>, history: &[f64], look: &Look, shift: f64) {
    let places: Vec<Point> = history.iter().enumerate().map(|(k, &r)| panel.place(k as f64, r)).collect();
    let clipped = curve::clip(&curve::thin(places.iter().copied()), &panel.area);
    for piece in clipped.pieces {
        scene.dashed(piece, STROKE, look.color, look.dash);
    }
    let clear = |p: &Point| clipped.exit.is_none_or(|e| (p.0 - e.0).hypot(p.1 - e.1) > 14.0);
    let inside: Vec<Point> = places.into_iter().filter(|p| panel.area.contains(*p) && clear(p)).collect();
    for at in curve::marked(&inside, 42.0, shift) {
        scene.marker(at, look);
    }
    if let Some((x, y)) = clipped.exit {
        scene.glyph((x, y), style::Marker::Up, 8.0, style::WHITE);
        scene.glyph((x, y), style::Marker::Up, 6.5, look.color);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decay(n: usize, rate: f64) -> Vec<f64> {
        (0..n).map(|k| rate.powi(k as i32)).collect()
    }

    #[test]
    fn labels_and_curves_are_there() {
        let svg = ResidualPlot::new("A & B")
            .series("ILU(0)", &decay(20, 0.5))
            .series("learned", &decay(8, 0.1))
            .x_label("V(1,1) cycles")
            .render_svg()
            .unwrap();
        for label in ["A &amp; B", "ILU(0)", "learned", "V(1,1) cycles", "relative residual", "10⁻⁷", "10⁰"]
        {
            assert!(svg.contains(&format!(">\n{label}")), "{label}");
        }
        // The first series is a full line with discs, each on its white rim.
        assert_eq!(svg.matches("<circle").count(), 2 * (svg.matches("fill=\"#0072B2\"").count()));
        assert!(
            svg.matches("<circle").count() > 20,
            "a marker at every iteration and one in the legend, twice"
        );
        let whole = svg.lines().filter(|l| l.starts_with("<polyline") && l.contains("#0072B2"));
        assert_eq!(whole.map(|l| l.matches(',').count()).max(), Some(20));
        assert!(svg.matches("stroke=\"#D55E00\"").count() > 10, "dashes");
    }

    #[test]
    fn odd_values_break_or_clip_the_curve() {
        let odd = [1.0, f64::NAN, 0.1, 0.0, -3.0, f64::INFINITY, 1e-3, f64::NEG_INFINITY, f64::MAX, 5e-324];
        for history in
            [&odd[..], &odd[1..2], &odd[3..4], &odd[4..5], &odd[5..6], &odd[8..], &[1.0], &[0.3; 5]]
        {
            let svg = ResidualPlot::new("").series("odd", history).render_svg().unwrap();
            assert!(!svg.contains("NaN") && !svg.contains("inf"));
        }
    }

    #[test]
    fn a_diverging_series_does_not_squeeze_the_others() {
        let svg = ResidualPlot::new("t")
            .series("good", &decay(9, 0.1))
            .series("bad", &decay(99, 1e3))
            .render_svg()
            .unwrap();
        assert!(svg.contains("10²") && svg.contains("10⁻⁸") && !svg.contains("10³") && !svg.contains("10⁴"));
    }

    #[test]
    fn long_histories_give_short_files() {
        let noisy: Vec<f64> =
            (0..100_000).map(|k| (1.0 + 0.5 * f64::sin(k as f64)) / (1.0 + k as f64)).collect();
        let plot = ResidualPlot::new("long").series("noisy", &noisy);
        let svg = plot.render_svg().unwrap();
        assert!(svg.len() < 80_000, "{}", svg.len());
        assert_eq!(svg, plot.render_svg().unwrap());
    }

    #[test]
    fn empty_and_too_many_are_errors() {
        let plot = ResidualPlot::new("t");
        assert!(plot.render_svg().unwrap_err().is_invalid_input());
        let e = plot.clone().series("CG", &[]).render_svg().unwrap_err();
        assert!(e.to_string().contains("\"CG\""));
        let many = (0..13).fold(plot, |p, i| p.series(i.to_string(), &[1.0]));
        assert!(many.render_svg().unwrap_err().to_string().contains("12"));
    }
}
