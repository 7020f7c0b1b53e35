//! Methods on one level for systems that need no hierarchy: iterations on parts of the matrix decide.

use super::builder::Builder;
use super::configuration::Configuration;
use super::properties::MatrixProperties;
use super::weakened::iterations;
use crate::krylov::Krylov;
use crate::multigrid::{Relaxation, Setup};
use crate::sparse::Csr;

/// Numbers of rows of the two parts. A matrix of at most 600 rows is its own larger part.
const PARTS: [usize; 2] = [150, 600];
/// Numbers of rows of the parts of a large matrix, which show more of its slow errors, and its least number of rows.
const LARGE_PARTS: ([usize; 2], usize) = ([600, 2400], 12_000);
/// Seed of the parts.
const SEED: u64 = 1;
/// Rayleigh quotient of constants below which a matrix is nearly singular: there an error in the constants hides in a
/// residual of 10⁻⁸, and only a hierarchy sees it.
pub(super) const NEARLY_SINGULAR: f64 = 1e-3;
/// The same below which a matrix is singular, and full factors do not exist.
const SINGULAR: f64 = 1e-11;

/// Costs in products with the matrix, measured on the matrices of `cargo bench --bench real`: the setup of ILU(0), and an
/// iteration with ILU(0).
const ILU_SETUP: f64 = 10.0;
const ILU_ITERATION: f64 = 2.0;
/// Operations on vectors in an iteration of CG, in products with a diagonal matrix.
pub(super) const VECTORS: f64 = 5.0;
/// Largest numbers of rows with the products that a method on one level may take. A hierarchy with its solve took 180 to
/// 430 on Poisson and elasticity problems of 6000 to 216 000 rows (`multigrad compare`); the rest is a reserve for
/// predictions that are too low.
const WORK: [(usize, f64); 3] = [(3000, 250.0), (8000, 200.0), (usize::MAX, 120.0)];
/// The same, relative to one unknown per node and an M-matrix, where hierarchies are slower: for several unknowns per node
/// without candidates, and for off-diagonal entries of which more than a tenth is positive (300 to 600 products on matrices
/// of Maxwell and contact problems).
const SEVERAL: f64 = 1.4;
const POSITIVE: (f64, f64) = (0.1, 2.0);
/// Largest number of rows for which positive entries count; beyond it weakened factors follow.
const POSITIVE_ROWS: usize = 8000;
/// Share of positive off-diagonal weight, with one unknown per node, above which a hierarchy is no alternative up to this
/// number of rows: on matrices of edge elements and contact problems it took more than twice the iterations of ILU(0).
const NO_HIERARCHY: (f64, usize) = (0.3, 8000);
/// Largest symmetric matrix whose own solve decides: its forecasts cost no more than iterations on parts.
const SMALL: usize = 3000;
/// Ratio of rows to their mean length below which full factors of a small symmetric matrix take no longer than ILU(0) with its
/// iterations, and the least mean length.
const FULL: (f64, f64) = (12.0, 20.0);
/// Share of positive off-diagonal weight of an M-matrix, up to rounding; the largest one that counts as small; and the number
/// of iterations on one level up to which it needs no hierarchy, which takes less than two milliseconds more there, and 8 to
/// 12 iterations where ILU(0) takes up to 60 (`cargo bench --bench real`).
const M_MATRIX: f64 = 1e-3;
const SMALL_M_MATRIX: usize = 4000;
const FEW: f64 = 12.0;
/// Predicted iterations of a matrix below the size of `LARGE_PARTS` times this factor are expected: from small parts they
/// are predicted up to twice too high, and a solve that takes longer is left.
const CONFIDENCE: f64 = 0.75;
/// Largest number of iterations of CG with the diagonal on a nearly singular graph with hubs, whose few small eigenvalues cost
/// little; a cycle costs some fifteen products there.
const HUBS: usize = 100;
/// Mean length of rows of a small nonsymmetric matrix from which full factors take a hundred products or more, and iterations
/// that are tried before.
const DENSE: (f64, usize) = (40.0, 20);

/// A method on one level.
pub(super) struct OneLevel {
    pub configuration: Configuration,
    /// Expected iterations per eight digits.
    pub expected: f64,
    /// Those beyond which the method is left; `None` where only a direct solver is an alternative.
    pub patience: Option<usize>,
    /// Whether a direct solver follows at once: where ILU(0) does not suit a small matrix, full factors took a third to
    /// the same time as a hierarchy (`cargo bench --bench real`).
    pub then_direct: bool,
    /// The sentence for the user.
    pub reason: String,
}

impl OneLevel {
    /// CG with ILU(0) for a small symmetric matrix, unless it is an M-matrix. For other symmetric ones, CG with a diagonal or
    /// ILU(0), if that takes less work than a hierarchy by the number of iterations on a small part of the matrix, which is
    /// extrapolated from two sizes. Full factors for a small one that is nearly singular or has long rows. Cost: at most some
    /// 250 products with the larger part.
    pub fn of(a: &Csr<f64>, p: &MatrixProperties) -> Option<Self> {
        let small = a.rows() <= SMALL;
        let has_hubs = p.has_hubs();
        if !small && !has_hubs {
            return Self::suited(a, p).filter(|_| constants(a) > NEARLY_SINGULAR);
        }
        let constants = constants(a);
        if has_hubs && (SINGULAR..=NEARLY_SINGULAR).contains(&constants) {
            return Some(Self::tried(Krylov::Cg, HUBS, "a graph with hubs and a small shift"));
        }
        if !small {
            return if constants > NEARLY_SINGULAR { Self::suited(a, p) } else { None };
        }
        let full_factors = |reason: &str| Self {
            configuration: Configuration::direct(),
            expected: 1.0,
            patience: None,
            then_direct: false,
            reason: reason.into(),
        };
        if constants > NEARLY_SINGULAR && p.mean_row() > FULL.1 && FULL.0 * p.mean_row() > p.rows as f64 {
            return Some(full_factors("a small system with long rows: full factors"));
        }
        if constants > NEARLY_SINGULAR {
            return Self::suited(a, p);
        }
        (constants > SINGULAR).then(|| full_factors("a small and nearly singular system: full factors"))
    }

    /// The choice for a matrix that is not nearly singular.
    fn suited(a: &Csr<f64>, p: &MatrixProperties) -> Option<Self> {
        let most = Costs::of(p).iterations(affordable(p));
        let factors = |patience, reason: &str| Self {
            configuration: on_one_level(Relaxation::Ilu0(1.0), Krylov::Cg),
            expected: most,
            patience,
            then_direct: true,
            reason: reason.into(),
        };
        if p.lacks_hierarchy() {
            return Some(factors(
                None,
                "many positive off-diagonal entries, which aggregation does not suit: ILU(0) on one level, or full factors",
            ));
        }
        let m_matrix = p.block_size == 1 && p.wrong_sign < M_MATRIX;
        if m_matrix && a.rows() <= SMALL_M_MATRIX {
            return Self::within(a, p, ILU_SETUP + FEW * Costs::of(p).with_factors);
        }
        if a.rows() > SMALL {
            return Self::by_parts(a, p);
        }
        Some(factors(
            Some(most as usize),
            "a small system: ILU(0) on one level, as long as its forecasts are good",
        ))
    }

    /// The diagonal for a small nonsymmetric matrix whose rows are so long that full factors cost far more than a few products.
    pub fn before_full_factors(p: &MatrixProperties) -> Option<Self> {
        let dense = !p.is_symmetric() && p.mean_row() > DENSE.0 && p.zero_diagonals == 0;
        dense.then(|| Self::tried(Krylov::BiCgStab, DENSE.1, "long rows"))
    }

    /// Whether the number of iterations with the diagonal depends on the right-hand side, so that only a solve shows it: for the curl-curl
    /// matrices of edge elements, which have no long rows, it is small for smooth ones.
    pub fn depends_on_rhs(&self, p: &MatrixProperties) -> bool {
        self.configuration.setup == Setup::OneLevel
            && p.is_symmetric()
            && p.lacks_hierarchy()
            && !p.has_hubs()
    }

    /// The diagonal, left as soon as a forecast exceeds this number of iterations.
    fn tried(krylov: Krylov, most: usize, what: &str) -> Self {
        Self {
            configuration: diagonal(krylov),
            expected: most as f64,
            patience: Some(most),
            then_direct: false,
            reason: format!(
                "{what}: the diagonal on one level, as long as at most {most} iterations are expected"
            ),
        }
    }

    /// The choice for a symmetric matrix by iterations on parts.
    pub fn by_parts(a: &Csr<f64>, p: &MatrixProperties) -> Option<Self> {
        Self::within(a, p, affordable(p))
    }

    /// The same, for at most this number of products.
    fn within(a: &Csr<f64>, p: &MatrixProperties, affordable: f64) -> Option<Self> {
        let parts = parts_of(a);
        let with = |configuration, iterations, what| Self {
            then_direct: a.rows() <= SMALL,
            ..Self::with(configuration, iterations, (what, "a hierarchy"))
        };
        let costs = Costs::of(p);
        let factors = on_one_level(Relaxation::Ilu0(1.0), Krylov::Cg);
        let confidence = if a.rows() < LARGE_PARTS.1 { CONFIDENCE } else { 1.0 };
        let expected = |configuration: &Configuration, most: f64| {
            extrapolated(&parts, a.rows(), configuration, most / confidence).map(|k| confidence * k)
        };
        let by_factors = expected(&factors, costs.iterations(affordable));
        let work = by_factors.map_or(affordable, |k| ILU_SETUP + k * costs.with_factors);
        let diagonal = diagonal(Krylov::Cg);
        if let Some(k) = expected(&diagonal, work / costs.with_diagonal) {
            return Some(with(diagonal, (k, affordable / costs.with_diagonal), "the diagonal"));
        }
        by_factors.map(|k| with(factors, (k, costs.iterations(affordable)), "ILU(0)"))
    }

    /// From the expected number of iterations and the largest that still pays.
    pub fn with(
        configuration: Configuration,
        (expected, most): (f64, f64),
        (what, than): (&str, &str),
    ) -> Self {
        Self {
            configuration,
            expected,
            patience: Some(most.max(1.25 * expected) as usize + 5),
            then_direct: false,
            reason: format!(
                "{what} on one level: about {expected:.0} iterations by small parts of the matrix, less work than {than}"
            ),
        }
    }
}

/// The two parts of a matrix on which iterations are counted.
pub(super) fn parts_of(a: &Csr<f64>) -> Vec<Csr<f64>> {
    let sizes = if a.rows() < LARGE_PARTS.1 { PARTS } else { LARGE_PARTS.0 };
    sizes.iter().filter_map(|&rows| a.patches(1, rows.min(a.rows()), SEED).pop()).collect()
}

fn on_one_level(relaxation: Relaxation, krylov: Krylov) -> Configuration {
    Configuration::new(Setup::OneLevel, relaxation, krylov)
}

/// The diagonal on one level.
pub(super) fn diagonal(krylov: Krylov) -> Configuration {
    on_one_level(Relaxation::Jacobi(Some(1.0)), krylov)
}

/// The products that a method on one level may take.
fn affordable(p: &MatrixProperties) -> f64 {
    let work = WORK.iter().find(|w| p.rows <= w.0).map_or(0.0, |w| w.1);
    let several = if p.block_size > 1 { SEVERAL } else { 1.0 };
    let positive = if p.wrong_sign > POSITIVE.0 && p.rows <= POSITIVE_ROWS { POSITIVE.1 } else { 1.0 };
    work * f64::max(several, positive)
}

impl MatrixProperties {
    /// Whether aggregation does not suit the signs.
    fn lacks_hierarchy(&self) -> bool {
        self.block_size == 1 && self.wrong_sign > NO_HIERARCHY.0 && self.rows <= NO_HIERARCHY.1
    }
}

/// Products of an iteration of CG.
struct Costs {
    with_diagonal: f64,
    with_factors: f64,
}

impl Costs {
    fn of(p: &MatrixProperties) -> Self {
        let vectors = VECTORS / p.mean_row();
        Self { with_diagonal: 1.0 + vectors, with_factors: ILU_ITERATION + vectors }
    }

    /// The iterations with ILU(0) that fit.
    fn iterations(&self, work: f64) -> f64 {
        (work - ILU_SETUP) / self.with_factors
    }
}

/// |cᵀ A c| relative to the sum of the absolute values of the entries, for the constant c on a connected part of more than
/// one row, the least over the parts.
pub(super) fn constants(a: &Csr<f64>) -> f64 {
    let (numbers, count) = a.pattern().component_numbers();
    // Sums of entries and of their absolute values, and rows.
    let mut sums = vec![(0.0f64, 0.0f64, 0usize); count];
    for (i, &number) in numbers.iter().enumerate() {
        let own = a.row(i).fold((0.0, 0.0), |(sum, size), (_, v)| (sum + v, size + v.abs()));
        let all = &mut sums[number as usize];
        *all = (all.0 + own.0, all.1 + own.1, all.2 + 1);
    }
    let parts = sums.iter().filter(|s| s.2 > 1);
    parts.map(|(sum, size, _)| sum.abs() / size).fold(f64::INFINITY, f64::min)
}

/// Iterations on a matrix of `rows` rows by those on its parts, which grow with a power of the number of rows.
/// `None` above `most`.
pub(super) fn extrapolated(
    parts: &[Csr<f64>],
    rows: usize,
    configuration: &Configuration,
    most: f64,
) -> Option<f64> {
    let [small, large] = parts else { return None };
    let after = iterations_on(large, configuration, most)?;
    if large.rows() == rows {
        return Some(after);
    }
    let before = iterations_on(small, configuration, most)?;
    let ratio = |large: usize, small: usize| (large as f64 / small as f64).ln();
    let power = (after / before.max(1.0)).ln().max(0.0) / ratio(large.rows(), small.rows());
    Some(after * (power * ratio(rows, large.rows())).exp()).filter(|k| *k <= most)
}

/// Iterations on a matrix; `None` above `most`.
fn iterations_on(a: &Csr<f64>, configuration: &Configuration, most: f64) -> Option<f64> {
    let symmetric = configuration.krylov == Krylov::Cg;
    let solver = Builder::from(configuration.clone()).known_symmetry(symmetric).build(a).ok()?;
    let suits = most >= 1.0 && solver.krylov() == configuration.krylov;
    suits.then(|| iterations(&solver, most.ceil() as usize)).flatten()
}

#[cfg(test)]
#[path = "one_level_tests.rs"]
mod tests;
