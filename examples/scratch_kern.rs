use multigrad::backend::*;
use multigrad::sparse::*;
use std::time::Instant;
fn run<T: Scalar>(k: usize) {
    let n = 64usize; let mut t = vec![];
    for i in 0..n*n { let (x,y)=(i%n,i/n); t.push((i,i,4.0)); if x>0 {t.push((i,i-1,-1.0))} if x+1<n {t.push((i,i+1,-1.0))} if y>0 {t.push((i,i-n,-1.0))} if y+1<n {t.push((i,i+n,-1.0))} }
    let a = Csr::<f64>::from_triplets(n*n,n*n,&t).unwrap().cast::<T>();
    let x = vec![T::ONE; n*n*k]; let mut y = vec![T::ZERO; n*n*k]; let mut g = vec![T::ZERO; a.nnz()];
    let v = View::from(&a);
    a.pattern().transposition();
    let mut time = |name: &str, f: &mut dyn FnMut()| { f(); let mut best = f64::INFINITY; for _ in 0..20 { let t0 = Instant::now(); for _ in 0..10 { f(); } best = best.min(t0.elapsed().as_secs_f64()/10.0); } println!("{} k={k} {name:20} {:8.1} us  {:.3} ns/nnz", T::NAME, best*1e6, best*1e9/a.nnz() as f64); };
    time("spmv", &mut || Cpu.spmv(T::ONE, v, &x, T::ZERO, &mut y, k));
    time("spmv_add", &mut || Cpu.spmv(T::ONE, v, &x, T::ONE, &mut y, k));
    let b = x.clone();
    time("residual", &mut || Cpu.residual(v, &b, &x, &mut y, k));
    time("transposed", &mut || Cpu.spmv_transposed(T::ONE, v, &x, T::ONE, &mut y, k));
    time("sddmm", &mut || Cpu.sampled_product(T::ONE, a.pattern(), &x, &b, &mut g, k));
    time("gs", &mut || Cpu.gauss_seidel(v, &b, &mut y, Direction::Forward, k));
    let mut o = vec![T::ZERO; k];
    time("dots", &mut || Cpu.column_dots(&x, &b, &mut o));
    time("combine", &mut || Cpu.combine(T::ONE, &b, T::ONE, &mut y));
}
fn main(){ for k in [1,8,16] { run::<f32>(k); run::<f64>(k); } }
