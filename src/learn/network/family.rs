//! The problems that networks are trained on and judged by.

use std::f64::consts::PI;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::error::Result;
use crate::gallery::{self, FlowScheme, Problem};

/// A family of problems, drawn from a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// Recirculating flow by first-order upwind differences, ε from 0.002 to 0.05.
    Upwind,
    /// The same by finite elements with SUPG.
    Supg,
    /// Rotated anisotropic diffusion, any angle, ratio from 10⁻³ to 0.3.
    Rotated,
    /// Diffusion on unstructured tetrahedra.
    Unstructured,
}

impl Family {
    /// All of them.
    pub const ALL: [Family; 4] = [Family::Upwind, Family::Supg, Family::Rotated, Family::Unstructured];

    /// The member with this seed and about `side`² unknowns.
    ///
    /// # Errors
    /// A side that is too small or too large.
    pub fn member(self, side: usize, seed: u64) -> Result<Problem> {
        let mut random = ChaCha8Rng::seed_from_u64(seed ^ 0xfa31);
        let mut logarithmic = |low: f64, high: f64| low * (high / low).powf(random.random::<f64>());
        match self {
            Family::Upwind => gallery::recirculating_flow(side, logarithmic(0.002, 0.05), FlowScheme::Upwind),
            Family::Supg => gallery::recirculating_flow(side, logarithmic(0.002, 0.05), FlowScheme::Supg),
            Family::Rotated => {
                let epsilon = logarithmic(1e-3, 0.3);
                gallery::rotated_anisotropic(side, epsilon, PI * random.random::<f64>())
            }
            Family::Unstructured => {
                gallery::unstructured_3d(((side * side) as f64).cbrt().round().max(3.0) as usize, seed)
            }
        }
    }
}
