/* Sums and largest values over the rows of n x k blocks, in double precision, in two steps: every block of threads
 * leaves one value for each of its columns, then those are combined. The number of blocks depends on n and k alone.
 * Traffic, with s bytes a value:
 *
 *   dot_partials       2 s per value
 *   largest_partials   s per value
 *   dot_totals, largest_totals   8 per partial value
 */

struct reduction {
    const REAL *x, *y;
    double *partials;
    u64 rows, k;
    /* Blocks over the rows; columns of a block. */
    u32 slabs, tile;
};

struct totals {
    const double *partials;
    double *out;
    u64 k;
    u32 slabs, unused;
};

#define REDUCTION_THREADS 256u

/* The larger of two, NaN if one is NaN. */
DEVICE double larger(double a, double b) { return a != a ? a : !(b <= a) ? b : a; }

DEVICE double joined(double a, double b, u32 largest) { return largest ? larger(a, b) : a + b; }

/* The values of `groups` groups of `width` threads, column by column, in the first group: a tree. All threads
 * of the block take part. */
DEVICE void reduce_groups(double *values, u32 width, u32 groups, u32 largest) {
    while (groups > 1) {
        u32 half = (groups + 1) / 2;
        BARRIER();
        if (THREAD < (groups - half) * width)
            values[THREAD] = joined(values[THREAD], values[THREAD + half * width], largest);
        groups = half;
    }
    BARRIER();
}

/* Block b takes slab b % slabs of the rows and tile b / slabs of the columns. Thread t takes column t % tile of
 * the tile and every (256 / tile)-th row. */
DEVICE void reduce_block(const struct reduction a, double *values, u32 largest) {
    const REAL *RESTRICT x = a.x, *RESTRICT y = a.y;
    u32 slab = BLOCK % a.slabs, groups = REDUCTION_THREADS / a.tile;
    u64 column = (u64)(BLOCK / a.slabs) * a.tile + THREAD % a.tile;
    u64 length = (a.rows + a.slabs - 1) / a.slabs, first = slab * length;
    u64 last = first + length < a.rows ? first + length : a.rows, i;
    double sum = 0;
    if (THREAD < groups * a.tile && column < a.k) {
        if (largest) {
#pragma unroll 4
            for (i = first + THREAD / a.tile; i < last; i += groups) sum = larger(sum, fabs((double)LOAD(x + i * a.k + column)));
        } else {
#pragma unroll 4
            for (i = first + THREAD / a.tile; i < last; i += groups)
                sum += (double)LOAD(x + i * a.k + column) * (double)LOAD(y + i * a.k + column);
        }
    }
    values[THREAD] = sum;
    reduce_groups(values, a.tile, groups, largest);
    if (THREAD < a.tile && column < a.k) a.partials[slab * a.k + column] = values[THREAD];
}

/* partials(slab,c) = sum over the rows of the slab of x(i,c) y(i,c). */
BLOCK_KERNEL(dot_partials, struct reduction) {
    SHARED(double, dot_values, REDUCTION_THREADS);
    reduce_block(ARG, dot_values, 0);
}

/* partials(slab,c) = largest |x(i,c)| over the rows of the slab. */
BLOCK_KERNEL(largest_partials, struct reduction) {
    SHARED(double, largest_values, REDUCTION_THREADS);
    reduce_block(ARG, largest_values, 1);
}

/* A block for each column. */
DEVICE void reduce_totals(const struct totals a, double *values, u32 largest) {
    double sum = 0;
    u32 slab;
    for (slab = THREAD; slab < a.slabs; slab += THREADS)
        sum = joined(sum, a.partials[slab * a.k + BLOCK], largest);
    values[THREAD] = sum;
    reduce_groups(values, 1, THREADS, largest);
    if (THREAD == 0) a.out[BLOCK] = values[0];
}

/* out(c) = sum of the partials of column c. */
BLOCK_KERNEL(dot_totals, struct totals) {
    SHARED(double, dot_total_values, REDUCTION_THREADS);
    reduce_totals(ARG, dot_total_values, 0);
}

/* out(c) = largest of the partials of column c. */
BLOCK_KERNEL(largest_totals, struct totals) {
    SHARED(double, largest_total_values, REDUCTION_THREADS);
    reduce_totals(ARG, largest_total_values, 1);
}
