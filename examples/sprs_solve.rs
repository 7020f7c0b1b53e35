//! From an `sprs` matrix to its solution, with a smoothed-aggregation preconditioner.

use multigrad::{Amg, Csr, krylov::Cg};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // −u'' = 1 on 10 000 points, as an sprs user would assemble it.
    let n = 10_000;
    let mut triplets = sprs::TriMat::new((n, n));
    for i in 0..n {
        triplets.add_triplet(i, i, 2.0);
        if i + 1 < n {
            triplets.add_triplet(i, i + 1, -1.0);
            triplets.add_triplet(i + 1, i, -1.0);
        }
    }
    let matrix: sprs::CsMat<f64> = triplets.to_csr();

    let a = Csr::from_sprs(&matrix)?;
    let amg = Amg::smoothed_aggregation().build(&a)?;
    let out = Cg::new().rtol(1e-8).preconditioner(&amg).solve(&a, &vec![1.0; n])?;
    println!("{amg}\n\n{out}");
    if out.converged() { Ok(()) } else { Err("not converged".into()) }
}
