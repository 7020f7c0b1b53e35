//! Files built byte by byte: byte orders, compression, structs, types of numbers.

use std::io::Write;
use std::slice::from_ref;

use super::super::MatrixFile;
use super::super::blocks::{parse_dense, parse_vector};
use crate::sparse::DenseMatrix;

const DOUBLE: u32 = 6;
const COMPLEX: u32 = 0x800;
const LOGICAL: u32 = 0x200;
pub(super) const LIMIT: usize = 1 << 20;

/// Writes elements in one byte order.
#[derive(Clone, Copy)]
pub(super) struct Writer {
    pub(super) big_endian: bool,
}

pub(super) const LITTLE: Writer = Writer { big_endian: false };

impl Writer {
    fn ints(self, values: &[i32]) -> Vec<u8> {
        let bytes = |v: &i32| if self.big_endian { v.to_be_bytes() } else { v.to_le_bytes() };
        values.iter().flat_map(bytes).collect()
    }

    fn reals(self, values: &[f64]) -> Vec<u8> {
        let bytes = |v: &f64| if self.big_endian { v.to_be_bytes() } else { v.to_le_bytes() };
        self.element(9, values.iter().flat_map(bytes).collect())
    }

    pub(super) fn element(self, kind: i32, mut bytes: Vec<u8>) -> Vec<u8> {
        let tag = self.ints(&[kind, bytes.len() as i32]);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        [tag, bytes].concat()
    }

    /// An element of up to four bytes.
    fn short(self, kind: i32, mut bytes: Vec<u8>) -> Vec<u8> {
        let tag = self.ints(&[(bytes.len() as i32) << 16 | kind]);
        bytes.resize(4, 0);
        [tag, bytes].concat()
    }

    pub(super) fn array(self, flags: u32, sizes: &[i32], name: &str, content: &[Vec<u8>]) -> Vec<u8> {
        let named = if name.len() > 4 { Self::element } else { Self::short };
        let header = [
            self.element(6, self.ints(&[flags as i32, 1])),
            self.element(5, self.ints(sizes)),
            named(self, 1, name.into()),
        ];
        self.element(14, [header.concat(), content.concat()].concat())
    }

    /// 2 −1; −1 3 as a sparse array.
    pub(super) fn sparse(self, name: &str) -> Vec<u8> {
        let values = self.reals(&[2.0, -1.0, -1.0, 3.0]);
        self.array(5, &[2, 2], name, &[self.rows(), self.ends(), values])
    }

    fn rows(self) -> Vec<u8> {
        self.element(5, self.ints(&[0, 1, 0, 1]))
    }

    fn ends(self) -> Vec<u8> {
        self.element(5, self.ints(&[0, 2, 4]))
    }

    pub(super) fn column(self, name: &str, values: &[f64]) -> Vec<u8> {
        self.array(DOUBLE, &[values.len() as i32, 1], name, &[self.reals(values)])
    }

    /// A struct with the fields title, A, b and an empty one.
    pub(super) fn problem(self, name: &str) -> Vec<u8> {
        let names = ["title", "A", "b", "x"].map(|n| format!("{n:\0<8}")).concat();
        let title = self.array(4, &[1, 2], "", &[self.short(16, b"ab".into())]);
        let content = [
            self.short(5, self.ints(&[8])),
            self.element(1, names.into()),
            title,
            self.sparse(""),
            self.column("", &[3.0, 5.0]),
            self.element(14, vec![]),
        ];
        self.array(2, &[1, 1], name, &content)
    }

    pub(super) fn compressed(self, variable: &[u8]) -> Vec<u8> {
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        zlib.write_all(variable).unwrap();
        let bytes = zlib.finish().unwrap();
        [self.ints(&[15, bytes.len() as i32]), bytes].concat()
    }

    pub(super) fn file(self, variables: &[Vec<u8>]) -> Vec<u8> {
        let text = format!("{:<124}", "MATLAB 5.0 MAT-file, written by a test");
        let end = if self.big_endian { b"\x01\x00MI" } else { b"\x00\x01IM" };
        [text.as_bytes(), end, &variables.concat()].concat()
    }
}

fn read(bytes: &[u8]) -> MatrixFile {
    MatrixFile::parse(bytes, "f").unwrap_or_else(|e| panic!("{e}"))
}

pub(super) fn refused(bytes: &[u8], parts: &[&str]) {
    let error = MatrixFile::parse(bytes, "f").unwrap_err().to_string();
    assert!(error.starts_with("f: ") && parts.iter().all(|p| error.contains(p)), "{error}");
}

/// The values of the matrix A, whose content is given.
fn values(flags: u32, content: Vec<u8>) -> Vec<f64> {
    let a = LITTLE.array(flags, &[2, 2], "A", &[LITTLE.rows(), LITTLE.ends(), content]);
    read(&LITTLE.file(&[a])).matrix.values().to_vec()
}

#[test]
fn byte_orders_and_compression_agree() {
    let a = DenseMatrix::from([[2.0, -1.0], [-1.0, 3.0]]);
    for w in [LITTLE, Writer { big_endian: true }] {
        let (matrix, b, problem) = (w.sparse("A"), w.column("b", &[3.0, 5.0]), w.problem("Problem"));
        let packed = [&b, &matrix].map(|v| w.compressed(v));
        let full = w.array(DOUBLE, &[2, 2], "K", &[w.reals(&[2.0, -1.0, -1.0, 3.0])]);
        let systems = [
            w.file(&[matrix.clone(), b.clone()]),
            w.file(&packed),
            w.file(from_ref(&problem)),
            w.file(&[full, b]),
        ];
        for bytes in systems.iter().chain([&w.file(&[w.compressed(&problem)])]) {
            let file = read(bytes);
            assert_eq!((file.matrix.nnz(), file.rhs.as_deref()), (4, Some(&[3.0, 5.0][..])));
            assert!(file.notices.is_empty(), "{:?}", file.notices);
            assert_eq!(parse_vector(bytes, "f", LIMIT).unwrap(), [3.0, 5.0]);
            (0..4).for_each(|k| assert_eq!(file.matrix.get(k / 2, k % 2), a[[k / 2, k % 2]]));
        }
        assert_eq!(parse_dense(&w.file(&[matrix]), "f", LIMIT).unwrap(), a);
    }
}

#[test]
fn numbers_may_be_stored_in_fewer_bytes() {
    assert_eq!(values(5, LITTLE.short(1, vec![2, 0xff, 0xff, 3])), [2.0, -1.0, -1.0, 3.0]);
    assert_eq!(values(5, LITTLE.element(3, vec![1, 2, 0xfe, 0xff, 0, 0, 3, 0])), [513.0, 0.0, -2.0, 3.0]);
    assert_eq!(values(5 | LOGICAL, LITTLE.short(2, vec![1, 1, 0, 7])), [1.0, 0.0, 1.0, 1.0]);
    let singles = [1.5f32, 2.0, -4.0, 8.0].map(f32::to_le_bytes).concat();
    assert_eq!(values(5, LITTLE.element(7, singles)), [1.5, -4.0, 2.0, 8.0]);
    let large = [0i64, 1 << 53, -(1 << 53) - 1].map(i64::to_le_bytes).concat();
    let b = LITTLE.array(14, &[3, 1], "b", &[LITTLE.element(12, large)]);
    refused(&LITTLE.file(&[b]), &["entry 3 of the values of 'b'", "-9007199254740993", "2^53", "double"]);
    // Arrays may be longer than the entries, as MATLAB leaves room for more.
    let long = LITTLE.array(
        5,
        &[3, 1],
        "A",
        &[
            LITTLE.element(5, LITTLE.ints(&[2, 9, 9])),
            LITTLE.element(5, LITTLE.ints(&[0, 1])),
            LITTLE.reals(&[1.0, f64::NAN]),
        ],
    );
    assert_eq!(read(&LITTLE.file(&[long])).matrix.get(2, 0), 1.0);
}

#[test]
fn variables_are_chosen_or_listed() {
    let w = LITTLE;
    let n = w.column("n", &[2.0]);
    let f = w.column("f", &[3.0, 5.0]);
    let cell = w.array(1, &[1, 1], "C", &[w.sparse("")]);
    let object =
        w.element(14, [w.element(6, w.ints(&[17, 0])), w.short(1, b"s".into()), vec![1, 2, 3]].concat());
    let unnamed = w.array(9, &[1, 2], "", &[w.short(2, vec![1, 2])]);
    let file = read(&w.file(&[n.clone(), cell.clone(), w.sparse("K"), f.clone(), object, unnamed]));
    assert_eq!((file.matrix.nnz(), file.rhs), (4, None));
    let left = "left aside: 'n' (1 × 1 double), 'C' (1 × 1 cell array), 'f' (2 × 1 double), 's' (object)";
    assert!(file.notices[0].contains(left) && file.notices[0].contains("'K'"), "{:?}", file.notices);
    let two = [w.sparse("K"), w.sparse("M"), w.problem("Problem")];
    refused(&w.file(&two), &["2 square sparse matrices: 'K' (2 × 2 sparse), 'M'", "save('a.mat'"]);
    refused(&w.file(&[w.problem("P"), w.problem("Q")]), &["2 structs with a matrix: 'P.A'", "'Q.A'"]);
    refused(&w.file(&[cell]), &["no matrix, but 'C' (1 × 1 cell array)", "save('a.mat'"]);
    refused(&w.file(&[]), &["no variables"]);
    // A square sparse matrix goes before structs, and those before dense arrays.
    assert_eq!(read(&w.file(&[w.problem("P"), w.sparse("K")])).rhs, None);
    assert_eq!(read(&w.file(&[f.clone(), w.problem("P")])).rhs, Some(vec![3.0, 5.0]));
    assert_eq!(parse_vector(&w.file(&[n.clone(), f.clone()]), "f", LIMIT).unwrap(), [3.0, 5.0]);
    assert_eq!(parse_vector(&w.file(&[n]), "f", LIMIT).unwrap(), [2.0]);
    assert_eq!(parse_dense(&w.file(&[w.sparse("K"), f.clone()]), "f", LIMIT).unwrap().values(), [3.0, 5.0]);
    assert_eq!(parse_dense(&w.file(&[w.problem("P")]), "f", LIMIT).unwrap().values(), [2.0, -1.0, -1.0, 3.0]);
    refused(&w.file(&[w.array(DOUBLE, &[0, 0], "E", &[w.reals(&[])])]), &["no matrix, but 'E'"]);
    let long = [w.short(5, w.ints(&[0])), w.element(5, w.ints(&[0, 1])), w.reals(&[5.0])];
    let error = parse_vector(&w.file(&[w.array(5, &[i32::MAX, 1], "x", &long)]), "f", LIMIT).unwrap_err();
    assert!(error.to_string().contains("2147483647 values of a vector"), "{error}");
    let error = parse_vector(&w.file(&[w.sparse("K"), f]), "f", LIMIT).unwrap_err().to_string();
    assert!(error.contains("2 arrays") && error.ends_with("name the vector b"), "{error}");
}

#[test]
fn right_hand_sides_fit_the_matrix() {
    let w = LITTLE;
    let with = |b: Vec<u8>| read(&w.file(&[w.sparse("A"), b]));
    let row = w.array(DOUBLE, &[1, 2], "b", &[w.reals(&[3.0, 5.0])]);
    assert_eq!(with(row).rhs, Some(vec![3.0, 5.0]));
    let several = with(w.array(DOUBLE, &[2, 2], "b", &[w.reals(&[3.0, 5.0, 7.0, 9.0])]));
    assert_eq!(several.rhs, Some(vec![3.0, 5.0]));
    assert!(several.notices[0].contains("2 right-hand sides"));
    let sparse = [w.short(5, w.ints(&[1])), w.element(5, w.ints(&[0, 1])), w.reals(&[5.0])];
    assert_eq!(with(w.array(5, &[2, 1], "b", &sparse)).rhs, Some(vec![0.0, 5.0]));
    let values = w.reals(&[3.0, 5.0]);
    let complex = w.array(DOUBLE | COMPLEX, &[2, 1], "b", &[values.clone(), values.clone()]);
    for wrong in
        [w.column("b", &[1.0, 2.0, 3.0]), complex, w.array(4, &[2, 1], "b", &[w.short(4, vec![0; 4])])]
    {
        let file = with(wrong);
        assert!(file.rhs.is_none() && file.notices[0].contains("does not fit a matrix of 2 rows"));
    }
    refused(
        &w.file(&[w.sparse("A"), w.column("b", &[1.0, f64::INFINITY])]),
        &["row 2, column 1 of 'b' is inf"],
    );
}

#[test]
fn wrong_arrays_are_named() {
    let w = LITTLE;
    let reals = w.reals(&[2.0, -1.0, -1.0, 3.0]);
    let sparse = |flags, sizes: &[i32], rows: &[i32], ends: &[i32]| {
        let content = [w.element(5, w.ints(rows)), w.element(5, w.ints(ends)), reals.clone()];
        w.file(&[w.array(5 | flags, sizes, "A", &content)])
    };
    refused(&sparse(COMPLEX, &[2, 2], &[0, 1, 0, 1], &[0, 2, 4]), &["'A' is complex"]);
    refused(
        &sparse(0, &[2, 2], &[0, 1, 0, 2], &[0, 2, 4]),
        &["entry 4 of the row indices of 'A'", "below 2"],
    );
    refused(&sparse(0, &[2, 2], &[0, 1, 0, -1], &[0, 2, 4]), &["entry 4 of the row indices"]);
    refused(&sparse(0, &[2, 2], &[0, 1, 0, 1], &[0, 2, 5]), &["entry 3 of the column pointers", "below 5"]);
    refused(
        &sparse(0, &[2, 2], &[0, 1, 0, 1], &[0, 3, 2]),
        &["column pointers of 'A' must be 3 values that rise"],
    );
    refused(&sparse(0, &[2, 3], &[0, 1, 0, 1], &[0, 2, 4]), &["must be 4 values"]);
    refused(&sparse(0, &[2, -2], &[0, 1, 0, 1], &[0, 2, 4]), &["variable at byte 128", "damaged"]);
    refused(&sparse(0, &[i32::MAX, 2], &[0, 1, 0, 1], &[0, 2, 4]), &["2147483647 rows", "4 entries"]);
    refused(
        &w.file(&[w.array(DOUBLE, &[3, 3], "A", from_ref(&reals))]),
        &["'A' (3 × 3 double) has 4 values"],
    );
    refused(
        &w.file(&[w.array(DOUBLE, &[2, 1, 2], "A", &[reals])]),
        &["'A' (2 × 1 × 2 double)", "two dimensions"],
    );
    let text = w.array(DOUBLE, &[2, 2], "A", &[w.short(16, b"abcd".into())]);
    refused(&w.file(&[text]), &["values of 'A' have the type 16"]);
}

#[test]
fn other_levels_are_named() {
    let level = |version: u8| {
        let mut bytes = LITTLE.file(&[]);
        bytes[125] = version;
        bytes
    };
    refused(&level(2), &["level 7.3", "save('a.mat', 'A', '-v7')"]);
    refused(b"\x89HDF\r\n", &["level 7.3"]);
    refused(&level(3), &["version 3"]);
    refused(b"MATLAB 5.0 MAT-file", &["truncated within the header"]);
    for w in [LITTLE, Writer { big_endian: true }] {
        let mut old = w.ints(&[i32::from(w.big_endian) * 1000, 1, 1, 0, 2]);
        old.extend(b"A\0\0\0\0\0\0\0\0\0");
        refused(&old, &["level 4", "scipy.io.savemat"]);
    }
    let error = MatrixFile::parse(b"\x00\x01", "a.MAT").unwrap_err().to_string();
    assert!(error.contains("not that of a .mat file"), "{error}");
}
