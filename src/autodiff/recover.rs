//! Recovery of the states of an iteration backwards.

use super::anderson::Anderson;
use crate::error::{Error, Result};
use crate::krylov::{axpy, dot, minimal_error, norm};

/// The method that solves x_{k+1} = f(y) for y = x_k. Memory: about six vectors, and those named below.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Inversion {
    /// Descent on ½ ‖x − f(y)‖² by the tape's products with the transposed Jacobian, with the step lengths of
    /// Barzilai and Borwein (1988). Slow; needs an f with an inverse only. Three vectors.
    Descent,
    /// y ← y + x − f(y), which converges if ‖I − ∂f/∂x‖ < 1: implicit Euler run backwards.
    FixedPoint,
    /// The same with Anderson acceleration over this many differences m. 3 m vectors.
    Anderson(usize),
    /// Newton's method, inexact. Its steps are solved by GMERR (Weiss, SIAM J. Sci. Comput. 15, 1994), which needs the
    /// tape's products with the transposed Jacobian only: one recording and at most 40 reverse sweeps a step, no
    /// differences. Fast where ∂f/∂x is symmetric or nearly normal, otherwise linear. At most 41 vectors.
    NewtonKrylov,
}

/// How states are recovered backwards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recovery {
    /// The method.
    pub inversion: Inversion,
    /// Solved once ‖x − f(y)‖₂ ≤ this times ‖x‖₂. An iteration that rounding stops before that is accepted within
    /// 100 machine precisions; any larger residual is an error.
    pub tolerance: f64,
    /// The largest number of evaluations of f for one state; a product with the Jacobian counts as one.
    pub evaluations: usize,
    /// The largest relative drift of a recovered state from its forward state, measured on up to 16 of them, the first
    /// included, by a few random sums. Beyond it the sweep stops with an error.
    pub drift: f64,
}

impl Default for Recovery {
    /// Anderson acceleration over 5 differences to 10⁻¹⁴, 500 evaluations, drift up to 10⁻⁶.
    fn default() -> Self {
        Self { inversion: Inversion::Anderson(5), tolerance: 1e-14, evaluations: 500, drift: 1e-6 }
    }
}

impl Recovery {
    /// Refuses meaningless settings.
    pub(super) fn check(&self) -> Result<()> {
        if !(self.tolerance > 0.0 && self.tolerance < 1.0) {
            return Err(Error::invalid_input(format!(
                "the tolerance of the recovery is {}; it must lie between 0 and 1, such as 1e-14",
                self.tolerance
            )));
        }
        if self.evaluations == 0 {
            return Err(Error::invalid_input(
                "a recovery needs at least one evaluation of the step; allow 500",
            ));
        }
        Ok(())
    }
}

/// The residual, in machine precisions, that counts as rounding.
const ROUNDING: f64 = 100.0;

/// Evaluations without a decrease of the residual by a tenth, after which rounding has the last word.
const PATIENCE: usize = 20;

/// The largest number of products for a Newton step, and its last relative change. More accurate steps do not pay for
/// Jacobians that are not normal: five linear maps of order 60 took 58 to 220 products with 10⁻¹, 114 to 1031 with 10⁻⁴.
const PRODUCTS: usize = 40;
const CHANGE: f64 = 0.1;

/// r to (∂f/∂y)ᵀ r.
pub(super) type Pull<'a> = &'a mut dyn FnMut(&[f64]) -> Result<Vec<f64>>;

/// A map f on plain vectors, with the transpose of its Jacobian.
pub(super) trait Invertible {
    /// f(y).
    fn value(&mut self, y: &[f64]) -> Result<Vec<f64>>;

    /// Calls `body` with f(y) and r ↦ (∂f/∂y)ᵀ r from one recording.
    fn linearised(&mut self, y: &[f64], body: &mut dyn FnMut(Vec<f64>, Pull<'_>) -> Result<()>)
    -> Result<()>;
}

/// The best iterate so far.
struct Best {
    y: Vec<f64>,
    residual: f64,
    evaluations: usize,
    stalled: usize,
}

impl Best {
    /// x − f(y), after its size has been compared with the best.
    fn judge(&mut self, x: &[f64], y: &[f64], image: &[f64]) -> Vec<f64> {
        let r: Vec<f64> = x.iter().zip(image).map(|(x, f)| x - f).collect();
        let residual = norm(&r) / norm(x).max(f64::MIN_POSITIVE);
        self.evaluations += 1;
        self.stalled = if residual < 0.9 * self.residual { 0 } else { self.stalled + 1 };
        if residual < self.residual {
            (self.y, self.residual) = (y.to_vec(), residual);
        }
        r
    }

    fn more(&self, recovery: &Recovery, patience: usize) -> bool {
        let left = self.evaluations < recovery.evaluations && self.stalled < patience;
        left && self.residual > recovery.tolerance
    }
}

/// y with f(y) = x, from a guess, in an arithmetic of machine precision `epsilon`.
///
/// # Errors
/// A residual above the tolerance and above rounding.
pub(super) fn invert(
    recovery: Recovery,
    epsilon: f64,
    map: &mut dyn Invertible,
    x: &[f64],
    guess: Vec<f64>,
) -> Result<Vec<f64>> {
    let mut best = Best { y: guess.clone(), residual: f64::INFINITY, evaluations: 0, stalled: 0 };
    match recovery.inversion {
        Inversion::FixedPoint => plain(&recovery, &mut best, map, x, guess, None)?,
        Inversion::Anderson(depth) => {
            let anderson = Anderson::new(depth.min(x.len()));
            plain(&recovery, &mut best, map, x, guess, Some(anderson))?;
        }
        Inversion::Descent => descent(&recovery, &mut best, map, x, guess)?,
        Inversion::NewtonKrylov => newton(&recovery, &mut best, map, x, guess)?,
    }
    if best.residual <= recovery.tolerance.max(ROUNDING * epsilon) {
        return Ok(best.y);
    }
    Err(Error::unsuited(format!(
        "a state could not be recovered backwards by {:?}: the residual is {:.1e} of the state after {} evaluations, the tolerance is {:.1e}; try another Inversion, or Checkpoints::Revolve, which needs no inverse",
        recovery.inversion, best.residual, best.evaluations, recovery.tolerance
    )))
}

/// y ← y + x − f(y), accelerated or not.
fn plain(
    recovery: &Recovery,
    best: &mut Best,
    map: &mut dyn Invertible,
    x: &[f64],
    mut y: Vec<f64>,
    mut anderson: Option<Anderson>,
) -> Result<()> {
    loop {
        let image = map.value(&y)?;
        let r = best.judge(x, &y, &image);
        if !best.more(recovery, PATIENCE) {
            return Ok(());
        }
        let mut next = y.clone();
        axpy(1.0, &r, &mut next);
        y = match &mut anderson {
            Some(anderson) => anderson.next(&y, &next),
            None => next,
        };
    }
}

/// y ← y + α Jᵀ (x − f(y)).
fn descent(
    recovery: &Recovery,
    best: &mut Best,
    map: &mut dyn Invertible,
    x: &[f64],
    mut y: Vec<f64>,
) -> Result<()> {
    let minus = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<f64>>();
    // The last iterate and its direction.
    let mut before: Option<(Vec<f64>, Vec<f64>)> = None;
    loop {
        let mut down = None;
        map.linearised(&y, &mut |image, pull| {
            let r = best.judge(x, &y, &image);
            // The residual of this method does not fall monotonically, so it needs more patience.
            if best.more(recovery, usize::MAX) {
                down = Some(pull(&r)?);
            }
            Ok(())
        })?;
        let Some(down) = down else { return Ok(()) };
        let length = before.as_ref().map_or(1.0, |(old, slope)| {
            let (s, d) = (minus(&y, old), minus(slope, &down));
            let curvature = dot(&s, &d);
            if curvature > 0.0 { dot(&s, &s) / curvature } else { 1.0 }
        });
        let mut next = y.clone();
        axpy(length, &down, &mut next);
        before = Some((y, down));
        y = next;
    }
}

/// y ← y + δ with J δ = x − f(y).
fn newton(
    recovery: &Recovery,
    best: &mut Best,
    map: &mut dyn Invertible,
    x: &[f64],
    mut y: Vec<f64>,
) -> Result<()> {
    loop {
        let mut step = None;
        map.linearised(&y, &mut |image, pull| {
            let r = best.judge(x, &y, &image);
            if best.more(recovery, PATIENCE) {
                let (delta, products) = minimal_error(pull, &r, CHANGE, PRODUCTS)?;
                best.evaluations += products;
                step = Some(delta);
            }
            Ok(())
        })?;
        let Some(step) = step else { return Ok(()) };
        axpy(1.0, &step, &mut y);
    }
}
