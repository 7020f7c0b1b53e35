//! Leaves of a recorded run.

use std::marker::PhantomData;

use crate::engine::Leaves;

/// Leaves of a recorded run: those of `L`, each a constant or a parameter.
#[derive(Debug, Clone, Copy)]
pub struct Recorded<L>(PhantomData<L>);

impl<L: Leaves> Leaves for Recorded<L> {
    type Values = Parameter<L::Values>;
    type Direct = L::Direct;
    type Method = L::Method;
}

/// Stored values with their parameter number, or `None` for a constant.
#[derive(Debug, Clone)]
pub struct Parameter<V> {
    pub(super) values: V,
    pub(super) number: Option<usize>,
}

impl<V> Parameter<V> {
    /// Values that are not differentiated. They cost nothing in the reverse sweep.
    pub fn constant(values: V) -> Self {
        Self { values, number: None }
    }

    /// Values that are differentiated as parameter `number`. Several leaves may share a number; their gradients
    /// are added.
    pub fn learned(values: V, number: usize) -> Self {
        Self { values, number: Some(number) }
    }
}
