//! Recording of a residual given as code on scalars.

use std::cell::RefCell;
use std::ops::{Add, Div, Mul, Neg, Sub};

use super::graph::Graph;
use super::local::LocalJacobian;
use super::plan::Order;
use super::program::{Linearised, Program};
use super::step::step_within;
use crate::error::{Error, Result};

/// The vertices of a recording.
#[derive(Debug)]
pub(super) struct Recorder(RefCell<Recording>);

#[derive(Debug)]
struct Recording {
    count: usize,
    /// Ends of the operands of every vertex.
    ends: Vec<usize>,
    edges: Vec<(usize, f64)>,
    /// Bytes beyond which nothing is recorded.
    memory: usize,
    full: bool,
}

/// A value of a recorded program: an input, or the result of an operation with its partial derivatives.
#[derive(Debug, Clone, Copy)]
pub struct Var<'r> {
    recorder: &'r Recorder,
    id: usize,
    value: f64,
}

impl Recorder {
    fn new(memory: usize) -> Self {
        Self(RefCell::new(Recording { count: 0, ends: vec![0], edges: Vec::new(), memory, full: false }))
    }

    fn push<'r>(&'r self, value: f64, edges: &[(usize, f64)]) -> Var<'r> {
        let mut recording = self.0.borrow_mut();
        let id = recording.count;
        recording.count += 1;
        if !recording.full {
            recording.edges.extend_from_slice(edges);
            let end = recording.edges.len();
            recording.ends.push(end);
            recording.full = 16 * end + 8 * id > recording.memory;
        }
        Var { recorder: self, id, value }
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

/// A residual given as code: recorded at every linearisation, and split into uniform layers for the Newton step.
///
/// Layers end at cuts of the graph of operations: n values through which every path from the inputs to the outputs goes.
/// As many cuts as possible are found, by n disjoint paths and the strong components of their residual graph. A value
/// that lies in several cuts passes the layers between them by edges with label 1 (edge splitting, labels (c, 1)); values
/// between two cuts are multiplied out (preaccumulation). A part of a layer that could come earlier or later comes as early
/// as its operands permit (bipartite splitting into I A′; A′ I adds as many edges, as both sides of a cut have n values).
/// With fewer than n disjoint paths the Jacobian is singular: an error that says how many there are. Where no cut exists
/// between inputs and outputs, there is one layer, the Jacobian.
///
/// Cost: 24 bytes per operand of an operation; time in proportion to the operations, times the rounds of the search for
/// paths, which are few. A recording that exceeds the memory of [`Newton::memory`](super::Newton::memory) is an error.
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

    /// The local Jacobians of the layers at x, first layer first, of at most `memory` bytes.
    ///
    /// # Errors
    /// Another number of values than announced; a program that is not invertible, with the reason; too little memory.
    ///
    /// ```
    /// use multigrad::newton::Recorded;
    /// // Two layers: (x₀ + x₁, x₀ − x₁), then products with a sine.
    /// let program = Recorded::new(2, |x| {
    ///     let (s, d) = (x[0] + x[1], x[0] - x[1]);
    ///     vec![s * d.sin(), d * s.sin()]
    /// });
    /// let layers = program.layers(&[1.0, 0.5], 1 << 20)?;
    /// assert_eq!(layers.len(), 2);
    /// assert_eq!((layers[0].get(1, 0), layers[0].get(1, 1)), (1.0, -1.0));
    /// # Ok::<(), multigrad::Error>(())
    /// ```
    pub fn layers(&self, x: &[f64], memory: usize) -> Result<Vec<LocalJacobian>> {
        self.record(x, memory)?.1.layers(memory)
    }

    /// The code at x.
    fn run<'r>(&self, recorder: &'r Recorder, x: &[f64]) -> Result<Vec<Var<'r>>> {
        let inputs: Vec<_> = x.iter().map(|&v| recorder.push(v, &[])).collect();
        let outputs = if x.len() == self.rows { (self.code)(&inputs) } else { Vec::new() };
        if outputs.len() == self.rows {
            return Ok(outputs);
        }
        Err(Error::dimension(format!(
            "a residual of {} values in {} unknowns; {} of both were announced",
            outputs.len(),
            x.len(),
            self.rows
        )))
    }

    /// The values and the graph at x.
    fn record(&self, x: &[f64], memory: usize) -> Result<(Vec<f64>, Graph)> {
        let recorder = Recorder::new(memory);
        let outputs = self.run(&recorder, x)?;
        let values = outputs.iter().map(Var::value).collect();
        let outputs = outputs.iter().map(|v| v.id).collect();
        let Recording { ends, edges, full, .. } = recorder.0.into_inner();
        if full {
            return Err(Error::invalid_input(format!(
                "the recording of the program exceeds {memory} bytes; allow more memory, or write it as a LayeredProgram"
            )));
        }
        Ok((values, Graph { starts: ends, edges, inputs: self.rows, outputs }))
    }
}

impl<F> Program for Recorded<F>
where
    F: for<'r> Fn(&[Var<'r>]) -> Vec<Var<'r>>,
{
    fn rows(&self) -> usize {
        self.rows
    }

    /// Nothing is recorded.
    fn value(&self, x: &[f64]) -> Result<Vec<f64>> {
        Ok(self.run(&Recorder::new(0), x)?.iter().map(Var::value).collect())
    }

    fn linearised(&self, x: &[f64], order: Order, memory: usize) -> Result<Linearised> {
        let (value, graph) = self.record(x, memory)?;
        let (step, plan) = step_within(graph.layers(memory)?, &value, order, memory, 0)?;
        Ok(Linearised { value, step, plan, repeated: 0 })
    }
}
