//! `multigrad generate`.

use serde_json::json;

use super::arguments::{Generate, Problem};
use super::common::write_json;
use super::output::say;
use super::paths::check_outputs;
use super::{Verdict, misuse};
use crate::error::Result;
use crate::gallery::{self, FLOW_EPSILON, FlowScheme, TriangleMesh};
use crate::sparse::matrix_market;

pub fn run(options: &Generate) -> Result<Verdict> {
    let Generate { n, epsilon, theta, scheme, .. } = *options;
    let outputs = [
        options.rhs.as_deref(),
        options.coordinates.as_deref(),
        options.near_nullspace.as_deref(),
        options.json.as_deref(),
    ];
    check_outputs([options.mesh.as_deref()], [Some(options.output.as_path())].into_iter().chain(outputs))?;
    let unused = |given: bool, option: &str, of: &str| {
        if given { Err(misuse(format!("{option} belongs to {of} only"))) } else { Ok(()) }
    };
    let (flow, rotated) = (
        matches!(options.problem, Problem::RecirculatingFlow),
        matches!(options.problem, Problem::RotatedAnisotropic),
    );
    unused(scheme.is_some() && !flow, "--scheme", "recirculating-flow")?;
    unused(theta.is_some() && !rotated, "--theta", "rotated-anisotropic")?;
    unused(
        epsilon.is_some() && !flow && !rotated,
        "--epsilon",
        "recirculating-flow and rotated-anisotropic",
    )?;
    let on_mesh = matches!(options.problem, Problem::MeshDiffusion);
    unused(options.mesh.is_some() && !on_mesh, "--mesh", "mesh-diffusion")?;
    let problem = match options.problem {
        Problem::MeshDiffusion => {
            let file = options.mesh.as_ref();
            let file = file.ok_or_else(|| misuse("mesh-diffusion needs a mesh; add --mesh FILE.msh"))?;
            let mesh = TriangleMesh::read_gmsh(file)?;
            mesh.diffusion(0.0, |_| 1.0).map_err(|e| e.at(file.display()))?
        }
        Problem::RecirculatingFlow => gallery::recirculating_flow(
            n,
            epsilon.unwrap_or(FLOW_EPSILON),
            scheme.unwrap_or(FlowScheme::Upwind),
        )?,
        Problem::Poisson2d => gallery::poisson_2d(n, n)?,
        Problem::Poisson3d => gallery::poisson_3d(n, n, n)?,
        Problem::RotatedAnisotropic => gallery::rotated_anisotropic(
            n,
            epsilon.unwrap_or(1e-3),
            theta.unwrap_or(std::f64::consts::FRAC_PI_6),
        )?,
        other => gallery::named(&other.name(), n, options.seed)?,
    };
    unused(
        options.near_nullspace.is_some() && problem.near_nullspace.is_none(),
        "--near-nullspace",
        "elasticity2d and elasticity3d",
    )?;
    if options.coordinates.is_some() && problem.coordinates.cols() == 0 {
        return Err(misuse(format!(
            "{} is a graph and has no coordinates; leave out --coordinates",
            problem.name
        )));
    }
    matrix_market::write_matrix(&options.output, &problem.matrix)?;
    if let (Some(path), Some(modes)) = (&options.near_nullspace, &problem.near_nullspace) {
        matrix_market::write_dense(path, modes)?;
    }
    if let Some(path) = &options.rhs {
        matrix_market::write_vector(path, &problem.rhs)?;
    }
    if let Some(path) = &options.coordinates {
        matrix_market::write_dense(path, &problem.coordinates)?;
    }
    let (rows, nnz) = (problem.matrix.rows(), problem.matrix.nnz());
    let path = options.output.display();
    say(format_args!("{}: {rows} unknowns, {nnz} nonzeros, written to {path}", problem.name));
    if let Some(path) = &options.json {
        write_json(path, &json!({ "name": problem.name, "rows": rows, "nonzeros": nnz }))?;
    }
    Ok(Verdict::Done)
}
