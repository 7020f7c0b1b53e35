//! Agreement of the formats, their variants, and damaged files.

use std::io::Write;

use super::*;
use crate::sparse::DenseMatrix;

/// As SciPy writes it: fields are one character narrower than the format says.
const SCIPY: &str = "\
Default title                                                           0       \n\
             5             1             1             3\n\
RUA                        4             4             9             0\n\
(26I3)          (40I2)          (3E25.16)           \n  1  4  6  8 10\n 1 2 4 1 2 3 4 2 4\n\
  4.0000000000000000E+00 -1.0000000000000000E+00  1.0000000000000000E-03\n\
 -1.0000000000000000E+00  4.5000000000000000E+00  3.0000000000000000E+00\n\
 -7.0000000000000000E+00  2.0000000000000000E+00  5.0000000000000000E+00\n";

/// A header of Harwell and Boeing: type, rows, columns, entries, formats, and what follows.
fn boeing(kind: &str, sizes: &str, formats: &str, rest: &str) -> String {
    format!("title\n 9 1 1 1\n{kind}           {sizes} 0\n{formats}\n{rest}")
}

/// The same with a right-hand side.
fn with_rhs(kind: &str, rhs: &str, rest: &str) -> String {
    format!("title\n 9 1 1 1 1\n{kind}  2 2 2 0\n(3I2) (2I2) (2F4.1) (2F4.1)\n{rhs}\n 1 2 3\n 1 2\n{rest}")
}

fn read(bytes: impl AsRef<[u8]>) -> MatrixFile {
    MatrixFile::parse(bytes.as_ref(), "f").unwrap_or_else(|e| panic!("{e}"))
}

fn dense(bytes: impl AsRef<[u8]>) -> DenseMatrix {
    let a = read(bytes).matrix;
    DenseMatrix::from_fn(a.rows(), a.cols(), |i, j| a.get(i, j))
}

fn refused(bytes: impl AsRef<[u8]>, parts: &[&str]) {
    let error = MatrixFile::parse(bytes.as_ref(), "f").unwrap_err().to_string();
    assert!(error.starts_with("f") && parts.iter().all(|p| error.contains(p)), "{error}");
}

/// The matrix of the files of SciPy.
fn expected() -> DenseMatrix {
    DenseMatrix::from([
        [4.0, -1.0, 0.0, 0.0],
        [-1.0, 4.5, 0.0, 2.0],
        [0.0, 0.0, 3.0, 0.0],
        [1e-3, 0.0, -7.0, 5.0],
    ])
}

fn scipy(name: &str) -> Vec<u8> {
    std::fs::read(format!("tests/data/{name}")).unwrap()
}

#[test]
fn formats_agree() {
    let text = "%%MatrixMarket matrix coordinate real general\n4 4 9\n1 1 4\n1 2 -1\n2 1 -1\n2 2 4.5\n2 4 2\n\
        3 3 3\n4 1 1e-3\n4 3 -7\n4 4 5\n";
    let a = read(text);
    assert_eq!(dense(text), expected());
    for other in [SCIPY.into(), scipy("scipy_csr.npz"), scipy("scipy_coo.npz"), scipy("scipy.mat")] {
        assert_eq!(read(other).matrix, a.matrix);
    }
    assert_eq!((a.rhs, a.notices.len()), (None, 0));
}

#[test]
fn symmetries_and_fields_of_boeing_files() {
    let lower = "(4I2) (4I2) (2D10.2)";
    let body = " 1 3 4 5\n 1 2 2 3\n  1.00D+00 -2.50D-01\n  3.00D+00  4.00D+00\n";
    let a = DenseMatrix::from([[1.0, -0.25, 0.0], [-0.25, 3.0, 0.0], [0.0, 0.0, 4.0]]);
    assert_eq!(dense(boeing("RSA", "3 3 4", lower, body)), a);
    assert_eq!(dense(boeing("rsa", "3 3 4", lower, &body.replace('\n', "\r\n"))), a);
    let skew = boeing("RZA", "2 2 1", "(3I2) (1I2) (F4.1)", " 1 2 2\n 2\n 1.5\n");
    assert_eq!(dense(skew), DenseMatrix::from([[0.0, -1.5], [1.5, 0.0]]));
    let pattern = "t\n 2 1 1 0\nPRA 2 3 3 0\n(4I2) (3I2)\n 1 2 2 4\n 1 1 2\n";
    assert_eq!(dense(pattern), DenseMatrix::from([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]]));
    let integer = boeing("IUA", "1 1 1", "(2I2) (1I2) (1I20)", " 1 2\n 1\n    9007199254740992\n");
    assert_eq!(read(&integer).matrix.values(), [9007199254740992.0]);
    refused(integer.replace("0992", "0993"), &["line 7", "'9007199254740993'", "2^53"]);
    // An upper triangle is mirrored, with a notice.
    let upper = read(boeing("RSA", "2 2 2", "(3I2) (2I2) (2F4.1)", " 1 2 3\n 1 1\n 1.0 2.0\n"));
    assert_eq!((upper.matrix.get(1, 0), upper.notices.len()), (2.0, 1));
}

#[test]
fn fortran_fields_may_touch() {
    let values = |format: &str, line: &str| {
        let text =
            boeing("RUA", "2 2 2", &format!("(3I2) (2I2) {format}"), &format!(" 1 2 3\n 1 2\n{line}\n"));
        read(text).matrix.values().to_vec()
    };
    assert_eq!(values("(2E8.1)", "-1.2E+00-3.4E-01"), [-1.2, -0.34]);
    assert_eq!(values("(1P,2D9.1)", " -1.2D+00 -3.4d-01"), [-1.2, -0.34]);
    assert_eq!(values("(1P2E9.1E3)", "-1.2E+000-3.4E-001"), [-1.2, -0.34]);
    assert_eq!(values("(1P,(2ES9.1))", "-1.2+101 -3.4-101 "), [-1.2e101, -3.4e-101]);
    assert_eq!(values("(1PF6.1)", "  12.0\n -34.0"), [1.2, -3.4]);
    assert_eq!(values("(2G8.0)", "      12     -34"), [12.0, -34.0]);
    assert_eq!(dense(boeing("RUA", "2 2 2", "(3I1) (2I1) (2F3.1)", "123\n12\n1.52.5\n"))[[1, 1]], 2.5);
}

#[test]
fn right_hand_sides_of_boeing_files() {
    let file = read(with_rhs("RUA", "F   1 0", " 1.0 2.0\n 3.0 4.0\n"));
    assert_eq!((file.rhs, file.notices.len()), (Some(vec![3.0, 4.0]), 0));
    let file = read(with_rhs("RUA", "FGX 2 0", " 1.0 2.0\n 3.0 4.0\n 5.0 6.0\n"));
    assert_eq!(file.rhs, Some(vec![3.0, 4.0]));
    assert!(file.notices[0].contains("2 right-hand sides"));
    let file = read(with_rhs("RUA", "M   1 1", " 1.0 2.0\n 3.0 4.0\n"));
    assert!(file.rhs.is_none() && file.notices[0].contains("only full ones"));
    refused(with_rhs("RUA", "F   1 0", " 1.0 2.0\n 3.0\n"), &["line 9", "correct the line"]);
}

#[test]
fn wrong_boeing_files_are_named() {
    let formats = "(3I2) (2I2) (2F4.1)";
    let body = " 1 2 3\n 1 2\n 1.0 2.0\n";
    let with = |kind: &str, sizes: &str, body: &str| boeing(kind, sizes, formats, body);
    refused(with("CUA", "2 2 2", body), &["line 3", "complex"]);
    refused(with("RUE", "2 2 2", body), &["line 3", "unassembled"]);
    refused(with("RHA", "2 2 2", body), &["line 3", "'RHA'", "R, I, P"]);
    refused(with("RSA", "2 3 2", body), &["line 3", "cannot be symmetric"]);
    refused(with("RUA", "4294967295 2 2", body), &["line 3", "32-bit"]);
    refused(with("RUA", "4000000000 2 2", body), &["f: the file declares 4000000000 rows"]);
    refused(with("RUA", "2 4000000000 2", body), &["line 6", "column pointers", "found ''"]);
    refused(with("RUA", "2 2 4000000000", body), &["line 5", "rise from 1"]);
    refused(with("RUA", "2 2 2", " 1 3 2\n 1 2\n 1.0 2.0\n"), &["line 5", "rise from 1 to 3"]);
    refused(with("RUA", "2 2 2", " 1 2 3\n 1 3\n 1.0 2.0\n"), &["line 6", "'3'", "from 1 to 2"]);
    refused(with("RUA", "2 2 2", " 1 2 3\n 1 2\n 1.0 nan\n"), &["line 7", "'nan'", "not finite"]);
    refused(with("RUA", "2 2 2", " 1 2 3\n 1 2\n 1.0   2\n"), &["line 7", "'2'", "decimal point"]);
    refused(with("RUA", "2 2 2", " 1 2 3\n 1 2\n 1.0 2,0\n"), &["line 7", "'2,0'", "not a number"]);
    refused(with("RUA", "2 2 2", " 1 2 3\n 1 2\n"), &["line 6", "2 values but ends after 0"]);
    refused(with("RZA", "2 2 2", body), &["row 1 is 1", "skew-symmetric"]);
    refused(boeing("RUA", "2 2 2", "(3I2) (2I2) (*)", body), &["line 4", "(13I6)"]);
    refused(boeing("RUA", "2 2 2", "(3I2) (2I2)", body), &["line 4", "3 formats"]);
}

/// An uncompressed archive of arrays: name, type, shape and bytes.
fn archive(arrays: &[(&str, &str, &str, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut zip = rawzip::ZipArchiveWriter::new(&mut out);
    for (name, kind, shape, data) in arrays {
        let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let mut npy = b"\x93NUMPY\x01\x00".to_vec();
        npy.extend((header.len() as u16).to_le_bytes());
        npy.extend(header.bytes());
        npy.extend(data);
        let (mut entry, config) = zip.new_file(format!("{name}.npy")).start().unwrap();
        let mut writer = config.wrap(&mut entry);
        writer.write_all(&npy).unwrap();
        let (_, descriptor) = writer.finish().unwrap();
        entry.finish(descriptor).unwrap();
    }
    zip.finish().unwrap();
    out
}

fn int32(values: &[i32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// A 2 × 3 matrix in compressed rows, with the values of this type and these bytes.
fn compressed(format: &str, kind: &str, data: Vec<u8>, indices: &[i32], indptr: &[i32]) -> Vec<u8> {
    archive(&[
        ("indices", "<i4", "(2,)", int32(indices)),
        ("indptr", "<i4", "(3,)", int32(indptr)),
        ("format", "|S3", "()", format.into()),
        ("shape", "<i8", "(2,)", [2i64, 3].iter().flat_map(|v| v.to_le_bytes()).collect()),
        ("data", kind, "(2,)", data),
    ])
}

/// A vector of ones as a `.npy` file, with this shape and order.
fn npy(shape: &str, fortran: &str, values: &[f64]) -> Vec<u8> {
    let header = format!("{{'descr': '<f8', 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
    let mut out = [b"\x93NUMPY\x01\x00".as_slice(), &(header.len() as u16).to_le_bytes()].concat();
    out.extend(header.bytes());
    out.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    out
}

#[test]
fn vectors_and_blocks_come_from_every_format() {
    let vector = |bytes: &[u8]| blocks::parse_vector(bytes, "f", 1 << 20);
    let block = |bytes: &[u8]| blocks::parse_dense(bytes, "f", 1 << 20);
    // A column in a Harwell–Boeing file, the right-hand side behind a matrix, an archive with one column.
    let column = boeing("RUA", "3 1 2", "(2I2) (2I2) (2F4.1)", " 1 3\n 1 3\n 1.5 2.0\n");
    assert_eq!(vector(column.as_bytes()).unwrap(), [1.5, 0.0, 2.0]);
    let beside = with_rhs("RUA", "F   1 0", " 1.0 2.0\n 3.0 4.0\n");
    assert_eq!(vector(beside.as_bytes()).unwrap(), [3.0, 4.0]);
    let market = "%%MatrixMarket matrix coordinate real general\n2 2 1\n1 1 4\n%%MatrixMarket matrix array real \
                  general\n2 1\n5\n6\n";
    assert_eq!(vector(market.as_bytes()).unwrap(), [5.0, 6.0]);
    let archive = archive(&[
        ("row", "<i4", "(2,)", int32(&[0, 2])),
        ("col", "<i4", "(2,)", int32(&[0, 0])),
        ("format", "|S3", "()", b"coo".to_vec()),
        ("shape", "<i4", "(2,)", int32(&[3, 1])),
        ("data", "|u1", "(2,)", vec![3, 4]),
    ]);
    assert_eq!(vector(&archive).unwrap(), [3.0, 0.0, 4.0]);
    assert_eq!(vector(&npy("(2,)", "False", &[1.0, 2.0])).unwrap(), [1.0, 2.0]);
    assert_eq!(block(&npy("(2, 2)", "False", &[1.0, 2.0, 3.0, 4.0])).unwrap()[[0, 1]], 2.0);
    assert_eq!(block(&npy("(2, 2)", "True", &[1.0, 2.0, 3.0, 4.0])).unwrap()[[0, 1]], 3.0);
    assert_eq!(block(SCIPY.as_bytes()).unwrap(), expected());
    let wrong = |bytes: &[u8], part: &str| {
        let error = vector(bytes).unwrap_err().to_string();
        assert!(error.starts_with('f') && error.contains(part), "{error}");
    };
    wrong(SCIPY.as_bytes(), "4 × 4 matrix; a vector");
    wrong(&npy("(3,)", "False", &[1.0, 2.0]), "2 values but its shape is 3 × 1");
    wrong(&npy("(1,)", "False", &[f64::NAN]), "not finite");
    wrong(&npy("(1, 1, 1)", "False", &[1.0]), "3 dimensions");
    wrong(b"\x93NUMPY\x01\x00\xff\xff", "truncated");
}

#[test]
fn content_that_expands_without_end_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mtx.gz");
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gz.write_all(b"%%MatrixMarket matrix coordinate real general\n1 1 1\n1 1 2\n%").unwrap();
    gz.write_all(&vec![b' '; 3 << 20]).unwrap();
    std::fs::write(&path, gz.finish().unwrap()).unwrap();
    assert_eq!(MatrixFile::read(&path).unwrap().matrix.nnz(), 1);
    assert!(MatrixFile::read_within(&path, 4 << 20).is_ok());
    let error = MatrixFile::read_within(&path, 1 << 20).unwrap_err().to_string();
    assert!(error.contains("a.mtx.gz") && error.contains("1048576 more bytes"), "{error}");
    // An archive whose arrays are within the limit one by one, not together.
    let stored = compressed("csr", "<f8", vec![0; 16], &[2, 0], &[0, 1, 2]);
    assert!(MatrixFile::parse_limited(&stored, "f", 1000).is_ok());
    let error = MatrixFile::parse_limited(&stored, "f", 300).unwrap_err().to_string();
    assert!(error.starts_with("f: ") && error.contains("beyond the limit"), "{error}");
}

#[test]
fn types_of_numpy_arrays() {
    let values = |kind: &str, data: &[u8]| {
        let file = read(compressed("csr", kind, data.to_vec(), &[2, 0], &[0, 1, 2]));
        assert_eq!(file.matrix.pattern().col_idx(), [2, 0]);
        file.matrix.values().to_vec()
    };
    let reals = [1.5f64, -2.0];
    assert_eq!(values("<f8", &reals.map(f64::to_le_bytes).concat()), reals);
    assert_eq!(values(">f8", &reals.map(f64::to_be_bytes).concat()), reals);
    assert_eq!(values("<f4", &[1.5f32, -2.0].map(f32::to_le_bytes).concat()), reals);
    assert_eq!(values("|i1", &[3, 0xfe]), [3.0, -2.0]);
    assert_eq!(values("<i2", &[3, 0, 0xfe, 0xff]), [3.0, -2.0]);
    assert_eq!(values("<u2", &[3, 0, 0xfe, 0xff]), [3.0, 65534.0]);
    assert_eq!(values("|b1", &[1, 1]), [1.0, 1.0]);
    let columns = archive(&[
        ("indices", "<i4", "(2,)", int32(&[1, 1])),
        ("indptr", "<i4", "(4,)", int32(&[0, 0, 2, 2])),
        ("format", "<U3", "()", "csc".bytes().flat_map(|b| [b, 0, 0, 0]).collect()),
        ("shape", "<i4", "(2,)", int32(&[2, 3])),
        ("data", "|u1", "(2,)", vec![3, 4]),
    ]);
    let file = read(columns);
    assert_eq!((file.matrix.nnz(), file.matrix.get(1, 1)), (1, 7.0));
    assert!(file.notices[0].contains("1 entry repeats"), "{:?}", file.notices);
}

#[test]
fn wrong_archives_are_named() {
    let ones = || [1.0f64, 1.0].map(f64::to_le_bytes).concat();
    let csr = |data, indices: &[i32], indptr: &[i32]| compressed("csr", "<f8", data, indices, indptr);
    refused(csr(ones(), &[2, 3], &[0, 1, 2]), &["entry 2 of the array 'indices'", "below 3"]);
    refused(csr(ones(), &[2, -1], &[0, 1, 2]), &["entry 2 of the array 'indices'"]);
    refused(csr(ones(), &[2, 0], &[0, 3, 2]), &["entry 2 of the array 'indptr'"]);
    refused(csr(ones(), &[2, 0], &[0, 2, 1]), &["'indptr'", "rise from 0 to 2"]);
    refused(csr(ones(), &[2, 0, 1], &[0, 1, 2]), &["2 values but another number"]);
    refused(
        csr([1.0, f64::NAN].map(f64::to_le_bytes).concat(), &[2, 0], &[0, 1, 2]),
        &["row 2, column 1 is NaN"],
    );
    let large = [1i64, -(1 << 53) - 1].map(i64::to_le_bytes).concat();
    refused(
        compressed("csr", "<i8", large, &[2, 0], &[0, 1, 2]),
        &["entry 2 of the array 'data'", "-9007199254740993", "2^53"],
    );
    refused(compressed("csr", "<c16", vec![0; 32], &[2, 0], &[0, 1, 2]), &["'data'", "\"<c16\""]);
    refused(compressed("bsr", "<f8", ones(), &[2, 0], &[0, 1, 2]), &["\"bsr\"", ".tocsr()"]);
    refused(archive(&[("x", "<f8", "(0,)", vec![])]), &["no array 'format'", "save_npz"]);
    let none = [("format", "|S3", "()", b"coo".to_vec()), ("shape", "<i4", "(2,)", int32(&[0, 0]))];
    let one = [
        ("row", "<i4", "(1,)", int32(&[0])),
        ("col", "<i4", "(1,)", int32(&[0])),
        ("data", "|u1", "(1,)", vec![1]),
    ];
    refused(archive(&[none.as_slice(), &one].concat()), &["entry 1 of the array 'row'"]);
}

#[test]
fn other_formats_are_named() {
    refused("", &["empty"]);
    refused("1 2 3\n", &["not known", "%%MatrixMarket", "Harwell-Boeing", "scipy.sparse"]);
    refused(b"\x93NUMPY\x01\x00", &["save_npz"]);
}

/// An error is a sentence; a matrix is a valid one.
pub(super) fn check(bytes: &[u8]) {
    match MatrixFile::parse(bytes, "f") {
        Ok(file) => {
            let (a, p) = (&file.matrix, file.matrix.pattern());
            let checked = Csr::from_csr(a.rows(), a.cols(), p.row_ptr(), p.col_idx(), a.values().to_vec());
            assert_eq!(&checked.unwrap(), a);
            assert!(file.rhs.is_none_or(|b| b.len() == a.rows() && b.iter().all(|v| v.is_finite())));
        }
        Err(e) => assert!(e.to_string().starts_with("f") && e.to_string().len() > 15, "{e}"),
    }
}

#[test]
fn damaged_files_are_handled() {
    let rhs = with_rhs("RSA", "FGX 2 0", " 1.0 2.0\n 3.0 4.0\n 5.0 6.0\n");
    let stored = compressed("csr", "<f8", vec![0; 16], &[2, 0], &[0, 1, 2]);
    let seeds = [SCIPY.into(), rhs.into(), scipy("scipy_csr.npz"), scipy("scipy_coo.npz"), stored];
    for seed in seeds {
        (0..seed.len()).for_each(|end| check(&seed[..end]));
        let mut random = 1u64;
        for at in 0..seed.len() {
            for _ in 0..3 {
                random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                let mut bytes = seed.clone();
                bytes[at] = (random >> 56) as u8;
                check(&bytes);
                let other = (random >> 20) as usize % bytes.len();
                bytes[other] = b" 0129-.,()IEPF"[(random >> 40) as usize % 14];
                check(&bytes);
            }
        }
    }
}
