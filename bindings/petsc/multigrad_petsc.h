/*
 * Loads a solver that multigrad exported for PETSc: KSP, PCMG and the smoothers of every level, as plain PETSc objects.
 *
 *     KSP ksp;
 *     PetscCall(MultigradLoad(PETSC_COMM_WORLD, "flow.petsc", NULL, &ksp, NULL));
 *     PetscCall(KSPSolve(ksp, b, x));
 *
 * Reads flow.petsc and flow.petsc.options; options on the command line take precedence. Needs PETSc 3.18 or later with
 * real scalars in double precision. Everything is in this file; the functions return error codes of PETSc.
 */
#ifndef MULTIGRAD_PETSC_H
#define MULTIGRAD_PETSC_H

#include <petscksp.h>

#if defined(PETSC_USE_COMPLEX) || !defined(PETSC_USE_REAL_DOUBLE)
#error "multigrad exports real numbers in double precision; this PETSc has another PetscScalar"
#endif

#define MULTIGRAD_INDICES 1211218

typedef struct {
  MPI_Comm    comm;
  PetscViewer viewer;
  PetscInt   *header, length, at; /* the integers that describe the file */
  PetscMPIInt size, rank;
  PetscInt    ranks; /* number of ranks of the file; 0 for any */
} MultigradFile;

/* The next integer of the header. */
static inline PetscErrorCode MultigradNext(MultigradFile *f, PetscInt *value)
{
  PetscFunctionBeginUser;
  *value = 0;
  PetscCheck(f->at < f->length, f->comm, PETSC_ERR_FILE_UNEXPECTED, "the header of the solver ends early: the file is damaged");
  *value = f->header[f->at++];
  PetscFunctionReturn(0);
}

/* The next numbers of rows: global and, on this rank, local. */
static inline PetscErrorCode MultigradRows(MultigradFile *f, PetscInt *global, PetscInt *local)
{
  PetscInt r, n;

  PetscFunctionBeginUser;
  PetscCall(MultigradNext(f, global));
  *local = PETSC_DECIDE;
  for (r = 0; r < f->ranks; r++) {
    PetscCall(MultigradNext(f, &n));
    if (r == f->rank) *local = n;
  }
  if (!f->ranks) PetscCall(PetscSplitOwnership(f->comm, local, global));
  PetscFunctionReturn(0);
}

/* A list of indices in the file, the same on every rank. */
static inline PetscErrorCode MultigradIndices(MultigradFile *f, PetscInt *length, PetscInt **list)
{
  int start[2];

  PetscFunctionBeginUser;
  /* PETSC_ENUM: integers of four bytes, whatever the width of PetscInt. */
  PetscCall(PetscViewerBinaryRead(f->viewer, start, 2, NULL, PETSC_ENUM));
  if (sizeof(PetscInt) == 4) {
    PetscCheck(start[0] || start[1] != MULTIGRAD_INDICES, f->comm, PETSC_ERR_FILE_UNEXPECTED, "the file has indices of 64 bits and this PETSc of 32; export the solver without --wide");
    PetscCheck(start[0] == MULTIGRAD_INDICES, f->comm, PETSC_ERR_FILE_UNEXPECTED, "the file is not a solver that multigrad exported");
    *length = start[1];
  } else {
    PetscCheck(start[0] != MULTIGRAD_INDICES, f->comm, PETSC_ERR_FILE_UNEXPECTED, "the file has indices of 32 bits and this PETSc of 64; export the solver with --wide");
    PetscCheck(!start[0] && start[1] == MULTIGRAD_INDICES, f->comm, PETSC_ERR_FILE_UNEXPECTED, "the file is not a solver that multigrad exported");
    PetscCall(PetscViewerBinaryRead(f->viewer, length, 1, NULL, PETSC_INT));
  }
  PetscCheck(*length >= 0, f->comm, PETSC_ERR_FILE_UNEXPECTED, "a list of the solver has a negative length: the file is damaged");
  PetscCall(PetscMalloc1(*length, list));
  PetscCall(PetscViewerBinaryRead(f->viewer, *list, *length, NULL, PETSC_INT));
  PetscFunctionReturn(0);
}

/* The next matrix of the file, with m rows and n columns on this rank. */
static inline PetscErrorCode MultigradMat(MultigradFile *f, PetscInt m, PetscInt n, Mat *a)
{
  PetscFunctionBeginUser;
  PetscCall(MatCreate(f->comm, a));
  PetscCall(MatSetType(*a, MATAIJ));
  PetscCall(MatSetSizes(*a, m, n, PETSC_DETERMINE, PETSC_DETERMINE));
  PetscCall(MatLoad(*a, f->viewer));
  PetscFunctionReturn(0);
}

/* One sweep of a level with matrix a and m rows on this rank. pc takes its matrices from the file. */
static inline PetscErrorCode MultigradPart(MultigradFile *f, PetscInt kind, PetscInt places, Mat a, PC pc)
{
  PetscInt m;
  Mat      gather, local, scatter, b;
  KSP      inner;

  PetscFunctionBeginUser;
  PetscCall(MatGetLocalSize(a, &m, NULL));
  switch (kind) {
  case 1: /* M */
  case 2: /* the matrix whose ILU(0) is the smoother */
    PetscCall(MultigradMat(f, m, m, &b));
    PetscCall(PCSetType(pc, kind == 1 ? PCMAT : PCBJACOBI));
    PetscCall(PCSetOperators(pc, a, b));
    PetscCall(MatDestroy(&b));
    break;
  case 3: /* a Schwarz method: gather residuals, solve with the local matrices, add the corrections */
  case 7: /* factors of each rank's rows with overlap: the same with ILU(0) in place of exact solves */
    PetscCall(MultigradMat(f, places, m, &gather));
    PetscCall(MultigradMat(f, places, places, &local));
    PetscCall(MultigradMat(f, m, places, &scatter));
    PetscCall(PCSetType(pc, PCGALERKIN));
    PetscCall(PCSetOperators(pc, a, a));
    PetscCall(PCGalerkinSetRestriction(pc, gather));
    PetscCall(PCGalerkinSetInterpolation(pc, scatter));
    PetscCall(PCGalerkinGetKSP(pc, &inner));
    PetscCall(KSPSetOperators(inner, local, local));
    PetscCall(MatDestroy(&gather));
    PetscCall(MatDestroy(&local));
    PetscCall(MatDestroy(&scatter));
    break;
  case 4: /* Gauss-Seidel on the rows of a rank, forward or backward */
  case 5:
    PetscCall(PCSetType(pc, PCSOR));
    PetscCall(PCSetOperators(pc, a, a));
    break;
  case 6: /* LU */
    PetscCall(PCSetType(pc, PCREDUNDANT));
    PetscCall(PCSetOperators(pc, a, a));
    break;
  default:
    SETERRQ(f->comm, PETSC_ERR_FILE_UNEXPECTED, "sweep of unknown kind %" PetscInt_FMT ": a newer multigrad wrote the file", kind);
  }
  PetscFunctionReturn(0);
}

/* The sweeps of one side of a level as the preconditioner of ksp. */
static inline PetscErrorCode MultigradSide(MultigradFile *f, PetscInt count, const PetscInt *kinds, const PetscInt *places, Mat a, KSP ksp)
{
  PC       pc, one;
  PetscInt q;

  PetscFunctionBeginUser;
  PetscCall(KSPSetOperators(ksp, a, a));
  PetscCall(KSPGetPC(ksp, &pc));
  if (count == 0) PetscCall(PCSetType(pc, PCNONE));
  if (count == 1) PetscCall(MultigradPart(f, kinds[0], places[0], a, pc));
  if (count > 1) {
    PetscCall(PCSetType(pc, PCCOMPOSITE));
    PetscCall(PCCompositeSetType(pc, PC_COMPOSITE_MULTIPLICATIVE));
    for (q = 0; q < count; q++) {
      PetscCall(PCCompositeAddPCType(pc, PCMAT));
      PetscCall(PCCompositeGetPC(pc, q, &one));
      PetscCall(MultigradPart(f, kinds[q], places[q], a, one));
    }
  }
  PetscFunctionReturn(0);
}

/* Number and kinds of the sweeps of one side, and for a Schwarz method the places on this rank. */
static inline PetscErrorCode MultigradKinds(MultigradFile *f, PetscInt *count, PetscInt kinds[8], PetscInt places[8])
{
  PetscInt q, iterations, all;

  PetscFunctionBeginUser;
  *count = -1;
  PetscCall(MultigradNext(f, &iterations));
  if (iterations < 0) PetscFunctionReturn(0); /* the sweeps of the other side */
  PetscCall(MultigradNext(f, count));
  PetscCheck(*count >= 0 && *count <= 8, f->comm, PETSC_ERR_FILE_UNEXPECTED, "a level has %" PetscInt_FMT " different sweeps; the loader knows up to 8", *count);
  for (q = 0; q < *count; q++) {
    PetscCall(MultigradNext(f, &kinds[q]));
    places[q] = 0;
    if (kinds[q] == 3 || kinds[q] == 7) PetscCall(MultigradRows(f, &all, &places[q]));
  }
  PetscFunctionReturn(0);
}

/* The level with this number, 0 for the coarsest. */
static inline PetscErrorCode MultigradLevel(MultigradFile *f, PetscInt level, PetscBool distinct, PetscInt coarse, PetscInt *m, Mat *a, PC mg)
{
  PetscInt rows, before, after = -1, kinds[2][8], places[2][8];
  KSP      down, up;
  Mat      p, r;
  PC       pc;

  PetscFunctionBeginUser;
  PetscCall(MultigradRows(f, &rows, m));
  PetscCall(MultigradKinds(f, &before, kinds[0], places[0]));
  if (level) PetscCall(MultigradKinds(f, &after, kinds[1], places[1]));
  PetscCall(MultigradMat(f, *m, *m, a));
  if (level) {
    PetscCall(MultigradMat(f, *m, coarse, &p));
    PetscCall(MultigradMat(f, coarse, *m, &r));
    PetscCall(PCMGSetInterpolation(mg, level, p));
    PetscCall(PCMGSetRestriction(mg, level, r));
    PetscCall(MatDestroy(&p));
    PetscCall(MatDestroy(&r));
  }
  PetscCall(PCMGGetSmoother(mg, level, &down));
  PetscCall(MultigradSide(f, before, kinds[0], places[0], *a, down));
  if (level && distinct) {
    PetscCall(PCMGGetSmootherUp(mg, level, &up));
    if (after >= 0) {
      PetscCall(MultigradSide(f, after, kinds[1], places[1], *a, up));
    } else { /* the same preconditioner on both sides */
      PetscCall(KSPGetPC(down, &pc));
      PetscCall(KSPSetOperators(up, *a, *a));
      PetscCall(KSPSetPC(up, pc));
    }
  }
  PetscFunctionReturn(0);
}

/*
 * Creates the solver in `file` on the ranks of `comm`.
 *
 * matrix       the matrix of the linear system; NULL takes the one in the file. Its rows must lie on ranks as the file says.
 * ksp          the solver, ready for KSPSolve; free it by KSPDestroy.
 * permutation  if not NULL: for a file whose rows multigrad renumbered, the row of the original matrix that every row on
 *              this rank is; else NULL. Free it by ISDestroy.
 */
static inline PetscErrorCode MultigradLoad(MPI_Comm comm, const char file[], Mat matrix, KSP *ksp, IS *permutation)
{
  MultigradFile f;
  PetscInt      version, levels, visits, rows, renumbered, level, m = 0, coarse, length, *order = NULL, start, end, at, q, iterations, count, kind;
  PetscBool     distinct = PETSC_FALSE;
  Mat           a        = NULL;
  PC            mg;
  char          options[PETSC_MAX_PATH_LEN], **args;
  int           number;

  PetscFunctionBeginUser;
  f.comm = comm;
  PetscCallMPI(MPI_Comm_size(comm, &f.size));
  PetscCallMPI(MPI_Comm_rank(comm, &f.rank));
  PetscCall(PetscViewerBinaryOpen(comm, file, FILE_MODE_READ, &f.viewer));
  PetscCall(MultigradIndices(&f, &f.length, &f.header));
  f.at = 0;
  PetscCall(MultigradNext(&f, &version));
  PetscCheck(version == 1, comm, PETSC_ERR_FILE_UNEXPECTED, "the file has version %" PetscInt_FMT " and this loader reads 1", version);
  PetscCall(MultigradNext(&f, &f.ranks));
  PetscCall(MultigradNext(&f, &levels));
  PetscCall(MultigradNext(&f, &visits));
  PetscCall(MultigradNext(&f, &rows));
  PetscCall(MultigradNext(&f, &renumbered));
  PetscCheck(!f.ranks || f.ranks == f.size, comm, PETSC_ERR_ARG_SIZ, "the solver was exported for %" PetscInt_FMT " ranks and this run has %d; start it on that number or export with --ranks %d", f.ranks, f.size, f.size);

  /* Options of the file, under those of the command line. */
  PetscCall(PetscSNPrintf(options, sizeof(options), "%s.options", file));
  PetscCall(PetscOptionsInsertFile(comm, NULL, options, PETSC_TRUE));
  PetscCall(PetscGetArgs(&number, &args));
  if (number > 1) PetscCall(PetscOptionsInsertArgs(NULL, number - 1, args + 1));

  /* Whether any level has other sweeps after the coarse-grid correction than before. */
  at = f.at;
  for (level = 0; level < levels; level++) {
    PetscCall(MultigradRows(&f, &length, &m));
    for (q = 0; q < (level ? 2 : 1); q++) {
      PetscCall(MultigradNext(&f, &iterations));
      if (iterations < 0) continue;
      if (q) distinct = PETSC_TRUE;
      PetscCall(MultigradNext(&f, &count));
      while (count-- > 0) {
        PetscCall(MultigradNext(&f, &kind));
        if (kind == 3 || kind == 7) PetscCall(MultigradRows(&f, &length, &m));
      }
    }
  }
  f.at = at;

  PetscCall(KSPCreate(comm, ksp));
  PetscCall(KSPGetPC(*ksp, &mg));
  PetscCall(PCSetType(mg, PCMG));
  PetscCall(PCMGSetLevels(mg, levels, NULL));
  if (distinct) PetscCall(PCMGSetDistinctSmoothUp(mg));
  if (permutation) *permutation = NULL;
  if (renumbered) {
    PetscCall(MultigradIndices(&f, &length, &order));
    PetscCheck(length == rows, comm, PETSC_ERR_FILE_UNEXPECTED, "the permutation has another length than the matrix: the file is damaged");
  }
  for (level = 0, coarse = 0; level < levels; level++, coarse = m) {
    PetscCall(MatDestroy(&a));
    PetscCall(MultigradLevel(&f, level, distinct, coarse, &m, &a, mg));
  }
  if (order && permutation) {
    PetscCall(MatGetOwnershipRange(a, &start, &end));
    PetscCall(ISCreateGeneral(comm, end - start, order + start, PETSC_COPY_VALUES, permutation));
  }
  if (matrix) {
    PetscInt global, local;
    PetscCall(MatGetSize(matrix, &global, NULL));
    PetscCheck(global == rows, comm, PETSC_ERR_ARG_SIZ, "the matrix has %" PetscInt_FMT " rows and the solver %" PetscInt_FMT, global, rows);
    PetscCall(MatGetLocalSize(matrix, &local, NULL));
    local = local == m ? f.size : f.rank;
    PetscCallMPI(MPI_Allreduce(&local, &global, 1, MPIU_INT, MPI_MIN, comm));
    PetscCheck(global == f.size, comm, PETSC_ERR_ARG_SIZ, "rank %" PetscInt_FMT " has another number of rows of the matrix than of the solver; export with the distribution of the matrix", global);
  }
  PetscCall(KSPSetOperators(*ksp, matrix ? matrix : a, matrix ? matrix : a));
  PetscCall(KSPSetFromOptions(*ksp));
  PetscCall(MatDestroy(&a));
  PetscCall(PetscFree(order));
  PetscCall(PetscFree(f.header));
  PetscCall(PetscViewerDestroy(&f.viewer));
  PetscFunctionReturn(0);
}

#endif
