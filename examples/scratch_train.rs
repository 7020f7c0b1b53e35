use multigrad::engine::{Host, Matrix};
use multigrad::learn::*;
use multigrad::multigrid::*;
use multigrad::sparse::Csr;
use multigrad::backend::Direct;
use std::sync::Arc;
fn main() {
    let tag = std::env::args().nth(1).unwrap();
    let get = |k: &str, d: f64| std::env::var(k).ok().and_then(|v| v.parse().ok()).unwrap_or(d);
    let text = std::fs::read_to_string(format!("/tmp/scratch/pyamg/dump/{tag}.txt")).unwrap();
    let mut it = text.split_whitespace();
    let levels: usize = it.next().unwrap().parse().unwrap();
    let mut mat = || -> Csr<f64> {
        let r: usize = it.next().unwrap().parse().unwrap();
        let c: usize = it.next().unwrap().parse().unwrap();
        let n: usize = it.next().unwrap().parse().unwrap();
        let t: Vec<_> = (0..n).map(|_| (it.next().unwrap().parse().unwrap(), it.next().unwrap().parse().unwrap(), it.next().unwrap().parse().unwrap())).collect();
        Csr::from_triplets(r, c, &t).unwrap()
    };
    let mut ls = Vec::new();
    for _ in 0..levels {
        let (a, p, r, m) = (mat(), mat(), mat(), mat());
        let m: Matrix<_> = m.into();
        ls.push(Level { a: a.into(), prolongation: p.into(), restriction: r.into(), pre: vec![Smoother::Sparse { m: m.clone() }], post: vec![Smoother::Sparse { m }] });
    }
    let c = mat();
    let h = Hierarchy::<Host<f64>> { levels: ls, coarsest: Arc::new(Direct::new(&c).unwrap()), coarsest_rows: c.rows(), gamma: 1 };
    h.validate().unwrap();
    println!("{h}");
    let recipe = Recipe { steps: get("STEPS", 300.) as usize, rate: get("RATE", 0.02), cycles: get("K", 5.) as usize, batch: get("BATCH", 8.) as usize };
    let t = std::time::Instant::now();
    println!("start factor {:?} {:.3}s", asymptotic_factor(&h, 1, 100), t.elapsed().as_secs_f64());
    fn go<T: multigrad::sparse::Scalar>(h: &Hierarchy<Host<f64>>, recipe: Recipe, seed: u64) {
        let t = std::time::Instant::now();
        let mut s = Session::<T>::new(h, recipe, seed).unwrap();
        for _ in 0..recipe.steps { s.step().unwrap(); }
        let secs = t.elapsed().as_secs_f64();
        println!("{} train {secs:.2}s loss {:.4} rollbacks {} best {:.4} last {:.4}", T::NAME, s.loss_history.last().unwrap(), s.rollbacks, s.best_factor(), s.factor());
        for (q, p) in s.candidates().iter().enumerate() {
            let g = p.install(h);
            println!("   {q} final f64 {:?}", asymptotic_factor(&g, 7, 120));
        }
        if std::env::var("HIST").is_ok() { for f in &s.factor_history { println!("{} {:.4} {:.4}", f.0, f.1, s.loss_history[f.0.max(1) - 1]); } }
    }
    for seed in 1..=get("SEEDS", 1.) as u64 {
        if std::env::var("F64").is_ok() { go::<f64>(&h, recipe, seed); }
        go::<f32>(&h, recipe, seed);
    }
}
