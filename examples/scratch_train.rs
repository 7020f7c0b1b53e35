use multigrad::gallery::*;
use multigrad::learn::*;
use multigrad::multigrid::*;
use multigrad::setup::*;
fn main() {
    let tag = std::env::args().nth(1).unwrap();
    let get = |k: &str, d: f64| std::env::var(k).ok().and_then(|v| v.parse().ok()).unwrap_or(d);
    let n = get("N", 64.) as usize;
    let p = match tag.as_str() {
        "up" => recirculating_flow(n, 0.005, FlowScheme::Upwind),
        "supg" => recirculating_flow(n, 0.005, FlowScheme::Supg),
        "gal" => recirculating_flow(n, 0.005, FlowScheme::Galerkin),
        "poi" => poisson_2d(n, n),
        "rot" => rotated_anisotropic(n, 1e-3, std::f64::consts::PI / 6.),
        _ => panic!(),
    }
    .unwrap();
    let v = match std::env::var("V") {
        Ok(v) => v.parse().unwrap(),
        _ => suited_variant(&p.matrix),
    };
    let mut c = Coarsening { variant: v, ..Default::default() };
    if let Ok(t) = std::env::var("THETA") {
        c.theta = t.parse().unwrap();
    }
    if let Ok(t) = std::env::var("MC") {
        c.max_coarse = t.parse().unwrap();
    }
    if std::env::var("ARN").is_ok() {
        c.evolution_radius = SpectralRadius::Arnoldi;
    }
    let t = std::time::Instant::now();
    let amg =
        Amg::smoothed_aggregation().coarsening(c).relaxation(Relaxation::Spai1).build(&p.matrix).unwrap();
    println!("{amg}  setup {:.3}", t.elapsed().as_secs_f64());
    let h = amg.hierarchy();
    let recipe = Recipe {
        steps: get("STEPS", 300.) as usize,
        rate: get("RATE", 0.02),
        cycles: get("K", 5.) as usize,
        batch: get("BATCH", 16.) as usize,
    };
    let t = std::time::Instant::now();
    println!("start factor {:?} {:.3}s", asymptotic_factor(h, 1, 100), t.elapsed().as_secs_f64());
    if std::env::var("CLASSIC").is_ok() {
        for r in [
            Relaxation::Jacobi(None),
            Relaxation::GaussSeidel,
            Relaxation::Ilu0(1.0),
            Relaxation::Chebyshev(3),
        ] {
            let b = amg.with_relaxation(r, (1, 1)).unwrap();
            println!("{r} {:.4}", asymptotic_factor(b.hierarchy(), 1, 100).factor);
        }
    }
    for seed in 1..=get("SEEDS", 1.) as u64 {
        let t = std::time::Instant::now();
        let mut s = Session::<f32>::new(h, recipe, seed).unwrap();
        for _ in 0..recipe.steps {
            s.step().unwrap();
        }
        let secs = t.elapsed().as_secs_f64();
        let g = s.candidates()[0].install(h);
        println!(
            "train {secs:.2}s loss {:.4} rollbacks {} best {:.4} last {:.4} final {:.4}",
            s.loss_history.last().unwrap(),
            s.rollbacks,
            s.best_factor(),
            s.factor(),
            asymptotic_factor(&g, 7, 120).factor
        );
        if std::env::var("HIST").is_ok() {
            for f in &s.factor_history {
                println!("{} {:.4} {:.4}", f.0, f.1, s.loss_history[f.0.max(1) - 1]);
            }
        }
    }
}
