//! Times of a cycle, kernel by kernel and as a graph.

use multigrad::backend::OnDevice;
use multigrad::engine::Host;
use multigrad::error::Result;
use multigrad::multigrid::{Hierarchy, ResidentCycle};

use super::bench::{Bench, values};
use super::traffic::Traffic;

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
