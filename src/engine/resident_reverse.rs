//! Kernels of reverse rules on a GPU.

use std::sync::Arc;

use super::Executor;
use super::resident::{DeviceBuffer, Resident};
use super::resident_methods::DeviceMethod;
use super::reversible::{Entries, Reversible};
use crate::backend::Order;
use crate::backend::cuda::{Memory, OnDevice, Part, Reductions, SampledEntries};
use crate::error::{Error, Result};
use crate::sparse::Pattern;

type Values<T> = Arc<Memory<T>>;

impl<T: OnDevice> Resident<T> {
    /// Σ_i x(i,c) y(i,c) for every column.
    fn column_sums(&self, x: &DeviceBuffer<T>, y: &DeviceBuffer<T>) -> Memory<f64> {
        let mut room = Reductions::new(&self.cuda, [(self.rows(x), self.k)]);
        let mut sums = self.cuda.undefined(self.k);
        self.cuda.column_dots(&mut room, x.memory(), y.memory(), &mut sums);
        sums
    }

    /// x ← β x + M r, or NaN without a method.
    pub(super) fn add_subdomain_solves(
        &self,
        method: Option<&DeviceMethod<T>>,
        r: &DeviceBuffer<T>,
        beta: f64,
        x: &mut DeviceBuffer<T>,
    ) {
        if beta == 0.0 {
            self.cuda.clear(x.memory_mut());
        }
        let added = method.and_then(|method| {
            let y = self.solutions(method, r, false).ok()?;
            self.add_solutions(method, &y, x, false).ok()
        });
        if added.is_none() {
            self.cuda.fill(f64::NAN, x.memory_mut());
        }
    }
}

impl<T: OnDevice> Reversible<T> for Resident<T> {
    type Gradient = Memory<T>;
    type Solutions = DeviceBuffer<T>;

    fn columns(&self) -> usize {
        self.k
    }

    fn store(&self, values: &[T]) -> DeviceBuffer<T> {
        let mut buffer = self.allocate(values.len() / self.k);
        if let Err(e) = buffer.memory_mut().write(values) {
            self.cuda.fail(e);
        }
        buffer
    }

    fn read(&self, x: &DeviceBuffer<T>) -> Result<Vec<T>> {
        self.cuda.download(x.memory())
    }

    fn length(&self, values: &Values<T>) -> usize {
        values.len()
    }

    fn rows(&self, x: &DeviceBuffer<T>) -> usize {
        x.memory().len() / self.k
    }

    fn gradient(&self, length: usize) -> Memory<T> {
        let mut zeros = self.cuda.undefined(length);
        self.cuda.clear(&mut zeros);
        zeros
    }

    fn read_gradient(&self, g: Memory<T>) -> Result<Vec<T>> {
        self.cuda.download(&g)
    }

    fn sampled_product(
        &self,
        alpha: f64,
        pattern: &Arc<Pattern>,
        entries: Entries<'_>,
        (y, x): (&DeviceBuffer<T>, &DeviceBuffer<T>),
        g: &mut Memory<T>,
    ) {
        let device = self.cuda.pattern(pattern);
        let blocks = (y.memory(), x.memory());
        let run = |part: Part, rank: Option<&Memory<u32>>, g: &mut Memory<T>| {
            let entries = SampledEntries { pattern: &device, part, rank };
            self.cuda.sampled(alpha, entries, blocks, g, self.k);
        };
        match entries {
            Entries::All => run(Part::ALL, None, g),
            Entries::Triangle(part) => run(Part::of(part), None, g),
            Entries::Outside(part) => run(Part::of(part).complement(), None, g),
            Entries::Diagonal => run(Part::DIAGONAL, None, g),
            Entries::New(sweep) | Entries::Old(sweep) => {
                let Order::Colours(_) = &sweep.order else {
                    self.cuda.fail(Error::unsuited(
                        "Gauss–Seidel in blocks is trained on the CPU only; use colours on a GPU",
                    ));
                    return;
                };
                let order = self.cuda.order(&sweep.order, pattern.rows());
                let new = Part::new_in(sweep.direction);
                let part = if matches!(entries, Entries::New(_)) { new } else { new.complement() };
                run(part, Some(&order.rank), g);
            }
        }
    }

    fn row_dots(&self, y: &DeviceBuffer<T>, x: &DeviceBuffer<T>, g: &mut Memory<T>) {
        self.cuda.row_dots(y.memory(), x.memory(), g, self.k);
    }

    fn row_dots_over_square(
        &self,
        y: &DeviceBuffer<T>,
        x: &DeviceBuffer<T>,
        w: &Values<T>,
        g: &mut Memory<T>,
    ) {
        let mut dots = self.gradient(g.len());
        self.cuda.row_dots(y.memory(), x.memory(), &mut dots, self.k);
        self.cuda.add_over_square(1.0, &dots, w, g);
    }

    fn add_dot(&self, y: &DeviceBuffer<T>, x: &DeviceBuffer<T>, g: &mut Memory<T>, index: usize) {
        self.cuda.add_sum(&self.column_sums(y, x), g, index);
    }

    fn column_dots(&self, x: &DeviceBuffer<T>, y: &DeviceBuffer<T>) -> Result<Vec<f64>> {
        self.cuda.download(&self.column_sums(x, y))
    }

    fn column_squares(&self, x: &DeviceBuffer<T>) -> Result<Vec<f64>> {
        self.column_dots(x, x)
    }

    fn column_scaled(&self, weights: &[f64], x: &DeviceBuffer<T>) -> DeviceBuffer<T> {
        let mut y = self.allocate(self.rows(x));
        self.cuda.column_scale(1.0, &self.cuda.upload(weights), x.memory(), y.memory_mut());
        y
    }

    fn column_add(&self, weights: &[T], x: &DeviceBuffer<T>, y: &mut DeviceBuffer<T>) {
        let weights: Vec<f64> = weights.iter().map(|w| w.to_f64()).collect();
        self.cuda.column_add(1.0, &self.cuda.upload(&weights), x.memory(), y.memory_mut());
    }

    fn solutions(
        &self,
        method: &DeviceMethod<T>,
        r: &DeviceBuffer<T>,
        transposed: bool,
    ) -> Result<DeviceBuffer<T>> {
        let mut y = self.allocate(method.layout.places());
        let way = (method.variant, transposed);
        self.cuda.solve_subdomains(&method.layout, &method.factors, way, r.memory(), y.memory_mut(), self.k);
        Ok(y)
    }

    fn add_solutions(
        &self,
        method: &DeviceMethod<T>,
        y: &DeviceBuffer<T>,
        x: &mut DeviceBuffer<T>,
        transposed: bool,
    ) -> Result<()> {
        let way = (method.variant, transposed);
        self.cuda.add_corrections(&method.layout, 1.0, way, y.memory(), x.memory_mut(), self.k);
        Ok(())
    }

    /// Copies all solutions: the products select the rows on the rings.
    fn on_rings(&self, _: &DeviceMethod<T>, y: &DeviceBuffer<T>) -> DeviceBuffer<T> {
        self.copy(y)
    }

    fn interface_products(
        &self,
        method: &DeviceMethod<T>,
        (lambda, y): (&DeviceBuffer<T>, &DeviceBuffer<T>),
        g: &mut Memory<T>,
    ) {
        let blocks = (lambda.memory(), y.memory());
        self.cuda.add_interface_products(&method.layout, -1.0, blocks, g, self.k);
    }

    fn matrix_products(
        &self,
        method: &DeviceMethod<T>,
        (lambda, y): (&DeviceBuffer<T>, &DeviceBuffer<T>),
        g: &mut Memory<T>,
    ) {
        let blocks = (lambda.memory(), y.memory());
        self.cuda.add_matrix_products(&method.layout, -1.0, blocks, g, self.k);
    }

    fn forget_methods(&self) {
        self.methods.clear();
    }
}
