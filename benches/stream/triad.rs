//! STREAM (McCalpin 1995): memory bandwidth of pure copying.

use rayon::prelude::*;

use crate::kernels::Measured;
use crate::timing::sample;

/// Values per array: three of them are 768 MiB, many times any cache.
const LENGTH: usize = 1 << 25;
/// Values per task.
const CHUNK: usize = 1 << 16;

/// Names of the four kernels and their bytes per value. The line that a store fetches before it writes is not
/// counted, as in STREAM.
const KERNELS: [(&str, usize); 4] = [("copy", 16), ("scale", 16), ("add", 24), ("triad", 24)];

/// Time of copy a = b, scale a = s b, add a = b + c and triad a = b + s c on the current pool.
pub fn stream(smoke: bool) -> [Measured; 4] {
    let length = if smoke { CHUNK } else { LENGTH };
    // Written by the threads that later read them.
    let filled =
        |value: f64| (0..length).into_par_iter().with_min_len(CHUNK).map(|_| value).collect::<Vec<_>>();
    let (mut a, b, c) = (filled(1.0), filled(2.0), filled(0.5));
    let s = std::hint::black_box(3.0);
    KERNELS.map(|(kernel, bytes)| {
        let time = sample(smoke, || {
            let tasks = a.par_chunks_mut(CHUNK).zip(b.par_chunks(CHUNK)).zip(c.par_chunks(CHUNK));
            tasks.for_each(|((a, b), c)| match kernel {
                "copy" => a.copy_from_slice(b),
                "scale" => a.iter_mut().zip(b).for_each(|(a, b)| *a = s * b),
                "add" => a.iter_mut().zip(b).zip(c).for_each(|((a, b), c)| *a = b + c),
                _ => a.iter_mut().zip(b).zip(c).for_each(|((a, b), c)| *a = b + s * c),
            });
            std::hint::black_box(&mut a);
        });
        (kernel, bytes * length, time)
    })
}
