//! Problems of the tables.

use std::fmt;

use multigrad::error::Result;
use multigrad::gallery::{
    FLOW_EPSILON, FlowScheme, poisson_2d, poisson_3d, recirculating_flow, rotated_anisotropic,
};
use multigrad::sparse::Csr;

/// Sides of the 5-point and of the 7-point Laplacian with 10⁶ and 10⁷ unknowns.
const SIDES: [(Kind, usize); 4] =
    [(Kind::Poisson2d, 1000), (Kind::Poisson2d, 3162), (Kind::Poisson3d, 100), (Kind::Poisson3d, 215)];
/// The same with few unknowns, but more than those of one dense matrix on a GPU.
const SIDES_EMULATED: [(Kind, usize); 2] = [(Kind::Poisson2d, 40), (Kind::Poisson3d, 11)];

/// The weak direction of the rotated problem.
const WEAK: f64 = 1e-3;
const ANGLE: f64 = std::f64::consts::FRAC_PI_6;

/// A matrix by its kind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    Poisson2d,
    Poisson3d,
    Upwind,
    Supg,
    Rotated,
}

/// A matrix on a grid.
#[derive(Debug, Clone, Copy)]
pub struct Problem {
    pub kind: Kind,
    pub side: usize,
}

impl Problem {
    /// Its matrix.
    pub fn matrix(self) -> Result<Csr<f64>> {
        let n = self.side;
        let problem = match self.kind {
            Kind::Poisson2d => poisson_2d(n, n),
            Kind::Poisson3d => poisson_3d(n, n, n),
            Kind::Upwind => recirculating_flow(n, FLOW_EPSILON, FlowScheme::Upwind),
            Kind::Supg => recirculating_flow(n, FLOW_EPSILON, FlowScheme::Supg),
            Kind::Rotated => rotated_anisotropic(n, WEAK, ANGLE),
        }?;
        Ok(problem.matrix)
    }

    /// Its kind in words.
    pub fn name(self) -> &'static str {
        match self.kind {
            Kind::Poisson2d => "5-point Poisson",
            Kind::Poisson3d => "7-point Poisson",
            Kind::Upwind => "upwind flow",
            Kind::Supg => "SUPG flow",
            Kind::Rotated => "rotated anisotropy",
        }
    }
}

impl fmt::Display for Problem {
    /// Its size.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.side, if self.kind == Kind::Poisson3d { '³' } else { '²' })
    }
}

/// The problems of the kernels and of the cycle.
pub fn poisson(emulated: bool) -> Vec<Problem> {
    let sides: &[(Kind, usize)] = if emulated { &SIDES_EMULATED } else { &SIDES };
    sides.iter().map(|&(kind, side)| Problem { kind, side }).collect()
}
