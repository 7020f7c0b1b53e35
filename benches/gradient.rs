//! Cost of the gradient of a training loss, in forward cycles.
//!
//! ```text
//! cargo bench --bench gradient
//! ```
//!
//! The recorded run and its reverse sweep together should cost at most four plain runs, so the gradient at most three.
#![allow(missing_docs)]

#[path = "../tests/suite/common/numbers.rs"]
#[allow(dead_code)]
mod numbers;

use std::time::Instant;

use multigrad::cycle_tape::Tape;
use multigrad::engine::Eager;
use multigrad::error::Result;
use multigrad::gallery::{FlowScheme, recirculating_flow};
use multigrad::learn::{Loss, Parameters};
use multigrad::multigrid::{Relaxation, cycle};
use multigrad::solver::Amg;
use numbers::{Numbers, pools};

const CYCLES: usize = 5;
const REPETITIONS: usize = 10;

fn main() -> Result<()> {
    let a = recirculating_flow(64, 0.005, FlowScheme::Upwind)?.matrix;
    let amg = Amg::smoothed_aggregation().suited_to(&a).build(&a)?;
    let amg = amg.with_relaxation(Relaxation::Spai1, (1, 1))?;
    let h = amg.hierarchy().cast::<f32>()?;
    let parameters = Parameters::<f32>::relaxations(amg.hierarchy());
    let batch = 16;
    let z: Vec<f32> = Numbers(61).vector(h.rows() * batch);
    // One thread: the figure concerns the amount of work.
    pools()[0].install(|| {
        let eager = Eager::new(batch);
        let zero = multigrad::engine::Engine::zeros(&eager, h.rows());
        let tape = Tape::new(batch);
        let (mut forward, mut total) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..REPETITIONS {
            let clock = Instant::now();
            let mut x = eager.vector(&z);
            for _ in 0..CYCLES {
                x = cycle(&eager, &h, 0, &zero, x);
            }
            forward = forward.min(clock.elapsed().as_secs_f64());
            let clock = Instant::now();
            Loss::Rate.differentiate(&tape, &h, &parameters, &z, CYCLES)?;
            total = total.min(clock.elapsed().as_secs_f64());
        }
        let ratio = total / forward;
        println!("forward {forward:.2e} s, with gradient {total:.2e} s: {ratio:.2} times");
        Ok(())
    })
}
