//! Expressions: every rule against differences, and identities between operations.

use std::sync::Arc;

use super::*;
use crate::backend::Triangle;
use crate::sparse::{Csr, Dual, Scalar};

type Loss = for<'t> fn(&'t Tape<f64>, &[Dense<'t, f64>]) -> Number<'t, f64>;

/// A rectangular matrix with an empty row, a single entry in another, and rows given out of order.
fn rectangular() -> Csr<f64> {
    let entries = [
        (3, 2, 0.7),
        (0, 3, 1.5),
        (0, 0, -2.0),
        (2, 1, 0.4),
        (3, 0, -1.1),
        (2, 3, 0.9),
        (2, 0, 1.3),
        (3, 3, 2.2),
    ];
    Csr::from_triplets(4, 5, &entries).unwrap()
}

fn square() -> Csr<f64> {
    let mut entries: Vec<_> = (0..6).map(|i| (i, i, 3.0 + 0.3 * i as f64)).collect();
    entries.extend([
        (5, 0, -0.8),
        (0, 4, 0.6),
        (1, 0, -1.2),
        (2, 1, 0.5),
        (3, 1, -0.9),
        (1, 3, 0.7),
        (4, 5, 1.1),
    ]);
    Csr::from_triplets(6, 6, &entries).unwrap()
}

/// Weights that make every value of a result contribute.
fn weigh<'t>(x: Dense<'t, f64>) -> Number<'t, f64> {
    let (rows, cols) = x.extent();
    let w: Vec<f64> = (0..rows * cols).map(|q| (1.0 + q as f64 * 0.7).sin()).collect();
    (x * x.tape().block(&w, cols) + x * x * 0.3).sum()
}

fn on<'t>(p: Dense<'t, f64>, a: &Csr<f64>) -> Sparse<'t, f64> {
    p.on_pattern(a.pattern())
}

fn wave(n: usize) -> Vec<f64> {
    (0..n).map(|q| 0.4 + (0.3 + q as f64).sin()).collect()
}

#[test]
fn every_rule_agrees_with_differences() {
    let r = rectangular().values().to_vec();
    let s = square().values().to_vec();
    let cases: Vec<(&str, Loss, Vec<Vec<f64>>)> = vec![
        ("spmv", |_, p| weigh(on(p[0], &rectangular()) * p[1]), vec![r.clone(), wave(5)]),
        (
            "spmm",
            |_, p| weigh(on(p[0], &rectangular()) * p[1].outer_on(p[2], &full(5, 3)).to_dense()),
            vec![r.clone(), wave(5), wave(3)],
        ),
        (
            "spmv transposed",
            |_, p| weigh(on(p[0], &rectangular()).transposed_times(p[1])),
            vec![r.clone(), wave(4)],
        ),
        (
            "product",
            |_, p| weigh((on(p[0], &rectangular()) * on(p[1], &rectangular()).transpose()).entries()),
            vec![r.clone(), wave(8)],
        ),
        (
            "square of a matrix",
            |_, p| weigh((on(p[0], &square()) * on(p[0], &square())).entries()),
            vec![s.clone()],
        ),
        (
            "galerkin",
            |_, p| {
                let (a, t) = (on(p[0], &square()), on(p[1], &rectangular_6()));
                weigh(a.galerkin(t.transpose(), t).entries())
            },
            vec![s.clone(), wave(8)],
        ),
        (
            "sum of matrices",
            |_, p| {
                let (a, b) = (on(p[0], &square()), on(p[0], &square()).transpose());
                weigh((p[1].at(0, 0) * a - p[1].at(1, 0) * b).entries())
            },
            vec![s.clone(), vec![1.3, -0.4]],
        ),
        ("diagonal", |_, p| weigh(on(p[0], &rectangular()).diagonal()), vec![r.clone()]),
        (
            "diagonal matrix",
            |_, p| weigh((p[0].as_diagonal() * on(p[1], &rectangular())).entries()),
            vec![wave(4), r.clone()],
        ),
        ("tril", |_, p| weigh(on(p[0], &square()).tril(-1).entries()), vec![s.clone()]),
        ("triu", |_, p| weigh(on(p[0], &rectangular()).triu(1).entries()), vec![r.clone()]),
        ("row sums", |_, p| weigh(on(p[0], &rectangular()).row_sums()), vec![r.clone()]),
        ("column sums", |_, p| weigh(on(p[0], &rectangular()).column_sums()), vec![r.clone()]),
        (
            "scaling of rows and columns",
            |_, p| weigh(on(p[0], &rectangular()).scale_rows(p[1]).scale_columns(p[2]).entries()),
            vec![r.clone(), wave(4), wave(5)],
        ),
        (
            "hadamard",
            |_, p| weigh(on(p[0], &square()).hadamard(on(p[1], &square()).transpose()).entries()),
            vec![s.clone(), wave(13)],
        ),
        (
            "hadamard on one pattern",
            |_, p| weigh(on(p[0], &square()).hadamard(on(p[1], &square())).entries()),
            vec![s.clone(), wave(13)],
        ),
        (
            "norms",
            |_, p| on(p[0], &square()).norm() * p[1].norm() + p[1].weighted_norm(on(p[0], &square())),
            vec![s.clone(), wave(6)],
        ),
        (
            "scaled sums",
            |_, p| {
                let s = p[2].at(0, 0);
                weigh(p[0].add_scaled(s, p[1]) + p[1].add_scaled(s * s, p[0]).add_scaled(s, p[0]))
            },
            vec![wave(6), wave(6), vec![0.7]],
        ),
        ("maximum", |_, p| on(p[0], &square()).max() * p[1].abs().max(), vec![s.clone(), wave(6)]),
        ("trace and mean", |_, p| on(p[0], &square()).trace() * on(p[0], &square()).mean(), vec![s.clone()]),
        (
            "submatrix",
            |_, p| weigh(on(p[0], &square()).submatrix(&[5, 1, 1], &[3, 0, 1]).entries()),
            vec![s.clone()],
        ),
        (
            "blocks",
            |t, p| {
                let (a, b) = (on(p[0], &square()), on(p[1], &square()));
                weigh(t.assemble(&[&[a, b.transpose()], &[b, a * 2.0]]) * t.vector(&wave(12)))
            },
            vec![s.clone(), wave(13)],
        ),
        (
            "triangular solves",
            |_, p| {
                let a = on(p[0], &square());
                let unit = Triangle { lower: false, unit: true };
                let x = a.solve_triangular(Triangle { lower: true, unit: false }, p[1]);
                weigh(x)
                    + weigh(a.solve_triangular_transposed(unit, x))
                    + weigh(a.solve_triangular(unit, p[1]))
            },
            vec![s.clone(), wave(6)],
        ),
        (
            "direct solves",
            |_, p| {
                let a = on(p[0], &square());
                weigh(a.solve(p[1])) + weigh(a.solve_transposed(p[1].beside(p[1] * p[1])))
            },
            vec![s.clone(), wave(6)],
        ),
        (
            "small systems",
            |t, p| {
                let shift = t.block(&[3.0, 0.0, 0.0, 3.0, 0.1, 4.0, 4.0, 0.1], 2);
                weigh((p[0].beside(p[1]) + shift).solve_batched(p[2].beside(p[2] * p[2])))
            },
            vec![wave(4), wave(4), wave(4)],
        ),
        (
            "a network",
            |_, p| {
                let x = p[0].beside(p[0] * p[0]).times(p[1].beside(p[2]).transpose()).add_to_rows(p[3]);
                let list: Arc<[u32]> = Arc::new([3, 0, 0, 2, 1]);
                weigh(x.tanh().gather_rows(&list).sigmoid().scatter_rows(&list, 6).columns(1, 2))
            },
            vec![wave(4), wave(3), wave(3), wave(3)],
        ),
        (
            "functions",
            |_, p| {
                let x = p[0];
                let list = [
                    x.abs(),
                    x.square(),
                    x.sqrt(),
                    x.recip(),
                    x.exp(),
                    x.ln(),
                    x.tanh(),
                    x.sigmoid(),
                    x.relu(),
                    x.powi(-3),
                    x.powi(4),
                    x.powf(1.7),
                    x.map(Function::Sin),
                    x.map(Function::Cos),
                    x.map(Function::Softplus),
                    -x / (x + x),
                    x - x * x,
                ];
                list.into_iter().map(weigh).reduce(|a, b| a + b).unwrap()
            },
            vec![vec![0.5, 1.7, 0.9]],
        ),
        (
            "dots",
            |_, p| weigh(p[0].beside(p[1]).column_dots(p[1].beside(p[1]))) * p[0].dot(p[1]),
            vec![wave(4), wave(4)],
        ),
        (
            "sampled outer product",
            |_, p| {
                weigh(p[0].beside(p[0] * p[0]).outer_on(p[1].beside(p[1]), rectangular().pattern()).entries())
            },
            vec![wave(4), wave(5)],
        ),
    ];
    for (name, loss, parameters) in cases {
        let check = gradient_check(loss, &parameters).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(check.checked > 0 && check.relative < 1e-7, "{name}: {check:?}");
    }
}

/// A 6 × 3 pattern with eight entries.
fn rectangular_6() -> Csr<f64> {
    let entries = [(0, 0), (1, 0), (2, 0), (2, 1), (3, 1), (4, 1), (4, 2), (5, 2)];
    Csr::from_triplets(6, 3, &entries.map(|(i, j)| (i, j, 1.0))).unwrap()
}

fn full(rows: usize, cols: usize) -> Arc<crate::sparse::Pattern> {
    let entries: Vec<_> = (0..rows * cols).map(|q| (q / cols, q % cols, 1.0)).collect();
    Csr::<f64>::from_triplets(rows, cols, &entries).unwrap().pattern().clone()
}

#[test]
fn constants_cost_nothing_and_detached_values_are_constants() {
    let tape = Tape::new();
    let (a, x) = (tape.matrix(&square()), tape.vector(&wave(6)));
    let y = a * (a * x);
    let p = tape.parameter(&[2.0]);
    let loss = y.frobenius_squared() * p.at(0, 0) + p.detached().at(0, 0) * p.at(0, 0);
    let recorded = tape.nodes.borrow().iter().filter(|n| n.op.is_some()).count();
    assert_eq!(recorded, 6, "the parameter, its value twice, two products and a sum");
    let expected = y.values().unwrap().iter().map(|v| v * v).sum::<f64>() + 2.0;
    assert!((loss.gradients().unwrap().of(p).unwrap()[0] - expected).abs() < 1e-12 * expected);
    assert!(loss.gradients().unwrap().of(x).unwrap_err().is_invalid_input());
}

#[test]
fn gradients_of_several_outputs_add_up() {
    let tape = Tape::new();
    let a = tape.parameter_matrix(&square());
    let x = tape.vector(&wave(6));
    let (y, z) = (a * x, a.transposed_times(x));
    let (u, v) = (wave(6), vec![1.0; 6]);
    let both = tape.backward(&[(&y, &u), (&z, &v)]).unwrap();
    let mut sum = tape.backward(&[(&y, &u)]).unwrap();
    sum.accumulate(1.0, &tape.backward(&[(&z, &v)]).unwrap()).unwrap();
    let near = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-14;
    assert!(both.of(a).unwrap().iter().zip(sum.of(a).unwrap()).all(near));
    assert!(tape.backward(&[(&y, &v[..5])]).unwrap_err().is_dimension());
}

#[test]
fn operands_of_two_tapes_are_refused() {
    let (one, two) = (Tape::new(), Tape::new());
    let (_, x, y) = (one.vector(&[10.0, 20.0]), one.parameter(&[100.0, 200.0]), two.parameter(&[1.0, 1.0]));
    assert!((x + y).values().unwrap_err().to_string().contains("two tapes"));
    assert!((y * x).values().is_err() && x.dot(y).value().is_err() && y.scale_rows(x).values().is_err());
    let (a, b) = (one.matrix(&square()), two.matrix(&square()));
    assert!((a * b).to_csr().is_err() && (b + a).to_csr().is_err() && b.hadamard(a).to_csr().is_err());
    assert!(one.assemble(&[&[a, b]]).to_csr().is_err());
    let gradients = x.sum().gradients().unwrap();
    assert!(gradients.of(y).unwrap_err().is_invalid_input() && gradients.of(x).is_ok());
    assert!(two.backward(&[(&x, &[1.0, 1.0])]).unwrap_err().is_invalid_input());
}

/// Patterns and lengths that are new in every recording do not accumulate.
#[test]
fn memory_does_not_grow_with_what_is_no_longer_needed() {
    let mut tape = Tape::new();
    let mut most = [0; 2];
    for q in 0..400usize {
        {
            // A new pattern in every recording.
            let a = tape.parameter_matrix(&square().filter(|i, j, _| i == j || (i + j + q) % 3 > 0));
            let part = a.submatrix(&[q % 5, 5], &[q % 4, 4]);
            let wide = tape.vector(&vec![1.0; 2000 + q]);
            let loss = (a * a).frobenius_squared()
                + part.frobenius_squared()
                + tape.assemble(&[&[a, a.transpose()]]).transpose().frobenius_squared()
                + wide.frobenius_squared();
            loss.gradients().unwrap();
        }
        tape.clear();
        let half = usize::from(q >= 200);
        most[half] = most[half].max(tape.memory().total());
    }
    assert!(most[1] < 2 * most[0], "{most:?}");
    // Plans used by every recording stay.
    let matrix = square();
    let run = |tape: &Tape| (tape.matrix(&matrix) * tape.matrix(&matrix)).pattern().unwrap();
    let first = run(&tape);
    for _ in 0..100 {
        tape.clear();
        assert!(Arc::ptr_eq(&first, &run(&tape)));
    }
}

#[test]
fn errors_are_kept_until_somebody_asks() {
    let mut tape = Tape::new();
    let (a, x) = (tape.matrix(&rectangular()), tape.parameter(&[1.0; 4]));
    let y = (a * x).norm();
    assert!(format!("{:?}", a * x).contains("failed"));
    assert!(y.value().unwrap_err().to_string().contains("4 × 5"), "{}", y.value().unwrap_err());
    assert!(y.gradients().unwrap_err().is_dimension());
    // Independent values still work.
    assert_eq!(x.sum().value().unwrap(), 4.0);
    tape.clear();
    let singular = Csr::from_triplets(2, 2, &[(0, 0, 1.0), (0, 1, 1.0), (1, 0, 1.0), (1, 1, 1.0)]).unwrap();
    let x = tape.matrix(&singular).solve(tape.vector(&[1.0, 0.0]));
    assert!(x.values().unwrap_err().is_singular());
    tape.clear();
    let hollow = Csr::from_triplets(2, 2, &[(0, 0, 1.0), (1, 0, 1.0), (1, 1, 0.0)]).unwrap();
    let lower = Triangle { lower: true, unit: false };
    let x = tape.matrix(&hollow).solve_triangular(lower, tape.vector(&[1.0, 0.0]));
    assert!(x.values().unwrap_err().to_string().contains("row 2"));
    tape.clear();
    for wrong in
        [tape.matrix(&square()).submatrix(&[6], &[0]), tape.matrix(&square()).submatrix(&[0], &[1, 1])]
    {
        assert!(wrong.to_csr().unwrap_err().is_invalid_input());
    }
    assert!(tape.block(&[1.0; 5], 2).values().is_err() && tape.vector(&[1.0]).at(1, 0).value().is_err());
}

/// ½ xᵀ A⁻¹(x²) + …, generic over the scalar.
fn curved<'t, T: Scalar>(tape: &'t Tape<T>, p: &[Dense<'t, T>]) -> Number<'t, T> {
    let a = tape.matrix(&square().cast::<T>());
    let m = p[0].on_pattern(square().pattern());
    let lower = Triangle { lower: true, unit: false };
    let y = (a * m).solve(p[1].tanh()) + m.solve_triangular(lower, p[1]);
    y.dot(p[1]) + (m * p[1].exp()).norm() + y.max()
}

#[test]
fn hessian_vector_products_are_differences_of_gradients() {
    let at = vec![square().values().to_vec(), wave(6)];
    let along =
        vec![wave(13).iter().map(|v| v - 0.5).collect::<Vec<_>>(), vec![0.3, -1.0, 0.2, 0.5, 0.1, -0.4]];
    let (gradient, product) = hessian_vector_product(curved::<Dual>, &at, &along).unwrap();
    let gradient_at = |h: f64| {
        let tape = Tape::<f64>::new();
        let moved = |(v, d): (&Vec<f64>, &Vec<f64>)| {
            tape.parameter(&v.iter().zip(d).map(|(v, d)| v + h * d).collect::<Vec<_>>())
        };
        let handles: Vec<_> = at.iter().zip(&along).map(moved).collect();
        let gradients = curved(&tape, &handles).gradients().unwrap();
        handles.iter().flat_map(|h| gradients.of(h).unwrap().to_vec()).collect::<Vec<f64>>()
    };
    let (exact, h) = (gradient_at(0.0), 1e-3);
    assert!(gradient.iter().flatten().zip(&exact).all(|(a, b)| (a - b).abs() < 1e-12 * (1.0 + b.abs())));
    let (near, far) = ((gradient_at(h), gradient_at(-h)), (gradient_at(2.0 * h), gradient_at(-2.0 * h)));
    for (q, &v) in product.iter().flatten().enumerate() {
        let difference = (8.0 * (near.0[q] - near.1[q]) - (far.0[q] - far.1[q])) / (12.0 * h);
        assert!((v - difference).abs() < 1e-7 * (1.0 + v.abs()), "{q}: {v} {difference}");
    }
}

#[test]
fn the_same_bits_on_any_number_of_threads_and_again() {
    let a = crate::gallery::recirculating_flow(120, 0.01, crate::gallery::FlowScheme::Supg).unwrap().matrix;
    let x: Vec<f64> = wave(a.rows());
    let run = |tape: &Tape<f64>| {
        let (m, v) = (tape.parameter_matrix(&a), tape.parameter(&x));
        let y = m * (m * v) + m.transposed_times(v);
        let loss = (m * m).frobenius_squared() + y.frobenius_squared() + (m + m.transpose()).norm();
        let gradients = loss.gradients().unwrap();
        (loss.value().unwrap(), gradients.of(m).unwrap().to_vec(), gradients.of(v).unwrap().to_vec())
    };
    let results: Vec<_> = [1, 2, 5]
        .map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mut tape = Tape::new();
                let first = run(&tape);
                let held = tape.memory();
                tape.clear();
                // The second run takes its buffers from the first.
                assert!(run(&tape) == first && tape.memory().values == held.values);
                first
            })
        })
        .into();
    assert!(results.windows(2).all(|w| w[0] == w[1]));
}

#[test]
fn single_precision_agrees_to_its_rounding() {
    let (wide, narrow) = (Tape::<f64>::new(), Tape::<f32>::new());
    let small: Vec<f32> = wave(6).iter().map(|&v| v as f32).collect();
    let (a, x) = (wide.parameter_matrix(&square()), wide.parameter(&wave(6)));
    let (b, y) = (narrow.parameter_matrix(&square().cast()), narrow.parameter(&small));
    let (f, g) = ((a * a.solve(x)).dot(a * x), (b * b.solve(y)).dot(b * y));
    let (of_f, of_g) = (f.gradients().unwrap(), g.gradients().unwrap());
    let largest = of_f.of(a).unwrap().iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let near = |(p, q): (&f64, &f32)| (p - f64::from(*q)).abs() < 1e-5 * largest;
    assert!(of_f.of(a).unwrap().iter().zip(of_g.of(b).unwrap()).all(near));
    assert!(of_f.of(x).unwrap().iter().zip(of_g.of(y).unwrap()).all(near));
}

#[test]
fn a_training_loop_uses_its_memory_again() {
    let (a, x) = (square(), wave(6));
    let mut tape = Tape::new();
    let mut held = Vec::new();
    for _ in 0..4 {
        let (m, v) = (tape.parameter_matrix(&a), tape.parameter(&x));
        let wide = tape.assemble(&[&[m, m.transpose()]]);
        let systems = tape.identity(6).to_dense() * 4.0;
        let y = wide.transposed_times(v).dot(wide.column_sums()) * (systems + m.to_dense()).solve_batched(v);
        // The same rows of one pattern again, and others of the same number.
        let parts = m.submatrix(&[5, 1, 1], &[3, 0]).norm() + m.submatrix(&[0, 1, 3], &[3, 0]).norm();
        let loss = y.frobenius_squared() + parts;
        let gradients = loss.gradients().unwrap();
        held.push((gradients.of(m).unwrap().to_vec(), gradients.of(v).unwrap().to_vec(), tape.memory()));
        assert_eq!(gradients.bytes(), (13 + 6) * size_of::<f64>());
        tape.recycle(gradients);
        tape.clear();
    }
    assert!(held[0].0 == held[3].0 && held[0].1 == held[3].1);
    assert_eq!(held[1].2, held[3].2);
}

#[test]
fn adjoints_that_are_handed_on_are_not_lost() {
    let tape = Tape::new();
    let x = tape.parameter(&[2.0, 3.0]);
    let (twice, none, same) = (x + x, x - x, tape.parameter(&[1.0, 1.0]));
    let z = same.as_diagonal() + x.as_diagonal();
    // A parameter is an output itself, one output has two seeds, and one is an operand of another.
    let outputs: [(&dyn Handle<f64>, &[f64]); 6] = [
        (&x, &[1.0, 10.0]),
        (&twice, &[100.0, 200.0]),
        (&none, &[7.0, 9.0]),
        (&z, &[1000.0, 2000.0]),
        (&z, &[3000.0, 1000.0]),
        (&(twice * 0.5), &[2.0, 4.0]),
    ];
    let gradients = tape.backward(&outputs).unwrap();
    assert_eq!(gradients.of(x).unwrap(), [1.0 + 200.0 + 4000.0 + 2.0, 10.0 + 400.0 + 3000.0 + 4.0]);
    assert_eq!(gradients.of(same).unwrap(), [4000.0, 3000.0]);
}

#[test]
fn blocks_have_the_same_bits_on_any_number_of_threads() {
    let a = crate::gallery::poisson_2d(90, 90).unwrap().matrix;
    let n = a.rows();
    let list: Arc<[u32]> = a.pattern().col_idx().into();
    let run = || {
        let tape = Tape::new();
        let (m, x) = (tape.parameter_matrix(&a), tape.parameter_block(&wave(8 * n), 8));
        let w = tape.parameter_block(&wave(64), 8);
        let y = (m * x).times(w).tanh().gather_rows(&list).scatter_rows(&list, n);
        let shift: Vec<f64> = (0..8 * n).map(|q| if q / 8 % 8 == q % 8 { 9.0 } else { 0.0 }).collect();
        let systems = x.columns(0, 8).at(0, 0) * tape.block(&wave(8 * (n / 8) * 8), 8)
            + tape.block(&shift[..8 * (n / 8) * 8], 8);
        let b = tape.parameter(&wave(n / 8 * 8));
        let solved = systems.solve_batched(b);
        let loss = x.outer_on(y, a.pattern()).frobenius_squared() + solved.norm() * y.mean();
        let gradients = loss.gradients().unwrap();
        let of = [gradients.of(m), gradients.of(x), gradients.of(w), gradients.of(b)];
        (loss.value().unwrap(), of.map(|g| g.unwrap().to_vec()))
    };
    let results = [1, 2, 5].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(run)
    });
    assert!(results[0].1.iter().flatten().all(|v| v.is_finite()));
    assert!(results.windows(2).all(|w| w[0] == w[1]));
}
