//! Near-nullspace candidates by adaptive relaxation.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::Coarsening;
use super::candidates::relax_candidates;
use crate::backend::{Cpu, Direct, Direction};
use crate::error::{Error, Result};
use crate::setup::grids::Grids;
use crate::setup::vector::{norm, scale, unrolled_dot};
use crate::sparse::{Csr, DenseMatrix};

/// Cycles applied to a new candidate.
const CYCLES: usize = 4;

/// [`Coarsening::adaptive_candidates`] with the default coarsening.
///
/// As for that method.
pub fn adaptive_candidates(a: &Csr<f64>, count: usize, sweeps: usize, seed: u64) -> Result<DenseMatrix> {
    Coarsening::default().adaptive_candidates(a, count, sweeps, seed)
}

impl Coarsening {
    /// Candidates for a matrix whose near-nullspace is not known, n × k with k ≤ `count`, by
    /// adaptive smoothed aggregation (Brezina et al. 2005).
    ///
    /// The first candidate is a random vector after `sweeps` symmetric Gauss–Seidel sweeps on A x = 0. Levels
    /// are built for it one after the other, with as many sweeps on each, and the vector on the coarsest is
    /// interpolated back up the levels (the initial stage of αSA). Every other candidate starts at random and
    /// goes through the sweeps and then four V(1,1)-cycles on A x = 0 of the hierarchy for those before: the
    /// error that this hierarchy cannot reduce is the next candidate (the general stage, on the finest level
    /// only). Columns have the root mean square one; later ones are orthogonal to earlier ones. There are
    /// fewer than `count` if the cycles reduce a vector to zero.
    ///
    /// The same seed gives the same candidates. Sequential in the sweeps; cost: `count`
    /// hierarchies, 2 `sweeps` passes over the matrix for each and four cycles.
    ///
    /// # Errors
    /// As [`coarsen`](Self::coarsen); a count of zero.
    pub fn adaptive_candidates(
        &self,
        a: &Csr<f64>,
        count: usize,
        sweeps: usize,
        seed: u64,
    ) -> Result<DenseMatrix> {
        if count == 0 {
            return Err(Error::invalid_input("no candidates asked for; a hierarchy needs one or more"));
        }
        // The sweeps are done here, with the given count. Weak entries are kept: lumping them by a candidate
        // that is still rough would do harm.
        let plain = Coarsening { candidate_sweeps: Some(0), filter: false, ..self.clone() };
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut random = || DenseMatrix::from_fn(a.rows(), 1, |_, _| rng.random_range(-1.0..1.0));
        let mut first = plain.initial(a, random(), sweeps)?.into_values();
        if !normalise(&mut first) {
            return Err(Error::singular("relaxation reduced the first candidate to zero; use fewer sweeps"));
        }
        let mut columns = vec![first];
        let beside =
            |columns: &[Vec<f64>]| DenseMatrix::from_fn(a.rows(), columns.len(), |i, c| columns[c][i]);
        while columns.len() < count {
            let cycle = Cycle::new(plain.coarsen(a, Some(&beside(&columns)))?)?;
            let mut x = relax_candidates(a, &random(), sweeps)?.into_values();
            let zero = vec![0.0; x.len()];
            (0..CYCLES).for_each(|_| cycle.run(0, &zero, &mut x));
            for _ in 0..2 {
                for known in &columns {
                    let h = unrolled_dot(&x, known) / unrolled_dot(known, known);
                    x.iter_mut().zip(known).for_each(|(x, v)| *x += -h * v);
                }
            }
            if !normalise(&mut x) {
                break;
            }
            columns.push(x);
        }
        Ok(beside(&columns))
    }

    /// The initial stage for one candidate.
    fn initial(&self, a: &Csr<f64>, random: DenseMatrix, sweeps: usize) -> Result<DenseMatrix> {
        let start = relax_candidates(a, &random, sweeps)?;
        let mut level = self.finest(a, Some(&start))?;
        let mut transfers = Vec::new();
        while let Some((transfer, next)) = self.next(&mut level, transfers.len() + 1)? {
            transfers.push(transfer);
            level = next;
            level.right = relax_candidates(&level.a, &level.right, sweeps)?;
        }
        let mut candidate = level.right;
        for t in transfers.iter().rev() {
            let mut fine = DenseMatrix::zeros(t.a.rows(), 1);
            Cpu.spmv(1.0, (&t.prolongation).into(), candidate.values(), 0.0, fine.values_mut(), 1);
            candidate = relax_candidates(&t.a, &fine, sweeps)?;
        }
        Ok(candidate)
    }
}

/// Scales a column to the root mean square one, unless it vanishes.
fn normalise(values: &mut [f64]) -> bool {
    let rows = values.len() as f64;
    let length = norm(values);
    let sound = length.is_normal();
    if sound {
        scale(values, rows.sqrt() / length);
    }
    sound && values.iter().all(|v| v.is_finite())
}

/// A V(1,1)-cycle with Gauss–Seidel: forward before the coarse correction, backward after it.
struct Cycle {
    grids: Grids,
    coarsest: Direct<f64>,
}

impl Cycle {
    fn new(grids: Grids) -> Result<Self> {
        let coarsest = Direct::new(&grids.coarsest)?;
        Ok(Self { grids, coarsest })
    }

    fn run(&self, level: usize, b: &[f64], x: &mut [f64]) {
        let Some(t) = self.grids.transfers.get(level) else {
            return self.coarsest.solve(b, x, 1);
        };
        Cpu.gauss_seidel((&t.a).into(), b, x, Direction::Forward, 1);
        let mut residual = vec![0.0; b.len()];
        Cpu.residual((&t.a).into(), b, x, &mut residual, 1);
        let mut coarse = vec![0.0; t.restriction.rows()];
        Cpu.spmv(1.0, (&t.restriction).into(), &residual, 0.0, &mut coarse, 1);
        let mut correction = vec![0.0; coarse.len()];
        self.run(level + 1, &coarse, &mut correction);
        Cpu.spmv(1.0, (&t.prolongation).into(), &correction, 1.0, x, 1);
        Cpu.gauss_seidel((&t.a).into(), b, x, Direction::Backward, 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_candidate_is_nearly_in_the_nullspace() {
        // A badly scaled Laplacian: constants are far from its nullspace.
        let n = 24;
        let s = |i: usize| 1.0 + ((i * 7) % 5) as f64;
        let a = crate::gallery::poisson_2d(n, n).unwrap().matrix.map(|i, j, v| v * s(i) * s(j));
        let quotient = |b: &DenseMatrix| {
            let x: Vec<f64> = b.column(0).collect();
            let mut ax = vec![0.0; x.len()];
            a.spmv(&x, &mut ax).unwrap();
            unrolled_dot(&x, &ax) / unrolled_dot(&x, &x)
        };
        let b = adaptive_candidates(&a, 3, 5, 11).unwrap();
        assert_eq!(b, adaptive_candidates(&a, 3, 5, 11).unwrap());
        assert_ne!(b, adaptive_candidates(&a, 3, 5, 12).unwrap());
        assert_eq!(b.shape(), (n * n, 3));
        assert!(quotient(&b) < 0.05 * quotient(&DenseMatrix::ones(n * n, 1)), "{}", quotient(&b));
        for p in 0..3 {
            let product = |q: usize| b.column(p).zip(b.column(q)).map(|(x, y)| x * y).sum::<f64>();
            assert!((product(p) / (n * n) as f64 - 1.0).abs() < 1e-12);
            assert!((0..p).all(|q| product(q).abs() < 1e-10 * product(p)));
        }
        assert!(adaptive_candidates(&a, 0, 5, 1).unwrap_err().is_invalid_input());
    }
}
