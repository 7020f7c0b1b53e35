//! Chart of the cost per unknown against the number of unknowns.

use std::path::Path;

use plotters::prelude::*;

/// A curve: its name and (unknowns, nanoseconds per unknown).
pub type Curve = (String, Vec<(f64, f64)>);

/// Draws curves on two logarithmic axes and writes them as SVG.
///
/// # Errors
/// A file that cannot be written, as text.
pub fn write(path: &Path, title: &str, curves: &[Curve]) -> Result<(), String> {
    let points = || curves.iter().flat_map(|(_, points)| points.iter().copied());
    let range = |values: &mut dyn Iterator<Item = f64>| {
        let (low, high) = values.fold((f64::INFINITY, 0.0f64), |(l, h), v| (l.min(v), h.max(v)));
        low * 0.7..high * 1.5
    };
    if points().next().is_none() {
        return Ok(());
    }
    let (x, y) = (range(&mut points().map(|p| p.0)), range(&mut points().map(|p| p.1)));
    let draw = || -> Result<(), Box<dyn std::error::Error>> {
        let area = SVGBackend::new(path, (960, 640)).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(title, ("sans-serif", 22))
            .margin(20)
            .x_label_area_size(50)
            .y_label_area_size(70)
            .build_cartesian_2d(x.log_scale(), y.log_scale())?;
        chart.configure_mesh().x_desc("unknowns").y_desc("nanoseconds per unknown").draw()?;
        for (q, (name, points)) in curves.iter().enumerate() {
            let style = Palette99::pick(q).stroke_width(2);
            let line = PathElement::new(points.clone(), style);
            let legend = move |(x, y)| PathElement::new([(x, y), (x + 24, y)], style);
            chart.draw_series([line])?.label(name).legend(legend);
            let dots = points.iter().map(|&p| Circle::new(p, 4, Palette99::pick(q).filled()));
            chart.draw_series(dots)?;
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .background_style(WHITE.mix(0.8))
            .border_style(BLACK)
            .draw()?;
        area.present()?;
        Ok(())
    };
    draw().map_err(|e| format!("{}: {e}", path.display()))
}
