//! Learned smoothers for new values of their matrix.

use std::sync::Arc;

use super::parameters::factor_unit;
use crate::engine::Host;
use crate::error::{Error, Result};
use crate::multigrid::{Hierarchy, Refresh, Relaxation, Smoother};
use crate::sparse::{Csr, Storage};

/// Size of an entry of ILU(0), in units of its pivots, below which what was learned is carried over as a difference
/// instead of a ratio.
const SMALL: f64 = 0.02;
/// Levels, and ILU(0) of those that have factors.
pub(super) type Carried = (Hierarchy<Host<f64>>, Vec<Option<Csr<f64>>>);

/// The levels of `old` for a new A: the same transfers, new products, and the learned smoothers carried over by the new
/// diagonals, or by ILU(0) of the levels that have factors. That of the old levels is `base`; the new one is returned.
///
/// # Errors
/// Another pattern; a level without ILU(0); smoothers that cannot be carried.
pub(super) fn carried(
    refresh: &Refresh,
    (old, base): (&Hierarchy<Host<f64>>, &[Option<Csr<f64>>]),
    a: &Csr<f64>,
) -> Result<Carried> {
    // The smoothers are replaced at once.
    let mut h = refresh.apply(old, a, Relaxation::L1Jacobi, (1, 0))?;
    let mut new_base = Vec::new();
    for ((depth, level), (old, ilu)) in h.levels.iter_mut().enumerate().zip(old.levels.iter().zip(base)) {
        let (matrix, before) = (level.a.to_csr(), old.a.to_csr());
        let new = ilu.as_ref().map(|_| crate::setup::relaxation::ilu0(&matrix)).transpose();
        let new = new.map_err(|e| e.at(format!("level {depth}")))?;
        let carry =
            |sweep: &Smoother<Arc<Storage<f64>>>| carried_sweep(sweep, (&before, &matrix), (ilu, &new));
        level.pre = old.pre.iter().map(carry).collect::<Result<_>>()?;
        level.post = old.post.iter().map(carry).collect::<Result<_>>()?;
        new_base.push(new);
    }
    Ok((h, new_base))
}

/// ILU(0) of the levels that have factors.
pub(super) fn bases(h: &Hierarchy<Host<f64>>) -> Result<Vec<Option<Csr<f64>>>> {
    let factors = |s: &Smoother<Arc<Storage<f64>>>| matches!(s, Smoother::Factors { unit_lower: true, .. });
    let base = |level: &crate::multigrid::Level<Host<f64>>| {
        let any = level.pre.iter().chain(&level.post).any(factors);
        any.then(|| crate::setup::relaxation::ilu0(&level.a.to_csr())).transpose()
    };
    h.levels.iter().map(base).collect()
}

/// The smoother of the old matrix for the new one.
fn carried_sweep(
    sweep: &Smoother<Arc<Storage<f64>>>,
    (before, now): (&Csr<f64>, &Csr<f64>),
    (old, new): (&Option<Csr<f64>>, &Option<Csr<f64>>),
) -> Result<Smoother<Arc<Storage<f64>>>> {
    let matrix = |m: &crate::engine::Matrix<Arc<Storage<f64>>>, values: Vec<f64>| crate::engine::Matrix {
        pattern: m.pattern.clone(),
        values: Storage::shared(values),
    };
    match (sweep, old, new) {
        (Smoother::Sparse { m }, ..) => {
            let (d, e) = (before.diagonal(), now.diagonal());
            let csr = m.to_csr();
            let scaled = csr.map(|i, _, v| if e[i] == 0.0 { v } else { v * d[i] / e[i] });
            Ok(Smoother::Sparse { m: matrix(m, scaled.values().to_vec()) })
        }
        (&Smoother::Factors { ref factors, unit_lower: true, damping, sweeps }, Some(old), Some(new))
            if *old.pattern() == factors.pattern && *new.pattern() == factors.pattern =>
        {
            let (p, q) = (old.diagonal(), new.diagonal());
            let mut values = new.values().to_vec();
            for i in 0..new.rows() {
                for at in factors.pattern.row(i) {
                    let j = factors.pattern.col_idx()[at] as usize;
                    let unit = factor_unit(&p, (i, j), true);
                    let before = old.values()[at];
                    let ratio = match before.abs() > SMALL * unit {
                        true => new.values()[at] / before,
                        false => factor_unit(&q, (i, j), true) / unit,
                    };
                    values[at] += ratio * (factors.values[at] - before);
                }
            }
            Ok(Smoother::Factors { factors: matrix(factors, values), unit_lower: true, damping, sweeps })
        }
        _ => Err(Error::unsuited(format!(
            "the smoother ({sweep}) cannot follow its matrix; learned M, and learned L and U with unit L, can"
        ))),
    }
}
