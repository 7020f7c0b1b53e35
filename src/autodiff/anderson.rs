//! Anderson acceleration of fixed-point iterations.

use std::collections::VecDeque;

use crate::krylov::{axpy, dot, norm, orthogonalise};

/// Columns that keep less than this share of their length are dependent and dropped.
const DEPENDENT: f64 = 1e-12;

/// The last differences of iterates (Anderson 1965; type II of Walker and Ni, SIAM J. Numer. Anal. 49, 2011,
/// eq. 2.2): x ← g(x) − ΔG γ with γ = argmin ‖r − ΔR γ‖ and r = g(x) − x. For a linear g this is as good as
/// GMRES. Keeps 2 × depth + 2 vectors.
pub(super) struct Anderson {
    depth: usize,
    /// (Δr, Δg), newest first.
    differences: VecDeque<(Vec<f64>, Vec<f64>)>,
    last: Option<(Vec<f64>, Vec<f64>)>,
}

impl Anderson {
    pub(super) fn new(depth: usize) -> Self {
        Self { depth, differences: VecDeque::new(), last: None }
    }

    /// The next iterate from x and g(x).
    pub(super) fn next(&mut self, x: &[f64], image: &[f64]) -> Vec<f64> {
        let minus = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<f64>>();
        let r = minus(image, x);
        if let Some((before, old)) = &self.last {
            self.differences.push_front((minus(&r, before), minus(image, old)));
            self.differences.truncate(self.depth);
        }
        let (mut basis, mut columns, mut kept) = (Vec::new(), Vec::new(), Vec::new());
        for (dr, dg) in &self.differences {
            let (mut w, length) = (dr.clone(), norm(dr));
            let (mut h, rest) = orthogonalise(&basis, &mut w, length, 0.5);
            if rest.is_nan() || rest <= DEPENDENT * length {
                continue;
            }
            w.iter_mut().for_each(|w| *w /= rest);
            h.push(rest);
            basis.push(w);
            columns.push(h);
            kept.push(dg);
        }
        let mut gamma: Vec<f64> = basis.iter().map(|q| dot(q, &r)).collect();
        let mut next = image.to_vec();
        for j in (0..columns.len()).rev() {
            gamma[j] /= columns[j][j];
            let known = gamma[j];
            gamma[..j].iter_mut().zip(&columns[j]).for_each(|(g, h)| *g -= h * known);
            axpy(-known, kept[j], &mut next);
        }
        self.last = Some((r, image.to_vec()));
        next
    }
}
