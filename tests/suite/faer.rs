//! Integration with `faer`: its iterative solvers and its matrices.

use crate::common::allocations::peak;
use crate::common::*;
use faer::dyn_stack::{MemBuffer, MemStack, StackReq};
use faer::matrix_free::bicgstab::{BicgParams, bicgstab, bicgstab_scratch};
use faer::matrix_free::conjugate_gradient::{CgParams, conjugate_gradient, conjugate_gradient_scratch};
use faer::matrix_free::lsmr::{LsmrParams, lsmr, lsmr_scratch};
use faer::matrix_free::{BiLinOp, BiPrecond, IdentityPrecond, InitialGuessStatus, LinOp, Precond};
use faer::sparse::{
    SparseColMat, SparseRowMat, SparseRowMatRef, SymbolicSparseRowMat, SymbolicSparseRowMatRef, Triplet,
};
use faer::{Mat, MatMut, Par};
use multigrad::integrations::{FaerPreconditioner, csr_from_faer, csr_to_faer, csr_to_faer_view};
use multigrad::solver::Solver;
use multigrad::sparse::Csr;
use std::sync::Arc;

fn stack_of(bytes: usize) -> MemBuffer {
    MemBuffer::new(StackReq::new::<f64>(bytes))
}

/// Iterations of faer's CG and the largest error, with a known answer in k columns.
fn cg<P: Precond<f64> + Copy>(a: &Csr<f64>, b: P, k: usize) -> (usize, f64) {
    let n = a.rows();
    let matrix = csr_to_faer(a).unwrap();
    let exact = Mat::from_fn(n, k, |i, c| wavy(n)[i] + (i * c) as f64 / n as f64);
    let rhs = matrix.as_ref() * &exact;
    let mut x = Mat::zeros(n, k);
    let mut buffer = MemBuffer::new(conjugate_gradient_scratch(b, matrix.as_ref(), k, Par::Seq));
    let params = CgParams { rel_tolerance: 1e-10, max_iters: 500, ..CgParams::default() };
    let info = conjugate_gradient(
        x.as_mut(),
        b,
        matrix.as_ref(),
        rhs.as_ref(),
        params,
        |_| {},
        Par::Seq,
        MemStack::new(&mut buffer),
    );
    (info.unwrap().iter_count, (&x - &exact).norm_max())
}

#[test]
fn cg_of_faer_gains_from_our_preconditioner() {
    let a = poisson(24);
    let sgs = Sgs(a.clone());
    for k in [1, 3] {
        let (plain, plain_error) = cg(&a, IdentityPrecond { dim: 576 }, k);
        let (fast, error) = cg(&a, FaerPreconditioner(&sgs), k);
        println!("faer cg, {k} columns: {plain} → {fast}");
        assert!(2 * fast < plain);
        assert!(error < 1e-7 && plain_error < 1e-7);
    }
}

#[test]
fn bicgstab_of_faer_gains_from_our_preconditioner() {
    let a = convection(24, 3.0);
    let n = a.rows();
    let sgs = Sgs(a.clone());
    // By columns this time: both storage orders are operators.
    let matrix = csr_to_faer(&a).unwrap().to_col_major().unwrap();
    let exact = Mat::from_fn(n, 1, |i, _| wavy(n)[i]);
    let rhs = matrix.as_ref() * &exact;
    let identity = IdentityPrecond { dim: n };
    let run = |b: &dyn Precond<f64>| {
        // faer takes preconditioners by value: a reference to a concrete one.
        let b = Dynamic(b);
        let mut x = Mat::zeros(n, 1);
        let mut buffer = MemBuffer::new(bicgstab_scratch(b, identity, matrix.as_ref(), 1, Par::Seq));
        let params = BicgParams { rel_tolerance: 1e-10, max_iters: 500, ..BicgParams::default() };
        let stack = MemStack::new(&mut buffer);
        let info =
            bicgstab(x.as_mut(), b, identity, matrix.as_ref(), rhs.as_ref(), params, |_| {}, Par::Seq, stack);
        assert!((&x - &exact).norm_max() < 1e-6);
        info.unwrap().iter_count
    };
    let (plain, fast) = (run(&identity), run(&FaerPreconditioner(&sgs)));
    println!("faer bicgstab: {plain} → {fast}");
    assert!(2 * fast < plain);
}

/// LSMR applies the preconditioner and its transpose.
#[test]
fn lsmr_of_faer_gains_from_our_solver() {
    fn iterations(a: &Csr<f64>, b: impl BiPrecond<f64> + Copy) -> usize {
        let (n, matrix) = (a.rows(), csr_to_faer(a).unwrap());
        let exact = Mat::from_fn(n, 1, |i, _| wavy(n)[i]);
        let rhs = matrix.as_ref() * &exact;
        let mut x = Mat::zeros(n, 1);
        // faer 0.24.4 requests too little for a preconditioner that needs no scratch itself, such as the identity.
        let scratch = lsmr_scratch(b, matrix.as_ref(), 1, Par::Seq).and(StackReq::new::<f64>(4 * n));
        let mut buffer = MemBuffer::new(scratch);
        let params = LsmrParams { rel_tolerance: 1e-9, max_iters: 2000, ..LsmrParams::default() };
        let stack = MemStack::new(&mut buffer);
        let info = lsmr(x.as_mut(), b, matrix.as_ref(), rhs.as_ref(), params, |_| {}, Par::Seq, stack);
        assert!((&x - &exact).norm_max() < 1e-5);
        info.unwrap().iter_count
    }
    let a = convection(24, 3.0);
    let solver = Solver::auto(&a).unwrap();
    let (plain, fast) =
        (iterations(&a, IdentityPrecond { dim: 576 }), iterations(&a, FaerPreconditioner(&solver)));
    println!("faer lsmr: {plain} → {fast}");
    assert!(4 * fast < plain);
}

/// Columns of a `Mat` go to the cycle as they are; only rows in one piece need buffers.
#[test]
fn columns_of_faer_are_used_in_place() {
    let a = poisson(40);
    let solver = Solver::smoothed_aggregation().build(&a).unwrap();
    let b = FaerPreconditioner(&solver);
    let (rhs, mut out) = (Mat::<f64>::full(1600, 2, 1.0), Mat::<f64>::zeros(1600, 2));
    let mut buffer = stack_of(8);
    let stack = MemStack::new(&mut buffer);
    // The first cycles allocate what they keep.
    b.apply(out.as_mut(), rhs.as_ref(), Par::Seq, stack);
    b.transpose_apply(out.as_mut(), rhs.as_ref(), Par::Seq, stack);
    let bytes = |work: &mut dyn FnMut()| peak(work).1;
    let column = 8.0 * 1600.0;
    assert!(bytes(&mut || b.apply(out.as_mut(), rhs.as_ref(), Par::Seq, stack)) < 0.5 * column);
    assert!(bytes(&mut || b.transpose_apply(out.as_mut(), rhs.as_ref(), Par::Seq, stack)) < 0.5 * column);
    let flat = vec![1.0; 3200];
    let rows = faer::MatRef::from_row_major_slice(&flat, 1600, 2);
    assert!(bytes(&mut || b.apply(out.as_mut(), rows, Par::Seq, stack)) > 0.5 * column);
}

#[derive(Clone, Copy, Debug)]
struct Dynamic<'a>(&'a dyn Precond<f64>);

impl LinOp<f64> for Dynamic<'_> {
    fn apply_scratch(&self, k: usize, par: Par) -> faer::dyn_stack::StackReq {
        self.0.apply_scratch(k, par)
    }
    fn nrows(&self) -> usize {
        self.0.nrows()
    }
    fn ncols(&self) -> usize {
        self.0.ncols()
    }
    fn apply(&self, out: MatMut<'_, f64>, rhs: faer::MatRef<'_, f64>, par: Par, stack: &mut MemStack) {
        self.0.apply(out, rhs, par, stack);
    }
    fn conj_apply(&self, out: MatMut<'_, f64>, rhs: faer::MatRef<'_, f64>, par: Par, stack: &mut MemStack) {
        self.0.conj_apply(out, rhs, par, stack);
    }
}

impl Precond<f64> for Dynamic<'_> {}

#[test]
fn any_strides_and_transposes() {
    let m = Csr::from_triplets(3, 3, &[(0, 1, 2.0), (1, 1, -1.0), (2, 0, 4.0)]).unwrap();
    let sparse = Sparse(m);
    let b = FaerPreconditioner(&sparse);
    let rhs = Mat::from_fn(3, 2, |i, c| (1 + i + 3 * c) as f64);
    let expected = [[4.0, 10.0], [-2.0, -5.0], [4.0, 16.0]];
    let transposed = [[12.0, 24.0], [0.0, 3.0], [0.0, 0.0]];
    let mut buffer = stack_of(64);
    let stack = MemStack::new(&mut buffer);
    let check = |out: faer::MatRef<'_, f64>, expected: [[f64; 2]; 3]| {
        for (i, row) in expected.iter().enumerate() {
            for (c, v) in row.iter().enumerate() {
                assert_eq!(out[(i, c)], *v, "({i}, {c})");
            }
        }
    };
    let mut out = Mat::zeros(3, 2);
    b.apply(out.as_mut(), rhs.as_ref(), Par::Seq, stack);
    check(out.as_ref(), expected);
    // Row-major in and out, and reversed rows.
    let row_major: Vec<f64> = (0..3).flat_map(|i| (0..2).map(move |c| (i, c))).map(|q| rhs[q]).collect();
    let view = faer::MatRef::from_row_major_slice(&row_major, 3, 2);
    let mut storage = [0.0; 6];
    b.conj_apply(MatMut::from_row_major_slice_mut(&mut storage, 3, 2), view, Par::Seq, stack);
    check(faer::MatRef::from_row_major_slice(&storage, 3, 2), expected);
    let reversed = Mat::from_fn(3, 2, |i, c| rhs[(2 - i, c)]);
    b.apply(out.as_mut().reverse_rows_mut(), reversed.as_ref().reverse_rows(), Par::Seq, stack);
    check(out.as_ref().reverse_rows(), expected);
    b.transpose_apply(out.as_mut(), rhs.as_ref(), Par::Seq, stack);
    check(out.as_ref(), transposed);
    b.adjoint_apply(out.as_mut(), view, Par::Seq, stack);
    check(out.as_ref(), transposed);
    let mut buffer = MemBuffer::new(
        b.apply_in_place_scratch(2, Par::Seq).or(b.transpose_apply_in_place_scratch(2, Par::Seq)),
    );
    let stack = MemStack::new(&mut buffer);
    out.copy_from(&rhs);
    b.apply_in_place(out.as_mut(), Par::Seq, stack);
    check(out.as_ref(), expected);
    out.copy_from(&rhs);
    b.transpose_apply_in_place(out.as_mut(), Par::Seq, stack);
    check(out.as_ref(), transposed);
}

#[test]
#[should_panic(expected = "a preconditioner with 3 rows was given a 2 × 1 right-hand side")]
fn shapes_that_do_not_fit_panic_as_in_faer() {
    let sparse = Sparse(Csr::identity(3));
    let mut buffer = stack_of(8);
    let rhs = Mat::zeros(2, 1);
    FaerPreconditioner(&sparse).apply(
        Mat::zeros(3, 1).as_mut(),
        rhs.as_ref(),
        Par::Seq,
        MemStack::new(&mut buffer),
    );
}

/// `InitialGuessStatus::Zero` of faer 0.24.4 reads an uninitialised residual. The workaround is
/// `MaybeNonZero` with x = 0. If this test fails, faer was repaired, and the warning in the documentation of
/// `FaerPreconditioner` can be removed.
#[test]
fn the_zero_initial_guess_of_faer_is_broken() {
    let a = poisson(8);
    let matrix = csr_to_faer(&a).unwrap();
    let n = a.rows();
    let identity = IdentityPrecond { dim: n };
    let exact = Mat::from_fn(n, 1, |i, _| wavy(n)[i]);
    let rhs = matrix.as_ref() * &exact;
    let error = |initial_guess| {
        let mut x = Mat::zeros(n, 1);
        let request = conjugate_gradient_scratch(identity, matrix.as_ref(), 1, Par::Seq);
        let mut buffer = MemBuffer::new(request);
        // Memory with known contents in place of an uninitialised residual.
        buffer.fill(std::mem::MaybeUninit::new(0));
        let params = CgParams { initial_guess, rel_tolerance: 1e-10, max_iters: 200, ..CgParams::default() };
        let stack = MemStack::new(&mut buffer);
        let _ = conjugate_gradient(
            x.as_mut(),
            identity,
            matrix.as_ref(),
            rhs.as_ref(),
            params,
            |_| {},
            Par::Seq,
            stack,
        );
        (&x - &exact).norm_max()
    };
    assert!(error(InitialGuessStatus::MaybeNonZero) < 1e-8);
    let zero = error(InitialGuessStatus::Zero);
    assert!(zero.is_nan() || zero > 0.1, "faer's InitialGuessStatus::Zero works now: error {zero:e}");
}

#[test]
fn matrices_go_there_and_back() {
    for a in [poisson(5), convection(4, 2.0), Csr::from_triplets(2, 3, &[(1, 0, 4.0), (0, 2, 1.0)]).unwrap()]
    {
        let rows = csr_to_faer(&a).unwrap();
        assert_eq!(csr_from_faer(rows.as_ref()).unwrap(), a);
        let columns = rows.to_col_major().unwrap();
        assert_eq!(csr_from_faer(columns.as_ref()).unwrap(), a);
    }
    let empty = Csr::from_triplets(0, 0, &[]).unwrap();
    assert_eq!(csr_from_faer(csr_to_faer(&empty).unwrap().as_ref()).unwrap(), empty);
    // Narrow indices, unsorted rows with room to spare, duplicates.
    let symbolic = SymbolicSparseRowMatRef::<u32>::new_unsorted_checked(
        2,
        3,
        &[0, 4, 6],
        Some(&[3, 1]),
        &[2, 0, 2, 9, 1, 9],
    );
    let matrix = SparseRowMatRef::new(symbolic, &[1.0, 2.0, 3.0, f64::NAN, 5.0, f64::NAN]);
    let a = csr_from_faer(matrix).unwrap();
    assert_eq!(a, Csr::from_triplets(2, 3, &[(0, 0, 2.0), (0, 2, 4.0), (1, 1, 5.0)]).unwrap());
    let bad = SparseColMat::try_new_from_triplets(1, 1, &[Triplet::new(0usize, 0usize, f64::NAN)]).unwrap();
    assert!(csr_from_faer(bad.as_ref()).unwrap_err().is_invalid_input());
}

#[test]
fn matrices_with_indices_of_32_bits_are_not_copied() {
    let a = poisson(40);
    let view = csr_to_faer_view(&a).unwrap();
    assert_eq!(
        (view.val().as_ptr(), view.col_idx().as_ptr()),
        (a.values().as_ptr(), a.pattern().col_idx().as_ptr())
    );
    assert_eq!(csr_from_faer(view).unwrap(), a);
    assert_eq!(csr_from_faer(view.transpose()).unwrap(), a.transpose());

    let copy = || {
        let (row_ptr, columns) = (view.row_ptr().to_vec(), view.col_idx().to_vec());
        let symbolic = SymbolicSparseRowMat::new_checked(view.nrows(), view.ncols(), row_ptr, None, columns);
        SparseRowMat::new(symbolic, view.val().to_vec())
    };
    let rows = Arc::new(copy());
    let places = (rows.val().as_ptr(), rows.col_idx().as_ptr(), rows.row_ptr().as_ptr());
    let bytes = |work: &mut dyn FnMut()| peak(work).1;
    assert!(bytes(&mut || drop(csr_from_faer(rows.clone()).unwrap())) < 2000.0);
    let check = |b: Csr<f64>| {
        let pattern = b.pattern();
        assert_eq!((b.values().as_ptr(), pattern.col_idx().as_ptr(), pattern.row_ptr().as_ptr()), places);
        assert_eq!(b, a);
    };
    check(csr_from_faer(rows.clone()).unwrap());
    check(csr_from_faer(Arc::into_inner(rows).unwrap()).unwrap());
    // With other indices, and with a value that is not a number.
    assert_eq!(csr_from_faer(Arc::new(csr_to_faer(&a).unwrap())).unwrap(), a);
    let (symbolic, mut values) = copy().into_parts();
    values[7] = f64::NAN;
    assert!(csr_from_faer(SparseRowMat::new(symbolic, values)).unwrap_err().is_invalid_input());
}

#[test]
fn values_of_a_matrix_passed_by_value_are_moved() {
    let a = poisson(5);
    let rows = csr_to_faer(&a).unwrap();
    let place = rows.val().as_ptr();
    let moved = csr_from_faer(rows).unwrap();
    assert_eq!((&moved, moved.values().as_ptr()), (&a, place));
    // Room behind, before and between the rows is left out.
    let expected = Csr::from_triplets(2, 3, &[(0, 0, 1.0), (0, 2, 2.0), (1, 1, 3.0)]).unwrap();
    let room = f64::NAN;
    for (row_ptr, row_nnz, columns, values) in [
        (vec![0, 2, 3], None, vec![0, 2, 1, 0], vec![1.0, 2.0, 3.0, room]),
        (vec![1, 3, 4], None, vec![0, 0, 2, 1], vec![room, 1.0, 2.0, 3.0]),
        (vec![0, 3, 5], Some(vec![2, 1]), vec![0, 2, 0, 1, 0], vec![1.0, 2.0, room, 3.0, room]),
    ] {
        let symbolic = SymbolicSparseRowMat::<u32>::new_checked(2, 3, row_ptr, row_nnz, columns);
        let matrix = SparseRowMat::new(symbolic, values);
        assert_eq!(csr_from_faer(matrix.as_ref()).unwrap(), expected);
        assert_eq!(csr_from_faer(matrix.clone()).unwrap(), expected);
        assert_eq!(csr_from_faer(Arc::new(matrix)).unwrap(), expected);
    }
    let (symbolic, mut values) = csr_to_faer(&a).unwrap().into_parts();
    values[7] = f64::INFINITY;
    assert!(csr_from_faer(SparseRowMat::new(symbolic, values)).unwrap_err().is_invalid_input());
}
