//! The hyperbolic tangent without branches, so that loops over values can be vectorised.

/// tanh x to within three units in the last place; the rational functions of Cephes (Moshier 1989).
#[inline(always)]
pub(super) fn tanh(x: f64) -> f64 {
    let a = x.abs();
    // Near zero: x + x³ P(x²)/Q(x²).
    let z = x * x;
    let p = (-9.643_991_794_250_522e-1 * z - 9.928_772_310_019_185e1) * z - 1.614_687_684_417_084_5e3;
    let q = ((z + 1.128_116_784_916_329_3e2) * z + 2.235_488_390_601_005e3) * z + 4.844_063_053_251_255e3;
    let small = x + x * z * (p / q);
    // Elsewhere: 1 − 2/(e²ˣ + 1), beyond 20 it is 1. NaN stays NaN.
    let large = 1.0 - 2.0 / (exponential(2.0 * if a > 20.0 { 20.0 } else { a }) + 1.0);
    // The sign of zero is lost in the sum.
    (if a < 0.625 { small } else { large }).copysign(x)
}

/// eˣ for 0 ≤ x ≤ 40.
#[inline(always)]
fn exponential(x: f64) -> f64 {
    // Adding 1.5 · 2⁵² leaves the nearest integer in the lowest bits.
    const MAGIC: f64 = 6_755_399_441_055_744.0;
    let shifted = x * std::f64::consts::LOG2_E + MAGIC;
    let n = shifted - MAGIC;
    // ln 2 in two parts.
    let r = (x - n * 6.931_457_519_531_25e-1) - n * 1.428_606_820_309_417_2e-6;
    let z = r * r;
    let p = r * ((1.261_771_930_748_105_9e-4 * z + 3.029_944_077_074_419_6e-2) * z + 1.0);
    let q = ((3.001_985_051_386_644_6e-6 * z + 2.524_483_403_496_841e-3) * z + 2.272_655_482_081_550_3e-1)
        * z
        + 2.0;
    let power = f64::from_bits((shifted.to_bits() << 52).wrapping_add(1023 << 52));
    (1.0 + 2.0 * (p / (q - p))) * power
}

#[cfg(test)]
mod tests {
    use super::tanh;

    #[test]
    fn it_agrees_with_the_library() {
        for q in -250_000..=250_000 {
            let x = q as f64 * 1.0e-4 + 3e-9;
            let (ours, exact) = (tanh(x), x.tanh());
            assert!((ours - exact).abs() <= 3.0 * f64::EPSILON * exact.abs(), "{x}: {ours} {exact}");
        }
        for x in [0.0, -0.0, 1e-310, 1e-8, 0.625, 19.9, 20.1, 1e300, f64::INFINITY] {
            for x in [x, -x] {
                assert!((tanh(x) - x.tanh()).abs() <= 3.0 * f64::EPSILON * x.tanh().abs(), "{x}");
                assert_eq!(tanh(x).is_sign_negative(), x.is_sign_negative());
            }
        }
        assert!(tanh(f64::NAN).is_nan());
    }
}
