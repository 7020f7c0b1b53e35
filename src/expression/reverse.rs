//! The reverse sweep.

use super::handle::{Handle, Number};
use super::kernels::put;
use super::tape::{FAILED, Node, Pool, Shape, Tape};
use crate::error::{Error, Result};
use crate::sparse::{Pattern, Scalar};

/// Adjoints under way, and what rules need of the tape.
pub(super) struct Reverse<'a, T: Scalar> {
    pub(super) nodes: &'a [Node<T>],
    adjoints: Vec<Option<Vec<T>>>,
    pub(super) pool: &'a mut Pool<T>,
    bytes: usize,
    peak: usize,
}

impl<'a, T: Scalar> Reverse<'a, T> {
    pub(super) fn value(&self, id: usize) -> &'a [T] {
        &self.nodes[id].value
    }

    /// The pattern of a sparse operand.
    pub(super) fn pattern(&self, id: usize) -> &'a Pattern {
        match &self.nodes[id].shape {
            Shape::Sparse(pattern) => pattern,
            Shape::Dense(..) => unreachable!("a rule for sparse matrices"),
        }
    }

    /// Rows and columns.
    pub(super) fn extent(&self, id: usize) -> (usize, usize) {
        self.nodes[id].shape.extent()
    }

    /// Whether the gradient flows on into this operand.
    pub(super) fn wants(&self, id: usize) -> bool {
        self.nodes[id].op.is_some()
    }

    /// Calls `f(adjoint, add)` for an operand that wants it; without `add` the buffer holds
    /// nothing yet and `f` has to set every value.
    fn with(&mut self, id: usize, f: impl FnOnce(&mut [T], bool)) {
        if !self.wants(id) {
            return;
        }
        let add = self.adjoints[id].is_some();
        if !add {
            let length = self.nodes[id].value.len();
            self.adjoints[id] = Some(self.pool.take(length));
            self.bytes += length * size_of::<T>();
            self.peak = self.peak.max(self.bytes);
        }
        if let Some(buffer) = &mut self.adjoints[id] {
            f(buffer, add);
        }
    }

    /// Adds what `f` writes, which has to set every value.
    pub(super) fn sum(&mut self, id: usize, f: impl FnOnce(&mut [T])) {
        if self.wants(id) && self.adjoints[id].is_some() {
            let mut part = self.pool.take(self.nodes[id].value.len());
            f(&mut part);
            self.add(id, |q| part[q]);
            self.pool.put(part);
        } else {
            self.with(id, |g, _| f(g));
        }
    }

    /// Adds f(q) to value q of the adjoint of an operand.
    #[inline(always)]
    pub(super) fn add(&mut self, id: usize, f: impl Fn(usize) -> T + Sync + Send) {
        self.with(id, |g, add| put(add, g, f));
    }

    /// Calls `f` with the adjoint of an operand that wants it, to be added to.
    pub(super) fn zeroed(&mut self, id: usize, f: impl FnOnce(&mut [T])) {
        self.with(id, |g, add| {
            if !add {
                g.fill(T::ZERO);
            }
            f(g);
        });
    }
}

/// The gradients of one reverse sweep, by parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Gradients<T: Scalar> {
    /// By number on the tape, ascending.
    list: Vec<(usize, Vec<T>)>,
}

impl<T: Scalar> Gradients<T> {
    /// The gradient with respect to a parameter: one value per entry of its pattern or block,
    /// row-major.
    ///
    /// # Errors
    /// A handle that is not a parameter.
    pub fn of(&self, parameter: impl Handle<T>) -> Result<&[T]> {
        Ok(&self.list[self.place(parameter.id())?].1)
    }

    fn place(&self, id: usize) -> Result<usize> {
        let missing = "only a parameter has a gradient; make it with `Tape::parameter…`";
        self.list.binary_search_by_key(&id, |g| g.0).map_err(|_| Error::invalid_input(missing))
    }

    /// Takes a gradient out.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub fn take(&mut self, parameter: impl Handle<T>) -> Result<Vec<T>> {
        let at = self.place(parameter.id())?;
        Ok(std::mem::take(&mut self.list[at].1))
    }

    /// Adds the gradients of another sweep over the same parameters, times `weight`.
    ///
    /// # Errors
    /// Other parameters.
    pub fn accumulate(&mut self, weight: T, other: &Self) -> Result<()> {
        let alike = |(a, b): (&(usize, Vec<T>), &(usize, Vec<T>))| a.0 == b.0 && a.1.len() == b.1.len();
        if self.list.len() != other.list.len() || !self.list.iter().zip(&other.list).all(alike) {
            return Err(Error::dimension("gradients of other parameters cannot be added"));
        }
        for (to, from) in self.list.iter_mut().zip(&other.list) {
            to.1.iter_mut().zip(&from.1).for_each(|(a, &b)| *a += weight * b);
        }
        Ok(())
    }
}

impl<T: Scalar> Tape<T> {
    /// The gradients of Σ ⟨`seed`, output⟩ over several outputs: vector-Jacobian products. Cost: about
    /// twice what the recorded operations did.
    ///
    /// # Errors
    /// The first error on the tape, a seed of another length than its output, a rule that
    /// cannot be evaluated (a solve with a singular transpose).
    pub fn backward(&self, outputs: &[(&dyn Handle<T>, &[T])]) -> Result<Gradients<T>> {
        let nodes = self.nodes.borrow();
        let mut pool = self.pool.borrow_mut();
        if outputs.iter().any(|(h, _)| h.id() == FAILED) {
            return Err(self.error());
        }
        let last = outputs.iter().map(|(h, _)| h.id() + 1).max().unwrap_or(0);
        let adjoints = (0..last).map(|_| None).collect();
        let mut r = Reverse { nodes: &nodes, adjoints, pool: &mut pool, bytes: 0, peak: 0 };
        for (handle, seed) in outputs {
            let id = handle.id();
            if seed.len() != nodes[id].value.len() {
                return Err(Error::dimension(format!(
                    "a seed of {} values for {}",
                    seed.len(),
                    nodes[id].shape
                )));
            }
            r.add(id, |q| seed[q]);
        }
        let mut list = Vec::new();
        for id in (0..last).rev() {
            let Some(op) = &nodes[id].op else { continue };
            let upstream = r.adjoints[id].take();
            if op.is_parameter() {
                list.push((id, upstream.unwrap_or_else(|| vec![T::ZERO; nodes[id].value.len()])));
            } else if let Some(upstream) = upstream {
                op.reverse(id, &upstream, &mut r)?;
                r.bytes -= upstream.len() * size_of::<T>();
                r.pool.put(upstream);
            }
        }
        // Parameters that come after all outputs do not matter to them.
        for (id, node) in nodes.iter().enumerate().skip(last) {
            if node.op.as_ref().is_some_and(|op| op.is_parameter()) {
                list.push((id, vec![T::ZERO; node.value.len()]));
            }
        }
        self.peak.set(self.peak.get().max(r.peak));
        list.sort_unstable_by_key(|g| g.0);
        Ok(Gradients { list })
    }
}

impl<T: Scalar> Number<'_, T> {
    /// The gradients with respect to all parameters.
    ///
    /// # Errors
    /// As [`Tape::backward`].
    pub fn gradients(&self) -> Result<Gradients<T>> {
        self.tape().backward(&[(self, &[T::ONE])])
    }
}
