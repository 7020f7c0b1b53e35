//! Estimate of the 1-norm of a matrix that is known by its products.

use crate::error::Result;
use crate::krylov::largest;

/// Most iterations.
const ITERATIONS: usize = 5;

/// The product of a matrix (`false`) or its transpose (`true`) with a vector.
pub(super) type Product<'a> = &'a mut dyn FnMut(&[f64], bool) -> Result<Vec<f64>>;

/// A lower bound of ‖B‖₁ that is seldom below a third of it (Hager 1984; Higham, ACM Trans. Math. Softw. 14, 1988,
/// algorithm 4.1). `apply(x, false)` is B x and `apply(x, true)` is Bᵀ x, n × n. Cost: at most six products with B and five
/// with Bᵀ, usually five in all.
pub(super) fn one_norm(n: usize, apply: Product<'_>) -> Result<f64> {
    if n == 0 {
        return Ok(0.0);
    }
    let mut y = apply(&vec![1.0 / n as f64; n], false)?;
    let mut estimate = sum(&y);
    if n == 1 {
        return Ok(estimate);
    }
    let mut signs = signs_of(&y);
    let mut column = None;
    for _ in 0..ITERATIONS {
        let z = apply(&signs, true)?;
        let most = largest(&z);
        // The estimate is a local maximum if its own column has the largest gradient.
        if column.is_some_and(|j: usize| z[j].abs() >= most) {
            break;
        }
        let Some(j) = z.iter().position(|v| v.abs() == most) else { break };
        column = Some(j);
        let mut unit = vec![0.0; n];
        unit[j] = 1.0;
        y = apply(&unit, false)?;
        let (size, next) = (sum(&y), signs_of(&y));
        let better = size > estimate;
        estimate = estimate.max(size);
        if !better || next == signs {
            break;
        }
        signs = next;
    }
    // A vector of alternating signs guards against cancellation.
    let alternating =
        |i: usize| (1.0 + i as f64 / (n - 1) as f64) * if i.is_multiple_of(2) { 1.0 } else { -1.0 };
    let y = apply(&(0..n).map(alternating).collect::<Vec<_>>(), false)?;
    Ok(estimate.max(2.0 * sum(&y) / (3.0 * n as f64)))
}

fn sum(y: &[f64]) -> f64 {
    y.iter().map(|v| v.abs()).sum()
}

fn signs_of(y: &[f64]) -> Vec<f64> {
    y.iter().map(|v| if *v >= 0.0 { 1.0 } else { -1.0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_are_lower_bounds_and_close() {
        for seed in 0..40 {
            let n = 1 + seed % 13;
            let entry = |i: usize, j: usize| ((seed * 31 + i * 7 + j * 13) as f64 * 1.618).sin();
            let norm = (0..n).map(|j| (0..n).map(|i| entry(i, j).abs()).sum::<f64>()).fold(0.0, f64::max);
            let mut apply = |x: &[f64], transposed: bool| {
                let row = |i: usize| {
                    (0..n).map(|j| if transposed { entry(j, i) } else { entry(i, j) } * x[j]).sum()
                };
                Ok((0..n).map(row).collect())
            };
            let estimate = one_norm(n, &mut apply).unwrap();
            assert!(estimate <= norm * (1.0 + 1e-14) && estimate >= norm / 3.0, "{n}: {estimate} {norm}");
        }
    }
}
