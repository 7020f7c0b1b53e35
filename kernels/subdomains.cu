/* Schwarz methods: dense local matrices, their factors, and the products of the reverse rule. A place is a row of a
 * local matrix; m is the number of rows of a part. With s bytes a value:
 *
 *   place_values        4 + 8 + 2 s per entry of a local matrix (the matrices are set to zero before)
 *   add_interface       8 + 3 s per interface entry
 *   factor_parts        m^2 s read and written for every 8 columns, and for the row exchanges 4 m s per column
 *   solve_parts         m^2 s per 8 columns (all of L and U once), 8 + 2 s per place and column
 *   add_parts           4 per row, 4 + s per place and column, 2 s per row and column
 *   pair_products       8 per pair and 2 k s for the two rows, 2 s per gradient value
 */

struct place_values {
    const REAL *from;
    /* Number of the value of each entry (none: its own number), and its place in the local matrices. */
    const u32 *source;
    const u64 *target;
    REAL *matrices;
    u64 count;
};

/* Local matrices: the values of A. */
KERNEL(place_values, struct place_values) {
    u64 e = INDEX;
    if (e >= ARG.count) return;
    ARG.matrices[ARG.target[e]] = LOAD(ARG.from + LOAD(ARG.source + e));
}

/* Local matrices: interface values added. No two have the same place. */
KERNEL(add_interface, struct place_values) {
    u64 e = INDEX;
    if (e >= ARG.count) return;
    ARG.matrices[ARG.target[e]] += LOAD(ARG.from + e);
}

struct factor_parts {
    /* First place of each part; start of its matrix; row of A at each place. */
    const u32 *starts;
    const u64 *matrix_starts;
    const u32 *members;
    REAL *matrices, *inverse, *sizes;
    u32 *pivots, *singular;
    double tiny;
};

#define PANEL 8u
/* The size assigned to a NaN: infinite, or larger than all finite values of either precision. */
#define NOT_A_PIVOT 1.7976931348623157e308

/* L U with partial pivoting in place, one block for each part, 8 columns at a time. singular is 0, or one
 * more than the row of A whose pivot is too small or not finite. */
BLOCK_KERNEL(factor_parts, struct factor_parts) {
    SHARED(u32, where, 1);
    u32 start = ARG.starts[BLOCK], m = ARG.starts[BLOCK + 1] - start, bad = 0;
    u32 k, c, i, j, q, lane = THREAD % WARP, warp = THREAD / WARP, warps = THREADS / WARP;
    REAL *a = ARG.matrices + ARG.matrix_starts[BLOCK];
    REAL *inverse = ARG.inverse + start, *sizes = ARG.sizes + start;
    u32 *pivots = ARG.pivots + start;
    for (i = warp; i < m; i += warps) {
        REAL size = 0;
        for (j = lane; j < m; j += WARP) {
            REAL v = (REAL)fabs(a[(u64)i * m + j]);
            if (v > size) size = v;
        }
        for (j = WARP / 2; j > 0; j /= 2) {
            REAL v = SHUFFLE_DOWN(size, j, WARP);
            if (v > size) size = v;
        }
        if (lane == 0) {
            sizes[i] = size;
            pivots[i] = i;
        }
    }
    BARRIER();
    for (k = 0; k < m; k += PANEL) {
        u32 end = k + PANEL < m ? k + PANEL : m;
        for (c = k; c < end; c++) {
            /* The first of the largest entries; a NaN counts as the largest. */
            REAL best = -1, pivot;
            u32 at = c;
            if (warp == 0) {
                for (i = c + lane; i < m; i += WARP) {
                    REAL v = (REAL)fabs(a[(u64)i * m + c]);
                    if (!(v == v)) v = (REAL)NOT_A_PIVOT;
                    if (v > best) {
                        best = v;
                        at = i;
                    }
                }
                for (q = WARP / 2; q > 0; q /= 2) {
                    REAL v = SHUFFLE_DOWN(best, q, WARP);
                    u32 w = SHUFFLE_DOWN(at, q, WARP);
                    if (v > best || (v == best && w < at)) {
                        best = v;
                        at = w;
                    }
                }
                if (lane == 0) where[0] = at;
            }
            BARRIER();
            at = where[0];
            pivot = a[(u64)at * m + c];
            i = pivots[at];
            if (bad == 0 && (!(fabs(pivot) > (REAL)ARG.tiny * sizes[i]) || !(pivot - pivot == 0))) {
                bad = ARG.members[start + i] + 1;
            }
            BARRIER();
            if (at != c) {
                for (j = THREAD; j < m; j += THREADS) {
                    REAL v = a[(u64)at * m + j];
                    a[(u64)at * m + j] = a[(u64)c * m + j];
                    a[(u64)c * m + j] = v;
                }
            }
            if (THREAD == 0) {
                pivots[at] = pivots[c];
                pivots[c] = i;
                inverse[c] = (REAL)1 / pivot;
            }
            BARRIER();
            for (i = c + 1 + THREAD; i < m; i += THREADS) {
                REAL factor = a[(u64)i * m + c] * inverse[c];
                a[(u64)i * m + c] = factor;
                for (j = c + 1; j < end; j++) a[(u64)i * m + j] -= factor * a[(u64)c * m + j];
            }
            BARRIER();
        }
        /* Rows of U right of the panel: a thread for each column. */
        for (j = end + THREAD; j < m; j += THREADS) {
            for (c = k + 1; c < end; c++) {
                ACC sum = a[(u64)c * m + j];
                for (q = k; q < c; q++) sum -= (ACC)a[(u64)c * m + q] * (ACC)a[(u64)q * m + j];
                a[(u64)c * m + j] = (REAL)sum;
            }
        }
        BARRIER();
        /* The rest: a warp for 32 columns of a row, with the entries of U in registers. */
        for (j = end + lane; j - lane < m; j += WARP) {
            REAL u[PANEL];
            if (j >= m || end - k < PANEL) continue;
            for (q = 0; q < PANEL; q++) u[q] = a[(u64)(k + q) * m + j];
            for (i = end + warp; i < m; i += warps) {
                const REAL *l = a + (u64)i * m + k;
                ACC sum = a[(u64)i * m + j];
                for (q = 0; q < PANEL; q++) sum -= (ACC)l[q] * (ACC)u[q];
                a[(u64)i * m + j] = (REAL)sum;
            }
        }
        BARRIER();
    }
    if (THREAD == 0) ARG.singular[BLOCK] = bad;
}

/* Weights of places. */
#define ALL_PLACES 0u
#define OWNED_PLACES 1u
#define SHARED_PLACES 2u

/* 1; 1 where the part owns the row and 0 elsewhere; 1 over the root of the number of places of the row. */
DEVICE REAL place_weight(u32 mode, const u32 *owners, const u32 *holder_starts, u32 row, u32 place) {
    if (mode == OWNED_PLACES) return (REAL)(LOAD(owners + row) == place);
    if (mode == SHARED_PLACES) {
        u32 copies = LOAD(holder_starts + row + 1) - LOAD(holder_starts + row);
        return (REAL)1 / (REAL)sqrt((double)copies);
    }
    return (REAL)1;
}

struct solve_parts {
    const u32 *starts;
    const u64 *matrix_starts;
    const u32 *members, *owners, *holder_starts;
    const REAL *matrices, *inverse;
    const u32 *pivots;
    const REAL *r;
    REAL *y;
    u32 k, width, parts, mode, transposed, padding;
};

#define TILE_ROWS 32u

/* x <- T^-1 x in shared memory for width columns, with T a triangle of the factors or of their transposes: unit
 * triangular without an inverse of the diagonal. */
DEVICE void substitute_tile(const REAL *a, const REAL *inverse, REAL *tile, REAL *x, u32 m, u32 width,
                            u32 transposed, u32 lower) {
    u32 blocks = (m + TILE_ROWS - 1) / TILE_ROWS, step, t, q;
    for (step = 0; step < blocks; step++) {
        u32 first = (lower ? step : blocks - 1 - step) * TILE_ROWS;
        u32 rows = m - first < TILE_ROWS ? m - first : TILE_ROWS;
        u32 others = lower ? m - first - rows : first, base = lower ? first + rows : 0;
        for (t = THREAD; t < TILE_ROWS * TILE_ROWS; t += THREADS) {
            u32 i = t / TILE_ROWS, j = t % TILE_ROWS;
            REAL v = i < rows && j < rows ? LOAD(a + (u64)(first + i) * m + first + j) : (REAL)0;
            if (transposed) tile[j * 33 + i] = v;
            else tile[i * 33 + j] = v;
        }
        BARRIER();
        for (q = 0; q < rows; q++) {
            u32 own = lower ? q : rows - 1 - q;
            REAL scale = inverse ? LOAD(inverse + first + own) : (REAL)1;
            for (t = THREAD; t < rows * width; t += THREADS) {
                u32 i = t / width, c = t % width;
                /* Row `own` itself is scaled below, after the last read of its old value. */
                if (lower ? i > own : i < own) {
                    REAL known = x[(first + own) * width + c] * scale;
                    x[(first + i) * width + c] -= tile[i * 33 + own] * known;
                }
            }
            BARRIER();
        }
        if (inverse) {
            for (t = THREAD; t < rows * width; t += THREADS) {
                x[first * width + t] *= LOAD(inverse + first + t / width);
            }
        }
        BARRIER();
        for (t = THREAD; t < others * width; t += THREADS) {
            u32 i = base + t / width, c = t % width;
            ACC sum = x[i * width + c];
            for (q = 0; q < rows; q++) {
                u64 at = transposed ? (u64)(first + q) * m + i : (u64)i * m + first + q;
                sum -= (ACC)LOAD(a + at) * (ACC)x[(first + q) * width + c];
            }
            x[i * width + c] = (REAL)sum;
        }
        BARRIER();
    }
}

/* y <- B^-1 W R r of each part, or B^-T W R r: a block for each part and `width` columns, with m width values of
 * shared memory. */
BLOCK_KERNEL(solve_parts, struct solve_parts) {
    SHARED(REAL, tile, 32 * 33);
    DYNAMIC_SHARED(REAL, x);
    u32 part = BLOCK % ARG.parts, c0 = BLOCK / ARG.parts * ARG.width, t;
    u32 start = ARG.starts[part], m = ARG.starts[part + 1] - start;
    u32 width = ARG.k - c0 < ARG.width ? ARG.k - c0 : ARG.width;
    u64 k = ARG.k;
    const REAL *a = ARG.matrices + ARG.matrix_starts[part];
    const REAL *inverse = ARG.inverse + start;
    const u32 *pivots = ARG.pivots + start;
    for (t = THREAD; t < m * width; t += THREADS) {
        u32 i = t / width, place = start + (ARG.transposed ? i : LOAD(pivots + i)), row = LOAD(ARG.members + place);
        REAL weight = place_weight(ARG.mode, ARG.owners, ARG.holder_starts, row, place);
        x[t] = weight * LOAD(ARG.r + row * k + c0 + t % width);
    }
    BARRIER();
    if (ARG.transposed) {
        substitute_tile(a, inverse, tile, x, m, width, 1, 1);
        substitute_tile(a, 0, tile, x, m, width, 1, 0);
    } else {
        substitute_tile(a, 0, tile, x, m, width, 0, 1);
        substitute_tile(a, inverse, tile, x, m, width, 0, 0);
    }
    for (t = THREAD; t < m * width; t += THREADS) {
        u32 i = t / width;
        u64 place = start + (ARG.transposed ? LOAD(pivots + i) : i);
        ARG.y[place * k + c0 + t % width] = x[t];
    }
}

struct add_parts {
    const u32 *owners, *holder_starts, *holders;
    const REAL *y;
    REAL *z;
    double alpha;
    u64 rows;
    u32 k, mode;
};

/* z <- z + alpha R^T W y: every row adds its places in the order of the parts. */
KERNEL(add_parts, struct add_parts) {
    u64 t = INDEX, k = ARG.k, i = t / k, c = t % k;
    u32 h, end;
    REAL z, weight = (REAL)ARG.alpha;
    if (i >= ARG.rows) return;
    z = ARG.z[t];
    if (ARG.mode == OWNED_PLACES) {
        z += weight * LOAD(ARG.y + LOAD(ARG.owners + i) * k + c);
    } else {
        h = LOAD(ARG.holder_starts + i);
        end = LOAD(ARG.holder_starts + i + 1);
        weight *= place_weight(ARG.mode, ARG.owners, ARG.holder_starts, (u32)i, 0);
        for (; h < end; h++) z += weight * LOAD(ARG.y + LOAD(ARG.holders + h) * k + c);
    }
    ARG.z[t] = z;
}

struct pair_products {
    /* Pairs of each value (none: one each), and the places of both. */
    const u32 *starts, *lambda_places, *y_places;
    const REAL *lambda, *y;
    REAL *gradient;
    double alpha;
    u64 count;
    u32 k, padding;
};

/* g(p) <- g(p) + alpha sum of lambda . y over the pairs of p, in their order. */
KERNEL(pair_products, struct pair_products) {
    u64 p = INDEX, k = ARG.k, q, end;
    u32 c;
    REAL g;
    if (p >= ARG.count) return;
    q = ARG.starts ? LOAD(ARG.starts + p) : p;
    end = ARG.starts ? LOAD(ARG.starts + p + 1) : p + 1;
    g = ARG.gradient[p];
    for (; q < end; q++) {
        const REAL *lambda = ARG.lambda + LOAD(ARG.lambda_places + q) * k;
        const REAL *y = ARG.y + LOAD(ARG.y_places + q) * k;
        ACC sum = 0;
        for (c = 0; c < ARG.k; c++) sum += (ACC)LOAD(lambda + c) * (ACC)LOAD(y + c);
        g = (REAL)((ACC)g + (ACC)ARG.alpha * sum);
    }
    ARG.gradient[p] = g;
}
