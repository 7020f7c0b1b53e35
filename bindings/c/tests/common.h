/* What the tests of the C interface share: checks that count, and a Poisson matrix. */
#ifndef COMMON_H
#define COMMON_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "multigrad.h"

static int failures;

/* Notes and prints a failure. */
#define REQUIRE(condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            printf("%s:%d: %s; last error: %s\n", __FILE__, __LINE__, #condition, mg_last_error());                    \
            failures++;                                                                                                \
        }                                                                                                              \
    } while (0)

/* Arrays of a Poisson matrix on m x m points. */
struct grid {
    int32_t n, entries, *row_pointers, *columns;
    double *values;
};

static inline struct grid poisson(int32_t m)
{
    struct grid g = {m * m, 0, NULL, NULL, NULL};
    g.row_pointers = malloc((size_t)(g.n + 1) * sizeof *g.row_pointers);
    g.columns = malloc(5 * (size_t)g.n * sizeof *g.columns);
    g.values = malloc(5 * (size_t)g.n * sizeof *g.values);
    if (!g.row_pointers || !g.columns || !g.values)
        exit(1);
    for (int32_t i = 0; i < g.n; i++) {
        const int32_t neighbours[5] = {i - m, i - 1, i, i + 1, i + m};
        const int inside[5] = {i >= m, i % m > 0, 1, i % m < m - 1, i < g.n - m};
        g.row_pointers[i] = g.entries;
        for (int k = 0; k < 5; k++) {
            if (inside[k]) {
                g.columns[g.entries] = neighbours[k];
                g.values[g.entries++] = k == 2 ? 4.0 : -1.0;
            }
        }
    }
    g.row_pointers[g.n] = g.entries;
    return g;
}

static inline void free_grid(struct grid *g)
{
    free(g->row_pointers);
    free(g->columns);
    free(g->values);
}

#endif
