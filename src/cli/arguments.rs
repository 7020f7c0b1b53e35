//! The command line.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};

use super::device::DeviceOption;
use super::setup_options::HierarchyOptions;
use super::subdomains::{LearnedSubdomains, SubdomainOptions};
use super::values::{
    SmootherChoice, bytes, count, finite, positive, positive_count, seconds, smoother, whole,
};
use crate::gallery::FlowScheme;
use crate::learn::{Loss, Start, Target};
use crate::solver::Krylov;

/// The version with the optional features of this build.
const LONG_VERSION: &str = match (cfg!(feature = "cuda"), cfg!(feature = "metis")) {
    (true, true) => concat!(env!("CARGO_PKG_VERSION"), "\nfeatures: cuda, metis"),
    (true, false) => concat!(env!("CARGO_PKG_VERSION"), "\nfeatures: cuda"),
    (false, true) => concat!(env!("CARGO_PKG_VERSION"), "\nfeatures: metis"),
    (false, false) => concat!(env!("CARGO_PKG_VERSION"), "\nfeatures: none"),
};

/// Algebraic multigrid solvers for sparse linear systems A x = b, with trainable smoothers.
///
/// Exit codes: 0 success, 1 failure, 2 wrong options, 3 the solver did not converge.
#[derive(Debug, Parser)]
#[command(name = "multigrad", version, long_version = LONG_VERSION, arg_required_else_help = true)]
pub struct Arguments {
    /// Number of threads, 1 to 4096; results do not depend on it, except where measured times decide
    /// (--time-limit, --loss time, --solves) [default: RAYON_NUM_THREADS, or all cores]
    #[arg(long, global = true, display_order = 900, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub threads: Option<u16>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write the matrix of a model problem to a Matrix Market file
    Generate(Generate),
    /// Show the properties of a matrix, the chosen solver and its multigrid levels
    Info(Info),
    /// Train the smoothers of a multigrid hierarchy for a matrix and save the solver
    Train(Train),
    /// Solve A x = b
    Solve(Solve),
    /// Write a solver as files for PETSc and MPI
    Export(Export),
    /// Measure suitable solvers on a matrix and list them, fastest first
    Compare(Compare),
    /// Plot residual histories (files of `solve --json`) or a training curve (file of `train --json`)
    Plot(Plot),
    /// Write a report on a matrix and its solvers as an HTML page
    Report(super::report::Options),
    /// Print completions for a shell
    Completions(super::shell::Completions),
    /// Write manual pages to a folder
    Man(super::shell::Manual),
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Problem {
    /// −εΔu + w·∇u = 0, w = (2y(1−x²), −2x(1−y²)) on [−1,1]²
    RecirculatingFlow,
    /// 2-D Poisson equation, 5-point stencil
    #[value(name = "poisson2d")]
    Poisson2d,
    /// 3-D Poisson equation, 7-point stencil
    #[value(name = "poisson3d")]
    Poisson3d,
    /// 2-D anisotropic diffusion −∇·(QᵀDQ∇u), D = diag(1, ε), Q a rotation by θ; bilinear elements
    RotatedAnisotropic,
    /// 3-D diffusion with coefficients 1, 10⁻², 10⁻⁴ along the axes, 7-point stencil
    #[value(name = "anisotropic3d")]
    Anisotropic3d,
    /// 3-D recirculating flow in a cube, upwind differences, ε = 0.005
    #[value(name = "recirculating-flow3d")]
    RecirculatingFlow3d,
    /// 3-D anisotropic diffusion −∇·(D∇u): 1 along a rotated direction, 10⁻³ perpendicular to it
    #[value(name = "rotated-anisotropic3d")]
    RotatedAnisotropic3d,
    /// 2-D Helmholtz equation −Δu − k²u, k = 10, indefinite
    #[value(name = "helmholtz2d")]
    Helmholtz2d,
    /// 2-D diffusion with a coefficient that jumps by 10⁶ between blocks
    #[value(name = "jumps2d")]
    Jumps2d,
    /// 3-D diffusion with a coefficient that jumps by 10⁶ between blocks
    #[value(name = "jumps3d")]
    Jumps3d,
    /// 2-D Poisson equation, finite volumes on a grid stretched 1000:1
    #[value(name = "stretched2d")]
    Stretched2d,
    /// 2-D Poisson equation with Neumann boundary conditions only, singular
    #[value(name = "neumann2d")]
    Neumann2d,
    /// 2-D linear elasticity; rigid-body modes with --near-nullspace
    #[value(name = "elasticity2d")]
    Elasticity2d,
    /// 3-D linear elasticity; rigid-body modes with --near-nullspace
    #[value(name = "elasticity3d")]
    Elasticity3d,
    /// 2-D Stokes flow in a cavity with a moving lid, staggered grid; indefinite and singular
    #[value(name = "stokes2d")]
    Stokes2d,
    /// 2-D diffusion in mixed form, Raviart–Thomas elements, indefinite
    #[value(name = "mixed-diffusion2d")]
    MixedDiffusion2d,
    /// 3-D diffusion, linear elements on an unstructured tetrahedral mesh
    #[value(name = "unstructured3d")]
    Unstructured3d,
    /// 2-D diffusion, linear elements on an unstructured triangular mesh of a random domain
    RandomDiffusion,
    /// 2-D diffusion, linear elements on the triangular mesh of --mesh
    MeshDiffusion,
    /// Laplacian of a random graph with power-law degree distribution, singular
    PowerLaw,
    /// Laplacian of a power-law graph with one vertex removed (grounded), nonsingular
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
    /// Model problem
    pub problem: Problem,
    /// Problem size: number of unknowns, cells or elements per direction; for graphs the number of
    /// vertices, for random-diffusion the approximate number of unknowns
    #[arg(long, default_value = "64", allow_negative_numbers = true, value_parser = positive_count)]
    pub n: usize,
    /// Gmsh file with the triangular mesh of mesh-diffusion (required there)
    #[arg(long, value_name = "FILE.msh", conflicts_with = "n")]
    pub mesh: Option<PathBuf>,
    /// Discretisation of recirculating-flow: upwind, supg or galerkin [default: upwind]
    #[arg(long)]
    pub scheme: Option<FlowScheme>,
    /// ε > 0 of recirculating-flow [default: 0.005] or of rotated-anisotropic [default: 0.001]
    #[arg(long, allow_negative_numbers = true, value_parser = positive)]
    pub epsilon: Option<f64>,
    /// Angle θ of rotated-anisotropic, in radians [default: π/6]
    #[arg(long, allow_negative_numbers = true, value_parser = finite)]
    pub theta: Option<f64>,
    /// Seed of the random numbers in jumps2d, jumps3d, unstructured3d, random-diffusion and the graphs
    #[arg(long, default_value_t = 1, allow_negative_numbers = true)]
    pub seed: u64,
    /// Output file for the matrix (Matrix Market coordinate)
    #[arg(short, long, value_name = "A.mtx")]
    pub output: PathBuf,
    /// Output file for the rigid-body modes of an elasticity problem (Matrix Market array, one column per mode)
    #[arg(long, value_name = "MODES.mtx")]
    pub near_nullspace: Option<PathBuf>,
    /// Output file for the right-hand side (Matrix Market array)
    #[arg(long, value_name = "B.mtx")]
    pub rhs: Option<PathBuf>,
    /// Output file for the coordinates (Matrix Market array, one row per unknown)
    #[arg(long, value_name = "XY.mtx")]
    pub coordinates: Option<PathBuf>,
    /// JSON output file: name, number of rows and of nonzeros
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Info {
    /// Matrix A (Matrix Market, Harwell-Boeing, Rutherford-Boeing, SciPy's .npz, MATLAB's .mat or PETSc's binary format; gzip'ed or not)
    pub matrix: PathBuf,
    #[command(flatten)]
    pub hierarchy: HierarchyOptions,
    /// JSON output file with the same information
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Train {
    /// Matrix A (Matrix Market, Harwell-Boeing, Rutherford-Boeing, SciPy's .npz, MATLAB's .mat or PETSc's binary format; gzip'ed or not)
    pub matrix: PathBuf,
    /// Output file for the solver: the trained one, or the automatic one if that solves with less work (see
    /// --keep-trained)
    #[arg(short, long, value_name = "SOLVER.mgrad")]
    pub output: PathBuf,
    #[command(flatten)]
    pub hierarchy: HierarchyOptions,
    /// Learned parts, a list separated by commas: at most one smoother, and optionally interpolation
    /// (the values of P) and restriction (the values of R). Smoothers: relaxation (sparse M on the
    /// pattern of A, x ← x + M(b − Ax)), wide-relaxation (sparse M on the pattern of A²), ilu
    /// (incomplete factors L and U), scalars (up to 24 scale factors for L and U, learned on small parts of
    /// the matrix), iterative-ilu (L and U, applied by Jacobi sweeps), schwarz
    /// (interface conditions of overlapping subdomains on the finest level, M on coarser levels; with
    /// --hierarchy none a one-level Schwarz method), chebyshev (coefficients of a polynomial in
    /// D⁻¹A), damping (one weight per sweep)
    #[arg(long, value_name = "LIST", default_value = "relaxation")]
    pub learn: Target,
    #[command(flatten)]
    pub schwarz: LearnedSubdomains,
    /// Keep the cycle symmetric, as CG requires: post-sweeps are the transposes of the pre-sweeps, and
    /// R = Pᵀ; for symmetric A only
    #[arg(long)]
    pub symmetric: bool,
    /// Loss function: rate (convergence factor, for plain cycles), krylov (residual after a few steps
    /// of GMRES, for FGMRES, BiCGStab and CG), slowest (convergence factors after one and
    /// more cycles, with the largest weight on the slowest vectors) or time (seconds per digit of accuracy; tries
    /// both relaxation and ilu and trains the better one)
    #[arg(long, default_value = "rate")]
    pub loss: Loss,
    /// Initial values: classical (a classical smoother) or network (computed by the pretrained
    /// network of this program; needs fewer steps)
    #[arg(long, default_value = "classical", value_parser = parse_start)]
    pub start: Start,
    /// Train the automatic solver for this number of solves; training stops when it would cost more time than it
    /// saves. A sparse direct solver replaces the automatic one if it is faster. With --plot: total time against the
    /// number of solves
    #[arg(
        long,
        value_name = "NUMBER",
        allow_negative_numbers = true,
        value_parser = positive_count,
        conflicts_with_all = [
            "learn", "symmetric", "loss", "start", "steps", "rate", "cycles_in_loss", "batch", "no_baselines", "keep_trained",
            "device", "hierarchy", "theta", "max_coarse", "block_size", "aggregates", "smoothing", "splitting",
            "interpolation", "restriction", "max_per_row", "aggressive_levels", "cycle", "parts", "rows_per_part",
            "overlap", "variant", "schwarz_levels"
        ]
    )]
    pub solves: Option<usize>,
    /// Number of optimiser steps; 0 (only with --start network) keeps the initial values [default:
    /// chosen from the matrix]
    #[arg(long, allow_negative_numbers = true, value_parser = whole)]
    pub steps: Option<usize>,
    /// Learning rate of the first step, positive; decreases to 2 % of it [default: chosen from the matrix]
    #[arg(long, allow_negative_numbers = true, value_parser = positive)]
    pub rate: Option<f64>,
    /// Number of cycles in the loss at the last step, 1 to 200; earlier steps use fewer [default: chosen
    /// from the matrix]
    #[arg(long, value_name = "CYCLES", allow_negative_numbers = true, value_parser = |t: &str| count(t, 200))]
    pub cycles_in_loss: Option<usize>,
    /// Batch size: number of vectors per training step, 1 to 1024 [default: chosen from the matrix]
    #[arg(long, value_name = "COLUMNS", allow_negative_numbers = true, value_parser = |t: &str| count(t, 1024))]
    pub batch: Option<usize>,
    /// Seed of the random vectors; the same seed gives the same output file (except with --time-limit,
    /// --memory-limit, --loss time and --solves)
    #[arg(long, default_value_t = 1, allow_negative_numbers = true)]
    pub seed: u64,
    /// Time limit of setup, training and comparison in seconds; the best solver found so far is saved. The measurement of
    /// the trained solver may exceed it by some seconds [default: none]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, value_parser = seconds)]
    pub time_limit: Option<f64>,
    /// Memory limit of the program in bytes, with suffix K, M, G or T for powers of 1024, such as 500M (on Linux);
    /// hierarchies that exceed it are left out, and training ends with the best solver found so far [default: none]
    #[arg(long, value_name = "BYTES", allow_negative_numbers = true, value_parser = bytes)]
    pub memory_limit: Option<u64>,
    /// Device for the training steps; setup and measurements always run on the CPU
    #[arg(long, value_enum, default_value_t)]
    pub device: DeviceOption,
    /// Save the solver in single precision [default: double precision]
    #[arg(long)]
    pub single: bool,
    /// Do not compare with classical smoothers and with the automatic solver; implies --keep-trained
    #[arg(long)]
    pub no_baselines: bool,
    /// Save the trained solver in any case. By default the automatic solver is saved if it solves with less work
    #[arg(long)]
    pub keep_trained: bool,
    /// Compare the times of setup, training and solves with classical solvers and the direct solver, and
    /// print the number of solves after which training pays back
    #[arg(long)]
    pub account: bool,
    /// Time limit of --account in seconds; no further classical solver is started after it [default: 60,
    /// or the training time if that is longer]
    #[arg(long, value_name = "SECONDS", requires = "account", allow_negative_numbers = true, value_parser = seconds)]
    pub account_limit: Option<f64>,
    /// Plot the training curve to this file, .svg or .png
    #[arg(long, value_name = "PICTURE")]
    pub plot: Option<PathBuf>,
    /// JSON output file for the report
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KrylovOption {
    /// Chosen from the matrix: CG if matrix and cycle are symmetric, otherwise BiCGStab or FGMRES
    Auto,
    /// No Krylov method: plain multigrid cycles
    None,
    /// Conjugate gradients, for symmetric positive definite matrices
    Cg,
    /// BiCGStab, for any matrix: constant memory, two multigrid cycles per iteration
    Bicgstab,
    /// Flexible GMRES, for any matrix; see --restart
    Fgmres,
}

impl KrylovOption {
    /// The method, if one was named.
    pub fn method(self) -> Option<Krylov> {
        match self {
            KrylovOption::Auto => None,
            KrylovOption::None => Some(Krylov::Richardson),
            KrylovOption::Cg => Some(Krylov::Cg),
            KrylovOption::Bicgstab => Some(Krylov::BiCgStab),
            KrylovOption::Fgmres => Some(Krylov::Fgmres),
        }
    }
}

#[derive(Debug, Args)]
#[command(group(
    ArgGroup::new("pictures_of_points").args(["plot_solution", "plot_parts", "report"]).multiple(true)
))]
pub struct Solve {
    /// Matrix A (Matrix Market, Harwell-Boeing, Rutherford-Boeing, SciPy's .npz, MATLAB's .mat or PETSc's binary format; gzip'ed or not)
    pub matrix: PathBuf,
    /// Right-hand side b (a format of A, or NumPy's .npy) [default: that in the file of A, or all ones]
    #[arg(long, value_name = "B.mtx")]
    pub rhs: Option<PathBuf>,
    #[command(flatten)]
    pub hierarchy: HierarchyOptions,
    /// Smoother of every level, with optional parameters: jacobi(0.8), l1-jacobi, gauss-seidel,
    /// hybrid-gauss-seidel, multicolour-gauss-seidel, chebyshev(4), spai0, spai1, ilu0, ilu(2),
    /// ilut(0.01,10), block-jacobi(3), schwarz and others (an unknown name prints the full list).
    /// learned-network uses L and U computed by the pretrained network of this program,
    /// learned-network(relaxation) a sparse M, learned-network(schwarz) interface conditions; if they
    /// converge more slowly than a classical smoother, that one is used [default: chosen from matrix
    /// and hierarchy]
    #[arg(long, value_name = "NAME", value_parser = smoother)]
    pub smoother: Option<SmootherChoice>,
    #[command(flatten)]
    pub subdomains: SubdomainOptions,
    /// Use the solver saved in this file by `train` [default: build a new hierarchy]
    #[arg(long, value_name = "SOLVER.mgrad", conflicts_with_all = [
        "smoother", "parts", "rows_per_part", "overlap", "variant", "hierarchy", "near_nullspace", "theta", "max_coarse", "block_size", "cycle",
        "splitting", "interpolation", "restriction", "max_per_row", "aggressive_levels", "aggregates", "smoothing",
    ])]
    pub preconditioner: Option<PathBuf>,
    /// Accept a saved solver that was trained for another matrix of the same size
    #[arg(long, requires = "preconditioner")]
    pub allow_other_matrix: bool,
    /// Store the hierarchy in single precision [default with --hierarchy auto, in most cases]
    #[arg(long, conflicts_with = "preconditioner")]
    pub single: bool,
    /// Store the hierarchy in double precision [default with a named --hierarchy]
    #[arg(long, conflicts_with_all = ["preconditioner", "single"])]
    pub double: bool,
    /// Device for the iteration; setup always runs on the CPU
    #[arg(long, value_enum, default_value_t)]
    pub device: DeviceOption,
    /// Krylov method, with the multigrid cycle as preconditioner
    #[arg(long, value_enum, default_value_t = KrylovOption::Auto)]
    pub krylov: KrylovOption,
    /// Number of FGMRES iterations between restarts; the saddle-point hierarchies add two for each long row
    #[arg(long, value_name = "ITERATIONS", default_value = "30", allow_negative_numbers = true, value_parser = positive_count)]
    pub restart: usize,
    /// Largest predicted number of entries in sparse factors that the automatic choice falls back on [default: 150000000, about 2.4 GB]
    #[arg(long, value_name = "ENTRIES", allow_negative_numbers = true, value_parser = whole)]
    pub direct_limit: Option<usize>,
    /// Tolerance: stop when ‖b − Ax‖₂/‖b‖₂ is at most this
    #[arg(long, default_value = "1e-8", allow_negative_numbers = true, value_parser = positive)]
    pub rtol: f64,
    /// Maximum number of iterations
    #[arg(long, value_name = "ITERATIONS", default_value = "500", allow_negative_numbers = true, value_parser = whole)]
    pub max_iterations: usize,
    /// Singular matrices: solve min ‖b − Ax‖₂, and say which part of b is outside the range of A
    #[arg(long)]
    pub least_squares: bool,
    /// Estimate the condition number of A and the error of x, by about fifteen more solves
    #[arg(long)]
    pub condition: bool,
    /// Output file for the solution x (Matrix Market array)
    #[arg(short, long, value_name = "X.mtx")]
    pub output: Option<PathBuf>,
    /// Plot the residual history to this file, .svg or .png
    #[arg(long, value_name = "PICTURE")]
    pub plot: Option<PathBuf>,
    /// Coordinates for --plot-solution, --plot-parts and --report (a format of A, or NumPy's .npy; one row per unknown)
    #[arg(long, value_name = "XY.mtx", requires = "pictures_of_points")]
    pub coordinates: Option<PathBuf>,
    /// Plot the solution at the --coordinates to this file, .svg or .png
    #[arg(long, value_name = "PICTURE", requires = "coordinates")]
    pub plot_solution: Option<PathBuf>,
    /// Plot the subdomains of a Schwarz smoother on the finest level to this file, .svg or .png
    #[arg(long, value_name = "PICTURE", requires = "coordinates")]
    pub plot_parts: Option<PathBuf>,
    /// Output file for a report on this solve, a self-contained HTML page
    #[arg(long, value_name = "REPORT.html")]
    pub report: Option<PathBuf>,
    /// Name of this run in plots [default: smoother and Krylov method]
    #[arg(long)]
    pub label: Option<String>,
    /// JSON output file for the result
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Export {
    /// Matrix A (a format of `solve`)
    pub matrix: PathBuf,
    /// Output file; the options of PETSc go into a second file with .options behind this name
    #[arg(short, long, value_name = "SOLVER.petsc")]
    pub output: PathBuf,
    /// Solver saved by `train` [default: the automatic choice]
    #[arg(long, value_name = "SOLVER.mgrad")]
    pub preconditioner: Option<PathBuf>,
    /// Number of ranks, each with an equal run of rows as PETSc splits them [default: any number, or one for incomplete
    /// factors and Schwarz methods]
    #[arg(long, allow_negative_numbers = true, value_parser = positive_count)]
    pub ranks: Option<usize>,
    /// Put parts of the graph by METIS on the ranks and renumber the rows; the file holds the permutation
    #[arg(long, requires = "ranks")]
    pub renumber: bool,
    /// Rings of neighbours by which the incomplete factors of several ranks overlap [default: 6]
    #[arg(long, requires = "ranks", allow_negative_numbers = true, value_parser = whole)]
    pub overlap: Option<usize>,
    /// For a PETSc with indices of 64 bits
    #[arg(long)]
    pub wide: bool,
    /// Output file for A and b in PETSc's binary format
    #[arg(long, value_name = "SYSTEM.petsc")]
    pub system: Option<PathBuf>,
    /// Right-hand side b for --system [default: that in the file of A, or all ones]
    #[arg(long, value_name = "B.mtx")]
    pub rhs: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Compare {
    /// Matrix A (Matrix Market, Harwell-Boeing, Rutherford-Boeing, SciPy's .npz, MATLAB's .mat or PETSc's binary format; gzip'ed or not)
    pub matrix: PathBuf,
    /// Right-hand side b (a format of A, or NumPy's .npy) [default: that in the file of A, or all ones]
    #[arg(long, value_name = "B.mtx")]
    pub rhs: Option<PathBuf>,
    /// Near-nullspace vectors such as rigid-body modes (a format of A, or NumPy's .npy; one column per vector)
    /// [default: the constant vector of every unknown of a node]
    #[arg(long, value_name = "MODES.mtx")]
    pub near_nullspace: Option<PathBuf>,
    /// Tolerance: stop when ‖b − Ax‖₂/‖b‖₂ is at most this
    #[arg(long, default_value = "1e-8", allow_negative_numbers = true, value_parser = positive)]
    pub rtol: f64,
    /// Maximum number of iterations
    #[arg(long, value_name = "ITERATIONS", default_value = "200", allow_negative_numbers = true, value_parser = positive_count)]
    pub max_iterations: usize,
    /// Number of runs of every solver, 1 to 100; the fastest run is reported
    #[arg(long, value_name = "RUNS", default_value = "3", allow_negative_numbers = true, value_parser = |t: &str| count(t, 100))]
    pub repeat: usize,
    /// Time limit of all measurements in seconds; a solver may take up to three times the mean
    /// remaining time per solver, and at most half of the remaining time; when the time is used up, the other solvers
    /// are skipped [default: none]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, value_parser = seconds)]
    pub time_limit: Option<f64>,
    /// Memory limit of the program in bytes, with suffix K, M, G or T for powers of 1024, such as 500M (on Linux);
    /// solvers that exceed it are left out [default: none]
    #[arg(long, value_name = "BYTES", allow_negative_numbers = true, value_parser = bytes)]
    pub memory_limit: Option<u64>,
    /// JSON output file for the table
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// CSV output file for the table
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Plot {
    /// Files written by `solve --json`, or one file written by `train --json`
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Output file, .svg or .png
    #[arg(short, long, value_name = "PICTURE")]
    pub output: PathBuf,
    /// Title of the plot [default: name of the matrix]
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
