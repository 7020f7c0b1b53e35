/*
 * The calls of PETSc and MPI behind plain types: handles are void pointers, indices int64_t, values double. The C compiler
 * knows what a declaration by hand would have to guess: the type of MPI_Comm and the width of PetscInt.
 *
 * Every function returns 0 or an error code of PETSc; mgp_message() then has the sentence.
 */
#include "../../bindings/petsc/multigrad_petsc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static char message[1024];

/* The first sentence of an error, which the caller reports; nothing is printed here. */
static PetscErrorCode keep(MPI_Comm comm, int line, const char *function, const char *file, PetscErrorCode code, PetscErrorType type, const char *text, void *context)
{
  (void)comm, (void)line, (void)file, (void)context;
  if (type == PETSC_ERROR_INITIAL || !message[0]) {
    const char *general = NULL;
    PetscErrorMessage(code, &general, NULL);
    snprintf(message, sizeof(message), "%s%s%s (%s)", text && *text ? text : "", text && *text ? "" : "PETSc: ", text && *text ? "" : general ? general : "unknown error", function ? function : "PETSc");
  }
  return code;
}

const char *mgp_message(void) { return message; }

/* Starts MPI and PETSc with PETSc's part of the command line. */
int mgp_start(int argc, char **argv)
{
  static int    count;
  static char **list;
  PetscInt      major, minor, sub, release;
  PetscDataType type;
  PetscBool     found;
  size_t        size;
  int           ranks;
  const char   *launched;

  count = argc, list = argv;
  PetscCall(PetscInitialize(&count, &list, NULL, NULL));
  PetscCall(PetscPushErrorHandler(keep, NULL));
  PetscCall(PetscGetVersionNumber(&major, &minor, &sub, &release));
  PetscCheck(major == PETSC_VERSION_MAJOR && minor == PETSC_VERSION_MINOR, PETSC_COMM_SELF, PETSC_ERR_LIB, "the program was built with PETSc %d.%d and runs with %d.%d; build it again", PETSC_VERSION_MAJOR, PETSC_VERSION_MINOR, (int)major, (int)minor);
  PetscCall(PetscDataTypeFromString("scalar", &type, &found));
  PetscCall(PetscDataTypeGetSize(type, &size));
  PetscCheck(found && type == PETSC_DOUBLE && size == sizeof(double), PETSC_COMM_SELF, PETSC_ERR_LIB, "the PETSc library has other scalars than real double precision; install the real variant (libpetsc-real-dev)");
  PetscCall(PetscDataTypeGetSize(PETSC_INT, &size));
  PetscCheck(size == sizeof(PetscInt), PETSC_COMM_SELF, PETSC_ERR_LIB, "the PETSc library has indices of %d bits and the program was built with %d; build it again", (int)(8 * size), (int)(8 * sizeof(PetscInt)));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &ranks));
  launched = getenv("OMPI_COMM_WORLD_SIZE");
  if (!launched) launched = getenv("PMI_SIZE");
  PetscCheck(!launched || atoi(launched) == ranks, PETSC_COMM_SELF, PETSC_ERR_LIB, "the launcher started %s ranks and MPI sees %d: mpirun belongs to another MPI than PETSc", launched, ranks);
  return 0;
}

int mgp_finish(void) { return PetscFinalize(); }

void mgp_abort(int code) { MPI_Abort(PETSC_COMM_WORLD, code); }

int mgp_rank(void)
{
  int rank = 0;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  return rank;
}

int mgp_size(void)
{
  int size = 1;
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  return size;
}

int mgp_index_bits(void) { return 8 * (int)sizeof(PetscInt); }

/* `length` bytes of rank 0, on all ranks. */
int mgp_broadcast(void *bytes, int64_t length)
{
  PetscCallMPI(MPI_Bcast(bytes, (int)length, MPI_BYTE, 0, PETSC_COMM_WORLD));
  return 0;
}

/* The sum (0), the largest (1) or the least (2) of the values of all ranks. */
int mgp_reduce(double *value, int operation)
{
  double result;
  PetscCallMPI(MPI_Allreduce(value, &result, 1, MPI_DOUBLE, operation == 0 ? MPI_SUM : operation == 1 ? MPI_MAX : MPI_MIN, PETSC_COMM_WORLD));
  *value = result;
  return 0;
}

/* Processor seconds of this rank. */
double mgp_cpu_seconds(void)
{
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Adds options; those of the command line take precedence. */
int mgp_options(const char *text)
{
  int    argc;
  char **argv;

  PetscCall(PetscOptionsInsertString(NULL, text));
  PetscCall(PetscGetArgs(&argc, &argv));
  if (argc > 1) PetscCall(PetscOptionsInsertArgs(NULL, argc - 1, argv + 1));
  return 0;
}

/* Names of options on the command line that nothing has read; empty if there are none. */
int mgp_unused_options(char *names, int64_t length)
{
  PetscInt n, i;
  char   **left, **values;

  names[0] = 0;
  PetscCall(PetscOptionsLeftGet(NULL, &n, &left, &values));
  for (i = 0; i < n; i++) {
    int  argc, a;
    char **argv;
    PetscCall(PetscGetArgs(&argc, &argv));
    for (a = 1; a < argc; a++) {
      if (argv[a][0] == '-' && !strcmp(argv[a] + 1, left[i])) snprintf(names + strlen(names), (size_t)length - strlen(names), "%s-%s", names[0] ? ", " : "", left[i]);
    }
  }
  PetscCall(PetscOptionsLeftRestore(NULL, &n, &left, &values));
  return 0;
}

/* The solver of an exported file, and its matrix. */
int mgp_load_solver(const char *file, void **ksp, void **matrix)
{
  KSP solver;
  Mat a;

  message[0] = 0;
  PetscCall(MultigradLoad(PETSC_COMM_WORLD, file, NULL, &solver, NULL));
  PetscCall(KSPGetOperators(solver, &a, NULL));
  PetscCall(PetscObjectReference((PetscObject)a));
  *ksp    = solver;
  *matrix = a;
  return 0;
}

/* The first matrix of a file, with `rows` rows on this rank (negative: PETSc decides). */
int mgp_load_matrix(const char *file, int64_t rows, void **matrix)
{
  Mat         a;
  PetscViewer viewer;
  PetscInt    m, n;

  message[0] = 0;
  PetscCall(PetscViewerBinaryOpen(PETSC_COMM_WORLD, file, FILE_MODE_READ, &viewer));
  PetscCall(MatCreate(PETSC_COMM_WORLD, &a));
  PetscCall(MatSetType(a, MATAIJ));
  if (rows >= 0) PetscCall(MatSetSizes(a, (PetscInt)rows, (PetscInt)rows, PETSC_DETERMINE, PETSC_DETERMINE));
  PetscCall(MatLoad(a, viewer));
  PetscCall(PetscViewerDestroy(&viewer));
  PetscCall(MatGetSize(a, &m, &n));
  PetscCheck(m == n, PETSC_COMM_WORLD, PETSC_ERR_ARG_SIZ, "the matrix is %" PetscInt_FMT " x %" PetscInt_FMT "; a solver needs a square one", m, n);
  *matrix = a;
  return 0;
}

/* Rows of all ranks and of this one, and entries of all. */
int mgp_matrix_size(void *matrix, int64_t *global, int64_t *local, double *entries)
{
  PetscInt m, n;
  MatInfo  info;

  PetscCall(MatGetSize((Mat)matrix, &m, NULL));
  PetscCall(MatGetLocalSize((Mat)matrix, &n, NULL));
  PetscCall(MatGetInfo((Mat)matrix, MAT_GLOBAL_SUM, &info));
  *global = m, *local = n, *entries = info.nz_used;
  return 0;
}

/* A vector for the matrix, with the values that rank 0 holds; NULL there gives ones. */
int mgp_vector(void *matrix, const double *values, void **vector)
{
  Vec        v, whole;
  VecScatter scatter;
  int        given = values != NULL;

  PetscCall(MatCreateVecs((Mat)matrix, &v, NULL));
  PetscCall(VecSet(v, 1.0));
  PetscCallMPI(MPI_Bcast(&given, 1, MPI_INT, 0, PETSC_COMM_WORLD));
  if (given) {
    PetscScalar *array;
    PetscInt     n;
    PetscCall(VecScatterCreateToZero(v, &scatter, &whole));
    PetscCall(VecGetLocalSize(whole, &n));
    PetscCall(VecGetArray(whole, &array));
    if (values) memcpy(array, values, (size_t)n * sizeof(double));
    PetscCall(VecRestoreArray(whole, &array));
    PetscCall(VecScatterBegin(scatter, whole, v, INSERT_VALUES, SCATTER_REVERSE));
    PetscCall(VecScatterEnd(scatter, whole, v, INSERT_VALUES, SCATTER_REVERSE));
    PetscCall(VecScatterDestroy(&scatter));
    PetscCall(VecDestroy(&whole));
  }
  *vector = v;
  return 0;
}

/* The values of a vector on rank 0, which holds `values` for all of them. */
int mgp_gather(void *vector, double *values)
{
  Vec                whole;
  VecScatter         scatter;
  const PetscScalar *array;
  PetscInt           n;

  PetscCall(VecScatterCreateToZero((Vec)vector, &scatter, &whole));
  PetscCall(VecScatterBegin(scatter, (Vec)vector, whole, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(scatter, (Vec)vector, whole, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecGetLocalSize(whole, &n));
  PetscCall(VecGetArrayRead(whole, &array));
  if (values) memcpy(values, array, (size_t)n * sizeof(double));
  PetscCall(VecRestoreArrayRead(whole, &array));
  PetscCall(VecScatterDestroy(&scatter));
  PetscCall(VecDestroy(&whole));
  return 0;
}

/* A solver of PETSc for the matrix, configured by the options with this prefix, and set up. */
int mgp_plain_solver(void *matrix, const char *prefix, void **ksp)
{
  KSP solver;

  message[0] = 0;
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &solver));
  PetscCall(KSPSetOptionsPrefix(solver, prefix));
  PetscCall(KSPSetOperators(solver, (Mat)matrix, (Mat)matrix));
  PetscCall(KSPSetFromOptions(solver));
  PetscCall(KSPSetUp(solver));
  *ksp = solver;
  return 0;
}

/* Prepares a solver for its first solve. */
int mgp_set_up(void *ksp)
{
  message[0] = 0;
  PetscCall(KSPSetUp((KSP)ksp));
  PetscCall(KSPSetUpOnBlocks((KSP)ksp));
  return 0;
}

/* Solves from zero in at most `most` iterations: iterations, reason, and |b - A x| / |b|. */
int mgp_solve(void *ksp, void *rhs, int64_t most, void **solution, int64_t *iterations, int *reason, double *residual)
{
  Vec                x, r;
  Mat                a;
  PetscInt           its, allowed;
  PetscReal          norm, before, rtol, atol, dtol;
  KSPConvergedReason why;

  message[0] = 0;
  PetscCall(VecDuplicate((Vec)rhs, &x));
  PetscCall(KSPSetResidualHistory((KSP)ksp, NULL, PETSC_DECIDE, PETSC_TRUE));
  PetscCall(KSPGetTolerances((KSP)ksp, &rtol, &atol, &dtol, &allowed));
  PetscCall(KSPSetTolerances((KSP)ksp, rtol, atol, dtol, most < allowed ? (PetscInt)most : allowed));
  PetscCall(KSPSolve((KSP)ksp, (Vec)rhs, x));
  PetscCall(KSPSetTolerances((KSP)ksp, rtol, atol, dtol, allowed));
  PetscCall(KSPGetIterationNumber((KSP)ksp, &its));
  PetscCall(KSPGetConvergedReason((KSP)ksp, &why));
  PetscCall(KSPGetOperators((KSP)ksp, &a, NULL));
  PetscCall(VecDuplicate(x, &r));
  PetscCall(MatMult(a, x, r));
  PetscCall(VecAYPX(r, -1.0, (Vec)rhs));
  PetscCall(VecNorm(r, NORM_2, &norm));
  PetscCall(VecNorm((Vec)rhs, NORM_2, &before));
  PetscCall(VecDestroy(&r));
  *solution = x, *iterations = its, *reason = (int)why;
  *residual = before > 0 ? norm / before : norm;
  return 0;
}

/* The norms of the residual, at most `length` of them. */
int mgp_history(void *ksp, double *norms, int64_t length, int64_t *count)
{
  const PetscReal *history;
  PetscInt         n, i;

  PetscCall(KSPGetResidualHistory((KSP)ksp, &history, &n));
  for (i = 0; i < n && i < length; i++) norms[i] = history[i];
  *count = n;
  return 0;
}

void mgp_free_solver(void *ksp)
{
  KSP solver = ksp;
  KSPDestroy(&solver);
}

void mgp_free_vector(void *vector)
{
  Vec v = vector;
  VecDestroy(&v);
}

void mgp_free_matrix(void *matrix)
{
  Mat a = matrix;
  MatDestroy(&a);
}

/* The levels of a hierarchy that PETSc has built: operators and interpolations, the coarsest first. */
typedef struct {
  PetscInt levels;
  Mat     *a, *p, *b;
} Hierarchy;

/* Builds the hierarchy of a preconditioner, configured by the options with this prefix. */
int mgp_hierarchy(void *matrix, const char *prefix, void **hierarchy, int64_t *levels)
{
  PC         pc;
  PetscInt   n, m, l;
  Mat       *p, *a;
  Hierarchy *h;

  message[0] = 0;
  PetscCall(PCCreate(PETSC_COMM_WORLD, &pc));
  PetscCall(PCSetOptionsPrefix(pc, prefix));
  PetscCall(PCSetOperators(pc, (Mat)matrix, (Mat)matrix));
  PetscCall(PCSetFromOptions(pc));
  PetscCall(PCSetUp(pc));
  PetscCall(PCGetInterpolations(pc, &n, &p));
  PetscCall(PCGetCoarseOperators(pc, &m, &a));
  PetscCheck(n == m && n > 1, PETSC_COMM_WORLD, PETSC_ERR_SUP, "the preconditioner has no hierarchy of several levels (%" PetscInt_FMT " interpolations, %" PetscInt_FMT " operators)", n, m);
  h         = calloc(1, sizeof(*h));
  h->levels = n;
  h->a      = calloc((size_t)n, sizeof(Mat));
  h->p      = calloc((size_t)n, sizeof(Mat));
  h->b      = calloc((size_t)n, sizeof(Mat));
  for (l = 0; l < n - 1; l++) {
    h->p[l + 1] = p[l];
    h->a[l]     = a[l];
  }
  h->a[n - 1] = (Mat)matrix;
  PetscCall(PetscObjectReference((PetscObject)matrix));
  PetscCall(PetscFree(p));
  PetscCall(PetscFree(a));
  PetscCall(PCDestroy(&pc));
  *hierarchy = h, *levels = n;
  return 0;
}

void mgp_free_hierarchy(void *hierarchy)
{
  Hierarchy *h = hierarchy;
  PetscInt   l;

  for (l = 0; l < h->levels; l++) {
    MatDestroy(&h->a[l]);
    MatDestroy(&h->p[l]);
    MatDestroy(&h->b[l]);
  }
  free(h->a), free(h->p), free(h->b), free(h);
}

/* The matrix of a level on the rows of this rank and `rings` rings of neighbours; read it by mgp_block. */
int mgp_block_of(void *hierarchy, int64_t level, int rings, void **block, int64_t *rows, int64_t *entries)
{
  Hierarchy      *h = hierarchy;
  Mat             a = h->a[level], *sub;
  IS              own;
  PetscInt        start, end, n;
  const PetscInt *ia, *ja;
  PetscBool       done;

  message[0] = 0;
  PetscCall(MatGetOwnershipRange(a, &start, &end));
  PetscCall(ISCreateStride(PETSC_COMM_SELF, end - start, start, 1, &own));
  if (rings > 0) PetscCall(MatIncreaseOverlap(a, 1, &own, rings));
  PetscCall(ISSort(own));
  PetscCall(MatCreateSubMatrices(a, 1, &own, &own, MAT_INITIAL_MATRIX, &sub));
  PetscCall(ISDestroy(&own));
  PetscCall(MatGetRowIJ(sub[0], 0, PETSC_FALSE, PETSC_FALSE, &n, &ia, &ja, &done));
  PetscCheck(done, PETSC_COMM_SELF, PETSC_ERR_SUP, "the rows of a level cannot be read: its matrix is not MATAIJ");
  *block = sub, *rows = n, *entries = ia[n];
  PetscCall(MatRestoreRowIJ(sub[0], 0, PETSC_FALSE, PETSC_FALSE, &n, &ia, &ja, &done));
  return 0;
}

/* Row pointers, columns and values of a block, which is freed. */
int mgp_block(void *block, int64_t *starts, int64_t *columns, double *values)
{
  Mat               *sub = block;
  const PetscInt    *ia, *ja;
  const PetscScalar *array;
  PetscInt           n, i;
  PetscBool          done;

  PetscCall(MatGetRowIJ(sub[0], 0, PETSC_FALSE, PETSC_FALSE, &n, &ia, &ja, &done));
  PetscCall(MatSeqAIJGetArrayRead(sub[0], &array));
  for (i = 0; i <= n; i++) starts[i] = ia[i];
  for (i = 0; i < ia[n]; i++) columns[i] = ja[i], values[i] = array[i];
  PetscCall(MatSeqAIJRestoreArrayRead(sub[0], &array));
  PetscCall(MatRestoreRowIJ(sub[0], 0, PETSC_FALSE, PETSC_FALSE, &n, &ia, &ja, &done));
  PetscCall(MatDestroySubMatrices(1, &sub));
  return 0;
}

/* The matrix of the smoother of a level: the rows of this rank, columns counted from its first row. */
int mgp_set_smoother(void *hierarchy, int64_t level, int64_t rows, const int64_t *starts, const int64_t *columns, const double *values)
{
  Hierarchy *h = hierarchy;
  PetscInt   m, start, i, *ia, *ja;
  Mat        b;

  message[0] = 0;
  PetscCall(MatGetLocalSize(h->a[level], &m, NULL));
  PetscCheck(rows == m, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "a smoother of %d rows for %" PetscInt_FMT " rows of this rank", (int)rows, m);
  PetscCall(MatGetOwnershipRange(h->a[level], &start, NULL));
  PetscCall(PetscMalloc2(m + 1, &ia, (PetscInt)starts[m], &ja));
  for (i = 0; i <= m; i++) ia[i] = (PetscInt)starts[i];
  for (i = 0; i < ia[m]; i++) ja[i] = (PetscInt)columns[i] + start;
  PetscCall(MatCreate(PETSC_COMM_WORLD, &b));
  PetscCall(MatSetSizes(b, m, m, PETSC_DETERMINE, PETSC_DETERMINE));
  PetscCall(MatSetType(b, MATAIJ));
  PetscCall(MatMPIAIJSetPreallocationCSR(b, ia, ja, values));
  PetscCall(MatSeqAIJSetPreallocationCSR(b, ia, ja, values));
  PetscCall(PetscFree2(ia, ja));
  PetscCall(MatDestroy(&h->b[level]));
  h->b[level] = b;
  return 0;
}

/* PCMG on the hierarchy, configured by the options with this prefix; with `own`, levels use the smoothers set above. */
int mgp_solver_on(void *hierarchy, const char *prefix, int own, void **ksp)
{
  Hierarchy *h = hierarchy;
  KSP        solver, smoother;
  PC         mg, pc;
  PetscInt   l;
  Mat        finest = h->a[h->levels - 1];

  message[0] = 0;
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &solver));
  PetscCall(KSPSetOptionsPrefix(solver, prefix));
  PetscCall(KSPSetOperators(solver, finest, finest));
  PetscCall(KSPGetPC(solver, &mg));
  PetscCall(PCSetType(mg, PCMG));
  PetscCall(PCMGSetLevels(mg, h->levels, NULL));
  for (l = 0; l < h->levels; l++) {
    if (l) PetscCall(PCMGSetInterpolation(mg, l, h->p[l]));
    PetscCall(PCMGGetSmoother(mg, l, &smoother));
    PetscCall(KSPSetOperators(smoother, h->a[l], h->a[l]));
    if (own && h->b[l]) {
      PetscCall(KSPGetPC(smoother, &pc));
      PetscCall(PCSetType(pc, PCBJACOBI));
      PetscCall(PCSetOperators(pc, h->a[l], h->b[l]));
    }
  }
  PetscCall(KSPSetFromOptions(solver));
  PetscCall(KSPSetUp(solver));
  *ksp = solver;
  return 0;
}
