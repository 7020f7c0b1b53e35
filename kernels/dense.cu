/* Dense products: the inverse of a coarse matrix, or the fused tail of a cycle. With s bytes a value:
 *
 *   dense_vector     n s per row (the matrix, once), n s for x from the cache, s per row written
 *   dense_block      n s per row and tile of 8 columns (the matrix, from the cache after the first tile),
 *                    8 n s per tile of 32 rows for x
 */

struct dense_product {
    const REAL *matrix, *x;
    REAL *y;
    u64 rows;
    u32 k, row_tiles;
};

/* Values of a row that a thread loads before it uses the first, each for a separate sum. */
#define DENSE_BATCH 8u

/* y <- B x for one column: a warp for each row. */
BLOCK_KERNEL(dense_vector, struct dense_product) {
    u64 n = ARG.rows, i = INDEX / WARP, j;
    u32 lane = THREAD % WARP, e, half;
    const REAL *RESTRICT row = ARG.matrix + (i < n ? i : 0) * n;
    const REAL *RESTRICT x = ARG.x;
    ACC sums[DENSE_BATCH] = { 0 };
    if (i < n) {
        for (j = lane; j < n; j += DENSE_BATCH * WARP) {
            REAL a[DENSE_BATCH], b[DENSE_BATCH];
#pragma unroll
            for (e = 0; e < DENSE_BATCH; e++) {
                a[e] = j + e * WARP < n ? LOAD(row + j + e * WARP) : 0;
                b[e] = j + e * WARP < n ? LOAD(x + j + e * WARP) : 0;
            }
#pragma unroll
            for (e = 0; e < DENSE_BATCH; e++) sums[e] += (ACC)a[e] * (ACC)b[e];
        }
    }
#pragma unroll
    for (half = DENSE_BATCH / 2; half > 0; half /= 2) {
#pragma unroll
        for (e = 0; e < half; e++) sums[e] += sums[e + half];
    }
    sums[0] = warp_sum(sums[0], WARP);
    if (i < n && lane == 0) ARG.y[i] = (REAL)sums[0];
}

#define DENSE_ROWS 32u
#define DENSE_COLUMNS 8u

/* y <- B x for a block of columns: 32 rows and 8 columns for each block of 256 threads, one result a thread. */
BLOCK_KERNEL(dense_block, struct dense_product) {
    SHARED(REAL, own, 32 * 33);
    SHARED(REAL, other, 32 * 8);
    u64 n = ARG.rows, k = ARG.k, first;
    u64 i0 = (u64)(BLOCK % ARG.row_tiles) * DENSE_ROWS, c0 = (u64)(BLOCK / ARG.row_tiles) * DENSE_COLUMNS;
    u32 r = THREAD / DENSE_COLUMNS, c = THREAD % DENSE_COLUMNS, t, q;
    const REAL *RESTRICT matrix = ARG.matrix;
    const REAL *RESTRICT x = ARG.x;
    ACC sum = 0;
    for (first = 0; first < n; first += DENSE_ROWS) {
        for (t = THREAD; t < DENSE_ROWS * DENSE_ROWS; t += THREADS) {
            u64 i = i0 + t / DENSE_ROWS, j = first + t % DENSE_ROWS;
            own[t / DENSE_ROWS * 33 + t % DENSE_ROWS] = i < n && j < n ? LOAD(matrix + i * n + j) : (REAL)0;
        }
        for (t = THREAD; t < DENSE_ROWS * DENSE_COLUMNS; t += THREADS) {
            u64 j = first + t / DENSE_COLUMNS, column = c0 + t % DENSE_COLUMNS;
            other[t] = j < n && column < k ? LOAD(x + j * k + column) : (REAL)0;
        }
        BARRIER();
        for (q = 0; q < DENSE_ROWS; q++) sum += (ACC)own[r * 33 + q] * (ACC)other[q * DENSE_COLUMNS + c];
        BARRIER();
    }
    if (i0 + r < n && c0 + c < k) ARG.y[(i0 + r) * k + c0 + c] = (REAL)sum;
}
