//! Orders of the rows in a parallel Gauss–Seidel sweep: blocks and colours.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Direction, View};
use crate::error::{Error, Result};
use crate::sparse::Pattern;

/// The fewest rows of a block in [`Order::blocks_for`].
const BLOCK_ROWS: usize = 4096;

/// The most blocks in [`Order::blocks_for`].
const BLOCKS: usize = 64;

/// The new values that a row of a sweep uses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Order {
    /// Blocks of consecutive rows: new values within a block, old ones of other blocks.
    Blocks {
        /// Rows of every block but the last.
        rows: u32,
    },
    /// One colour after another; rows of one colour do not depend on each other.
    Colours(Arc<Colouring>),
}

impl Order {
    /// Blocks for `n` rows: 64 of them, or fewer with 4096 rows each. It does not depend on the
    /// number of threads, and neither does the sweep.
    pub fn blocks_for(n: usize) -> Self {
        Order::Blocks { rows: n.div_ceil(BLOCKS).max(BLOCK_ROWS) as u32 }
    }

    /// The colours of [`Colouring::greedy`].
    pub fn colours_of(pattern: &Pattern) -> Self {
        Order::Colours(Arc::new(Colouring::greedy(pattern)))
    }

    /// Checks that the order fits a square matrix.
    ///
    /// Blocks without rows; colours that omit a row, repeat one, or couple two rows of one colour (they are
    /// named).
    pub fn validate(&self, pattern: &Pattern) -> Result<()> {
        match self {
            Order::Blocks { rows: 0 } => Err(Error::invalid_input("a block of a sweep has no rows")),
            Order::Blocks { .. } => Ok(()),
            Order::Colours(colouring) => colouring.validate(pattern),
        }
    }
}

/// An [`Order`] and its direction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderedSweep {
    /// The order.
    pub order: Order,
    /// Rows ascending within a block, or colours ascending; or both descending.
    pub direction: Direction,
}

impl OrderedSweep {
    /// The same order in the other direction.
    #[must_use]
    pub fn reversed(&self) -> Self {
        Self { order: self.order.clone(), direction: self.direction.reversed() }
    }

    /// Whether row i reads the new value of column j, as a function of (i, j), for n rows.
    pub fn reads_new(&self, n: usize) -> impl Fn(usize, usize) -> bool + use<> {
        let forward = self.direction == Direction::Forward;
        let (rows, colours) = match &self.order {
            Order::Blocks { rows } => ((*rows).max(1) as usize, None),
            Order::Colours(colouring) => (1, Some(colouring.of_rows(n))),
        };
        move |i, j| match &colours {
            None => i / rows == j / rows && i != j && (j < i) == forward,
            Some(c) => c[i] != c[j] && (c[j] < c[i]) == forward,
        }
    }
}

/// A relaxation with its operands, as a kernel takes it.
#[derive(Debug, Clone, Copy)]
pub struct OrderedView<'a, T> {
    /// A, square.
    pub a: View<'a, T>,
    /// The factor of every row's residual, usually 1/a(i,i).
    pub inverse: &'a [T],
    /// The order of the rows.
    pub sweep: &'a OrderedSweep,
}

/// Rows by colours: no two rows of a colour are coupled, in either direction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Colouring {
    ptr: Vec<u32>,
    rows: Vec<u32>,
}

impl Colouring {
    /// Every row in turn takes the first colour not taken by a neighbour in the graph of A + Aᵀ: at most one
    /// colour more than the largest number of neighbours; two for the 5-point stencil. Cost: one pass over
    /// the pattern and its transposition, sequential.
    pub fn greedy(pattern: &Pattern) -> Self {
        const NONE: u32 = u32::MAX;
        let n = pattern.rows();
        let t = pattern.transposition();
        let mut colour = vec![NONE; n];
        // The last row that saw a neighbour of this colour.
        let mut seen: Vec<u32> = Vec::new();
        for i in 0..n {
            let column = &t.row_idx[t.ptr[i] as usize..t.ptr[i + 1] as usize];
            for &j in pattern.row_cols(i).iter().chain(column) {
                if (j as usize) < i {
                    seen[colour[j as usize] as usize] = i as u32;
                }
            }
            let free = seen.iter().position(|&last| last != i as u32).unwrap_or(seen.len());
            if free == seen.len() {
                seen.push(NONE);
            }
            colour[i] = free as u32;
        }
        let mut ptr = vec![0u32; seen.len() + 1];
        for &c in &colour {
            ptr[c as usize + 1] += 1;
        }
        for c in 0..seen.len() {
            ptr[c + 1] += ptr[c];
        }
        let (mut next, mut rows) = (ptr.clone(), vec![0u32; n]);
        for (i, &c) in colour.iter().enumerate() {
            rows[next[c as usize] as usize] = i as u32;
            next[c as usize] += 1;
        }
        Self { ptr, rows }
    }

    /// Number of colours.
    pub fn count(&self) -> usize {
        self.ptr.len().saturating_sub(1)
    }

    /// The rows of colour `c`, ascending.
    pub fn colour(&self, c: usize) -> &[u32] {
        &self.rows[self.ptr[c] as usize..self.ptr[c + 1] as usize]
    }

    /// The colour of each of `n` rows.
    fn of_rows(&self, n: usize) -> Vec<u32> {
        let mut colours = vec![u32::MAX; n];
        for c in 0..self.count() {
            for &i in self.colour(c) {
                colours[i as usize] = c as u32;
            }
        }
        colours
    }

    fn validate(&self, pattern: &Pattern) -> Result<()> {
        let n = pattern.rows();
        let wrong = || Error::invalid_input(format!("a colouring does not list each of {n} rows once"));
        let sound = self.ptr.first() == Some(&0)
            && self.ptr.last() == Some(&(n as u32))
            && self.ptr.is_sorted()
            && self.rows.len() == n
            && self.rows.iter().all(|&i| (i as usize) < n)
            && (0..self.count()).all(|c| self.colour(c).is_sorted());
        if !sound {
            return Err(wrong());
        }
        let colours = self.of_rows(n);
        if colours.contains(&u32::MAX) {
            return Err(wrong());
        }
        for i in 0..n {
            for &j in pattern.row_cols(i) {
                if j as usize != i && colours[j as usize] == colours[i] {
                    return Err(Error::invalid_input(format!(
                        "rows {} and {} are coupled and have the same colour; colour the matrix again",
                        i + 1,
                        j + 1
                    )));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gallery::poisson_2d;
    use crate::sparse::Csr;

    #[test]
    fn a_grid_is_red_and_black() {
        let a = poisson_2d(5, 5).unwrap().matrix;
        let colouring = Colouring::greedy(a.pattern());
        assert_eq!(colouring.count(), 2);
        assert!(colouring.colour(0).iter().copied().eq((0..25).step_by(2)));
        colouring.validate(a.pattern()).unwrap();
    }

    #[test]
    fn one_sided_couplings_count() {
        // Row 2 reads row 1 and row 3 reads row 2, but not the other way round.
        let a = Csr::from_triplets(3, 3, &[(0, 0, 1.0), (1, 0, 1.0), (1, 1, 1.0), (2, 1, 1.0), (2, 2, 1.0)]);
        let a = a.unwrap();
        for a in [a.transpose(), a] {
            let colouring = Colouring::greedy(a.pattern());
            assert_eq!((colouring.colour(0), colouring.colour(1)), (&[0, 2][..], &[1][..]));
        }
    }

    #[test]
    fn wrong_colourings_are_refused() {
        let a = poisson_2d(2, 1).unwrap().matrix;
        for (ptr, rows) in [
            (vec![0, 2], vec![0, 1]),
            (vec![0, 1, 2], vec![0, 0]),
            (vec![0, 1, 2], vec![0, 7]),
            (vec![0, 1], vec![0]),
            (vec![0, 2, 1, 2], vec![0, 1]),
            (vec![], vec![]),
        ] {
            assert!(Colouring { ptr, rows }.validate(a.pattern()).unwrap_err().is_invalid_input());
        }
        assert!(Order::Blocks { rows: 0 }.validate(a.pattern()).is_err());
    }
}
