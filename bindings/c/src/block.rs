//! The vectors of a solve: one or several right-hand sides, their solutions, and the result.

use std::time::Instant;

use multigrad::{Outcome as Solved, SolveOptions};

use crate::guard::remember;
use crate::memory::{Output, Place, input, product, size};
use crate::options::{Options, mg_options};
use crate::result::{Column, Columns, deliver, mg_result};
use crate::status::{Failure, Outcome, mg_status};

/// Arguments of a solve.
pub(crate) struct Block {
    n: usize,
    /// A copy: a callback may write to the array of the caller, which may also be that of x.
    b: Vec<f64>,
    x: Output,
    options: Options,
    result: Option<Place<*mut mg_result>>,
}

impl Block {
    /// Checks the arguments of a solve with a matrix of `rows` rows.
    ///
    /// # Safety
    /// The arrays have n × count values, those of x initialised if the options ask for an initial guess, and `result`
    /// is null or a variable.
    pub unsafe fn new(
        rows: usize,
        (n, count): (i64, i64),
        b: *const f64,
        x: *mut f64,
        options: *const mg_options,
        result: *mut *mut mg_result,
    ) -> Outcome<Self> {
        // SAFETY: the caller promises it.
        let result = unsafe { Place::optional("the variable for the result", result)? };
        let options = Options::of(options)?;
        let (n, count) = (size("n", n)?, size("the number of right-hand sides", count)?);
        if n != rows {
            let message = format!("n is {n}, but the matrix of the solver has {rows} rows");
            return Err(Failure::dimension(message));
        }
        let total = product("the block of right-hand sides", n, count)?;
        // SAFETY: the caller promises the sizes.
        let (b, x) = unsafe { (input("b", b, total)?.to_vec(), Output::new("x", x, total)?) };
        finite("b", &b, n)?;
        Ok(Self { n, b, x, options, result })
    }

    /// The limits of time and memory of the call.
    pub fn limits(&self) -> multigrad::Limits {
        self.options.limits()
    }

    /// Solves for every column by `solve`. Exclusive, because another thread may run it meanwhile.
    pub fn run(
        &mut self,
        mut solve: impl FnMut(&[f64], SolveOptions<'_>) -> Outcome<Solved>,
    ) -> Outcome<Vec<(Solved, f64)>> {
        let count = self.b.len() / self.n.max(1);
        let mut outs = Vec::with_capacity(count);
        for (j, b) in self.b.chunks_exact(self.n.max(1)).enumerate() {
            let clock = Instant::now();
            // SAFETY: the caller of `new` promises that x is initialised if there is an initial guess.
            let guess = self.options.initial_guess.then(|| unsafe { self.x.copy(j * self.n, self.n) });
            let mut options = self.options.of_a_solve();
            if let Some(guess) = &guess {
                finite("the initial guess x", guess, self.n)?;
                options = options.initial_guess(guess);
            }
            let callback = self.options.on_iteration;
            let mut call = move |iteration, residual| {
                if let Some(callback) = callback {
                    callback.call(iteration, residual);
                }
            };
            if callback.is_some() {
                options = options.on_iteration(&mut call);
            }
            let out = solve(b, options).map_err(|failure| match count {
                1 => failure,
                _ => failure.at(format!("right-hand side {}", j + 1)),
            })?;
            outs.push((out, clock.elapsed().as_secs_f64()));
        }
        Ok(outs)
    }

    /// Solves for all columns together by `all`, where there are several and the options allow it, or else one by one. The time
    /// is divided among the columns.
    pub fn run_together(
        &mut self,
        one: impl FnMut(&[f64], SolveOptions<'_>) -> Outcome<Solved>,
        all: impl FnOnce(&[&[f64]], SolveOptions<'_>) -> multigrad::Result<Vec<Solved>>,
    ) -> Outcome<Vec<(Solved, f64)>> {
        let columns: Vec<&[f64]> = self.b.chunks_exact(self.n.max(1)).collect();
        if columns.len() < 2 || self.options.initial_guess || self.options.on_iteration.is_some() {
            return self.run(one);
        }
        let clock = Instant::now();
        let outs = all(&columns, self.options.of_a_solve())?;
        let seconds = clock.elapsed().as_secs_f64() / outs.len().max(1) as f64;
        Ok(outs.into_iter().map(|out| (out, seconds)).collect())
    }

    /// Writes the solutions and the result. Belongs on the thread of the call, whose error text it sets.
    pub fn finish(mut self, outs: &[(Solved, f64)]) -> Outcome<mg_status> {
        for (j, (out, _)) in outs.iter().enumerate() {
            self.x.write(j * self.n, &out.x);
        }
        deliver(self.result, Columns(outs.iter().map(|(out, seconds)| Column::new(out, *seconds)).collect()));
        let Some((j, (out, _))) = outs.iter().enumerate().find(|(_, (out, _))| !out.converged()) else {
            return Ok(mg_status::MG_OK);
        };
        let place = if outs.len() == 1 { String::new() } else { format!("right-hand side {}: ", j + 1) };
        remember(&format!("{place}{out}"));
        Ok(mg_status::MG_NOT_CONVERGED)
    }
}

/// Refuses values that are not finite in columns of n values.
fn finite(what: &str, values: &[f64], n: usize) -> Outcome {
    let Some(place) = values.iter().position(|v| !v.is_finite()) else { return Ok(()) };
    let (row, column) = (place % n + 1, place / n + 1);
    let message =
        format!("{what} is {} in row {row} of column {column}; its values must be finite", values[place]);
    Err(Failure::input(message))
}
