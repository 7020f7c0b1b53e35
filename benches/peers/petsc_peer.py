"""hypre BoomerAMG and PETSc's own GAMG and ILU, through petsc4py; on several processes under mpiexec."""

import numpy as np
from petsc4py import PETSc

BOOMER = "-pc_type hypre -pc_hypre_type boomeramg"
HMIS = BOOMER + (
    " -pc_hypre_boomeramg_coarsen_type HMIS -pc_hypre_boomeramg_interp_type ext+i -pc_hypre_boomeramg_P_max 4"
)
L1 = " -pc_hypre_boomeramg_relax_type_all l1scaled-SOR/Jacobi"
SGS = " -pc_hypre_boomeramg_relax_type_all symmetric-SOR/Jacobi"
AGGRESSIVE = " -pc_hypre_boomeramg_agg_nl 1"
STRONG = " -pc_hypre_boomeramg_strong_threshold 0.5"
HYPRE = {
    "default": BOOMER,
    "HMIS ext+i": HMIS + SGS,
    "HMIS ext+i l1": HMIS + L1,
    "HMIS ext+i aggressive": HMIS + L1 + AGGRESSIVE,
    "HMIS ext+i strong 0.5": HMIS + SGS + STRONG,
    "Falgout strong 0.5": BOOMER + STRONG,
    "HMIS ext+i ILU-0 finest": HMIS + " -pc_hypre_boomeramg_smooth_type Euclid -pc_hypre_boomeramg_smooth_num_levels 1",
}
GAMG = "-pc_type gamg"
# Block Jacobi is one block for each process, so with one process this is ILU itself.
ILU = "-pc_type bjacobi -sub_pc_type ilu"
ILU_LEVELS = (
    " -mg_levels_ksp_type richardson -mg_levels_ksp_max_it 1 -mg_levels_pc_type bjacobi -pc_gamg_agg_nsmooths {}"
)
PETSC = {
    "GAMG": GAMG,
    "GAMG threshold 0.02": GAMG + " -pc_gamg_threshold 0.02",
    "GAMG ILU-0": GAMG + ILU_LEVELS.format(1),
    "GAMG ILU-0 unsmoothed": GAMG + ILU_LEVELS.format(0),
    "ILU-4": ILU + " -sub_pc_factor_levels 4",
    "ILU-2": ILU + " -sub_pc_factor_levels 2",
    "ILU-2 RCM": ILU + " -sub_pc_factor_levels 2 -sub_pc_factor_mat_ordering_type rcm",
    "ILU-0": ILU,
}


class Family:
    """The configurations of one library; PETSc runs both."""

    def __init__(self, name, presets, version):
        self.NAME, self.presets, self.text = name, presets, version

    @staticmethod
    def leads():
        """Whether this process is the one that talks."""
        return PETSc.COMM_WORLD.getRank() == 0

    @staticmethod
    def total(value):
        """The sum of a number over all processes."""
        vector = PETSc.Vec().createMPI((1, PETSc.DECIDE))
        vector.setArray([value])
        return vector.sum()

    def commands(self, names, lines):
        """The configurations to run, from the lines that the first process reads."""
        while True:
            line = lines.readline().strip() if self.leads() else ""
            number = int(self.total(names.index(line) + 1 if line else 0))
            if number == 0:
                return
            yield names[number - 1]

    def version(self):
        return self.text

    def configurations(self, a, symmetric):
        methods = ["cg"] if symmetric else ["fgmres", "bcgs"]
        # Incomplete factors alone are no contest on a Laplacian, nor ILU(0) under CG's symmetry.
        presets = [p for p in self.presets if not (symmetric and "ILU" in p)]
        return [f"{p} {m}" for p in presets for m in methods]

    @staticmethod
    def prepare(a):
        rows = PETSc.Vec().createMPI(a.shape[0]).getOwnershipRange()
        own = a[slice(*rows)] if PETSc.COMM_WORLD.getSize() > 1 else a
        arrays = (own.indptr.astype(np.int32), own.indices.astype(np.int32), own.data)
        size = (rows[1] - rows[0], a.shape[0])
        matrix = PETSc.Mat().createAIJ(size=(size, size), csr=arrays)
        matrix.assemble()
        return matrix

    def setup(self, matrix, name, rtol):
        preset, method = name.rsplit(" ", 1)
        options = PETSc.Options()
        # `clear` leaves the values of the configuration before; they are deleted one by one.
        for key in options.getAll():
            options.delValue(key)
        words = self.presets[preset].split() + ["-ksp_gmres_restart", "50"]
        for key, value in zip(words[::2], words[1::2]):
            options[key[1:]] = value
        ksp = PETSc.KSP().create()
        ksp.setOperators(matrix)
        ksp.setType(method)
        if method != "cg":
            ksp.setPCSide(PETSc.PC.Side.RIGHT)
        ksp.setNormType(PETSc.KSP.NormType.UNPRECONDITIONED)
        ksp.setTolerances(rtol=rtol, max_it=300)
        ksp.setFromOptions()
        ksp.setUp()
        ksp.getPC().setUpOnBlocks()
        return ksp

    @staticmethod
    def solve(ksp, b):
        x, rhs = ksp.getOperators()[0].createVecs()
        rhs.setArray(b[slice(*rhs.getOwnershipRange())])
        ksp.solve(rhs, x)
        return x, ksp.getIterationNumber()

    @staticmethod
    def gather(x):
        """The whole solution on every process, outside the timing."""
        scatter, whole = PETSc.Scatter.toAll(x)
        scatter.scatter(x, whole)
        return whole.getArray().copy()


def petsc_version():
    return "PETSc " + ".".join(map(str, PETSc.Sys.getVersion()))


FAMILIES = {
    "hypre": Family("hypre", HYPRE, "hypre through " + petsc_version()),
    "petsc": Family("PETSc", PETSC, petsc_version()),
}
