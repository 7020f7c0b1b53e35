//! The classical relaxations by name.

use std::str::FromStr;
use std::sync::Arc;

use super::smoother::Smoother;
use crate::backend::Direction;
use crate::error::{Error, Result};
use crate::setup::{inverse_diagonal, lambda_max, relaxation as values};
use crate::sparse::Csr;

/// A classical relaxation and its parameters.
///
/// Its text form is a name with an optional parameter, as in `jacobi`, `jacobi(0.8)`,
/// `chebyshev(4)`, `ilu0(0.7)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Relaxation {
    /// ω D⁻¹; without ω, 4/3 divided by the spectral radius of D⁻¹A.
    Jacobi(Option<f64>),
    /// D_ℓ1⁻¹, D_ℓ1 the absolute row sums.
    L1Jacobi,
    /// Forward before and backward after the coarse-grid correction: a symmetric cycle.
    GaussSeidel,
    /// Forward before and after.
    ForwardGaussSeidel,
    /// Backward before and after.
    BackwardGaussSeidel,
    /// A forward and a backward sweep each time.
    SymmetricGaussSeidel,
    /// A Chebyshev polynomial of this degree in D⁻¹A.
    Chebyshev(usize),
    /// The diagonal M that minimises ‖I − MA‖_F.
    Spai0,
    /// The M on A's pattern that minimises ‖I − MA‖_F.
    Spai1,
    /// ω U⁻¹ L⁻¹ on A's pattern; ω = 1 is undamped.
    Ilu0(f64),
}

/// Share of the spectrum, from the top, on which Chebyshev relaxation is optimal.
const CHEBYSHEV_RATIO: f64 = 10.0;

impl Relaxation {
    /// One of each, with default parameters.
    pub const ALL: [Relaxation; 10] = [
        Relaxation::Jacobi(None),
        Relaxation::L1Jacobi,
        Relaxation::GaussSeidel,
        Relaxation::ForwardGaussSeidel,
        Relaxation::BackwardGaussSeidel,
        Relaxation::SymmetricGaussSeidel,
        Relaxation::Chebyshev(3),
        Relaxation::Spai0,
        Relaxation::Spai1,
        Relaxation::Ilu0(1.0),
    ];

    /// The name without parameters.
    pub fn name(self) -> &'static str {
        match self {
            Relaxation::Jacobi(_) => "jacobi",
            Relaxation::L1Jacobi => "l1-jacobi",
            Relaxation::GaussSeidel => "gauss-seidel",
            Relaxation::ForwardGaussSeidel => "forward-gauss-seidel",
            Relaxation::BackwardGaussSeidel => "backward-gauss-seidel",
            Relaxation::SymmetricGaussSeidel => "symmetric-gauss-seidel",
            Relaxation::Chebyshev(_) => "chebyshev",
            Relaxation::Spai0 => "spai0",
            Relaxation::Spai1 => "spai1",
            Relaxation::Ilu0(_) => "ilu0",
        }
    }

    /// The smoothers of one level: `pre` sweeps before and `post` sweeps after the
    /// coarse-grid correction.
    ///
    /// # Errors
    /// A zero diagonal or pivot (the row is named), or a parameter out of range.
    pub fn smoothers(self, a: &Csr<f64>, pre: usize, post: usize) -> Result<(Sweeps, Sweeps)> {
        use Direction::{Backward, Forward};
        let gauss_seidel = |direction| Smoother::GaussSeidel { direction };
        let times = |list: &[Sweep], count| std::iter::repeat_n(list, count).flatten().cloned().collect();
        let both = |list: &[Sweep]| (times(list, pre), times(list, post));
        let diagonal = |weights: Vec<f64>| both(&[Smoother::Diagonal { weights: Arc::new(weights) }]);
        Ok(match self {
            Relaxation::Jacobi(omega) => {
                let omega = match omega {
                    Some(omega) => omega,
                    None => 4.0 / 3.0 / lambda_max(a, &inverse_diagonal(a)?)?,
                };
                diagonal(values::weighted_jacobi(a, omega)?)
            }
            Relaxation::L1Jacobi => diagonal(values::l1_jacobi(a)?),
            Relaxation::Spai0 => diagonal(values::spai0(a)?),
            Relaxation::GaussSeidel => (vec![gauss_seidel(Forward); pre], vec![gauss_seidel(Backward); post]),
            Relaxation::ForwardGaussSeidel => both(&[gauss_seidel(Forward)]),
            Relaxation::BackwardGaussSeidel => both(&[gauss_seidel(Backward)]),
            Relaxation::SymmetricGaussSeidel => both(&[gauss_seidel(Forward), gauss_seidel(Backward)]),
            Relaxation::Chebyshev(degree) => {
                let inverse = inverse_diagonal(a)?;
                // The estimate is from below.
                let largest = 1.1 * lambda_max(a, &inverse)?;
                let polynomial = values::ChebyshevCoefficients::new(largest, degree, CHEBYSHEV_RATIO)?;
                both(&[Smoother::Chebyshev {
                    inverse_diagonal: Arc::new(inverse),
                    coefficients: polynomial.steps,
                }])
            }
            Relaxation::Spai1 => both(&[Smoother::Sparse { m: values::spai1(a)?.into() }]),
            Relaxation::Ilu0(damping) => {
                if !(damping.is_finite() && damping > 0.0) {
                    let message =
                        format!("the damping of ilu0 is {damping}; choose a positive one, at most 1");
                    return Err(Error::invalid_input(message));
                }
                both(&[Smoother::Factors { factors: values::ilu0(a)?.into(), unit_lower: true, damping }])
            }
        })
    }
}

/// One sweep with its values in the memory of the host.
pub type Sweep = Smoother<Arc<Vec<f64>>>;
/// Sweeps in order.
pub type Sweeps = Vec<Sweep>;

impl std::fmt::Display for Relaxation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())?;
        match self {
            Relaxation::Jacobi(Some(omega)) => write!(f, "({omega})"),
            Relaxation::Chebyshev(degree) => write!(f, "({degree})"),
            Relaxation::Ilu0(damping) if *damping != 1.0 => write!(f, "({damping})"),
            _ => Ok(()),
        }
    }
}

impl FromStr for Relaxation {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let unknown = || {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::invalid_input(format!("there is no smoother called '{text}'; choose one of {names}"))
        };
        let (name, parameter) = match text.strip_suffix(')').and_then(|t| t.split_once('(')) {
            Some((name, parameter)) => (name, Some(parameter)),
            None => (text, None),
        };
        let found = Self::ALL.into_iter().find(|r| r.name() == name).ok_or_else(unknown)?;
        let Some(parameter) = parameter else { return Ok(found) };
        let wrong =
            || Error::invalid_input(format!("'{parameter}' is not a parameter of the smoother {name}"));
        let positive =
            || parameter.parse::<f64>().ok().filter(|v| v.is_finite() && *v > 0.0).ok_or_else(wrong);
        match found {
            Relaxation::Jacobi(_) => Ok(Relaxation::Jacobi(Some(positive()?))),
            Relaxation::Ilu0(_) => Ok(Relaxation::Ilu0(positive()?)),
            Relaxation::Chebyshev(_) => {
                let degree = parameter.parse().ok().filter(|d| (1..=100).contains(d)).ok_or_else(wrong)?;
                Ok(Relaxation::Chebyshev(degree))
            }
            _ => Err(wrong()),
        }
    }
}
