//! Model problems by name, with standard parameters.

use std::f64::consts::FRAC_PI_6;

use super::*;

/// Builds a problem of size `n` with a seed.
type Build = fn(usize, u64) -> Result<Problem>;

const MODELS: &[(&str, Build)] = &[
    ("poisson2d", |n, _| poisson_2d(n, n)),
    ("poisson3d", |n, _| poisson_3d(n, n, n)),
    ("rotated-anisotropic", |n, _| rotated_anisotropic(n, 1e-3, FRAC_PI_6)),
    ("anisotropic3d", |n, _| anisotropic_3d(n, 1.0, 1e-2, 1e-4)),
    ("recirculating-flow", |n, _| recirculating_flow(n, FLOW_EPSILON, FlowScheme::Upwind)),
    ("recirculating-flow3d", |n, _| recirculating_flow_3d(n, FLOW_EPSILON)),
    ("rotated-anisotropic3d", |n, _| rotated_anisotropic_3d(n, 1e-3, space::ANGLES.0, space::ANGLES.1)),
    ("helmholtz2d", |n, _| helmholtz_2d(n, 10.0)),
    ("jumps2d", |n, seed| jumping_coefficients_2d(n, n, 1e6, Jumps::Random((n / 8).max(1)), seed)),
    ("jumps3d", |n, seed| jumping_coefficients_3d(n, n, n, 1e6, Jumps::Random((n / 8).max(1)), seed)),
    ("stretched2d", |n, _| stretched_grid_2d(n, n, 1000.0)),
    ("neumann2d", |n, _| neumann_2d(n, n)),
    ("elasticity2d", |n, _| elasticity_2d(n, n, 1.0, 0.3)),
    ("elasticity3d", |n, _| elasticity_3d(n, n, n, 1.0, 0.3)),
    ("stokes2d", |n, _| stokes_2d(n)),
    ("mixed-diffusion2d", |n, _| mixed_diffusion_2d(n)),
    ("unstructured3d", unstructured_3d),
    #[cfg(feature = "mesh")]
    ("random-diffusion", |n, seed| random_diffusion_2d(n, 0.0, seed)),
    ("power-law", |n, seed| power_law_laplacian(n, 4, GraphOptions::default(), seed)),
    ("power-law-grounded", |n, seed| {
        power_law_laplacian(n, 4, GraphOptions { grounded: true, ..GraphOptions::default() }, seed)
    }),
];

/// The names known to [`named`].
pub const NAMES: [&str; MODELS.len()] = {
    let mut names = [""; MODELS.len()];
    let mut i = 0;
    while i < names.len() {
        names[i] = MODELS[i].0;
        i += 1;
    }
    names
};

/// The model problem with the given name, out of [`NAMES`], upper or lower case.
///
/// `n` is the number of unknowns, cells or elements in every direction; for the graphs the
/// number of vertices, for `random-diffusion` about the number of unknowns. `seed` matters to
/// `jumps2d`, `jumps3d`, `unstructured3d`, `random-diffusion` and the graphs.
///
/// | name | parameters |
/// |---|---|
/// | `poisson2d`, `poisson3d`, `neumann2d` | none |
/// | `rotated-anisotropic` | ε = 10⁻³, θ = π/6 |
/// | `anisotropic3d` | ε = (1, 10⁻², 10⁻⁴) |
/// | `recirculating-flow` | ε = 0.005, upwind |
/// | `recirculating-flow3d` | ε = 0.005, upwind |
/// | `rotated-anisotropic3d` | ε = 10⁻³, θ = π/6, φ = π/4 |
/// | `helmholtz2d` | k = 10 |
/// | `jumps2d`, `jumps3d` | contrast 10⁶ in random blocks of an eighth of a side |
/// | `stretched2d` | ratio 1000 |
/// | `elasticity2d`, `elasticity3d` | E = 1, ν = 0.3 |
/// | `stokes2d`, `mixed-diffusion2d`, `unstructured3d` | none |
/// | `random-diffusion` | η = 0 |
/// | `power-law`, `power-law-grounded` | 4 edges per node, weights 1 |
///
/// # Errors
/// An unknown name (the message lists all), and the errors of the generator.
///
/// ```
/// use multigrad::gallery::{NAMES, named};
/// for name in NAMES {
///     assert!(named(name, 6, 1)?.matrix.rows() >= 5);
/// }
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn named(name: &str, n: usize, seed: u64) -> Result<Problem> {
    let (_, build) = MODELS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).ok_or_else(|| {
        Error::invalid_input(format!(
            "'{name}' is not the name of a model problem; choose one of {}",
            NAMES.join(", ")
        ))
    })?;
    build(n, seed)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{check, same};
    use super::*;

    #[test]
    fn every_name_gives_a_problem_that_only_the_seed_may_change() -> Result<()> {
        let seeded =
            ["jumps2d", "jumps3d", "unstructured3d", "random-diffusion", "power-law", "power-law-grounded"];
        for (i, name) in NAMES.into_iter().enumerate() {
            assert!(!NAMES[..i].contains(&name), "{name} twice");
            let problem = named(name, 9, 1)?;
            check(&problem);
            assert!(same(&problem, &named(&name.to_uppercase(), 9, 1)?));
            assert_eq!(same(&problem, &named(name, 9, 2)?), !seeded.contains(&name), "{name}");
            assert!(named(name, 0, 1).is_err_and(|e| e.is_invalid_input()));
        }
        Ok(())
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let message = named("poison2d", 4, 0).unwrap_err().to_string();
        assert!(NAMES.iter().all(|name| message.contains(name)), "{message}");
    }
}
