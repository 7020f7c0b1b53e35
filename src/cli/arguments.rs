//! The command line.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};

use super::device::DeviceOption;
use super::setup_options::HierarchyOptions;
use super::subdomains::{LearnedSubdomains, SubdomainOptions};
use super::values::{SmootherChoice, count, finite, positive, positive_count, seconds, smoother, whole};
use crate::gallery::FlowScheme;
use crate::learn::{Loss, Start, Target};
use crate::solver::Krylov;

/// Algebraic multigrid with learned relaxation.
///
/// Exit codes: 0 converged or done, 1 failure, 2 misuse, 3 not converged.
#[derive(Debug, Parser)]
#[command(name = "multigrad", version, arg_required_else_help = true)]
pub struct Arguments {
    /// Threads; all cores without it (results do not depend on it)
    #[arg(long, global = true, display_order = 900, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub threads: Option<u16>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a model problem to Matrix Market files
    Generate(Generate),
    /// Show the properties of a matrix and its table of levels
    Info(Info),
    /// Train the relaxation of a hierarchy and save the compiled solver
    Train(Train),
    /// Solve A x = b
    Solve(Solve),
    /// Try every sensible configuration on a matrix and show them, the fastest first
    Compare(Compare),
    /// Draw the residual histories of `solve --json` files, or the curve of a `train --json` file
    Plot(Plot),
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Problem {
    /// −εΔu + w·∇u = 0, w = (2y(1−x²), −2x(1−y²)) on [−1,1]²
    RecirculatingFlow,
    /// 5-point Laplacian
    #[value(name = "poisson2d")]
    Poisson2d,
    /// 7-point Laplacian
    #[value(name = "poisson3d")]
    Poisson3d,
    /// −∇·(QᵀDQ∇u), D = diag(1, ε), bilinear elements
    RotatedAnisotropic,
    /// 7-point diffusion with coefficients 1, 10⁻², 10⁻⁴ along the axes
    #[value(name = "anisotropic3d")]
    Anisotropic3d,
    /// Recirculating flow in a cube, upwind, ε = 0.005
    #[value(name = "recirculating-flow3d")]
    RecirculatingFlow3d,
    /// −∇·(D∇u) in a cube, diffusion 1 along one rotated direction and 10⁻³ across
    #[value(name = "rotated-anisotropic3d")]
    RotatedAnisotropic3d,
    /// −Δu − k²u, indefinite
    #[value(name = "helmholtz2d")]
    Helmholtz2d,
    /// Diffusion that jumps by 10⁶ between blocks
    #[value(name = "jumps2d")]
    Jumps2d,
    /// The same in three dimensions
    #[value(name = "jumps3d")]
    Jumps3d,
    /// Finite volumes on a grid stretched 1000:1
    #[value(name = "stretched2d")]
    Stretched2d,
    /// Pure Neumann conditions, singular
    #[value(name = "neumann2d")]
    Neumann2d,
    /// Linear elasticity in the plane, with rigid-body modes
    #[value(name = "elasticity2d")]
    Elasticity2d,
    /// Linear elasticity in space, with rigid-body modes
    #[value(name = "elasticity3d")]
    Elasticity3d,
    /// Linear elements on an unstructured mesh of tetrahedra
    #[value(name = "unstructured3d")]
    Unstructured3d,
    /// Linear elements on an unstructured mesh of triangles in a random domain
    RandomDiffusion,
    /// Linear elements on the mesh of triangles in a Gmsh file, see --mesh
    MeshDiffusion,
    /// Laplacian of a graph with power-law degrees, singular
    PowerLaw,
    /// The same with one vertex grounded
    PowerLawGrounded,
}

impl Problem {
    /// Its name on the command line and in the gallery.
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |v| v.get_name().to_string())
    }
}

#[derive(Debug, Args)]
pub struct Generate {
    pub problem: Problem,
    /// Unknowns, cells or elements per direction; vertices of a graph or of a mesh of triangles
    #[arg(long, default_value = "64", allow_negative_numbers = true, value_parser = positive_count)]
    pub n: usize,
    /// The mesh of mesh-diffusion, a Gmsh file
    #[arg(long, value_name = "FILE.msh", conflicts_with = "n")]
    pub mesh: Option<PathBuf>,
    /// Discretisation of the flow: upwind, supg or galerkin [default: upwind]
    #[arg(long)]
    pub scheme: Option<FlowScheme>,
    /// Diffusion of the flow [default: 0.005], or anisotropy [default: 0.001]
    #[arg(long, allow_negative_numbers = true, value_parser = positive)]
    pub epsilon: Option<f64>,
    /// Angle of the anisotropy in radians [default: π/6]
    #[arg(long, allow_negative_numbers = true, value_parser = finite)]
    pub theta: Option<f64>,
    /// Seed of problems with something random in them
    #[arg(long, default_value_t = 1, allow_negative_numbers = true)]
    pub seed: u64,
    /// Where the matrix goes
    #[arg(short, long, value_name = "A.mtx")]
    pub output: PathBuf,
    /// Where the rigid-body modes of elasticity go
    #[arg(long, value_name = "MODES.mtx")]
    pub near_nullspace: Option<PathBuf>,
    /// Where the right-hand side goes
    #[arg(long, value_name = "B.mtx")]
    pub rhs: Option<PathBuf>,
    /// Where the coordinates of the unknowns go, one row each
    #[arg(long, value_name = "XY.mtx")]
    pub coordinates: Option<PathBuf>,
    /// Facts about the problem as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Info {
    /// Matrix Market file
    pub matrix: PathBuf,
    #[command(flatten)]
    pub hierarchy: HierarchyOptions,
    /// The same as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Train {
    /// Matrix Market file
    pub matrix: PathBuf,
    /// Where the trained solver goes
    #[arg(short, long, value_name = "SOLVER.mgrad")]
    pub output: PathBuf,
    #[command(flatten)]
    pub hierarchy: HierarchyOptions,
    /// What is learned on every level, separated by commas: one smoother, relaxation (a sparse M on
    /// the pattern of A), wide-relaxation (on that of A²), ilu (L and U of an incomplete
    /// factorisation), iterative-ilu (the same, applied by Jacobi sweeps), schwarz (interface
    /// conditions of overlapping subdomains on the finest level, M below; with --hierarchy none
    /// a Schwarz method by itself), chebyshev (the coefficients of a polynomial) or damping (a
    /// weight per sweep); beside it or alone interpolation (the values of P) and restriction (those of R)
    #[arg(long, value_name = "LIST", default_value = "relaxation")]
    pub learn: Target,
    #[command(flatten)]
    pub schwarz: LearnedSubdomains,
    /// Keep the cycle symmetric, for CG: post-sweeps are the transposes of the pre-sweeps, R = Pᵀ
    #[arg(long)]
    pub symmetric: bool,
    /// What is minimised: rate (for plain cycles), krylov (for FGMRES, BiCGStab and CG), slowest
    /// (the rates of all cycles, weighted to the slowest) or time
    /// (seconds per digit: M and the factors are both tried).
    #[arg(long, default_value = "rate")]
    pub loss: Loss,
    /// Where training starts: classical, or the network of this program, which needs fewer steps.
    #[arg(long, default_value = "classical", value_parser = parse_start)]
    pub start: Start,
    /// Steps of the optimiser; chosen from the matrix without it. 0 hands out what the network of
    /// --start network makes
    #[arg(long, allow_negative_numbers = true, value_parser = whole)]
    pub steps: Option<usize>,
    /// Rate of the first step; chosen without it
    #[arg(long, allow_negative_numbers = true, value_parser = positive)]
    pub rate: Option<f64>,
    /// Cycles in the loss; chosen without it
    #[arg(long, value_name = "CYCLES", allow_negative_numbers = true, value_parser = |t: &str| count(t, 200))]
    pub cycles_in_loss: Option<usize>,
    /// Columns of the batch; chosen without it
    #[arg(long, value_name = "COLUMNS", allow_negative_numbers = true, value_parser = |t: &str| count(t, 1024))]
    pub batch: Option<usize>,
    /// Seed of all random vectors: the same seed, the same file
    #[arg(long, default_value_t = 1, allow_negative_numbers = true)]
    pub seed: u64,
    /// Seconds after which training stops with the best it has
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, value_parser = seconds)]
    pub time_limit: Option<f64>,
    /// Where training steps run; setup and measurements stay on the processor
    #[arg(long, value_enum, default_value_t)]
    pub device: DeviceOption,
    /// Save the solver in single precision
    #[arg(long)]
    pub single: bool,
    /// Do not measure the classical smoothers beside it
    #[arg(long)]
    pub no_baselines: bool,
    /// Measure setup, solves and training against every classical solver and the direct one, and say
    /// after how many solves training has paid back
    #[arg(long)]
    pub account: bool,
    /// Seconds after which no further classical solver is begun; a minute without it, or as long as
    /// training took
    #[arg(long, value_name = "SECONDS", requires = "account", allow_negative_numbers = true, value_parser = seconds)]
    pub account_limit: Option<f64>,
    /// Training curve, .svg or .png
    #[arg(long, value_name = "PICTURE")]
    pub plot: Option<PathBuf>,
    /// Report as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KrylovOption {
    /// What suits: CG where matrix and cycle are symmetric, BiCGStab or FGMRES elsewhere
    Auto,
    /// Plain cycles
    None,
    /// Conjugate gradients, for symmetric positive definite matrices
    Cg,
    /// BiCGStab: short recurrences for any matrix, two cycles per iteration
    Bicgstab,
    /// Flexible GMRES for any matrix
    Fgmres,
}

impl KrylovOption {
    /// The method, if one was named.
    pub fn method(self) -> Option<Krylov> {
        match self {
            KrylovOption::Auto => None,
            KrylovOption::None => Some(Krylov::Cycles),
            KrylovOption::Cg => Some(Krylov::Cg),
            KrylovOption::Bicgstab => Some(Krylov::BiCgStab),
            KrylovOption::Fgmres => Some(Krylov::Fgmres),
        }
    }
}

#[derive(Debug, Args)]
#[command(group(
    ArgGroup::new("pictures_of_points").args(["plot_solution", "plot_parts"]).multiple(true)
))]
pub struct Solve {
    /// Matrix Market file
    pub matrix: PathBuf,
    /// Right-hand side (Matrix Market array or coordinate); ones without it
    #[arg(long, value_name = "B.mtx")]
    pub rhs: Option<PathBuf>,
    #[command(flatten)]
    pub hierarchy: HierarchyOptions,
    /// The smoother of every level, with parameters where there are some: jacobi(0.8),
    /// l1-jacobi, gauss-seidel, hybrid-gauss-seidel, multicolour-gauss-seidel, chebyshev(4),
    /// spai0, spai1, ilu0, ilu(2), ilut(0.01,10), block-jacobi(3), schwarz and others; an unknown name
    /// lists them all. learned-network lets a network of this program make L and U, M as
    /// learned-network(relaxation), or interface conditions as learned-network(schwarz), and checks them [default: what suits the hierarchy]
    #[arg(long, value_name = "NAME", value_parser = smoother)]
    pub smoother: Option<SmootherChoice>,
    #[command(flatten)]
    pub subdomains: SubdomainOptions,
    /// A solver saved by `train`, instead of building a hierarchy
    #[arg(long, value_name = "SOLVER.mgrad", conflicts_with_all = [
        "smoother", "parts", "rows_per_part", "overlap", "variant", "hierarchy", "near_nullspace", "theta", "max_coarse", "block_size", "cycle",
        "splitting", "interpolation", "restriction", "max_per_row", "aggressive_levels", "aggregates", "smoothing",
    ])]
    pub preconditioner: Option<PathBuf>,
    /// Use the saved solver although it was made for another matrix of the same size
    #[arg(long, requires = "preconditioner")]
    pub allow_other_matrix: bool,
    /// Hold the hierarchy in single precision [default: for hierarchy auto]
    #[arg(long, conflicts_with = "preconditioner")]
    pub single: bool,
    /// Hold the hierarchy in double precision [default: for hierarchies by name]
    #[arg(long, conflicts_with_all = ["preconditioner", "single"])]
    pub double: bool,
    /// Where the iteration runs; setup stays on the processor
    #[arg(long, value_enum, default_value_t)]
    pub device: DeviceOption,
    /// The iteration around the cycle
    #[arg(long, value_enum, default_value_t = KrylovOption::Auto)]
    pub krylov: KrylovOption,
    /// Iterations of FGMRES between restarts
    #[arg(long, value_name = "ITERATIONS", default_value = "30", allow_negative_numbers = true, value_parser = positive_count)]
    pub restart: usize,
    /// Relative residual ‖b − Ax‖₂/‖b‖₂ to reach
    #[arg(long, default_value = "1e-8", allow_negative_numbers = true, value_parser = positive)]
    pub rtol: f64,
    /// Iterations allowed
    #[arg(long, value_name = "ITERATIONS", default_value = "500", allow_negative_numbers = true, value_parser = whole)]
    pub max_iterations: usize,
    /// Where the solution goes (Matrix Market array)
    #[arg(short, long, value_name = "X.mtx")]
    pub output: Option<PathBuf>,
    /// Residual history, .svg or .png
    #[arg(long, value_name = "PICTURE")]
    pub plot: Option<PathBuf>,
    /// Coordinates of the unknowns, one row each, for --plot-solution and --plot-parts
    #[arg(long, value_name = "XY.mtx", requires = "pictures_of_points")]
    pub coordinates: Option<PathBuf>,
    /// The solution over its coordinates, .svg or .png
    #[arg(long, value_name = "PICTURE", requires = "coordinates")]
    pub plot_solution: Option<PathBuf>,
    /// The subdomains of a Schwarz smoother on the finest level, .svg or .png
    #[arg(long, value_name = "PICTURE", requires = "coordinates")]
    pub plot_parts: Option<PathBuf>,
    /// Name of this run in pictures; smoother and method without it
    #[arg(long)]
    pub label: Option<String>,
    /// Result as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Compare {
    /// Matrix Market file
    pub matrix: PathBuf,
    /// Right-hand side (Matrix Market array or coordinate); ones without it
    #[arg(long, value_name = "B.mtx")]
    pub rhs: Option<PathBuf>,
    /// Near-nullspace candidates, one column each (Matrix Market array)
    #[arg(long, value_name = "MODES.mtx")]
    pub near_nullspace: Option<PathBuf>,
    /// Relative residual ‖b − Ax‖₂/‖b‖₂ to reach
    #[arg(long, default_value = "1e-8", allow_negative_numbers = true, value_parser = positive)]
    pub rtol: f64,
    /// Iterations allowed
    #[arg(long, value_name = "ITERATIONS", default_value = "200", allow_negative_numbers = true, value_parser = positive_count)]
    pub max_iterations: usize,
    /// Runs of every configuration; the fastest counts
    #[arg(long, value_name = "RUNS", default_value = "3", allow_negative_numbers = true, value_parser = |t: &str| count(t, 100))]
    pub repeat: usize,
    /// The table as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// The table as CSV
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Plot {
    /// JSON files of `solve`, or one of `train`
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Picture, .svg or .png
    #[arg(short, long, value_name = "PICTURE")]
    pub output: PathBuf,
    /// Title of the picture
    #[arg(long)]
    pub title: Option<String>,
}

fn parse_start(text: &str) -> Result<Start, String> {
    match text {
        "classical" => Ok(Start::Classical),
        "network" => Ok(Start::Network),
        _ => Err(format!("there is no start '{text}'; choose classical or network")),
    }
}
