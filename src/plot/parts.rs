//! Plots of the subdomains of a mesh, a grid or a cloud of points.

use std::collections::BTreeMap;
use std::path::Path;

use super::canvas::{Area, Point, Scene, Shape};
use super::extent::{bounds, fit, length, widened};
use super::shades::{NOBODY, shades};
use super::style::{self, AXIS, HEIGHT, Marker, WHITE, WIDTH};
use super::tiling::{Ground, Ring, area, spacing, trails};
use super::{font, output, panel, svg};
use crate::error::{Error, Result};

/// The largest number of triangles for which the edges of a mesh are drawn.
const DRAWN: usize = 25_000;
/// The distance from the edges of the figure.
const MARGIN: f64 = 24.0;

/// A figure of the part to which every vertex of a mesh, every triangle or every point
/// belongs, x to the right and y upwards on equal scales, in eight soft colours that
/// differ where parts meet.
///
/// The line between vertices of different parts runs through the midpoints of edges. Without triangles,
/// points that form a tensor grid, in any order and possibly with holes, become its cells, and other points
/// dots. [`outline`](Self::outline) draws a line around some points, such as a part with its overlap.
///
/// ```
/// use multigrad::plot::PartsPlot;
///
/// let points: Vec<[f64; 2]> = (0..16).map(|k| [f64::from(k % 4), f64::from(k / 4)]).collect();
/// let parts: Vec<u32> = (0..16).map(|k| k % 4 / 2 + k / 8 * 2).collect();
/// let plot = PartsPlot::new("four parts", &points, &[], &parts)?.outline(&[0, 1, 2, 4, 5, 6])?;
/// assert!(plot.render_svg()?.contains("four parts"));
/// # Ok::<(), multigrad::error::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a plot is drawn by `write` or `render_svg`"]
pub struct PartsPlot {
    title: String,
    points: Vec<[f64; 2]>,
    /// All anticlockwise.
    triangles: Vec<[u32; 3]>,
    parts: Vec<u32>,
    /// Whether parts belong to triangles instead of points.
    of_triangles: bool,
    outlines: Vec<Vec<u32>>,
}

impl PartsPlot {
    /// The part number of items without a part, which are drawn in grey.
    pub const NONE: u32 = u32::MAX;

    /// A figure of the part of every point, `[x, y]` in any unit; `triangles` holds the points
    /// of each, counted from 0, or is empty.
    ///
    /// # Errors
    /// A number of parts other than of points; no points; a coordinate that is not finite or beyond 10¹⁵⁰; a
    /// triangle with a point that does not exist.
    pub fn new(
        title: impl AsRef<str>,
        points: &[[f64; 2]],
        triangles: &[[u32; 3]],
        part_of_point: &[u32],
    ) -> Result<Self> {
        Self::checked(title.as_ref(), points, triangles, part_of_point, false)
    }

    /// A figure of the part of every triangle, otherwise as [`new`](Self::new).
    ///
    /// # Errors
    /// A number of parts other than of triangles; no triangles; otherwise as [`new`](Self::new).
    pub fn of_triangles(
        title: impl AsRef<str>,
        points: &[[f64; 2]],
        triangles: &[[u32; 3]],
        part_of_triangle: &[u32],
    ) -> Result<Self> {
        if triangles.is_empty() {
            return Err(Error::invalid_input("a plot of parts of triangles needs at least one triangle"));
        }
        Self::checked(title.as_ref(), points, triangles, part_of_triangle, true)
    }

    fn checked(
        title: &str,
        points: &[[f64; 2]],
        triangles: &[[u32; 3]],
        parts: &[u32],
        of_triangles: bool,
    ) -> Result<Self> {
        let (items, what) =
            if of_triangles { (triangles.len(), "triangles") } else { (points.len(), "points") };
        if parts.len() != items {
            return Err(Error::dimension(format!(
                "a plot of parts needs a part for each of {items} {what}, got {}",
                parts.len()
            )));
        }
        if points.is_empty() {
            return Err(Error::invalid_input("a plot of parts needs at least one point"));
        }
        if let Some(k) = points.iter().position(|p| p.iter().any(|c| c.is_nan() || c.abs() > 1e150)) {
            let [x, y] = points[k];
            return Err(Error::invalid_input(format!("point {} of the plot is at ({x}, {y})", k + 1)));
        }
        let missing = |t: &[u32; 3]| t.iter().any(|&v| v as usize >= points.len());
        if let Some(t) = triangles.iter().position(missing) {
            return Err(Error::invalid_input(format!(
                "triangle {} of the plot has a point beyond the {} there are",
                t + 1,
                points.len()
            )));
        }
        let turned = |&[a, b, c]: &[u32; 3]| {
            let [p, q, r] = [a, b, c].map(|v| points[v as usize]);
            let area = (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]);
            if area < 0.0 { [a, c, b] } else { [a, b, c] }
        };
        Ok(Self {
            title: font::clean(title),
            points: points.to_vec(),
            triangles: triangles.iter().map(turned).collect(),
            parts: parts.to_vec(),
            of_triangles,
            outlines: Vec::new(),
        })
    }

    /// Draws a heavy line around the given points, counted from 0; every call uses another colour.
    ///
    /// # Errors
    /// A point that does not exist.
    pub fn outline(mut self, points: &[u32]) -> Result<Self> {
        if let Some(v) = points.iter().find(|&&v| v as usize >= self.points.len()) {
            return Err(Error::invalid_input(format!(
                "the outline has point {}, but there are {} points",
                u64::from(*v) + 1,
                self.points.len()
            )));
        }
        self.outlines.push(points.to_vec());
        Ok(self)
    }

    /// Writes the figure as SVG or PNG (1920 × 1280 pixels), by the extension.
    ///
    /// # Errors
    /// Another extension than `.svg` and `.png`; a folder that is missing or not writable. Nothing is written
    /// then.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        output::write(path.as_ref(), || Ok(self.scene()))
    }

    /// The figure as an SVG document of 960 × 640 pixels.
    ///
    /// # Errors
    /// None that input could cause.
    pub fn render_svg(&self) -> Result<String> {
        svg::render(&self.scene())
    }

    fn scene(&self) -> Scene {
        let mut scene = Scene::default();
        let top = panel::title(&mut scene, &self.title, WIDTH / 2.0) - 8.0;
        let by_points = if self.triangles.is_empty() {
            Ground::of_points(&self.points)
        } else {
            Ground::Vertices { points: self.points.clone(), triangles: self.triangles.clone() }
        };
        let by_triangles = self
            .of_triangles
            .then(|| Ground::Triangles { points: self.points.clone(), triangles: self.triangles.clone() });
        let ground = by_triangles.as_ref().unwrap_or(&by_points);
        let around = spacing(&self.points);
        let pad = if self.triangles.is_empty() { around / 2.0 } else { 0.0 };
        let [xs, ys] = [0, 1].map(|axis| widened(bounds(&self.points, axis), pad));
        let room = Area { x0: MARGIN, y0: top, x1: WIDTH - MARGIN, y1: HEIGHT - MARGIN };
        let area = fit(&room, length(xs), length(ys));
        let place = |[x, y]: [f64; 2]| -> Point {
            let (x, y) = ((x - xs.0) / length(xs), (y - ys.0) / length(ys));
            (area.x0 + x * area.width(), area.y1 - y * area.height())
        };
        let shades = shades(&self.parts, &ground.neighbours());
        let shade = |part: u32| {
            if part == Self::NONE { NOBODY } else { shades.get(&part).copied().unwrap_or(NOBODY) }
        };
        let regions = ground.regions(&self.parts);
        for (part, ring) in from_large_to_small(&regions) {
            let color = part.map_or(WHITE, shade);
            scene.shapes.push(Shape::Polygon { points: closed(ring, place), color });
        }
        if self.triangles.len() <= DRAWN {
            for trail in trails(&self.triangles) {
                let line = trail.into_iter().map(|v| place(self.points[v as usize])).collect();
                scene.line(line, 0.5, WHITE);
            }
        }
        for ring in regions.values().flatten() {
            scene.line(closed(ring, place), 1.2, AXIS);
        }
        let dot = 0.3 * around / length(xs) * area.width();
        if let Ground::Points(points) = ground {
            for (&p, &part) in points.iter().zip(&self.parts) {
                scene.glyph(place(p), Marker::Disc, dot.clamp(1.0, 14.0), shade(part));
            }
        }
        for (k, outline) in self.outlines.iter().enumerate() {
            let mut inside = vec![0; self.points.len()];
            outline.iter().for_each(|&v| inside[v as usize] = 1);
            let color = style::look(k).color;
            let rings = by_points.regions(&inside).remove(&1).unwrap_or_default();
            for (width, color) in [(5.0, WHITE), (3.0, color)] {
                rings.iter().for_each(|ring| scene.line(closed(ring, place), width, color));
            }
            if let Ground::Points(points) = &by_points {
                let circle = |p: Point| {
                    let angle = |k: u32| (f64::from(k) * std::f64::consts::TAU / 24.0).sin_cos();
                    let radius = dot.clamp(1.0, 14.0) + 1.5;
                    (0..=24).map(|k| (p.0 + radius * angle(k).1, p.1 + radius * angle(k).0)).collect()
                };
                for (&p, _) in points.iter().zip(&inside).filter(|(_, inside)| **inside == 1) {
                    scene.line(circle(place(p)), 1.6, color);
                }
            }
        }
        scene
    }
}

/// All rings in filling order, including those around holes without a part.
///
/// Regions within a ring are smaller and come later. A hole and the region that fills it exactly have equal
/// areas except for rounding: the hole comes first.
fn from_large_to_small(regions: &BTreeMap<u32, Vec<Ring>>) -> Vec<(Option<u32>, &Ring)> {
    let all = regions.iter().flat_map(|(&part, rings)| rings.iter().map(move |ring| (part, ring)));
    let mut order: Vec<(f64, Option<u32>, &Ring)> = all
        .map(|(part, ring)| {
            let area = area(ring);
            (area.abs(), (area >= 0.0).then_some(part), ring)
        })
        .collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0));
    for equal in order.chunk_by_mut(|a, b| a.0 - b.0 <= 1e-9 * a.0) {
        equal.sort_by_key(|(_, part, _)| part.is_some());
    }
    order.into_iter().map(|(_, part, ring)| (part, ring)).collect()
}

fn closed(ring: &Ring, place: impl Fn([f64; 2]) -> Point) -> Vec<Point> {
    ring.iter().chain(ring.first()).map(|&p| place(p)).collect()
}

#[cfg(test)]
#[path = "parts_tests.rs"]
mod tests;
