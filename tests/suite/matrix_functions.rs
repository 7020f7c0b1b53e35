//! Functions of large matrices: decompositions and their adjoints beside differences, the Hilbert matrix of the
//! literature, traces within their errors, and bad input.

#[path = "../../examples/common/hilbert.rs"]
mod hilbert;

use std::sync::Arc;

use multigrad::Csr;
use multigrad::autodiff::{Dense, Tape, gradient_check};
use multigrad::functions::{
    DecompositionAdjoint, Estimate, FunctionOf, MatrixFunction, Process, StochasticTrace, TapeOperator,
    decompose,
};
use multigrad::gallery::poisson_2d;

fn wave(n: usize, seed: f64) -> Vec<f64> {
    (0..n).map(|q| (seed + 1.3 * q as f64 + 0.1 * (q * q) as f64).sin()).collect()
}

fn laplacian() -> Csr {
    let a = poisson_2d(5, 4).unwrap().matrix;
    a.map(|i, j, v| if i == j { v + 0.3 * (i as f64).sin() } else { v })
}

fn nonsymmetric() -> Csr {
    laplacian().map(|i, j, v| if j > i { 0.6 * v } else { v })
}

/// A weighted sum of all parts of a decomposition, and the weights as adjoints.
fn weigh(a: &Csr, process: Process, v: &[f64], k: usize) -> (f64, DecompositionAdjoint) {
    let d = decompose(a, process, k, v).unwrap();
    let n = a.rows();
    let up = DecompositionAdjoint {
        basis: (0..k).map(|c| wave(n, c as f64)).collect(),
        small: (0..k * k)
            .map(|q| {
                let (i, j) = (q / k, q % k);
                let inside = if process == Process::Arnoldi { i <= j + 1 } else { i.abs_diff(j) <= 1 };
                if inside { wave(k * k, 0.7)[q] } else { 0.0 }
            })
            .collect(),
        rest: wave(n, 9.0),
        scale: 0.8,
    };
    let inner = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let basis: f64 = d.basis.iter().zip(&up.basis).map(|(a, b)| inner(a, b)).sum();
    (basis + inner(&d.small, &up.small) + inner(&d.rest, &up.rest) + d.scale * up.scale, up)
}

#[test]
fn adjoints_of_decompositions_agree_with_differences() {
    for (process, a) in [
        (Process::Arnoldi, nonsymmetric()),
        (Process::Arnoldi, laplacian()),
        (Process::Lanczos, laplacian()),
        (Process::ThreeTerm, laplacian()),
    ] {
        let (v, k) = (wave(20, 0.2), 6);
        let (_, up) = weigh(&a, process, &v, k);
        let d = decompose(&a, process, k, &v).unwrap();
        for project in [true, false] {
            let (of_a, of_v) = d.reverse(&a, &up, project).unwrap();
            // A symmetric direction in A, and a direction in v.
            let t = a.transpose();
            let change: Vec<f64> = if process == Process::Arnoldi {
                wave(a.nnz(), 3.0)
            } else {
                a.map(|i, j, _| ((i + j) as f64 + (i * j) as f64).sin()).values().to_vec()
            };
            assert_eq!(t.nnz(), a.nnz());
            let turn = wave(20, 5.0);
            let at = |h: f64| {
                let values = a.values().iter().zip(&change).map(|(v, c)| v + h * c).collect::<Vec<_>>();
                let v: Vec<f64> = v.iter().zip(&turn).map(|(v, t)| v + h * t).collect();
                weigh(&a.with_values(values).unwrap(), process, &v, k).0
            };
            let h = 1e-4;
            let difference = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
            let slope: f64 = of_a.iter().zip(&change).map(|(g, c)| g * c).sum::<f64>()
                + of_v.iter().zip(&turn).map(|(g, t)| g * t).sum::<f64>();
            let off = (slope - difference).abs() / difference.abs();
            assert!(off < 1e-8, "{process:?} {project}: {slope} {difference}, off by {off:.1e}");
        }
    }
}

#[test]
fn the_hilbert_matrix_shows_what_reprojection_is_worth() {
    for (n, bound) in [(8, 1e-11), (12, 1e-4)] {
        let of = |project| hilbert::by_adjoint(n, project).unwrap();
        let (with, without, back) = (of(true), of(false), hilbert::by_backpropagation(n).unwrap());
        println!("n = {n}: {with:.1e} {back:.1e} {without:.1e}");
        assert!(with < bound, "{n}: {with:e}");
        assert!(with < back && with < without, "{n}: {with:e} {back:e} {without:e}");
    }
}

fn product(a: &[f64], b: &[f64], k: usize) -> Vec<f64> {
    (0..k * k).map(|q| (0..k).map(|l| a[q / k * k + l] * b[l * k + q % k]).sum()).collect()
}

fn functions() -> Vec<MatrixFunction> {
    let square = |h: &[f64], k: usize| Ok(product(h, h, k));
    let derivative = |h: &[f64], e: &[f64], k: usize| {
        Ok(product(h, e, k).iter().zip(product(e, h, k)).map(|(a, b)| a + b).collect())
    };
    vec![
        MatrixFunction::Exp,
        MatrixFunction::Sqrt,
        MatrixFunction::Inverse,
        MatrixFunction::InverseSqrt,
        MatrixFunction::Log,
        MatrixFunction::General(Arc::new(square)),
        MatrixFunction::WithDerivative(Arc::new(square), Arc::new(derivative)),
    ]
}

#[test]
fn gradients_of_functions_agree_with_differences() {
    for function in functions() {
        for (process, a) in [
            (Process::Arnoldi, nonsymmetric()),
            (Process::Lanczos, laplacian()),
            (Process::ThreeTerm, laplacian()),
        ] {
            let f = FunctionOf::new(function.clone()).order(5).process(process);
            // Parameters keep the matrix symmetric: A + diag(p) and a factor for the whole.
            let check = gradient_check(
                |tape, p| {
                    let m = p[2].at(0, 0) * tape.matrix(&a) + p[0].as_diagonal();
                    let v = p[1].beside(p[3]);
                    let (y, z) = (f.on_tape(m, v), f.quadratic_on_tape(m, v));
                    (y * tape.block(&wave(40, 0.4), 2)).sum() + (z * z).sum() * 0.1
                },
                &[vec![0.1; 20], wave(20, 0.3), vec![1.1], wave(20, 2.2)],
            )
            .unwrap();
            assert!(check.relative < 1e-6, "{function:?} {process:?} {check:?}");
        }
    }
}

#[test]
fn long_decompositions_have_exact_adjoints() {
    // Several blocks of the adjoint, a long Q̄ of rank one, and projection or not.
    let a = poisson_2d(9, 9).unwrap().matrix;
    let skew = a.map(|i, j, v| if j > i { 0.7 * v } else { v });
    for (process, a) in [(Process::Lanczos, &a), (Process::Arnoldi, &skew)] {
        for order in [8, 17, 30] {
            let f = FunctionOf::new(MatrixFunction::Exp).order(order).process(process);
            let check = gradient_check(
                |tape, p| {
                    let m = tape.matrix(a) * 0.5 + p[0].as_diagonal();
                    (f.on_tape(m, p[1]) * tape.vector(&wave(81, 0.4))).sum()
                },
                &[vec![0.1; 81], wave(81, 0.3)],
            )
            .unwrap();
            assert!(check.relative < 1e-7, "{process:?} {order} {check:?}");
            let (k, v) = (order, wave(81, 0.9));
            let (_, up) = weigh(a, process, &v, k);
            let d = decompose(a, process, k, &v).unwrap();
            let (with, without) = (d.reverse(a, &up, true).unwrap(), d.reverse(a, &up, false).unwrap());
            let size = with.0.iter().fold(0.0f64, |m, g| m.max(g.abs()));
            let off = with.0.iter().zip(&without.0).fold(0.0f64, |m, (x, y)| m.max((x - y).abs()));
            assert!(off < 1e-7 * size && off > 0.0, "{process:?} {k}: {off:e} of {size:e}");
        }
    }
}

#[test]
fn vectors_of_lanczos_may_be_recovered_backwards() {
    let a = poisson_2d(12, 12).unwrap().matrix;
    let run = |store: bool, order: usize, quadratic: bool| {
        let f = FunctionOf::new(MatrixFunction::Sqrt).order(order).process(Process::ThreeTerm).store(store);
        let tape = Tape::new();
        let (m, v) = (tape.parameter_matrix(&a), tape.parameter(&wave(144, 0.3)));
        let y = if quadratic { f.quadratic_on_tape(m, v) } else { f.on_tape(m, v) };
        let mut g = (y * y).sum().gradients().unwrap();
        (y.values().unwrap(), g.take(m).unwrap(), g.take(v).unwrap())
    };
    for order in [1, 2, 3, 20] {
        for quadratic in [true, false] {
            let (stored, recovered) = (run(true, order, quadratic), run(false, order, quadratic));
            for (x, y) in [(&stored.0, &recovered.0), (&stored.1, &recovered.1), (&stored.2, &recovered.2)] {
                let size = x.iter().fold(0.0f64, |m, v| m.max(v.abs()));
                assert!(x.iter().zip(y).all(|(x, y)| (x - y).abs() < 1e-9 * size), "{order}");
            }
            assert!(order < 4 || stored.1 != recovered.1, "the same computation");
        }
    }
    let plain = FunctionOf::new(MatrixFunction::Sqrt).store(false);
    assert!(plain.apply(&a, &wave(144, 0.3)).unwrap_err().is_unsuited());
    // Far eigenvalues: their directions vanish from later vectors.
    let far = Csr::diagonal_matrix(&(0..200).map(|i| 1.5f64.powi(i / 4)).collect::<Vec<_>>());
    let tape = Tape::new();
    let m = tape.parameter_matrix(&far);
    let y = plain.process(Process::ThreeTerm).order(60).quadratic_on_tape(m, tape.vector(&[1.0; 200]));
    let error = y.sum().gradients().map(|g| g.bytes()).unwrap_err();
    assert!(error.to_string().contains("backwards"), "{error}");
}

#[test]
fn a_full_krylov_space_gives_the_direct_solve_by_another_computation() {
    let a = nonsymmetric();
    let run = |by_functions: bool| {
        let tape = Tape::new();
        let (m, v) = (tape.parameter_matrix(&a), tape.parameter(&wave(20, 0.3)));
        let x = match by_functions {
            true => {
                FunctionOf::new(MatrixFunction::Inverse).order(20).process(Process::Arnoldi).on_tape(m, v)
            }
            false => m.solve(v),
        };
        let mut g = (x * x).sum().gradients().unwrap();
        (g.take(m).unwrap(), g.take(v).unwrap())
    };
    let (krylov, direct) = (run(true), run(false));
    for (x, y) in krylov.0.iter().zip(&direct.0).chain(krylov.1.iter().zip(&direct.1)) {
        assert!((x - y).abs() < 1e-9, "{x} {y}");
    }
    assert!(krylov.0 != direct.0);
}

#[test]
fn operators_given_as_code_have_the_gradient_of_their_parameters() {
    let check = gradient_check(
        |tape, p| {
            // D + u uᵀ, never formed.
            let f = FunctionOf::new(MatrixFunction::Log).order(6);
            let y = f.code_on_tape(p[2], &p[..2], |_, x, p| {
                let (d, u) = (p[0], p[1]);
                d * x + u.dot(x) * u
            });
            (y * tape.vector(&wave(12, 0.1))).sum()
        },
        &[(0..12).map(|i| 1.0 + 0.2 * i as f64).collect(), wave(12, 0.5), wave(12, 0.9)],
    )
    .unwrap();
    assert!(check.relative < 1e-7, "{check:?}");
}

#[test]
fn single_precision_gives_the_digits_it_has() {
    let a = laplacian();
    let wide = Tape::new();
    let m = wide.parameter_matrix(&a);
    let y = FunctionOf::new(MatrixFunction::Exp).on_tape(m, wide.vector(&[1.0; 20]));
    let g = y.sum().gradients().unwrap().take(m).unwrap();
    let narrow = Tape::<f32>::new();
    let n = narrow.parameter_matrix(&a.cast());
    let y = FunctionOf::new(MatrixFunction::Exp).on_tape(n, narrow.vector(&[1.0; 20]));
    let h = y.sum().gradients().unwrap().take(n).unwrap();
    let largest = g.iter().fold(0.0f64, |m, g| m.max(g.abs()));
    assert!(g.iter().zip(&h).all(|(g, &h)| (g - f64::from(h)).abs() < 1e-5 * largest));
}

#[test]
fn traces_are_within_their_errors_and_so_are_their_gradients() {
    let a = poisson_2d(14, 14).unwrap().matrix;
    let tape = Tape::new();
    let s = |i: usize| 4.0 * (i as f64 * std::f64::consts::PI / 30.0).sin().powi(2);
    let exact: f64 = (1..=14).flat_map(|i| (1..=14).map(move |j| (s(i) + s(j)).ln())).sum();
    let inside = (0..20)
        .filter(|&seed| {
            let e = StochasticTrace::log_determinant().order(40).probes(30).seed(seed).of(&a).unwrap();
            let (low, high) = e.interval();
            low <= exact && exact <= high
        })
        .count();
    assert!(inside >= 18, "{inside} of 20");
    // The gradient of log det A is A⁻¹: compare the derivative along the diagonal, tr A⁻¹.
    let inverse: f64 = (1..=14).flat_map(|i| (1..=14).map(move |j| 1.0 / (s(i) + s(j)))).sum();
    let trace = StochasticTrace::log_determinant().order(40).probes(40).seed(7);
    let m = tape.parameter_matrix(&a);
    let (value, estimate) = trace.on_tape(m).unwrap();
    assert_eq!(value.value().unwrap(), estimate.value);
    let gradient = value.gradients().unwrap().take(m).unwrap();
    let diagonal = |g: &[f64]| (0..a.rows()).map(|i| g[a.pattern().find(i, i).unwrap()]).sum::<f64>();
    let terms: Vec<f64> = trace.gradients_of_terms(&a).unwrap().iter().map(|g| diagonal(g)).collect();
    let of_gradient = Estimate::new(terms).unwrap();
    assert!((diagonal(&gradient) - of_gradient.value).abs() < 1e-9 * of_gradient.value);
    assert!((of_gradient.value - inverse).abs() < 3.0 * of_gradient.error, "{inverse} {of_gradient:?}");
    // Its derivative along x is half of its order, 19 times of 20.
    let inside = (0..20)
        .filter(|&seed| {
            let trace =
                StochasticTrace::log_determinant().order(40).probes(20).seed(seed).store(seed % 2 == 0);
            let along = |g: &Vec<f64>| {
                let weights = a.map(|i, j, _| [2.0, -1.0, 0.0][i.abs_diff(j).min(2)]);
                g.iter().zip(weights.values()).map(|(g, w)| g * w).sum::<f64>()
            };
            let terms = trace.gradients_of_terms(&a).unwrap().iter().map(along).collect();
            let (low, high) = Estimate::new(terms).unwrap().interval();
            low <= 98.0 && 98.0 <= high
        })
        .count();
    assert!(inside >= 18, "{inside} of 20 gradients");
    // The gradient is that of the estimated value, to the last digits that differences have.
    let few = StochasticTrace::log_determinant().order(10).probes(3);
    let small = laplacian();
    let check = gradient_check(
        |tape, p| few.on_tape(tape.matrix(&small) + p[0].as_diagonal()).unwrap().0,
        &[vec![0.0; 20]],
    );
    assert!(check.unwrap().relative < 1e-6);
}

#[test]
fn the_interval_of_a_trace_contains_the_error_of_few_steps() {
    let n = 300;
    let a = poisson_2d(n, n).unwrap().matrix;
    let s = |i: usize| 4.0 * (i as f64 * std::f64::consts::FRAC_PI_2 / (n + 1) as f64).sin().powi(2);
    let exact: f64 = (1..=n).flat_map(|i| (1..=n).map(move |j| (s(i) + s(j)).ln())).sum();
    for seed in 0..5 {
        let e = StochasticTrace::log_determinant().order(10).probes(60).seed(seed).of(&a).unwrap();
        let off = (e.value - exact).abs();
        // The steps cost several standard errors, and their error is estimated to a factor of two.
        assert!(off > 3.0 * e.error && e.truncation > 0.5 * off && e.truncation < 2.0 * off, "{off} {e:?}");
        let (low, high) = e.interval();
        assert!(low <= exact && exact <= high, "{exact} {e:?}");
    }
    let of = |steps| StochasticTrace::log_determinant().order(steps).probes(2).of(&a).unwrap().truncation;
    assert!(of(3) == f64::INFINITY && of(100) < 0.1 * of(10));
    let diagonal = Csr::diagonal_matrix(&[1.0, 2.0, 3.0]);
    assert_eq!(StochasticTrace::log_determinant().of(&diagonal).unwrap().truncation, 0.0);
}

#[test]
fn the_same_bits_on_any_number_of_threads() {
    let a = poisson_2d(20, 20).unwrap().matrix;
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let tape = Tape::new();
            let m = tape.parameter_matrix(&a);
            let (value, estimate) = StochasticTrace::log_determinant().on_tape(m).unwrap();
            (estimate, value.gradients().unwrap().take(m).unwrap())
        })
    };
    assert_eq!(on(1), on(3));
}

#[test]
fn an_invariant_subspace_ends_the_process_with_the_exact_result() {
    // v is the sum of two eigenvectors.
    let a = Csr::diagonal_matrix(&[1.0, 2.0, 3.0, 4.0]);
    for process in [Process::Arnoldi, Process::Lanczos, Process::ThreeTerm] {
        let f = FunctionOf::new(MatrixFunction::Exp).process(process).order(4);
        let out = f.apply(&a, &[1.0, 0.0, 1.0, 0.0]).unwrap();
        assert!(out.exact && out.order == 2, "{process:?}");
        assert!((out.value[2] - 3f64.exp()).abs() < 1e-12 && out.value[1].abs() < 1e-12);
        let tape = Tape::new();
        let v = tape.parameter(&[1.0, 0.0, 1.0, 0.0]);
        let g = f.on_tape(tape.matrix(&a), v).sum().gradients().unwrap().take(v).unwrap();
        assert!((g[0] - 1f64.exp()).abs() < 1e-10 && (g[2] - 3f64.exp()).abs() < 1e-10, "{process:?} {g:?}");
    }
}

#[test]
fn bad_input_is_told_in_a_sentence() {
    let tape = Tape::new();
    let v = tape.vector(&[1.0; 20]);
    let text = |y: Dense<'_>| y.values().unwrap_err().to_string();
    let f = FunctionOf::new(MatrixFunction::Log);
    assert!(text(f.on_tape(tape.matrix(&nonsymmetric()), v)).contains("use Process::Arnoldi"));
    let minus = laplacian().map(|_, _, v| -v);
    let tape = Tape::new();
    let v = tape.vector(&[1.0; 20]);
    assert!(text(f.on_tape(tape.matrix(&minus), v)).contains("Ritz value"));
    let tape = Tape::new();
    let v = tape.vector(&[1.0; 20]);
    let arnoldi = f.clone().process(Process::Arnoldi);
    assert!(arnoldi.on_tape(tape.matrix(&minus), v).values().unwrap_err().is_unsuited());
    let a = laplacian();
    assert!(decompose(&a, Process::Lanczos, 3, &[0.0; 20]).unwrap_err().is_invalid_input());
    assert!(decompose(&a, Process::Lanczos, 0, &[1.0; 20]).unwrap_err().is_invalid_input());
    assert!(decompose(&a, Process::Lanczos, 3, &[1.0; 3]).unwrap_err().is_dimension());
    let wide = Csr::diagonal_matrix(&[1.0; 20_000]);
    let long = decompose(&wide, Process::ThreeTerm, usize::MAX, &wave(20_000, 0.1));
    assert!(long.unwrap_err().is_invalid_input());
    let scalar = MatrixFunction::Scalar(Arc::new(|x| (x, 1.0)));
    let error = FunctionOf::new(scalar).process(Process::Arnoldi).apply(&a, &[1.0; 20]).unwrap_err();
    assert!(error.to_string().contains("General"));
    let flat = TapeOperator::new(4, vec![], |tape, _, _| tape.vector(&[1.0]));
    assert!(decompose(&flat, Process::Arnoldi, 2, &[1.0; 4]).unwrap_err().is_dimension());
    assert!(StochasticTrace::log_determinant().probes(usize::MAX).of(&a).unwrap_err().is_invalid_input());
    let short =
        MatrixFunction::WithDerivative(Arc::new(|h, _| Ok(h.to_vec())), Arc::new(|_, _, _| Ok(vec![])));
    let tape = Tape::new();
    let y = FunctionOf::new(short).on_tape(tape.parameter_matrix(&a), tape.vector(&[1.0; 20]));
    assert!(y.sum().gradients().map(|g| g.bytes()).unwrap_err().is_dimension());
    assert!(StochasticTrace::log_determinant().probes(1).of(&a).unwrap_err().is_invalid_input());
}
