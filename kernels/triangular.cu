/* Solves with a triangle of a CSR matrix, or with its transpose through the transposition, by levels: rows of a
 * level depend on rows of earlier levels only. With s bytes a value, per row and column:
 *
 *   solve_level      16 bytes for the row's line of the schedule, 4 + s per nonzero of the triangle (8 + s through
 *                    the transposition), s per nonzero for x (from the cache if neighbours are near), 2 s per row
 *   solve_levels     the same; many narrow levels in one block, which waits at a barrier after each
 *
 * For k columns the schedule and the nonzeros are read once per warp and column group; x scales with k.
 */

struct solve_level {
    /* By levels: row, first entry of the strict triangle, end of its entries, number of the diagonal value. */
    const u32 *rows, *first, *last, *diagonal;
    const u32 *starts, *columns, *source;
    const REAL *values;
    REAL *x;
    /* Rows by levels for one level; levels for a run of them. */
    u64 from, to;
    u32 k, unit;
};

#define NO_DIAGONAL 0xffffffffu

/* x(i,c) <- (x(i,c) - sum of the row times x) / diagonal for the row with number q in the schedule. */
DEVICE void solve_row(const struct solve_level *a, u64 q, u32 c) {
    const u32 *RESTRICT columns = a->columns;
    const u32 *RESTRICT source = a->source;
    const REAL *RESTRICT values = a->values;
    /* Not marked as read only: other rows of x are written by the same launch. */
    REAL *x = a->x;
    u64 k = a->k, own = (u64)LOAD(a->rows + q) * k + c;
    u32 p, last = LOAD(a->last + q);
    ACC sum = (ACC)x[own];
    for (p = LOAD(a->first + q); p < last; p++) {
        REAL value = LOAD(values + (source ? LOAD(source + p) : p));
        sum -= (ACC)value * (ACC)x[(u64)LOAD(columns + p) * k + c];
    }
    if (!a->unit) {
        u32 d = LOAD(a->diagonal + q);
        sum /= d == NO_DIAGONAL ? (ACC)0 : (ACC)LOAD(values + d);
    }
    x[own] = (REAL)sum;
}

/* One level: a thread for each row and column. */
KERNEL(solve_level, struct solve_level) {
    u64 t = INDEX, k = ARG.k, count = (ARG.to - ARG.from) * k;
    struct solve_level a = ARG;
    if (t >= count) return;
    if (count >> 32) {
        solve_row(&a, ARG.from + t / k, (u32)(t % k));
    } else {
        solve_row(&a, ARG.from + (u32)t / ARG.k, (u32)t % ARG.k);
    }
}

/* A run of narrow levels: one block. */
BLOCK_KERNEL(solve_levels, struct solve_level) {
    u64 l;
    struct solve_level a = ARG;
    for (l = ARG.from; l < ARG.to; l++) {
        u32 first = LOAD(ARG.starts + l), count = (LOAD(ARG.starts + l + 1) - first) * ARG.k, t;
        for (t = THREAD; t < count; t += THREADS) solve_row(&a, (u64)first + t / ARG.k, t % ARG.k);
        BARRIER();
    }
}
