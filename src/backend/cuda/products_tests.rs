//! Products with sparse matrices against the reference.

use super::super::judged::{COLUMNS, Numbers, OnCard, hidden, in_both_precisions, judge};
use super::*;
use crate::backend::Reference;

in_both_precisions!(products, transposed_products, residuals, relaxation, first_residuals);

fn products<T: OnDevice>() {
    let mut r = Numbers(1);
    for (name, a) in r.awkward::<T>() {
        for k in COLUMNS {
            let (x, y) = (r.vector::<T>(a.cols() * k), r.vector::<T>(a.rows() * k));
            for (alpha, beta) in [(1.0, 0.0), (-0.5, 2.0)] {
                let start = if beta == 0.0 { hidden(y.len()) } else { y.clone() };
                judge(
                    &format!("{name}, {k} columns, β = {beta}"),
                    &start,
                    |cuda, y| cuda.spmv(alpha, OnCard::new(cuda, &a).view(), &cuda.upload(&x), beta, y, k),
                    |y| Reference.spmv(T::from_f64(alpha), (&a).into(), &x, T::from_f64(beta), y, k),
                );
            }
        }
    }
}

fn transposed_products<T: OnDevice>() {
    let mut r = Numbers(2);
    for (name, a) in r.awkward::<T>() {
        for k in [1, 3, 16] {
            let (x, y) = (r.vector::<T>(a.rows() * k), r.vector::<T>(a.cols() * k));
            for (alpha, beta) in [(1.0, 0.0), (-0.5, 2.0)] {
                let start = if beta == 0.0 { hidden(y.len()) } else { y.clone() };
                judge(
                    &format!("{name}, {k} columns, β = {beta}"),
                    &start,
                    |cuda, y| {
                        let own = OnCard::new(cuda, &a);
                        cuda.spmv(alpha, own.transposed(cuda), &cuda.upload(&x), beta, y, k);
                    },
                    |y| {
                        Reference.spmv_transposed(
                            T::from_f64(alpha),
                            (&a).into(),
                            &x,
                            T::from_f64(beta),
                            y,
                            k,
                        )
                    },
                );
            }
        }
    }
}

fn residuals<T: OnDevice>() {
    let mut r = Numbers(3);
    for (name, a) in r.awkward::<T>() {
        for k in COLUMNS {
            let (x, b) = (r.vector::<T>(a.cols() * k), r.vector::<T>(a.rows() * k));
            judge(
                &format!("{name}, {k} columns"),
                &hidden(b.len()),
                |cuda, y| {
                    cuda.residual(OnCard::new(cuda, &a).view(), &cuda.upload(&b), &cuda.upload(&x), y, k);
                },
                |y| Reference.residual((&a).into(), &b, &x, y, k),
            );
        }
    }
}

fn relaxation<T: OnDevice>() {
    let mut r = Numbers(4);
    let long = ("square with long rows", r.dominant::<T>(97, 40));
    for (name, a) in r.awkward::<T>().into_iter().chain([long]) {
        for k in [1, 2, 8, 33] {
            let (x, b) = (r.vector::<T>(a.cols() * k), r.vector::<T>(a.rows() * k));
            let (d, y) = (r.vector::<T>(a.rows()), r.vector::<T>(b.len()));
            for (alpha, beta) in [(0.0, 0.75), (-0.5, 1.25)] {
                let start = if alpha == 0.0 { hidden(y.len()) } else { y.clone() };
                judge(
                    &format!("polynomial, {name}, {k} columns, α = {alpha}"),
                    &start,
                    |cuda, y| {
                        let (a, d, b, x) =
                            (OnCard::new(cuda, &a), cuda.upload(&d), cuda.upload(&b), cuda.upload(&x));
                        cuda.polynomial_step(a.view(), &d, &b, &x, (alpha, beta), y, k);
                    },
                    |y| {
                        let factors = (T::from_f64(alpha), T::from_f64(beta));
                        Reference.polynomial_step((&a).into(), &d, &b, &x, factors, y, k);
                    },
                );
            }
            if a.rows() == a.cols() {
                judge(
                    &format!("Jacobi, {name}, {k} columns"),
                    &hidden(b.len()),
                    |cuda, y| {
                        let (a, d, b, x) =
                            (OnCard::new(cuda, &a), cuda.upload(&d), cuda.upload(&b), cuda.upload(&x));
                        cuda.jacobi(a.view(), &d, &b, &x, y, k);
                    },
                    |y| Reference.jacobi((&a).into(), &d, &b, &x, y, k),
                );
            }
        }
    }
}

/// x and the residual, one after the other, of a sweep from zero: the bits of both kernels.
fn first_residuals<T: OnDevice>() {
    let mut r = Numbers(7);
    let long = ("square with long rows", r.dominant::<T>(97, 40));
    for (name, a) in r.awkward::<T>().into_iter().chain([long]).filter(|(_, a)| a.rows() == a.cols()) {
        let n = a.rows();
        let (d, b) = (r.vector::<T>(n), r.vector::<T>(n));
        let run = |cuda: &Cuda, fused: bool| {
            let (a, d, b) = (OnCard::new(cuda, &a), cuda.upload(&d), cuda.upload(&b));
            let (mut x, mut y) = (cuda.upload(&hidden(n)), cuda.upload(&hidden(n)));
            if fused {
                cuda.first_residual(a.view(), &d, &b, (&mut x, &mut y));
            } else {
                cuda.diagonal_scale(&d, &b, &mut x, 1);
                cuda.residual(a.view(), &b, &x, &mut y, 1);
            }
            [cuda.download(&x).unwrap(), cuda.download(&y).unwrap()].concat()
        };
        judge(
            name,
            &hidden(2 * n),
            |cuda, out| {
                let both = run(cuda, true);
                assert_eq!(both, run(cuda, false), "{name}");
                out.write(&both).unwrap();
            },
            |out| {
                let (x, y) = out.split_at_mut(n);
                Reference.diagonal_scale(&d, &b, x, 1);
                Reference.residual((&a).into(), &b, x, y, 1);
            },
        );
    }
}

/// Short rows are summed in order: the bits of the plain sum.
#[test]
fn short_rows_have_the_bits_of_a_plain_sum() {
    let mut r = Numbers(5);
    for (name, a) in
        r.awkward::<f64>().into_iter().filter(|(_, a)| a.nnz() < Tuning::default().long_rows * a.rows())
    {
        let x = r.vector::<f64>(a.cols());
        let (cuda, mut y) = (Cuda::emulated(false), vec![0.0; a.rows()]);
        let mut own = cuda.undefined(a.rows());
        cuda.spmv(1.0, OnCard::new(&cuda, &a).view(), &cuda.upload(&x), 0.0, &mut own, 1);
        Reference.spmv(1.0, (&a).into(), &x, 0.0, &mut y, 1);
        assert_eq!(cuda.download(&own).unwrap(), y, "{name}");
    }
}

#[test]
fn buffers_of_other_lengths_are_refused() {
    let a = Numbers(6).dominant::<f64>(9, 2);
    for wrong in 0..4 {
        let cuda = Cuda::emulated(false);
        let mut own = OnCard::new(&cuda, &a);
        if wrong == 3 {
            own.values = cuda.upload(&vec![1.0; a.nnz() - 1]);
        }
        let (x, b) = (
            cuda.upload(&[1.0; 10][..9 + usize::from(wrong == 0)]),
            cuda.upload(&[1.0; 10][..9 + usize::from(wrong == 1)]),
        );
        let mut y = cuda.upload(&[1.0; 10][..9 + usize::from(wrong == 2)]);
        cuda.residual(own.view(), &b, &x, &mut y, 1);
        assert!(cuda.check().is_err(), "{wrong}");
    }
}

#[test]
fn the_way_follows_from_the_shape() {
    let tuning = Tuning::default();
    assert_eq!(Way::of(&tuning, (0, 0), 1, 4), Way::Rows);
    assert_eq!(Way::of(&tuning, (100, 399), 1, 4), Way::Rows);
    assert_eq!(Way::of(&tuning, (100, 400), 1, 4), Way::Stream);
    assert_eq!(Way::of(&tuning, (100, 1_599), 1, 4), Way::Stream);
    assert_eq!(Way::of(&tuning, (100, 1_600), 1, 4), Way::Lanes(8));
    assert_eq!(Way::of(&tuning, (100, 3_200), 1, 4), Way::Lanes(16));
    assert_eq!(Way::of(&tuning, (100, 100_000), 1, 4), Way::Lanes(32));
    assert_eq!(Way::of(&tuning, (100, 100_000), 2, 4), Way::Columns);
    assert_eq!(Way::of(&tuning, (100, 100_000), 12, 4), Way::Packs);
    assert_eq!(pack::<f32>(), 4);
}
