//! Overhead of the tape: ten thousand operations on tiny operands.

use multigrad::autodiff::{Dense, Number, Sparse, Tape};
use multigrad::backend::{Cpu, View};
use multigrad::error::{Error, Result};
use multigrad::sparse::Csr;

use crate::allocations::so_far;
use crate::clock::{Clock, Elapsed};
use crate::timing::{repeated, sample};

/// Rounds of the loop below, each of five operations.
const ROUNDS: usize = 2000;
/// Operations in all: those of the loop and one scalar product.
const OPERATIONS: usize = 5 * ROUNDS + 1;
const N: usize = 4;

/// Nanoseconds for one operation of a chain of products with a 4 × 4 matrix, sums and numbers.
#[derive(Debug, Clone, Copy)]
pub struct Overhead {
    /// On a tape of constants, and by the same kernels called one after the other.
    pub forward: (f64, f64),
    /// The reverse sweep on the tape, and by the same rules written by hand for this chain.
    pub backward: (f64, f64),
    /// Calls of the allocator in a steady round, for one operation.
    pub allocations: f64,
}

impl Overhead {
    /// The overhead of the tape over the kernels, forward and backward.
    pub fn nanoseconds(&self) -> (f64, f64) {
        (self.forward.0 - self.forward.1, self.backward.0 - self.backward.1)
    }
}

fn matrix() -> Result<Csr<f64>> {
    let entries: Vec<_> = (0..N * N).map(|q| (q / N, q % N, 0.1 + 0.01 * q as f64)).collect();
    Csr::from_triplets(N, N, &entries)
}

const X: [f64; N] = [0.3, -0.2, 0.5, 0.1];
const C: f64 = 0.5;

/// The gradients of ⟨y, x⟩ by A, x, c and d.
type Gradients = (Vec<f64>, Vec<f64>, f64, f64);

/// s ← s c + d and y ← s (A y + x), repeatedly, then ⟨y, x⟩. Times of both ways, and the gradients.
fn on_tape(tape: &mut Tape, a: &Csr<f64>, recorded: bool) -> Result<([Elapsed; 2], Option<Gradients>)> {
    let operands: (Sparse<'_>, Dense<'_>, Number<'_>, Number<'_>) = if recorded {
        (tape.parameter_matrix(a), tape.parameter(&X), tape.parameter_number(C), tape.parameter_number(C))
    } else {
        (tape.matrix(a), tape.vector(&X), tape.number(C), tape.number(C))
    };
    let clock = Clock::start();
    let (a, x, c, d) = operands;
    let (mut y, mut s) = (x, c);
    for _ in 0..ROUNDS {
        s = s * c + d;
        y = s * (a * y + x);
    }
    let loss = y.dot(x);
    let forward = clock.elapsed();
    if !recorded {
        loss.value()?;
        tape.clear();
        return Ok(([forward, Elapsed::default()], None));
    }
    let clock = Clock::start();
    let gradients = loss.gradients()?;
    let backward = clock.elapsed();
    let of = (gradients.of(a)?.to_vec(), gradients.of(x)?.to_vec(), gradients.of(c)?[0], gradients.of(d)?[0]);
    tape.recycle(gradients);
    tape.clear();
    Ok(([forward, backward], Some(of)))
}

/// The same without a tape: values of all rounds in preallocated arrays.
struct Direct<'a> {
    a: View<'a, f64>,
    /// A y, A y + x and y of every round; y of round 0 first.
    products: Vec<[f64; N]>,
    sums: Vec<[f64; N]>,
    vectors: Vec<[f64; N]>,
    /// s c and s of every round; s of round 0 first.
    scaled: Vec<f64>,
    numbers: Vec<f64>,
}

impl Direct<'_> {
    fn forward(&mut self) -> f64 {
        (self.vectors[0], self.numbers[0]) = (X, C);
        for k in 0..ROUNDS {
            self.scaled[k] = self.numbers[k] * C;
            self.numbers[k + 1] = self.scaled[k] + C;
            Cpu.spmv(1.0, self.a, &self.vectors[k], 0.0, &mut self.products[k], 1);
            let (u, v, s) = (&self.products[k], &mut self.sums[k], self.numbers[k + 1]);
            v.iter_mut().zip(u).zip(&X).for_each(|((v, u), x)| *v = u + x);
            self.vectors[k + 1].iter_mut().zip(&*v).for_each(|(y, v)| *y = s * v);
        }
        self.vectors[ROUNDS].iter().zip(&X).map(|(y, x)| y * x).sum()
    }

    fn backward(&self) -> Gradients {
        let (mut of_a, mut of_x) = (vec![0.0; N * N], self.vectors[ROUNDS].to_vec());
        let (mut of_c, mut of_d, mut of_s, mut of_y) = (0.0, 0.0, 0.0, X);
        let (mut part, mut of_u) = ([0.0; N * N], [0.0; N]);
        for k in (0..ROUNDS).rev() {
            let (s, v, y) = (self.numbers[k + 1], &self.sums[k], &self.vectors[k]);
            of_s += of_y.iter().zip(v).map(|(g, v)| g * v).sum::<f64>();
            of_u.iter_mut().zip(&of_y).for_each(|(u, g)| *u = s * g);
            of_x.iter_mut().zip(&of_u).for_each(|(x, u)| *x += u);
            part.fill(0.0);
            Cpu.sampled_product(1.0, self.a.pattern, &of_u, y, &mut part, 1);
            of_a.iter_mut().zip(&part).for_each(|(g, p)| *g += p);
            Cpu.spmv_transposed(1.0, self.a, &of_u, 0.0, &mut of_y, 1);
            of_d += of_s;
            of_c += of_s * self.numbers[k];
            of_s *= C;
        }
        // The first y is x and the first s is c.
        of_x.iter_mut().zip(&of_y).for_each(|(x, g)| *x += g);
        (of_a, of_x, of_c + of_s, of_d)
    }
}

/// Measures; checks that both ways give the same gradients.
///
/// # Errors
/// Gradients that differ.
pub fn measure(smoke: bool) -> Result<Overhead> {
    let a = matrix()?;
    let mut tape = Tape::new();
    let (fewest, seconds) = if smoke { (1, 0.0) } else { (20, 0.5) };
    let mut failed = None;
    let mut timed = |tape: &mut Tape, recorded: bool, way: usize| {
        repeated(fewest, seconds, || match on_tape(tape, &a, recorded) {
            Ok((elapsed, _)) => elapsed[way],
            Err(e) => {
                failed = Some(e);
                Elapsed::default()
            }
        })
    };
    let forward = timed(&mut tape, false, 0);
    let backward = timed(&mut tape, true, 1);
    if let Some(e) = failed {
        return Err(e);
    }
    let before = so_far().0;
    let (_, gradients) = on_tape(&mut tape, &a, true)?;
    // Two of them are copies for the following check.
    let allocations = (so_far().0 - before - 2) as f64 / OPERATIONS as f64;
    let vectors = || vec![[0.0; N]; ROUNDS + 1];
    let (products, sums, vectors) = (vectors(), vectors(), vectors());
    let (scaled, numbers) = (vec![0.0; ROUNDS], vec![0.0; ROUNDS + 1]);
    let mut direct = Direct { a: (&a).into(), products, sums, vectors, scaled, numbers };
    let plain = sample(smoke, || {
        std::hint::black_box(direct.forward());
    });
    let reverse = sample(smoke, || {
        std::hint::black_box(direct.backward());
    });
    direct.forward();
    check(&gradients.unwrap_or_default(), &direct.backward())?;
    let each = |seconds: f64| seconds * 1e9 / OPERATIONS as f64;
    Ok(Overhead {
        forward: (each(forward.min), each(plain.min)),
        backward: (each(backward.min), each(reverse.min)),
        allocations,
    })
}

fn check(tape: &Gradients, direct: &Gradients) -> Result<()> {
    let flat = |g: &Gradients| {
        let mut all = g.0.clone();
        all.extend(&g.1);
        all.extend([g.2, g.3]);
        all
    };
    let (left, right) = (flat(tape), flat(direct));
    let near = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-10 * (1.0 + b.abs());
    if left.len() == right.len() && left.iter().zip(&right).all(near) {
        return Ok(());
    }
    Err(Error::invalid_input(format!("the tape's gradients {left:?} are not those by hand {right:?}")))
}
