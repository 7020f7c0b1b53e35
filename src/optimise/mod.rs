//! Optimisers on flat buffers of parameters: values `&mut [T]` and their gradient `&[T]`.
//!
//! | optimiser | for | keeps |
//! |---|---|---|
//! | [`Adam`] | gradients that are noisy or of unknown size; with decay, AdamW | two buffers |
//! | [`Sgd`] | well-scaled problems; momentum, Nesterov | one buffer, none without momentum |
//! | [`Lbfgs`] | smooth losses without noise, to high accuracy | two buffers per stored step |
//!
//! The first two take one gradient and one rate per step ([`Optimiser`]); variable rates come from a
//! [`Schedule`]. [`Lbfgs`] chooses its steps itself and evaluates the loss as often as necessary. [`Scaled`]
//! applies any of them to scaled variables, with a unit for every entry; [`clip_norm`] and [`clip_value`]
//! bound a gradient.
//!
//! States are plain data with `serde`: a run that was stopped, stored and loaded continues with the same
//! bits. All loops are sequential, so results do not depend on the number of threads.
//!
//! ```
//! use multigrad::optimise::{Adam, Optimiser, Schedule};
//! // (x − 3)²
//! let (mut x, mut adam) = (vec![0.0_f64], Adam::new());
//! let schedule = Schedule::cosine(0.3, 0.01);
//! for step in 0..200 {
//!     let gradient = [2.0 * (x[0] - 3.0)];
//!     adam.step(&mut x, &gradient, schedule.rate(step, 200))?;
//! }
//! assert!((x[0] - 3.0).abs() < 1e-3);
//! # Ok::<(), multigrad::error::Error>(())
//! ```

mod adam;
mod check;
mod clip;
mod lbfgs;
mod line_search;
mod memory;
mod report;
mod scaling;
mod schedule;
mod sgd;
mod vector;

#[cfg(test)]
#[path = "first_order_tests.rs"]
mod first_order_tests;
#[cfg(test)]
#[path = "lbfgs_tests.rs"]
mod lbfgs_tests;
#[cfg(test)]
#[path = "problems_tests.rs"]
mod problems;

pub use adam::Adam;
pub use clip::{clip_norm, clip_value};
pub use lbfgs::Lbfgs;
pub use report::{Report, Status};
pub use scaling::{Scaled, Scaling};
pub use schedule::Schedule;
pub use sgd::Sgd;

use crate::error::Result;
use crate::sparse::Scalar;

/// An optimiser that takes one step from one gradient.
///
/// ```
/// use multigrad::optimise::{Adam, Optimiser, Sgd};
/// let mut optimisers: Vec<Box<dyn Optimiser<f64>>> =
///     vec![Box::new(Adam::new()), Box::new(Sgd::new().momentum(0.9))];
/// for optimiser in &mut optimisers {
///     let mut w = [1.0];
///     optimiser.step(&mut w, &[2.0], 0.1)?;
///     assert!(w[0] < 1.0);
///     assert!(optimiser.step(&mut w, &[f64::NAN], 0.1).is_err());
/// }
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub trait Optimiser<T: Scalar> {
    /// Changes `values` by one step of the given rate against `gradient`.
    ///
    /// # Errors
    /// Lengths that differ, from each other or from those of the steps before; an entry of the gradient that
    /// is not finite (the first one is named); settings or a rate out of range. Then neither `values` nor the
    /// state has changed.
    fn step(&mut self, values: &mut [T], gradient: &[T], rate: f64) -> Result<()>;

    /// The same step in the variables u = `values` / `units`, entry by entry: their gradient is
    /// `units` × `gradient`, and a step of size `rate` in u moves an entry by `units` × `rate`.
    ///
    /// `gradient` is that of `values`. The default implementation allocates two buffers per step.
    ///
    /// # Errors
    /// As [`step`](Self::step), and units of another length, zero or not finite.
    fn step_scaled(&mut self, values: &mut [T], gradient: &[T], units: &[T], rate: f64) -> Result<()> {
        check::lengths(values.len(), gradient.len())?;
        check::units(values.len(), units)?;
        let mut variables: Vec<T> = values.iter().zip(units).map(|(&w, &unit)| w / unit).collect();
        let gradient: Vec<T> = gradient.iter().zip(units).map(|(&g, &unit)| g * unit).collect();
        self.step(&mut variables, &gradient, rate)?;
        values.iter_mut().zip(variables).zip(units).for_each(|((w, u), &unit)| *w = u * unit);
        Ok(())
    }

    /// Resets the state; settings stay.
    fn reset(&mut self);
}
