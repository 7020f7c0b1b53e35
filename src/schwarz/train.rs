//! Learned interface conditions: the interface values of one matrix by Adam.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::loss::{Loss, loss, loss_and_gradient, squares};
use super::operator::Schwarz;
use crate::error::{Error, Result};
use crate::optimise::{Adam, Optimiser, Schedule};
use crate::sparse::Scalar;

/// Steps between two measurements of the factor.
const CHECK: usize = 20;

/// Columns, and steps of power iteration, of a measurement.
const COLUMNS: usize = 4;
const ITERATIONS: usize = 30;

/// Steps of power iteration before and after training.
const LONG: usize = 100;

/// Trains the interface values of a [`Schwarz`] preconditioner for one matrix.
///
/// Adam (0.9, 0.99) on values in units of the diagonal of A, the rate falling to 2 % by half a cosine. Half of the
/// columns are a pool x ← T x / ‖T x‖, one of them drawn anew every 10 steps, the others are drawn anew every
/// step. Every 20 steps the factor is measured on vectors of its own; the best values are kept. For
/// [`Loss::Krylov`] the factor is that of GMRES.
///
/// ```
/// use multigrad::gallery::poisson_2d;
/// use multigrad::schwarz::{Decomposition, Interface, Layout, Schwarz, SchwarzTrainer, Variant, blocks_2d};
/// let a = poisson_2d(8, 8)?.matrix;
/// let parts = Decomposition::from_parts(a.pattern(), &blocks_2d(8, 8, 2, 2)?, 1)?;
/// let layout = Layout::new(a.pattern(), parts)?;
/// let mut m = Schwarz::new(&a, Interface::zero(&layout), Variant::Restricted)?;
/// let report = SchwarzTrainer::new().steps(60).fit(&mut m)?;
/// assert!(report.factor_after < report.factor_before);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SchwarzTrainer {
    steps: usize,
    rate: f64,
    columns: usize,
    iterations: usize,
    loss: Loss,
    seed: u64,
}

/// What a training did.
#[derive(Debug, Clone, PartialEq)]
pub struct SchwarzReport {
    /// Factor of a step of x ← (I − M A) x before training, by power iteration; for [`Loss::Krylov`] of GMRES.
    pub factor_before: f64,
    /// The same with the values that were kept.
    pub factor_after: f64,
    /// The loss of every step.
    pub losses: Vec<f64>,
}

impl Default for SchwarzTrainer {
    fn default() -> Self {
        Self::new()
    }
}

impl SchwarzTrainer {
    /// 300 steps at a rate of 0.01 on 16 columns, the logarithm of 5 iterations as loss, seed 0.
    pub fn new() -> Self {
        Self { steps: 300, rate: 0.01, columns: 16, iterations: 5, loss: Loss::Logarithm, seed: 0 }
    }

    /// Steps of Adam. Default: 300.
    #[must_use]
    pub fn steps(mut self, steps: usize) -> Self {
        self.steps = steps;
        self
    }

    /// First rate, in units of the diagonal of A. Default: 0.01.
    #[must_use]
    pub fn rate(mut self, rate: f64) -> Self {
        self.rate = rate;
        self
    }

    /// Columns of the batch. Default: 16.
    #[must_use]
    pub fn columns(mut self, columns: usize) -> Self {
        self.columns = columns;
        self
    }

    /// Steps K of the Schwarz iteration in the loss. Default: 5.
    #[must_use]
    pub fn iterations(mut self, iterations: usize) -> Self {
        self.iterations = iterations;
        self
    }

    /// The loss. Default: [`Loss::Logarithm`].
    #[must_use]
    pub fn loss(mut self, loss: Loss) -> Self {
        self.loss = loss;
        self
    }

    /// Seed of all random vectors. Default: 0.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Trains from the interface values that `m` has. Afterwards it has the best ones that were
    /// measured, those of the start if none was better.
    ///
    /// Cost: for every step a factorisation of all local matrices and
    /// [`loss_and_gradient`]; 200 iterations of 4 columns before and after.
    ///
    /// # Errors
    /// No columns or iterations; a rate out of range.
    pub fn fit<T: Scalar>(&self, m: &mut Schwarz<T>) -> Result<SchwarzReport> {
        if self.columns == 0 || self.iterations == 0 {
            return Err(Error::invalid_input("training needs at least one column and one iteration"));
        }
        let n = m.matrix().rows();
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        let mut draw = move |count: usize| -> Vec<T> { (0..count).map(|_| normal(&mut random)).collect() };
        let judges = draw(n * COLUMNS);
        let (start, mut units) = (m.interface().values().to_vec(), units(m));
        units.iter_mut().filter(|u| **u == T::ZERO).for_each(|u| *u = T::ONE);
        let mut judged = judges.clone();
        let mut best = (self.factor(m, &mut judged, LONG)?, start.clone());
        let factor_before = best.0;
        let (mut values, mut adam) = (start.clone(), Adam::new().betas(0.9, 0.99));
        let schedule = Schedule::cosine(self.rate, 0.02);
        let (mut share, mut losses) = (1.0, Vec::with_capacity(self.steps));
        let mut batch = draw(n * self.columns);
        for step in 0..self.steps {
            let found = loss_and_gradient(m, self.loss, &batch, self.columns, self.iterations)?;
            losses.push(found.loss);
            advance(&mut batch, &found.after_one_step, self.columns, step + 1, &mut draw);
            let rate = share * schedule.rate(step, self.steps);
            let usable = found.loss.is_finite() && found.gradient.iter().all(|g| g.finite());
            if usable {
                adam.step_scaled(&mut values, &found.gradient, &units, rate)?;
            }
            // A local matrix may have become singular, or the iteration may diverge beyond all numbers.
            if !usable || m.set_interface(&values).is_err() {
                values.clone_from(&best.1);
                m.set_interface(&values)?;
                adam.reset();
                share *= 0.5;
                batch = draw(n * self.columns);
            } else if (step + 1).is_multiple_of(CHECK) || step + 1 == self.steps {
                let factor = self.factor(m, &mut judged, ITERATIONS)?;
                if factor < best.0 {
                    best = (factor, values.clone());
                }
            }
        }
        m.set_interface(&best.1)?;
        let mut factor_after = self.factor(m, &mut judges.clone(), LONG)?;
        if factor_after.is_nan() || factor_after >= factor_before {
            m.set_interface(&start)?;
            factor_after = factor_before;
        }
        Ok(SchwarzReport { factor_before, factor_after, losses })
    }

    /// What the loss promises: the factor of a step, or the mean of as many steps of GMRES as it takes.
    fn factor<T: Scalar>(&self, m: &Schwarz<T>, x: &mut [T], steps: usize) -> Result<f64> {
        if self.loss == Loss::Krylov {
            return Ok((0.5 * loss(m, self.loss, x, COLUMNS, self.iterations)?).exp());
        }
        growth(m, x, steps)
    }
}

/// The size of every interface entry's row: |a(p,p)|.
fn units<T: Scalar>(m: &Schwarz<T>) -> Vec<T> {
    let layout = m.layout();
    let diagonal = m.matrix().diagonal();
    let parts = layout.decomposition().iter().enumerate();
    let of_part = |(p, subdomain): (usize, super::Subdomain<'_>)| {
        let ends = layout.interface_ends(p).into_iter();
        ends.map(|[row, _]| diagonal[subdomain.rows[row] as usize].magnitude()).collect::<Vec<T>>()
    };
    parts.flat_map(of_part).collect()
}

/// Normalised steps of power iteration on four columns; the mean factor of a step over the second half of
/// them, of the column that is worst.
fn growth<T: Scalar>(m: &Schwarz<T>, x: &mut [T], steps: usize) -> Result<f64> {
    let mut logarithms = [0.0; COLUMNS];
    let counted = steps.div_ceil(2);
    for step in 0..steps {
        let before = squares(x, COLUMNS);
        m.iterate(x, COLUMNS)?;
        let after = squares(x, COLUMNS);
        if step >= steps - counted {
            for (sum, (a, b)) in logarithms.iter_mut().zip(after.iter().zip(&before)) {
                *sum += 0.5 * (a / b).ln();
            }
        }
        for row in x.chunks_exact_mut(COLUMNS) {
            let scaled = row.iter_mut().zip(&after).filter(|(_, a)| **a > 0.0);
            scaled.for_each(|(v, a)| *v = T::from_f64(v.to_f64() / a.sqrt()));
        }
    }
    let worst = |worst: f64, &l: &f64| if l > worst || l.is_nan() { l } else { worst };
    Ok((logarithms.iter().fold(f64::NEG_INFINITY, worst) / counted as f64).exp())
}

/// The first half goes on from T x, normalised, with one column drawn anew every 10 steps; the rest is new.
fn advance<T: Scalar>(
    batch: &mut [T],
    after: &[T],
    columns: usize,
    step: usize,
    draw: &mut impl FnMut(usize) -> Vec<T>,
) {
    let half = columns.div_ceil(2);
    let norms = squares(after, columns);
    let rows = (batch.len() / columns) as f64;
    let renewed = step.is_multiple_of(10).then(|| step / 10 % half);
    let keeps = |c: usize| c < half && renewed != Some(c) && norms[c].is_finite() && norms[c] > 0.0;
    let scales: Vec<Option<f64>> = (0..columns).map(|c| keeps(c).then(|| (rows / norms[c]).sqrt())).collect();
    let fresh = draw(batch.len());
    for (((v, &a), f), scale) in batch.iter_mut().zip(after).zip(fresh).zip(scales.iter().cycle()) {
        *v = scale.map_or(f, |s| T::from_f64(a.to_f64() * s));
    }
}

fn normal<T: Scalar>(random: &mut ChaCha8Rng) -> T {
    let v: f32 = StandardNormal.sample(random);
    T::from_f64(f64::from(v))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Coupling, Decomposition, Interface, Layout, Variant, blocks_2d};
    use super::*;
    use crate::gallery::poisson_2d;
    use crate::sparse::Csr;

    fn blocks(n: usize) -> (Csr<f64>, Arc<Layout>) {
        let a = poisson_2d(n, n).unwrap().matrix;
        let parts = Decomposition::from_parts(a.pattern(), &blocks_2d(n, n, 3, 3).unwrap(), 1).unwrap();
        let layout = Layout::new(a.pattern(), parts).unwrap();
        (a, layout)
    }

    /// The factors of an independent program for the square of 30² points in 3 × 3 blocks with one ring of
    /// overlap: .872 for the restricted method, .638 for the best Robin condition that it tried.
    #[test]
    fn factors_of_the_classical_conditions() {
        let (a, layout) = blocks(30);
        let factor = |alpha: f64, coupling: Coupling| {
            let interface = Interface::optimised(&a, &layout, alpha, 0.0, coupling).unwrap();
            let m = Schwarz::new(&a, interface, Variant::Restricted).unwrap();
            let mut x: Vec<f64> = (0..900 * COLUMNS).map(|q| (q as f64 * 0.7).sin()).collect();
            growth(&m, &mut x, 60).unwrap()
        };
        let restricted = factor(0.0, Coupling::Sum);
        assert!((restricted - 0.872).abs() < 1e-3, "{restricted}");
        let robin = factor(0.9, Coupling::Largest);
        assert!(robin < 0.638 && robin > 0.55, "{robin}");
        assert!(factor(0.8, Coupling::Sum) > 1.0);
    }

    #[test]
    fn training_beats_the_restricted_method() {
        let (a, layout) = blocks(15);
        let start = || Schwarz::new(&a, Interface::zero(&layout), Variant::Restricted).unwrap();
        let (mut m, mut again) = (start(), start());
        let trainer = SchwarzTrainer::new().steps(60).columns(8).iterations(4).seed(1);
        let report = trainer.fit(&mut m).unwrap();
        assert!(report.factor_after < 0.85 * report.factor_before, "{report:?}");
        assert_eq!(report.losses.len(), 60);
        // The same bits for the same seed; nothing is changed by no steps.
        assert_eq!(trainer.fit(&mut again).unwrap(), report);
        assert_eq!(m.interface().values(), again.interface().values());
        let nothing = trainer.steps(0).fit(&mut again).unwrap();
        assert!(nothing.factor_before == nothing.factor_after && nothing.losses.is_empty());
        assert!(trainer.columns(0).fit(&mut again).unwrap_err().is_invalid_input());
        assert!(trainer.rate(-1.0).fit(&mut again).is_err());
        let of_gmres = trainer.loss(Loss::Krylov).iterations(6).steps(40).fit(&mut start()).unwrap();
        assert!(of_gmres.factor_after < 0.97 * of_gmres.factor_before, "{of_gmres:?}");
        // A rate that throws the iteration off its course does no harm.
        let before = again.interface().values().to_vec();
        let wild = trainer.rate(30.0).steps(5).fit(&mut again).unwrap();
        assert!(wild.factor_after <= wild.factor_before);
        assert!(wild.factor_after < wild.factor_before || before == again.interface().values());
    }
}
