//! `multigrad report`: the page, the same as JSON, and bad input.

use crate::common::program::{Folder, column, coordinate};

#[test]
fn a_report_is_a_page_or_json_or_both() {
    let f = Folder::new();
    f.run("generate recirculating-flow --n 12 -o a.mtx --rhs b.mtx").ok();
    let line = "report a.mtx --rhs b.mtx --time-limit 2";
    let out = f.run(&format!("{line} --solves 5 -o r.html --json r.json")).ok().out;
    let (page, value) = (String::from_utf8(f.bytes("r.html")).unwrap(), f.json("r.json"));
    assert!(out.contains("written to r.html") && page.contains("<h1>a</h1>"), "{out}");
    assert_eq!((&value["title"], &value["converged"]), (&"a".into(), &true.into()));
    assert!(out.starts_with(value["configuration"].as_str().unwrap()), "{out}");
    assert_eq!((&value["matrix"]["rows"], &value["notices"]), (&144.into(), &serde_json::json!([])));
    assert_eq!(value["training_for_solves"]["solves"], 5);
    let configurations = value["comparison"]["configurations"].as_array().unwrap();
    assert!(configurations.len() > 5 && configurations[0]["residual_history"].is_array());

    // The JSON on standard output stands alone, so that a pipe can be read.
    let run = f.run(&format!("{line} --json /dev/stdout"));
    assert_eq!(run.code, 0, "{}", run.err);
    let value: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((&value["converged"], &value["training_for_solves"]), (&true.into(), &().into()));
    assert!(run.err.contains("converged after"), "{}", run.err);
    assert_eq!(f.names(), ["a.mtx", "b.mtx", "r.html", "r.json"]);
}

#[test]
fn bad_input_of_a_report_is_named() {
    let f = Folder::new();
    let singular = [(1, 1, 1.0), (1, 2, -1.0), (2, 1, -1.0), (2, 2, 1.0)];
    f.write("a.mtx", coordinate(2, 2, &singular)).write("wide.mtx", coordinate(1, 2, &singular[..2]));
    f.write("b.mtx", column(&[1.0; 3])).write("x.npy", "no array");
    let before = f.names();
    for (line, code, parts) in [
        ("report a.mtx", 2, &["--output", "--json"][..]),
        ("report a.mtx --json a.mtx", 2, &["a.mtx would overwrite an input"]),
        ("report a.mtx -o r --json ./r", 2, &["./r is the output of two options"]),
        ("report a.mtx --json -", 2, &["write /dev/stdout for standard output"]),
        ("report a.mtx --json missing/r.json", 1, &["cannot write missing/r.json"]),
        ("report none.mtx --json r.json", 1, &["none.mtx"]),
        ("report wide.mtx --json r.json", 1, &["wide.mtx: the matrix is 1 × 2"]),
        ("report a.mtx --rhs b.mtx --json r.json", 1, &["b.mtx: the right-hand side has 3 values"]),
        ("report a.mtx --coordinates b.mtx --json r.json", 1, &["coordinates of 3 points"]),
        ("report a.mtx --coordinates x.npy --json r.json", 1, &["x.npy"]),
    ] {
        f.run(line).fails(code, parts);
        assert_eq!(f.names(), before, "{line}");
    }
    // Without a solution the report is written all the same.
    f.run("report a.mtx --time-limit 1 --json r.json").fails(3, &["not converged"]);
    let value = f.json("r.json");
    assert_eq!(value["converged"], false);
    assert!(!value["recommendations"].as_array().unwrap().is_empty());
}
