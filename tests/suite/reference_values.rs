//! Values and gradients against another implementation (`tests/data/reference`).

use std::sync::Arc;

use crate::common::numbers::distance;
use multigrad::backend::{Direct, Triangle};
use multigrad::cycle_tape::{Parameter, Tape, TapeVector};
use multigrad::engine::{Engine, Matrix};
use multigrad::sparse::{Csr, Storage};
use serde_json::Value;

const TOLERANCE: f64 = 1e-12;

fn read(name: &str) -> Value {
    let path = format!("tests/data/reference/{name}.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn list<T: serde::de::DeserializeOwned>(value: &Value) -> Vec<T> {
    serde_json::from_value(value.clone()).unwrap()
}

fn matrix(case: &Value) -> Csr<f64> {
    let a = &case["inputs"]["A"];
    let shape: Vec<usize> = list(&a["shape"]);
    Csr::from_csr(shape[0], shape[1], list::<u32>(&a["indptr"]), list::<u32>(&a["indices"]), list(&a["data"]))
        .unwrap()
}

type Operation =
    dyn Fn(&Tape<f64>, &Matrix<Parameter<Arc<Storage<f64>>>>, TapeVector<f64>) -> TapeVector<f64>;

/// The gradient with respect to A, after the value and the gradient of the vector were compared.
fn run(case: &Value, vector: &str, k: usize, operation: &Operation) -> Vec<f64> {
    let a = matrix(case);
    let tape = Tape::new(k);
    let m = Matrix::from(a.clone()).map(|v| Parameter::learned(v.clone(), 0));
    let x = tape.input(&list::<f64>(&case["inputs"][vector]["data"]));
    let out = operation(&tape, &m, x.clone());
    let expected: Vec<f64> = list(&case["output"]["data"]);
    let what = &case["name"];
    assert!(distance(&tape.values(&out), &expected) < TOLERANCE, "value of {what}");
    let (mut gradients, of_x) =
        tape.backward_to(&[a.nnz()], &out, &list::<f64>(&case["upstream"]), &x).unwrap();
    if let Some(expected) = case["grads"].get(vector) {
        assert!(distance(&of_x, &list::<f64>(expected)) < TOLERANCE, "gradient of {vector} in {what}");
    }
    gradients.remove(0)
}

fn check(name: &str, vector: &str, k: usize, operation: &Operation) {
    let case = read(name);
    let gradient = run(&case, vector, k, operation);
    let error = distance(&gradient, &list::<f64>(&case["grads"]["A"]));
    assert!(error < TOLERANCE, "gradient of A in {name}: {error:e}");
}

fn substitution(lower: bool, unit: bool) -> Box<Operation> {
    Box::new(move |t, m, x| t.solve_triangular(m, Triangle { lower, unit }, x))
}

#[test]
fn products() {
    for name in ["spmv", "spmv_rect", "spmv_poisson64"] {
        check(name, "x", 1, &|t, m, x| t.spmv(m, &x));
    }
    check("spdmm", "X", 5, &|t, m, x| t.spmv(m, &x));
}

#[test]
fn substitutions() {
    check("trisolve_lower", "b", 1, &*substitution(true, false));
    check("trisolve_upper", "b", 1, &*substitution(false, false));
    check("trisolve_lower_unit_strict", "b", 1, &*substitution(true, true));
}

/// Another implementation gives gradients to entries that its forward solve never reads.
#[test]
fn defects_that_are_known_elsewhere() {
    for (name, unit) in
        [("known_wrong_trisolve_full_pattern", false), ("known_wrong_trisolve_unit_stored_diag", true)]
    {
        let case = read(name);
        let gradient = run(&case, "b", 1, &*substitution(true, unit));
        let exact: Vec<f64> = list(&case["exact_grad_A"]);
        let wrong: Vec<f64> = list(&case["numml_grad_A_WRONG"]);
        assert!(distance(&gradient, &exact) < TOLERANCE, "{name}");
        assert!(distance(&gradient, &wrong) > 1e-3, "{name}");
    }
}

/// The direct solver holds a constant: its value, and the gradient of its right-hand side.
#[test]
fn direct_solves() {
    for name in ["spsolve_nonsym", "spsolve_poisson64"] {
        let case = read(name);
        let direct = Arc::new(Direct::new(&matrix(&case)).unwrap());
        let gradient = run(&case, "b", 1, &move |t, _, b| t.solve(&direct, &b));
        assert!(gradient.iter().all(|&v| v == 0.0));
    }
}
