//! Decompose the Hilbert matrix with as many vectors as rows, multiply back, and differentiate: the derivative of
//! this computation is the identity, and the distance from it the error of the differentiation (Krämer et al.
//! 2024, section 4.2).

use multigrad::autodiff::{Dense, Tape};
use multigrad::error::Result;
use multigrad::functions::{DecompositionAdjoint, Process, decompose};
use multigrad::sparse::Csr;

/// a(i, j) = 1/(i + j + 1).
pub fn hilbert(n: usize) -> Result<Csr> {
    let entries: Vec<_> = (0..n * n).map(|q| (q / n, q % n, 1.0 / (q / n + q % n + 1) as f64)).collect();
    Csr::from_triplets(n, n, &entries)
}

fn start(n: usize) -> Vec<f64> {
    (0..n).map(|i| 1.0 + 0.1 * (1.0 + i as f64).sin()).collect()
}

/// The root of the mean of (∂φ − I)², from the gradient of every entry of φ(A) = Q H Qᵀ.
fn distance(n: usize, mut gradient: impl FnMut(usize) -> Result<Vec<f64>>) -> Result<f64> {
    let mut square = 0.0;
    for e in 0..n * n {
        let row = gradient(e)?;
        square += row.iter().enumerate().map(|(p, g)| (g - f64::from(u8::from(p == e))).powi(2)).sum::<f64>();
    }
    Ok((square / (n * n * n * n) as f64).sqrt())
}

/// By plain backpropagation through Arnoldi's process, every vector orthogonalised twice.
pub fn by_backpropagation(n: usize) -> Result<f64> {
    let a = hilbert(n)?;
    let tape = Tape::new();
    let m = tape.parameter_matrix(&a);
    let v = tape.vector(&start(n));
    let mut q: Vec<Dense<'_>> = vec![(tape.number(1.0) / v.norm()) * v];
    let mut product = tape.block(&vec![0.0; n * n], n);
    for k in 0..n {
        let mut w = m * q[k];
        let mut image = tape.vector(&vec![0.0; n]);
        for _ in 0..2 {
            let parts: Vec<_> = q.iter().map(|q| q.dot(w)).collect();
            for (q, &h) in q.iter().zip(&parts) {
                w = w - h * *q;
                image = image + h * *q;
            }
        }
        if k + 1 < n {
            let norm = w.norm();
            let next = (tape.number(1.0) / norm) * w;
            image = image + norm * next;
            q.push(next);
        }
        product = product + image.times(q[k].transpose());
    }
    distance(n, |e| {
        let mut seed = vec![0.0; n * n];
        seed[e] = 1.0;
        tape.backward(&[(&product, &seed)])?.take(m)
    })
}

/// By the adjoint of the decomposition, with or without projection back to its constraints.
pub fn by_adjoint(n: usize, project: bool) -> Result<f64> {
    let a = hilbert(n)?;
    let d = decompose(&a, Process::Arnoldi, n, &start(n))?;
    if d.order() != n {
        return Err(multigrad::error::Error::invalid_input("the decomposition ended early"));
    }
    let q = |i: usize, k: usize| d.basis[k][i];
    distance(n, |e| {
        let (i, j) = (e / n, e % n);
        // Q̄ = E Q Hᵀ + Eᵀ Q H and H̄ = Qᵀ E Q for the unit matrix E of an entry.
        let mut basis = vec![vec![0.0; n]; n];
        for (k, column) in basis.iter_mut().enumerate() {
            column[i] += (0..n).map(|l| q(j, l) * d.get(k, l)).sum::<f64>();
            column[j] += (0..n).map(|l| q(i, l) * d.get(l, k)).sum::<f64>();
        }
        let small = (0..n * n).map(|p| q(i, p / n) * q(j, p % n)).collect();
        let up = DecompositionAdjoint { basis, small, rest: vec![0.0; n], scale: 0.0 };
        Ok(d.reverse(&a, &up, project)?.0)
    })
}
