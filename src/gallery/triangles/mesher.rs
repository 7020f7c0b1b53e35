//! Random triangle meshes by Delaunay refinement.

use std::collections::HashSet;

use spade::{AngleLimit, ConstrainedDelaunayTriangulation, Point2, RefinementParameters, Triangulation};

use super::super::Problem;
use super::TriangleMesh;
use super::domain::Domain;
use crate::error::{Error, Result};

/// The angle that triangles should reach, in degrees; refinement is guaranteed to end up to 20.7 and ends in
/// practice up to about 33.
const ANGLE: f64 = 25.0;
/// The largest number of nodes.
const MOST: usize = 20_000_000;
/// The largest number of meshes to try, and the accuracy of the number of nodes at which to stop earlier.
const TRIALS: usize = 16;
const NEAR: f64 = 0.04;
/// Rounds of refinement around a focus: each divides areas by 3, and 25 is enough.
const ROUNDS: usize = 12;

/// A random mesh of triangles with about `nodes` points that are not on its boundary.
///
/// A convex polygon of 7 to 14 corners on an ellipse of random aspect (up to 2.5) and direction, of about the
/// size of the unit circle; half of all seeds give one or two holes, two fifths a mesh that is finer towards
/// a point or a hole by a factor of up to 5. Its constrained Delaunay triangulation is refined (Ruppert 1995;
/// `spade`) until angles are 25° at least, except a few at corners, and triangles are small enough that the
/// number of points off the boundary is within 10 % of `nodes`, for `nodes` from 80 on. A smaller mesh,
/// without holes and grading below 60, comes as near as possible. Points are in the order of insertion. The
/// same `nodes` and seed give the same mesh; the domain depends on the seed only.
///
/// Cost: a few triangulations.
///
/// # Errors
/// `nodes` that is 0 or above 20 million; a domain that cannot be triangulated.
///
/// ```
/// let mesh = multigrad::gallery::random_triangle_mesh(100, 1)?;
/// assert!((90..=110).contains(&mesh.free().len()));
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn random_triangle_mesh(nodes: usize, seed: u64) -> Result<TriangleMesh> {
    if nodes == 0 || nodes > MOST {
        return Err(Error::invalid_input(format!(
            "a random mesh of {nodes} nodes; ask for 1 to {MOST} nodes"
        )));
    }
    let domain = Domain::random(nodes, seed);
    // About two triangles for a node, with two thirds of the largest area on average.
    let mut limit = 0.75 * domain.area() / nodes as f64;
    let (mut many, mut few) = (0.0f64, f64::INFINITY);
    let mut best: Option<(f64, TriangleMesh)> = None;
    for trial in 0..TRIALS {
        let mesh = triangulate(&domain, limit, nodes)?;
        let free = mesh.boundary.iter().filter(|boundary| !**boundary).count();
        let ratio = (free as f64).max(0.5) / nodes as f64;
        let off = if free == 0 { f64::INFINITY } else { ratio.ln().abs() };
        if best.as_ref().is_none_or(|(least, _)| off < *least) {
            best = Some((off, mesh));
        }
        if off < NEAR {
            break;
        }
        if free > nodes {
            many = many.max(limit)
        } else {
            few = few.min(limit)
        }
        limit *= ratio;
        // Numbers jump for small meshes: halve the remaining step.
        if many > 0.0 && few.is_finite() && (trial > 4 || limit <= many || limit >= few) {
            limit = (many * few).sqrt();
        }
    }
    match best {
        Some((off, mesh)) if off.is_finite() => Ok(mesh),
        _ => Err(Error::invalid_input(format!("no mesh of {nodes} nodes was found; ask for more nodes"))),
    }
}

type Delaunay = ConstrainedDelaunayTriangulation<Point2<f64>>;

/// The triangulation of a domain with triangles of at most `limit` times the square of the local size.
fn triangulate(domain: &Domain, limit: f64, nodes: usize) -> Result<TriangleMesh> {
    let points = domain.rings.iter().flatten().map(|p| Point2::new(p[0], p[1])).collect();
    let mut edges = Vec::new();
    let mut start = 0;
    for ring in &domain.rings {
        edges.extend((0..ring.len()).map(|i| [start + i, start + (i + 1) % ring.len()]));
        start += ring.len();
    }
    let failed = |e| Error::invalid_input(format!("the domain cannot be triangulated: {e}"));
    let mut delaunay = Delaunay::bulk_load_cdt(points, edges).map_err(failed)?;
    let parameters = RefinementParameters::new()
        .exclude_outer_faces(true)
        .with_angle_limit(AngleLimit::from_deg(ANGLE))
        .with_max_allowed_area(limit)
        .with_max_additional_vertices(1000 + 10 * nodes);
    let mut outside = refine(&mut delaunay, &parameters);
    for _ in 0..if domain.is_graded() { ROUNDS } else { 0 } {
        // The centre of a triangle is never near a constrained edge.
        let middles: Vec<Point2<f64>> = delaunay
            .inner_faces()
            .filter(|face| !outside.contains(&face.index()))
            .map(|face| (face.area(), face.center()))
            .filter(|(area, middle)| *area > limit * domain.size([middle.x, middle.y]).powi(2))
            .map(|(_, middle)| middle)
            .collect();
        if middles.is_empty() || delaunay.num_vertices() > 10 * nodes + 1000 {
            break;
        }
        for middle in middles {
            delaunay.insert(middle).map_err(failed)?;
        }
        outside = refine(&mut delaunay, &parameters);
    }
    let triangles = delaunay
        .inner_faces()
        .filter(|face| !outside.contains(&face.index()))
        .map(|face| face.vertices().map(|vertex| vertex.index() as u32));
    let (points, triangles) =
        (delaunay.vertices().map(|v| [v.position().x, v.position().y]), triangles.collect());
    TriangleMesh::new(points.collect(), triangles)
}

/// Refines, and returns the faces outside the domain.
fn refine(delaunay: &mut Delaunay, parameters: &RefinementParameters<f64>) -> HashSet<usize> {
    let result = delaunay.refine(parameters.clone());
    result.excluded_faces.iter().map(|face| face.index()).collect()
}

/// ηu − Δu = 1 with u = 0 on the boundary of a random domain, by linear elements (P1) on
/// triangles: [`random_triangle_mesh`] with [`diffusion`](TriangleMesh::diffusion) and κ = 1.
///
/// `nodes` is about the number of unknowns. Everything depends on the seed. Cost: that of
/// the mesh.
///
/// # Errors
/// Those of the mesh, or η that is negative or not finite.
///
/// ```
/// let problem = multigrad::gallery::random_diffusion_2d(200, 0.0, 3)?;
/// assert!((180..=220).contains(&problem.matrix.rows()));
/// assert!(problem.matrix.is_symmetric());
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn random_diffusion_2d(nodes: usize, eta: f64, seed: u64) -> Result<Problem> {
    let name = format!("random diffusion, about {nodes} nodes, seed {seed}");
    let mesh = random_triangle_mesh(nodes, seed).map_err(|e| e.at(&name))?;
    let problem = mesh.diffusion(eta, |_| 1.0).map_err(|e| e.at(&name))?;
    Ok(Problem { name, ..problem })
}
