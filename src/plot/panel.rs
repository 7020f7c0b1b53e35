//! Panels: a pair of axes with grid, ticks and labels, and the title of a figure.

use super::axis::Axis;
use super::canvas::{Anchor, Area, Point, Scene, Text};
use super::style::{AXIS, GRID, INK, LABEL, Look, MINOR_GRID, TICK, TITLE, WIDTH};
use super::{curve, font};

/// Distance of the labels from the axis.
const GAP: f64 = 10.0;

/// Writes the title, on two lines if necessary; returns the upper edge of the remaining area.
pub(super) fn title(scene: &mut Scene, title: &str, center: f64) -> f64 {
    if title.is_empty() {
        return 24.0;
    }
    let limit = 2.0 * center.min(WIDTH - center) - 40.0;
    let mut baseline = 20.0;
    for line in font::wrap(title, TITLE, true, limit, 2) {
        baseline += 28.0 - 8.0 * f64::from(u8::from(baseline < 21.0));
        let at = (center, baseline);
        let (size, bold, anchor) = (TITLE, true, Anchor::Middle);
        scene.texts.push(Text { at, text: line, size, bold, color: INK, anchor, vertical: false });
    }
    baseline + 24.0
}

/// Two axes around an area.
pub(super) struct Panel<'a> {
    /// The area of the data.
    pub area: Area,
    /// The horizontal axis.
    pub x: &'a Axis,
    /// The vertical axis.
    pub y: &'a Axis,
}

impl Panel<'_> {
    /// The width that the labels of a vertical axis need to its left, with its name.
    pub(super) fn left_margin(y: &Axis) -> f64 {
        widest(y) + GAP + LABEL + 24.0
    }

    /// The position of a pair of values on the figure.
    pub(super) fn place(&self, x: f64, y: f64) -> Point {
        (
            self.area.x0 + self.x.position(x) * self.area.width(),
            self.area.y1 - self.y.position(y) * self.area.height(),
        )
    }

    /// Grid lines, behind everything else, the faint ones first.
    pub(super) fn grid(&self, scene: &mut Scene) {
        let Area { x0, y0, x1, y1 } = self.area;
        let places = |axis: &Axis, values: &[f64]| -> Vec<f64> {
            let inside = |t: &f64| (-1e-9..=1.0 + 1e-9).contains(t);
            values.iter().map(|&v| axis.position(v)).filter(inside).collect()
        };
        let labelled = |axis: &Axis| axis.ticks.iter().map(|t| t.value).collect::<Vec<_>>();
        let faint = [places(self.y, &self.y.minor), places(self.x, &self.x.minor)];
        let strong = [places(self.y, &labelled(self.y)), places(self.x, &labelled(self.x))];
        for ([rows, columns], color) in [(faint, MINOR_GRID), (strong, GRID)] {
            for t in rows {
                let y = y1 - t * (y1 - y0);
                scene.line(vec![(x0, y), (x1, y)], 1.0, color);
            }
            for t in columns {
                let x = x0 + t * (x1 - x0);
                scene.line(vec![(x, y0), (x, y1)], 1.0, color);
            }
        }
    }

    /// Axis lines, ticks and their labels; `numbers` says whether the horizontal axis has numbers too.
    pub(super) fn axes(&self, scene: &mut Scene, numbers: bool) {
        let Area { x0, y0, x1, y1 } = self.area;
        scene.line(vec![(x0, y0), (x0, y1), (x1, y1)], 1.4, AXIS);
        let inside = |t: f64| (-1e-9..=1.0 + 1e-9).contains(&t);
        for tick in self.y.ticks.iter().filter(|t| inside(self.y.position(t.value))) {
            let y = self.place(0.0, tick.value).1;
            scene.line(vec![(x0 - 5.0, y), (x0, y)], 1.4, AXIS);
            scene.text((x0 - GAP, y + 0.36 * TICK), &*tick.label, TICK, Anchor::End);
        }
        for tick in self.x.ticks.iter().filter(|t| inside(self.x.position(t.value))) {
            let x = x0 + self.x.position(tick.value) * (x1 - x0);
            scene.line(vec![(x, y1), (x, y1 + 5.0)], 1.4, AXIS);
            if numbers {
                scene.text((x, y1 + GAP + 0.8 * TICK), &*tick.label, TICK, Anchor::Middle);
            }
        }
        if let Some(factor) = &self.y.factor {
            scene.text((x0, y0 - 8.0), &**factor, TICK, Anchor::Middle);
        }
        if let (Some(factor), true) = (&self.x.factor, numbers) {
            scene.text((x1, y1 + 2.0 * GAP + 2.0 * TICK), &**factor, TICK, Anchor::End);
        }
    }

    /// A curve through points on the figure, broken at NaN.
    pub(super) fn line(&self, scene: &mut Scene, places: &[Point], width: f64, look: &Look) {
        for piece in curve::clip(&curve::thin(places.iter().copied()), &self.area).pieces {
            scene.dashed(piece, width, look.color, look.dash);
        }
    }

    /// Markers on the points inside, at least `gap` apart.
    pub(super) fn markers(&self, scene: &mut Scene, mut places: Vec<Point>, gap: f64, look: &Look) {
        places.retain(|&p| self.area.contains(p));
        for at in curve::marked(&places, gap, 0.0) {
            scene.marker(at, look);
        }
    }

    /// The name of the horizontal axis.
    pub(super) fn x_label(&self, scene: &mut Scene, label: &str) {
        let at = ((self.area.x0 + self.area.x1) / 2.0, self.area.y1 + 52.0);
        let text = font::cut(label, LABEL, false, self.area.width() + 60.0);
        scene.text(at, text, LABEL, Anchor::Middle);
    }

    /// The name of the vertical axis, left of the widest number.
    pub(super) fn y_label(&self, scene: &mut Scene, label: &str) {
        let x = self.area.x0 - widest(self.y) - GAP - 12.0;
        vertical(scene, x, (self.area.y0, self.area.y1), label);
    }
}

/// Text that reads upwards, centred between two heights, its baseline at `x`; one or two
/// letters stay upright.
pub(super) fn vertical(scene: &mut Scene, x: f64, (y0, y1): (f64, f64), label: &str) {
    let middle = (y0 + y1) / 2.0;
    if label.chars().count() <= 2 {
        return scene.text((x - 0.3 * LABEL, middle + 0.36 * LABEL), label, LABEL, Anchor::Middle);
    }
    let text = font::cut(label, LABEL, false, y1 - y0 + 40.0);
    scene.text((x, middle), text, LABEL, Anchor::Middle);
    if let Some(text) = scene.texts.last_mut() {
        text.vertical = true;
    }
}

fn widest(axis: &Axis) -> f64 {
    axis.ticks.iter().map(|t| font::width(&t.label, TICK, false)).fold(0.0, f64::max)
}
