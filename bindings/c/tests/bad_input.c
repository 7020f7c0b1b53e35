/* Wrong arguments: each call must return an error and set a sentence. */
#include "common.h"

/* The status of a call that must fail, with a new sentence. */
static void expect(int line, mg_status got, mg_status wanted)
{
    const char *text = mg_last_error();
    if (got != wanted || strlen(text) < 10) {
        printf("%s:%d: status %d, expected %d; last error: %s\n", __FILE__, line, (int)got, (int)wanted, text);
        failures++;
    }
}

#define EXPECT(wanted, call) expect(__LINE__, call, wanted)

static const int32_t pointers[4] = {0, 2, 4, 5}, columns[5] = {0, 1, 0, 1, 2};
static const double values[5] = {2, -1, -1, 2, 1};

static void matrices(void)
{
    mg_matrix *a = (mg_matrix *)&failures;
    EXPECT(MG_NULL_POINTER, mg_matrix_create_i32(3, 3, 5, pointers, columns, values, 0, NULL));
    EXPECT(MG_NULL_POINTER, mg_matrix_create_i32(3, 3, 5, NULL, columns, values, 0, &a));
    REQUIRE(a == NULL);
    EXPECT(MG_NULL_POINTER, mg_matrix_create_i32(3, 3, 5, pointers, NULL, values, 0, &a));
    EXPECT(MG_NULL_POINTER, mg_matrix_create_i32(3, 3, 5, pointers, columns, NULL, 0, &a));
    const void *unaligned = (const char *)values + 1;
    EXPECT(MG_NULL_POINTER, mg_matrix_create_i32(3, 3, 5, pointers, columns, unaligned, 0, &a));
    EXPECT(MG_DIMENSION, mg_matrix_create_i32(-3, 3, 5, pointers, columns, values, 0, &a));
    EXPECT(MG_DIMENSION, mg_matrix_create_i32(3, -3, 5, pointers, columns, values, 0, &a));
    EXPECT(MG_DIMENSION, mg_matrix_create_i32(3, 3, -5, pointers, columns, values, 0, &a));
    EXPECT(MG_DIMENSION, mg_matrix_create_i32(INT64_MAX, 3, 5, pointers, columns, values, 0, &a));
    EXPECT(MG_DIMENSION, mg_matrix_create_i32(3, INT64_MAX, 5, pointers, columns, values, 0, &a));
    EXPECT(MG_DIMENSION, mg_matrix_create_i32(3, 3, INT64_MIN, pointers, columns, values, 0, &a));
    EXPECT(MG_INVALID_INPUT, mg_matrix_create_i32(3, 3, 4, pointers, columns, values, 0, &a));
    EXPECT(MG_INVALID_INPUT, mg_matrix_create_i32(3, 3, 5, pointers, columns, values, 2, &a));
    /* Arrays that count from 0, declared to count from 1, and the reverse. */
    EXPECT(MG_INVALID_INPUT, mg_matrix_create_i32(3, 3, 5, pointers, columns, values, 1, &a));
    REQUIRE(strstr(mg_last_error(), "index_base") != NULL);
    const int32_t from_one[4] = {1, 3, 5, 6}, columns_from_one[5] = {1, 2, 1, 2, 3};
    EXPECT(MG_INVALID_INPUT, mg_matrix_create_i32(3, 3, 5, from_one, columns_from_one, values, 0, &a));
    EXPECT(MG_INVALID_INPUT, mg_matrix_create_i32(3, 3, 5, from_one, columns, values, 1, &a));
    EXPECT(MG_INVALID_INPUT, mg_matrix_create_i32(3, 3, 5, pointers, columns_from_one, values, 0, &a));
    const int32_t outside[5] = {0, 1, 0, 3, 2}, negative[5] = {0, 1, -1, 1, 2}, unsorted[5] = {1, 0, 0, 1, 2};
    const int32_t twice[5] = {0, 0, 0, 1, 2}, decreasing[4] = {0, 4, 2, 5}, beyond[4] = {0, 9, 4, 5};
    EXPECT(MG_INVALID_INPUT, mg_matrix_create_i32(3, 3, 5, pointers, outside, values, 0, &a));
    EXPECT(MG_INVALID_INPUT, mg_matrix_create_i32(3, 3, 5, pointers, negative, values, 0, &a));
    EXPECT(MG_INVALID_INPUT, mg_matrix_create_i32(3, 3, 5, pointers, unsorted, values, 0, &a));
    EXPECT(MG_INVALID_INPUT, mg_matrix_create_i32(3, 3, 5, pointers, twice, values, 0, &a));
    EXPECT(MG_INVALID_INPUT, mg_matrix_create_i32(3, 3, 5, decreasing, columns, values, 0, &a));
    EXPECT(MG_INVALID_INPUT, mg_matrix_create_i32(3, 3, 5, beyond, columns, values, 0, &a));
    const int64_t wide[4] = {0, 2, 4, 5}, least[5] = {0, 1, 0, INT64_MIN, 2};
    const int64_t far_away[5] = {0, 1, 0, INT64_C(1) << 40, 2};
    EXPECT(MG_INVALID_INPUT, mg_matrix_create_i64(3, 3, 5, wide, far_away, values, 0, &a));
    EXPECT(MG_INVALID_INPUT, mg_matrix_create_i64(3, 3, 5, wide, least, values, 0, &a));
    const int64_t extreme[4] = {0, 2, 4, INT64_MIN};
    EXPECT(MG_INVALID_INPUT, mg_matrix_create_i64(3, 3, 5, extreme, wide, values, 0, &a));
    const double not_a_number[5] = {2, -1, NAN, 2, 1}, infinite[5] = {2, -1, -1, INFINITY, 1};
    EXPECT(MG_INVALID_INPUT, mg_matrix_create_i32(3, 3, 5, pointers, columns, not_a_number, 0, &a));
    REQUIRE(strstr(mg_last_error(), "row 2") != NULL);
    EXPECT(MG_INVALID_INPUT, mg_matrix_create_i32(3, 3, 5, pointers, columns, infinite, 0, &a));
    EXPECT(MG_INVALID_INPUT, mg_matrix_create_triplets_i32(3, 3, 5, columns, outside, values, 0, &a));
    EXPECT(MG_INVALID_INPUT, mg_matrix_create_triplets_i32(3, 3, 5, columns, columns, not_a_number, 0, &a));
    EXPECT(MG_INVALID_INPUT, mg_matrix_create_triplets_i64(3, 3, 5, least, least, values, 0, &a));
    EXPECT(MG_NULL_POINTER, mg_matrix_create_triplets_i64(3, 3, 5, NULL, least, values, 0, &a));
    REQUIRE(mg_matrix_rows(NULL) == -1 && mg_matrix_columns(NULL) == -1 && mg_matrix_entries(NULL) == -1);
    EXPECT(MG_NULL_POINTER, mg_matrix_free(NULL));
}

/* Null, freed, invented handles, and handles of another kind. */
static void handles(void)
{
    mg_matrix *a = NULL, *freed = NULL;
    mg_options *options = NULL;
    mg_solver *solver = NULL;
    double x[3] = {0};
    REQUIRE(mg_matrix_free(&a) == MG_OK && mg_options_free(&options) == MG_OK && mg_solver_free(&solver) == MG_OK);
    EXPECT(MG_INVALID_HANDLE, mg_solver_create(NULL, NULL, &solver));
    REQUIRE(mg_matrix_create_i32(3, 3, 5, pointers, columns, values, 0, &a) == MG_OK);
    EXPECT(MG_NULL_POINTER, mg_solver_create(a, NULL, NULL));
    EXPECT(MG_INVALID_HANDLE, mg_solver_create(a, (mg_options *)a, &solver));
    EXPECT(MG_INVALID_HANDLE, mg_solver_create((mg_matrix *)&x, NULL, &solver));
    EXPECT(MG_INVALID_HANDLE, mg_solver_solve((mg_solver *)a, 3, x, x, NULL, NULL));
    EXPECT(MG_INVALID_HANDLE, mg_solver_free((mg_solver **)(void *)&a));
    freed = a;
    REQUIRE(mg_matrix_free(&a) == MG_OK && a == NULL);
    EXPECT(MG_INVALID_HANDLE, mg_solver_create(freed, NULL, &solver));
    EXPECT(MG_INVALID_HANDLE, mg_matrix_free(&freed));
    EXPECT(MG_INVALID_HANDLE, mg_options_set_seed(NULL, 1));
    EXPECT(MG_INVALID_HANDLE, mg_solver_refresh(NULL, NULL));
    EXPECT(MG_INVALID_HANDLE, mg_solver_refresh_values(NULL, 0, NULL));
    EXPECT(MG_INVALID_HANDLE, mg_solver_precondition(NULL, 0, NULL, NULL));
    EXPECT(MG_INVALID_HANDLE, mg_solver_save(NULL, "file"));
    EXPECT(MG_INVALID_HANDLE, mg_solver_train(NULL, 1, NULL, NULL, NULL, NULL));
    EXPECT(MG_INVALID_HANDLE, mg_solver_train_steps(NULL, 1, NULL, NULL));
    EXPECT(MG_INVALID_HANDLE, mg_solver_condition(NULL, x));
    EXPECT(MG_INVALID_HANDLE, mg_solver_forward_error(NULL, 3, x, x, x));
    REQUIRE(mg_solver_rows(NULL) == -1 && mg_solver_levels(NULL) == -1 && mg_solver_bytes(NULL) == -1);
    REQUIRE(mg_solver_is_symmetric(NULL) == -1 && isnan(mg_solver_operator_complexity(NULL)));
    REQUIRE(isnan(mg_solver_setup_seconds(NULL)));
    REQUIRE(mg_result_columns(NULL) == -1 && mg_result_converged(NULL, 0) == 0 && mg_result_iterations(NULL, 0) == -1);
    REQUIRE(isnan(mg_result_relative_residual(NULL, 0)) && isnan(mg_result_backward_error(NULL, 0)));
    REQUIRE(isnan(mg_result_seconds(NULL, 0)) && *mg_result_text(NULL, 0) == 0 && *mg_result_advice(NULL, 0) == 0);
    REQUIRE(*mg_result_status_text(NULL, 0) == 0 && mg_result_history(NULL, 0, NULL) == NULL);
    char *text = NULL, word[] = "word", *own = word;
    REQUIRE(mg_string_free(&text) == MG_OK);
    EXPECT(MG_NULL_POINTER, mg_string_free(NULL));
    EXPECT(MG_INVALID_HANDLE, mg_string_free(&own));
    EXPECT(MG_INVALID_HANDLE, mg_solver_describe(NULL, &text));
    EXPECT(MG_DIMENSION, mg_set_threads(-1));
    EXPECT(MG_INVALID_INPUT, mg_set_threads(INT32_MAX));
}

static void options(void)
{
    mg_options *o = NULL;
    const double coordinates[8] = {0, 0, 1, 0, 0, NAN, 1, 1};
    EXPECT(MG_NULL_POINTER, mg_options_create(NULL));
    REQUIRE(mg_options_create(&o) == MG_OK);
    EXPECT(MG_INVALID_INPUT, mg_options_set_setup(o, "no such setup"));
    REQUIRE(strstr(mg_last_error(), "ruge-stueben") != NULL);
    EXPECT(MG_NULL_POINTER, mg_options_set_setup(o, NULL));
    EXPECT(MG_INVALID_INPUT, mg_options_set_setup(o, "\xff\xfe"));
    EXPECT(MG_INVALID_INPUT, mg_options_set_smoother(o, "jacobi(x)"));
    EXPECT(MG_INVALID_INPUT, mg_options_set_smoother(o, ""));
    EXPECT(MG_INVALID_INPUT, mg_options_set_cycle(o, "Z", 1, 1));
    EXPECT(MG_INVALID_INPUT, mg_options_set_cycle(o, "V", 0, 0));
    EXPECT(MG_DIMENSION, mg_options_set_cycle(o, "V", -1, 1));
    EXPECT(MG_INVALID_INPUT, mg_options_set_cycle(o, "V", 1, 1000000));
    EXPECT(MG_INVALID_INPUT, mg_options_set_krylov(o, "gmres of ours"));
    EXPECT(MG_INVALID_INPUT, mg_options_set_relative_tolerance(o, 0.0));
    EXPECT(MG_INVALID_INPUT, mg_options_set_relative_tolerance(o, NAN));
    EXPECT(MG_INVALID_INPUT, mg_options_set_absolute_tolerance(o, -1.0));
    EXPECT(MG_DIMENSION, mg_options_set_max_iterations(o, -1));
    EXPECT(MG_INVALID_INPUT, mg_options_set_restart(o, 0));
    EXPECT(MG_DIMENSION, mg_options_set_direct_limit(o, -1));
    EXPECT(MG_INVALID_INPUT, mg_options_set_time_limit(o, NAN));
    EXPECT(MG_INVALID_INPUT, mg_options_set_learning(o, INFINITY));
    EXPECT(MG_NULL_POINTER, mg_options_set_near_nullspace(o, 4, 2, NULL));
    EXPECT(MG_INVALID_INPUT, mg_options_set_near_nullspace(o, 4, 2, coordinates));
    EXPECT(MG_DIMENSION, mg_options_set_near_nullspace(o, -4, 2, coordinates));
    EXPECT(MG_DIMENSION, mg_options_set_near_nullspace(o, UINT32_MAX - 1, UINT32_MAX - 1, coordinates));
    EXPECT(MG_DIMENSION, mg_options_set_rigid_body_modes(o, 4, 1, coordinates));
    EXPECT(MG_INVALID_INPUT, mg_options_set_rigid_body_modes(o, 4, 2, coordinates));
    EXPECT(MG_NULL_POINTER, mg_options_set_rigid_body_modes(o, 4, 2, NULL));
    REQUIRE(mg_options_free(&o) == MG_OK && o == NULL);
}

static int stop(int64_t iteration, double residual, void *data)
{
    (void)residual;
    /* A solver may not be used by its own callback. */
    double x[400] = {0};
    EXPECT(MG_STATE, mg_solver_solve(data, 400, x, x, NULL, NULL));
    return iteration >= 2;
}

static int stop_product(int64_t n, const double *x, double *y, void *data)
{
    (void)data;
    memcpy(y, x, (size_t)n * sizeof *y);
    return 1;
}

static void solves(void)
{
    struct grid g = poisson(20);
    mg_matrix *a = NULL, *other = NULL;
    mg_solver *s = NULL, *loaded = NULL;
    mg_options *o = NULL;
    mg_result *result = NULL;
    int64_t count = 0;
    double b[400], x[400], error;
    for (int i = 0; i < 400; i++)
        b[i] = x[i] = 1.0;
    REQUIRE(mg_matrix_create_i32(g.n, g.n, g.entries, g.row_pointers, g.columns, g.values, 0, &a) == MG_OK);
    REQUIRE(mg_solver_create(a, NULL, &s) == MG_OK && mg_options_create(&o) == MG_OK);
    EXPECT(MG_DIMENSION, mg_solver_solve(s, 399, b, x, NULL, NULL));
    EXPECT(MG_DIMENSION, mg_solver_solve(s, -400, b, x, NULL, NULL));
    EXPECT(MG_DIMENSION, mg_solver_solve_block(s, 400, -1, b, x, NULL, NULL));
    EXPECT(MG_DIMENSION, mg_solver_solve_block(s, 400, INT64_MAX, b, x, NULL, NULL));
    EXPECT(MG_NULL_POINTER, mg_solver_solve(s, 400, NULL, x, NULL, NULL));
    EXPECT(MG_NULL_POINTER, mg_solver_solve(s, 400, b, NULL, NULL, NULL));
    EXPECT(MG_NULL_POINTER, mg_solver_solve_operator(s, NULL, NULL, 400, b, x, NULL, NULL));
    EXPECT(MG_STOPPED, mg_solver_solve_operator(s, stop_product, NULL, 400, b, x, NULL, NULL));
    EXPECT(MG_DIMENSION, mg_solver_precondition(s, 3, b, x));
    EXPECT(MG_NULL_POINTER, mg_solver_precondition(s, 400, b, NULL));
    EXPECT(MG_DIMENSION, mg_solver_forward_error(s, 3, x, b, &error));
    EXPECT(MG_NULL_POINTER, mg_solver_condition(s, NULL));
    EXPECT(MG_DIMENSION, mg_solver_refresh_values(s, 5, g.values));
    EXPECT(MG_NULL_POINTER, mg_solver_refresh_values(s, g.entries, NULL));
    REQUIRE(mg_matrix_create_i32(3, 3, 5, pointers, columns, values, 0, &other) == MG_OK);
    EXPECT(MG_DIMENSION, mg_matrix_multiply(other, 400, b, 3, x));
    REQUIRE(mg_solver_refresh(s, other) != MG_OK && strlen(mg_last_error()) > 10);
    EXPECT(MG_IO, mg_solver_save(s, "no such folder/solver.mgrad"));
    EXPECT(MG_IO, mg_solver_load("no such file", a, NULL, &loaded));
    EXPECT(MG_NULL_POINTER, mg_solver_load(NULL, a, NULL, &loaded));
    EXPECT(MG_DIMENSION, mg_solver_train(s, -1, NULL, NULL, NULL, NULL));
    EXPECT(MG_DIMENSION, mg_solver_train_steps(s, -1, NULL, NULL));
    b[7] = NAN;
    EXPECT(MG_INVALID_INPUT, mg_solver_solve(s, 400, b, x, NULL, &result));
    REQUIRE(strstr(mg_last_error(), "row 8") != NULL && result == NULL && x[0] == 1.0);
    EXPECT(MG_INVALID_INPUT, mg_solver_precondition(s, 400, b, x));
    b[7] = 1.0;
    x[9] = INFINITY;
    REQUIRE(mg_options_set_initial_guess(o, 1) == MG_OK);
    EXPECT(MG_INVALID_INPUT, mg_solver_solve(s, 400, b, x, o, NULL));
    x[9] = 1.0;
    REQUIRE(mg_options_set_initial_guess(o, 0) == MG_OK && mg_options_set_iteration_callback(o, stop, s) == MG_OK);
    EXPECT(MG_STOPPED, mg_solver_solve(s, 400, b, x, o, NULL));
    REQUIRE(x[0] == 1.0 && x[399] == 1.0);
    /* The same for a solver that is trained between its solves, which calls back on its own thread. */
    REQUIRE(mg_options_set_learning(o, 0.1) == MG_OK && mg_solver_create(a, o, &loaded) == MG_OK);
    REQUIRE(mg_options_set_iteration_callback(o, stop, loaded) == MG_OK);
    EXPECT(MG_STOPPED, mg_solver_solve(loaded, 400, b, x, o, NULL));
    EXPECT(MG_UNSUITED, mg_solver_train_steps(loaded, 1, NULL, NULL));
    REQUIRE(x[0] == 1.0 && mg_solver_solve(loaded, 400, b, x, NULL, NULL) == MG_OK);
    REQUIRE(x[0] > 1.5 && fabs(x[0] - x[399]) < 1e-5);
    REQUIRE(mg_solver_free(&loaded) == MG_OK && mg_options_set_learning(o, -1.0) == MG_OK);
    REQUIRE(mg_options_set_iteration_callback(o, NULL, NULL) == MG_OK && mg_options_set_max_iterations(o, 1) == MG_OK);
    EXPECT(MG_NOT_CONVERGED, mg_solver_solve(s, 400, b, x, o, &result));
    REQUIRE(mg_result_converged(result, 0) == 0 && mg_result_iterations(result, 0) == 1);
    REQUIRE(mg_result_converged(result, 1) == 0 && mg_result_iterations(result, -1) == -1);
    REQUIRE(mg_result_history(result, 7, &count) == NULL && count == 0);
    REQUIRE(mg_result_history(result, 0, &count) != NULL && count == 2);
    REQUIRE(mg_options_set_time_limit(o, 0.0) == MG_OK);
    EXPECT(MG_LIMIT, mg_solver_create(a, o, &loaded));
    REQUIRE(mg_options_set_time_limit(o, -1.0) == MG_OK && mg_options_set_memory_limit(o, 1) == MG_OK);
#ifdef __linux__
    EXPECT(MG_LIMIT, mg_solver_create(a, o, &loaded));
#endif
    mg_result_free(&result);
    mg_options_free(&o);
    mg_matrix_free(&a);
    mg_matrix_free(&other);
    mg_solver_free(&s);
    free_grid(&g);
}

/* Matrices without a solution or a solver. */
static void singular(void)
{
    mg_matrix *a = NULL;
    mg_solver *s = NULL;
    mg_options *o = NULL;
    double x[3];
    REQUIRE(mg_matrix_create_i32(3, 4, 5, pointers, columns, values, 0, &a) == MG_OK);
    EXPECT(MG_DIMENSION, mg_solver_create(a, NULL, &s));
    mg_matrix_free(&a);
    REQUIRE(mg_matrix_create_i32(0, 0, 0, pointers, NULL, NULL, 0, &a) == MG_OK);
    EXPECT(MG_DIMENSION, mg_solver_create(a, NULL, &s));
    mg_matrix_free(&a);
    /* -u'' with Neumann conditions, and a right-hand side whose sum is not zero. */
    const int32_t row_pointers[4] = {0, 2, 5, 7}, indices[7] = {0, 1, 0, 1, 2, 1, 2};
    const double laplace[7] = {1, -1, -1, 2, -1, -1, 1}, b[3] = {1, 1, 1}, zeros[7] = {0};
    REQUIRE(mg_matrix_create_i32(3, 3, 7, row_pointers, indices, laplace, 0, &a) == MG_OK);
    REQUIRE(mg_solver_create(a, NULL, &s) == MG_OK);
    EXPECT(MG_NOT_CONVERGED, mg_solver_solve(s, 3, b, x, NULL, NULL));
    REQUIRE(mg_options_create(&o) == MG_OK && mg_options_set_least_squares(o, 1) == MG_OK);
    REQUIRE(mg_solver_solve(s, 3, b, x, o, NULL) == MG_OK && fabs(x[0]) + fabs(x[1]) + fabs(x[2]) < 1e-12);
    mg_solver_free(&s);
    mg_matrix_free(&a);
    REQUIRE(mg_matrix_create_i32(3, 3, 7, row_pointers, indices, zeros, 0, &a) == MG_OK);
    mg_status status = mg_solver_create(a, NULL, &s);
    if (status == MG_OK)
        EXPECT(MG_NOT_CONVERGED, mg_solver_solve(s, 3, b, x, NULL, NULL));
    REQUIRE(strlen(mg_last_error()) > 10);
    mg_solver_free(&s);
    mg_matrix_free(&a);
    mg_options_free(&o);
}

int main(void)
{
    REQUIRE(*mg_last_error() == 0);
    matrices();
    handles();
    options();
    solves();
    singular();
    printf("bad input: %d failures\n", failures);
    return failures != 0;
}
