//! Direct solver of the coarsest level: sparse LU, with singularity tests.

use std::sync::Arc;

use super::factors::{Factors, Ordering, Trust};
use super::fill::{predicted_nonzeros, predicted_seconds};
use super::library::{SymmetricFactors, pseudo_inverse};
use crate::error::{Error, Result};
use crate::limits;
use crate::sparse::{Csr, Scalar};

/// The largest singular matrix for which a pseudo-inverse is formed.
const PSEUDO_INVERSE_ROWS: usize = 600;

/// Shift of the diagonal of a singular matrix relative to the entries of its row.
const SHIFT: f64 = 1e-8;

/// Bytes of a predicted entry of sparse factors: its value, its index, and its share of the memory of the factorisation.
const BYTES: f64 = 16.0;

/// Bytes of a stored entry with its column.
const ENTRY: usize = size_of::<f64>() + size_of::<u32>();

/// The largest matrix whose inverse is stored as a dense block: one small product costs less there than the
/// indirections of a sparse factor.
const DENSE_ROWS: usize = 160;

/// A factored square matrix: x = A⁻¹ b and x = A⁻ᵀ b for row-major blocks.
///
/// A nonsingular matrix is factored by sparse LU. A singular one of up to 600 rows (for example, of a Neumann
/// problem) is solved in the least-squares sense by its pseudo-inverse, and so is every connected part of a larger
/// one. Serialises as the matrix with the accuracy that was asked for, and is refactored when read.
///
/// The matrix and its sparse factors are in double precision for any `T`: rounded to single precision, a
/// singular matrix would be a regular one whose inverse is dominated by rounding, and another precision
/// shares the factors.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(bound = "T: Scalar", try_from = "Stored", into = "Stored")]
pub struct Direct<T: Scalar> {
    matrix: Csr<f64>,
    trust: Trust,
    /// The order of elimination of LU, for other values.
    ordering: Option<Arc<Ordering>>,
    inverse: Inverse<T>,
}

/// What a file holds of a direct solver.
#[derive(serde::Serialize, serde::Deserialize)]
struct Stored {
    matrix: Csr<f64>,
    /// Whether the solver is that of a system, not of a coarsest level.
    of_system: bool,
}

#[derive(Clone)]
enum Inverse<T: Scalar> {
    Sparse(Arc<Factors>),
    Symmetric(Arc<SymmetricFactors>),
    /// The inverse or pseudo-inverse, row-major, and its transpose.
    Dense(Vec<T>, Vec<T>),
    /// The connected parts: rows, and the solver of their matrix.
    Parts(Vec<(Vec<u32>, Direct<T>)>),
}

impl<T: Scalar> std::fmt::Debug for Inverse<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Inverse::Sparse(_) => "sparse LU",
            Inverse::Symmetric(_) => "sparse L B Lᵀ",
            Inverse::Dense(..) => "dense inverse",
            Inverse::Parts(_) => "connected parts",
        })
    }
}

impl<T: Scalar> Direct<T> {
    /// Factors `a`, in double precision for any `T`.
    ///
    /// # Errors
    /// A matrix that is not square, a singular one with more than 600 rows, or an inverse that
    /// overflows `T`.
    pub fn new(a: &Csr<T>) -> Result<Self> {
        Self::of(a.cast(), Trust::Regular)
    }

    /// As [`new`](Self::new) for a matrix that is solved by this solver alone, inside an iteration that checks the
    /// residual: factors of an ill-conditioned matrix are accepted if they leave small residuals.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub(crate) fn of_system(a: &Csr<T>) -> Result<Self> {
        Self::of(a.cast(), Trust::Residual)
    }

    /// The same solver in another precision, with the same sparse factors.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn cast<U: Scalar>(&self) -> Result<Direct<U>> {
        let inverse = match &self.inverse {
            Inverse::Sparse(lu) => Inverse::Sparse(lu.clone()),
            Inverse::Symmetric(factors) => Inverse::Symmetric(factors.clone()),
            Inverse::Dense(..) => return Direct::of(self.matrix.clone(), self.trust),
            Inverse::Parts(parts) => {
                let parts: Result<_> = parts.iter().map(|(rows, d)| Ok((rows.clone(), d.cast()?))).collect();
                Inverse::Parts(parts?)
            }
        };
        Ok(Direct {
            matrix: self.matrix.clone(),
            trust: self.trust,
            ordering: self.ordering.clone(),
            inverse,
        })
    }

    /// The same solver in double precision.
    pub(crate) fn widened(&self) -> Direct<f64> {
        self.cast().unwrap_or_else(|_| {
            let wide = |values: &[T]| values.iter().map(|v| v.to_f64()).collect();
            let inverse = match &self.inverse {
                Inverse::Sparse(lu) => Inverse::Sparse(lu.clone()),
                Inverse::Symmetric(factors) => Inverse::Symmetric(factors.clone()),
                Inverse::Dense(inverse, transpose) => Inverse::Dense(wide(inverse), wide(transpose)),
                Inverse::Parts(parts) => {
                    Inverse::Parts(parts.iter().map(|(rows, d)| (rows.clone(), d.widened())).collect())
                }
            };
            Direct {
                matrix: self.matrix.clone(),
                trust: self.trust,
                ordering: self.ordering.clone(),
                inverse,
            }
        })
    }

    /// The solver of Aᵀ.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn transposed(&self) -> Result<Self> {
        Self::of(self.matrix.transpose(), Trust::Residual)
    }

    /// The solver of another matrix, of the same accuracy. Cost: no symbolic work for sparse factors on the same pattern.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub(crate) fn renewed<U: Scalar>(&self, a: Csr<f64>) -> Result<Direct<U>> {
        if a.pattern() != self.matrix.pattern() {
            return Direct::of(a, self.trust);
        }
        let symmetric = match &self.inverse {
            Inverse::Symmetric(factors) => Some(&**factors),
            _ => None,
        };
        Direct::by(a, self.trust, self.ordering.clone(), symmetric)
    }

    fn of(a: Csr<f64>, trust: Trust) -> Result<Self> {
        Self::by(a, trust, None, None)
    }

    /// Factors `a` by the symbolic part of factors of the same pattern, where there are some.
    fn by(
        a: Csr<f64>,
        trust: Trust,
        ordering: Option<Arc<Ordering>>,
        symmetric: Option<&SymmetricFactors>,
    ) -> Result<Self> {
        let n = a.rows();
        if n != a.cols() {
            return Err(Error::dimension(format!(
                "a direct solver needs a square matrix, got {n} × {}",
                a.cols()
            )));
        }
        check_limits(&a)?;
        if trust == Trust::Residual
            && n > DENSE_ROWS
            && a.is_symmetric()
            && let Some(factors) = symmetric.map_or_else(|| SymmetricFactors::new(&a), |f| f.renewed(&a))
        {
            let inverse = Inverse::Symmetric(Arc::new(factors));
            return Ok(Self { matrix: a, trust, ordering: None, inverse });
        }
        let factor = |ordering: &Ordering| ordering.factor(a.pattern(), a.values());
        let known = ordering.and_then(|ordering| Some((factor(&ordering).ok()?, ordering)));
        let (found, ordering) = match known {
            Some(known) => known,
            None => {
                limits::check()?;
                let ordering = Arc::new(Ordering::new(a.pattern())?);
                (factor(&ordering)?, ordering)
            }
        };
        let inverse = match found {
            Some((lu, Trust::Regular)) if n > DENSE_ROWS => {
                let (ordering, inverse) = (Some(ordering), Inverse::Sparse(Arc::new(lu)));
                return Ok(Self { matrix: a, trust, ordering, inverse });
            }
            Some((lu, Trust::Regular)) => {
                let mut inverse = vec![0.0; n * n];
                inverse.iter_mut().step_by(n + 1).for_each(|v| *v = 1.0);
                lu.solve(&mut inverse, n, false);
                dense(&inverse, n)?
            }
            other => {
                // A factorisation may have been stopped.
                limits::check()?;
                Self::singular_or_nearly(&a, other.map(|(lu, _)| lu), trust)?
            }
        };
        Ok(Self { matrix: a, trust, ordering: Some(ordering), inverse })
    }

    /// For a matrix that is singular to working precision: the pseudo-inverse of a small one, the parts of a
    /// disconnected one, or factors that leave small residuals, if there are some.
    fn singular_or_nearly(a: &Csr<f64>, factors: Option<Factors>, trust: Trust) -> Result<Inverse<T>> {
        let n = a.rows();
        let factors = factors.filter(|_| trust == Trust::Residual);
        if n <= PSEUDO_INVERSE_ROWS {
            // An ill-conditioned system is not cut off where a coarsest level would be.
            let cut = if trust == Trust::Residual { f64::EPSILON * n as f64 } else { 1e-11 };
            let (inverse, rank) = pseudo_inverse(a, cut)?;
            if rank == n
                && let Some(lu) = factors
            {
                return Ok(Inverse::Sparse(Arc::new(lu)));
            }
            return dense(&inverse, n);
        }
        let parts = a.pattern().components();
        if parts.len() > 1 {
            let blocks = a.diagonal_blocks(&parts);
            let solvers =
                parts.into_iter().zip(blocks).map(|(rows, block)| Ok((rows, Self::of(block, trust)?)));
            return Ok(Inverse::Parts(solvers.collect::<Result<_>>()?));
        }
        let regularised = || (trust == Trust::Residual).then(|| regularised(a)).flatten();
        factors.or_else(regularised).map(|lu| Inverse::Sparse(Arc::new(lu))).ok_or_else(|| singular(n))
    }

    /// Number of unknowns.
    pub fn rows(&self) -> usize {
        self.matrix.rows()
    }

    /// The matrix that was factored.
    pub fn matrix(&self) -> &Csr<f64> {
        &self.matrix
    }

    /// Bytes of the matrix and of its factors. The size of supernodal factors is predicted by a symbolic analysis.
    pub fn bytes(&self) -> usize {
        let matrix = size_of::<u32>() * (self.rows() + 1) + ENTRY * self.matrix.nnz();
        matrix
            + match &self.inverse {
                Inverse::Sparse(lu) => lu.entries().map_or_else(
                    || (BYTES * predicted_nonzeros(self.matrix.pattern()).unwrap_or(0.0)) as usize,
                    |entries| ENTRY * entries,
                ),
                Inverse::Symmetric(factors) => size_of::<f64>() * factors.entries(),
                Inverse::Dense(inverse, transposed) => size_of::<T>() * (inverse.len() + transposed.len()),
                Inverse::Parts(parts) => parts.iter().map(|(_, direct)| direct.bytes()).sum(),
            }
    }

    /// The inverse or pseudo-inverse, row-major, of a matrix that is solved by a product with it.
    pub(crate) fn inverse(&self) -> Option<&[T]> {
        match &self.inverse {
            Inverse::Dense(inverse, _) => Some(inverse),
            _ => None,
        }
    }

    /// Whether the matrix is solved part by part, because it is singular.
    pub(crate) fn is_in_parts(&self) -> bool {
        matches!(self.inverse, Inverse::Parts(_))
    }

    /// x ← A⁻¹ b for rows × k blocks.
    pub fn solve(&self, b: &[T], x: &mut [T], k: usize) {
        match &self.inverse {
            Inverse::Sparse(lu) => substitute(b, x, |x| lu.solve(x, k, false)),
            Inverse::Symmetric(factors) => substitute(b, x, |x| factors.solve(x, k)),
            Inverse::Dense(inverse, _) => product(inverse, b, x, k),
            Inverse::Parts(parts) => by_parts(parts, b, x, k, |d, b, x| d.solve(b, x, k)),
        }
    }

    /// x ← A⁻ᵀ b for rows × k blocks, with the same factors.
    pub fn solve_transposed(&self, b: &[T], x: &mut [T], k: usize) {
        match &self.inverse {
            Inverse::Sparse(lu) => substitute(b, x, |x| lu.solve(x, k, true)),
            Inverse::Symmetric(factors) => substitute(b, x, |x| factors.solve(x, k)),
            Inverse::Dense(_, transposed) => product(transposed, b, x, k),
            Inverse::Parts(parts) => by_parts(parts, b, x, k, |d, b, x| d.solve_transposed(b, x, k)),
        }
    }
}

/// Solves every connected part with its own solver.
fn by_parts<T: Scalar>(
    parts: &[(Vec<u32>, Direct<T>)],
    b: &[T],
    x: &mut [T],
    k: usize,
    solve: impl Fn(&Direct<T>, &[T], &mut [T]),
) {
    for (rows, direct) in parts {
        let own: Vec<T> = rows.iter().flat_map(|&i| &b[i as usize * k..][..k]).copied().collect();
        let mut out = vec![T::ZERO; own.len()];
        solve(direct, &own, &mut out);
        for (&i, row) in rows.iter().zip(out.chunks_exact(k.max(1))) {
            x[i as usize * k..][..k].copy_from_slice(row);
        }
    }
}

/// x ← A⁻¹ b in double precision.
fn substitute<T: Scalar>(b: &[T], x: &mut [T], solve: impl Fn(&mut [f64])) {
    let mut wide: Vec<f64> = b.iter().map(|v| v.to_f64()).collect();
    solve(&mut wide);
    x.iter_mut().zip(&wide).for_each(|(x, &v)| *x = T::from_f64(v));
}

impl<T: Scalar> TryFrom<Stored> for Direct<T> {
    type Error = Error;

    fn try_from(Stored { matrix, of_system }: Stored) -> Result<Self> {
        if of_system {
            return Self::of(matrix, Trust::Residual);
        }
        Self::of(matrix.clone(), Trust::Regular).or_else(|_| Self::of(matrix, Trust::Residual))
    }
}

impl<T: Scalar> From<Direct<T>> for Stored {
    fn from(Direct { matrix, trust, .. }: Direct<T>) -> Self {
        Self { matrix, of_system: trust == Trust::Residual }
    }
}

/// Factors of A + Δ for a singular A, Δᵢᵢ = 10⁻⁸ maxⱼ |aᵢⱼ|: nearly the inverse where A has one, so that an iteration
/// solves a consistent system in a few steps.
fn regularised(a: &Csr<f64>) -> Option<Factors> {
    let shift = |i: usize| SHIFT * a.row(i).fold(0.0f64, |m, (_, v)| m.max(v.abs()));
    let shifts: Vec<f64> = (0..a.rows()).map(shift).map(|s| if s > 0.0 { s } else { 1.0 }).collect();
    let shifted = a.add(1.0, &Csr::diagonal_matrix(&shifts), 1.0).ok()?;
    Ordering::new(shifted.pattern()).ok()?.factor(shifted.pattern(), shifted.values()).ok()?.map(|(lu, _)| lu)
}

/// Refuses factors that would exceed a limit of time or memory.
fn check_limits(a: &Csr<f64>) -> Result<()> {
    if !limits::are_set() || a.rows() <= PSEUDO_INVERSE_ROWS {
        return limits::check();
    }
    let fill = predicted_nonzeros(a.pattern()).unwrap_or(f64::INFINITY);
    limits::room_for(BYTES * fill, "sparse factors")?;
    limits::time_for(predicted_seconds(fill, a.rows()), "the sparse factorisation")
}

fn singular(n: usize) -> Error {
    Error::singular(format!(
        "the matrix of the direct solver ({n} rows) is singular to working precision (up to {PSEUDO_INVERSE_ROWS} rows it would be solved in the least-squares sense)"
    ))
}

/// A dense inverse, given by rows, and its transpose.
fn dense<T: Scalar>(inverse: &[f64], n: usize) -> Result<Inverse<T>> {
    let transposed = (0..n * n).map(|q| T::from_f64(inverse[q % n * n + q / n])).collect();
    let inverse: Vec<T> = inverse.iter().map(|&v| T::from_f64(v)).collect();
    if inverse.iter().any(|v| !v.finite()) {
        let what = "the inverse of the coarsest level overflows";
        return Err(Error::invalid_input(format!("{what} {}; scale the matrix", T::NAME)));
    }
    Ok(Inverse::Dense(inverse, transposed))
}

/// x ← A b for a row-major square A.
fn product<T: Scalar>(a: &[T], b: &[T], x: &mut [T], k: usize) {
    use super::columns::{by_columns, dot, vectorised};
    let n = b.len() / k.max(1);
    if n == 0 {
        return;
    }
    vectorised(
        #[inline(always)]
        || {
            by_columns!(k, |K, k, c| {
                for (row, out) in a.chunks_exact(n).zip(x.chunks_exact_mut(k)) {
                    let entries = row.iter().enumerate().map(|(j, &v)| (j as u32, v));
                    out[c..c + K].copy_from_slice(&dot::<T, K>(entries, b, k, c));
                }
            });
        },
    );
}
