/*
 * Parameters of the model on this machine: one-way latency and bandwidth between two ranks, time of a reduction, and the
 * bandwidth of products with a sparse matrix on one rank.
 *
 *     mpicc -O2 benches/petsc/network.c $(pkg-config --cflags --libs PETSc) -o network && mpirun -n 2 ./network
 */
#include <petscmat.h>

int main(int argc, char **argv)
{
  enum { SMALL = 8, LARGE = 1 << 20, REPEAT = 2000, SIDE = 100 };
  static char buffer[LARGE];
  int         rank, size, q, test;
  double      clock, value = 1, sum;

  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  for (test = 0; size > 1 && test < 2; test++) {
    const int bytes = test ? LARGE : SMALL, repeat = test ? REPEAT / 10 : REPEAT;
    MPI_Barrier(PETSC_COMM_WORLD);
    clock = MPI_Wtime();
    for (q = 0; q < repeat; q++) {
      if (rank == 0) (void)MPI_Send(buffer, bytes, MPI_CHAR, 1, 0, PETSC_COMM_WORLD);
      if (rank < 2) (void)MPI_Recv(buffer, bytes, MPI_CHAR, 1 - rank, 0, PETSC_COMM_WORLD, MPI_STATUS_IGNORE);
      if (rank == 1) (void)MPI_Send(buffer, bytes, MPI_CHAR, 0, 0, PETSC_COMM_WORLD);
    }
    clock = (MPI_Wtime() - clock) / (2 * repeat);
    PetscCall(PetscPrintf(PETSC_COMM_WORLD, "message of %d bytes: %.2f us, %.3g bytes per s\n", bytes, 1e6 * clock, bytes / clock));
  }
  MPI_Barrier(PETSC_COMM_WORLD);
  clock = MPI_Wtime();
  for (q = 0; q < REPEAT; q++) MPI_Allreduce(&value, &sum, 1, MPI_DOUBLE, MPI_SUM, PETSC_COMM_WORLD);
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "reduction on %d ranks: %.2f us\n", size, 1e6 * (MPI_Wtime() - clock) / REPEAT));
  if (rank == 0) {
    const PetscInt n = (PetscInt)SIDE * SIDE * SIDE, step[3] = {1, SIDE, (PetscInt)SIDE * SIDE};
    Mat            a;
    Vec            x, y;
    MatInfo        info;
    PetscInt       i, d;
    PetscCall(MatCreateSeqAIJ(PETSC_COMM_SELF, n, n, 7, NULL, &a));
    for (i = 0; i < n; i++) {
      PetscCall(MatSetValue(a, i, i, 6.0, INSERT_VALUES));
      for (d = 0; d < 3; d++) {
        if (i / step[d] % SIDE > 0) PetscCall(MatSetValue(a, i, i - step[d], -1.0, INSERT_VALUES));
        if (i / step[d] % SIDE < SIDE - 1) PetscCall(MatSetValue(a, i, i + step[d], -1.0, INSERT_VALUES));
      }
    }
    PetscCall(MatAssemblyBegin(a, MAT_FINAL_ASSEMBLY));
    PetscCall(MatAssemblyEnd(a, MAT_FINAL_ASSEMBLY));
    PetscCall(MatCreateVecs(a, &x, &y));
    PetscCall(VecSet(x, 1.0));
    PetscCall(MatGetInfo(a, MAT_LOCAL, &info));
    PetscCall(MatMult(a, x, y));
    clock = MPI_Wtime();
    for (q = 0; q < 20; q++) PetscCall(MatMult(a, x, y));
    clock = (MPI_Wtime() - clock) / 20;
    PetscCall(PetscPrintf(PETSC_COMM_SELF, "product with a matrix of %d rows on one rank: %.3g bytes per s\n", (int)n, (12 * info.nz_used + 20.0 * n) / clock));
    PetscCall(MatDestroy(&a));
    PetscCall(VecDestroy(&x));
    PetscCall(VecDestroy(&y));
  }
  MPI_Barrier(PETSC_COMM_WORLD);
  return PetscFinalize();
}
