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

/* Takes an option back; one of the command line stays. */
int mgp_forget(const char *name)
{
  PetscCall(PetscOptionsClearValue(NULL, name));
  return mgp_options("");
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

/*
 * The levels of a hierarchy that PETSc has built: operators and interpolations, the coarsest first. The region of a rank on a
 * level is its own rows and rings of neighbours, ascending. Smoothers of a level are blocks per region (`factors`, between
 * `all` and `own`, which gather the rows of all regions) or products before and after the coarse-grid correction.
 */
typedef struct {
  PetscInt levels;
  Mat     *a, *p, *factors, *all, *own, *pre, *post;
  IS      *region;
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
  PetscCall(PetscNew(&h));
  h->levels = n;
  PetscCall(PetscCalloc7(n, &h->a, n, &h->p, n, &h->factors, n, &h->all, n, &h->own, n, &h->pre, n, &h->post));
  PetscCall(PetscCalloc1(n, &h->region));
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
    MatDestroy(&h->factors[l]);
    MatDestroy(&h->all[l]);
    MatDestroy(&h->own[l]);
    MatDestroy(&h->pre[l]);
    MatDestroy(&h->post[l]);
    ISDestroy(&h->region[l]);
  }
  PetscFree7(h->a, h->p, h->factors, h->all, h->own, h->pre, h->post);
  PetscFree(h->region);
  PetscFree(h);
}

/* Sizes of a matrix on one rank, which mgp_block reads. */
static PetscErrorCode sizes(Mat *sub, int64_t *rows, int64_t *columns, int64_t *entries)
{
  const PetscInt *ia, *ja;
  PetscInt        n, m;
  PetscBool       done;

  PetscCall(MatGetRowIJ(sub[0], 0, PETSC_FALSE, PETSC_FALSE, &n, &ia, &ja, &done));
  PetscCheck(done, PETSC_COMM_SELF, PETSC_ERR_SUP, "the rows of a level cannot be read: its matrix is not MATAIJ");
  *rows = n, *entries = ia ? ia[n] : 0;
  PetscCall(MatRestoreRowIJ(sub[0], 0, PETSC_FALSE, PETSC_FALSE, &n, &ia, &ja, &done));
  PetscCall(MatGetSize(sub[0], NULL, &m));
  *columns = m;
  return 0;
}

/*
 * Makes the rows of this rank and `rings` rings of neighbours the region of a level, and takes the matrix there. `first` is
 * the place of the rank's first row in the region, `own` the number of its rows.
 */
int mgp_block_of(void *hierarchy, int64_t level, int rings, void **block, int64_t *rows, int64_t *entries, int64_t *first, int64_t *own)
{
  Hierarchy *h = hierarchy;
  Mat        a = h->a[level], *sub;
  IS         region;
  PetscInt   start, end, place;
  int64_t    columns;

  message[0] = 0;
  PetscCall(MatGetOwnershipRange(a, &start, &end));
  PetscCall(ISCreateStride(PETSC_COMM_SELF, end - start, start, 1, &region));
  if (rings > 0) PetscCall(MatIncreaseOverlap(a, 1, &region, rings));
  PetscCall(ISSort(region));
  PetscCall(ISDestroy(&h->region[level]));
  h->region[level] = region;
  place            = 0;
  if (end > start) PetscCall(ISLocate(region, start, &place));
  *first = place, *own = end - start;
  PetscCall(MatCreateSubMatrices(a, 1, &region, &region, MAT_INITIAL_MATRIX, &sub));
  PetscCall(sizes(sub, rows, &columns, entries));
  *block = sub;
  return 0;
}

/* The interpolation to a level from the coarser one, on the regions of both. */
int mgp_prolongation_of(void *hierarchy, int64_t level, void **block, int64_t *rows, int64_t *columns, int64_t *entries)
{
  Hierarchy *h = hierarchy;
  Mat       *sub;

  message[0] = 0;
  PetscCall(MatCreateSubMatrices(h->p[level], 1, &h->region[level], &h->region[level - 1], MAT_INITIAL_MATRIX, &sub));
  PetscCall(sizes(sub, rows, columns, entries));
  *block = sub;
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
  for (i = 0; i <= n; i++) starts[i] = ia ? ia[i] : 0;
  for (i = 0; ia && i < ia[n]; i++) columns[i] = ja[i], values[i] = array[i];
  PetscCall(MatSeqAIJRestoreArrayRead(sub[0], &array));
  PetscCall(MatRestoreRowIJ(sub[0], 0, PETSC_FALSE, PETSC_FALSE, &n, &ia, &ja, &done));
  PetscCall(MatDestroySubMatrices(1, &sub));
  return 0;
}

/* A distributed matrix of m rows and n columns on this rank, with rows of global columns. */
static PetscErrorCode assemble(PetscInt m, PetscInt n, const PetscInt *ia, const PetscInt *ja, const PetscScalar *values, Mat *a)
{
  PetscCall(MatCreate(PETSC_COMM_WORLD, a));
  PetscCall(MatSetSizes(*a, m, n, PETSC_DETERMINE, PETSC_DETERMINE));
  PetscCall(MatSetType(*a, MATAIJ));
  PetscCall(MatMPIAIJSetPreallocationCSR(*a, ia, ja, values));
  PetscCall(MatSeqAIJSetPreallocationCSR(*a, ia, ja, values));
  return 0;
}

/* Gives a level a smoother: the ILU(0) of this matrix on the region of this rank. */
int mgp_set_factors(void *hierarchy, int64_t level, int64_t rows, const int64_t *starts, const int64_t *columns, const double *values)
{
  Hierarchy      *h = hierarchy;
  PetscInt        m, start, end, n = (PetscInt)rows, before, i, *ia, *ja;
  const PetscInt *region;
  PetscScalar    *ones;

  message[0] = 0;
  PetscCall(ISGetLocalSize(h->region[level], &i));
  PetscCheck(i == n, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "factors of %" PetscInt_FMT " rows for a region of %" PetscInt_FMT, n, i);
  PetscCall(MatGetLocalSize(h->a[level], &m, NULL));
  PetscCall(MatGetOwnershipRange(h->a[level], &start, &end));
  PetscCallMPI(MPI_Scan(&n, &before, 1, MPIU_INT, MPI_SUM, PETSC_COMM_WORLD));
  before -= n;
  PetscCall(MatDestroy(&h->factors[level]));
  PetscCall(MatDestroy(&h->all[level]));
  PetscCall(MatDestroy(&h->own[level]));
  PetscCall(PetscMalloc2(n + 1, &ia, (PetscInt)starts[n], &ja));
  for (i = 0; i <= n; i++) ia[i] = (PetscInt)starts[i];
  for (i = 0; i < ia[n]; i++) ja[i] = (PetscInt)columns[i] + before;
  PetscCall(assemble(n, n, ia, ja, values, &h->factors[level]));
  PetscCall(PetscFree2(ia, ja));
  PetscCall(PetscMalloc3(n + 1, &ia, n, &ja, n, &ones));
  PetscCall(ISGetIndices(h->region[level], &region));
  for (i = 0; i < n; i++) ia[i] = i, ja[i] = region[i], ones[i] = 1.0;
  ia[n] = n;
  PetscCall(assemble(n, m, ia, ja, ones, &h->all[level]));
  for (i = 0, ia[0] = 0; i < n; i++) {
    ia[i + 1] = ia[i] + (region[i] >= start && region[i] < end);
    if (ia[i + 1] > ia[i]) ja[ia[i]] = region[i];
  }
  PetscCall(assemble(n, m, ia, ja, ones, &h->own[level]));
  PetscCall(ISRestoreIndices(h->region[level], &region));
  PetscCall(PetscFree3(ia, ja, ones));
  return 0;
}

/*
 * Gives a level a smoother: M before (side 0) or after (side 1) the coarse-grid correction. The arrays hold the rows of this
 * rank, with columns counted in its region. Side 2 makes the M after it the transpose of the one before.
 */
int mgp_set_product(void *hierarchy, int64_t level, int side, int64_t rows, const int64_t *starts, const int64_t *columns, const double *values)
{
  Hierarchy      *h = hierarchy;
  Mat            *place = side ? &h->post[level] : &h->pre[level];
  PetscInt        m, i, n, *ia, *ja;
  const PetscInt *region;

  message[0] = 0;
  PetscCall(MatDestroy(place));
  if (side == 2) {
    PetscCall(MatTranspose(h->pre[level], MAT_INITIAL_MATRIX, place));
    return 0;
  }
  PetscCall(MatGetLocalSize(h->a[level], &m, NULL));
  PetscCheck(rows == m, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "a smoother of %d rows for %" PetscInt_FMT " rows of this rank", (int)rows, m);
  PetscCall(ISGetLocalSize(h->region[level], &n));
  PetscCall(ISGetIndices(h->region[level], &region));
  PetscCall(PetscMalloc2(m + 1, &ia, (PetscInt)starts[m], &ja));
  for (i = 0; i <= m; i++) ia[i] = (PetscInt)starts[i];
  for (i = 0; i < ia[m]; i++) {
    PetscCheck(columns[i] < n, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "a column of a smoother outside its region");
    ja[i] = region[columns[i]];
  }
  PetscCall(assemble(m, m, ia, ja, values, place));
  PetscCall(PetscFree2(ia, ja));
  PetscCall(ISRestoreIndices(h->region[level], &region));
  return 0;
}

/* One side of a level with its own smoother; `mirrored` transposes the method of factors with overlap. */
static PetscErrorCode give(Hierarchy *h, PetscInt l, KSP smoother, Mat product, int mirrored)
{
  PC  pc;
  KSP inner;

  PetscCall(KSPSetOperators(smoother, h->a[l], h->a[l]));
  PetscCall(KSPGetPC(smoother, &pc));
  if (product) {
    PetscCall(PCSetType(pc, PCMAT));
    PetscCall(PCSetOperators(pc, h->a[l], product));
  } else if (h->factors[l]) {
    PetscCall(PCSetType(pc, PCGALERKIN));
    PetscCall(PCSetOperators(pc, h->a[l], h->a[l]));
    PetscCall(PCGalerkinSetRestriction(pc, mirrored ? h->own[l] : h->all[l]));
    PetscCall(PCGalerkinSetInterpolation(pc, mirrored ? h->all[l] : h->own[l]));
    PetscCall(PCGalerkinGetKSP(pc, &inner));
    PetscCall(KSPSetOperators(inner, h->factors[l], h->factors[l]));
  }
  return 0;
}

/*
 * PCMG on the hierarchy, configured by the options with this prefix. With `own`, levels use the smoothers set above; with
 * `mirrored`, factors after the coarse-grid correction are the transposed method, for symmetric matrices.
 */
int mgp_solver_on(void *hierarchy, const char *prefix, int own, int mirrored, void **ksp)
{
  Hierarchy *h = hierarchy;
  KSP        solver, smoother;
  PC         mg;
  PetscInt   l;
  Mat        finest = h->a[h->levels - 1];

  message[0] = 0;
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &solver));
  PetscCall(KSPSetOptionsPrefix(solver, prefix));
  PetscCall(KSPSetOperators(solver, finest, finest));
  PetscCall(KSPGetPC(solver, &mg));
  PetscCall(PCSetType(mg, PCMG));
  PetscCall(PCMGSetLevels(mg, h->levels, NULL));
  if (own) PetscCall(PCMGSetDistinctSmoothUp(mg));
  for (l = 0; l < h->levels; l++) {
    if (l) PetscCall(PCMGSetInterpolation(mg, l, h->p[l]));
    PetscCall(PCMGGetSmoother(mg, l, &smoother));
    if (!own || !l) {
      PetscCall(KSPSetOperators(smoother, h->a[l], h->a[l]));
      continue;
    }
    PetscCall(give(h, l, smoother, h->pre[l], 0));
    PetscCall(PCMGGetSmootherUp(mg, l, &smoother));
    PetscCall(give(h, l, smoother, h->post[l], mirrored));
  }
  PetscCall(KSPSetFromOptions(solver));
  PetscCall(KSPSetUp(solver));
  *ksp = solver;
  return 0;
}
