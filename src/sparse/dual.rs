//! Dual numbers: a value and its derivative along one direction.

use std::borrow::Cow;
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use serde::{Deserialize, Serialize};

use super::Scalar;

/// v + ε d with ε² = 0. Computations with such numbers are differentiated along the way (forward mode);
/// reverse rules evaluated with them give Hessian-vector products.
///
/// ```
/// use multigrad::sparse::{Dual, Scalar};
/// let x = Dual::new(3.0, 1.0);
/// let y = x * x.root(); // x^1.5
/// assert!((y.derivative - 1.5 * 3f64.sqrt()).abs() < 1e-15);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Dual {
    /// The value.
    pub value: f64,
    /// Its derivative.
    pub derivative: f64,
}

impl Dual {
    /// A value and its derivative.
    pub const fn new(value: f64, derivative: f64) -> Self {
        Self { value, derivative }
    }

    /// f(x), given f and f′ at the value.
    fn chain(self, value: f64, slope: f64) -> Self {
        Self::new(value, slope * self.derivative)
    }
}

impl From<f64> for Dual {
    fn from(value: f64) -> Self {
        Self::new(value, 0.0)
    }
}

impl PartialOrd for Dual {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

impl fmt::Display for Dual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} + {}ε", self.value, self.derivative)
    }
}

impl fmt::LowerExp for Dual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::LowerExp::fmt(&self.value, f)?;
        f.write_str(" + ")?;
        fmt::LowerExp::fmt(&self.derivative, f)?;
        f.write_str("ε")
    }
}

macro_rules! operators {
    ($($trait:ident $method:ident $assign:ident $assign_method:ident |$a:ident, $b:ident| $result:expr;)*) => {
        $(impl $trait for Dual {
            type Output = Self;

            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                let ($a, $b) = (self, other);
                $result
            }
        }

        impl $assign for Dual {
            #[inline(always)]
            fn $assign_method(&mut self, other: Self) {
                *self = $trait::$method(*self, other);
            }
        })*
    };
}

operators! {
    Add add AddAssign add_assign |a, b| Dual::new(a.value + b.value, a.derivative + b.derivative);
    Sub sub SubAssign sub_assign |a, b| Dual::new(a.value - b.value, a.derivative - b.derivative);
    Mul mul MulAssign mul_assign |a, b| Dual::new(a.value * b.value, a.derivative * b.value + a.value * b.derivative);
    Div div DivAssign div_assign |a, b| {
        let quotient = a.value / b.value;
        Dual::new(quotient, (a.derivative - quotient * b.derivative) / b.value)
    };
}

impl Neg for Dual {
    type Output = Self;

    #[inline(always)]
    fn neg(self) -> Self {
        Self::new(-self.value, -self.derivative)
    }
}

impl Sum for Dual {
    fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
        items.fold(Self::ZERO, |sum, v| sum + v)
    }
}

impl Scalar for Dual {
    const ZERO: Self = Self::new(0.0, 0.0);
    const ONE: Self = Self::new(1.0, 0.0);
    const NAME: &'static str = "dual";
    const PARTS: usize = 2;
    const EPSILON: f64 = f64::EPSILON;

    fn from_f64(value: f64) -> Self {
        Self::new(value, 0.0)
    }

    fn to_f64(self) -> f64 {
        self.value
    }

    fn magnitude(self) -> Self {
        if self.value < 0.0 { -self } else { self }
    }

    fn root(self) -> Self {
        let root = self.value.sqrt();
        self.chain(root, 0.5 / root)
    }

    fn finite(self) -> bool {
        self.value.is_finite() && self.derivative.is_finite()
    }

    fn exponential(self) -> Self {
        let y = self.value.exp();
        self.chain(y, y)
    }

    fn logarithm(self) -> Self {
        self.chain(self.value.ln(), 1.0 / self.value)
    }

    fn sine(self) -> Self {
        self.chain(self.value.sin(), self.value.cos())
    }

    fn cosine(self) -> Self {
        self.chain(self.value.cos(), -self.value.sin())
    }

    fn hyperbolic_tangent(self) -> Self {
        let y = self.value.tanh();
        self.chain(y, 1.0 - y * y)
    }

    fn real_power(self, p: f64) -> Self {
        self.chain(self.value.powf(p), p * self.value.powf(p - 1.0))
    }

    fn part(self, part: usize) -> f64 {
        if part == 0 { self.value } else { self.derivative }
    }

    fn set_part(&mut self, part: usize, value: f64) {
        if part == 0 {
            self.value = value;
        } else {
            self.derivative = value;
        }
    }

    fn borrow(_: &[f64]) -> Option<&[Self]> {
        None
    }

    fn borrow_mut(_: &mut [f64]) -> Option<&mut [Self]> {
        None
    }

    /// The values without their derivatives.
    fn widened(values: &[Self]) -> Cow<'_, [f64]> {
        values.iter().map(|v| v.value).collect()
    }

    fn narrowed(values: Vec<f64>) -> Vec<Self> {
        values.into_iter().map(Self::from).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_are_those_of_differences() {
        let functions: [fn(Dual) -> Dual; 9] = [
            |x| x * x - x / (x + Dual::ONE),
            |x| Dual::from_f64(2.0) / x,
            Dual::root,
            Dual::exponential,
            Dual::logarithm,
            |x| x.sine() * x.cosine(),
            Dual::hyperbolic_tangent,
            |x| x.real_power(2.7),
            |x| -(-x).magnitude(),
        ];
        for (q, f) in functions.into_iter().enumerate() {
            let (x, h) = (0.8, 1e-6);
            let at = |x: f64| f(Dual::from_f64(x)).value;
            let difference = (at(x + h) - at(x - h)) / (2.0 * h);
            let exact = f(Dual::new(x, 1.0));
            assert_eq!(exact.value, at(x));
            assert!((exact.derivative - difference).abs() < 1e-8, "function {q}: {exact} and {difference}");
        }
    }
}
