//! What the fuzz targets share: the random systems of the suite, edits of them, and files on disk.
#![allow(dead_code)]

use std::path::PathBuf;

use multigrad::sparse::{Csr, Scalar};

#[path = "../../suite/common/generator.rs"]
mod generator;
#[path = "../../suite/common/systems.rs"]
pub mod systems;

/// As in the suite.
pub mod numbers {
    pub use crate::generator::Numbers;
}

/// A random system of up to 120 unknowns that the bytes describe: kind, size and seed, then edits of four bytes each that
/// add an entry, clear or scale a row, or scale a column.
pub fn system_of(bytes: &[u8]) -> Option<(Csr, numbers::Numbers)> {
    let (head, edits) = bytes.split_at_checked(6)?;
    let seed = u32::from_le_bytes([head[2], head[3], head[4], head[5]]);
    let mut random = numbers::Numbers(u64::from(seed));
    let mut a = systems::system(usize::from(head[0]) % systems::KINDS, 1 + usize::from(head[1]) % 120, &mut random);
    for edit in edits.chunks_exact(4).take(40) {
        let n = a.rows();
        let (i, j) = (usize::from(edit[0]) % n, usize::from(edit[1]) % n);
        let factor = 10f64.powi(i32::from(edit[2] % 41) - 20) * if edit[3] & 4 == 0 { 1.0 } else { -1.0 };
        a = match edit[3] % 4 {
            0 => a.add(1.0, &Csr::from_triplets(n, n, &[(i, j, factor)]).ok()?, 1.0).ok()?,
            1 => a.map(|r, _, v| if r == i { 0.0 } else { v }),
            2 => a.map(|r, _, v| if r == i { v * factor } else { v }),
            _ => a.map(|_, c, v| if c == j { v * factor } else { v }),
        };
    }
    a.values().iter().all(|v| v.is_finite()).then_some((a, random))
}

/// A file with this content in a folder of its own, and the folder.
pub fn on_disk(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("file");
    std::fs::write(&path, bytes).expect("a file in the temporary folder");
    (folder, path)
}

/// A matrix whose arrays keep the rules.
pub fn check_matrix(a: &Csr) {
    let p = a.pattern();
    let checked = Csr::from_csr(a.rows(), a.cols(), p.row_ptr(), p.col_idx(), a.values().to_vec());
    assert_eq!(&checked.expect("a valid matrix"), a);
}

/// An error is a sentence.
pub fn check_error(error: &multigrad::Error) {
    assert!(error.to_string().len() > 15, "{error}");
}

/// Bytes after edits of three bytes each (place, value) behind a header.
pub fn edited(file: &[u8], header: usize, edits: &[u8]) -> Vec<u8> {
    let mut content = file.to_vec();
    for edit in edits.chunks_exact(3).take(16) {
        let length = content.len() - header;
        content[header + usize::from(u16::from_le_bytes([edit[0], edit[1]])) % length] = edit[2];
    }
    content
}

/// The file of a solver, with a header of 20 bytes and a checksum of 16, after edits in between and with the checksum that
/// belongs to it.
pub fn resealed(file: &[u8], edits: &[u8]) -> Vec<u8> {
    let mut content = edited(&file[..file.len() - 16], 20, edits);
    let checksum = xxhash_rust::xxh3::xxh3_128(&content);
    content.extend_from_slice(&checksum.to_le_bytes());
    content
}
