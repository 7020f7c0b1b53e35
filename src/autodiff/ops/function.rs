//! Functions of one value and their derivatives.

use crate::sparse::Scalar;

/// A function that is applied to every value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Function {
    /// −x.
    Negate,
    /// |x|; its derivative at 0 is taken as 0.
    Abs,
    /// x².
    Square,
    /// √x.
    Root,
    /// 1/x.
    Reciprocal,
    /// eˣ.
    Exp,
    /// ln x.
    Ln,
    /// sin x.
    Sin,
    /// cos x.
    Cos,
    /// tanh x.
    Tanh,
    /// 1/(1 + e⁻ˣ).
    Sigmoid,
    /// max(x, 0); its derivative at 0 is taken as 0.
    Relu,
    /// ln(1 + eˣ).
    Softplus,
    /// xⁿ for an integer n.
    Power(i32),
    /// x^p for x > 0.
    RealPower(f64),
}

impl Function {
    /// f(x).
    #[inline(always)]
    pub(super) fn value<T: Scalar>(self, x: T) -> T {
        let half = T::from_f64(0.5);
        match self {
            Function::Negate => -x,
            Function::Abs => x.magnitude(),
            Function::Square => x * x,
            Function::Root => x.root(),
            Function::Reciprocal => T::ONE / x,
            Function::Exp => x.exponential(),
            Function::Ln => x.logarithm(),
            Function::Sin => x.sine(),
            Function::Cos => x.cosine(),
            Function::Tanh => x.hyperbolic_tangent(),
            Function::Sigmoid => half + half * (half * x).hyperbolic_tangent(),
            Function::Relu => {
                if x > T::ZERO {
                    x
                } else {
                    T::ZERO
                }
            }
            // Without overflow for large x.
            Function::Softplus => {
                let positive = if x > T::ZERO { x } else { T::ZERO };
                positive + (T::ONE + (-x.magnitude()).exponential()).logarithm()
            }
            Function::Power(n) => power(x, n),
            Function::RealPower(p) => x.real_power(p),
        }
    }

    /// f′(x), where y = f(x).
    #[inline(always)]
    pub(super) fn derivative<T: Scalar>(self, x: T, y: T) -> T {
        let two = T::from_f64(2.0);
        match self {
            Function::Negate => -T::ONE,
            Function::Abs if x > T::ZERO => T::ONE,
            Function::Abs if x < T::ZERO => -T::ONE,
            Function::Abs => T::ZERO,
            Function::Square => two * x,
            Function::Root => T::ONE / (two * y),
            Function::Reciprocal => -(y * y),
            Function::Exp => y,
            Function::Ln => T::ONE / x,
            Function::Sin => x.cosine(),
            Function::Cos => -x.sine(),
            Function::Tanh => T::ONE - y * y,
            Function::Sigmoid => y * (T::ONE - y),
            Function::Relu if x > T::ZERO => T::ONE,
            Function::Relu => T::ZERO,
            Function::Softplus => Function::Sigmoid.value(x),
            Function::Power(0) => T::ZERO,
            Function::Power(n) => T::from_f64(f64::from(n)) * power(x, n - 1),
            Function::RealPower(p) => T::from_f64(p) * x.real_power(p - 1.0),
        }
    }
}

/// xⁿ by repeated squaring.
fn power<T: Scalar>(x: T, n: i32) -> T {
    let (mut base, mut rest, mut product) = (x, n.unsigned_abs(), T::ONE);
    while rest > 0 {
        if rest % 2 == 1 {
            product *= base;
        }
        base = base * base;
        rest /= 2;
    }
    if n < 0 { T::ONE / product } else { product }
}
