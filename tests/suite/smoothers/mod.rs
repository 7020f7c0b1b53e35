//! Parallel Gauss–Seidel, incomplete factors with fill, block Jacobi and damping: their defining properties.

mod damping;
mod factors;
mod gauss_seidel;

use crate::common;

use crate::common::numbers::{Numbers, bits, distance, dot, pools};
use crate::common::{convection, dense, nine_point, poisson};
use multigrad::backend::{Colouring, Cpu, Direction, Order, OrderedSweep, OrderedView, Reference, Triangle};
use multigrad::cycle_tape::{Parameter, Tape, gradient_check};
use multigrad::engine::{Eager, Engine, Matrix};
use multigrad::gallery::{FlowScheme, poisson_2d, recirculating_flow, rotated_anisotropic};
use multigrad::multigrid::{Passes, Relaxation, Smoother, Sweep, spectral_bound};
use multigrad::setup::inverse_diagonal;
use multigrad::setup::relaxation::*;
use multigrad::sparse::{Csr, Scalar, Storage};

/// (b − A x) ↦ B (b − A x), from zero.
fn apply(sweep: &Sweep, a: &Csr<f64>, b: &[f64]) -> Vec<f64> {
    let e = Eager::new(1);
    e.values(&sweep.smooth(&e, &a.clone().into(), &e.vector(b), e.zeros(b.len())))
}

/// An error after `times` of all of the sweeps, for b = 0.
fn iterate(sweeps: &[Sweep], a: &Csr<f64>, start: &[f64], times: usize) -> Vec<f64> {
    let (e, m) = (Eager::new(1), Matrix::from(a.clone()));
    let (b, mut x) = (e.zeros(start.len()), e.vector(start));
    for _ in 0..times {
        for sweep in sweeps {
            x = sweep.smooth(&e, &m, &b, x);
        }
    }
    e.values(&x)
}

fn norm(x: &[f64]) -> f64 {
    dot(x, x).sqrt()
}

fn error(x: &Csr<f64>, y: &Csr<f64>) -> f64 {
    let difference = x.add(1.0, y, -1.0).unwrap();
    difference.values().iter().fold(0.0, |m, v| m.max(v.abs()))
}
