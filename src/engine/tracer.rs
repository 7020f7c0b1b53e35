//! The engine that writes operations down instead of computing them.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

use super::plan::{Instruction, Plan, Source};
use super::{Executor, Factored, Leaves, Matrix, Vector};
use crate::backend::{Direct, Direction, OrderedSweep, Triangle};
use crate::error::{Error, Result};
use crate::schwarz::Subdomains;
use crate::sparse::Scalar;

/// Records a run on one right-hand side as a [`Plan`].
///
/// A vector is a [`Slot`] of the plan's workspace; dropping it frees the slot for the
/// next vector, so ownership in the cycle is the register allocation of the plan.
#[derive(Debug)]
pub struct Tracer<T: Scalar> {
    state: Rc<RefCell<State<T>>>,
}

/// Leaves written into a plan.
#[derive(Debug, Clone, Copy)]
pub struct Traced<T>(PhantomData<T>);

impl<T: Scalar> Leaves for Traced<T> {
    type Values = Arc<Vec<T>>;
    type Direct = Arc<Direct<T>>;
}

#[derive(Debug)]
struct State<T: Scalar> {
    instructions: Vec<Instruction<T>>,
    /// Free slots by their number of rows.
    free: Vec<(usize, usize)>,
    /// Rows of workspace handed out so far.
    rows: usize,
    factored: Factored<T>,
}

/// A range of rows of the workspace, or the right-hand side.
#[derive(Debug)]
pub struct Slot<T: Scalar> {
    source: Source,
    rows: usize,
    state: Rc<RefCell<State<T>>>,
}

impl<T: Scalar> Drop for Slot<T> {
    fn drop(&mut self) {
        if let Source::Work(first) = self.source {
            self.state.borrow_mut().free.push((self.rows, first));
        }
    }
}

impl<T: Scalar> Default for Tracer<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Scalar> Tracer<T> {
    /// Nothing recorded yet.
    pub fn new() -> Self {
        let state =
            State { instructions: Vec::new(), free: Vec::new(), rows: 0, factored: Factored::default() };
        Self { state: Rc::new(RefCell::new(state)) }
    }

    /// The right-hand side that the plan will be given.
    pub fn input(&self, rows: usize) -> Vector<Slot<T>> {
        Vector::new(rows, Slot { source: Source::Input, rows, state: self.state.clone() })
    }

    /// The plan that ends with `output`.
    ///
    /// # Errors
    /// An output that does not depend on the input at all.
    pub fn finish(self, input_rows: usize, output: Vector<Slot<T>>) -> Result<Plan<T>> {
        let rows = output.rows();
        let slot = output
            .into_handle()
            .ok_or_else(|| Error::invalid_input("the cycle returns zero for every right-hand side"))?;
        let source = slot.source;
        drop(slot);
        let mut state = self.state.borrow_mut();
        let instructions = std::mem::take(&mut state.instructions);
        Ok(Plan::new(instructions, state.rows, input_rows, (source, rows)))
    }

    fn push(&self, instruction: Instruction<T>) {
        self.state.borrow_mut().instructions.push(instruction);
    }
}

impl<T: Scalar> Executor for Tracer<T> {
    type Leaves = Traced<T>;
    type Handle = Slot<T>;

    fn allocate(&self, rows: usize) -> Slot<T> {
        let mut state = self.state.borrow_mut();
        let reused = state.free.iter().rposition(|&(size, _)| size == rows);
        let first = match reused {
            Some(q) => state.free.remove(q).1,
            None => {
                state.rows += rows;
                state.rows - rows
            }
        };
        Slot { source: Source::Work(first), rows, state: self.state.clone() }
    }

    fn copy(&self, x: &Slot<T>) -> Slot<T> {
        let out = self.allocate(x.rows);
        self.push(Instruction::Combine { alpha: T::ONE, x: x.span(), beta: T::ZERO, y: out.span() });
        out
    }

    fn spmv(&self, alpha: f64, a: &Matrix<Arc<Vec<T>>>, x: &Slot<T>, beta: f64, y: &mut Slot<T>) {
        let (alpha, beta) = (T::from_f64(alpha), T::from_f64(beta));
        self.push(Instruction::Spmv { alpha, a: a.clone(), x: x.span(), beta, y: y.span() });
    }

    fn residual(&self, a: &Matrix<Arc<Vec<T>>>, b: &Slot<T>, x: &Slot<T>, r: &mut Slot<T>) {
        self.push(Instruction::Residual { a: a.clone(), b: b.span(), x: x.span(), r: r.span() });
    }

    fn diagonal_add(&self, d: &Arc<Vec<T>>, x: &Slot<T>, y: &mut Slot<T>) {
        self.push(Instruction::DiagonalAdd { d: d.clone(), x: x.span(), y: y.span() });
    }

    fn diagonal_scale(&self, d: &Arc<Vec<T>>, x: &Slot<T>, y: &mut Slot<T>) {
        self.push(Instruction::DiagonalScale { d: d.clone(), x: x.span(), y: y.span() });
    }

    fn jacobi(&self, a: &Matrix<Arc<Vec<T>>>, d: &Arc<Vec<T>>, b: &Slot<T>, x: &Slot<T>, next: &mut Slot<T>) {
        let (a, d) = (a.clone(), d.clone());
        self.push(Instruction::Jacobi { a, d, b: b.span(), x: x.span(), next: next.span() });
    }

    fn polynomial_step(
        &self,
        a: &Matrix<Arc<Vec<T>>>,
        d: &Arc<Vec<T>>,
        b: &Slot<T>,
        x: &Slot<T>,
        (alpha, beta): (f64, f64),
        y: &mut Slot<T>,
    ) {
        let factors = (T::from_f64(alpha), T::from_f64(beta));
        let (a, d) = (a.clone(), d.clone());
        self.push(Instruction::PolynomialStep { a, d, b: b.span(), x: x.span(), factors, y: y.span() });
    }

    fn combine(&self, alpha: f64, x: &Slot<T>, beta: f64, y: &mut Slot<T>) {
        let (alpha, beta) = (T::from_f64(alpha), T::from_f64(beta));
        self.push(Instruction::Combine { alpha, x: x.span(), beta, y: y.span() });
    }

    fn scalar(&self, scalars: &Arc<Vec<T>>, index: usize) -> f64 {
        scalars[index].to_f64()
    }

    fn least_squares(&self, b: &Slot<T>, v: &[&Slot<T>], c: &[&Slot<T>], x: &mut Slot<T>) {
        let spans = |list: &[&Slot<T>]| list.iter().map(|s| s.span()).collect();
        self.push(Instruction::LeastSquares { b: b.span(), v: spans(v), c: spans(c), x: x.span() });
    }

    fn solve_triangular(&self, a: &Matrix<Arc<Vec<T>>>, part: Triangle, x: &mut Slot<T>) {
        self.push(Instruction::Triangular { a: a.clone(), part, x: x.span() });
    }

    fn sweep_triangular(
        &self,
        a: &Matrix<Arc<Vec<T>>>,
        part: Triangle,
        b: &Slot<T>,
        x: Option<&Slot<T>>,
        y: &mut Slot<T>,
    ) {
        let x = x.map(Slot::span);
        self.push(Instruction::TriangularSweep { a: a.clone(), part, b: b.span(), x, y: y.span() });
    }

    fn gauss_seidel(&self, a: &Matrix<Arc<Vec<T>>>, b: &Slot<T>, x: &mut Slot<T>, direction: Direction) {
        self.push(Instruction::GaussSeidel { a: a.clone(), b: b.span(), x: x.span(), direction });
    }

    fn ordered_sweep(
        &self,
        a: &Matrix<Arc<Vec<T>>>,
        inverse: &Arc<Vec<T>>,
        sweep: &OrderedSweep,
        b: &Slot<T>,
        x: &mut Slot<T>,
        scratch: &mut Slot<T>,
    ) {
        self.push(Instruction::OrderedSweep {
            a: a.clone(),
            inverse: inverse.clone(),
            sweep: sweep.clone(),
            b: b.span(),
            x: x.span(),
            scratch: scratch.span(),
        });
    }

    fn subdomain_solves(
        &self,
        a: &Matrix<Arc<Vec<T>>>,
        subdomains: &Subdomains,
        interface: &Arc<Vec<T>>,
        r: &Slot<T>,
        beta: f64,
        x: &mut Slot<T>,
    ) {
        let solver = self.state.borrow().factored.get(a, subdomains, interface);
        let fresh = beta == 0.0;
        self.push(Instruction::SubdomainSolves { solver, r: r.span(), fresh, x: x.span() });
    }

    fn solve(&self, direct: &Arc<Direct<T>>, b: &Slot<T>, x: &mut Slot<T>) {
        self.push(Instruction::Solve { direct: direct.clone(), b: b.span(), x: x.span() });
    }

    fn clear(&self, x: &mut Slot<T>) {
        self.push(Instruction::Clear { x: x.span() });
    }
}

impl<T: Scalar> Slot<T> {
    fn span(&self) -> super::plan::Span {
        super::plan::Span { source: self.source, rows: self.rows }
    }
}
