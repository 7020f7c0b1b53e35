//! Rows of a result, shared by threads.

use crate::parallel;
use crate::sparse::Scalar;

/// The number of multiply-adds below which starting the pool costs more than it saves.
pub(super) const PARALLEL_WORK: usize = 1 << 17;

/// Calls `body(first row, rows of the output)`, in parallel if `work` is large enough.
pub(super) fn over_rows<T: Scalar>(
    out: &mut [T],
    width: usize,
    work: usize,
    body: impl Fn(usize, &mut [T]) + Sync,
) {
    if width == 0 || out.is_empty() {
        return;
    }
    let threads = parallel::threads();
    if work < PARALLEL_WORK || threads == 1 {
        body(0, out);
        return;
    }
    let rows = out.len() / width;
    let chunk = rows.div_ceil(4 * threads).max(64);
    parallel::for_each(out.chunks_mut(chunk * width).enumerate(), &|(q, rows)| body(q * chunk, rows));
}
