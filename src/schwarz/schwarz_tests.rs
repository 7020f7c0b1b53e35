//! Schwarz preconditioner against its formula, classical conditions, errors.

use std::sync::Arc;

use super::{
    Decomposition, Interface, Layout, LocalSolves, Schwarz, Variant, blocks_2d, optimised_parameter_zero,
    optimised_parameters_two, robin_shares,
};
use crate::gallery::{neumann_2d, poisson_2d};
use crate::krylov::Cg;
use crate::operator::Preconditioner;
use crate::sparse::{Csr, Scalar};

pub(super) const VARIANTS: [Variant; 4] =
    [Variant::Restricted, Variant::Additive, Variant::Weighted, Variant::Harmonic];

/// Rough numbers between −1 and 1.
pub(super) fn noise(seed: usize, count: usize) -> Vec<f64> {
    (0..count).map(|q| ((q * q + 31 * q + 17 * seed) as f64 * 0.618).sin()).collect()
}

/// A grid with nonsymmetric values, and a third of its entries stored on one side only.
pub(super) fn unsymmetric(nx: usize, ny: usize) -> Csr<f64> {
    let a = poisson_2d(nx, ny).unwrap().matrix;
    let values = noise(3, a.nnz());
    let mut q = 0;
    let a = a.map(|_, _, v| {
        q += 1;
        v + 0.4 * values[q - 1]
    });
    let mut triplets = Vec::new();
    for i in 0..a.rows() {
        triplets.extend(a.row(i).filter(|&(j, _)| j <= i || (i + j) % 3 > 0).map(|(j, v)| (i, j, v)));
    }
    Csr::from_triplets(a.rows(), a.cols(), &triplets).unwrap()
}

pub(super) fn layout(a: &Csr<f64>, part: &[u32], overlap: usize) -> Arc<Layout> {
    Layout::new(a.pattern(), Decomposition::from_parts(a.pattern(), part, overlap).unwrap()).unwrap()
}

/// The inverse of a small dense matrix by Gauss and Jordan, with pivots.
fn inverse(mut a: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let n = a.len();
    for (i, row) in a.iter_mut().enumerate() {
        row.extend((0..n).map(|j| if i == j { 1.0 } else { 0.0 }));
    }
    for k in 0..n {
        let best = (k..n).max_by(|&p, &q| a[p][k].abs().total_cmp(&a[q][k].abs())).unwrap();
        a.swap(k, best);
        let pivot = a[k].clone();
        a[k].iter_mut().for_each(|v| *v /= pivot[k]);
        let scaled = a[k].clone();
        for (_, row) in a.iter_mut().enumerate().filter(|(i, _)| *i != k) {
            let factor = row[k];
            row.iter_mut().zip(&scaled).for_each(|(v, s)| *v -= factor * s);
        }
    }
    a.into_iter().map(|row| row[n..].to_vec()).collect()
}

/// M by its formula.
fn formula(a: &Csr<f64>, interface: &Interface<f64>, variant: Variant) -> Vec<Vec<f64>> {
    let (n, layout) = (a.rows(), interface.layout());
    let d = layout.decomposition();
    let mut m = vec![vec![0.0; n]; n];
    for (p, s) in d.iter().enumerate() {
        let rows: Vec<usize> = s.rows.iter().map(|&i| i as usize).collect();
        let mut local: Vec<Vec<f64>> =
            rows.iter().map(|&i| rows.iter().map(|&j| a.get(i, j)).collect()).collect();
        let ends = layout.interface_ends(p);
        for (&[r, c], &v) in ends.iter().zip(&interface.values()[layout.interface_of(p)]) {
            assert!(a.pattern().find(rows[r], rows[c]).is_some());
            assert!(s.ring.contains(&(r as u32)) && s.ring.contains(&(c as u32)));
            local[r][c] += v;
        }
        let local = inverse(local);
        let root = |i: usize| 1.0 / (d.copies(i) as f64).sqrt();
        for (r, &i) in rows.iter().enumerate() {
            for (c, &j) in rows.iter().enumerate() {
                let owned = |q: usize| if s.owned[q] { 1.0 } else { 0.0 };
                let weight = match variant {
                    Variant::Restricted => owned(r),
                    Variant::Additive => 1.0,
                    Variant::Weighted => root(i) * root(j),
                    Variant::Harmonic => owned(c),
                };
                m[i][j] += weight * local[r][c];
            }
        }
    }
    m
}

fn close(x: &[f64], y: &[f64], tolerance: f64) {
    let off = x.iter().zip(y).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
    assert!(x.len() == y.len() && off <= tolerance, "{off:e} apart");
}

#[test]
fn m_is_its_formula() {
    let a = unsymmetric(7, 6);
    let n = a.rows();
    for overlap in 0..3 {
        let layout = layout(&a, &blocks_2d(7, 6, 2, 2).unwrap(), overlap);
        let interface = Interface::new(&layout, noise(9, layout.interface_entries())).unwrap();
        assert!(layout.interface_entries() > 20);
        for variant in VARIANTS {
            let dense = formula(&a, &interface, variant);
            let m = Schwarz::new(&a, interface.clone(), variant).unwrap();
            for k in [1, 2, 3, 6, 8, 9, 17] {
                let (x, y) = (noise(k, n * k), noise(k + 1, n * k));
                let (mut mx, mut ty) = (vec![7.0; n * k], vec![7.0; n * k]);
                m.apply_block(&x, &mut mx, k).unwrap();
                m.apply_block_transposed(&y, &mut ty, k).unwrap();
                let product = |i: usize, c: usize| (0..n).map(|j| dense[i][j] * x[j * k + c]).sum::<f64>();
                let expected: Vec<f64> = (0..n * k).map(|q| product(q / k, q % k)).collect();
                close(&mx, &expected, 1e-11);
                let product = |i: usize, c: usize| (0..n).map(|j| dense[j][i] * y[j * k + c]).sum::<f64>();
                let expected: Vec<f64> = (0..n * k).map(|q| product(q / k, q % k)).collect();
                close(&ty, &expected, 1e-11);
            }
        }
    }
}

/// All orders and widths, matrices that need pivoting, both precisions, and sparse factors.
#[test]
fn local_solves_of_all_sizes() {
    fn check<T: Scalar>(n: usize, tolerance: f64) {
        let triplets: Vec<_> = (0..n * n)
            .map(|q| {
                (
                    q / n,
                    q % n,
                    noise(n, n * n)[q] + if (q / n + q % n + 1).is_multiple_of(n) { 3.0 } else { 0.0 },
                )
            })
            .collect();
        let a = Csr::<f64>::from_triplets(n, n, &triplets).unwrap().cast::<T>();
        let d = Decomposition::from_parts(a.pattern(), &vec![0; n], 0).unwrap();
        let layout = Layout::new(a.pattern(), d).unwrap();
        for limit in [0, n] {
            let local = LocalSolves::with_limit(&layout, a.values(), &[], limit).unwrap();
            for k in [1, 4, 5, 12, 33] {
                let x: Vec<T> = noise(k, n * k).into_iter().map(T::from_f64).collect();
                for (transposed, a) in [(false, a.clone()), (true, a.transpose())] {
                    let (mut b, mut y) = (vec![T::ZERO; n * k], vec![T::ZERO; n * k]);
                    a.spmm(k, &x, &mut b).unwrap();
                    local.solve(&b, None, k, transposed, &mut y).unwrap();
                    let wide = |x: &[T]| x.iter().map(|v| v.to_f64()).collect::<Vec<_>>();
                    close(&wide(&y), &wide(&x), tolerance);
                }
            }
        }
    }
    for n in [1, 2, 3, 4, 5, 8, 11, 21] {
        check::<f64>(n, 1e-10);
        check::<f32>(n, 2e-2);
    }
}

#[test]
fn singular_parts_are_named() {
    // Pure Neumann problems: singular exactly or up to rounding, depending on the part.
    let a = neumann_2d(12, 9).unwrap().matrix;
    let layout_of = layout(&a, &blocks_2d(12, 9, 2, 1).unwrap(), 1);
    let interface = Interface::optimised_zero(&a, &layout_of, 1.0).unwrap();
    let error = Schwarz::new(&a, interface.clone(), Variant::Additive).unwrap_err();
    assert!(error.is_singular() && error.to_string().starts_with("part 1 of 2: "), "{error}");
    let error = LocalSolves::with_limit(&layout_of, a.values(), interface.values(), 0).unwrap_err();
    assert!(error.is_singular() && error.to_string().starts_with("part 1 of 2: "), "{error}");
    // Only the second part: its interface condition cancels an entry.
    let a = Csr::from_triplets(4, 4, &[(0, 0, 1.0), (1, 1, 1.0), (1, 2, -1.0), (2, 2, 2.0), (3, 3, 1.0)])
        .unwrap();
    let layout_of = layout(&a, &[0, 0, 1, 1], 0);
    let mut m = Schwarz::new(&a, Interface::zero(&layout_of), Variant::Restricted).unwrap();
    let mut z = [0.0; 4];
    m.apply(&[1.0; 4], &mut z).unwrap();
    let error = m.set_interface(&[0.0, -2.0]).unwrap_err();
    assert!(error.is_singular() && error.to_string().contains("part 2 of 2"), "{error}");
    assert!(error.to_string().contains("row 3 of the matrix"), "{error}");
    assert!(m.set_interface(&[0.0]).unwrap_err().is_dimension());
    assert!(m.set_interface(&[f64::NAN, 0.0]).unwrap_err().is_invalid_input());
    // Nothing has changed.
    let mut again = [0.0; 4];
    m.apply(&[1.0; 4], &mut again).unwrap();
    assert_eq!((z, m.interface().values()), (again, &[0.0, 0.0][..]));
}

/// α = 1 gives local rows the row sums of A; the tangential part changes no sum.
#[test]
fn classical_conditions() {
    let a = unsymmetric(8, 8);
    let layout = layout(&a, &blocks_2d(8, 8, 2, 2).unwrap(), 1);
    for beta in [0.0, 0.7] {
        let interface = Interface::optimised_two(&a, &layout, 1.0, beta).unwrap();
        for (p, s) in layout.decomposition().iter().enumerate() {
            let mut sums: Vec<f64> = s
                .rows
                .iter()
                .map(|&i| {
                    a.row(i as usize).filter(|(j, _)| s.rows.contains(&(*j as u32))).map(|(_, v)| v).sum()
                })
                .collect();
            let ends = layout.interface_ends(p);
            for (&[r, c], &v) in ends.iter().zip(&interface.values()[layout.interface_of(p)]) {
                sums[r] += v;
                let row = s.rows[r] as usize;
                assert!(r == c || v == beta * a.get(row, s.rows[c] as usize));
            }
            let whole: Vec<f64> = s.rows.iter().map(|&i| a.row(i as usize).map(|(_, v)| v).sum()).collect();
            close(&sums, &whole, 1e-12);
        }
    }
    let zero = Interface::optimised_two(&a, &layout, 0.0, 0.0).unwrap();
    assert!(zero.values().iter().all(|&v| v == 0.0));
    assert!(Interface::optimised_zero(&a, &layout, f64::NAN).unwrap_err().is_invalid_input());
    let other = poisson_2d(8, 8).unwrap().matrix;
    assert!(Interface::optimised_zero(&other, &layout, 0.5).unwrap_err().is_dimension());
    // The formulas at h = 1/16 and π² + η = 32, where the roots are whole numbers or nearly so.
    let eta = 32.0 - std::f64::consts::PI.powi(2);
    assert!((optimised_parameter_zero(1.0 / 16.0, eta) - 256f64.cbrt()).abs() < 1e-12);
    let (p, q) = optimised_parameters_two(1.0 / 32.0, eta);
    assert!(
        (p - 2f64.powf(-0.6 + 2.0 + 1.0)).abs() < 1e-12 && (q - 2f64.powf(-0.2 - 1.0 - 3.0)).abs() < 1e-12
    );
    assert_eq!(robin_shares(0.0, 0.0, 0.1), (1.0, 0.0));
    assert_eq!(robin_shares(10.0, 0.5, 0.1), (0.5, 2.5));
}

#[test]
fn a_row_without_diagonal_has_no_condition() {
    let a = Csr::from_triplets(2, 2, &[(0, 0, 1.0), (0, 1, 1.0), (1, 0, 1.0)]).unwrap();
    let layout = layout(&a, &[0, 1], 0);
    let error = Interface::optimised_zero(&a, &layout, 0.5).unwrap_err();
    assert!(error.is_unsuited() && error.to_string().contains("row 2"), "{error}");
    assert!(Interface::optimised_zero(&a, &layout, 0.0).is_ok());
}

#[test]
fn symmetric_variants_serve_conjugate_gradients() {
    let problem = poisson_2d(20, 20).unwrap();
    let a = &problem.matrix;
    let layout = layout(a, &blocks_2d(20, 20, 2, 2).unwrap(), 2);
    let robin = Interface::optimised_zero(a, &layout, 0.5).unwrap();
    for variant in VARIANTS {
        let m = Schwarz::new(a, robin.clone(), variant).unwrap();
        let symmetric = matches!(variant, Variant::Additive | Variant::Weighted);
        assert_eq!(m.is_symmetric(), symmetric);
        if symmetric {
            let out = Cg::new().rtol(1e-10).preconditioner(&m).solve(a, &problem.rhs).unwrap();
            assert!(out.converged() && out.iterations < 30, "{variant:?}: {}", out.iterations);
        }
    }
    let mut values = robin.values().to_vec();
    let beside = (0..values.len()).find(|&q| values[q] == 0.0).unwrap();
    values[beside] = 0.1;
    let skew = Interface::new(&layout, values).unwrap();
    assert!(!Schwarz::new(a, skew, Variant::Additive).unwrap().is_symmetric());
}

#[test]
fn wrong_input_is_refused() {
    let a = poisson_2d(4, 4).unwrap().matrix;
    let layout = layout(&a, &blocks_2d(4, 4, 2, 1).unwrap(), 1);
    let mut m = Schwarz::new(&a, Interface::zero(&layout), Variant::Restricted).unwrap();
    let mut z = vec![0.0; 16];
    assert!(m.apply(&[1.0; 15], &mut z).unwrap_err().is_dimension());
    assert!(m.apply_block(&[1.0; 32], &mut z, 2).unwrap_err().is_dimension());
    assert!(m.iterate(&mut z, 2).unwrap_err().is_dimension());
    m.apply_block(&[], &mut [], 0).unwrap();
    assert!(Interface::new(&layout, vec![0.0]).unwrap_err().is_dimension());
    assert!(m.set_interface(&[]).is_err());
}

/// The largest reduction by the classical method in a published experiment on 39² points (.23919, with unknown
/// vectors): blocks of some hundred rows, one ring, 100 random vectors, one step.
#[test]
fn a_factor_of_the_literature() {
    let (a, columns) = (poisson_2d(39, 39).unwrap().matrix, 100);
    let layout = layout(&a, &blocks_2d(39, 39, 4, 4).unwrap(), 1);
    let m = Schwarz::new(&a, Interface::zero(&layout), Variant::Restricted).unwrap();
    let before = noise(5, 1521 * columns);
    let mut after = before.clone();
    m.iterate(&mut after, columns).unwrap();
    let norm = |x: &[f64], c: usize| x.iter().skip(c).step_by(columns).map(|v| v * v).sum::<f64>().sqrt();
    let factors = (0..columns).map(|c| norm(&after, c) / norm(&before, c));
    let largest = factors.fold(0.0, f64::max);
    assert!((largest - 0.239).abs() < 0.01, "{largest}");
}
