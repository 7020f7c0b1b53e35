//! The reverse sweep: one rule per operation, one function that accumulates.

use super::node::{Leaf, Node, Operand, Value, plain};
use super::tape::{Tape, TapeVector};
use crate::backend::{Direction, Triangle};
use crate::engine::{Entries, Executor, Leaves, Matrix, Operation, Reversible};
use crate::error::{Error, Result};
use crate::sparse::Scalar;

/// Gradients on the machine of the tape, one accumulator for every parameter.
pub type Gradients<T, X> = Vec<<X as Reversible<T>>::Gradient>;

impl<T: Scalar, X: Reversible<T>> Tape<T, X> {
    /// Gradients of a scalar loss. `seed` is the gradient of the loss with respect to `output` (rows × k,
    /// row-major); `lengths` holds the number of values of every parameter.
    ///
    /// Returns one vector per parameter, summed over the k columns. Cost: about twice the recorded run.
    ///
    /// # Errors
    /// A seed of another length than the output, a parameter whose length is missing or wrong,
    /// or an output of an earlier recording.
    pub fn backward(&self, lengths: &[usize], output: &TapeVector<T, X>, seed: &[T]) -> Result<Vec<Vec<T>>> {
        self.backward_from(lengths, &[(output, seed)])
    }

    /// As [`backward`](Self::backward), for a loss that depends on several outputs, each with a seed.
    ///
    /// # Errors
    /// As `backward`.
    pub fn backward_from(
        &self,
        lengths: &[usize],
        outputs: &[(&TapeVector<T, X>, &[T])],
    ) -> Result<Vec<Vec<T>>> {
        self.host(self.sweep(lengths, self.stored_seeds(outputs)?, None)?.0)
    }

    /// As [`backward`](Self::backward), together with the gradient with respect to `input`.
    ///
    /// # Errors
    /// As `backward`, and an `input` that is a constant or of an earlier recording.
    pub fn backward_to(
        &self,
        lengths: &[usize],
        output: &TapeVector<T, X>,
        seed: &[T],
        input: &TapeVector<T, X>,
    ) -> Result<(Vec<Vec<T>>, Vec<T>)> {
        let node = input.node.filter(|_| input.recording == self.recording.get()).ok_or_else(|| {
            Error::invalid_input("the input does not belong to this recording; create it with `Tape::input`")
        })?;
        let (parameters, wanted) = self.sweep(lengths, self.stored_seeds(&[(output, seed)])?, Some(node))?;
        let wanted = match wanted {
            Some(handle) => self.eager.read(&handle)?,
            None => vec![T::ZERO; input.value.rows() * self.columns()],
        };
        Ok((self.host(parameters)?, wanted))
    }

    /// As [`backward_from`](Self::backward_from), with seeds on this machine. The gradients stay there: nothing is
    /// copied to the host.
    ///
    /// # Errors
    /// As `backward`.
    pub fn backward_resident(
        &self,
        lengths: &[usize],
        outputs: Vec<Seed<'_, T, X>>,
    ) -> Result<Gradients<T, X>> {
        Ok(self.sweep(lengths, outputs, None)?.0)
    }

    fn host(&self, gradients: Gradients<T, X>) -> Result<Vec<Vec<T>>> {
        gradients.into_iter().map(|g| self.eager.read_gradient(g)).collect()
    }

    fn stored_seeds<'v>(&self, outputs: &[(&'v TapeVector<T, X>, &[T])]) -> Result<Vec<Seed<'v, T, X>>> {
        let stored = outputs.iter().map(|(output, seed)| {
            let expected = output.value.rows() * self.columns();
            if seed.len() != expected {
                let message = format!("the seed has {} values, the output {expected}", seed.len());
                return Err(Error::dimension(message));
            }
            Ok((*output, self.eager.store(seed)))
        });
        stored.collect()
    }

    fn sweep(
        &self,
        lengths: &[usize],
        outputs: Vec<Seed<'_, T, X>>,
        wanted: Option<usize>,
    ) -> Result<Swept<T, X>> {
        for (output, seed) in &outputs {
            if output.node.is_some() && output.recording != self.recording.get() {
                return Err(Error::invalid_input(
                    "the output was recorded before the tape was cleared; record it again",
                ));
            }
            if self.eager.rows(seed) != output.value.rows() {
                let (seed, rows) = (self.eager.rows(seed), output.value.rows());
                return Err(Error::dimension(format!("the seed has {seed} rows, the output {rows}")));
            }
        }
        let nodes = self.nodes.borrow();
        let mut adjoints = Adjoints {
            eager: &self.eager,
            nodes: (0..nodes.len()).map(|_| None).collect(),
            lengths,
            parameters: lengths.iter().map(|&n| self.eager.gradient(n)).collect(),
        };
        for (output, seed) in outputs {
            if output.node.is_some() {
                adjoints.pass_on(output.node, seed);
            }
        }
        let mut result = None;
        for (number, node) in nodes.iter().enumerate().rev() {
            let Some(adjoint) = adjoints.nodes[number].take() else { continue };
            if wanted == Some(number) {
                result = Some(self.eager.copy(&adjoint));
            }
            adjoints.apply(node, adjoint)?;
        }
        Ok((adjoints.parameters, result))
    }
}

/// Gradients of the parameters and, on request, of one input.
type Swept<T, X> = (Gradients<T, X>, Option<Handle<X>>);

type Handle<X> = <X as Executor>::Handle;
/// An output, and the gradient of the loss with respect to it.
pub type Seed<'v, T, X> = (&'v TapeVector<T, X>, Handle<X>);

pub(super) struct Adjoints<'t, T: Scalar, X: Reversible<T>> {
    pub(super) eager: &'t X,
    nodes: Vec<Option<X::Handle>>,
    lengths: &'t [usize],
    parameters: Vec<X::Gradient>,
}

impl<T: Scalar, X: Reversible<T>> Adjoints<'_, T, X> {
    /// The only function that adds to an adjoint: `contribute(β, buffer)` computes buffer ← contribution + β
    /// buffer, with β = 0 for the first contribution.
    pub(super) fn accumulate(
        &mut self,
        node: Option<usize>,
        rows: usize,
        contribute: impl FnOnce(f64, &mut X::Handle),
    ) {
        let Some(node) = node else { return };
        let (beta, mut buffer) = match self.nodes[node].take() {
            Some(buffer) => (1.0, buffer),
            None => (0.0, self.eager.allocate(rows)),
        };
        contribute(beta, &mut buffer);
        self.nodes[node] = Some(buffer);
    }

    /// Accumulates a contribution without a factor β: the first one is added to zeros.
    pub(super) fn accumulate_added(
        &mut self,
        node: Option<usize>,
        rows: usize,
        contribute: impl FnOnce(&mut X::Handle),
    ) {
        let eager = self.eager;
        self.accumulate(node, rows, |beta, buffer| {
            if beta == 0.0 {
                eager.run(Operation::Clear { x: buffer });
            }
            contribute(buffer);
        });
    }

    /// Contributes an adjoint that is no longer needed. The first contribution is moved.
    pub(super) fn pass_on(&mut self, node: Option<usize>, adjoint: X::Handle) {
        match node {
            Some(number) if self.nodes[number].is_none() => self.nodes[number] = Some(adjoint),
            _ => {
                let eager = self.eager;
                let rows = eager.rows(&adjoint);
                self.accumulate(node, rows, |beta, buffer| {
                    eager.run(Operation::Combine { alpha: 1.0, x: &adjoint, beta, y: buffer })
                });
            }
        }
    }

    pub(super) fn parameter(&mut self, number: usize, length: usize) -> Result<&mut X::Gradient> {
        let announced = self.lengths.get(number).copied();
        match self.parameters.get_mut(number) {
            Some(gradient) if announced == Some(length) => Ok(gradient),
            _ => Err(Error::dimension(format!(
                "parameter {number} has {length} values, but {} were announced",
                announced.unwrap_or(0)
            ))),
        }
    }

    /// Ā(p) −= λ(i) x(j) for the selected entries p = (i, j).
    fn sampled(
        &mut self,
        a: &Operand<X>,
        entries: Entries<'_>,
        lambda: &X::Handle,
        x: &Value<X>,
    ) -> Result<()> {
        let (Some(number), Some(x)) = (a.values.number, x.handle()) else { return Ok(()) };
        let eager = self.eager;
        let gradient = self.parameter(number, a.pattern.nnz())?;
        eager.sampled_product(-1.0, &a.pattern, entries, (lambda, x), gradient);
        Ok(())
    }

    fn apply(&mut self, node: &Node<T, X>, mut adjoint: X::Handle) -> Result<()> {
        let eager = self.eager;
        let rows = eager.rows(&adjoint);
        match node {
            Node::Input => {}
            Node::Affine { alpha, a, x, y, kept_x } => {
                if let (Some(number), Some(x)) = (a.values.number, kept(kept_x)) {
                    let gradient = self.parameter(number, a.pattern.nnz())?;
                    eager.sampled_product(*alpha, &a.pattern, Entries::All, (&adjoint, x), gradient);
                }
                self.accumulate(*x, a.pattern.cols(), |beta, buffer| {
                    let (alpha, a) = (*alpha, &plain(a));
                    eager.run(Operation::Spmv { alpha, a, transposed: true, x: &adjoint, beta, y: buffer });
                });
                self.pass_on(*y, adjoint);
            }
            Node::Diagonal { d, x, y, kept_x } => {
                if let (Some(number), Some(x)) = (d.number, kept(kept_x)) {
                    let gradient = self.parameter(number, eager.length(&d.values))?;
                    eager.row_dots(&adjoint, x, gradient);
                }
                self.accumulate_added(*x, rows, |buffer| {
                    eager.run(Operation::DiagonalAdd { d: &d.values, x: &adjoint, y: buffer });
                });
                self.pass_on(*y, adjoint);
            }
            Node::Combine { alpha, x, beta: scale, y } => {
                let scaled = |scale: f64| {
                    let adjoint = &adjoint;
                    move |beta: f64, buffer: &mut X::Handle| {
                        eager.run(Operation::Combine { alpha: scale, x: adjoint, beta, y: buffer });
                    }
                };
                self.accumulate(*x, rows, scaled(*alpha));
                self.accumulate(*y, rows, scaled(*scale));
            }
            Node::Scaled { scalars, index, x, y, kept_x } => {
                let scalar = eager.scalar(&scalars.values, *index);
                if let (Some(number), Some(x)) = (scalars.number, kept(kept_x)) {
                    let gradient = self.parameter(number, eager.length(&scalars.values))?;
                    eager.add_dot(&adjoint, x, gradient, *index);
                }
                self.accumulate(*x, rows, |beta, buffer| {
                    eager.run(Operation::Combine { alpha: scalar, x: &adjoint, beta, y: buffer });
                });
                self.pass_on(*y, adjoint);
            }
            Node::Triangular { a, part, x, kept } => {
                let (matrix, part) = (&plain(a), *part);
                eager.run(Operation::SolveTriangular { a: matrix, part, transposed: true, x: &mut adjoint });
                if let Some(out) = kept {
                    self.sampled(a, Entries::Triangle(part), &adjoint, out)?;
                }
                self.pass_on(*x, adjoint);
            }
            Node::TriangularSweep { a, part, b, x, kept } => {
                // λ = D⁻¹ ȳ; b̄ += λ, x̄ −= Nᵀ λ, N̄ −= λ xᵀ, D̄ −= λ ∘ y.
                let mut lambda = eager.allocate(rows);
                let matrix = &plain(a);
                eager.run(Operation::SweepTriangular {
                    a: matrix,
                    part: *part,
                    transposed: true,
                    b: &adjoint,
                    x: None,
                    y: &mut lambda,
                });
                drop(adjoint);
                let strict = Triangle { unit: true, ..*part };
                if let Some((before, after)) = kept {
                    self.sampled(a, Entries::Triangle(strict), &lambda, before)?;
                    if !part.unit {
                        self.sampled(a, Entries::Diagonal, &lambda, after)?;
                    }
                }
                let mut scratch = eager.allocate(rows);
                self.accumulate_added(*x, rows, |buffer| {
                    eager.run(Operation::SweepTriangular {
                        a: matrix,
                        part: strict,
                        transposed: true,
                        b: buffer,
                        x: Some(&lambda),
                        y: &mut scratch,
                    });
                    std::mem::swap(buffer, &mut scratch);
                });
                self.pass_on(*b, lambda);
            }
            Node::Sweep { a, direction, b, x, kept } => {
                let part = Triangle { lower: *direction == Direction::Forward, unit: false };
                let mut lambda = eager.copy(&adjoint);
                let matrix = &plain(a);
                eager.run(Operation::SolveTriangular { a: matrix, part, transposed: true, x: &mut lambda });
                if let Some((before, after)) = kept {
                    self.sampled(a, Entries::Triangle(part), &lambda, after)?;
                    self.sampled(a, Entries::Outside(part), &lambda, before)?;
                }
                subtract_transposed(eager, matrix, &lambda, &mut adjoint);
                self.pass_on(*x, adjoint);
                self.pass_on(*b, lambda);
            }
            Node::Weighted { terms } => {
                for (x, weights) in terms {
                    self.accumulate_added(Some(*x), rows, |buffer| {
                        eager.column_add(weights, &adjoint, buffer)
                    });
                }
            }
            Node::Refused { what } => {
                return Err(Error::unsuited(format!("there is no gradient of {what}")));
            }
            Node::Ordered { a, inverse, sweep, b, x, kept } => {
                // λ = (W⁻¹ + S)⁻ᵀ x̄ is the reversed sweep on Aᵀ from zero.
                let (mut lambda, mut scratch) = (eager.allocate(rows), eager.allocate(rows));
                eager.run(Operation::Clear { x: &mut lambda });
                let (matrix, back) = (&plain(a), sweep.reversed());
                eager.run(Operation::OrderedSweep {
                    a: matrix,
                    transposed: true,
                    inverse: &inverse.values,
                    sweep: &back,
                    b: &adjoint,
                    x: &mut lambda,
                    scratch: &mut scratch,
                });
                if let Some((before, after)) = kept {
                    self.sampled(a, Entries::New(sweep), &lambda, after)?;
                    self.sampled(a, Entries::Old(sweep), &lambda, before)?;
                    self.inverse_gradient(inverse, (before, after), &lambda, scratch)?;
                }
                subtract_transposed(eager, matrix, &lambda, &mut adjoint);
                self.pass_on(*x, adjoint);
                self.pass_on(*b, lambda);
            }
            Node::SubdomainSolves(solves) => self.subdomain_solves(solves, adjoint)?,
            Node::Solve { direct, b } => {
                let mut solved = eager.allocate(rows);
                eager.run(Operation::Solve { direct, transposed: true, b: &adjoint, x: &mut solved });
                self.pass_on(*b, solved);
            }
        }
        Ok(())
    }

    /// The gradient of W⁻¹ is −λ (x' − x); dividing it by −w² gives that of W.
    fn inverse_gradient(
        &mut self,
        inverse: &Leaf<X>,
        (before, after): (&Value<X>, &Value<X>),
        lambda: &X::Handle,
        scratch: X::Handle,
    ) -> Result<()> {
        let (Some(number), Some(after)) = (inverse.number, after.handle()) else { return Ok(()) };
        let (eager, mut change) = (self.eager, scratch);
        eager.run(Operation::Combine { alpha: 1.0, x: after, beta: 0.0, y: &mut change });
        if let Some(before) = before.handle() {
            eager.run(Operation::Combine { alpha: -1.0, x: before, beta: 1.0, y: &mut change });
        }
        let gradient = self.parameter(number, eager.length(&inverse.values))?;
        eager.row_dots_over_square(lambda, &change, &inverse.values, gradient);
        Ok(())
    }
}

/// y ← y − Aᵀ x.
fn subtract_transposed<X: Executor>(
    eager: &X,
    a: &Matrix<<X::Leaves as Leaves>::Values>,
    x: &X::Handle,
    y: &mut X::Handle,
) {
    eager.run(Operation::Spmv { alpha: -1.0, a, transposed: true, x, beta: 1.0, y });
}

fn kept<H>(value: &Option<std::rc::Rc<crate::engine::Vector<H>>>) -> Option<&H> {
    value.as_ref().and_then(|v| v.handle())
}
