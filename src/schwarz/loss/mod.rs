//! Losses of Schwarz methods: reduction of errors or residuals in K steps, with hand-written adjoints.
//!
//! With T = I − M A and Bᵢ = Rᵢ A Rᵢᵀ + Lᵢ a step is x ← x − Σᵢ R̃ᵢᵀ yᵢ with yᵢ = Bᵢ⁻¹ Rᵢ A x. Its adjoint is
//! x̄ ← x̄ − Aᵀ Σᵢ Rᵢᵀ λᵢ with λᵢ = Bᵢ⁻ᵀ R̃ᵢ x̄, and L̄ᵢ(p,q) += λᵢ(p) · yᵢ(q), summed over columns and
//! steps, on the interface entries only. Every subdomain is factored once, and M is never formed. Of the
//! steps only the yᵢ on the outer rings are kept, and whole iterates if the loss depends on them.

mod adjoint;
mod krylov;
mod softmax;

pub(crate) use softmax::value as softmax_loss;

use self::adjoint::sweep;
use super::adjoint::on_rings;
use super::operator::Schwarz;
use crate::error::{Error, Result};
use crate::sparse::Scalar;

/// Objectives. T is I − M A, K the number of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Loss {
    /// max ‖Tᴷ u‖ / ‖u‖ over the columns u (Taghibakhshi et al., 2022). Its gradient is that of the largest
    /// column, so the adjoint runs on one column.
    Largest,
    /// Mean over the columns of log(‖Tᴷ u‖² / ‖u‖²) / K, twice the logarithm of the factor of a step.
    Logarithm,
    /// Of the steps 1 to K, the mean factor, weighted to the largest (Taghibakhshi et al., 2023): with
    /// σ(v) = Σ exp(vⱼ) vⱼ / Σ exp(vⱼ) it is σ(z) for zₖ = yₖ^(1/k), where yₖ is σ of the ‖Tᵏ u‖ / ‖u‖ of
    /// all columns. All iterates are kept.
    Softmax,
    /// Mean over the columns of log(‖r‖² / ‖u‖²) / K, where r is the residual of K steps of GMRES on the
    /// residual u, preconditioned from the right: ‖r‖ = min ‖u − A M p(A M) u‖ over the polynomials p of
    /// degree below K. The objective for solves with GMRES; it contains no power of T. The space is kept.
    Krylov,
}

/// A loss, its gradient, and the next columns of a pool.
#[derive(Debug, Clone)]
pub struct LossAndGradient<T> {
    /// The loss.
    pub loss: f64,
    /// Its gradient with respect to every interface value.
    pub gradient: Vec<T>,
    /// The next columns of a pool, n rows × columns: T u, or the residual after K steps of GMRES.
    pub after_one_step: Vec<T>,
}

/// The square below which a column is ignored: its inverse would overflow.
fn vanished<T: Scalar>() -> f64 {
    if T::NAME == "f32" { 1e-60 } else { 1e-280 }
}

/// The loss of `steps` steps on the `columns` columns of `u` (n × columns, row-major). Cost: `steps` products
/// with A and applications of M; for [`Loss::Krylov`] 2 `steps`² scalar products more.
///
/// # Errors
/// Lengths that do not fit; no columns or no steps; a column of zeros.
pub fn loss<T: Scalar>(m: &Schwarz<T>, kind: Loss, u: &[T], columns: usize, steps: usize) -> Result<f64> {
    let start = require(m, u, columns, steps)?;
    if kind == Loss::Krylov {
        return Ok(krylov::Space::new(m, u, &start, columns, steps, false)?.loss());
    }
    let mut x = u.to_vec();
    let mut norms = Vec::with_capacity(steps);
    for _ in 0..steps {
        m.iterate(&mut x, columns)?;
        if kind == Loss::Softmax {
            norms.push(squares(&x, columns));
        }
    }
    if kind == Loss::Softmax {
        return Ok(softmax::value(&start, &norms).0);
    }
    Ok(value::<T>(kind, &start, &squares(&x, columns), steps).0)
}

/// The loss and its gradient with respect to the interface values.
///
/// Cost: `steps` products with A and applications of M, and as many transposed ones on all columns, for
/// [`Loss::Largest`] on one column. Memory: `columns` values for every row of an outer ring and every step; for
/// [`Loss::Softmax`] as many for every row, for [`Loss::Krylov`] two times that.
///
/// # Errors
/// As [`loss`].
pub fn loss_and_gradient<T: Scalar>(
    m: &Schwarz<T>,
    kind: Loss,
    u: &[T],
    columns: usize,
    steps: usize,
) -> Result<LossAndGradient<T>> {
    let start = require(m, u, columns, steps)?;
    match kind {
        Loss::Krylov => {
            let space = krylov::Space::new(m, u, &start, columns, steps, true)?;
            let gradient = space.gradient(m)?;
            return Ok(LossAndGradient {
                loss: space.loss(),
                gradient,
                after_one_step: space.into_residual(),
            });
        }
        Loss::Softmax => return softmax::loss_and_gradient(m, u, &start, columns, steps),
        Loss::Largest | Loss::Logarithm => {}
    }
    let layout = m.layout();
    let mut x = u.to_vec();
    let mut after_one_step = Vec::new();
    let mut kept = Vec::with_capacity(steps);
    for step in 0..steps {
        let y = m.step(&mut x, columns)?;
        kept.push(on_rings(layout, &y, columns));
        if step == 0 {
            after_one_step.clone_from(&x);
        }
    }
    let end = squares(&x, columns);
    let (loss, largest) = value::<T>(kind, &start, &end, steps);
    // The adjoint of the last error, and its columns.
    let k = if kind == Loss::Largest {
        let norm = (end[largest] * start[largest]).sqrt();
        let scale = if end[largest] < vanished::<T>() { 0.0 } else { 1.0 / norm };
        x = column(&x, columns, largest);
        x.iter_mut().for_each(|v| *v = T::from_f64(v.to_f64() * scale));
        kept.iter_mut().for_each(|y| *y = column(y, columns, largest));
        1
    } else {
        let weight = 2.0 / (steps * columns) as f64;
        let inverse = |&e: &f64| if e < vanished::<T>() { 0.0 } else { weight / e };
        scale_columns(&mut x, &end.iter().map(inverse).collect::<Vec<f64>>());
        columns
    };
    let gradient = sweep(m, kept, x, k, |_, _| {})?;
    Ok(LossAndGradient { loss, gradient, after_one_step })
}

/// The squared norms of the columns; fails without columns or steps.
fn require<T: Scalar>(m: &Schwarz<T>, u: &[T], columns: usize, steps: usize) -> Result<Vec<f64>> {
    if columns == 0 || steps == 0 {
        return Err(Error::invalid_input("the loss needs at least one column and one step"));
    }
    m.require(u, columns)?;
    let start = squares(u, columns);
    match start.iter().position(|&s| s < vanished::<T>() || !s.is_finite()) {
        Some(c) => Err(Error::invalid_input(format!("column {} is zero, or too large to be squared", c + 1))),
        None => Ok(start),
    }
}

/// The loss of the last iterate, and the largest column (the first of equal ones).
fn value<T: Scalar>(kind: Loss, start: &[f64], end: &[f64], steps: usize) -> (f64, usize) {
    if kind == Loss::Largest {
        let ratios = start.iter().zip(end).map(|(s, e)| (e / s).sqrt()).enumerate();
        let (largest, ratio) =
            ratios.fold((0, -1.0), |best, (c, r)| if r > best.1 || r.is_nan() { (c, r) } else { best });
        return (ratio, largest);
    }
    let logarithm = |square: f64| square.max(vanished::<T>()).ln();
    let sum: f64 = start.iter().zip(end).map(|(&s, &e)| logarithm(e) - logarithm(s)).sum();
    (sum / (steps * start.len()) as f64, 0)
}

/// Squared 2-norm of every column, in double precision.
pub(super) fn squares<T: Scalar>(x: &[T], columns: usize) -> Vec<f64> {
    let mut sums = vec![0.0; columns];
    for row in x.chunks_exact(columns) {
        sums.iter_mut().zip(row).for_each(|(sum, v)| *sum += v.to_f64() * v.to_f64());
    }
    sums
}

/// Every column times a number.
fn scale_columns<T: Scalar>(x: &mut [T], scale: &[f64]) {
    for row in x.chunks_exact_mut(scale.len()) {
        row.iter_mut().zip(scale).for_each(|(v, &s)| *v = T::from_f64(v.to_f64() * s));
    }
}

fn column<T: Scalar>(x: &[T], columns: usize, c: usize) -> Vec<T> {
    x.iter().skip(c).step_by(columns).copied().collect()
}
