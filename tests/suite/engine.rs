//! One cycle on three engines: the same bits.

use crate::common;
use crate::common::numbers;

use std::sync::Arc;

use crate::common::numbers::{Numbers, distance, largest};
use multigrad::backend::{Direct, Direction};
use multigrad::cycle_tape::{Parameter, Recorded, Tape};
use multigrad::engine::{Eager, Engine, Host};
use multigrad::gallery::{FlowScheme, recirculating_flow};
use multigrad::multigrid::{CycleKind, Hierarchy, Level, Relaxation, Role, Smoother, compile, cycle};
use multigrad::operator::Preconditioner;
use multigrad::setup::Coarsening;
use multigrad::solver::Amg;
use multigrad::sparse::Csr;

const SWEEPS: [(usize, usize); 4] = [(1, 1), (2, 1), (0, 2), (3, 0)];

fn flow(m: usize) -> Csr<f64> {
    recirculating_flow(m, 0.005, FlowScheme::Upwind).unwrap().matrix
}

/// At least two levels above the direct solver.
fn build(a: &Csr<f64>, kind: CycleKind) -> Amg {
    let coarsening = Coarsening { max_coarse: 6, ..Coarsening::default() };
    let builder = Amg::smoothed_aggregation().coarsening(coarsening).suited_to(a);
    let amg = builder.cycle(kind).build(a).unwrap();
    assert!(amg.hierarchy().levels.len() >= 2, "{amg}");
    amg
}

/// Sparse smoothers with distinct values on every level, as if learned.
fn learned(amg: &Amg, sweeps: (usize, usize)) -> Hierarchy<Host<f64>> {
    let mut r = Numbers(21);
    let start = amg.with_relaxation(Relaxation::Spai1, sweeps).unwrap();
    start.hierarchy().map(
        |place, v| match place.role {
            Role::Pre(_) | Role::Post(_) => Arc::new(v.iter().map(|v| v * (1.0 + 0.2 * r.value())).collect()),
            _ => v.clone(),
        },
        Clone::clone,
    )
}

fn eager(h: &Hierarchy<Host<f64>>, b: &[f64], k: usize) -> Vec<f64> {
    let e = Eager::new(k);
    let b = e.vector(b);
    e.values(&cycle(&e, h, 0, &b, e.zeros(h.rows())))
}

fn taped(h: &Hierarchy<Host<f64>>, b: &[f64], k: usize) -> Vec<f64> {
    let mut count = 0;
    let recorded = h.map::<Recorded<Host<f64>>>(
        |_, v| {
            count += 1;
            Parameter::learned(v.clone(), count - 1)
        },
        Clone::clone,
    );
    let tape = Tape::new(k);
    let b = tape.input(b);
    tape.values(&cycle(&tape, &recorded, 0, &b, tape.zeros(h.rows())))
}

fn planned(h: &Hierarchy<Host<f64>>, b: &[f64], k: usize) -> Vec<f64> {
    let plan = compile(h).unwrap();
    // The former contents of the workspace are not read.
    let (mut x, mut work) = (vec![f64::NAN; b.len()], vec![f64::NAN; plan.workspace(k)]);
    plan.run(b, &mut x, &mut work, k).unwrap();
    x
}

fn same_on_all_engines(h: &Hierarchy<Host<f64>>, what: &str) {
    for k in [1, 5] {
        let b: Vec<f64> = Numbers(22).vector(h.rows() * k);
        let x = eager(h, &b, k);
        assert!(x.iter().all(|v| v.is_finite()) && numbers::largest(&x) > 0.0, "{what}");
        assert_eq!(taped(h, &b, k), x, "tape, {what}, k = {k}");
        assert_eq!(planned(h, &b, k), x, "plan, {what}, k = {k}");

        let e = Eager::new(k);
        let (zero, bv) = (e.vector(&vec![0.0; b.len()]), e.vector(&b));
        assert_eq!(e.values(&cycle(&e, h, 0, &bv, zero)), x, "stored zeros, {what}, k = {k}");
    }
}

#[test]
fn all_engines_give_the_same_bits() {
    let a = flow(16);
    for kind in [CycleKind::V, CycleKind::W] {
        let amg = build(&a, kind);
        for sweeps in SWEEPS {
            for relaxation in Relaxation::ALL {
                let what = format!("{relaxation}, {sweeps:?}, {kind}");
                same_on_all_engines(amg.with_relaxation(relaxation, sweeps).unwrap().hierarchy(), &what);
            }
            same_on_all_engines(&learned(&amg, sweeps), &format!("learned, {sweeps:?}, {kind}"));
        }
        same_on_all_engines(amg.with_relaxation(Relaxation::Spai0, (0, 0)).unwrap().hierarchy(), "no sweeps");
    }
}

/// A block of columns is its columns, one by one.
#[test]
fn columns_do_not_mix() {
    for (kind, tolerance) in [(CycleKind::W, 1e-13), (CycleKind::K, 1e-9)] {
        let h = learned(&build(&flow(16), kind), (1, 1));
        let (n, k) = (h.rows(), 5);
        let b: Vec<f64> = Numbers(23).vector(n * k);
        let x = eager(&h, &b, k);
        for c in 0..k {
            let column = |v: &[f64]| (0..n).map(|i| v[i * k + c]).collect::<Vec<_>>();
            let own = eager(&h, &column(&b), 1);
            assert!(distance(&own, &column(&x)) < tolerance, "{kind}: {:e}", distance(&own, &column(&x)));
        }
    }
}

/// From a guess x, a cycle is x + B (b − A x), and b = 0 from a guess is the error propagator.
#[test]
fn a_cycle_corrects_its_guess() {
    let a = flow(16);
    let n = a.rows();
    for relaxation in Relaxation::ALL {
        let amg = build(&a, CycleKind::W).with_relaxation(relaxation, (2, 1)).unwrap();
        let h = amg.hierarchy();
        let (b, guess) = (Numbers(24).vector::<f64>(n), Numbers(25).vector::<f64>(n));
        for b in [b, vec![0.0; n]] {
            let mut residual = vec![0.0; n];
            a.spmv(&guess, &mut residual).unwrap();
            residual.iter_mut().zip(&b).for_each(|(r, b)| *r = b - *r);
            let expected: Vec<f64> = eager(h, &residual, 1).iter().zip(&guess).map(|(c, x)| x + c).collect();
            let e = Eager::new(1);
            let bv = if b.iter().all(|&v| v == 0.0) { e.zeros(n) } else { e.vector(&b) };
            let x = e.values(&cycle(&e, h, 0, &bv, e.vector(&guess)));
            // A good relaxation reduces most of the guess, so the guess is the scale.
            let gap = distance(&x, &expected) * (largest(&expected) / largest(&guess)).min(1.0);
            assert!(gap < 1e-11, "{relaxation}: {gap:e}");
        }
        // Operations without effect are known in advance.
        let e = Eager::<f64>::new(1);
        assert!(cycle(&e, h, 0, &e.zeros(n), e.zeros(n)).handle().is_none());
    }
}

#[test]
fn cycles_differ() {
    let a = flow(16);
    let b: Vec<f64> = Numbers(26).vector(a.rows());
    let results = CycleKind::ALL.map(|kind| eager(build(&a, kind).hierarchy(), &b, 1));
    for (p, x) in results.iter().enumerate() {
        for y in &results[..p] {
            assert!(distance(x, y) > 1e-6);
        }
    }
}

#[test]
fn more_visits_converge_faster() {
    let a = common::poisson(40);
    // The error after eight cycles from a random one.
    let error = |kind| {
        let amg = build(&a, kind);
        let mut error: Vec<f64> = Numbers(29).vector(a.rows());
        let mut image = error.clone();
        for _ in 0..8 {
            a.spmv(&error, &mut image).unwrap();
            let correction = eager(amg.hierarchy(), &image, 1);
            error.iter_mut().zip(correction).for_each(|(e, c)| *e -= c);
        }
        error.iter().fold(0.0f64, |m, e| m.max(e.abs()))
    };
    let [v, w, f, k] = CycleKind::ALL.map(error);
    println!("V {v:.1e}, W {w:.1e}, F {f:.1e}, K {k:.1e}");
    assert!(w < 0.9 * v && f < 0.9 * v && k < 0.9 * v, "V {v:.1e}, W {w:.1e}, F {f:.1e}, K {k:.1e}");
}

#[test]
fn f_and_k_cycles_are_the_same_on_all_engines() {
    for kind in [CycleKind::F, CycleKind::K] {
        let h = learned(&build(&flow(16), kind), (1, 1));
        same_on_all_engines(&h, &format!("{kind}"));
    }
}

#[test]
fn a_k_cycle_is_not_linear_and_says_so() {
    let amg = build(&common::poisson(16), CycleKind::K);
    assert!(!amg.is_symmetric());
    let n = amg.hierarchy().rows();
    let b: Vec<f64> = Numbers(30).vector(n);
    let error = amg.apply_transposed(&b, &mut vec![0.0; n]).unwrap_err();
    assert!(error.is_unsuited(), "{error}");
    // Its value passes through a tape; its gradient is refused, not wrong.
    let recorded =
        amg.hierarchy().map::<Recorded<Host<f64>>>(|_, v| Parameter::constant(v.clone()), Clone::clone);
    let tape = Tape::new(1);
    let out = cycle(&tape, &recorded, 0, &tape.input(&b), tape.zeros(n));
    let error = tape.backward(&[], &out, &b).unwrap_err();
    assert!(error.is_unsuited() && error.to_string().contains("K-cycle"), "{error}");
    // A zero right-hand side does not cause a division by zero.
    assert!(eager(amg.hierarchy(), &vec![0.0; n], 1).iter().all(|v| *v == 0.0));
}

#[test]
fn the_workspace_is_what_the_plan_says() {
    for h in [
        learned(&build(&flow(16), CycleKind::W), (2, 1)),
        build(&common::poisson(16), CycleKind::V).hierarchy().clone(),
    ] {
        let (plan, n) = (compile(&h).unwrap(), h.rows());
        assert_eq!(plan.rows(), n);
        for k in [1, 3] {
            let b: Vec<f64> = Numbers(27).vector(n * k);
            let need = plan.workspace(k);
            assert!(need <= 6 * n * k, "{need} values for {n} × {k}");
            let run = |b: &[f64], lengths: (usize, usize)| {
                let (mut x, mut work) = (vec![0.0; lengths.0], vec![f64::NAN; lengths.1]);
                plan.run(b, &mut x, &mut work, k).map(|()| x)
            };
            let x = run(&b, (n * k, need)).unwrap();
            assert_eq!(x, eager(&h, &b, k));
            assert_eq!(run(&b, (n * k, need + 11)).unwrap(), x);
            assert!(run(&b, (n * k, need - 1)).unwrap_err().is_dimension());
            assert!(run(&b, (n * k, 0)).unwrap_err().is_dimension());
            assert!(run(&b, (n * k - 1, need)).unwrap_err().is_dimension());
            assert!(run(&b[1..], (n * k, need)).unwrap_err().is_dimension());
            assert!(run(&[], (0, need)).unwrap_err().is_dimension());
        }
    }
}

#[test]
fn a_plan_runs_on_many_threads_at_once() {
    let h = learned(&build(&flow(16), CycleKind::W), (1, 1));
    let plan = compile(&h).unwrap();
    let inputs: Vec<Vec<f64>> = (0..6).map(|q| Numbers(30 + q).vector(h.rows())).collect();
    let expected: Vec<Vec<f64>> = inputs.iter().map(|b| eager(&h, b, 1)).collect();
    std::thread::scope(|scope| {
        for (b, expected) in inputs.iter().zip(&expected) {
            let plan = &plan;
            scope.spawn(move || {
                let (mut x, mut work) = (vec![0.0; b.len()], vec![0.0; plan.workspace(1)]);
                for _ in 0..50 {
                    plan.run(b, &mut x, &mut work, 1).unwrap();
                    assert_eq!(&x, expected);
                }
            });
        }
    });
}

/// A matrix that is small enough has no levels, only the direct solver.
#[test]
fn a_hierarchy_without_levels() {
    for n in [1, 2, 5] {
        let a = Numbers(28).dominant::<f64>(n, 2);
        let amg = Amg::smoothed_aggregation().suited_to(&a).cycle(CycleKind::W).build(&a).unwrap();
        let h = amg.hierarchy();
        assert!(h.levels.is_empty() && h.rows() == n);
        same_on_all_engines(h, "no levels");
        let known: Vec<f64> = Numbers(29).vector(n);
        let mut b = vec![0.0; n];
        a.spmv(&known, &mut b).unwrap();
        assert!(distance(&eager(h, &b, 1), &known) < 1e-13);
    }
}

/// A coarse level without rows: slots of no length lie inside others.
#[test]
fn a_coarsest_level_without_rows() {
    let a = common::poisson(3);
    let empty = |rows, cols| Csr::<f64>::from_triplets(rows, cols, &[]).unwrap();
    let level = Level {
        a: a.clone().into(),
        prolongation: empty(9, 0).into(),
        restriction: empty(0, 9).into(),
        pre: vec![Smoother::GaussSeidel { direction: Direction::Forward }],
        post: vec![Smoother::Sparse { m: a.into() }],
    };
    let coarsest = Arc::new(Direct::new(&empty(0, 0)).unwrap());
    let h = Hierarchy { levels: vec![level], coarsest, coarsest_rows: 0, kind: CycleKind::V };
    h.validate().unwrap();
    same_on_all_engines(&h, "no rows below");
}
