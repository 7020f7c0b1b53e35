//! Stencils on uniform grids: assembly of matrices from grid points.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::sparse::{Csr, DenseMatrix, Pattern};

/// A step from a grid point to a neighbour: −1, 0 or 1 along x, y, z.
pub(super) type Offset = [isize; 3];

/// The four edge neighbours and the point itself, by ascending number.
pub(super) const FIVE_POINT: [Offset; 5] = [[0, -1, 0], [-1, 0, 0], [0, 0, 0], [1, 0, 0], [0, 1, 0]];

/// The six face neighbours in three dimensions and the point itself, by ascending number.
pub(super) const SEVEN_POINT: [Offset; 7] =
    [[0, 0, -1], [0, -1, 0], [-1, 0, 0], [0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]];

/// The 3 × 3 neighbourhood in the plane, by ascending number.
pub(super) const NINE_POINT: [Offset; 9] =
    [[-1, -1, 0], [0, -1, 0], [1, -1, 0], [-1, 0, 0], [0, 0, 0], [1, 0, 0], [-1, 1, 0], [0, 1, 0], [1, 1, 0]];

/// The interior points of a uniform grid, x fastest, with the same spacing in all directions,
/// and the K neighbours that each of them is coupled to.
pub(super) struct Grid<const K: usize> {
    offsets: [Offset; K],
    /// Interior points along x, y, z; 1 along z in the plane.
    points: [usize; 3],
    dimension: usize,
    origin: f64,
    length: f64,
    /// Cells along the longest side.
    cells: usize,
}

impl<const K: usize> Grid<K> {
    /// `points` interior points along each of two or three directions, in a box whose lower
    /// corner has all coordinates `origin` and whose longest side has `length`; rows of the
    /// matrix have entries at `offsets`, by ascending number.
    ///
    /// # Errors
    /// A direction without points; more points or entries than 32-bit indices can count.
    pub(super) fn new(points: &[usize], offsets: [Offset; K], origin: f64, length: f64) -> Result<Self> {
        let shape = points.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ");
        if points.contains(&0) {
            return Err(Error::invalid_input(format!(
                "a grid of {shape} interior points has no unknowns; ask for at least 1 in every direction"
            )));
        }
        let mut all = [1; 3];
        all.iter_mut().zip(points).for_each(|(slot, &n)| *slot = n);
        let cells = all.iter().max().map_or(1, |n| n.saturating_add(1));
        let grid = Self { offsets, points: all, dimension: points.len(), origin, length, cells };
        // Before any allocation. There are never more points than entries.
        if grid.entries().is_none_or(|n| n >= u32::MAX as usize) {
            return Err(Error::dimension(format!(
                "a grid of {shape} interior points exceeds the 32-bit index range ({}); take a coarser grid",
                u32::MAX
            )));
        }
        Ok(grid)
    }

    /// Number of interior points.
    pub(super) fn len(&self) -> usize {
        self.points.iter().product()
    }

    /// Distance of neighbouring points.
    pub(super) fn spacing(&self) -> f64 {
        self.length / self.cells as f64
    }

    /// Coordinate of line `k` of the grid in any direction: line 0 is the lower boundary
    /// and interior point `i` lies on line `i + 1`.
    pub(super) fn line(&self, k: usize) -> f64 {
        self.origin + self.length * k as f64 / self.cells as f64
    }

    /// Coordinates of all interior points, n × d.
    pub(super) fn coordinates(&self) -> DenseMatrix {
        let [nx, ny, _] = self.points;
        DenseMatrix::from_fn(self.len(), self.dimension, |row, d| {
            let index = [row % nx, row / nx % ny, row / nx / ny];
            self.line(index[d] + 1)
        })
    }

    /// The matrix whose row for a point has `coefficients(row, [x, y, z])` at its neighbours. Coefficients of
    /// boundary points are multiplied by `boundary([x, y, z])` and subtracted from `rhs`. Cost: one pass,
    /// arrays allocated once.
    ///
    /// # Errors
    /// A coefficient that is not finite.
    pub(super) fn assemble(
        &self,
        mut coefficients: impl FnMut(usize, [f64; 3]) -> [f64; K],
        boundary: impl Fn([f64; 3]) -> f64,
        rhs: &mut [f64],
    ) -> Result<Csr<f64>> {
        let [nx, ny, nz] = self.points;
        let nnz = self.entries().unwrap_or_default();
        let strides = self.offsets.map(|[x, y, z]| x + nx as isize * (y + ny as isize * z));
        let mut row_ptr = Vec::with_capacity(self.len() + 1);
        let mut col_idx = Vec::with_capacity(nnz);
        let mut values = Vec::with_capacity(nnz);
        row_ptr.push(0u32);
        let mut row = 0usize;
        for k in 0..nz {
            for j in 0..ny {
                for i in 0..nx {
                    let place = [i, j, k].map(|q| self.line(q + 1));
                    let row_values = coefficients(row, place);
                    for ((offset, stride), value) in self.offsets.iter().zip(strides).zip(row_values) {
                        let at = |q: usize, d: usize| q.wrapping_add_signed(offset[d]);
                        if at(i, 0) < nx && at(j, 1) < ny && at(k, 2) < nz {
                            col_idx.push(row.wrapping_add_signed(stride) as u32);
                            values.push(value);
                        } else {
                            let neighbour = [(i, 0), (j, 1), (k, 2)]
                                .map(|(q, d)| self.line((q + 1).wrapping_add_signed(offset[d])));
                            rhs[row] -= value * boundary(neighbour);
                        }
                    }
                    row_ptr.push(col_idx.len() as u32);
                    row += 1;
                }
            }
        }
        Csr::new(Arc::new(Pattern::from_parts(row, row, row_ptr, col_idx)), values)
    }

    /// Number of entries of the matrix: for every offset, the points that have this
    /// neighbour inside the grid.
    fn entries(&self) -> Option<usize> {
        self.offsets.iter().try_fold(0usize, |sum, offset| {
            let mut sides = self.points.iter().zip(offset).map(|(&n, o)| n - o.unsigned_abs());
            sum.checked_add(sides.try_fold(1usize, usize::checked_mul)?)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundary_values_go_to_the_right_hand_side() -> Result<()> {
        let grid = Grid::new(&[2, 1], FIVE_POINT, 0.0, 3.0)?;
        assert_eq!(grid.spacing(), 1.0);
        let mut rhs = vec![0.0; 2];
        // The boundary value is 10 x + y; the points are (1, 1) and (2, 1).
        let a = grid.assemble(|_, _| [-2.0, -3.0, 20.0, -5.0, -7.0], |[x, y, _]| 10.0 * x + y, &mut rhs)?;
        assert_eq!(a.pattern().col_idx(), [0, 1, 0, 1]);
        assert_eq!(a.values(), [20.0, -5.0, -3.0, 20.0]);
        assert_eq!(rhs, [2.0 * 10.0 + 3.0 * 1.0 + 7.0 * 12.0, 2.0 * 20.0 + 5.0 * 31.0 + 7.0 * 22.0]);
        Ok(())
    }

    #[test]
    fn last_line_is_exactly_the_boundary() -> Result<()> {
        for n in 1..200 {
            let grid = Grid::new(&[n, n], FIVE_POINT, -1.0, 2.0)?;
            assert_eq!((grid.line(0), grid.line(n + 1)), (-1.0, 1.0));
        }
        Ok(())
    }

    #[test]
    fn arrays_are_allocated_to_measure_and_valid() -> Result<()> {
        for shape in [[1, 1, 1], [4, 1, 3], [1, 5, 1], [3, 4, 5]] {
            let grid = Grid::new(&shape, SEVEN_POINT, 0.0, 1.0)?;
            let a = grid.assemble(|_, _| [1.0; 7], |_| 0.0, &mut vec![0.0; grid.len()])?;
            assert_eq!(Some(a.nnz()), grid.entries());
            let p = a.pattern();
            Pattern::new(p.rows(), p.cols(), p.row_ptr().to_vec(), p.col_idx().to_vec())?;
        }
        Ok(())
    }
}
