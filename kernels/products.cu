/* Products of a sparse matrix with an n x k block, with what is done with them: one pass over the matrix.
 * s(i,c) = sum over the entries (i,j) of row i, in their order, of a(i,j) x(j,c). Then
 *
 *   mode 0   y = alpha s + beta y              (beta = 0: y is not read)
 *   mode 1   y = b - s
 *   mode 2   y = x + d (b - s)
 *   mode 3   y = alpha y + beta d (b - s)      (alpha = 0: y is not read)
 *
 * With `source`, entry p has the value values[source[p]]: the transposed matrix, by its own arrays.
 * Traffic, with s bytes a value, if x stays in the cache:
 *
 *   product_stream   s + 4 per entry (+ 4 with `source`, whose values are gathered: up to 32 instead of s);
 *                    4 + s (x) + s times the other blocks and diagonals of the mode per row
 *   product_lanes    the same
 *   product_columns  the same per entry, once for all columns of a block of threads; per row 4 and k times the rest
 *   product_sliced   s + 4 per entry, padding included; per row the same
 *   sliced_columns   8 per entry, 4 per row
 *   sliced_values    2 s per entry, 4 per row
 *   restricted_residual(_columns)   as product_stream, less the residual, which is not written; s + 4 per
 *                    entry of the restriction
 *   triangular_stream  as product_stream: values and columns beside the triangle move too
 *   triangular_columns as product_columns; entries beside the triangle cost 4
 */

#define PRODUCT_SPMV 0u
#define PRODUCT_RESIDUAL 1u
#define PRODUCT_JACOBI 2u

struct product {
    const u32 *ptr, *columns, *source;
    const REAL *values, *x, *b, *d;
    REAL *y;
    double alpha, beta;
    u32 rows, k;
    u32 mode, lanes;
};

/* Writes y(q), q in row i, whose product is s. */
DEVICE void product_finish(const struct product a, u32 i, u64 q, ACC s) {
    ACC value;
    if (a.mode == PRODUCT_SPMV) {
        value = (ACC)a.alpha * s;
        if (a.beta != 0) value += (ACC)a.beta * (ACC)a.y[q];
    } else {
        value = (ACC)LOAD(a.b + q) - s;
        if (a.mode == PRODUCT_JACOBI) {
            value = (ACC)LOAD(a.x + q) + (ACC)LOAD(a.d + i) * value;
        } else if (a.mode != PRODUCT_RESIDUAL) {
            value = (ACC)a.beta * ((ACC)LOAD(a.d + i) * value);
            if (a.alpha != 0) value += (ACC)a.alpha * (ACC)a.y[q];
        }
    }
    a.y[q] = (REAL)value;
}

/* Rows of a block of threads, as many as threads. */
#define STREAM_ROWS 128u
/* Entries at a time: the rows of the 9-point stencil fit. */
#define STREAM_CHUNK 1280u
/* Where a product lies: shifted by one every 16, so that rows of 16 entries meet different banks. */
#define STREAM_SLOT(q) ((q) + ((q) >> 4))

/* k = 1, short rows. All threads form products, entry by entry, then each sums those of its row. */
BLOCK_KERNEL(product_stream, struct product) {
    SHARED(ACC, stream_products, STREAM_SLOT(STREAM_CHUNK));
    const u32 *RESTRICT columns = ARG.columns, *RESTRICT source = ARG.source;
    const REAL *RESTRICT values = ARG.values, *RESTRICT x = ARG.x;
    u32 first = BLOCK * STREAM_ROWS;
    u32 rows = ARG.rows - first < STREAM_ROWS ? ARG.rows - first : STREAM_ROWS;
    u32 begin = LOAD(ARG.ptr + first), total = LOAD(ARG.ptr + first + rows) - begin;
    /* Of this thread's row, counted from the first entry of the block. */
    u32 from = 0, to = 0, q;
    u64 done;
    ACC sum = 0;
    if (THREAD < rows) {
        from = LOAD(ARG.ptr + first + THREAD) - begin;
        to = LOAD(ARG.ptr + first + THREAD + 1) - begin;
    }
    for (done = 0; done < total; done += STREAM_CHUNK) {
        u32 start = (u32)done;
        u32 count = total - start < STREAM_CHUNK ? total - start : STREAM_CHUNK;
        u32 low = from > start ? from : start, high = to < start + count ? to : start + count;
        if (source) {
#pragma unroll 5
            for (q = THREAD; q < count; q += STREAM_ROWS) {
                u64 p = (u64)begin + start + q;
                stream_products[STREAM_SLOT(q)] = (ACC)LOAD(values + LOAD(source + p)) * (ACC)LOAD(x + LOAD(columns + p));
            }
        } else {
#pragma unroll 5
            for (q = THREAD; q < count; q += STREAM_ROWS) {
                u64 p = (u64)begin + start + q;
                stream_products[STREAM_SLOT(q)] = (ACC)LOAD(values + p) * (ACC)LOAD(x + LOAD(columns + p));
            }
        }
        BARRIER();
        for (q = low; q < high; q++) sum += stream_products[STREAM_SLOT(q - start)];
        BARRIER();
    }
    if (THREAD < rows) product_finish(ARG, first + THREAD, first + THREAD, sum);
}

/* k = 1, long rows: a group of `lanes` threads for each. */
BLOCK_KERNEL(product_lanes, struct product) {
    const u32 *RESTRICT columns = ARG.columns, *RESTRICT source = ARG.source;
    const REAL *RESTRICT values = ARG.values, *RESTRICT x = ARG.x;
    u32 lane = THREAD % ARG.lanes;
    u64 i = INDEX / ARG.lanes, p;
    ACC sum = 0;
    if (i < ARG.rows) {
        u64 end = LOAD(ARG.ptr + i + 1);
#pragma unroll 2
        for (p = (u64)LOAD(ARG.ptr + i) + lane; p < end; p += ARG.lanes) {
            u64 v = source ? LOAD(source + p) : p;
            sum += (ACC)LOAD(values + v) * (ACC)LOAD(x + LOAD(columns + p));
        }
    }
    sum = warp_sum(sum, ARG.lanes);
    if (lane == 0 && i < ARG.rows) product_finish(ARG, (u32)i, i, sum);
}

/* k > 1: a thread for each row and column. */
KERNEL(product_columns, struct product) {
    const u32 *RESTRICT columns = ARG.columns, *RESTRICT source = ARG.source;
    const REAL *RESTRICT values = ARG.values, *RESTRICT x = ARG.x;
    u64 q = INDEX, i = row_of(q, ARG.k), p, end;
    u32 c = (u32)(q - i * ARG.k);
    ACC sum = 0;
    if (i >= ARG.rows) return;
    end = LOAD(ARG.ptr + i + 1);
#pragma unroll 4
    for (p = LOAD(ARG.ptr + i); p < end; p++) {
        u64 v = source ? LOAD(source + p) : p;
        sum += (ACC)LOAD(values + v) * (ACC)LOAD(x + (u64)LOAD(columns + p) * ARG.k + c);
    }
    product_finish(ARG, (u32)i, q, sum);
}

/* A sweep on the triangle of a matrix: y = (b - N x) / D, where N has the entries below the diagonal (or above it)
 * of the arrays that are walked. Without x, y = b / D. With `unit`, D = 1. */
struct triangular {
    const u32 *ptr, *columns, *source;
    const REAL *values, *b, *x;
    REAL *y;
    u32 rows, k;
    u32 below, unit;
};

/* k = 1. As product_stream; rows are sorted, and each thread picks the entries of its triangle. */
BLOCK_KERNEL(triangular_stream, struct triangular) {
    SHARED(ACC, triangular_products, STREAM_SLOT(STREAM_CHUNK));
    SHARED(u32, triangular_entries, STREAM_SLOT(STREAM_CHUNK));
    const u32 *RESTRICT columns = ARG.columns, *RESTRICT source = ARG.source;
    const REAL *RESTRICT values = ARG.values, *RESTRICT x = ARG.x;
    u32 first = BLOCK * STREAM_ROWS;
    u32 rows = ARG.rows - first < STREAM_ROWS ? ARG.rows - first : STREAM_ROWS;
    u32 begin = LOAD(ARG.ptr + first), total = LOAD(ARG.ptr + first + rows) - begin;
    u32 from = 0, to = 0, i = first + THREAD, q;
    u64 done;
    ACC value = 0, diagonal = 0;
    if (THREAD < rows) {
        from = LOAD(ARG.ptr + i) - begin;
        to = LOAD(ARG.ptr + i + 1) - begin;
        value = (ACC)LOAD(ARG.b + i);
    }
    for (done = 0; done < total; done += STREAM_CHUNK) {
        u32 start = (u32)done;
        u32 count = total - start < STREAM_CHUNK ? total - start : STREAM_CHUNK;
        u32 low = from > start ? from : start, high = to < start + count ? to : start + count;
#pragma unroll 5
        for (q = THREAD; q < count; q += STREAM_ROWS) {
            u64 p = (u64)begin + start + q;
            u32 j = LOAD(columns + p);
            triangular_entries[STREAM_SLOT(q)] = j;
            triangular_products[STREAM_SLOT(q)] = (ACC)LOAD(values + (source ? LOAD(source + p) : p)) * (ACC)LOAD(x + j);
        }
        BARRIER();
        for (q = low; q < high; q++) {
            u32 j = triangular_entries[STREAM_SLOT(q - start)];
            u64 p = (u64)begin + q;
            if (j == i) diagonal = (ACC)LOAD(values + (source ? LOAD(source + p) : p));
            else if ((j < i) == (ARG.below != 0)) value -= triangular_products[STREAM_SLOT(q - start)];
        }
        BARRIER();
    }
    if (THREAD < rows) ARG.y[i] = (REAL)(ARG.unit ? value : value / diagonal);
}

/* A thread for each row and column. */
KERNEL(triangular_columns, struct triangular) {
    const u32 *RESTRICT columns = ARG.columns, *RESTRICT source = ARG.source;
    const REAL *RESTRICT values = ARG.values, *RESTRICT x = ARG.x;
    u64 q = INDEX, i = row_of(q, ARG.k), p, end;
    u32 c = (u32)(q - i * ARG.k);
    ACC value, diagonal = 0;
    if (i >= ARG.rows) return;
    value = (ACC)LOAD(ARG.b + q);
    end = LOAD(ARG.ptr + i + 1);
    for (p = LOAD(ARG.ptr + i); p < end; p++) {
        u32 j = LOAD(columns + p);
        if (j != i && (!x || (j < i) != (ARG.below != 0))) continue;
        {
            ACC v = (ACC)LOAD(values + (source ? LOAD(source + p) : p));
            if (j == i) diagonal = v;
            else value -= v * (ACC)LOAD(x + (u64)j * ARG.k + c);
        }
    }
    ARG.y[q] = (REAL)(ARG.unit ? value : value / diagonal);
}

/* A matrix in slices of 32 rows. Slice s starts at starts[s]; entry e of its row l is 32 e + l further on. What
 * lies beyond the end of a row is undefined and not read. */
struct slicing {
    const u32 *ptr;
    const u64 *starts;
    const u32 *from_columns;
    u32 *columns;
    const REAL *from_values;
    REAL *values;
    u32 rows, unused;
};

DEVICE u64 slice_entry(const u64 *starts, u64 i) { return LOAD(starts + i / 32) + i % 32; }

/* Columns in slices. */
KERNEL(sliced_columns, struct slicing) {
    u64 i = INDEX, p, to, end;
    if (i >= ARG.rows) return;
    end = LOAD(ARG.ptr + i + 1);
    to = slice_entry(ARG.starts, i);
    for (p = LOAD(ARG.ptr + i); p < end; p++, to += 32) ARG.columns[to] = LOAD(ARG.from_columns + p);
}

/* Values in slices. */
KERNEL(sliced_values, struct slicing) {
    u64 i = INDEX, p, to, end;
    if (i >= ARG.rows) return;
    end = LOAD(ARG.ptr + i + 1);
    to = slice_entry(ARG.starts, i);
    for (p = LOAD(ARG.ptr + i); p < end; p++, to += 32) ARG.values[to] = LOAD(ARG.from_values + p);
}

struct sliced_product {
    /* Columns and values in slices. */
    struct product product;
    const u64 *starts;
};

/* k = 1. A thread for each row. */
KERNEL(product_sliced, struct sliced_product) {
    const u32 *RESTRICT columns = ARG.product.columns;
    const REAL *RESTRICT values = ARG.product.values, *RESTRICT x = ARG.product.x;
    u64 i = INDEX, p;
    u32 length, e;
    ACC sum = 0;
    if (i >= ARG.product.rows) return;
    length = LOAD(ARG.product.ptr + i + 1) - LOAD(ARG.product.ptr + i);
    p = slice_entry(ARG.starts, i);
#pragma unroll 5
    for (e = 0; e < length; e++)
        sum += (ACC)LOAD(values + p + 32 * (u64)e) * (ACC)LOAD(x + LOAD(columns + p + 32 * (u64)e));
    product_finish(ARG.product, (u32)i, i, sum);
}

/* y = R (b - A x), for restrictions where few coarse rows share a fine row: a residual is worked out as often
 * as its row is read. */
struct restricted {
    /* Of A; y, rows and lanes are those of R. */
    struct product product;
    const u32 *ptr, *columns, *source;
    const REAL *values;
};

/* One term: r (b - A x)(i,c). */
DEVICE ACC restricted_term(const struct restricted a, u64 p, u32 c) {
    const u32 *RESTRICT columns = a.product.columns, *RESTRICT source = a.product.source;
    const REAL *RESTRICT values = a.product.values, *RESTRICT x = a.product.x;
    u32 k = a.product.k;
    u64 i = LOAD(a.columns + p), q, end = LOAD(a.product.ptr + i + 1);
    ACC sum = 0;
#pragma unroll 4
    for (q = LOAD(a.product.ptr + i); q < end; q++)
        sum += (ACC)LOAD(values + (source ? LOAD(source + q) : q)) * (ACC)LOAD(x + (u64)LOAD(columns + q) * k + c);
    return (ACC)LOAD(a.values + (a.source ? LOAD(a.source + p) : p)) * ((ACC)LOAD(a.product.b + i * k + c) - sum);
}

/* k = 1. A group of `lanes` threads for each coarse row. */
BLOCK_KERNEL(restricted_residual, struct restricted) {
    u32 lanes = ARG.product.lanes, lane = THREAD % lanes;
    u64 i = INDEX / lanes, p;
    ACC sum = 0;
    if (i < ARG.product.rows) {
        u64 end = LOAD(ARG.ptr + i + 1);
        for (p = (u64)LOAD(ARG.ptr + i) + lane; p < end; p += lanes) sum += restricted_term(ARG, p, 0);
    }
    sum = warp_sum(sum, lanes);
    if (lane == 0 && i < ARG.product.rows) ARG.product.y[i] = (REAL)sum;
}

/* k > 1. A thread for each coarse row and column. */
KERNEL(restricted_residual_columns, struct restricted) {
    u64 q = INDEX, i = row_of(q, ARG.product.k), p, end;
    ACC sum = 0;
    if (i >= ARG.product.rows) return;
    end = LOAD(ARG.ptr + i + 1);
    for (p = LOAD(ARG.ptr + i); p < end; p++) sum += restricted_term(ARG, p, (u32)(q - i * ARG.product.k));
    ARG.product.y[q] = (REAL)sum;
}
