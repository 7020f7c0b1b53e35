"""Loads a solver that multigrad exported for PETSc, with petsc4py.

    from multigrad_petsc import load
    ksp, permutation = load("flow.petsc")
    ksp.solve(b, x)

Reads flow.petsc and flow.petsc.options; options on the command line (`petsc4py.init(sys.argv)`) take precedence.
"""

import struct

from petsc4py import PETSc

INDICES = 1211218


def load(file, comm=None, matrix=None):
    """The solver in `file` on the ranks of `comm`, a KSP that is ready to solve.

    `matrix` is the matrix of the system; None takes the one in the file. Its rows must lie on ranks as the file says.
    The second value is an IS for a file whose rows multigrad renumbered: the row of the original matrix that every row
    on this rank is; else None.

    Raises ValueError for a file that does not fit: the number of ranks, the width of indices, the rows.
    """
    comm = comm or PETSc.COMM_WORLD
    if PETSc.ScalarType().dtype != "float64":
        raise ValueError("multigrad exports real numbers in double precision; this PETSc has another scalar type")
    with open(file, "rb") as stream:
        start = stream.read(8)
    wide = len(start) == 8 and struct.unpack(">q", start)[0] == INDICES
    if not wide and (len(start) < 4 or struct.unpack(">i", start[:4])[0] != INDICES):
        raise ValueError(f"{file} is not a solver that multigrad exported")
    if wide != (PETSc.IntType().itemsize == 8):
        raise ValueError(f"{file} has indices of {64 if wide else 32} bits and this PETSc of others; see --wide of the export")
    viewer = PETSc.Viewer().createBinary(file, "r", comm=comm)
    header = _Header(viewer, comm)
    version, header.ranks, levels, _visits, rows, renumbered = (header.next() for _ in range(6))
    if version != 1:
        raise ValueError(f"{file} has version {version} and this loader reads 1")
    if header.ranks not in (0, comm.size):
        raise ValueError(
            f"the solver was exported for {header.ranks} ranks and this run has {comm.size}; "
            f"start it on that number or export with --ranks {comm.size}"
        )
    described = [header.level(number) for number in range(levels)]
    _read_options(f"{file}.options")
    ksp = PETSc.KSP().create(comm)
    mg = ksp.getPC()
    mg.setType("mg")
    mg.setMGLevels(levels)
    distinct = any(after is not None for _, _, after in described)
    permutation = None
    if renumbered:
        whole = _indices(viewer, comm)
    a, coarse = None, 0
    for number, (m, before, after) in enumerate(described):
        a = _matrix(viewer, comm, m, m)
        if number:
            mg.setMGInterpolation(number, _matrix(viewer, comm, m, coarse))
            mg.setMGRestriction(number, _matrix(viewer, comm, coarse, m))
        down = mg.getMGSmoother(number)
        _side(viewer, comm, before, a, down)
        if number and distinct:
            up = mg.getMGSmootherUp(number)
            up.setOptionsPrefix((down.getOptionsPrefix() or "") + "up_")
            if after is None:
                up.setOperators(a, a)
                up.setPC(down.getPC())
            else:
                _side(viewer, comm, after, a, up)
        coarse = m
    if renumbered:
        first, last = a.getOwnershipRange()
        permutation = PETSc.IS().createGeneral(whole[first:last], comm=comm)
    if matrix is not None:
        if matrix.getSize()[0] != rows:
            raise ValueError(f"the matrix has {matrix.getSize()[0]} rows and the solver {rows}")
        if matrix.getLocalSize()[0] != a.getLocalSize()[0]:
            raise ValueError(f"rank {comm.rank}: the rows of the matrix lie on ranks otherwise than in the export")
    ksp.setOperators(a if matrix is None else matrix)
    ksp.setFromOptions()
    viewer.destroy()
    return ksp, permutation


class _Header:
    """The integers that describe the file."""

    def __init__(self, viewer, comm):
        self.values, self.at, self.comm, self.ranks = _indices(viewer, comm), 0, comm, 0

    def next(self):
        self.at += 1
        if self.at > len(self.values):
            raise ValueError("the header of the solver ends early: the file is damaged")
        return int(self.values[self.at - 1])

    def rows(self):
        """Number of rows on this rank."""
        total = self.next()
        counts = [self.next() for _ in range(self.ranks)]
        if counts:
            return counts[self.comm.rank]
        return total // self.comm.size + (self.comm.rank < total % self.comm.size)

    def sweeps(self):
        """Kind and places of every sweep of a side; None for those of the other side."""
        if self.next() < 0:
            return None
        kinds = []
        for _ in range(self.next()):
            kind = self.next()
            kinds.append((kind, self.rows() if kind in (3, 7) else 0))
        return kinds

    def level(self, number):
        rows = self.rows()
        return rows, self.sweeps(), self.sweeps() if number else None


def _indices(viewer, comm):
    distributed = PETSc.IS().create(comm)
    distributed.load(viewer)
    return distributed.allGather().getIndices()


def _matrix(viewer, comm, m, n):
    matrix = PETSc.Mat().create(comm)
    matrix.setType("aij")
    matrix.setSizes(((m, PETSc.DETERMINE), (n, PETSc.DETERMINE)))
    return matrix.load(viewer)


def _side(viewer, comm, sweeps, a, ksp):
    ksp.setOperators(a, a)
    pc = ksp.getPC()
    if not sweeps:
        pc.setType("none")
    elif len(sweeps) == 1:
        _sweep(viewer, comm, *sweeps[0], a, pc)
    else:
        pc.setType("composite")
        pc.setCompositeType(PETSc.PC.CompositeType.MULTIPLICATIVE)
        for number, (kind, places) in enumerate(sweeps):
            pc.addCompositePCType("mat")
            _sweep(viewer, comm, kind, places, a, pc.getCompositePC(number))


def _sweep(viewer, comm, kind, places, a, pc):
    m = a.getLocalSize()[0]
    if kind in (1, 2):  # M; the matrix whose ILU(0) is the smoother
        b = _matrix(viewer, comm, m, m)
        pc.setType("mat" if kind == 1 else "bjacobi")
        pc.setOperators(a, b)
    elif kind in (4, 5, 6):
        pc.setType("redundant" if kind == 6 else "sor")
        pc.setOperators(a, a)
    elif kind in (3, 7):  # blocks with overlap
        gather = _matrix(viewer, comm, places, m)
        local = _matrix(viewer, comm, places, places)
        scatter = _matrix(viewer, comm, m, places)
        pc.setType("python")
        pc.setPythonContext(_Gathered(gather, local, scatter, pc.getOptionsPrefix() or ""))
        pc.setOperators(a, a)
    else:
        raise ValueError(f"sweep of unknown kind {kind}: a newer multigrad wrote the file")


class _Gathered:
    """x = S B^-1 G r: PCGALERKIN, which petsc4py cannot give its matrices."""

    def __init__(self, gather, local, scatter, prefix):
        self.gather, self.scatter = gather, scatter
        self.inner = PETSc.KSP().create(local.getComm())
        self.inner.setOptionsPrefix(prefix + "galerkin_")
        self.inner.setOperators(local)
        self.x, self.b = local.createVecs()

    def setUp(self, pc):
        self.inner.setFromOptions()
        self.inner.setUp()

    def apply(self, pc, r, x):
        self.gather.mult(r, self.b)
        self.inner.solve(self.b, self.x)
        self.scatter.mult(self.x, x)


def _read_options(path):
    """Inserts the options of a file that the command line does not set; preconditioners in Python replace PCGALERKIN."""
    options = PETSc.Options()
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            words = line.split()
            if words and words[0].startswith("-") and not options.hasName(words[0][1:]):
                value = " ".join(words[1:])
                options[words[0][1:]] = "python" if value == "galerkin" else value
