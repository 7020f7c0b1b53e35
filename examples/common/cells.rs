//! Diffusion on the square cells of a grid: −∇·κ∇u = f with u = 0 on the boundary, by finite volumes, with the
//! coefficient on a tape.
#![allow(dead_code)] // No example needs all of it.

use std::f64::consts::TAU;
use std::sync::Arc;

use multigrad::autodiff::{Dense, Sparse};
use multigrad::error::Result;
use multigrad::sparse::{Csr, Scalar};

/// Number of sources.
pub const SOURCES: usize = 3;

/// `n` × `n` cells of the unit square.
pub struct Cells {
    /// Cells per side.
    pub n: usize,
    /// Differences across inner edges.
    pub inner: Csr<f64>,
    /// Differences across edges, also those to the boundary, where u = 0.
    incidence: Csr<f64>,
    /// The cells at both sides of every edge; one cell twice at the boundary.
    sides: [Arc<[u32]>; 2],
    /// 2 for an edge between centres, 4 for one to the boundary, which is half as long.
    conductance: Vec<f64>,
}

impl Cells {
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
        Ok(Self {
            n,
            incidence: Csr::from_triplets(edges.len(), n * n, &entries(0, edges.len()))?,
            inner: Csr::from_triplets(count, n * n, &entries(0, count))?,
            sides: [edges.iter().map(|e| e.0 as u32).collect(), edges.iter().map(|e| e.1 as u32).collect()],
            conductance: edges.iter().map(|(a, b)| if a == b { 4.0 } else { 2.0 }).collect(),
        })
    }

    /// The coordinate of the centre of cell k of a row or column.
    pub fn centre(&self, k: usize) -> f64 {
        (k as f64 + 0.5) / self.n as f64
    }

    /// A value for every cell.
    pub fn field(&self, f: impl Fn(f64, f64) -> f64) -> Vec<f64> {
        (0..self.n * self.n).map(|c| f(self.centre(c % self.n), self.centre(c / self.n))).collect()
    }

    /// Right-hand sides for 1, 8 sin 2πx and 8 sin 2πy, n² × 3.
    pub fn sources(&self) -> Vec<f64> {
        let n = self.n;
        let wave = |t: usize| 8.0 * (TAU * self.centre(t)).sin();
        let of_cell = |c: usize| [1.0, wave(c % n), wave(c / n)].map(|f| f / (n * n) as f64);
        (0..n * n).flat_map(of_cell).collect()
    }

    /// A(θ) = Gᵀ W G for κ = exp θ, where W has the harmonic means of κ at both sides of the edges.
    pub fn operator<'t, T: Scalar>(&self, theta: Dense<'t, T>) -> Sparse<'t, T> {
        let (tape, kappa) = (theta.tape(), theta.exp());
        let (a, b) = (kappa.gather_rows(&self.sides[0]), kappa.gather_rows(&self.sides[1]));
        let conductance: Vec<T> = self.conductance.iter().map(|&v| T::from_f64(v)).collect();
        let weights = a * b / (a + b) * tape.vector(&conductance);
        let g = tape.matrix(&self.incidence.cast());
        g.transpose() * (weights.as_diagonal() * g)
    }

    /// Two fields side by side with a strip between them, as points and values for a plot.
    pub fn side_by_side(&self, left: &[f64], right: &[f64]) -> (Vec<[f64; 2]>, Vec<f64>) {
        let n = self.n;
        let gap = n.div_ceil(24);
        let value = |x: usize, y: usize| match x {
            _ if x < n => left[y * n + x],
            _ if x < n + gap => f64::NAN,
            _ => right[y * n + x - n - gap],
        };
        let places = (0..n).flat_map(|y| (0..2 * n + gap).map(move |x| (x, y)));
        places.map(|(x, y)| ([self.centre(x), self.centre(y)], value(x, y))).unzip()
    }
}
