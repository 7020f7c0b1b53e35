//! A clamped plate in the terms of `finite_element_method`: quadrilateral plate elements with six unknowns per node.

use extended_matrix::{BasicOperationsTrait, Position, Vector};
use finite_element_method::{DOFParameter, FEM, SeparatedStiffnessMatrixSparse};
use multigrad::Csr;

use crate::Outcome;

/// Relative tolerance of the solves.
const TOLERANCE: f64 = 1e-8;

/// The assembled plate.
pub struct Plate {
    /// The model.
    pub model: FEM<f64>,
    /// Its matrix, separated into free and fixed unknowns.
    pub matrix: SeparatedStiffnessMatrixSparse<f64>,
    /// Forces on the free unknowns.
    pub forces: Vector<f64>,
    /// Displacements of the fixed unknowns.
    pub fixed: Vector<f64>,
}

impl Plate {
    /// A square plate of 1 m, 2 cm thick, of n × n elements, clamped along one edge, under a load normal to it and one
    /// along it.
    pub fn new(n: u32) -> Outcome<Self> {
        let mut model = FEM::create(TOLERANCE, 1e-14, (n + 1) * (n + 1));
        let h = 1.0 / f64::from(n);
        let node = |i: u32, j: u32| 1 + i + j * (n + 1);
        for j in 0..=n {
            for i in 0..=n {
                model.add_node(node(i, j), h * f64::from(i), h * f64::from(j), 0.0)?;
            }
        }
        for j in 0..n {
            for i in 0..n {
                let number = 1 + i + j * n;
                let corners = [node(i, j), node(i + 1, j), node(i + 1, j + 1), node(i, j + 1)];
                let [a, b, c, d] = corners;
                model.add_plate(number, a, b, c, d, 2e11, 0.3, 0.02, 5.0 / 6.0)?;
                model.add_uniformly_distributed_surface_load(number, DOFParameter::Z, -1e3)?;
            }
        }
        for j in 0..=n {
            model.add_concentrated_load(node(n, j), DOFParameter::X, 1e5 * h)?;
            for direction in [
                DOFParameter::X,
                DOFParameter::Y,
                DOFParameter::Z,
                DOFParameter::ThX,
                DOFParameter::ThY,
                DOFParameter::ThZ,
            ] {
                model.add_displacement(node(0, j), direction, 0.0)?;
            }
        }
        let matrix = model.separate_stiffness_matrix_sparse_iterative()?;
        let forces = model.compose_r_a_vector(matrix.get_k_aa_indexes())?;
        let fixed = model.compose_u_b_vector(matrix.get_k_bb_indexes())?;
        Ok(Self { model, matrix, forces, fixed })
    }

    /// The matrix of the free unknowns.
    pub fn csr(&self) -> Outcome<Csr<f64>> {
        let n = self.matrix.get_n_aa();
        Ok(Csr::from_triplets(n, n, self.matrix.get_k_aa_triplets())?)
    }

    /// The forces on the free unknowns; the fixed ones do not move.
    pub fn right_hand_side(&self) -> Outcome<Vec<f64>> {
        values(&self.forces, self.matrix.get_n_aa())
    }
}

/// The values of a vector of this crate.
pub fn values(vector: &Vector<f64>, n: usize) -> Outcome<Vec<f64>> {
    (0..n).map(|i| Ok(*vector.get_element_value(&Position(i, 0))?)).collect()
}
