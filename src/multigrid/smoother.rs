//! Relaxation sweeps of all kinds.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::polynomial::{chebyshev, stored_polynomial};
use crate::backend::{Direction, Order, OrderedSweep, Triangle};
use crate::engine::{Engine, Matrix, MatrixOf};
use crate::schwarz::Subdomains;
use crate::sparse::{Scalar, Storage};

/// One sweep x ← x + B (b − A x). The enumeration is serialisable; `V` represents a leaf.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Smoother<V> {
    /// B = diag(d): weighted and l1 Jacobi, SPAI-0.
    Diagonal {
        /// d, one per row.
        weights: V,
    },
    /// B = (D + L)⁻¹ or (D + U)⁻¹.
    GaussSeidel {
        /// Order of the rows.
        direction: Direction,
    },
    /// A Chebyshev polynomial in D⁻¹A: d ← α d + β D⁻¹ r, x ← x + d for every (α, β).
    Chebyshev {
        /// 1/a(i,i), one per row.
        inverse_diagonal: V,
        /// (α, β) of every step.
        coefficients: Vec<(f64, f64)>,
    },
    /// B = M, a sparse approximate inverse: SPAI-1, or learned.
    Sparse {
        /// M.
        m: Matrix<V>,
    },
    /// B = ω U⁻¹ L⁻¹ with both factors in one matrix: ILU(0). With `sweeps`, this number of Jacobi sweeps on L y =
    /// r from D⁻¹ r, and on U z = y from D⁻¹ y, replaces the substitutions. The result is exact once the number of
    /// sweeps equals the number of levels of a factor, and useful after a few (Anzt, Chow and Dongarra 2015). All
    /// rows are independent.
    Factors {
        /// L strictly below the diagonal (or at it), U above (or at it).
        factors: Matrix<V>,
        /// Whether the unit diagonal belongs to L and the stored one to U; otherwise the reverse.
        unit_lower: bool,
        /// ω.
        damping: f64,
        /// Number of Jacobi sweeps in place of the substitutions.
        sweeps: Option<u32>,
    },
    /// Gauss–Seidel in blocks or by colours, B = (W⁻¹ + S)⁻¹ with W = diag(inverse) and S the entries that
    /// multiply new values: hybrid, l1 and multicolour Gauss–Seidel.
    OrderedGaussSeidel {
        /// Order of the rows.
        sweep: OrderedSweep,
        /// W, one value per row: 1/a(i,i), or the inverse of an enlarged diagonal.
        inverse: V,
    },
    /// B = M, a Schwarz method: solves on overlapping subdomains, with values on their interfaces.
    Schwarz {
        /// The part of every row, overlap, variant.
        subdomains: Arc<Subdomains>,
        /// Interface values, in the order of the layout of the subdomains on the pattern of A.
        interface: V,
    },
    /// A sweep whose scalars are a leaf, for a differentiated run. Stored and saved sweeps hold them as constants
    /// (see [`Smoother::with_scalars`]).
    #[serde(skip)]
    Scaled {
        /// The inner sweep, which is not itself of this kind.
        sweep: Box<Smoother<V>>,
        /// α and β of every step of a polynomial, which replace its coefficients. Any other sweep has one scalar ω
        /// and becomes x ← x + ω B (b − A x).
        scalars: V,
    },
}

/// Role of a leaf in its sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Weights, or the values of a matrix.
    Values,
    /// Coefficients of a polynomial, or a damping.
    Scalars,
}

/// One sweep with its values in host memory.
pub type Sweep = Smoother<Arc<Storage<f64>>>;
/// Sweeps in order.
pub type Sweeps = Vec<Sweep>;

impl<V> Smoother<V> {
    /// One sweep on A x = b.
    pub fn smooth<E: Engine>(&self, e: &E, a: &MatrixOf<E>, b: &E::Vector, x: E::Vector) -> E::Vector
    where
        E::Leaves: crate::engine::Leaves<Values = V>,
    {
        match self {
            Smoother::Diagonal { weights } => e.jacobi(a, weights, b, x),
            Smoother::GaussSeidel { direction } => e.gauss_seidel(a, b, x, *direction),
            Smoother::Chebyshev { inverse_diagonal, coefficients } => {
                chebyshev(e, a, inverse_diagonal, coefficients, b, x)
            }
            Smoother::Sparse { m } => e.sparse_sweep(m, a, b, x),
            Smoother::Factors { factors, unit_lower, damping, sweeps } => {
                let mut r = e.residual(b, a, &x);
                for lower in [true, false] {
                    let part = Triangle { lower, unit: lower == *unit_lower };
                    r = match sweeps {
                        None => e.solve_triangular(factors, part, r),
                        Some(sweeps) => swept_triangle(e, factors, part, *sweeps, &r),
                    };
                }
                e.combine(*damping, &r, 1.0, x)
            }
            Smoother::OrderedGaussSeidel { sweep, inverse } => e.ordered_sweep(a, inverse, sweep, b, x),
            Smoother::Schwarz { subdomains, interface } => {
                let r = e.residual(b, a, &x);
                e.subdomain_solves(a, subdomains, interface, &r, x)
            }
            Smoother::Scaled { sweep, scalars } => match &**sweep {
                Smoother::Chebyshev { inverse_diagonal, coefficients } => {
                    stored_polynomial(e, a, inverse_diagonal, (scalars, coefficients.len()), b, x)
                }
                sweep => {
                    let r = e.residual(b, a, &x);
                    let correction = sweep.smooth(e, a, &r, e.zeros(a.pattern.rows()));
                    e.scaled_add(scalars, 0, &correction, x)
                }
            },
        }
    }

    /// The same sweep with another representation of its leaves: first the one of [`leaf`](Self::leaf), then the
    /// scalars if they are a leaf.
    pub fn map<W>(&self, leaves: &mut dyn FnMut(&V, Part) -> W) -> Smoother<W> {
        let mut f = |v: &V| leaves(v, Part::Values);
        match self {
            Smoother::Diagonal { weights } => Smoother::Diagonal { weights: f(weights) },
            Smoother::GaussSeidel { direction } => Smoother::GaussSeidel { direction: *direction },
            Smoother::Chebyshev { inverse_diagonal, coefficients } => Smoother::Chebyshev {
                inverse_diagonal: f(inverse_diagonal),
                coefficients: coefficients.clone(),
            },
            Smoother::Sparse { m } => Smoother::Sparse { m: m.map(f) },
            Smoother::Factors { factors, unit_lower, damping, sweeps } => Smoother::Factors {
                factors: factors.map(f),
                unit_lower: *unit_lower,
                damping: *damping,
                sweeps: *sweeps,
            },
            Smoother::OrderedGaussSeidel { sweep, inverse } => {
                Smoother::OrderedGaussSeidel { sweep: sweep.clone(), inverse: f(inverse) }
            }
            Smoother::Schwarz { subdomains, interface } => {
                Smoother::Schwarz { subdomains: subdomains.clone(), interface: f(interface) }
            }
            Smoother::Scaled { sweep, scalars } => {
                let sweep = Box::new(sweep.map(leaves));
                Smoother::Scaled { sweep, scalars: leaves(scalars, Part::Scalars) }
            }
        }
    }

    /// The matrix whose values are the leaf, if there is one.
    pub fn matrix(&self) -> Option<&Matrix<V>> {
        match self {
            Smoother::Sparse { m } => Some(m),
            Smoother::Factors { factors, .. } => Some(factors),
            Smoother::Scaled { sweep, .. } => sweep.matrix(),
            _ => None,
        }
    }

    /// The leaf of the sweep, if there is one. Scalars are a separate leaf.
    pub fn leaf(&self) -> Option<&V> {
        match self {
            Smoother::Diagonal { weights } => Some(weights),
            Smoother::GaussSeidel { .. } => None,
            Smoother::Chebyshev { inverse_diagonal, .. } => Some(inverse_diagonal),
            Smoother::Sparse { m } => Some(&m.values),
            Smoother::Factors { factors, .. } => Some(&factors.values),
            Smoother::OrderedGaussSeidel { inverse, .. } => Some(inverse),
            Smoother::Schwarz { interface, .. } => Some(interface),
            Smoother::Scaled { sweep, .. } => sweep.leaf(),
        }
    }
}

/// An approximation of T⁻¹ b: `sweeps` sweeps of Jacobi relaxation from D⁻¹ b.
fn swept_triangle<E: Engine>(
    e: &E,
    a: &MatrixOf<E>,
    part: Triangle,
    sweeps: u32,
    b: &E::Vector,
) -> E::Vector {
    let zero = e.zeros(a.pattern.rows());
    (0..sweeps).fold(e.sweep_triangular(a, part, b, &zero), |x, _| e.sweep_triangular(a, part, b, &x))
}

impl<T: Scalar> Smoother<Arc<Storage<T>>> {
    /// The sweep for Aᵀ with the transposed B.
    #[must_use]
    pub fn transposed(&self) -> Self {
        match self {
            Smoother::Diagonal { .. } | Smoother::Chebyshev { .. } => self.clone(),
            Smoother::GaussSeidel { direction } => Smoother::GaussSeidel { direction: direction.reversed() },
            Smoother::Sparse { m } => Smoother::Sparse { m: m.to_csr().transpose().into() },
            Smoother::Factors { factors, unit_lower, damping, sweeps } => Smoother::Factors {
                factors: factors.to_csr().transpose().into(),
                unit_lower: !unit_lower,
                damping: *damping,
                sweeps: *sweeps,
            },
            Smoother::OrderedGaussSeidel { sweep, inverse } => {
                Smoother::OrderedGaussSeidel { sweep: sweep.reversed(), inverse: inverse.clone() }
            }
            Smoother::Schwarz { subdomains, interface } => {
                let (subdomains, interface) = subdomains.transposed(interface);
                Smoother::Schwarz { subdomains, interface: Storage::shared(interface) }
            }
            Smoother::Scaled { sweep, scalars } => {
                Smoother::Scaled { sweep: Box::new(sweep.transposed()), scalars: scalars.clone() }
            }
        }
    }

    /// Whether `post` is the transpose of this sweep on a symmetric matrix.
    pub(super) fn mirrors(&self, post: &Self) -> bool {
        // L U of a symmetric matrix is symmetric, although the stored factors differ from their transposes.
        if symmetric_factors(self, post) {
            return true;
        }
        match (&self.transposed(), post) {
            (Smoother::Diagonal { weights: v }, Smoother::Diagonal { weights: w }) => v == w,
            (Smoother::GaussSeidel { direction: v }, Smoother::GaussSeidel { direction: w }) => v == w,
            (
                Smoother::Chebyshev { inverse_diagonal: d, coefficients: v },
                Smoother::Chebyshev { inverse_diagonal: e, coefficients: w },
            ) => v == w && d == e,
            (Smoother::Sparse { m: v }, Smoother::Sparse { m: w }) => {
                v.pattern == w.pattern && close(&v.values, &w.values)
            }
            (
                Smoother::Factors { factors: v, unit_lower: p, damping: s, sweeps: l },
                Smoother::Factors { factors: w, unit_lower: q, damping: t, sweeps: m },
            ) => (s, l, p) == (t, m, q) && v.pattern == w.pattern && close(&v.values, &w.values),
            (
                Smoother::Schwarz { subdomains: s, interface: v },
                Smoother::Schwarz { subdomains: t, interface: w },
            ) => s == t && close(v, w),
            (
                Smoother::OrderedGaussSeidel { sweep: v, inverse: d },
                Smoother::OrderedGaussSeidel { sweep: w, inverse: e },
            ) => v == w && d == e,
            (Smoother::Scaled { scalars: v, .. }, Smoother::Scaled { scalars: w, sweep: q }) => {
                v == w && matches!(self, Smoother::Scaled { sweep, .. } if sweep.mirrors(q))
            }
            _ => false,
        }
    }
}

fn close<T: Scalar>(v: &[T], w: &[T]) -> bool {
    let tolerance = if T::NAME == "f64" { 1e-10 } else { 1e-4 };
    let size = v.iter().fold(0.0f64, |m, x| m.max(x.to_f64().abs()));
    v.len() == w.len() && v.iter().zip(w).all(|(x, y)| (x.to_f64() - y.to_f64()).abs() <= tolerance * size)
}

/// Equal sweeps by factors with U = D Lᵀ, so that L U is symmetric. Cost: a few passes over the factors.
fn symmetric_factors<T: Scalar>(pre: &Smoother<Arc<Storage<T>>>, post: &Smoother<Arc<Storage<T>>>) -> bool {
    let (
        Smoother::Factors { factors: v, unit_lower: true, damping: s, sweeps: l },
        Smoother::Factors { factors: w, unit_lower: true, damping: t, sweeps: m },
    ) = (pre, post)
    else {
        return false;
    };
    let same = Arc::ptr_eq(&v.values, &w.values) && Arc::ptr_eq(&v.pattern, &w.pattern);
    if (s, l) != (t, m) || !(same || v.pattern == w.pattern && close(&v.values, &w.values)) {
        return false;
    }
    let (f, tolerance) = (v.to_csr(), if T::NAME == "f64" { 1e-10 } else { 1e-5 });
    let pivots = f.diagonal();
    f.map(|i, j, value| if j < i { value * pivots[j] } else { value }).asymmetry() < tolerance
}

impl<V> std::fmt::Display for Smoother<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Smoother::Diagonal { .. } => f.write_str("diagonal"),
            Smoother::GaussSeidel { direction: Direction::Forward } => f.write_str("Gauss–Seidel forward"),
            Smoother::GaussSeidel { direction: Direction::Backward } => f.write_str("Gauss–Seidel backward"),
            Smoother::Chebyshev { coefficients, .. } => write!(f, "Chebyshev({})", coefficients.len()),
            Smoother::Sparse { .. } => f.write_str("sparse M"),
            Smoother::OrderedGaussSeidel { sweep, .. } => {
                let direction = match sweep.direction {
                    Direction::Forward => "forward",
                    Direction::Backward => "backward",
                };
                match &sweep.order {
                    Order::Blocks { .. } => write!(f, "Gauss–Seidel in blocks {direction}"),
                    Order::Colours(c) => write!(f, "Gauss–Seidel in {} colours {direction}", c.count()),
                }
            }
            Smoother::Schwarz { subdomains, .. } => {
                write!(f, "Schwarz, {} parts, overlap {}", subdomains.parts(), subdomains.overlap())
            }
            Smoother::Scaled { sweep, .. } => sweep.fmt(f),
            Smoother::Factors { damping, sweeps, .. } => {
                if *damping != 1.0 {
                    write!(f, "{damping} · ")?;
                }
                f.write_str("incomplete LU")?;
                sweeps.map_or(Ok(()), |sweeps| write!(f, " by {sweeps} Jacobi sweeps"))
            }
        }
    }
}
