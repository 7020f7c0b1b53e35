//! The formats of matrices that the program reads, and what it says about them.

use crate::common::program::{Folder, column, coordinate};

/// The same matrix as Harwell–Boeing and Matrix Market file, with the right-hand side (3, 5).
const BOEING: &str = "title\n 9 1 1 1 1\nRSA            2 2 3 0\n(3I2) (3I2) (3E8.1) (2F4.1)\nF              1 0\n 1 3 4\n \
                      1 2 2\n 2.0E+00-1.0E+00 3.0E+00\n 3.0 5.0\n";

fn market() -> String {
    coordinate(2, 2, &[(1, 1, 2.0), (1, 2, -1.0), (2, 1, -1.0), (2, 2, 3.0)])
}

#[test]
fn a_right_hand_side_in_the_file_is_used() {
    let f = Folder::new();
    f.write("a.rsa", BOEING).write("a.mtx", market()).write("b.mtx", column(&[3.0, 5.0]));
    f.write("ab.mtx", market() + &column(&[3.0, 5.0]));
    f.run("solve a.mtx --rhs b.mtx -o x.mtx --json x.json").ok();
    assert_eq!(f.json("x.json")["notices"].as_array().unwrap().len(), 0);
    for name in ["a.rsa", "ab.mtx"] {
        let run = f.run(&format!("solve {name} -o y.mtx --json y.json"));
        assert_eq!(run.code, 0, "{}", run.err);
        assert_eq!(run.err.lines().count(), 1, "{}", run.err);
        assert!(run.err.contains("right-hand side is the one in the file"), "{}", run.err);
        assert!(f.json("y.json")["notices"][0].as_str().unwrap().contains("--rhs"));
        assert_eq!(f.bytes("x.mtx"), f.bytes("y.mtx"));
        f.write("c.mtx", column(&[0.0, 0.0]));
        f.run(&format!("solve {name} --rhs c.mtx -o y.mtx")).ok();
        assert_eq!(f.vector("y.mtx"), [0.0, 0.0]);
        assert_eq!(f.run(&format!("compare {name} --csv c.csv")).code, 0);
    }
}

#[test]
fn what_was_added_or_mirrored_is_said() {
    let f = Folder::new();
    f.write("twice.mtx", coordinate(2, 2, &[(1, 1, 2.0), (2, 2, 3.0), (1, 1, 1.0)]));
    let upper = "%%MatrixMarket matrix coordinate real symmetric\n2 2 3\n1 1 2\n1 2 -1\n2 2 3\n";
    f.write("upper.mtx", upper).write("a.mtx", market());
    for (name, part) in [("twice", "1 entry repeats"), ("upper", "above the diagonal")] {
        let run = f.run(&format!("info {name}.mtx --json {name}.json"));
        assert_eq!(run.code, 0, "{}", run.err);
        assert!(run.err.starts_with(&format!("{name}.mtx: ")) && run.err.contains(part), "{}", run.err);
        assert!(f.json(&format!("{name}.json"))["notices"][0].as_str().unwrap().contains(part));
    }
    f.run("info a.mtx --json a.json").ok();
    assert_eq!(f.json("a.json")["fingerprint"], f.json("upper.json")["fingerprint"]);
}

#[test]
fn right_hand_sides_come_from_every_format() {
    let f = Folder::new();
    f.write("a.mtx", market()).write("b.mtx", column(&[3.0, 5.0])).write("ab.rsa", BOEING);
    f.write("b.rua", "title\n 9 1 1 1\nRUA            2 1 2 0\n(2I2) (2I2) (2F4.1)\n 1 3\n 1 2\n 3.0 5.0\n");
    let header = format!("{:<69}\n", "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }");
    let values = [3.0f64, 5.0].map(f64::to_le_bytes).concat();
    f.write("b.npy", [b"\x93NUMPY\x01\x00\x46\x00".as_slice(), header.as_bytes(), &values].concat());
    f.run("solve a.mtx --rhs b.mtx -o x.mtx").ok();
    for name in ["ab.rsa", "b.rua", "b.npy"] {
        f.run(&format!("solve a.mtx --rhs {name} -o y.mtx")).ok();
        assert_eq!(f.bytes("x.mtx"), f.bytes("y.mtx"), "{name}");
    }
}

#[test]
fn archives_of_scipy_are_read() {
    let f = Folder::new();
    f.write("a.npz", std::fs::read("tests/data/scipy_csr.npz").unwrap());
    f.run("solve a.npz -o x.mtx").ok();
    f.write("short.npz", &f.bytes("a.npz")[..500]);
    f.run("solve short.npz").fails(1, &["short.npz", "damaged or truncated"]);
    f.write("a.rua", BOEING.replace("RSA", "CSA"));
    f.run("train a.rua -o s.mgrad").fails(1, &["a.rua, line 3", "complex"]);
}

#[test]
fn mat_files_are_read() {
    let f = Folder::new();
    f.write("a.npz", std::fs::read("tests/data/scipy_csr.npz").unwrap());
    f.write("a.mat", std::fs::read("tests/data/scipy.mat").unwrap());
    f.run("solve a.npz -o x.mtx").ok();
    f.run("solve a.mat -o y.mtx").ok();
    assert_eq!(f.bytes("x.mtx"), f.bytes("y.mtx"));
    f.write("short.mat", &f.bytes("a.mat")[..200]);
    f.run("solve short.mat").fails(1, &["short.mat", "damaged or truncated"]);
    let mut newer = f.bytes("a.mat");
    newer[125] = 2;
    f.write("newer.mat", newer);
    f.run("info newer.mat").fails(1, &["newer.mat", "level 7.3", "save('a.mat', 'A', '-v7')"]);
}
