//! Device engine on the emulator: cycle, tape and training against those of the CPU.

mod cycles;
mod solvers;
mod training;

use std::sync::Arc;

use crate::common::numbers::{Numbers, distance, largest};
use multigrad::backend::{Cpu, Cuda, Order};
use multigrad::cycle_tape::{Parameter, Recorded, Tape};
use multigrad::engine::{Device, DeviceBuffer, Eager, Engine, Host, Launch, Resident, Reversible, Vector};
use multigrad::gallery::{FlowScheme, poisson_2d, recirculating_flow};
use multigrad::gpu::Tuning;
use multigrad::learn::{Loss, Parameters, ResidentTraining, Target, Trainer};
use multigrad::multigrid::{
    CycleKind, Hierarchy, Parts, Relaxation, ResidentCycle, SchwarzOptions, Use, cycle, trace,
};
use multigrad::setup::Coarsening;
use multigrad::solver::{Amg, Krylov, SolveOptions, relative_residual};
use multigrad::sparse::{Csr, Storage};

fn flow(m: usize) -> Csr<f64> {
    recirculating_flow(m, 0.005, FlowScheme::Upwind).unwrap().matrix
}

/// Two levels or more above the direct solver.
fn build(a: &Csr<f64>, kind: CycleKind) -> Amg {
    let coarsening = Coarsening { max_coarse: 6, ..Coarsening::default() };
    let amg = Amg::smoothed_aggregation().coarsening(coarsening).suited_to(a).cycle(kind).build(a).unwrap();
    assert!(amg.hierarchy().levels.len() >= 2, "{amg}");
    amg
}

fn small_parts() -> SchwarzOptions {
    SchwarzOptions { parts: Parts::Rows(12), ..SchwarzOptions::default() }
}

/// One cycle as a program: the same bits as operation by operation unless several of them are one launch.
fn as_program(e: &Resident<f64>, h: &Hierarchy<Device<f64>>, b: &Vector<DeviceBuffer<f64>>) -> Vec<f64> {
    let program = e.program(trace(e, h).unwrap()).unwrap();
    let x = e.read(&e.execute(&program, b.handle().unwrap())).unwrap();
    if program.launches().all(|launch| matches!(launch, Launch::Single(_))) {
        assert_eq!(e.values(&cycle(e, h, 0, b, e.zeros(h.rows()))).unwrap(), x);
    }
    x
}
