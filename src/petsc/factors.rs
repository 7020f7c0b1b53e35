//! Incomplete factors as a matrix whose ILU(0) they are.

use crate::error::Result;
use crate::schwarz::Decomposition;
use crate::setup::relaxation::ilu0;
use crate::sparse::Csr;

use super::layout::Rows;
use super::subdomains::Gathered;

/// Incomplete factors of a level.
#[derive(Debug, Clone, Copy)]
pub(super) struct Factors<'f> {
    /// L and U in one matrix.
    pub factors: &'f Csr<f64>,
    /// Whether the unit diagonal belongs to L.
    pub unit_lower: bool,
    /// ω.
    pub damping: f64,
    /// The matrix of the level.
    pub a: &'f Csr<f64>,
}

impl Factors<'_> {
    /// The matrix B on the pattern of the factors whose ILU(0) is (L, U/ω), so that PETSc's `PCILU` on B applies
    /// ω U⁻¹ L⁻¹: B = L U/ω on the pattern, because ILU(0) is the only pair of factors with that product there.
    ///
    /// Cost: one product on the pattern.
    pub fn product(&self) -> Csr<f64> {
        multiply(&self.with_unit_lower()).map(|_, _, v| v / self.damping)
    }

    /// A method with one block per rank: the factors on the rows of the rank and `overlap` rings of neighbours, whose
    /// corrections count on the rank's own rows only (restricted additive Schwarz). With `mirrored` it is the transposed
    /// method for a symmetric matrix: residuals of own rows, corrections with overlap.
    ///
    /// The factors of a block are those that ILU(0) finds there alone, changed as the given factors differ from ILU(0) of
    /// the whole matrix: times the ratio of both, entry by entry (their difference is added where ILU(0) is zero). Scalars
    /// on the factors, such as 1 − τ, are therefore the same on every rank.
    ///
    /// Cost: incomplete factorisations of the matrix and of all blocks.
    ///
    /// # Errors
    /// Those of ILU(0).
    pub fn on_ranks(&self, rows: &Rows, overlap: usize, mirrored: bool) -> Result<Gathered> {
        let own = self.with_unit_lower();
        let on_pattern = own.map(|i, j, _| self.a.get(i, j));
        let whole = ilu0(&on_pattern)?;
        // Parts are numbered without gaps; a rank without rows has none.
        let ranks: Vec<u32> = (0..).zip(&rows.counts).filter(|(_, n)| **n > 0).map(|(r, _)| r).collect();
        let part: Vec<u32> =
            rows.rank.iter().map(|r| ranks.binary_search(r).unwrap_or_default() as u32).collect();
        let decomposition = Decomposition::from_parts(own.pattern(), &part, overlap)?;
        let (mut gather, mut scatter, mut local) = (Vec::new(), Vec::new(), Vec::new());
        let mut rank = Vec::with_capacity(decomposition.places());
        for (subdomain, &home) in decomposition.iter().zip(&ranks) {
            let first = rank.len();
            let at = |q: usize| subdomain.rows[q] as usize;
            let block = ilu0(&on_pattern.select(Some(subdomain.rows), Some(subdomain.rows)))?;
            let changed = block.map(|p, q, v| {
                let (learned, classical) = (own.get(at(p), at(q)), whole.get(at(p), at(q)));
                if classical == 0.0 { v + learned } else { v * (learned / classical) }
            });
            let product = multiply(&changed);
            for (q, &owned) in subdomain.owned.iter().enumerate() {
                if owned || !mirrored {
                    gather.push((first + q, at(q), 1.0));
                }
                if owned || mirrored {
                    scatter.push((at(q), first + q, 1.0));
                }
                local.extend(product.row(q).map(|(j, v)| (first + q, first + j, v / self.damping)));
                rank.push(home);
            }
        }
        let (n, places) = (own.rows(), rank.len());
        Ok(Gathered {
            gather: Csr::from_triplets(places, n, &gather)?,
            local: Csr::from_triplets(places, places, &local)?,
            scatter: Csr::from_triplets(n, places, &scatter)?,
            places: Rows::of_ranks(rank, rows.counts.len()),
        })
    }

    /// The same product L U with a unit diagonal of L.
    fn with_unit_lower(&self) -> Csr<f64> {
        if self.unit_lower {
            return self.factors.clone();
        }
        let d = self.factors.diagonal();
        self.factors.map(|i, j, v| match j.cmp(&i) {
            std::cmp::Ordering::Less => v / d[j],
            std::cmp::Ordering::Equal => v,
            std::cmp::Ordering::Greater => d[i] * v,
        })
    }
}

/// L U on the pattern, L with a unit diagonal.
pub(super) fn multiply(factors: &Csr<f64>) -> Csr<f64> {
    let pattern = factors.pattern();
    let mut values = vec![0.0; factors.nnz()];
    let mut place = vec![usize::MAX; factors.cols()];
    for i in 0..factors.rows() {
        let own = pattern.row(i);
        own.clone().for_each(|p| place[pattern.col_idx()[p] as usize] = p);
        for p in own.clone() {
            let k = pattern.col_idx()[p] as usize;
            let v = factors.values()[p];
            if k >= i {
                values[p] += v;
                continue;
            }
            for (j, u) in factors.row(k).filter(|&(j, _)| j >= k) {
                if place[j] != usize::MAX {
                    values[place[j]] += v * u;
                }
            }
        }
        own.for_each(|p| place[pattern.col_idx()[p] as usize] = usize::MAX);
    }
    factors.map({
        let mut next = values.into_iter();
        move |_, _, _| next.next().unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gallery::{FlowScheme, recirculating_flow};
    use crate::setup::relaxation::{iluk, weaken_factors};

    fn distance(a: &Csr<f64>, b: &Csr<f64>) -> f64 {
        assert_eq!(a.pattern(), b.pattern());
        a.values().iter().zip(b.values()).fold(0.0, |m, (v, w)| m.max((v - w).abs()))
    }

    #[test]
    fn ilu0_of_the_product_gives_the_factors() {
        let a = recirculating_flow(12, 0.01, FlowScheme::Upwind).unwrap().matrix;
        for factors in [iluk(&a, 0).unwrap(), weaken_factors(iluk(&a, 1).unwrap(), 0.1).unwrap()] {
            let factors = &factors;
            let b = Factors { factors, unit_lower: true, damping: 0.8, a: &a }.product();
            let scaled = factors.map(|i, j, v| if j < i { v } else { v / 0.8 });
            assert!(distance(&ilu0(&b).unwrap(), &scaled) < 1e-13);
            // The unit diagonal on the other side.
            let d = factors.diagonal();
            let other = factors.map(|i, j, v| {
                if j < i {
                    v * d[j]
                } else if i == j {
                    v
                } else {
                    v / d[i]
                }
            });
            let other = Factors { factors: &other, unit_lower: false, damping: 0.8, a: &a };
            assert!(distance(&other.product(), &b) < 1e-13);
        }
    }

    #[test]
    fn ranks_have_their_own_factors_with_the_same_scalars() {
        let a = recirculating_flow(10, 0.01, FlowScheme::Upwind).unwrap().matrix;
        // The second of three ranks has no rows.
        let rows = Rows::of_ranks((0..100).map(|i| if i % 10 > 4 { 2 } else { 0 }).collect(), 3);
        let factors = &weaken_factors(ilu0(&a).unwrap(), 0.1).unwrap();
        let weak = Factors { factors, unit_lower: true, damping: 1.0, a: &a };
        for overlap in [0, 2] {
            let found = weak.on_ranks(&rows, overlap, false).unwrap();
            assert_eq!(found.places.counts, [50 + 10 * overlap as u32, 0, 50 + 10 * overlap as u32]);
            let columns: Vec<u32> = (0..100).filter(|i| i % 10 < 5 + overlap as u32).collect();
            let block = a.select(Some(&columns), Some(&columns));
            let expected = weaken_factors(ilu0(&block).unwrap(), 0.1).unwrap();
            let first: Vec<u32> = (0..columns.len() as u32).collect();
            let local = found.local.select(Some(&first), Some(&first));
            assert!(distance(&ilu0(&local).unwrap(), &expected) < 1e-13);
            assert_eq!(found.scatter.nnz(), 100);
            let mirrored = weak.on_ranks(&rows, overlap, true).unwrap();
            assert_eq!(mirrored.gather, found.scatter.transpose());
            assert_eq!(mirrored.scatter, found.gather.transpose());
        }
    }
}
