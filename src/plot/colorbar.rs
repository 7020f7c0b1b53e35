//! Colour bar beside a field.

use super::axis::Axis;
use super::canvas::{Anchor, Area, Indexed, Scene};
use super::style::{AXIS, LABEL, TICK};
use super::{colormap, font, panel};

/// The distance from the field to the bar.
const APART: f64 = 26.0;
/// The width of the bar.
const BAR: f64 = 20.0;
/// The distance from the bar to its numbers.
const GAP: f64 = 10.0;

/// The width that the bar needs to the right of a field, with numbers and name.
pub(super) fn width(scale: &Axis, label: &str) -> f64 {
    let factor = scale.factor.as_deref().map_or(0.0, |f| font::width(f, TICK, false) - BAR);
    let name = if label.is_empty() { 0.0 } else { LABEL + 14.0 };
    APART + BAR + (GAP + numbers(scale) + name).max(factor / 2.0)
}

fn numbers(scale: &Axis) -> f64 {
    scale.ticks.iter().map(|t| font::width(&t.label, TICK, false)).fold(0.0, f64::max)
}

/// The height of the bar: that of the field, but at least a readable one.
pub(super) fn span(field: &Area) -> (f64, f64) {
    let middle = (field.y0 + field.y1) / 2.0;
    let half = (field.height() / 2.0).max(120.0);
    (middle - half, middle + half)
}

/// Draws the bar to the right of a field, and below it the grey of missing values if there are any.
pub(super) fn draw(scene: &mut Scene, field: &Area, scale: &Axis, label: &str, missing: bool) {
    let legend = if missing { 34.0 } else { 0.0 };
    let (y0, bottom) = span(field);
    let y1 = bottom - legend;
    let x0 = field.x1 + APART;
    let area = Area { x0, y0, x1: x0 + BAR, y1 };
    let levels: Vec<u8> = (0..colormap::LEVELS).rev().collect();
    scene.images.push((area, Indexed { width: 1, height: levels.len(), pixels: levels }));
    outline(scene, &area);
    for tick in &scale.ticks {
        let t = scale.position(tick.value);
        if (-1e-9..=1.0 + 1e-9).contains(&t) {
            let y = y1 - t * (y1 - y0);
            scene.line(vec![(area.x1, y), (area.x1 + 5.0, y)], 1.4, AXIS);
            scene.text((area.x1 + GAP, y + 0.36 * TICK), &*tick.label, TICK, Anchor::Start);
        }
    }
    if let Some(factor) = &scale.factor {
        scene.text((x0 + BAR / 2.0, y0 - 10.0), &**factor, TICK, Anchor::Middle);
    }
    if !label.is_empty() {
        panel::vertical(scene, area.x1 + GAP + numbers(scale) + 8.0 + LABEL, (y0, y1), label);
    }
    if missing {
        let grey = Area { x0, y0: y1 + legend - BAR, x1: x0 + BAR, y1: y1 + legend };
        scene.images.push((grey, Indexed { width: 1, height: 1, pixels: vec![colormap::MISSING] }));
        outline(scene, &grey);
        scene.text((area.x1 + GAP, grey.y1 - BAR / 2.0 + 0.36 * TICK), "none", TICK, Anchor::Start);
    }
}

fn outline(scene: &mut Scene, area: &Area) {
    let Area { x0, y0, x1, y1 } = *area;
    scene.line(vec![(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)], 1.0, AXIS);
}
