//! Direct interpolation.

use super::input::{Input, average, divide};
use super::rows::{build, coarse_neighbours};
use crate::error::Result;
use crate::setup::classical::splitting::Splitting;
use crate::sparse::{Csr, Pattern};

/// Direct interpolation of Stüben (1999), from the strong coarse neighbours C_i.
///
/// Negative and positive couplings are treated separately: w_ij = −α a_ij/a_ii for a_ij < 0 with α = Σ a_ik⁻
/// / Σ_{C_i} a_ik⁻, and the same with β for a_ij > 0. If C_i has no positive coupling, the positive couplings
/// of the row are added to a_ii; if it has no negative one, the negative couplings of the row are omitted.
/// Equal to PyAMG's `direct_interpolation`.
///
/// A fine point without strong coarse neighbours gets an empty row; if the denominator vanishes, the row is
/// an average with weights in proportion to |a_ij|.
///
/// n × n_c; cost: two passes over A.
///
/// # Errors
/// Shapes that do not fit, a zero on the diagonal, a value that is not finite, a strong
/// connection that A does not have; the row is named.
///
/// ```
/// use multigrad::setup::classical::{Splitting, direct_interpolation};
/// use multigrad::sparse::{Csr, Pattern};
/// let a = Csr::from_triplets(3, 3, &[
///     (0, 0, 2.0), (0, 1, -1.0), (1, 0, -1.0), (1, 1, 2.0), (1, 2, -1.0), (2, 1, -1.0), (2, 2, 2.0),
/// ])?;
/// let strong = Pattern::new(3, 3, vec![0, 1, 3, 4], vec![1, 0, 2, 1])?;
/// let p = direct_interpolation(&a, &strong, &Splitting::new(&[true, false, true]))?;
/// assert_eq!((p.get(1, 0), p.get(1, 1)), (0.5, 0.5));
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn direct_interpolation(a: &Csr<f64>, strong: &Pattern, splitting: &Splitting) -> Result<Csr<f64>> {
    let input = Input::new(a, strong, splitting)?;
    build(
        &input,
        |i| coarse_neighbours(&input, i),
        || (),
        |i, (), columns, values| {
            direct_row(&input, i, columns, values);
        },
    )
}

/// The row of the fine point `i`, with as many columns as it has strong coarse neighbours.
#[inline(always)]
pub(super) fn direct_row(input: &Input, i: usize, columns: &mut [u32], values: &mut [f64]) {
    if columns.is_empty() {
        return;
    }
    let (mut negative, mut positive, mut used, mut count) = (0.0, 0.0, [0.0; 2], 0);
    input.walk(i, |strong, j, v| {
        negative += v.min(0.0);
        positive += v.max(0.0);
        if strong && let Some(k) = input.splitting.index(j) {
            used[0] += v.min(0.0);
            used[1] += v.max(0.0);
            columns[count] = k as u32;
            values[count] = v;
            count += 1;
        }
    });
    let mut diagonal = input.diagonal[i];
    let size = diagonal.abs() + positive - negative;
    if used[1] == 0.0 {
        diagonal += positive;
    }
    if used[1] == 0.0 || used[0] == 0.0 {
        // Couplings of one sign, the usual case.
        let factor = if used[1] != 0.0 {
            positive / used[1]
        } else if used[0] != 0.0 {
            negative / used[0]
        } else {
            f64::NAN
        };
        return divide(values, factor, diagonal, size);
    }
    let scale = [-negative / used[0] / diagonal, -positive / used[1] / diagonal];
    if values.iter().any(|v| !(v * scale[(*v >= 0.0) as usize]).is_finite()) {
        return average(values);
    }
    values.iter_mut().for_each(|v| *v *= scale[(*v >= 0.0) as usize]);
}
