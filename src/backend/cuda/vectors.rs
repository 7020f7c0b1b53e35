//! Vectors and diagonals: `kernels/vectors.cu`.

use super::arguments::{Address, arguments};
use super::products::pack;
use super::{Cuda, Memory, OnDevice};

arguments! {
    Combine { x: Address, y: Address, alpha: f64, beta: f64, count: u64 }
    Fill { y: Address, value: f64, count: u64 }
    Diagonal { d: Address, x: Address, y: Address, count: u64, k: u32, unused: u32 }
    ByColumn { alpha: Address, x: Address, y: Address, scale: f64, count: u64, k: u32, unused: u32 }
    OverSquare { x: Address, w: Address, y: Address, alpha: f64, count: u64 }
    Indexed { index: Address, x: Address, y: Address, count: u64, k: u32, unused: u32 }
    Conversion { x: Address, y: Address, by: Address, scale: f64, count: u64, divide: u32, unused: u32 }
}

/// A factor that is known on the host, on the device, or partly on both.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Factor<'a> {
    /// s
    Is(f64),
    /// s β, for the first value β of the buffer.
    #[cfg_attr(not(test), expect(dead_code, reason = "for factors that only the device knows"))]
    Times(f64, &'a Memory<f64>),
    /// s / β
    #[cfg_attr(not(test), expect(dead_code, reason = "for factors that only the device knows"))]
    Over(f64, &'a Memory<f64>),
}

impl<'a> Factor<'a> {
    fn parts(self) -> (f64, Option<&'a Memory<f64>>, bool) {
        match self {
            Factor::Is(s) => (s, None, false),
            Factor::Times(s, by) => (s, Some(by), false),
            Factor::Over(s, by) => (s, Some(by), true),
        }
    }
}

impl Cuda {
    /// y ← α x + β y. With β = 0, y is not read.
    pub(crate) fn combine<T: OnDevice>(&self, alpha: f64, x: &Memory<T>, beta: f64, y: &mut Memory<T>) {
        let count = y.len();
        let arguments = Combine { x: x.into(), y: (&*y).into(), alpha, beta, count: count as u64 };
        self.for_each::<T, _>("combine", count.div_ceil(pack::<T>()), x.len() == count, &arguments);
    }

    /// y ← value.
    pub(crate) fn fill<T: OnDevice>(&self, value: f64, y: &mut Memory<T>) {
        let count = y.len();
        self.for_each::<T, _>("fill", count, true, &Fill { y: (&*y).into(), value, count: count as u64 });
    }

    /// y(i,c) ← y(i,c) + d(i) x(i,c).
    pub(crate) fn diagonal_add<T: OnDevice>(
        &self,
        d: &Memory<T>,
        x: &Memory<T>,
        y: &mut Memory<T>,
        k: usize,
    ) {
        self.diagonal("diagonal_add", d, x, y, k);
    }

    /// y(i,c) ← d(i) x(i,c).
    pub(crate) fn diagonal_scale<T: OnDevice>(
        &self,
        d: &Memory<T>,
        x: &Memory<T>,
        y: &mut Memory<T>,
        k: usize,
    ) {
        self.diagonal("diagonal_scale", d, x, y, k);
    }

    fn diagonal<T: OnDevice>(
        &self,
        kernel: &'static str,
        d: &Memory<T>,
        x: &Memory<T>,
        y: &mut Memory<T>,
        k: usize,
    ) {
        let count = y.len();
        let lengths = x.len() == count && d.len() * k == count;
        let arguments = Diagonal {
            d: d.into(),
            x: x.into(),
            y: (&*y).into(),
            count: count as u64,
            k: k as u32,
            unused: 0,
        };
        self.for_each::<T, _>(kernel, count, lengths, &arguments);
    }

    /// y(i,c) ← y(i,c) + s α(c) x(i,c), for as many columns as α has values.
    pub(crate) fn column_add<T: OnDevice>(
        &self,
        scale: f64,
        alpha: &Memory<f64>,
        x: &Memory<T>,
        y: &mut Memory<T>,
    ) {
        self.by_column("column_add", (scale, alpha), x, y);
    }

    /// y(i,c) ← s α(c) x(i,c) in double precision, for as many columns as α has values.
    pub(crate) fn column_scale<T: OnDevice>(
        &self,
        scale: f64,
        alpha: &Memory<f64>,
        x: &Memory<T>,
        y: &mut Memory<T>,
    ) {
        self.by_column("column_scale", (scale, alpha), x, y);
    }

    fn by_column<T: OnDevice>(
        &self,
        kernel: &'static str,
        (scale, alpha): (f64, &Memory<f64>),
        x: &Memory<T>,
        y: &mut Memory<T>,
    ) {
        let (count, k) = (y.len(), alpha.len());
        let lengths = x.len() == count && k > 0 && count.is_multiple_of(k);
        let (alpha, x, y) = (alpha.into(), x.into(), (&*y).into());
        let arguments = ByColumn { alpha, x, y, scale, count: count as u64, k: k as u32, unused: 0 };
        self.for_each::<T, _>(kernel, count, lengths, &arguments);
    }

    /// y(i) ← y(i) + α x(i) / w(i)².
    pub(crate) fn add_over_square<T: OnDevice>(
        &self,
        alpha: f64,
        x: &Memory<T>,
        w: &Memory<T>,
        y: &mut Memory<T>,
    ) {
        let count = y.len();
        let lengths = x.len() == count && w.len() == count;
        let arguments = OverSquare { x: x.into(), w: w.into(), y: (&*y).into(), alpha, count: count as u64 };
        self.for_each::<T, _>("add_over_square", count, lengths, &arguments);
    }

    /// y(i,c) ← x(index(i),c). Every index is below the number of rows of x.
    pub(crate) fn gather<T: OnDevice>(
        &self,
        index: &Memory<u32>,
        x: &Memory<T>,
        y: &mut Memory<T>,
        k: usize,
    ) {
        let lengths = y.len() == index.len() * k && k > 0 && x.len().is_multiple_of(k);
        let arguments = indexed(index, x, y, (y.len(), k));
        self.for_each::<T, _>("gather", y.len(), lengths, &arguments);
    }

    /// y(index(i),c) ← y(index(i),c) + x(i,c). All indices are distinct and below the number of rows of y.
    pub(crate) fn scatter_add<T: OnDevice>(
        &self,
        index: &Memory<u32>,
        x: &Memory<T>,
        y: &mut Memory<T>,
        k: usize,
    ) {
        let lengths = x.len() == index.len() * k && k > 0 && y.len().is_multiple_of(k);
        let arguments = indexed(index, x, y, (x.len(), k));
        self.for_each::<T, _>("scatter_add", x.len(), lengths, &arguments);
    }

    /// y ← factor x, rounded to single precision once.
    pub(crate) fn narrow(&self, factor: Factor<'_>, x: &Memory<f64>, y: &mut Memory<f32>) {
        self.convert("narrow", factor, (x.into(), x.len()), ((&*y).into(), y.len()));
    }

    /// y ← factor x, in double precision.
    pub(crate) fn widen(&self, factor: Factor<'_>, x: &Memory<f32>, y: &mut Memory<f64>) {
        self.convert("widen", factor, (x.into(), x.len()), ((&*y).into(), y.len()));
    }

    fn convert(
        &self,
        kernel: &'static str,
        factor: Factor<'_>,
        (x, given): (Address, usize),
        (y, count): (Address, usize),
    ) {
        let (scale, by, divide) = factor.parts();
        let lengths = given == count && by.is_none_or(|b| !b.is_empty());
        let (by, divide) = (by.into(), u32::from(divide));
        let arguments = Conversion { x, y, by, scale, count: count as u64, divide, unused: 0 };
        self.for_each::<f64, _>(kernel, count, lengths, &arguments);
    }
}

fn indexed<T: OnDevice>(
    index: &Memory<u32>,
    x: &Memory<T>,
    y: &Memory<T>,
    (count, k): (usize, usize),
) -> Indexed {
    Indexed { index: index.into(), x: x.into(), y: y.into(), count: count as u64, k: k as u32, unused: 0 }
}

#[cfg(all(test, feature = "emulator"))]
#[path = "vectors_tests.rs"]
mod tests;
