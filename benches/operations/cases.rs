//! Operations on a tape and their operands.
//!
//! Names that also occur in `../peers/torch_cases.py` have the same meaning there.

use multigrad::autodiff::Triangle;
use multigrad::autodiff::{Dense, Handle, Number, Sparse, Tape};
use multigrad::error::Result;
use multigrad::sparse::Csr;

use crate::problem::{Problem, wave};

/// An operand.
pub enum Operand {
    /// A sparse matrix.
    Matrix(Csr<f64>),
    /// A block with this many columns.
    Block(Vec<f64>, usize),
    /// A number.
    Number(f64),
    /// A constant sparse matrix.
    Constant(Csr<f64>),
}

/// A handle of any kind.
#[derive(Clone, Copy)]
pub enum Value<'t> {
    /// Of a sparse matrix.
    Sparse(Sparse<'t>),
    /// Of a dense block.
    Dense(Dense<'t>),
    /// Of a number.
    Number(Number<'t>),
}

impl<'t> Value<'t> {
    fn s(self) -> Sparse<'t> {
        match self {
            Value::Sparse(s) => s,
            _ => unreachable!("this operand is sparse"),
        }
    }

    fn d(self) -> Dense<'t> {
        match self {
            Value::Dense(d) => d,
            _ => unreachable!("this operand is dense"),
        }
    }

    fn n(self) -> Number<'t> {
        match self {
            Value::Number(n) => n,
            _ => unreachable!("this operand is a number"),
        }
    }

    /// For a reverse sweep.
    pub fn handle(&self) -> &dyn Handle<f64> {
        match self {
            Value::Sparse(s) => s,
            Value::Dense(d) => d,
            Value::Number(n) => n,
        }
    }

    /// The number of values.
    ///
    /// # Errors
    /// A failed operation.
    pub fn length(&self) -> Result<usize> {
        match self {
            Value::Sparse(s) => Ok(s.pattern()?.nnz()),
            Value::Dense(d) => d.values().map(|v| v.len()),
            Value::Number(n) => n.value().map(|_| 1),
        }
    }
}

impl Handle<f64> for Value<'_> {
    fn id(&self) -> usize {
        self.handle().id()
    }

    fn home(&self) -> &Tape {
        self.handle().home()
    }
}

impl<'t> From<Sparse<'t>> for Value<'t> {
    fn from(s: Sparse<'t>) -> Self {
        Value::Sparse(s)
    }
}

impl<'t> From<Dense<'t>> for Value<'t> {
    fn from(d: Dense<'t>) -> Self {
        Value::Dense(d)
    }
}

impl<'t> From<Number<'t>> for Value<'t> {
    fn from(n: Number<'t>) -> Self {
        Value::Number(n)
    }
}

impl Operand {
    /// On a tape, as a parameter if `wanted`.
    pub fn put<'t>(&self, tape: &'t Tape, wanted: bool) -> Value<'t> {
        match self {
            Operand::Matrix(a) if wanted => tape.parameter_matrix(a).into(),
            Operand::Matrix(a) | Operand::Constant(a) => tape.matrix(a).into(),
            Operand::Block(v, k) if wanted => tape.parameter_block(v, *k).into(),
            Operand::Block(v, k) => tape.block(v, *k).into(),
            Operand::Number(v) if wanted => tape.parameter_number(*v).into(),
            Operand::Number(v) => tape.number(*v).into(),
        }
    }
}

type Apply = Box<dyn for<'t> Fn(&'t Tape, &[Value<'t>]) -> Value<'t> + Send + Sync>;

/// An operation with its operands.
pub struct Case {
    /// Short, as in tables.
    pub name: &'static str,
    /// Its operands.
    pub operands: Vec<Operand>,
    /// On a tape.
    pub apply: Apply,
    /// Whether it is a loss: a step of Adam on the first operand belongs to its backward part.
    pub trains: bool,
}

/// The largest grid for direct solves: 10⁵ unknowns.
const DIRECT: usize = 316;

/// Names of all operations, and the construction of each case: its operands exist only during its
/// measurement.
pub const NAMES: [&str; 27] = [
    "matvec",
    "matvec_transposed",
    "matmul_16",
    "sparse_sparse",
    "galerkin",
    "add",
    "add_rotated",
    "multiply",
    "multiply_rotated",
    "transpose",
    "scale",
    "scale_rows",
    "row_sum",
    "diagonal",
    "lower_triangle",
    "submatrix",
    "select_rows",
    "frobenius",
    "sampled_16",
    "lower_solve",
    "direct_solve",
    "small_systems",
    "layer_tanh",
    "gather_rows",
    "scatter_rows",
    "cg_10",
    "spai_step",
];

/// The case of this name, or `None` if the operation does not suit the size.
///
/// # Errors
/// A name that is not in [`NAMES`].
pub fn case(name: &str, p: &Problem) -> Result<Option<Case>> {
    use Operand::{Block, Constant, Matrix, Number};
    let a = || Matrix(p.a.clone());
    let vector = || Block(p.block(1, 1), 1);
    let tall = |seed| Block(p.block(16, seed), 16);
    let pattern = p.a.pattern().clone();
    let n = p.n();
    let made = match name {
        "matvec" => new(name, vec![a(), vector()], |_, o| (o[0].s() * o[1].d()).into()),
        "matvec_transposed" => {
            new(name, vec![a(), vector()], |_, o| o[0].s().transposed_times(o[1].d()).into())
        }
        "matmul_16" => new(name, vec![a(), tall(2)], |_, o| (o[0].s() * o[1].d()).into()),
        "sparse_sparse" => {
            // With the pattern of A.
            new(name, vec![a(), Matrix(p.beside())], |_, o| (o[0].s() * o[1].s()).into())
        }
        "galerkin" => {
            let (r, t) = p.transfers()?;
            new(name, vec![Matrix(r), a(), Matrix(t)], |_, o| o[1].s().galerkin(o[0].s(), o[2].s()).into())
        }
        "add" => new(name, vec![a(), Matrix(p.beside())], |_, o| (o[0].s() + o[1].s()).into()),
        "add_rotated" => new(name, vec![a(), Matrix(p.rotated()?)], |_, o| (o[0].s() + o[1].s()).into()),
        "multiply" => new(name, vec![a(), Matrix(p.beside())], |_, o| o[0].s().hadamard(o[1].s()).into()),
        "multiply_rotated" => {
            new(name, vec![a(), Matrix(p.rotated()?)], |_, o| o[0].s().hadamard(o[1].s()).into())
        }
        "transpose" => new(name, vec![a()], |_, o| o[0].s().transpose().into()),
        "scale" => new(name, vec![Number(2.5), a()], |_, o| (o[0].n() * o[1].s()).into()),
        "scale_rows" => new(name, vec![a(), vector()], |_, o| o[0].s().scale_rows(o[1].d()).into()),
        "row_sum" => new(name, vec![a()], |_, o| o[0].s().row_sums().into()),
        "diagonal" => new(name, vec![a()], |_, o| o[0].s().diagonal().into()),
        "lower_triangle" => new(name, vec![a()], |_, o| o[0].s().tril(0).into()),
        "submatrix" => {
            let every_second: Vec<usize> = (0..n).step_by(2).collect();
            new(name, vec![a()], move |_, o| o[0].s().submatrix(&every_second, &every_second).into())
        }
        "select_rows" => {
            let (rows, columns): (Vec<usize>, Vec<usize>) = ((0..n).step_by(2).collect(), (0..n).collect());
            new(name, vec![a()], move |_, o| o[0].s().submatrix(&rows, &columns).into())
        }
        "frobenius" => new(name, vec![a()], |_, o| o[0].s().norm().into()),
        "sampled_16" => {
            new(name, vec![tall(2), tall(3)], move |_, o| o[0].d().outer_on(o[1].d(), &pattern).into())
        }
        "lower_solve" => {
            let lower = Matrix(p.a.filter(|i, j, _| j <= i));
            let triangle = Triangle { lower: true, unit: false };
            new(name, vec![lower, vector()], move |_, o| o[0].s().solve_triangular(triangle, o[1].d()).into())
        }
        "direct_solve" if p.m > DIRECT => return Ok(None),
        "direct_solve" => new(name, vec![a(), vector()], |_, o| o[0].s().solve(o[1].d()).into()),
        "small_systems" => {
            let count = p.a.nnz() / 64;
            let mut systems = wave(count * 64, 4);
            systems.iter_mut().enumerate().filter(|(q, _)| q % 64 % 9 == 0).for_each(|(_, v)| *v += 8.0);
            let right = wave(count * 8, 5);
            new(name, vec![Block(systems, 8), Block(right, 1)], |_, o| {
                o[0].d().solve_batched(o[1].d()).into()
            })
        }
        "layer_tanh" => {
            let weights = Block(wave(256, 6).iter().map(|v| 0.5 * v - 0.25).collect(), 16);
            new(name, vec![tall(2), weights], |_, o| o[0].d().times(o[1].d()).tanh().into())
        }
        "gather_rows" => {
            let list = p.ends[1].clone();
            new(name, vec![Block(p.block(4, 2), 4)], move |_, o| o[0].d().gather_rows(&list).into())
        }
        "scatter_rows" => {
            let list = p.ends[1].clone();
            let edges = Block(wave(4 * list.len(), 7), 4);
            new(name, vec![edges], move |_, o| o[0].d().scatter_rows(&list, n).into())
        }
        "cg_10" => {
            new(name, vec![a(), vector()], |tape, o| conjugate_gradients(tape, o[0].s(), o[1].d(), 10).into())
        }
        "spai_step" => {
            let guess = Matrix(p.a.map(|_, _, v| 0.1 * v));
            let mut case = new(name, vec![guess, Constant(p.a.clone())], move |tape, o| {
                (tape.identity(n) - o[0].s() * o[1].s()).frobenius_squared().into()
            });
            case.trains = true;
            case
        }
        _ => unreachable!("a name in the list"),
    };
    Ok(Some(made))
}

fn new(
    name: &str,
    operands: Vec<Operand>,
    apply: impl for<'t> Fn(&'t Tape, &[Value<'t>]) -> Value<'t> + Send + Sync + 'static,
) -> Case {
    let name = NAMES.iter().find(|n| **n == name).copied().unwrap_or_default();
    Case { name, operands, apply: Box::new(apply), trains: false }
}

/// This many steps from the zero guess, unrolled.
fn conjugate_gradients<'t>(tape: &'t Tape, a: Sparse<'t>, b: Dense<'t>, steps: usize) -> Dense<'t> {
    let (mut r, mut p, mut rr) = (b, b, b.dot(b));
    let mut x: Option<Dense<'t>> = None;
    for _ in 0..steps {
        let q = a * p;
        let alpha = rr / p.dot(q);
        x = Some(x.map_or_else(|| alpha * p, |x| x.add_scaled(alpha, p)));
        r = r.add_scaled(-alpha, q);
        let new = r.dot(r);
        p = r.add_scaled(new / rr, p);
        rr = new;
    }
    x.unwrap_or_else(|| tape.vector(&[]))
}
