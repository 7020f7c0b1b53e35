//! Style common to all figures: colours, dashes, markers and sizes.
//!
//! Series differ in colour (Okabe–Ito, safe for the colour-blind), in dash and in marker, so that a grey
//! print still distinguishes them.

/// Width of a figure in its own units (SVG pixels; a PNG has twice as many).
pub(super) const WIDTH: f64 = 960.0;
/// Height of a figure in its own units.
pub(super) const HEIGHT: f64 = 640.0;

/// Font size (pixels per em) of the title.
pub(super) const TITLE: f64 = 22.0;
/// Font size of axis labels.
pub(super) const LABEL: f64 = 17.0;
/// Font size of tick labels and of the legend.
pub(super) const TICK: f64 = 15.0;
/// Width of a curve.
pub(super) const STROKE: f64 = 2.6;
/// Radius of a marker.
pub(super) const MARKER: f64 = 5.2;

/// A colour, 8 bits per channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rgb(pub u8, pub u8, pub u8);

/// The background, and the exterior of a field.
pub(super) const WHITE: Rgb = Rgb(255, 255, 255);
/// Text.
pub(super) const INK: Rgb = Rgb(34, 34, 34);
/// Axis lines and ticks.
pub(super) const AXIS: Rgb = Rgb(85, 85, 85);
/// Grid lines at labelled values.
pub(super) const GRID: Rgb = Rgb(221, 221, 221);
/// Grid lines between them.
pub(super) const MINOR_GRID: Rgb = Rgb(240, 240, 240);

/// Okabe–Ito without its yellow, which vanishes on white.
const PALETTE: [Rgb; 7] = [
    Rgb(0, 114, 178),
    Rgb(213, 94, 0),
    Rgb(0, 158, 115),
    Rgb(204, 121, 167),
    Rgb(34, 34, 34),
    Rgb(230, 159, 0),
    Rgb(86, 180, 233),
];

/// Lengths of ink and gap in turn, in units; empty for a solid line. Round caps add one stroke width to each
/// piece of ink.
const DASHES: [&[f64]; 5] = [&[], &[10.0, 7.0], &[14.0, 6.5, 0.0, 6.5], &[0.0, 5.5], &[22.0, 7.0, 6.0, 7.0]];

/// Markers of the points of a curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marker {
    /// A disc.
    Disc,
    /// An upright square.
    Square,
    /// A triangle that points up.
    Up,
    /// A square on its corner.
    Diamond,
    /// A triangle that points down.
    Down,
    /// A five-pointed star.
    Star,
    /// A hexagon.
    Hexagon,
}

const MARKERS: [Marker; 7] =
    [Marker::Disc, Marker::Square, Marker::Up, Marker::Diamond, Marker::Down, Marker::Star, Marker::Hexagon];

impl Marker {
    /// Corners around the origin for radius 1, in pixel orientation (y down); `None`
    /// for a disc. Areas are alike.
    pub(super) fn corners(self) -> Option<Vec<(f64, f64)>> {
        let ring = |n: usize, start: f64, radius: f64| {
            (0..n)
                .map(|k| {
                    let t = start + std::f64::consts::TAU * k as f64 / n as f64;
                    (radius * t.cos(), radius * t.sin())
                })
                .collect::<Vec<_>>()
        };
        let quarter = std::f64::consts::FRAC_PI_2;
        match self {
            Marker::Disc => None,
            Marker::Square => Some(ring(4, quarter / 2.0, 1.25)),
            Marker::Diamond => Some(ring(4, 0.0, 1.3)),
            Marker::Up => Some(ring(3, -quarter, 1.4)),
            Marker::Down => Some(ring(3, quarter, 1.4)),
            Marker::Hexagon => Some(ring(6, 0.0, 1.15)),
            Marker::Star => {
                let (outer, inner) = (ring(5, -quarter, 1.5), ring(5, -quarter + quarter * 0.4, 0.7));
                Some(outer.into_iter().zip(inner).flat_map(|(a, b)| [a, b]).collect())
            }
        }
    }
}

/// The style of one series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Look {
    /// Colour of line and marker.
    pub color: Rgb,
    /// Ink and gap in turn, in units.
    pub dash: &'static [f64],
    /// Shape at the points.
    pub marker: Marker,
    /// A white centre in the marker: the second round of colours.
    pub hollow: bool,
}

/// The style of series number `index`; the first 35 differ.
pub(super) fn look(index: usize) -> Look {
    Look {
        color: PALETTE[index % PALETTE.len()],
        dash: DASHES[index % DASHES.len()],
        marker: MARKERS[index % MARKERS.len()],
        hollow: (index / MARKERS.len()) % 2 == 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_series_look_different_even_in_grey() {
        let looks: Vec<Look> = (0..12).map(look).collect();
        for (i, a) in looks.iter().enumerate() {
            for b in &looks[..i] {
                assert!((a.marker, a.hollow, a.dash) != (b.marker, b.hollow, b.dash));
                assert!((a.color, a.dash) != (b.color, b.dash));
            }
        }
    }

    #[test]
    fn markers_are_centred() {
        for marker in MARKERS {
            if let Some(corners) = marker.corners() {
                let (sx, sy) = corners.iter().fold((0.0, 0.0), |s, c| (s.0 + c.0, s.1 + c.1));
                assert!(f64::abs(sx) < 1e-12 && f64::abs(sy) < 1e-12);
            }
        }
    }
}
