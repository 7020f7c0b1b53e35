//! Animations of fields.

use std::path::Path;

use super::field::FieldPlot;
use super::raster;
use crate::error::{Error, Result};
use crate::sparse::write_atomic;

/// Most frames: each takes about a hundred kilobytes.
const MOST: usize = 1000;

/// An animation of fields, such as the states of a time-dependent problem, as an animated PNG, which browsers show.
///
/// ```
/// use multigrad::plot::{FieldAnimation, FieldPlot};
/// let points: Vec<[f64; 2]> = (0..100).map(|k| [f64::from(k % 10), f64::from(k / 10)]).collect();
/// let frame = |t: f64| {
///     let values: Vec<f64> = points.iter().map(|[x, y]| (x - t).sin() * y).collect();
///     Ok(FieldPlot::new(format!("t = {t}"), &points, &values)?.range(-10.0, 10.0))
/// };
/// let frames = [0.0, 0.5, 1.0].into_iter().map(frame).collect::<Result<_, multigrad::Error>>()?;
/// let folder = tempfile::tempdir()?;
/// FieldAnimation::new(frames).milliseconds(200).write(folder.path().join("waves.png"))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "an animation is drawn by `write`"]
pub struct FieldAnimation {
    frames: Vec<FieldPlot>,
    milliseconds: u16,
}

impl FieldAnimation {
    /// An animation of these figures, ten each second. Give all of them the same [`FieldPlot::range`].
    pub fn new(frames: Vec<FieldPlot>) -> Self {
        Self { frames, milliseconds: 100 }
    }

    /// Time of a frame.
    pub fn milliseconds(mut self, milliseconds: u16) -> Self {
        self.milliseconds = milliseconds;
        self
    }

    /// Writes the animation as a PNG of 960 × 640 pixels.
    ///
    /// # Errors
    /// No frame, or more than a thousand; another extension than `.png`; a file that cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        if !path.extension().is_some_and(|e| e.eq_ignore_ascii_case("png")) {
            return Err(Error::invalid_input(format!(
                "an animation is a PNG, and the name {} does not end in .png",
                path.display()
            )));
        }
        if self.frames.is_empty() || self.frames.len() > MOST {
            return Err(Error::invalid_input(format!(
                "an animation has 1 to {MOST} frames, not {}",
                self.frames.len()
            )));
        }
        let scenes: Vec<_> = self.frames.iter().map(FieldPlot::scene).collect();
        let bytes = raster::animate(scenes.iter(), self.milliseconds)?;
        write_atomic(path, |file| file.write_all(&bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_animation_has_its_frames() {
        let points: Vec<[f64; 2]> = (0..16).map(|k| [f64::from(k % 4), f64::from(k / 4)]).collect();
        let frame = |t: f64| {
            let values: Vec<f64> = points.iter().map(|[x, _]| x * t).collect();
            FieldPlot::new("", &points, &values).unwrap().range(0.0, 3.0)
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        FieldAnimation::new(vec![frame(0.5), frame(1.0)]).write(&path).unwrap();
        let reader = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(&path).unwrap()));
        let reader = reader.read_info().unwrap();
        assert_eq!(reader.info().animation_control().unwrap().num_frames, 2);
        assert_eq!(reader.info().size(), (960, 640));
        assert!(FieldAnimation::new(Vec::new()).write(&path).is_err());
        assert!(FieldAnimation::new(vec![frame(1.0)]).write(folder.path().join("a.gif")).is_err());
    }
}
