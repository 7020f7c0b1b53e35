//! Properties of a matrix that one or two passes determine.

use std::fmt;

use serde::Serialize;

use crate::parallel;
use crate::setup::{detect_block_size, is_long};
use crate::sparse::Csr;

/// Rows handled by one task.
const CHUNK: usize = 4096;
/// Differences below this fraction of the absolute row sum count as rounding.
const ROUNDING: f64 = 1e-10;
/// Share of the entries from which their sum has a sign that is not rounding.
const OPPOSITE: f64 = 1e-8;
/// Asymmetry below which a matrix counts as symmetric: entries often carry a relative error of 10⁻¹⁰.
const SYMMETRIC: f64 = 1e-9;
/// Ratio of diagonal entries above which symmetry is judged on the matrix scaled by its diagonal.
const SPREAD: f64 = 1e4;

/// Properties of a matrix that determine the choice of setup, smoother and Krylov method.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MatrixProperties {
    /// Order n of the n × n matrix.
    pub rows: usize,
    /// Number of stored entries.
    pub nonzeros: usize,
    /// ‖A − Aᵀ‖_F / ‖A‖_F, up to a factor (see [`Csr::asymmetry`]), for D^{-½} A D^{-½} with D = |diag A| if the
    /// diagonal varies by more than 10⁴: large rows must not hide the asymmetry of small ones.
    pub asymmetry: f64,
    /// Whether entry (j, i) is stored for every stored (i, j).
    pub symmetric_pattern: bool,
    /// Unknowns per node, 1 for a scalar problem (see [`detect_block_size`]).
    pub block_size: usize,
    /// Rows whose diagonal entry is zero or missing.
    pub zero_diagonals: usize,
    /// Rows with a negative diagonal.
    pub negative_diagonals: usize,
    /// Share of the absolute off-diagonal sum with the sign of the diagonal: 0 for an M-matrix.
    #[serde(rename = "wrong_sign_share")]
    pub wrong_sign: f64,
    /// Rows whose diagonal is at least the absolute sum of the other entries.
    #[serde(rename = "diagonally_dominant_rows")]
    pub dominant_rows: usize,
    /// The largest sum of absolute off-diagonal entries of a row, relative to its diagonal.
    pub weakest_dominance: f64,
    /// Rows whose entries sum to zero.
    pub zero_sum_rows: usize,
    /// 1ᵀ A 1 relative to the sum of the absolute values of all entries, over rows with neighbours: negative only if A is not
    /// positive definite.
    pub constant_quotient: f64,
    /// Rows with only a diagonal entry, such as eliminated Dirichlet values.
    pub isolated_rows: usize,
    /// Number of entries of the longest row.
    pub longest_row: usize,
}

/// Counters of one task.
#[derive(Default, Clone, Copy)]
struct Counts {
    zero: usize,
    negative: usize,
    dominant: usize,
    zero_sum: usize,
    isolated: usize,
    longest: usize,
    wrong: f64,
    off: f64,
    weakest: f64,
    sum: f64,
    size: f64,
}

impl Counts {
    fn row(&mut self, i: usize, row: impl Iterator<Item = (usize, f64)>) {
        // Sums of the absolute values of the off-diagonal entries, by sign.
        let (mut diagonal, mut above, mut below, mut length) = (0.0, 0.0, 0.0, 0usize);
        for (j, v) in row {
            length += 1;
            if j == i {
                diagonal = v;
            } else {
                above += v.max(0.0);
                below += (-v).max(0.0);
            }
        }
        let (off, sum) = (above + below, diagonal + (above - below));
        let wrong = if diagonal > 0.0 { above } else { below };
        let size = off + diagonal.abs();
        if off > 0.0 {
            self.sum += sum;
            self.size += size;
        }
        self.zero += usize::from(diagonal == 0.0);
        self.negative += usize::from(diagonal < 0.0);
        self.dominant += usize::from(diagonal.abs() >= off * (1.0 - ROUNDING));
        self.zero_sum += usize::from(sum.abs() <= ROUNDING * size);
        self.isolated += usize::from(off == 0.0);
        let ratio = if off == 0.0 && diagonal != 0.0 { 0.0 } else { off / diagonal.abs() };
        self.weakest = self.weakest.max(if ratio.is_nan() { f64::INFINITY } else { ratio });
        self.longest = self.longest.max(length);
        // Normalised by row, so that rows of different scales have equal weight.
        if size > 0.0 {
            self.wrong += if diagonal == 0.0 { 0.0 } else { wrong / size };
            self.off += off / size;
        }
    }

    fn add(mut self, other: Self) -> Self {
        self.zero += other.zero;
        self.negative += other.negative;
        self.weakest = self.weakest.max(other.weakest);
        self.dominant += other.dominant;
        self.zero_sum += other.zero_sum;
        self.isolated += other.isolated;
        self.longest = self.longest.max(other.longest);
        self.wrong += other.wrong;
        self.off += other.off;
        self.sum += other.sum;
        self.size += other.size;
        self
    }
}

impl MatrixProperties {
    /// Computes the properties of a square matrix. Cost: about three products with a vector.
    pub fn of(a: &Csr<f64>) -> Self {
        let n = a.rows();
        let parts: Vec<Counts> = parallel::map(0..n.div_ceil(CHUNK), &|chunk| {
            let mut counts = Counts::default();
            for i in chunk * CHUNK..n.min((chunk + 1) * CHUNK) {
                counts.row(i, a.row(i));
            }
            counts
        });
        let counts = parts.into_iter().fold(Counts::default(), Counts::add);
        let (asymmetry, symmetric_pattern) = scaled_symmetry(a);
        Self {
            rows: n,
            nonzeros: a.nnz(),
            asymmetry,
            symmetric_pattern,
            block_size: detect_block_size(a),
            zero_diagonals: counts.zero,
            negative_diagonals: counts.negative,
            wrong_sign: if counts.off > 0.0 { counts.wrong / counts.off } else { 0.0 },
            dominant_rows: counts.dominant,
            weakest_dominance: counts.weakest,
            zero_sum_rows: counts.zero_sum,
            constant_quotient: if counts.size > 0.0 { counts.sum / counts.size } else { 0.0 },
            isolated_rows: counts.isolated,
            longest_row: counts.longest,
        }
    }

    /// Whether the matrix is symmetric to rounding.
    pub fn is_symmetric(&self) -> bool {
        self.asymmetry < SYMMETRIC
    }

    /// Mean number of entries per row.
    pub fn mean_row(&self) -> f64 {
        self.nonzeros as f64 / self.rows.max(1) as f64
    }

    /// Whether some rows are far longer than the others, as for a graph with hubs.
    pub fn has_hubs(&self) -> bool {
        self.is_hub(self.longest_row)
    }

    /// Whether a row of this length is that of a hub.
    pub(super) fn is_hub(&self, length: usize) -> bool {
        is_long(length, self.mean_row())
    }

    /// Whether all rows sum to zero, so that constants are in the nullspace.
    pub fn is_singular_laplacian(&self) -> bool {
        self.rows > 0 && self.zero_sum_rows == self.rows
    }

    /// Whether the diagonal has zeros or both signs, so that the matrix is not definite.
    pub fn is_indefinite(&self) -> bool {
        self.zero_diagonals > 0 || (self.negative_diagonals > 0 && self.negative_diagonals < self.rows)
    }

    /// Whether 1ᵀ A 1 has the sign opposite to the diagonal, so that a symmetric matrix is not definite: a Helmholtz problem,
    /// for example.
    pub fn has_negative_curvature(&self) -> bool {
        let sign = if self.negative_diagonals == 0 { 1.0 } else { -1.0 };
        sign * self.constant_quotient < -OPPOSITE
    }
}

/// The asymmetry, of the matrix scaled by its diagonal if that varies much, and whether the pattern is symmetric.
fn scaled_symmetry(a: &Csr<f64>) -> (f64, bool) {
    let diagonal = a.diagonal();
    let sizes = || diagonal.iter().map(|v| v.abs()).filter(|v| *v > 0.0);
    let (least, most) = (sizes().fold(f64::INFINITY, f64::min), sizes().fold(0.0, f64::max));
    if most <= SPREAD * least || a.rows() != a.cols() {
        return a.symmetry();
    }
    let root: Vec<f64> =
        diagonal.iter().map(|v| if *v == 0.0 { 1.0 } else { v.abs().sqrt().recip() }).collect();
    a.map(|i, j, v| root[i] * v * root[j]).symmetry()
}

impl fmt::Display for MatrixProperties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let symmetry = match self.asymmetry {
            0.0 => "symmetric".to_string(),
            a if a < SYMMETRIC => format!("symmetric to rounding ({a:.1e})"),
            a => format!("not symmetric, ‖A − Aᵀ‖/‖A‖ = {a:.2e}"),
        };
        let of = |count: usize| if count == self.rows { "all".to_string() } else { count.to_string() };
        writeln!(
            f,
            "matrix                   {0} × {0}, {1} nonzeros, {2:.1} per row, {3} at most",
            self.rows,
            self.nonzeros,
            self.mean_row(),
            self.longest_row
        )?;
        writeln!(f, "symmetry                 {symmetry}")?;
        writeln!(f, "unknowns per node        {}", self.block_size)?;
        writeln!(
            f,
            "off-diagonal sign        {:.1}% of the weight has the diagonal's",
            100.0 * self.wrong_sign
        )?;
        writeln!(f, "diagonally dominant      {} of {} rows", of(self.dominant_rows), self.rows)?;
        writeln!(f, "rows that sum to zero    {}", of(self.zero_sum_rows))?;
        writeln!(f, "rows without neighbours  {}", of(self.isolated_rows))?;
        write!(
            f,
            "diagonal                 {} zero, {} negative",
            self.zero_diagonals, self.negative_diagonals
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gallery;

    #[test]
    fn poisson_is_seen_as_it_is() {
        let a = gallery::poisson_2d(9, 7).unwrap().matrix;
        let p = MatrixProperties::of(&a);
        assert!(p.is_symmetric() && p.symmetric_pattern && !p.is_indefinite() && !p.has_hubs());
        assert!(
            !p.has_negative_curvature()
                && !MatrixProperties::of(&a.map(|_, _, v| -v)).has_negative_curvature()
        );
        assert!(
            MatrixProperties::of(&a.map(|i, j, v| if i == j { 0.5 * v } else { v })).has_negative_curvature()
        );
        assert_eq!((p.rows, p.block_size, p.longest_row, p.dominant_rows), (63, 1, 5, 63));
        // Interior rows sum to zero.
        assert_eq!((p.zero_sum_rows, p.wrong_sign), (7 * 5, 0.0));
    }

    #[test]
    fn flow_neumann_and_saddle_points_differ() {
        let flow = gallery::recirculating_flow(12, 0.005, gallery::FlowScheme::Supg).unwrap().matrix;
        let p = MatrixProperties::of(&flow);
        assert!(!p.is_symmetric() && p.wrong_sign > 0.0);
        let neumann =
            Csr::from_triplets(2, 2, &[(0, 0, 1.0), (0, 1, -1.0), (1, 0, -1.0), (1, 1, 1.0)]).unwrap();
        assert!(MatrixProperties::of(&neumann).is_singular_laplacian());
        let saddle = Csr::from_triplets(2, 2, &[(0, 0, 1.0), (0, 1, 1.0), (1, 0, 1.0)]).unwrap();
        let p = MatrixProperties::of(&saddle);
        assert!(p.is_indefinite() && p.zero_diagonals == 1);
        let empty = MatrixProperties::of(&Csr::identity(0));
        assert!(!empty.is_singular_laplacian() && empty.mean_row() == 0.0);
    }

    #[test]
    fn a_star_has_a_hub() {
        let n = 400;
        let entries: Vec<_> = (1..n)
            .flat_map(|i| [(0, i, -1.0), (i, 0, -1.0), (i, i, 1.0)])
            .chain([(0, 0, (n - 1) as f64)])
            .collect();
        let p = MatrixProperties::of(&Csr::from_triplets(n, n, &entries).unwrap());
        assert!(p.has_hubs() && p.is_singular_laplacian());
    }
}
