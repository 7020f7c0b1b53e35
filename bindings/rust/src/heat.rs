//! The heat equation in the terms of `diffsol`: u′ = Δu on the unit square with u = 0 on the boundary.
//!
//! `OdeBuilder` finds sparsity patterns by products with n dense vectors at once, which needs 16 n² bytes: 69 GB for
//! 256² unknowns. Equations of one's own give their pattern directly.

use diffsol::{
    ConstantOp, FaerContext, FaerSparseMat, FaerVec, Matrix, MatrixCommon, NonLinearOp, NonLinearOpJacobian,
    OdeEquations, OdeEquationsRef, Op, UnitCallable, Vector,
};

use crate::Outcome;

/// The equations on n × n interior points, with their constant Jacobian.
pub struct Heat {
    n: usize,
    context: FaerContext,
    jacobian: FaerSparseMat<f64>,
}

impl Heat {
    /// The five-point stencil on n × n points.
    pub fn new(n: usize) -> Outcome<Self> {
        let scale = ((n + 1) * (n + 1)) as f64;
        let (mut indices, mut values) = (Vec::new(), Vec::new());
        for p in 0..n * n {
            let (i, j) = (p % n, p / n);
            let mut add = |q: usize, value: f64| {
                indices.push((p, q));
                values.push(value * scale);
            };
            add(p, -4.0);
            [(i > 0, 1), (j > 0, n)].into_iter().filter(|side| side.0).for_each(|side| add(p - side.1, 1.0));
            [(i + 1 < n, 1), (j + 1 < n, n)]
                .into_iter()
                .filter(|side| side.0)
                .for_each(|side| add(p + side.1, 1.0));
        }
        let context = FaerContext::new();
        let jacobian = FaerSparseMat::try_from_triplets(n * n, n * n, indices, values, context)?;
        Ok(Self { n, context, jacobian })
    }
}

impl Op for Heat {
    type T = f64;
    type V = FaerVec<f64>;
    type M = FaerSparseMat<f64>;
    type C = FaerContext;

    fn context(&self) -> &FaerContext {
        &self.context
    }

    fn nstates(&self) -> usize {
        self.n * self.n
    }

    fn nout(&self) -> usize {
        self.n * self.n
    }

    fn nparams(&self) -> usize {
        0
    }
}

impl NonLinearOp for Heat {
    fn call_inplace(&self, x: &Self::V, _: f64, y: &mut Self::V) {
        self.jacobian.gemv(1.0, x, 0.0, y);
    }
}

impl NonLinearOpJacobian for Heat {
    fn jac_mul_inplace(&self, _: &Self::V, _: f64, v: &Self::V, y: &mut Self::V) {
        self.jacobian.gemv(1.0, v, 0.0, y);
    }

    fn jacobian_inplace(&self, _: &Self::V, _: f64, y: &mut Self::M) {
        y.copy_from(&self.jacobian);
    }

    fn jacobian_sparsity(&self) -> Option<<Self::M as Matrix>::Sparsity> {
        self.jacobian.inner()[0].symbolic().to_owned().ok()
    }
}

/// The initial value 16 x (1 − x) y (1 − y).
impl ConstantOp for Heat {
    fn call_inplace(&self, _: f64, y: &mut Self::V) {
        let place = |q: usize| (q + 1) as f64 / (self.n + 1) as f64;
        for p in 0..self.n * self.n {
            let (x, z) = (place(p % self.n), place(p / self.n));
            y.set_index(p, 16.0 * x * (1.0 - x) * z * (1.0 - z));
        }
    }
}

impl<'a> OdeEquationsRef<'a> for Heat {
    type Mass = UnitCallable<FaerSparseMat<f64>>;
    type Rhs = &'a Heat;
    type Root = UnitCallable<FaerSparseMat<f64>>;
    type Init = &'a Heat;
    type Out = UnitCallable<FaerSparseMat<f64>>;
    type Reset = UnitCallable<FaerSparseMat<f64>>;
}

impl OdeEquations for Heat {
    fn rhs(&self) -> &Heat {
        self
    }

    fn mass(&self) -> Option<UnitCallable<FaerSparseMat<f64>>> {
        None
    }

    fn init(&self) -> &Heat {
        self
    }

    fn set_params(&mut self, _: &Self::V) {}

    fn get_params(&self, _: &mut Self::V) {}
}
