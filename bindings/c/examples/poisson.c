/*
 * Solves the Poisson equation -u_xx - u_yy = f on the unit square with u = 0 on the boundary, by five-point differences
 * on m x m points. f is chosen so that u = x (1 - x) y (1 - y), which the differences reproduce exactly.
 *
 *     cc poisson.c $(pkg-config --cflags --libs multigrad) -lm -o poisson
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "multigrad.h"

/* Prints the sentence about a failed call, and ends the program. */
static void check(mg_status status)
{
    if (status != MG_OK) {
        fprintf(stderr, "%s\n", mg_last_error());
        exit(1);
    }
}

int main(void)
{
    const int32_t m = 200, n = m * m;
    const double h = 1.0 / (m + 1);
    int32_t *row_pointers = malloc((n + 1) * sizeof *row_pointers);
    int32_t *columns = malloc(5 * (size_t)n * sizeof *columns);
    double *values = malloc(5 * (size_t)n * sizeof *values);
    double *b = malloc(n * sizeof *b), *x = malloc(n * sizeof *x);
    if (!row_pointers || !columns || !values || !b || !x)
        return 1;

    /* The matrix row by row, columns in ascending order: the points below, left, centre, right, above. */
    int32_t entries = 0;
    for (int32_t i = 0; i < n; i++) {
        const int32_t column = i % m, row = i / m;
        const double s = (column + 1) * h, t = (row + 1) * h;
        const int32_t neighbours[5] = {i - m, i - 1, i, i + 1, i + m};
        const int inside[5] = {row > 0, column > 0, 1, column < m - 1, row < m - 1};
        row_pointers[i] = entries;
        for (int k = 0; k < 5; k++) {
            if (inside[k]) {
                columns[entries] = neighbours[k];
                values[entries++] = k == 2 ? 4.0 : -1.0;
            }
        }
        b[i] = h * h * 2.0 * (s * (1.0 - s) + t * (1.0 - t));
    }
    row_pointers[n] = entries;

    mg_matrix *matrix = NULL;
    mg_solver *solver = NULL;
    mg_result *result = NULL;
    char *description = NULL;
    check(mg_matrix_create_i32(n, n, entries, row_pointers, columns, values, 0, &matrix));
    check(mg_solver_create(matrix, NULL, &solver));
    check(mg_solver_describe(solver, &description));
    printf("%s", description);
    check(mg_solver_solve(solver, n, b, x, NULL, &result));
    printf("%s\n", mg_result_text(result, 0));

    double error = 0.0;
    for (int32_t i = 0; i < n; i++) {
        const double s = (i % m + 1) * h, t = (i / m + 1) * h;
        error = fmax(error, fabs(x[i] - s * (1.0 - s) * t * (1.0 - t)));
    }
    printf("largest error: %.2e\n", error);

    mg_string_free(&description);
    mg_result_free(&result);
    mg_solver_free(&solver);
    mg_matrix_free(&matrix);
    free(row_pointers);
    free(columns);
    free(values);
    free(b);
    free(x);
    return error < 1e-7 ? 0 : 1;
}
