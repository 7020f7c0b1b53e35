/* Random numbers from counters (Salmon et al., 2011: Philox4x32-10), so that a value depends on seed, stream and
 * index only. With s bytes a value:
 *
 *   normal_values    s per value written; bound by arithmetic
 *   philox_words     16 bytes per counter written (tests)
 */

struct philox_state {
    u32 c[4];
};

/* Four random words for a counter and a key. */
DEVICE struct philox_state philox(struct philox_state s, u32 k0, u32 k1) {
    u32 round;
    for (round = 0; round < 10; round++) {
        u64 p = (u64)0xD2511F53u * s.c[0], q = (u64)0xCD9E8D57u * s.c[2];
        struct philox_state n;
        n.c[0] = (u32)(q >> 32) ^ s.c[1] ^ k0;
        n.c[1] = (u32)q;
        n.c[2] = (u32)(p >> 32) ^ s.c[3] ^ k1;
        n.c[3] = (u32)p;
        s = n;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return s;
}

struct normal_values {
    REAL *out;
    u64 seed, stream, count;
};

/* Standard normal values (Box and Muller, 1958), two for each thread; computed in double precision and rounded. */
KERNEL(normal_values, struct normal_values) {
    u64 q = INDEX;
    struct philox_state s;
    double radius, angle;
    if (2 * q >= ARG.count) return;
    s.c[0] = (u32)q;
    s.c[1] = (u32)(q >> 32);
    s.c[2] = (u32)ARG.stream;
    s.c[3] = (u32)(ARG.stream >> 32);
    s = philox(s, (u32)ARG.seed, (u32)(ARG.seed >> 32));
    /* 53 bits each: the first in (0, 1], whose logarithm is finite, the second in [0, 1). */
    radius = (double)(((((u64)s.c[1] << 32) | s.c[0]) >> 11) + 1) * (1.0 / 9007199254740992.0);
    angle = (double)((((u64)s.c[3] << 32) | s.c[2]) >> 11) * (6.283185307179586 / 9007199254740992.0);
    radius = sqrt(-2.0 * log(radius));
    ARG.out[2 * q] = (REAL)(radius * cos(angle));
    if (2 * q + 1 < ARG.count) ARG.out[2 * q + 1] = (REAL)(radius * sin(angle));
}

struct philox_words {
    u32 *out;
    u64 count;
    u32 c0, c1, c2, c3, k0, k1;
};

/* The words of counters (c0 + q, c1, c2, c3). */
KERNEL(philox_words, struct philox_words) {
    u64 q = INDEX;
    struct philox_state s;
    u32 w;
    if (q >= ARG.count) return;
    s.c[0] = ARG.c0 + (u32)q;
    s.c[1] = ARG.c1;
    s.c[2] = ARG.c2;
    s.c[3] = ARG.c3;
    s = philox(s, ARG.k0, ARG.k1);
    for (w = 0; w < 4; w++) ARG.out[4 * q + w] = s.c[w];
}
