//! Gauss–Seidel sweeps: `kernels/sweeps.cu`.

use super::arguments::{Address, arguments};
use super::triangular::DeviceLevels;
use super::{Cuda, DeviceView, Memory, OnDevice};
use crate::backend::{Colouring, Direction, Order, Triangle};

arguments! {
    SweepRows {
        ptr: Address, columns: Address, source: Address,
        values: Address, inverse: Address, b: Address, old: Address, x: Address, rows: Address,
        first: u64, count: u64, k: u32, forward: u32,
    }
    SplitResidual {
        ptr: Address, columns: Address, source: Address,
        values: Address, b: Address, x: Address, r: Address, rows: u64, k: u32, upper: u32,
    }
}

/// Rows by colours on the device; the starts of colours on the host.
#[derive(Debug)]
pub(crate) struct DeviceColours {
    rows: Memory<u32>,
    starts: Vec<usize>,
}

impl DeviceColours {
    /// From a colouring that fits its pattern.
    pub fn new(cuda: &Cuda, colouring: &Colouring) -> Self {
        let (mut rows, mut starts) = (Vec::new(), vec![0]);
        for c in 0..colouring.count() {
            rows.extend_from_slice(colouring.colour(c));
            starts.push(rows.len());
        }
        Self { rows: cuda.upload(&rows), starts }
    }

    /// Number of colours.
    pub fn count(&self) -> usize {
        self.starts.len() - 1
    }
}

/// An [`Order`] on the device.
#[derive(Debug)]
pub(crate) enum DeviceOrder {
    /// Blocks of this many consecutive rows.
    Blocks(usize),
    Colours(DeviceColours),
}

impl DeviceOrder {
    pub fn new(cuda: &Cuda, order: &Order) -> Self {
        match order {
            Order::Blocks { rows } => DeviceOrder::Blocks((*rows).max(1) as usize),
            Order::Colours(colouring) => DeviceOrder::Colours(DeviceColours::new(cuda, colouring)),
        }
    }
}

impl Cuda {
    /// One sweep on A x = b in place, in blocks or by colours, or on Aᵀ x = b if `a` has a transposition: in
    /// turn x(i) ← x(i) + w(i) (b(i) − Σ_j a(i,j) x(j)). `scratch` is as long as x, with any content, and is
    /// used for blocks only.
    #[expect(clippy::too_many_arguments, reason = "the operands of one formula")]
    pub(crate) fn ordered_sweep<T: OnDevice>(
        &self,
        a: DeviceView<'_, T>,
        inverse: &Memory<T>,
        (order, direction): (&DeviceOrder, Direction),
        b: &Memory<T>,
        x: &mut Memory<T>,
        scratch: &mut Memory<T>,
        k: usize,
    ) {
        let n = a.pattern.rows;
        if n * k == 0 {
            return;
        }
        let lengths = a.is_square_of(n)
            && inverse.len() == n
            && b.len() == n * k
            && x.len() == n * k
            && scratch.len() == n * k;
        let [ptr, columns, source] = a.addresses();
        let mut arguments = SweepRows {
            ptr,
            columns,
            source,
            values: a.values.into(),
            inverse: inverse.into(),
            b: b.into(),
            old: (&*scratch).into(),
            x: (&*x).into(),
            rows: Address::NONE,
            first: n as u64,
            count: 0,
            k: k as u32,
            forward: u32::from(direction == Direction::Forward),
        };
        match order {
            DeviceOrder::Blocks(rows) => {
                if lengths {
                    self.copy(x, scratch);
                }
                arguments.count = *rows as u64;
                self.for_each::<T, _>("sweep_blocks", n.div_ceil(*rows) * k, lengths, &arguments);
            }
            DeviceOrder::Colours(colours) => {
                let lengths = lengths && colours.rows.len() == n;
                arguments.rows = (&colours.rows).into();
                for step in 0..colours.count() {
                    let forward = direction == Direction::Forward;
                    let c = if forward { step } else { colours.count() - 1 - step };
                    let (first, end) = (colours.starts[c], colours.starts[c + 1]);
                    (arguments.first, arguments.count) = (first as u64, (end - first) as u64);
                    self.for_each::<T, _>("sweep_colour", (end - first) * k, lengths, &arguments);
                }
            }
        }
    }

    /// r ← b − N x with N the part of A above its diagonal, or below it.
    pub(crate) fn split_residual<T: OnDevice>(
        &self,
        a: DeviceView<'_, T>,
        upper: bool,
        b: &Memory<T>,
        x: &Memory<T>,
        r: &mut Memory<T>,
        k: usize,
    ) {
        let n = a.pattern.rows;
        let lengths = a.is_square_of(n) && b.len() == n * k && x.len() == n * k && r.len() == n * k;
        let [ptr, columns, source] = a.addresses();
        let arguments = SplitResidual {
            ptr,
            columns,
            source,
            values: a.values.into(),
            b: b.into(),
            x: x.into(),
            r: r.into(),
            rows: n as u64,
            k: k as u32,
            upper: u32::from(upper),
        };
        self.for_each::<T, _>("split_residual", n * k, lengths, &arguments);
    }

    /// One Gauss–Seidel sweep on A x = b in place in natural order, with the levels of the triangle that it
    /// solves: the lower one forward, the upper one backward. `scratch` is as long as x, with any content.
    #[expect(clippy::too_many_arguments, reason = "the operands of one formula")]
    pub(crate) fn gauss_seidel<T: OnDevice>(
        &self,
        a: DeviceView<'_, T>,
        levels: &DeviceLevels,
        b: &Memory<T>,
        x: &mut Memory<T>,
        scratch: &mut Memory<T>,
        direction: Direction,
        k: usize,
    ) {
        let part = Triangle { lower: direction == Direction::Forward, unit: false };
        self.split_residual(a, part.lower, b, x, scratch, k);
        self.solve_triangular(a, levels, part, scratch, k);
        self.copy(scratch, x);
    }
}

#[cfg(all(test, feature = "emulator"))]
mod tests {
    use std::sync::Arc;

    use super::super::trials::{Numbers, agrees};
    use super::*;
    use crate::backend::{OrderedSweep, OrderedView, Reference};
    use crate::sparse::Csr;

    const DIRECTIONS: [Direction; 2] = [Direction::Forward, Direction::Backward];

    fn check_ordered<T: OnDevice>(a: &Csr<T>, order: &Order, k: usize) {
        let n = a.rows();
        let mut numbers = Numbers((n + k) as u64);
        let (b, x, inverse) =
            (numbers.vector::<T>(n * k), numbers.vector::<T>(n * k), numbers.vector::<T>(n));
        for direction in DIRECTIONS {
            for transposed in [false, true] {
                let sweep = OrderedSweep { order: order.clone(), direction };
                let t = if transposed { a.transpose() } else { a.clone() };
                let (mut expected, mut scratch) = (x.clone(), x.clone());
                let view = OrderedView { a: (&t).into(), inverse: &inverse, sweep: &sweep };
                Reference.ordered_sweep(view, &b, &mut expected, &mut scratch, k);
                agrees(&expected, |cuda| {
                    let pattern = Arc::new(a.pattern().as_ref().clone());
                    let device = cuda.pattern(&pattern);
                    let transposition = transposed.then(|| device.transposition(cuda, &pattern));
                    let (values, inverse) = (cuda.upload(a.values()), cuda.upload(&inverse));
                    let (b, mut x, mut scratch) = (cuda.upload(&b), cuda.upload(&x), cuda.undefined(n * k));
                    let view = DeviceView { pattern: &device, values: &values, transposed: transposition };
                    let order = DeviceOrder::new(cuda, &sweep.order);
                    cuda.ordered_sweep(view, &inverse, (&order, direction), &b, &mut x, &mut scratch, k);
                    cuda.download(&x).unwrap()
                });
            }
        }
    }

    fn check_natural<T: OnDevice>(a: &Csr<T>, k: usize) {
        let n = a.rows();
        let mut numbers = Numbers((2 * n + k) as u64);
        let (b, x) = (numbers.vector::<T>(n * k), numbers.vector::<T>(n * k));
        for direction in DIRECTIONS {
            let mut expected = x.clone();
            Reference.gauss_seidel(a.into(), &b, &mut expected, direction, k);
            agrees(&expected, |cuda| {
                let pattern = Arc::new(a.pattern().as_ref().clone());
                let (device, values) = (cuda.pattern(&pattern), cuda.upload(a.values()));
                let view = DeviceView { pattern: &device, values: &values, transposed: None };
                let levels = DeviceLevels::new(cuda, &pattern, direction == Direction::Forward, false);
                let (b, mut x, mut scratch) = (cuda.upload(&b), cuda.upload(&x), cuda.undefined(n * k));
                cuda.gauss_seidel(view, &levels, &b, &mut x, &mut scratch, direction, k);
                cuda.download(&x).unwrap()
            });
        }
    }

    fn everywhere(check: impl Fn(&Csr<f64>, &Csr<f32>, usize)) {
        let mut numbers = Numbers(11);
        for (n, reach, full) in [(0, 1, false), (1, 1, false), (65, 70, false), (300, 9, true)] {
            let (a, single) =
                (numbers.banded::<f64>(n, 3, reach, full), numbers.banded::<f32>(n, 3, reach, full));
            for k in [1, 3, 8, 33] {
                check(&a, &single, k);
            }
        }
    }

    #[test]
    fn colours_are_swept_as_by_the_reference() {
        everywhere(|a, single, k| {
            check_ordered(a, &Order::colours_of(a.pattern()), k);
            check_ordered(single, &Order::colours_of(single.pattern()), k);
        });
    }

    #[test]
    fn blocks_are_swept_as_by_the_reference() {
        for rows in [1, 7, 1000] {
            everywhere(|a, single, k| {
                if k < 8 || rows == 7 {
                    check_ordered(a, &Order::Blocks { rows }, k);
                    check_ordered(single, &Order::Blocks { rows }, k);
                }
            });
        }
    }

    #[test]
    fn natural_order_is_swept_as_by_the_reference() {
        everywhere(|a, single, k| {
            check_natural(a, k);
            check_natural(single, k);
        });
    }
}
