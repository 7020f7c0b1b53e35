//! Setup for saddle-point matrices: the levels of a block triangular approximation.

use super::aggregation::Coarsening;
use super::grids::{Grids, Transfer, own};
use crate::error::{Error, Result};
use crate::sparse::{Csr, DenseMatrix};

/// Most products of two entries in the Schur complement, in multiples of the entries of the matrix.
const MOST_PRODUCTS: usize = 64;
/// Length of a long row, in multiples of the mean length, and the least mean length that counts.
const LONG: (f64, f64) = (12.0, 4.0);
/// Most long rows and columns of a border, and the least number of rows for each of them.
const BORDER: (usize, usize) = (64, 100);

/// The levels of a block triangular approximation of a saddle-point matrix.
///
/// The rows whose diagonal is zero, or has another sign than most diagonals, are constraints. So are those of a border: at most 64
/// rows which are far longer than the others, or whose columns are, such as a mean value or a supply net. For K = \[A B; C −E\] with
/// constraints last, the levels are those of K̂ = \[A B; 0 S\], where S approximates the Schur complement −E − C A⁻¹ B by its
/// [`SchurComplement`]. With K̂ itself as the preconditioner and the exact complement, GMRES takes two iterations
/// (Murphy, Golub and Wathen 2000); a cycle on the levels of K̂ is an inexact solve with it. The transfers are those
/// of the diagonal blocks, so that unknowns and multipliers have coarse unknowns of their own. Constraints on other constraints
/// only, such as a mean pressure of zero, are a third block, with the diagonal of its own Schur complement.
///
/// ILU(0) is a good smoother in any order of the rows; Gauss–Seidel should visit the constraints first, which is backwards
/// where they have the last numbers. The Krylov method must be one for nonsymmetric systems.
///
/// ```
/// use multigrad::multigrid::Relaxation;
/// use multigrad::setup::SaddlePoint;
/// use multigrad::{Krylov, Solver, gallery};
/// let problem = gallery::stokes_2d(24)?;
/// let builder = Solver::builder(SaddlePoint::default()).relaxation(Relaxation::Ilu0(1.0));
/// let solver = builder.krylov(Krylov::BiCgStab).build(&problem.matrix)?;
/// let out = solver.solve(&problem.rhs)?;
/// assert!(out.converged() && out.iterations < 30);
/// # Ok::<(), multigrad::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SaddlePoint {
    /// The approximation of the Schur complement.
    pub schur: SchurComplement,
    /// The coarsening of the diagonal blocks.
    pub coarsening: Coarsening,
}

/// Approximations of the Schur complement −E − C A⁻¹ B of \[A B; C −E\], with D = diag A.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SchurComplement {
    /// diag(−E − C D⁻¹ B). For A of second order, such as viscosity in Stokes' equations: the complement is then close to a mass
    /// matrix, and so is this diagonal, up to a factor.
    #[default]
    Diagonal,
    /// −E − C D⁻¹ B. For A close to its diagonal, such as the mass matrix of a mixed diffusion problem.
    Product,
}

impl SaddlePoint {
    /// K̂, in the order of the rows of K = `a`. Cost: a few passes over the matrix, and the product C D⁻¹ B.
    ///
    /// # Errors
    /// A matrix without constraints, or with nothing else; a constraint whose approximate Schur complement has a zero on its
    /// diagonal (named); constraints with so many entries that C D⁻¹ B would take 64 times the work of a pass over the matrix.
    pub fn approximation(&self, a: &Csr<f64>) -> Result<Csr<f64>> {
        self.approximation_by(a, &stages(a, &constraints(a)?))
    }

    /// K̂ for rows of these stages.
    fn approximation_by(&self, a: &Csr<f64>, stages: &[u8]) -> Result<Csr<f64>> {
        let is_product = self.schur == SchurComplement::Product;
        let rest = a.filter(|i, j, _| match (stages[i], stages[j]) {
            (0, _) => true,
            (1, 1) => is_product || i == j,
            (own, other) => own < other || i == j,
        });
        let product = if is_product { product(a, stages)? } else { diagonal_of_product(a, (stages, 1), a) };
        let mut sum = rest.add(1.0, &product, -1.0)?;
        if stages.contains(&2) {
            sum = sum.add(1.0, &diagonal_of_product(a, (stages, 2), &sum), -1.0)?;
        }
        match (0..a.rows()).find(|&i| !own(&sum, i).is_normal()) {
            Some(i) => Err(Error::unsuited(format!(
                "the Schur complement of constraint {} has {:e} on its diagonal; the setups direct and none (with ilut) need no Schur complement",
                i + 1,
                own(&sum, i)
            ))),
            None => Ok(sum),
        }
    }

    /// The levels of K̂.
    ///
    /// # Errors
    /// As [`approximation`](Self::approximation) and [`Coarsening::coarsen`].
    pub(crate) fn coarsen(&self, a: &Csr<f64>, near_nullspace: Option<&DenseMatrix>) -> Result<Grids> {
        let stages = stages(a, &constraints(a)?);
        let approximation = self.approximation_by(a, &stages)?;
        // Positive on the diagonal, as strength of connection and smoothing of transfers expect.
        let signs: Vec<f64> = (0..a.rows()).map(|i| own(&approximation, i).signum()).collect();
        let blocks = approximation.filter(|i, j, _| stages[i] == stages[j]).map(|i, _, v| signs[i] * v);
        let grids = self.coarsening.coarsen(&blocks, near_nullspace)?;
        let mut next = approximation;
        let mut transfers = Vec::with_capacity(grids.transfers.len());
        for Transfer { prolongation, restriction, .. } in grids.transfers {
            let coarse = next.galerkin(&restriction, &prolongation)?;
            let a = std::mem::replace(&mut next, coarse);
            transfers.push(Transfer { a, prolongation, restriction });
        }
        Ok(Grids { transfers, coarsest: next })
    }
}

/// Whether every constraint has an approximate Schur complement: −E − C D⁻¹ B has no zeros on its diagonal. Cost: a pass over the
/// rows of the constraints.
pub(crate) fn has_schur_complement(a: &Csr<f64>, constrained: &[bool]) -> bool {
    let stages = stages(a, constrained);
    let of_unknowns = diagonal_of_product(a, (&stages, 1), a);
    let first: Vec<f64> = (0..a.rows()).map(|i| own(a, i) - own(&of_unknowns, i)).collect();
    let of_constraints = diagonal_of_product(a, (&stages, 2), &Csr::diagonal_matrix(&first));
    (0..a.rows()).all(|i| stages[i] == 0 || (first[i] - own(&of_constraints, i)).is_normal())
}

/// C D⁻¹ B in the rows and columns of the constraints.
///
/// # Errors
/// A product that takes too much work or overflows.
fn product(a: &Csr<f64>, stages: &[u8]) -> Result<Csr<f64>> {
    let left = a.filter(|i, k, _| (stages[i], stages[k]) == (1, 0));
    let right = a.filter(|k, j, _| (stages[k], stages[j]) == (0, 1));
    check_work(a, &left, &right)?;
    left.map(|_, k, v| v / own(a, k)).multiply(&right)
}

/// diag(C D⁻¹ B) in the rows of a stage, with D the diagonal of `pivots` in the rows of the stage before.
fn diagonal_of_product(a: &Csr<f64>, (stages, stage): (&[u8], u8), pivots: &Csr<f64>) -> Csr<f64> {
    let entry = |i: usize| {
        let before = a.row(i).filter(|&(k, _)| stages[i] == stage && stages[k] + 1 == stage);
        before.map(|(k, v)| v / own(pivots, k) * a.get(k, i)).sum()
    };
    let diagonal: Vec<f64> = (0..a.rows()).map(entry).collect();
    Csr::diagonal_matrix(&diagonal).filter(|i, _, _| stages[i] == stage)
}

/// 0 for unknowns, 1 for constraints on unknowns, 2 for those on other constraints only, such as a mean pressure.
fn stages(a: &Csr<f64>, constrained: &[bool]) -> Vec<u8> {
    let couples = |i: usize| a.row(i).any(|(k, v)| v != 0.0 && !constrained[k]);
    let stage = |i: usize| match constrained[i] {
        false => 0,
        true if couples(i) => 1,
        true => 2,
    };
    (0..a.rows()).map(stage).collect()
}

/// The sign of most diagonal entries.
fn prevailing_sign(a: &Csr<f64>) -> f64 {
    let (mut above, mut below) = (0, 0);
    for i in 0..a.rows() {
        let v = own(a, i);
        above += usize::from(v > 0.0);
        below += usize::from(v < 0.0);
    }
    if above >= below { 1.0 } else { -1.0 }
}

/// Whether a row of this length is far longer than the others.
pub(crate) fn is_long(length: usize, mean: f64) -> bool {
    length as f64 > LONG.0 * mean.max(LONG.1)
}

/// The rows of a border: those that are far longer than the others, or whose columns are. None where they are many, as in a
/// graph with hubs. Cost: a pass over the pattern.
pub(crate) fn border(a: &Csr<f64>) -> Vec<usize> {
    let n = a.rows();
    let mean = a.nnz() as f64 / n.max(1) as f64;
    let mut columns = vec![0u32; a.cols()];
    a.pattern().col_idx().iter().for_each(|&j| columns[j as usize] += 1);
    let is_long = |i: &usize| is_long(a.pattern().row(*i).len().max(columns[*i] as usize), mean);
    let found: Vec<usize> = (0..n).filter(is_long).collect();
    if found.len() <= BORDER.0.min(n / BORDER.1) { found } else { Vec::new() }
}

/// Whether each row is a constraint: its diagonal is zero or has another sign than most diagonals, or it is one of the border.
///
/// # Errors
/// A matrix without constraints, or with nothing else.
pub(crate) fn constraints(a: &Csr<f64>) -> Result<Vec<bool>> {
    let sign = prevailing_sign(a);
    let mut constrained: Vec<bool> = (0..a.rows()).map(|i| own(a, i) * sign <= 0.0).collect();
    border(a).into_iter().for_each(|i| constrained[i] = true);
    if !constrained.contains(&true) {
        return Err(Error::unsuited(
            "no diagonal entry is zero or has another sign than the others, and no row is far longer, so the matrix has no constraints; use another setup, such as sa",
        ));
    }
    if !constrained.contains(&false) {
        return Err(Error::unsuited("all diagonal entries are zero; use the setup direct"));
    }
    Ok(constrained)
}

/// Refuses a product that takes far more work than a pass over the matrix.
fn check_work(a: &Csr<f64>, left: &Csr<f64>, right: &Csr<f64>) -> Result<()> {
    let length = |k: &u32| right.pattern().row(*k as usize).len();
    let products: usize = left.pattern().col_idx().iter().map(length).sum();
    if products <= MOST_PRODUCTS * a.nnz().max(1 << 12) {
        return Ok(());
    }
    Err(Error::unsuited(format!(
        "the Schur complement of the constraints would take {products} multiplications, more than {MOST_PRODUCTS} for every entry of the matrix; use its diagonal (saddle-point)"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gallery;

    fn dense(a: &Csr<f64>) -> Vec<Vec<f64>> {
        (0..a.rows()).map(|i| (0..a.cols()).map(|j| a.get(i, j)).collect()).collect()
    }

    /// [A B; C −E] with constraints at rows 1 and 3.
    fn small() -> Csr<f64> {
        let t = [
            (0, 0, 2.0),
            (0, 1, 1.0),
            (0, 2, -1.0),
            (1, 0, 3.0),
            (1, 2, 1.0),
            (2, 0, -1.0),
            (2, 1, 5.0),
            (2, 2, 4.0),
            (2, 3, 2.0),
            (3, 2, 2.0),
            (3, 3, -1.0),
            (3, 1, 7.0),
        ];
        Csr::from_triplets(4, 4, &t).unwrap()
    }

    #[test]
    fn the_approximation_is_that_by_hand() {
        // C D⁻¹ B = [3/2 + 5/4, 2/4; 2·5/4, 2·2/4].
        let product = SaddlePoint { schur: SchurComplement::Product, ..SaddlePoint::default() };
        let found = dense(&product.approximation(&small()).unwrap());
        assert_eq!(found[0], [2.0, 1.0, -1.0, 0.0]);
        assert_eq!(found[1], [0.0, -2.75, 0.0, -0.5]);
        assert_eq!(found[2], [-1.0, 5.0, 4.0, 2.0]);
        assert_eq!(found[3], [0.0, 7.0 - 2.5, 0.0, -2.0]);
        let diagonal = dense(&SaddlePoint::default().approximation(&small()).unwrap());
        assert_eq!(diagonal[1], [0.0, -2.75, 0.0, 0.0]);
        assert_eq!(diagonal[3], [0.0, 0.0, 0.0, -2.0]);
        assert_eq!([&diagonal[0], &diagonal[2]], [&found[0], &found[2]]);
        // With the other sign for all.
        let negative = dense(&product.approximation(&small().map(|_, _, v| -v)).unwrap());
        assert!(negative.iter().flatten().zip(found.iter().flatten()).all(|(p, q)| *p == -q));
    }

    #[test]
    fn a_constraint_on_constraints_has_their_schur_complement() {
        let t = [(0, 0, 2.0), (0, 1, 1.0), (1, 0, 1.0), (1, 2, 3.0), (2, 1, 3.0)];
        let a = Csr::from_triplets(3, 3, &t).unwrap();
        for schur in [SchurComplement::Diagonal, SchurComplement::Product] {
            let found = SaddlePoint { schur, ..SaddlePoint::default() }.approximation(&a).unwrap();
            // −1/2 and 3 · 3 / (1/2).
            assert_eq!(dense(&found), [[2.0, 1.0, 0.0], [0.0, -0.5, 3.0], [0.0, 0.0, 18.0]]);
        }
    }

    #[test]
    fn transfers_do_not_mix_unknowns_and_constraints() {
        let a = gallery::mixed_diffusion_2d(12).unwrap().matrix;
        let constrained = constraints(&a).unwrap();
        let setup = SaddlePoint { schur: SchurComplement::Product, ..SaddlePoint::default() };
        let grids = setup.coarsen(&a, None).unwrap();
        let p = &grids.transfers[0].prolongation;
        let mut kind = vec![None; p.cols()];
        for (i, &own) in constrained.iter().enumerate() {
            for (j, _) in p.row(i) {
                assert_eq!(*kind[j].get_or_insert(own), own, "row {i}");
            }
        }
        assert!(kind.contains(&Some(true)) && kind.contains(&Some(false)));
        // The levels are the products of the approximation.
        let coarse = setup.approximation(&a).unwrap().galerkin(&grids.transfers[0].restriction, p).unwrap();
        assert_eq!(*grids.matrices().nth(1).unwrap(), coarse);
    }

    #[test]
    fn matrices_that_are_no_saddle_points_are_refused_with_a_reason() {
        let text = |a: &Csr<f64>| SaddlePoint::default().approximation(a).unwrap_err().to_string();
        assert!(text(&gallery::poisson_2d(4, 4).unwrap().matrix).contains("no constraints"));
        let zero = Csr::from_triplets(2, 2, &[(0, 1, 1.0), (1, 0, 1.0)]).unwrap();
        assert!(text(&zero).contains("all diagonal entries are zero"));
        // A constraint without unknowns.
        let empty = Csr::from_triplets(3, 3, &[(0, 0, 1.0), (0, 1, 1.0), (1, 0, 1.0), (2, 2, 0.0)]).unwrap();
        assert!(text(&empty).contains("constraint 3"), "{}", text(&empty));
        // Every constraint takes all unknowns.
        let n = 600;
        let full = (0..n).flat_map(|i| (0..n).map(move |j| (i, j)));
        let entries: Vec<_> = full
            .filter(|&(i, j)| (i < n / 2) != (j < n / 2) || (i == j && i < n / 2))
            .map(|(i, j)| (i, j, if i == j { 2.0 } else { 1.0 }))
            .collect();
        let a = Csr::from_triplets(n, n, &entries).unwrap();
        let product = SaddlePoint { schur: SchurComplement::Product, ..SaddlePoint::default() };
        assert!(product.approximation(&a).unwrap_err().to_string().contains("multiplications"));
    }
}
