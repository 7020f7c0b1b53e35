//! Classical relaxations by name.

use super::damping::damped;
use super::smoother::{Smoother, Sweep, Sweeps};
use super::subdomains::{Parts, SchwarzOptions};
use crate::backend::{Direction, Order, OrderedSweep};
use crate::error::Result;
use crate::schwarz::Variant;
use crate::setup::{detect_block_size, inverse_diagonal, relaxation as values};
use crate::sparse::{Csr, Storage};

/// A classical relaxation and its parameters.
///
/// Its text form is a name with an optional parameter, as in `jacobi`, `jacobi(0.8)`, `chebyshev(4)`, `ilu0(0.7)`,
/// or with several, as in `ilu(2,auto)`, `ilut(0.01,10)`, `block-jacobi(3)`, `hybrid-gauss-seidel(symmetric)`. The
/// damping `auto` is computed from an estimate of the spectral radius of the relaxed matrix.
///
/// Incomplete factors may be weakened by a last parameter, as in `ilu0(tau=0.02)`, `ilu(2,0.7,tau=0.01)` or
/// `ilut(0.01,10,tau=0.05)`: the entries of L and U beside the diagonal are multiplied by 1 − τ, the pivots are
/// kept (see [`weaken_factors`](crate::setup::relaxation::weaken_factors)).
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Relaxation {
    /// ω D⁻¹; without ω, the factor is 4/3 divided by the spectral radius of D⁻¹A.
    Jacobi(Option<f64>),
    /// D_ℓ1⁻¹, where D_ℓ1 holds the absolute row sums.
    L1Jacobi,
    /// Forward before and backward after the coarse-grid correction, which makes the cycle symmetric.
    GaussSeidel,
    /// Forward before and after.
    ForwardGaussSeidel,
    /// Backward before and after.
    BackwardGaussSeidel,
    /// A forward and a backward sweep, both before and after.
    SymmetricGaussSeidel,
    /// A Chebyshev polynomial of this degree in D⁻¹A.
    Chebyshev(usize),
    /// The diagonal M that minimises ‖I − MA‖_F.
    Spai0,
    /// The M on A's pattern that minimises ‖I − MA‖_F.
    Spai1,
    /// ω U⁻¹ L⁻¹ on A's pattern; ω = 1 is undamped.
    Ilu0(f64),
    /// Gauss–Seidel within blocks of some thousand rows and Jacobi between them, in parallel.
    HybridGaussSeidel(Passes),
    /// Hybrid Gauss–Seidel with an enlarged diagonal, which makes it converge for every symmetric positive
    /// definite matrix.
    L1GaussSeidel(Passes),
    /// Gauss–Seidel by colours of uncoupled rows, in parallel.
    MulticolourGaussSeidel(Passes),
    /// ω U⁻¹ L⁻¹ with fill by levels.
    Ilu {
        /// Largest level of fill; 0 is ILU(0).
        level: usize,
        /// ω; if absent, computed from the spectral radius.
        damping: Option<f64>,
        /// τ, from 0 to 1: off-diagonal entries of L and U are multiplied by 1 − τ.
        tau: f64,
    },
    /// ω U⁻¹ L⁻¹ with fill by magnitude.
    Ilut {
        /// Entries below this fraction of the norm of their row are dropped.
        drop_tolerance: f64,
        /// Largest ratio of the entries of the factors to those of A.
        fill_factor: f64,
        /// ω; if absent, computed from the spectral radius.
        damping: Option<f64>,
        /// τ, as for `Ilu`.
        tau: f64,
    },
    /// ω times the inverses of blocks on the diagonal.
    BlockJacobi {
        /// Rows of a block; if absent, detected on every level.
        size: Option<usize>,
        /// ω; if absent, 4/3 divided by the spectral radius.
        omega: Option<f64>,
    },
    /// A Chebyshev polynomial of the fourth kind of this degree in D⁻¹A.
    FourthKindChebyshev(usize),
    /// ω Ũ⁻¹ L̃⁻¹ on A's pattern, with Jacobi sweeps on the triangular systems in place of the substitutions
    /// (Anzt, Chow and Dongarra 2015). All rows are independent.
    IterativeIlu0 {
        /// Sweeps for each triangle.
        sweeps: u32,
        /// ω; if absent, computed from the spectral radius.
        damping: Option<f64>,
    },
    /// Solves on overlapping subdomains.
    Schwarz(SchwarzOptions),
    /// SPAI-0 times ω; if absent, ω is computed from the spectral radius.
    DampedSpai0(Option<f64>),
}

/// Directions of the sweeps of a Gauss–Seidel relaxation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Passes {
    /// Forward before and backward after the coarse-grid correction, which makes the cycle symmetric.
    #[default]
    Mirrored,
    /// Forward before and after.
    Forward,
    /// Backward before and after.
    Backward,
    /// A forward and a backward sweep, both before and after.
    Symmetric,
}

/// Ratio of the ends of the interval [λ_max / ratio, λ_max] on which Chebyshev relaxation is optimal.
pub(super) const CHEBYSHEV_RATIO: f64 = 10.0;

impl Relaxation {
    /// Every relaxation with default parameters.
    pub const ALL: [Relaxation; 19] = [
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
        Relaxation::HybridGaussSeidel(Passes::Mirrored),
        Relaxation::L1GaussSeidel(Passes::Mirrored),
        Relaxation::MulticolourGaussSeidel(Passes::Mirrored),
        Relaxation::Ilu { level: 1, damping: Some(1.0), tau: 0.0 },
        Relaxation::Ilut { drop_tolerance: 0.01, fill_factor: 10.0, damping: Some(1.0), tau: 0.0 },
        Relaxation::BlockJacobi { size: None, omega: None },
        Relaxation::FourthKindChebyshev(3),
        Relaxation::IterativeIlu0 { sweeps: 3, damping: Some(1.0) },
        Relaxation::Schwarz(SchwarzOptions {
            parts: Parts::Rows(100),
            overlap: 1,
            share: 0.0,
            variant: Variant::Restricted,
        }),
    ];

    /// Values of τ among which comparisons look for the best one.
    pub(crate) const TAUS: [f64; 7] = [0.005, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1];

    /// ILU(0) whose entries of L and U beside the diagonal are multiplied by 1 − τ.
    ///
    /// Where ILU(0) diverges, as on diffusion along a direction that the grid does not follow, a τ of .005 to .1 often
    /// makes it the best smoother there is. The factors of a symmetric matrix remain L D Lᵀ, so that CG may be used.
    ///
    /// ```
    /// use multigrad::multigrid::Relaxation;
    /// use multigrad::{Amg, gallery};
    /// let problem = gallery::rotated_anisotropic(32, 1e-3, 0.9)?;
    /// let amg = Amg::smoothed_aggregation().relaxation(Relaxation::weak_ilu0(0.02)).build(&problem.matrix)?;
    /// assert!(amg.solve(&problem.rhs)?.iterations <= 10);
    /// # Ok::<(), multigrad::Error>(())
    /// ```
    pub fn weak_ilu0(tau: f64) -> Self {
        if tau == 0.0 { Relaxation::Ilu0(1.0) } else { Relaxation::Ilu { level: 0, damping: Some(1.0), tau } }
    }

    /// τ of weakened incomplete factors, if it is not zero.
    pub fn tau(self) -> Option<f64> {
        match self {
            Relaxation::Ilu { tau, .. } | Relaxation::Ilut { tau, .. } if tau != 0.0 => Some(tau),
            _ => None,
        }
    }

    /// Drop tolerance and fill factor of ILUT, for other relaxations those of 0.001 and 10.
    pub(crate) fn thresholds(self) -> (f64, f64) {
        match self {
            Relaxation::Ilut { drop_tolerance, fill_factor, .. } => (drop_tolerance, fill_factor),
            _ => (1e-3, 10.0),
        }
    }

    /// The relaxation for a level below the finest, which has `rows` rows and to which a number of parts refers.
    #[must_use]
    pub(super) fn below(self, rows: usize) -> Self {
        match self {
            Relaxation::Schwarz(options) => Relaxation::Schwarz(options.below(rows)),
            other => other,
        }
    }

    /// The smoothers of one level: `pre` sweeps before and `post` sweeps after the
    /// coarse-grid correction.
    ///
    /// # Errors
    /// A zero diagonal or pivot (the row is named), or a parameter out of range.
    pub fn smoothers(self, a: &Csr<f64>, pre: usize, post: usize) -> Result<(Sweeps, Sweeps)> {
        use Direction::{Backward, Forward};
        let times = |list: &[Sweep], count| std::iter::repeat_n(list, count).flatten().cloned().collect();
        let both = |list: &[Sweep]| (times(list, pre), times(list, post));
        let passes = |passes, sweep: &dyn Fn(Direction) -> Sweep| match passes {
            Passes::Mirrored => (times(&[sweep(Forward)], pre), times(&[sweep(Backward)], post)),
            Passes::Forward => both(&[sweep(Forward)]),
            Passes::Backward => both(&[sweep(Backward)]),
            Passes::Symmetric => both(&[sweep(Forward), sweep(Backward)]),
        };
        let natural = |directions| passes(directions, &|direction| Smoother::GaussSeidel { direction });
        let ordered = |order: Order, inverse: Vec<f64>, directions| {
            let inverse = Storage::shared(inverse);
            passes(directions, &|direction| Smoother::OrderedGaussSeidel {
                sweep: OrderedSweep { order: order.clone(), direction },
                inverse: inverse.clone(),
            })
        };
        let diagonal = |weights: Vec<f64>| Smoother::Diagonal { weights: Storage::shared(weights) };
        let chebyshev = |inverse, coefficients| {
            both(&[Smoother::Chebyshev { inverse_diagonal: Storage::shared(inverse), coefficients }])
        };
        let applied = |factors: Csr<f64>, sweeps| Smoother::Factors {
            factors: factors.into(),
            unit_lower: true,
            damping: 1.0,
            sweeps,
        };
        let factors = |factors| applied(factors, None);
        let one = |sweep, a, damping| Ok(both(&[damped(sweep, a, damping, 1.0)?]));
        match self {
            Relaxation::Jacobi(omega) => {
                let omega = match omega {
                    Some(omega) => omega,
                    None => 4.0 / 3.0 / values::jacobi_bound(a, &inverse_diagonal(a)?)?,
                };
                Ok(both(&[diagonal(values::weighted_jacobi(a, omega)?)]))
            }
            Relaxation::L1Jacobi => Ok(both(&[diagonal(values::l1_jacobi(a)?)])),
            Relaxation::Spai0 => Ok(both(&[diagonal(values::spai0(a)?)])),
            Relaxation::DampedSpai0(omega) => one(diagonal(values::spai0(a)?), a, omega),
            Relaxation::GaussSeidel => Ok(natural(Passes::Mirrored)),
            Relaxation::ForwardGaussSeidel => Ok(natural(Passes::Forward)),
            Relaxation::BackwardGaussSeidel => Ok(natural(Passes::Backward)),
            Relaxation::SymmetricGaussSeidel => Ok(natural(Passes::Symmetric)),
            Relaxation::HybridGaussSeidel(directions) => {
                Ok(ordered(Order::blocks_for(a.rows()), inverse_diagonal(a)?, directions))
            }
            Relaxation::L1GaussSeidel(directions) => {
                let order = Order::blocks_for(a.rows());
                let rows = match &order {
                    Order::Blocks { rows } => *rows as usize,
                    Order::Colours(_) => a.rows(),
                };
                Ok(ordered(order, values::l1_block_diagonal(a, rows)?, directions))
            }
            Relaxation::MulticolourGaussSeidel(directions) => {
                Ok(ordered(Order::colours_of(a.pattern()), inverse_diagonal(a)?, directions))
            }
            Relaxation::Chebyshev(degree) => {
                let inverse = inverse_diagonal(a)?;
                let largest = values::jacobi_bound(a, &inverse)?;
                let polynomial = values::ChebyshevCoefficients::new(largest, degree, CHEBYSHEV_RATIO)?;
                Ok(chebyshev(inverse, polynomial.steps))
            }
            Relaxation::FourthKindChebyshev(degree) => {
                let inverse = inverse_diagonal(a)?;
                let largest = values::jacobi_bound(a, &inverse)?;
                Ok(chebyshev(inverse, values::fourth_kind_chebyshev(largest, degree)?))
            }
            Relaxation::Spai1 => Ok(both(&[Smoother::Sparse { m: values::spai1(a)?.into() }])),
            Relaxation::BlockJacobi { size, omega } => {
                let m = values::block_jacobi(a, size.unwrap_or_else(|| detect_block_size(a)))?;
                Ok(both(&[damped(Smoother::Sparse { m: m.into() }, a, omega, f64::INFINITY)?]))
            }
            Relaxation::Schwarz(options) => Ok(both(&[options.sweep(a)?])),
            Relaxation::Ilu0(damping) => one(factors(values::ilu0(a)?), a, Some(damping)),
            Relaxation::IterativeIlu0 { sweeps, damping } => {
                one(applied(values::ilu0(a)?, Some(sweeps)), a, damping)
            }
            Relaxation::Ilu { level, damping, tau } => {
                one(factors(values::weaken_factors(values::iluk(a, level)?, tau)?), a, damping)
            }
            Relaxation::Ilut { drop_tolerance, fill_factor, damping, tau } => {
                let complete = values::ilut(a, drop_tolerance, fill_factor)?;
                one(factors(values::weaken_factors(complete, tau)?), a, damping)
            }
        }
    }
}
