/* New values on known patterns. With s bytes a value:
 *
 *   product_values     8 + 2 s per term (both values from the cache if rows are near), 4 + s per entry of the product
 *   diagonal_weights   s per nonzero, except for the inverse diagonal; 8 + s per row, and s for the diagonal
 */

struct product_values {
    const u32 *ptr, *left, *right;
    const REAL *a, *b;
    REAL *c;
    u32 *flag;
    /* Entries of the product, and of a block, at most as many as threads. */
    u64 entries, block_entries;
};

#ifndef TERMS_CHUNK
#define TERMS_CHUNK 2048u
#endif

/* c(p) <- sum over the terms t of p of a(left(t)) b(right(t)), in the order of the terms. The terms of a chunk are
 * written to shared memory in parallel, then each thread adds those of its entry. */
BLOCK_KERNEL(product_values, struct product_values) {
    SHARED(ACC, terms, TERMS_CHUNK);
    const u32 *RESTRICT left = ARG.left;
    const u32 *RESTRICT right = ARG.right;
    const REAL *RESTRICT a = ARG.a;
    const REAL *RESTRICT b = ARG.b;
    u64 first = BLOCK * ARG.block_entries, rest = ARG.entries - first, done;
    u32 entries = (u32)(rest < ARG.block_entries ? rest : ARG.block_entries);
    u32 begin = LOAD(ARG.ptr + first), total = LOAD(ARG.ptr + first + entries) - begin;
    u32 from = 0, to = 0, q;
    ACC sum = 0;
    if (THREAD < entries) {
        from = LOAD(ARG.ptr + first + THREAD) - begin;
        to = LOAD(ARG.ptr + first + THREAD + 1) - begin;
    }
    for (done = 0; done < total; done += TERMS_CHUNK) {
        u32 start = (u32)done;
        u32 count = total - start < TERMS_CHUNK ? total - start : TERMS_CHUNK;
        u32 low = from > start ? from : start, high = to < start + count ? to : start + count;
        for (q = THREAD; q < count; q += THREADS) {
            u64 t = (u64)begin + start + q;
            terms[q] = (ACC)LOAD(a + LOAD(left + t)) * (ACC)LOAD(b + LOAD(right + t));
        }
        BARRIER();
        for (q = low; q < high; q++) sum += terms[q - start];
        BARRIER();
    }
    if (THREAD < entries) {
        REAL value = (REAL)sum;
        ARG.c[first + THREAD] = value;
        /* All threads that write here write the same value. */
        if (value - value != 0) RAISE(ARG.flag);
    }
}

#define WEIGHTS_INVERSE 0u
#define WEIGHTS_L1 1u
#define WEIGHTS_SPAI0 2u
#define WEIGHTS_ROW_SUM 3u

struct diagonal_weights {
    const u32 *ptr, *diagonal;
    const REAL *a;
    REAL *w;
    u32 *flag;
    double omega;
    u32 rows, kind;
};

/* w(i) <- omega / a(i,i), omega sign(a(i,i)) / sum |a(i,j)|, omega a(i,i) / sum a(i,j)^2, or
 * omega sum |a(i,j) / a(i,i)|, in double precision. The place past the end of a row means that it has no diagonal. */
KERNEL(diagonal_weights, struct diagonal_weights) {
    u64 i = INDEX;
    const REAL *RESTRICT a = ARG.a;
    u32 p, first, last;
    double d, w, sum = 0, largest = 0;
    REAL value;
    if (i >= ARG.rows) return;
    first = LOAD(ARG.ptr + i);
    last = LOAD(ARG.ptr + i + 1);
    p = LOAD(ARG.diagonal + i);
    d = p < last ? (double)LOAD(a + p) : 0;
    if (ARG.kind == WEIGHTS_INVERSE) {
        w = ARG.omega / d;
    } else if (ARG.kind == WEIGHTS_L1) {
        for (p = first; p < last; p++) sum += fabs((double)LOAD(a + p));
        w = ARG.omega * ((d < 0 ? -1 : 1) / sum);
    } else if (ARG.kind == WEIGHTS_SPAI0) {
        for (p = first; p < last; p++) {
            double v = (double)LOAD(a + p);
            sum += v * v;
        }
        if (sum >= 1e-200 && sum < 1e200) {
            w = d / sum;
        } else {
            /* Scaled by the largest entry, so that squares neither overflow nor underflow. */
            for (p = first; p < last; p++) {
                double v = fabs((double)LOAD(a + p));
                largest = v > largest ? v : largest;
            }
            sum = 0;
            for (p = first; p < last; p++) {
                double v = (double)LOAD(a + p) / largest;
                sum += v * v;
            }
            w = d / largest / sum / largest;
        }
        w = ARG.omega * w;
    } else {
        double inverse = 1 / d;
        for (p = first; p < last; p++) sum += fabs(inverse * (double)LOAD(a + p));
        w = ARG.omega * sum;
    }
    value = (REAL)w;
    ARG.w[i] = value;
    if (d == 0 || value - value != 0) RAISE(ARG.flag);
}
