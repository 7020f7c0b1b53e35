//! Schwarz methods on a GPU: `kernels/subdomains.cu`.

use super::{Layout, Variant};
use crate::backend::Cuda;
use crate::backend::cuda::{Address, Memory, OnDevice, THREADS, arguments};
use crate::error::{Error, Result};

/// The largest number of columns of a block of the solve.
const WIDTH: usize = 8;

/// Bytes of shared memory for the columns of a block: 48 KiB less a tile of the factors.
const COLUMN_BYTES: usize = (48 << 10) - 8 * 32 * 33;

arguments! {
    PlaceValues { from: Address, source: Address, target: Address, matrices: Address, count: u64 }
    FactorParts {
        starts: Address, matrix_starts: Address, members: Address, matrices: Address, inverse: Address,
        sizes: Address, pivots: Address, singular: Address, tiny: f64,
    }
    SolveParts {
        starts: Address, matrix_starts: Address, members: Address, owners: Address, holder_starts: Address,
        matrices: Address, inverse: Address, pivots: Address, r: Address, y: Address,
        k: u32, width: u32, parts: u32, mode: u32, transposed: u32, padding: u32,
    }
    AddParts {
        owners: Address, holder_starts: Address, holders: Address, y: Address, z: Address,
        alpha: f64, rows: u64, k: u32, mode: u32,
    }
    PairProducts {
        starts: Address, lambda_places: Address, y_places: Address, lambda: Address, y: Address,
        gradient: Address, alpha: f64, count: u64, k: u32, padding: u32,
    }
}

/// Pairs of places whose products are summed for every value of a gradient.
#[derive(Debug)]
struct Pairs {
    /// Pairs of every value; empty if each value has one pair.
    starts: Memory<u32>,
    lambda: Memory<u32>,
    y: Memory<u32>,
    values: usize,
}

/// A [`Layout`] on the device.
#[derive(Debug)]
pub(crate) struct DeviceSubdomains {
    rows: usize,
    places: usize,
    parts: usize,
    /// Rows of the largest part.
    largest: usize,
    /// Entries of all dense local matrices.
    dense: usize,
    starts: Memory<u32>,
    matrix_starts: Memory<u64>,
    members: Memory<u32>,
    owners: Memory<u32>,
    holder_starts: Memory<u32>,
    holders: Memory<u32>,
    sources: Memory<u32>,
    targets: Memory<u64>,
    interface_targets: Memory<u64>,
    interface: Pairs,
    matrix: Pairs,
}

/// Factors of all local matrices.
#[derive(Debug)]
pub(crate) struct DeviceFactors<T> {
    matrices: Memory<T>,
    inverse: Memory<T>,
    sizes: Memory<T>,
    pivots: Memory<u32>,
    /// For every part 0, or one more than the row of A at which its local matrix is singular.
    pub singular: Memory<u32>,
}

/// The weights of residuals and of corrections.
fn modes(variant: Variant, transposed: bool) -> [u32; 2] {
    let [read, add] = match variant {
        Variant::Restricted => [0, 1],
        Variant::Additive => [0, 0],
        Variant::Harmonic => [1, 0],
        Variant::Weighted => [2, 2],
    };
    if transposed { [add, read] } else { [read, add] }
}

impl DeviceSubdomains {
    /// Bytes on the device: 24 per entry of a local matrix, 16 per interface entry, 12 per place, 8 per row.
    pub fn new(cuda: &Cuda, layout: &Layout) -> Self {
        let d = layout.decomposition();
        let (mut starts, mut matrix_starts, mut largest) = (vec![0u32], vec![0u64], 0);
        let (mut sources, mut targets, mut pairs) = (Vec::new(), Vec::new(), Vec::new());
        let (mut interface_targets, mut left, mut right) = (Vec::new(), Vec::new(), Vec::new());
        for p in 0..d.parts() {
            let range = d.range(p);
            let (m, dense, first) = (range.len(), matrix_starts[p], range.start);
            largest = largest.max(m);
            for (row, columns) in layout.local_rows(p).enumerate() {
                for &column in columns {
                    targets.push(dense + (row * m) as u64 + u64::from(column));
                    pairs.push([(first + row) as u32, first as u32 + column]);
                }
            }
            sources.extend_from_slice(layout.local_sources(p));
            for [row, column] in layout.interface_ends(p) {
                interface_targets.push(dense + (row * m + column) as u64);
                left.push((first + row) as u32);
                right.push((first + column) as u32);
            }
            starts.push(range.end as u32);
            matrix_starts.push(dense + (m * m) as u64);
        }
        let mut holder_starts = vec![0u32];
        let mut holders = Vec::with_capacity(d.places());
        for i in 0..d.rows() {
            holders.extend_from_slice(d.places_of(i));
            holder_starts.push(holders.len() as u32);
        }
        let interface = Pairs {
            starts: cuda.upload(&[]),
            lambda: cuda.upload(&left),
            y: cuda.upload(&right),
            values: left.len(),
        };
        Self {
            rows: d.rows(),
            places: d.places(),
            parts: d.parts(),
            largest,
            dense: matrix_starts[d.parts()] as usize,
            starts: cuda.upload(&starts),
            matrix_starts: cuda.upload(&matrix_starts),
            members: cuda.upload(d.members()),
            owners: cuda.upload(d.owners()),
            holder_starts: cuda.upload(&holder_starts),
            holders: cuda.upload(&holders),
            matrix: copies(cuda, layout.pattern().nnz(), &sources, &pairs),
            sources: cuda.upload(&sources),
            targets: cuda.upload(&targets),
            interface_targets: cuda.upload(&interface_targets),
            interface,
        }
    }

    /// Rows of all parts together: y has k values for each.
    pub fn places(&self) -> usize {
        self.places
    }

    /// Whether all arrays were uploaded.
    fn complete(&self) -> bool {
        self.starts.len() == self.parts + 1
            && self.matrix_starts.len() == self.parts + 1
            && self.members.len() == self.places
            && self.owners.len() == self.rows
            && self.holder_starts.len() == self.rows + 1
            && self.holders.len() == self.places
            && self.sources.len() == self.targets.len()
    }
}

/// The copies of every value of A in the local matrices, in the order of the parts.
fn copies(cuda: &Cuda, nnz: usize, sources: &[u32], pairs: &[[u32; 2]]) -> Pairs {
    let mut starts = vec![0u32; nnz + 1];
    sources.iter().for_each(|&s| starts[s as usize + 1] += 1);
    for p in 0..nnz {
        starts[p + 1] += starts[p];
    }
    let mut next = starts.clone();
    let (mut lambda, mut y) = (vec![0; pairs.len()], vec![0; pairs.len()]);
    for (&s, &[row, column]) in sources.iter().zip(pairs) {
        let q = next[s as usize] as usize;
        next[s as usize] += 1;
        (lambda[q], y[q]) = (row, column);
    }
    Pairs { starts: cuda.upload(&starts), lambda: cuda.upload(&lambda), y: cuda.upload(&y), values: nnz }
}

impl<T: OnDevice> DeviceFactors<T> {
    /// Memory for the factors; [`Cuda::factor_subdomains`] fills it.
    pub fn new(cuda: &Cuda, s: &DeviceSubdomains) -> Self {
        Self {
            matrices: cuda.undefined(s.dense),
            inverse: cuda.undefined(s.places),
            sizes: cuda.undefined(s.places),
            pivots: cuda.undefined(s.places),
            singular: cuda.undefined(s.parts),
        }
    }

    /// Waits for the factors.
    ///
    /// # Errors
    /// A singular local matrix, the first one, named by its part and row.
    pub fn check(&self, cuda: &Cuda) -> Result<()> {
        let singular = cuda.download(&self.singular)?;
        match singular.iter().position(|&row| row != 0) {
            None => Ok(()),
            Some(p) => Err(Error::singular(format!(
                "part {} of {}: the local matrix is singular (row {} of the matrix); change its interface values, \
                 or join it with a neighbour",
                p + 1,
                singular.len(),
                singular[p]
            ))),
        }
    }

    fn fit(&self, s: &DeviceSubdomains) -> bool {
        s.complete()
            && self.matrices.len() == s.dense
            && [self.inverse.len(), self.sizes.len(), self.pivots.len()] == [s.places; 3]
            && self.singular.len() == s.parts
    }
}

impl Cuda {
    /// Factors all local matrices Rᵢ A Rᵢᵀ + Lᵢ, for the values of A and of the interfaces.
    pub(crate) fn factor_subdomains<T: OnDevice>(
        &self,
        s: &DeviceSubdomains,
        a: &Memory<T>,
        interface: &Memory<T>,
        factors: &mut DeviceFactors<T>,
    ) {
        let lengths =
            factors.fit(s) && a.len() == s.matrix.values && interface.len() == s.interface_targets.len();
        self.clear(&mut factors.matrices);
        let matrices = (&factors.matrices).into();
        let (source, target) = ((&s.sources).into(), (&s.targets).into());
        let count = s.sources.len() as u64;
        let values = PlaceValues { from: a.into(), source, target, matrices, count };
        self.for_each::<T, _>("place_values", s.sources.len(), lengths, &values);
        let own = interface.len();
        let target = (&s.interface_targets).into();
        let added = PlaceValues {
            from: interface.into(),
            source: Address::NONE,
            target,
            matrices,
            count: own as u64,
        };
        self.for_each::<T, _>("add_interface", own, lengths, &added);
        let arguments = FactorParts {
            starts: (&s.starts).into(),
            matrix_starts: (&s.matrix_starts).into(),
            members: (&s.members).into(),
            matrices,
            inverse: (&factors.inverse).into(),
            sizes: (&factors.sizes).into(),
            pivots: (&factors.pivots).into(),
            singular: (&factors.singular).into(),
            tiny: 8.0 * T::EPSILON,
        };
        let threads = s.largest.next_multiple_of(32).clamp(32, THREADS as usize) as u32;
        self.launch::<T, _>("factor_parts", (s.parts, threads, 0), lengths, &arguments);
    }

    /// y ← Bᵢ⁻¹ Wᵢ Rᵢ r of all parts, with k values for every place; or with Bᵢ⁻ᵀ and the weights of the other
    /// side.
    pub(crate) fn solve_subdomains<T: OnDevice>(
        &self,
        s: &DeviceSubdomains,
        factors: &DeviceFactors<T>,
        (variant, transposed): (Variant, bool),
        r: &Memory<T>,
        y: &mut Memory<T>,
        k: usize,
    ) {
        let widest = COLUMN_BYTES / (s.largest.max(1) * size_of::<T>());
        let width = widest.min(WIDTH).min(k.max(1));
        let lengths = factors.fit(s) && r.len() == s.rows * k && y.len() == s.places * k && width > 0;
        let arguments = SolveParts {
            starts: (&s.starts).into(),
            matrix_starts: (&s.matrix_starts).into(),
            members: (&s.members).into(),
            owners: (&s.owners).into(),
            holder_starts: (&s.holder_starts).into(),
            matrices: (&factors.matrices).into(),
            inverse: (&factors.inverse).into(),
            pivots: (&factors.pivots).into(),
            r: r.into(),
            y: y.into(),
            k: k as u32,
            width: width as u32,
            parts: s.parts as u32,
            mode: modes(variant, transposed)[0],
            transposed: u32::from(transposed),
            padding: 0,
        };
        let values = s.largest * width;
        let threads = values.next_multiple_of(32).clamp(32, THREADS as usize) as u32;
        let shape = (s.parts * k.div_ceil(width.max(1)), threads, (values * size_of::<T>()) as u32);
        self.launch::<T, _>("solve_parts", shape, lengths, &arguments);
    }

    /// z ← z + α Σᵢ Rᵢᵀ Wᵢ yᵢ, every row in the order of the parts.
    pub(crate) fn add_corrections<T: OnDevice>(
        &self,
        s: &DeviceSubdomains,
        alpha: f64,
        (variant, transposed): (Variant, bool),
        y: &Memory<T>,
        z: &mut Memory<T>,
        k: usize,
    ) {
        let lengths = s.complete() && y.len() == s.places * k && z.len() == s.rows * k;
        let arguments = AddParts {
            owners: (&s.owners).into(),
            holder_starts: (&s.holder_starts).into(),
            holders: (&s.holders).into(),
            y: y.into(),
            z: z.into(),
            alpha,
            rows: s.rows as u64,
            k: k as u32,
            mode: modes(variant, transposed)[1],
        };
        self.for_each::<T, _>("add_parts", s.rows * k, lengths, &arguments);
    }

    /// g(p,q) ← g(p,q) + α λ(p) · y(q) on all interface entries, for λ and y with k values at every place.
    pub(crate) fn add_interface_products<T: OnDevice>(
        &self,
        s: &DeviceSubdomains,
        alpha: f64,
        (lambda, y): (&Memory<T>, &Memory<T>),
        gradient: &mut Memory<T>,
        k: usize,
    ) {
        self.pair_products(s, &s.interface, alpha, (lambda, y), gradient, k);
    }

    /// g(p) ← g(p) + α λ · y over all local copies of every entry of A, in the order of the parts.
    pub(crate) fn add_matrix_products<T: OnDevice>(
        &self,
        s: &DeviceSubdomains,
        alpha: f64,
        (lambda, y): (&Memory<T>, &Memory<T>),
        gradient: &mut Memory<T>,
        k: usize,
    ) {
        self.pair_products(s, &s.matrix, alpha, (lambda, y), gradient, k);
    }

    fn pair_products<T: OnDevice>(
        &self,
        s: &DeviceSubdomains,
        pairs: &Pairs,
        alpha: f64,
        (lambda, y): (&Memory<T>, &Memory<T>),
        gradient: &mut Memory<T>,
        k: usize,
    ) {
        let one_each = pairs.starts.is_empty();
        let lengths = lambda.len() == s.places * k
            && y.len() == s.places * k
            && gradient.len() == pairs.values
            && pairs.lambda.len() == pairs.y.len()
            && if one_each { pairs.y.len() == pairs.values } else { pairs.starts.len() == pairs.values + 1 };
        let arguments = PairProducts {
            starts: (&pairs.starts).into(),
            lambda_places: (&pairs.lambda).into(),
            y_places: (&pairs.y).into(),
            lambda: lambda.into(),
            y: y.into(),
            gradient: gradient.into(),
            alpha,
            count: pairs.values as u64,
            k: k as u32,
            padding: 0,
        };
        self.for_each::<T, _>("pair_products", pairs.values, lengths, &arguments);
    }
}
