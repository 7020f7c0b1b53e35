//! Small dense systems, one for every row of a restriction.

/// A pivot below this, in a matrix whose rows are scaled to largest entry 1, is zero.
const PIVOT: f64 = 1e-13;

/// The shift of the normal equations of a singular system, relative to their trace.
const SHIFT: f64 = 1e-12;

/// Systems of varying size, one at a time, in the same memory.
#[derive(Default)]
pub(super) struct LocalSystem {
    size: usize,
    /// The matrix by rows.
    pub matrix: Vec<f64>,
    /// The right-hand side.
    pub rhs: Vec<f64>,
    factor: Vec<f64>,
    /// The solution found by [`solve`](Self::solve).
    pub solution: Vec<f64>,
}

impl LocalSystem {
    /// A system of `size` equations, all zeros.
    pub fn reset(&mut self, size: usize) {
        self.size = size;
        self.matrix.clear();
        self.matrix.resize(size * size, 0.0);
        self.rhs.clear();
        self.rhs.resize(size, 0.0);
    }

    /// Solves it by Gaussian elimination with scaled partial pivoting; a singular system by least squares,
    /// with a shift that approximates the shortest solution. Always finite: zeros if both fail.
    pub fn solve(&mut self) {
        let Self { size, matrix, rhs, factor, solution } = self;
        solution.clone_from(rhs);
        factor.clone_from(matrix);
        let finite = |x: &[f64]| x.iter().all(|v| v.is_finite());
        if eliminate(*size, factor, solution) && finite(solution) {
            return;
        }
        normal_equations(*size, matrix, rhs, factor, solution);
        if !(eliminate(*size, factor, solution) && finite(solution)) {
            solution.fill(0.0);
        }
    }
}

/// MᵀM, shifted, and Mᵀb, for M scaled to largest entry 1.
fn normal_equations(size: usize, matrix: &[f64], rhs: &[f64], gram: &mut [f64], right: &mut [f64]) {
    let largest = matrix.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let unit = if largest > 0.0 { 1.0 / largest } else { 0.0 };
    gram.fill(0.0);
    right.fill(0.0);
    for (row, &b) in matrix.chunks_exact(size.max(1)).zip(rhs) {
        for (s, &v) in row.iter().enumerate() {
            right[s] += (v * unit) * (b * unit);
            for (t, &w) in row.iter().enumerate() {
                gram[s * size + t] += (v * unit) * (w * unit);
            }
        }
    }
    let trace: f64 = (0..size).map(|s| gram[s * size + s]).sum();
    (0..size).for_each(|s| gram[s * size + s] += SHIFT * trace);
}

/// Gaussian elimination in place, the solution in the place of `x`; false if a pivot vanishes.
fn eliminate(size: usize, matrix: &mut [f64], x: &mut [f64]) -> bool {
    // Scaled by rows, so that pivots compare with one.
    for (row, b) in matrix.chunks_exact_mut(size.max(1)).zip(x.iter_mut()) {
        let largest = row.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        if largest == 0.0 || !largest.is_finite() {
            return false;
        }
        row.iter_mut().for_each(|v| *v /= largest);
        *b /= largest;
    }
    for c in 0..size {
        let mut best = c;
        for r in c + 1..size {
            if matrix[r * size + c].abs() > matrix[best * size + c].abs() {
                best = r;
            }
        }
        let pivot = matrix[best * size + c];
        if pivot.abs() <= PIVOT || pivot.is_nan() {
            return false;
        }
        if best != c {
            (c..size).for_each(|t| matrix.swap(best * size + t, c * size + t));
            x.swap(best, c);
        }
        let (upper, lower) = matrix.split_at_mut((c + 1) * size);
        let row = &upper[c * size..];
        let b = x[c];
        for (r, other) in lower.chunks_exact_mut(size).enumerate() {
            let factor = other[c] / pivot;
            if factor != 0.0 {
                for (o, v) in other[c + 1..].iter_mut().zip(&row[c + 1..]) {
                    *o -= factor * v;
                }
                x[c + 1 + r] -= factor * b;
            }
        }
    }
    for c in (0..size).rev() {
        let row = &matrix[c * size..(c + 1) * size];
        let sum: f64 = row[c + 1..].iter().zip(&x[c + 1..]).map(|(v, x)| v * x).sum();
        x[c] = (x[c] - sum) / row[c];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn solve(matrix: &[f64], rhs: &[f64]) -> Vec<f64> {
        let mut system = LocalSystem::default();
        system.reset(3);
        system.solve();
        system.reset(rhs.len());
        system.matrix.copy_from_slice(matrix);
        system.rhs.copy_from_slice(rhs);
        system.solve();
        system.solution
    }

    #[test]
    fn pivots_where_it_must() {
        // x = (1, 2, 3); the first pivot is zero, and the last row is badly scaled.
        let x = solve(&[0.0, 2.0, 1.0, 1.0, -1.0, 0.0, 1e-20, 0.0, 1e-20], &[7.0, -1.0, 4e-20]);
        assert!(x.iter().zip([1.0, 2.0, 3.0]).all(|(a, b)| (a - b).abs() < 1e-14), "{x:?}");
    }

    #[test]
    fn singular_systems_end_well() {
        // All (x, y) with x + y = 2 solve it; (1, 1) is the shortest.
        let x = solve(&[1.0, 1.0, 2.0, 2.0], &[2.0, 4.0]);
        assert!(x.iter().all(|v| (v - 1.0).abs() < 1e-6), "{x:?}");
        assert_eq!(solve(&[0.0; 4], &[1.0, 1.0]), [0.0, 0.0]);
        assert!(solve(&[1e300, 1e300, 1e300, 1e300], &[1e300, 0.0]).iter().all(|v| v.is_finite()));
    }
}
