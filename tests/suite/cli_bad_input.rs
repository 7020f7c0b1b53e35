//! Bad input: one clear sentence, a non-zero exit code and no partial file.

use crate::common::program::{Folder, column, coordinate, laplacian};

/// A folder with a Laplacian `a.mtx` of 36 rows.
fn folder() -> Folder {
    let f = Folder::new();
    f.write("a.mtx", laplacian(6, 1.0, 0.0));
    f
}

#[test]
fn matrices_that_cannot_be_read() {
    let whole = laplacian(6, 1.0, 0.0);
    let head = "%%MatrixMarket matrix coordinate real general\n";
    let cases: [(&str, Vec<u8>, &str); 14] = [
        ("empty", vec![], "empty"),
        ("blank", b"\n\n \n".to_vec(), "empty"),
        ("binary", (0..=255).cycle().take(5000).collect(), "format is not known"),
        ("text", b"hello world\n".to_vec(), "Matrix Market"),
        ("header", head.into(), "line 2"),
        ("truncated", whole[..whole.len() / 2].into(), "line"),
        ("size", format!("{head}3 x 3\n").into(), "line 2"),
        ("huge", format!("{head}4000000000 4000000000 99999999999\n1 1 1\n").into(), "huge.mtx"),
        ("many", format!("{head}2 2 18446744073709551615\n1 1 1\n").into(), "many.mtx"),
        ("bounds", format!("{head}2 2 2\n1 1 1\n3 2 1\n").into(), "line 4"),
        ("zeroth", format!("{head}2 2 2\n1 1 1\n0 2 1\n").into(), "line 4"),
        ("nan", format!("{head}2 2 2\n1 1 1\n2 2 nan\n").into(), "line 4"),
        ("infinite", format!("{head}2 2 2\n1 1 1\n2 2 1e999\n").into(), "line 4"),
        ("second", format!("{head}2 2 1\n1 1 1\n%%MatrixMarket matrix\n").into(), "line 4"),
    ];
    let f = Folder::new();
    for (name, bytes, part) in cases {
        f.write(&format!("{name}.mtx"), bytes);
        for command in ["solve", "info", "train"] {
            let output = if command == "info" { "--json out" } else { "-o out" };
            f.run(&format!("{command} {name}.mtx {output}")).fails(1, &[part]);
        }
    }
    f.run("solve missing.mtx -o out").fails(1, &["missing.mtx", "No such file"]);
    f.run("solve . -o out").fails(1, &["cannot read ."]);
    assert!(f.names().iter().all(|n| n.ends_with(".mtx")), "{:?}", f.names());
}

#[test]
fn matrices_that_multigrid_cannot_take() {
    let f = Folder::new();
    f.write("wide.mtx", coordinate(2, 3, &[(1, 1, 1.0), (2, 2, 1.0)]));
    f.write("zero_row.mtx", coordinate(3, 3, &[(1, 1, 1.0), (3, 3, 1.0)]));
    f.write("no_rows.mtx", coordinate(0, 0, &[]));
    f.write("swap.mtx", coordinate(2, 2, &[(1, 2, 1.0), (2, 1, 1.0)]));
    let skew: Vec<_> = (1..60).flat_map(|i| [(i, i + 1, 1.0), (i + 1, i, -1.0)]).collect();
    f.write("skew.mtx", coordinate(60, 60, &skew));
    for (name, part) in [
        ("wide", "2 × 3"),
        ("zero_row", "row 2"),
        ("no_rows", "no rows"),
        ("swap", "row 1"),
        ("skew", "row 1"),
    ] {
        f.run(&format!("train {name}.mtx -o out")).fails(1, &[name, part]);
    }
    for (name, part) in [("wide", "2 × 3"), ("no_rows", "no rows")] {
        f.run(&format!("solve {name}.mtx -o out")).fails(1, &[name, part]);
    }
    // No solution for a right-hand side of ones; the other two are regular.
    f.run("solve zero_row.mtx").fails(3, &["row 2 is all zeros"]);
    f.run("solve swap.mtx").ok();
    f.run("solve skew.mtx").ok();
    assert!(f.names().iter().all(|n| n.ends_with(".mtx")), "{:?}", f.names());
}

#[test]
fn right_hand_sides_modes_and_coordinates_that_do_not_fit() {
    let f = folder();
    f.write("short.mtx", column(&[1.0; 35])).write("zero.mtx", column(&[0.0; 36]));
    f.write("nan.mtx", column(&[1.0; 36]).replacen("1e0", "nan", 1));
    f.write("none.mtx", "%%MatrixMarket matrix array real general\n36 0\n");
    for (line, parts) in [
        ("--rhs short.mtx", ["short.mtx", "35", "36"]),
        ("--rhs nan.mtx", ["nan.mtx", "line 3", "finite"]),
        ("--rhs missing.mtx", ["cannot read", "missing.mtx", "No such"]),
        ("--near-nullspace short.mtx", ["short.mtx", "35", "36"]),
        ("--near-nullspace nan.mtx", ["nan.mtx", "line 3", "finite"]),
        ("--near-nullspace zero.mtx", ["candidate 1", "zeros", "remove"]),
        ("--near-nullspace none.mtx", ["no near-nullspace", "leave", "constants"]),
        ("--coordinates short.mtx --plot-solution u.svg", ["short.mtx", "35", "36"]),
    ] {
        f.run(&format!("solve a.mtx -o out --json out2 {line}")).fails(1, &parts);
    }
    assert!(f.names().iter().all(|n| n.ends_with(".mtx")), "{:?}", f.names());
    f.run("solve a.mtx --rhs zero.mtx -o x.mtx").ok();
    assert!(f.vector("x.mtx").iter().all(|x| *x == 0.0));
}

#[test]
fn trained_files_of_another_matrix_or_damaged() {
    let f = folder();
    f.run("generate recirculating-flow --n 8 -o flow.mtx").ok();
    f.run("generate recirculating-flow --n 8 --epsilon 0.01 -o other.mtx").ok();
    f.run("train flow.mtx -o s.mgrad --steps 3 --no-baselines --max-coarse 10").ok();
    f.run("solve a.mtx --preconditioner s.mgrad").fails(1, &["s.mgrad", "another matrix", "36 × 36"]);
    f.run("solve other.mtx --preconditioner s.mgrad").fails(1, &["another matrix", "--allow-other-matrix"]);
    f.run("solve other.mtx --preconditioner s.mgrad --allow-other-matrix").ok();
    f.run("solve flow.mtx --preconditioner s.mgrad --krylov cg").fails(2, &["symmetric", "FGMRES"]);
    let good = f.bytes("s.mgrad");
    for at in (0..good.len()).step_by(good.len() / 40).chain([good.len() - 1]) {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        f.write("bad.mgrad", &bad).run("solve flow.mtx --preconditioner bad.mgrad").fails(1, &["bad.mgrad"]);
        f.write("bad.mgrad", &good[..at])
            .run("solve flow.mtx --preconditioner bad.mgrad")
            .fails(1, &["bad.mgrad"]);
    }
    f.run("solve flow.mtx --preconditioner flow.mtx").fails(1, &["flow.mtx"]);
    f.run("solve flow.mtx --preconditioner missing").fails(1, &["missing", "No such file"]);
    f.run("solve flow.mtx --preconditioner s.mgrad --cycle W(2,2)").fails(2, &["--cycle"]);
    f.run("solve flow.mtx --preconditioner s.mgrad --smoother jacobi").fails(2, &["--smoother"]);
}

#[test]
fn files_that_are_no_results() {
    let f = folder();
    f.run("solve a.mtx --json solve.json").ok();
    f.run("train a.mtx -o t --steps 2 --max-coarse 10 --json train.json").ok();
    for (name, text) in [
        ("empty", ""),
        ("object", "{}"),
        ("list", "[]"),
        ("words", r#"{"residual_history":["a"]}"#),
        ("nothing", r#"{"residual_history":[]}"#),
        ("loss", r#"{"loss_history":3}"#),
        ("half", r#"{"residual_"#),
    ] {
        f.write(name, text).run(&format!("plot {name} -o p.svg")).fails(1, &[name]);
        f.run(&format!("plot solve.json {name} -o p.svg")).fails(1, &[]);
    }
    f.run("plot solve.json train.json -o p.svg").fails(1, &["train.json"]);
    f.run("plot a.mtx -o p.svg").fails(1, &["a.mtx", "JSON"]);
    f.run("plot -o p.svg").fails(2, &["FILES"]);
    assert!(!f.path("p.svg").exists());
    f.run("train a.mtx -o t --max-coarse 100 --plot c.svg --json n.json").fails(0, &["nothing to learn"]);
    assert_eq!(f.json("n.json")["loss_history"].as_array().unwrap().len(), 0);
}

#[test]
fn odd_matrices_never_panic() {
    let f = Folder::new();
    let dense = |m: usize, v: fn(usize, usize) -> f64| {
        let e: Vec<_> = (0..m * m).map(|k| (k / m + 1, k % m + 1, v(k / m, k % m))).collect();
        coordinate(m, m, &e)
    };
    let diagonal: Vec<_> = (1..=90).map(|i| (i, i, 10f64.powi(i as i32 % 30 - 15))).collect();
    for text in [
        coordinate(1, 1, &[(1, 1, -5.0)]),
        coordinate(90, 90, &diagonal),
        dense(50, |i, j| ((i * 7 + j * 13) as f64).sin()),
        dense(50, |_, _| 1.0),
        dense(50, |i, j| if i == j { 0.0 } else { 1.0 }),
        laplacian(10, 1e200, 0.0),
        laplacian(10, 1e-200, 0.0),
        laplacian(10, 1e-310, 0.0),
        laplacian(10, 1.0, -2.9),
    ] {
        f.write("a.mtx", text);
        f.run("info a.mtx").sane();
        f.run("train a.mtx -o t --steps 2 --no-baselines").sane();
        for krylov in ["none", "auto", "bicgstab"] {
            f.run(&format!("solve a.mtx --krylov {krylov} --json r.json --plot h.svg")).sane();
        }
    }
    f.write("a.mtx", laplacian(10, 1e200, 0.0)).run("solve a.mtx --krylov cg").ok();
}
