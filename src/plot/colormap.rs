//! Viridis, as a palette of 254 colours plus two for "no value" and "outside".

use super::style::{Rgb, WHITE};

/// Number of colours of the map itself.
pub(super) const LEVELS: u8 = 254;
/// Palette index of a point whose value is not finite.
pub(super) const MISSING: u8 = 254;
/// Palette index of points outside the domain.
pub(super) const OUTSIDE: u8 = 255;

/// Every eighth of Viridis's 256 colours (matplotlib, CC0).
const ANCHORS: [[u8; 3]; 33] = [
    [68, 1, 84],
    [71, 13, 96],
    [72, 24, 106],
    [72, 35, 116],
    [71, 45, 123],
    [69, 55, 129],
    [66, 64, 134],
    [62, 73, 137],
    [59, 82, 139],
    [55, 91, 141],
    [51, 99, 141],
    [47, 107, 142],
    [44, 114, 142],
    [41, 122, 142],
    [38, 130, 142],
    [35, 137, 142],
    [33, 145, 140],
    [31, 151, 139],
    [31, 159, 136],
    [33, 166, 133],
    [39, 173, 129],
    [49, 181, 123],
    [61, 188, 116],
    [76, 194, 108],
    [92, 200, 99],
    [110, 206, 88],
    [129, 211, 77],
    [149, 216, 64],
    [170, 220, 50],
    [192, 223, 37],
    [213, 226, 26],
    [234, 229, 26],
    [253, 231, 37],
];

/// The palette index of `t` between 0 (dark) and 1 (bright); NaN is [`MISSING`].
pub(super) fn index(t: f64) -> u8 {
    if t.is_nan() { MISSING } else { (t.clamp(0.0, 1.0) * f64::from(LEVELS - 1)).round() as u8 }
}

/// The colour at a palette index.
pub(super) fn color(index: u8) -> Rgb {
    match index {
        MISSING => Rgb(200, 200, 200),
        OUTSIDE => WHITE,
        _ => {
            let at = f64::from(index) / f64::from(LEVELS - 1) * 32.0;
            let k = (at as usize).min(31);
            let mix = |c: usize| {
                let (a, b) = (f64::from(ANCHORS[k][c]), f64::from(ANCHORS[k + 1][c]));
                (a + (at - k as f64) * (b - a)).round() as u8
            };
            Rgb(mix(0), mix(1), mix(2))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brightness_grows_along_the_map() {
        let light = |i: u8| {
            let Rgb(r, g, b) = color(i);
            0.2126 * f64::from(r) + 0.7152 * f64::from(g) + 0.0722 * f64::from(b)
        };
        for i in 4..LEVELS {
            assert!(light(i) > light(i - 4), "{i}");
        }
        assert_eq!(color(index(0.0)), Rgb(68, 1, 84));
        assert_eq!(color(index(1.0)), Rgb(253, 231, 37));
        assert_eq!(index(f64::NAN), MISSING);
        assert_eq!(index(7.0), LEVELS - 1);
    }
}
