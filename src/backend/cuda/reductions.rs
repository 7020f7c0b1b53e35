//! Sums and largest values over rows: `kernels/reductions.cu`. Results stay on the device, in double precision.

use super::arguments::{Address, arguments};
use super::{Cuda, Memory, OnDevice, Tuning};

arguments! {
    Reduction { x: Address, y: Address, partials: Address, rows: u64, k: u64, slabs: u32, tile: u32 }
    Totals { partials: Address, out: Address, k: u64, slabs: u32, unused: u32 }
}

/// Threads of a block, as in the kernels.
const THREADS: u32 = 256;

/// Memory for partial results of blocks; its owner allocates it before a capture.
#[derive(Debug)]
pub(crate) struct Reductions {
    partials: Memory<f64>,
}

/// Blocks over the rows, columns of a block, blocks over the columns: a function of n, k and constants alone.
fn shape(tuning: &Tuning, rows: usize, k: usize) -> (usize, usize, usize) {
    let tile = k.clamp(1, THREADS as usize);
    ((rows * tile).div_ceil(tuning.reduction_slab).clamp(1, tuning.reduction_blocks), tile, k.div_ceil(tile))
}

impl Reductions {
    /// Sufficient for blocks of these rows and columns, and for smaller ones with at most as many columns.
    pub(crate) fn new(cuda: &Cuda, shapes: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let most = shapes.into_iter().map(|(rows, k)| shape(&cuda.tuning, rows, k).0 * k).max().unwrap_or(0);
        Self { partials: cuda.undefined(most) }
    }
}

impl Cuda {
    /// out(c) ← Σ_i x(i,c) y(i,c), for as many columns as `out` has values.
    pub(crate) fn column_dots<T: OnDevice>(
        &self,
        room: &mut Reductions,
        x: &Memory<T>,
        y: &Memory<T>,
        out: &mut Memory<f64>,
    ) {
        self.reduce(["dot_partials", "dot_totals"], room, (x, y), out);
    }

    /// out(c) ← max_i |x(i,c)|, for as many columns as `out` has values; NaN if there is one.
    pub(crate) fn column_largest<T: OnDevice>(
        &self,
        room: &mut Reductions,
        x: &Memory<T>,
        out: &mut Memory<f64>,
    ) {
        self.reduce(["largest_partials", "largest_totals"], room, (x, x), out);
    }

    fn reduce<T: OnDevice>(
        &self,
        [first, second]: [&'static str; 2],
        room: &mut Reductions,
        (x, y): (&Memory<T>, &Memory<T>),
        out: &mut Memory<f64>,
    ) {
        let k = out.len();
        let rows = x.len() / k.max(1);
        let (slabs, tile, tiles) = shape(&self.tuning, rows, k);
        let lengths = x.len() == rows * k && y.len() == x.len() && room.partials.len() >= slabs * k;
        let partials = Address::from(&room.partials);
        let (rows, columns, slabs_u32) = (rows as u64, k as u64, slabs as u32);
        let arguments = Reduction {
            x: x.into(),
            y: y.into(),
            partials,
            rows,
            k: columns,
            slabs: slabs_u32,
            tile: tile as u32,
        };
        self.launch::<T, _>(first, (slabs * tiles, THREADS, 0), lengths, &arguments);
        let arguments = Totals { partials, out: (&*out).into(), k: columns, slabs: slabs_u32, unused: 0 };
        let threads = slabs_u32.next_power_of_two().clamp(32, THREADS);
        self.launch::<T, _>(second, (k, threads, 0), lengths, &arguments);
    }
}

#[cfg(all(test, feature = "emulator"))]
mod tests {
    use super::super::judged::{COLUMNS, Numbers, devices, in_both_precisions};
    use super::*;

    in_both_precisions!(sums_and_largest_values);

    fn sums_and_largest_values<T: OnDevice>() {
        let mut r = Numbers(30);
        let shapes = [0, 1, 67].into_iter().flat_map(|n| COLUMNS.map(|k| (n, k)));
        for (n, k) in shapes.chain([(150_001, 1), (5_003, 3), (300, 33), (3, 256), (17, 300)]) {
            let (x, y) = (r.vector::<T>(n * k), r.vector::<T>(n * k));
            let value = |v: &[T], i: usize, c: usize| v[i * k + c].to_f64();
            let dots: Vec<f64> =
                (0..k).map(|c| (0..n).map(|i| value(&x, i, c) * value(&y, i, c)).sum()).collect();
            let largest: Vec<f64> =
                (0..k).map(|c| (0..n).fold(0.0f64, |m, i| m.max(value(&x, i, c).abs()))).collect();
            for pair in devices::<T>() {
                let got = [&pair[0], &pair[1], &pair[0]].map(|cuda| {
                    let mut room = Reductions::new(cuda, [(n, k)]);
                    let (x, y) = (cuda.upload(&x), cuda.upload(&y));
                    let (mut sums, mut most) = (cuda.undefined(k), cuda.undefined(k));
                    cuda.column_dots(&mut room, &x, &y, &mut sums);
                    cuda.column_largest(&mut room, &x, &mut most);
                    (cuda.download(&sums).unwrap(), cuda.download(&most).unwrap())
                });
                assert!(
                    got[0] == got[1] && got[0] == got[2],
                    "{n} × {k}: bits depend on the order of threads"
                );
                assert_eq!(got[0].1, largest, "{n} × {k}");
                for (a, b) in got[0].0.iter().zip(&dots) {
                    assert!((a - b).abs() <= 1e-13 * (n as f64).max(1.0), "{n} × {k}: {a} against {b}");
                }
            }
        }
    }

    #[test]
    fn a_nan_is_the_largest_value() {
        for q in [0, 1, 300, 9_999] {
            let cuda = Cuda::emulated(false);
            let mut x = vec![1.0; 10_000];
            x[q] = f64::NAN;
            let (mut room, mut out) = (Reductions::new(&cuda, [(10_000, 1)]), cuda.undefined(1));
            cuda.column_largest(&mut room, &cuda.upload(&x), &mut out);
            assert!(cuda.download(&out).unwrap()[0].is_nan());
        }
    }

    #[test]
    fn too_little_room_is_refused() {
        let cuda = Cuda::emulated(false);
        let (x, mut out) = (cuda.upload(&[1.0; 10_000]), cuda.undefined(1));
        cuda.column_dots(&mut Reductions::new(&cuda, [(10, 1)]), &x, &x, &mut out);
        assert!(cuda.check().is_err());
    }
}
