//! Reverse sweep.

use super::handle::{Handle, Number};
use super::kernels::put;
use super::tape::{FAILED, Node, Pool, Shape, Tape, Workspace};
use crate::error::{Error, Result};
use crate::sparse::{Pattern, Scalar};

/// Pending adjoints, and the parts of the tape that rules need.
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

    /// Whether this operand needs an adjoint.
    pub(super) fn wants(&self, id: usize) -> bool {
        self.nodes[id].op.is_some()
    }

    /// Calls `f(adjoint, add)` for an operand that needs it; without `add` the buffer is uninitialised and
    /// `f` must set every value.
    pub(super) fn with(&mut self, id: usize, f: impl FnOnce(&mut [T], bool)) {
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

    /// Adds the output of `f`, which must set every value.
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

    /// Adds `up` itself to the adjoint of an operand; the buffer becomes the adjoint if it is the first
    /// contribution.
    pub(super) fn hand(&mut self, id: usize, up: Vec<T>) {
        if self.wants(id) && self.adjoints[id].is_none() {
            self.bytes += up.len() * size_of::<T>();
            self.peak = self.peak.max(self.bytes);
            self.adjoints[id] = Some(up);
        } else {
            self.add(id, |q| up[q]);
            self.pool.put(up);
        }
    }

    fn zeros(&mut self, length: usize) -> Vec<T> {
        let mut zeros = self.pool.take(length);
        zeros.fill(T::ZERO);
        zeros
    }

    /// Calls `f` for the adjoints of two operands that both need theirs, with whether to add or to set every
    /// value, as in [`with`](Self::with).
    pub(super) fn with_two(
        &mut self,
        (a, b): (usize, usize),
        f: impl FnOnce((&mut [T], bool), (&mut [T], bool)),
    ) {
        let add = (self.adjoints[a].is_some(), self.adjoints[b].is_some());
        // Create missing adjoints.
        self.with(a, |_, _| {});
        self.with(b, |_, _| {});
        let (mut left, mut right) = (self.adjoints[a].take(), self.adjoints[b].take());
        if let (Some(left), Some(right)) = (&mut left, &mut right) {
            f((left, add.0), (right, add.1));
        }
        (self.adjoints[a], self.adjoints[b]) = (left, right);
    }

    /// Calls `f` with the adjoint of an operand that needs it, for adding.
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
    /// The address of the tape.
    home: usize,
}

fn address<T: Scalar>(tape: &Tape<T>) -> usize {
    std::ptr::from_ref(tape) as usize
}

impl<T: Scalar> Gradients<T> {
    /// The gradient with respect to a parameter: one value per entry of its pattern or block,
    /// row-major.
    ///
    /// # Errors
    /// A handle that is not a parameter.
    pub fn of(&self, parameter: impl Handle<T>) -> Result<&[T]> {
        Ok(&self.list[self.place(&parameter)?].1)
    }

    /// Memory in bytes.
    pub fn bytes(&self) -> usize {
        self.list.iter().map(|g| g.1.len() * size_of::<T>()).sum()
    }

    /// The list, after passing every buffer to `free`.
    pub(super) fn into_list(mut self, free: impl FnMut(Vec<T>)) -> Vec<(usize, Vec<T>)> {
        self.list.drain(..).map(|g| g.1).for_each(free);
        self.list
    }

    fn place(&self, handle: &impl Handle<T>) -> Result<usize> {
        if address(handle.home()) != self.home {
            return Err(Error::invalid_input("a gradient of one tape for a parameter of another"));
        }
        let missing = "only a parameter has a gradient; make it with `Tape::parameter…`";
        self.list.binary_search_by_key(&handle.id(), |g| g.0).map_err(|_| Error::invalid_input(missing))
    }

    /// Takes a gradient out of the list.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub fn take(&mut self, parameter: impl Handle<T>) -> Result<Vec<T>> {
        let at = self.place(&parameter)?;
        Ok(std::mem::take(&mut self.list[at].1))
    }

    /// Adds the gradients of another sweep over the same parameters, times `weight`.
    ///
    /// # Errors
    /// Other parameters.
    pub fn accumulate(&mut self, weight: T, other: &Self) -> Result<()> {
        let pairs = || self.list.iter().zip(&other.list);
        let alike = pairs().all(|(a, b)| a.0 == b.0 && a.1.len() == b.1.len());
        if self.list.len() != other.list.len() || !alike {
            return Err(Error::dimension("gradients of other parameters cannot be added"));
        }
        for (to, from) in self.list.iter_mut().zip(&other.list) {
            to.1.iter_mut().zip(&from.1).for_each(|(a, &b)| *a += weight * b);
        }
        Ok(())
    }
}

impl<T: Scalar> Tape<T> {
    /// Returns gradients to the pool, so that the next sweep reuses their memory. A training loop that calls
    /// this allocates nothing after its first steps.
    pub fn recycle(&self, gradients: Gradients<T>) {
        let mut pool = self.pool.borrow_mut();
        let list = gradients.into_list(|buffer| pool.put(buffer));
        self.workspace.borrow_mut().gradients = list;
    }

    /// The gradients of Σ ⟨`seed`, output⟩ over several outputs: vector-Jacobian products. Cost: about twice
    /// that of the recorded operations. Their memory can be [returned](Tape::recycle) to the tape.
    ///
    /// # Errors
    /// The first error on the tape, a seed of another length than its output, a rule that
    /// cannot be evaluated (a solve with a singular transpose).
    pub fn backward(&self, outputs: &[(&dyn Handle<T>, &[T])]) -> Result<Gradients<T>> {
        let nodes = self.nodes.borrow();
        let mut pool = self.pool.borrow_mut();
        if outputs.iter().any(|(h, _)| self.place(*h) == FAILED) {
            return Err(self.error());
        }
        for (handle, seed) in outputs {
            let node = &nodes[handle.id()];
            if seed.len() != node.value.len() {
                return Err(Error::dimension(format!("a seed of {} values for {}", seed.len(), node.shape)));
            }
        }
        let last = outputs.iter().map(|(h, _)| h.id() + 1).max().unwrap_or(0);
        let Workspace { mut adjoints, gradients: mut list } = self.workspace.take();
        adjoints.clear();
        adjoints.resize_with(last, || None);
        let mut r = Reverse { nodes: &nodes, adjoints, pool: &mut pool, bytes: 0, peak: 0 };
        for id in (0..last).rev() {
            let Some(op) = &nodes[id].op else { continue };
            let mut seeds = outputs.iter().filter(|(h, _)| h.id() == id).map(|(_, seed)| *seed);
            let mut upstream = r.adjoints[id].take();
            if let (None, Some(seed)) = (&upstream, seeds.clone().next()) {
                // The only seed of an output need not be copied, unless it becomes an adjoint.
                if seeds.clone().count() == 1 && op.passes_to().is_none() && !op.is_parameter() {
                    op.reverse(id, seed, &mut r)?;
                    continue;
                }
            }
            if seeds.clone().next().is_some() {
                r.adjoints[id] = upstream;
                seeds.by_ref().for_each(|seed| r.add(id, |q| seed[q]));
                upstream = r.adjoints[id].take();
            }
            if op.is_parameter() {
                let length = nodes[id].value.len();
                list.push((id, upstream.unwrap_or_else(|| r.zeros(length))));
            } else if let Some(upstream) = upstream {
                op.reverse(id, &upstream, &mut r)?;
                r.bytes -= upstream.len() * size_of::<T>();
                match op.passes_to() {
                    Some(operand) => r.hand(operand, upstream),
                    None => r.pool.put(upstream),
                }
            }
        }
        list.reverse();
        // Parameters after all outputs do not affect them.
        for (id, node) in nodes.iter().enumerate().skip(last) {
            if node.op.as_ref().is_some_and(|op| op.is_parameter()) {
                list.push((id, r.zeros(node.value.len())));
            }
        }
        self.peak.set(self.peak.get().max(r.peak));
        let adjoints = std::mem::take(&mut r.adjoints);
        self.workspace.borrow_mut().adjoints = adjoints;
        Ok(Gradients { list, home: address(self) })
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
