/* Sampled products: gradients with respect to the values of a matrix. With s bytes a value:
 *
 *   sampled    4 + 2 s per entry, less 2 s for those that are not selected; 4 + 2 k s per row, if x stays in the cache
 *   row_dots   (2 k + 2) s per row
 */

/* The part of entry (i,j): below the diagonal, on it, or above it; with ranks, that of j against that of i. */
#define PART_BELOW 1u
#define PART_EQUAL 2u
#define PART_ABOVE 4u

struct sampled {
    const u32 *ptr, *columns, *rank;
    const REAL *y, *x;
    REAL *g;
    double alpha;
    u32 rows, k;
    /* Selected parts; threads of an entry. */
    u32 part, lanes;
    /* Rows of a block, at most as many as threads; whether k is a multiple of the values of a pack. */
    u32 block_rows, packed;
};

#ifndef SAMPLED_CHUNK
#define SAMPLED_CHUNK 2048u
#endif
/* Entries of a thread whose loads do not wait for each other. */
#define SAMPLED_BATCH 4u

/* g(p) = g(p) + alpha sum over c of y(i,c) x(j,c), p = (i,j). The rows of the entries of a chunk are written to shared
 * memory, then the entries are processed in parallel. */
BLOCK_KERNEL(sampled, struct sampled) {
    SHARED(u32, sampled_rows, SAMPLED_CHUNK);
    u32 first = BLOCK * ARG.block_rows, lanes = ARG.lanes, lane = THREAD % lanes, groups = THREADS / lanes;
    u32 rows = ARG.rows - first < ARG.block_rows ? ARG.rows - first : ARG.block_rows;
    u32 begin = LOAD(ARG.ptr + first), total = LOAD(ARG.ptr + first + rows) - begin;
    const u32 *RESTRICT columns = ARG.columns + begin, *RESTRICT rank = ARG.rank;
    REAL *RESTRICT g = ARG.g + begin;
    u32 from = 0, to = 0, q, e, c, w;
    u64 done, k = ARG.k;
    if (THREAD < rows) {
        from = LOAD(ARG.ptr + first + THREAD) - begin;
        to = LOAD(ARG.ptr + first + THREAD + 1) - begin;
    }
    for (done = 0; done < total; done += SAMPLED_CHUNK) {
        u32 start = (u32)done, base;
        u32 count = total - start < SAMPLED_CHUNK ? total - start : SAMPLED_CHUNK;
        u32 low = from > start ? from : start, high = to < start + count ? to : start + count;
        for (q = low; q < high; q++) sampled_rows[q - start] = first + THREAD;
        BARRIER();
        for (base = 0; base < count; base += SAMPLED_BATCH * groups) {
            u32 own = base + THREAD / lanes, i[SAMPLED_BATCH], j[SAMPLED_BATCH], wanted[SAMPLED_BATCH];
            const REAL *y[SAMPLED_BATCH], *x[SAMPLED_BATCH];
            REAL old[SAMPLED_BATCH];
            ACC sum[SAMPLED_BATCH];
#pragma unroll
            for (e = 0; e < SAMPLED_BATCH; e++) {
                wanted[e] = own + e * groups < count;
                i[e] = wanted[e] ? sampled_rows[own + e * groups] : 0;
                j[e] = wanted[e] ? LOAD(columns + start + own + e * groups) : 0;
            }
#pragma unroll
            for (e = 0; e < SAMPLED_BATCH; e++) {
                u32 mine = i[e], other = j[e];
                if (rank) {
                    mine = LOAD(rank + mine);
                    other = LOAD(rank + other);
                }
                wanted[e] &= (ARG.part & (other < mine ? PART_BELOW : other > mine ? PART_ABOVE : PART_EQUAL)) != 0;
                old[e] = wanted[e] && lane == 0 ? g[start + own + e * groups] : 0;
                /* Entries that are not selected read the first rows, which exist, and have no effect. */
                y[e] = ARG.y + (wanted[e] ? i[e] * k : 0);
                x[e] = ARG.x + (wanted[e] ? j[e] * k : 0);
                sum[e] = 0;
            }
            if (ARG.packed) {
                for (c = lane * PACK; c < ARG.k; c += lanes * PACK) {
                    struct pack left[SAMPLED_BATCH], right[SAMPLED_BATCH];
#pragma unroll
                    for (e = 0; e < SAMPLED_BATCH; e++) {
                        left[e] = load_pack(y[e] + c);
                        right[e] = load_pack(x[e] + c);
                    }
#pragma unroll
                    for (e = 0; e < SAMPLED_BATCH; e++) {
#pragma unroll
                        for (w = 0; w < PACK; w++) sum[e] += (ACC)left[e].of[w] * (ACC)right[e].of[w];
                    }
                }
            } else {
                for (c = lane; c < ARG.k; c += lanes) {
                    REAL left[SAMPLED_BATCH], right[SAMPLED_BATCH];
#pragma unroll
                    for (e = 0; e < SAMPLED_BATCH; e++) {
                        left[e] = LOAD(y[e] + c);
                        right[e] = LOAD(x[e] + c);
                    }
#pragma unroll
                    for (e = 0; e < SAMPLED_BATCH; e++) sum[e] += (ACC)left[e] * (ACC)right[e];
                }
            }
            for (w = lanes / 2; w > 0; w /= 2) {
#pragma unroll
                for (e = 0; e < SAMPLED_BATCH; e++) sum[e] += SHUFFLE_DOWN(sum[e], w, lanes);
            }
#pragma unroll
            for (e = 0; e < SAMPLED_BATCH; e++)
                if (wanted[e] && lane == 0)
                    g[start + own + e * groups] = (REAL)((ACC)old[e] + (ACC)ARG.alpha * sum[e]);
        }
        BARRIER();
    }
}

struct row_dots {
    const REAL *y, *x;
    REAL *g;
    u32 rows, k;
    u32 lanes, unused;
};

/* g(i) = g(i) + sum over c of y(i,c) x(i,c). */
BLOCK_KERNEL(row_dots, struct row_dots) {
    u32 lane = THREAD % ARG.lanes, c;
    u64 i = INDEX / ARG.lanes;
    ACC sum = 0;
    if (i < ARG.rows)
        for (c = lane; c < ARG.k; c += ARG.lanes)
            sum += (ACC)LOAD(ARG.y + i * ARG.k + c) * (ACC)LOAD(ARG.x + i * ARG.k + c);
    if (ARG.lanes > 1) sum = warp_sum(sum, ARG.lanes);
    if (i < ARG.rows && lane == 0) ARG.g[i] = (REAL)((ACC)ARG.g[i] + sum);
}
