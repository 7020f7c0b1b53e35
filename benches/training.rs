//! Training methods: Adam on the logarithm of k cycles, against Levenberg–Marquardt on the error after k
//! cycles with CG on the normal equations, and against training level by level.
//!
//! ```text
//! cargo bench --bench training                  # factors on upwind flow 64²
//! cargo bench --bench training -- 32 relaxation # another side, M instead of L and U
//! cargo bench --bench training -- scaling       # seconds of a step from 64² to 1000² unknowns
//! ```
//!
//! Every row is the asymptotic factor after the given seconds of one run from the same start, measured on the
//! same fresh vectors.
#![allow(missing_docs)]

use std::time::Instant;

use multigrad::cycle_tape::Tape;
use multigrad::engine::{Engine, Host};
use multigrad::error::Result;
use multigrad::gallery::{FlowScheme, recirculating_flow};
use multigrad::learn::{Loss, Parameters, Recipe, Session, Target, Trainer, asymptotic_factor};
use multigrad::multigrid::{Hierarchy, Relaxation, cycle};
use multigrad::solver::{Amg, training_setups};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// Columns of a batch of Levenberg–Marquardt, its outer steps and the steps of CG in each.
const BATCH: usize = 32;
const OUTER: usize = 8;
const INNER: usize = 8;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    if arguments.first().is_some_and(|a| a == "scaling") {
        return scaling();
    }
    let side = arguments.first().and_then(|a| a.parse().ok()).unwrap_or(64);
    let learn: Target = arguments.get(1).map_or(Ok(Target::Ilu), |a| a.parse())?;
    let a = recirculating_flow(side, 0.005, FlowScheme::Upwind)?.matrix;
    let start = match learn == Target::Ilu {
        true => Relaxation::Ilu0(1.0),
        false => Relaxation::Spai1,
    };
    for setup in training_setups(&a) {
        let amg = Amg::builder(setup).relaxation(start).build(&a)?;
        let before = asymptotic_factor(amg.hierarchy(), 1, 60).factor;
        println!("upwind flow {side}², {learn}, hierarchy {}, start {before:.4}", amg.setup().name());
        for steps in [20, 40, 80, 160] {
            let mut trained = amg.with_relaxation(start, (1, 1))?;
            let report = Trainer::new().learn(learn).steps(steps).seed(1).fit(&mut trained)?;
            let factor = report.factor_learned;
            println!("  Adam, {steps:>3} steps               {:6.2} s   {factor:.4}", report.train_seconds);
        }
        for cycles in [1, 2] {
            levenberg_marquardt(amg.hierarchy(), cycles)?;
        }
        by_levels(&amg, learn)?;
    }
    Ok(())
}

/// Times of a step of Adam for growing problems.
fn scaling() -> Result<()> {
    let recipe =
        Recipe { loss: Loss::Rate, steps: 4, rate: 0.003, cycles: (3, 3), batch: 8, factor_first: 1.0 };
    println!("learned        unknowns   nonzeros of all levels   s/step   ns per nonzero, cycle and column");
    for (learn, start) in [(Target::Ilu, Relaxation::Ilu0(1.0)), (Target::Relaxation, Relaxation::Spai1)] {
        for side in [64, 128, 256, 512, 1000] {
            let a = recirculating_flow(side, 0.005, FlowScheme::Upwind)?.matrix;
            let amg = Amg::builder(training_setups(&a).swap_remove(0)).relaxation(start).build(&a)?;
            let h = amg.hierarchy();
            let nonzeros: usize = h.levels.iter().map(|level| level.a.pattern.nnz()).sum();
            let mut session = Session::<f32>::new(h, recipe, 1)?;
            let mut least = f64::INFINITY;
            for _ in 0..recipe.steps {
                let clock = Instant::now();
                session.step()?;
                least = least.min(clock.elapsed().as_secs_f64());
            }
            let each = 1e9 * least / (nonzeros * recipe.cycles.0 * recipe.batch) as f64;
            println!("{:<12} {:>10} {nonzeros:>24} {least:>8.3} {each:>34.1}", learn.to_string(), h.rows());
        }
    }
    Ok(())
}

fn normal(seed: u64, count: usize) -> Vec<f64> {
    StandardNormal.sample_iter(ChaCha8Rng::seed_from_u64(seed)).take(count).collect()
}

fn normalise(z: &mut [f64], columns: usize) {
    let mut sums = vec![0.0; columns];
    z.chunks_exact(columns).for_each(|row| sums.iter_mut().zip(row).for_each(|(s, v)| *s += v * v));
    z.chunks_exact_mut(columns).for_each(|row| row.iter_mut().zip(&sums).for_each(|(v, s)| *v /= s.sqrt()));
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(a, b)| a * b).sum()
}

/// All parameters in their units, one after another.
fn variables(parameters: &Parameters<f64>) -> Vec<f64> {
    let all = parameters.values().iter().zip(parameters.scaling());
    all.flat_map(|(values, units)| values.iter().zip(units).map(|(v, u)| v / u)).collect()
}

fn set(parameters: &mut Parameters<f64>, variables: &[f64]) {
    let mut rest = variables;
    for q in 0..parameters.len() {
        let (values, units) = parameters.buffer_mut(q);
        let (now, later) = rest.split_at(values.len());
        values.iter_mut().zip(units).zip(now).for_each(|((v, u), x)| *v = x * u);
        rest = later;
    }
}

/// min ‖Gᵏ Z‖²_F by Levenberg–Marquardt: (Jᵀ J + λ) δ = −Jᵀ F, by CG; J v is a difference of two runs, Jᵀ w
/// the reverse sweep. Half of Z is a pool z ← G z, half is drawn in every step.
fn levenberg_marquardt(h: &Hierarchy<Host<f64>>, cycles: usize) -> Result<()> {
    let clock = Instant::now();
    let rows = h.rows();
    let tape: Tape<f64> = Tape::new(BATCH);
    let mut parameters = Parameters::<f64>::relaxations(h);
    let mut x = variables(&parameters);
    let (mut damping, mut z) = (1e-3, normal(7, rows * BATCH));
    let mut judged = 0.0;
    for outer in 0..OUTER {
        normalise(&mut z, BATCH);
        let run = |parameters: &Parameters<f64>, z: &[f64]| {
            tape.clear();
            let recorded = parameters.record(h);
            let zero = tape.zeros(rows);
            let mut y = tape.constant(z);
            for _ in 0..cycles {
                y = cycle(&tape, &recorded, 0, &zero, y);
            }
            let values = tape.values(&y);
            (y, values)
        };
        let mut trial = parameters.clone();
        let (_, f) = run(&parameters, &z);
        let old = dot(&f, &f);
        let units = parameters.scaling().to_vec();
        let transposed = |w: &[f64], parameters: &Parameters<f64>| -> Result<Vec<f64>> {
            let (y, _) = run(parameters, &z);
            let gradient = parameters.backward(&tape, &y, w)?;
            Ok(gradient.iter().zip(&units).flat_map(|(g, u)| g.iter().zip(u).map(|(g, u)| g * u)).collect())
        };
        let mut r: Vec<f64> = transposed(&f, &parameters)?.iter().map(|g| -g).collect();
        let (mut delta, mut p, mut rr) = (vec![0.0; x.len()], r.clone(), dot(&r, &r));
        for _ in 0..INNER {
            let step = 1e-6 / dot(&p, &p).sqrt().max(f64::MIN_POSITIVE);
            let moved: Vec<f64> = x.iter().zip(&p).map(|(x, p)| x + step * p).collect();
            set(&mut trial, &moved);
            let (_, ahead) = run(&trial, &z);
            let jp: Vec<f64> = ahead.iter().zip(&f).map(|(a, f)| (a - f) / step).collect();
            let mut q = transposed(&jp, &parameters)?;
            q.iter_mut().zip(&p).for_each(|(q, p)| *q += damping * p);
            let alpha = rr / dot(&p, &q);
            delta.iter_mut().zip(&p).for_each(|(d, p)| *d += alpha * p);
            r.iter_mut().zip(&q).for_each(|(r, q)| *r -= alpha * q);
            let next = dot(&r, &r);
            p.iter_mut().zip(&r).for_each(|(p, r)| *p = r + next / rr * *p);
            rr = next;
        }
        let moved: Vec<f64> = x.iter().zip(&delta).map(|(x, d)| x + d).collect();
        set(&mut trial, &moved);
        let (_, f) = run(&trial, &z);
        if dot(&f, &f) < old {
            (x, damping) = (moved, damping * 0.3);
            parameters = trial;
        } else {
            damping *= 10.0;
        }
        let (_, after) = run(&parameters, &z);
        let fresh = normal(100 + outer as u64, rows * BATCH);
        for (row, (after, fresh)) in
            z.chunks_exact_mut(BATCH).zip(after.chunks_exact(BATCH).zip(fresh.chunks_exact(BATCH)))
        {
            row[..BATCH / 2].copy_from_slice(&after[..BATCH / 2]);
            row[BATCH / 2..].copy_from_slice(&fresh[BATCH / 2..]);
        }
        if outer % 4 == 3 {
            let seconds = clock.elapsed().as_secs_f64() - judged;
            let measured = Instant::now();
            let factor = asymptotic_factor(&parameters.install(h), 1, 60).factor;
            judged += measured.elapsed().as_secs_f64();
            println!(
                "  Levenberg–Marquardt, k = {cycles}, {:>2} steps {seconds:6.2} s   {factor:.4}",
                outer + 1
            );
        }
    }
    Ok(())
}

/// The coarser levels first, each as a problem of its own, then the whole.
fn by_levels(amg: &Amg, learn: Target) -> Result<()> {
    let clock = Instant::now();
    let mut h = amg.hierarchy().clone();
    let trainer = Trainer::new().learn(learn).start(multigrad::learn::Start::Given).seed(1);
    for depth in (0..h.levels.len()).rev() {
        let below = Hierarchy { levels: h.levels[depth..].to_vec(), ..h.clone() };
        let mut part = Amg::from_hierarchy(below, amg.setup().clone())?;
        trainer.clone().steps(if depth == 0 { 40 } else { 10 }).fit(&mut part)?;
        h.levels.splice(depth.., part.hierarchy().levels.iter().cloned());
    }
    let seconds = clock.elapsed().as_secs_f64();
    let factor = asymptotic_factor(&h, 1, 60).factor;
    println!("  Adam, level by level, 40 steps at last {seconds:6.2} s   {factor:.4}");
    Ok(())
}
