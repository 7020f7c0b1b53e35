//! Times of one V(1,1) cycle of recirculating flow with SPAI-1 in four runs (eager, compiled, recorded,
//! recorded with its gradient), of the kernels below it against the reference, of a refresh against a new
//! setup on 2-D Poisson, and of solves with one and with sixteen right-hand sides.
//!
//! `cargo bench --bench cycle`; add `RAYON_NUM_THREADS=1` for one core.
#![allow(missing_docs)]

use divan::Bencher;
use multigrad::backend::{Cpu, Reference, View};
use multigrad::cycle_tape::Tape;
use multigrad::engine::{Eager, Engine};
use multigrad::gallery::{FlowScheme, poisson_2d, recirculating_flow};
use multigrad::learn::{Loss, Parameters};
use multigrad::multigrid::{Cycle, Relaxation, cycle};
use multigrad::solver::Amg;
use multigrad::sparse::Csr;

const SIZES: [usize; 3] = [32, 64, 128];

fn main() {
    divan::main();
}

fn matrix(n: usize) -> Csr<f64> {
    recirculating_flow(n, 0.005, FlowScheme::Upwind).unwrap().matrix
}

fn solver(n: usize) -> Amg {
    let a = matrix(n);
    Amg::smoothed_aggregation().suited_to(&a).relaxation(Relaxation::Spai1).build(&a).unwrap()
}

#[divan::bench(args = SIZES)]
fn eager(bencher: Bencher, n: usize) {
    let amg = solver(n);
    let engine = Eager::new(1);
    let b = engine.vector(&vec![1.0; n * n]);
    bencher.bench_local(|| cycle(&engine, amg.hierarchy(), 0, &b, engine.zeros(n * n)));
}

#[divan::bench(args = SIZES)]
fn compiled(bencher: Bencher, n: usize) {
    let amg = solver(n);
    let Cycle::Double(cycle) = amg.cycle() else { unreachable!("built in double precision") };
    let plan = cycle.plan();
    let (b, mut x) = (vec![1.0; n * n], vec![0.0; n * n]);
    let mut work = vec![0.0; plan.workspace(1)];
    bencher.bench_local(|| plan.run(&b, &mut x, &mut work, 1).unwrap());
}

#[divan::bench(args = SIZES)]
fn recorded(bencher: Bencher, n: usize) {
    let amg = solver(n);
    let parameters = Parameters::<f64>::relaxations(amg.hierarchy());
    let tape = Tape::new(1);
    bencher.bench_local(|| {
        tape.clear();
        let recorded = parameters.record(amg.hierarchy());
        let b = tape.constant(&vec![1.0; n * n]);
        cycle(&tape, &recorded, 0, &b, tape.zeros(n * n))
    });
}

/// One cycle on a batch of 16 columns in single precision, with its gradient: a training step.
#[divan::bench(args = SIZES)]
fn loss_and_gradient(bencher: Bencher, n: usize) {
    let amg = solver(n);
    let h = amg.hierarchy().cast::<f32>().unwrap();
    let parameters = Parameters::<f32>::relaxations(amg.hierarchy());
    let tape = Tape::new(16);
    let z: Vec<f32> = (0..n * n * 16).map(|i| (i as f32 * 0.7).sin()).collect();
    bencher.bench_local(|| Loss::Rate.differentiate(&tape, &h, &parameters, &z, 1).unwrap());
}

/// The same cycle without recording, for the ratio.
#[divan::bench(args = SIZES)]
fn forward_on_a_batch(bencher: Bencher, n: usize) {
    let amg = solver(n);
    let h = amg.hierarchy().cast::<f32>().unwrap();
    let engine = Eager::new(16);
    let z: Vec<f32> = (0..n * n * 16).map(|i| (i as f32 * 0.7).sin()).collect();
    bencher.bench_local(|| cycle(&engine, &h, 0, &engine.zeros(n * n), engine.vector(&z)));
}

fn spmv(bencher: Bencher, k: usize, product: impl Fn(View<'_, f64>, &[f64], &mut [f64])) {
    let a = matrix(128);
    let (x, mut y) = (vec![1.0; a.rows() * k], vec![0.0; a.rows() * k]);
    bencher.bench_local(|| product((&a).into(), &x, &mut y));
}

#[divan::bench(args = [1, 8, 16])]
fn spmv_reference(bencher: Bencher, k: usize) {
    spmv(bencher, k, |a, x, y| Reference.spmv(1.0, a, x, 0.0, y, k));
}

#[divan::bench(args = [1, 8, 16])]
fn spmv_cpu(bencher: Bencher, k: usize) {
    spmv(bencher, k, |a, x, y| Cpu.spmv(1.0, a, x, 0.0, y, k));
}

#[divan::bench(args = [1, 8, 16])]
fn gradient_of_values_cpu(bencher: Bencher, k: usize) {
    let a = matrix(128);
    let (x, mut g) = (vec![1.0; a.rows() * k], vec![0.0; a.nnz()]);
    bencher.bench_local(|| Cpu.sampled_product(1.0, a.pattern(), &x, &x, &mut g, k));
}

/// [`Amg::auto`], from the matrix to a solver.
#[divan::bench(args = [100, 300, 1000])]
fn new_setup(bencher: Bencher, n: usize) {
    let a = poisson_2d(n, n).unwrap().matrix;
    bencher.bench_local(|| Amg::auto(&a).unwrap());
}

/// The same solver with other values on the same pattern.
#[divan::bench(args = [100, 300, 1000])]
fn refreshed(bencher: Bencher, n: usize) {
    let a = poisson_2d(n, n).unwrap().matrix;
    let mut solver = Amg::auto(&a).unwrap();
    let heat = a.map(|i, j, v| if i == j { v + 0.1 } else { v });
    solver.refresh(&heat).unwrap();
    bencher.bench_local(|| solver.refresh(&a).unwrap());
}

/// Solves with `k` right-hand sides at once.
fn many(bencher: Bencher, a: &Csr<f64>, k: usize) {
    let solver = Amg::auto(a).unwrap();
    let column = |c: usize| (0..a.rows()).map(|i| ((i * (c + 3)) as f64 * 0.7).sin() + 0.3).collect();
    let columns: Vec<Vec<f64>> = (0..k).map(column).collect();
    bencher.bench_local(|| solver.solve_many(&columns).unwrap());
}

#[divan::bench(args = [1, 16], sample_count = 5)]
fn many_poisson_1000(bencher: Bencher, k: usize) {
    many(bencher, &poisson_2d(1000, 1000).unwrap().matrix, k);
}

#[divan::bench(args = [1, 16], sample_count = 7)]
fn many_supg_256(bencher: Bencher, k: usize) {
    many(bencher, &recirculating_flow(256, 1e-3, FlowScheme::Supg).unwrap().matrix, k);
}
