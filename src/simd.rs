//! Loops compiled for the vector unit of this CPU.
//!
//! # Reasons for `unsafe`
//!
//! A function with target features may be called only where the CPU has them; the check stands beside the call. The crate
//! `pulp` has the same in a safe form, and with its own dependencies took a tenth of a cold build without default features.
#![allow(unsafe_code)]

/// Runs `body` compiled for AVX2 where the CPU has it. A closure needs `#[inline(always)]` for that.
///
/// Multiplications and additions stay separate, so the bits do not depend on the CPU.
#[inline(always)]
pub fn vectorised<R>(body: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2,bmi1,bmi2")]
        fn wide<R>(body: impl FnOnce() -> R) -> R {
            body()
        }
        let has_all = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2");
        if has_all {
            // SAFETY: the CPU has these features.
            return unsafe { wide(body) };
        }
    }
    body()
}
