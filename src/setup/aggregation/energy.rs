//! Prolongation smoothing by energy minimisation on a fixed pattern.

use std::ops::Range;
use std::sync::Arc;

use super::tentative::orthonormalise;
use crate::error::{Error, Result};
use crate::parallel;
use crate::setup::grids::own;
use crate::setup::nodal::Nodes;
use crate::setup::vector::{dot, norm, project, scale, subtract};
use crate::sparse::assemble::{Accumulator, assemble};
use crate::sparse::rows::Pool;
use crate::sparse::{Csr, DenseMatrix, Pattern};

/// Residual of A P = 0 (rows scaled to one) at which to stop.
const TOLERANCE: f64 = 1e-8;
/// Rows handled by one task.
const CHUNK: usize = 512;

/// The Krylov method of the minimisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Krylov {
    /// The residual of A P = 0, for any matrix.
    Gmres,
    /// The energy tr(PᵀAP), for symmetric definite matrices.
    ConjugateGradients,
}

/// The pattern of C T: the entries that [`energy_prolongation`] may use.
///
/// `strength` is a graph of nodes; an unknown is interpolated from all coarse unknowns of the
/// aggregates of its own node's strong neighbours. Cost: one sparse product.
///
/// # Errors
/// A product too large for 32-bit indices.
pub fn energy_pattern(strength: &Csr<f64>, nodes: &Nodes, tentative: &Csr<f64>) -> Result<Arc<Pattern>> {
    pattern_of(strength.pattern(), nodes, tentative)
}

/// [`energy_pattern`] for the structure of the strength.
pub(super) fn pattern_of(strength: &Pattern, nodes: &Nodes, tentative: &Csr<f64>) -> Result<Arc<Pattern>> {
    let product = assemble(
        tentative.rows(),
        tentative.cols(),
        || Accumulator::new(tentative.cols()),
        |i, row, columns, values| {
            tentative.row(i).for_each(|(c, _)| row.add(c, 1.0));
            for &node in strength.row_cols(nodes.node(i)) {
                for &j in nodes.unknowns(node as usize) {
                    tentative.row(j as usize).for_each(|(c, _)| row.add(c, 1.0));
                }
            }
            row.drain(columns, values);
        },
    )?;
    Ok(product.into_parts().0)
}

/// The energy-minimised prolongation of Olson, Schroder and Tuminaro (2011).
///
/// P = T + U with U on the pattern of [`energy_pattern`] and U Bc = 0, where U comes from
/// `iterations` steps of GMRES on A P = 0 in that space; rows are scaled by 1/Σⱼ|aᵢⱼ|. The
/// constraint is kept row by row, by projection on the complement of the coarse candidates
/// that the row sees, so that P Bc = T Bc. For a restriction pass Aᵀ and transpose the result.
/// The result has no explicit zeros.
///
/// Shapes: A n × n, T n × m, Bc m × k; any k. Cost: `iterations` + 1 products A X on the
/// pattern, parallel over rows, and as many vectors of its size; k more for the constraint.
///
/// # Errors
/// Shapes that do not fit together.
pub fn energy_prolongation(
    a: &Csr<f64>,
    tentative: &Csr<f64>,
    pattern: &Arc<Pattern>,
    coarse_candidates: &DenseMatrix,
    iterations: usize,
) -> Result<Csr<f64>> {
    minimise(a, tentative, pattern, coarse_candidates, &[], Krylov::Gmres, iterations)
}

/// The energy-minimised prolongation for a symmetric positive definite matrix.
///
/// As [`energy_prolongation`], but U comes from `iterations` steps of conjugate gradients, preconditioned by
/// the diagonal of A, that minimise the energy tr(PᵀAP) in the space. Steps end early if A proves not to be
/// definite.
///
/// # Errors
/// Shapes that do not fit together.
pub fn symmetric_energy_prolongation(
    a: &Csr<f64>,
    tentative: &Csr<f64>,
    pattern: &Arc<Pattern>,
    coarse_candidates: &DenseMatrix,
    iterations: usize,
) -> Result<Csr<f64>> {
    minimise(a, tentative, pattern, coarse_candidates, &[], Krylov::ConjugateGradients, iterations)
}

/// Energy minimisation by either method in which the rows `fixed` keep their values.
pub(super) fn minimise(
    a: &Csr<f64>,
    tentative: &Csr<f64>,
    pattern: &Arc<Pattern>,
    coarse_candidates: &DenseMatrix,
    fixed: &[u32],
    krylov: Krylov,
    iterations: usize,
) -> Result<Csr<f64>> {
    if a.rows() != a.cols()
        || a.rows() != tentative.rows()
        || pattern.rows() != tentative.rows()
        || pattern.cols() != tentative.cols()
        || coarse_candidates.rows() != tentative.cols()
    {
        return Err(Error::dimension(format!(
            "a {} × {} matrix, a {} × {} prolongation and {} rows of coarse candidates do not fit together",
            a.rows(),
            a.cols(),
            tentative.rows(),
            tentative.cols(),
            coarse_candidates.rows()
        )));
    }
    let mut start = vec![0.0; pattern.nnz()];
    for i in 0..tentative.rows() {
        for (c, v) in tentative.row(i) {
            let p = pattern.find(i, c).ok_or_else(|| {
                Error::dimension(format!(
                    "the pattern lacks the entry of T in row {}, column {}",
                    i + 1,
                    c + 1
                ))
            })?;
            start[p] = v;
        }
    }
    let mut space = Space::new(a, pattern, coarse_candidates, krylov);
    fixed.iter().for_each(|&i| space.scaling[i as usize] = 0.0);
    let update = match krylov {
        Krylov::Gmres => gmres(&space, &start, iterations),
        Krylov::ConjugateGradients => conjugate_gradients(&space, &start, iterations),
    };
    let values: Vec<f64> = start.iter().zip(&update).map(|(t, u)| t + u).collect();
    let p = Csr::new(pattern.clone(), values)?;
    Ok(if p.values().contains(&0.0) { p.filter(|_, _, v| v != 0.0) } else { p })
}

/// The matrices on a pattern that annihilate the coarse candidates.
struct Space<'a> {
    a: &'a Csr<f64>,
    pattern: &'a Pattern,
    /// Factors of the rows of A: 1/Σⱼ|aᵢⱼ| for GMRES and one for conjugate gradients; zero
    /// for a row that is empty or fixed.
    scaling: Vec<f64>,
    /// Per row of the pattern an orthonormal basis of the candidates it sees, by columns;
    /// missing directions are zero.
    constraint: Vec<f64>,
    k: usize,
}

impl<'a> Space<'a> {
    fn new(a: &'a Csr<f64>, pattern: &'a Pattern, candidates: &DenseMatrix, krylov: Krylov) -> Self {
        let k = candidates.cols();
        let mut constraint = vec![0.0; pattern.nnz() * k];
        parallel::for_each(pieces(pattern, &mut constraint, k).into_iter(), &|(rows, mut part)| {
            let mut r = vec![0.0; k * k];
            for columns in rows.map(|i| pattern.row_cols(i)) {
                let m = columns.len();
                let Some(block) = part.split_off_mut(..m * k) else { break };
                for c in 0..k {
                    for (v, &j) in block[c * m..].iter_mut().zip(columns) {
                        *v = candidates[[j as usize, c]];
                    }
                }
                let rank = orthonormalise(block, m, k, &mut r);
                block[rank * m..].fill(0.0);
            }
        });
        let invert = |s: f64| if s == 0.0 { 0.0 } else { 1.0 / s };
        let scaling = match krylov {
            Krylov::Gmres => {
                (0..a.rows()).map(|i| invert(a.row(i).map(|(_, v)| v.abs()).sum::<f64>())).collect()
            }
            Krylov::ConjugateGradients => vec![1.0; a.rows()],
        };
        Self { a, pattern, scaling, constraint, k }
    }

    /// y ← the projection of diag(scaling) A X, all on the pattern.
    fn apply(&self, x: &[f64], y: &mut [f64]) {
        let pool = Pool::new(|| vec![0u32; self.pattern.cols()]);
        parallel::for_each(pieces(self.pattern, y, 1).into_iter(), &|(rows, part)| {
            pool.with(|position| {
                let first = self.pattern.row(rows.start).start;
                for i in rows {
                    let range = self.pattern.row(i);
                    self.apply_row(i, x, &mut part[range.start - first..range.end - first], position);
                }
            });
        });
    }

    /// One row; `position` is all zeros before and after.
    fn apply_row(&self, i: usize, x: &[f64], y: &mut [f64], position: &mut [u32]) {
        let columns = self.pattern.row_cols(i);
        for (q, &c) in columns.iter().enumerate() {
            position[c as usize] = q as u32 + 1;
        }
        y.fill(0.0);
        for (j, v) in self.a.row(i) {
            let range = self.pattern.row(j);
            for (&c, x) in self.pattern.row_cols(j).iter().zip(&x[range]) {
                let q = position[c as usize];
                if q > 0 {
                    y[q as usize - 1] += v * x;
                }
            }
        }
        for &c in columns {
            position[c as usize] = 0;
        }
        y.iter_mut().for_each(|y| *y *= self.scaling[i]);
        let range = self.pattern.row(i);
        let block = &self.constraint[range.start * self.k..range.end * self.k];
        if !columns.is_empty() {
            for q in block.chunks_exact(columns.len()) {
                let h = q.iter().zip(&*y).map(|(q, y)| q * y).sum::<f64>();
                y.iter_mut().zip(q).for_each(|(y, q)| *y -= h * q);
            }
        }
    }
}

/// Values on a pattern, `width` for every entry, cut by rows.
fn pieces<'v>(
    pattern: &Pattern,
    mut values: &'v mut [f64],
    width: usize,
) -> Vec<(Range<usize>, &'v mut [f64])> {
    let piece = |from: usize| {
        let to = pattern.rows().min(from + CHUNK);
        let length = (pattern.row_ptr()[to] - pattern.row_ptr()[from]) as usize * width;
        (from..to, values.split_off_mut(..length).unwrap_or_default())
    };
    (0..pattern.rows()).step_by(CHUNK).map(piece).collect()
}

/// The update U that reduces tr((T + U)ᵀA(T + U)) most in a Krylov space.
fn conjugate_gradients(space: &Space<'_>, start: &[f64], iterations: usize) -> Vec<f64> {
    let precondition = |r: &[f64]| {
        let mut z = r.to_vec();
        parallel::for_each(pieces(space.pattern, &mut z, 1).into_iter(), &|(rows, mut part)| {
            for i in rows {
                let d = own(space.a, i).abs();
                let row = part.split_off_mut(..space.pattern.row(i).len()).unwrap_or_default();
                row.iter_mut().for_each(|z| *z = if d == 0.0 { 0.0 } else { *z / d });
            }
        });
        z
    };
    let mut residual = vec![0.0; start.len()];
    space.apply(start, &mut residual);
    scale(&mut residual, -1.0);
    let mut update = vec![0.0; start.len()];
    let mut image = vec![0.0; start.len()];
    let mut direction = precondition(&residual);
    let mut product = dot(&residual, &direction);
    for _ in 0..iterations {
        space.apply(&direction, &mut image);
        let curvature = dot(&direction, &image);
        if product <= TOLERANCE * TOLERANCE || curvature <= 0.0 || !curvature.is_finite() {
            break;
        }
        let alpha = product / curvature;
        subtract(&mut update, std::slice::from_ref(&direction), &[-alpha]);
        subtract(&mut residual, std::slice::from_ref(&image), &[alpha]);
        let mut z = precondition(&residual);
        let next = dot(&residual, &z);
        subtract(&mut z, std::slice::from_ref(&direction), &[-next / product]);
        (direction, product) = (z, next);
    }
    update
}

/// The update U that reduces ‖op(T + U)‖ most in a Krylov space.
fn gmres(space: &Space<'_>, start: &[f64], iterations: usize) -> Vec<f64> {
    let mut residual = vec![0.0; start.len()];
    space.apply(start, &mut residual);
    let beta = norm(&residual);
    let mut update = vec![0.0; start.len()];
    if beta <= TOLERANCE || !beta.is_finite() {
        return update;
    }
    scale(&mut residual, -1.0 / beta);
    let mut basis = vec![residual];
    // Columns of the triangular factor of the Hessenberg matrix, and its rotations.
    let (mut triangle, mut rotations): (Vec<Vec<f64>>, Vec<(f64, f64)>) = (Vec::new(), Vec::new());
    let mut g = vec![beta];
    for step in 0..iterations {
        let mut w = vec![0.0; start.len()];
        space.apply(&basis[step], &mut w);
        let mut h = Vec::with_capacity(step + 2);
        for v in &basis {
            let c = project(std::slice::from_ref(v), &w)[0];
            subtract(&mut w, std::slice::from_ref(v), &[c]);
            h.push(c);
        }
        let length = norm(&w);
        h.push(length);
        for (q, &(c, s)) in rotations.iter().enumerate() {
            (h[q], h[q + 1]) = (c * h[q] + s * h[q + 1], c * h[q + 1] - s * h[q]);
        }
        let radius = h[step].hypot(h[step + 1]);
        if radius == 0.0 || !radius.is_finite() {
            break;
        }
        let (c, s) = (h[step] / radius, h[step + 1] / radius);
        rotations.push((c, s));
        h[step] = radius;
        h.pop();
        triangle.push(h);
        g.push(-s * g[step]);
        g[step] *= c;
        if g[step + 1].abs() <= TOLERANCE || length == 0.0 {
            break;
        }
        scale(&mut w, 1.0 / length);
        basis.push(w);
    }
    let steps = triangle.len();
    let mut y = vec![0.0; steps];
    for q in (0..steps).rev() {
        let known: f64 = (q + 1..steps).map(|p| triangle[p][q] * y[p]).sum();
        y[q] = (g[q] - known) / triangle[q][q];
    }
    y.iter_mut().for_each(|y| *y = -*y);
    subtract(&mut update, &basis[..steps], &y);
    update
}
