//! The learned leaves of a hierarchy, and their units.

use std::sync::Arc;

use super::factor_scalars::FactorScalars;
use crate::engine::{Host, Matrix};
use crate::error::{Error, Result};
use crate::learn::target::{LearnedSmoother, Target};
use crate::multigrid::{Hierarchy, Level, Part, Place, Role, Smoother};
use crate::sparse::{Pattern, Storage};

type Sweep = Smoother<Arc<Storage<f64>>>;

/// A learned leaf.
pub struct Leaf {
    pub place: Place,
    pub values: Values,
}

/// The values of a learned leaf.
pub enum Values {
    /// Values, and the unit of each.
    Own(Vec<f64>, Vec<f64>),
    /// The values of the leaf at another place, in the order of the transpose if a pattern is given.
    Tied(Place, Option<Arc<Pattern>>),
    /// Factors with scalars that all leaves of a group share.
    Scalars { group: usize, scalars: FactorScalars<f64> },
}

/// Leaves in the order of their buffers; every owner is before the leaves that are tied to it.
#[derive(Default)]
struct List(Vec<Leaf>);

impl List {
    /// Adds a leaf with its own values; a leaf without values is left out.
    fn push(&mut self, place: Place, values: &[f64], units: impl Iterator<Item = f64>) {
        if !values.is_empty() {
            self.0.push(Leaf { place, values: Values::Own(values.to_vec(), units.collect()) });
        }
    }

    /// Adds a leaf with the values of another one, if that is learned.
    fn tie(&mut self, place: Place, owner: Place, transposed: Option<&Arc<Pattern>>) {
        if self.holds(owner) {
            self.0.push(Leaf { place, values: Values::Tied(owner, transposed.cloned()) });
        }
    }

    /// Whether this leaf is learned.
    fn holds(&self, place: Place) -> bool {
        self.0.iter().any(|leaf| leaf.place == place)
    }
}

/// Every M and every pair of factors, pre and post apart.
pub fn relaxations(h: &Hierarchy<Host<f64>>) -> Vec<Leaf> {
    let mut all = List::default();
    for (depth, level) in h.levels.iter().enumerate() {
        let diagonal = level.a.to_csr().diagonal();
        for (role, sweep) in sweeps(level, Part::Values, false) {
            push_values(&mut all, Place { level: depth, role }, sweep, (&level.a.pattern, &diagonal));
        }
    }
    all.0
}

/// The leaves of `learn`, with post-sweeps and R tied in a `symmetric` cycle.
///
/// # Errors
/// With `symmetric`, a cycle that is not symmetric, or pairs of factors that are not stored as transposes of each other.
pub fn learned(h: &Hierarchy<Host<f64>>, learn: Target, symmetric: bool) -> Result<Vec<Leaf>> {
    let mut list = List::default();
    let all = &mut list;
    if symmetric && !h.is_symmetric() {
        return Err(Error::unsuited(
            "only a symmetric cycle can stay symmetric: A symmetric, R = Pᵀ and post-sweeps that are transposes of the pre-sweeps",
        ));
    }
    for (depth, level) in h.levels.iter().enumerate() {
        let at = |role| Place { level: depth, role };
        match learn.smoother() {
            None => {}
            Some(LearnedSmoother::Scalars) => push_factor_scalars(all, depth, level, symmetric)?,
            Some(kind @ (LearnedSmoother::Chebyshev | LearnedSmoother::Damping)) => {
                for (role, sweep) in sweeps(level, Part::Scalars, symmetric) {
                    let polynomial = matches!(sweep, Smoother::Chebyshev { .. });
                    if polynomial == (kind == LearnedSmoother::Chebyshev) {
                        push_scalars(all, at(role), sweep);
                    }
                }
            }
            Some(_) => {
                let diagonal = level.a.to_csr().diagonal();
                for (role, sweep) in sweeps(level, Part::Values, symmetric) {
                    push_values(all, at(role), sweep, (&level.a.pattern, &diagonal));
                }
            }
        }
        if symmetric && learn.smoother() != Some(LearnedSmoother::Scalars) {
            tie_sweeps(all, depth, level)?;
        }
        if learn.interpolation() {
            push_transfer(all, at(Role::Prolongation), &level.prolongation, |i, _| i);
        }
        if learn.interpolation() && symmetric {
            let pattern = Some(&level.prolongation.pattern);
            all.tie(at(Role::Restriction), at(Role::Prolongation), pattern);
        } else if learn.restriction() {
            push_transfer(all, at(Role::Restriction), &level.restriction, |_, j| j);
        }
    }
    Ok(list.0)
}

/// The sweeps of a level, or only those before the coarse-grid correction.
fn sweeps(level: &Level<Host<f64>>, part: Part, only_pre: bool) -> impl Iterator<Item = (Role, &Sweep)> {
    let post = if only_pre { &[][..] } else { &level.post[..] };
    let role = move |post| move |(q, s)| (Role::of_sweep(post, q, part), s);
    level.pre.iter().enumerate().map(role(false)).chain(post.iter().enumerate().map(role(true)))
}

/// Ties every learned post-sweep to its mirror image.
fn tie_sweeps(all: &mut List, depth: usize, level: &Level<Host<f64>>) -> Result<()> {
    for (q, (post, pre)) in level.post.iter().zip(level.pre.iter().rev()).enumerate() {
        let mirror = level.pre.len() - 1 - q;
        let place = |post, q, part| Place { level: depth, role: Role::of_sweep(post, q, part) };
        let pair = |part| (place(true, q, part), place(false, mirror, part));
        let (own, owner) = pair(Part::Scalars);
        all.tie(own, owner, None);
        let (own, owner) = pair(Part::Values);
        if let (Some(matrix), true) = (pre.matrix(), all.holds(owner)) {
            if let (Smoother::Factors { unit_lower: p, .. }, Smoother::Factors { unit_lower: q, .. }) =
                (pre, post)
                && p == q
            {
                return Err(Error::unsuited(format!(
                    "factors of a symmetric pair are stored as transposes, those after the correction on level {depth} are not; make them with `Smoother::transposed`"
                )));
            }
            all.tie(own, owner, Some(&matrix.pattern));
        }
    }
    Ok(())
}

/// Scalars on the factors of every sweep of a level: one group for the finest level and one for the others, before and
/// after the coarse-grid correction, or in a `symmetric` cycle for both.
fn push_factor_scalars(
    all: &mut List,
    depth: usize,
    level: &Level<Host<f64>>,
    symmetric: bool,
) -> Result<()> {
    let a = level.a.to_csr();
    for (role, sweep) in sweeps(level, Part::Values, false) {
        let Smoother::Factors { factors, unit_lower: true, .. } = sweep else {
            return Err(Error::unsuited(format!(
                "scalars are learned on incomplete factors with unit L, and level {depth} has {sweep}"
            )));
        };
        let post = usize::from(matches!(role, Role::Post(_)) && !symmetric);
        let group = 2 * depth.min(1) + post;
        let scalars = FactorScalars::new(&factors.to_csr(), &a, symmetric)?;
        let values = Values::Scalars { group, scalars };
        all.0.push(Leaf { place: Place { level: depth, role }, values });
    }
    Ok(())
}

/// M in units of 1/|a(i,i)|; factors in the units of [`factor_unit`]; interface values in units of |a(i,i)|.
fn push_values(all: &mut List, place: Place, sweep: &Sweep, (pattern, diagonal): (&Arc<Pattern>, &[f64])) {
    let m = match sweep {
        Smoother::Schwarz { subdomains, interface } => {
            let size = |i: usize| if diagonal[i] == 0.0 { 1.0 } else { diagonal[i].abs() };
            // A layout that cannot be made has no interface entries either.
            if let Ok(layout) = subdomains.layout(pattern) {
                all.push(place, interface, layout.interface_rows().map(size));
            }
            return;
        }
        Smoother::Sparse { m } | Smoother::Factors { factors: m, .. } => m.to_csr(),
        _ => return,
    };
    let pivots = m.diagonal();
    let unit = |i: usize, j: usize| match sweep {
        Smoother::Factors { unit_lower, .. } => factor_unit(&pivots, (i, j), *unit_lower),
        _ if diagonal[i] == 0.0 => 1.0,
        _ => 1.0 / diagonal[i].abs(),
    };
    let row = |i: usize| m.row(i).map(move |(j, _)| (i, j));
    all.push(place, m.values(), (0..m.rows()).flat_map(row).map(|(i, j)| unit(i, j)));
}

/// The unit of an entry of incomplete factors with these pivots p. An entry of the triangle with the unit diagonal is
/// measured in min(1, |pₗ/pₑ|), where e is the earlier and l the later of its row and column; other entries in
/// min(|pᵢ|, |pⱼ|). So both ends of an entry allow a step of this size, also where coefficients jump.
pub fn factor_unit(pivots: &[f64], (i, j): (usize, usize), unit_lower: bool) -> f64 {
    let (early, late) = (pivots[i.min(j)].abs(), pivots[i.max(j)].abs());
    if i != j && (j < i) == unit_lower { (late / early).min(1.0) } else { early.min(late) }
}

/// α and ω in units of one, β in units of its first size.
fn push_scalars(all: &mut List, place: Place, sweep: &Sweep) {
    let scalars = sweep.scalars();
    let polynomial = matches!(sweep, Smoother::Chebyshev { .. });
    let units = scalars
        .iter()
        .enumerate()
        .map(|(q, &v)| if polynomial && q % 2 == 1 && v != 0.0 { v.abs() } else { 1.0 });
    all.push(place, &scalars, units);
}

/// Entries in units of the largest of their group, the row of P or the column of R.
fn push_transfer(
    all: &mut List,
    place: Place,
    m: &Matrix<Arc<Storage<f64>>>,
    group: impl Fn(usize, usize) -> usize,
) {
    let m = m.to_csr();
    let mut largest = vec![0.0f64; m.rows().max(m.cols())];
    let entries = || (0..m.rows()).flat_map(|i| m.row(i).map(move |(j, v)| (i, j, v)));
    for (i, j, v) in entries() {
        let unit = &mut largest[group(i, j)];
        *unit = unit.max(v.abs());
    }
    let unit = |(i, j, _)| {
        let unit = largest[group(i, j)];
        if unit > 0.0 { unit } else { 1.0 }
    };
    all.push(place, m.values(), entries().map(unit));
}
