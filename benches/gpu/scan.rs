//! A scan of the constants of [`Tuning`], one after another, each with the operation that it affects.

use multigrad::engine::{Entries, Host, Resident, Reversible};
use multigrad::error::Result;
use multigrad::gpu::Tuning;
use multigrad::multigrid::{Hierarchy, Relaxation, ResidentCycle, ResidentRefresh, Use};
use multigrad::solver::{Amg, Krylov, SolveOptions};
use multigrad::sparse::Csr;

use super::bench::{Bench, time, values};
use super::device;
use super::problems::{Kind, Problem};

const PLANE: usize = 1000;
const SPACE: usize = 100;
const ORDERED: usize = 512;
const PLANE_EMULATED: usize = 34;
const SPACE_EMULATED: usize = 11;
const ORDERED_EMULATED: usize = 12;
const COLUMNS: usize = 8;
const RTOL: f64 = 1e-6;
const RUNS: usize = 3;
/// A value counts as better if it takes less than this share of the time.
const BETTER: f64 = 0.98;

/// The number of values tried per constant, besides the present one.
type Candidates = (&'static str, &'static [usize]);

const CYCLE: [Candidates; 7] = [
    ("tail_rows", &[256, 512, 2048]),
    ("fused_entries", &[0, 250_000, 4_000_000]),
    ("long_rows", &[8, 24, 32]),
    ("short_rows", &[2, 6, 8]),
    ("sliced_rows", &[4096, 1 << 30]),
    ("stream_chunk", &[640, 2560]),
    ("stream_rows", &[64, 256]),
];
const ORDER: [Candidates; 1] = [("narrow_levels", &[512, 1024, 4096, 16384])];
const KRYLOV: [Candidates; 2] = [("krylov_slab", &[128, 512, 1024]), ("krylov_blocks", &[528, 1056, 4096])];
const SUMS: [Candidates; 2] =
    [("reduction_slab", &[1024, 2048, 8192]), ("reduction_blocks", &[264, 528, 2048])];
const SAMPLED: [Candidates; 1] = [("sampled_chunk", &[1024, 4096])];
const REFRESH: [Candidates; 1] = [("terms_chunk", &[1024, 4096])];

/// Scans all constants; prints the best of each and the combined setting.
pub fn measure(bench: &Bench) -> Result<()> {
    let side = |real, emulated| if bench.emulated { emulated } else { real };
    let plane = problem(Kind::Poisson2d, side(PLANE, PLANE_EMULATED), Relaxation::Spai0)?;
    let space = problem(Kind::Poisson3d, side(SPACE, SPACE_EMULATED), Relaxation::Spai0)?;
    let ordered = problem(Kind::Upwind, side(ORDERED, ORDERED_EMULATED), Relaxation::Ilu0(1.0))?;
    let mut scan = Scan { best: bench.cuda.tuning().clone(), bench };
    scan.over("V-cycles in 2-D and 3-D, SPAI-0, f32", &CYCLE, &mut |bench| {
        Ok(cycle(bench, &plane.1)? + cycle(bench, &space.1)?)
    })?;
    scan.over("CG with that cycle in 2-D", &KRYLOV, &mut |bench| solve(bench, &plane.0))?;
    scan.over("V-cycle of a flow, ILU(0) by levels, f32", &ORDER, &mut |bench| cycle(bench, &ordered.1))?;
    scan.over("inner product, f32", &SUMS, &mut |bench| sums(bench, &plane.0))?;
    scan.over("sampled product, 8 columns, f32", &SAMPLED, &mut |bench| sampled(bench, &plane.0))?;
    scan.over("new values of the hierarchy in 3-D, f32", &REFRESH, &mut |bench| refresh(bench, &space))?;
    println!("\nBest constants: `MULTIGRAD_TUNING=\"{}\"`", scan.best);
    Ok(())
}

struct Scan<'a> {
    bench: &'a Bench,
    /// The best constants so far.
    best: Tuning,
}

impl Scan<'_> {
    /// Seconds with these constants; `None` if they are unavailable.
    fn seconds(&self, tuning: Tuning, measure: &mut dyn FnMut(&Bench) -> Result<f64>) -> Result<Option<f64>> {
        match device(self.bench.emulated, Some(tuning)) {
            Ok(cuda) => measure(&self.bench.on(cuda)).map(Some),
            // The emulator's kernels are compiled beforehand.
            Err(_) if self.bench.emulated => Ok(None),
            Err(e) => Err(e),
        }
    }

    fn over(
        &mut self,
        what: &str,
        constants: &[Candidates],
        measure: &mut dyn FnMut(&Bench) -> Result<f64>,
    ) -> Result<()> {
        println!("\n### scan: {what}\n\n| constants | time | of the time before |\n|---|---|---|");
        let Some(mut least) = self.seconds(self.best.clone(), measure)? else { return Ok(()) };
        println!("| {} | {} | 1 |", self.best, time(least));
        for (name, candidates) in constants {
            let before = least;
            let mut best = self.best.clone();
            for &value in *candidates {
                let mut tuning = self.best.clone();
                tuning.set(name, value)?;
                let Some(seconds) = self.seconds(tuning.clone(), measure)? else {
                    println!("| {name}={value} | - | not of the emulator |");
                    continue;
                };
                println!("| {name}={value} | {} | {:.3} |", time(seconds), seconds / before);
                if seconds < BETTER * before && seconds < least {
                    (least, best) = (seconds, tuning);
                }
            }
            self.best = best;
        }
        Ok(())
    }
}

type Prepared = (Csr<f64>, Hierarchy<Host<f32>>);

fn problem(kind: Kind, side: usize, relaxation: Relaxation) -> Result<Prepared> {
    let a = Problem { kind, side }.matrix()?;
    let h = Amg::smoothed_aggregation().suited_to(&a).relaxation(relaxation).build_hierarchy(&a)?;
    let single = h.cast()?;
    Ok((a, single))
}

fn cycle(bench: &Bench, h: &Hierarchy<Host<f32>>) -> Result<f64> {
    let cycle = ResidentCycle::new(&bench.cuda, h)?;
    let graph = cycle.graph(&values(1, h.rows()))?;
    bench.seconds(|| graph.run())
}

fn solve(bench: &Bench, a: &Csr<f64>) -> Result<f64> {
    let builder = Amg::smoothed_aggregation().relaxation(Relaxation::Spai0).single_precision();
    let mut solver = builder.krylov(Krylov::Cg).build(a)?;
    solver.move_to_device(&bench.cuda)?;
    let b: Vec<f64> = values(1, a.rows());
    bench.wall(RUNS, || solver.solve_with(&b, SolveOptions::new().rtol(RTOL)).map(|_| ()))
}

fn sums(bench: &Bench, a: &Csr<f64>) -> Result<f64> {
    let e: Resident<f32> = Resident::new(bench.cuda.clone(), 1);
    let x = e.store(&values::<f32>(1, a.rows()));
    let mut dots = e.room_for_dots(a.rows());
    bench.seconds(|| {
        e.dots(&x, &x, &mut dots);
        Ok(())
    })
}

fn sampled(bench: &Bench, a: &Csr<f64>) -> Result<f64> {
    let e: Resident<f32> = Resident::new(bench.cuda.clone(), COLUMNS);
    let m = e.matrix(&a.cast());
    let (x, y) = (e.store(&values(6, a.rows() * COLUMNS)), e.store(&values(7, a.rows() * COLUMNS)));
    let mut g = e.gradient(a.nnz());
    bench.seconds(|| {
        e.sampled_product(1.0, &m.pattern, Entries::All, (&y, &x), &mut g);
        Ok(())
    })
}

fn refresh(bench: &Bench, (_, h): &Prepared) -> Result<f64> {
    let Some(finest) = h.levels.first() else { return Ok(f64::NAN) };
    let mut plan = ResidentRefresh::new(&bench.cuda, h, Use::Solve, Relaxation::Spai0, (1, 1))?;
    let mut device = h.to_device(&bench.cuda, Use::Solve)?;
    let e: Resident<f32> = Resident::new(bench.cuda.clone(), 1);
    let values = e.matrix(&finest.a.to_csr()).values;
    bench.wall(RUNS, || plan.apply(&values, &mut device))
}
