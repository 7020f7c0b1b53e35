//! Gradients of the tape against fourth-order finite differences, for every kind of leaf.

use crate::common::numbers;

use std::sync::Arc;

use crate::common::numbers::{Numbers, dot};
use multigrad::backend::{Direction, Triangle};
use multigrad::cycle_tape::{Parameter, Recorded, Tape, gradient_check};
use multigrad::engine::{Eager, Engine, Host, Matrix};
use multigrad::gallery::{FlowScheme, recirculating_flow};
use multigrad::multigrid::{CycleKind, Hierarchy, Place, Relaxation, Role, cycle};
use multigrad::setup::Coarsening;
use multigrad::solver::Amg;
use multigrad::sparse::{Csr, Storage};

const TOLERANCE: f64 = 1e-7;

fn flow(m: usize) -> Csr<f64> {
    recirculating_flow(m, 0.005, FlowScheme::Upwind).unwrap().matrix
}

/// Two levels or more above the direct solver, on 64 unknowns.
fn build(relaxation: Relaxation, sweeps: (usize, usize), w: bool) -> Hierarchy<Host<f64>> {
    let a = flow(8);
    let coarsening = Coarsening { max_coarse: 4, ..Coarsening::default() };
    let builder = Amg::smoothed_aggregation().coarsening(coarsening).suited_to(&a);
    let amg = if w { builder.cycle(CycleKind::W) } else { builder }.build(&a).unwrap();
    assert!(amg.hierarchy().levels.len() >= 2, "{amg}");
    amg.with_relaxation(relaxation, sweeps).unwrap().hierarchy().clone()
}

/// The parameter of a leaf.
type Number = dyn Fn(Place) -> Option<usize>;

/// The parameters of `h` by `number`; the first leaf of a number provides its values.
fn collect(h: &Hierarchy<Host<f64>>, number: &Number) -> Vec<Vec<f64>> {
    let mut found: Vec<Option<Vec<f64>>> = Vec::new();
    let _: Hierarchy<Host<f64>> = h.map(
        |place, v| {
            if let Some(q) = number(place) {
                found.resize_with(found.len().max(q + 1), || None);
                found[q].get_or_insert_with(|| v.to_vec());
            }
            v.clone()
        },
        Clone::clone,
    );
    found.into_iter().map(Option::unwrap).collect()
}

fn install(h: &Hierarchy<Host<f64>>, number: &Number, p: &[Vec<f64>]) -> Hierarchy<Host<f64>> {
    h.map(|place, v| number(place).map_or_else(|| v.clone(), |q| Storage::shared(p[q].clone())), Clone::clone)
}

/// ½‖x‖² after some cycles on A x = b, with its gradients.
struct Problem {
    cycles: usize,
    k: usize,
    b: Vec<f64>,
    x: Vec<f64>,
}

impl Problem {
    fn new(rows: usize, cycles: usize, k: usize) -> Self {
        // Several cycles on a right-hand side approach its solution so closely that the loss hardly depends
        // on the parameters; on zero the error shrinks, and the loss with it.
        let size = if cycles == 1 { 0.01 } else { 0.0 };
        let b = Numbers(41).vector::<f64>(rows * k).iter().map(|v| v * size).collect();
        Self { cycles, k, b, x: Numbers(42).vector(rows * k) }
    }

    fn loss(&self, h: &Hierarchy<Host<f64>>, x: &[f64]) -> f64 {
        let e = Eager::new(self.k);
        let (b, mut x) = (e.vector(&self.b), e.vector(x));
        for _ in 0..self.cycles {
            x = cycle(&e, h, 0, &b, x);
        }
        let x = e.values(&x);
        0.5 * dot(&x, &x)
    }

    /// Gradients of the parameters and of the guess.
    fn gradients(&self, h: &Hierarchy<Host<f64>>, number: &Number) -> (Vec<Vec<f64>>, Vec<f64>) {
        let lengths: Vec<usize> = collect(h, number).iter().map(Vec::len).collect();
        let recorded = h.map::<Recorded<Host<f64>>>(
            |place, v| match number(place) {
                Some(q) => Parameter::learned(v.clone(), q),
                None => Parameter::constant(v.clone()),
            },
            Clone::clone,
        );
        let tape = Tape::new(self.k);
        let (b, start) = (tape.constant(&self.b), tape.input(&self.x));
        let mut x = start.clone();
        for _ in 0..self.cycles {
            x = cycle(&tape, &recorded, 0, &b, x);
        }
        let seed = tape.values(&x);
        tape.backward_to(&lengths, &x, &seed, &start).unwrap()
    }

    fn check(&self, h: &Hierarchy<Host<f64>>, number: &Number, what: &str) {
        let (gradients, of_guess) = self.gradients(h, number);
        let at = collect(h, number);
        let size = self.loss(h, &self.x);
        for (q, (values, gradient)) in at.iter().zip(&gradients).enumerate() {
            // In units of half of every value's own size: coarse levels hold large and small ones.
            let shifted = |t: &[f64]| {
                let mut p = at.clone();
                p[q] = t.iter().zip(values).map(|(t, v)| v * (0.5 + 0.5 * t)).collect();
                Ok(self.loss(&install(h, number, &p), &self.x))
            };
            let per_unit: Vec<f64> = gradient.iter().zip(values).map(|(g, v)| 0.5 * g * v).collect();
            let largest = numbers::largest(&per_unit);
            assert!(largest > 0.0, "{what}: parameter {q} has no gradient");
            // Differences of the loss are accurate to its rounding.
            let tolerance = TOLERANCE.max(2e-11 * size / largest);
            assert!(tolerance < 1e-4, "{what}: parameter {q} has next to no gradient");
            let ones = vec![1.0; values.len()];
            let found = gradient_check(|p| shifted(&p[0]), &[ones], &[per_unit], 9).unwrap();
            assert!(found.relative_error < tolerance, "{what}, parameter {q}: {found:?}, {tolerance:e}");
        }
        let found =
            gradient_check(|p| Ok(self.loss(h, &p[0])), std::slice::from_ref(&self.x), &[of_guess], 9)
                .unwrap();
        assert!(found.relative_error < TOLERANCE, "{what}, the guess: {found:?}");
    }
}

/// Every leaf of `h`, in the order of the walk, is a separate parameter.
fn every_leaf(h: &Hierarchy<Host<f64>>) -> impl Fn(Place) -> Option<usize> + use<> {
    let mut places = Vec::new();
    let _: Hierarchy<Host<f64>> = h.map(
        |place, v| {
            places.push(place);
            v.clone()
        },
        Clone::clone,
    );
    move |place| places.iter().position(|&p| p == place)
}

#[test]
fn every_leaf_of_every_cycle() {
    // ILU with fill uses the rules of ILU(0), and solves coarse levels so well that differences of the loss
    // are mostly rounding.
    let with_fill = |r: &Relaxation| matches!(r, Relaxation::Ilu { .. } | Relaxation::Ilut { .. });
    // Parts so large that each level is one would solve it exactly and have no interface.
    let parts = ["schwarz(7,1,0.4)", "schwarz(9,1,0.3,weighted)"].map(|text| text.parse().unwrap());
    let exact = |r: &Relaxation| matches!(r, Relaxation::Schwarz(_));
    let all = Relaxation::ALL.into_iter().filter(|r| !with_fill(r) && !exact(r));
    for relaxation in all.chain(parts) {
        for (w, cycles, k, sweeps) in [(false, 1, 1, (1, 1)), (true, 2, 3, (1, 1)), (false, 3, 2, (2, 1))] {
            let h = build(relaxation, sweeps, w);
            let what = format!("{relaxation}, W {w}, {cycles} cycles, {k} columns, {sweeps:?}");
            Problem::new(h.rows(), cycles, k).check(&h, &every_leaf(&h), &what);
        }
    }
}

#[test]
fn leaves_that_share_a_parameter() {
    let number = |place: Place| match place.role {
        Role::Pre(_) | Role::Post(_) => Some(place.level),
        _ => None,
    };
    for relaxation in [Relaxation::Spai1, Relaxation::Spai0, Relaxation::Chebyshev(2), Relaxation::Ilu0(0.8)]
    {
        let h = build(relaxation, (2, 1), true);
        Problem::new(h.rows(), 2, 2).check(&h, &number, &format!("{relaxation}, shared"));
    }
}

fn matrix(a: &Csr<f64>, number: usize) -> Matrix<Parameter<Arc<Storage<f64>>>> {
    Matrix::from(a.clone()).map(|v| Parameter::learned(v.clone(), number))
}

/// Entries that a substitution does not read get exactly zero.
#[test]
fn unread_entries_of_a_factor_get_zero() {
    let a = Numbers(43).dominant::<f64>(40, 5);
    let (b, seed) = (Numbers(44).vector::<f64>(80), Numbers(45).vector::<f64>(80));
    for part in (0..4).map(|q| Triangle { lower: q & 1 == 0, unit: q & 2 == 0 }) {
        let tape = Tape::new(2);
        let x = tape.solve_triangular(&matrix(&a, 0), part, tape.constant(&b));
        let gradient = &tape.backward(&[a.nnz()], &x, &seed).unwrap()[0];
        for i in 0..40 {
            for (p, (j, _)) in a.pattern().row(i).zip(a.row(i)) {
                assert_eq!(gradient[p] != 0.0, part.reads(i, j), "{part:?}, ({i}, {j})");
            }
        }
        let loss = |p: &[Vec<f64>]| {
            let t = Tape::new(2);
            let m = Csr::new(a.pattern().clone(), p[0].clone())?;
            let x = t.solve_triangular(&matrix(&m, 0), part, t.constant(&b));
            Ok(dot(&t.values(&x), &seed))
        };
        let found = gradient_check(loss, &[a.values().to_vec()], std::slice::from_ref(gradient), 60).unwrap();
        assert!(found.relative_error < TOLERANCE, "{part:?}: {found:?}");
    }
}

/// One Gauss–Seidel sweep: A is read on both sides of the diagonal, b and x flow on.
#[test]
fn a_sweep_differentiates_everything_it_reads() {
    let a = Numbers(46).dominant::<f64>(30, 4);
    let [b, x, seed] = [47, 48, 49].map(|s| Numbers(s).vector::<f64>(90));
    for direction in [Direction::Forward, Direction::Backward] {
        for zero_b in [false, true] {
            let run = |t: &Tape<f64>, p: &[Vec<f64>], learned: bool| {
                let m = Matrix::from(Csr::new(a.pattern().clone(), p[0].clone()).unwrap());
                let m = m.map(|v| {
                    if learned { Parameter::learned(v.clone(), 0) } else { Parameter::constant(v.clone()) }
                });
                let (bv, xv) = (t.input(&p[1]), t.input(&p[2]));
                let right = if zero_b { t.zeros(30) } else { bv.clone() };
                (t.gauss_seidel(&m, &right, xv.clone(), direction), bv, xv)
            };
            let at = [a.values().to_vec(), b.clone(), x.clone()];
            let tape = Tape::new(3);
            let (out, bv, xv) = run(&tape, &at, true);
            let (mut gradients, of_b) = tape.backward_to(&[a.nnz()], &out, &seed, &bv).unwrap();
            let (_, of_x) = tape.backward_to(&[a.nnz()], &out, &seed, &xv).unwrap();
            assert_eq!(of_b.iter().all(|&v| v == 0.0), zero_b);
            gradients.push(if zero_b { vec![] } else { of_b });
            gradients.push(of_x.clone());
            let loss = |p: &[Vec<f64>]| {
                let t = Tape::new(3);
                Ok(dot(&t.values(&run(&t, p, false).0), &seed))
            };
            let found = gradient_check(loss, &at, &gradients, 50).unwrap();
            assert!(found.relative_error < TOLERANCE, "{direction:?}: {found:?}");
            // Constants do not change the adjoints of other values.
            let tape = Tape::new(3);
            let (out, _, xv) = run(&tape, &at, false);
            assert_eq!(tape.backward_to(&[], &out, &seed, &xv).unwrap().1, of_x);
        }
    }
}

/// A value that is used many times gets the sum of the contributions of its uses.
#[test]
fn adjoints_accumulate() {
    let a = Csr::from_triplets(2, 2, &[(0, 0, 2.0), (0, 1, 1.0), (1, 1, 3.0)]).unwrap();
    let tape = Tape::new(1);
    let m = matrix(&a, 0);
    let x = tape.input(&[5.0, 7.0]);
    // y = 2x + 3x + A x + (x − A x) + d ⊙ x = 6x + d ⊙ x.
    let y = tape.combine(2.0, &x, 3.0, x.clone());
    let y = tape.spmv_add(&m, &x, y);
    let y = tape.combine(1.0, &tape.residual(&x, &m, &x), 1.0, y);
    let d = Parameter::learned(Storage::shared(vec![10.0, 20.0]), 1);
    let y = tape.diagonal_add(&d, &x, y);
    assert_eq!(tape.values(&y), [80.0, 182.0]);
    let (gradients, of_x) = tape.backward_to(&[3, 2], &y, &[1.0, 100.0], &x).unwrap();
    assert_eq!(of_x, [16.0, 2600.0]);
    assert_eq!(gradients[0], [0.0, 0.0, 0.0]); // A x − A x
    assert_eq!(gradients[1], [5.0, 700.0]);
    // Twice the same: the first sweep leaves no state.
    assert_eq!(tape.backward_to(&[3, 2], &y, &[1.0, 100.0], &x).unwrap(), (gradients, of_x));
    // Misuse is an error.
    assert!(tape.backward(&[3], &y, &[1.0, 1.0]).unwrap_err().is_dimension());
    assert!(tape.backward(&[3, 1], &y, &[1.0, 1.0]).unwrap_err().is_dimension());
    assert!(tape.backward(&[3, 2], &y, &[1.0]).unwrap_err().is_dimension());
    let constant = tape.constant(&[1.0, 1.0]);
    assert!(tape.backward_to(&[3, 2], &y, &[1.0, 1.0], &constant).unwrap_err().is_invalid_input());
}

/// Every column has separate weights: values, the gradients of inputs and of parameters behind them, terms
/// that occur twice, constants and zeros among them.
#[test]
fn a_weighted_sum_has_the_gradient_of_its_terms() {
    let a = Numbers(50).dominant::<f64>(20, 4);
    for k in [1, 3, 8] {
        let mut numbers = Numbers(51);
        let [x, y, c, seed] = [0; 4].map(|_| numbers.vector::<f64>(20 * k));
        let [u, v, w, t] = [0; 4].map(|_| numbers.vector::<f64>(k));
        let none = vec![0.0; k];
        // u x + v A y + w x + 0 y + t c.
        let run = |tape: &Tape<f64>, p: &[Vec<f64>]| {
            let m = matrix(&Csr::new(a.pattern().clone(), p[0].clone()).unwrap(), 0);
            let (xv, yv) = (tape.input(&p[1]), tape.input(&p[2]));
            let (image, constant, zero) = (tape.spmv(&m, &yv), tape.constant(&c), tape.zeros(20));
            let terms: [(_, &[f64]); 6] =
                [(&xv, &u), (&image, &v), (&xv, &w), (&yv, &none), (&constant, &t), (&zero, &u)];
            (tape.weighted_sum(&terms), xv, yv)
        };
        let at = [a.values().to_vec(), x.clone(), y.clone()];
        let tape = Tape::new(k);
        let (out, xv, yv) = run(&tape, &at);
        let mut image = vec![0.0; 20 * k];
        for i in 0..20 {
            for (j, value) in a.row(i) {
                (0..k).for_each(|c| image[i * k + c] += value * y[j * k + c]);
            }
        }
        for (q, found) in tape.values(&out).into_iter().enumerate() {
            let l = q % k;
            let expected = (u[l] + w[l]) * x[q] + v[l] * image[q] + t[l] * c[q];
            assert!((found - expected).abs() < 1e-14, "{k} columns, value {q}: {found} {expected}");
        }
        let (mut gradients, of_x) = tape.backward_to(&[a.nnz()], &out, &seed, &xv).unwrap();
        let (_, of_y) = tape.backward_to(&[a.nnz()], &out, &seed, &yv).unwrap();
        for (q, g) in of_x.iter().enumerate() {
            assert!((g - (u[q % k] + w[q % k]) * seed[q]).abs() < 1e-15, "{k} columns, value {q}");
        }
        gradients.extend([of_x, of_y]);
        let loss = |p: &[Vec<f64>]| {
            let tape = Tape::new(k);
            Ok(dot(&tape.values(&run(&tape, p).0), &seed))
        };
        let found = gradient_check(loss, &at, &gradients, 60).unwrap();
        assert!(found.relative_error < TOLERANCE, "{k} columns: {found:?}");
    }
    // Of constants alone it is one, and without terms it is empty.
    let tape = Tape::<f64>::new(2);
    let constant = tape.constant(&[1.0, 2.0, 3.0, 4.0]);
    let sum = tape.weighted_sum(&[(&constant, &[10.0, 100.0]), (&tape.zeros(2), &[1.0, 1.0])]);
    assert_eq!((tape.values(&sum), tape.operations()), (vec![10.0, 200.0, 30.0, 400.0], 0));
    assert!(tape.values(&tape.weighted_sum(&[])).is_empty());
}
