//! Files of solvers: bit-identical on the way back, and nothing damaged gets in.

use crate::common;
use crate::common::numbers;

use std::path::Path;

use crate::common::numbers::Numbers;
use multigrad::gallery::{FlowScheme, recirculating_flow};
use multigrad::learn::Trainer;
use multigrad::multigrid::{CycleKind, Relaxation};
use multigrad::operator::Preconditioner;
use multigrad::setup::Coarsening;
use multigrad::solver::Solver;
use multigrad::sparse::Csr;
use xxhash_rust::xxh3::xxh3_128;

fn flow(m: usize) -> Csr<f64> {
    recirculating_flow(m, 0.005, FlowScheme::Upwind).unwrap().matrix
}

fn build(a: &Csr<f64>) -> Solver {
    Solver::smoothed_aggregation().suited_to(a).build(a).unwrap()
}

fn bytes(solver: &Solver, path: &Path) -> Vec<u8> {
    solver.save(path).unwrap();
    std::fs::read(path).unwrap()
}

/// The solver of these bytes, for a matrix of 64 rows.
fn load(bytes: &[u8], path: &Path) -> multigrad::error::Result<Solver> {
    std::fs::write(path, bytes).unwrap();
    Solver::load_for_other(path, &flow(8))
}

/// The file with a corrected checksum.
fn sealed(mut content: Vec<u8>) -> Vec<u8> {
    let length = content.len() - 16;
    let checksum = xxh3_128(&content[..length]);
    content[length..].copy_from_slice(&checksum.to_le_bytes());
    content
}

fn same(before: &Solver, after: &Solver, a: &Csr<f64>) {
    assert_eq!((before.fingerprint(), before.factor()), (after.fingerprint(), after.factor()));
    assert_eq!((before.setup(), before.sweeps()), (after.setup(), after.sweeps()));
    assert_eq!((before.configuration(), before.krylov()), (after.configuration(), after.krylov()));
    assert_eq!(before.to_string(), after.to_string());
    let precision = Solver::is_single_precision;
    assert_eq!((precision(before), before.is_symmetric()), (precision(after), after.is_symmetric()));
    let n = a.rows();
    let r: Vec<f64> = Numbers(71).vector(n);
    let (mut x, mut y) = (vec![0.0; n], vec![1.0; n]);
    before.apply(&r, &mut x).unwrap();
    after.apply(&r, &mut y).unwrap();
    assert_eq!(numbers::bits(&x), numbers::bits(&y));
    before.apply_transposed(&r, &mut x).unwrap();
    after.apply_transposed(&r, &mut y).unwrap();
    assert_eq!(numbers::bits(&x), numbers::bits(&y));
}

#[test]
fn a_round_trip_changes_no_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("solver.mgrad");
    for a in [flow(16), common::poisson(16), common::nine_point(4), Csr::identity(1)] {
        let w = Solver::smoothed_aggregation().suited_to(&a).cycle(CycleKind::W).build(&a).unwrap();
        let mut list = vec![w];
        list.extend(Relaxation::ALL.map(|r| build(&a).with_relaxation(r, (2, 1)).unwrap()));
        let mut trained = build(&a);
        Trainer::new().steps(3).fit(&mut trained).unwrap();
        list.push(trained);
        for amg in list {
            let single = amg.to_single_precision().unwrap();
            let named = amg.to_single_precision().unwrap().described("a solver with a name: κ", Some(0.125));
            for solver in [amg, single, named] {
                solver.save(&path).unwrap();
                let again = Solver::load(&path, &a).unwrap();
                same(&solver, &again, &a);
                let first = std::fs::read(&path).unwrap();
                assert_eq!(first, bytes(&again, &path), "saving what was loaded gives another file");
                assert_eq!(first, solver.to_bytes().unwrap(), "a file has other contents");
                same(&solver, &Solver::from_bytes(&first, &a).unwrap(), &a);
            }
        }
    }
}

/// Sparse factors are computed anew from the file, by the same method.
#[test]
fn a_direct_solver_makes_a_round_trip() {
    for a in [common::poisson(20), flow(20)] {
        let solver = Solver::builder(multigrad::Setup::Direct).build(&a).unwrap();
        assert!(solver.to_string().starts_with("direct, f64, "), "{solver}");
        let again = Solver::from_bytes(&solver.to_bytes().unwrap(), &a).unwrap();
        same(&solver, &again, &a);
        assert_eq!((solver.bytes(), solver.to_bytes().unwrap()), (again.bytes(), again.to_bytes().unwrap()));
        assert!(again.setup_seconds() > 0.0);
    }
}

#[test]
fn an_error_of_writing_names_the_file_of_the_user() {
    let error = build(&common::poisson(8)).save("/missing/folder/a.mgrad").unwrap_err();
    assert!(error.is_io());
    let text = error.to_string();
    assert!(text.contains("/missing/folder/a.mgrad") && !text.contains(".multigrad-"), "{text}");
}

/// The direct solver of a coarse level beyond the dense path survives as well.
#[test]
fn a_large_coarsest_level_makes_a_round_trip() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("solver.mgrad");
    let a = flow(14);
    let coarsening = Coarsening { max_coarse: 500, ..Coarsening::default() };
    let amg = Solver::smoothed_aggregation().coarsening(coarsening).suited_to(&a).build(&a).unwrap();
    assert_eq!(amg.hierarchy().coarsest_rows, 196);
    let single = amg.to_single_precision().unwrap();
    for solver in [amg, single] {
        solver.save(&path).unwrap();
        same(&solver, &Solver::load(&path, &a).unwrap(), &a);
    }
}

#[test]
fn a_flipped_byte_anywhere_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("solver.mgrad");
    let good = bytes(&build(&flow(8)).to_single_precision().unwrap(), &path);
    assert!(load(&good, &path).is_ok());
    let stride = (good.len() / 500).max(1);
    for at in (0..64).chain((64..good.len()).step_by(stride)).chain(good.len() - 40..good.len()) {
        for flip in [0x01, 0x80, 0xff] {
            let mut bad = good.clone();
            bad[at] ^= flip;
            let error = load(&bad, &path).unwrap_err();
            assert!(error.is_format(), "byte {at}: {error}");
        }
    }
}

#[test]
fn a_truncated_or_foreign_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("solver.mgrad");
    let good = bytes(&build(&flow(8)), &path);
    let stride = (good.len() / 300).max(1);
    for length in (0..80).chain((80..good.len()).step_by(stride)).chain(good.len() - 40..good.len()) {
        let error = load(&good[..length], &path).unwrap_err();
        assert!(error.is_format(), "{length} bytes: {error}");
    }
    assert!(load(b"", &path).unwrap_err().to_string().contains("empty"));
    assert!(load(b"%%MatrixMarket matrix", &path).unwrap_err().to_string().contains("not a solver"));
    assert!(load(&good[..good.len() / 2], &path).unwrap_err().to_string().contains("truncated"));
    let mut longer = good.clone();
    longer.extend([0; 7]);
    assert!(load(&longer, &path).unwrap_err().is_format());
    assert!(Solver::load(folder.path().join("nothing here"), &flow(8)).unwrap_err().is_io());
    assert!(Solver::load(folder.path(), &flow(8)).unwrap_err().is_io());
}

/// A file with a correct checksum and wrong contents: neither a panic nor a huge allocation.
#[test]
fn a_forged_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("solver.mgrad");
    let good = bytes(&build(&flow(8)), &path);
    let mut future = good.clone();
    for (version, age) in [(good[8] - 1, "an earlier"), (good[8] + 1, "a later")] {
        let says = &format!("{age} version of multigrad (format {version}");
        future[8] = version;
        let error = load(&sealed(future.clone()), &path).unwrap_err();
        assert!(error.is_format() && error.to_string().contains(says), "{error}");
        assert!(error.to_string().contains("build or train the solver again and save it"), "{error}");
        // Another version may end otherwise: its version is what matters.
        let error = load(&future[..future.len() - 3], &path).unwrap_err();
        assert!(error.is_format() && error.to_string().contains(says), "{error}");
    }

    for (q, wrong) in [(12, 0xff), (12, 0x01), (19, 0x80)] {
        let mut bad = good.clone();
        bad[q] ^= wrong;
        assert!(load(&sealed(bad), &path).unwrap_err().is_format(), "the length is wrong");
    }
    let mut longer = good[..good.len() - 16].to_vec();
    longer.extend([0; 20]);
    assert!(load(&sealed(longer), &path).unwrap_err().is_format(), "bytes follow the payload");
    // Lengths and indices of vectors lie at the front of the payload.
    let stride = (good.len() / 1500).max(1);
    for at in (20..400).chain((400..good.len() - 16).step_by(stride)) {
        for value in [0x00, 0x7f, 0x80, 0xff] {
            let mut bad = good.clone();
            bad[at] = value;
            if at + 9 < good.len() - 16 && value == 0xff {
                bad[at..at + 9].fill(0xff);
            }
            // What decodes is a sound solver of some matrix; it must run without a panic.
            if let Ok(solver) = load(&sealed(bad), &path) {
                let n = solver.rows();
                assert!(n == 64);
                solver.apply(&vec![1.0; n], &mut vec![0.0; n]).unwrap();
                let _ = solver.apply_transposed(&vec![1.0; n], &mut vec![0.0; n]);
            }
        }
    }
}

#[test]
fn another_matrix_is_told_apart() {
    let a = flow(8);
    let amg = build(&a);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("solver.mgrad");
    amg.save(&path).unwrap();
    Solver::load(&path, &a).unwrap();
    assert!(Solver::load_for_other(&path, &flow(9)).unwrap_err().is_fingerprint());
    let nudged = a.map(|i, j, v| if (i, j) == (5, 5) { v * (1.0 + 1e-15) } else { v });
    for other in [nudged, a.transpose(), flow(9), Csr::identity(64), a.filter(|i, j, _| (i, j) != (0, 1))] {
        let error = Solver::load(&path, &other).unwrap_err();
        assert!(error.is_fingerprint(), "{error}");
    }
    // A hierarchy of another matrix does not keep the old fingerprint.
    let other = flow(8).map(|i, j, v| if i == j { 2.0 * v } else { v });
    if let Ok(mixed) = amg.with_hierarchy(build(&other).hierarchy().clone()) {
        mixed.save(&path).unwrap();
        assert!(Solver::load(&path, &a).is_err());
        Solver::load(&path, &other).unwrap();
    }
}

/// A classical solver that was loaded takes new values; a learned one says why it cannot.
#[test]
fn what_was_loaded_can_be_refreshed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("solver.mgrad");
    let a = flow(14);
    let b = vec![1.0; a.rows()];
    let next = a.map(|i, j, v| if i == j { 1.1 * v } else { v });
    let classical = Solver::auto(&a).unwrap();
    classical.save(&path).unwrap();
    let mut loaded = Solver::load(&path, &a).unwrap();
    assert_eq!(loaded.reasons(), classical.reasons());
    loaded.refresh(&next).unwrap();
    let mut kept = classical;
    kept.refresh(&next).unwrap();
    assert_eq!(loaded.solve(&b).unwrap(), kept.solve(&b).unwrap());
    // Values that do not suit the smoother leave the solver as it was.
    let mut loaded = Solver::smoothed_aggregation().build(&a).unwrap();
    let zero = a.map(|i, j, v| if (i, j) == (3, 3) { 0.0 } else { v });
    let before = loaded.solve(&b).unwrap();
    assert!(loaded.refresh(&zero).is_err());
    assert_eq!(loaded.solve(&b).unwrap(), before);
    loaded.refresh(&next).unwrap();
    assert!(loaded.solve(&b).unwrap().converged());

    let mut learned = build(&a);
    Trainer::new().steps(20).fit(&mut learned).unwrap();
    learned.save(&path).unwrap();
    let mut learned = Solver::load(&path, &a).unwrap();
    assert!(learned.to_string().contains("learned relaxation"), "{learned}");
    let error = learned.refresh(&next).unwrap_err();
    assert!(error.is_unsuited() && error.to_string().contains("LearnedSolver"), "{error}");
    assert!(learned.solve(&b).unwrap().converged());
}

#[test]
fn a_failed_save_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let solver = build(&flow(8));
    assert!(solver.save(folder.path().join("missing/solver.mgrad")).unwrap_err().is_io());
    let occupied = folder.path().join("a folder");
    std::fs::create_dir(&occupied).unwrap();
    assert!(solver.save(&occupied).unwrap_err().is_io());
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["a folder"]);
    assert_eq!(std::fs::read_dir(&occupied).unwrap().count(), 0);
    // An existing file is replaced as a whole.
    let path = folder.path().join("solver.mgrad");
    std::fs::write(&path, vec![7; 1 << 20]).unwrap();
    let first = bytes(&solver, &path);
    assert!(Solver::load(&path, &flow(8)).is_ok() && first.len() < 1 << 20);
}

/// Training keeps the matrix, the precision and the place of a solver in single precision.
#[test]
fn a_solver_in_single_precision_is_trained_for_its_own_matrix() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("solver.mgrad");
    // Values that single precision rounds.
    let a = flow(14).map(|_, _, v| v / 3.0);
    let mut solver = Solver::smoothed_aggregation().suited_to(&a).single_precision().build(&a).unwrap();
    assert_eq!(solver.hierarchy().levels[0].a.to_csr(), a);
    Trainer::new().steps(5).fit(&mut solver).unwrap();
    assert!(solver.is_single_precision() && solver.matrix() == &a);
    solver.save(&path).unwrap();
    let loaded = Solver::load(&path, &a).unwrap();
    let b = vec![1.0; a.rows()];
    assert_eq!(loaded.solve(&b).unwrap(), solver.solve(&b).unwrap());
    assert!(solver.solve(&b).unwrap().converged());
}

/// An automatic solver that had to leave its first configuration is saved with the one that solved.
#[test]
fn a_file_holds_the_configuration_that_solved() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.mgrad");
    // Indefinite, with a positive diagonal: the hierarchy for definite matrices does not converge.
    let a = multigrad::gallery::helmholtz_2d(60, 10.0).unwrap().matrix;
    let solver = Solver::auto(&a).unwrap();
    let b: Vec<f64> = (0..a.rows()).map(|i| (i as f64 * 0.7).sin()).collect();
    let out = solver.solve(&b).unwrap();
    assert!(out.converged(), "{out}");
    let answered = out.solver.expect("another configuration than the first");
    solver.save(&path).unwrap();
    let loaded = Solver::load(&path, &a).unwrap();
    assert_eq!(loaded.setup().name(), answered.split([',', ' ']).next().unwrap());
    assert!(loaded.solve(&b).unwrap().converged());
}

/// Bytes pass the checks of files, with the messages of files except for the path.
#[test]
fn bytes_are_checked_as_files_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("solver.mgrad");
    let a = flow(8);
    let good = build(&a).to_bytes().unwrap();
    let (mut flipped, mut other_version) = (good.clone(), good.clone());
    flipped[good.len() / 2] ^= 1;
    other_version[8] = 99;
    let longer = [&good[..], &[0; 7]].concat();
    for (bad, a, says) in [
        (&[][..], &a, "the saved solver is empty"),
        (b"%%MatrixMarket matrix", &a, "this is not a solver saved by multigrad"),
        (&good[..9], &a, "the saved solver is truncated"),
        (&good[..good.len() / 2], &a, "the saved solver is truncated"),
        (&flipped, &a, "the saved solver is damaged"),
        (&longer, &a, "the saved solver is damaged"),
        (&other_version, &a, "the solver was saved by a later version"),
        (&good, &flow(9), "the solver was made for another matrix: it has 64 unknowns"),
        (&good, &a.transpose(), "the solver was made for another matrix: the values or the pattern differ"),
    ] {
        let error = Solver::from_bytes(bad, a).unwrap_err();
        assert!(error.to_string().starts_with(says), "{error}");
        std::fs::write(&path, bad).unwrap();
        let of_file = Solver::load(&path, a).unwrap_err();
        assert_eq!(of_file.to_string(), format!("{}: {error}", path.display()));
        assert_eq!(
            (of_file.is_format(), of_file.is_fingerprint()),
            (error.is_format(), error.is_fingerprint())
        );
    }
    assert!(Solver::from_bytes(&good, &a).is_ok());
}
