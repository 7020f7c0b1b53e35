/* One solver and one matrix used by several threads at once, while another thread changes the solver. */
#define _POSIX_C_SOURCE 200809L
#include "common.h"

#include <pthread.h>

enum { M = 60, N = M * M, THREADS = 4, ROUNDS = 12 };

static struct grid g;
static double exact[N];
static mg_matrix *matrix;
static mg_solver *solver, *learning;
static int wrong[THREADS];

/* Solves A x = b for A as it was or times 2: the solution is known up to this factor. */
static void *solve(void *argument)
{
    int *own = argument;
    double *b = malloc(N * sizeof *b), *x = malloc(N * sizeof *x);
    mg_solver *mine = NULL;
    if (!b || !x || mg_matrix_multiply(matrix, N, exact, N, b) != MG_OK)
        exit(1);
    if (mg_solver_create(matrix, NULL, &mine) != MG_OK)
        ++*own;
    for (int k = 0; k < ROUNDS; k++) {
        const mg_solver *each[3] = {solver, learning, mine};
        for (int q = 0; q < 3; q++) {
            if (mg_solver_solve(each[q], N, b, x, NULL, NULL) != MG_OK)
                ++*own;
            const double factor = q == 0 && fabs(2.0 * x[N / 2] - exact[N / 2]) < 1e-4 ? 2.0 : 1.0;
            for (int32_t i = 0; i < N; i++)
                *own += fabs(factor * x[i] - exact[i]) > 1e-4;
        }
        if (mg_solver_precondition(solver, N, b, x) != MG_OK || !isfinite(x[0]))
            ++*own;
        /* The error text belongs to the thread. */
        char words[64];
        snprintf(words, sizeof words, "n is %d,", k + (int)(own - wrong) * 100);
        if (mg_solver_solve(solver, k + (own - wrong) * 100, b, x, NULL, NULL) != MG_DIMENSION ||
            strstr(mg_last_error(), words) == NULL)
            ++*own;
    }
    mg_solver_free(&mine);
    free(b);
    free(x);
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    mg_options *o = NULL;
    g = poisson(M);
    for (int32_t i = 0; i < N; i++)
        exact[i] = 1.0 + sin(0.1 * i);
    double *values = malloc((size_t)g.entries * sizeof *values);
    if (!values)
        return 1;
    for (int32_t e = 0; e < g.entries; e++)
        values[e] = 2.0 * g.values[e];
    REQUIRE(mg_matrix_create_i32(N, N, g.entries, g.row_pointers, g.columns, g.values, 0, &matrix) == MG_OK);
    REQUIRE(mg_solver_create(matrix, NULL, &solver) == MG_OK);
    REQUIRE(mg_options_create(&o) == MG_OK && mg_options_set_learning(o, 0.1) == MG_OK);
    REQUIRE(mg_solver_create(matrix, o, &learning) == MG_OK);
    for (int k = 0; k < THREADS; k++)
        REQUIRE(pthread_create(&threads[k], NULL, solve, &wrong[k]) == 0);
    for (int k = 0; k < 2 * ROUNDS; k++)
        REQUIRE(mg_solver_refresh_values(solver, g.entries, k % 2 ? g.values : values) == MG_OK);
    for (int k = 0; k < THREADS; k++) {
        REQUIRE(pthread_join(threads[k], NULL) == 0);
        REQUIRE(wrong[k] == 0);
    }
    mg_solver_free(&solver);
    mg_solver_free(&learning);
    mg_matrix_free(&matrix);
    mg_options_free(&o);
    free(values);
    free_grid(&g);
    printf("threads: %d failures\n", failures);
    return failures != 0;
}
