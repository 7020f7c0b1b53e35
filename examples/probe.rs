//! Scratch.
use multigrad::gallery;
use multigrad::multigrid::Relaxation;
use multigrad::solver::*;
use std::time::Instant;
fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let n: usize = args[1].parse().unwrap();
    let p = match args[0].as_str() {
        "p2" => gallery::poisson_2d(n, n),
        "p3" => gallery::poisson_3d(n, n, n),
        "supg" => gallery::recirculating_flow(n, 0.005, gallery::FlowScheme::Supg),
        "up" => gallery::recirculating_flow(n, 0.005, gallery::FlowScheme::Upwind),
        name => gallery::named(name, n, 1),
    }
    .unwrap();
    let a = &p.matrix;
    let b = vec![1.0; a.rows()];
    for c in &args[2..] {
        // setup:relaxation:sweeps:cycle:precision:krylov
        let f: Vec<&str> = c.split('/').collect();
        let mut conf = Configuration::new(
            f[0].parse::<multigrad::multigrid::Setup>().unwrap(),
            f[1].parse::<Relaxation>().unwrap(),
            f[5].parse().unwrap(),
        );
        let s: usize = f[2].parse().unwrap();
        conf = if f[0] == "none" { conf } else { conf.sweeps(s, s) };
        conf = conf.cycle(f[3].parse().unwrap());
        if f[4] == "f64" {
            conf = conf.double();
        }
        let (mut ts, mut tv) = (f64::MAX, f64::MAX);
        let mut text = String::new();
        for _ in 0..std::env::var("REP").map_or(3, |r| r.parse().unwrap()) {
            let t = Instant::now();
            let solver = match Solver::build(a, &conf, p.near_nullspace.as_ref()) {
                Ok(s) => s,
                Err(e) => {
                    text = e.to_string();
                    break;
                }
            };
            ts = ts.min(t.elapsed().as_secs_f64());
            let t = Instant::now();
            let out = solver.solve(a, &b).unwrap();
            tv = tv.min(t.elapsed().as_secs_f64());
            text = format!(
                "{:4} its {} rr {:.1e} levels {} oc {:.2} MB {:.0}",
                out.iterations,
                out.status,
                out.relative_residual(),
                solver.levels(),
                solver.operator_complexity(),
                solver.bytes() as f64 / 1e6
            );
        }
        println!("{} {n} {conf}: setup {ts:.4} solve {tv:.4} total {:.4} {text}", args[0], ts + tv);
    }
}
