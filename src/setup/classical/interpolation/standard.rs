//! Standard interpolation.

use super::input::{Input, average, divide, vanishes};
use super::near::Near;
use crate::error::Result;
use crate::setup::classical::splitting::Splitting;
use crate::sparse::assemble::assemble;
use crate::sparse::{Csr, Pattern};

/// Standard interpolation of Stüben (1999), from the coarse points Ĉ_i at distance two.
///
/// The strong fine neighbours k of i are eliminated from row i by their rows, â_i = a_i − Σ_{k∈F_i}
/// (a_ik/a_kk) a_k without the entry a_kk, and the couplings of that row outside Ĉ_i are distributed over
/// those inside: w_ij = −α â_ij/â_ii with α = Σ_{l≠i} â_il / Σ_{l∈Ĉ_i} â_il. Signs are not treated separately
/// (as in BoomerAMG; De Sterck, Falgout, Nolting and Yang 2008).
///
/// A fine point with an empty Ĉ_i gets an empty row; where â_ii or the sum over Ĉ_i vanishes,
/// the row is an average.
///
/// n × n_c; cost: two passes over A, and one over the rows of the F_i.
///
/// # Errors
/// Shapes that do not fit, a zero on the diagonal, a value that is not finite, a strong
/// connection that A does not have; the row is named.
pub fn standard_interpolation(a: &Csr<f64>, strong: &Pattern, splitting: &Splitting) -> Result<Csr<f64>> {
    let input = Input::new(a, strong, splitting)?;
    assemble(
        a.rows(),
        splitting.count(),
        || Near::new(a.rows()),
        |i, near, columns, values| {
            if let Some(k) = splitting.index(i) {
                columns.push(k as u32);
                values.push(1.0);
                return;
            }
            let (mut rest, _) = near.gather(&input, i);
            let mut size = input.diagonal[i].abs();
            for &(k, v) in &near.fine {
                let factor = v / input.diagonal[k];
                for (l, w) in a.row(k) {
                    match near.slots.get(l) {
                        Some(slot) => near.values[slot] -= factor * w,
                        None if l != k => rest -= factor * w,
                        None => {}
                    }
                    if l == i {
                        size += (factor * w).abs();
                    }
                }
            }
            let (numerators, own) = near.parts();
            spread(numerators, rest, own, size);
            near.finish(&input, columns, values);
        },
    )
}

/// Weights −α vⱼ/`own`, where α accounts for the couplings `rest`; `size` is that of the terms of `own`. An
/// average if `own` vanishes.
pub(super) fn spread(numerators: &mut [f64], rest: f64, own: f64, size: f64) {
    let (mut used, mut absolute) = (0.0, 0.0);
    for v in numerators.iter() {
        used += v;
        absolute += v.abs();
    }
    if vanishes(used, absolute) {
        average(numerators);
    } else {
        divide(numerators, (used + rest) / used, own, size);
    }
}
