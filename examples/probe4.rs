use multigrad::gallery; use multigrad::multigrid::*;
fn main(){ let a=gallery::poisson_2d(1000,1000).unwrap().matrix; let s: Setup="sa".parse().unwrap(); let r: Relaxation="spai0".parse().unwrap(); let b=Amg::builder(s).relaxation(r);
 for _ in 0..8 { let t=std::time::Instant::now(); std::hint::black_box(b.build_hierarchy(&a).unwrap()); println!("{:?}", t.elapsed()); } }
