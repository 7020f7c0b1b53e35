//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::values::{
    CycleShape, HierarchyChoice, count, finite, positive, positive_count, relaxation, seconds, threshold,
    whole,
};
use crate::gallery::FlowScheme;
use crate::multigrid::Relaxation;

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
    /// Train the relaxation of a hierarchy and save the frozen solver
    Train(Train),
    /// Solve A x = b
    Solve(Solve),
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
}

#[derive(Debug, Args)]
pub struct Generate {
    pub problem: Problem,
    /// Interior unknowns per direction
    #[arg(long, default_value = "64", allow_negative_numbers = true, value_parser = positive_count)]
    pub n: usize,
    /// Discretisation of the flow: upwind, supg or galerkin [default: upwind]
    #[arg(long)]
    pub scheme: Option<FlowScheme>,
    /// Diffusion of the flow [default: 0.005], or anisotropy [default: 0.001]
    #[arg(long, allow_negative_numbers = true, value_parser = positive)]
    pub epsilon: Option<f64>,
    /// Angle of the anisotropy in radians [default: π/6]
    #[arg(long, allow_negative_numbers = true, value_parser = finite)]
    pub theta: Option<f64>,
    /// Where the matrix goes
    #[arg(short, long, value_name = "A.mtx")]
    pub output: PathBuf,
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
pub struct HierarchyOptions {
    /// auto, sa (smoothed aggregation), sasym (built on (A+Aᵀ)/2), sat (R smoothed on Aᵀ) or
    /// san (energy-minimised, for dominant advection); auto takes the one that suits the matrix
    #[arg(long, default_value = "auto", value_name = "NAME")]
    pub hierarchy: HierarchyChoice,
    /// Near-nullspace candidates, one column each (Matrix Market array)
    #[arg(long, value_name = "MODES.mtx")]
    pub near_nullspace: Option<PathBuf>,
    /// Strength threshold θ of sa, sasym and sat (san measures strength by evolution)
    #[arg(long, default_value = "0", allow_negative_numbers = true, value_parser = threshold)]
    pub theta: f64,
    /// Coarsening stops at this many rows, which are solved directly
    #[arg(long, value_name = "ROWS", default_value = "40", allow_negative_numbers = true, value_parser = whole)]
    pub max_coarse: usize,
    /// Unknowns per mesh point, for systems; detected without it
    #[arg(long, value_name = "ROWS", allow_negative_numbers = true, value_parser = positive_count)]
    pub block_size: Option<usize>,
    /// V(pre,post) or W(pre,post)
    #[arg(long, default_value = "V(1,1)", value_name = "CYCLE")]
    pub cycle: CycleShape,
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
    /// Steps of the optimiser; chosen from the matrix without it
    #[arg(long, allow_negative_numbers = true, value_parser = positive_count)]
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
    /// Save the solver in single precision
    #[arg(long)]
    pub single: bool,
    /// Do not measure the classical smoothers beside it
    #[arg(long)]
    pub no_baselines: bool,
    /// Training curve, .svg or .png
    #[arg(long, value_name = "PICTURE")]
    pub plot: Option<PathBuf>,
    /// Report as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Krylov {
    /// CG where matrix and cycle are symmetric, FGMRES elsewhere
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

#[derive(Debug, Args)]
pub struct Solve {
    /// Matrix Market file
    pub matrix: PathBuf,
    /// Right-hand side (Matrix Market array or coordinate); ones without it
    #[arg(long, value_name = "B.mtx")]
    pub rhs: Option<PathBuf>,
    #[command(flatten)]
    pub hierarchy: HierarchyOptions,
    /// jacobi, l1-jacobi, gauss-seidel, forward-gauss-seidel, backward-gauss-seidel,
    /// symmetric-gauss-seidel, chebyshev, spai0, spai1 or ilu0, with a parameter where there is
    /// one: jacobi(0.8), chebyshev(4), ilu0(0.7) [default: gauss-seidel for symmetric matrices,
    /// ilu0 for others]
    #[arg(long, value_name = "NAME", value_parser = relaxation)]
    pub smoother: Option<Relaxation>,
    /// A solver saved by `train`, instead of building a hierarchy
    #[arg(long, value_name = "SOLVER.mgrad", conflicts_with_all = [
        "smoother", "hierarchy", "near_nullspace", "theta", "max_coarse", "block_size", "cycle",
    ])]
    pub preconditioner: Option<PathBuf>,
    /// Use the saved solver although it was made for another matrix of the same size
    #[arg(long, requires = "preconditioner")]
    pub allow_other_matrix: bool,
    /// Run the cycle in single precision
    #[arg(long, conflicts_with = "preconditioner")]
    pub single: bool,
    /// The iteration around the cycle
    #[arg(long, value_enum, default_value_t = Krylov::Auto)]
    pub krylov: Krylov,
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
    /// Coordinates of the unknowns, one row each, for --plot-solution
    #[arg(long, value_name = "XY.mtx", requires = "plot_solution")]
    pub coordinates: Option<PathBuf>,
    /// The solution over its coordinates, .svg or .png
    #[arg(long, value_name = "PICTURE", requires = "coordinates")]
    pub plot_solution: Option<PathBuf>,
    /// Name of this run in pictures; smoother and method without it
    #[arg(long)]
    pub label: Option<String>,
    /// Result as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
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
