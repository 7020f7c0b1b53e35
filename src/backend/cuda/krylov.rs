//! Krylov methods with vectors and scalars on the device: `kernels/krylov.cu`.

use super::arguments::{Address, arguments};
use super::driver::Captured;
use super::{Cuda, Memory};
use crate::error::Result;

arguments! {
    Vectors {
        x: Address, y: Address, u: Address, w: Address, scalars: Address, partials: Address,
        rows: u64,
        count: u32, place: u32,
    }
    Scalars { scalars: Address, partials: Address, tolerance: f64, slabs: u32, option: u32 }
    Gmres {
        basis: Address, directions: Address, w: Address, v: Address, z: Address, coefficients: Address,
        scalars: Address, partials: Address, column: Address,
        rows: u64,
        option: u32, slabs: u32,
    }
}

/// Threads of a block, as in the kernels.
const THREADS: u32 = 128;
/// Rows of a block of `fgmres_project`.
const PROJECTED: usize = 4 * THREADS as usize;
/// The number of sums in one kernel, except those along a basis.
const SUMS: usize = 3;

/// Indices of the scalars; the same numbers as in the kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(dead_code, reason = "some are read by kernels only, and count")]
pub(crate) enum Place {
    /// ‖r‖₂.
    Norm,
    /// r·r.
    Square,
    /// Whether the next direction restarts.
    Fresh,
    /// The breakdown that prevents a step of BiCGStab, a [`Hindrance`].
    Code,
    /// r·z of CG, ρ of BiCGStab.
    Rho,
    RhoOld,
    /// Step lengths; zero without a step.
    Alpha,
    Omega,
    Beta,
    /// p·q, p·p and q·q of CG; XX is v·v or t·t of BiCGStab.
    XY,
    XX,
    YY,
    /// Length of the shadow residual.
    Shadow,
    /// Directions of FGMRES since its restart.
    Step,
    /// ‖A z‖₂, and the length of its part orthogonal to the basis.
    Length,
    Rest,
    /// The number of indices above; after them come the coefficients along the basis.
    Head,
}

/// Breakdowns of BiCGStab; the same numbers as in the kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hindrance {
    Rho = 1,
    Pivot,
    Omega,
    NotFinite,
}

impl Hindrance {
    /// The breakdown with this number.
    pub fn of(code: f64) -> Option<Self> {
        [Self::Rho, Self::Pivot, Self::Omega, Self::NotFinite]
            .into_iter()
            .find(|&h| f64::from(h as u32) == code)
    }
}

/// Functions of the sums, computed by a small kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conclusion {
    /// The norm of the residual.
    Norm,
    /// The same, at a restart.
    Restart,
    /// ρ and β of CG from one sum, or from r·r.
    CgBeta {
        without_preconditioner: bool,
    },
    /// α of CG from three sums.
    CgAlpha,
    /// ρ and β, α, ω of BiCGStab from one sum, two and two.
    BiCgStabBeta,
    BiCgStabAlpha,
    BiCgStabOmega,
}

/// Scalars of a method, and memory for its sums.
#[derive(Debug)]
pub(crate) struct KrylovRoom {
    pub scalars: Memory<f64>,
    partials: Memory<f64>,
    column: Memory<f64>,
    rows: usize,
    /// Blocks over the rows.
    slabs: usize,
    tolerance: f64,
}

/// The basis of FGMRES and its images: blocks of vectors, one after another.
#[derive(Debug)]
pub(crate) struct KrylovBasis {
    vectors: Memory<f64>,
    /// None if the images are the vectors.
    directions: Option<Memory<f64>>,
}

impl KrylovRoom {
    /// For vectors of `rows` rows and a basis of up to `basis` directions (0 for methods without one). A
    /// cosine below `tolerance` counts as zero.
    pub fn new(cuda: &Cuda, rows: usize, basis: usize, tolerance: f64) -> Self {
        // A function of their number and of constants alone.
        let slabs = rows.div_ceil(cuda.tuning.krylov_slab).clamp(1, cuda.tuning.krylov_blocks);
        let partials = (SUMS * slabs).max(if basis > 0 { (basis + 1) * projected(rows) } else { 0 });
        Self {
            scalars: cuda.upload(&vec![0.0; Place::Head as usize + basis]),
            partials: cuda.undefined(partials),
            column: cuda.undefined(basis),
            rows,
            slabs,
            tolerance,
        }
    }

    /// Whether these vectors and the memory for sums have this number of rows.
    fn fits(&self, vectors: &[&Memory<f64>]) -> bool {
        self.scalars.len() >= Place::Head as usize
            && self.partials.len() >= SUMS * self.slabs
            && vectors.iter().all(|v| v.len() == self.rows)
    }

    fn basis_fits(&self, basis: &KrylovBasis, vectors: &[&Memory<f64>]) -> bool {
        let most = self.column.len();
        let directions = basis.directions.as_ref().map_or(most * self.rows, Memory::len);
        most > 0
            && self.fits(vectors)
            && self.scalars.len() == Place::Head as usize + most
            && self.partials.len() >= (most + 1) * projected(self.rows)
            && basis.vectors.len() == (most + 1) * self.rows
            && directions == most * self.rows
    }
}

impl KrylovBasis {
    /// Memory for `most` directions; with separate `images` if there is a preconditioner.
    pub fn new(cuda: &Cuda, rows: usize, most: usize, images: bool) -> Self {
        Self {
            vectors: cuda.undefined((most + 1) * rows),
            directions: images.then(|| cuda.undefined(most * rows)),
        }
    }
}

fn projected(rows: usize) -> usize {
    rows.div_ceil(PROJECTED).max(1)
}

impl Cuda {
    /// r ← b − r, where r contains A x, with the sums of its squares; `copy` ← r.
    pub(crate) fn krylov_residual(
        &self,
        room: &mut KrylovRoom,
        b: &Memory<f64>,
        r: &mut Memory<f64>,
        copy: Option<&mut Memory<f64>>,
    ) {
        let copy = copy.as_deref();
        let lengths = room.fits(&[b, r]) && copy.is_none_or(|c| c.len() == r.len());
        let count = u32::from(copy.is_some());
        self.krylov(
            "krylov_residual",
            room,
            lengths,
            [b.into(), Address::NONE, copy.into(), (&*r).into()],
            (count, 0),
        );
    }

    /// Sums of x·y, x·x and y·y, the first `count` of them.
    pub(crate) fn krylov_dots(&self, room: &mut KrylovRoom, x: &Memory<f64>, y: &Memory<f64>, count: usize) {
        let lengths = room.fits(&[x, y]) && count <= SUMS;
        self.krylov(
            "krylov_dots",
            room,
            lengths,
            [x.into(), y.into(), Address::NONE, Address::NONE],
            (count as u32, 0),
        );
    }

    /// x ← x + a d, r ← r − a q with the sums of squares of r, for the scalar a at an index; without d, d is
    /// r.
    pub(crate) fn krylov_update(
        &self,
        room: &mut KrylovRoom,
        place: Place,
        (d, q): (Option<&Memory<f64>>, &Memory<f64>),
        (x, r): (&mut Memory<f64>, &mut Memory<f64>),
    ) {
        let lengths = room.fits(&[d.unwrap_or(r), q, x, r]);
        let addresses = [d.into(), q.into(), (&*x).into(), (&*r).into()];
        self.krylov("krylov_update", room, lengths, addresses, (0, place as u32));
    }

    /// p ← z + β p; with β = 0, p is not read.
    pub(crate) fn cg_direction(&self, room: &mut KrylovRoom, z: &Memory<f64>, p: &mut Memory<f64>) {
        let lengths = room.fits(&[z, p]);
        let addresses = [z.into(), Address::NONE, Address::NONE, (&*p).into()];
        self.krylov("cg_direction", room, lengths, addresses, (0, 0));
    }

    /// p ← r + β (p − ω v); with β = 0, p and v are not read.
    pub(crate) fn bicgstab_direction(
        &self,
        room: &mut KrylovRoom,
        r: &Memory<f64>,
        v: &Memory<f64>,
        p: &mut Memory<f64>,
    ) {
        let lengths = room.fits(&[r, v, p]);
        let addresses = [r.into(), v.into(), Address::NONE, (&*p).into()];
        self.krylov("bicgstab_direction", room, lengths, addresses, (0, 0));
    }

    fn krylov(
        &self,
        kernel: &'static str,
        room: &KrylovRoom,
        lengths: bool,
        [x, y, u, w]: [Address; 4],
        (count, place): (u32, u32),
    ) {
        let (scalars, partials) = ((&room.scalars).into(), (&room.partials).into());
        let arguments = Vectors { x, y, u, w, scalars, partials, rows: room.rows as u64, count, place };
        self.launch::<f64, _>(kernel, (room.slabs, THREADS, 0), lengths, &arguments);
    }

    /// Scalars from the latest sums.
    pub(crate) fn krylov_conclude(&self, room: &mut KrylovRoom, conclusion: Conclusion) {
        let (kernel, option) = match conclusion {
            Conclusion::Norm => ("krylov_norm", false),
            Conclusion::Restart => ("krylov_norm", true),
            Conclusion::CgBeta { without_preconditioner } => ("cg_beta", without_preconditioner),
            Conclusion::CgAlpha => ("cg_alpha", false),
            Conclusion::BiCgStabBeta => ("bicgstab_beta", false),
            Conclusion::BiCgStabAlpha => ("bicgstab_alpha", false),
            Conclusion::BiCgStabOmega => ("bicgstab_omega", false),
        };
        let arguments = Scalars {
            scalars: (&room.scalars).into(),
            partials: (&room.partials).into(),
            tolerance: room.tolerance,
            slabs: room.slabs as u32,
            option: u32::from(option),
        };
        self.launch::<f64, _>(kernel, (1, THREADS, 0), room.fits(&[]), &arguments);
    }

    /// v and the first vector of the basis ← r / ‖r‖₂; start ← x.
    pub(crate) fn fgmres_start(
        &self,
        room: &mut KrylovRoom,
        basis: &mut KrylovBasis,
        (r, x): (&Memory<f64>, &Memory<f64>),
        (v, start): (&mut Memory<f64>, &mut Memory<f64>),
    ) {
        let lengths = room.basis_fits(basis, &[r, x, v, start]);
        let mut arguments = gmres(room, basis);
        (arguments.w, arguments.z) = (r.into(), x.into());
        (arguments.v, arguments.directions) = (v.into(), start.into());
        self.launch::<f64, _>("fgmres_start", (room.slabs, THREADS, 0), lengths, &arguments);
    }

    /// Orthogonalises w against the basis, twice (classical Gram–Schmidt), and stores the coefficients after
    /// the scalars.
    pub(crate) fn fgmres_orthogonalise(
        &self,
        room: &mut KrylovRoom,
        basis: &KrylovBasis,
        w: &mut Memory<f64>,
    ) {
        let lengths = room.basis_fits(basis, &[w]);
        let blocks = projected(room.rows);
        let mut arguments = gmres(room, basis);
        (arguments.w, arguments.slabs) = (w.into(), blocks as u32);
        // Sums; a subtraction and sums; a subtraction and the length.
        for (pass, option) in [2, 3, 1].into_iter().enumerate() {
            arguments.option = option;
            self.launch::<f64, _>("fgmres_project", (blocks, THREADS, 0), lengths, &arguments);
            arguments.option = pass as u32;
            let totals = if pass == 2 { 1 } else { room.column.len() + 1 };
            self.launch::<f64, _>("fgmres_total", (totals, THREADS, 0), lengths, &arguments);
        }
    }

    /// v and the next vector of the basis ← w divided by its remaining length; the direction ← z unless z is
    /// v.
    pub(crate) fn fgmres_store(
        &self,
        room: &mut KrylovRoom,
        basis: &mut KrylovBasis,
        (w, z): (&Memory<f64>, Option<&Memory<f64>>),
        v: &mut Memory<f64>,
    ) {
        let lengths =
            room.basis_fits(basis, &[w, z.unwrap_or(w), v]) && z.is_some() == basis.directions.is_some();
        let mut arguments = gmres(room, basis);
        (arguments.w, arguments.z, arguments.v) = (w.into(), z.into(), v.into());
        arguments.option = u32::from(z.is_some());
        self.launch::<f64, _>("fgmres_store", (room.slabs, THREADS, 0), lengths, &arguments);
    }

    /// x ← start + Z y, for all directions since the restart.
    pub(crate) fn fgmres_add(
        &self,
        room: &mut KrylovRoom,
        basis: &KrylovBasis,
        (start, y): (&Memory<f64>, &Memory<f64>),
        x: &mut Memory<f64>,
    ) {
        let lengths = room.basis_fits(basis, &[start, x]) && y.len() == room.column.len();
        let mut arguments = gmres(room, basis);
        (arguments.z, arguments.coefficients, arguments.w) = (start.into(), y.into(), x.into());
        self.launch::<f64, _>("fgmres_add", (room.slabs, THREADS, 0), lengths, &arguments);
    }

    /// Captures the work that each part queues on `kept`, to be run in any order any number of times. The
    /// work must only use data that `kept` owns or borrows, and must not allocate or replace it.
    pub(crate) fn record<K>(&self, mut kept: K, parts: &[fn(&mut K)]) -> Result<Recorded<K>> {
        let graphs: Result<_> = parts.iter().map(|part| self.capture(|| part(&mut kept))).collect();
        Ok(Recorded { graphs: graphs?, cuda: self.clone(), kept })
    }
}

/// Arguments common to all kernels of FGMRES.
fn gmres(room: &KrylovRoom, basis: &KrylovBasis) -> Gmres {
    Gmres {
        basis: (&basis.vectors).into(),
        directions: basis.directions.as_ref().unwrap_or(&basis.vectors).into(),
        w: Address::NONE,
        v: Address::NONE,
        z: Address::NONE,
        coefficients: (&room.column).into(),
        scalars: (&room.scalars).into(),
        partials: (&room.partials).into(),
        column: (&room.column).into(),
        rows: room.rows as u64,
        option: 0,
        slabs: room.slabs as u32,
    }
}

/// Captured work together with its data.
#[derive(Debug)]
pub(crate) struct Recorded<K> {
    graphs: Vec<Box<dyn Captured>>,
    cuda: Cuda,
    kept: K,
}

impl<K> Recorded<K> {
    /// Queues a part.
    pub fn run(&self, part: usize) -> Result<()> {
        self.cuda.check()?;
        // SAFETY: the data of the parts is owned or borrowed by `kept`, which is only accessible by shared
        // reference, so it is alive.
        unsafe { self.graphs[part].run() }
    }

    /// The data.
    pub fn kept(&self) -> &K {
        &self.kept
    }

    /// Overwrites a buffer of the data, after all queued work.
    pub fn write(&mut self, buffer: fn(&mut K) -> &mut Memory<f64>, values: &[f64]) -> Result<()> {
        self.cuda.check()?;
        buffer(&mut self.kept).write(values)
    }

    /// Kernels and copies in each part.
    pub fn nodes(&self) -> Vec<usize> {
        self.graphs.iter().map(|g| g.nodes()).collect()
    }
}
