//! Saddle-point problems: Stokes flow on a staggered grid, and diffusion in mixed form.

use super::{Problem, check_shape};
use crate::error::{Error, Result};
use crate::sparse::{Csr, DenseMatrix};

/// Entries of a cell with its faces, at most.
const ENTRIES: usize = 20;

/// Unknowns on the faces of n × n square cells, x fastest: first those across vertical faces, then those across horizontal
/// ones, then one in every cell.
struct Staggered {
    n: usize,
    /// Faces in a row of vertical ones: n − 1 without those on the boundary, n + 1 with them.
    faces: usize,
    triplets: Vec<(usize, usize, f64)>,
}

impl Staggered {
    fn new(n: usize, inner: bool, name: &str) -> Result<Self> {
        check_shape(&[n, n], ENTRIES, "cells").map_err(|e| e.at(name))?;
        if inner && n < 2 {
            return Err(Error::invalid_input("one cell has no inner faces; ask for at least 2 × 2").at(name));
        }
        Ok(Self { n, faces: if inner { n - 1 } else { n + 1 }, triplets: Vec::new() })
    }

    /// The number of the face `along` its direction, in the line of cells `line`.
    fn face(&self, vertical: bool, along: usize, line: usize) -> usize {
        match vertical {
            true => line * self.faces + along,
            false => self.n * self.faces + along * self.n + line,
        }
    }

    fn cell(&self, vertical: bool, along: usize, line: usize) -> usize {
        let (i, j) = if vertical { (along, line) } else { (line, along) };
        2 * self.n * self.faces + j * self.n + i
    }

    fn rows(&self) -> usize {
        2 * self.n * self.faces + self.n * self.n
    }

    /// −h times the sum of the outward fluxes of every cell, and its transpose.
    fn divergence(&mut self) {
        let (n, h, first) = (self.n, 1.0 / self.n as f64, self.n + 1 - self.faces);
        for (vertical, line, along) in places(n, n) {
            let cell = self.cell(vertical, along, line);
            // Face f of all is the number f − first of the inner ones.
            for (face, value) in [(along, h), (along + 1, -h)] {
                let inner = face.checked_sub(first / 2).filter(|f| *f < self.faces);
                if let Some(face) = inner.map(|f| self.face(vertical, f, line)) {
                    self.triplets.extend([(cell, face, value), (face, cell, value)]);
                }
            }
        }
    }

    fn problem(self, rhs: Vec<f64>, name: String) -> Result<Problem> {
        let rows = self.rows();
        let matrix = Csr::from_triplets(rows, rows, &self.triplets)?;
        let h = 1.0 / self.n as f64;
        let offset = (self.n + 1 - self.faces) / 2;
        let mut coordinates = DenseMatrix::zeros(rows, 2);
        for (vertical, line, along) in places(self.n, self.faces) {
            let (own, across) = ((along + offset) as f64 * h, (line as f64 + 0.5) * h);
            let place = if vertical { [own, across] } else { [across, own] };
            coordinates.row_mut(self.face(vertical, along, line)).copy_from_slice(&place);
        }
        for (i, j) in (0..self.n).flat_map(|j| (0..self.n).map(move |i| (i, j))) {
            let place = [(i as f64 + 0.5) * h, (j as f64 + 0.5) * h];
            coordinates.row_mut(self.cell(true, i, j)).copy_from_slice(&place);
        }
        Ok(Problem::scalar(matrix, rhs, coordinates, name))
    }
}

/// Both directions, every line of cells and every place along it.
fn places(lines: usize, along: usize) -> impl Iterator<Item = (bool, usize, usize)> {
    [true, false]
        .into_iter()
        .flat_map(move |v| (0..lines).flat_map(move |l| (0..along).map(move |a| (v, l, a))))
}

/// Stokes flow −Δu + ∇p = 0, ∇·u = 0 in the unit square, driven by a lid that moves with velocity 1 along x: finite volumes on a
/// staggered grid (Harlow and Welch 1965).
///
/// `n` × `n` cells of side h = 1/n. Unknowns, x fastest: the velocities across the n(n − 1) inner vertical faces, those across
/// the horizontal ones, and the n² pressures. Rows of velocities are multiplied by h², those of pressures by −h²: \[A Bᵀ; B 0\],
/// where A has the 5-point stencil for each component. Symmetric, indefinite, and singular: a constant pressure is a null
/// vector, and the right-hand side is orthogonal to it. Cost: one pass, about 18 n² entries.
///
/// # Errors
/// Fewer than 2 × 2 cells, or more entries than 32-bit indices can count.
///
/// ```
/// let problem = multigrad::gallery::stokes_2d(8)?;
/// assert_eq!(problem.matrix.rows(), 2 * 8 * 7 + 64);
/// assert_eq!(problem.matrix.asymmetry(), 0.0);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn stokes_2d(n: usize) -> Result<Problem> {
    let name = format!("Stokes {n} × {n}");
    let mut grid = Staggered::new(n, true, &name)?;
    let mut rhs = vec![0.0; grid.rows()];
    for (vertical, line, along) in places(n, n - 1) {
        let row = grid.face(vertical, along, line);
        // The wall is half a cell away across the direction of flow.
        let walls = usize::from(line == 0) + usize::from(line == n - 1);
        grid.triplets.push((row, row, 4.0 + walls as f64));
        let mut couple = |along: Option<usize>, line: Option<usize>| {
            if let (Some(along), Some(line)) = (along.filter(|a| *a < n - 1), line.filter(|l| *l < n)) {
                let column = grid.face(vertical, along, line);
                grid.triplets.push((row, column, -1.0));
            }
        };
        couple(along.checked_sub(1), Some(line));
        couple(Some(along + 1), Some(line));
        couple(Some(along), line.checked_sub(1));
        couple(Some(along), Some(line + 1));
        if vertical && line == n - 1 {
            rhs[row] = 2.0;
        }
    }
    grid.divergence();
    grid.problem(rhs, name)
}

/// Diffusion in mixed form, q + ∇u = 0 and ∇·q = 1 in the unit square, u = 0 on the boundary: Raviart–Thomas elements of lowest
/// order (1977).
///
/// `n` × `n` cells of side h = 1/n. Unknowns, x fastest: the fluxes across the n(n + 1) vertical faces, those across the
/// horizontal ones, and the n² mean values of u. \[M Bᵀ; B 0\] with the mass matrix M and B = −h times the sum of the outward
/// fluxes. Symmetric, indefinite and not singular. Cost: one pass, about 14 n² entries.
///
/// # Errors
/// No cells, or more entries than 32-bit indices can count.
///
/// ```
/// let problem = multigrad::gallery::mixed_diffusion_2d(8)?;
/// assert_eq!(problem.matrix.rows(), 2 * 8 * 9 + 64);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn mixed_diffusion_2d(n: usize) -> Result<Problem> {
    let name = format!("mixed diffusion {n} × {n}");
    let mut grid = Staggered::new(n, false, &name)?;
    let h = 1.0 / n as f64;
    for (vertical, line, along) in places(n, n) {
        let faces = [along, along + 1].map(|f| grid.face(vertical, f, line));
        for (p, q) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let weight = if p == q { 1.0 / 3.0 } else { 1.0 / 6.0 };
            grid.triplets.push((faces[p], faces[q], weight * h * h));
        }
    }
    grid.divergence();
    let mut rhs = vec![0.0; grid.rows()];
    rhs[2 * n * (n + 1)..].fill(-h * h);
    grid.problem(rhs, name)
}

#[cfg(test)]
#[path = "saddle_point_tests.rs"]
mod tests;
