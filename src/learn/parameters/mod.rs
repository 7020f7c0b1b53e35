//! The learned parameters of a hierarchy: flat buffers with their scaling.

mod collect;
mod factor_scalars;

use std::sync::Arc;

use self::collect::Values;
pub(super) use self::collect::factor_unit;
use self::factor_scalars::FactorScalars;
use super::target::Target;
use crate::cycle_tape::{Parameter, Recorded, Tape, TapeVector};
use crate::engine::{Host, Leaves, Reversible};
use crate::error::Result;
use crate::multigrid::{Hierarchy, Place, Role, Smoother};
use crate::sparse::{Pattern, Scalar, Storage};

/// The learned leaves of a hierarchy, one flat buffer each.
///
/// Row i of a learned M⁽ˡ⁾ is measured in units of 1/|a(i,i)|; with pivots p of the start, lᵢⱼ in units of
/// min(1, |pᵢ/pⱼ|) and uᵢⱼ in units of min(|pᵢ|, |pⱼ|); a row of P or a column of R in units of its largest entry,
/// β of a polynomial in units of its first size, α, a damping and scalars of factors in units of one, so that one
/// rate suits all rows of all levels.
///
/// A leaf may be tied to another one: it has the same values, those of a matrix in the order of its
/// transpose, and it has no buffer. Factors with learned scalars are functions of a buffer that several leaves share.
#[derive(Debug, Clone)]
pub struct Parameters<T> {
    leaves: Vec<Leaf<T>>,
    values: Vec<Arc<Storage<T>>>,
    scaling: Vec<Vec<T>>,
}

/// The place of a buffer in the hierarchy.
#[derive(Debug, Clone)]
struct Leaf<T> {
    place: Place,
    /// Number of the buffer.
    number: usize,
    /// The values as a function of the buffer, if they are not its own.
    tie: Option<Tie<T>>,
}

/// The values of a leaf as a function of a buffer.
#[derive(Debug, Clone)]
pub(super) enum Tie<T> {
    /// The values of a matrix of this pattern in the order of its transpose.
    Transposed(Arc<Pattern>),
    /// Factors with these scalars.
    Scalars(Arc<FactorScalars<T>>),
}

impl<T: Scalar> Tie<T> {
    fn read(&self, buffer: &[T]) -> Vec<T> {
        match self {
            Tie::Transposed(pattern) => {
                pattern.transposition().source.iter().map(|&p| buffer[p as usize]).collect()
            }
            Tie::Scalars(scalars) => scalars.values(buffer),
        }
    }

    /// Number of values.
    fn len(&self) -> usize {
        match self {
            Tie::Transposed(pattern) => pattern.nnz(),
            Tie::Scalars(scalars) => scalars.len(),
        }
    }

    /// Adds the gradient with respect to the buffer, given that with respect to the values.
    fn add_gradient(&self, buffer: &[T], gradient: &[T], sum: &mut [T]) {
        match self {
            Tie::Transposed(pattern) => {
                for (&p, &g) in pattern.transposition().source.iter().zip(gradient) {
                    sum[p as usize] += g;
                }
            }
            Tie::Scalars(scalars) => {
                sum.iter_mut().zip(scalars.gradient(buffer, gradient)).for_each(|(s, g)| *s += g);
            }
        }
    }
}

/// The values of a leaf.
fn read<T: Scalar>(buffer: &Arc<Storage<T>>, tie: Option<&Tie<T>>) -> Arc<Storage<T>> {
    tie.map_or_else(|| buffer.clone(), |tie| Storage::shared(tie.read(buffer)))
}

impl<T: Scalar> Parameters<T> {
    /// Every sparse approximate inverse and every pair of factors among the smoothers of `h`, pre and
    /// post apart.
    pub fn relaxations(h: &Hierarchy<Host<f64>>) -> Self {
        Self::from_leaves(collect::relaxations(h))
    }

    /// The leaves of `h` that `learn` names. In a `symmetric` cycle a post-sweep is tied to its mirror image
    /// among the pre-sweeps, and R to P.
    ///
    /// # Errors
    /// With `symmetric`, a cycle that is not symmetric (see [`Hierarchy::is_symmetric`]), or pairs of
    /// factors that are not stored as transposes of each other.
    pub fn learned(h: &Hierarchy<Host<f64>>, learn: Target, symmetric: bool) -> Result<Self> {
        Ok(Self::from_leaves(collect::learned(h, learn, symmetric)?))
    }

    /// A buffer for every leaf with its own values.
    fn from_leaves(list: Vec<collect::Leaf>) -> Self {
        let mut all = Self { leaves: Vec::new(), values: Vec::new(), scaling: Vec::new() };
        let cast = |list: Vec<f64>| list.into_iter().map(T::from_f64).collect();
        // The buffer of every group of scalars.
        let mut groups: Vec<Option<usize>> = Vec::new();
        for collect::Leaf { place, values } in list {
            match values {
                Values::Own(values, units) => {
                    all.leaves.push(Leaf { place, number: all.values.len(), tie: None });
                    all.values.push(Storage::shared(cast(values)));
                    all.scaling.push(cast(units));
                }
                Values::Tied(owner, transposed) => {
                    if let Some(number) = all.leaf(owner).map(|leaf| leaf.number) {
                        let tie = transposed.map(Tie::Transposed);
                        all.leaves.push(Leaf { place, number, tie });
                    }
                }
                Values::Scalars { group, scalars } => {
                    groups.resize(groups.len().max(group + 1), None);
                    let number = *groups[group].get_or_insert_with(|| {
                        let count = scalars.count();
                        all.values.push(Storage::shared(vec![T::ZERO; count]));
                        all.scaling.push(vec![T::ONE; count]);
                        all.values.len() - 1
                    });
                    let tie = Some(Tie::Scalars(Arc::new(scalars.cast())));
                    all.leaves.push(Leaf { place, number, tie });
                }
            }
        }
        all
    }

    /// Number of buffers.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether nothing is learned.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Number of learned values in all buffers.
    pub fn count(&self) -> usize {
        self.values.iter().map(|v| v.len()).sum()
    }

    /// Number of values of every buffer.
    pub fn lengths(&self) -> Vec<usize> {
        self.values.iter().map(|v| v.len()).collect()
    }

    /// The buffers.
    pub fn values(&self) -> &[Arc<Storage<T>>] {
        &self.values
    }

    /// The unit in which every value is measured, on the buffers.
    pub fn scaling(&self) -> &[Vec<T>] {
        &self.scaling
    }

    /// A buffer to be changed, with its scaling.
    pub fn buffer_mut(&mut self, q: usize) -> (&mut [T], &[T]) {
        (&mut **Arc::make_mut(&mut self.values[q]), &self.scaling[q])
    }

    /// Takes the buffers of the same parameters on another hierarchy, as many as there are here.
    pub(super) fn take_buffers(&mut self, other: &Self) {
        self.values.iter_mut().zip(&other.values).for_each(|(own, new)| own.clone_from(new));
    }

    /// Whether all values are finite.
    pub fn finite(&self) -> bool {
        self.values.iter().all(|v| v.iter().all(|x| x.finite()))
    }

    fn leaf(&self, place: Place) -> Option<&Leaf<T>> {
        self.leaves.iter().find(|leaf| leaf.place == place)
    }

    /// The number of a leaf on the tape: that of its buffer, or one behind all buffers where the
    /// order of the values differs.
    fn recorded_as(&self, place: Place) -> Option<(usize, &Leaf<T>)> {
        let mut next = self.values.len();
        for leaf in &self.leaves {
            let number = if leaf.tie.is_some() { next } else { leaf.number };
            next += usize::from(leaf.tie.is_some());
            if leaf.place == place {
                return Some((number, leaf));
            }
        }
        None
    }

    /// `h` with these values as parameters 0, 1, … and everything else constant. Gradients come from
    /// [`backward`](Self::backward).
    pub fn record(&self, h: &Hierarchy<Host<T>>) -> Hierarchy<Recorded<Host<T>>> {
        let read =
            |number: usize, tie: Option<(usize, &Tie<T>)>| read(&self.values[number], tie.map(|t| t.1));
        self.record_as(h, read)
    }

    /// As [`record`](Self::record) for leaves that are held otherwise: `read` gives the values of a buffer, or their
    /// function if a tie is given, with its number among [`tied`](Self::tied).
    pub(super) fn record_as<L: Leaves>(
        &self,
        h: &Hierarchy<L>,
        mut read: impl FnMut(usize, Option<(usize, &Tie<T>)>) -> L::Values,
    ) -> Hierarchy<Recorded<L>> {
        let mut learned = |place| {
            let (number, leaf) = self.recorded_as(place)?;
            let tie = leaf.tie.as_ref().map(|tie| (number - self.values.len(), tie));
            Some(Parameter::learned(read(leaf.number, tie), number))
        };
        let mut recorded: Hierarchy<Recorded<L>> = h.map(
            |place, values| learned(place).unwrap_or_else(|| Parameter::constant(values.clone())),
            Clone::clone,
        );
        self.each_scalars(&mut recorded, |sweep, leaf| {
            if let Some(scalars) = learned(leaf.place) {
                *sweep = Smoother::Scaled { sweep: Box::new(sweep.clone()), scalars };
            }
        });
        recorded
    }

    /// The gradient with respect to every buffer, for a loss whose gradient with respect to `output`
    /// is `seed`: [`Tape::backward`], with what reaches tied leaves added up.
    ///
    /// # Errors
    /// As [`Tape::backward`].
    pub fn backward<X: Reversible<T>>(
        &self,
        tape: &Tape<T, X>,
        output: &TapeVector<T, X>,
        seed: &[T],
    ) -> Result<Vec<Vec<T>>> {
        self.backward_from(tape, &[(output, seed)])
    }

    /// As [`backward`](Self::backward), for a loss that depends on several outputs.
    ///
    /// # Errors
    /// As [`Tape::backward_from`].
    pub fn backward_from<X: Reversible<T>>(
        &self,
        tape: &Tape<T, X>,
        outputs: &[(&TapeVector<T, X>, &[T])],
    ) -> Result<Vec<Vec<T>>> {
        Ok(self.untied(tape.backward_from(&self.recorded_lengths(), outputs)?))
    }

    /// Gradients with respect to all recorded parameters, with what reaches tied leaves added up.
    pub(super) fn untied(&self, mut gradients: Vec<Vec<T>>) -> Vec<Vec<T>> {
        let behind = gradients.split_off(self.len());
        for ((number, tie), gradient) in self.tied().zip(behind) {
            tie.add_gradient(&self.values[number], &gradient, &mut gradients[number]);
        }
        gradients
    }

    /// Buffers of which other leaves are functions, with these functions: behind the buffers there is one recorded
    /// parameter for each.
    pub(super) fn tied(&self) -> impl Iterator<Item = (usize, &Tie<T>)> {
        self.leaves.iter().filter_map(|leaf| Some((leaf.number, leaf.tie.as_ref()?)))
    }

    /// Lengths of all recorded parameters.
    pub(super) fn recorded_lengths(&self) -> Vec<usize> {
        let mut lengths = self.lengths();
        lengths.extend(self.tied().map(|(_, tie)| tie.len()));
        lengths
    }

    /// `h`, in any precision, with these values in place of the present ones. Scalars become constants, so
    /// that the result costs no more than a classical solver of its kind.
    pub fn install<U: Scalar>(&self, h: &Hierarchy<Host<U>>) -> Hierarchy<Host<U>> {
        let mut installed: Hierarchy<Host<U>> = h.map(
            |place, values| match self.leaf(place) {
                Some(leaf) => {
                    let learned = read(&self.values[leaf.number], leaf.tie.as_ref());
                    Arc::new(learned.iter().map(|v| U::from_f64(v.to_f64())).collect())
                }
                None => values.clone(),
            },
            Clone::clone,
        );
        self.each_scalars(&mut installed, |sweep, leaf| {
            let scalars: Vec<f64> = self.values[leaf.number].iter().map(|v| v.to_f64()).collect();
            *sweep = sweep.with_scalars(&scalars);
        });
        installed
    }

    /// Every sweep whose scalars are learned.
    fn each_scalars<L: crate::engine::Leaves>(
        &self,
        h: &mut Hierarchy<L>,
        mut change: impl FnMut(&mut Smoother<L::Values>, &Leaf<T>),
    ) {
        for leaf in &self.leaves {
            let Some(level) = h.levels.get_mut(leaf.place.level) else { continue };
            let sweep = match leaf.place.role {
                Role::PreScalars(q) => level.pre.get_mut(q),
                Role::PostScalars(q) => level.post.get_mut(q),
                _ => None,
            };
            if let Some(sweep) = sweep {
                change(sweep, leaf);
            }
        }
    }
}
