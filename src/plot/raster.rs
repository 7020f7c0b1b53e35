//! Scenes as PNG: shapes through the bitmap backend of `plotters` at four pixels per unit, halved for smooth
//! edges; glyphs at two pixels per unit.

use plotters::backend::{BitMapBackend, DrawingBackend};
use plotters::style::RGBColor;

use super::canvas::{Anchor, Area, Indexed, Point, Scene, Shape, Text};
use super::style::{HEIGHT, Rgb, WIDTH};
use super::{colormap, font};
use crate::error::{Error, Result};

/// Pixels of the PNG per unit.
const SHARP: usize = 2;
/// Pixels drawn per pixel of the PNG, in each direction; [`halve`] relies on 2.
const OVER: usize = 2;

/// The figure as PNG bytes, 1920 × 1280; the same scene gives the same bytes.
pub(super) fn render(scene: &Scene) -> Result<Vec<u8>> {
    encode(info(SHARP), &pixels(scene)?)
}

/// Figures one after another as an animated PNG of 960 × 640 pixels, shown for so many milliseconds each and repeated
/// without end.
pub(super) fn animate<'a>(
    frames: impl ExactSizeIterator<Item = &'a Scene>,
    milliseconds: u16,
) -> Result<Vec<u8>> {
    let (w, h) = (WIDTH as usize, HEIGHT as usize);
    let mut out = Vec::new();
    let mut encoder = png::Encoder::with_info(&mut out, info(1)).map_err(failed)?;
    encoder.set_animated(frames.len() as u32, 0).map_err(failed)?;
    encoder.set_frame_delay(milliseconds, 1000).map_err(failed)?;
    let mut writer = encoder.write_header().map_err(failed)?;
    for frame in frames {
        writer.write_image_data(&halve(&pixels(frame)?, w, h)).map_err(failed)?;
    }
    writer.finish().map_err(failed)?;
    Ok(out)
}

/// A coloured picture with so many pixels per unit.
fn info(sharp: usize) -> png::Info<'static> {
    let mut info = png::Info::with_size((WIDTH as usize * sharp) as u32, (HEIGHT as usize * sharp) as u32);
    info.color_type = png::ColorType::Rgb;
    info.bit_depth = png::BitDepth::Eight;
    info
}

/// The pixels of a figure, 1920 × 1280, three bytes each.
fn pixels(scene: &Scene) -> Result<Vec<u8>> {
    let (w, h) = (WIDTH as usize * SHARP, HEIGHT as usize * SHARP);
    let mut large = vec![255u8; w * OVER * h * OVER * 3];
    for (area, image) in &scene.images {
        stretch(&mut large, w * OVER, area, image);
    }
    let size = ((w * OVER) as u32, (h * OVER) as u32);
    paint(BitMapBackend::with_buffer(&mut large, size), scene)
        .map_err(|e| Error::format(format!("the figure could not be drawn as PNG: {e}")))?;
    let mut pixels = halve(&large, w, h);
    for text in &scene.texts {
        stamp(&mut pixels, w, h, text);
    }
    Ok(pixels)
}

/// A picture as an indexed PNG.
pub(super) fn encode_indexed(image: &Indexed) -> Result<Vec<u8>> {
    let palette: Vec<u8> = (0..=255)
        .flat_map(|i| {
            let Rgb(r, g, b) = colormap::color(i);
            [r, g, b]
        })
        .collect();
    let mut info = png::Info::with_size(image.width as u32, image.height as u32);
    info.color_type = png::ColorType::Indexed;
    info.palette = Some(palette.into());
    encode(info, &image.pixels)
}

fn encode(mut info: png::Info<'_>, data: &[u8]) -> Result<Vec<u8>> {
    info.bit_depth = png::BitDepth::Eight;
    let mut out = Vec::new();
    let mut writer =
        png::Encoder::with_info(&mut out, info).and_then(png::Encoder::write_header).map_err(failed)?;
    writer.write_image_data(data).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(out)
}

fn failed(e: png::EncodingError) -> Error {
    Error::format(format!("the figure could not be encoded as PNG: {e}"))
}

fn paint(mut to: BitMapBackend<'_>, scene: &Scene) -> std::result::Result<(), Box<dyn std::error::Error>> {
    let scale = (SHARP * OVER) as f64;
    let place = |p: Point| ((p.0 * scale).round() as i32, (p.1 * scale).round() as i32);
    let disc = |to: &mut BitMapBackend<'_>, p: Point, radius: f64, color: &RGBColor| {
        let r = (radius * scale).round() as u32;
        if r > 0 { to.draw_circle(place(p), r, color, true) } else { Ok(()) }
    };
    for shape in &scene.shapes {
        match shape {
            Shape::Line { points, width, color: Rgb(r, g, b) } => {
                let color = RGBColor(*r, *g, *b);
                // Bodies and joints separately: the backend's own thick paths break at sharp turns.
                for pair in points.windows(2) {
                    if let Some(body) = body(pair[0], pair[1], *width) {
                        to.fill_polygon(body.map(place), &color)?;
                    }
                }
                if *width > 1.5 {
                    for &p in points {
                        disc(&mut to, p, width / 2.0, &color)?;
                    }
                }
            }
            Shape::Polygon { points, color: Rgb(r, g, b) } => {
                to.fill_polygon(points.iter().map(|&p| place(p)), &RGBColor(*r, *g, *b))?;
            }
            Shape::Disc { center, radius, color: Rgb(r, g, b) } => {
                disc(&mut to, *center, *radius, &RGBColor(*r, *g, *b))?;
            }
        }
    }
    to.present()?;
    Ok(())
}

/// The corners of a straight stroke without its caps.
fn body(a: Point, b: Point, width: f64) -> Option<[Point; 4]> {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let length = dx.hypot(dy);
    let (nx, ny) = (-dy / length * width / 2.0, dx / length * width / 2.0);
    let corners = [(a.0 + nx, a.1 + ny), (b.0 + nx, b.1 + ny), (b.0 - nx, b.1 - ny), (a.0 - nx, a.1 - ny)];
    (length > 0.0).then_some(corners)
}

fn stretch(pixels: &mut [u8], w: usize, area: &Area, image: &Indexed) {
    let scale = (SHARP * OVER) as f64;
    let edge = |v: f64| (v * scale).round().max(0.0) as usize;
    let (x0, x1, y0, y1) = (edge(area.x0), edge(area.x1), edge(area.y0), edge(area.y1));
    for y in y0..y1 {
        for x in x0..x1 {
            let from = (y - y0) * image.height / (y1 - y0) * image.width + (x - x0) * image.width / (x1 - x0);
            let at = (y * w + x) * 3;
            if let (Some(&index), Some(pixel)) = (image.pixels.get(from), pixels.get_mut(at..at + 3)) {
                let Rgb(r, g, b) = colormap::color(index);
                pixel.copy_from_slice(&[r, g, b]);
            }
        }
    }
}

fn halve(large: &[u8], w: usize, h: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(w * h * 3);
    for rows in large.chunks_exact(w * OVER * 3 * OVER) {
        let (upper, lower) = rows.split_at(w * OVER * 3);
        for (a, b) in upper.chunks_exact(3 * OVER).zip(lower.chunks_exact(3 * OVER)) {
            for c in 0..3 {
                let sum = u16::from(a[c]) + u16::from(a[c + 3]) + u16::from(b[c]) + u16::from(b[c + 3]);
                out.push(((sum + 2) / 4) as u8);
            }
        }
    }
    debug_assert_eq!(out.len(), w * h * 3);
    out
}

fn stamp(pixels: &mut [u8], w: usize, h: usize, text: &Text) {
    let sharp = SHARP as f64;
    let size = text.size * sharp;
    let back = font::width(&text.text, size, text.bold)
        * match text.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => 0.5,
            Anchor::End => 1.0,
        };
    let at = ((text.at.0 * sharp).round() as i64, (text.at.1 * sharp).round() as i64);
    let Rgb(r, g, b) = text.color;
    font::rasterise(&text.text, size, text.bold, (-back, 0.0), |u, v, cover| {
        let (x, y) = if text.vertical { (at.0 + v, at.1 - 1 - u) } else { (at.0 + u, at.1 + v) };
        if x < 0 || y < 0 || x >= w as i64 || y >= h as i64 {
            return;
        }
        let start = (y as usize * w + x as usize) * 3;
        for (c, ink) in [r, g, b].into_iter().enumerate() {
            let old = f32::from(pixels[start + c]);
            pixels[start + c] = (old + cover.clamp(0.0, 1.0) * (f32::from(ink) - old)).round() as u8;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::style::INK;

    fn decode(bytes: &[u8]) -> (u32, u32, Vec<u8>) {
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        (info.width, info.height, pixels)
    }

    #[test]
    fn a_stroke_has_its_width_and_the_paper_stays_white() {
        let mut scene = Scene::default();
        scene.line(vec![(100.0, 50.0), (100.0, 90.0)], 4.0, INK);
        let (w, h, pixels) = decode(&render(&scene).unwrap());
        assert_eq!((w, h), (1920, 1280));
        let dark = (0..1920).filter(|x| pixels[(140 * 1920 + x) * 3] < 128).count();
        assert!((7..=9).contains(&dark), "{dark}");
        assert_eq!(pixels[..3], [255, 255, 255]);
    }

    #[test]
    fn text_turns_and_ends_where_told() {
        let mut scene = Scene::default();
        scene.text((200.0, 200.0), "HHH", 20.0, Anchor::End);
        scene.texts[0].vertical = true;
        let (_, _, pixels) = decode(&render(&scene).unwrap());
        let dark = |x: usize, y: usize| pixels[(y * 1920 + x) * 3] < 128;
        let all: Vec<_> =
            (0..1280).flat_map(|y| (0..1920).map(move |x| (x, y))).filter(|&(x, y)| dark(x, y)).collect();
        let (top, bottom) = (all.iter().map(|p| p.1).min().unwrap(), all.iter().map(|p| p.1).max().unwrap());
        assert!((400..410).contains(&top) && (470..500).contains(&bottom), "{top} {bottom}");
        assert!(all.iter().all(|p| (365..=400).contains(&p.0)));
    }
}
