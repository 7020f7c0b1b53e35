//! Scenes as SVG, through the SVG backend of `plotters`.

use plotters::backend::{DrawingBackend, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    Color, FontDesc, FontFamily, FontStyle, FontTransform, RGBColor, ShapeStyle, TextStyle,
};

use super::canvas::{Anchor, Scene, Shape, Text};
use super::style::{HEIGHT, Rgb, WHITE, WIDTH};
use super::{font, raster};
use crate::error::{Error, Result};

/// The backend knows whole numbers only: it draws in tenths of a unit.
const FINE: f64 = 10.0;

fn fine(v: f64) -> i32 {
    (v * FINE).round() as i32
}

fn solid(Rgb(r, g, b): Rgb, width: f64) -> ShapeStyle {
    ShapeStyle { color: RGBColor(r, g, b).to_rgba(), filled: true, stroke_width: fine(width).max(1) as u32 }
}

/// The figure as an SVG document; the same scene gives the same bytes.
pub(super) fn render(scene: &Scene) -> Result<String> {
    let mut out = String::new();
    let size = ((WIDTH * FINE) as u32, (HEIGHT * FINE) as u32);
    paint(SVGBackend::with_string(&mut out, size), scene)
        .map_err(|e| Error::format(format!("the figure could not be drawn as SVG: {e}")))?;
    let coarse = format!("width=\"{}\" height=\"{}\" ", size.0, size.1);
    let header =
        format!("width=\"{WIDTH}\" height=\"{HEIGHT}\" stroke-linejoin=\"round\" stroke-linecap=\"round\" ");
    let mut out = out.replacen(&coarse, &header, 1);
    // The pictures go behind everything except the background, the first element.
    let behind = out.match_indices('\n').nth(1).map_or(out.len(), |(at, _)| at + 1);
    out.insert_str(behind, &pictures(scene)?);
    Ok(out)
}

fn pictures(scene: &Scene) -> Result<String> {
    let mut tags = String::new();
    for (area, image) in &scene.images {
        tags += &format!(
            "<image x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\" \
             href=\"data:image/png;base64,{}\"/>\n",
            fine(area.x0),
            fine(area.y0),
            fine(area.x1) - fine(area.x0),
            fine(area.y1) - fine(area.y0),
            base64(&raster::encode_indexed(image)?),
        );
    }
    Ok(tags)
}

type Drawn = std::result::Result<(), Box<dyn std::error::Error>>;

fn paint(mut to: SVGBackend<'_>, scene: &Scene) -> Drawn {
    to.draw_rect((0, 0), (fine(WIDTH), fine(HEIGHT)), &solid(WHITE, 0.0), true)?;
    for shape in &scene.shapes {
        let place = |p: &(f64, f64)| (fine(p.0), fine(p.1));
        match shape {
            Shape::Line { points, width, color } => {
                let mut path: Vec<_> = points.iter().map(place).collect();
                path.dedup();
                if let [dot] = path[..] {
                    path.push(dot);
                }
                to.draw_path(path, &solid(*color, *width))?;
            }
            Shape::Polygon { points, color } => {
                to.fill_polygon(points.iter().map(place), &solid(*color, 0.0))?;
            }
            Shape::Disc { center, radius, color } => {
                to.draw_circle(place(center), fine(*radius).max(0) as u32, &solid(*color, 0.0), true)?;
            }
        }
    }
    for text in &scene.texts {
        write_text(&mut to, text)?;
    }
    to.present()?;
    Ok(())
}

fn write_text(to: &mut SVGBackend<'_>, text: &Text) -> Drawn {
    let weight = if text.bold { FontStyle::Bold } else { FontStyle::Normal };
    // plotters writes size / 1.24 as the font size, and puts the baseline of a text
    // that hangs from its top .76 em below its place.
    let mut face = FontDesc::new(FontFamily::Name(font::FAMILY), text.size * FINE * 1.24, weight);
    let mut at = (fine(text.at.0), fine(text.at.1));
    let rise = fine(0.76 * text.size);
    if text.vertical {
        face = face.transform(FontTransform::Rotate270);
        at.0 -= rise;
    } else {
        at.1 -= rise;
    }
    let h = match text.anchor {
        Anchor::Start => HPos::Left,
        Anchor::Middle => HPos::Center,
        Anchor::End => HPos::Right,
    };
    let Rgb(r, g, b) = text.color;
    let color = RGBColor(r, g, b);
    let style = TextStyle::from(face).color(&color).pos(Pos::new(h, VPos::Top));
    to.draw_text(&text.text, &style, at)?;
    Ok(())
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |w, &b| (w << 8) | u32::from(b)) << (8 * (3 - chunk.len()));
        for k in 0..4 {
            let digit = DIGITS[(word >> (18 - 6 * k)) as usize & 63];
            out.push(if k <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::style::INK;

    #[test]
    fn base64_matches_the_standard_examples() {
        for (plain, coded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn text_is_escaped_and_dots_are_kept() {
        let mut scene = Scene::default();
        scene.text((10.0, 20.0), "a < b & \"c\"", 15.0, Anchor::End);
        scene.line(vec![(3.0, 4.0)], 2.5, INK);
        let svg = render(&scene).unwrap();
        assert!(svg.contains("a &lt; b &amp; &quot;c&quot;"));
        assert!(svg.contains("font-size=\"150\"") && svg.contains("text-anchor=\"end\""));
        assert!(svg.contains("stroke-width=\"25\" points=\"30,40 30,40 \""));
        assert!(svg.starts_with("<svg width=\"960\" height=\"640\"") && svg.ends_with("</svg>\n"));
        assert!(svg.contains("viewBox=\"0 0 9600 6400\""));
    }
}
