use multigrad::backend::*;
use multigrad::sparse::*;
use std::time::Instant;
fn run<T: Scalar>(k: usize) {
    let a = multigrad::gallery::recirculating_flow(64, 0.005, multigrad::gallery::FlowScheme::Upwind)
        .unwrap()
        .matrix
        .cast::<T>();
    let n = 64usize;
    let x = vec![T::ONE; n * n * k];
    let mut y = vec![T::ZERO; n * n * k];
    let mut g = vec![T::ZERO; a.nnz()];
    let v = View::from(&a);
    a.pattern().transposition();
    let mut time = |name: &str, f: &mut dyn FnMut()| {
        f();
        let mut best = f64::INFINITY;
        for _ in 0..30 {
            let t0 = Instant::now();
            for _ in 0..10 {
                f();
            }
            best = best.min(t0.elapsed().as_secs_f64() / 10.0);
        }
        print!("{name} {:.1} us {:.2} ns/nnz | ", best * 1e6, best * 1e9 / a.nnz() as f64);
    };
    print!("{} k={k}: ", T::NAME);
    time("spmv", &mut || Cpu.spmv(T::ONE, v, &x, T::ZERO, &mut y, k));
    let b = x.clone();
    time("residual", &mut || Cpu.residual(v, &b, &x, &mut y, k));
    time("transposed", &mut || Cpu.spmv_transposed(T::ONE, v, &x, T::ONE, &mut y, k));
    time("sddmm", &mut || Cpu.sampled_product(T::ONE, a.pattern(), &x, &b, &mut g, k));
    time("gs", &mut || Cpu.gauss_seidel(v, &b, &mut y, Direction::Forward, k));
    let mut o = vec![T::ZERO; k];
    time("dots", &mut || Cpu.column_dots(&x, &b, &mut o));
    println!();
}
fn main() {
    for k in [1, 8, 16] {
        run::<f32>(k);
        run::<f64>(k);
    }
}
