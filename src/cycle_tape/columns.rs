//! Sums with a separate weight for every column.

use super::node::Node;
use super::tape::{Tape, TapeVector};
use crate::engine::{Operation, Reversible};
use crate::sparse::Scalar;

impl<T: Scalar, X: Reversible<T>> Tape<T, X> {
    /// Σ w(c) x(·, c) over the terms (x, w), with a separate weight for every column of every x. The weights are
    /// not differentiated. All x have the rows of the first.
    ///
    /// # Panics
    /// A number of weights other than the number of columns.
    pub fn weighted_sum(&self, terms: &[(&TapeVector<T, X>, &[T])]) -> TapeVector<T, X> {
        let rows = terms.first().map_or(0, |(x, _)| x.value.rows());
        let mut sum = self.eager.allocate(rows);
        self.eager.run(Operation::Clear { x: &mut sum });
        let mut recorded = Vec::new();
        for (x, weights) in terms {
            assert_eq!(weights.len(), self.columns(), "one weight for every column");
            let Some(values) = x.value.handle() else { continue };
            self.eager.column_add(weights, values, &mut sum);
            recorded.extend(x.node.map(|node| (node, weights.to_vec())));
        }
        let value = crate::engine::Vector::new(rows, sum);
        let depends = !recorded.is_empty();
        self.record(value, depends, || Node::Weighted { terms: recorded })
    }
}
