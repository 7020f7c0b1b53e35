/* Sampled products: gradients with respect to the values of a matrix. With s bytes a value:
 *
 *   sampled    4 + 2 s per entry, less 2 s for those that are not wanted; 4 + 2 k s per row, if x stays in the cache
 *   row_dots   (2 k + 2) s per row
 */

/* Where entry (i,j) lies: below the diagonal, on it, or above it; with ranks, that of j against that of i. */
#define PART_BELOW 1u
#define PART_EQUAL 2u
#define PART_ABOVE 4u

struct sampled {
    const u32 *ptr, *columns, *rank;
    const REAL *y, *x;
    REAL *g;
    double alpha;
    u32 rows, k;
    /* Parts that are wanted; threads of an entry. */
    u32 part, lanes;
    /* Rows of a block, at most as many as threads. */
    u32 block_rows, unused;
};

#define SAMPLED_CHUNK 2048u

/* g(p) = g(p) + alpha sum over c of y(i,c) x(j,c), p = (i,j). The rows of the entries of a chunk are written to shared
 * memory, then the entries are walked one beside the other. */
BLOCK_KERNEL(sampled, struct sampled) {
    SHARED(u32, sampled_rows, SAMPLED_CHUNK);
    const REAL *RESTRICT y = ARG.y, *RESTRICT x = ARG.x;
    u32 first = BLOCK * ARG.block_rows, lanes = ARG.lanes, lane = THREAD % lanes, groups = THREADS / lanes;
    u32 rows = ARG.rows - first < ARG.block_rows ? ARG.rows - first : ARG.block_rows;
    u32 begin = LOAD(ARG.ptr + first), total = LOAD(ARG.ptr + first + rows) - begin;
    u32 from = 0, to = 0, q;
    u64 done;
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
        for (base = 0; base < count; base += groups) {
            u64 p = (u64)begin + start + base + THREAD / lanes;
            u32 wanted = 0, c;
            ACC sum = 0;
            if (base + THREAD / lanes < count) {
                u32 i = sampled_rows[base + THREAD / lanes], j = LOAD(ARG.columns + p);
                u32 own = ARG.rank ? LOAD(ARG.rank + i) : i, other = ARG.rank ? LOAD(ARG.rank + j) : j;
                wanted = ARG.part & (other < own ? PART_BELOW : other > own ? PART_ABOVE : PART_EQUAL);
                if (wanted)
                    for (c = lane; c < ARG.k; c += lanes)
                        sum += (ACC)LOAD(y + (u64)i * ARG.k + c) * (ACC)LOAD(x + (u64)j * ARG.k + c);
            }
            if (lanes > 1) sum = warp_sum(sum, lanes);
            if (wanted && lane == 0) ARG.g[p] = (REAL)((ACC)ARG.g[p] + (ACC)ARG.alpha * sum);
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
