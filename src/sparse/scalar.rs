//! The two real scalars, `f64` and `f32`.

use std::fmt::{Debug, Display, LowerExp};
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

/// A real scalar: `f64`, or `f32` for preconditioners and training.
///
/// Sealed in effect by its supertraits; kernels are generic over it.
pub trait Scalar:
    faer::traits::RealField
    + Copy
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
    /// `values` themselves, where this is their type.
    fn borrow(values: &[f64]) -> Option<&[Self]>;
    /// `values` themselves, where this is their type.
    fn borrow_mut(values: &mut [f64]) -> Option<&mut [Self]>;
}

macro_rules! scalar {
    ($t:ident, $values:ident, $borrowed:expr) => {
        impl Scalar for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const NAME: &'static str = stringify!($t);

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
            #[inline(always)]
            fn borrow($values: &[f64]) -> Option<&[Self]> {
                $borrowed
            }
            #[inline(always)]
            fn borrow_mut($values: &mut [f64]) -> Option<&mut [Self]> {
                $borrowed
            }
        }
    };
}

scalar!(f64, values, Some(values));
scalar!(f32, _values, None);
