//! Schwarz methods on the command line: classical, learned, by the network, and refused options.

use crate::common::program::Folder;

#[test]
fn subdomains_are_solved_learned_and_made_by_the_network() {
    let f = Folder::new();
    f.run("generate poisson2d --n 24 -o a.mtx").ok();
    let iterations = |options: &str| {
        let line = format!("solve a.mtx --krylov fgmres --restart 100 --json s.json {options}");
        let run = f.run(&line);
        // If the network is not better than a classical condition, the program says so.
        assert_eq!(run.code, 0, "{}", run.err);
        f.json("s.json")["iterations"].as_u64().unwrap()
    };
    let alone = "--hierarchy none --smoother schwarz --parts 9 --overlap 1";
    let restricted = iterations(alone);
    assert_eq!(f.json("s.json")["smoother"], "schwarz(9 parts,1)");
    let more = iterations("--hierarchy none --smoother schwarz --parts 9 --overlap 3");
    assert!(more < restricted, "{more} {restricted}");
    let two = iterations("--hierarchy two-level --aggregates parts(64) --smoother schwarz --parts 9");
    assert!(two < restricted, "{two} {restricted}");
    let network =
        iterations("--hierarchy none --smoother learned-network(schwarz) --rows-per-part 64 --overlap 1");
    assert!(network < restricted, "{network} {restricted}");
    // Trained for FGMRES, alone; then on the finest level of a hierarchy.
    f.run("train a.mtx -o s.mgrad --learn schwarz --parts 9 --overlap 1 --hierarchy none --loss krylov --steps 50 --no-baselines --json t.json").ok();
    let t = f.json("t.json");
    assert_eq!(t["learn"], "schwarz");
    let learned = iterations("--preconditioner s.mgrad");
    assert!(learned < restricted, "{learned} {restricted}");
    f.run("train a.mtx -o h.mgrad --learn schwarz --parts 9 --hierarchy sa --steps 40 --no-baselines --json h.json").ok();
    let h = f.json("h.json");
    assert!(h["factor_after"].as_f64().unwrap() < h["factor_before"].as_f64().unwrap());
    assert!(iterations("--preconditioner h.mgrad") < learned);
    f.run("train a.mtx -o w.mgrad --learn schwarz,interpolation --hierarchy two-level --loss slowest --steps 5 --no-baselines").ok();
}

#[test]
fn options_of_subdomains_belong_to_a_schwarz_method() {
    let f = Folder::new();
    f.run("generate poisson2d --n 8 -o a.mtx").ok();
    f.run("solve a.mtx --parts 4").fails(2, &["--parts belongs to a Schwarz method", "--smoother schwarz"]);
    f.run("solve a.mtx --smoother ilu0 --overlap 2").fails(2, &["--overlap belongs to a Schwarz method"]);
    f.run("train a.mtx -o s.mgrad --rows-per-part 9").fails(2, &["--rows-per-part", "--learn schwarz"]);
    f.run("train a.mtx -o s.mgrad --schwarz-levels 2").fails(2, &["--schwarz-levels"]);
    f.run("solve a.mtx --smoother schwarz --parts 0").fails(2, &["not a positive whole number"]);
    f.run("solve a.mtx --smoother schwarz --variant up").fails(2, &["no Schwarz variant 'up'", "harmonic"]);
    let many = "solve a.mtx --hierarchy none --smoother schwarz --parts 65";
    f.run(many).fails(1, &["65 parts for a matrix of 64 rows"]);
    f.run("solve a.mtx --smoother schwarz(0)").fails(2, &["not a parameter of the smoother schwarz"]);
}
