//! Finite volumes on tensor grids: −∇·(κ∇u) with one κ per cell.

use super::check_shape;
use crate::error::Result;
use crate::sparse::assemble::assemble;
use crate::sparse::{Csr, DenseMatrix};

/// The condition on the whole boundary.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sides {
    /// u = 0 on the outer faces, half a cell from the outermost centres.
    Dirichlet,
    /// No flow through the outer faces.
    Neumann,
}

/// The direction of each neighbour of a cell, and whether it lies above or below, by ascending number.
const NEIGHBOURS: [(usize, bool); 6] = [(2, false), (1, false), (0, false), (0, true), (1, true), (2, true)];

/// The cells of a box in the plane or in space, numbered with x fastest; one unknown at the centre of each.
pub(super) struct Cells {
    /// Widths of the cells along x, y, z in units of `unit`; a single 1 along z in the plane.
    widths: [Vec<f64>; 3],
    dimension: usize,
    unit: f64,
}

impl Cells {
    /// Equal squares or cubes; the longest side of the box has length 1.
    ///
    /// # Errors
    /// A direction without cells; more entries than 32-bit indices can count.
    pub(super) fn uniform(cells: &[usize]) -> Result<Self> {
        // Before any allocation.
        check_shape(cells, 2 * cells.len() + 1, "cells")?;
        let longest = cells.iter().max().copied().unwrap_or(1);
        let mut widths = [const { Vec::new() }; 3];
        for (d, slot) in widths.iter_mut().enumerate() {
            *slot = vec![1.0; cells.get(d).copied().unwrap_or(1)];
        }
        Ok(Self { widths, dimension: cells.len(), unit: 1.0 / longest as f64 })
    }

    /// Rectangles with the given widths along x and y; their number has been checked.
    pub(super) fn rectangles(along_x: Vec<f64>, along_y: Vec<f64>) -> Self {
        Self { widths: [along_x, along_y, vec![1.0]], dimension: 2, unit: 1.0 }
    }

    /// Number of cells.
    pub(super) fn len(&self) -> usize {
        self.widths.iter().map(Vec::len).product()
    }

    /// Number of cells along x, y, z.
    pub(super) fn shape(&self) -> [usize; 3] {
        std::array::from_fn(|d| self.widths[d].len())
    }

    /// Index of cell `row` along x, y, z.
    pub(super) fn index(&self, row: usize) -> [usize; 3] {
        let [nx, ny, _] = self.shape();
        [row % nx, row / nx % ny, row / nx / ny]
    }

    /// The centres of the cells, n × d.
    pub(super) fn coordinates(&self) -> DenseMatrix {
        let middles = self.widths.each_ref().map(|widths| {
            let mut start = 0.0;
            let middle = |w: &f64| {
                start += w;
                self.unit * (start - w / 2.0)
            };
            widths.iter().map(middle).collect::<Vec<f64>>()
        });
        DenseMatrix::from_fn(self.len(), self.dimension, |row, d| middles[d][self.index(row)[d]])
    }

    /// ∫ f over each cell for f = 1, in the scale of [`matrix`](Self::matrix).
    pub(super) fn load(&self) -> Vec<f64> {
        let [x, y, z] = &self.widths;
        let squared = self.unit * self.unit;
        (0..self.len())
            .map(|row| {
                let [i, j, k] = self.index(row);
                squared * x[i] * y[j] * z[k]
            })
            .collect()
    }

    /// The flow out of every cell, divided by `unit`^(d − 2) so that entries have the size of κ for equal
    /// cells.
    ///
    /// Between the cells p and q it is T (u_p − u_q), T = A/(w_p/(2κ_p) + w_q/(2κ_q)) with their face A and
    /// their widths w across it: for equal cells A/w times the harmonic mean of both κ. At a Dirichlet face T
    /// = A/(w_p/(2κ_p)). Exact for linear u where κ is constant. Parallel over rows; the matrix is symmetric
    /// to the last bit.
    ///
    /// # Errors
    /// A T that is not finite.
    pub(super) fn matrix(&self, sides: Sides, kappa: impl Fn(usize) -> f64 + Sync) -> Result<Csr<f64>> {
        let shape = self.shape();
        let strides = [1, shape[0], shape[0] * shape[1]];
        let n = self.len();
        assemble(
            n,
            n,
            || (),
            |row, (), columns, values| {
                let index = self.index(row);
                let width: [f64; 3] = std::array::from_fn(|d| self.widths[d][index[d]]);
                let half = |d: usize, cell: usize, at: usize| self.widths[d][at] / 2.0 / kappa(cell);
                let (mut diagonal, mut place) = (0.0, 0);
                for (d, above) in NEIGHBOURS {
                    if d >= self.dimension {
                        continue;
                    }
                    if (d, above) == (0, true) {
                        place = values.len();
                        columns.push(row as u32);
                        values.push(0.0);
                    }
                    let (at, cell) = if above {
                        (index[d] + 1, row + strides[d])
                    } else {
                        (index[d].wrapping_sub(1), row.wrapping_sub(strides[d]))
                    };
                    let face = width[(d + 1) % 3] * width[(d + 2) % 3];
                    let own = half(d, row, index[d]);
                    if at < shape[d] {
                        let flow = face / (own + half(d, cell, at));
                        columns.push(cell as u32);
                        values.push(-flow);
                        diagonal += flow;
                    } else if sides == Sides::Dirichlet {
                        diagonal += face / own;
                    }
                }
                values[place] = diagonal;
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{apply, is_positive_definite};
    use super::*;

    #[test]
    fn flows_between_two_unequal_cells_by_hand() -> Result<()> {
        // Widths 2 and 4 along x, 3 along y; κ = 1 and 4.
        let cells = Cells::rectangles(vec![2.0, 4.0], vec![3.0]);
        let kappa = |cell: usize| if cell == 0 { 1.0 } else { 4.0 };
        // 3/(1 + 1/2) between them.
        let closed = cells.matrix(Sides::Neumann, kappa)?;
        assert_eq!(closed.values(), [2.0, -2.0, -2.0, 2.0]);
        // The left cell adds 3/1 on the left and 2 · 2/1.5 above and below; the right one
        // 3/0.5 on the right and 2 · 4/(1.5/4).
        let open = cells.matrix(Sides::Dirichlet, kappa)?;
        let expected = [5.0 + 8.0 / 3.0, -2.0, -2.0, 8.0 + 64.0 / 3.0];
        assert!(open.values().iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-13), "{open:?}");
        assert_eq!(cells.load(), [6.0, 12.0]);
        assert_eq!(cells.coordinates(), DenseMatrix::from([[1.0, 1.5], [4.0, 1.5]]));
        Ok(())
    }

    #[test]
    fn linear_functions_have_no_source_inside() -> Result<()> {
        let cells = Cells::rectangles(vec![1.0, 3.0, 0.5, 2.0, 7.0], vec![4.0, 1.0, 0.25, 1.0]);
        let a = cells.matrix(Sides::Dirichlet, |_| 2.5)?;
        let u: Vec<f64> = cells.coordinates().row_iter().map(|p| 3.0 - 2.0 * p[0] + 5.0 * p[1]).collect();
        let flow = apply(&a, &u);
        for (row, flow) in flow.iter().enumerate() {
            let [i, j, _] = cells.index(row);
            let inside = (1..4).contains(&i) && (1..3).contains(&j);
            assert_eq!(flow.abs() < 1e-11, inside, "cell {i}, {j}: {flow}");
        }
        Ok(())
    }

    #[test]
    fn equal_cells_give_the_usual_stencil() -> Result<()> {
        let cells = Cells::uniform(&[3, 3, 3])?;
        let a = cells.matrix(Sides::Neumann, |_| 1.0)?;
        let middle: Vec<_> = a.row(13).collect();
        let expected = [(4, -1.0), (10, -1.0), (12, -1.0), (13, 6.0), (14, -1.0), (16, -1.0), (22, -1.0)];
        assert_eq!(middle, expected);
        assert_eq!(a.get(0, 0), 3.0);
        assert_eq!(cells.matrix(Sides::Dirichlet, |_| 1.0)?.get(0, 0), 3.0 + 3.0 * 2.0);
        assert_eq!(cells.coordinates().row(13).to_vec(), [0.5; 3]);
        // For any κ the matrix is exactly symmetric.
        let wild = cells.matrix(Sides::Dirichlet, |c| 10f64.powi((c as i32 * 7) % 11 - 5))?;
        assert_eq!(wild.asymmetry(), 0.0);
        assert!(is_positive_definite(&wild));
        Ok(())
    }
}
