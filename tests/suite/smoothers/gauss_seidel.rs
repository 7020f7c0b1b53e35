//! Parallel Gauss–Seidel: orders, colours, adjoints and derivatives.

use super::*;

const DIRECTIONS: [Direction; 2] = [Direction::Forward, Direction::Backward];

fn orders<T: Scalar>(a: &Csr<T>, rows: u32) -> [Order; 2] {
    [Order::Blocks { rows }, Order::colours_of(a.pattern())]
}

fn ordered_sweeps<T: Scalar>() {
    let mut r = Numbers(81);
    let mut cases = Vec::new();
    for n in [0, 1, 2, 37, 211] {
        let a = r.dominant::<T>(n, 6);
        cases.extend([1, 2, 3, 4, 7, 16].map(|k| (a.clone(), 50, k)));
    }
    // Above the parallel threshold.
    let grid: Csr<T> = poisson(200).cast();
    cases.extend([(grid.clone(), 4_096, 1), (grid.clone(), 1_000, 1), (grid, 4_096, 3)]);
    for (a, rows, k) in cases {
        let n = a.rows();
        let tolerance = if T::NAME == "f64" { 1e-13 } else { 3e-5 };
        let (b, start, w) = (r.vector::<T>(n * k), r.vector::<T>(n * k), r.vector::<T>(n));
        for (order, direction) in orders(&a, rows).iter().flat_map(|o| DIRECTIONS.map(|d| (o.clone(), d))) {
            order.validate(a.pattern()).unwrap();
            let sweep = OrderedSweep { order, direction };
            let view = OrderedView { a: (&a).into(), inverse: &w, sweep: &sweep };
            let run = |backend: &dyn Fn(&mut [T], &mut [T])| {
                let (mut x, mut scratch) = (start.clone(), vec![T::from_f64(f64::NAN); n * k]);
                backend(&mut x, &mut scratch);
                x
            };
            let expected = run(&|x, s| Reference.ordered_sweep(view, &b, x, s, k));
            let mut first: Option<Vec<u64>> = None;
            for pool in pools() {
                let x = pool.install(|| run(&|x, s| Cpu.ordered_sweep(view, &b, x, s, k)));
                for (v, e) in x.iter().zip(&expected) {
                    let gap = (v.to_f64() - e.to_f64()).abs();
                    assert!(gap <= tolerance * (1.0 + e.to_f64().abs()), "{direction:?}, {n} × {k}: {gap:e}");
                }
                assert_eq!(first.get_or_insert_with(|| bits(&x)), &bits(&x), "bits depend on threads");
            }
        }
    }
}

#[test]
fn ordered_sweeps_are_equivalent_to_reference() {
    ordered_sweeps::<f64>();
    ordered_sweeps::<f32>();
}

/// Blocks of all rows are the natural order, and the order matters.
#[test]
fn one_block_is_gauss_seidel() {
    let a = convection(20, 3.0);
    let (b, start) = (Numbers(82).vector::<f64>(400), Numbers(83).vector::<f64>(400));
    let inverse = inverse_diagonal(&a).unwrap();
    for direction in DIRECTIONS {
        let mut natural = start.clone();
        Cpu.gauss_seidel((&a).into(), &b, &mut natural, direction, 1);
        for (rows, same) in [(400, true), (1000, true), (100, false)] {
            let sweep = OrderedSweep { order: Order::Blocks { rows }, direction };
            let view = OrderedView { a: (&a).into(), inverse: &inverse, sweep: &sweep };
            let mut x = start.clone();
            Cpu.ordered_sweep(view, &b, &mut x, &mut [0.0; 400], 1);
            assert_eq!(distance(&x, &natural) < 1e-13, same, "{direction:?}, {rows}");
        }
    }
}

#[test]
fn colourings_use_few_colours() {
    assert_eq!(Colouring::greedy(poisson(30).pattern()).count(), 2);
    assert_eq!(Colouring::greedy(nine_point(30).pattern()).count(), 4);
    assert_eq!(Colouring::greedy(Csr::<f64>::identity(5).pattern()).count(), 1);
    assert_eq!(Colouring::greedy(Csr::<f64>::identity(0).pattern()).count(), 0);
}

/// On symmetric positive definite matrices theory guarantees convergence of every relaxation except undamped
/// SPAI-0 and SPAI-1, and those two converge as well.
#[test]
fn every_relaxation_converges_by_itself() {
    let more =
        ["ilu(3)", "ilut(0.1,2)", "block-jacobi(5)", "spai0(auto)", "ilu0(auto)", "ilut(0.01,10,auto)"];
    let list = Relaxation::ALL.into_iter().chain(more.map(|t| t.parse().unwrap()));
    let symmetric = [poisson(12), rotated_anisotropic(12, 0.1, 0.5).unwrap().matrix, nine_point(11)];
    for relaxation in list {
        for a in &symmetric {
            let (mut sweeps, post) = relaxation.smoothers(a, 1, 1).unwrap();
            sweeps.extend(post);
            let start: Vec<f64> = Numbers(85).vector(a.rows());
            let (some, more) = (iterate(&sweeps, a, &start, 300), iterate(&sweeps, a, &start, 600));
            assert!(norm(&more) < 0.9 * norm(&some) || norm(&more) < 1e-12, "{relaxation}");
            assert!(norm(&some) < norm(&start), "{relaxation}");
        }
    }
}

fn blocks(a: &Csr<f64>, rows: u32, inverse: Vec<f64>, direction: Direction) -> Sweep {
    assert_eq!(a.rows(), inverse.len());
    Smoother::OrderedGaussSeidel {
        sweep: OrderedSweep { order: Order::Blocks { rows }, direction },
        inverse: Storage::shared(inverse),
    }
}

#[test]
fn l1_converges_where_the_plain_hybrid_diverges() {
    let n = 40;
    let entries: Vec<_> =
        (0..n * n).map(|q| (q / n, q % n, if q / n == q % n { 1.0 } else { 0.9 })).collect();
    let a = Csr::from_triplets(n, n, &entries).unwrap();
    let energy = |x: &[f64]| {
        let mut ax = vec![0.0; n];
        a.spmv(x, &mut ax).unwrap();
        dot(&ax, x).sqrt()
    };
    let start: Vec<f64> = Numbers(86).vector(n);
    for direction in DIRECTIONS {
        let plain = blocks(&a, 4, inverse_diagonal(&a).unwrap(), direction);
        assert!(energy(&iterate(&[plain], &a, &start, 50)) > 1e3 * energy(&start));
        let l1 = blocks(&a, 4, l1_block_diagonal(&a, 4).unwrap(), direction);
        // In the energy norm, every sweep of a convergent M with M + Mᵀ − A positive reduces.
        let mut x = start.clone();
        for _ in 0..300 {
            let next = iterate(std::slice::from_ref(&l1), &a, &x, 1);
            assert!(energy(&next) < energy(&x));
            x = next;
        }
        assert!(energy(&iterate(&[l1], &a, &x, 3000)) < 1e-3 * energy(&start));
    }
}

/// ⟨B x, y⟩ = ⟨x, Bᵀ y⟩, where Bᵀ is the transposed sweep on Aᵀ.
#[test]
fn transposed_sweeps_are_adjoint() {
    let a = convection(18, 2.0);
    let n = a.rows();
    let t = a.transpose();
    let mut list: Vec<Sweep> = Vec::new();
    for direction in DIRECTIONS {
        list.push(blocks(&a, 50, inverse_diagonal(&a).unwrap(), direction));
        list.push(blocks(&a, 37, l1_block_diagonal(&a, 37).unwrap(), direction));
    }
    for text in ["multicolour-gauss-seidel(symmetric)", "ilu(2)", "ilut(0.01,4,0.7)", "block-jacobi(5)"] {
        list.extend(text.parse::<Relaxation>().unwrap().smoothers(&a, 1, 0).unwrap().0);
    }
    for sweep in &list {
        let (x, y) = (Numbers(87).vector::<f64>(n), Numbers(88).vector::<f64>(n));
        let (bx, bty) = (apply(sweep, &a, &x), apply(&sweep.transposed(), &t, &y));
        let gap = (dot(&bx, &y) - dot(&x, &bty)).abs();
        assert!(gap < 1e-12 * norm(&bx) * norm(&y), "{sweep}: {gap:e}");
        let other = apply(sweep, &t, &y);
        assert!(distance(&other, &bty) > 1e-6, "{sweep}: the matrix is too symmetric for this test");
    }
}

/// Blocks and colours: A on both sides, the inverse diagonal, b and x.
#[test]
fn an_ordered_sweep_differentiates_everything_it_reads() {
    let a = Numbers(89).dominant::<f64>(30, 4);
    let [b, x, seed] = [90, 91, 92].map(|s| Numbers(s).vector::<f64>(90));
    let inverse: Vec<f64> = inverse_diagonal(&a).unwrap().iter().map(|v| 0.8 * v).collect();
    for (order, direction) in orders(&a, 7).iter().flat_map(|o| DIRECTIONS.map(|d| (o.clone(), d))) {
        let sweep = OrderedSweep { order, direction };
        for zero_x in [false, true] {
            let run = |t: &Tape<f64>, p: &[Vec<f64>], learned: bool| {
                let leaf = |number: usize| {
                    let v = Storage::shared(p[number].clone());
                    if learned { Parameter::learned(v, number) } else { Parameter::constant(v) }
                };
                let m = Matrix { pattern: a.pattern().clone(), values: leaf(0) };
                let (bv, xv) = (t.input(&p[2]), t.input(&p[3]));
                let from = if zero_x { t.zeros(30) } else { xv.clone() };
                (t.ordered_sweep(&m, &leaf(1), &sweep, &bv, from), bv, xv)
            };
            let at = [a.values().to_vec(), inverse.clone(), b.clone(), x.clone()];
            let tape = Tape::new(3);
            let (y, bv, xv) = run(&tape, &at, true);
            let lengths = [a.nnz(), 30];
            let (parameters, of_b) = tape.backward_to(&lengths, &y, &seed, &bv).unwrap();
            let (_, of_x) = tape.backward_to(&lengths, &y, &seed, &xv).unwrap();
            let gradient = [parameters[0].clone(), parameters[1].clone(), of_b, of_x];
            let loss = |p: &[Vec<f64>]| {
                let t = Tape::new(3);
                let y = run(&t, p, false).0;
                Ok(dot(&t.values(&y), &seed))
            };
            let found = gradient_check(loss, &at, &gradient, 200).unwrap();
            assert!(found.relative_error < 1e-6, "{sweep:?}, zero x {zero_x}: {found:?}");
        }
    }
}

/// The tags of older files: a new sweep comes last.
#[test]
fn stored_sweeps_keep_their_tags() {
    let tag = |s: &Sweep| postcard::to_allocvec(s).unwrap()[0];
    let gauss_seidel = Smoother::GaussSeidel { direction: Direction::Forward };
    assert_eq!(postcard::to_allocvec::<Sweep>(&gauss_seidel).unwrap(), [1, 0]);
    let a = poisson(3);
    for (text, expected) in
        [("jacobi", 0), ("chebyshev", 2), ("spai1", 3), ("ilu0", 4), ("l1-gauss-seidel", 5)]
    {
        let sweeps = text.parse::<Relaxation>().unwrap().smoothers(&a, 1, 0).unwrap().0;
        assert_eq!(tag(&sweeps[0]), expected, "{text}");
        let again: Sweep = postcard::from_bytes(&postcard::to_allocvec(&sweeps[0]).unwrap()).unwrap();
        assert_eq!(apply(&again, &a, &[1.0; 9]), apply(&sweeps[0], &a, &[1.0; 9]));
    }
}
