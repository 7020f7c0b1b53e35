//! Matrix Market files on disk: round trips, the bundled meshes, errors of the operating system.

use std::path::PathBuf;

use multigrad::error::Result;
use multigrad::sparse::matrix_market::{
    read_dense, read_matrix, read_vector, write_dense, write_matrix, write_vector,
};
use multigrad::sparse::{Csr, DenseMatrix};
use proptest::prelude::*;

fn meshes() -> PathBuf {
    PathBuf::from("meshes")
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|v| v.to_bits()).collect()
}

#[test]
fn the_bundled_files_are_read() -> Result<()> {
    for (name, n, nnz) in
        [("airfoil", 260, 1682), ("unit_square", 191, 1243), ("bar", 600, 23402), ("recirc_flow", 225, 1849)]
    {
        let a = read_matrix(meshes().join(format!("{name}.mtx")))?;
        assert_eq!((a.rows(), a.cols(), a.nnz()), (n, n, nnz), "{name}");
        assert_eq!(a.is_symmetric(), name != "recirc_flow", "{name}");
    }
    assert_eq!(read_dense(meshes().join("airfoil_vertices.mtx"))?.shape(), (322, 2));
    assert_eq!(read_dense(meshes().join("bar_vertices.mtx"))?.shape(), (225, 3));
    assert_eq!(read_vector(meshes().join("unit_square_B.mtx"))?, vec![1.0; 191]);
    // Rigid-body modes: elasticity without Dirichlet rows would map them to zero.
    let modes = read_dense(meshes().join("bar_B.mtx"))?;
    assert_eq!(modes.shape(), (600, 6));
    assert_eq!((modes[[0, 0]], modes[[1, 0]], modes[[1, 1]]), (1.0, 0.0, 1.0));
    Ok(())
}

#[test]
fn every_bundled_file_survives_a_round_trip() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(meshes()).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|e| e != "mtx") {
            continue;
        }
        let copy = folder.path().join("copy.mtx");
        let a = read_matrix(&path)?;
        write_matrix(&copy, &a)?;
        assert_eq!(read_matrix(&copy)?, a, "{}", path.display());
        let b = read_dense(&path)?;
        write_dense(&copy, &b)?;
        assert_eq!(read_dense(&copy)?, b, "{}", path.display());
    }
    Ok(())
}

#[test]
fn the_operating_system_is_quoted() {
    let error = read_matrix("no/such/file.mtx").unwrap_err();
    assert!(error.is_io() && error.to_string().contains("no/such/file.mtx"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    assert!(read_matrix(folder.path()).unwrap_err().is_io());
    let path = folder.path().join("absent").join("a.mtx");
    assert!(write_vector(&path, &[1.0]).unwrap_err().is_io());
}

#[test]
fn errors_name_the_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.mtx");
    std::fs::write(&path, "%%MatrixMarket matrix coordinate real general\n2 2 100\n").unwrap();
    let error = read_matrix(&path).unwrap_err();
    assert!(error.is_format() && error.to_string().starts_with(&path.display().to_string()), "{error}");
}

#[test]
fn values_that_are_not_finite_are_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.mtx");
    let error = write_vector(&path, &[1.0, f64::NAN]).unwrap_err();
    assert!(error.is_invalid_input() && error.to_string().contains("row 2, column 1"), "{error}");
    assert!(!path.exists());
}

#[test]
fn symmetric_means_to_the_last_bit() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mtx");
    let kind = |triplets: &[(usize, usize, f64)]| -> Result<bool> {
        let a = Csr::from_triplets(3, 3, triplets)?;
        write_matrix(&path, &a)?;
        let back = read_matrix(&path)?;
        assert_eq!(back.pattern(), a.pattern());
        assert_eq!(bits(back.values()), bits(a.values()));
        Ok(std::fs::read_to_string(&path).unwrap().contains(" symmetric"))
    };
    assert!(kind(&[])?);
    assert!(kind(&[(0, 2, 1.5), (2, 0, 1.5), (1, 1, 0.0)])?);
    assert!(!kind(&[(0, 2, 1.5), (2, 0, 1.5 + f64::EPSILON)])?);
    assert!(!kind(&[(0, 2, 0.0), (2, 0, -0.0)])?);
    assert!(!kind(&[(0, 2, 1.5), (2, 0, 1.5), (0, 1, 1.0)])?);
    assert!(!kind(&[(2, 0, 1.5)])?);
    assert!(!kind(&[(0, 1, 1.0), (1, 2, 1.0), (2, 0, 1.0)])?);
    Ok(())
}

/// Any finite value, subnormal ones and both zeros among them.
fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>().prop_filter("finite", |v| v.is_finite()),
        any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |v| v.is_finite()),
        -10.0..10.0f64,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(1), ..ProptestConfig::with_cases(200) })]

    #[test]
    fn sparse_round_trips_keep_every_bit(
        rows in 1..9usize,
        cols in 1..9usize,
        entries in proptest::collection::vec((0..64usize, 0..64usize, value()), 0..40),
        mirror in any::<bool>(),
    ) {
        let cols = if mirror { rows } else { cols };
        let mut triplets = std::collections::BTreeMap::new();
        for (i, j, v) in entries {
            triplets.insert((i % rows, j % cols), v);
            if mirror {
                triplets.insert((j % cols, i % rows), v);
            }
        }
        let list: Vec<_> = triplets.into_iter().map(|((i, j), v)| (i, j, v)).collect();
        let a = Csr::from_triplets(rows, cols, &list).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mtx");
        write_matrix(&path, &a).unwrap();
        let back = read_matrix(&path).unwrap();
        prop_assert_eq!(back.pattern(), a.pattern());
        prop_assert_eq!(bits(back.values()), bits(a.values()));
    }

    #[test]
    fn dense_round_trips_keep_every_bit(
        rows in 0..6usize,
        cols in 0..6usize,
        values in proptest::collection::vec(value(), 36),
    ) {
        let block = DenseMatrix::from_fn(rows, cols, |i, j| values[6 * i + j]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b.mtx");
        write_dense(&path, &block).unwrap();
        let back = read_dense(&path).unwrap();
        prop_assert_eq!(back.shape(), block.shape());
        prop_assert!(back.values().iter().zip(block.values()).all(|(v, w)| v.to_bits() == w.to_bits()));
    }
}
