//! Small random systems of many kinds, for the suite and the fuzz targets.

use multigrad::Csr;

use super::numbers::Numbers;

/// Kinds of systems, as users have them.
pub const KINDS: usize = 12;

/// A random system of a kind, of up to `most` unknowns, most of them small.
pub fn system(kind: usize, most: usize, r: &mut Numbers) -> Csr {
    let bound = 1 + r.below(most);
    let n = 1 + r.below(bound);
    let mut t: Vec<(usize, usize, f64)> = Vec::new();
    let edge = |t: &mut Vec<_>, i: usize, j: usize, v: f64| {
        t.extend([(i, j, -v), (j, i, -v), (i, i, v), (j, j, v)]);
    };
    match kind {
        // A weighted graph with a ground.
        0 | 1 => {
            for i in 1..n {
                let j = r.below(i);
                edge(&mut t, i, j, (3.0 * r.value()).exp());
            }
            t.push((0, 0, if kind == 0 { 1.0 } else { 1e-6 }));
        }
        // Convection: a diagonal that dominates, random elsewhere.
        2 => {
            for i in 0..n {
                t.push((i, i, 3.0 + r.value()));
                for _ in 0..3 {
                    t.push((i, r.below(n), 0.5 * r.value()));
                }
            }
        }
        // Random entries without dominance.
        3 => {
            for i in 0..n {
                t.push((i, i, r.value()));
                for _ in 0..4 {
                    t.push((i, r.below(n), r.value()));
                }
            }
        }
        // A permuted diagonal: zeros on the diagonal.
        4 => (0..n)
            .for_each(|i| t.extend([(i, (i + 1) % n, 2.0 + r.value()), (i, (i + 3) % n, 0.3 * r.value())])),
        // A saddle point.
        5 => {
            let m = n.div_ceil(3);
            (0..n).for_each(|i| t.push((i, i, 1.5 + r.value())));
            for k in 0..m {
                for j in [k, (k + m) % n] {
                    let v = 1.0 + 0.3 * r.value();
                    t.extend([(n + k, j, v), (j, n + k, v)]);
                }
            }
            return Csr::from_triplets(n + m, n + m, &t).unwrap();
        }
        // Dirichlet rows of the identity in other units, columns kept.
        6 => {
            for i in 0..n {
                if i % 4 == 0 {
                    t.push((i, i, 1.0));
                } else {
                    t.extend([(i, i, 2e-10), (i, i - 1, -1e-10)]);
                    if i + 1 < n {
                        t.push((i, i + 1, -1e-10));
                    }
                }
            }
        }
        // Rows and columns of very different size.
        7 => {
            let scale: Vec<f64> = (0..n).map(|_| (12.0 * r.value()).exp()).collect();
            for i in 0..n {
                t.push((i, i, 4.0 * scale[i] * scale[i]));
                let j = r.below(n);
                if j != i {
                    let v = scale[i] * scale[j] * r.value();
                    t.extend([(i, j, v), (j, i, v)]);
                }
            }
        }
        // Separate parts, some of one unknown.
        8 => {
            for i in 0..n {
                t.push((i, i, 1.0 + r.value().abs()));
                if i % 3 == 1 {
                    edge(&mut t, i, i - 1, 1.0);
                }
            }
        }
        // Convection with exchanged equations, and small entries where the diagonal was.
        9 => {
            let mut row: Vec<usize> = (0..n).collect();
            (1..n).filter(|i| i % 2 == 0).for_each(|i| row.swap(i, r.below(i)));
            for (i, own) in row.into_iter().enumerate() {
                t.extend([(own, i, 3.0 + r.value()), (i, i, 1e-9 * r.value())]);
                (0..3).for_each(|_| t.push((own, r.below(n), 0.3 * r.value())));
            }
        }
        // Full rows and columns beside a chain with convection.
        10 => {
            let k = 1 + r.below(5);
            for i in k..n {
                t.push((i, i, 2.1));
                t.extend((i > k).then_some((i, i - 1, -1.2)));
                t.extend((i + 1 < n).then_some((i, i + 1, -0.8)));
                (0..k).for_each(|j| t.extend([(i, j, 0.1 * r.value()), (j, i, 0.1 * r.value())]));
            }
            (0..k.min(n)).for_each(|j| t.push((j, j, 5.0 + (n as f64).sqrt())));
        }
        // A full row and column.
        _ => {
            for i in 0..n {
                t.extend([(i, i, 2.0 + r.value()), (0, i, 0.1 * r.value()), (i, 0, 0.1 * r.value())]);
            }
        }
    }
    Csr::from_triplets(n, n, &t).unwrap()
}

/// The largest error of a row relative to its terms.
pub fn backward_error(a: &Csr, x: &[f64], b: &[f64]) -> f64 {
    let error = |i: usize| {
        let (mut residual, mut terms) = (b[i], b[i].abs());
        a.row(i).for_each(|(j, v)| (residual, terms) = (residual - v * x[j], terms + (v * x[j]).abs()));
        if residual == 0.0 { 0.0 } else { residual.abs() / terms }
    };
    (0..a.rows()).map(error).fold(0.0, f64::max)
}
