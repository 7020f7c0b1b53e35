//! Strength of connection by evolution of a point source over two relaxation steps.

use super::spectral::inverse_diagonal;
use super::strength::scale_by_largest;
use crate::error::{Error, Result};
use crate::sparse::Csr;
use crate::sparse::assemble::assemble;

/// Distances below this count as a perfect connection of distance [`NEAREST`]; √ε.
const PERFECT: f64 = 1.490_116_119_384_765_6e-8;
const NEAREST: f64 = 1e-4;

/// The evolution measure of Olson, Schroder and Tuminaro (2010), two steps, one candidate.
///
/// With S = I − D⁻¹A/ρ, let z(i,j) = (S²)ⱼᵢ on the pattern of row i of A: the spread of a point source at i
/// after two Jacobi steps. The candidate b, scaled to agree with z at i, is z̃(i,j) = z(i,i) bⱼ/bᵢ, and the
/// distance of a connection is |1 − z̃/z|. Connections with z̃ z < 0, |z̃/z| < 10⁻⁴ or a distance of at least
/// ε times the smallest of the row are weak. Distances are made symmetric by (E + Eᵀ)/2, where a one-sided
/// connection counts half of its distance. Values of the result are the inverse distances, one on the
/// diagonal, divided by the largest of the row.
///
/// Two accidents of PyAMG are kept, so that hierarchies agree with it: a distance of exactly
/// zero counts as weak, and zeros of the candidate are replaced by one.
///
/// `b` has n values, the result is n × n. Cost: the product S·S on the pattern of A, parallel
/// over rows.
///
/// # Errors
/// A matrix that is not square or has a zero on its diagonal, a candidate of another length,
/// ρ not positive and finite, ε below one.
pub fn evolution_strength(a: &Csr<f64>, b: &[f64], rho: f64, epsilon: f64) -> Result<Csr<f64>> {
    let inverse = inverse_diagonal(a)?;
    let n = a.rows();
    if b.len() != n {
        return Err(Error::dimension(format!(
            "a candidate of {} values for a matrix with {n} rows",
            b.len()
        )));
    }
    if !(rho > 0.0 && rho.is_finite()) {
        return Err(Error::invalid_input(format!(
            "the spectral radius of D⁻¹A is {rho}; it must be positive"
        )));
    }
    if epsilon.is_nan() || epsilon < 1.0 {
        return Err(Error::invalid_input(format!(
            "the drop tolerance epsilon is {epsilon}; choose 1 or more, such as 4"
        )));
    }
    let b: Vec<f64> = b.iter().map(|&v| if v == 0.0 { 1.0 } else { v }).collect();
    let a = a.filter(|_, _, v| v != 0.0);
    // Every row of A contains its diagonal, so this is all of I − D⁻¹A/ρ.
    let factor = 1.0 / rho;
    let step = a.map(|i, j, v| if i == j { 1.0 } else { 0.0 } - factor * (inverse[i] * v)).transpose();
    let distances = assemble(
        n,
        n,
        || vec![0u32; n],
        |i, position, columns, values| {
            let z = masked_square(&step, a.pattern().row_cols(i), i, position);
            let from = columns.len();
            row_distances(a.pattern().row_cols(i), &z, i, &b, columns, values);
            drop_far(epsilon, from, columns, values);
        },
    )?;
    let symmetric = distances.add(0.5, &distances.transpose(), 0.5)?;
    assemble(
        n,
        n,
        || (),
        |i, (), columns, values| {
            let from = values.len();
            let mut diagonal = false;
            for (j, d) in symmetric.row(i) {
                if j > i && !diagonal {
                    columns.push(i as u32);
                    values.push(1.0);
                    diagonal = true;
                }
                columns.push(j as u32);
                values.push(1.0 / d);
            }
            if !diagonal {
                columns.push(i as u32);
                values.push(1.0);
            }
            scale_by_largest(&mut values[from..]);
        },
    )
}

/// Row i of M M at the given columns. `position` is all zeros before and after.
fn masked_square(m: &Csr<f64>, mask: &[u32], i: usize, position: &mut [u32]) -> Vec<f64> {
    for (q, &j) in mask.iter().enumerate() {
        position[j as usize] = q as u32 + 1;
    }
    let mut z = vec![0.0; mask.len()];
    for (k, v) in m.row(i) {
        for (j, w) in m.row(k) {
            if position[j] > 0 {
                z[position[j] as usize - 1] += v * w;
            }
        }
    }
    for &j in mask {
        position[j as usize] = 0;
    }
    z
}

/// Appends the distances of the connections of row i that are not weak by themselves.
fn row_distances(
    mask: &[u32],
    z: &[f64],
    i: usize,
    b: &[f64],
    columns: &mut Vec<u32>,
    values: &mut Vec<f64>,
) {
    let own = mask.iter().zip(z).find(|&(&j, _)| j as usize == i).map_or(0.0, |(_, &z)| z);
    for (&j, &z) in mask.iter().zip(z) {
        if j as usize == i || z == 0.0 {
            continue;
        }
        let expected = (own / b[i]) * b[j as usize];
        let ratio = expected / z;
        let distance = (1.0 - ratio).abs();
        if expected * z < 0.0 || ratio.abs() < 1e-4 || distance == 0.0 || !distance.is_finite() {
            continue;
        }
        columns.push(j);
        values.push(if distance < PERFECT { NEAREST } else { distance });
    }
}

/// Drops the entries from `from` on that are at least ε times the smallest of them.
fn drop_far(epsilon: f64, from: usize, columns: &mut Vec<u32>, values: &mut Vec<f64>) {
    let threshold = epsilon * values[from..].iter().fold(f64::INFINITY, |m, &v| m.min(v));
    let mut kept = from;
    for q in from..values.len() {
        if values[q] < threshold {
            (columns[kept], values[kept]) = (columns[q], values[q]);
            kept += 1;
        }
    }
    columns.truncate(kept);
    values.truncate(kept);
}
