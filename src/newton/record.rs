//! Recording of a residual given as code on scalars.

use std::cell::RefCell;
use std::ops::{Add, Div, Mul, Neg, Sub};

use super::graph::{Graph, Vertex};
use super::plan::Order;
use super::program::{Linearised, Program, newton_step};
use crate::error::{Error, Result};

/// The vertices of a recording.
#[derive(Debug, Default)]
pub(super) struct Recorder(RefCell<Vec<Vertex>>);

/// A value of a recorded program: an input, or the result of an operation with its partial derivatives.
#[derive(Debug, Clone, Copy)]
pub struct Var<'r> {
    recorder: &'r Recorder,
    id: usize,
    value: f64,
}

impl Recorder {
    fn push<'r>(&'r self, value: f64, edges: &[(usize, f64)]) -> Var<'r> {
        let mut vertices = self.0.borrow_mut();
        vertices.push(Vertex { edges: edges.to_vec() });
        Var { recorder: self, id: vertices.len() - 1, value }
    }
}

impl<'r> Var<'r> {
    /// Its value.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// f(x), given f and f′ there: for functions that are not in this list.
    #[must_use]
    pub fn map(self, value: f64, derivative: f64) -> Self {
        self.recorder.push(value, &[(self.id, derivative)])
    }

    /// sin x.
    #[must_use]
    pub fn sin(self) -> Self {
        self.map(self.value.sin(), self.value.cos())
    }

    /// cos x.
    #[must_use]
    pub fn cos(self) -> Self {
        self.map(self.value.cos(), -self.value.sin())
    }

    /// eˣ.
    #[must_use]
    pub fn exp(self) -> Self {
        let value = self.value.exp();
        self.map(value, value)
    }

    /// ln x.
    #[must_use]
    pub fn ln(self) -> Self {
        self.map(self.value.ln(), 1.0 / self.value)
    }

    /// √x.
    #[must_use]
    pub fn sqrt(self) -> Self {
        let root = self.value.sqrt();
        self.map(root, 0.5 / root)
    }

    /// tanh x.
    #[must_use]
    pub fn tanh(self) -> Self {
        let value = self.value.tanh();
        self.map(value, 1.0 - value * value)
    }

    /// xⁿ.
    #[must_use]
    pub fn powi(self, n: i32) -> Self {
        self.map(self.value.powi(n), f64::from(n) * self.value.powi(n - 1))
    }

    fn join(self, other: Self, value: f64, left: f64, right: f64) -> Self {
        if self.id == other.id {
            return self.map(value, left + right);
        }
        self.recorder.push(value, &[(self.id, left), (other.id, right)])
    }
}

macro_rules! operators {
    ($($trait:ident $name:ident |$a:ident, $b:ident| ($value:expr, $left:expr, $right:expr);)*) => {$(
        impl<'r> $trait for Var<'r> {
            type Output = Self;

            fn $name(self, other: Self) -> Self {
                let ($a, $b) = (self.value, other.value);
                self.join(other, $value, $left, $right)
            }
        }

        impl<'r> $trait<f64> for Var<'r> {
            type Output = Self;

            fn $name(self, $b: f64) -> Self {
                let $a = self.value;
                self.map($value, $left)
            }
        }

        impl<'r> $trait<Var<'r>> for f64 {
            type Output = Var<'r>;

            fn $name(self, other: Var<'r>) -> Var<'r> {
                let ($a, $b) = (self, other.value);
                let _ = $a;
                other.map($value, $right)
            }
        }
    )*};
}

operators! {
    Add add |a, b| (a + b, 1.0, 1.0);
    Sub sub |a, b| (a - b, 1.0, -1.0);
    Mul mul |a, b| (a * b, b, a);
    Div div |a, b| (a / b, 1.0 / b, -a / (b * b));
}

impl Neg for Var<'_> {
    type Output = Self;

    fn neg(self) -> Self {
        self.map(-self.value, -1.0)
    }
}

/// A residual given as code: recorded at every evaluation, and split into uniform layers for the Newton step.
///
/// The graph of the operations is cut into layers. A value that is needed further on passes through the layers
/// between by edges with label 1 (edge splitting), and a layer with more than n values is multiplied into its
/// neighbour (preaccumulation). A layer with fewer than n values means a singular Jacobian: an error that names it.
///
/// Cost: a vertex per operation, and those of the layers.
#[derive(Debug, Clone)]
pub struct Recorded<F> {
    rows: usize,
    code: F,
}

impl<F> Recorded<F>
where
    F: for<'r> Fn(&[Var<'r>]) -> Vec<Var<'r>>,
{
    /// A residual of as many values as unknowns.
    pub fn new(rows: usize, code: F) -> Self {
        Self { rows, code }
    }

    /// The values and the graph at x.
    fn record(&self, x: &[f64]) -> Result<(Vec<f64>, Graph)> {
        let recorder = Recorder::default();
        let inputs: Vec<_> = x.iter().map(|&v| recorder.push(v, &[])).collect();
        let outputs = (self.code)(&inputs);
        if outputs.len() != self.rows || x.len() != self.rows {
            return Err(Error::dimension(format!(
                "a residual of {} values in {} unknowns; {} of both were announced",
                outputs.len(),
                x.len(),
                self.rows
            )));
        }
        let values = outputs.iter().map(Var::value).collect();
        let outputs = outputs.iter().map(|v| v.id).collect();
        Ok((values, Graph { vertices: recorder.0.into_inner(), inputs: self.rows, outputs }))
    }
}

impl<F> Program for Recorded<F>
where
    F: for<'r> Fn(&[Var<'r>]) -> Vec<Var<'r>>,
{
    fn rows(&self) -> usize {
        self.rows
    }

    fn value(&self, x: &[f64]) -> Result<Vec<f64>> {
        Ok(self.record(x)?.0)
    }

    fn linearised(&self, x: &[f64], order: Order, _: usize) -> Result<Linearised> {
        let (value, graph) = self.record(x)?;
        let (step, plan) = newton_step(graph.layers()?, &value, order)?;
        Ok(Linearised { value, step, plan, repeated: 0 })
    }
}
