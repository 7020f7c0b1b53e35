/*
 * Time steps of the heat equation with a conductivity that changes: new values of the matrix in every step, several
 * right-hand sides at once, and a conjugate gradient method of this program with the preconditioner of the library.
 *
 *     cc time_steps.c $(pkg-config --cflags --libs multigrad) -lm -o time_steps
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "multigrad.h"

enum { M = 100, N = M * M, SIDES = 3, STEPS = 5 };

static int32_t row_pointers[N + 1], columns[5 * N];
static double values[5 * N], exact[SIDES * N], b[SIDES * N], x[SIDES * N];

static void check(mg_status status)
{
    if (status != MG_OK) {
        fprintf(stderr, "%s\n", mg_last_error());
        exit(1);
    }
}

/* Writes I + dt A with the conductivity 1 + time * (row of the grid) / M, and returns the number of entries. */
static int32_t assemble(double time)
{
    const double dt = 5.0;
    int32_t entries = 0;
    for (int32_t i = 0; i < N; i++) {
        const int32_t row = i / M, column = i % M;
        const double below = 1.0 + time * row / M, above = 1.0 + time * (row + 1) / M, beside = 0.5 * (below + above);
        const int32_t neighbours[5] = {i - M, i - 1, i, i + 1, i + M};
        const int inside[5] = {row > 0, column > 0, 1, column < M - 1, row < M - 1};
        const double conductivity[5] = {below, beside, -(below + above + 2.0 * beside), beside, above};
        row_pointers[i] = entries;
        for (int k = 0; k < 5; k++) {
            if (inside[k]) {
                columns[entries] = neighbours[k];
                values[entries++] = (k == 2) - dt * conductivity[k];
            }
        }
    }
    row_pointers[N] = entries;
    return entries;
}

/* y = A x with the arrays of this program. */
static void multiply(const double *p, double *q)
{
    for (int32_t i = 0; i < N; i++) {
        double sum = 0.0;
        for (int32_t e = row_pointers[i]; e < row_pointers[i + 1]; e++)
            sum += values[e] * p[columns[e]];
        q[i] = sum;
    }
}

static double dot(const double *p, const double *q)
{
    double sum = 0.0;
    for (int32_t i = 0; i < N; i++)
        sum += p[i] * q[i];
    return sum;
}

/* Solves A u = f by conjugate gradients with one multigrid cycle as the preconditioner; returns the iterations. */
static int conjugate_gradients(const mg_solver *solver, const double *f, double *u)
{
    static double r[N], z[N], p[N], q[N];
    for (int32_t i = 0; i < N; i++) {
        u[i] = 0.0;
        r[i] = f[i];
    }
    check(mg_solver_precondition(solver, N, r, z));
    for (int32_t i = 0; i < N; i++)
        p[i] = z[i];
    double rho = dot(r, z);
    for (int iteration = 1; iteration <= 100; iteration++) {
        multiply(p, q);
        const double alpha = rho / dot(p, q);
        for (int32_t i = 0; i < N; i++) {
            u[i] += alpha * p[i];
            r[i] -= alpha * q[i];
        }
        if (sqrt(dot(r, r)) <= 1e-10 * sqrt(dot(f, f)))
            return iteration;
        check(mg_solver_precondition(solver, N, r, z));
        const double next = dot(r, z), beta = next / rho;
        rho = next;
        for (int32_t i = 0; i < N; i++)
            p[i] = z[i] + beta * p[i];
    }
    return -1;
}

/* The largest difference to the solution that the right-hand sides were made of. */
static double error_of(const double *solution, int sides)
{
    double error = 0.0;
    for (int32_t i = 0; i < sides * N; i++)
        error = fmax(error, fabs(solution[i] - exact[i]));
    return error;
}

int main(void)
{
    mg_matrix *matrix = NULL;
    mg_solver *solver = NULL;
    mg_options *options = NULL;
    double worst = 0.0;

    const int32_t entries = assemble(0.0);
    check(mg_options_create(&options));
    check(mg_options_set_relative_tolerance(options, 1e-10));
    check(mg_options_set_setup(options, "sa"));
    check(mg_options_set_smoother(options, "chebyshev(2)"));
    check(mg_matrix_create_i32(N, N, entries, row_pointers, columns, values, 0, &matrix));
    check(mg_solver_create(matrix, options, &solver));
    /* From the second step on, the last solution is the initial guess. */
    for (int step = 0; step < STEPS; step++) {
        assemble(0.1 * step);
        if (step > 0)
            check(mg_solver_refresh_values(solver, entries, values));
        for (int side = 0; side < SIDES; side++) {
            for (int32_t i = 0; i < N; i++)
                exact[side * N + i] = sin(0.05 * (side + 1) * (i % M) + 0.02 * step) * cos(0.03 * (i / M));
            multiply(exact + side * N, b + side * N);
        }
        mg_result *result = NULL;
        check(mg_options_set_initial_guess(options, step > 0));
        check(mg_solver_solve_block(solver, N, SIDES, b, x, options, &result));
        printf("step %d: %d iterations, setup %.4f s, solve %.4f s, error %.1e\n", step,
               (int)mg_result_iterations(result, 0), mg_solver_setup_seconds(solver), mg_result_seconds(result, 0),
               error_of(x, SIDES));
        worst = fmax(worst, error_of(x, SIDES));
        check(mg_result_free(&result));
    }

    if (mg_solver_is_symmetric(solver) != 1)
        return 1;
    const int iterations = conjugate_gradients(solver, b, x);
    printf("own conjugate gradients: %d iterations, error %.1e\n", iterations, error_of(x, 1));
    worst = fmax(worst, error_of(x, 1));

    mg_solver_free(&solver);
    mg_matrix_free(&matrix);
    mg_options_free(&options);
    return iterations > 0 && worst < 1e-7 ? 0 : 1;
}
