//! Incomplete factors as a matrix whose ILU(0) they are.

use crate::error::Result;
use crate::setup::relaxation::ilu0;
use crate::sparse::Csr;

use super::layout::Rows;

/// The matrix B on the pattern of the factors whose ILU(0) is (L, U/ω), so that PETSc's `PCILU` on B applies
/// ω U⁻¹ L⁻¹: B = L U/ω on the pattern, because ILU(0) is the only pair of factors with that product there.
///
/// On several ranks B has one diagonal block per rank. Its factors are those that ILU(0) finds in the rows of the rank
/// alone, changed as the given factors differ from ILU(0) of the whole matrix: times the ratio of both, entry by
/// entry (their difference is added where ILU(0) is zero). Scalars on the factors, such as 1 − τ, are therefore the same
/// on every rank.
///
/// Cost: two incomplete factorisations on several ranks, and one product on the pattern.
///
/// # Errors
/// Those of ILU(0), on several ranks.
pub(super) fn product(
    factors: &Csr<f64>,
    unit_lower: bool,
    damping: f64,
    a: &Csr<f64>,
    rows: &Rows,
) -> Result<Csr<f64>> {
    let own = with_unit_lower(factors, unit_lower);
    let local =
        if rows.counts.iter().filter(|&&n| n > 0).count() > 1 { on_ranks(&own, a, rows)? } else { own };
    Ok(multiply(&local).map(|_, _, v| v / damping))
}

/// The same product L U with a unit diagonal of L.
fn with_unit_lower(factors: &Csr<f64>, unit_lower: bool) -> Csr<f64> {
    if unit_lower {
        return factors.clone();
    }
    let d = factors.diagonal();
    factors.map(|i, j, v| match j.cmp(&i) {
        std::cmp::Ordering::Less => v / d[j],
        std::cmp::Ordering::Equal => v,
        std::cmp::Ordering::Greater => d[i] * v,
    })
}

/// Factors of every rank's own rows.
fn on_ranks(factors: &Csr<f64>, a: &Csr<f64>, rows: &Rows) -> Result<Csr<f64>> {
    let on_pattern = factors.map(|i, j, _| a.get(i, j));
    let whole = ilu0(&on_pattern)?;
    let same_rank = |i: usize, j: usize| rows.rank[i] == rows.rank[j];
    let parts = ilu0(&on_pattern.filter(|i, j, _| same_rank(i, j)))?;
    Ok(parts.map(|i, j, v| {
        let (learned, classical) = (factors.get(i, j), whole.get(i, j));
        if classical == 0.0 { v + learned } else { v * (learned / classical) }
    }))
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
            let rows = Rows::equal(a.rows(), 1);
            let b = product(&factors, true, 0.8, &a, &rows).unwrap();
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
            assert!(distance(&product(&other, false, 0.8, &a, &rows).unwrap(), &b) < 1e-13);
        }
    }

    #[test]
    fn ranks_have_their_own_factors_with_the_same_scalars() {
        let a = recirculating_flow(10, 0.01, FlowScheme::Upwind).unwrap().matrix;
        let rows = Rows::of_ranks((0..100).map(|i| u32::from(i % 10 > 4)).collect(), 2);
        let factors = weaken_factors(ilu0(&a).unwrap(), 0.1).unwrap();
        let b = product(&factors, true, 1.0, &a, &rows).unwrap();
        let block = a.filter(|i, j, _| rows.rank[i] == rows.rank[j]);
        let expected = weaken_factors(ilu0(&block).unwrap(), 0.1).unwrap();
        assert!(distance(&ilu0(&b).unwrap(), &expected) < 1e-13);
    }
}
