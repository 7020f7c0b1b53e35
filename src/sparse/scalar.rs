//! The two real scalars, `f64` and `f32`.

use std::borrow::Cow;
use std::fmt::{Debug, Display, LowerExp};
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

/// A real scalar: `f64`, `f32` for preconditioners and training, or [`Dual`](super::Dual) numbers for
/// derivatives of derivatives. Kernels are generic over it.
pub trait Scalar:
    Copy
    + Default
    + PartialOrd
    + Debug
    + Display
    + LowerExp
    + Send
    + Sync
    + 'static
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
    + Sum
    + serde::Serialize
    + serde::de::DeserializeOwned
{
    /// Zero.
    const ZERO: Self;
    /// One.
    const ONE: Self;
    /// `"f64"` or `"f32"`.
    const NAME: &'static str;
    /// The distance from 1 to the next larger number.
    const EPSILON: f64;

    /// Rounds to nearest.
    fn from_f64(value: f64) -> Self;
    /// Exact.
    fn to_f64(self) -> f64;
    /// Absolute value.
    fn magnitude(self) -> Self;
    /// Square root.
    fn root(self) -> Self;
    /// Neither infinite nor NaN.
    fn finite(self) -> bool;
    /// eˣ.
    fn exponential(self) -> Self;
    /// ln x.
    fn logarithm(self) -> Self;
    /// sin x.
    fn sine(self) -> Self;
    /// cos x.
    fn cosine(self) -> Self;
    /// tanh x.
    fn hyperbolic_tangent(self) -> Self;
    /// x^p for x > 0.
    fn real_power(self, p: f64) -> Self;
    /// Real numbers that make up one of these.
    const PARTS: usize = 1;
    /// One of them, 0 for the value itself.
    fn part(self, _: usize) -> f64 {
        self.to_f64()
    }
    /// Sets one of them.
    fn set_part(&mut self, _: usize, value: f64) {
        *self = Self::from_f64(value);
    }
    /// `values` themselves, where this is their type.
    fn borrow(values: &[f64]) -> Option<&[Self]>;
    /// `values` themselves, where this is their type.
    fn borrow_mut(values: &mut [f64]) -> Option<&mut [Self]>;
    /// These values in double precision, without a copy where they are.
    fn widened(values: &[Self]) -> Cow<'_, [f64]>;
    /// `values` rounded to this type, without a copy where they have it.
    fn narrowed(values: Vec<f64>) -> Vec<Self>;
}

macro_rules! scalar {
    ($t:ident, $values:ident, $borrowed:expr, $widened:expr, $narrowed:expr) => {
        impl Scalar for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const NAME: &'static str = stringify!($t);
            const EPSILON: f64 = $t::EPSILON as f64;

            #[inline(always)]
            fn from_f64(value: f64) -> Self {
                value as $t
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn magnitude(self) -> Self {
                $t::abs(self)
            }
            #[inline(always)]
            fn root(self) -> Self {
                $t::sqrt(self)
            }
            #[inline(always)]
            fn finite(self) -> bool {
                $t::is_finite(self)
            }
            fn exponential(self) -> Self {
                $t::exp(self)
            }
            fn logarithm(self) -> Self {
                $t::ln(self)
            }
            fn sine(self) -> Self {
                $t::sin(self)
            }
            fn cosine(self) -> Self {
                $t::cos(self)
            }
            #[inline(always)]
            fn hyperbolic_tangent(self) -> Self {
                super::tanh::tanh(f64::from(self)) as $t
            }
            fn real_power(self, p: f64) -> Self {
                $t::powf(self, p as $t)
            }
            #[inline(always)]
            fn borrow($values: &[f64]) -> Option<&[Self]> {
                $borrowed
            }
            #[inline(always)]
            fn borrow_mut($values: &mut [f64]) -> Option<&mut [Self]> {
                $borrowed
            }
            fn widened($values: &[Self]) -> Cow<'_, [f64]> {
                $widened
            }
            fn narrowed($values: Vec<f64>) -> Vec<Self> {
                $narrowed
            }
        }
    };
}

scalar!(f64, values, Some(values), Cow::Borrowed(values), values);
scalar!(
    f32,
    _values,
    None,
    _values.iter().map(|&v| f64::from(v)).collect(),
    _values.into_iter().map(|v| v as f32).collect()
);
