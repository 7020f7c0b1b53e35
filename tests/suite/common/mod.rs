//! Matrices and preconditioners for tests.

pub mod allocations;
pub mod numbers;
#[cfg(feature = "cli")]
pub mod program;
pub mod schwarz_by_hand;
pub mod systems;

use multigrad::backend::{Cpu, Direction};
use multigrad::error::Result;
use multigrad::operator::Preconditioner;
use multigrad::sparse::Csr;

/// A stencil (di, dj, value) on an m × m grid with Dirichlet boundary.
pub fn stencil(m: usize, entries: &[(i64, i64, f64)]) -> Csr<f64> {
    let mut t = Vec::new();
    for i in 0..m as i64 {
        for j in 0..m as i64 {
            for &(di, dj, v) in entries {
                let (p, q) = (i + di, j + dj);
                if (0..m as i64).contains(&p) && (0..m as i64).contains(&q) {
                    t.push(((i * m as i64 + j) as usize, (p * m as i64 + q) as usize, v));
                }
            }
        }
    }
    Csr::from_triplets(m * m, m * m, &t).unwrap()
}

pub fn poisson(m: usize) -> Csr<f64> {
    stencil(m, &[(0, 0, 4.0), (-1, 0, -1.0), (1, 0, -1.0), (0, -1, -1.0), (0, 1, -1.0)])
}

pub fn nine_point(m: usize) -> Csr<f64> {
    let mut entries = vec![(0, 0, 8.0)];
    for di in -1..=1 {
        for dj in -1..=1 {
            if (di, dj) != (0, 0) {
                entries.push((di, dj, -1.0));
            }
        }
    }
    stencil(m, &entries)
}

/// Convection-diffusion with upwinding: far from symmetric.
pub fn convection(m: usize, c: f64) -> Csr<f64> {
    stencil(m, &[(0, 0, 4.0 + 2.0 * c), (-1, 0, -1.0 - c), (1, 0, -1.0), (0, -1, -1.0 - c), (0, 1, -1.0)])
}

/// The Laplacian of a path: singular, constants are its null space.
pub fn neumann(n: usize) -> Csr<f64> {
    let mut t = Vec::new();
    for i in 0..n - 1 {
        t.extend([(i, i, 1.0), (i + 1, i + 1, 1.0), (i, i + 1, -1.0), (i + 1, i, -1.0)]);
    }
    Csr::from_triplets(n, n, &t).unwrap()
}

pub fn dense(rows: &[&[f64]]) -> Csr<f64> {
    let t: Vec<_> = rows
        .iter()
        .enumerate()
        .flat_map(|(i, r)| r.iter().enumerate().map(move |(j, &v)| (i, j, v)))
        .collect();
    Csr::from_triplets(rows.len(), rows[0].len(), &t).unwrap()
}

pub fn wavy(n: usize) -> Vec<f64> {
    (0..n).map(|i| ((i as f64 + 1.0) * 1.618).sin() + 0.3).collect()
}

/// ‖b − A x‖ / ‖b‖ by a plain loop.
pub fn true_residual(a: &Csr<f64>, b: &[f64], x: &[f64]) -> f64 {
    let mut y = vec![0.0; b.len()];
    a.spmv(x, &mut y).unwrap();
    let norm = |v: &mut dyn Iterator<Item = f64>| v.map(|v| v * v).sum::<f64>().sqrt();
    norm(&mut y.iter().zip(b).map(|(y, b)| b - y)) / norm(&mut b.iter().copied())
}

/// z = D r.
pub struct Diagonal(pub Vec<f64>);

impl Preconditioner for Diagonal {
    fn rows(&self) -> usize {
        self.0.len()
    }
    fn is_symmetric(&self) -> bool {
        true
    }
    fn apply(&self, r: &[f64], z: &mut [f64]) -> Result<()> {
        z.iter_mut().zip(r).zip(&self.0).for_each(|((z, r), d)| *z = d * r);
        Ok(())
    }
    fn apply_transposed(&self, r: &[f64], z: &mut [f64]) -> Result<()> {
        self.apply(r, z)
    }
}

/// Symmetric Gauss–Seidel: a forward and a backward sweep from zero.
pub struct Sgs(pub Csr<f64>);

impl Preconditioner for Sgs {
    fn rows(&self) -> usize {
        self.0.rows()
    }
    fn is_symmetric(&self) -> bool {
        true
    }
    fn apply(&self, r: &[f64], z: &mut [f64]) -> Result<()> {
        z.fill(0.0);
        Cpu.gauss_seidel((&self.0).into(), r, z, Direction::Forward, 1);
        Cpu.gauss_seidel((&self.0).into(), r, z, Direction::Backward, 1);
        Ok(())
    }
    fn apply_transposed(&self, r: &[f64], z: &mut [f64]) -> Result<()> {
        self.apply(r, z)
    }
}

/// z = M r with a sparse M, not symmetric.
pub struct Sparse(pub Csr<f64>);

impl Preconditioner for Sparse {
    fn rows(&self) -> usize {
        self.0.rows()
    }
    fn is_symmetric(&self) -> bool {
        false
    }
    fn apply(&self, r: &[f64], z: &mut [f64]) -> Result<()> {
        self.0.spmv(r, z)
    }
    fn apply_transposed(&self, r: &[f64], z: &mut [f64]) -> Result<()> {
        self.0.transpose().spmv(r, z)
    }
}
