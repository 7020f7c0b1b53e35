//! Functions of matrices as operations of a tape.

use std::sync::Arc;

use super::action::{Action, TapeOperator};
use super::apply::{Applied, FunctionOf};
use crate::autodiff::{Adjoints, Dense, Handle, Rule, Sparse, Tape};
use crate::error::{Error, Result};
use crate::sparse::{Csr, Pattern, Scalar};

/// Makes the operator from the values of its parameters.
type Make<T> = Box<dyn Fn(&[&[T]]) -> Result<Box<dyn Action>> + Send>;

fn wide<T: Scalar>(values: &[T]) -> Vec<f64> {
    values.iter().map(|v| v.to_f64()).collect()
}

fn narrow<T: Scalar>(values: &[f64]) -> Vec<T> {
    values.iter().map(|&v| T::from_f64(v)).collect()
}

/// Refuses dual numbers.
pub(super) fn real<T: Scalar>() -> Result<()> {
    if T::PARTS == 1 {
        return Ok(());
    }
    Err(Error::unsuited("functions of matrices drop the derivatives of dual numbers; use f64 or f32"))
}

/// The matrix of a pattern in double precision.
pub(super) fn matrix<T: Scalar>(pattern: &Arc<Pattern>, values: &[T]) -> Result<Csr<f64>> {
    Csr::new(pattern.clone(), wide(values))
}

impl FunctionOf {
    /// f(A) V on a tape, for a block V with any number of columns, one decomposition each. Gradients: with respect
    /// to the nonzeros of A (for a symmetric process those of symmetric changes: (i, j) and (j, i) share theirs) and
    /// to V. Computed in double precision for `f32` too. The decompositions are kept for the reverse sweep: K + 1
    /// vectors per column.
    ///
    /// Errors come with the values or the gradients of the result: shapes that do not fit, a matrix that is not
    /// symmetric for a symmetric process, a function that is not defined at a Ritz value.
    pub fn on_tape<'t, T: Scalar>(&self, a: Sparse<'t, T>, v: Dense<'t, T>) -> Dense<'t, T> {
        let pattern = a.pattern();
        let make: Make<T> = Box::new(move |p: &[&[T]]| {
            Ok(Box::new(matrix(pattern.as_ref().map_err(Clone::clone)?, p[0])?) as Box<dyn Action>)
        });
        self.record(v, &[&a], make, false)
    }

    /// vᵀ f(A) v for every column v of a block, as a row; otherwise as [`on_tape`](Self::on_tape).
    pub fn quadratic_on_tape<'t, T: Scalar>(&self, a: Sparse<'t, T>, v: Dense<'t, T>) -> Dense<'t, T> {
        let pattern = a.pattern();
        let make: Make<T> = Box::new(move |p: &[&[T]]| {
            Ok(Box::new(matrix(pattern.as_ref().map_err(Clone::clone)?, p[0])?) as Box<dyn Action>)
        });
        self.record(v, &[&a], make, true)
    }

    /// f(A(θ)) V for an operator given as code on a tape, y = A(θ) x, linear in x, with gradients with respect to θ
    /// and to V.
    ///
    /// ```
    /// use multigrad::{autodiff::Tape, functions::{FunctionOf, MatrixFunction}};
    /// let tape = Tape::new();
    /// let (d, v) = (tape.parameter(&[1.0, 2.0, 3.0]), tape.vector(&[1.0; 3]));
    /// let y = FunctionOf::new(MatrixFunction::Exp).code_on_tape(v, &[d], |_, x, p| p[0] * x);
    /// let gradient = y.sum().gradients()?.take(d)?; // Σ exp(dᵢ)
    /// assert!((gradient[2] - 3f64.exp()).abs() < 1e-12);
    /// # Ok::<(), multigrad::Error>(())
    /// ```
    pub fn code_on_tape<'t, F>(&self, v: Dense<'t>, parameters: &[Dense<'t>], code: F) -> Dense<'t>
    where
        F: for<'s> Fn(&'s Tape<f64>, Dense<'s>, &[Dense<'s>]) -> Dense<'s> + Clone + Send + Sync + 'static,
    {
        let rows = v.extent().0;
        let make: Make<f64> = Box::new(move |p: &[&[f64]]| {
            let lists = p.iter().map(|v| v.to_vec()).collect();
            Ok(Box::new(TapeOperator::new(rows, lists, code.clone())) as Box<dyn Action>)
        });
        let handles: Vec<&dyn Handle<f64>> = parameters.iter().map(|p| p as &dyn Handle<f64>).collect();
        self.record(v, &handles, make, false)
    }

    fn record<'t, T: Scalar>(
        &self,
        v: Dense<'t, T>,
        parameters: &[&dyn Handle<T>],
        make: Make<T>,
        quadratic: bool,
    ) -> Dense<'t, T> {
        let columns = v.extent().1;
        let operands: Vec<&dyn Handle<T>> =
            std::iter::once(&v as &dyn Handle<T>).chain(parameters.iter().copied()).collect();
        v.tape().outside(&operands, columns, |values| {
            real::<T>()?;
            if columns == 0 {
                return Err(Error::dimension("a function of a matrix times a block without columns"));
            }
            let action = make(&values[1..])?;
            let block = wide(values[0]);
            let mut parts = Vec::new();
            for c in 0..columns {
                let v: Vec<f64> = block.iter().skip(c).step_by(columns).copied().collect();
                parts.push(match c {
                    0 => self.checked(action.as_ref(), &v)?,
                    _ => self.decomposed(action.as_ref(), &v)?,
                });
            }
            let rows = if quadratic { 1 } else { block.len() / columns };
            let mut out = vec![0.0; rows * columns];
            for (c, part) in parts.iter().enumerate() {
                let values = if quadratic { vec![part.quadratic()] } else { part.vector(action.as_ref())? };
                out.iter_mut().skip(c).step_by(columns).zip(values).for_each(|(o, v)| *o = v);
            }
            let rule = FunctionRule { function: self.clone(), make, parts, quadratic };
            Ok((narrow(&out), Box::new(rule) as Box<dyn Rule<T>>))
        })
    }
}

struct FunctionRule<T: Scalar> {
    function: FunctionOf,
    make: Make<T>,
    /// By column.
    parts: Vec<Applied>,
    quadratic: bool,
}

impl<T: Scalar> Rule<T> for FunctionRule<T> {
    fn reverse(&self, operands: &[&[T]], _: &[T], up: &[T], wanted: &[bool]) -> Result<Adjoints<T>> {
        let action = (self.make)(&operands[1..])?;
        let columns = self.parts.len();
        let mut sums: Vec<Vec<f64>> = Vec::new();
        let mut of_v = vec![0.0; operands[0].len()];
        for (c, part) in self.parts.iter().enumerate() {
            let up: Vec<f64> = up.iter().skip(c).step_by(columns).map(|v| v.to_f64()).collect();
            let (of_a, column) = match self.quadratic {
                true => self.function.pull_quadratic(action.as_ref(), part, up[0])?,
                false => self.function.pull_vector(action.as_ref(), part, &up)?,
            };
            for (sum, part) in sums.iter_mut().zip(&of_a) {
                sum.iter_mut().zip(part).for_each(|(s, p)| *s += p);
            }
            if c == 0 {
                sums = of_a;
            }
            of_v.iter_mut().skip(c).step_by(columns).zip(column).for_each(|(o, v)| *o = v);
        }
        let lists = std::iter::once(&of_v).chain(&sums).zip(wanted);
        Ok(lists.map(|(list, &wanted)| wanted.then(|| narrow(list))).collect())
    }
}
