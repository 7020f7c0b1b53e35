/* Vectors and diagonals. Every kernel reads its operands once and writes its result once; with s bytes a value:
 *
 *   combine          3 s per value, 2 s if y is not read
 *   fill             s per value
 *   diagonal_add     3 s per value, s per row
 *   diagonal_scale   2 s per value, s per row
 *   column_add       3 s per value
 *   column_scale     2 s per value
 *   add_over_square  4 s per value
 *   gather           2 s per value (more if the rows read are not adjacent), 4 per row
 *   scatter_add      3 s per value (the same), 4 per row
 *   narrow, widen    12 per value
 */

struct combine {
    const REAL *x;
    REAL *y;
    double alpha, beta;
    u64 count;
};

DEVICE REAL combined(const struct combine a, REAL x, REAL y) {
    REAL value = (REAL)a.alpha * x;
    return a.beta == 0 ? value : value + (REAL)a.beta * y;
}

/* y <- alpha x + beta y; with beta = 0, y is not read. A thread for each pack, and for the rest after the last. */
KERNEL(combine, struct combine) {
    u64 q = INDEX * PACK;
    if (q + PACK <= ARG.count) {
        struct pack x = load_pack(ARG.x + q), y = { { 0 } };
        u32 c;
        if (ARG.beta != 0) y = load_pack(ARG.y + q);
#pragma unroll
        for (c = 0; c < PACK; c++) x.of[c] = combined(ARG, x.of[c], y.of[c]);
        store_pack(ARG.y + q, x);
    } else {
#pragma unroll 1
        for (; q < ARG.count; q++) ARG.y[q] = combined(ARG, ARG.x[q], ARG.beta == 0 ? 0 : ARG.y[q]);
    }
}

struct fill {
    REAL *y;
    double value;
    u64 count;
};

/* y <- value. */
KERNEL(fill, struct fill) {
    u64 q = INDEX;
    if (q < ARG.count) ARG.y[q] = (REAL)ARG.value;
}

struct diagonal {
    const REAL *d, *x;
    REAL *y;
    u64 count;
    u32 k, unused;
};

/* y(i,c) <- y(i,c) + d(i) x(i,c). */
KERNEL(diagonal_add, struct diagonal) {
    u64 q = INDEX;
    if (q >= ARG.count) return;
    ARG.y[q] += LOAD(ARG.d + row_of(q, ARG.k)) * LOAD(ARG.x + q);
}

/* y(i,c) <- d(i) x(i,c). */
KERNEL(diagonal_scale, struct diagonal) {
    u64 q = INDEX;
    if (q >= ARG.count) return;
    ARG.y[q] = LOAD(ARG.d + row_of(q, ARG.k)) * LOAD(ARG.x + q);
}

struct by_column {
    const double *alpha;
    const REAL *x;
    REAL *y;
    double scale;
    u64 count;
    u32 k, unused;
};

/* scale alpha(c) of the column of element q. */
DEVICE double column_factor(const struct by_column a, u64 q) {
    return a.scale * LOAD(a.alpha + (q - row_of(q, a.k) * a.k));
}

/* y(i,c) <- y(i,c) + scale alpha(c) x(i,c). */
KERNEL(column_add, struct by_column) {
    u64 q = INDEX;
    if (q >= ARG.count) return;
    ARG.y[q] += (REAL)column_factor(ARG, q) * LOAD(ARG.x + q);
}

/* y(i,c) <- scale alpha(c) x(i,c), in double precision: the factor of a small column may be too large for another. */
KERNEL(column_scale, struct by_column) {
    u64 q = INDEX;
    if (q >= ARG.count) return;
    ARG.y[q] = (REAL)(column_factor(ARG, q) * (double)LOAD(ARG.x + q));
}

struct over_square {
    const REAL *x, *w;
    REAL *y;
    double alpha;
    u64 count;
};

/* y <- y + alpha x / w^2. */
KERNEL(add_over_square, struct over_square) {
    u64 q = INDEX;
    REAL w;
    if (q >= ARG.count) return;
    w = LOAD(ARG.w + q);
    ARG.y[q] += (REAL)ARG.alpha * LOAD(ARG.x + q) / (w * w);
}

struct indexed {
    const u32 *index;
    const REAL *x;
    REAL *y;
    u64 count;
    u32 k, unused;
};

/* y(i,c) <- x(index(i),c). */
KERNEL(gather, struct indexed) {
    u64 q = INDEX, i = row_of(q, ARG.k);
    if (q >= ARG.count) return;
    ARG.y[q] = LOAD(ARG.x + (u64)LOAD(ARG.index + i) * ARG.k + (q - i * ARG.k));
}

/* y(index(i),c) <- y(index(i),c) + x(i,c); no index twice. */
KERNEL(scatter_add, struct indexed) {
    u64 q = INDEX, i = row_of(q, ARG.k);
    if (q >= ARG.count) return;
    ARG.y[(u64)LOAD(ARG.index + i) * ARG.k + (q - i * ARG.k)] += LOAD(ARG.x + q);
}

/* Of fixed types, independent of REAL. The factor is scale, scale by[0] or scale / by[0]. */
struct narrow {
    const double *x;
    float *y;
    const double *by;
    double scale;
    u64 count;
    u32 divide, unused;
};

struct widen {
    const float *x;
    double *y;
    const double *by;
    double scale;
    u64 count;
    u32 divide, unused;
};

DEVICE double conversion_factor(double scale, const double *by, u32 divide) {
    return !by ? scale : divide ? scale / LOAD(by) : scale * LOAD(by);
}

/* y <- factor x, rounded to single precision. */
KERNEL(narrow, struct narrow) {
    u64 q = INDEX;
    if (q >= ARG.count) return;
    ARG.y[q] = (float)(conversion_factor(ARG.scale, ARG.by, ARG.divide) * LOAD(ARG.x + q));
}

/* y <- factor x, in double precision. */
KERNEL(widen, struct widen) {
    u64 q = INDEX;
    if (q >= ARG.count) return;
    ARG.y[q] = conversion_factor(ARG.scale, ARG.by, ARG.divide) * (double)LOAD(ARG.x + q);
}
