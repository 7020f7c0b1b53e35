//! The measurements of a cost report, one after the other.

use std::time::Instant;

use super::competitors::{Competitor, competitors};
use super::entry::{Entry, sort};
use super::{CostObserver, CostOptions, CostReport, Learned, direct};
use crate::error::{Error, Result};
use crate::operator::Preconditioner;
use crate::solver::Amg;
use crate::solver::{Builder, Krylov, MatrixProperties, Protocol, SolveOptions, Solver, fastest_setup};
use crate::sparse::Csr;

/// A solver whose solve takes this many times the setup and solve of a better one is abandoned: no
/// number of solves makes it the best.
const HOPELESS: f64 = 4.0;
/// No solve is abandoned before this many seconds.
const PATIENCE: f64 = 0.05;
/// Solvers that take this many times the fastest solve are not timed again.
const CLOSE: f64 = 1.5;
/// Fast solves are repeated until a solver has taken this many seconds.
const SETTLE: f64 = 0.1;
/// A setup that has taken this many seconds is not timed again.
const SETUP_LIMIT: f64 = 1.0;

impl CostReport {
    /// Measures the learned solver, the direct one and the classical ones: the automatic choice
    /// ([`Amg::auto`]), all of [`candidates`](crate::solver::candidates), one level of ILU(0) and
    /// ILU(2), and the learned solver's own hierarchy with ILU(0) at several dampings, Gauss–Seidel,
    /// SPAI-1 and Chebyshev. Every residual is computed from the solution.
    ///
    /// Cost: some forty setups, and solves of some eighty solvers; those that cannot win are soon
    /// given up.
    ///
    /// # Errors
    /// A matrix of another size than the learned solver's; options that make no sense; a learned
    /// cycle that overflows single precision.
    pub fn measure(
        a: &Csr<f64>,
        learned: &Learned<'_>,
        options: &CostOptions,
        observe: CostObserver<'_>,
    ) -> Result<Self> {
        options.check()?;
        let rows = learned.amg.rows();
        if a.rows() != rows || a.cols() != rows {
            return Err(Error::dimension(format!(
                "the learned solver has {rows} unknowns and the matrix is {} × {}",
                a.rows(),
                a.cols()
            )));
        }
        let properties = MatrixProperties::of(a);
        let right_hand_sides = options.vectors(a, properties.is_singular_laplacian())?;
        let protocol = Protocol {
            repeats: options.repeats,
            warm_up: true,
            settle: SETTLE,
            ..Protocol::new(a, &right_hand_sides, options.rtol)
        };
        observe(0, 0, learned.name);
        let mut own = learned_entries(learned, &properties, &protocol, options)?;
        observe(0, 0, "direct solver");
        let direct = direct::measure(a, &protocol, options.direct_nonzeros)?;
        let (direct, direct_left_out) = match direct {
            Ok(entry) => (Some(entry), None),
            Err(reason) => (None, Some(reason)),
        };
        let mut scan = Scan { protocol, properties, options, clock: Instant::now(), found: Found::default() };
        scan.classical(learned.amg, observe)?;
        let Found { mut entries, left_out, not_tried, timed_out } = scan.found;
        sort(&mut entries);
        Ok(Self {
            rows,
            nonzeros: a.nnz(),
            rtol: options.rtol,
            right_hand_sides: options.right_hand_sides,
            threads: crate::parallel::threads(),
            training_seconds: learned.training_seconds,
            accepted: learned.accepted,
            learned: own.remove(0),
            learned_otherwise: own,
            classical: entries,
            direct,
            direct_left_out,
            left_out,
            cut_off_after: options.time_limit.filter(|_| timed_out).map(|l| l.as_secs_f64()),
            not_tried,
        })
    }
}

/// The learned cycle in both precisions and all methods that it allows, the fastest first.
fn learned_entries(
    learned: &Learned<'_>,
    properties: &MatrixProperties,
    protocol: &Protocol<'_>,
    options: &CostOptions,
) -> Result<Vec<Entry>> {
    let amg = learned.amg;
    let (single, seconds) = fastest_setup(protocol.repeats, SETUP_LIMIT, &|| amg.to_single_precision())?;
    let mut entries = learned_in(&single, learned, seconds, properties, protocol, options)?;
    entries.extend(learned_in(amg, learned, 0.0, properties, protocol, options)?);
    sort(&mut entries);
    Ok(entries)
}

fn learned_in(
    solver: &Solver,
    learned: &Learned<'_>,
    seconds: f64,
    properties: &MatrixProperties,
    protocol: &Protocol<'_>,
    options: &CostOptions,
) -> Result<Vec<Entry>> {
    let (amg, kind) = (learned.amg, learned.amg.hierarchy().kind);
    let cg = properties.is_symmetric() && solver.is_symmetric();
    let suits = |krylov: &Krylov| match krylov {
        Krylov::Cg => cg,
        Krylov::BiCgStab => kind.is_linear(),
        Krylov::Fgmres | Krylov::Richardson => true,
    };
    let precision = if solver.is_single_precision() { "f32" } else { "f64" };
    let mut entries = Vec::new();
    for krylov in Krylov::ALL.into_iter().filter(suits) {
        let measured = protocol.measure(&mut |a, b, show| {
            let own = SolveOptions::new().rtol(options.rtol).max_iterations(options.max_iterations);
            solver.solve_for(a, b, own.krylov(krylov).on_iteration(show))
        })?;
        let (setup, (pre, post)) = (amg.setup().name(), amg.sweeps());
        let name = format!("{}, {setup}, {kind}({pre},{post}), {precision}, {krylov}", learned.name);
        entries.push(Entry::new(name, learned.setup_seconds + seconds, measured, Some(solver.bytes())));
    }
    Ok(entries)
}

/// The results of a scan.
#[derive(Default)]
struct Found {
    entries: Vec<Entry>,
    left_out: Vec<String>,
    not_tried: Vec<String>,
    timed_out: bool,
}

struct Scan<'a> {
    protocol: Protocol<'a>,
    properties: MatrixProperties,
    options: &'a CostOptions,
    clock: Instant,
    found: Found,
}

impl Scan<'_> {
    fn classical(&mut self, amg: &Amg, observe: CostObserver<'_>) -> Result<()> {
        let (a, candidates) = (self.protocol.a, self.options.near_nullspace.as_ref());
        observe(0, 0, "automatic choice");
        let mut picked = None;
        match fastest_setup(self.protocol.repeats, SETUP_LIMIT, &|| Amg::auto_with(a, candidates)) {
            Ok((solver, seconds)) => {
                let name = format!("{}; automatic choice", solver.summary());
                self.solve(&solver, seconds, solver.krylov(), name);
                picked = solver.configuration();
            }
            Err(e) => self.found.left_out.push(format!("automatic choice: {e}")),
        }
        let list = competitors(&self.properties, candidates.is_some(), amg, picked.as_ref());
        let all = list.iter().map(|c| c.methods.len()).sum::<usize>();
        let mut done = 0;
        for competitor in &list {
            if self.remaining() <= 0.0 {
                self.found.timed_out = true;
                self.found.not_tried.extend(competitor.names());
                continue;
            }
            self.compete(competitor, &mut |method| {
                observe(done + method, all, &competitor.name(competitor.methods[method]))
            });
            done += competitor.methods.len();
        }
        Ok(())
    }

    fn compete(&mut self, competitor: &Competitor, show: &mut dyn FnMut(usize)) {
        let a = self.protocol.a;
        let candidates = self.options.near_nullspace.as_ref().filter(|_| competitor.takes_candidates());
        show(0);
        let build =
            || Builder::from(competitor.configuration.clone()).near_nullspace(candidates.cloned()).build(a);
        let (solver, seconds) = match fastest_setup(self.protocol.repeats, SETUP_LIMIT, &build) {
            Ok(built) => built,
            Err(e) => {
                self.found.left_out.extend(competitor.names().map(|name| format!("{name}: {e}")));
                return;
            }
        };
        if solver.levels() == 1 {
            let reason = "no coarser level, so that it is the direct solver";
            self.found.left_out.extend(competitor.names().map(|name| format!("{name}: {reason}")));
            return;
        }
        let linear = competitor.configuration.cycle.is_linear();
        for (method, &krylov) in competitor.methods.iter().enumerate() {
            let unsuited = match krylov {
                // The others with CG are known to be made for it.
                Krylov::Cg => competitor.own && !solver.is_symmetric(),
                Krylov::BiCgStab => !linear,
                _ => false,
            };
            if unsuited {
                continue;
            }
            let name = competitor.name(krylov);
            if self.remaining() <= 0.0 {
                self.found.timed_out = true;
                self.found.not_tried.push(name);
                continue;
            }
            show(method);
            self.solve(&solver, seconds, krylov, name);
        }
    }

    /// Seconds that are left.
    fn remaining(&self) -> f64 {
        let limit = self.options.time_limit.map_or(f64::INFINITY, |l| l.as_secs_f64());
        limit - self.clock.elapsed().as_secs_f64()
    }

    fn solve(&mut self, solver: &Solver, setup_seconds: f64, krylov: Krylov, name: String) {
        let converged = || self.found.entries.iter().filter(|e| e.converged);
        let least = |f: &dyn Fn(&Entry) -> f64| converged().map(f).fold(f64::INFINITY, f64::min);
        let hopeless = (HOPELESS * least(&|e| e.total_seconds(1.0))).max(PATIENCE);
        let left = self.remaining().max(PATIENCE);
        let short = left < hopeless;
        let protocol = Protocol {
            repeat_below: CLOSE * least(&|e| e.solve_seconds),
            give_up: hopeless.min(left),
            ..self.protocol
        };
        let (rtol, most) = (self.options.rtol, self.options.max_iterations);
        let measured = protocol.measure(&mut |a, b, show| {
            let options = SolveOptions::new().krylov(krylov).rtol(rtol).max_iterations(most);
            solver.solve_for(a, b, options.on_iteration(show))
        });
        match measured {
            Ok(mut m) => {
                if m.abandoned && short {
                    self.found.timed_out = true;
                    m.status += ", when the time was over";
                } else if m.abandoned {
                    m.status += ": too slow to be the best for any number of solves";
                }
                self.found.entries.push(Entry::new(name, setup_seconds, m, Some(solver.bytes())));
            }
            Err(e) => self.found.left_out.push(format!("{name}: {e}")),
        }
    }
}
