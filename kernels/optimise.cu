/* Steps of optimisers. With s bytes a value:
 *
 *   adam             8 s per value (four read, one of them units; three written), 7 s without units
 *   not_finite       s per value
 */

struct adam {
    REAL *values;
    const REAL *gradient, *units;
    REAL *first, *second;
    double keep, beta1, beta2, rate, correction, epsilon;
    u64 count;
};

/* m <- b1 m + (1 - b1) g, v <- b2 v + (1 - b2) g^2, w <- keep w - unit rate m / (sqrt(correction v) + epsilon) with
 * g the gradient times the unit; in the precision of the values throughout, as on the host. */
KERNEL(adam, struct adam) {
    u64 q = INDEX;
    REAL unit, g, m, v, size, b1 = (REAL)ARG.beta1, b2 = (REAL)ARG.beta2;
    if (q >= ARG.count) return;
    unit = ARG.units ? ARG.units[q] : (REAL)1;
    g = ARG.gradient[q] * unit;
    m = b1 * ARG.first[q] + ((REAL)1 - b1) * g;
    v = b2 * ARG.second[q] + ((REAL)1 - b2) * g * g;
    ARG.first[q] = m;
    ARG.second[q] = v;
    /* The root in double precision, rounded, is the root in single precision. */
    size = (REAL)sqrt((double)(v * (REAL)ARG.correction)) + (REAL)ARG.epsilon;
    ARG.values[q] = ARG.values[q] * (REAL)ARG.keep - unit * (REAL)ARG.rate * m / size;
}

struct not_finite {
    const REAL *values;
    u32 *flag;
    u64 count;
};

/* flag <- 1 if a value is infinite or NaN; all threads that write write the same value. */
KERNEL(not_finite, struct not_finite) {
    u64 q = INDEX;
    REAL v;
    if (q >= ARG.count) return;
    v = ARG.values[q];
    if (!(v - v == 0)) RAISE(ARG.flag);
}
