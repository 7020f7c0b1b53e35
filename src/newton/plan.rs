//! Which neighbouring layers to multiply before factoring, by counting operations.

/// The structure of a local Jacobian: order and half-bandwidths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Rows and columns.
    pub n: usize,
    /// Diagonals below the main one.
    pub lower: usize,
    /// Diagonals above it.
    pub upper: usize,
}

/// The order in which a Newton step treats the layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Order {
    /// As planned from operation counts.
    #[default]
    Planned,
    /// Every layer is factored; nothing is multiplied.
    FactorFirst,
    /// The whole Jacobian is multiplied out, then factored.
    AccumulateFirst,
}

/// Groups of consecutive layers; each is multiplied out and then factored.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The number of layers of every group, first layer first.
    pub groups: Vec<usize>,
    /// Multiplications and additions of the step.
    pub operations: f64,
    /// Those of factoring every layer.
    pub factor_first: f64,
    /// Those of multiplying all of them first.
    pub accumulate_first: f64,
}

impl Shape {
    /// A matrix without zeros.
    pub fn full(n: usize) -> Self {
        Self { n, lower: n.saturating_sub(1), upper: n.saturating_sub(1) }
    }

    /// The structure of the product A B.
    fn times(self, b: Self) -> Self {
        let most = self.n.saturating_sub(1);
        Self { n: self.n, lower: (self.lower + b.lower).min(most), upper: (self.upper + b.upper).min(most) }
    }

    fn width(self) -> f64 {
        (self.lower + self.upper + 1).min(self.n) as f64
    }

    /// Operations of A B.
    fn product(self, b: Self) -> f64 {
        2.0 * self.n as f64 * self.width() * b.width()
    }

    /// Operations of factoring A and solving with it once.
    fn solve(self) -> f64 {
        let (n, lower) = (self.n as f64, self.lower as f64);
        if self.lower == 0 && self.upper == 0 {
            return n;
        }
        // Interchanges widen U to lower + upper; a triangle is a third of its square.
        let reach = ((self.lower + self.upper) as f64).min(n);
        let factor = if 2.0 * reach >= n { 2.0 * n * n * n / 3.0 } else { 2.0 * n * lower * reach };
        factor + 2.0 * n * (lower + reach + 1.0)
    }
}

/// Longest group that the planner looks at; all layers together are a candidate of their own.
const LONGEST: usize = 64;

/// The cheapest partition into groups of consecutive layers, each multiplied from its first layer on: dynamic
/// programming, O(64 q). The combinatorial problem with all orders is NP-complete (Naumann 2024, section 3); this is a
/// heuristic, compared with [`exact_optimum`] in the tests.
pub fn plan(layers: &[Shape]) -> Plan {
    let q = layers.len();
    let factor_first = layers.iter().map(|s| s.solve()).sum();
    let group = |layers: &[Shape]| {
        let mut all = layers.iter().copied();
        let Some(mut product) = all.next() else { return 0.0 };
        let mut cost = 0.0;
        for next in all {
            cost += next.product(product);
            product = next.times(product);
        }
        cost + product.solve()
    };
    let accumulate_first = group(layers);
    let mut best = vec![(0.0, 0); q + 1];
    for end in 1..=q {
        best[end] = (f64::INFINITY, 0);
        // Groups that end here, grown at their front: A_end (… A_start).
        let (mut cost, mut product) = (0.0, layers[end - 1]);
        for start in (end.saturating_sub(LONGEST)..end).rev() {
            if start + 1 < end {
                cost += product.product(layers[start]);
                product = product.times(layers[start]);
            }
            let total = best[start].0 + cost + product.solve();
            if total < best[end].0 {
                best[end] = (total, end - start);
            }
        }
    }
    let mut groups = Vec::new();
    let mut end = q;
    while end > 0 {
        groups.push(best[end].1);
        end -= best[end].1;
    }
    groups.reverse();
    let mut plan = Plan { groups, operations: best[q].0, factor_first, accumulate_first };
    if accumulate_first < plan.operations {
        (plan.groups, plan.operations) = (vec![q], accumulate_first);
    }
    plan
}

/// The fewest operations over all partitions and all orders of multiplication, in O(q³): for tests and small programs.
pub fn exact_optimum(layers: &[Shape]) -> f64 {
    let q = layers.len();
    // The structure of a product does not depend on its order.
    let mut shape = vec![vec![Shape::full(0); q + 1]; q];
    let mut product = vec![vec![0.0f64; q + 1]; q];
    for start in 0..q {
        shape[start][start + 1] = layers[start];
        for end in start + 2..=q {
            shape[start][end] = layers[end - 1].times(shape[start][end - 1]);
        }
    }
    for length in 2..=q {
        for start in 0..=q - length {
            let end = start + length;
            let split =
                |m: usize| product[start][m] + product[m][end] + shape[m][end].product(shape[start][m]);
            product[start][end] = (start + 1..end).map(split).fold(f64::INFINITY, f64::min);
        }
    }
    let mut best = vec![0.0; q + 1];
    for end in 1..=q {
        let total = |start: usize| best[start] + product[start][end] + shape[start][end].solve();
        best[end] = (0..end).map(total).fold(f64::INFINITY, f64::min);
    }
    best[q]
}
