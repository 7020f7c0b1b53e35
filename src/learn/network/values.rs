//! The values of smoothers that the numbers of the network stand for.

use super::features::{FEATURES, Graph};
use super::weights::OUTPUTS;
use crate::learn::parameters::Parameters;

/// Value = start (1 + factor) + unit · addend, on every buffer.
pub fn install(numbers: &[f32], graph: &Graph<f32>, parameters: &mut Parameters<f32>) {
    for (q, (range, post)) in graph.buffers.iter().enumerate() {
        let column = if *post { 2 } else { 0 };
        let (values, _) = parameters.buffer_mut(q);
        let rows = numbers.chunks_exact(OUTPUTS).zip(&graph.start).skip(range.start);
        for (value, (out, (start, unit))) in values.iter_mut().zip(rows) {
            *value = start * (1.0 + bounded(out[column])) + unit * bounded(out[column + 1]);
        }
    }
}

/// A change of at most one, so that every value stays within reach of the start.
fn bounded(v: f32) -> f32 {
    v / (1.0 + v.abs())
}

/// Its derivative.
fn slope(v: f32) -> f32 {
    1.0 / ((1.0 + v.abs()) * (1.0 + v.abs()))
}

/// The gradient with respect to the numbers of the network.
pub fn pull_back(gradient: &[Vec<f32>], numbers: &[f32], graph: &Graph<f32>) -> Vec<f32> {
    let mut seed = vec![0.0f32; graph.features.len() / FEATURES * OUTPUTS];
    for ((range, post), gradient) in graph.buffers.iter().zip(gradient) {
        let column = if *post { 2 } else { 0 };
        let rows = seed.chunks_exact_mut(OUTPUTS).zip(numbers.chunks_exact(OUTPUTS)).zip(&graph.start);
        for (g, ((out, numbers), (start, unit))) in gradient.iter().zip(rows.skip(range.start)) {
            out[column] += start * g * slope(numbers[column]);
            out[column + 1] += unit * g * slope(numbers[column + 1]);
        }
    }
    seed
}
