//! The operations of a cycle as data.

use std::sync::Arc;

use super::Matrix;
use super::leaves::Leaves;
use super::operands::{Operands, Translate};
use crate::backend::{Direction, OrderedSweep, Triangle};

/// Reference of an operation to the values of a leaf.
pub(super) type StoredValues<P> = <P as Operands>::Stored<<<P as Operands>::Leaves as Leaves>::Values>;
/// Reference of an operation to a matrix.
pub(super) type StoredMatrix<P> =
    <P as Operands>::Stored<Matrix<<<P as Operands>::Leaves as Leaves>::Values>>;
/// Reference of an operation to a direct solver.
type StoredDirect<P> = <P as Operands>::Stored<<<P as Operands>::Leaves as Leaves>::Direct>;
/// Reference of an operation to a factored Schwarz method.
type StoredMethod<P> = <P as Operands>::Stored<Arc<<<P as Operands>::Leaves as Leaves>::Method>>;

/// One operation of a cycle. Its outputs never overlap with its inputs.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the formula of an operation names its operands")]
pub enum Operation<P: Operands> {
    /// y ← x.
    Copy { x: P::In, y: P::Out },
    /// x ← 0.
    Clear { x: P::Out },
    /// y ← α A x + β y, or α Aᵀ x + β y. With β = 0, y is not read.
    Spmv { alpha: f64, a: StoredMatrix<P>, transposed: bool, x: P::In, beta: f64, y: P::Out },
    /// r ← b − A x.
    Residual { a: StoredMatrix<P>, b: P::In, x: P::In, r: P::Out },
    /// y ← y + d ⊙ x, row by row.
    DiagonalAdd { d: StoredValues<P>, x: P::In, y: P::Out },
    /// y ← d ⊙ x, row by row.
    DiagonalScale { d: StoredValues<P>, x: P::In, y: P::Out },
    /// x′ ← x + d ⊙ (b − A x).
    Jacobi { a: StoredMatrix<P>, d: StoredValues<P>, b: P::In, x: P::In, next: P::Out },
    /// y ← α y + β d ⊙ (b − A x) for the factors (α, β). With α = 0, y is not read.
    PolynomialStep {
        a: StoredMatrix<P>,
        d: StoredValues<P>,
        b: P::In,
        x: P::In,
        factors: (f64, f64),
        y: P::Out,
    },
    /// y ← α x + β y. With β = 0, y is not read.
    Combine { alpha: f64, x: P::In, beta: f64, y: P::Out },
    /// x ← Σ y(q) c(q) with the y that minimises ‖b − Σ y(q) v(q)‖, for one or two pairs (v, c).
    LeastSquares { b: P::In, first: (P::In, P::In), second: Option<(P::In, P::In)>, x: P::Out },
    /// x ← T⁻¹ x, or T⁻ᵀ x, for a triangle T of A.
    SolveTriangular { a: StoredMatrix<P>, part: Triangle, transposed: bool, x: P::Out },
    /// y ← D⁻¹ (b − N x), or D⁻¹ (b − Nᵀ x), for a triangle T = D + N of A; without x, y ← D⁻¹ b.
    SweepTriangular {
        a: StoredMatrix<P>,
        part: Triangle,
        transposed: bool,
        b: P::In,
        x: Option<P::In>,
        y: P::Out,
    },
    /// One Gauss–Seidel sweep on A x = b, in place.
    GaussSeidel { a: StoredMatrix<P>, direction: Direction, b: P::In, x: P::Out },
    /// One Gauss–Seidel sweep in blocks or by colours on A x = b, or on Aᵀ x = b in the same order, in place;
    /// `scratch` has the length of x.
    OrderedSweep {
        a: StoredMatrix<P>,
        transposed: bool,
        inverse: StoredValues<P>,
        sweep: P::Stored<OrderedSweep>,
        b: P::In,
        x: P::Out,
        scratch: P::Out,
    },
    /// x ← β x + M r for a Schwarz method M, β 0 or 1. Without a method x becomes NaN.
    SubdomainSolves { method: Option<StoredMethod<P>>, r: P::In, beta: f64, x: P::Out },
    /// x ← A⁻¹ b, or A⁻ᵀ b.
    Solve { direct: StoredDirect<P>, transposed: bool, b: P::In, x: P::Out },
}

impl<P: Operands> Operation<P> {
    /// The same operation with other operands.
    pub fn map<'o, Q: Operands<Leaves = P::Leaves>>(
        &'o self,
        to: &mut impl Translate<'o, P, Q>,
    ) -> Operation<Q> {
        use Operation as O;
        match self {
            O::Copy { x, y } => O::Copy { x: to.read(x), y: to.write(y, false) },
            O::Clear { x } => O::Clear { x: to.write(x, false) },
            O::Spmv { alpha, a, transposed, x, beta, y } => O::Spmv {
                transposed: *transposed,
                alpha: *alpha,
                a: to.stored(a),
                x: to.read(x),
                beta: *beta,
                y: to.write(y, *beta != 0.0),
            },
            O::Residual { a, b, x, r } => {
                O::Residual { a: to.stored(a), b: to.read(b), x: to.read(x), r: to.write(r, false) }
            }
            O::DiagonalAdd { d, x, y } => {
                O::DiagonalAdd { d: to.stored(d), x: to.read(x), y: to.write(y, true) }
            }
            O::DiagonalScale { d, x, y } => {
                O::DiagonalScale { d: to.stored(d), x: to.read(x), y: to.write(y, false) }
            }
            O::Jacobi { a, d, b, x, next } => O::Jacobi {
                a: to.stored(a),
                d: to.stored(d),
                b: to.read(b),
                x: to.read(x),
                next: to.write(next, false),
            },
            O::PolynomialStep { a, d, b, x, factors, y } => O::PolynomialStep {
                a: to.stored(a),
                d: to.stored(d),
                b: to.read(b),
                x: to.read(x),
                factors: *factors,
                y: to.write(y, factors.0 != 0.0),
            },
            O::Combine { alpha, x, beta, y } => {
                O::Combine { alpha: *alpha, x: to.read(x), beta: *beta, y: to.write(y, *beta != 0.0) }
            }
            O::LeastSquares { b, first, second, x } => {
                let mut pair = |(v, c): &'o (P::In, P::In)| (to.read(v), to.read(c));
                let (first, second) = (pair(first), second.as_ref().map(pair));
                O::LeastSquares { b: to.read(b), first, second, x: to.write(x, false) }
            }
            O::SolveTriangular { a, part, transposed, x } => O::SolveTriangular {
                transposed: *transposed,
                a: to.stored(a),
                part: *part,
                x: to.write(x, true),
            },
            O::SweepTriangular { a, part, transposed, b, x, y } => O::SweepTriangular {
                transposed: *transposed,
                a: to.stored(a),
                part: *part,
                b: to.read(b),
                x: x.as_ref().map(|x| to.read(x)),
                y: to.write(y, false),
            },
            O::GaussSeidel { a, direction, b, x } => {
                O::GaussSeidel { a: to.stored(a), direction: *direction, b: to.read(b), x: to.write(x, true) }
            }
            O::OrderedSweep { a, transposed, inverse, sweep, b, x, scratch } => O::OrderedSweep {
                transposed: *transposed,
                a: to.stored(a),
                inverse: to.stored(inverse),
                sweep: to.stored(sweep),
                b: to.read(b),
                x: to.write(x, true),
                scratch: to.write(scratch, false),
            },
            O::SubdomainSolves { method, r, beta, x } => O::SubdomainSolves {
                method: method.as_ref().map(|m| to.stored(m)),
                r: to.read(r),
                beta: *beta,
                x: to.write(x, *beta != 0.0),
            },
            O::Solve { direct, transposed, b, x } => O::Solve {
                transposed: *transposed,
                direct: to.stored(direct),
                b: to.read(b),
                x: to.write(x, false),
            },
        }
    }
}
