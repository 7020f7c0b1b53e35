//! Local approximate ideal restriction (ℓAIR), for nonsymmetric problems.

use super::interpolation::Input;
use super::local_solve::LocalSystem;
use super::splitting::Splitting;
use crate::error::{Error, Result};
use crate::sparse::assemble::assemble;
use crate::sparse::{Csr, Pattern};

const NONE: u32 = u32::MAX;

/// Local approximate ideal restriction of Manteuffel, Ruge and Southworth (2018) and
/// Manteuffel, Münzenmaier, Ruge and Southworth (2019).
///
/// The row of a coarse point c is 1 at c and has weights r on fine points N near it such that
/// R A is zero there: Σ_{k∈N} r_k a_kj = −a_cj for all j in N. N is the set of fine points that
/// strongly influence c (`distance` 1), with the fine points that strongly influence these
/// (`distance` 2). Equal to PyAMG's `local_air` with the same strength.
///
/// The small dense systems are solved by Gaussian elimination with scaled partial pivoting, and singular ones
/// by shifted least squares; weights are always finite. Exact zeros are not stored.
///
/// n_c × n, rows in the order of the coarse numbers; cost of a row: the rows of N, and |N|³/3.
/// Parallel over rows, with the same bits on any number of threads.
///
/// # Errors
/// A `distance` other than 1 or 2, shapes that do not fit, a zero on the diagonal, a value that
/// is not finite, a strong connection that A does not have; the row is named.
///
/// ```
/// use multigrad::setup::classical::{Splitting, air_restriction};
/// use multigrad::sparse::{Csr, Pattern};
/// // Transport from left to right: each point depends on the one before.
/// let a = Csr::from_triplets(3, 3, &[
///     (0, 0, 1.0), (1, 0, -1.0), (1, 1, 1.0), (2, 1, -1.0), (2, 2, 1.0),
/// ])?;
/// let strong = Pattern::new(3, 3, vec![0, 0, 1, 2], vec![0, 1])?;
/// let r = air_restriction(&a, &strong, &Splitting::new(&[true, false, true]), 1)?;
/// assert_eq!((r.get(1, 1), r.get(1, 2)), (1.0, 1.0));
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn air_restriction(
    a: &Csr<f64>,
    strong: &Pattern,
    splitting: &Splitting,
    distance: usize,
) -> Result<Csr<f64>> {
    if !(1..=2).contains(&distance) {
        return Err(Error::invalid_input(format!(
            "approximate ideal restriction at distance {distance}; choose 1 or 2"
        )));
    }
    let input = Input::new(a, strong, splitting)?;
    let coarse: Vec<u32> = (0..a.rows() as u32).filter(|&i| splitting.is_coarse(i as usize)).collect();
    assemble(
        splitting.count(),
        a.rows(),
        || Work { place: vec![NONE; a.rows()], near: Vec::new(), system: LocalSystem::default() },
        |k, work, columns, values| {
            let c = coarse[k] as usize;
            work.gather(&input, c, distance);
            work.set_up(&input, c);
            work.system.solve();
            work.finish(c, columns, values);
        },
    )
}

/// Scratch space of one thread.
struct Work {
    /// The place of every point in `near`.
    place: Vec<u32>,
    /// The neighbourhood, ascending.
    near: Vec<u32>,
    system: LocalSystem,
}

impl Work {
    /// Finds the neighbourhood of the coarse point `c` and assigns places.
    fn gather(&mut self, input: &Input, c: usize, distance: usize) {
        let Self { place, near, .. } = self;
        near.clear();
        let mut add = |j: u32| {
            if !input.splitting.is_coarse(j as usize) && place[j as usize] == NONE {
                place[j as usize] = 0;
                near.push(j);
            }
        };
        for &j in input.strong.row_cols(c) {
            add(j);
            if distance == 2 && !input.splitting.is_coarse(j as usize) {
                input.strong.row_cols(j as usize).iter().for_each(|&k| add(k));
            }
        }
        near.sort_unstable();
        for (slot, &j) in near.iter().enumerate() {
            place[j as usize] = slot as u32;
        }
    }

    /// The equations: row j and column k hold a_kj.
    fn set_up(&mut self, input: &Input, c: usize) {
        let Self { place, near, system } = self;
        let size = near.len();
        system.reset(size);
        for (column, &k) in near.iter().enumerate() {
            for (j, v) in input.a.row(k as usize) {
                let row = place[j];
                if row != NONE {
                    system.matrix[row as usize * size + column] = v;
                }
            }
        }
        for (j, v) in input.a.row(c) {
            if place[j] != NONE {
                system.rhs[place[j] as usize] = -v;
            }
        }
    }

    /// Appends the row and clears all places.
    fn finish(&mut self, c: usize, columns: &mut Vec<u32>, values: &mut Vec<f64>) {
        let before = self.near.partition_point(|&j| (j as usize) < c);
        let weights = self.near.iter().copied().zip(self.system.solution.iter().copied());
        let own = std::iter::once((c as u32, 1.0));
        for (j, v) in weights.clone().take(before).chain(own).chain(weights.skip(before)) {
            if v != 0.0 {
                columns.push(j);
                values.push(v);
            }
        }
        self.near.iter().for_each(|&j| self.place[j as usize] = NONE);
    }
}
