//! Nodes: the recorded operations of a tape.

use std::rc::Rc;
use std::sync::Arc;

use super::parameter::Parameter;
use crate::backend::{Direction, OrderedSweep, Triangle};
use crate::engine::{Executor, Leaves, Matrix, Reversible, Vector};
use crate::sparse::Scalar;

pub(super) type Value<X> = Rc<Vector<<X as Executor>::Handle>>;

type ValuesOf<X> = <<X as Executor>::Leaves as Leaves>::Values;
pub(super) type DirectOf<X> = <<X as Executor>::Leaves as Leaves>::Direct;

/// Stored values with their parameter number.
pub(super) type Leaf<X> = Parameter<ValuesOf<X>>;

/// A matrix with the parameter number of its values.
pub(super) type Operand<X> = Matrix<Leaf<X>>;

/// One operation. `Option<usize>` is the node of an argument, or `None` for a constant. Values are kept only if
/// the rule reads them.
pub(super) enum Node<T: Scalar, X: Reversible<T>> {
    /// A differentiable input.
    Input,
    /// y + α A x (α = −1 for a residual).
    Affine { alpha: f64, a: Operand<X>, x: Option<usize>, y: Option<usize>, kept_x: Option<Value<X>> },
    /// y + d ⊙ x.
    Diagonal { d: Leaf<X>, x: Option<usize>, y: Option<usize>, kept_x: Option<Value<X>> },
    /// α x + β y.
    Combine { alpha: f64, x: Option<usize>, beta: f64, y: Option<usize> },
    /// y + c(index) x.
    Scaled { scalars: Leaf<X>, index: usize, x: Option<usize>, y: Option<usize>, kept_x: Option<Value<X>> },
    /// T⁻¹ x.
    Triangular { a: Operand<X>, part: Triangle, x: Option<usize>, kept: Option<Value<X>> },
    /// y = D⁻¹ (b − N x) for a triangle T = D + N; x (unless it is zero) and y are kept.
    TriangularSweep {
        a: Operand<X>,
        part: Triangle,
        b: Option<usize>,
        x: Option<usize>,
        kept: Option<(Value<X>, Value<X>)>,
    },
    /// A Gauss–Seidel sweep: T x' = b − (A − T) x.
    Sweep {
        a: Operand<X>,
        direction: Direction,
        b: Option<usize>,
        x: Option<usize>,
        kept: Option<(Value<X>, Value<X>)>,
    },
    /// Σ w(c) x(·, c), with weights for every column.
    Weighted { terms: Vec<(usize, Vec<T>)> },
    /// An operation without a reverse rule.
    Refused { what: &'static str },
    /// A Gauss–Seidel sweep in blocks or by colours: (W⁻¹ + S) x' = b − (A − S − W⁻¹) x, with W = diag(inverse)
    /// and S the entries that multiply new values.
    Ordered {
        a: Operand<X>,
        inverse: Leaf<X>,
        sweep: OrderedSweep,
        b: Option<usize>,
        x: Option<usize>,
        kept: Option<(Value<X>, Value<X>)>,
    },
    /// x + M r for a Schwarz method M.
    SubdomainSolves(SubdomainSolves<T, X>),
    /// A⁻¹ b.
    Solve { direct: DirectOf<X>, b: Option<usize> },
}

/// The recorded operation x + M r.
pub(super) struct SubdomainSolves<T: Scalar, X: Reversible<T>> {
    pub(super) method: Arc<<X::Leaves as Leaves>::Method>,
    pub(super) a: Leaf<X>,
    pub(super) interface: Leaf<X>,
    pub(super) r: Option<usize>,
    pub(super) x: Option<usize>,
    /// Local solutions on the outer rings, if the interface values are learned.
    pub(super) kept: Option<X::Solutions>,
    /// All local solutions, if A is learned.
    pub(super) whole: Option<X::Solutions>,
}

/// A matrix without its parameter number.
pub(super) fn plain<V: Clone>(a: &Matrix<Parameter<V>>) -> Matrix<V> {
    a.map(|p| p.values.clone())
}
