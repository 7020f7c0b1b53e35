//! Extended+i interpolation.

use super::input::{Input, divide};
use super::modified::distribute;
use super::near::Near;
use crate::error::Result;
use crate::setup::classical::splitting::Splitting;
use crate::sparse::assemble::assemble;
use crate::sparse::{Csr, Pattern};

/// Extended+i interpolation of De Sterck, Falgout, Nolting and Yang (2008), from the coarse
/// points Ĉ_i at distance two.
///
/// With ā_kl = a_kl, or zero where it has the sign of a_kk, and s_k = Σ_{l∈Ĉ_i∪{i}} ā_kl:
///
/// w_ij = −(a_ij + Σ_{k∈F_i} a_ik ā_kj / s_k) / d_i,
/// d_i = a_ii + Σ_{weak m∉Ĉ_i} a_im + Σ_{k∈F_i} a_ik ā_ki / s_k.
///
/// A connection to k with s_k = 0 counts as weak. The weights of a row of A with sum zero add up
/// to one. A fine point with an empty Ĉ_i gets an empty row; where d_i vanishes, the row is an
/// average.
///
/// n × n_c; cost: two passes over A, and two over the rows of the F_i; [`truncate`](super::truncate)
/// keeps the rows short.
///
/// # Errors
/// Shapes that do not fit, a zero on the diagonal, a value that is not finite, a strong
/// connection that A does not have; the row is named.
pub fn extended_interpolation(a: &Csr<f64>, strong: &Pattern, splitting: &Splitting) -> Result<Csr<f64>> {
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
            let (mut lumped, mut size) = near.gather(&input, i);
            size += input.diagonal[i].abs();
            for &(k, v) in &near.fine {
                size += v.abs();
                if !distribute(&input, &near.slots, k, v, &mut near.values) {
                    lumped += v;
                }
            }
            let (numerators, own) = near.parts();
            divide(numerators, 1.0, own + lumped, size);
            near.finish(&input, columns, values);
        },
    )
}
