/*
 * Solves with a solver that multigrad exported:
 *
 *     mpirun -n 4 ./solve flow.petsc [-rhs b.petsc] [-residuals residuals.txt] [-ksp_monitor ...]
 *
 * Without -rhs all values of b are one. The history has one line per iteration, the norm of the residual.
 */
#include "multigrad_petsc.h"

int main(int argc, char **argv)
{
  KSP                ksp;
  Mat                a;
  Vec                b, x, natural;
  IS                 rows, own;
  VecScatter         scatter;
  PetscViewer        viewer;
  KSPConvergedReason reason;
  char               path[PETSC_MAX_PATH_LEN];
  const PetscReal   *history;
  PetscReal          norm;
  PetscInt           iterations, count, i, start, end;
  PetscBool          given;
  FILE              *file;

  PetscCall(PetscInitialize(&argc, &argv, NULL, "Solves with a solver that multigrad exported: solve SOLVER.petsc\n"));
  PetscCheck(argc > 1 && argv[1][0] != '-', PETSC_COMM_WORLD, PETSC_ERR_USER_INPUT, "name the exported solver: solve SOLVER.petsc");
  PetscCall(MultigradLoad(PETSC_COMM_WORLD, argv[1], NULL, &ksp, &rows));
  PetscCall(KSPGetOperators(ksp, &a, NULL));
  PetscCall(MatCreateVecs(a, &x, &b));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-rhs", path, sizeof(path), &given));
  if (given) {
    PetscCall(VecDuplicate(b, &natural));
    PetscCall(PetscViewerBinaryOpen(PETSC_COMM_WORLD, path, FILE_MODE_READ, &viewer));
    PetscCall(VecLoad(natural, viewer));
    PetscCall(PetscViewerDestroy(&viewer));
    if (rows) { /* multigrad renumbered the rows: row i on this rank is row rows[i] of the original matrix */
      PetscCall(VecGetOwnershipRange(b, &start, &end));
      PetscCall(ISCreateStride(PETSC_COMM_WORLD, end - start, start, 1, &own));
      PetscCall(VecScatterCreate(natural, rows, b, own, &scatter));
      PetscCall(VecScatterBegin(scatter, natural, b, INSERT_VALUES, SCATTER_FORWARD));
      PetscCall(VecScatterEnd(scatter, natural, b, INSERT_VALUES, SCATTER_FORWARD));
      PetscCall(VecScatterDestroy(&scatter));
      PetscCall(ISDestroy(&own));
    } else {
      PetscCall(VecCopy(natural, b));
    }
    PetscCall(VecDestroy(&natural));
  } else {
    PetscCall(VecSet(b, 1.0));
  }
  PetscCall(KSPSetResidualHistory(ksp, NULL, PETSC_DECIDE, PETSC_TRUE));
  PetscCall(KSPSolve(ksp, b, x));
  PetscCall(KSPGetIterationNumber(ksp, &iterations));
  PetscCall(KSPGetConvergedReason(ksp, &reason));
  PetscCall(KSPGetResidualHistory(ksp, &history, &count));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-residuals", path, sizeof(path), &given));
  if (given) {
    PetscCall(PetscFOpen(PETSC_COMM_WORLD, path, "w", &file));
    for (i = 0; i < count; i++) PetscCall(PetscFPrintf(PETSC_COMM_WORLD, file, "%.17g\n", (double)history[i]));
    PetscCall(PetscFClose(PETSC_COMM_WORLD, file));
  }
  PetscCall(VecNorm(x, NORM_2, &norm));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%s after %" PetscInt_FMT " iterations, |x| = %.10g\n", reason > 0 ? "converged" : "not converged", iterations, (double)norm));
  PetscCall(ISDestroy(&rows));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&b));
  PetscCall(KSPDestroy(&ksp));
  PetscCall(PetscFinalize());
  return reason > 0 ? 0 : 3;
}
