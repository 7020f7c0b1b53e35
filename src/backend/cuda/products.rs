//! Products with sparse matrices: `kernels/products.cu`.

use super::arguments::{Address, arguments};
use super::{Cuda, DevicePattern, DeviceTransposition, Memory, OnDevice, THREADS, Tuning};

arguments! {
    Product {
        ptr: Address, columns: Address, source: Address,
        values: Address, x: Address, b: Address, d: Address,
        y: Address, first: Address,
        alpha: f64, beta: f64,
        rows: u32, k: u32,
        mode: u32, lanes: u32,
    }
}

/// A matrix on the device, or its transpose.
#[derive(Debug)]
pub(crate) struct DeviceView<'a, T> {
    pub pattern: &'a DevicePattern,
    /// One value per stored entry, by rows of the pattern, also for the transpose.
    pub values: &'a Memory<T>,
    /// The transposition of the pattern, for the transpose.
    pub transposed: Option<&'a DeviceTransposition>,
}

impl<T> Clone for DeviceView<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for DeviceView<'_, T> {}

impl<'a, T: OnDevice> DeviceView<'a, T> {
    /// The matrix itself.
    pub fn new(pattern: &'a DevicePattern, values: &'a Memory<T>) -> Self {
        Self { pattern, values, transposed: None }
    }

    /// The transpose, by the transposition of this pattern.
    pub fn transposed(self, by: &'a DeviceTransposition) -> Self {
        Self { transposed: Some(by), ..self }
    }

    /// The number of rows of the operator.
    pub fn rows(self) -> usize {
        if self.transposed.is_some() { self.pattern.cols } else { self.pattern.rows }
    }

    /// The number of columns of the operator.
    pub fn cols(self) -> usize {
        if self.transposed.is_some() { self.pattern.rows } else { self.pattern.cols }
    }

    /// Starts of rows, columns, and places of the values.
    pub(super) fn arrays(self) -> (&'a Memory<u32>, &'a Memory<u32>, Option<&'a Memory<u32>>) {
        match self.transposed {
            None => (&self.pattern.row_ptr, &self.pattern.col_idx, None),
            Some(t) => (&t.ptr, &t.row_idx, Some(&t.source)),
        }
    }

    /// The same for the arguments of a kernel.
    pub(super) fn addresses(self) -> [Address; 3] {
        let (ptr, columns, source) = self.arrays();
        [ptr.into(), columns.into(), source.into()]
    }

    /// Whether it is square with this number of rows and all arrays are consistent.
    pub(super) fn is_square_of(self, rows: usize) -> bool {
        self.pattern.rows == rows && self.pattern.cols == rows && self.fits()
    }

    /// Whether all arrays are consistent.
    pub(super) fn fits(self) -> bool {
        let (ptr, columns, source) = self.arrays();
        ptr.len() == self.rows() + 1
            && columns.len() == self.values.len()
            && source.is_none_or(|s| s.len() == columns.len())
    }
}

/// The use of a product.
#[derive(Debug, Clone, Copy)]
pub(super) enum Mode {
    Spmv = 0,
    Residual = 1,
    Jacobi = 2,
    Polynomial = 3,
    /// The residual of x(j) = d(j) b(j), with b in place of x, and also that x.
    First = 4,
}

/// The distribution of rows to threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// A thread for each row.
    Rows,
    /// Entry by entry through shared memory.
    Stream,
    /// This many threads for each row.
    Lanes(u32),
    /// A thread for each row and column.
    Columns,
    /// A thread for each row and pack of columns.
    Packs,
}

impl Way {
    /// By the shape of the product alone, so that the order of sums does not depend on the GPU.
    fn of(tuning: &Tuning, (rows, entries): (usize, usize), k: usize, pack: usize) -> Self {
        let average = entries / rows.max(1);
        match k {
            1 if average < tuning.short_rows => Way::Rows,
            1 if average < tuning.long_rows => Way::Stream,
            1 => Way::Lanes(lanes(average / 2)),
            _ if k.is_multiple_of(pack) => Way::Packs,
            _ => Way::Columns,
        }
    }
}

/// Values of 16 bytes.
pub(super) fn pack<T>() -> usize {
    16 / size_of::<T>()
}

impl Cuda {
    /// Blocks of threads that stream this many rows through shared memory.
    pub(super) fn streamed(&self, rows: usize) -> (usize, u32, u32) {
        let block = self.tuning.stream_rows;
        (rows.div_ceil(block), block as u32, 0)
    }

    /// Whether products with one vector sum the entries of a row in their order, for these numbers of rows
    /// and entries.
    pub(crate) fn sums_in_order(&self, rows: usize, entries: usize) -> bool {
        matches!(Way::of(&self.tuning, (rows, entries), 1, 1), Way::Rows | Way::Stream)
    }
}

/// The largest power of two up to `terms` and 32, at least 1.
pub(super) fn lanes(terms: usize) -> u32 {
    1 << terms.clamp(1, 32).ilog2()
}

/// Operands of a product besides the matrix; unused ones are empty.
pub(super) struct Operands<'a, T> {
    pub mode: Mode,
    pub x: &'a Memory<T>,
    pub b: Option<&'a Memory<T>>,
    pub d: Option<&'a Memory<T>>,
    pub factors: (f64, f64),
    /// The second result of the mode `First`.
    pub first: Option<&'a Memory<T>>,
}

impl<'a, T> Operands<'a, T> {
    /// The operands of the mode `First`.
    pub fn first(d: &'a Memory<T>, b: &'a Memory<T>, x: &'a Memory<T>) -> Self {
        Self { mode: Mode::First, x: b, b: Some(b), d: Some(d), factors: (0.0, 0.0), first: Some(x) }
    }
}

impl Product {
    /// These operands, for rows of k columns; without a matrix.
    pub(super) fn new<T: OnDevice>(
        o: &Operands<'_, T>,
        y: &mut Memory<T>,
        (rows, k): (usize, usize),
    ) -> Self {
        Self {
            ptr: Address::NONE,
            columns: Address::NONE,
            source: Address::NONE,
            values: Address::NONE,
            x: o.x.into(),
            b: o.b.into(),
            d: o.d.into(),
            y: y.into(),
            first: o.first.into(),
            alpha: o.factors.0,
            beta: o.factors.1,
            rows: rows as u32,
            k: k as u32,
            mode: o.mode as u32,
            lanes: 1,
        }
    }
}

impl Cuda {
    /// y ← α A x + β y. With β = 0, y is not read.
    pub(crate) fn spmv<T: OnDevice>(
        &self,
        alpha: f64,
        a: DeviceView<'_, T>,
        x: &Memory<T>,
        beta: f64,
        y: &mut Memory<T>,
        k: usize,
    ) {
        self.product(
            a,
            &Operands { mode: Mode::Spmv, x, b: None, d: None, factors: (alpha, beta), first: None },
            y,
            k,
        );
    }

    /// r ← b − A x.
    pub(crate) fn residual<T: OnDevice>(
        &self,
        a: DeviceView<'_, T>,
        b: &Memory<T>,
        x: &Memory<T>,
        r: &mut Memory<T>,
        k: usize,
    ) {
        self.product(
            a,
            &Operands { mode: Mode::Residual, x, b: Some(b), d: None, factors: (0.0, 0.0), first: None },
            r,
            k,
        );
    }

    /// x′(i,c) ← x(i,c) + d(i) (b − A x)(i,c).
    pub(crate) fn jacobi<T: OnDevice>(
        &self,
        a: DeviceView<'_, T>,
        d: &Memory<T>,
        b: &Memory<T>,
        x: &Memory<T>,
        next: &mut Memory<T>,
        k: usize,
    ) {
        let factors = (0.0, 0.0);
        let operands = Operands { mode: Mode::Jacobi, x, b: Some(b), d: Some(d), factors, first: None };
        self.product(a, &operands, next, k);
    }

    /// y(i,c) ← α y(i,c) + β d(i) (b − A x)(i,c). With α = 0, y is not read.
    #[expect(clippy::too_many_arguments, reason = "the operands of one formula")]
    pub(crate) fn polynomial_step<T: OnDevice>(
        &self,
        a: DeviceView<'_, T>,
        d: &Memory<T>,
        b: &Memory<T>,
        x: &Memory<T>,
        factors: (f64, f64),
        y: &mut Memory<T>,
        k: usize,
    ) {
        let operands = Operands { mode: Mode::Polynomial, x, b: Some(b), d: Some(d), factors, first: None };
        self.product(a, &operands, y, k);
    }

    /// x ← d ⊙ b and r ← b − A x, for vectors of one column: a sweep of Jacobi relaxation from zero and its residual.
    pub(crate) fn first_residual<T: OnDevice>(
        &self,
        a: DeviceView<'_, T>,
        d: &Memory<T>,
        b: &Memory<T>,
        (x, r): (&mut Memory<T>, &mut Memory<T>),
    ) {
        self.product(a, &Operands::first(d, b, x), r, 1);
    }

    fn product<T: OnDevice>(&self, a: DeviceView<'_, T>, o: &Operands<'_, T>, y: &mut Memory<T>, k: usize) {
        let (ptr, columns, source) = a.arrays();
        let rows = a.rows();
        let lengths = a.fits() && operands_fit(o, (rows, a.cols(), k), y);
        let mut arguments = Product::new(o, y, (rows, k));
        arguments.ptr = ptr.into();
        arguments.columns = columns.into();
        arguments.source = source.into();
        arguments.values = a.values.into();
        match Way::of(&self.tuning, (rows, columns.len()), k, pack::<T>()) {
            Way::Rows => self.for_each::<T, _>("product_rows", rows, lengths, &arguments),
            Way::Stream => {
                let shape = self.streamed(rows);
                self.launch::<T, _>("product_stream", shape, lengths, &arguments);
            }
            Way::Lanes(lanes) => {
                arguments.lanes = lanes;
                let shape = ((rows * lanes as usize).div_ceil(THREADS as usize), THREADS, 0);
                self.launch::<T, _>("product_lanes", shape, lengths, &arguments);
            }
            Way::Columns => self.for_each::<T, _>("product_columns", rows * k, lengths, &arguments),
            Way::Packs => {
                self.for_each::<T, _>("product_packs", rows * (k / pack::<T>()), lengths, &arguments);
            }
        }
    }
}

/// Whether the blocks have the lengths of a product with these rows, columns and block columns.
pub(super) fn operands_fit<T: OnDevice>(
    o: &Operands<'_, T>,
    (rows, cols, k): (usize, usize, usize),
    y: &Memory<T>,
) -> bool {
    let square = rows == cols || !matches!(o.mode, Mode::Jacobi | Mode::First);
    square
        && o.x.len() == cols * k
        && y.len() == rows * k
        && o.b.is_none_or(|b| b.len() == rows * k)
        && o.d.is_none_or(|d| d.len() == rows)
        && o.first.is_none_or(|x| k == 1 && x.len() == rows)
}

#[cfg(all(test, feature = "emulator"))]
#[path = "products_tests.rs"]
mod tests;
