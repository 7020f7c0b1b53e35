use multigrad::gallery;
use multigrad::multigrid::*;
use multigrad::setup::*;
use std::time::Instant;
fn t<R>(name: &str, f: impl Fn() -> R) -> R {
    let mut best = f64::MAX;
    for _ in 0..(if std::env::var("R").is_ok(){3}else{15}) {
        let c = Instant::now();
        let r = f();
        best = best.min(c.elapsed().as_secs_f64());
        drop(r);
    }
    println!("{name:40} {:.3} ms", best * 1e3);
    f()
}
fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let n: usize = args[1].parse().unwrap();
    let a = match args[0].as_str() {
        "supg" => gallery::recirculating_flow(n, 0.005, gallery::FlowScheme::Supg),
        "up" => gallery::recirculating_flow(n, 0.005, gallery::FlowScheme::Upwind),
        "p2" => gallery::poisson_2d(n, n),
        _ => gallery::poisson_3d(n, n, n),
    }
    .unwrap()
    .matrix;
    let s: Setup = args[2].parse().unwrap();
    let r: Relaxation = args[3].parse().unwrap();
    t("portrait", || multigrad::solver::Portrait::of(&a));
    t("clone", || a.clone());
    t("transpose", || a.transpose());
    t("symmetric_part", || a.symmetric_part().unwrap());
    let Setup::Aggregation(c) = s.clone() else { panic!() };
    let g = t("coarsen", || c.coarsen(&a, None).unwrap());

    let v = Coarsening { candidate_sweeps: Some(0), ..c.clone() };
    t("coarsen no sweeps", || v.coarsen(&a, None).unwrap());
    let v = Coarsening { smoothing: Some(Smoothing::None), ..c.clone() };
    t("coarsen no smoothing", || v.coarsen(&a, None).unwrap());
    let v = Coarsening { smoothing: Some(Smoothing::None), candidate_sweeps: Some(0), ..c.clone() };
    t("coarsen no smoothing, no sweeps", || v.coarsen(&a, None).unwrap());
    for (i, tr) in g.transfers.iter().enumerate() {
        let (p, r, m) = (&tr.prolongation, &tr.restriction, &tr.a);
        println!("level {i} rows {} nnz {} P nnz {}", m.rows(), m.nnz(), p.nnz());
        t("  symmetric_part", || m.symmetric_part().unwrap());
        let d = multigrad::setup::inverse_diagonal(m).unwrap();
        t("  inverse_diagonal", || multigrad::setup::inverse_diagonal(m).unwrap());
        t("  sampled", || multigrad::setup::sampled_radius(m, &d).unwrap());
        t("  inf norm", || multigrad::setup::infinity_norm(m, &d).unwrap());
        println!(
            "{} {} {}",
            multigrad::setup::sampled_radius(m, &d).unwrap(),
            multigrad::setup::infinity_norm(m, &d).unwrap(),
            multigrad::setup::spectral_radius(m, &d).unwrap()
        );
        t("  galerkin", || m.galerkin(r, p).unwrap());
        t("  transpose P", || p.transpose());
        t("  ilu0", || r_ilu(m));
    }
    let b = Amg::builder(s.clone()).relaxation(r);
    let h = t("build_hierarchy", || b.build_hierarchy(&a).unwrap());
    let h32 = t("cast", || h.cast::<f32>().unwrap());
    t("clone h", || h.clone());
    t("precond", || CyclePreconditioner::new(h32.clone()).unwrap());
    t("clone h32", || h32.clone());
}
fn r_ilu(m: &multigrad::sparse::Csr<f64>) -> impl Sized {
    multigrad::setup::relaxation::ilu0(m)
}
