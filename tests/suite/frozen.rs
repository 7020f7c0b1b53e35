//! Frozen files: bit-identical round trips, and rejection of damaged files.

use crate::common;
use crate::common::numbers;

use std::path::Path;

use crate::common::numbers::Numbers;
use multigrad::frozen::Frozen;
use multigrad::gallery::{FlowScheme, recirculating_flow};
use multigrad::learn::Trainer;
use multigrad::multigrid::{Amg, CycleKind, Relaxation};
use multigrad::operator::Preconditioner;
use multigrad::setup::Coarsening;
use multigrad::sparse::Csr;
use xxhash_rust::xxh3::xxh3_128;

fn flow(m: usize) -> Csr<f64> {
    recirculating_flow(m, 0.005, FlowScheme::Upwind).unwrap().matrix
}

fn build(a: &Csr<f64>) -> Amg {
    Amg::smoothed_aggregation().suited_to(a).build(a).unwrap()
}

fn bytes(frozen: &Frozen, path: &Path) -> Vec<u8> {
    frozen.save(path).unwrap();
    std::fs::read(path).unwrap()
}

fn load(bytes: &[u8], path: &Path) -> multigrad::error::Result<Frozen> {
    std::fs::write(path, bytes).unwrap();
    Frozen::load(path)
}

/// The file with a corrected checksum.
fn sealed(mut content: Vec<u8>) -> Vec<u8> {
    let length = content.len() - 16;
    let checksum = xxh3_128(&content[..length]);
    content[length..].copy_from_slice(&checksum.to_le_bytes());
    content
}

fn same(before: &Frozen, after: &Frozen, a: &Csr<f64>) {
    after.check_matrix(a).unwrap();
    assert_eq!(before.origin(), after.origin());
    assert_eq!(before.to_string(), after.to_string());
    assert_eq!((before.is_single(), before.is_symmetric()), (after.is_single(), after.is_symmetric()));
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
        let w = Amg::smoothed_aggregation().suited_to(&a).cycle(CycleKind::W).build(&a).unwrap();
        let mut list = vec![w];
        list.extend(Relaxation::ALL.map(|r| build(&a).with_relaxation(r, (2, 1)).unwrap()));
        let mut trained = build(&a);
        Trainer::new().steps(3).fit(&mut trained).unwrap();
        list.push(trained);
        for amg in list {
            for frozen in [amg.freeze().unwrap(), amg.freeze_f32().unwrap()] {
                let frozen = frozen.described("a solver with a name: κ", Some(0.125));
                frozen.save(&path).unwrap();
                let again = Frozen::load(&path).unwrap();
                same(&frozen, &again, &a);
                let first = std::fs::read(&path).unwrap();
                assert_eq!(first, bytes(&again, &path), "saving what was loaded gives another file");
            }
        }
    }
}

/// The direct solver of a coarse level beyond the dense path survives as well.
#[test]
fn a_large_coarsest_level_makes_a_round_trip() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("solver.mgrad");
    let a = flow(14);
    let coarsening = Coarsening { max_coarse: 500, ..Coarsening::default() };
    let amg = Amg::smoothed_aggregation().coarsening(coarsening).suited_to(&a).build(&a).unwrap();
    assert_eq!(amg.hierarchy().coarsest_rows, 196);
    for frozen in [amg.freeze().unwrap(), amg.freeze_f32().unwrap()] {
        frozen.save(&path).unwrap();
        same(&frozen, &Frozen::load(&path).unwrap(), &a);
    }
}

#[test]
fn a_flipped_byte_anywhere_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("solver.mgrad");
    let good = bytes(&build(&flow(8)).freeze_f32().unwrap(), &path);
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
    let good = bytes(&build(&flow(8)).freeze().unwrap(), &path);
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
    assert!(Frozen::load(folder.path().join("nothing here")).unwrap_err().is_io());
    assert!(Frozen::load(folder.path()).unwrap_err().is_io());
}

/// A file with a correct checksum and wrong contents: neither a panic nor a huge allocation.
#[test]
fn a_forged_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("solver.mgrad");
    let good = bytes(&build(&flow(8)).freeze().unwrap(), &path);
    let mut future = good.clone();
    future[8] = 3;
    let error = load(&sealed(future.clone()), &path).unwrap_err();
    assert!(error.is_format() && error.to_string().contains("version 3"), "{error}");
    // A later version may have another layout: its version decides.
    future.truncate(future.len() - 3);
    let error = load(&future, &path).unwrap_err();
    assert!(error.is_format() && error.to_string().contains("version 3"), "{error}");

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
            // A file that decodes is a valid solver of some matrix; it must run without a panic.
            if let Ok(frozen) = load(&sealed(bad), &path) {
                let n = frozen.rows();
                assert!(n == 64);
                frozen.apply(&vec![1.0; n], &mut vec![0.0; n]).unwrap();
                let _ = frozen.apply_transposed(&vec![1.0; n], &mut vec![0.0; n]);
            }
        }
    }
}

#[test]
fn another_matrix_is_told_apart() {
    let a = flow(8);
    let amg = build(&a);
    let frozen = amg.freeze().unwrap();
    frozen.check_matrix(&a).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("solver.mgrad");
    frozen.save(&path).unwrap();
    Frozen::load_for(&path, &a).unwrap();
    assert!(Frozen::load_for(&path, &flow(9)).unwrap_err().is_fingerprint());
    let nudged = a.map(|i, j, v| if (i, j) == (5, 5) { v * (1.0 + 1e-15) } else { v });
    for other in [nudged, a.transpose(), flow(9), Csr::identity(64), a.filter(|i, j, _| (i, j) != (0, 1))] {
        let error = frozen.check_matrix(&other).unwrap_err();
        assert!(error.is_fingerprint(), "{error}");
    }
    // A hierarchy of another matrix does not keep the old fingerprint.
    let other = flow(8).map(|i, j, v| if i == j { 2.0 * v } else { v });
    if let Ok(mixed) = amg.with_hierarchy(build(&other).hierarchy().clone()) {
        assert!(mixed.freeze().unwrap().check_matrix(&a).is_err());
        mixed.freeze().unwrap().check_matrix(&other).unwrap();
    }
}

#[test]
fn a_failed_save_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let frozen = build(&flow(8)).freeze().unwrap();
    assert!(frozen.save(folder.path().join("missing/solver.mgrad")).unwrap_err().is_io());
    let occupied = folder.path().join("a folder");
    std::fs::create_dir(&occupied).unwrap();
    assert!(frozen.save(&occupied).unwrap_err().is_io());
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["a folder"]);
    assert_eq!(std::fs::read_dir(&occupied).unwrap().count(), 0);
    // An existing file is replaced as a whole.
    let path = folder.path().join("solver.mgrad");
    std::fs::write(&path, vec![7; 1 << 20]).unwrap();
    let first = bytes(&frozen, &path);
    assert!(Frozen::load(&path).is_ok() && first.len() < 1 << 20);
}
