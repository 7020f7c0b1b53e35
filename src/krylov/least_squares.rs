//! The small least-squares problem of GMRES, kept triangular by Givens rotations.

/// Size of a new diagonal entry, relative to its column, that counts as zero.
const DEPENDENT: f64 = 1e-14;

/// min ‖β e₁ − H y‖ for an upper Hessenberg matrix H that grows by columns
/// (Saad and Schultz 1986).
pub(super) struct LeastSquares {
    /// Columns of the triangular factor R, column j with j + 1 entries.
    columns: Vec<Vec<f64>>,
    rotations: Vec<(f64, f64)>,
    /// The rotated right-hand side; its last entry is the residual.
    rhs: Vec<f64>,
}

impl LeastSquares {
    /// An empty problem, with residual β.
    pub fn new(beta: f64) -> Self {
        Self { columns: Vec::new(), rotations: Vec::new(), rhs: vec![beta] }
    }

    /// The norm of the residual.
    pub fn residual(&self) -> f64 {
        self.rhs[self.columns.len()].abs()
    }

    /// Adds a column: its entries down to the diagonal and the one below. Returns whether it was kept; a column
    /// that depends on its predecessors adds nothing and is dropped. Cost: O(number of columns).
    pub fn push(&mut self, mut column: Vec<f64>, below: f64) -> bool {
        let size = column.iter().fold(below.abs(), |m, v| m.max(v.abs()));
        for (i, &(c, s)) in self.rotations.iter().enumerate() {
            let (upper, lower) = (column[i], column[i + 1]);
            column[i] = c * upper + s * lower;
            column[i + 1] = c * lower - s * upper;
        }
        let last = column.len() - 1;
        let length = column[last].hypot(below);
        if length.is_nan() || length <= DEPENDENT * size {
            return false;
        }
        let (c, s) = (column[last] / length, below / length);
        column[last] = length;
        let top = self.rhs[last];
        self.rhs[last] = c * top;
        self.rhs.push(-s * top);
        self.rotations.push((c, s));
        self.columns.push(column);
        true
    }

    /// Drops all columns from the first one whose diagonal entry is below `ratio` times the largest. In a nearly
    /// singular system these columns are meaningless.
    pub fn truncate(&mut self, ratio: f64) {
        let diagonal = |j: usize| self.columns[j][j];
        let largest = (0..self.columns.len()).map(diagonal).fold(0.0, f64::max);
        if let Some(j) = (0..self.columns.len()).find(|&j| diagonal(j) < ratio * largest) {
            self.columns.truncate(j);
        }
    }

    /// The minimiser y, by back substitution.
    pub fn solve(&self) -> Vec<f64> {
        let mut y = self.rhs[..self.columns.len()].to_vec();
        for (j, column) in self.columns.iter().enumerate().rev() {
            y[j] /= column[j];
            let known = y[j];
            y[..j].iter_mut().zip(column).for_each(|(y, r)| *y -= r * known);
        }
        y
    }

    /// t with Rᵀ t = β e₁, by forward substitution; a new column of H appends an entry.
    pub fn transposed_steps(&self, beta: f64) -> Vec<f64> {
        let mut t: Vec<f64> = Vec::with_capacity(self.columns.len());
        for (j, column) in self.columns.iter().enumerate() {
            let known: f64 = column.iter().zip(&t).map(|(r, t)| r * t).sum();
            t.push((if j == 0 { beta } else { 0.0 } - known) / column[j]);
        }
        t
    }

    /// The vector y of least norm with Hᵀ y = β e₁: Q t for H = Q R.
    pub fn least_norm(&self, beta: f64) -> Vec<f64> {
        let mut y = self.transposed_steps(beta);
        y.push(0.0);
        for (i, &(c, s)) in self.rotations.iter().take(self.columns.len()).enumerate().rev() {
            let (upper, lower) = (y[i], y[i + 1]);
            y[i] = c * upper - s * lower;
            y[i + 1] = s * upper + c * lower;
        }
        y
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves_a_hessenberg_problem() {
        // H = [2 1; 1 3; 0 1], β = 1; normal equations [5 5; 5 11] y = [2 1].
        let mut problem = LeastSquares::new(1.0);
        assert_eq!(problem.residual(), 1.0);
        assert!(problem.push(vec![2.0], 1.0));
        assert!(problem.push(vec![1.0, 3.0], 1.0));
        let y = problem.solve();
        let det: f64 = 5.0 * 11.0 - 25.0;
        let exact = [(2.0 * 11.0 - 5.0) / det, (5.0 - 10.0) / det];
        assert!((y[0] - exact[0]).abs() < 1e-15 && (y[1] - exact[1]).abs() < 1e-15);
        let r = [1.0 - 2.0 * y[0] - y[1], -y[0] - 3.0 * y[1], -y[1]];
        let norm = r.iter().map(|v| v * v).sum::<f64>().sqrt();
        assert!((problem.residual() - norm).abs() < 1e-15);
    }

    #[test]
    fn drops_a_column_that_adds_nothing() {
        let mut problem = LeastSquares::new(1.0);
        assert!(!problem.push(vec![0.0], 0.0));
        assert_eq!(problem.residual(), 1.0);
        assert!(problem.solve().is_empty());
        assert!(problem.push(vec![2.0], 1.0));
        assert!(problem.push(vec![2.0, 1.0 + 1e-12], 1e-12));
        problem.truncate(1e-8);
        assert_eq!(problem.solve().len(), 1);
    }
}
