//! Forward problem of the example: u for given κ, the residuals of the observations, and one step of
//! Gauss–Newton.

use std::f64::consts::TAU;
use std::sync::Arc;

use multigrad::autodiff::{Dense, Handle, Tape};
use multigrad::error::Result;
use multigrad::sparse::{Csr, Dual, Scalar};

/// Sources, the weight of the differences of θ, and iterations of CG in a step.
const SOURCES: usize = 3;
const SMOOTHNESS: f64 = 2.5;
const INNER: usize = 100;

/// The two residuals: of the observations and of the smoothness.
type Residuals = [Vec<f64>; 2];

/// A grid of cells, three sources, and observations of the three solutions.
pub struct Model {
    /// Differences across edges, also those to the boundary, where u = 0.
    incidence: Csr<f64>,
    /// Differences across inner edges.
    inner: Csr<f64>,
    /// The cells at both sides of every edge; one cell twice at the boundary.
    sides: [Arc<[u32]>; 2],
    /// 2 for an edge between centres, 4 for one to the boundary, which is half as long.
    conductance: Vec<f64>,
    sources: Vec<f64>,
    /// The observations, and their standard deviation.
    pub observed: Vec<f64>,
    pub sigma: f64,
}

impl Model {
    /// `n` × `n` cells of the unit square, without observations.
    pub fn new(n: usize) -> Result<Self> {
        let cell = move |x: usize, y: usize| y * n + x;
        let pairs = move |x: usize, k: usize| [(cell(x - 1, k), cell(x, k)), (cell(k, x - 1), cell(k, x))];
        let across = |k: usize| (1..n).flat_map(move |x| pairs(x, k));
        let ends = |k: usize| [cell(0, k), cell(n - 1, k), cell(k, 0), cell(k, n - 1)].map(|c| (c, c));
        let edges: Vec<_> = (0..n).flat_map(across).chain((0..n).flat_map(ends)).collect();
        let count = 2 * n * (n - 1);
        let entries = |first: usize, last: usize| -> Vec<_> {
            let of_edge = |e: usize| {
                let (a, b) = edges[e];
                std::iter::once((e, a, 1.0)).chain((a != b).then_some((e, b, -1.0)))
            };
            (first..last).flat_map(of_edge).collect()
        };
        let wave = |t: usize| 8.0 * (TAU * (t as f64 + 0.5) / n as f64).sin();
        let of_cell = |c: usize| [1.0, wave(c % n), wave(c / n)].map(|f| f / (n * n) as f64);
        Ok(Self {
            incidence: Csr::from_triplets(edges.len(), n * n, &entries(0, edges.len()))?,
            inner: Csr::from_triplets(count, n * n, &entries(0, count))?,
            sides: [edges.iter().map(|e| e.0 as u32).collect(), edges.iter().map(|e| e.1 as u32).collect()],
            conductance: edges.iter().map(|(a, b)| if a == b { 4.0 } else { 2.0 }).collect(),
            sources: (0..n * n).flat_map(of_cell).collect(),
            observed: vec![0.0; SOURCES * n * n],
            sigma: 1.0,
        })
    }

    /// A(θ)⁻¹ f with A = Gᵀ W G, where W has the harmonic means of κ at both sides of the edges.
    pub fn solve<'t, T: Scalar>(&self, theta: Dense<'t, T>) -> Dense<'t, T> {
        let (tape, kappa) = (theta.tape(), theta.exp());
        let (a, b) = (kappa.gather_rows(&self.sides[0]), kappa.gather_rows(&self.sides[1]));
        let weights = a * b / (a + b) * tape.vector(&scalars(&self.conductance));
        let g = tape.matrix(&self.incidence.cast());
        let matrix = g.transpose() * (weights.as_diagonal() * g);
        matrix.solve(tape.block(&scalars(&self.sources), SOURCES))
    }

    fn residuals<'t, T: Scalar>(&self, theta: Dense<'t, T>) -> [Dense<'t, T>; 2] {
        let tape = theta.tape();
        let misfit = self.solve(theta) - tape.block(&scalars(&self.observed), SOURCES);
        let rough = tape.matrix(&self.inner.cast()) * theta;
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
