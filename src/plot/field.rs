//! Scalar fields in the plane, in colour.

use std::path::Path;

use super::axis::Axis;
use super::canvas::{Area, Scene};
use super::colorbar;
use super::extent::{bounds, fit, length, steps, widened};
use super::grid::Grid;
use super::panel::{self, Panel};
use super::style::{self, AXIS, HEIGHT, MINOR_GRID, WIDTH};
use super::{font, output, scattered, svg};
use crate::error::{Error, Result};

/// Pixels of the picture per unit of the figure: on a grid, and between scattered points.
const FINE: (f64, f64) = (2.0, 1.5);
/// The largest number of scattered points that are marked by dots.
const DOTTED: usize = 2500;

/// A figure of one value per unknown at the unknown's coordinates, x to the right and y
/// upwards on equal scales, in Viridis's colours with a colour bar.
///
/// Points that form a tensor grid, in any order and possibly with holes, become filled cells (interpolated
/// from 8 × 8 points on). Between other points values are interpolated within their convex hull, except in
/// gaps much wider than the local distance of the points, and dots mark the points if they are few. Values
/// that are not finite are grey.
///
/// ```
/// use multigrad::plot::FieldPlot;
///
/// let points: Vec<[f64; 2]> = (0..100).map(|k| [f64::from(k % 10), f64::from(k / 10)]).collect();
/// let values: Vec<f64> = points.iter().map(|[x, y]| x * y).collect();
/// let svg = FieldPlot::new("x · y", &points, &values)?.label("u").render_svg()?;
/// assert!(svg.contains("<image"));
/// # Ok::<(), multigrad::error::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a plot is drawn by `write` or `render_svg`"]
pub struct FieldPlot {
    title: String,
    label: String,
    points: Vec<[f64; 2]>,
    values: Vec<f64>,
    range: Option<(f64, f64)>,
}

impl FieldPlot {
    /// A figure of `values[k]` at `points[k]`, `[x, y]` in any unit.
    ///
    /// # Errors
    ///
    /// Unequal lengths, no points, a coordinate that is not finite or beyond 10¹⁵⁰.
    pub fn new(title: impl AsRef<str>, points: &[[f64; 2]], values: &[f64]) -> Result<Self> {
        if points.len() != values.len() {
            return Err(Error::dimension(format!(
                "a field plot needs a value per point, but there are {} points and {} values",
                points.len(),
                values.len()
            )));
        }
        if points.is_empty() {
            return Err(Error::invalid_input("a field plot needs at least one point"));
        }
        if let Some(k) = points.iter().position(|p| p.iter().any(|c| c.is_nan() || c.abs() > 1e150)) {
            let [x, y] = points[k];
            return Err(Error::invalid_input(format!("point {} of the field is at ({x}, {y})", k + 1)));
        }
        let (title, label) = (font::clean(title.as_ref()), String::new());
        Ok(Self { title, label, points: points.to_vec(), values: values.to_vec(), range: None })
    }

    /// The name of the field, written beside the colour bar.
    pub fn label(mut self, label: impl AsRef<str>) -> Self {
        self.label = font::clean(label.as_ref());
        self
    }

    /// The values at the ends of the colour bar; values beyond have the colours of the ends. Default: the least and the
    /// largest value.
    pub fn range(mut self, least: f64, largest: f64) -> Self {
        self.range = Some((least, largest));
        self
    }

    /// Writes the figure as SVG or PNG (1920 × 1280 pixels), by the extension.
    ///
    /// # Errors
    ///
    /// Another extension than `.svg` and `.png`; a folder that is missing or not writable. Nothing is written
    /// then.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        output::write(path.as_ref(), || Ok(self.scene()))
    }

    /// The figure as an SVG document of 960 × 640 pixels, the field as an embedded PNG.
    ///
    /// # Errors
    ///
    /// None that input could cause.
    pub fn render_svg(&self) -> Result<String> {
        svg::render(&self.scene())
    }

    pub(super) fn scene(&self) -> Scene {
        let mut scene = Scene::default();
        let grid = Grid::find(&self.points, &self.values);
        let [xs, ys] = [0, 1].map(|axis| match &grid {
            Some(grid) => widened(grid.extent(axis), 0.0),
            None => widened(
                bounds(&self.points, axis),
                0.03 * (0..2).map(|a| length(bounds(&self.points, a))).fold(0.0, f64::max),
            ),
        });
        let top = panel::title(&mut scene, &self.title, WIDTH / 2.0);
        let scale = self.scale();
        let bar = colorbar::width(&scale, &self.label);
        let y_room = 92.0;
        let room = Area { x0: y_room, y0: top, x1: WIDTH - bar - 24.0, y1: HEIGHT - 78.0 };
        let area = fit(&room, length(xs), length(ys));
        // A flat picture keeps its title.
        let gap = (area.y0.min(colorbar::span(&area).0 - 24.0) - top).max(0.0);
        scene.texts.iter_mut().for_each(|title| title.at.1 += gap);
        let x = Axis::linear(xs.0, xs.1, (area.width() / 75.0).ceil() as usize);
        let y = Axis::linear(ys.0, ys.1, (area.height() / 60.0).ceil().max(2.0) as usize);
        let panel = Panel { area, x: &x, y: &y };
        let fine = if grid.is_some() { FINE.0 } else { FINE.1 };
        let across = steps(xs, (area.width() * fine).round() as usize);
        let mut down = steps(ys, (area.height() * fine).round() as usize);
        down.reverse();
        let place = |v: f64| if v.is_finite() { scale.position(v).clamp(0.0, 1.0) } else { f64::NAN };
        match &grid {
            Some(grid) => scene.images.push((area, grid.picture(&across, &down, place))),
            None => self.scattered(&mut scene, &panel, (across.len(), down.len()), place),
        }
        frame(&mut scene, &area);
        panel.axes(&mut scene, true);
        panel.x_label(&mut scene, "x");
        panel.y_label(&mut scene, "y");
        let missing = self.values.iter().any(|v| !v.is_finite());
        colorbar::draw(&mut scene, &area, &scale, &self.label, missing);
        scene
    }

    /// Colours and dots of points without a grid, computed on the figure's own scale.
    fn scattered(
        &self,
        scene: &mut Scene,
        panel: &Panel<'_>,
        (w, h): (usize, usize),
        place: impl Fn(f64) -> f64,
    ) {
        let area = panel.area;
        let points: Vec<[f64; 2]> = self.points.iter().map(|p| panel.place(p[0], p[1]).into()).collect();
        let places: Vec<f64> = self.values.iter().map(|&v| place(v)).collect();
        let image = scattered::picture(
            &points,
            &places,
            &steps((area.x0, area.x1), w),
            &steps((area.y0, area.y1), h),
        );
        scene.images.push((area, image));
        if points.len() <= DOTTED {
            for [x, y] in points {
                scene.glyph((x, y), style::Marker::Disc, 1.7, style::WHITE);
                scene.glyph((x, y), style::Marker::Disc, 1.2, style::INK);
            }
        }
    }

    /// The colour bar's axis: exactly the range of the finite values.
    fn scale(&self) -> Axis {
        let finite = self.values.iter().copied().filter(|v| v.is_finite());
        let (lo, hi) = self.range.unwrap_or_else(|| {
            finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), v| (lo.min(v), hi.max(v)))
        });
        if lo > hi { Axis::linear(0.0, 1.0, 6) } else { Axis::linear(lo, hi, 6) }
    }
}

fn frame(scene: &mut Scene, area: &Area) {
    let Area { x0, y0, x1, y1 } = *area;
    scene.line(vec![(x0, y0), (x1, y0), (x1, y1)], 1.0, MINOR_GRID);
    scene.line(vec![(x0, y0), (x0, y1), (x1, y1)], 1.0, AXIS);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(n: usize) -> Vec<[f64; 2]> {
        (0..n * n).map(|k| [(k % n) as f64 / n as f64, (k / n) as f64 / n as f64]).collect()
    }

    #[test]
    fn a_large_field_gives_a_small_file() {
        let points = grid(512);
        let values: Vec<f64> = points.iter().map(|[x, y]| f64::sin(9.0 * x) * f64::cos(7.0 * y)).collect();
        let plot = FieldPlot::new("waves", &points, &values).unwrap().label("u");
        let svg = plot.render_svg().unwrap();
        assert!(svg.len() < 800_000, "{}", svg.len());
        for text in ["waves", "u", "x", "y", "−0.5", "0.5"] {
            assert!(svg.contains(&format!(">\n{text}\n")), "{text}");
        }
        assert_eq!(svg.matches("<image").count(), 2);
        assert_eq!(svg, plot.render_svg().unwrap());
    }

    #[test]
    fn odd_fields_are_drawn() {
        let scattered = [[0.0, 0.0], [1.0, 0.1], [0.3, 0.7], [0.5, 0.5]];
        let nan = [f64::NAN, 1.0, f64::INFINITY, 2.0];
        let cases: [(&[[f64; 2]], &[f64]); 7] = [
            (&scattered, &nan),
            (&scattered, &[f64::NAN; 4]),
            (&scattered, &[7.0; 4]),
            (&scattered, &[-f64::MAX, f64::MAX, 0.0, 5e-324]),
            (&scattered[..1], &[3.0]),
            (&[[1e9, 1e9], [1e9, 1e9]], &[0.0, 1.0]),
            (&[[0.0, 1e-140], [1e140, -5.0], [1e14, 0.0]], &[0.0, 1.0, 2.0]),
        ];
        for (points, values) in cases {
            let svg = FieldPlot::new("", points, values).unwrap().render_svg().unwrap();
            let drawn: String = svg.lines().filter(|l| !l.starts_with("<image")).collect();
            assert!(!drawn.contains("NaN") && !drawn.contains("inf"));
            assert_eq!(svg.contains(">\nnone"), values.iter().any(|v| !v.is_finite()));
        }
    }

    #[test]
    fn bad_input_is_named() {
        assert!(FieldPlot::new("", &grid(2), &[1.0]).unwrap_err().is_dimension());
        assert!(FieldPlot::new("", &[], &[]).unwrap_err().is_invalid_input());
        let e = FieldPlot::new("", &[[0.0, 0.0], [f64::NAN, 1.0]], &[1.0, 2.0]).unwrap_err();
        assert!(e.to_string().contains("point 2"));
    }
}
