//! Sparse L B Lᵀ of `faer` for a symmetric matrix, definite or not, with a test of the factors.

use std::sync::Arc;

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::perm::PermRef;
use faer::sparse::SparseColMatRef;
use faer::sparse::linalg::SupernodalThreshold;
use faer::sparse::linalg::cholesky::{
    CholeskySymbolicParams, IntranodeLbltRef, SymbolicCholesky, factorize_symbolic_cholesky,
};
use faer::{Conj, MatMut, Side, get_global_parallelism};

use super::columns;
use crate::backend::equilibration::scale_rows;
use crate::backend::factors::rough;
use crate::backend::{Cpu, View};
use crate::sparse::Csr;

/// Largest growth of a rough solution in the test of the factors: more indicates a singular matrix.
const GROWTH: f64 = 1e4;

/// L B Lᵀ of D A D in an approximate minimum degree order, D powers of two, with Bunch–Kaufman pivots inside
/// supernodes.
pub struct SymmetricFactors {
    symbolic: Arc<SymbolicCholesky<usize>>,
    values: Vec<f64>,
    subdiagonal: Vec<f64>,
    forward: Vec<usize>,
    inverse: Vec<usize>,
    /// D.
    scaling: Vec<f64>,
}

impl SymmetricFactors {
    /// Factors a symmetric matrix, of which the upper triangle is read, or returns `None` if the factors leave
    /// residuals above 10⁻⁶ for a rough solution: pivots are sought inside supernodes only.
    pub fn new(a: &Csr<f64>) -> Option<Self> {
        let params = CholeskySymbolicParams {
            supernodal_flop_ratio_threshold: SupernodalThreshold::FORCE_SUPERNODAL,
            ..Default::default()
        };
        let columns = columns(a.pattern());
        let symbolic =
            factorize_symbolic_cholesky(columns.as_ref(), Side::Upper, Default::default(), params).ok()?;
        Self::by(Arc::new(symbolic), a)
    }

    /// The same for a matrix with other values on the same pattern, without symbolic work.
    pub fn renewed(&self, a: &Csr<f64>) -> Option<Self> {
        Self::by(self.symbolic.clone(), a)
    }

    fn by(symbolic: Arc<SymbolicCholesky<usize>>, a: &Csr<f64>) -> Option<Self> {
        let n = a.rows();
        let size = |i: usize| a.row(i).fold(0.0f64, |m, (_, v)| m.max(v.abs()));
        let power = |size: f64| {
            if size > 0.0 { (-0.5 * size.log2()).round().clamp(-500.0, 500.0).exp2() } else { 1.0 }
        };
        let scaling: Vec<f64> = (0..n).map(|i| power(size(i))).collect();
        let scaled = a.map(|i, j, v| scaling[i] * v * scaling[j]);
        let columns = columns(a.pattern());
        let threads = get_global_parallelism();
        let needs = symbolic.factorize_numeric_intranode_lblt_scratch::<f64>(threads, Default::default());
        let mut memory = MemBuffer::try_new(needs).ok()?;
        let mut values = Vec::new();
        values.try_reserve_exact(symbolic.len_val()).ok()?;
        values.resize(symbolic.len_val(), 0.0);
        let (mut subdiagonal, mut forward, mut inverse) = (vec![0.0; n], vec![0usize; n], vec![0usize; n]);
        symbolic.factorize_numeric_intranode_lblt(
            &mut values,
            &mut subdiagonal,
            &mut forward,
            &mut inverse,
            SparseColMatRef::new(columns.as_ref(), scaled.values()),
            Side::Upper,
            threads,
            MemStack::new(&mut memory),
            Default::default(),
        );
        let factors = Self { symbolic, values, subdiagonal, forward, inverse, scaling };
        factors.leaves_small_residuals(a, &scaled).then_some(factors)
    }

    /// Whether a rough solution of the scaled system comes back without growth, and satisfies its equations.
    fn leaves_small_residuals(&self, a: &Csr<f64>, scaled: &Csr<f64>) -> bool {
        let known = rough(a.rows());
        let view = View::from(scaled);
        let (mut b, mut r) = (vec![0.0; known.len()], vec![0.0; known.len()]);
        Cpu.spmv(1.0, view, &known, 0.0, &mut b, 1);
        let mut x = b.clone();
        self.substitute(&mut x, 1);
        Cpu.residual(view, &b, &x, &mut r, 1);
        let largest = |v: &[f64]| {
            v.iter().fold(0.0, |m: f64, v| if v.is_nan() { f64::INFINITY } else { m.max(v.abs()) })
        };
        largest(&r) <= 1e-6 * largest(&b) && largest(&x) <= GROWTH
    }

    /// Stored entries of L and B.
    pub fn entries(&self) -> usize {
        self.values.len() + self.subdiagonal.len()
    }

    /// x ← A⁻¹ x for a row-major block of `k` columns.
    pub fn solve(&self, x: &mut [f64], k: usize) {
        scale_rows(&self.scaling, x, k);
        self.substitute(x, k);
        scale_rows(&self.scaling, x, k);
    }

    fn substitute(&self, x: &mut [f64], k: usize) {
        let n = self.forward.len();
        let order = PermRef::new_checked(&self.forward, &self.inverse, n);
        let factors = IntranodeLbltRef::new(&self.symbolic, &self.values, &self.subdiagonal, order);
        let threads = get_global_parallelism();
        let mut memory = MemBuffer::new(self.symbolic.solve_in_place_scratch::<f64>(k, threads));
        let block = MatMut::from_row_major_slice_mut(x, n, k);
        factors.solve_in_place_with_conj(Conj::No, block, threads, MemStack::new(&mut memory));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gallery;

    fn error(a: &Csr<f64>) -> Option<f64> {
        let known = rough(a.rows());
        let mut x = vec![0.0; known.len()];
        Cpu.spmv(1.0, a.into(), &known, 0.0, &mut x, 1);
        SymmetricFactors::new(a)?.solve(&mut x, 1);
        Some(x.iter().zip(&known).fold(0.0f64, |m, (x, y)| m.max((x - y).abs())))
    }

    #[test]
    fn definite_indefinite_and_badly_scaled_matrices_are_solved() {
        let a = gallery::poisson_2d(30, 20).unwrap().matrix;
        assert!(error(&a).unwrap() < 1e-12);
        let helmholtz = gallery::helmholtz_2d(25, 20.0).unwrap().matrix;
        assert!(error(&helmholtz).unwrap() < 1e-10);
        // Known scalings by powers of two are undone: the error of D x is that of the plain system.
        let d = |i: usize| 2f64.powi((i % 40) as i32 - 20);
        let scaled = a.map(|i, j, v| d(i) * v * d(j));
        let known: Vec<f64> = rough(a.rows()).iter().enumerate().map(|(i, v)| v / d(i)).collect();
        let mut x = vec![0.0; known.len()];
        Cpu.spmv(1.0, (&scaled).into(), &known, 0.0, &mut x, 1);
        SymmetricFactors::new(&scaled).unwrap().solve(&mut x, 1);
        assert!(x.iter().zip(&known).enumerate().all(|(i, (x, y))| d(i) * (x - y).abs() < 1e-11));
    }

    #[test]
    fn a_saddle_point_is_solved_and_a_singular_matrix_refused() {
        let n = 200;
        let mut t: Vec<_> = (0..n).map(|i| (i, i, 2.0)).collect();
        (0..n / 2).for_each(|k| t.extend([(n + k, 2 * k, 1.0), (2 * k, n + k, 1.0)]));
        let saddle = Csr::from_triplets(n + n / 2, n + n / 2, &t).unwrap();
        assert!(error(&saddle).is_none_or(|e| e < 1e-10));
        let laplacian = gallery::poisson_2d(20, 1).unwrap().matrix.map(|i, j, v| match (i == j, i) {
            (true, 0 | 19) => 1.0,
            (true, _) => 2.0,
            _ => v.signum(),
        });
        assert!(error(&laplacian).is_none_or(|e| e > 1e-3));
    }
}
