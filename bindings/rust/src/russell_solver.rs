//! A linear solver for the codes of `russell`: `russell_sparse`, `russell_pde`, `russell_ode`.

use std::time::Instant;

use multigrad::{Csr, SolveOptions};
use russell_lab::Vector;
use russell_sparse::{
    CooMatrix, LinSolParams, LinSolTrait, LinSolver, StatsLinSol, StatsLinSolIterative, StrError, Sym,
};

use crate::sequence::Sequence;

/// The automatic multigrid solver as a solver of `russell_sparse`.
///
/// The first call of `preprocess` builds the solver. Every later one adds the values of the triplets into the same
/// pattern and refreshes the solver without symbolic work, or builds it anew where it has become slow ([`Sequence`]).
/// The tolerances and the number of iterations are those of `LinSolParams::iterative`. Symmetric matrices may have one
/// triangle or both.
///
/// The errors of the trait are static texts, so the text of an error stays in memory.
#[derive(Debug, Default)]
pub struct Multigrid {
    system: Option<System>,
    options: Option<(f64, f64, usize)>,
    nanoseconds: [u128; 2],
    iterations: usize,
    residual: f64,
}

#[derive(Debug)]
struct System {
    sequence: Sequence,
    a: Csr<f64>,
    /// For every triplet, its positions in the matrix: one, or two for an entry of one triangle.
    positions: Vec<(usize, Option<usize>)>,
}

impl Multigrid {
    /// This solver in the type that the codes of `russell` use.
    pub fn linear_solver() -> LinSolver<'static> {
        LinSolver { actual: Box::new(Self::default()) }
    }

    fn set_up(&mut self, coo: &CooMatrix) -> multigrad::Result<()> {
        if let Some(System { sequence, a, positions }) = &mut self.system {
            *a = with_values(a, positions, coo)?;
            return sequence.update(a);
        }
        let a = pattern(coo)?;
        let positions = positions(&a, coo);
        let a = with_values(&a, &positions, coo)?;
        self.system = Some(System { sequence: Sequence::new(&a)?, a, positions });
        Ok(())
    }
}

/// Row and column of every triplet, and whether it stands for its mirror image as well.
fn places(coo: &CooMatrix) -> impl Iterator<Item = (usize, usize, bool)> + '_ {
    let (_, _, nnz, symmetry) = coo.get_info();
    let triangle = matches!(symmetry, Sym::YesLower | Sym::YesUpper);
    let pairs = coo.get_row_indices().iter().zip(coo.get_col_indices()).take(nnz);
    pairs.map(move |(&i, &j)| (i as usize, j as usize, triangle && i != j))
}

/// A matrix of ones in the places of the triplets.
fn pattern(coo: &CooMatrix) -> multigrad::Result<Csr<f64>> {
    let (rows, columns, ..) = coo.get_info();
    let mut triplets = Vec::new();
    for (i, j, mirrored) in places(coo) {
        triplets.push((i, j, 1.0));
        triplets.extend(mirrored.then_some((j, i, 1.0)));
    }
    Csr::from_triplets(rows, columns, &triplets)
}

fn positions(a: &Csr<f64>, coo: &CooMatrix) -> Vec<(usize, Option<usize>)> {
    let find = |i, j| a.pattern().find(i, j);
    let both =
        |(i, j, mirrored): (usize, usize, bool)| Some((find(i, j)?, mirrored.then(|| find(j, i)).flatten()));
    places(coo).filter_map(both).collect()
}

/// The same pattern with the sums of the triplets.
fn with_values(
    a: &Csr<f64>,
    positions: &[(usize, Option<usize>)],
    coo: &CooMatrix,
) -> multigrad::Result<Csr<f64>> {
    let mut values = vec![0.0; a.nnz()];
    for (&(p, mirror), v) in positions.iter().zip(coo.get_values()) {
        values[p] += v;
        if let Some(q) = mirror {
            values[q] += v;
        }
    }
    a.with_values(values)
}

fn text(error: impl ToString) -> StrError {
    Box::leak(error.to_string().into_boxed_str())
}

impl LinSolTrait for Multigrid {
    fn preprocess(&mut self, mat: &CooMatrix, params: Option<LinSolParams>) -> Result<(), StrError> {
        let clock = Instant::now();
        let iterative = params.unwrap_or_else(LinSolParams::new).iterative;
        self.options = Some((iterative.tolerance, iterative.absolute_tolerance, iterative.max_iterations));
        self.set_up(mat).map_err(text)?;
        self.nanoseconds[0] = clock.elapsed().as_nanos();
        Ok(())
    }

    fn solve(&mut self, x: &mut Vector, rhs: &Vector, verbose: bool) -> Result<(), StrError> {
        let clock = Instant::now();
        let (Some(system), Some((rtol, atol, iterations))) = (&self.system, self.options) else {
            return Err("the function preprocess must be called before solve");
        };
        let options = SolveOptions::new().rtol(rtol).atol(atol).max_iterations(iterations);
        let out = system.sequence.solve(rhs.as_data(), options).map_err(text)?;
        if verbose {
            println!("{out}");
        }
        if !out.converged() {
            return Err(text(out));
        }
        x.set_vector(&out.x);
        (self.iterations, self.residual) = (out.iterations, out.relative_residual());
        self.nanoseconds[1] = clock.elapsed().as_nanos();
        Ok(())
    }

    fn update_stats(&self, stats: &mut StatsLinSol) {
        stats.main.solver = "multigrad".into();
        let (tolerance, _, max_iterations) = self.options.unwrap_or_default();
        stats.iterative = self.system.as_ref().map(|system| StatsLinSolIterative {
            method: system.sequence.solver().krylov().to_string(),
            preconditioner: "AMG".into(),
            tolerance,
            max_iterations,
            restart: 0,
            num_threads: rayon::current_num_threads(),
            amg_coarsening: system.sequence.solver().setup().to_string(),
            amg_smoother: system.sequence.solver().smoother(),
            amg_levels: system.sequence.solver().levels(),
            iterations_array: vec![self.iterations],
            relative_residual_array: vec![self.residual],
        });
    }

    fn get_ns_init(&self) -> u128 {
        0
    }

    fn get_ns_preprocess(&self) -> u128 {
        self.nanoseconds[0]
    }

    fn get_ns_solve(&self) -> u128 {
        self.nanoseconds[1]
    }
}
