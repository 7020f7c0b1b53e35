//! Forward problem of the example: u for given κ, the residuals of the observations, and one step of
//! Gauss–Newton.

use multigrad::autodiff::{Dense, Handle, Tape};
use multigrad::error::Result;
use multigrad::sparse::{Dual, Scalar};

use crate::cells::{Cells, SOURCES};

/// The weight of the differences of θ, and iterations of CG in a step.
const SMOOTHNESS: f64 = 2.5;
const INNER: usize = 100;

/// The two residuals: of the observations and of the smoothness.
type Residuals = [Vec<f64>; 2];

/// A grid of cells, three sources, and observations of the three solutions.
pub struct Model {
    pub cells: Cells,
    sources: Vec<f64>,
    /// The observations, and their standard deviation.
    pub observed: Vec<f64>,
    pub sigma: f64,
}

impl Model {
    /// `n` × `n` cells of the unit square, without observations.
    pub fn new(n: usize) -> Result<Self> {
        let cells = Cells::new(n)?;
        Ok(Self { sources: cells.sources(), cells, observed: vec![0.0; SOURCES * n * n], sigma: 1.0 })
    }

    /// A(θ)⁻¹ f.
    pub fn solve<'t, T: Scalar>(&self, theta: Dense<'t, T>) -> Dense<'t, T> {
        self.cells.operator(theta).solve(theta.tape().block(&scalars(&self.sources), SOURCES))
    }

    fn residuals<'t, T: Scalar>(&self, theta: Dense<'t, T>) -> [Dense<'t, T>; 2] {
        let tape = theta.tape();
        let misfit = self.solve(theta) - tape.block(&scalars(&self.observed), SOURCES);
        let rough = tape.matrix(&self.cells.inner.cast()) * theta;
        [misfit / T::from_f64(self.sigma), rough * T::from_f64(SMOOTHNESS)]
    }

    /// The values of the residuals, and their derivatives along `direction` (J v) by dual numbers.
    fn forward(&self, tape: &mut Tape<Dual>, theta: &[f64], direction: &[f64]) -> Result<[Residuals; 2]> {
        tape.clear();
        let theta: Vec<Dual> = theta.iter().zip(direction).map(|(&t, &d)| Dual::new(t, d)).collect();
        let [misfit, rough] = self.residuals(tape.vector(&theta)).map(|r| r.values());
        let both = [misfit?, rough?];
        Ok([0, 1].map(|part| [0, 1].map(|r: usize| both[r].iter().map(|v| v.part(part)).collect())))
    }

    /// One step: δ with JᵀJ δ = −Jᵀ r by conjugate gradients, and their number.
    pub fn step(&self, theta: &[f64]) -> Result<(Vec<f64>, usize)> {
        let (tape, mut dual) = (Tape::new(), Tape::new());
        let parameter = tape.parameter(theta);
        let outputs = self.residuals(parameter);
        let transposed = |w: &Residuals| {
            let seeds: Vec<(&dyn Handle<f64>, &[f64])> =
                outputs.iter().zip(w).map(|(r, w)| (r as &dyn Handle<f64>, &w[..])).collect();
            tape.backward(&seeds)?.take(parameter)
        };
        let mut r = transposed(&[outputs[0].values()?, outputs[1].values()?])?;
        r.iter_mut().for_each(|v| *v = -*v);
        let (mut delta, mut p, mut rr) = (vec![0.0; r.len()], r.clone(), dot(&r, &r));
        let enough = 1e-4 * rr;
        for iteration in 0..INNER {
            if rr <= enough {
                return Ok((delta, iteration));
            }
            let [_, jp] = self.forward(&mut dual, theta, &p)?;
            let q = transposed(&jp)?;
            let alpha = rr / dot(&p, &q);
            delta.iter_mut().zip(&p).for_each(|(d, p)| *d += alpha * p);
            r.iter_mut().zip(&q).for_each(|(r, q)| *r -= alpha * q);
            let next = dot(&r, &r);
            p.iter_mut().zip(&r).for_each(|(p, r)| *p = r + next / rr * *p);
            rr = next;
        }
        Ok((delta, INNER))
    }

    /// ‖r‖² of the observations and of the smoothness.
    pub fn squares(&self, theta: &[f64]) -> Result<[f64; 2]> {
        let tape = Tape::new();
        let [misfit, rough] = self.residuals(tape.vector(theta));
        Ok([misfit.frobenius_squared().value()?, rough.frobenius_squared().value()?])
    }
}

fn scalars<T: Scalar>(values: &[f64]) -> Vec<T> {
    values.iter().map(|&v| T::from_f64(v)).collect()
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}
