//! Solves with tridiagonal matrices.
//!
//! An elimination of n rows is a chain of n divisions, each of which waits for the one before. Two chains, from the first
//! row down and from the last row up, meet in the middle and take half of the time.

/// A multiplier beyond this asks for an interchange. As entries above the diagonal never change without interchanges,
/// no entry of the factors exceeds the largest one of the matrix more than 1 + MULTIPLIER times.
const MULTIPLIER: f64 = 10.0;

/// A pivot below this share of the diagonal entry is lost in rounding.
const CANCELLED: f64 = 1e-13;

/// Elimination that runs from one end. It turns a row `back` x₋ + `diagonal` x + `on` x₊ = f into x + w x₊ = z.
struct Sweep {
    pivot: f64,
    inverse: f64,
    on: f64,
    z: f64,
    sound: bool,
}

impl Sweep {
    fn new() -> Self {
        Self { pivot: 1.0, inverse: 1.0, on: 0.0, z: 0.0, sound: true }
    }

    /// (w, z).
    #[inline(always)]
    fn row(&mut self, back: f64, diagonal: f64, on: f64, f: f64) -> (f64, f64) {
        self.sound &= (back * self.inverse).abs() <= MULTIPLIER;
        // Nothing but this division waits for the row before.
        self.pivot = diagonal - (back * self.on) / self.pivot;
        self.inverse = 1.0 / self.pivot;
        self.sound &= self.pivot.abs() > CANCELLED * diagonal.abs();
        self.on = on;
        self.z = (f - back * self.z) * self.inverse;
        (on * self.inverse, self.z)
    }
}

/// y ← A⁻¹ y for rows of three entries, those outside of the matrix zero. Returns false, with y as it was, where a row
/// interchange is called for or the matrix is singular.
pub(super) fn solve(values: &[f64], y: &mut [f64], work: &mut Vec<f64>) -> bool {
    let (rows, _) = values.as_chunks::<3>();
    let n = y.len();
    let half = n / 2;
    if rows.len() != n || half == 0 {
        return false;
    }
    if work.len() < 2 * n {
        work.resize(2 * n, 0.0);
    }
    let (w, z) = work[..2 * n].split_at_mut(n);
    let (mut down, mut up) = (Sweep::new(), Sweep::new());
    {
        let (upper_rows, lower_rows) = rows.split_at(half);
        let (upper_y, lower_y) = y.split_at(half);
        let (upper_w, lower_w) = w.split_at_mut(half);
        let (upper_z, lower_z) = z.split_at_mut(half);
        let tops = upper_rows.iter().zip(upper_y).zip(upper_w.iter_mut().zip(upper_z));
        let mut bottoms = lower_rows.iter().zip(lower_y).zip(lower_w.iter_mut().zip(lower_z)).rev();
        // The lower half has one row more if n is odd.
        for (top, bottom) in tops.zip(bottoms.by_ref()) {
            let (([back, diagonal, on], f), (w, z)) = top;
            (*w, *z) = down.row(*back, *diagonal, *on, *f);
            let (([on, diagonal, back], f), (w, z)) = bottom;
            (*w, *z) = up.row(*back, *diagonal, *on, *f);
        }
        for (([on, diagonal, back], f), (w, z)) in bottoms {
            (*w, *z) = up.row(*back, *diagonal, *on, *f);
        }
    }
    // The two rows of the middle: x₋ + w₋ x₊ = z₋ and w₊ x₋ + x₊ = z₊.
    let product = w[half - 1] * w[half];
    let determinant = 1.0 - product;
    if !(down.sound && up.sound && determinant.abs() > CANCELLED * (1.0 + product.abs())) {
        return false;
    }
    let mut left = (z[half - 1] - w[half - 1] * z[half]) / determinant;
    let mut right = (z[half] - w[half] * z[half - 1]) / determinant;
    let (upper_y, lower_y) = y.split_at_mut(half);
    (upper_y[half - 1], lower_y[0]) = (left, right);
    let lefts = upper_y[..half - 1].iter_mut().zip(&w[..half - 1]).zip(&z[..half - 1]).rev();
    let mut rights = lower_y[1..].iter_mut().zip(&w[half + 1..]).zip(&z[half + 1..]);
    for (((y, w), z), ((y2, w2), z2)) in lefts.zip(rights.by_ref()) {
        left = z - w * left;
        *y = left;
        right = z2 - w2 * right;
        *y2 = right;
    }
    for ((y, w), z) in rights {
        right = z - w * right;
        *y = right;
    }
    true
}
