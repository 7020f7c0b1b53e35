//! The inverse problem: loss and gradient by multigrid solves on a tape.

use std::f64::consts::PI;
use std::sync::Arc;

use multigrad::Amg;
use multigrad::autodiff::{Dense, Number, Tape};
use multigrad::error::Result;
use multigrad::solver::{DifferentiableSolver, TapeSolve};
use multigrad::sparse::Csr;

use crate::cells::{Cells, SOURCES};
use crate::common::normal;

/// Standard deviation and correlation length of ln κ.
const DEVIATION: f64 = 0.7;
const LENGTH: f64 = 0.1;

/// Sensors per side.
const SENSORS: usize = 32;

pub struct Inverse {
    pub cells: Cells,
    /// The observations, and their standard deviation.
    pub observed: Vec<f64>,
    pub sigma: f64,
    /// The cells with a sensor.
    sensors: Arc<[u32]>,
    sources: Vec<f64>,
    /// Solver for u.
    forward: DifferentiableSolver,
    /// I − ℓ²Δ with its solver, and the factor s √(4π) ℓ/h.
    smoothing: Csr<f64>,
    field: DifferentiableSolver,
    scale: f64,
}

/// A loss with its parts.
pub struct Run<'t> {
    pub theta: Dense<'t>,
    /// ‖(u − u_observed)/σ‖².
    pub misfit: Number<'t>,
    pub loss: Number<'t>,
    pub solve: TapeSolve<'t>,
}

impl Inverse {
    /// Without observations; `rtol` is the tolerance of all solves.
    pub fn new(n: usize, rtol: f64) -> Result<Self> {
        let cells = Cells::new(n)?;
        let tape = Tape::new();
        let a = cells.operator(tape.vector(&vec![0.0; n * n])).to_csr()?;
        let ratio = LENGTH * n as f64;
        let g = tape.matrix(&cells.inner);
        let laplacian = g.transpose() * g;
        let smoothing = (tape.identity(n * n) + laplacian * (ratio * ratio)).to_csr()?;
        let place = |k: usize| (2 * k + 1) * n / (2 * SENSORS.min(n));
        let count = SENSORS.min(n);
        let sensors = (0..count * count).map(|s| (place(s / count) * n + place(s % count)) as u32).collect();
        let solver = |a: &Csr<f64>| Ok(DifferentiableSolver::new(Amg::auto(a)?).rtol(rtol).warm_start(true));
        Ok(Self {
            observed: vec![0.0; count * count * SOURCES],
            sigma: 1.0,
            sensors,
            sources: cells.sources(),
            forward: solver(&a)?,
            field: solver(&smoothing)?,
            smoothing,
            scale: DEVIATION * (4.0 * PI).sqrt() * ratio,
            cells,
        })
    }

    fn solve<'t>(&mut self, theta: Dense<'t>) -> TapeSolve<'t> {
        let a = self.cells.operator(theta);
        self.forward.solve(a, theta.tape().block(&self.sources, SOURCES))
    }

    /// u at the sensors for ln κ = θ.
    pub fn observe<'t>(&mut self, theta: Dense<'t>) -> Dense<'t> {
        self.solve(theta).x.gather_rows(&self.sensors)
    }

    /// The loss of φ.
    pub fn run<'t>(&mut self, phi: Dense<'t>) -> Run<'t> {
        let tape = phi.tape();
        let theta = self.field.solve(tape.matrix(&self.smoothing), phi).x * self.scale;
        let solve = self.solve(theta);
        let u = solve.x.gather_rows(&self.sensors);
        let misfit = ((u - tape.block(&self.observed, SOURCES)) / self.sigma).frobenius_squared();
        Run { theta, misfit, loss: (misfit + phi.frobenius_squared()) * 0.5, solve }
    }

    /// The slope of the loss along a random direction, from its gradient and by central differences of fourth order.
    pub fn check(&self) -> Result<(f64, f64)> {
        let n = self.cells.n;
        let mut exact = Self::new(n, 1e-10)?;
        (exact.observed, exact.sigma) = (self.observed.clone(), self.sigma);
        let (point, along) = (normal(1, n * n), normal(2, n * n));
        let mut at = |h: f64| {
            let tape = Tape::new();
            let moved: Vec<f64> = point.iter().zip(&along).map(|(p, d)| p + h * d).collect();
            let phi = tape.parameter(&moved);
            let loss = exact.run(phi).loss;
            Ok::<_, multigrad::Error>((
                loss.value()?,
                if h == 0.0 { loss.gradients()?.take(phi)? } else { Vec::new() },
            ))
        };
        let slope = at(0.0)?.1.iter().zip(&along).map(|(g, d)| g * d).sum();
        let h = 2e-3;
        let near = at(h)?.0 - at(-h)?.0;
        let far = at(2.0 * h)?.0 - at(-2.0 * h)?.0;
        Ok((slope, (8.0 * near - far) / (12.0 * h)))
    }
}
