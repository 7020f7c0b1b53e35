//! Operators that can be differentiated: a sparse matrix, or code on a tape.

use std::sync::{Mutex, PoisonError};

use crate::autodiff::{Dense, Handle, Tape};
use crate::backend::Cpu;
use crate::error::{Error, Result};
use crate::operator::LinearOperator;
use crate::parallel;
use crate::sparse::Csr;

/// Pairs of vectors per pass over the pattern.
pub(super) const GROUP: usize = 16;

/// Rows that are interleaved while they are in cache.
const ROWS: usize = 64;

/// Writes vectors of length n as a block by rows.
fn interleave<V: AsRef<[f64]> + Sync>(vectors: &[V], n: usize, block: &mut Vec<f64>) {
    let k = vectors.len();
    block.resize(n * k, 0.0);
    parallel::chunks_mut(block, 64 * ROWS * k, &|first, block| {
        for (part, block) in block.chunks_mut(ROWS * k).enumerate() {
            let (first, rows) = (first / k + part * ROWS, block.len() / k);
            for (c, v) in vectors.iter().enumerate() {
                block[c..]
                    .iter_mut()
                    .step_by(k)
                    .zip(&v.as_ref()[first..first + rows])
                    .for_each(|(b, &v)| *b = v);
            }
        }
    });
}

/// y ← A x for an operator.
pub(super) type Product<'a> = Box<dyn Fn(&[f64], &mut [f64]) -> Result<()> + 'a>;

/// Sums of gradients.
pub(super) struct Sums {
    /// One list per parameter.
    pub(super) gradients: Vec<Vec<f64>>,
    /// A group of vectors on either side, as blocks by rows.
    blocks: [Vec<f64>; 2],
}

impl Sums {
    fn new(gradients: Vec<Vec<f64>>) -> Self {
        Self { gradients, blocks: Default::default() }
    }
}

/// A(θ), with products with its transpose and gradients with respect to θ.
pub(super) trait Action: LinearOperator {
    /// x, y ↦ y ← Aᵀ x.
    fn transposed(&self) -> Product<'_>;

    /// Adds the gradients of Σ_k λ_kᵀ A(θ) q_k to `sums`.
    fn accumulate(&self, left: &[Vec<f64>], right: &[&[f64]], sums: &mut Sums) -> Result<()>;

    /// Gradients of zero.
    fn zeros(&self) -> Sums;

    /// Replaces a gradient by that of symmetric changes, if A is a symmetric matrix.
    fn symmetrise(&self, _: &mut [Vec<f64>]) {}

    /// ‖A − Aᵀ‖ relative to ‖A‖, or an estimate.
    fn asymmetry(&self) -> Result<f64>;
}

impl Action for Csr<f64> {
    fn transposed(&self) -> Product<'_> {
        // Stored once: a product with the transpose of a matrix by rows takes several times as long. Matrices of this
        // pattern share its transposition.
        self.pattern().transposition();
        let transpose = self.transpose();
        Box::new(move |x, y| transpose.apply(x, y))
    }

    fn accumulate(&self, left: &[Vec<f64>], right: &[&[f64]], sums: &mut Sums) -> Result<()> {
        let (n, [l, r]) = (self.rows(), &mut sums.blocks);
        for (left, right) in left.chunks(GROUP).zip(right.chunks(GROUP)) {
            interleave(left, n, l);
            interleave(right, n, r);
            Cpu.sampled_product(1.0, self.pattern(), l, r, &mut sums.gradients[0], left.len());
        }
        Ok(())
    }

    fn zeros(&self) -> Sums {
        Sums::new(vec![vec![0.0; self.nnz()]])
    }

    fn symmetrise(&self, sums: &mut [Vec<f64>]) {
        // The pattern is symmetric, so the transposition lists the partner of every entry.
        let partners = &self.pattern().transposition().source;
        let g = &mut sums[0];
        for (p, &q) in partners.iter().enumerate() {
            let q = q as usize;
            if q > p {
                let mean = 0.5 * (g[p] + g[q]);
                (g[p], g[q]) = (mean, mean);
            }
        }
    }

    fn asymmetry(&self) -> Result<f64> {
        let (asymmetry, pattern) = self.symmetry();
        Ok(if pattern { asymmetry } else { asymmetry.max(f64::EPSILON * 1e5) })
    }
}

/// A matrix-free operator y = A(θ) x given as code on a tape, linear in x; its transposed products and its
/// gradients with respect to θ come from the tape.
///
/// ```
/// use multigrad::functions::{Process, TapeOperator, decompose};
/// let twice = TapeOperator::new(5, vec![vec![2.0; 5]], |_, x, p| x * p[0]);
/// let d = decompose(&twice, Process::Lanczos, 3, &[1.0; 5])?;
/// assert!(d.is_exhausted() && (d.get(0, 0) - 2.0).abs() < 1e-14); // every vector is an eigenvector
/// # Ok::<(), multigrad::Error>(())
/// ```
pub struct TapeOperator<F> {
    rows: usize,
    parameters: Vec<Vec<f64>>,
    code: F,
    tape: Mutex<Tape<f64>>,
}

impl<F> TapeOperator<F>
where
    F: for<'t> Fn(&'t Tape<f64>, Dense<'t>, &[Dense<'t>]) -> Dense<'t> + Sync,
{
    /// An operator with `rows` rows and columns at these parameters.
    pub fn new(rows: usize, parameters: Vec<Vec<f64>>, code: F) -> Self {
        Self { rows, parameters, code, tape: Mutex::new(Tape::new()) }
    }

    /// The gradients of λᵀ A(θ) x: with respect to x, or to the parameters.
    fn pull(&self, x: &[f64], left: &[f64], of_parameters: bool) -> Result<Vec<Vec<f64>>> {
        let mut tape = self.tape.lock().unwrap_or_else(PoisonError::into_inner);
        tape.clear();
        let point = if of_parameters { tape.vector(x) } else { tape.parameter(x) };
        let make = |v: &Vec<f64>| if of_parameters { tape.parameter(v) } else { tape.vector(v) };
        let p: Vec<_> = self.parameters.iter().map(make).collect();
        let image = (self.code)(&tape, point, &p);
        let mut gradients = tape.backward(&[(&image as &dyn Handle<f64>, left)])?;
        if of_parameters {
            return p.iter().map(|p| gradients.take(p)).collect();
        }
        Ok(vec![gradients.take(point)?])
    }
}

impl<F> LinearOperator for TapeOperator<F>
where
    F: for<'t> Fn(&'t Tape<f64>, Dense<'t>, &[Dense<'t>]) -> Dense<'t> + Sync,
{
    fn rows(&self) -> usize {
        self.rows
    }

    fn apply(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        let mut tape = self.tape.lock().unwrap_or_else(PoisonError::into_inner);
        tape.clear();
        let p: Vec<_> = self.parameters.iter().map(|v| tape.vector(v)).collect();
        let values = (self.code)(&tape, tape.vector(x), &p).values()?;
        if values.len() != y.len() {
            let text = format!("the operator maps {} values to {}; it must be square", x.len(), values.len());
            return Err(Error::dimension(text));
        }
        y.copy_from_slice(&values);
        Ok(())
    }
}

impl<F> Action for TapeOperator<F>
where
    F: for<'t> Fn(&'t Tape<f64>, Dense<'t>, &[Dense<'t>]) -> Dense<'t> + Sync,
{
    fn transposed(&self) -> Product<'_> {
        // The operator is linear, so the point does not matter.
        Box::new(|x, y| {
            y.copy_from_slice(&self.pull(&vec![0.0; self.rows], x, false)?[0]);
            Ok(())
        })
    }

    fn accumulate(&self, left: &[Vec<f64>], right: &[&[f64]], sums: &mut Sums) -> Result<()> {
        for (l, r) in left.iter().zip(right) {
            for (sum, part) in sums.gradients.iter_mut().zip(self.pull(r, l, true)?) {
                sum.iter_mut().zip(part).for_each(|(s, p)| *s += p);
            }
        }
        Ok(())
    }

    fn zeros(&self) -> Sums {
        Sums::new(self.parameters.iter().map(|p| vec![0.0; p.len()]).collect())
    }

    fn asymmetry(&self) -> Result<f64> {
        use crate::krylov::{dot, norm, scattered};
        let (u, w) = (scattered(self.rows, 11), scattered(self.rows, 12));
        let (mut au, mut aw) = (vec![0.0; self.rows], vec![0.0; self.rows]);
        self.apply(&u, &mut au)?;
        self.apply(&w, &mut aw)?;
        let size = (norm(&au) * norm(&w)).max(f64::MIN_POSITIVE);
        Ok((dot(&au, &w) - dot(&u, &aw)).abs() / size)
    }
}
