//! Operations of expressions against another implementation (`tests/data/reference`): values and gradients to
//! 1e-12.

use crate::common::numbers::distance;
use multigrad::autodiff::Triangle;
use multigrad::autodiff::{Dense, Handle, Limits, Number, Sparse, Tape, fixed_point};
use multigrad::error::Result;
use multigrad::sparse::Csr;
use serde_json::Value;

const TOLERANCE: f64 = 1e-12;

fn read(name: &str) -> Value {
    let path = format!("tests/data/reference/{name}.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn list<T: serde::de::DeserializeOwned>(value: &Value) -> Vec<T> {
    serde_json::from_value(value.clone()).unwrap()
}

fn matrix(input: &Value) -> Csr<f64> {
    let shape: Vec<usize> = list(&input["shape"]);
    Csr::from_csr(
        shape[0],
        shape[1],
        list::<u32>(&input["indptr"]),
        list::<u32>(&input["indices"]),
        list(&input["data"]),
    )
    .unwrap()
}

/// An input or an output on a tape.
#[derive(Clone, Copy)]
enum On<'t> {
    Sparse(Sparse<'t>),
    Dense(Dense<'t>),
    Number(Number<'t>),
}

impl<'t> On<'t> {
    fn sparse(self) -> Sparse<'t> {
        if let On::Sparse(a) = self { a } else { panic!("not sparse") }
    }

    fn dense(self) -> Dense<'t> {
        if let On::Dense(x) = self { x } else { panic!("not dense") }
    }

    fn number(self) -> Number<'t> {
        if let On::Number(s) = self { s } else { panic!("not a number") }
    }

    fn handle(&self) -> &dyn Handle<f64> {
        match self {
            On::Sparse(a) => a,
            On::Dense(x) => x,
            On::Number(s) => s,
        }
    }

    fn values(&self) -> Result<Vec<f64>> {
        match self {
            On::Sparse(a) => a.values(),
            On::Dense(x) => x.values(),
            On::Number(s) => s.values(),
        }
    }
}

struct Inputs<'t> {
    tape: &'t Tape,
    list: Vec<(String, On<'t>)>,
}

impl<'t> Inputs<'t> {
    fn get(&self, name: &str) -> On<'t> {
        self.list.iter().find(|e| e.0 == name).unwrap_or_else(|| panic!("no input {name}")).1
    }

    fn a(&self, name: &str) -> Sparse<'t> {
        self.get(name).sparse()
    }

    fn x(&self, name: &str) -> Dense<'t> {
        self.get(name).dense()
    }
}

/// Runs a case and compares value and gradients.
fn check(name: &str, f: impl for<'t> Fn(&Inputs<'t>) -> On<'t>) {
    let case = read(name);
    let tape = Tape::new();
    let put = |(name, input): (&String, &Value)| {
        let on = match input["kind"].as_str().unwrap() {
            "csr" => On::Sparse(tape.parameter_matrix(&matrix(input))),
            "scalar" => On::Number(tape.parameter_number(input["value"].as_f64().unwrap())),
            _ => {
                let shape: Vec<usize> = list(&input["shape"]);
                let columns = if shape.len() == 1 { 1 } else { shape[shape.len() - 1] };
                On::Dense(tape.parameter_block(&list::<f64>(&input["data"]), columns))
            }
        };
        (name.clone(), on)
    };
    let inputs = Inputs { tape: &tape, list: case["inputs"].as_object().unwrap().iter().map(put).collect() };
    let out = f(&inputs);
    let values = out.values().unwrap_or_else(|e| panic!("{name}: {e}"));
    let output = &case["output"];
    let expected = output.get("value").map_or_else(|| list(&output["data"]), |v| vec![v.as_f64().unwrap()]);
    assert!(distance(&values, &expected) < TOLERANCE, "value of {name}: {:e}", distance(&values, &expected));
    let seed = if case["upstream"].is_null() { vec![1.0] } else { list(&case["upstream"]) };
    let gradients = tape.backward(&[(out.handle(), &seed)]).unwrap();
    for (input, on) in &inputs.list {
        if let Some(expected) = case["grads"].get(input) {
            let own = match on {
                On::Sparse(a) => gradients.of(a),
                On::Dense(x) => gradients.of(x),
                On::Number(s) => gradients.of(s),
            };
            let error = distance(own.unwrap(), &list::<f64>(expected));
            assert!(error < TOLERANCE, "gradient of {input} in {name}: {error:e}");
        }
    }
}

#[test]
fn products() {
    for name in ["spmv", "spmv_rect", "spmv_poisson64"] {
        check(name, |i| On::Dense(i.a("A") * i.x("x")));
        // Through the transpose of the transpose, too.
        check(name, |i| On::Dense(i.a("A").transpose().transposed_times(i.x("x"))));
    }
    check("spdmm", |i| On::Dense(i.a("A") * i.x("X")));
    for name in ["spgemm", "spgemm_rect"] {
        check(name, |i| On::Sparse(i.a("A") * i.a("B")));
    }
    check("spgemm_square", |i| On::Sparse(i.a("A") * i.a("A")));
    check("galerkin", |i| On::Sparse(i.a("A").galerkin(i.a("P").transpose(), i.a("P"))));
}

#[test]
fn sums_and_functions_of_the_entries() {
    check("add", |i| On::Sparse(i.a("A") + i.a("B")));
    check("sub", |i| On::Sparse(i.a("A") - i.a("B")));
    check("neg", |i| On::Sparse(-i.a("A")));
    check("abs", |i| On::Sparse(i.a("A").abs()));
    check("pow", |i| On::Sparse(i.a("A").square()));
    check("pow3", |i| On::Sparse(i.a("A").powi(3)));
    check("rdiv", |i| On::Sparse(i.a("A").recip() * 2.0));
    check("scale", |i| On::Sparse(i.get("s").number() * i.a("A")));
    check("sum", |i| On::Number(i.a("A").sum()));
    check("trace", |i| On::Number(i.a("A").trace()));
    check("rowsum", |i| On::Dense(i.a("A").row_sums()));
}

#[test]
fn parts_and_shapes() {
    check("transpose", |i| On::Sparse(i.a("A").transpose()));
    check("diagonal", |i| On::Dense(i.a("A").diagonal()));
    check("diag_build", |i| On::Dense(i.x("w").as_diagonal() * i.x("x")));
    check("to_dense", |i| On::Dense(i.a("A").to_dense()));
}

#[test]
fn solves() {
    let triangle = |lower, unit| Triangle { lower, unit };
    check("trisolve_lower", |i| On::Dense(i.a("A").solve_triangular(triangle(true, false), i.x("b"))));
    check("trisolve_upper", |i| On::Dense(i.a("A").solve_triangular(triangle(false, false), i.x("b"))));
    check("trisolve_lower_unit_strict", |i| {
        On::Dense(i.a("A").solve_triangular(triangle(true, true), i.x("b")))
    });
    for name in ["spsolve_nonsym", "spsolve_poisson64"] {
        check(name, |i| On::Dense(i.a("A").solve(i.x("b"))));
        check(name, |i| On::Dense(i.a("A").transpose().solve_transposed(i.x("b"))));
    }
}

/// The other implementation gives gradients to entries that its forward solve never reads.
#[test]
fn a_triangular_solve_gives_no_gradient_to_what_it_does_not_read() {
    for (name, unit) in
        [("known_wrong_trisolve_full_pattern", false), ("known_wrong_trisolve_unit_stored_diag", true)]
    {
        let case = read(name);
        let tape = Tape::new();
        let a = tape.parameter_matrix(&matrix(&case["inputs"]["A"]));
        let b = tape.vector(&list::<f64>(&case["inputs"]["b"]["data"]));
        let x = a.solve_triangular(Triangle { lower: true, unit }, b);
        let gradients = tape.backward(&[(&x, &list::<f64>(&case["upstream"]))]).unwrap();
        let own = gradients.of(a).unwrap();
        assert!(distance(own, &list::<f64>(&case["exact_grad_A"])) < TOLERANCE, "{name}");
        assert!(distance(own, &list::<f64>(&case["numml_grad_A_WRONG"])) > 1e-3, "{name}");
    }
}

fn jacobi_sweep<'t>(a: Sparse<'t>, x: Dense<'t>, b: Dense<'t>, w: Number<'t>) -> Dense<'t> {
    x + w * ((b - a * x) / a.diagonal())
}

#[test]
fn a_sweep_and_a_two_grid_method() {
    check("jacobi_sweep", |i| On::Dense(jacobi_sweep(i.a("A"), i.x("x"), i.x("b"), i.get("w").number())));
    check("jacobi_frob", |i| {
        let entries: Vec<_> = (0..15)
            .flat_map(|i| [(i, i + 1, -1.0), (i + 1, i, -1.0)])
            .chain((0..16).map(|i| (i, i, 2.0)))
            .collect();
        let a = i.tape.matrix(&Csr::from_triplets(16, 16, &entries).unwrap());
        let g = i.tape.identity(16) - (i.x("w") / a.diagonal()).as_diagonal() * a;
        On::Number((g.transpose() * g).trace())
    });
    check("spai_loss", |i| On::Number((i.tape.identity(64) - i.a("M") * i.a("A")).frobenius_squared()));
    check("multigrid_demo_loss", |i| {
        let (a, b, w) = (i.a("A"), i.x("b"), i.tape.number(0.6));
        let aggregates: Vec<_> = (0..9).map(|i| (i, i / 3, 1.0)).collect();
        let p = i.a("S") * i.tape.matrix(&Csr::from_triplets(9, 3, &aggregates).unwrap());
        let coarse = a.galerkin(p.transpose(), p);
        let mut x = i.x("x");
        for _ in 0..3 {
            x = jacobi_sweep(a, x, b, w);
            x = x + p * coarse.solve(p.transposed_times(b - a * x));
            x = jacobi_sweep(a, x, b, w);
        }
        On::Number((b - a * x).norm() / b.norm())
    });
}

/// Conjugate gradients, or conjugate residuals, unrolled.
fn krylov<'t>(
    a: Sparse<'t>,
    b: Dense<'t>,
    m: Option<Sparse<'t>>,
    steps: usize,
    residuals: bool,
) -> Dense<'t> {
    let precondition = |r: Dense<'t>| m.map_or(r, |m| m * m.transposed_times(r));
    let inner = |x: Dense<'t>, y: Dense<'t>| if residuals { x.dot(a * y) } else { x.dot(y) };
    let (mut x, mut r) = (b * 0.0, b);
    let mut z = precondition(r);
    let (mut p, mut rz) = (z, inner(r, z));
    for _ in 0..steps {
        let ap = a * p;
        let alpha = rz / if residuals { ap.dot(ap) } else { p.dot(ap) };
        (x, r) = (x + alpha * p, r - alpha * ap);
        z = precondition(r);
        let next = inner(r, z);
        p = z + (next / rz) * p;
        rz = next;
    }
    x
}

#[test]
fn unrolled_iterations() {
    check("cg5", |i| On::Dense(krylov(i.a("A"), i.x("b"), None, 5, false)));
    check("cr5", |i| On::Dense(krylov(i.a("A"), i.x("b"), None, 5, true)));
    check("pcg3", |i| On::Dense(krylov(i.a("A"), i.x("b"), Some(i.a("M")), 3, false)));
}

#[test]
fn graph_convolutions() {
    check("gcnconv", |i| {
        let (a, xw) = (i.a("A"), i.x("X").times(i.x("W")));
        let d = (a.row_sums() + i.tape.vector(&[1.0; 12])).powf(-0.5);
        let y = xw.scale_rows(d);
        On::Dense((a * y + y).scale_rows(d).add_to_rows(i.x("b")))
    });
    check("tagconv_nonorm", |i| {
        // The two 3 × 4 weights are stacked vertically.
        let (ax, weights) = (i.a("A") * i.x("X"), i.x("W").transpose());
        let (first, second) = (weights.columns(0, 3).transpose(), weights.columns(3, 3).transpose());
        On::Dense((ax.times(first) + (i.a("A") * ax).times(second)).add_to_rows(i.x("b")))
    });
}

/// tridiag(−1, 2, −1) + shift of order 9.
fn shifted_laplacian(shift: f64) -> Csr<f64> {
    let off = (0..8).flat_map(|i| [(i, i + 1, -1.0), (i + 1, i, -1.0)]);
    let entries: Vec<_> = off.chain((0..9).map(|i| (i, i, 2.0 + shift))).collect();
    Csr::from_triplets(9, 9, &entries).unwrap()
}

/// The limit of x ← x + a (b − A x) and its gradient with respect to b.
fn richardson(
    a: &Csr<f64>,
    weight: f64,
    b: &[f64],
    upstream: &[f64],
    limits: Limits,
) -> Result<multigrad::autodiff::FixedPoint<f64>> {
    fixed_point(
        limits,
        &[0.0; 9],
        &[b.to_vec()],
        |t, x, p| x + (p[0] - t.matrix(a) * x) * weight,
        |t, x, _| x.dot(t.vector(upstream)),
    )
}

/// The other implementation stops the adjoint after 300 steps and returns zero.
#[test]
fn the_adjoint_of_a_fixed_point_is_right_or_an_error() {
    let case = read("known_wrong_fixed_point_silent_zero");
    let (a, b, ones) = (shifted_laplacian(2.0), list::<f64>(&case["b"]), [1.0; 9]);
    let limits = Limits { tolerance: 1e-14, ..Limits::default() };
    let run = richardson(&a, 0.02, &b, &ones, limits).unwrap();
    assert!(distance(&run.of_parameters[0], &list::<f64>(&case["exact_grad_b"])) < 1e-11);
    let few = richardson(&a, 0.02, &b, &ones, Limits { steps: 30, ..limits }).unwrap_err();
    assert!(few.to_string().contains("did not converge"), "{few}");
    // From its limit the iteration converges at once, but its adjoint does not.
    let start = run.state.clone();
    let adjoint = fixed_point(
        Limits { steps: 100, ..limits },
        &start,
        &[b],
        |t, x, p| x + (p[0] - t.matrix(&a) * x) * 0.02,
        |_, x, _| x.sum(),
    );
    assert!(adjoint.unwrap_err().to_string().contains("adjoint"));

    let case = read("fixed_point_linear");
    let input = |name: &str| list::<f64>(&case["inputs"][name]["data"]);
    let upstream = list::<f64>(&case["upstream"]);
    for shift in [0.0, 1.0, 2.0] {
        let run = richardson(&shifted_laplacian(shift), 0.25, &input("b"), &upstream, limits).unwrap();
        if distance(&run.state, &list::<f64>(&case["output"]["data"])) < 1e-9 {
            // The other implementation stops its adjoint at 10⁻⁶.
            assert!(distance(&run.of_parameters[0], &list::<f64>(&case["grads"]["b"])) < 1e-5);
            return;
        }
    }
    panic!("the matrix of the case is another one");
}

/// The other implementation numbers nonzeros by 32-bit floats, which end at 2²⁴.
#[test]
fn more_nonzeros_than_single_precision_can_number() {
    let n = (1usize << 24) + 5;
    let a =
        Csr::from_csr(1, n, vec![0, n as u32], (0..n as u32).collect::<Vec<_>>(), vec![1.0f32; n]).unwrap();
    let tape = Tape::<f32>::new();
    let m = tape.parameter_matrix(&a);
    let last = m.triu((n - 3) as i64);
    assert_eq!(last.extent(), (1, n));
    let weighted = last.entries() * tape.vector(&[1.0, 2.0, 3.0]);
    let gradients = weighted.sum().gradients().unwrap();
    assert_eq!(gradients.of(m).unwrap()[n - 6..], [0.0, 0.0, 0.0, 1.0, 2.0, 3.0]);
}
