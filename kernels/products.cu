/* Products of a sparse matrix with an n x k block, fused with vector operations: one pass over the matrix.
 * s(i,c) = sum over the entries (i,j) of row i, in their order, of a(i,j) x(j,c). Then
 *
 *   mode 0   y = alpha s + beta y              (beta = 0: y is not read)
 *   mode 1   y = b - s
 *   mode 2   y = x + d (b - s)
 *   mode 3   y = alpha y + beta d (b - s)      (alpha = 0: y is not read)
 *   mode 4   y = b - s for x = d b, which is written to `first` (k = 1; b is passed in place of x)
 *
 * With `source`, entry p has the value values[source[p]]: the transposed matrix, by its own arrays.
 * Traffic, with s bytes a value, if x stays in the cache:
 *
 *   product_stream   s + 4 per entry (+ 4 with `source`, whose values are gathered: up to 32 instead of s);
 *                    4 + s (x) + s times the other blocks and diagonals of the mode per row (mode 4: 4 + 4 s)
 *   product_rows, product_lanes   the same
 *   product_columns  the same per entry, once for all columns of a block of threads; per row 4 and k times the rest
 *   product_packs    the same, x and all blocks 16 bytes at a time
 *   product_sliced   s + 4 per entry, padding included; per row the same
 *   sliced_columns   8 per entry, 4 per row
 *   sliced_values    2 s per entry, 4 per row
 *   restricted_residual(_columns)   as product_stream, less the residual, which is not written; s + 4 per
 *                    entry of the restriction. Rows of A that several coarse rows read come from the cache.
 *   corrected_jacobi  as product_lanes; s + 4 per entry of the interpolation, 4 + s per row beside. Rows of the
 *                    interpolation that several rows read come from the cache.
 *   triangular_stream  as product_stream: values and columns outside the triangle move too
 *   triangular_columns as product_columns; entries outside the triangle cost 4
 */

#define PRODUCT_SPMV 0u
#define PRODUCT_RESIDUAL 1u
#define PRODUCT_JACOBI 2u
#define PRODUCT_POLYNOMIAL 3u
#define PRODUCT_FIRST 4u

struct product {
    const u32 *ptr, *columns, *source;
    const REAL *values, *x, *b, *d;
    REAL *y, *first;
    double alpha, beta;
    u32 rows, k;
    u32 mode, lanes;
};

/* Operands of a result besides the product, loaded before the product to hide their latency. */
struct product_operands {
    REAL b, d, old;
};

/* Of y(q), q in row i. */
DEVICE struct product_operands product_operands(const struct product a, u32 i, u64 q) {
    struct product_operands o = { 0, 0, 0 };
    if (a.mode != PRODUCT_SPMV) o.b = LOAD(a.b + q);
    if (a.mode >= PRODUCT_JACOBI) o.d = LOAD(a.d + i);
    if (a.mode == PRODUCT_JACOBI) o.old = LOAD(a.x + q);
    if ((a.mode == PRODUCT_SPMV && a.beta != 0) || (a.mode == PRODUCT_POLYNOMIAL && a.alpha != 0)) o.old = a.y[q];
    return o;
}

/* The result for the product s. */
DEVICE REAL product_result(const struct product a, struct product_operands o, ACC s) {
    ACC value;
    if (a.mode == PRODUCT_SPMV) {
        value = (ACC)a.alpha * s;
        if (a.beta != 0) value += (ACC)a.beta * (ACC)o.old;
    } else {
        value = (ACC)o.b - s;
        if (a.mode == PRODUCT_JACOBI) {
            value = (ACC)o.old + (ACC)o.d * value;
        } else if (a.mode == PRODUCT_POLYNOMIAL) {
            value = (ACC)a.beta * ((ACC)o.d * value);
            if (a.alpha != 0) value += (ACC)a.alpha * (ACC)o.old;
        }
    }
    return (REAL)value;
}

/* Writes y(q). */
DEVICE void product_finish(const struct product a, u64 q, struct product_operands o, ACC s) {
    if (a.mode == PRODUCT_FIRST) a.first[q] = o.d * o.b;
    a.y[q] = product_result(a, o, s);
}

/* The factor of an entry of column j, for k = 1. */
DEVICE REAL product_factor(const struct product a, u32 j) {
    REAL x = LOAD(a.x + j);
    return a.mode == PRODUCT_FIRST ? LOAD(a.d + j) * x : x;
}

/* Entries that a thread loads before it uses the first: those of the 5-point stencil. */
#define BATCH 5u

/* s of a row for k = 1, by one thread. Its entries lie `stride` apart. */
DEVICE ACC product_row(const struct product a, const u32 *columns, const REAL *values, const u32 *source, u32 length,
                       u32 stride) {
    u32 e;
    ACC sum = 0;
    /* Also for an empty row, so that the loads of its bounds do not wait for its length. */
    do {
        u32 count = length < BATCH ? length : BATCH, j[BATCH], p[BATCH];
        REAL v[BATCH], x[BATCH];
#pragma unroll
        for (e = 0; e < BATCH; e++) {
            j[e] = e < count ? LOAD(columns + stride * e) : 0;
            if (source) p[e] = e < count ? LOAD(source + stride * e) : 0;
            else v[e] = e < count ? LOAD(values + stride * e) : 0;
        }
#pragma unroll
        for (e = 0; e < BATCH; e++) {
            x[e] = e < count ? product_factor(a, j[e]) : 0;
            if (source) v[e] = e < count ? LOAD(values + p[e]) : 0;
        }
#pragma unroll
        for (e = 0; e < BATCH; e++)
            if (e < count) sum += (ACC)v[e] * (ACC)x[e];
        columns += stride * BATCH;
        if (source) source += stride * BATCH;
        else values += stride * BATCH;
        length -= count;
    } while (length > 0);
    return sum;
}

/* k = 1, very short rows: a thread for each. */
KERNEL(product_rows, struct product) {
    u64 i = INDEX;
    u32 begin, length;
    struct product_operands operands;
    if (i >= ARG.rows) return;
    begin = LOAD(ARG.ptr + i);
    length = LOAD(ARG.ptr + i + 1) - begin;
    operands = product_operands(ARG, (u32)i, i);
    product_finish(ARG, i, operands,
                   ARG.source ? product_row(ARG, ARG.columns + begin, ARG.values, ARG.source + begin, length, 1)
                              : product_row(ARG, ARG.columns + begin, ARG.values + begin, 0, length, 1));
}

/* Rows of a block of threads, as many as threads. */
#ifndef STREAM_ROWS
#define STREAM_ROWS 128u
#endif
/* Entries at a time: the rows of the 9-point stencil fit. */
#ifndef STREAM_CHUNK
#define STREAM_CHUNK 1280u
#endif
/* The place of a product: shifted by one every 16, so that rows of 16 entries meet different banks. */
#define STREAM_SLOT(q) ((q) + ((q) >> 4))

/* k = 1, short rows. All threads form products, entry by entry, then each sums those of its row. */
BLOCK_KERNEL(product_stream, struct product) {
    SHARED(ACC, stream_products, STREAM_SLOT(STREAM_CHUNK));
    u32 first = BLOCK * STREAM_ROWS;
    u32 rows = ARG.rows - first < STREAM_ROWS ? ARG.rows - first : STREAM_ROWS;
    u32 begin = LOAD(ARG.ptr + first), total = LOAD(ARG.ptr + first + rows) - begin;
    const u32 *RESTRICT columns = ARG.columns + begin, *RESTRICT source = ARG.source ? ARG.source + begin : 0;
    const REAL *RESTRICT values = source ? ARG.values : ARG.values + begin;
    /* Of this thread's row, counted from the first entry of the block. */
    u32 from = 0, to = 0, e, q;
    struct product_operands operands = { 0, 0, 0 };
    u64 done;
    ACC sum = 0;
    if (THREAD < rows) {
        from = LOAD(ARG.ptr + first + THREAD) - begin;
        to = LOAD(ARG.ptr + first + THREAD + 1) - begin;
        operands = product_operands(ARG, first + THREAD, first + THREAD);
    }
    for (done = 0; done < total; done += STREAM_CHUNK) {
        u32 start = (u32)done;
        u32 count = total - start < STREAM_CHUNK ? total - start : STREAM_CHUNK;
        u32 low = from > start ? from : start, high = to < start + count ? to : start + count;
        for (q = THREAD; q < count; q += BATCH * STREAM_ROWS) {
            const u32 *own = columns + start + q;
            ACC *slot = stream_products + STREAM_SLOT(q);
            u32 j[BATCH], p[BATCH];
            REAL a[BATCH], x[BATCH];
            if (source) {
#pragma unroll
                for (e = 0; e < BATCH; e++) {
                    u32 there = q + e * STREAM_ROWS < count;
                    j[e] = there ? LOAD(own + e * STREAM_ROWS) : 0;
                    p[e] = there ? LOAD(source + start + q + e * STREAM_ROWS) : 0;
                }
#pragma unroll
                for (e = 0; e < BATCH; e++) a[e] = q + e * STREAM_ROWS < count ? LOAD(values + p[e]) : 0;
            } else {
                const REAL *value = values + start + q;
#pragma unroll
                for (e = 0; e < BATCH; e++) {
                    u32 there = q + e * STREAM_ROWS < count;
                    j[e] = there ? LOAD(own + e * STREAM_ROWS) : 0;
                    a[e] = there ? LOAD(value + e * STREAM_ROWS) : 0;
                }
            }
#pragma unroll
            for (e = 0; e < BATCH; e++) x[e] = q + e * STREAM_ROWS < count ? product_factor(ARG, j[e]) : 0;
#pragma unroll
            for (e = 0; e < BATCH; e++)
                if (q + e * STREAM_ROWS < count) slot[e * STREAM_SLOT(STREAM_ROWS)] = (ACC)a[e] * (ACC)x[e];
        }
        BARRIER();
        for (q = low; q < high; q++) sum += stream_products[STREAM_SLOT(q - start)];
        BARRIER();
    }
    if (THREAD < rows) product_finish(ARG, first + THREAD, operands, sum);
}

/* k = 1, long rows: a group of `lanes` threads for each. */
BLOCK_KERNEL(product_lanes, struct product) {
    const u32 *RESTRICT columns = ARG.columns, *RESTRICT source = ARG.source;
    const REAL *RESTRICT values = ARG.values;
    u32 lanes = ARG.lanes, lane = THREAD % lanes, e;
    u64 i = INDEX / lanes, p;
    struct product_operands operands = { 0, 0, 0 };
    ACC sum = 0;
    if (i < ARG.rows) {
        u64 end = LOAD(ARG.ptr + i + 1);
        if (lane == 0) operands = product_operands(ARG, (u32)i, i);
        for (p = (u64)LOAD(ARG.ptr + i) + lane; p < end; p += 4 * lanes) {
            u32 j[4];
            REAL a[4], x[4];
#pragma unroll
            for (e = 0; e < 4; e++) {
                u64 own = p + e * lanes;
                j[e] = own < end ? LOAD(columns + own) : 0;
                a[e] = own < end ? LOAD(values + (source ? LOAD(source + own) : own)) : 0;
            }
#pragma unroll
            for (e = 0; e < 4; e++) x[e] = p + e * lanes < end ? product_factor(ARG, j[e]) : 0;
#pragma unroll
            for (e = 0; e < 4; e++)
                if (p + e * lanes < end) sum += (ACC)a[e] * (ACC)x[e];
        }
    }
    sum = warp_sum(sum, lanes);
    if (lane == 0 && i < ARG.rows) product_finish(ARG, i, operands, sum);
}

/* k > 1: a thread for each row and column. */
KERNEL(product_columns, struct product) {
    u64 q = INDEX, i = row_of(q, ARG.k), p;
    const REAL *RESTRICT x = ARG.x + ((u32)q - (u32)i * ARG.k);
    u32 e, length;
    struct product_operands operands;
    ACC sum = 0;
    if (i >= ARG.rows) return;
    p = LOAD(ARG.ptr + i);
    length = LOAD(ARG.ptr + i + 1) - (u32)p;
    operands = product_operands(ARG, (u32)i, q);
    while (length > 0) {
        u32 count = length < BATCH ? length : BATCH, j[BATCH];
        REAL v[BATCH], z[BATCH];
#pragma unroll
        for (e = 0; e < BATCH; e++) {
            j[e] = e < count ? LOAD(ARG.columns + p + e) : 0;
            v[e] = e < count ? LOAD(ARG.values + (ARG.source ? LOAD(ARG.source + p + e) : p + e)) : 0;
        }
#pragma unroll
        for (e = 0; e < BATCH; e++) z[e] = e < count ? LOAD(x + (u64)j[e] * ARG.k) : 0;
#pragma unroll
        for (e = 0; e < BATCH; e++)
            if (e < count) sum += (ACC)v[e] * (ACC)z[e];
        p += count;
        length -= count;
    }
    product_finish(ARG, q, operands, sum);
}

/* k a multiple of the values of a pack: a thread for each row and pack of columns. */
KERNEL(product_packs, struct product) {
    const u32 *RESTRICT columns = ARG.columns, *RESTRICT source = ARG.source;
    const REAL *RESTRICT values = ARG.values;
    u32 packs = ARG.k / PACK, e, c, length;
    u64 i = row_of(INDEX, packs), q = INDEX * PACK, p;
    const REAL *RESTRICT x = ARG.x + ((u32)INDEX - (u32)i * packs) * PACK;
    const struct pack none = { { 0 } };
    struct pack b = none, old = none;
    REAL d = 0;
    ACC sum[16 / sizeof(REAL)] = { 0 };
    if (i >= ARG.rows) return;
    p = LOAD(ARG.ptr + i);
    length = LOAD(ARG.ptr + i + 1) - (u32)p;
    if (ARG.mode != PRODUCT_SPMV) b = load_pack(ARG.b + q);
    if (ARG.mode >= PRODUCT_JACOBI) d = LOAD(ARG.d + i);
    if (ARG.mode == PRODUCT_JACOBI) old = load_pack(ARG.x + q);
    else if (ARG.mode == PRODUCT_SPMV ? ARG.beta != 0 : ARG.mode == PRODUCT_POLYNOMIAL && ARG.alpha != 0)
        old = load_pack(ARG.y + q);
    while (length > 0) {
        u32 count = length < BATCH ? length : BATCH, j[BATCH];
        REAL a[BATCH];
        struct pack z[BATCH];
#pragma unroll
        for (e = 0; e < BATCH; e++) {
            j[e] = e < count ? LOAD(columns + p + e) : 0;
            a[e] = e < count ? LOAD(values + (source ? LOAD(source + p + e) : p + e)) : 0;
        }
#pragma unroll
        for (e = 0; e < BATCH; e++) z[e] = e < count ? load_pack(x + (u64)j[e] * ARG.k) : none;
#pragma unroll
        for (e = 0; e < BATCH; e++)
            if (e < count) {
#pragma unroll
                for (c = 0; c < PACK; c++) sum[c] += (ACC)a[e] * (ACC)z[e].of[c];
            }
        p += count;
        length -= count;
    }
#pragma unroll
    for (c = 0; c < PACK; c++) {
        struct product_operands o;
        o.b = b.of[c];
        o.d = d;
        o.old = old.of[c];
        b.of[c] = product_result(ARG, o, sum[c]);
    }
    store_pack(ARG.y + q, b);
}

/* A sweep on the triangle of a matrix: y = (b - N x) / D, where N has the entries of the arrays below the
 * diagonal (or above it). Without x, y = b / D. With `unit`, D = 1. */
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

/* A matrix in slices of 32 rows. Slice s starts at starts[s]; entry e of its row l is 32 e + l further on. Padding
 * beyond the end of a row is undefined and not read. */
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
    u64 i = INDEX, start;
    u32 length;
    struct product_operands operands;
    if (i >= ARG.product.rows) return;
    start = slice_entry(ARG.starts, i);
    length = LOAD(ARG.product.ptr + i + 1) - LOAD(ARG.product.ptr + i);
    operands = product_operands(ARG.product, (u32)i, i);
    product_finish(ARG.product, i, operands,
                   product_row(ARG.product, ARG.product.columns + start, ARG.product.values + start, 0, length, 32));
}

/* y = R (b - A x), for restrictions in which few coarse rows share a fine row, and for small matrices: a
 * residual is computed as often as its row is read. In the mode `first`, x is as for product_stream. */
struct restricted {
    /* Of A; y, rows and lanes are those of R. */
    struct product product;
    const u32 *ptr, *columns, *source;
    const REAL *values;
    /* Rows of A. */
    u64 fine;
};

/* One term: r (b - A x)(i,c). */
DEVICE ACC restricted_term(const struct restricted a, u64 p, u32 c) {
    const struct product m = a.product;
    u32 k = m.k, length, e;
    u64 i = LOAD(a.columns + p), q = LOAD(m.ptr + i);
    REAL weight = LOAD(a.values + (a.source ? LOAD(a.source + p) : p)), b = LOAD(m.b + i * k + c);
    ACC sum = 0;
    length = LOAD(m.ptr + i + 1) - (u32)q;
    while (length > 0) {
        u32 count = length < BATCH ? length : BATCH, j[BATCH];
        REAL v[BATCH], x[BATCH];
#pragma unroll
        for (e = 0; e < BATCH; e++) {
            j[e] = e < count ? LOAD(m.columns + q + e) : 0;
            v[e] = e < count ? LOAD(m.values + (m.source ? LOAD(m.source + q + e) : q + e)) : 0;
        }
#pragma unroll
        for (e = 0; e < BATCH; e++) {
            x[e] = e < count ? LOAD(m.x + (u64)j[e] * k + c) : 0;
            if (m.mode == PRODUCT_FIRST && e < count) x[e] = LOAD(m.d + j[e]) * x[e];
        }
#pragma unroll
        for (e = 0; e < BATCH; e++)
            if (e < count) sum += (ACC)v[e] * (ACC)x[e];
        q += count;
        length -= count;
    }
    return (ACC)weight * ((ACC)b - sum);
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
    if (ARG.product.mode == PRODUCT_FIRST)
        for (p = INDEX; p < ARG.fine; p += STRIDE) ARG.product.first[p] = LOAD(ARG.product.d + p) * LOAD(ARG.product.x + p);
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

/* y = z + d (b - A z) for z = x + P e, for small matrices: z is computed as often as it is read. */
struct corrected {
    /* Of A. */
    struct product product;
    const u32 *ptr, *columns;
    const REAL *values, *e;
};

/* z(j). */
DEVICE REAL corrected_value(const struct corrected a, u64 j) {
    u32 begin = LOAD(a.ptr + j), length = LOAD(a.ptr + j + 1) - begin, q;
    const u32 *columns = a.columns + begin;
    const REAL *values = a.values + begin;
    REAL x = LOAD(a.product.x + j);
    ACC sum = 0;
    while (length > 0) {
        u32 count = length < BATCH ? length : BATCH, c[BATCH];
        REAL v[BATCH], e[BATCH];
#pragma unroll
        for (q = 0; q < BATCH; q++) {
            c[q] = q < count ? LOAD(columns + q) : 0;
            v[q] = q < count ? LOAD(values + q) : 0;
        }
#pragma unroll
        for (q = 0; q < BATCH; q++) e[q] = q < count ? LOAD(a.e + c[q]) : 0;
#pragma unroll
        for (q = 0; q < BATCH; q++)
            if (q < count) sum += (ACC)v[q] * (ACC)e[q];
        columns += BATCH;
        values += BATCH;
        length -= count;
    }
    return (REAL)(sum + (ACC)x);
}

/* k = 1. A group of `lanes` threads for each row; after its entries one of them computes z of the row itself. */
BLOCK_KERNEL(corrected_jacobi, struct corrected) {
    u32 lanes = ARG.product.lanes, lane = THREAD % lanes;
    u64 i = INDEX / lanes, p;
    REAL b = 0, d = 0;
    ACC sum = 0, own = 0;
    if (i < ARG.product.rows) {
        u64 end = LOAD(ARG.product.ptr + i + 1);
        if (lane == 0) {
            b = LOAD(ARG.product.b + i);
            d = LOAD(ARG.product.d + i);
        }
        for (p = (u64)LOAD(ARG.product.ptr + i) + lane; p <= end; p += lanes) {
            u64 j = p < end ? LOAD(ARG.product.columns + p) : i;
            REAL a = p < end ? LOAD(ARG.product.values + p) : 0;
            ACC z = corrected_value(ARG, j);
            if (p < end) sum += (ACC)a * z;
            else own = z;
        }
    }
    sum = warp_sum(sum, lanes);
    own = warp_sum(own, lanes);
    if (lane == 0 && i < ARG.product.rows) ARG.product.y[i] = (REAL)(own + (ACC)d * ((ACC)b - sum));
}
