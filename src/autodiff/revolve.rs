//! Binomial checkpoints (Griewank and Walther, ACM Trans. Math. Softw. 26, 2000, algorithm 799, revolve).

use super::handle::{Dense, Number};
use super::sweep::Sweep;
use super::tape::Tape;
use crate::error::Result;
use crate::sparse::Scalar;

impl<T, S, L> Sweep<'_, T, S, L>
where
    T: Scalar,
    S: for<'t> Fn(&'t Tape<T>, usize, &[Dense<'t, T>], &[Dense<'t, T>]) -> Vec<Dense<'t, T>>,
    L: for<'t> Fn(&'t Tape<T>, &[Dense<'t, T>], &[Dense<'t, T>]) -> Number<'t, T>,
{
    /// Backward through all steps with at most `snapshots` states kept, `start` included.
    pub(super) fn revolve(&mut self, steps: usize, start: &[Vec<T>], snapshots: usize) -> Result<()> {
        let mut kept = vec![(0, start.to_vec())];
        let mut last = steps;
        while let Some((first, state)) = kept.last() {
            let (first, free) = (*first, snapshots.saturating_sub(kept.len()));
            if last == first + 1 {
                self.back(first, state)?;
                kept.pop();
                self.drop(1);
                last = first;
            } else if free == 0 {
                let before = self.advance(first, last - 1, state)?;
                self.back(last - 1, &before)?;
                last -= 1;
            } else {
                let middle = first + split(last - first, free + 1);
                let there = self.advance(first, middle, state)?;
                kept.push((middle, there));
                self.keep(1);
            }
        }
        Ok(())
    }
}

/// The number of steps before the next snapshot, for `steps` steps and `snapshots` snapshots, including the
/// one at the start. With r the smallest number of repetitions such that C(s + r, s) ≥ steps, it leaves
/// C(s + r − 1, s − 1) steps.
fn split(steps: usize, snapshots: usize) -> usize {
    // C(s + r, s) and C(s + r − 1, s − 1) = C(s + r, s) s / (s + r), for r = 0 at first.
    let (mut r, mut all) = (0usize, 1u128);
    while all < steps as u128 {
        r += 1;
        all = all * (snapshots + r) as u128 / r as u128;
    }
    let right = (all * snapshots as u128 / (snapshots + r).max(1) as u128) as usize;
    (steps - right.min(steps - 1)).max(1)
}
