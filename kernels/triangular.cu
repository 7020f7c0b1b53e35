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

/* Entries that a thread loads before it uses the first. */
#define SOLVE_BATCH 4u

/* A row's line of the schedule. */
struct solve_line {
    u32 row, first, last, diagonal;
};

/* The first entries of a row and its diagonal. They do not depend on x. */
struct solve_entries {
    struct solve_line line;
    u32 columns[SOLVE_BATCH];
    REAL values[SOLVE_BATCH], diagonal;
};

/* The line with number q in the schedule; an empty row if it is not `wanted`. */
DEVICE struct solve_line solve_line(const struct solve_level *a, u64 q, u32 wanted) {
    struct solve_line line = { 0, 0, 0, NO_DIAGONAL };
    if (!wanted) return line;
    line.row = LOAD(a->rows + q);
    line.first = LOAD(a->first + q);
    line.last = LOAD(a->last + q);
    if (!a->unit) line.diagonal = LOAD(a->diagonal + q);
    return line;
}

DEVICE struct solve_entries solve_entries(const struct solve_level *a, struct solve_line line) {
    const u32 *RESTRICT source = a->source;
    struct solve_entries own;
    u32 e;
    own.line = line;
#pragma unroll
    for (e = 0; e < SOLVE_BATCH; e++) {
        u32 p = line.first + e, there = p < line.last;
        own.columns[e] = there ? LOAD(a->columns + p) : 0;
        own.values[e] = there ? LOAD(a->values + (source ? LOAD(source + p) : p)) : 0;
    }
    own.diagonal = line.diagonal == NO_DIAGONAL ? 0 : LOAD(a->values + line.diagonal);
    return own;
}

/* x(i,c) <- (x(i,c) - sum of the row times x) / diagonal. */
DEVICE void solve_row(const struct solve_level *a, const struct solve_entries *own, u32 c) {
    const u32 *RESTRICT source = a->source;
    /* Not marked as read only: other rows of x are written by the same launch. */
    REAL *x = a->x, factor[SOLVE_BATCH];
    u64 k = a->k, q = (u64)own->line.row * k + c;
    u32 e, p, last = own->line.last;
    ACC sum = (ACC)x[q];
#pragma unroll
    for (e = 0; e < SOLVE_BATCH; e++)
        factor[e] = own->line.first + e < last ? x[(u64)own->columns[e] * k + c] : 0;
#pragma unroll
    for (e = 0; e < SOLVE_BATCH; e++)
        if (own->line.first + e < last) sum -= (ACC)own->values[e] * (ACC)factor[e];
    for (p = own->line.first + SOLVE_BATCH; p < last; p++) {
        REAL value = LOAD(a->values + (source ? LOAD(source + p) : p));
        sum -= (ACC)value * (ACC)x[(u64)LOAD(a->columns + p) * k + c];
    }
    if (!a->unit) sum /= (ACC)own->diagonal;
    x[q] = (REAL)sum;
}

DEVICE void solve_number(const struct solve_level *a, u64 q, u32 c) {
    struct solve_entries own = solve_entries(a, solve_line(a, q, 1));
    solve_row(a, &own, c);
}

/* One level: a thread for each row and column. */
KERNEL(solve_level, struct solve_level) {
    u64 t = INDEX, k = ARG.k, count = (ARG.to - ARG.from) * k;
    struct solve_level a = ARG;
    if (t >= count) return;
    if (count >> 32) {
        solve_number(&a, ARG.from + t / k, (u32)(t % k));
    } else {
        solve_number(&a, ARG.from + (u32)t / ARG.k, (u32)t % ARG.k);
    }
}

/* A run of narrow levels: one block. A level waits only for x: its lines of the schedule are loaded two levels
 * before, its entries one level before. */
BLOCK_KERNEL(solve_levels, struct solve_level) {
    struct solve_level a = ARG;
    u32 k = a.k, own = THREAD / k, c = THREAD % k;
    /* Starts of this level and of the next ones. */
    u32 start[4], e;
    u64 l;
    struct solve_line line;
    struct solve_entries entries;
#pragma unroll
    for (e = 0; e < 4; e++) start[e] = LOAD(a.starts + (a.from + e < a.to ? a.from + e : a.to));
    entries = solve_entries(&a, solve_line(&a, (u64)start[0] + own, own < start[1] - start[0]));
    line = solve_line(&a, (u64)start[1] + own, own < start[2] - start[1]);
    for (l = a.from; l < a.to; l++) {
        u32 after = LOAD(a.starts + (l + 4 < a.to ? l + 4 : a.to)), t;
        u32 count = (start[1] - start[0]) * k;
        struct solve_line later = solve_line(&a, (u64)start[2] + own, own < start[3] - start[2]);
        struct solve_entries next = solve_entries(&a, line);
        if (THREAD < count) solve_row(&a, &entries, c);
        for (t = THREAD + THREADS; t < count; t += THREADS) solve_number(&a, (u64)start[0] + t / k, t % k);
        BARRIER();
        entries = next;
        line = later;
        start[0] = start[1];
        start[1] = start[2];
        start[2] = start[3];
        start[3] = after;
    }
}
