//! Modified classical interpolation.

use super::input::{Input, divide};
use super::near::Slots;
use super::rows::{build, coarse_neighbours};
use crate::error::Result;
use crate::setup::classical::splitting::Splitting;
use crate::sparse::{Csr, Pattern};

/// Classical interpolation of Ruge and Stüben (1987) as modified by De Sterck, Yang and Heys
/// (2006), from the strong coarse neighbours C_i.
///
/// w_ij = −(a_ij + Σ_{k∈F_i} a_ik ā_kj / Σ_{l∈C_i} ā_kl) / (a_ii + Σ_{weak m} a_im), where ā_kl is a_kl, or
/// zero where it has the sign of a_kk. A strong connection to a fine point k without a strong coarse
/// neighbour in common counts as weak, as does one whose inner sum vanishes. Equal to PyAMG's
/// `classical_interpolation(modified=True)` except for the last rule (PyAMG drops such a connection, which
/// loses the row sum).
///
/// A fine point without strong coarse neighbours gets an empty row; if the denominator vanishes, the row is
/// an average.
///
/// n × n_c; cost: two passes over A, and two over the rows of the F_i.
///
/// # Errors
/// Shapes that do not fit, a zero on the diagonal, a value that is not finite, a strong
/// connection that A does not have; the row is named.
pub fn modified_interpolation(a: &Csr<f64>, strong: &Pattern, splitting: &Splitting) -> Result<Csr<f64>> {
    let input = Input::new(a, strong, splitting)?;
    build(
        &input,
        |i| coarse_neighbours(&input, i),
        || Work { slots: Slots::new(a.rows()), fine: Vec::new() },
        |i, work, columns, values| modified_row(&input, i, work, columns, values),
    )
}

/// Scratch space of one thread.
struct Work {
    /// Places of C_i in the row.
    slots: Slots,
    /// F_i and its couplings.
    fine: Vec<(usize, f64)>,
}

fn modified_row(input: &Input, i: usize, work: &mut Work, columns: &mut [u32], values: &mut [f64]) {
    if columns.is_empty() {
        return;
    }
    let Work { slots, fine } = work;
    let (mut count, mut denominator) = (0, input.diagonal[i]);
    let mut size = denominator.abs();
    fine.clear();
    input.walk(i, |strong, j, v| {
        if !strong {
            denominator += v;
            size += v.abs();
        } else if let Some(k) = input.splitting.index(j) {
            columns[count] = k as u32;
            values[count] = v;
            count += 1;
        } else {
            fine.push((j, v));
        }
    });
    if !fine.is_empty() {
        let coarse = || input.strong.row_cols(i).iter().filter(|&&j| input.splitting.is_coarse(j as usize));
        slots.set(coarse());
        for &(k, v) in fine.iter() {
            let shared = || input.strong.row_cols(k).iter().any(|&l| slots.has(l as usize));
            if !shared() || !distribute(input, slots, k, v, values) {
                denominator += v;
                size += v.abs();
            }
        }
        slots.clear(coarse());
    }
    divide(values, 1.0, denominator, size);
}

/// Adds a_ik ā_kj / Σ ā_kl to the places of the row, over the columns of row `k` that have one;
/// false if the sum is zero, with nothing added.
#[inline(always)]
pub(super) fn distribute(input: &Input, slots: &Slots, k: usize, v: f64, values: &mut [f64]) -> bool {
    let own = input.diagonal[k];
    let mut inner = 0.0;
    for (l, w) in input.a.row(k) {
        if slots.has(l) && (w < 0.0) == (own > 0.0) {
            inner += w;
        }
    }
    let factor = v / inner;
    if inner == 0.0 || !factor.is_finite() {
        return false;
    }
    for (l, w) in input.a.row(k) {
        if let Some(slot) = slots.get(l)
            && (w < 0.0) == (own > 0.0)
        {
            values[slot] += factor * w;
        }
    }
    true
}
