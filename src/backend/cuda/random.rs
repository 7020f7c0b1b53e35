//! Random numbers: `kernels/random.cu`.

use super::arguments::{Address, arguments};
use super::{Cuda, Memory, OnDevice};

arguments! {
    NormalValues { out: Address, seed: u64, stream: u64, count: u64 }
    PhiloxWords { out: Address, count: u64, c0: u32, c1: u32, c2: u32, c3: u32, k0: u32, k1: u32 }
}

impl Cuda {
    /// Standard normal values that depend only on seed, stream and index; single-precision values are the
    /// rounded double-precision ones.
    pub(crate) fn normal_values<T: OnDevice>(&self, seed: u64, stream: u64, out: &mut Memory<T>) {
        let count = out.len();
        let arguments = NormalValues { out: out.into(), seed, stream, count: count as u64 };
        self.for_each::<T, _>("normal_values", count.div_ceil(2), true, &arguments);
    }
}

#[cfg(all(test, feature = "emulator"))]
mod tests {
    use super::*;

    /// Known answers of Random123.
    #[test]
    fn philox_gives_the_published_words() {
        let cuda = Cuda::emulated(false);
        for (c, expected) in [
            (0, [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            (u32::MAX, [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
        ] {
            let mut out = cuda.undefined::<u32>(4);
            let arguments =
                PhiloxWords { out: (&mut out).into(), count: 1, c0: c, c1: c, c2: c, c3: c, k0: c, k1: c };
            cuda.for_each::<f64, _>("philox_words", 1, true, &arguments);
            assert_eq!(cuda.download(&out).unwrap(), expected);
        }
        let mut out = cuda.undefined::<u32>(4);
        let [c0, c1, c2, c3] = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344];
        let (k0, k1) = (0xa409_3822, 0x299f_31d0);
        let arguments = PhiloxWords { out: (&mut out).into(), count: 1, c0, c1, c2, c3, k0, k1 };
        cuda.for_each::<f64, _>("philox_words", 1, true, &arguments);
        assert_eq!(cuda.download(&out).unwrap(), [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]);
    }

    fn values<T: OnDevice>(descending: bool, seed: u64, stream: u64, n: usize) -> Vec<T> {
        let cuda = Cuda::emulated(descending);
        let mut out = cuda.undefined(n);
        cuda.normal_values(seed, stream, &mut out);
        cuda.download(&out).unwrap()
    }

    #[test]
    fn values_are_normal_and_depend_on_their_index_only() {
        let n = 100_000;
        let x = values::<f64>(false, 7, 1 << 40, n);
        let moment = |p: i32| x.iter().map(|v| v.powi(p)).sum::<f64>() / n as f64;
        for (p, expected, error) in [(1, 0.0, 0.016), (2, 1.0, 0.023), (3, 0.0, 0.062), (4, 3.0, 0.16)] {
            assert!((moment(p) - expected).abs() < error, "moment {p}: {}", moment(p));
        }
        let neighbours = |lag: usize| {
            let sum: f64 = x.iter().zip(&x[lag..]).map(|(a, b)| a * b).sum();
            sum / n as f64
        };
        assert!(neighbours(1).abs() < 0.016 && neighbours(2).abs() < 0.016);
        let beyond = x.iter().filter(|v| v.abs() > 1.959_964).count() as f64 / n as f64;
        assert!((beyond - 0.05).abs() < 0.004, "{beyond}");
        assert_eq!(x, values::<f64>(true, 7, 1 << 40, n));
        assert_eq!(x[..33], values::<f64>(true, 7, 1 << 40, 33));
        let single: Vec<f32> = x[..1001].iter().map(|&v| v as f32).collect();
        assert_eq!(single, values::<f32>(false, 7, 1 << 40, 1001));
        for (seed, stream) in [(8, 1 << 40), (7, 0), (7, (1 << 40) + 1), (7 + (1 << 32), 1 << 40)] {
            let y = values::<f64>(false, seed, stream, 1000);
            assert!(x.iter().zip(&y).all(|(a, b)| a != b));
        }
        assert!(values::<f64>(false, 1, 1, 0).is_empty());
    }
}
