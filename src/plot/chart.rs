//! Charts: named series in one panel, with a legend beside it.

use super::axis::Axis;
use super::canvas::{Area, Scene};
use super::font;
use super::legend::Legend;
use super::panel::{self, Panel};
use super::style::{self, HEIGHT, Look, WIDTH};
use crate::error::{Error, Result};

/// The largest number of series in one figure; more could not be distinguished.
const MOST: usize = 12;

/// The contents of a figure of several series; its points are of type `T`.
#[derive(Debug, Clone)]
pub(super) struct Chart<T> {
    title: String,
    /// The quantity on the horizontal axis.
    x_label: String,
    /// The quantity on the vertical axis.
    y_label: String,
    /// Names and points.
    pub series: Vec<(String, Vec<T>)>,
}

impl<T: Clone> Chart<T> {
    /// Without series, with default labels.
    pub(super) fn new(title: &str, x_label: &str, y_label: &str) -> Self {
        let [title, x_label, y_label] = [title, x_label, y_label].map(font::clean);
        Self { title, x_label, y_label, series: Vec::new() }
    }

    pub(super) fn add(&mut self, name: &str, points: &[T]) {
        self.series.push((font::clean(name), points.to_vec()));
    }

    pub(super) fn set_x_label(&mut self, label: &str) {
        self.x_label = font::clean(label);
    }

    pub(super) fn set_y_label(&mut self, label: &str) {
        self.y_label = font::clean(label);
    }

    /// Fails unless there are 1 to 12 series, none of them empty; `figure` and `points` name the kind of
    /// both.
    pub(super) fn check(&self, figure: &str, points: &str) -> Result<()> {
        if self.series.is_empty() || self.series.len() > MOST {
            return Err(Error::invalid_input(format!(
                "a {figure} plot takes 1 to {MOST} series, not {}",
                self.series.len()
            )));
        }
        match self.series.iter().find(|(_, points)| points.is_empty()) {
            Some((name, _)) => {
                Err(Error::invalid_input(format!("the series \"{name}\" has no {points} to plot")))
            }
            None => Ok(()),
        }
    }

    /// Computes the layout; `draw` puts the points of one series into the panel, in its style, with its share
    /// from 0 to 1 of a shift between the series.
    pub(super) fn scene(
        &self,
        x: &Axis,
        y: &Axis,
        draw: impl Fn(&mut Scene, &Panel<'_>, &[T], &Look, f64),
    ) -> Scene {
        let mut scene = Scene::default();
        let left = Panel::left_margin(y) + 10.0;
        let looks: Vec<Look> = (0..self.series.len()).map(style::look).collect();
        let names: Vec<_> = looks.iter().copied().zip(self.series.iter().map(|(n, _)| n.as_str())).collect();
        let legend = Legend::new(&names, 290.0, HEIGHT - 160.0);
        let right = WIDTH - legend.width - 56.0;
        let top = panel::title(&mut scene, &self.title, WIDTH / 2.0);
        let area = Area { x0: left, y0: top, x1: right, y1: HEIGHT - 78.0 };
        let panel = Panel { area, x, y };
        panel.grid(&mut scene);
        panel.axes(&mut scene, true);
        panel.x_label(&mut scene, &self.x_label);
        panel.y_label(&mut scene, &self.y_label);
        let count = self.series.len() as f64;
        for (i, ((_, points), look)) in self.series.iter().zip(&looks).enumerate() {
            draw(&mut scene, &panel, points, look, i as f64 / count);
        }
        legend.draw(&mut scene, (right + 28.0, top));
        scene
    }
}
