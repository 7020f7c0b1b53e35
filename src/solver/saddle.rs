//! The automatic choice for saddle-point matrices: which Schur complement, and whether sparse factors are cheaper.

use super::configuration::Configuration;
use super::ladder::{direct_budget, planar_direct_cost};
use super::properties::MatrixProperties;
use crate::backend::Cpu;
use crate::krylov::{DIRECT_LIMIT, Krylov, scattered};
use crate::multigrid::Relaxation;
use crate::setup::{
    Coarsening, SaddlePoint, SchurComplement, Variant, border, constraints, has_schur_complement,
};
use crate::sparse::Csr;

/// Rows below which sparse factors come first, in general and for planar graphs.
const FEWEST: (usize, usize) = (1500, 10_000);
/// Budget in iterations below which sparse factors of a small matrix come first: those of networks have little fill.
const CHEAP: f64 = 60.0;
/// Sweeps of Jacobi relaxation on a random vector, with their damping.
const SWEEPS: (usize, f64) = (15, 2.0 / 3.0);
/// Rayleigh quotient eᵀAe / eᵀDe after these sweeps above which A counts as close to its diagonal D: a mass matrix keeps .3 or more,
/// diffusion in two and three dimensions about .05.
const LIKE_MASS: f64 = 0.12;
/// Relative difference of C and ±Bᵀ up to which \[A B; C −E\] is a saddle-point matrix.
const ROUNDING: f64 = 1e-8;

/// Configurations for a saddle-point matrix.
pub(super) struct Saddle {
    /// That with the Schur complement which suits the matrix, then that with the other one.
    pub configurations: [Configuration; 2],
    /// Whether sparse factors are expected to take less time: those of a small graph with little fill, and those of a planar graph
    /// that is small, or from which unknowns that couple to constraints only are eliminated.
    pub direct_first: bool,
    /// Whether the method for symmetric matrices comes first: long rows may be those of a graph with hubs.
    pub symmetric_first: bool,
    /// The sentence for the user.
    pub reason: String,
}

impl Saddle {
    /// The configuration for \[A B; ±Bᵀ −E\] in any order of the rows, and for \[A B; C D\] with few and long rows C or columns B, or
    /// `None` for other and for small matrices. Cost: some twenty products with the matrix.
    pub fn of(a: &Csr<f64>, p: &MatrixProperties) -> Option<Self> {
        if a.rows() < FEWEST.0 {
            return None;
        }
        let may_have_border = p.has_hubs() || !p.symmetric_pattern;
        let border = if may_have_border { border(a).len() } else { 0 };
        if border == 0 && !(p.is_indefinite() && p.symmetric_pattern) {
            return None;
        }
        let constrained = constraints(a).ok()?;
        let count = constrained.iter().filter(|c| **c).count();
        // A constraint may be long, such as a mean value.
        let longest = (0..a.rows()).filter(|&i| !constrained[i]).map(|i| a.pattern().row(i).len()).max();
        let has_hubs = p.is_hub(longest.unwrap_or(0));
        let is_bordered = count == border;
        let suits = is_bordered || is_saddle_point(a, &constrained);
        if has_hubs || 2 * count > a.rows() || !suits || !has_schur_complement(a, &constrained) {
            return None;
        }
        let [schur, other] = match !is_bordered && smooth_quotient(a, &constrained) > LIKE_MASS {
            true => [SchurComplement::Product, SchurComplement::Diagonal],
            false => [SchurComplement::Diagonal, SchurComplement::Product],
        };
        let variant = if p.is_symmetric() { Variant::Symmetric } else { Variant::SymmetricPart };
        let which = match schur {
            SchurComplement::Product => "the Schur complement by the diagonal of the other block",
            SchurComplement::Diagonal => "a diagonal Schur complement",
        };
        let configuration = |schur| {
            let setup = SaddlePoint { schur, coarsening: Coarsening::from(variant) };
            let krylov = if is_bordered { Krylov::Fgmres } else { Krylov::BiCgStab };
            Configuration::new(setup, Relaxation::Ilu0(1.0), krylov)
        };
        let small = a.rows() < FEWEST.1;
        let lumped =
            || (0..a.rows()).all(|i| constrained[i] || a.row(i).all(|(j, _)| i == j || constrained[j]));
        Some(Self {
            configurations: [schur, other].map(configuration),
            direct_first: ((small || lumped()) && planar_direct_cost(a, true, DIRECT_LIMIT).is_some())
                || (small && !is_bordered && direct_budget(a, p.is_symmetric()) < CHEAP),
            symmetric_first: is_bordered && p.is_symmetric() && !p.is_indefinite(),
            reason: format!(
                "a {} with {count} {}: levels of a block triangular approximation with {which}",
                if is_bordered { "matrix" } else { "saddle-point matrix" },
                if is_bordered { "long rows or columns" } else { "constraints" },
            ),
        })
    }
}

/// Whether constraints couple to unknowns as these to them, up to one sign for all.
fn is_saddle_point(a: &Csr<f64>, constrained: &[bool]) -> bool {
    let (mut size, mut same, mut opposite) = (0.0, 0.0, 0.0);
    for (i, _) in constrained.iter().enumerate().filter(|(_, c)| **c) {
        for (k, v) in a.row(i).filter(|&(k, _)| !constrained[k]) {
            let other = a.get(k, i);
            size += v * v + other * other;
            same += (v - other) * (v - other);
            opposite += (v + other) * (v + other);
        }
    }
    size > 0.0 && f64::min(same, opposite) <= ROUNDING * ROUNDING * size
}

/// eᵀAe / eᵀDe of the block A of unknowns, for a random vector after sweeps of Jacobi relaxation on A e = 0.
fn smooth_quotient(a: &Csr<f64>, constrained: &[bool]) -> f64 {
    let own = a.filter(|i, j, _| !constrained[i] && !constrained[j]);
    let diagonal = own.diagonal();
    let mut e = scattered(a.rows(), 1);
    e.iter_mut().zip(constrained).filter(|(_, c)| **c).for_each(|(e, _)| *e = 0.0);
    let mut product = vec![0.0; e.len()];
    let multiply = |e: &[f64], product: &mut [f64]| {
        Cpu.spmv(1.0, (&own).into(), e, 0.0, product, 1);
    };
    for _ in 0..SWEEPS.0 {
        multiply(&e, &mut product);
        for ((e, r), d) in e.iter_mut().zip(&product).zip(&diagonal).filter(|(_, d)| **d != 0.0) {
            *e -= SWEEPS.1 * r / d;
        }
    }
    multiply(&e, &mut product);
    let energy: f64 = product.iter().zip(&e).map(|(r, e)| r * e).sum();
    energy / e.iter().zip(&diagonal).map(|(e, d)| e * e * d).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::*;
    use crate::gallery;
    use crate::krylov::{SolveOptions, Status};
    use crate::multigrid::Setup;
    use crate::solver::Solver;

    /// ‖x − y‖ / ‖y‖.
    fn distance(x: &[f64], y: &[f64]) -> f64 {
        let square = |v: f64| v * v;
        let difference: f64 = x.iter().zip(y).map(|(x, y)| square(x - y)).sum();
        (difference / y.iter().map(|y| square(*y)).sum::<f64>()).sqrt()
    }

    fn answer(solver: &Solver, b: &[f64]) -> Vec<f64> {
        let out = solver.solve(b).unwrap();
        assert!(out.converged() && out.attempts.is_empty(), "{solver}\n{:?}", out.attempts);
        out.x
    }

    fn schur(solver: &Solver) -> Option<SchurComplement> {
        match solver.setup() {
            Setup::SaddlePoint(s) => Some(s.schur),
            _ => None,
        }
    }

    #[test]
    fn stokes_and_mixed_diffusion_have_their_own_schur_complement_and_few_iterations() {
        let direct = |a: &Csr<f64>, b: &[f64]| {
            answer(&Solver::builder(Setup::Direct).krylov(Krylov::Fgmres).build(a).unwrap(), b)
        };
        let stokes = gallery::stokes_2d(64).unwrap();
        let solver = Solver::auto(&stokes.matrix).unwrap();
        assert_eq!(schur(&solver), Some(SchurComplement::Diagonal), "{solver}");
        // The first solve, and a correction for the slow flow in the corners.
        let tight = SolveOptions::new().rtol(1e-10);
        let out = solver.solve_with(&stokes.rhs, tight).unwrap();
        assert!(
            out.converged() && out.iterations <= 32 && out.attempts.is_empty(),
            "{} iterations",
            out.iterations
        );
        let velocities = 2 * 64 * 63;
        assert!(distance(&out.x[..velocities], &direct(&stokes.matrix, &stokes.rhs)[..velocities]) < 1e-6);
        let mixed = gallery::mixed_diffusion_2d(64).unwrap();
        let solver = Solver::auto(&mixed.matrix).unwrap();
        assert_eq!(schur(&solver), Some(SchurComplement::Product), "{solver}");
        let x = answer(&solver, &mixed.rhs);
        assert!(distance(&x, &direct(&mixed.matrix, &mixed.rhs)) < 1e-6);
    }

    /// A constant pressure changes the residual little where one pressure is given, so that its error is not seen there.
    #[test]
    fn a_pressure_that_one_value_determines_is_accurate() {
        let stokes = gallery::stokes_2d(64).unwrap().matrix;
        let (n, first) = (stokes.rows(), 2 * 64 * 63);
        let a = stokes.map(|i, j, v| if i == first || j == first { 0.0 } else { v });
        let one = Csr::from_triplets(n, n, &[(first, first, 1.0)]).unwrap();
        let a = a.add(1.0, &one, 1.0).unwrap();
        let solver = Solver::auto(&a).unwrap();
        assert_eq!(schur(&solver), Some(SchurComplement::Diagonal), "{solver}");
        let x: Vec<f64> = scattered(n, 5).iter().map(|v| v + 1.0).collect();
        let mut b = vec![0.0; n];
        a.spmv(&x, &mut b).unwrap();
        let out = solver.solve(&b).unwrap();
        assert!(out.converged(), "{out}");
        let worst = out.x.iter().zip(&x).fold(0.0f64, |m, (p, q)| m.max((p - q).abs()));
        assert!(worst < 1e-5, "{worst}");
    }

    #[test]
    fn the_numbering_and_signs_do_not_matter() {
        let stokes = gallery::stokes_2d(66).unwrap();
        let n = stokes.matrix.rows();
        let order: Vec<u32> = (0..n).map(|i| (i * 7919 % n) as u32).collect();
        let velocities = 2 * 66 * 65;
        let skew = stokes.matrix.map(|i, _, v| if i < velocities { v } else { -v });
        let variants = [stokes.matrix.permuted(&order), stokes.matrix.map(|_, _, v| -v), skew];
        for a in variants {
            let solver = Solver::auto(&a).unwrap();
            assert_eq!(schur(&solver), Some(SchurComplement::Diagonal), "{solver}");
            let x = scattered(n, 5);
            let mut b = vec![0.0; n];
            a.spmv(&x, &mut b).unwrap();
            answer(&solver, &b);
        }
    }

    #[test]
    fn refreshed_and_saved_solvers_solve_the_new_matrix() {
        let stokes = gallery::stokes_2d(64).unwrap();
        let velocities = 2 * 64 * 63;
        let mut solver = Solver::auto(&stokes.matrix).unwrap();
        let step = stokes.matrix.map(|i, j, v| if i == j && i < velocities { v + 0.3 } else { v });
        solver.refresh(&step).unwrap();
        let x = answer(&solver, &stokes.rhs);
        // A constant pressure is free.
        let fresh = answer(&Solver::auto(&step).unwrap(), &stokes.rhs);
        assert!(distance(&x[..velocities], &fresh[..velocities]) < 1e-6);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stokes.mgrad");
        solver.save(&path).unwrap();
        let loaded = Solver::load(&path, &step).unwrap();
        // The loaded one has no other configuration for a correction that takes long.
        assert!(distance(&answer(&loaded, &stokes.rhs)[..velocities], &x[..velocities]) < 1e-6);
    }

    #[test]
    fn a_pressure_that_cannot_be_is_explained_and_factors_leave_no_constant_pressure() {
        let stokes = gallery::stokes_2d(20).unwrap();
        let velocities = 2 * 20 * 19;
        let solver = Solver::auto(&stokes.matrix).unwrap();
        assert_eq!(*solver.setup(), Setup::Direct, "{solver}");
        let pressure: f64 = answer(&solver, &stokes.rhs)[velocities..].iter().sum();
        assert!(pressure.abs() < 1e-10, "{pressure}");
        let mut b = stokes.rhs.clone();
        b[velocities..].fill(0.01);
        let out = solver.solve(&b).unwrap();
        assert_ne!(out.status, Status::Converged);
        let advice = out.advice.unwrap();
        assert!(advice.contains("right-hand sides of the constraints sum to 4.000e0"), "{advice}");
    }

    #[test]
    fn a_mean_pressure_may_be_given_by_a_long_constraint() {
        let stokes = gallery::stokes_2d(64).unwrap().matrix;
        let (n, velocities) = (stokes.rows(), 2 * 64 * 63);
        let own = (0..n).flat_map(|i| stokes.row(i).map(move |(j, v)| (i, j, v)));
        let mean = (velocities..n).flat_map(|i| [(i, n, 1.0), (n, i, 1.0)]);
        let a = Csr::from_triplets(n + 1, n + 1, &own.chain(mean).collect::<Vec<_>>()).unwrap();
        let solver = Solver::auto(&a).unwrap();
        assert_eq!(schur(&solver), Some(SchurComplement::Diagonal), "{solver}");
        let x = scattered(n + 1, 5);
        let mut b = vec![0.0; n + 1];
        a.spmv(&x, &mut b).unwrap();
        let out = solver.solve_with(&b, SolveOptions::new().rtol(1e-11)).unwrap();
        assert!(out.converged() && out.attempts.is_empty());
        assert!(distance(&out.x, &x) < 1e-5, "{}", distance(&out.x, &x));
    }

    /// \[A B; C D\] with k rows C and columns B that are full, for a diffusion A with convection.
    fn bordered(n: usize, k: usize, d: f64) -> Csr<f64> {
        let a = gallery::poisson_2d(n, n).unwrap().matrix.map(|i, j, v| match j.cmp(&i) {
            Ordering::Less => 1.2 * v,
            Ordering::Equal => v,
            Ordering::Greater => 0.8 * v,
        });
        let m = a.rows();
        let (b, c) = (scattered(k * m, 1), scattered(k * m, 2));
        let own = (0..m).flat_map(|i| a.row(i).map(move |(j, v)| (i, j, v)));
        let border = (0..k * m).flat_map(|p| [(p % m, m + p / m, b[p]), (m + p / m, p % m, c[p])]);
        let entries: Vec<_> = own.chain(border).chain((0..k).map(|i| (m + i, m + i, d))).collect();
        Csr::from_triplets(m + k, m + k, &entries).unwrap()
    }

    #[test]
    fn long_rows_are_a_border() {
        for (k, d, most) in [(1, 0.0, 12), (3, 5.0, 20), (12, 0.0, 40)] {
            let a = bordered(80, k, d);
            let n = a.rows();
            let order: Vec<u32> = (0..n).map(|i| (i * 7919 % n) as u32).collect();
            for a in [a.permuted(&order), a] {
                let solver = Solver::auto(&a).unwrap();
                assert_eq!(schur(&solver), Some(SchurComplement::Diagonal), "{solver}");
                assert!(solver.reasons().iter().any(|r| r.contains(&format!("{k} long rows"))), "{solver}");
                let x = scattered(n, 5);
                let mut b = vec![0.0; n];
                a.spmv(&x, &mut b).unwrap();
                let out = solver.solve_with(&b, SolveOptions::new().rtol(1e-10)).unwrap();
                assert!(out.converged() && out.attempts.is_empty(), "{out}");
                assert!(out.iterations <= most, "{k} rows: {} iterations", out.iterations);
                assert!(distance(&out.x, &x) < 1e-6, "{}", distance(&out.x, &x));
            }
        }
    }

    #[test]
    fn long_columns_are_a_border_and_many_long_rows_are_none() {
        let a = gallery::poisson_2d(60, 60).unwrap().matrix;
        let n = a.rows();
        let own = |i: usize| a.row(i).map(move |(j, v)| (i, j, v));
        let with = |columns: usize, every: usize| {
            let long = (0..columns).flat_map(|j| (0..n).step_by(every).map(move |i| (i, 11 * j, 0.5)));
            let entries: Vec<_> =
                (0..n).flat_map(own).filter(|e| e.1 % 11 != 0 || e.1 / 11 >= columns).chain(long).collect();
            let mut sums = std::collections::BTreeMap::new();
            entries.iter().for_each(|&(i, j, v)| *sums.entry((i, j)).or_insert(0.0) += v);
            (0..columns).for_each(|j| *sums.entry((11 * j, 11 * j)).or_insert(0.0) += 4.0);
            let entries: Vec<_> = sums.into_iter().map(|((i, j), v)| (i, j, v)).collect();
            Csr::from_triplets(n, n, &entries).unwrap()
        };
        assert_eq!(border(&with(3, 1)), [0, 11, 22]);
        assert_eq!(schur(&Solver::auto(&with(3, 1)).unwrap()), Some(SchurComplement::Diagonal));
        // One in a hundred rows may be long.
        assert!(border(&with(40, 20)).is_empty());
    }

    #[test]
    fn zeros_on_a_diagonal_do_not_make_a_saddle_point_matrix() {
        let a = gallery::poisson_2d(110, 110).unwrap().matrix;
        let circuit = a.map(|i, j, v| match (i == j, i % 5) {
            (true, 0) => 0.0,
            (false, 0) => 2.0 * v,
            _ => v,
        });
        let p = MatrixProperties::of(&circuit);
        assert!(p.zero_diagonals > 0 && Saddle::of(&circuit, &p).is_none());
    }
}
