//! The reverse sweep: one rule per operation, one function that accumulates.

use super::tape::{Node, Operand, Tape, TapeVector, Value};
use crate::backend::{Backend, Direction, OrderedView, Triangle, View};
use crate::engine::{Buffer, Eager, Executor};
use crate::error::{Error, Result};
use crate::sparse::{Csr, Scalar};

impl<T: Scalar, B: Backend<T>> Tape<T, B> {
    /// Gradients of a scalar loss: `seed` is its gradient with respect to `output`
    /// (rows × k, row-major), `lengths` the number of values of every parameter.
    ///
    /// Returns one vector per parameter, summed over the k columns. Cost: about twice the
    /// recorded run.
    ///
    /// # Errors
    /// A seed of another length than the output, a parameter whose length is missing or wrong,
    /// or an output of an earlier recording.
    pub fn backward(&self, lengths: &[usize], output: &TapeVector<T>, seed: &[T]) -> Result<Vec<Vec<T>>> {
        Ok(self.sweep(lengths, &[(output, seed)], None)?.0)
    }

    /// As [`backward`](Self::backward), for a loss that depends on several outputs, each with its seed.
    ///
    /// # Errors
    /// As `backward`.
    pub fn backward_from(
        &self,
        lengths: &[usize],
        outputs: &[(&TapeVector<T>, &[T])],
    ) -> Result<Vec<Vec<T>>> {
        Ok(self.sweep(lengths, outputs, None)?.0)
    }

    /// As [`backward`](Self::backward), with the gradient with respect to `input` beside it.
    ///
    /// # Errors
    /// As `backward`, and an `input` that is a constant or of an earlier recording.
    pub fn backward_to(
        &self,
        lengths: &[usize],
        output: &TapeVector<T>,
        seed: &[T],
        input: &TapeVector<T>,
    ) -> Result<(Vec<Vec<T>>, Vec<T>)> {
        let node = input.node.filter(|_| input.recording == self.recording.get()).ok_or_else(|| {
            Error::invalid_input("the input is not on this recording; make it with `Tape::input`")
        })?;
        let (parameters, wanted) = self.sweep(lengths, &[(output, seed)], Some(node))?;
        Ok((parameters, wanted.unwrap_or_else(|| vec![T::ZERO; input.value.rows() * self.eager.columns()])))
    }

    fn sweep(
        &self,
        lengths: &[usize],
        outputs: &[(&TapeVector<T>, &[T])],
        wanted: Option<usize>,
    ) -> Result<Swept<T>> {
        for (output, seed) in outputs {
            if output.node.is_some() && output.recording != self.recording.get() {
                return Err(Error::invalid_input(
                    "the output was recorded before the tape was cleared; record it again",
                ));
            }
            let expected = output.value.rows() * self.eager.columns();
            if seed.len() != expected {
                let message = format!("the seed has {} values, the output {expected}", seed.len());
                return Err(Error::dimension(message));
            }
        }
        let nodes = self.nodes.borrow();
        let mut adjoints = Adjoints {
            eager: &self.eager,
            nodes: (0..nodes.len()).map(|_| None).collect(),
            parameters: lengths.iter().map(|&n| vec![T::ZERO; n]).collect(),
        };
        for (output, seed) in outputs {
            let mut buffer = self.eager.allocate(output.value.rows());
            buffer.copy_from_slice(seed);
            if output.node.is_some() {
                adjoints.pass_on(output.node, buffer);
            }
        }
        let mut result = None;
        for (number, node) in nodes.iter().enumerate().rev() {
            let Some(adjoint) = adjoints.nodes[number].take() else { continue };
            if wanted == Some(number) {
                result = Some(adjoint.to_vec());
            }
            adjoints.apply(node, adjoint)?;
        }
        Ok((adjoints.parameters, result))
    }
}

/// Gradients of the parameters, and of one input if it was wanted.
type Swept<T> = (Vec<Vec<T>>, Option<Vec<T>>);

pub(super) struct Adjoints<'t, T, B> {
    pub(super) eager: &'t Eager<T, B>,
    nodes: Vec<Option<Buffer<T>>>,
    parameters: Vec<Vec<T>>,
}

impl<T: Scalar, B: Backend<T>> Adjoints<'_, T, B> {
    /// The only place where an adjoint is added to: `contribute(β, buffer)` computes
    /// buffer ← contribution + β buffer, with β = 0 for the first contribution.
    pub(super) fn accumulate(
        &mut self,
        node: Option<usize>,
        rows: usize,
        contribute: impl FnOnce(T, &mut Buffer<T>),
    ) {
        let Some(node) = node else { return };
        let (beta, mut buffer) = match self.nodes[node].take() {
            Some(buffer) => (T::ONE, buffer),
            None => (T::ZERO, self.eager.allocate(rows)),
        };
        contribute(beta, &mut buffer);
        self.nodes[node] = Some(buffer);
    }

    /// Contributes an adjoint that is needed no more; the first one is moved.
    pub(super) fn pass_on(&mut self, node: Option<usize>, adjoint: Buffer<T>) {
        match node {
            Some(number) if self.nodes[number].is_none() => self.nodes[number] = Some(adjoint),
            _ => {
                let backend = self.eager.backend();
                self.accumulate(node, 0, |beta, buffer| backend.combine(T::ONE, &adjoint, beta, buffer));
            }
        }
    }

    pub(super) fn parameter(&mut self, number: usize, length: usize) -> Result<&mut Vec<T>> {
        match self.parameters.get_mut(number) {
            Some(gradient) if gradient.len() == length => Ok(gradient),
            other => Err(Error::dimension(format!(
                "parameter {number} has {length} values, but {} were announced",
                other.map_or(0, |g| g.len())
            ))),
        }
    }

    /// Ā(p) −= λ(i) x(j) for the entries p = (i, j) that `part` reads, or for the others.
    fn sampled_part(
        &mut self,
        a: &Operand<T>,
        lambda: &[T],
        x: &Value<T>,
        wanted: impl Fn(usize, usize) -> bool,
    ) -> Result<()> {
        let (Some(number), Some(x)) = (a.values.number, x.handle()) else { return Ok(()) };
        let mut full = vec![T::ZERO; a.pattern.nnz()];
        let (backend, k) = (self.eager.backend(), self.eager.columns());
        backend.sampled_product(-T::ONE, &a.pattern, lambda, x, &mut full, k);
        let gradient = self.parameter(number, full.len())?;
        for i in 0..a.pattern.rows() {
            for p in a.pattern.row(i) {
                if wanted(i, a.pattern.col_idx()[p] as usize) {
                    gradient[p] += full[p];
                }
            }
        }
        Ok(())
    }

    /// Ā(p) −= λ(i) x(j) for the entries p = (i, j) that a triangle reads.
    fn sampled_triangle(&mut self, a: &Operand<T>, lambda: &[T], x: &Value<T>, part: Triangle) -> Result<()> {
        let (Some(number), Some(x)) = (a.values.number, x.handle()) else { return Ok(()) };
        let (backend, k) = (self.eager.backend().clone(), self.eager.columns());
        let gradient = self.parameter(number, a.pattern.nnz())?;
        backend.sampled_triangle(-T::ONE, &a.pattern, part, (lambda, x), gradient, k);
        Ok(())
    }

    /// Ā(i,i) −= λ(i) x(i).
    fn sampled_diagonal(&mut self, a: &Operand<T>, lambda: &[T], x: &Value<T>) -> Result<()> {
        let (Some(number), Some(x)) = (a.values.number, x.handle()) else { return Ok(()) };
        let (backend, k) = (self.eager.backend().clone(), self.eager.columns());
        let mut diagonal = vec![T::ZERO; a.pattern.rows()];
        backend.row_dots(lambda, x, &mut diagonal, k);
        let gradient = self.parameter(number, a.pattern.nnz())?;
        for (i, d) in diagonal.into_iter().enumerate() {
            if let Some(p) = a.pattern.find(i, i) {
                gradient[p] -= d;
            }
        }
        Ok(())
    }

    fn apply(&mut self, node: &Node<T>, mut adjoint: Buffer<T>) -> Result<()> {
        let (backend, k) = (self.eager.backend().clone(), self.eager.columns());
        let rows = adjoint.len() / k.max(1);
        match node {
            Node::Input => {}
            Node::Affine { alpha, a, x, y, kept_x } => {
                let alpha = T::from_f64(*alpha);
                if let (Some(number), Some(x)) = (a.values.number, kept(kept_x)) {
                    let gradient = self.parameter(number, a.pattern.nnz())?;
                    backend.sampled_product(alpha, &a.pattern, &adjoint, x, gradient, k);
                }
                self.accumulate(*x, a.pattern.cols(), |beta, buffer| {
                    backend.spmv_transposed(alpha, view(a), &adjoint, beta, buffer, k);
                });
                self.pass_on(*y, adjoint);
            }
            Node::Diagonal { d, x, y, kept_x } => {
                if let (Some(number), Some(x)) = (d.number, kept(kept_x)) {
                    let gradient = self.parameter(number, d.values.len())?;
                    backend.row_dots(&adjoint, x, gradient, k);
                }
                self.accumulate(*x, rows, |beta, buffer| {
                    if beta == T::ZERO {
                        buffer.fill(T::ZERO);
                    }
                    backend.diagonal_add(&d.values, &adjoint, buffer, k);
                });
                self.pass_on(*y, adjoint);
            }
            Node::Combine { alpha, x, beta: scale, y } => {
                let (alpha, scale) = (T::from_f64(*alpha), T::from_f64(*scale));
                self.accumulate(*x, rows, |beta, buffer| backend.combine(alpha, &adjoint, beta, buffer));
                self.accumulate(*y, rows, |beta, buffer| backend.combine(scale, &adjoint, beta, buffer));
            }
            Node::Scaled { scalars, index, x, y, kept_x } => {
                let scalar = scalars.values[*index];
                if let (Some(number), Some(x)) = (scalars.number, kept(kept_x)) {
                    let mut dots = vec![T::ZERO; k];
                    backend.column_dots(&adjoint, x, &mut dots);
                    let gradient = self.parameter(number, scalars.values.len())?;
                    dots.into_iter().for_each(|dot| gradient[*index] += dot);
                }
                self.accumulate(*x, rows, |beta, buffer| backend.combine(scalar, &adjoint, beta, buffer));
                self.pass_on(*y, adjoint);
            }
            Node::Triangular { a, part, x, kept } => {
                backend.solve_triangular(view(a), *part, true, &mut adjoint, k);
                if let Some(out) = kept {
                    self.sampled_triangle(a, &adjoint, out, *part)?;
                }
                self.pass_on(*x, adjoint);
            }
            Node::TriangularSweep { a, part, b, x, kept } => {
                // λ = D⁻¹ ȳ; b̄ += λ, x̄ −= Nᵀ λ, N̄ −= λ xᵀ, D̄ −= λ ∘ y.
                let mut lambda = self.eager.allocate(rows);
                backend.sweep_triangular(view(a), *part, true, (&adjoint, None), &mut lambda, k);
                drop(adjoint);
                let strict = Triangle { unit: true, ..*part };
                if let Some((before, after)) = kept {
                    self.sampled_triangle(a, &lambda, before, strict)?;
                    if !part.unit {
                        self.sampled_diagonal(a, &lambda, after)?;
                    }
                }
                let mut scratch = self.eager.allocate(rows);
                self.accumulate(*x, rows, |beta, buffer| {
                    if beta == T::ZERO {
                        buffer.fill(T::ZERO);
                    }
                    let blocks = (&buffer[..], Some(&lambda[..]));
                    backend.sweep_triangular(view(a), strict, true, blocks, &mut scratch, k);
                    buffer.copy_from_slice(&scratch);
                });
                self.pass_on(*b, lambda);
            }
            Node::Sweep { a, direction, b, x, kept } => {
                let part = Triangle { lower: *direction == Direction::Forward, unit: false };
                let mut lambda = self.eager.copy(&adjoint);
                backend.solve_triangular(view(a), part, true, &mut lambda, k);
                if let Some((before, after)) = kept {
                    self.sampled_part(a, &lambda, after, |i, j| part.reads(i, j))?;
                    self.sampled_part(a, &lambda, before, |i, j| !part.reads(i, j))?;
                }
                backend.spmv_transposed(-T::ONE, view(a), &lambda, T::ONE, &mut adjoint, k);
                self.pass_on(*x, adjoint);
                self.pass_on(*b, lambda);
            }
            Node::Weighted { terms } => {
                for (x, weights) in terms {
                    self.accumulate(Some(*x), rows, |beta, buffer| {
                        if beta == T::ZERO {
                            buffer.fill(T::ZERO);
                        }
                        backend.column_add(weights, &adjoint, buffer);
                    });
                }
            }
            Node::Refused { what } => {
                return Err(Error::unsuited(format!("there is no gradient of {what}")));
            }
            Node::Ordered { a, inverse, sweep, b, x, kept } => {
                // λ = (W⁻¹ + S)⁻ᵀ x̄ is the reversed sweep on Aᵀ from zero.
                let t = Csr::from_parts(a.pattern.clone(), a.values.values.to_vec()).transpose();
                let reversed = sweep.reversed();
                let back = OrderedView { a: (&t).into(), inverse: &inverse.values, sweep: &reversed };
                let (mut lambda, mut scratch) = (self.eager.allocate(rows), self.eager.allocate(rows));
                lambda.fill(T::ZERO);
                backend.ordered_sweep(back, &adjoint, &mut lambda, &mut scratch, k);
                if let Some((before, after)) = kept {
                    let new = sweep.reads_new(rows);
                    self.sampled_part(a, &lambda, after, &new)?;
                    self.sampled_part(a, &lambda, before, |i, j| !new(i, j))?;
                    if let (Some(number), Some(after)) = (inverse.number, after.handle()) {
                        // The gradient of W⁻¹ is −λ (x' − x), that of W divides it by −w².
                        scratch.copy_from_slice(after);
                        if let Some(before) = before.handle() {
                            backend.combine(-T::ONE, before, T::ONE, &mut scratch);
                        }
                        let mut dots = vec![T::ZERO; rows];
                        backend.row_dots(&lambda, &scratch, &mut dots, k);
                        let gradient = self.parameter(number, rows)?;
                        for ((g, dot), &w) in gradient.iter_mut().zip(dots).zip(inverse.values.iter()) {
                            *g += dot / (w * w);
                        }
                    }
                }
                backend.spmv_transposed(-T::ONE, view(a), &lambda, T::ONE, &mut adjoint, k);
                self.pass_on(*x, adjoint);
                self.pass_on(*b, lambda);
            }
            Node::SubdomainSolves(solves) => self.subdomain_solves(solves, adjoint)?,
            Node::Solve { direct, b } => {
                let mut solved = self.eager.allocate(rows);
                direct.solve_transposed(&adjoint, &mut solved, k);
                self.pass_on(*b, solved);
            }
        }
        Ok(())
    }
}

fn kept<T: Scalar>(value: &Option<Value<T>>) -> Option<&Buffer<T>> {
    value.as_ref().and_then(|v| v.handle())
}

fn view<T: Scalar>(a: &Operand<T>) -> View<'_, T> {
    View { pattern: &a.pattern, values: &a.values.values }
}
