//! Poisson's equation in the terms of `fenris`: bilinear elements on the unit square.

use fenris::assembly::global::{
    CsrAssembler, VectorAssembler, apply_homogeneous_dirichlet_bc_csr, apply_homogeneous_dirichlet_bc_rhs,
};
use fenris::assembly::local::{
    ElementEllipticAssemblerBuilder, ElementSourceAssemblerBuilder, SourceFunction, UniformQuadratureTable,
};
use fenris::assembly::operators::{LaplaceOperator, Operator};
use fenris::mesh::QuadMesh2d;
use fenris::mesh::procedural::create_unit_square_uniform_quad_mesh_2d;
use fenris::nalgebra::{DVector, Point2, U1, U2, Vector1};
use fenris::nalgebra_sparse::CsrMatrix;
use fenris::quadrature::tensor::quadrilateral_gauss;

use crate::Outcome;

/// The right-hand side f = 1.
struct One;

impl Operator<f64, U2> for One {
    type SolutionDim = U1;
    type Parameters = ();
}

impl SourceFunction<f64, U2> for One {
    fn evaluate(&self, _: &Point2<f64>, (): &()) -> Vector1<f64> {
        Vector1::new(1.0)
    }
}

/// Matrix and right-hand side of −Δu = 1 with u = 0 at x = 0 and no flux elsewhere, on n × n elements.
pub fn poisson(n: usize) -> Outcome<(CsrMatrix<f64>, DVector<f64>)> {
    let mesh: QuadMesh2d<f64> = create_unit_square_uniform_quad_mesh_2d(n);
    let (weights, points) = quadrilateral_gauss(2);
    let quadrature = UniformQuadratureTable::from_points_and_weights(points, weights);
    let u = DVector::zeros(mesh.vertices().len());
    let stiffness = ElementEllipticAssemblerBuilder::new()
        .with_finite_element_space(&mesh)
        .with_operator(&LaplaceOperator)
        .with_quadrature_table(&quadrature)
        .with_u(&u)
        .build();
    let load = ElementSourceAssemblerBuilder::new()
        .with_finite_element_space(&mesh)
        .with_quadrature_table(&quadrature)
        .with_source(&One)
        .build();
    let mut a = CsrAssembler::default().assemble(&stiffness)?;
    let mut b = VectorAssembler::default().assemble_vector(&load)?;
    let left = |(node, place): (usize, &Point2<f64>)| (place.x < 1e-12).then_some(node);
    let fixed: Vec<usize> = mesh.vertices().iter().enumerate().filter_map(left).collect();
    apply_homogeneous_dirichlet_bc_csr(&mut a, &fixed, 1);
    apply_homogeneous_dirichlet_bc_rhs(&mut b, &fixed, 1);
    Ok((a, b))
}
