//! Right-hand sides outside of the range of a singular matrix: the sentence that says by how much, and least squares.

use super::builder::Builder;
use super::configuration::Configuration;
use super::ladder::check_fill;
use super::null_vectors::{Component, Hints, NullVectors, Origin};
use super::value::Solver;
use crate::backend::{Cpu, predicted_nonzeros};
use crate::error::Result;
use crate::krylov::{Krylov, Outcome, Removed, SolveOptions, Status, dot, largest, norm};
use crate::limits;
use crate::multigrid::Setup;

/// Components that a sentence names.
const NAMED: usize = 3;
/// Null vectors of a component that are found by solves, one after another.
const FOUND: usize = 8;
/// Solves for one null vector, each with the remainder of the last.
const PASSES: usize = 3;
/// Iterations and relative residual of each.
const ITERATIONS: usize = 200;
const ACCURACY: f64 = 1e-10;
/// A limit of iterations that is taken as the wish of the user to have no further work.
const SHORT: usize = 60;
/// A remainder below this share of the right-hand side is rounding.
const NOTHING: f64 = 1e-14;
/// A part of the right-hand side above this share is named among those that were removed.
const NAMEABLE: f64 = 1e-12;

impl Solver {
    /// The sentence about a right-hand side that has no solution: the parts of b along null vectors of Aᵀ, by component.
    /// `None` if b is in the range as far as it is known. An automatic solver looks for a null vector by a solve with Aᵀ
    /// where constants and candidates explain nothing.
    pub(super) fn outside_of_range(
        &self,
        b: &[f64],
        out: &Outcome,
        options: &SolveOptions<'_>,
    ) -> Option<String> {
        let threshold = (options.options.rtol * norm(b)).max(options.options.atol);
        let mut known = self.null_vectors(true);
        let mut text = sentence(&known, b, threshold);
        let short = out.status == Status::MaxIterations && options.options.max_iterations <= SHORT;
        let short = short || limits::check().is_err();
        if text.is_none() && self.ladder.is_some() && !short && self.find(&mut known, b, &out.x) {
            text = sentence(&known, b, threshold);
        }
        text
    }

    /// Solves min ‖b − A x‖₂ for a singular A: b is projected onto the range of A, orthogonally to the null vectors of
    /// Aᵀ that are known or that solves find, and x is made orthogonal to those of A.
    pub(super) fn least_squares(&self, b: &[f64], mut options: SolveOptions<'_>) -> Result<Outcome> {
        options.least_squares = false;
        options.options.check(self.a.rows(), b)?;
        // Rounding leaves a part of this size along the null vectors.
        options.options.atol = options.options.atol.max(4.0 * f64::EPSILON * norm(b));
        let mut known = self.null_vectors(true);
        let mut rounds = 0;
        let (mut out, right) = loop {
            let mut right = known.project(b);
            if norm(&right) <= NOTHING * norm(b) {
                right.fill(0.0);
            }
            let out = self.plain(&right, options.again())?;
            rounds += 1;
            if out.converged() || rounds > FOUND || !self.find(&mut known, &right, &out.x) {
                break (out, right);
            }
        };
        out.removed = Some(self.removed(&known, b, &right));
        if out.converged() {
            let own = if self.a.is_symmetric() { known } else { self.null_vectors(false) };
            self.shorten(&own, &right, &mut out.x, options.options.rtol);
        } else if known.count() > 0 {
            let rest = out.advice.take().unwrap_or_default();
            out.advice = Some(format!(
                "the part of b outside the known range of A was removed, the rest is not solved; {rest}"
            ));
        }
        Ok(out)
    }

    /// The null vectors of Aᵀ or A that need no solve.
    pub(super) fn null_vectors(&self, transposed: bool) -> NullVectors {
        let scaling = self.transform.as_ref().map(|t| t.constant(transposed));
        let hints = Hints { candidates: self.candidates.as_deref(), scaling: scaling.as_deref() };
        NullVectors::of(&self.a, hints, transposed)
    }

    /// Adds null vectors of Aᵀ that are part of the residual b − A x, found by solves with Aᵀ: v = r − z with
    /// Aᵀ z = Aᵀ r. Returns whether there are some.
    fn find(&self, known: &mut NullVectors, b: &[f64], x: &[f64]) -> bool {
        let mut r = b.to_vec();
        if x.iter().all(|v| v.is_finite()) {
            Cpu.residual((&self.a).into(), b, x, &mut r, 1);
        }
        let answered = self.answered();
        let own = answered.as_deref().unwrap_or(self);
        own.find_with(known, &r) || self.factored().is_some_and(|solver| solver.find_with(known, &r))
    }

    fn find_with(&self, known: &mut NullVectors, r: &[f64]) -> bool {
        let mut v = known.project(r);
        for _ in 0..PASSES {
            let size = largest(&v);
            if !(size > 0.0 && size.is_finite()) {
                return false;
            }
            v.iter_mut().for_each(|v| *v /= size);
            if known.try_vector(&self.a, &v, Origin::Found) > 0 {
                return true;
            }
            let product = known.product(&self.a, &v);
            let options =
                SolveOptions::new().rtol(ACCURACY).max_iterations(ITERATIONS).krylov(Krylov::Fgmres);
            let Ok(out) = self.solve_transposed_for(&self.a, &product, options) else { return false };
            v.iter_mut().zip(&out.x).for_each(|(v, z)| *v -= z);
            v = known.project(&v);
        }
        known.try_vector(&self.a, &v, Origin::Found) > 0
    }

    /// A solver by sparse factors, where they fit and this one has none.
    pub(super) fn factored(&self) -> Option<Solver> {
        if *self.setup() == Setup::Direct {
            return None;
        }
        let fill = predicted_nonzeros(self.operator().pattern()).unwrap_or(f64::INFINITY);
        check_fill(fill, crate::krylov::DIRECT_LIMIT).ok()?;
        Builder::from(Configuration::direct()).build_within(&self.a, self.transform.as_ref()).ok()
    }

    /// Makes the solution by sparse factors orthogonal to the null vectors of A that are known: rounding decides its part along
    /// them. Other solutions, and those from an initial guess, stay as they are.
    pub(super) fn without_null_vectors(
        &self,
        b: &[f64],
        mut out: Outcome,
        options: &SolveOptions<'_>,
    ) -> Outcome {
        let factored =
            self.answered().map_or(*self.setup() == Setup::Direct, |s| *s.setup() == Setup::Direct);
        if !factored || !out.converged() || options.options.initial_guess.is_some() {
            return out;
        }
        let known = self.null_space.get_or_init(|| self.null_vectors(false));
        if known.count() > 0 {
            self.shorten(known, b, &mut out.x, options.options.rtol);
        }
        out
    }

    /// A residual without its parts along the null vectors of Aᵀ that are known: they are rounding, and no correction of x
    /// reduces them.
    pub(super) fn in_range(&self, r: Vec<f64>) -> Vec<f64> {
        let known = match self.has_symmetric_matrix() {
            true => self.null_space.get_or_init(|| self.null_vectors(false)),
            false => &self.null_vectors(true),
        };
        if known.count() > 0 { known.project(&r) } else { r }
    }

    /// Makes x orthogonal to these null vectors of A, unless rounding spoils the residual.
    fn shorten(&self, known: &NullVectors, b: &[f64], x: &mut Vec<f64>, rtol: f64) {
        let shorter = known.project(x);
        let mut r = vec![0.0; b.len()];
        Cpu.residual((&self.a).into(), b, &shorter, &mut r, 1);
        let after = norm(&r);
        Cpu.residual((&self.a).into(), b, x, &mut r, 1);
        if after <= (rtol * norm(b)).max(norm(&r)) {
            *x = shorter;
        }
    }

    fn removed(&self, known: &NullVectors, b: &[f64], right: &[f64]) -> Removed {
        let part: Vec<f64> = b.iter().zip(right).map(|(b, p)| b - p).collect();
        let size = norm(b);
        let relative = if size > 0.0 { norm(&part) / size } else { 0.0 };
        Removed {
            norm: norm(&part),
            relative,
            null_vectors: known.count(),
            parts: conditions(known, b, NAMEABLE * size, usize::MAX).0,
        }
    }
}

/// The sentence about the parts of b along the null vectors, if they are above the threshold in norm.
fn sentence(known: &NullVectors, b: &[f64], threshold: f64) -> Option<String> {
    let share = threshold / (known.components.len().max(1) as f64).sqrt();
    let (parts, others, outside) = conditions(known, b, share, NAMED);
    if outside <= threshold || parts.is_empty() {
        return None;
    }
    let others = if others > 0 { format!("; and {others} other components") } else { String::new() };
    Some(format!(
        "the matrix is singular and {:.1e} of this right-hand side (in norm) is outside its range, so no solution exists: {}{others}; a least-squares solution is given on request (SolveOptions::least_squares, --least-squares)",
        outside / norm(b),
        parts.join("; ")
    ))
}

/// The conditions that b violates by more than `share` in norm, the worst components first; the number of those that
/// are not listed, and the norm of all parts outside the range.
fn conditions(known: &NullVectors, b: &[f64], share: f64, most: usize) -> (Vec<String>, usize, f64) {
    let outside = |c: &Component| c.outside(&c.of(b));
    let mut found: Vec<(usize, f64)> = known.components.iter().map(outside).enumerate().collect();
    let all = norm(&found.iter().map(|(_, size)| *size).collect::<Vec<_>>());
    found.retain(|&(_, size)| size > share);
    found.sort_by(|p, q| q.1.total_cmp(&p.1));
    let others = found.len().saturating_sub(most);
    let words = found.iter().take(most).map(|&(number, _)| condition(known, number, b, share));
    (words.collect(), others, all)
}

/// The words about one component.
fn condition(known: &NullVectors, number: usize, b: &[f64], share: f64) -> String {
    let component = &known.components[number];
    let own = component.of(b);
    let size = norm(&own);
    let count = component.rows.len();
    let place = match known.components.len() {
        1 => String::new(),
        all => format!("component {} of {all} ({}): ", number + 1, rows(&component.rows)),
    };
    let parts = component.vectors.iter().filter_map(|vector| {
        let product = dot(&vector.values, &own);
        let length = norm(&vector.values);
        (product.abs() > share * length).then(|| match vector.origin {
            Origin::Constant if count == 1 => zero_row(component.rows[0], product),
            Origin::Constant => format!(
                "the right-hand side sums to {product:.3e} (its norm there is {size:.3e}) and must sum to 0; subtract its mean {:.3e} there",
                product / count as f64
            ),
            Origin::Direction(d) => {
                let name = match (known.block, d) {
                    (2 | 3, d) => format!("the forces along {}", ["x", "y", "z"][d.min(2)]),
                    _ => format!("the values of unknown {} of the nodes", d + 1),
                };
                format!("{name} sum to {product:.3e} (norm of the right-hand side {size:.3e}) and must sum to 0")
            }
            Origin::Candidate(j) => {
                let name = if matches!(known.block, 2 | 3) { "the moment by candidate" } else { "the product with candidate" };
                format!("{name} {} is {product:.3e} (norm of the right-hand side {size:.3e}) and must be 0", j + 1)
            }
            Origin::Constraints => format!(
                "the right-hand sides of the constraints sum to {product:.3e} (norm of the right-hand side {size:.3e}) and must sum to 0"
            ),
            Origin::ZeroRow => {
                let place = vector.values.iter().position(|v| *v != 0.0).unwrap_or(0);
                zero_row(component.rows[place], product)
            }
            Origin::Scaling | Origin::Found => {
                let most = largest(&vector.values);
                let place = vector.values.iter().position(|v| v.abs() == most).unwrap_or(0);
                format!(
                    "the product of the right-hand side with a null vector of Aᵀ of norm 1 (largest in row {}) is {:.3e} (norm of the right-hand side {size:.3e}) and must be 0",
                    component.rows[place] + 1,
                    product / length
                )
            }
        })
    });
    let parts: Vec<String> = parts.collect();
    match parts.is_empty() {
        true => format!(
            "{place}a combination of null vectors of Aᵀ has a product with the right-hand side that must be 0"
        ),
        false => format!("{place}{}", parts.join(", ")),
    }
}

fn zero_row(row: u32, value: f64) -> String {
    format!("row {} is all zeros and its right-hand side is {value:.3e}; remove that equation", row + 1)
}

/// The rows of a component in words, counted from 1.
fn rows(rows: &[u32]) -> String {
    let (first, last) = (rows[0] + 1, rows[rows.len() - 1] + 1);
    match rows.len() {
        1 => format!("row {first}"),
        n if (last - first) as usize + 1 == n => format!("rows {first} to {last}, {n} unknowns"),
        n => format!("{n} unknowns among rows {first} to {last}"),
    }
}
