//! Times of a cycle, kernel by kernel and as a graph.

use multigrad::backend::OnDevice;
use multigrad::engine::{Host, Reversible as _};
use multigrad::error::Result;
use multigrad::multigrid::{Hierarchy, ResidentCycle};

use super::bench::{Bench, values};
use super::traffic::{Traffic, bytes_of, name_of};

/// One V-cycle.
pub fn measure<T: OnDevice>(bench: &Bench, size: &str, h: &Hierarchy<Host<T>>) -> Result<()> {
    let cycle = ResidentCycle::new(&bench.cuda, h)?;
    let Traffic { bytes, operations } = Traffic::of(cycle.program());
    let levels = cycle.hierarchy().levels.len();
    let dense = cycle.hierarchy().coarsest_rows;
    let r: Vec<T> = values(1, cycle.rows());
    let (seconds, expected) = {
        let r = cycle.engine().vector(&r);
        let seconds = bench.seconds(|| {
            drop(cycle.apply(&r));
            Ok(())
        })?;
        (seconds, cycle.engine().values(&cycle.apply(&r))?)
    };
    let what = format!("V-cycle, kernel by kernel, {}", T::NAME);
    let remarks = format!("{levels} levels and a dense matrix of {dense} rows");
    bench.row(&what, size, seconds, bytes, &remarks);

    launches(bench, size, &cycle, &r)?;
    let graph = cycle.graph(&r)?;
    let seconds = bench.seconds(|| graph.run())?;
    let what = format!("V-cycle, graph, {}", T::NAME);
    bench.row(
        &what,
        size,
        seconds,
        bytes,
        &format!("{} launches for {operations} operations", graph.nodes()),
    );
    assert!(expected.iter().all(|v| v.finite()), "a cycle that is not finite");
    assert!(graph.kept().result()? == expected, "a graph that differs from its kernels");
    Ok(())
}

/// Each launch of a cycle by itself, repeated on the same vectors: those of small levels stay in the cache.
fn launches<T: OnDevice>(bench: &Bench, size: &str, cycle: &ResidentCycle<T>, r: &[T]) -> Result<()> {
    let (engine, program) = (cycle.engine(), cycle.program());
    let r = engine.store(r);
    let mut times = Vec::new();
    let z = engine.execute_around(program, &r, &mut |_, launch| {
        times.push(bench.seconds(|| {
            launch();
            Ok(())
        }));
    });
    drop(z);
    for (launch, seconds) in program.launches().zip(times) {
        let bytes = bytes_of(program, launch);
        bench.row(&format!("{}, {}", name_of(launch), T::NAME), size, seconds?, bytes, "");
    }
    Ok(())
}
