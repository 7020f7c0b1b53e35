//! Smoothed aggregation: against PyAMG, and by its invariants.

mod anything;
mod choices;
mod elasticity;
mod laws;
mod pyamg;

use std::path::Path;

use multigrad::setup::*;
use multigrad::solver::Direct;
use multigrad::sparse::{Csr, DenseMatrix};

fn read(path: impl AsRef<Path>) -> (usize, usize, Vec<(usize, usize, f64)>) {
    let text =
        std::fs::read_to_string(path.as_ref()).unwrap_or_else(|e| panic!("{}: {e}", path.as_ref().display()));
    let array = text.starts_with("%%MatrixMarket matrix array");
    let symmetric = text.lines().next().unwrap().contains("symmetric");
    let mut lines = text.lines().filter(|l| !l.starts_with('%') && !l.is_empty());
    let head: Vec<usize> = lines.next().unwrap().split_whitespace().map(|w| w.parse().unwrap()).collect();
    let mut entries = Vec::new();
    for (q, line) in lines.enumerate() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if array {
            entries.push((q % head[0], q / head[0], words[0].parse().unwrap()));
        } else {
            let (i, j) = (words[0].parse::<usize>().unwrap() - 1, words[1].parse::<usize>().unwrap() - 1);
            let v = words[2].parse().unwrap();
            entries.push((i, j, v));
            if symmetric && i != j {
                entries.push((j, i, v));
            }
        }
    }
    (head[0], head[1], entries)
}

fn matrix(path: impl AsRef<Path>) -> Csr<f64> {
    let (m, n, entries) = read(path);
    Csr::from_triplets(m, n, &entries).unwrap()
}

fn dense(path: impl AsRef<Path>) -> DenseMatrix {
    let (m, n, entries) = read(path);
    let mut a = DenseMatrix::zeros(m, n);
    entries.iter().for_each(|&(i, j, v)| a[[i, j]] = v);
    a
}

fn reference(name: &str) -> std::path::PathBuf {
    Path::new("tests/data/pyamg").join(format!("{name}.mtx"))
}

fn distance(a: &Csr<f64>, b: &Csr<f64>) -> f64 {
    assert_eq!((a.rows(), a.cols()), (b.rows(), b.cols()));
    a.add(1.0, b, -1.0).unwrap().values().iter().fold(0.0, |m, v| m.max(v.abs()))
}

fn poisson(n: usize) -> Csr<f64> {
    stencil(n, |_, _| [4.0, -1.0, -1.0, -1.0, -1.0])
}

/// Centre, east, west, north, south at column `ix` and row `iy`.
fn stencil(n: usize, f: impl Fn(usize, usize) -> [f64; 5]) -> Csr<f64> {
    let mut entries = Vec::new();
    for iy in 0..n {
        for ix in 0..n {
            let (i, [c, e, w, no, s]) = (iy * n + ix, f(ix, iy));
            entries.push((i, i, c));
            let mut add = |inside: bool, j: usize, v: f64| {
                if inside {
                    entries.push((i, j, v));
                }
            };
            add(ix + 1 < n, i + 1, e);
            add(ix > 0, i.wrapping_sub(1), w);
            add(iy + 1 < n, i + n, no);
            add(iy > 0, i.wrapping_sub(n), s);
        }
    }
    Csr::from_triplets(n * n, n * n, &entries).unwrap()
}

/// −ε Δ + w·∇ for the recirculating wind, first-order upwind.
fn upwind(n: usize) -> Csr<f64> {
    let (eps, h) = (0.005, 2.0 / (n as f64 + 1.0));
    let d = eps / (h * h);
    stencil(n, |ix, iy| {
        let (x, y) = (-1.0 + h * (ix as f64 + 1.0), -1.0 + h * (iy as f64 + 1.0));
        let (u, v) = (2.0 * y * (1.0 - x * x), -2.0 * x * (1.0 - y * y));
        [
            4.0 * d + (u.abs() + v.abs()) / h,
            -d + u.min(0.0) / h,
            -d - u.max(0.0) / h,
            -d + v.min(0.0) / h,
            -d - v.max(0.0) / h,
        ]
    })
}

/// x ← x + ω D⁻¹(b − A x), a Gauss–Seidel sweep, or x ← x + (L U)⁻¹(b − A x).
#[derive(Clone, Copy)]
enum Smoother {
    Jacobi(f64),
    GaussSeidel,
    Ilu,
}

/// Incomplete LU factors on the pattern of A, in one matrix.
fn ilu(a: &Csr<f64>) -> Csr<f64> {
    let (pattern, mut v) = a.clone().into_parts();
    for i in 0..a.rows() {
        for p in pattern.row(i) {
            let k = pattern.col_idx()[p] as usize;
            if k >= i {
                break;
            }
            v[p] /= v[pattern.find(k, k).unwrap()];
            for q in pattern.row(k) {
                let j = pattern.col_idx()[q] as usize;
                if let Some(t) = pattern.find(i, j).filter(|_| j > k) {
                    v[t] -= v[p] * v[q];
                }
            }
        }
    }
    Csr::new(pattern, v).unwrap()
}

fn smooth(s: Smoother, a: &Csr<f64>, lu: &Csr<f64>, b: &[f64], x: &mut [f64], backward: bool) {
    let n = a.rows();
    match s {
        Smoother::Ilu => {
            let mut r = residual(a, b, x);
            for i in 0..n {
                r[i] -= lu.row(i).filter(|&(j, _)| j < i).map(|(j, v)| v * r[j]).sum::<f64>();
            }
            for i in (0..n).rev() {
                let sum: f64 = lu.row(i).filter(|&(j, _)| j > i).map(|(j, v)| v * r[j]).sum();
                r[i] = (r[i] - sum) / lu.get(i, i);
            }
            x.iter_mut().zip(r).for_each(|(x, r)| *x += r);
        }
        Smoother::Jacobi(omega) => {
            let r = residual(a, b, x);
            for (i, d) in a.diagonal().iter().enumerate() {
                x[i] += omega * r[i] / d;
            }
        }
        Smoother::GaussSeidel => {
            for q in 0..n {
                let i = if backward { n - 1 - q } else { q };
                let sum: f64 = a.row(i).filter(|&(j, _)| j != i).map(|(j, v)| v * x[j]).sum();
                x[i] = (b[i] - sum) / a.get(i, i);
            }
        }
    }
}

fn residual(a: &Csr<f64>, b: &[f64], x: &[f64]) -> Vec<f64> {
    let mut y = vec![0.0; a.rows()];
    a.spmv(x, &mut y).unwrap();
    b.iter().zip(y).map(|(b, y)| b - y).collect()
}

struct Cycle {
    grids: Grids,
    direct: Direct<f64>,
    smoother: Smoother,
    factors: Vec<Csr<f64>>,
}

impl Cycle {
    fn new(grids: Grids, smoother: Smoother) -> Self {
        let direct = Direct::new(&grids.coarsest).unwrap();
        let factors = grids.transfers.iter().map(|t| ilu(&t.a)).collect();
        Self { grids, direct, smoother, factors }
    }

    fn run(&self, level: usize, b: &[f64], x: &mut [f64]) {
        let Some(t) = self.grids.transfers.get(level) else {
            return self.direct.solve(b, x, 1);
        };
        smooth(self.smoother, &t.a, &self.factors[level], b, x, false);
        let mut coarse = vec![0.0; t.restriction.rows()];
        t.restriction.spmv(&residual(&t.a, b, x), &mut coarse).unwrap();
        let mut e = vec![0.0; coarse.len()];
        self.run(level + 1, &coarse, &mut e);
        let mut fine = vec![0.0; x.len()];
        t.prolongation.spmv(&e, &mut fine).unwrap();
        x.iter_mut().zip(fine).for_each(|(x, f)| *x += f);
        smooth(self.smoother, &t.a, &self.factors[level], b, x, true);
    }

    /// Asymptotic factor per V(1,1) cycle by the power method.
    fn factor(&self) -> f64 {
        let n = self.grids.matrices().next().unwrap().rows();
        let mut x: Vec<f64> = (0..n).map(|i| ((i * i) as f64 * 0.37 + i as f64).sin()).collect();
        let (mut log, zero) = (0.0, vec![0.0; n]);
        for q in 0..60 {
            self.run(0, &zero, &mut x);
            let length = dot(&x, &x).sqrt();
            x.iter_mut().for_each(|v| *v /= length);
            log += if q >= 45 { length.ln() } else { 0.0 };
        }
        (log / 15.0).exp()
    }

    /// Preconditioned conjugate gradients to a relative residual of 10⁻⁸.
    fn cg(&self, a: &Csr<f64>, b: &[f64]) -> usize {
        let n = b.len();
        let (mut x, mut r) = (vec![0.0; n], b.to_vec());
        let mut z = vec![0.0; n];
        self.run(0, &r, &mut z);
        let (mut p, mut rz) = (z.clone(), dot(&r, &z));
        for q in 1..200 {
            let mut ap = vec![0.0; n];
            a.spmv(&p, &mut ap).unwrap();
            let alpha = rz / dot(&p, &ap);
            (0..n).for_each(|i| (x[i], r[i]) = (x[i] + alpha * p[i], r[i] - alpha * ap[i]));
            if dot(&r, &r) < 1e-16 * dot(b, b) {
                return q;
            }
            z.fill(0.0);
            self.run(0, &r, &mut z);
            let new = dot(&r, &z);
            (0..n).for_each(|i| p[i] = z[i] + new / rz * p[i]);
            rz = new;
        }
        200
    }
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(a, b)| a * b).sum()
}

fn sizes(grids: &Grids) -> Vec<(usize, usize)> {
    grids.matrices().map(|a| (a.rows(), a.nnz())).collect()
}

fn with(variant: Variant) -> Coarsening {
    Coarsening { variant, ..Coarsening::default() }
}
