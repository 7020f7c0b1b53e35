//! Elementwise functions of one operand, or of two of the same shape.

use std::ops::{Div, Mul};
use std::sync::Arc;

use super::function::Function;
use crate::autodiff::handle::{Dense, Handle, Number, Sparse};
use crate::autodiff::kernels::{each, parts};
use crate::autodiff::ops::Op as Any;
use crate::autodiff::reverse::Reverse;
use crate::autodiff::tape::{Shape, Tape};
use crate::backend::vectorised;
use crate::error::Error;
use crate::sparse::Scalar;

pub(crate) enum Op {
    Map {
        x: usize,
        f: Function,
    },
    Sum {
        x: usize,
        y: usize,
    },
    Difference {
        x: usize,
        y: usize,
    },
    Product {
        x: usize,
        y: usize,
    },
    Quotient {
        x: usize,
        y: usize,
    },
    /// The values as a block of another shape.
    Same {
        x: usize,
    },
}

impl Op {
    pub(super) fn reverse<T: Scalar>(&self, id: usize, up: &[T], r: &mut Reverse<'_, T>) {
        let own = r.value(id);
        match *self {
            Op::Map { x, f } => {
                let from = r.value(x);
                macro_rules! with_constant {
                    ($($name:ident)*) => {
                        match f {
                            $(Function::$name => r.add(x, |p| up[p] * Function::$name.derivative(from[p], own[p])),)*
                            f => r.add(x, |p| up[p] * f.derivative(from[p], own[p])),
                        }
                    };
                }
                with_constant!(Negate Abs Square Root Reciprocal Relu Tanh);
            }
            Op::Sum { y, .. } => r.add(y, |p| up[p]),
            Op::Difference { y, .. } => r.add(y, |p| -up[p]),
            Op::Product { x, y } => {
                let (left, right) = (r.value(x), r.value(y));
                r.add(x, |p| up[p] * right[p]);
                r.add(y, |p| up[p] * left[p]);
            }
            Op::Quotient { x, y } => {
                let right = r.value(y);
                r.add(x, |p| up[p] / right[p]);
                r.add(y, |p| -(up[p] * own[p] / right[p]));
            }
            Op::Same { .. } => {}
        }
    }

    /// As for [`Any`].
    pub(super) fn passes_to(&self) -> Option<usize> {
        match *self {
            Op::Sum { x, .. } | Op::Difference { x, .. } | Op::Same { x } => Some(x),
            _ => None,
        }
    }
}

fn map<T: Scalar>(tape: &Tape<T>, x: usize, f: Function) -> usize {
    tape.record(&[x], |nodes, _, pool| {
        let from = &nodes[x].value;
        let mut out = pool.take(from.len());
        macro_rules! with_constant {
            ($($name:ident)*) => {
                match f {
                    $(Function::$name => parts(&mut out, |first, part| vectorised(
                        #[inline(always)]
                        || {
                            let values = part.iter_mut().zip(&from[first..]);
                            values.for_each(|(v, &x)| *v = Function::$name.value(x));
                        },
                    )),)*
                    f => each(&mut out, |p| f.value(from[p])),
                }
            };
        }
        with_constant!(Negate Abs Square Root Reciprocal Relu Tanh Sigmoid);
        Ok((out, nodes[x].shape.clone(), Any::Elementwise(Op::Map { x, f })))
    })
}

#[derive(Clone, Copy)]
enum Kind {
    Sum,
    Difference,
    Product,
    Quotient,
}

fn two<T: Scalar>(tape: &Tape<T>, x: usize, y: usize, kind: Kind) -> usize {
    tape.record(&[x, y], |nodes, _, pool| {
        let alike = match (&nodes[x].shape, &nodes[y].shape) {
            (Shape::Sparse(p), Shape::Sparse(q)) => Arc::ptr_eq(p, q) || p == q,
            (Shape::Dense(..), Shape::Dense(..)) => nodes[x].shape.extent() == nodes[y].shape.extent(),
            _ => false,
        };
        if !alike {
            let (name, shapes) = (["plus", "minus", "times", "over"][kind as usize], (&nodes[x], &nodes[y]));
            return Err(Error::dimension(format!(
                "{} {name} {}, entry by entry: the shapes differ",
                shapes.0.shape, shapes.1.shape
            )));
        }
        let (a, b) = (&nodes[x].value, &nodes[y].value);
        let mut out = pool.take(a.len());
        let op = match kind {
            Kind::Sum => {
                each(&mut out, |p| a[p] + b[p]);
                Op::Sum { x, y }
            }
            Kind::Difference => {
                each(&mut out, |p| a[p] - b[p]);
                Op::Difference { x, y }
            }
            Kind::Product => {
                each(&mut out, |p| a[p] * b[p]);
                Op::Product { x, y }
            }
            Kind::Quotient => {
                each(&mut out, |p| a[p] / b[p]);
                Op::Quotient { x, y }
            }
        };
        Ok((out, nodes[x].shape.clone(), Any::Elementwise(op)))
    })
}

/// The values of `x` in another shape of the same length.
pub(super) fn same<T: Scalar>(
    tape: &Tape<T>,
    x: usize,
    shape: impl FnOnce(&Shape) -> crate::error::Result<Shape>,
) -> usize {
    tape.record(&[x], |nodes, _, pool| {
        let shape = shape(&nodes[x].shape)?;
        let mut out = pool.take(nodes[x].value.len());
        out.copy_from_slice(&nodes[x].value);
        Ok((out, shape, Any::Elementwise(Op::Same { x })))
    })
}

macro_rules! functions {
    ($type:ident: $($(#[$doc:meta])* $name:ident $function:expr;)*) => {
        impl<'t, T: Scalar> $type<'t, T> {
            /// f of every value (of a sparse matrix: of every stored entry).
            pub fn map(self, f: Function) -> Self {
                Self::new(self.tape(), map(self.tape(), self.id(), f))
            }

            $($(#[$doc])* pub fn $name(self) -> Self { self.map($function) })*

            /// xⁿ of every value.
            pub fn powi(self, n: i32) -> Self {
                self.map(Function::Power(n))
            }

            /// x^p of every value; all values must be positive.
            pub fn powf(self, p: f64) -> Self {
                self.map(Function::RealPower(p))
            }
        }

        impl<'t, T: Scalar> std::ops::Neg for $type<'t, T> {
            type Output = Self;

            fn neg(self) -> Self {
                self.map(Function::Negate)
            }
        }
    };
}

macro_rules! for_all {
    ($($type:ident)*) => {
        $(functions! { $type:
            /// |x| of every value.
            abs Function::Abs;
            /// x² of every value.
            square Function::Square;
            /// √x of every value.
            sqrt Function::Root;
            /// 1/x of every value.
            recip Function::Reciprocal;
            /// eˣ of every value.
            exp Function::Exp;
            /// ln x of every value.
            ln Function::Ln;
            /// tanh x of every value.
            tanh Function::Tanh;
            /// 1/(1 + e⁻ˣ) of every value.
            sigmoid Function::Sigmoid;
            /// max(x, 0) of every value.
            relu Function::Relu;
        })*
    };
}
for_all!(Sparse Dense Number);

macro_rules! operator {
    ($type:ident, $trait:ident, $method:ident, $kind:ident) => {
        impl<'t, T: Scalar> std::ops::$trait for $type<'t, T> {
            type Output = Self;

            /// Value by value.
            fn $method(self, other: Self) -> Self {
                Self::new(self.tape(), two(self.tape(), self.id(), self.other(&other), Kind::$kind))
            }
        }
    };
}
operator!(Dense, Add, add, Sum);
operator!(Dense, Sub, sub, Difference);
operator!(Dense, Mul, mul, Product);
operator!(Dense, Div, div, Quotient);
operator!(Number, Add, add, Sum);
operator!(Number, Sub, sub, Difference);
operator!(Number, Mul, mul, Product);
operator!(Number, Div, div, Quotient);

impl<'t, T: Scalar> Sparse<'t, T> {
    /// A ⊙ B, the elementwise product, on the common entries.
    pub fn hadamard(self, b: Self) -> Self {
        let (Ok(p), Ok(q)) = (self.pattern(), b.pattern()) else {
            return Self::new(self.tape(), self.tape().fail(self.tape().error()));
        };
        if Arc::ptr_eq(&p, &q) || p == q {
            return Self::new(self.tape(), two(self.tape(), self.id(), self.other(&b), Kind::Product));
        }
        self.common_product(b)
    }
}

/// Times a constant, for every kind of operand.
macro_rules! constant {
    ($($type:ident)*) => {
        $(impl<'t, T: Scalar> Mul<T> for $type<'t, T> {
            type Output = Self;

            fn mul(self, factor: T) -> Self {
                self.tape().number(factor) * self
            }
        }

        impl<'t, T: Scalar> Div<T> for $type<'t, T> {
            type Output = Self;

            fn div(self, divisor: T) -> Self {
                self.tape().number(T::ONE / divisor) * self
            }
        })*
    };
}
constant!(Sparse Dense Number);
