//! Which neighbouring layers to multiply before factoring, by counting operations.

use crate::error::{Error, Result};

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
    /// Operations of the step: multiplications and additions; a division counts as four.
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

    fn is_diagonal(self) -> bool {
        self.lower == 0 && self.upper == 0
    }

    /// Operations of A B: multiplications and additions of all pairs of entries, or a scaling.
    fn product(self, b: Self) -> f64 {
        let n = self.n as f64;
        if self.is_diagonal() || b.is_diagonal() {
            return n * self.width() * b.width();
        }
        2.0 * n * self.width() * b.width()
    }

    /// Operations of the factorisation as a band, in which interchanges widen U to lower + upper, and as a dense matrix.
    fn factor(self) -> (f64, f64) {
        let (n, lower) = (self.n as f64, self.lower as f64);
        (2.0 * n * lower * self.reach(), 2.0 * n * n * n / 3.0)
    }

    fn reach(self) -> f64 {
        ((self.lower + self.upper) as f64).min(self.n as f64)
    }

    /// Whether a dense factorisation takes fewer operations.
    pub(super) fn is_full(self) -> bool {
        let (band, dense) = self.factor();
        dense < band
    }

    /// Operations of factoring A and solving with it once.
    fn solve(self) -> f64 {
        let n = self.n as f64;
        if self.is_diagonal() {
            return DIVISION * n;
        }
        let (band, dense) = self.factor();
        band.min(dense) + 2.0 * n * (self.lower as f64 + self.reach() + 1.0) + DIVISION * n
    }

    /// Bytes of the entries.
    fn bytes(self) -> f64 {
        8.0 * self.n as f64 * self.width()
    }
}

/// Operations that take the time of a division.
const DIVISION: f64 = 4.0;

/// Longest group that the planner looks at; all layers together are a candidate of their own.
const LONGEST: usize = 64;

impl Plan {
    /// Every layer factored, none multiplied.
    pub(super) fn factor_first(layers: &[Shape]) -> Self {
        let (factor_first, accumulate_first) = pure(layers);
        Self { groups: vec![1; layers.len()], operations: factor_first, factor_first, accumulate_first }
    }

    /// All layers multiplied, one factored.
    pub(super) fn accumulate_first(layers: &[Shape]) -> Self {
        let (factor_first, accumulate_first) = pure(layers);
        Self { groups: vec![layers.len()], operations: accumulate_first, factor_first, accumulate_first }
    }

    /// Bytes of the largest product.
    pub(super) fn bytes(&self, layers: &[Shape]) -> f64 {
        let mut rest = layers;
        let mut largest = 0.0f64;
        for &length in &self.groups {
            let (group, after) = rest.split_at(length.min(rest.len()));
            let product = group.iter().copied().reduce(|product, next| next.times(product));
            if let Some(product) = product.filter(|_| group.len() > 1) {
                largest = largest.max(product.bytes());
            }
            rest = after;
        }
        largest
    }
}

/// The product of a group of layers, from its first layer on, with its operations so far.
#[derive(Clone, Copy)]
struct Product {
    shape: Shape,
    operations: f64,
    last: Shape,
}

impl Product {
    fn new(first: Shape) -> Self {
        Self { shape: first, operations: 0.0, last: first }
    }

    /// With one more layer. Neighbouring diagonal layers are multiplied with one another before anything else.
    fn then(self, next: Shape) -> Self {
        let run = next.is_diagonal() && self.last.is_diagonal();
        let cost = if run { next.product(self.last) } else { next.product(self.shape) };
        Self { shape: next.times(self.shape), operations: self.operations + cost, last: next }
    }

    fn total(self) -> f64 {
        self.operations + self.shape.solve()
    }
}

/// Operations of the two pure orders: every layer factored, and all of them multiplied.
fn pure(layers: &[Shape]) -> (f64, f64) {
    let Some((&first, rest)) = layers.split_first() else { return (0.0, 0.0) };
    let (mut product, mut factor) = (Product::new(first), first.solve());
    for &next in rest {
        factor += next.solve();
        product = product.then(next);
    }
    (factor, product.total())
}

/// Whether every product with the layer before costs at least as much as factoring the layer, as it does for most
/// bands. As longer products only cost more, and the factorisation of a product not less than that of its first layer, no
/// group pays then.
fn no_product_pays(layers: &[Shape]) -> bool {
    layers.windows(2).all(|pair| pair[1].product(pair[0]) >= pair[1].solve())
}

/// The cheapest partition into groups of consecutive layers, each multiplied from its first layer on, runs of
/// diagonal layers before: dynamic programming, O(64 q). The combinatorial problem with all orders is NP-complete (Naumann 2024, section 3); this is a
/// heuristic, which [`exact_optimum`] judges in the tests.
pub fn plan(layers: &[Shape]) -> Plan {
    let q = layers.len();
    if no_product_pays(layers) {
        return Plan::factor_first(layers);
    }
    let whole = Plan::accumulate_first(layers);
    // Operations of the factorisations of the layers before each.
    let mut singly = vec![0.0; q + 1];
    (0..q).for_each(|i| singly[i + 1] = singly[i] + layers[i].solve());
    // The fewest operations up to each layer, and the length of the last group.
    let mut best = vec![(f64::INFINITY, 0); q + 1];
    best[0] = (0.0, 0);
    for start in 0..q {
        let furthest = q.min(start + LONGEST);
        let mut product = Product::new(layers[start]);
        for end in start + 1..=furthest {
            if end > start + 1 {
                product = product.then(layers[end - 1]);
            }
            let total = best[start].0 + product.total();
            if total < best[end].0 {
                best[end] = (total, end - start);
            }
            // The products alone cost more than all factorisations.
            if product.operations >= singly[furthest] - singly[start] {
                break;
            }
        }
    }
    if whole.operations < best[q].0 {
        return whole;
    }
    let mut groups = Vec::new();
    let mut end = q;
    while end > 0 {
        groups.push(best[end].1);
        end -= best[end].1;
    }
    groups.reverse();
    Plan { groups, operations: best[q].0, ..whole }
}

/// Most layers of which [`exact_optimum`] is found.
const MOST: usize = 400;

/// The fewest operations over all partitions and all orders of multiplication, in O(q³) time and O(q²) memory: for tests
/// and small programs.
///
/// # Errors
/// More than 400 layers.
pub fn exact_optimum(layers: &[Shape]) -> Result<f64> {
    let q = layers.len();
    if q > MOST {
        return Err(Error::invalid_input(format!(
            "the exact optimum of {q} layers takes too long; {MOST} are the most, use `plan` for more"
        )));
    }
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
    Ok(best[q])
}
