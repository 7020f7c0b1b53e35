/* Krylov methods on vectors of doubles, independent of the precision of the file. Scalars stay on the
 * device, in one array with an index for each. Sums are taken in two steps, by blocks and then by one block; the
 * number of blocks depends on n alone. Bytes per row:
 *
 *   krylov_residual    24, and 8 more if the residual is copied
 *   krylov_dots        16
 *   cg_direction       24, 16 without a previous direction
 *   bicgstab_direction 32, 16 without a previous direction
 *   krylov_update      48
 *   fgmres_start       40
 *   fgmres_project     8 (j + 2) for sums alone; with a subtraction 8 (j + 2) more, partly from the cache
 *   fgmres_store       24, or 40 with z
 *   fgmres_add         8 (j + 2)
 *   krylov_norm, cg_beta, cg_alpha, bicgstab_*, fgmres_total   8 per partial sum
 */

#define KRYLOV_THREADS 128u
#define KRYLOV_SUMS 3u
/* Rows per thread of fgmres_project. */
#define FGMRES_ROWS 4u
/* Basis vectors per pass of sums. */
#define FGMRES_BATCH 8u

/* Indices of the scalars; the same numbers in krylov.rs. */
enum {
    KRYLOV_NORM,
    KRYLOV_SQUARE,
    KRYLOV_FRESH,
    KRYLOV_CODE,
    KRYLOV_RHO,
    KRYLOV_RHO_OLD,
    KRYLOV_ALPHA,
    KRYLOV_OMEGA,
    KRYLOV_BETA,
    KRYLOV_XY,
    KRYLOV_XX,
    KRYLOV_YY,
    KRYLOV_SHADOW,
    KRYLOV_STEP,
    KRYLOV_LENGTH,
    KRYLOV_REST,
    KRYLOV_HEAD
};

/* Breakdowns of BiCGStab; the same numbers in krylov.rs. */
enum { BICGSTAB_FINE, BICGSTAB_RHO, BICGSTAB_PIVOT, BICGSTAB_OMEGA, BICGSTAB_NOT_FINITE };

struct krylov_vectors {
    const double *x, *y;
    double *u, *w;
    double *scalars, *partials;
    u64 rows;
    u32 count, place;
};

struct krylov_scalars {
    double *scalars;
    const double *partials;
    double tolerance;
    u32 slabs, option;
};

struct fgmres {
    double *basis, *directions;
    double *w, *v;
    const double *z, *coefficients;
    double *scalars, *partials, *column;
    u64 rows;
    u32 option, slabs;
};

DEVICE int krylov_finite(double value) { return value - value == 0; }

/* The sum of a column of KRYLOV_THREADS values by one warp, in its first lane. */
DEVICE double krylov_column(const double *values, u32 lane) {
    double sum = 0;
    u32 q;
    for (q = lane; q < KRYLOV_THREADS; q += WARP) sum += values[q];
    for (q = WARP / 2; q > 0; q /= 2) sum += SHUFFLE_DOWN(sum, q, WARP);
    return sum;
}

/* partials(c,block) = sum over the threads of the block of values(c,thread), warp c for column c. */
DEVICE void krylov_leave(const double *values, u32 count, double *partials) {
    u32 warp = THREAD / WARP, lane = THREAD % WARP;
    BARRIER();
    if (warp < count) {
        double sum = krylov_column(values + warp * KRYLOV_THREADS, lane);
        if (lane == 0) partials[(u64)warp * BLOCKS + BLOCK] = sum;
    }
}

/* totals(c) = sum over the slabs of partials(c,slab), for one block; all threads see them afterwards. */
DEVICE void krylov_totals(const double *partials, u32 slabs, u32 count, double *values, double *totals) {
    u32 warp = THREAD / WARP, lane = THREAD % WARP, c, q;
    for (c = 0; c < count; c++) {
        double sum = 0;
        for (q = THREAD; q < slabs; q += KRYLOV_THREADS) sum += partials[(u64)c * slabs + q];
        values[c * KRYLOV_THREADS + THREAD] = sum;
    }
    BARRIER();
    if (warp < count) {
        double sum = krylov_column(values + warp * KRYLOV_THREADS, lane);
        if (lane == 0) totals[warp] = sum;
    }
    BARRIER();
}

/* w <- x - w, with the sums of its squares; u <- w if `count` is not zero. */
BLOCK_KERNEL(krylov_residual, struct krylov_vectors) {
    SHARED(double, residual_values, KRYLOV_THREADS);
    const double *RESTRICT b = ARG.x;
    double *RESTRICT r = ARG.w, *RESTRICT copy = ARG.u;
    double sum = 0;
    u64 i;
    for (i = INDEX; i < ARG.rows; i += STRIDE) {
        double value = LOAD(b + i) - r[i];
        r[i] = value;
        if (ARG.count) copy[i] = value;
        sum += value * value;
    }
    residual_values[THREAD] = sum;
    krylov_leave(residual_values, 1, ARG.partials);
}

/* Sums of x y, x x and y y, the first `count` of them. */
BLOCK_KERNEL(krylov_dots, struct krylov_vectors) {
    SHARED(double, dots_values, KRYLOV_SUMS * KRYLOV_THREADS);
    const double *x = ARG.x, *y = ARG.y;
    double xy = 0, xx = 0, yy = 0;
    u64 i;
#pragma unroll 2
    for (i = INDEX; i < ARG.rows; i += STRIDE) {
        double a = LOAD(x + i), b = LOAD(y + i);
        xy += a * b;
        xx += a * a;
        yy += b * b;
    }
    dots_values[THREAD] = xy;
    dots_values[KRYLOV_THREADS + THREAD] = xx;
    dots_values[2 * KRYLOV_THREADS + THREAD] = yy;
    krylov_leave(dots_values, ARG.count, ARG.partials);
}

/* u <- u + a x, w <- w - a y with the sums of squares of w, for the scalar a at index `place`. Without x it is w: a
 * buffer that is written is never passed twice, since reads may come from another cache. */
BLOCK_KERNEL(krylov_update, struct krylov_vectors) {
    SHARED(double, update_values, KRYLOV_THREADS);
    const double *RESTRICT p = ARG.x, *RESTRICT q = ARG.y;
    double *RESTRICT x = ARG.u, *RESTRICT r = ARG.w;
    double a = ARG.scalars[ARG.place], sum = 0;
    u64 i;
    for (i = INDEX; i < ARG.rows; i += STRIDE) {
        double value = r[i], direction = p ? LOAD(p + i) : value;
        /* A step of length zero changes nothing, whatever the direction contains. */
        if (a != 0) {
            x[i] += a * direction;
            value -= a * LOAD(q + i);
            r[i] = value;
        }
        sum += value * value;
    }
    update_values[THREAD] = sum;
    krylov_leave(update_values, 1, ARG.partials);
}

/* The norm of the residual; with `option`, the method restarts from it. */
BLOCK_KERNEL(krylov_norm, struct krylov_scalars) {
    SHARED(double, norm_values, KRYLOV_THREADS);
    SHARED(double, norm_total, 1);
    double *s = ARG.scalars;
    krylov_totals(ARG.partials, ARG.slabs, 1, norm_values, norm_total);
    if (THREAD == 0) {
        s[KRYLOV_SQUARE] = norm_total[0];
        s[KRYLOV_NORM] = sqrt(norm_total[0]);
        if (ARG.option) {
            s[KRYLOV_SHADOW] = s[KRYLOV_NORM];
            s[KRYLOV_FRESH] = 1;
            s[KRYLOV_STEP] = 0;
        }
    }
}

/* rho = r z, which is r r without a preconditioner (`option`); beta = rho / rho_old, zero at a start. */
BLOCK_KERNEL(cg_beta, struct krylov_scalars) {
    SHARED(double, cg_beta_values, KRYLOV_THREADS);
    SHARED(double, cg_beta_total, 1);
    double *s = ARG.scalars;
    if (!ARG.option) krylov_totals(ARG.partials, ARG.slabs, 1, cg_beta_values, cg_beta_total);
    if (THREAD == 0) {
        s[KRYLOV_RHO] = ARG.option ? s[KRYLOV_SQUARE] : cg_beta_total[0];
        s[KRYLOV_BETA] = s[KRYLOV_FRESH] != 0 ? 0 : s[KRYLOV_RHO] / s[KRYLOV_RHO_OLD];
    }
}

/* w <- x + beta w; with beta = 0, w is not read. */
KERNEL(cg_direction, struct krylov_vectors) {
    const double *RESTRICT z = ARG.x;
    double *RESTRICT p = ARG.w;
    double beta = ARG.scalars[KRYLOV_BETA];
    u64 i;
    for (i = INDEX; i < ARG.rows; i += STRIDE) p[i] = beta == 0 ? LOAD(z + i) : LOAD(z + i) + beta * p[i];
}

/* alpha = rho / p q, zero if CG breaks down. */
BLOCK_KERNEL(cg_alpha, struct krylov_scalars) {
    SHARED(double, cg_alpha_values, 3 * KRYLOV_THREADS);
    SHARED(double, cg_alpha_totals, 3);
    double *s = ARG.scalars;
    krylov_totals(ARG.partials, ARG.slabs, 3, cg_alpha_values, cg_alpha_totals);
    if (THREAD == 0) {
        double rho = s[KRYLOV_RHO], pq = cg_alpha_totals[0], alpha = rho / pq;
        s[KRYLOV_XY] = pq;
        s[KRYLOV_XX] = cg_alpha_totals[1];
        s[KRYLOV_YY] = cg_alpha_totals[2];
        s[KRYLOV_ALPHA] = rho > 0 && pq > 0 && krylov_finite(alpha) && krylov_finite(pq) ? alpha : 0;
        s[KRYLOV_RHO_OLD] = rho;
        s[KRYLOV_FRESH] = 0;
    }
}

/* rho = shadow r; beta = rho / rho_old * alpha / omega, zero at a start. */
BLOCK_KERNEL(bicgstab_beta, struct krylov_scalars) {
    SHARED(double, bicgstab_beta_values, KRYLOV_THREADS);
    SHARED(double, bicgstab_beta_total, 1);
    double *s = ARG.scalars;
    krylov_totals(ARG.partials, ARG.slabs, 1, bicgstab_beta_values, bicgstab_beta_total);
    if (THREAD == 0) {
        double rho = bicgstab_beta_total[0];
        s[KRYLOV_RHO] = rho;
        s[KRYLOV_BETA] = s[KRYLOV_FRESH] != 0 ? 0 : rho / s[KRYLOV_RHO_OLD] * (s[KRYLOV_ALPHA] / s[KRYLOV_OMEGA]);
        s[KRYLOV_CODE] =
            fabs(rho) <= ARG.tolerance * s[KRYLOV_SHADOW] * s[KRYLOV_NORM] ? BICGSTAB_RHO : BICGSTAB_FINE;
    }
}

/* w <- x + beta (w - omega y); with beta = 0, w and y are not read. */
KERNEL(bicgstab_direction, struct krylov_vectors) {
    const double *RESTRICT r = ARG.x, *RESTRICT v = ARG.y;
    double *RESTRICT p = ARG.w;
    double beta = ARG.scalars[KRYLOV_BETA], omega = ARG.scalars[KRYLOV_OMEGA];
    u64 i;
    for (i = INDEX; i < ARG.rows; i += STRIDE)
        p[i] = beta == 0 ? LOAD(r + i) : LOAD(r + i) + beta * (p[i] - omega * LOAD(v + i));
}

/* alpha = rho / shadow v, zero if there is no step. */
BLOCK_KERNEL(bicgstab_alpha, struct krylov_scalars) {
    SHARED(double, bicgstab_alpha_values, 2 * KRYLOV_THREADS);
    SHARED(double, bicgstab_alpha_totals, 2);
    double *s = ARG.scalars;
    krylov_totals(ARG.partials, ARG.slabs, 2, bicgstab_alpha_values, bicgstab_alpha_totals);
    if (THREAD == 0) {
        double pivot = bicgstab_alpha_totals[0], length = sqrt(bicgstab_alpha_totals[1]);
        double alpha = s[KRYLOV_RHO] / pivot;
        s[KRYLOV_XX] = bicgstab_alpha_totals[1];
        if (s[KRYLOV_CODE] == BICGSTAB_FINE) {
            if (!krylov_finite(length) || alpha != alpha) s[KRYLOV_CODE] = BICGSTAB_NOT_FINITE;
            else if (fabs(pivot) <= ARG.tolerance * s[KRYLOV_SHADOW] * length) s[KRYLOV_CODE] = BICGSTAB_PIVOT;
        }
        s[KRYLOV_ALPHA] = s[KRYLOV_CODE] == BICGSTAB_FINE ? alpha : 0;
        s[KRYLOV_FRESH] = 0;
    }
}

/* omega = t s / t t, zero if there is no step. */
BLOCK_KERNEL(bicgstab_omega, struct krylov_scalars) {
    SHARED(double, bicgstab_omega_values, 2 * KRYLOV_THREADS);
    SHARED(double, bicgstab_omega_totals, 2);
    double *s = ARG.scalars;
    krylov_totals(ARG.partials, ARG.slabs, 2, bicgstab_omega_values, bicgstab_omega_totals);
    if (THREAD == 0) {
        double ts = bicgstab_omega_totals[0], tt = bicgstab_omega_totals[1];
        s[KRYLOV_XX] = tt;
        if (!krylov_finite(ts) || !krylov_finite(tt)) s[KRYLOV_CODE] = BICGSTAB_NOT_FINITE;
        else if (fabs(ts) <= ARG.tolerance * sqrt(tt) * s[KRYLOV_NORM]) s[KRYLOV_CODE] = BICGSTAB_OMEGA;
        s[KRYLOV_OMEGA] = s[KRYLOV_CODE] == BICGSTAB_FINE ? ts / tt : 0;
        s[KRYLOV_RHO_OLD] = s[KRYLOV_RHO];
    }
}

/* v and the first vector of the basis <- w / norm; z <- x, the start to which directions are added (in place
 * of `directions` and `column`). */
KERNEL(fgmres_start, struct fgmres) {
    const double *RESTRICT r = ARG.w, *RESTRICT x = ARG.z;
    double *RESTRICT v = ARG.v, *RESTRICT basis = ARG.basis, *RESTRICT start = ARG.directions;
    double norm = ARG.scalars[KRYLOV_NORM];
    u64 i;
    for (i = INDEX; i < ARG.rows; i += STRIDE) {
        double value = LOAD(r + i) / norm;
        v[i] = value;
        basis[i] = value;
        start[i] = LOAD(x + i);
    }
}

/* w <- w - sum of coefficients(i) v_i over i <= j, if option & 1; then the sums of v_i w, of all i if
 * option & 2, and of w w: partials(i,block), with w w as number j + 1. */
BLOCK_KERNEL(fgmres_project, struct fgmres) {
    SHARED(double, project_values, FGMRES_BATCH * KRYLOV_THREADS);
    const double *RESTRICT basis = ARG.basis, *RESTRICT c = ARG.coefficients;
    double *RESTRICT w = ARG.w;
    double own[FGMRES_ROWS];
    u32 j = (u32)ARG.scalars[KRYLOV_STEP], i, q, r;
    u64 first = (u64)BLOCK * FGMRES_ROWS * KRYLOV_THREADS + THREAD, rows = ARG.rows;
    u32 column = THREAD / (KRYLOV_THREADS / FGMRES_BATCH), lane = THREAD % (KRYLOV_THREADS / FGMRES_BATCH);
#pragma unroll
    for (r = 0; r < FGMRES_ROWS; r++) {
        u64 row = first + r * KRYLOV_THREADS;
        own[r] = row < rows ? w[row] : 0;
    }
    if (ARG.option & 1) {
#pragma unroll 2
        for (i = 0; i <= j; i++) {
            double factor = LOAD(c + i);
#pragma unroll
            for (r = 0; r < FGMRES_ROWS; r++) {
                u64 row = first + r * KRYLOV_THREADS;
                if (row < rows) own[r] -= factor * LOAD(basis + i * rows + row);
            }
        }
#pragma unroll
        for (r = 0; r < FGMRES_ROWS; r++) {
            u64 row = first + r * KRYLOV_THREADS;
            if (row < rows) w[row] = own[r];
        }
    }
    for (i = ARG.option & 2 ? 0 : j + 1; i <= j + 1; i += FGMRES_BATCH) {
        double sum = 0;
#pragma unroll
        for (q = 0; q < FGMRES_BATCH; q++) {
            double value = 0;
#pragma unroll
            for (r = 0; r < FGMRES_ROWS; r++) {
                u64 row = first + r * KRYLOV_THREADS;
                if (i + q == j + 1) value += own[r] * own[r];
                else if (i + q <= j && row < rows) value += LOAD(basis + (i + q) * rows + row) * own[r];
            }
            project_values[q * KRYLOV_THREADS + THREAD] = value;
        }
        BARRIER();
        for (q = lane; q < KRYLOV_THREADS; q += KRYLOV_THREADS / FGMRES_BATCH)
            sum += project_values[column * KRYLOV_THREADS + q];
        for (q = KRYLOV_THREADS / FGMRES_BATCH / 2; q > 0; q /= 2)
            sum += SHUFFLE_DOWN(sum, q, KRYLOV_THREADS / FGMRES_BATCH);
        if (lane == 0 && i + column <= j + 1) ARG.partials[(u64)(i + column) * BLOCKS + BLOCK] = sum;
        BARRIER();
    }
}

/* A block for each sum of fgmres_project. Option 0 sets the coefficients of w along the basis, and its
 * length; option 1 adds to them; option 2 sets the remaining length, which ends the step. */
BLOCK_KERNEL(fgmres_total, struct fgmres) {
    SHARED(double, fgmres_values, KRYLOV_THREADS);
    SHARED(double, fgmres_sum, 1);
    double *s = ARG.scalars, *h = s + KRYLOV_HEAD;
    u32 j = (u32)s[KRYLOV_STEP], column = ARG.option == 2 ? j + 1 : BLOCK;
    if (column > j + 1) return;
    krylov_totals(ARG.partials + (u64)column * ARG.slabs, ARG.slabs, 1, fgmres_values, fgmres_sum);
    if (THREAD == 0) {
        double sum = fgmres_sum[0];
        if (ARG.option == 2) {
            s[KRYLOV_REST] = sqrt(sum);
            s[KRYLOV_STEP] = j + 1;
        } else if (column == j + 1) {
            if (ARG.option == 0) s[KRYLOV_LENGTH] = sqrt(sum);
        } else {
            h[column] = ARG.option == 0 ? sum : h[column] + sum;
            ARG.column[column] = sum;
        }
    }
}

/* v and vector j of the basis <- w / rest; with z, direction j - 1 <- z. */
KERNEL(fgmres_store, struct fgmres) {
    const double *RESTRICT w = ARG.w, *RESTRICT z = ARG.z;
    double *RESTRICT v = ARG.v;
    u64 j = (u64)ARG.scalars[KRYLOV_STEP], i;
    double rest = ARG.scalars[KRYLOV_REST];
    double *RESTRICT basis = ARG.basis + j * ARG.rows;
    double *RESTRICT direction = ARG.directions + (j - 1) * ARG.rows;
    for (i = INDEX; i < ARG.rows; i += STRIDE) {
        double value = LOAD(w + i) / rest;
        v[i] = value;
        basis[i] = value;
        if (ARG.option) direction[i] = LOAD(z + i);
    }
}

/* w <- z + sum of coefficients(i) times direction i. */
KERNEL(fgmres_add, struct fgmres) {
    const double *RESTRICT start = ARG.z, *RESTRICT y = ARG.coefficients, *RESTRICT directions = ARG.directions;
    u32 j, count = (u32)ARG.scalars[KRYLOV_STEP];
    u64 i;
    for (i = INDEX; i < ARG.rows; i += STRIDE) {
        double sum = LOAD(start + i);
#pragma unroll 4
        for (j = 0; j < count; j++) {
            double factor = LOAD(y + j);
            if (factor != 0) sum += factor * LOAD(directions + j * ARG.rows + i);
        }
        ARG.w[i] = sum;
    }
}
