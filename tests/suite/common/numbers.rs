//! Numbers for tests: the same on every machine, in any scalar type.

use std::sync::OnceLock;

use multigrad::sparse::{Csr, Scalar};
use rayon::{ThreadPool, ThreadPoolBuilder};

#[path = "generator.rs"]
mod generator;

pub use generator::Numbers;

/// Pools of 1, 2 and 3 threads.
pub fn pools() -> &'static [ThreadPool; 3] {
    static POOLS: OnceLock<[ThreadPool; 3]> = OnceLock::new();
    POOLS.get_or_init(|| [1, 2, 3].map(|n| ThreadPoolBuilder::new().num_threads(n).build().unwrap()))
}

pub fn bits<T: Scalar>(v: &[T]) -> Vec<u64> {
    v.iter().map(|x| x.to_f64().to_bits()).collect()
}

pub fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

pub fn largest(x: &[f64]) -> f64 {
    x.iter().fold(0.0, |m, v| m.max(v.abs()))
}

/// Largest difference relative to the largest of the second; infinite if anything is NaN.
pub fn distance(x: &[f64], y: &[f64]) -> f64 {
    assert_eq!(x.len(), y.len());
    let worst = x.iter().zip(y).fold(0.0f64, |m, (x, y)| {
        let d = (x - y).abs();
        if d.is_nan() { f64::INFINITY } else { m.max(d) }
    });
    if worst == 0.0 { 0.0 } else { worst / largest(y) }
}
