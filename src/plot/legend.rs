//! Legends: the names of the series in a column beside the curves.

use super::canvas::{Anchor, Scene};
use super::font;
use super::style::{Look, TICK};

/// The length of the line sample before a name.
const SAMPLE: f64 = 44.0;
/// The distance from the sample to the name.
const GAP: f64 = 10.0;
/// The distance between lines of a name.
const LINE: f64 = 19.0;
/// The distance between two names.
const APART: f64 = 9.0;

/// A legend of known size.
pub(super) struct Legend {
    entries: Vec<(Look, Vec<String>)>,
    /// Room that it takes from left to right.
    pub width: f64,
}

impl Legend {
    /// Breaks the names so that the legend stays within `width` and `height`.
    pub(super) fn new(names: &[(Look, &str)], width: f64, height: f64) -> Self {
        let limit = width - SAMPLE - GAP;
        let broken = |lines: usize| -> Vec<_> {
            names.iter().map(|(look, name)| (*look, font::wrap(name, TICK, false, limit, lines))).collect()
        };
        let tall = |entries: &[(Look, Vec<String>)]| {
            entries.iter().map(|(_, lines)| lines.len() as f64 * LINE + APART).sum::<f64>()
        };
        let mut entries = broken(1);
        for lines in [3, 2] {
            let more = broken(lines);
            if tall(&more) <= height {
                entries = more;
                break;
            }
        }
        let text = entries.iter().flat_map(|e| &e.1).map(|l| font::width(l, TICK, false)).fold(0.0, f64::max);
        Self { entries, width: SAMPLE + GAP + text }
    }

    /// Draws it with its top left corner at a point.
    pub(super) fn draw(&self, scene: &mut Scene, (x, y): (f64, f64)) {
        let mut top = y;
        for (look, lines) in &self.entries {
            scene.sample((x, top + LINE / 2.0), SAMPLE, look);
            for line in lines {
                scene.text((x + SAMPLE + GAP, top + LINE / 2.0 + 0.36 * TICK), &**line, TICK, Anchor::Start);
                top += LINE;
            }
            top += APART;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::style::look;

    #[test]
    fn long_names_stay_within_their_room() {
        let name = "block Jacobi with learned weights on every level of the hierarchy";
        for (count, lines) in [(6, 18), (9, 18), (12, 12)] {
            let names: Vec<_> = (0..count).map(|i| (look(i), name)).collect();
            let legend = Legend::new(&names, 260.0, 500.0);
            assert!(legend.width <= 260.0);
            let mut scene = Scene::default();
            legend.draw(&mut scene, (0.0, 0.0));
            assert_eq!(scene.texts.len(), lines);
            assert!(scene.texts.iter().all(|t| t.at.1 < 500.0));
        }
    }
}
