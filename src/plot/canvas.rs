//! Figures as lists of shapes, in units of an SVG pixel from the top left corner.
//!
//! A figure is laid out once; `svg` and `raster` only replay the list.

use super::style::{Look, MARKER, Marker, Rgb, STROKE, WHITE};

/// A point on the figure, `(x, y)`, y down.
pub(super) type Point = (f64, f64);

/// A rectangle of the figure: left, top, right, bottom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Area {
    /// Left edge.
    pub x0: f64,
    /// Top edge.
    pub y0: f64,
    /// Right edge.
    pub x1: f64,
    /// Bottom edge.
    pub y1: f64,
}

impl Area {
    /// Extent from left to right.
    pub(super) fn width(&self) -> f64 {
        self.x1 - self.x0
    }

    /// Extent from top to bottom.
    pub(super) fn height(&self) -> f64 {
        self.y1 - self.y0
    }

    /// Whether the point is inside or on the edge.
    pub(super) fn contains(&self, p: Point) -> bool {
        p.0 >= self.x0 - 1e-9 && p.0 <= self.x1 + 1e-9 && p.1 >= self.y0 - 1e-9 && p.1 <= self.y1 + 1e-9
    }
}

/// A picture of palette indices, row by row from the top.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Indexed {
    /// Pixels per row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `width * height` indices into the colours of [`super::colormap`].
    pub pixels: Vec<u8>,
}

/// A shape of a figure.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    /// A polyline with round joins and caps; a single point is a dot.
    Line { points: Vec<Point>, width: f64, color: Rgb },
    /// A filled polygon.
    Polygon { points: Vec<Point>, color: Rgb },
    /// A filled disc.
    Disc { center: Point, radius: f64, color: Rgb },
}

/// The anchor of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    /// The beginning.
    Start,
    /// The middle.
    Middle,
    /// The end.
    End,
}

/// One line of text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Text {
    /// The anchor on the baseline.
    pub at: Point,
    /// The text.
    pub text: String,
    /// Pixels per em.
    pub size: f64,
    /// Bold or regular.
    pub bold: bool,
    /// Its colour.
    pub color: Rgb,
    /// The anchor at `at`.
    pub anchor: Anchor,
    /// Reads from bottom to top.
    pub vertical: bool,
}

/// A figure: pictures at the back, then shapes in drawing order, then texts on top.
#[derive(Debug, Default)]
pub(super) struct Scene {
    /// Pictures, each stretched over an area.
    pub images: Vec<(Area, Indexed)>,
    /// Shapes, the first at the back.
    pub shapes: Vec<Shape>,
    /// Texts, in front of all shapes.
    pub texts: Vec<Text>,
}

impl Scene {
    /// A solid polyline; nothing without points.
    pub(super) fn line(&mut self, points: Vec<Point>, width: f64, color: Rgb) {
        if !points.is_empty() {
            self.shapes.push(Shape::Line { points, width, color });
        }
    }

    /// A polyline in dashes: lengths of ink and gap in turn.
    pub(super) fn dashed(&mut self, points: Vec<Point>, width: f64, color: Rgb, dash: &[f64]) {
        if dash.len() < 2 || points.len() < 2 {
            return self.line(points, width, color);
        }
        let (mut phase, mut left) = (0, dash[0]);
        let mut piece = vec![points[0]];
        for pair in points.windows(2) {
            let (mut a, b) = (pair[0], pair[1]);
            let mut length = (b.0 - a.0).hypot(b.1 - a.1);
            while length > left {
                let t = left / length;
                a = (a.0 + t * (b.0 - a.0), a.1 + t * (b.1 - a.1));
                length -= left;
                if phase % 2 == 0 {
                    piece.push(a);
                    self.line(std::mem::take(&mut piece), width, color);
                } else {
                    piece = vec![a];
                }
                phase = (phase + 1) % dash.len();
                left = dash[phase];
            }
            left -= length;
            if phase % 2 == 0 {
                piece.push(b);
            }
        }
        if phase % 2 == 0 && piece.len() > 1 {
            self.line(piece, width, color);
        }
    }

    /// A marker with a thin white rim that separates it from the lines below.
    pub(super) fn marker(&mut self, at: Point, look: &Look) {
        self.glyph(at, look.marker, MARKER + 1.4, WHITE);
        self.glyph(at, look.marker, MARKER, look.color);
        if look.hollow {
            self.glyph(at, look.marker, MARKER - 2.2, WHITE);
        }
    }

    /// A marker's bare shape.
    pub(super) fn glyph(&mut self, at: Point, marker: Marker, radius: f64, color: Rgb) {
        self.shapes.push(match marker.corners() {
            None => Shape::Disc { center: at, radius, color },
            Some(c) => {
                let points = c.iter().map(|p| (at.0 + radius * p.0, at.1 + radius * p.1)).collect();
                Shape::Polygon { points, color }
            }
        });
    }

    /// A short piece of a series for the legend, from `at` to the right, with symmetric dashes around the
    /// marker.
    pub(super) fn sample(&mut self, at: Point, length: f64, look: &Look) {
        let middle = (at.0 + length / 2.0, at.1);
        for end in [at.0, at.0 + length] {
            let start = middle.0 + (MARKER + 3.0) * (end - middle.0).signum();
            self.dashed(vec![(end, at.1), (start, at.1)], STROKE, look.color, look.dash);
        }
        self.marker(middle, look);
    }

    /// A line of regular text in the ink colour.
    pub(super) fn text(&mut self, at: Point, text: impl Into<String>, size: f64, anchor: Anchor) {
        let (text, color) = (text.into(), super::style::INK);
        self.texts.push(Text { at, text, size, bold: false, color, anchor, vertical: false });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::style::INK;

    fn ink(scene: &Scene) -> f64 {
        let length =
            |p: &[Point]| p.windows(2).map(|w| (w[1].0 - w[0].0).hypot(w[1].1 - w[0].1)).sum::<f64>();
        scene
            .shapes
            .iter()
            .map(|s| if let Shape::Line { points, .. } = s { length(points) } else { 0.0 })
            .sum()
    }

    #[test]
    fn dashes_go_round_corners_and_cover_their_share() {
        let mut scene = Scene::default();
        let path = vec![(0.0, 0.0), (35.0, 0.0), (35.0, 65.0)];
        scene.dashed(path.clone(), 2.0, INK, &[6.0, 4.0]);
        assert_eq!(scene.shapes.len(), 10);
        assert!((ink(&scene) - 60.0).abs() < 1e-9);
        let mut full = Scene::default();
        full.dashed(path, 2.0, INK, &[]);
        assert_eq!(full.shapes.len(), 1);
    }
}
