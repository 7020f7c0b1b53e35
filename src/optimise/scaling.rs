//! Scaled variables: optimisation with a unit for every entry.

use serde::{Deserialize, Serialize};

use super::{Lbfgs, Optimiser, Report, check};
use crate::error::Result;
use crate::sparse::Scalar;

/// A unit for every value: values = units × variables, and a derivative by a variable is the unit
/// times the derivative by the value.
///
/// ```
/// use multigrad::optimise::Scaling;
/// let scaling = Scaling::new(vec![0.5, 10.0])?;
/// assert_eq!(scaling.variables(&[1.0, 1.0])?, [2.0, 0.1]);
/// assert_eq!(scaling.values(&[2.0, 0.1])?, [1.0, 1.0]);
/// assert_eq!(scaling.derivative(&[3.0, 3.0])?, [1.5, 30.0]);
/// assert!(Scaling::new(vec![1.0, 0.0]).is_err());
/// # Ok::<(), multigrad::error::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound = "T: Scalar")]
pub struct Scaling<T> {
    units: Vec<T>,
}

impl<T: Scalar> Scaling<T> {
    /// # Errors
    /// A unit that is zero or not finite.
    pub fn new(units: Vec<T>) -> Result<Self> {
        check::units(units.len(), &units)?;
        Ok(Self { units })
    }

    /// The units.
    pub fn units(&self) -> &[T] {
        &self.units
    }

    /// values / units.
    ///
    /// # Errors
    /// Another number of values than units.
    pub fn variables(&self, values: &[T]) -> Result<Vec<T>> {
        check::units(values.len(), &self.units)?;
        Ok(values.iter().zip(&self.units).map(|(&w, &unit)| w / unit).collect())
    }

    /// units × variables.
    ///
    /// # Errors
    /// Another number of variables than units.
    pub fn values(&self, variables: &[T]) -> Result<Vec<T>> {
        check::units(variables.len(), &self.units)?;
        Ok(variables.iter().zip(&self.units).map(|(&u, &unit)| u * unit).collect())
    }

    /// The gradient by the variables, from that by the values.
    ///
    /// # Errors
    /// Another number of entries than units.
    pub fn derivative(&self, gradient: &[T]) -> Result<Vec<T>> {
        self.values(gradient)
    }
}

/// An optimiser in the variables of a [`Scaling`], applied to unscaled values and gradients.
///
/// ```
/// use multigrad::optimise::{Adam, Lbfgs, Optimiser, Scaled, Scaling};
/// // Adam moves every variable by the rate at first; values move by rate × unit.
/// let mut adam = Scaled::new(Adam::new(), Scaling::new(vec![1.0, 100.0])?);
/// let mut w = [0.0, 0.0];
/// adam.step(&mut w, &[1.0, 1.0], 0.1)?;
/// assert!((w[0] + 0.1_f64).abs() < 1e-8 && (w[1] + 10.0).abs() < 1e-8);
///
/// // (w₀² + 10⁸ w₁²)/2 has the matrix I in these units.
/// let mut lbfgs = Scaled::new(Lbfgs::new(), Scaling::new(vec![1.0, 1e-4])?);
/// let mut w = [0.3, 2e-5];
/// let report = lbfgs.minimise(&mut w, |w, gradient| {
///     gradient.copy_from_slice(&[w[0], 1e8 * w[1]]);
///     Ok(0.5 * (w[0] * w[0] + 1e8 * w[1] * w[1]))
/// })?;
/// assert!(report.converged() && report.iterations == 1);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(
    serialize = "O: Serialize, T: Scalar",
    deserialize = "O: serde::de::DeserializeOwned, T: Scalar"
))]
pub struct Scaled<O, T> {
    optimiser: O,
    scaling: Scaling<T>,
}

impl<O, T: Scalar> Scaled<O, T> {
    /// `optimiser` in the variables of `scaling`.
    pub fn new(optimiser: O, scaling: Scaling<T>) -> Self {
        Self { optimiser, scaling }
    }

    /// The scaling.
    pub fn scaling(&self) -> &Scaling<T> {
        &self.scaling
    }

    /// The optimiser.
    pub fn optimiser(&self) -> &O {
        &self.optimiser
    }
}

impl<T: Scalar, O: Optimiser<T>> Optimiser<T> for Scaled<O, T> {
    fn step(&mut self, values: &mut [T], gradient: &[T], rate: f64) -> Result<()> {
        self.optimiser.step_scaled(values, gradient, &self.scaling.units, rate)
    }

    fn step_scaled(&mut self, values: &mut [T], gradient: &[T], units: &[T], rate: f64) -> Result<()> {
        let units = self.scaling.values(units)?;
        self.optimiser.step_scaled(values, gradient, &units, rate)
    }

    fn reset(&mut self) {
        self.optimiser.reset();
    }
}

impl<T: Scalar> Scaled<Lbfgs<T>, T> {
    /// [`Lbfgs::minimise`] in the variables: `evaluate` gets values and writes the gradient with respect to
    /// them. The tolerance on the gradient, and the norm in the report, are those of the variables.
    ///
    /// # Errors
    /// As [`Lbfgs::minimise`], and another number of values than units.
    pub fn minimise(
        &mut self,
        values: &mut [T],
        mut evaluate: impl FnMut(&[T], &mut [T]) -> Result<f64>,
    ) -> Result<Report> {
        let mut variables = self.scaling.variables(values)?;
        // values / unit × unit may differ from values by rounding: at the end point of the last call,
        // continue with exactly its variables.
        if let Some(ended) =
            self.optimiser.ended().filter(|e| self.scaling.values(e).is_ok_and(|w| w == values))
        {
            variables.copy_from_slice(ended);
        }
        let (units, mut at) = (&self.scaling.units, vec![T::ZERO; values.len()]);
        let done = self.optimiser.minimise(&mut variables, |variables, gradient| {
            at.iter_mut().zip(variables).zip(units).for_each(|((w, &u), &unit)| *w = u * unit);
            let loss = evaluate(&at, gradient)?;
            gradient.iter_mut().zip(units).for_each(|(g, &unit)| *g *= unit);
            Ok(loss)
        });
        values.iter_mut().zip(variables).zip(units).for_each(|((w, u), &unit)| *w = u * unit);
        done
    }
}
