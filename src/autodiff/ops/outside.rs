//! Operations whose values and reverse rules come from a module above this one.

use crate::autodiff::handle::{Dense, Handle};
use crate::autodiff::ops::Op as Any;
use crate::autodiff::reverse::Reverse;
use crate::autodiff::tape::{FAILED, Shape, Tape};
use crate::error::{Error, Result};
use crate::sparse::Scalar;

/// One optional contribution for every operand.
pub(crate) type Adjoints<T> = Vec<Option<Vec<T>>>;

/// The reverse rule of an operation.
pub(crate) trait Rule<T: Scalar>: Send {
    /// The contributions of the adjoint `up` of `result` to the adjoints of the operands, as many values as the
    /// operand has; `None` where `wanted` is false.
    fn reverse(&self, operands: &[&[T]], result: &[T], up: &[T], wanted: &[bool]) -> Result<Adjoints<T>>;
}

/// A recorded operation.
pub(crate) struct Outside<T: Scalar> {
    operands: Vec<usize>,
    rule: Box<dyn Rule<T>>,
}

impl<T: Scalar> Outside<T> {
    pub(super) fn reverse(&self, id: usize, up: &[T], r: &mut Reverse<'_, T>) -> Result<()> {
        let values: Vec<_> = self.operands.iter().map(|&q| r.value(q)).collect();
        let wanted: Vec<_> = self.operands.iter().map(|&q| r.wants(q)).collect();
        let parts = self.rule.reverse(&values, r.value(id), up, &wanted)?;
        for ((&operand, values), part) in self.operands.iter().zip(values).zip(parts) {
            let Some(part) = part else { continue };
            if part.len() != values.len() {
                return Err(Error::dimension(format!(
                    "a reverse rule returned {} values for an operand of {}",
                    part.len(),
                    values.len()
                )));
            }
            r.hand(operand, part);
        }
        Ok(())
    }
}

impl<T: Scalar> Tape<T> {
    /// Records a block of `columns` columns that `forward` computes from the values of the operands, with its
    /// reverse rule. `forward` must not use this tape.
    pub(crate) fn outside<'t>(
        &'t self,
        operands: &[&dyn Handle<T>],
        columns: usize,
        forward: impl FnOnce(&[&[T]]) -> Result<(Vec<T>, Box<dyn Rule<T>>)>,
    ) -> Dense<'t, T> {
        let operands: Vec<usize> = operands.iter().map(|h| self.place(*h)).collect();
        if operands.contains(&FAILED) {
            return Dense::new(self, FAILED);
        }
        let id = self.record(&operands.clone(), |nodes, _, _| {
            let values: Vec<&[T]> = operands.iter().map(|&q| &nodes[q].value[..]).collect();
            let (result, rule) = forward(&values)?;
            let shape = Shape::Dense(result.len() / columns.max(1), columns);
            Ok((result, shape, Any::Outside(Outside { operands, rule })))
        });
        Dense::new(self, id)
    }
}
