//! Plots of training runs: the loss of every step, and measured convergence factors.

use std::path::Path;

use super::axis::{Axis, ends};
use super::canvas::{Anchor, Area, Point, Scene};
use super::panel::{self, Panel};
use super::style::{self, HEIGHT, LABEL, Look, Rgb, STROKE, TICK, WIDTH};
use super::{curve, font, output, svg};
use crate::error::{Error, Result};

/// The colour of the losses themselves under a running mean.
const FAINT: Rgb = Rgb(153, 199, 224);
/// The least distance of two markers.
const APART: f64 = 12.0;

/// A figure of a training run: the loss per step on top, and below it the asymptotic
/// convergence factor at the steps where it was measured, on a logarithmic axis.
///
/// The loss axis is logarithmic if all losses are positive and span a decade. A panel without data is
/// omitted. Values that are not finite break the curves.
///
/// ```
/// use multigrad::plot::TrainingPlot;
///
/// let loss: Vec<f64> = (0..100).map(|k| 0.9f64.powi(k)).collect();
/// let plot = TrainingPlot::new("64², ε = 10⁻³").loss(&loss).factor(&[(0, 0.8), (50, 0.3), (99, 0.1)]);
/// assert!(plot.render_svg()?.contains("step"));
/// # Ok::<(), multigrad::error::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a plot is drawn by `write` or `render_svg`"]
pub struct TrainingPlot {
    title: String,
    loss: Vec<f64>,
    factor: Vec<(usize, f64)>,
}

impl TrainingPlot {
    /// A figure without data.
    pub fn new(title: impl AsRef<str>) -> Self {
        Self { title: font::clean(title.as_ref()), loss: Vec::new(), factor: Vec::new() }
    }

    /// The loss of every step, the first of step 0.
    pub fn loss(mut self, loss: &[f64]) -> Self {
        self.loss = loss.to_vec();
        self
    }

    /// Steps and the factor by which one iteration reduced the error at that step (below 1 is convergence),
    /// in any order.
    pub fn factor(mut self, factor: &[(usize, f64)]) -> Self {
        self.factor = factor.to_vec();
        self.factor.sort_by_key(|&(step, _)| step);
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
    /// Neither losses nor factors.
    pub fn render_svg(&self) -> Result<String> {
        svg::render(&self.scene()?)
    }

    fn scene(&self) -> Result<Scene> {
        if self.loss.is_empty() && self.factor.is_empty() {
            return Err(Error::invalid_input("a training plot needs losses or factors"));
        }
        let mut scene = Scene::default();
        let last = self.factor.last().map_or(0, |f| f.0).max(self.loss.len().saturating_sub(1));
        let x = Axis::counts(last, 9);
        let (loss, factor) = (self.loss_axis(), self.factor_axis());
        let left = Panel::left_margin(&loss).max(Panel::left_margin(&factor)) + 10.0;
        let (top, bottom) = (panel::title(&mut scene, &self.title, WIDTH / 2.0) + 14.0, HEIGHT - 78.0);
        let area = |y0: f64, y1: f64| Area { x0: left, y0, x1: WIDTH - 44.0, y1 };
        let split = match (self.loss.is_empty(), self.factor.is_empty()) {
            (false, false) => top + 0.52 * (bottom - top),
            (false, true) => bottom,
            _ => top,
        };
        if !self.loss.is_empty() {
            let panel =
                Panel { area: area(top, split - if split < bottom { 24.0 } else { 0.0 }), x: &x, y: &loss };
            self.draw_loss(&mut scene, &panel, split == bottom);
        }
        if !self.factor.is_empty() {
            let panel =
                Panel { area: area(split + if split > top { 24.0 } else { 0.0 }, bottom), x: &x, y: &factor };
            self.draw_factor(&mut scene, &panel);
        }
        Ok(scene)
    }

    fn draw_loss(&self, scene: &mut Scene, panel: &Panel<'_>, numbers: bool) {
        let look = style::look(0);
        panel.grid(scene);
        let places = |values: &[f64]| -> Vec<Point> {
            values.iter().enumerate().map(|(k, &v)| panel.place(k as f64, v)).collect()
        };
        match curve::running_mean(&self.loss) {
            Some((window, mean)) => {
                panel.line(scene, &places(&self.loss), 1.3, &Look { color: FAINT, ..look });
                panel.line(scene, &places(&mean), STROKE + 0.6, &look);
                key(
                    scene,
                    panel.area,
                    &[
                        ("each step", FAINT, 1.6),
                        (&format!("mean of {window} steps"), look.color, STROKE + 0.6),
                    ],
                );
            }
            None => {
                let all = places(&self.loss);
                panel.line(scene, &all, STROKE, &look);
                panel.markers(scene, all, APART, &look);
            }
        }
        panel.axes(scene, numbers);
        panel.y_label(scene, "loss");
        if numbers {
            panel.x_label(scene, "training step");
        }
    }

    fn draw_factor(&self, scene: &mut Scene, panel: &Panel<'_>) {
        let look = style::look(1);
        panel.grid(scene);
        panel.axes(scene, true);
        let all: Vec<Point> = self.factor.iter().map(|&(step, f)| panel.place(step as f64, f)).collect();
        panel.line(scene, &all, STROKE, &Look { dash: &[], ..look });
        panel.markers(scene, all, APART, &look);
        let whole = "asymptotic factor";
        let room = panel.area.height() + 40.0;
        panel.y_label(scene, if font::width(whole, LABEL, false) < room { whole } else { "factor" });
        panel.x_label(scene, "training step");
    }

    fn loss_axis(&self) -> Axis {
        let finite = self.loss.iter().copied().filter(|v| v.is_finite());
        let (lo, hi) = ends(finite).unwrap_or((0.0, 1.0));
        if lo > 0.0 && hi / lo >= 10.0 {
            return Axis::log(lo, hi);
        }
        let pad = 0.05 * (hi.min(1e300) - lo.max(-1e300));
        Axis::linear(lo - pad, hi + pad, 5)
    }

    fn factor_axis(&self) -> Axis {
        let usable = self.factor.iter().map(|f| f.1).filter(|f| f.is_finite() && *f > 0.0);
        let (lo, hi) = ends(usable).unwrap_or((0.1, 1.0));
        Axis::log(lo, hi)
    }
}

/// The key to the lines of a panel, above its right end.
fn key(scene: &mut Scene, area: Area, entries: &[(&str, Rgb, f64)]) {
    let mut right = area.x1;
    for &(name, color, width) in entries.iter().rev() {
        let y = area.y0 - 10.0;
        scene.text((right, y), name, TICK, Anchor::End);
        let start = right - font::width(name, TICK, false) - 10.0;
        scene.line(vec![(start - 30.0, y - 5.0), (start, y - 5.0)], width, color);
        right = start - 54.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_panels_share_their_steps() {
        let loss: Vec<f64> = (0..300).map(|k| f64::exp(-0.02 * f64::from(k))).collect();
        let svg = TrainingPlot::new("run")
            .loss(&loss)
            .factor(&[(300, 0.05), (0, 0.9), (100, 0.3)])
            .render_svg()
            .unwrap();
        for text in ["run", "loss", "asymptotic factor", "training step", "mean of 15 steps", "0.5", "10⁻²"]
        {
            assert!(svg.contains(&format!(">\n{text}")), "{text}");
        }
        assert_eq!(svg.matches(">\n300\n").count(), 1);
        // Three markers, each a square on a white square.
        assert_eq!(svg.matches("<polygon").count(), 6);
    }

    #[test]
    fn one_panel_will_do_and_none_is_an_error() {
        let factors = TrainingPlot::new("").factor(&[(5, 0.4)]).render_svg().unwrap();
        assert!(!factors.contains(">\nloss"));
        let losses = TrainingPlot::new("").loss(&[3.0]).render_svg().unwrap();
        assert!(losses.contains(">\nloss") && !losses.contains("factor"));
        assert!(TrainingPlot::new("").render_svg().unwrap_err().is_invalid_input());
    }

    #[test]
    fn odd_values_do_no_harm() {
        let odd = [f64::NAN, f64::INFINITY, -1.0, 0.0, f64::MAX, f64::MIN, 1e-320];
        let long: Vec<f64> = odd.iter().copied().cycle().take(100).collect();
        for loss in [&odd[..], &odd[..2], &long[..]] {
            let factor: Vec<_> = loss.iter().enumerate().map(|(k, &f)| (k, f)).collect();
            let svg = TrainingPlot::new("odd").loss(loss).factor(&factor).render_svg().unwrap();
            assert!(!svg.contains("NaN") && !svg.contains("inf"));
        }
    }
}
