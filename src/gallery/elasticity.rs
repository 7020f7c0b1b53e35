//! Linear elasticity: bilinear and trilinear elements on a clamped beam.

use super::{Problem, check_positive, check_shape, rigid_body_modes};
use crate::error::{Error, Result};
use crate::sparse::assemble::assemble;
use crate::sparse::{Csr, DenseMatrix};

/// A clamped plate under its own weight: linear elasticity in plane strain by bilinear
/// elements (Q1).
///
/// −∇·σ = (0, −1), σ = λ (∇·u) I + μ (∇u + ∇uᵀ), λ = Eν/((1 + ν)(1 − 2ν)), μ = E/(2(1 + ν)), with `young` = E
/// and `poisson` = ν. `nx` × `ny` square elements of side h = 1/max(nx, ny); u = 0 on the side x = 0, whose
/// nodes have no unknowns, and no traction on the others. So there are nx·(ny + 1) nodes with two unknowns
/// each, interleaved: x and y of a node, nodes with x fastest. Every stored row has the full blocks of all
/// its neighbours, up to 18 entries. The integrals are exact. Symmetric positive definite; difficult as ν
/// nears ½ (the elements lock) and for long thin plates. `near_nullspace` holds the three
/// [`rigid_body_modes`]. Right-hand side ∫ f·φ. Cost: one pass, 36·nx·ny entries.
///
/// # Errors
/// No elements, more entries than 32-bit indices can count, E not positive and finite, or ν
/// not between −1 and ½.
///
/// ```
/// let problem = multigrad::gallery::elasticity_2d(8, 2, 1.0, 0.3)?;
/// assert_eq!(problem.matrix.rows(), 2 * 8 * 3);
/// assert_eq!(problem.coordinates.row(0), problem.coordinates.row(1));
/// assert!(problem.near_nullspace.is_some_and(|modes| modes.shape() == (48, 3)));
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn elasticity_2d(nx: usize, ny: usize, young: f64, poisson: f64) -> Result<Problem> {
    let name = format!("elasticity {nx} × {ny}, E = {young}, ν = {poisson}");
    clamped(&[nx, ny], young, poisson, name)
}

/// A clamped beam under its own weight: linear elasticity in space by trilinear elements.
///
/// −∇·σ = (0, 0, −1), multiplied by 1/h; `nx` × `ny` × `nz` cubes, nx·(ny + 1)·(nz + 1) nodes with three
/// unknowns each, up to 81 entries in a row, six rigid-body modes; otherwise as [`elasticity_2d`]. Cost: one
/// pass, 243·nx·ny·nz entries.
///
/// # Errors
/// As for [`elasticity_2d`].
///
/// ```
/// let problem = multigrad::gallery::elasticity_3d(4, 2, 2, 1.0, 0.3)?;
/// assert_eq!(problem.matrix.rows(), 3 * 4 * 3 * 3);
/// assert!(problem.matrix.is_symmetric());
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn elasticity_3d(nx: usize, ny: usize, nz: usize, young: f64, poisson: f64) -> Result<Problem> {
    let name = format!("elasticity {nx} × {ny} × {nz}, E = {young}, ν = {poisson}");
    clamped(&[nx, ny, nz], young, poisson, name)
}

fn clamped(elements: &[usize], young: f64, poisson: f64, name: String) -> Result<Problem> {
    check_positive("Young's modulus E", young)?;
    if !(poisson > -1.0 && poisson < 0.5) {
        return Err(Error::invalid_input(format!(
            "Poisson's ratio ν must lie between −1 and ½, both excluded; got {poisson}"
        )));
    }
    let place = |e: Error| e.at(&name);
    let beam = Beam::new(elements).map_err(place)?;
    let lambda = young * poisson / ((1.0 + poisson) * (1.0 - 2.0 * poisson));
    let mu = young / (2.0 * (1.0 + poisson));
    let matrix = beam.matrix(&element_stiffness(beam.dimension, lambda, mu)).map_err(place)?;
    let coordinates = beam.coordinates();
    let near_nullspace = Some(rigid_body_modes(&coordinates).map_err(place)?);
    Ok(Problem { matrix, rhs: beam.weight(), coordinates, near_nullspace, name })
}

/// The elements and the nodes that are not clamped.
struct Beam {
    /// Elements along x, y, z; 0 along z in the plane.
    elements: [usize; 3],
    /// Nodes along x, y, z without those at x = 0; 1 along z in the plane.
    nodes: [usize; 3],
    dimension: usize,
    spacing: f64,
}

impl Beam {
    fn new(elements: &[usize]) -> Result<Self> {
        let dimension = elements.len();
        // A direction of usize::MAX elements is refused as well: saturated, it is too large.
        let mut nodes = [1; 3];
        let mut all = [0; 3];
        for (d, &count) in elements.iter().enumerate() {
            all[d] = count;
            nodes[d] = if d == 0 { count } else { count.saturating_add(1) };
        }
        check_shape(elements, 1, "elements")?;
        check_shape(&nodes[..dimension], dimension * dimension * 3usize.pow(dimension as u32), "nodes")?;
        let longest = elements.iter().max().copied().unwrap_or(1);
        Ok(Self { elements: all, nodes, dimension, spacing: 1.0 / longest as f64 })
    }

    fn unknowns(&self) -> usize {
        self.dimension * self.nodes.iter().product::<usize>()
    }

    /// The lines along x, y, z on which the node of an unknown lies; x = 0 is line 0.
    fn lines(&self, unknown: usize) -> [usize; 3] {
        let node = unknown / self.dimension;
        let [nx, ny, _] = self.nodes;
        [node % nx + 1, node / nx % ny, node / nx / ny]
    }

    /// One row per unknown, n × d.
    fn coordinates(&self) -> DenseMatrix {
        DenseMatrix::from_fn(self.unknowns(), self.dimension, |i, d| self.spacing * self.lines(i)[d] as f64)
    }

    /// h² times the share of the node in its elements, downwards.
    fn weight(&self) -> Vec<f64> {
        let d = self.dimension;
        let share = |i: usize| {
            let lines = self.lines(i);
            (0..d).fold(1.0, |share, axis| {
                let inside = lines[axis] > 0 && lines[axis] < self.elements[axis];
                if inside { share } else { share / 2.0 }
            })
        };
        let squared = self.spacing * self.spacing;
        (0..self.unknowns()).map(|i| if i % d == d - 1 { -squared * share(i) } else { 0.0 }).collect()
    }

    /// The sum of the element matrices, times h^(2 − d). Each row is gathered from the elements
    /// around its node, in the same order for both ends of a pair: exactly symmetric.
    fn matrix(&self, stiffness: &[f64]) -> Result<Csr<f64>> {
        let d = self.dimension;
        let corners = 1usize << d;
        let side = corners * d;
        let [nx, ny, nz] = self.nodes;
        let n = self.unknowns();
        assemble(
            n,
            n,
            || (),
            |row, (), columns, values| {
                let lines = self.lines(row);
                // The 3^d neighbours, x fastest, times the component.
                let mut sums = [0.0; 81];
                for element in 0..corners {
                    // The element lies above the node along axis a where bit a is set; the
                    // node is then its lower corner there.
                    let bit = |q: usize, axis: usize| q >> axis & 1;
                    let missing = |axis: usize| match bit(element, axis) {
                        0 => lines[axis] == 0,
                        _ => lines[axis] >= self.elements[axis],
                    };
                    if (0..d).any(missing) {
                        continue;
                    }
                    let corner = corners - 1 - element;
                    let start = (corner * d + row % d) * side;
                    for (q, block) in stiffness[start..start + side].chunks_exact(d).enumerate() {
                        let step = |axis: usize| bit(q, axis) + bit(element, axis);
                        let slot = step(0) + 3 * step(1) + if d == 3 { 9 * step(2) } else { 0 };
                        sums[slot * d..].iter_mut().zip(block).for_each(|(sum, value)| *sum += value);
                    }
                }
                for (slot, block) in sums[..3usize.pow(d as u32) * d].chunks_exact(d).enumerate() {
                    let steps = [slot % 3, slot / 3 % 3, if d == 3 { slot / 9 } else { 1 }];
                    // Counted without the clamped line and from 0; wraps below it.
                    let [x, y, z] = std::array::from_fn(|axis| {
                        (lines[axis] + steps[axis]).wrapping_sub(if axis == 0 { 2 } else { 1 })
                    });
                    if x < nx && y < ny && z < nz {
                        let node = x + nx * (y + ny * z);
                        columns.extend((0..d).map(|b| (node * d + b) as u32));
                        values.extend_from_slice(block);
                    }
                }
            },
        )
    }
}

/// The matrix of an element of side 1, (2^d d)² values: entry (p d + a, q d + b) is
/// ∫ λ ∂ₐφ_p ∂_bφ_q + μ ∂_bφ_p ∂ₐφ_q + δₐ_b μ ∇φ_p·∇φ_q. Bit a of a corner is its place along
/// axis a.
fn element_stiffness(d: usize, lambda: f64, mu: f64) -> Vec<f64> {
    let corners = 1usize << d;
    // ∫ ∂ₐφ_p ∂_bφ_q is a product over the axes of integrals on [0, 1] of the two linear
    // functions 1 − x and x, or of their slopes −1 and 1.
    let slope = |bit: usize| if bit == 1 { 1.0 } else { -1.0 };
    let integral = |a: usize, b: usize, p: usize, q: usize| {
        (0..d).fold(1.0, |product, axis| {
            let (r, s) = (p >> axis & 1, q >> axis & 1);
            product
                * match (axis == a, axis == b) {
                    (true, true) => slope(r) * slope(s),
                    (true, false) => slope(r) / 2.0,
                    (false, true) => slope(s) / 2.0,
                    (false, false) if r == s => 1.0 / 3.0,
                    (false, false) => 1.0 / 6.0,
                }
        })
    };
    let mut stiffness = Vec::with_capacity((corners * d).pow(2));
    for (p, a) in (0..corners).flat_map(|p| (0..d).map(move |a| (p, a))) {
        for (q, b) in (0..corners).flat_map(|q| (0..d).map(move |b| (q, b))) {
            let mut value = lambda * integral(a, b, p, q) + mu * integral(b, a, p, q);
            if a == b {
                value += mu * (0..d).map(|axis| integral(axis, axis, p, q)).sum::<f64>();
            }
            stiffness.push(value);
        }
    }
    stiffness
}

#[cfg(test)]
#[path = "elasticity_tests.rs"]
mod tests;
