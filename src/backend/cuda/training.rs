//! The batch of a training step: `kernels/training.cu`.

use super::arguments::{Address, arguments};
use super::{Cuda, Memory, OnDevice};

arguments! {
    PoolScales { squares: Address, keep: Address, rows: f64, k: u32, half: u32, renewed: u32, unused: u32 }
    AddSum { terms: Address, g: Address, index: u64, k: u32, unused: u32 }
    PoolMerge { after: Address, keep: Address, z: Address, count: u64, k: u32, unused: u32 }
}

impl Cuda {
    /// g(index) ← g(index) + Σ terms.
    pub(crate) fn add_sum<T: OnDevice>(&self, terms: &Memory<f64>, g: &mut Memory<T>, index: usize) {
        let arguments = AddSum {
            terms: terms.into(),
            g: (&*g).into(),
            index: index as u64,
            k: terms.len() as u32,
            unused: 0,
        };
        self.for_each::<T, _>("add_sum", 1, index < g.len(), &arguments);
    }

    /// The next batch: the first `half` columns are those of `after`, in units of their root mean square,
    /// except column `renewed` and those that are zero or not finite; all others keep their values in `z`.
    pub(crate) fn pool_advance<T: OnDevice>(
        &self,
        (half, renewed): (usize, Option<usize>),
        (after, squares): (&Memory<T>, &Memory<f64>),
        keep: &mut Memory<f64>,
        z: &mut Memory<T>,
    ) {
        let (k, count) = (squares.len(), z.len());
        let arguments = PoolScales {
            squares: squares.into(),
            keep: (&*keep).into(),
            rows: (count / k.max(1)) as f64,
            k: k as u32,
            half: half as u32,
            renewed: renewed.map_or(u32::MAX, |c| c as u32),
            unused: 0,
        };
        self.for_each::<f64, _>("pool_scales", k, keep.len() == k, &arguments);
        let (after_at, keep_at, z_at) = (after.into(), (&*keep).into(), (&*z).into());
        let arguments = PoolMerge {
            after: after_at,
            keep: keep_at,
            z: z_at,
            count: count as u64,
            k: k as u32,
            unused: 0,
        };
        let lengths = after.len() == count && keep.len() == k;
        self.for_each::<T, _>("pool_merge", count, lengths, &arguments);
    }
}
