/* Gauss-Seidel sweeps. With s bytes a value, per row: 4 bytes for the row pointer, 4 + s per nonzero (8 + s through
 * the transposition), s per nonzero for x (from the cache if neighbours are near), and
 *
 *   sweep_colour     4 bytes for the row number, s for the weight, 3 s for b and x
 *   sweep_blocks     s for the weight, 3 s for b and x, and 2 s for the copy of the old x
 *   split_residual   2 s for b and the residual; the nonzeros of one side of the diagonal only
 */

struct sweep_rows {
    const u32 *ptr, *columns, *source;
    const REAL *values, *inverse, *b, *old;
    REAL *x;
    /* Rows of a colour. */
    const u32 *rows;
    /* The first of them and how many; rows of the matrix and of a block. */
    u64 first, count;
    u32 k, forward;
};

/* x(i,c) <- x(i,c) + w(i) (b(i,c) - (A x)(i,c)), where columns outside [low, high) are read from the old x. */
DEVICE void sweep_row(const struct sweep_rows *a, u64 i, u32 c, u64 low, u64 high) {
    const u32 *RESTRICT columns = a->columns;
    const u32 *RESTRICT source = a->source;
    const REAL *RESTRICT values = a->values;
    const REAL *old = a->old;
    REAL *x = a->x;
    u64 k = a->k, own = i * k + c;
    u32 p, last = LOAD(a->ptr + i + 1);
    ACC sum = (ACC)LOAD(a->b + own);
    for (p = LOAD(a->ptr + i); p < last; p++) {
        u64 j = LOAD(columns + p);
        const REAL *from = j >= low && j < high ? x : old;
        sum -= (ACC)LOAD(values + (source ? LOAD(source + p) : p)) * (ACC)from[j * k + c];
    }
    x[own] = (REAL)((ACC)x[own] + (ACC)LOAD(a->inverse + i) * sum);
}

/* The rows of one colour, which do not depend on each other: a thread for each row and column. */
KERNEL(sweep_colour, struct sweep_rows) {
    u64 t = INDEX, k = ARG.k, total = ARG.count * k;
    struct sweep_rows a = ARG;
    if (t >= total) return;
    if (total >> 32) {
        sweep_row(&a, LOAD(ARG.rows + ARG.first + t / k), (u32)(t % k), 0, (u64)-1);
    } else {
        sweep_row(&a, LOAD(ARG.rows + ARG.first + (u32)t / ARG.k), (u32)t % ARG.k, 0, (u64)-1);
    }
}

/* Blocks of `count` consecutive rows of `first` ones: one thread walks a block and column, row after row. That
 * keeps the order of the sweep and uses few threads; colours are the order for a GPU. */
KERNEL(sweep_blocks, struct sweep_rows) {
    u64 t = INDEX, k = ARG.k, n = ARG.first, low = t / k * ARG.count, high = low + ARG.count, step;
    u32 c = (u32)(t % k);
    struct sweep_rows a = ARG;
    if (low >= n) return;
    if (high > n) high = n;
    for (step = 0; step < high - low; step++) {
        sweep_row(&a, ARG.forward ? low + step : high - 1 - step, c, low, high);
    }
}

struct split_residual {
    const u32 *ptr, *columns, *source;
    const REAL *values, *b, *x;
    REAL *r;
    u64 rows;
    u32 k, upper;
};

/* r <- b - N x with N the part of A above its diagonal, or below it. */
KERNEL(split_residual, struct split_residual) {
    u64 t = INDEX, k = ARG.k, i = t / k, c = t % k;
    const u32 *RESTRICT columns = ARG.columns;
    const u32 *RESTRICT source = ARG.source;
    const REAL *RESTRICT values = ARG.values;
    const REAL *RESTRICT x = ARG.x;
    u32 p, last;
    ACC sum;
    if (i >= ARG.rows) return;
    sum = (ACC)LOAD(ARG.b + t);
    last = LOAD(ARG.ptr + i + 1);
    for (p = LOAD(ARG.ptr + i); p < last; p++) {
        u64 j = LOAD(columns + p);
        if (ARG.upper ? j > i : j < i) {
            sum -= (ACC)LOAD(values + (source ? LOAD(source + p) : p)) * (ACC)LOAD(x + j * k + c);
        }
    }
    ARG.r[t] = (REAL)sum;
}
