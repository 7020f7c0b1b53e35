//! Newton steps of programs whose local Jacobians exceed the memory.

use std::ops::Range;

use super::layered::{LayeredProgram, evaluate};
use super::plan::{Order, Plan};
use super::step::step_within;
use crate::error::Result;

/// Solves with the layers segment by segment, the last segment first.
///
/// A range of layers that is too long is cut into pieces; the states at their starts are kept, and every piece is
/// treated in the same way. With s states, d levels of pieces reach (s / d + 1)ᵈ segments and repeat at most d q layers.
pub(super) struct Segments<'p, P> {
    program: &'p P,
    order: Order,
    memory: usize,
    /// States that are held at present.
    held: usize,
    /// Bytes of the largest local Jacobian so far.
    pub(super) largest: usize,
    pub(super) plan: Plan,
    /// Layers evaluated again.
    pub(super) repeated: usize,
}

impl<'p, P: LayeredProgram> Segments<'p, P> {
    pub(super) fn new(program: &'p P, order: Order, memory: usize) -> Self {
        let plan = Plan { groups: Vec::new(), operations: 0.0, factor_first: 0.0, accumulate_first: 0.0 };
        Self { program, order, memory, held: 0, largest: 1, plan, repeated: 0 }
    }

    /// The length of the pieces of a range of layers, or nothing if their local Jacobians fit into the memory together.
    pub(super) fn piece(&mut self, layers: usize, bytes: usize) -> Option<usize> {
        self.largest = self.largest.max(bytes);
        if layers <= 1
            || layers.saturating_mul(self.largest) <= self.memory - self.held_bytes().min(self.memory)
        {
            return None;
        }
        let fit = (self.memory / 2 / self.largest).max(1);
        let segments = layers.div_ceil(fit).max(2);
        let free = (self.memory / 2).saturating_sub(self.held_bytes()) / self.state_bytes();
        for levels in 1.. {
            let pieces = (free / levels + 1).max(2);
            if pieces.checked_pow(levels as u32).is_none_or(|reached| reached >= segments) {
                return Some(layers.div_ceil(pieces.min(segments)));
            }
        }
        None
    }

    fn state_bytes(&self) -> usize {
        8 * self.program.rows().max(1)
    }

    fn held_bytes(&self) -> usize {
        self.held.saturating_mul(self.state_bytes())
    }

    /// y ← (A_last ⋯ A_first)⁻¹ y for a range of layers, from the state before them.
    ///
    /// # Errors
    /// Those of the program and of the step.
    pub(super) fn solve(&mut self, layers: Range<usize>, state: &[f64], y: &mut Vec<f64>) -> Result<()> {
        if let Some(length) = self.piece(layers.len(), 1) {
            let mut starts = vec![state.to_vec()];
            let mut now = state.to_vec();
            for i in layers.start..layers.end.saturating_sub(1) {
                now = evaluate(self.program, i, &now)?;
                self.repeated += 1;
                if (i + 1 - layers.start).is_multiple_of(length) {
                    starts.push(now.clone());
                    if starts.len() == layers.len().div_ceil(length) {
                        break;
                    }
                }
            }
            return self.solve_pieces(layers, length, starts, y);
        }
        let (mut kept, mut bytes, mut now) = (Vec::new(), 0, state.to_vec());
        for i in layers.clone() {
            let a = self.program.jacobian(i, &now)?;
            bytes += a.bytes();
            self.largest = self.largest.max(a.bytes());
            kept.push(a);
            if bytes > self.memory && layers.len() > 1 {
                // Larger than those before: shorter pieces.
                drop(kept);
                return self.solve(layers, state, y);
            }
            if i + 1 < layers.end {
                now = evaluate(self.program, i, &now)?;
                self.repeated += 1;
            }
        }
        let (step, plan) = step_within(kept, y, self.order, self.memory, layers.start)?;
        *y = step;
        self.plan.groups.splice(0..0, plan.groups);
        self.plan.operations += plan.operations;
        self.plan.factor_first += plan.factor_first;
        self.plan.accumulate_first += plan.accumulate_first;
        Ok(())
    }

    /// The same from the states at the starts of pieces of a length.
    ///
    /// # Errors
    /// Those of the program and of the step.
    pub(super) fn solve_pieces(
        &mut self,
        layers: Range<usize>,
        length: usize,
        mut starts: Vec<Vec<f64>>,
        y: &mut Vec<f64>,
    ) -> Result<()> {
        while let Some(state) = starts.pop() {
            let from = layers.start + starts.len() * length;
            let before = self.held;
            self.held += starts.len();
            self.solve(from..layers.end.min(from + length), &state, y)?;
            self.held = before;
        }
        Ok(())
    }
}
