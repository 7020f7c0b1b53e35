//! What is known of zeros, written once for every engine that overwrites buffers.

use super::{DirectOf, Engine, Executor, MatrixOf, ValuesOf};
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

    /// Its storage, or nothing if it is known to be zero.
    pub fn handle(&self) -> Option<&H> {
        self.handle.as_ref()
    }

    /// Its storage, or nothing if it is known to be zero.
    pub fn into_handle(self) -> Option<H> {
        self.handle
    }
}

/// y, or storage for it and the factor 0.
fn target<X: Executor>(e: &X, y: Vector<X::Handle>) -> (X::Handle, f64) {
    match y.handle {
        Some(handle) => (handle, 1.0),
        None => (e.allocate(y.rows), 0.0),
    }
}

/// A sweep in place on written-out vectors; zero if b and x are known to be.
fn swept<X: Executor>(
    e: &X,
    b: &Vector<X::Handle>,
    x: Vector<X::Handle>,
    sweep: impl FnOnce(&X::Handle, &mut X::Handle),
) -> Vector<X::Handle> {
    let rows = x.rows;
    let zero = |handle: Option<X::Handle>| {
        handle.unwrap_or_else(|| {
            let mut handle = e.allocate(rows);
            e.clear(&mut handle);
            handle
        })
    };
    if b.handle.is_none() && x.handle.is_none() {
        return x;
    }
    let mut x = zero(x.handle);
    match &b.handle {
        Some(b) => sweep(b, &mut x),
        None => sweep(&zero(None), &mut x),
    }
    Vector::new(rows, x)
}

impl<X: Executor> Engine for X {
    type Leaves = X::Leaves;
    type Vector = Vector<X::Handle>;

    fn zeros(&self, rows: usize) -> Self::Vector {
        Vector { rows, handle: None }
    }

    fn residual(&self, b: &Self::Vector, a: &MatrixOf<Self>, x: &Self::Vector) -> Self::Vector {
        let handle = match (&b.handle, &x.handle) {
            (b, None) => b.as_ref().map(|b| self.copy(b)),
            (Some(b), Some(x)) => {
                let mut r = self.allocate(a.pattern.rows());
                Executor::residual(self, a, b, x, &mut r);
                Some(r)
            }
            (None, Some(x)) => {
                let mut r = self.allocate(a.pattern.rows());
                Executor::spmv(self, -1.0, a, x, 0.0, &mut r);
                Some(r)
            }
        };
        Vector { rows: a.pattern.rows(), handle }
    }

    fn restricted_residual(
        &self,
        b: &Self::Vector,
        a: &MatrixOf<Self>,
        x: &Self::Vector,
        restriction: &MatrixOf<Self>,
    ) -> Self::Vector {
        let (Some(rhs), Some(old), true) = (&b.handle, &x.handle, self.restricts_residuals(restriction, a))
        else {
            let r = Engine::residual(self, b, a, x);
            return Engine::spmv(self, restriction, &r);
        };
        let mut y = self.allocate(restriction.pattern.rows());
        Executor::restricted_residual(self, restriction, a, (rhs, old), &mut y);
        Vector::new(restriction.pattern.rows(), y)
    }

    fn spmv(&self, a: &MatrixOf<Self>, x: &Self::Vector) -> Self::Vector {
        self.spmv_add(a, x, self.zeros(a.pattern.rows()))
    }

    fn spmv_add(&self, a: &MatrixOf<Self>, x: &Self::Vector, y: Self::Vector) -> Self::Vector {
        let Some(x) = &x.handle else { return y };
        let (mut y, beta) = target(self, y);
        Executor::spmv(self, 1.0, a, x, beta, &mut y);
        Vector::new(a.pattern.rows(), y)
    }

    fn diagonal_add(&self, d: &ValuesOf<Self>, x: &Self::Vector, y: Self::Vector) -> Self::Vector {
        let rows = y.rows;
        let Some(x) = &x.handle else { return y };
        let (mut y, beta) = target(self, y);
        if beta == 0.0 {
            Executor::diagonal_scale(self, d, x, &mut y);
        } else {
            Executor::diagonal_add(self, d, x, &mut y);
        }
        Vector::new(rows, y)
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
                Executor::jacobi(self, a, d, rhs, old, &mut next);
                Vector::new(x.rows, next)
            }
            (None, Some(_)) => {
                let r = Engine::residual(self, b, a, &x);
                Engine::diagonal_add(self, d, &r, x)
            }
            (_, None) => Engine::diagonal_add(self, d, b, x),
        }
    }

    fn jacobi_and_restriction(
        &self,
        a: &MatrixOf<Self>,
        d: &ValuesOf<Self>,
        b: &Self::Vector,
        x: Self::Vector,
        restriction: &MatrixOf<Self>,
    ) -> (Self::Vector, Self::Vector) {
        let (Some(rhs), None, true) = (&b.handle, &x.handle, self.has_first_residuals()) else {
            let x = Engine::jacobi(self, a, d, b, x);
            let coarse = Engine::restricted_residual(self, b, a, &x, restriction);
            return (x, coarse);
        };
        let (rows, coarse_rows) = (x.rows, restriction.pattern.rows());
        let mut x = self.allocate(rows);
        let coarse = if self.restricts_residuals(restriction, a) {
            let mut y = self.allocate(coarse_rows);
            Executor::first_restricted_residual(self, restriction, a, (d, rhs), &mut x, &mut y);
            Vector::new(coarse_rows, y)
        } else {
            let mut r = self.allocate(rows);
            Executor::first_residual(self, a, d, rhs, &mut x, &mut r);
            Engine::spmv(self, restriction, &Vector::new(rows, r))
        };
        (Vector::new(rows, x), coarse)
    }

    fn correction_and_jacobi(
        &self,
        (prolongation, e): (&MatrixOf<Self>, &Self::Vector),
        a: &MatrixOf<Self>,
        d: &ValuesOf<Self>,
        b: &Self::Vector,
        x: Self::Vector,
    ) -> Self::Vector {
        let (Some(rhs), Some(old), Some(coarse), true) =
            (&b.handle, &x.handle, &e.handle, self.corrects_in_sweeps(prolongation, a))
        else {
            let z = Engine::spmv_add(self, prolongation, e, x);
            return Engine::jacobi(self, a, d, b, z);
        };
        let mut next = self.allocate(x.rows);
        Executor::corrected_jacobi(self, (prolongation, coarse), a, (d, rhs), old, &mut next);
        Vector::new(x.rows, next)
    }

    fn sparse_sweep(
        &self,
        m: &MatrixOf<Self>,
        a: &MatrixOf<Self>,
        b: &Self::Vector,
        x: Self::Vector,
    ) -> Self::Vector {
        // From zero the residual is b, which need not be copied.
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
        Executor::polynomial_step(self, a, d, rhs, old, (keep * factors.0, factors.1), &mut y);
        Vector::new(rows, y)
    }

    fn combine(&self, alpha: f64, x: &Self::Vector, beta: f64, y: Self::Vector) -> Self::Vector {
        let rows = y.rows;
        match (&x.handle, y.handle) {
            (None, None) => self.zeros(rows),
            (None, Some(y)) if beta == 1.0 => Vector::new(rows, y),
            (None, Some(mut y)) => {
                let old = self.copy(&y);
                Executor::combine(self, beta, &old, 0.0, &mut y);
                Vector::new(rows, y)
            }
            (Some(x), y) => {
                let (mut y, keep) = target(self, Vector { rows, handle: y });
                Executor::combine(self, alpha, x, keep * beta, &mut y);
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

    fn least_squares(&self, b: &Self::Vector, v: &[&Self::Vector], c: &[&Self::Vector]) -> Self::Vector {
        let rows = c.first().map_or(0, |c| c.rows);
        let (mut images, mut directions) = (Vec::new(), Vec::new());
        for (v, c) in v.iter().zip(c) {
            if let (Some(v), Some(c)) = (&v.handle, &c.handle) {
                images.push(v);
                directions.push(c);
            }
        }
        match &b.handle {
            Some(b) if !images.is_empty() => {
                let mut x = self.allocate(rows);
                Executor::least_squares(self, b, &images, &directions, &mut x);
                Vector::new(rows, x)
            }
            _ => self.zeros(rows),
        }
    }

    fn solve_triangular(&self, a: &MatrixOf<Self>, part: Triangle, mut x: Self::Vector) -> Self::Vector {
        if let Some(x) = &mut x.handle {
            Executor::solve_triangular(self, a, part, x);
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
        match &b.handle {
            Some(b) => Executor::sweep_triangular(self, a, part, b, x.handle.as_ref(), &mut y),
            None => {
                let mut zero = self.allocate(rows);
                self.clear(&mut zero);
                Executor::sweep_triangular(self, a, part, &zero, x.handle.as_ref(), &mut y);
            }
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
        swept(self, b, x, |b, x| Executor::gauss_seidel(self, a, b, x, direction))
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
            Executor::ordered_sweep(self, a, inverse, sweep, b, x, &mut self.allocate(rows));
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
        Executor::subdomain_solves(self, a, subdomains, interface, r, beta, &mut x);
        Vector::new(rows, x)
    }

    fn solve(&self, direct: &DirectOf<Self>, b: &Self::Vector) -> Self::Vector {
        let rows = b.rows;
        let handle = b.handle.as_ref().map(|b| {
            let mut x = self.allocate(rows);
            Executor::solve(self, direct, b, &mut x);
            x
        });
        Vector { rows, handle }
    }
}
