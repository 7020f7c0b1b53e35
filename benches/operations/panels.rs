//! Figure with one small panel per operation: time forward and backward against nonzeros.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;

use crate::cases::NAMES;
use crate::measure::{Line, Time};

const COLUMNS: usize = 6;
/// The size of one panel, in pixels.
const WIDTH: u32 = 260;
const HEIGHT: u32 = 210;
/// The height above the panels, for title and legend.
const TOP: u32 = 64;
const FORWARD: RGBColor = RGBColor(31, 119, 180);
const BACKWARD: RGBColor = RGBColor(214, 95, 14);
const GREY: RGBColor = RGBColor(150, 150, 150);

/// A curve: nonzeros and milliseconds.
type Points = Vec<(f64, f64)>;

/// Draws the lines of the fewest threads and writes them as SVG; no file if there are none.
///
/// # Errors
/// A file that cannot be written, as text.
pub fn write(path: &Path, lines: &[Line], time: Time) -> Result<(), String> {
    let threads = lines.iter().map(|l| l.threads).min();
    let of = |name: &str| -> (Points, Points) {
        let some = lines.iter().filter(|l| l.operation == name && Some(l.threads) == threads);
        let point = |l: &Line| (l.nonzeros as f64, l.seconds(time));
        let (forward, both): (Points, Vec<_>) = some
            .map(point)
            .map(|(x, (forward, backward))| ((x, forward * 1e3), (x, forward, backward)))
            .unzip();
        // A difference lost in the noise of the forward run is omitted.
        let backward = both.into_iter().filter(|(_, forward, backward)| *backward > 0.01 * forward);
        (forward, backward.map(|(x, _, backward)| (x, backward * 1e3)).collect())
    };
    let panels: Vec<(&str, Points, Points)> = NAMES
        .iter()
        .map(|&name| (name, of(name)))
        .filter(|p| !p.1.0.is_empty())
        .map(|(name, (forward, backward))| (name, forward, backward))
        .collect();
    if panels.is_empty() {
        return Ok(());
    }
    draw(path, &panels, threads.unwrap_or(1)).map_err(|e| format!("{}: {e}", path.display()))
}

fn draw(path: &Path, panels: &[(&str, Points, Points)], threads: usize) -> Result<(), Box<dyn Error>> {
    let rows = panels.len().div_ceil(COLUMNS);
    let size = (WIDTH * COLUMNS as u32, TOP + HEIGHT * rows as u32 + 30);
    let area = SVGBackend::new(path, size).into_drawing_area();
    area.fill(&WHITE)?;
    let points = || panels.iter().flat_map(|(_, f, b)| f.iter().chain(b)).copied();
    let range = |values: &mut dyn Iterator<Item = f64>, room: f64| {
        let (low, high) = values.fold((f64::INFINITY, 0.0f64), |(l, h), v| (l.min(v), h.max(v)));
        low / room..high * room
    };
    let (x, y) = (range(&mut points().map(|p| p.0), 1.5), range(&mut points().map(|p| p.1), 2.0));
    let plural = if threads == 1 { "" } else { "s" };
    let title = format!("Operations on a tape: milliseconds against nonzeros, {threads} thread{plural}");
    area.draw(&Text::new(title, (20, 14), ("sans-serif", 20).into_font().color(&BLACK)))?;
    let legend = [("forward", FORWARD), ("backward", BACKWARD), ("proportional", GREY)];
    for (q, (name, colour)) in legend.into_iter().enumerate() {
        let left = 24 + 130 * q as i32;
        area.draw(&PathElement::new([(left, 50), (left + 24, 50)], colour.stroke_width(2)))?;
        area.draw(&Text::new(name, (left + 30, 43), ("sans-serif", 15).into_font().color(&BLACK)))?;
    }
    let (_, below) = area.split_vertically(TOP);
    for (q, (name, forward, backward)) in panels.iter().enumerate() {
        let (left, top) = ((q % COLUMNS) as u32 * WIDTH, (q / COLUMNS) as u32 * HEIGHT);
        let spot = below.clone().shrink((left, top), (WIDTH, HEIGHT));
        panel(&spot, name, [forward, backward], (x.clone(), y.clone()))?;
    }
    area.present()?;
    Ok(())
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn panel(
    area: &Area<'_>,
    name: &str,
    curves: [&Points; 2],
    (x, y): (std::ops::Range<f64>, std::ops::Range<f64>),
) -> Result<(), Box<dyn Error>> {
    let mut chart = ChartBuilder::on(area)
        .caption(name.replace('_', " "), ("sans-serif", 16))
        .margin(6)
        .x_label_area_size(22)
        .y_label_area_size(40)
        .build_cartesian_2d(x.clone().log_scale(), y.log_scale())?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.08))
        .x_labels(4)
        .y_labels(6)
        .label_style(("sans-serif", 12))
        .x_label_formatter(&|v| power(*v))
        .y_label_formatter(&|v| plain(*v))
        .draw()?;
    if let Some(&(first, milliseconds)) = curves[0].first() {
        let slope = [(first, milliseconds), (x.end, milliseconds * x.end / first)];
        chart.draw_series([PathElement::new(slope, GREY.stroke_width(1))])?;
    }
    for (points, colour) in curves.into_iter().zip([FORWARD, BACKWARD]) {
        chart.draw_series([PathElement::new(points.clone(), colour.stroke_width(2))])?;
        chart.draw_series(points.iter().map(|&p| Circle::new(p, 3, colour.filled())))?;
    }
    Ok(())
}

/// 10ⁿ.
fn power(v: f64) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let exponent = format!("{:.0}", v.log10());
    let raised = exponent.chars().filter_map(|c| c.to_digit(10)).map(|d| DIGITS[d as usize]);
    format!("10{}", raised.collect::<String>())
}

/// A power of ten in digits.
fn plain(v: f64) -> String {
    let decimals = (-v.log10().round()).max(0.0) as usize;
    format!("{v:.decimals$}")
}
