/* The batch of a training step. With s bytes a value and k columns:
 *
 *   pool_scales   a few numbers for each column
 *   pool_merge    3 s per value
 *   add_sum       one number for each column
 */

struct pool_scales {
    const double *squares;
    double *keep;
    double rows;
    u32 k, half;
    u32 renewed, unused;
};

/* keep(c) <- sqrt(rows / squares(c)) for the columns of the pool, 0 for those that are drawn again: the others, number
 * `renewed`, and those that are zero or not finite. */
KERNEL(pool_scales, struct pool_scales) {
    u64 c = INDEX;
    double square;
    if (c >= ARG.k) return;
    square = ARG.squares[c];
    ARG.keep[c] = c < ARG.half && c != ARG.renewed && square > 0 && square - square == 0 ? sqrt(ARG.rows / square) : 0;
}

struct pool_merge {
    const REAL *after;
    const double *keep;
    REAL *z;
    u64 count;
    u32 k, unused;
};

/* z(i,c) <- keep(c) after(i,c) where keep(c) is not 0; otherwise z stays. */
KERNEL(pool_merge, struct pool_merge) {
    u64 q = INDEX;
    double keep;
    if (q >= ARG.count) return;
    keep = ARG.keep[q % ARG.k];
    if (keep != 0) ARG.z[q] = (REAL)keep * ARG.after[q];
}

struct add_sum {
    const double *terms;
    REAL *g;
    u64 index;
    u32 k, unused;
};

/* g(index) <- g(index) + the sum of k terms, by one thread. */
KERNEL(add_sum, struct add_sum) {
    double sum = 0;
    u32 c;
    if (INDEX != 0) return;
    for (c = 0; c < ARG.k; c++) sum += ARG.terms[c];
    ARG.g[ARG.index] += (REAL)sum;
}
