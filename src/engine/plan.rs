//! A recorded cycle: straight-line code over one workspace.

use std::sync::Arc;

use super::Matrix;
use crate::backend::{Backend, Direct, Direction, OrderedSweep, OrderedView, Triangle, least_squares};
use crate::error::{Error, Result};
use crate::schwarz::{SubdomainSolver, add_subdomain_solves};
use crate::sparse::Scalar;

/// Straight-line code for x = B b, with a workspace whose size is known beforehand.
///
/// A plan holds shared leaves and no mutable state: it is `Sync`, takes no lock, and many
/// threads may run it at once, each with a workspace of its own. Its result equals that of
/// the eager engine bit for bit.
#[derive(Debug, Clone)]
pub struct Plan<T: Scalar> {
    instructions: Vec<Instruction<T>>,
    work_rows: usize,
    input_rows: usize,
    output: (Source, usize),
}

/// Where a vector lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// The right-hand side.
    Input,
    /// The workspace, from this row on.
    Work(usize),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub source: Source,
    pub rows: usize,
}

type Leaf<T> = Matrix<Arc<Vec<T>>>;

#[derive(Debug, Clone)]
pub(super) enum Instruction<T: Scalar> {
    Spmv { alpha: T, a: Leaf<T>, x: Span, beta: T, y: Span },
    Residual { a: Leaf<T>, b: Span, x: Span, r: Span },
    DiagonalAdd { d: Arc<Vec<T>>, x: Span, y: Span },
    DiagonalScale { d: Arc<Vec<T>>, x: Span, y: Span },
    Jacobi { a: Leaf<T>, d: Arc<Vec<T>>, b: Span, x: Span, next: Span },
    PolynomialStep { a: Leaf<T>, d: Arc<Vec<T>>, b: Span, x: Span, factors: (T, T), y: Span },
    Combine { alpha: T, x: Span, beta: T, y: Span },
    LeastSquares { b: Span, v: Vec<Span>, c: Vec<Span>, x: Span },
    Triangular { a: Leaf<T>, part: Triangle, x: Span },
    TriangularSweep { a: Leaf<T>, part: Triangle, b: Span, x: Option<Span>, y: Span },
    GaussSeidel { a: Leaf<T>, b: Span, x: Span, direction: Direction },
    OrderedSweep { a: Leaf<T>, inverse: Arc<Vec<T>>, sweep: OrderedSweep, b: Span, x: Span, scratch: Span },
    SubdomainSolves { solver: Option<Arc<SubdomainSolver<T>>>, r: Span, fresh: bool, x: Span },
    Solve { direct: Arc<Direct<T>>, b: Span, x: Span },
    Clear { x: Span },
}

impl<T: Scalar> Plan<T> {
    pub(super) fn new(
        instructions: Vec<Instruction<T>>,
        work_rows: usize,
        input_rows: usize,
        output: (Source, usize),
    ) -> Self {
        Self { instructions, work_rows, input_rows, output }
    }

    /// Rows of the right-hand side.
    pub fn rows(&self) -> usize {
        self.input_rows
    }

    /// Number of operations.
    pub fn operations(&self) -> usize {
        self.instructions.len()
    }

    /// Values of workspace that [`run`](Self::run) needs for blocks of `k` columns.
    pub fn workspace(&self, k: usize) -> usize {
        self.work_rows * k
    }

    /// x ← B b for row-major rows × k blocks.
    ///
    /// # Errors
    /// Lengths of b or x that do not fit, or a workspace that is too short.
    pub fn run<B: Backend<T>>(
        &self,
        backend: &B,
        b: &[T],
        x: &mut [T],
        work: &mut [T],
        k: usize,
    ) -> Result<()> {
        if b.len() != self.input_rows * k || x.len() != self.output.1 * k {
            return Err(Error::dimension(format!(
                "the solver has {} unknowns and was given {} and {} values for {k} columns",
                self.input_rows,
                b.len(),
                x.len()
            )));
        }
        if work.len() < self.workspace(k) {
            return Err(Error::dimension(format!(
                "the solver needs a workspace of {} values, got {}",
                self.workspace(k),
                work.len()
            )));
        }
        let mut memory = Memory { b, work, k };
        for instruction in &self.instructions {
            memory.execute(backend, instruction)?;
        }
        let output = Span { source: self.output.0, rows: self.output.1 };
        x.copy_from_slice(memory.one(output));
        Ok(())
    }
}

struct Memory<'a, T> {
    b: &'a [T],
    work: &'a mut [T],
    k: usize,
}

impl<T: Scalar> Memory<'_, T> {
    fn one(&self, span: Span) -> &[T] {
        match span.source {
            Source::Input => self.b,
            Source::Work(first) => &self.work[first * self.k..(first + span.rows) * self.k],
        }
    }

    /// The inputs and the output of an instruction, which never overlap.
    fn split<const N: usize>(&mut self, inputs: [Span; N], output: Span) -> Result<([&[T]; N], &mut [T])> {
        let k = self.k;
        let Source::Work(start) = output.source else {
            return Err(Error::invalid_input("a plan writes to its right-hand side"));
        };
        let (before, rest) = self.work.split_at_mut(start * k);
        let (out, after) = rest.split_at_mut(output.rows * k);
        let (before, after, end) = (&*before, &*after, start + output.rows);
        let b = self.b;
        let pick = |span: Span| match span.source {
            Source::Input => b,
            Source::Work(_) if span.rows == 0 => &[],
            Source::Work(first) if first < start => &before[first * k..(first + span.rows) * k],
            Source::Work(first) => &after[(first - end) * k..(first - end + span.rows) * k],
        };
        Ok((inputs.map(pick), out))
    }

    /// An input and two outputs, none of which overlap.
    fn split_two(&mut self, input: Span, x: Span, y: Span) -> Result<(&[T], &mut [T], &mut [T])> {
        let k = self.k;
        let (Source::Work(p), Source::Work(q)) = (x.source, y.source) else {
            return Err(Error::invalid_input("a plan writes to its right-hand side"));
        };
        let swapped = q < p;
        let (p, q, first_rows, second_rows) =
            if swapped { (q, p, y.rows, x.rows) } else { (p, q, x.rows, y.rows) };
        let (before, rest) = self.work.split_at_mut(p * k);
        let (first, rest) = rest.split_at_mut(first_rows * k);
        let (between, rest) = rest.split_at_mut((q - p - first_rows) * k);
        let (second, after) = rest.split_at_mut(second_rows * k);
        let (before, between, after) = (&*before, &*between, &*after);
        let rows = |start: usize| start * k..(start + input.rows) * k;
        let input = match input.source {
            Source::Input => self.b,
            Source::Work(_) if input.rows == 0 => &[],
            Source::Work(s) if s < p => &before[rows(s)],
            Source::Work(s) if s < q => &between[rows(s - p - first_rows)],
            Source::Work(s) => &after[rows(s - q - second_rows)],
        };
        Ok(if swapped { (input, second, first) } else { (input, first, second) })
    }

    fn execute<B: Backend<T>>(&mut self, backend: &B, instruction: &Instruction<T>) -> Result<()> {
        let k = self.k;
        match instruction {
            Instruction::Spmv { alpha, a, x, beta, y } => {
                let ([x], y) = self.split([*x], *y)?;
                backend.spmv(*alpha, a.view(), x, *beta, y, k);
            }
            Instruction::Residual { a, b, x, r } => {
                let ([b, x], r) = self.split([*b, *x], *r)?;
                backend.residual(a.view(), b, x, r, k);
            }
            Instruction::DiagonalAdd { d, x, y } => {
                let ([x], y) = self.split([*x], *y)?;
                backend.diagonal_add(d, x, y, k);
            }
            Instruction::DiagonalScale { d, x, y } => {
                let ([x], y) = self.split([*x], *y)?;
                backend.diagonal_scale(d, x, y, k);
            }
            Instruction::Jacobi { a, d, b, x, next } => {
                let ([b, x], next) = self.split([*b, *x], *next)?;
                backend.jacobi(a.view(), d, b, x, next, k);
            }
            Instruction::PolynomialStep { a, d, b, x, factors, y } => {
                let ([b, x], y) = self.split([*b, *x], *y)?;
                backend.polynomial_step(a.view(), d, b, x, *factors, y, k);
            }
            Instruction::Combine { alpha, x, beta, y } => {
                let ([x], y) = self.split([*x], *y)?;
                backend.combine(*alpha, x, *beta, y);
            }
            Instruction::LeastSquares { b, v, c, x } => match (&v[..], &c[..]) {
                ([v], [c]) => {
                    let ([b, v, c], x) = self.split([*b, *v, *c], *x)?;
                    least_squares(backend, b, &[v], &[c], x, k);
                }
                ([v, v2], [c, c2]) => {
                    let ([b, v, v2, c, c2], x) = self.split([*b, *v, *v2, *c, *c2], *x)?;
                    least_squares(backend, b, &[v, v2], &[c, c2], x, k);
                }
                _ => {
                    return Err(Error::invalid_input(
                        "a least-squares step with other than one or two vectors",
                    ));
                }
            },
            Instruction::Triangular { a, part, x } => {
                let ([], x) = self.split([], *x)?;
                backend.solve_triangular(a.view(), *part, false, x, k);
            }
            Instruction::TriangularSweep { a, part, b, x: Some(x), y } => {
                let ([b, x], y) = self.split([*b, *x], *y)?;
                backend.sweep_triangular(a.view(), *part, false, (b, Some(x)), y, k);
            }
            Instruction::TriangularSweep { a, part, b, x: None, y } => {
                let ([b], y) = self.split([*b], *y)?;
                backend.sweep_triangular(a.view(), *part, false, (b, None), y, k);
            }
            Instruction::GaussSeidel { a, b, x, direction } => {
                let ([b], x) = self.split([*b], *x)?;
                backend.gauss_seidel(a.view(), b, x, *direction, k);
            }
            Instruction::OrderedSweep { a, inverse, sweep, b, x, scratch } => {
                let (b, x, scratch) = self.split_two(*b, *x, *scratch)?;
                backend.ordered_sweep(OrderedView { a: a.view(), inverse, sweep }, b, x, scratch, k);
            }
            Instruction::SubdomainSolves { solver, r, fresh, x } => {
                let ([r], x) = self.split([*r], *x)?;
                add_subdomain_solves(solver.as_deref(), r, *fresh, x, k);
            }
            Instruction::Solve { direct, b, x } => {
                let ([b], x) = self.split([*b], *x)?;
                direct.solve(b, x, k);
            }
            Instruction::Clear { x } => self.split([], *x)?.1.fill(T::ZERO),
        }
        Ok(())
    }
}
