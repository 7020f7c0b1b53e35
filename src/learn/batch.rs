//! The batch of training: a persistent pool of nearly dominant errors beside random ones.

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::sparse::Scalar;

/// Columns that training runs on. The first half is the pool: z ← G z / ‖G z‖ after every
/// step, with one new random column every 10 steps. The other half is random in every step.
#[derive(Debug)]
pub(super) struct Batch<T> {
    rows: usize,
    columns: usize,
    values: Vec<T>,
    random: ChaCha8Rng,
    steps: usize,
}

// The generator is not `Clone`; its seed and position give another one in the same state.
impl<T: Clone> Clone for Batch<T> {
    fn clone(&self) -> Self {
        let mut random = ChaCha8Rng::from_seed(self.random.get_seed());
        random.set_word_pos(self.random.get_word_pos());
        let Self { rows, columns, ref values, steps, .. } = *self;
        Self { rows, columns, values: values.clone(), random, steps }
    }
}

impl<T: Scalar> Batch<T> {
    pub fn new(rows: usize, columns: usize, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let values = normal_values(&mut random, rows * columns);
        Self { rows, columns, values, random, steps: 0 }
    }

    /// The batch, rows × columns.
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Replaces the first columns by these, scaled to the size of random ones; zeros and other lengths are left out.
    pub fn use_columns(&mut self, columns: &[Vec<f64>]) {
        for (c, column) in columns.iter().filter(|c| c.len() == self.rows).take(self.columns).enumerate() {
            let norm = column.iter().map(|v| v * v).sum::<f64>().sqrt();
            let scale = (self.rows as f64).sqrt() / norm;
            if norm > 0.0 && scale.is_finite() {
                let own = self.values.iter_mut().skip(c).step_by(self.columns);
                own.zip(column).for_each(|(own, v)| *own = T::from_f64(v * scale));
            }
        }
    }

    /// Takes the pool from `after_one_cycle`, scaled, and draws the other columns.
    pub fn advance(&mut self, after_one_cycle: &[T]) {
        let (columns, half) = (self.columns, self.columns.div_ceil(2));
        self.steps += 1;
        let renewed = self.steps.is_multiple_of(10).then(|| self.steps / 10 % half);
        let mut norms = vec![0.0f64; half];
        for row in after_one_cycle.chunks_exact(columns) {
            for (norm, v) in norms.iter_mut().zip(row) {
                *norm += v.to_f64() * v.to_f64();
            }
        }
        let usable = |c: usize| norms[c].is_finite() && norms[c] > 0.0 && renewed != Some(c);
        let keep: Vec<Option<T>> = (0..columns)
            .map(|c| (c < half && usable(c)).then(|| T::from_f64((self.rows as f64 / norms[c]).sqrt())))
            .collect();
        for (row, after) in self.values.chunks_exact_mut(columns).zip(after_one_cycle.chunks_exact(columns)) {
            for ((v, &a), keep) in row.iter_mut().zip(after).zip(&keep) {
                *v = match keep {
                    Some(scale) => a * *scale,
                    None => normal(&mut self.random),
                };
            }
        }
    }
}

/// Independent standard normal values.
pub(super) fn normal_values<T: Scalar>(random: &mut ChaCha8Rng, count: usize) -> Vec<T> {
    (0..count).map(|_| normal(random)).collect()
}

fn normal<T: Scalar>(random: &mut ChaCha8Rng) -> T {
    let v: f32 = StandardNormal.sample(random);
    T::from_f64(f64::from(v))
}
