//! Invalid options and output paths: a sentence, and no file is written.

use crate::common::program::{Folder, laplacian};

/// A folder with a Laplacian `a.mtx` of 36 rows.
fn folder() -> Folder {
    let f = Folder::new();
    f.write("a.mtx", laplacian(6, 1.0, 0.0));
    f
}

#[test]
fn options_out_of_range_are_misuse() {
    let f = folder();
    for options in [
        "--rtol nan",
        "--rtol -1",
        "--rtol 0",
        "--rtol x",
        "--max-iterations -1",
        "--cycle X(1)",
        "--cycle V(0,0)",
        "--cycle V(1,1",
        "--cycle ü(1,1)",
        "--cycle V(21,0)",
        "--theta -1",
        "--theta nan",
        "--theta 5",
        "--block-size 0",
        "--block-size 7",
        "--max-coarse -1",
        "--restart 0",
        "--threads 0",
        "--hierarchy foo",
        "--smoother foo",
        "--smoother jacobi(0)",
        "--smoother jacobi(nan)",
        "--smoother chebyshev(0)",
        "--smoother ilu0()",
        "--smoother learned-network(damping)",
        "--smoother learned-network()",
        "--krylov gmres",
        "--plot-solution u.svg",
        "--plot-parts u.svg",
        "--coordinates a.mtx",
        "--allow-other-matrix",
        "--unknown",
    ] {
        let option = options.split(' ').next().unwrap();
        f.run(&format!("solve a.mtx {options}")).fails(2, &[option]);
    }
    for options in [
        "--steps 0",
        "--rate nan",
        "--rate -1",
        "--rate 0",
        "--time-limit 0",
        "--time-limit nan",
        "--batch 0",
        "--batch 1025",
        "--cycles-in-loss 0",
        "--cycles-in-loss 100000",
        "--seed -1",
        "--loss foo",
        "--loss Krylov",
        "--loss rate,time",
        "--start foo",
        "--start given",
    ] {
        f.run(&format!("train a.mtx -o t {options}")).fails(2, &[options.split(' ').next().unwrap()]);
    }
    for line in [
        "recirculating-flow --n 0",
        "recirculating-flow --epsilon -1",
        "recirculating-flow --epsilon nan",
        "recirculating-flow --scheme foo",
        "recirculating-flow --theta 1",
        "poisson2d --epsilon 1",
        "poisson2d --scheme upwind",
        "rotated-anisotropic --theta nan",
        "foo",
        "",
    ] {
        f.run(&format!("generate {line} -o g")).fails(2, &[]);
    }
    f.run("generate poisson3d --n 3000 -o g").fails(1, &["32-bit"]);
    f.run("generate mesh-diffusion -o g").fails(2, &["needs a mesh", "--mesh FILE.msh"]);
    f.run("generate poisson2d --mesh a.mtx -o g").fails(2, &["--mesh belongs to mesh-diffusion only"]);
    f.run("generate mesh-diffusion --mesh a.mtx --n 3 -o g").fails(2, &["--mesh", "--n"]);
    f.run("generate mesh-diffusion --mesh a.mtx --epsilon 1 -o g").fails(2, &["--epsilon"]);
    f.run("generate mesh-diffusion --mesh a.mtx -o a.mtx").fails(2, &["overwrite an input"]);
    f.run("generate mesh-diffusion --mesh a.mtx -o g").fails(1, &["a.mtx"]);
    f.run("generate mesh-diffusion --mesh missing.msh -o g").fails(1, &["missing.msh", "No such file"]);
    f.run("").fails(2, &["Usage"]);
    f.run("foo").fails(2, &["foo"]);
    assert_eq!(f.names(), ["a.mtx"]);
}

#[test]
fn outputs_that_cannot_be_written() {
    let f = folder();
    std::fs::create_dir(f.path("dir")).unwrap();
    let (before, long) = (f.names(), "x".repeat(300));
    for output in ["missing/x", "dir", "a.mtx/x", &long] {
        f.run(&format!("solve a.mtx -o {output}")).fails(1, &["cannot write", output]);
        f.run(&format!("solve a.mtx --json {output}")).fails(1, &["cannot write", output]);
        f.run(&format!("train a.mtx --steps 2 -o {output}")).fails(1, &["cannot write", output]);
        f.run(&format!("generate poisson2d -o {output}")).fails(1, &["cannot write", output]);
    }
    for line in [
        "solve a.mtx -o a.mtx",
        "solve a.mtx -o dir/../a.mtx",
        "solve a.mtx -o x --json ./x",
        "solve a.mtx -o -",
        "train a.mtx -o a.mtx",
        "generate poisson2d -o x --rhs x",
        "solve a.mtx --plot x.pdf",
        "plot x.json -o x.txt",
    ] {
        f.run(line).fails(2, &[]);
    }
    assert_eq!(f.names(), before);
    assert_eq!(f.bytes("a.mtx"), laplacian(6, 1.0, 0.0).into_bytes());
    f.run_list(&["solve", "a.mtx", "-o", "ü ñ 漢字.mtx", "--json", "a b.json"]).ok();
    assert!(f.path("ü ñ 漢字.mtx").is_file() && f.path("a b.json").is_file());
}

#[cfg(unix)]
#[test]
fn links_stay_and_a_reader_that_leaves_costs_nothing() {
    let f = folder();
    f.write("target", "old");
    std::os::unix::fs::symlink(f.path("target"), f.path("link")).unwrap();
    f.run("solve a.mtx -o link").ok();
    assert!(f.path("link").symlink_metadata().unwrap().is_symlink() && f.vector("target").len() == 36);
    for (line, file) in [
        ("solve a.mtx -o s", "s"),
        ("info a.mtx --json i", "i"),
        ("train a.mtx --steps 1 -o t", "t"),
        ("generate poisson2d --n 4 -o g", "g"),
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = f.command(line);
        assert_eq!(command.stdout(writer).status().unwrap().code(), Some(0), "{line}");
        assert!(f.path(file).is_file(), "{line}");
    }
}

/// A pipe is written to and not replaced, as with `--json /dev/stdout`.
#[cfg(unix)]
#[test]
fn pipes_are_written_to() {
    let f = folder();
    let pipe = f.path("pipe");
    if !std::process::Command::new("mkfifo").arg(&pipe).status().is_ok_and(|s| s.success()) {
        return;
    }
    let path = pipe.clone();
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || sender.send(std::fs::read(path)));
    f.run("solve a.mtx --json pipe").ok();
    assert!(!pipe.symlink_metadata().unwrap().is_file());
    let bytes = receiver.recv_timeout(std::time::Duration::from_secs(20)).unwrap().unwrap();
    let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(value["converged"], true);
}

#[test]
fn what_cannot_be_learned_is_named() {
    let f = folder();
    f.run("generate recirculating-flow --n 16 -o flow.mtx").ok();
    for (learn, parts) in [
        ("multipliers", ["'multipliers' cannot be learned", "wide-relaxation"]),
        ("ilu,", ["cannot be learned", "restriction"]),
        ("ilu,chebyshev", ["ilu and chebyshev", "both smoothers"]),
    ] {
        f.run(&format!("train a.mtx -o t --learn {learn}")).fails(2, &["--learn", parts[0], parts[1]]);
    }
    let train = |rest: &str| f.run(&format!("train {rest} -o t --steps 1 --no-baselines"));
    train("flow.mtx --symmetric").fails(2, &["symmetric matrix"]);
    train("flow.mtx --learn ilu --symmetric --cycle V(2,1)").fails(2, &["not 2 and 1"]);
    train("flow.mtx --learn interpolation,restriction").ok();
    for learn in ["damping", "chebyshev", "interpolation"] {
        let line = format!("flow.mtx --start network --learn {learn}");
        train(&line).fails(2, &["no network for", learn, "relaxation, ilu or schwarz"]);
    }
    train("a.mtx --start network --symmetric").fails(2, &["symmetr"]);
    f.run("train a.mtx -o t --loss foo").fails(2, &["rate, krylov, slowest or time"]);
    f.run("train a.mtx -o t --start foo").fails(2, &["classical or network"]);
}
