//! One-point interpolation.

use super::input::Input;
use super::rows::{build, coarse_neighbours};
use crate::error::Result;
use crate::setup::classical::splitting::Splitting;
use crate::sparse::{Csr, Pattern};

/// Every fine point takes the value of its strongest coarse neighbour.
///
/// That is the j of C_i with the largest |a_ij|, the first of several. Enough for problems of
/// first order such as transport, with [`air_restriction`](crate::setup::classical::air_restriction)
/// (Manteuffel, Münzenmaier, Ruge and Southworth 2019). Equal to PyAMG's
/// `one_point_interpolation`. A fine point without strong coarse neighbours gets an empty row.
///
/// n × n_c; cost: two passes over A.
///
/// # Errors
/// Shapes that do not fit, a zero on the diagonal, a value that is not finite, a strong
/// connection that A does not have; the row is named.
pub fn one_point_interpolation(a: &Csr<f64>, strong: &Pattern, splitting: &Splitting) -> Result<Csr<f64>> {
    let input = Input::new(a, strong, splitting)?;
    build(
        &input,
        |i| coarse_neighbours(&input, i).min(1),
        || (),
        |i, (), columns, values| {
            let ([column], [value]) = (columns, values) else { return };
            let mut largest = -1.0;
            input.walk(i, |strong, j, v| {
                if strong
                    && v.abs() > largest
                    && let Some(k) = splitting.index(j)
                {
                    largest = v.abs();
                    *column = k as u32;
                }
            });
            *value = 1.0;
        },
    )
}
