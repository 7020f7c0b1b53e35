//! Progress bars on a terminal; no output in a pipe.

use indicatif::{ProgressBar, ProgressStyle};

use crate::learn::Progress;

/// A bar with loss, factor and time left. `indicatif` draws only on a terminal.
pub struct TrainingBar(ProgressBar);

impl TrainingBar {
    pub fn new() -> Self {
        let bar = ProgressBar::new(0);
        let template = "{prefix} {bar:30} {pos}/{len} steps  {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("█▉▊▋▌▍▎▏ "));
        }
        Self(bar)
    }

    pub fn show(&self, p: &Progress) {
        self.0.set_prefix(if p.trial { "trial" } else { "train" });
        self.0.set_length(p.step.1 as u64);
        self.0.set_position(p.step.0 as u64);
        self.0
            .set_message(format!("loss {:.3}  factor {:.4}  {:.0} s left", p.loss, p.factor, p.seconds_left));
    }
}

impl Drop for TrainingBar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// A spinner with iteration and residual.
pub struct SolveBar(ProgressBar);

impl SolveBar {
    pub fn new() -> Self {
        Self(ProgressBar::new_spinner())
    }

    pub fn show(&self, iteration: usize, residual: f64) {
        self.0.set_message(format!("iteration {iteration}  relative residual {residual:.2e}"));
        self.0.tick();
    }
}

impl Drop for SolveBar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Progress bar of a comparison: number of measured configurations and the present one.
pub struct CompareBar(ProgressBar);

impl CompareBar {
    pub fn new() -> Self {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len}  {msg}  {eta} left") {
            bar.set_style(style.progress_chars("█▉▊▋▌▍▎▏ "));
        }
        Self(bar)
    }

    /// Shows the present configuration with the number of completed configurations and the total, which is 0 while
    /// unknown.
    pub fn show_of(&self, done: usize, all: usize, configuration: &str) {
        self.0.set_length(all as u64);
        self.0.set_position(done as u64);
        self.0.set_message(configuration.to_string());
    }
}

impl Drop for CompareBar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
