/* Every function of the header, with the solutions compared to known ones. */
#include "common.h"

enum { M = 40, N = M * M };

static double exact[2 * N], b[2 * N], x[2 * N], r[N], z[N];

/* -u_xx - u_yy + speed * u_x by upwind differences: nonsymmetric for a speed other than zero. */
static struct grid flow(double speed)
{
    struct grid g = poisson(M);
    for (int32_t i = 0; i < g.n; i++) {
        for (int32_t e = g.row_pointers[i]; e < g.row_pointers[i + 1]; e++) {
            g.values[e] += g.columns[e] == i ? speed : g.columns[e] == i - 1 ? -speed : 0.0;
        }
    }
    return g;
}

/* y = A x, or A^T x. */
static void multiply(const struct grid *g, int transposed, const double *v, double *w)
{
    memset(w, 0, (size_t)g->n * sizeof *w);
    for (int32_t i = 0; i < g->n; i++) {
        for (int32_t e = g->row_pointers[i]; e < g->row_pointers[i + 1]; e++) {
            const int32_t j = g->columns[e];
            w[transposed ? j : i] += g->values[e] * v[transposed ? i : j];
        }
    }
}

static double error_of(const double *solution, int32_t count)
{
    double error = 0.0;
    for (int32_t i = 0; i < count; i++)
        error = fmax(error, fabs(solution[i] - exact[i]));
    return error;
}

static mg_matrix *matrix_of(const struct grid *g)
{
    mg_matrix *a = NULL;
    REQUIRE(mg_matrix_create_i32(g->n, g->n, g->entries, g->row_pointers, g->columns, g->values, 0, &a) == MG_OK);
    return a;
}

/* The same matrix from indices of 64 bits that count from 1, and from triplets in reverse order. */
static void matrices(void)
{
    struct grid g = poisson(M);
    int64_t *pointers = malloc((N + 1) * sizeof *pointers), *columns = malloc(5 * N * sizeof *columns);
    int64_t *rows64 = malloc(5 * N * sizeof *rows64), *columns64 = malloc(5 * N * sizeof *columns64);
    int32_t *rows32 = malloc(5 * N * sizeof *rows32), *columns32 = malloc(5 * N * sizeof *columns32);
    double *reversed = malloc(5 * N * sizeof *reversed);
    mg_matrix *a[3] = {NULL};
    if (!pointers || !columns || !rows64 || !columns64 || !rows32 || !columns32 || !reversed)
        exit(1);
    for (int32_t i = 0; i <= N; i++)
        pointers[i] = g.row_pointers[i] + 1;
    for (int32_t i = 0; i < N; i++) {
        for (int32_t e = g.row_pointers[i]; e < g.row_pointers[i + 1]; e++) {
            const int32_t q = g.entries - 1 - e;
            columns[e] = g.columns[e] + 1;
            rows64[q] = rows32[q] = i + 1;
            columns64[q] = columns32[q] = g.columns[e] + 1;
            reversed[q] = g.values[e];
        }
    }
    REQUIRE(mg_matrix_create_i64(N, N, g.entries, pointers, columns, g.values, 1, &a[0]) == MG_OK);
    REQUIRE(mg_matrix_create_triplets_i64(N, N, g.entries, rows64, columns64, reversed, 1, &a[1]) == MG_OK);
    REQUIRE(mg_matrix_create_triplets_i32(N, N, g.entries, rows32, columns32, reversed, 1, &a[2]) == MG_OK);
    for (int k = 0; k < 3; k++) {
        REQUIRE(mg_matrix_rows(a[k]) == N && mg_matrix_columns(a[k]) == N && mg_matrix_entries(a[k]) == g.entries);
        REQUIRE(mg_matrix_multiply(a[k], N, exact, N, z) == MG_OK);
        multiply(&g, 0, exact, r);
        for (int32_t i = 0; i < N; i++)
            REQUIRE(fabs(z[i] - r[i]) < 1e-12);
        REQUIRE(mg_matrix_free(&a[k]) == MG_OK);
    }
    free(pointers), free(columns), free(rows64), free(columns64), free(rows32), free(columns32), free(reversed);
    free_grid(&g);
}

static int count_iterations(int64_t iteration, double residual, void *data)
{
    int64_t *last = data;
    REQUIRE(iteration == *last + 1 && residual >= 0.0);
    *last = iteration;
    return 0;
}

static int product(int64_t n, const double *v, double *w, void *data)
{
    REQUIRE(n == N);
    multiply(data, 0, v, w);
    return 0;
}

/* Solves by one solver: one and two right-hand sides, in place, transposed, another operator, preconditioner. */
static void solves(const struct grid *g, const mg_solver *s)
{
    mg_options *o = NULL;
    mg_result *result = NULL;
    double condition, error;
    int64_t last = 0, count = 0;
    REQUIRE(mg_options_create(&o) == MG_OK && mg_options_set_relative_tolerance(o, 1e-11) == MG_OK);
    REQUIRE(mg_options_set_absolute_tolerance(o, 0.0) == MG_OK && mg_options_set_max_iterations(o, 300) == MG_OK);
    REQUIRE(mg_options_set_restart(o, 40) == MG_OK && mg_options_set_direct_limit(o, 1000000) == MG_OK);
    REQUIRE(mg_options_set_least_squares(o, 0) == MG_OK && mg_options_set_memory_limit(o, INT64_MAX) == MG_OK);
    REQUIRE(mg_options_set_time_limit(o, 60.0) == MG_OK && mg_options_set_krylov(o, "fgmres") == MG_OK);
    REQUIRE(mg_options_set_iteration_callback(o, count_iterations, &last) == MG_OK);
    multiply(g, 0, exact, b);
    multiply(g, 0, exact + N, b + N);
    REQUIRE(mg_solver_solve(s, N, b, x, o, &result) == MG_OK && error_of(x, N) < 1e-8);
    REQUIRE(mg_result_columns(result) == 1 && mg_result_converged(result, 0) == 1);
    REQUIRE(mg_result_iterations(result, 0) > 0 && mg_result_relative_residual(result, 0) <= 1e-11);
    REQUIRE(mg_result_backward_error(result, 0) < 1e-8 && mg_result_seconds(result, 0) > 0.0);
    const double *history = mg_result_history(result, 0, &count);
    REQUIRE(history != NULL && count == mg_result_iterations(result, 0) + 1 && history[count - 1] <= 1e-11);
    REQUIRE(last == mg_result_iterations(result, 0));
    REQUIRE(strcmp(mg_result_status_text(result, 0), "converged") == 0 && *mg_result_advice(result, 0) == 0);
    REQUIRE(strstr(mg_result_text(result, 0), "converged after") != NULL);
    REQUIRE(mg_result_free(&result) == MG_OK && result == NULL);
    REQUIRE(mg_options_set_iteration_callback(o, NULL, NULL) == MG_OK && mg_options_set_krylov(o, "auto") == MG_OK);
    REQUIRE(mg_solver_forward_error(s, N, x, b, &error) == MG_OK && error < 1e-6);
    REQUIRE(mg_solver_condition(s, &condition) == MG_OK && condition > 10.0 && condition < 1e5);
    /* The solution as the initial guess needs no iteration. */
    REQUIRE(mg_options_set_initial_guess(o, 1) == MG_OK && mg_options_set_relative_tolerance(o, 1e-9) == MG_OK);
    REQUIRE(mg_solver_solve(s, N, b, x, o, &result) == MG_OK && mg_result_iterations(result, 0) == 0);
    mg_result_free(&result);
    REQUIRE(mg_options_set_initial_guess(o, 0) == MG_OK && mg_options_set_relative_tolerance(o, 1e-11) == MG_OK);
    REQUIRE(mg_solver_solve_block(s, N, 2, b, x, o, &result) == MG_OK && error_of(x, 2 * N) < 1e-8);
    REQUIRE(mg_result_columns(result) == 2 && mg_result_converged(result, 1) == 1);
    mg_result_free(&result);
    REQUIRE(mg_solver_solve_block(s, N, 0, NULL, NULL, o, NULL) == MG_OK);
    memset(x, 0, sizeof x);
    REQUIRE(mg_solver_solve_operator(s, product, (void *)(uintptr_t)g, N, b, x, o, NULL) == MG_OK);
    REQUIRE(error_of(x, N) < 1e-8);
    REQUIRE(mg_solver_solve_block(s, N, 2, b, b, o, NULL) == MG_OK && error_of(b, 2 * N) < 1e-8);
    multiply(g, 1, exact, b);
    multiply(g, 1, exact + N, b + N);
    REQUIRE(mg_solver_solve_transposed(s, N, 2, b, x, o, NULL) == MG_OK && error_of(x, 2 * N) < 1e-8);
    /* (M r, e) = (r, M^T e), also in place. */
    double left = 0.0, right = 0.0;
    memcpy(r, exact, sizeof r);
    REQUIRE(mg_solver_precondition(s, N, r, z) == MG_OK);
    for (int32_t i = 0; i < N; i++)
        left += z[i] * exact[N + i];
    REQUIRE(mg_solver_precondition(s, N, r, r) == MG_OK && memcmp(r, z, sizeof r) == 0);
    REQUIRE(mg_solver_precondition_transposed(s, N, exact + N, z) == MG_OK);
    for (int32_t i = 0; i < N; i++)
        right += z[i] * exact[i];
    REQUIRE(fabs(left - right) < 1e-5 * fabs(left) + 1e-6);
    mg_options_free(&o);
}

/* A solver by options, its properties, new values, and its file. */
static void solvers(double speed, const char *setup, const char *smoother, const char *folder)
{
    struct grid g = flow(speed);
    mg_matrix *a = matrix_of(&g), *heat = NULL;
    mg_options *o = NULL;
    mg_solver *s = NULL, *loaded = NULL;
    char *text = NULL, path[4096];
    REQUIRE(mg_options_create(&o) == MG_OK && mg_options_set_setup(o, setup) == MG_OK);
    if (smoother) {
        REQUIRE(mg_options_set_smoother(o, smoother) == MG_OK && mg_options_set_cycle(o, "W", 1, 1) == MG_OK);
        REQUIRE(mg_options_set_single_precision(o, 1) == MG_OK);
    }
    REQUIRE(mg_solver_create(a, o, &s) == MG_OK && mg_solver_rows(s) == N && mg_solver_levels(s) >= 1);
    REQUIRE(mg_solver_operator_complexity(s) >= 1.0 && mg_solver_bytes(s) > N && mg_solver_setup_seconds(s) > 0.0);
    REQUIRE(mg_solver_is_symmetric(s) == 0 || mg_solver_is_symmetric(s) == 1);
    REQUIRE(mg_solver_describe(s, &text) == MG_OK && strlen(text) > 50);
    REQUIRE(!smoother || strstr(text, smoother) != NULL);
    REQUIRE(mg_string_free(&text) == MG_OK && text == NULL);
    solves(&g, s);
    snprintf(path, sizeof path, "%s/solver.mgrad", folder);
    REQUIRE(mg_solver_save(s, path) == MG_OK && mg_solver_load(path, a, NULL, &loaded) == MG_OK);
    solves(&g, loaded);
    for (int32_t i = 0; i < N; i++)
        for (int32_t e = g.row_pointers[i]; e < g.row_pointers[i + 1]; e++)
            g.values[e] += g.columns[e] == i ? 0.1 : 0.0;
    REQUIRE(mg_solver_refresh_values(s, g.entries, g.values) == MG_OK);
    solves(&g, s);
    heat = matrix_of(&g);
    REQUIRE(mg_solver_refresh(loaded, heat) == MG_OK);
    solves(&g, loaded);
    REQUIRE(mg_solver_free(&loaded) == MG_OK && mg_solver_load(path, heat, NULL, &loaded) == MG_OTHER_MATRIX);
    REQUIRE(mg_solver_load(__FILE__, heat, NULL, &loaded) == MG_FORMAT);
    REQUIRE(mg_matrix_free(&a) == MG_OK && mg_matrix_free(&heat) == MG_OK);
    solves(&g, s);
    REQUIRE(mg_solver_free(&s) == MG_OK && s == NULL && mg_options_free(&o) == MG_OK);
    free_grid(&g);
}

static int count_stages(const char *stage, void *data)
{
    REQUIRE(stage != NULL && *stage != 0);
    ++*(int *)data;
    return 0;
}

static int stop_training(const char *stage, void *data)
{
    (void)stage, (void)data;
    return 1;
}

static void training(void)
{
    struct grid g = flow(0.5);
    mg_matrix *a = matrix_of(&g);
    mg_options *o = NULL;
    mg_solver *s = NULL;
    char *report = NULL;
    int stages = 0;
    REQUIRE(mg_options_create(&o) == MG_OK && mg_options_set_seed(o, 3) == MG_OK);
    REQUIRE(mg_options_set_time_limit(o, 5.0) == MG_OK && mg_solver_create(a, NULL, &s) == MG_OK);
    REQUIRE(mg_solver_train(s, 1000000, o, stop_training, NULL, &report) == MG_STOPPED && report == NULL);
    solves(&g, s);
    REQUIRE(mg_solver_train(s, 2000, o, count_stages, &stages, &report) == MG_OK && strlen(report) > 50);
    REQUIRE(mg_string_free(&report) == MG_OK && stages > 0);
    REQUIRE(mg_solver_train(s, 1, NULL, NULL, NULL, NULL) == MG_OK);
    solves(&g, s);
    mg_solver_free(&s);
    REQUIRE(mg_options_set_setup(o, "sasym") == MG_OK && mg_solver_create(a, o, &s) == MG_OK);
    REQUIRE(mg_solver_train_steps(s, 20, o, &report) == MG_OK && strlen(report) > 50);
    REQUIRE(mg_string_free(&report) == MG_OK && mg_solver_train_steps(s, 1, NULL, NULL) == MG_OK);
    solves(&g, s);
    mg_solver_free(&s);
    /* Trained between the solves. */
    REQUIRE(mg_options_set_setup(o, "auto") == MG_OK && mg_options_set_learning(o, 0.5) == MG_OK);
    REQUIRE(mg_solver_create(a, o, &s) == MG_OK);
    for (int k = 0; k < 20; k++) {
        multiply(&g, 0, exact, b);
        REQUIRE(mg_solver_solve(s, N, b, x, NULL, NULL) == MG_OK && error_of(x, N) < 1e-4);
    }
    solves(&g, s);
    REQUIRE(mg_solver_describe(s, &report) == MG_OK && strstr(report, "solves in") != NULL);
    REQUIRE(mg_string_free(&report) == MG_OK && mg_solver_refresh_values(s, g.entries, g.values) == MG_OK);
    REQUIRE(mg_solver_train(s, 5, NULL, NULL, NULL, NULL) == MG_UNSUITED);
    solves(&g, s);
    mg_solver_free(&s);
    mg_options_free(&o);
    mg_matrix_free(&a);
    free_grid(&g);
}

/* Candidates and rigid-body modes: two unknowns at each point of a grid, both with the Laplacian. */
static void candidates(void)
{
    enum { POINTS = 100, ROWS = 2 * POINTS };
    struct grid g = poisson(10);
    int32_t rows[10 * POINTS], columns[10 * POINTS], entries = 0;
    double values[10 * POINTS], places[2 * POINTS], modes[2 * ROWS], right[ROWS], solution[ROWS];
    for (int32_t i = 0; i < POINTS; i++) {
        for (int32_t e = g.row_pointers[i]; e < g.row_pointers[i + 1]; e++) {
            for (int32_t d = 0; d < 2; d++) {
                rows[entries] = 2 * i + d;
                columns[entries] = 2 * g.columns[e] + d;
                values[entries++] = g.values[e];
            }
        }
        places[2 * i] = i % 10;
        places[2 * i + 1] = i / 10;
        for (int32_t d = 0; d < 2; d++) {
            modes[2 * i + d] = d == 0;
            modes[ROWS + 2 * i + d] = d == 1;
        }
    }
    mg_matrix *a = NULL;
    mg_options *o = NULL;
    mg_solver *s = NULL;
    REQUIRE(mg_matrix_create_triplets_i32(ROWS, ROWS, entries, rows, columns, values, 0, &a) == MG_OK);
    REQUIRE(mg_options_create(&o) == MG_OK && mg_options_set_near_nullspace(o, ROWS, 2, modes) == MG_OK);
    for (int k = 0; k < 3; k++) {
        REQUIRE(mg_solver_create(a, o, &s) == MG_OK);
        REQUIRE(mg_matrix_multiply(a, ROWS, exact, ROWS, right) == MG_OK);
        REQUIRE(mg_solver_solve(s, ROWS, right, solution, NULL, NULL) == MG_OK && error_of(solution, ROWS) < 1e-5);
        mg_solver_free(&s);
        if (k == 0)
            REQUIRE(mg_options_set_rigid_body_modes(o, POINTS, 2, places) == MG_OK);
        else
            REQUIRE(mg_options_set_near_nullspace(o, 0, 0, NULL) == MG_OK);
    }
    mg_options_free(&o);
    mg_matrix_free(&a);
    free_grid(&g);
}

int main(int count, char **arguments)
{
    REQUIRE(count == 2);
    REQUIRE(strchr(mg_version(), '.') != NULL);
    REQUIRE(mg_set_threads(2) == MG_OK && mg_threads() == 2 && mg_set_threads(2) == MG_OK);
    REQUIRE(mg_set_threads(3) == MG_STATE);
    for (int32_t i = 0; i < 2 * N; i++)
        exact[i] = sin(0.07 * i) + 0.3 * cos(0.9 * i);
    matrices();
    solvers(0.0, "auto", NULL, arguments[1]);
    solvers(0.0, "classical", "chebyshev(2)", arguments[1]);
    solvers(0.7, "auto", NULL, arguments[1]);
    solvers(0.7, "sasym", "ilu0", arguments[1]);
    training();
    candidates();
    printf("functions: %d failures\n", failures);
    return failures != 0;
}
