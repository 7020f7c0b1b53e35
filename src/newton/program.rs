//! Programs in layers and their Newton steps.

use super::layered::{LayeredProgram, evaluate};
use super::plan::{Order, Plan};
use super::segments::Segments;
use super::step::step_within;
use crate::error::{Error, Result};

/// A residual F with its Newton steps.
pub trait Program {
    /// The number of unknowns and of equations.
    fn rows(&self) -> usize;

    /// F(x).
    ///
    /// # Errors
    /// Errors of the program.
    fn value(&self, x: &[f64]) -> Result<Vec<f64>>;

    /// F(x) and J(x)⁻¹ F(x), with at most `memory` bytes of local Jacobians at a time.
    ///
    /// # Errors
    /// A singular local Jacobian, with its layer; errors of the program.
    fn linearised(&self, x: &[f64], order: Order, memory: usize) -> Result<Linearised>;
}

/// A residual and its Newton step.
#[derive(Debug, Clone, PartialEq)]
pub struct Linearised {
    /// F(x).
    pub value: Vec<f64>,
    /// J⁻¹ F(x).
    pub step: Vec<f64>,
    /// The groups of layers and the operations of the step.
    pub plan: Plan,
    /// Layers evaluated a second time, because not all local Jacobians fit into the memory.
    pub repeated: usize,
}

impl<P: LayeredProgram> Program for P {
    fn rows(&self) -> usize {
        LayeredProgram::rows(self)
    }

    fn value(&self, x: &[f64]) -> Result<Vec<f64>> {
        (0..self.layers()).try_fold(x.to_vec(), |x, i| evaluate(self, i, &x))
    }

    /// Local Jacobians that do not fit are formed segment by segment, from checkpoints of the states, the last segment
    /// first. Half of the memory is for states. At least one local Jacobian and log₂ q states are held, whatever the
    /// memory; products ([`Order::AccumulateFirst`] and planned ones) stay within a segment.
    fn linearised(&self, x: &[f64], order: Order, memory: usize) -> Result<Linearised> {
        let q = self.layers();
        if q == 0 {
            return Err(Error::invalid_input("a program of no layer has no Jacobian"));
        }
        let mut segments = Segments::new(self, order, memory);
        let mut state = x.to_vec();
        let first = self.jacobian(0, x)?.bytes();
        let length = segments.piece(q, first);
        let (mut starts, mut kept, mut bytes) = (Vec::new(), Vec::new(), 0);
        let mut fits = length.is_none();
        for i in 0..q {
            if fits {
                let a = self.jacobian(i, &state)?;
                bytes += a.bytes();
                segments.largest = segments.largest.max(a.bytes());
                fits = bytes <= memory;
                kept.push(a);
                if !fits {
                    kept = Vec::new();
                }
            } else if length.is_some_and(|length| i.is_multiple_of(length)) {
                starts.push(state.clone());
            }
            state = evaluate(self, i, &state)?;
        }
        let value = state;
        if fits {
            let (step, plan) = step_within(kept, &value, order, memory, 0)?;
            return Ok(Linearised { value, step, plan, repeated: 0 });
        }
        let mut y = value.clone();
        match length {
            Some(length) => segments.solve_pieces(0..q, length, starts, &mut y)?,
            None => segments.solve(0..q, x, &mut y)?,
        }
        Ok(Linearised { value, step: y, plan: segments.plan, repeated: segments.repeated })
    }
}
