/* Random calls with a fixed seed: no call may crash, hang or meet a defect, and every error has a sentence. */
#include "common.h"

enum { CALLS = 50000, SLOTS = 6, LARGEST = 40, CAPACITY = 4 * LARGEST * LARGEST };

static uint64_t state = 20260101;

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * UINT64_C(0x2545F4914F6CDD1D);
}

static int64_t below(int64_t n)
{
    return (int64_t)(next() >> 33) % n;
}

static int one_in(int64_t n)
{
    return below(n) == 0;
}

static const double special[] = {0.0,    -0.0, 1.0,  -1.0, 1e-300,   1e300,    -1e300,
                                 5e-324, 1e-8, 1e16, NAN,  INFINITY, -INFINITY};

static double number(int wild)
{
    if (wild && one_in(4)) {
        const int64_t k = below(14);
        return k < 13 ? special[k] : ldexp(1.0, (int)below(2000) - 1000);
    }
    return (double)below(2001) / 1000.0 - 1.0;
}

/* A size: usually valid, sometimes negative or extreme. */
static int64_t size(int64_t usual)
{
    const int64_t others[] = {-1, 0, INT64_MAX, INT64_MIN, usual - 1, 1};
    return one_in(12) ? others[below(6)] : usual;
}

static mg_matrix *matrices[SLOTS];
static mg_options *options[SLOTS];
static mg_solver *solvers[SLOTS];
static mg_result *results[SLOTS];
static double vector[2 * CAPACITY], solution[2 * CAPACITY], values[CAPACITY];
static int32_t pointers32[LARGEST + 1], rows32[CAPACITY], columns32[CAPACITY];
static int64_t pointers64[LARGEST + 1], rows64[CAPACITY], columns64[CAPACITY];
static int64_t counts[MG_INTERNAL + 1];

/* Any pointer that is not a handle, sometimes that of another kind. */
static void *strange(void)
{
    void *const others[] = {NULL, vector, (void *)(uintptr_t)next(), matrices[below(SLOTS)], options[below(SLOTS)],
                            solvers[below(SLOTS)], results[below(SLOTS)]};
    return others[below(7)];
}

#define PICK(list) (one_in(25) ? strange() : (void *)(list)[below(SLOTS)])

/* Notes the status of a call. */
static void note(int line, mg_status status)
{
    if ((int)status < 0 || status > MG_INTERNAL) {
        printf("line %d: status %d\n", line, (int)status);
        failures++;
        return;
    }
    counts[status]++;
    if (status == MG_INTERNAL || (status != MG_OK && strlen(mg_last_error()) < 10)) {
        printf("line %d: status %d: %s\n", line, (int)status, mg_last_error());
        failures++;
    }
}

#define NOTE(call) note(__LINE__, call)

/* Fills the arrays with a matrix of n rows: wild values, or a dominant diagonal; sometimes a wrong index. */
static int32_t fill(int32_t n, int32_t columns, int32_t base, int wild)
{
    const int64_t density = 1 + below(6);
    int32_t entries = 0;
    for (int32_t i = 0; i < n; i++) {
        pointers32[i] = entries + base;
        for (int32_t j = 0; j < columns; j++) {
            if (i == j || one_in(1 + columns / density)) {
                rows32[entries] = i + base;
                columns32[entries] = j + base;
                values[entries++] = i == j && !wild ? 8.0 : number(wild);
            }
        }
    }
    pointers32[n] = entries + base;
    if (entries > 0 && one_in(4)) {
        const int32_t wrong = one_in(2) ? (int32_t)next() : (int32_t)below(LARGEST);
        int32_t *const places[] = {&columns32[below(entries)], &rows32[below(entries)], &pointers32[below(n + 1)]};
        *places[below(3)] = wrong;
    }
    for (int32_t e = 0; e < entries; e++) {
        rows64[e] = one_in(2000) ? (int64_t)next() : rows32[e];
        columns64[e] = one_in(2000) ? (int64_t)next() : columns32[e];
    }
    for (int32_t i = 0; i <= n; i++)
        pointers64[i] = one_in(500) ? (int64_t)next() : pointers32[i];
    return entries;
}

static void create_matrix(void)
{
    const int32_t n = (int32_t)below(LARGEST + 1), m = one_in(10) ? (int32_t)below(LARGEST + 1) : n;
    const int32_t base = (int32_t)below(2), declared = one_in(20) ? (int32_t)next() : base;
    const int32_t entries = fill(n, m, base, one_in(3));
    mg_matrix *made = NULL, **slot = &made;
    const int64_t r = size(n), c = size(m), e = size(entries);
    const double *v = one_in(50) ? NULL : values;
    switch (below(4)) {
    case 0: NOTE(mg_matrix_create_i32(r, c, e, pointers32, columns32, v, declared, slot)); break;
    case 1: NOTE(mg_matrix_create_i64(r, c, e, pointers64, columns64, v, declared, slot)); break;
    case 2: NOTE(mg_matrix_create_triplets_i32(r, c, e, rows32, columns32, v, declared, slot)); break;
    default: NOTE(mg_matrix_create_triplets_i64(r, c, e, rows64, columns64, v, declared, slot));
    }
    if (made) {
        mg_matrix **place = &matrices[below(SLOTS)];
        mg_matrix_free(place);
        *place = made;
    }
}

static void change_options(void)
{
    static const char *const setups[] = {"auto",      "sa",        "sasym",        "sat", "san",       "plain", "pairwise",
                                         "root-node", "classical", "ruge-stueben", "air", "two-level", "none",  "direct",
                                         "",          "?"};
    static const char *const smoothers[] = {
        "jacobi",        "gauss-seidel",  "chebyshev(3)", "spai0",           "spai1",         "ilu0",
        "ilu0(tau=0.1)", "ilut(0.01,10)", "ilu(2)",       "block-jacobi(3)", "schwarz(10,1)", "l1-gauss-seidel",
        "chebyshev(0)",  "ilut(",         "x",            "multicolour-gauss-seidel"};
    static const char *const cycles[] = {"V", "W", "F", "K", "U"};
    static const char *const methods[] = {"auto", "cg", "bicgstab", "fgmres", "none", "qmr"};
    mg_options *o = PICK(options);
    const double *candidates = one_in(9) ? NULL : vector, tolerance = pow(10.0, -(double)below(16));
    switch (below(15)) {
    case 0: NOTE(mg_options_set_setup(o, setups[below(16)])); break;
    case 1: NOTE(mg_options_set_smoother(o, smoothers[below(16)])); break;
    case 2: NOTE(mg_options_set_cycle(o, cycles[below(5)], below(4) - 1, below(4) - 1)); break;
    case 3: NOTE(mg_options_set_single_precision(o, (int)below(2))); break;
    case 4: NOTE(mg_options_set_near_nullspace(o, size(below(LARGEST)), size(below(4)), candidates)); break;
    case 5: NOTE(mg_options_set_rigid_body_modes(o, size(below(LARGEST / 2)), below(5), vector)); break;
    case 6: NOTE(mg_options_set_relative_tolerance(o, one_in(9) ? number(1) : tolerance)); break;
    case 7: NOTE(mg_options_set_absolute_tolerance(o, one_in(2) ? 0.0 : number(1))); break;
    case 8: NOTE(mg_options_set_max_iterations(o, size(below(100)))); break;
    case 9: NOTE(mg_options_set_initial_guess(o, (int)below(2))); break;
    case 10: NOTE(mg_options_set_krylov(o, methods[below(6)])); break;
    case 11: NOTE(mg_options_set_restart(o, size(below(40)))); break;
    case 12: NOTE(mg_options_set_least_squares(o, (int)below(2))); break;
    case 13: NOTE(mg_options_set_learning(o, one_in(3) ? 0.5 : -1.0)); break;
    default: NOTE(mg_options_set_direct_limit(o, size(below(1000))));
    }
}

static void create_solver(void)
{
    mg_solver *made = NULL;
    NOTE(mg_solver_create(PICK(matrices), one_in(2) ? NULL : PICK(options), &made));
    if (made) {
        mg_solver **place = &solvers[below(SLOTS)];
        mg_solver_free(place);
        *place = made;
    }
}

static void fill_vectors(void)
{
    const int wild = one_in(3);
    for (int i = 0; i < 3 * LARGEST; i++) {
        vector[i] = number(wild);
        solution[i] = number(wild && one_in(2));
    }
}

static void use_solver(void)
{
    mg_solver *s = PICK(solvers);
    mg_options *o = one_in(3) ? NULL : PICK(options);
    const int64_t rows = mg_solver_rows(s), n = size(rows < 0 ? 3 : rows), count = size(1 + below(3));
    mg_result **result = &results[below(SLOTS)];
    mg_result_free(result);
    fill_vectors();
    switch (below(9)) {
    case 0: NOTE(mg_solver_solve(s, n, vector, solution, o, one_in(3) ? NULL : result)); break;
    case 1: NOTE(mg_solver_solve_block(s, n, count, vector, solution, o, result)); break;
    case 2: NOTE(mg_solver_solve_block(s, n, count, vector, vector, o, result)); break;
    case 3: NOTE(mg_solver_solve_transposed(s, n, count, vector, solution, o, result)); break;
    case 4: NOTE(mg_solver_precondition(s, n, vector, solution)); break;
    case 5: NOTE(mg_solver_precondition_transposed(s, n, vector, vector + below(3))); break;
    case 6: NOTE(mg_solver_refresh(s, PICK(matrices))); break;
    case 7: NOTE(mg_solver_forward_error(s, n, solution, vector, &values[0])); break;
    default: NOTE(mg_solver_condition(s, &values[0]));
    }
    for (int64_t j = -1; j < 3; j++) {
        int64_t length = 0;
        const double *history = mg_result_history(*result, j, &length);
        if ((history == NULL) != (length == 0) || (history && isnan(history[length - 1]))) {
            printf("history of %lld values; %s\n", (long long)length, mg_result_text(*result, j));
            failures++;
        }
        if (strlen(mg_result_text(*result, j)) + strlen(mg_result_advice(*result, j)) > 100000)
            note(__LINE__, MG_INTERNAL);
    }
}

static void ask(void)
{
    char *text = NULL;
    mg_solver *s = PICK(solvers);
    const mg_status status = mg_solver_describe(s, &text);
    NOTE(status);
    if ((status == MG_OK) != (text != NULL) || (mg_solver_levels(s) < 1 && status == MG_OK))
        note(__LINE__, MG_INTERNAL);
    NOTE(mg_string_free(&text));
    mg_solver_bytes(s);
    mg_solver_is_symmetric(s);
    mg_solver_operator_complexity(s);
    mg_matrix *a = PICK(matrices);
    fill_vectors();
    NOTE(mg_matrix_multiply(a, size(mg_matrix_columns(a)), vector, size(mg_matrix_rows(a)), solution));
}

static void free_something(void)
{
    const int64_t k = below(SLOTS);
    void *other = strange();
    /* A pointer of another kind must be refused; one of this kind that is freed here becomes unknown to its slot. */
    switch (below(5)) {
    case 0: NOTE(mg_matrix_free(one_in(20) ? NULL : &matrices[k])); break;
    case 1: NOTE(mg_solver_free(&solvers[k])); break;
    case 2: NOTE(mg_options_free(&options[k])); break;
    case 3: NOTE(mg_result_free(&results[k])); break;
    default: NOTE(mg_result_free((mg_result **)&other));
    }
    if (options[k] == NULL)
        NOTE(mg_options_create(&options[k]));
}

int main(int count, char **arguments)
{
    if (count > 1)
        state = strtoull(arguments[1], NULL, 10) * 2 + 1;
    const int64_t calls = count > 2 ? strtoll(arguments[2], NULL, 10) : CALLS;
    mg_set_threads(2);
    for (int k = 0; k < SLOTS; k++)
        NOTE(mg_options_create(&options[k]));
    for (int64_t call = 0; call < calls; call++) {
        const int64_t kind = below(20);
        if (kind < 4)
            create_matrix();
        else if (kind < 7)
            change_options();
        else if (kind < 11)
            create_solver();
        else if (kind < 17)
            use_solver();
        else if (kind < 19)
            ask();
        else
            free_something();
    }
    printf("fuzz: %d failures; statuses:", failures);
    for (int k = 0; k <= MG_INTERNAL; k++)
        printf(" %lld", (long long)counts[k]);
    printf("\n");
    return failures != 0;
}
