//! Simplification of operations on known zeros, shared by every engine that overwrites buffers.

use super::{DirectOf, Engine, Executor, MatrixOf, Operation, ValuesOf};
use crate::backend::{Direction, OrderedSweep, Triangle};
use crate::schwarz::Subdomains;

/// A vector that may be known to be zero.
#[derive(Debug, Clone)]
pub struct Vector<H> {
    rows: usize,
    handle: Option<H>,
}

impl<H> Vector<H> {
    /// A vector of `rows` rows held by `handle`.
    pub fn new(rows: usize, handle: H) -> Self {
        Self { rows, handle: Some(handle) }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Its storage, or `None` if it is known to be zero.
    pub fn handle(&self) -> Option<&H> {
        self.handle.as_ref()
    }

    /// Its storage, or `None` if it is known to be zero.
    pub fn into_handle(self) -> Option<H> {
        self.handle
    }
}

/// y with factor 1, or new storage with factor 0 if y is known to be zero.
fn target<X: Executor>(e: &X, y: Vector<X::Handle>) -> (X::Handle, f64) {
    match y.handle {
        Some(handle) => (handle, 1.0),
        None => (e.allocate(y.rows), 0.0),
    }
}

/// An explicit vector of zeros.
fn cleared<X: Executor>(e: &X, rows: usize) -> X::Handle {
    let mut x = e.allocate(rows);
    e.run(Operation::Clear { x: &mut x });
    x
}

/// An in-place sweep on explicit vectors. The result is zero if b and x are known to be zero.
fn swept<X: Executor>(
    e: &X,
    b: &Vector<X::Handle>,
    x: Vector<X::Handle>,
    sweep: impl FnOnce(&X::Handle, &mut X::Handle),
) -> Vector<X::Handle> {
    let rows = x.rows;
    if b.handle.is_none() && x.handle.is_none() {
        return x;
    }
    let mut x = x.handle.unwrap_or_else(|| cleared(e, rows));
    match &b.handle {
        Some(b) => sweep(b, &mut x),
        None => sweep(&cleared(e, rows), &mut x),
    }
    Vector::new(rows, x)
}

/// A pair of vectors, neither of which is known to be zero.
fn known<'v, H>((v, c): (&'v Vector<H>, &'v Vector<H>)) -> Option<(&'v H, &'v H)> {
    v.handle.as_ref().zip(c.handle.as_ref())
}

impl<X: Executor> Engine for X {
    type Leaves = X::Leaves;
    type Vector = Vector<X::Handle>;

    fn zeros(&self, rows: usize) -> Self::Vector {
        Vector { rows, handle: None }
    }

    fn residual(&self, b: &Self::Vector, a: &MatrixOf<Self>, x: &Self::Vector) -> Self::Vector {
        let rows = a.pattern.rows();
        let handle = match (&b.handle, &x.handle) {
            (b, None) => b.as_ref().map(|b| self.copy(b)),
            (Some(b), Some(x)) => {
                let mut r = self.allocate(rows);
                self.run(Operation::Residual { a, b, x, r: &mut r });
                Some(r)
            }
            (None, Some(x)) => {
                let mut y = self.allocate(rows);
                self.run(Operation::Spmv { alpha: -1.0, a, transposed: false, x, beta: 0.0, y: &mut y });
                Some(y)
            }
        };
        Vector { rows, handle }
    }

    fn spmv(&self, a: &MatrixOf<Self>, x: &Self::Vector) -> Self::Vector {
        self.spmv_add(a, x, self.zeros(a.pattern.rows()))
    }

    fn spmv_add(&self, a: &MatrixOf<Self>, x: &Self::Vector, y: Self::Vector) -> Self::Vector {
        let Some(x) = &x.handle else { return y };
        let (mut y, beta) = target(self, y);
        self.run(Operation::Spmv { alpha: 1.0, a, transposed: false, x, beta, y: &mut y });
        Vector::new(a.pattern.rows(), y)
    }

    fn diagonal_add(&self, d: &ValuesOf<Self>, x: &Self::Vector, y: Self::Vector) -> Self::Vector {
        let rows = y.rows;
        let Some(x) = &x.handle else { return y };
        let (mut handle, beta) = target(self, y);
        let y = &mut handle;
        self.run(match beta {
            0.0 => Operation::DiagonalScale { d, x, y },
            _ => Operation::DiagonalAdd { d, x, y },
        });
        Vector::new(rows, handle)
    }

    fn jacobi(
        &self,
        a: &MatrixOf<Self>,
        d: &ValuesOf<Self>,
        b: &Self::Vector,
        x: Self::Vector,
    ) -> Self::Vector {
        match (&b.handle, &x.handle) {
            (Some(rhs), Some(old)) => {
                let mut next = self.allocate(x.rows);
                self.run(Operation::Jacobi { a, d, b: rhs, x: old, next: &mut next });
                Vector::new(x.rows, next)
            }
            (None, Some(_)) => {
                let r = Engine::residual(self, b, a, &x);
                Engine::diagonal_add(self, d, &r, x)
            }
            (_, None) => Engine::diagonal_add(self, d, b, x),
        }
    }

    fn sparse_sweep(
        &self,
        m: &MatrixOf<Self>,
        a: &MatrixOf<Self>,
        b: &Self::Vector,
        x: Self::Vector,
    ) -> Self::Vector {
        // For x = 0 the residual is b, which need not be copied.
        if x.handle.is_none() {
            return Engine::spmv(self, m, b);
        }
        let r = Engine::residual(self, b, a, &x);
        Engine::spmv_add(self, m, &r, x)
    }

    fn polynomial_step(
        &self,
        a: &MatrixOf<Self>,
        d: &ValuesOf<Self>,
        b: &Self::Vector,
        x: &Self::Vector,
        factors: (f64, f64),
        y: Self::Vector,
    ) -> Self::Vector {
        let (Some(rhs), Some(old)) = (&b.handle, &x.handle) else {
            let zeros = self.zeros(a.pattern.rows());
            let scaled = match &x.handle {
                None => Engine::diagonal_add(self, d, b, zeros),
                Some(_) => Engine::diagonal_add(self, d, &Engine::residual(self, b, a, x), zeros),
            };
            return Engine::combine(self, factors.1, &scaled, factors.0, y);
        };
        let rows = y.rows;
        let (mut y, keep) = target(self, y);
        let factors = (keep * factors.0, factors.1);
        self.run(Operation::PolynomialStep { a, d, b: rhs, x: old, factors, y: &mut y });
        Vector::new(rows, y)
    }

    fn combine(&self, alpha: f64, x: &Self::Vector, beta: f64, y: Self::Vector) -> Self::Vector {
        let rows = y.rows;
        match (&x.handle, y.handle) {
            (None, None) => self.zeros(rows),
            (None, Some(y)) if beta == 1.0 => Vector::new(rows, y),
            (None, Some(mut y)) => {
                let x = self.copy(&y);
                self.run(Operation::Combine { alpha: beta, x: &x, beta: 0.0, y: &mut y });
                Vector::new(rows, y)
            }
            (Some(x), y) => {
                let (mut y, keep) = target(self, Vector { rows, handle: y });
                self.run(Operation::Combine { alpha, x, beta: keep * beta, y: &mut y });
                Vector::new(rows, y)
            }
        }
    }

    fn scaled_add(
        &self,
        scalars: &ValuesOf<Self>,
        index: usize,
        x: &Self::Vector,
        y: Self::Vector,
    ) -> Self::Vector {
        Engine::combine(self, self.scalar(scalars, index), x, 1.0, y)
    }

    fn least_squares(
        &self,
        b: &Self::Vector,
        first: (&Self::Vector, &Self::Vector),
        second: Option<(&Self::Vector, &Self::Vector)>,
    ) -> Self::Vector {
        let rows = first.1.rows;
        let (first, second) = match (known(first), second.and_then(known)) {
            (None, second) => (second, None),
            pairs => pairs,
        };
        let (Some(b), Some(first)) = (&b.handle, first) else { return self.zeros(rows) };
        let mut x = self.allocate(rows);
        self.run(Operation::LeastSquares { b, first, second, x: &mut x });
        Vector::new(rows, x)
    }

    fn solve_triangular(&self, a: &MatrixOf<Self>, part: Triangle, mut x: Self::Vector) -> Self::Vector {
        if let Some(x) = &mut x.handle {
            self.run(Operation::SolveTriangular { a, part, transposed: false, x });
        }
        x
    }

    fn sweep_triangular(
        &self,
        a: &MatrixOf<Self>,
        part: Triangle,
        b: &Self::Vector,
        x: &Self::Vector,
    ) -> Self::Vector {
        let rows = b.rows;
        if b.handle.is_none() && x.handle.is_none() {
            return self.zeros(rows);
        }
        let mut y = self.allocate(rows);
        let mut sweep = |b: &X::Handle| {
            let x = x.handle.as_ref();
            self.run(Operation::SweepTriangular { a, part, transposed: false, b, x, y: &mut y });
        };
        match &b.handle {
            Some(b) => sweep(b),
            None => sweep(&cleared(self, rows)),
        }
        Vector::new(rows, y)
    }

    fn gauss_seidel(
        &self,
        a: &MatrixOf<Self>,
        b: &Self::Vector,
        x: Self::Vector,
        direction: Direction,
    ) -> Self::Vector {
        swept(self, b, x, |b, x| self.run(Operation::GaussSeidel { a, direction, b, x }))
    }

    fn ordered_sweep(
        &self,
        a: &MatrixOf<Self>,
        inverse: &ValuesOf<Self>,
        sweep: &OrderedSweep,
        b: &Self::Vector,
        x: Self::Vector,
    ) -> Self::Vector {
        let rows = x.rows;
        swept(self, b, x, |b, x| {
            let scratch = &mut self.allocate(rows);
            self.run(Operation::OrderedSweep { a, transposed: false, inverse, sweep, b, x, scratch });
        })
    }

    fn subdomain_solves(
        &self,
        a: &MatrixOf<Self>,
        subdomains: &Subdomains,
        interface: &ValuesOf<Self>,
        r: &Self::Vector,
        x: Self::Vector,
    ) -> Self::Vector {
        let rows = x.rows;
        let Some(r) = &r.handle else { return x };
        let (mut x, beta) = target(self, x);
        let method = self.method(a, subdomains, interface);
        self.run(Operation::SubdomainSolves { method: method.as_ref(), r, beta, x: &mut x });
        Vector::new(rows, x)
    }

    fn solve(&self, direct: &DirectOf<Self>, b: &Self::Vector) -> Self::Vector {
        let rows = b.rows;
        let handle = b.handle.as_ref().map(|b| {
            let mut x = self.allocate(rows);
            self.run(Operation::Solve { direct, transposed: false, b, x: &mut x });
            x
        });
        Vector { rows, handle }
    }
}
