//! Stored steps of [`Lbfgs`](super::Lbfgs) and its direction (Liu and Nocedal, 1989).

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::vector::{axpy, dot, scale};
use crate::sparse::Scalar;

/// Steps s, differences y of the gradient, and s·y, the oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound = "T: Scalar")]
pub(super) struct Memory<T> {
    pairs: VecDeque<Pair<T>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound = "T: Scalar")]
struct Pair<T> {
    step: Vec<T>,
    change: Vec<T>,
    product: f64,
}

impl<T: Scalar> Memory<T> {
    pub fn new() -> Self {
        Self { pairs: VecDeque::new() }
    }

    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    pub fn clear(&mut self) {
        self.pairs.clear();
    }

    /// Whether all pairs have this many entries.
    pub fn fits(&self, length: usize) -> bool {
        self.pairs.iter().all(|p| p.step.len() == length && p.change.len() == length)
    }

    /// Stores the step between two points and their gradients, and drops the oldest if there are `length`
    /// already. A step without curvature is not stored: it would spoil the direction.
    pub fn remember(&mut self, length: usize, values: (&[T], &[T]), gradient: (&[T], &[T])) {
        let mut pair = if self.pairs.len() >= length { self.pairs.pop_front() } else { None }
            .unwrap_or_else(|| Pair { step: Vec::new(), change: Vec::new(), product: 0.0 });
        while self.pairs.len() >= length.max(1) {
            self.pairs.pop_front();
        }
        difference(values, &mut pair.step);
        difference(gradient, &mut pair.change);
        pair.product = dot(&pair.step, &pair.change);
        let size = dot(&pair.step, &pair.step).sqrt() * dot(&pair.change, &pair.change).sqrt();
        if length > 0 && pair.product.is_finite() && pair.product > T::EPSILON * size {
            self.pairs.push_back(pair);
        }
    }

    /// −H g by the two loops, with the initial H = (s·y)/(y·y) of the newest pair.
    pub fn direction(&self, gradient: &[T], direction: &mut [T]) {
        direction.iter_mut().zip(gradient).for_each(|(d, &g)| *d = -g);
        let Some(newest) = self.pairs.back() else { return };
        let mut weights = Vec::with_capacity(self.pairs.len());
        for pair in self.pairs.iter().rev() {
            let weight = dot(&pair.step, direction) / pair.product;
            axpy(-weight, &pair.change, direction);
            weights.push(weight);
        }
        scale(newest.product / dot(&newest.change, &newest.change), direction);
        for (pair, weight) in self.pairs.iter().zip(weights.into_iter().rev()) {
            let correction = dot(&pair.change, direction) / pair.product;
            axpy(weight - correction, &pair.step, direction);
        }
    }
}

/// `to` ← new − old.
fn difference<T: Scalar>((old, new): (&[T], &[T]), to: &mut Vec<T>) {
    to.clear();
    to.extend(old.iter().zip(new).map(|(&old, &new)| new - old));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With exact steps along conjugate directions of a quadratic form, H is the inverse of its matrix.
    #[test]
    fn the_inverse_of_a_small_matrix_is_found() {
        let a = |x: &[f64]| [4.0 * x[0] + x[1], x[0] + 3.0 * x[1]];
        // From 0 by p = (1, 0), then by (1, −4): pᵀA (1, −4) = 0.
        let p = [1.0, 0.0];
        let mut memory = Memory::new();
        memory.remember(5, (&[0.0, 0.0], &p), (&[0.0, 0.0], &a(&p)));
        memory.remember(5, (&p, &[2.0, -4.0]), (&a(&p), &a(&[2.0, -4.0])));
        let (x, mut d) = ([0.3, -0.7], [0.0; 2]);
        memory.direction(&a(&x), &mut d);
        assert!((d[0] + x[0]).abs() < 1e-14 && (d[1] + x[1]).abs() < 1e-14, "{d:?}");
    }

    #[test]
    fn it_keeps_the_newest_and_refuses_steps_without_curvature() {
        let mut memory = Memory::<f64>::new();
        for k in 1..=5 {
            memory.remember(2, (&[0.0], &[f64::from(k)]), (&[0.0], &[2.0]));
        }
        assert_eq!(memory.pairs.iter().map(|p| p.product).collect::<Vec<_>>(), [8.0, 10.0]);
        memory.remember(9, (&[0.0], &[1.0]), (&[0.0], &[-1.0]));
        memory.remember(9, (&[0.0], &[0.0]), (&[0.0], &[1.0]));
        memory.remember(9, (&[0.0], &[f64::NAN]), (&[0.0], &[1.0]));
        assert_eq!(memory.pairs.len(), 2);
        assert!(memory.fits(1) && !memory.fits(2));
        memory.remember(0, (&[0.0], &[1.0]), (&[0.0], &[1.0]));
        assert!(memory.is_empty());
    }
}
