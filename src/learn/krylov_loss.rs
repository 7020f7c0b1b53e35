//! The loss of a preconditioner: how far a Krylov method brings the residual down.

use super::loss::{LossAndGradient, column_norms, require_columns};
use super::parameters::Parameters;
use crate::autodiff::{Tape, TapeVector};
use crate::backend::{dependent, hessenberg_least_squares};
use crate::engine::{Engine, Host, HostMachine};
use crate::error::{Error, Result};
use crate::multigrid::{Hierarchy, cycle};
use crate::sparse::Scalar;

/// The mean over the columns of `z` of log(‖r‖² / ‖z‖²) / k, where r is the residual of k steps of
/// GMRES, preconditioned from the right by one cycle B, on the residual z (rows × columns):
/// ‖r‖ = min ‖z − A B p(A B) z‖ over the polynomials p of degree below k.
///
/// The gradient is that of the recorded space; the coefficients of the minimum have none to first
/// order, and those of the basis none at all, for the space does not depend on them. What is handed
/// on as `after_one_cycle` is r. Cost: 3 to 4 times k cycles.
///
/// # Errors
/// Lengths that do not fit; a hierarchy without levels.
pub fn krylov_loss<T: Scalar, B: HostMachine<T>>(
    tape: &Tape<T, B>,
    h: &Hierarchy<Host<T>>,
    parameters: &Parameters<T>,
    z: &[T],
    steps: usize,
) -> Result<LossAndGradient<T>> {
    tape.clear();
    let columns = require_columns(tape, h, z, steps)?;
    let recorded = parameters.record(h);
    let Some(finest) = recorded.levels.first() else {
        return Err(Error::invalid_input("a direct solver has no preconditioner to learn"));
    };
    let dots = |x: &[T], y: &[T]| -> Vec<f64> {
        let mut out = vec![T::ZERO; columns];
        tape.backend().column_dots(x, y, &mut out);
        out.into_iter().map(|v| v.to_f64()).collect()
    };
    let start: Vec<f64> = column_norms(z, columns).iter().map(|v| v.sqrt().max(f64::MIN_POSITIVE)).collect();
    let unit: Vec<T> = z
        .chunks_exact(columns)
        .flat_map(|row| row.iter().zip(&start).map(|(v, s)| T::from_f64(v.to_f64() / s)))
        .collect();
    let mut basis: Vec<(TapeVector<T, B>, Vec<T>)> = vec![(tape.constant(&unit), unit)];
    let mut images = Vec::new();
    // The Hessenberg matrix of every column, by columns.
    let mut hessenberg: Vec<Vec<Vec<f64>>> = vec![Vec::new(); columns];
    for q in 0..steps {
        let correction = cycle(tape, &recorded, 0, &basis[q].0, tape.zeros(h.rows()));
        let image = tape.spmv(&finest.a, &correction);
        let mut rest = tape.values(&image);
        let size = dots(&rest, &rest);
        let mut coefficients = vec![vec![0.0; q + 2]; columns];
        for _ in 0..2 {
            for (i, (_, v)) in basis.iter().enumerate() {
                let d = dots(v, &rest);
                let minus: Vec<T> = d.iter().map(|d| T::from_f64(-d)).collect();
                tape.backend().column_add(&minus, v, &mut rest);
                coefficients.iter_mut().zip(d).for_each(|(column, d)| column[i] += d);
            }
        }
        let length = dots(&rest, &rest);
        // A space that is exhausted grows no more: the next direction is zero.
        let scale: Vec<f64> = (0..columns)
            .map(
                |c| if length[c] > dependent::<T>().powi(2) * size[c] { 1.0 / length[c].sqrt() } else { 0.0 },
            )
            .collect();
        for c in 0..columns {
            coefficients[c][q + 1] = if scale[c] == 0.0 { 0.0 } else { length[c].sqrt() };
            hessenberg[c].push(std::mem::take(&mut coefficients[c]));
        }
        if q + 1 < steps {
            let mut terms = vec![(&image, scale.iter().map(|&s| T::from_f64(s)).collect::<Vec<T>>())];
            for (i, (v, _)) in basis.iter().enumerate() {
                let weights = (0..columns).map(|c| T::from_f64(-scale[c] * hessenberg[c][q][i]));
                terms.push((v, weights.collect()));
            }
            let terms: Vec<(&TapeVector<T, B>, &[T])> =
                terms.iter().map(|(v, w)| (*v, w.as_slice())).collect();
            let next = tape.weighted_sum(&terms);
            let values = tape.values(&next);
            basis.push((next, values));
        }
        images.push(image);
    }
    let y: Vec<Vec<f64>> = hessenberg.iter().map(|h| hessenberg_least_squares(h, dependent::<T>())).collect();
    let ones = vec![T::ONE; columns];
    let weights: Vec<Vec<T>> = (0..steps).map(|q| y.iter().map(|y| T::from_f64(-y[q])).collect()).collect();
    let mut terms = vec![(&basis[0].0, ones.as_slice())];
    terms.extend(images.iter().zip(&weights).map(|(image, w)| (image, w.as_slice())));
    let r = tape.weighted_sum(&terms);
    let mut last = tape.values(&r);
    let end = column_norms(&last, columns);
    let after = last.clone();
    let weight = 1.0 / (steps * columns) as f64;
    // What is left of a residual below the rounding of its parts has nothing to teach.
    let least = if T::NAME == "f64" { 1e-26 } else { 1e-11 };
    let loss = end.iter().map(|&e| weight * if e.is_nan() { e } else { e.max(least).ln() }).sum();
    let scale: Vec<f64> = end.iter().map(|&e| if e < least { 0.0 } else { 2.0 * weight / e }).collect();
    for row in last.chunks_exact_mut(columns) {
        row.iter_mut().zip(&scale).for_each(|(v, &s)| *v = T::from_f64(v.to_f64() * s));
    }
    let gradient = parameters.backward(tape, &r, &last)?;
    tape.clear();
    Ok(LossAndGradient { loss, gradient, after_one_cycle: after })
}
