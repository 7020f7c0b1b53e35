/* Kernels with the faults that checks.c must find. They are in the emulator only. Each has a correct and a faulty
 * form: faulty if `wrong` is not zero. */
struct faulty {
    const REAL *x;
    REAL *y;
    u32 n, wrong;
};

/* y <- x; wrong: one more thread than there are values. */
KERNEL(fault_outside, struct faulty) {
    u64 i = INDEX;
    if (i < ARG.n + ARG.wrong) ARG.y[i] = ARG.x[i];
}

/* y <- x far away. */
KERNEL(fault_far_outside, struct faulty) {
    u64 i = INDEX;
    if (i < ARG.n) ARG.y[i] = ARG.x[i + ((u64)ARG.wrong << 40)];
}

/* y <- x + y, where y may never have been written. */
KERNEL(fault_undefined, struct faulty) {
    u64 i = INDEX;
    if (i < ARG.n) ARG.y[i] = ARG.wrong ? ARG.x[i] + ARG.y[i] : ARG.x[i];
}

/* y(i) <- x(i), y(i+1) <- x(i): two threads, of one block or of two. */
KERNEL(fault_two_writers, struct faulty) {
    u64 i = INDEX;
    if (i < ARG.n) ARG.y[i] = ARG.x[i];
    if (ARG.wrong && i + 1 < ARG.n) ARG.y[i + 1] = ARG.x[i];
}

/* y <- y read one further on, in place. */
KERNEL(fault_neighbour, struct faulty) {
    u64 i = INDEX;
    if (i + 1 < ARG.n) ARG.y[i] = ARG.wrong ? ARG.y[i + 1] : ARG.x[i + 1];
}

/* y <- x in place, read as constant. */
KERNEL(fault_constant, struct faulty) {
    u64 i = INDEX;
    if (i < ARG.n) {
        ARG.y[i] = ARG.x[i];
        if (ARG.wrong) ARG.y[i] += LOAD(ARG.y + i);
    }
}

/* y <- x by packs; wrong: from the second value on. */
KERNEL(fault_unaligned, struct faulty) {
    u64 q = INDEX * PACK;
    if (q + PACK <= ARG.n) store_pack(ARG.y + q, load_pack(ARG.x + q + (q == 0 ? ARG.wrong : 0)));
}

/* y(block) <- 1 + y(block), which all threads of the block read before one writes it. */
BLOCK_KERNEL(fault_readers, struct faulty) {
    REAL value = ARG.y[BLOCK];
    if (!ARG.wrong) BARRIER();
    if (THREAD == 0) ARG.y[BLOCK] = value + 1;
    else if (value < 0) ARG.y[ARG.n - 1 - INDEX % ARG.n] = value;
}

/* y <- x, and y(0) is raised by many; wrong: the last thread reads it. */
KERNEL(fault_raised, struct faulty) {
    u64 i = INDEX;
    if (i > 0 && i < ARG.n) ARG.y[i] = ARG.x[i];
    if (i + 1 < ARG.n) RAISE((u32 *)ARG.y);
    else if (i + 1 == ARG.n && ARG.wrong) ARG.y[i] = (REAL) * (u32 *)ARG.y;
}

/* y <- x reversed within each block, through shared memory. */
BLOCK_KERNEL(fault_no_barrier, struct faulty) {
    SHARED(REAL, fault_values, 1024);
    u64 i = INDEX;
    u32 other = THREADS - 1 - THREAD;
    fault_values[THREAD] = i < ARG.n ? ARG.x[i] : 0;
    if (!ARG.wrong) BARRIER();
    if (i < ARG.n) ARG.y[i] = fault_values[other];
}

/* The same in two rounds; wrong: the second overwrites values that the first still reads. */
BLOCK_KERNEL(fault_second_round, struct faulty) {
    SHARED(REAL, fault_rounds, 1024);
    u64 i = INDEX;
    u32 round;
    for (round = 0; round < 2; round++) {
        fault_rounds[THREAD] = i < ARG.n ? ARG.x[i] : 0;
        BARRIER();
        if (i < ARG.n) ARG.y[i] = fault_rounds[THREADS - 1 - THREAD];
        if (!ARG.wrong) BARRIER();
    }
}

/* y <- x through shared memory that only half of the threads write. */
BLOCK_KERNEL(fault_undefined_shared, struct faulty) {
    DYNAMIC_SHARED(REAL, values);
    u64 i = INDEX;
    if (!ARG.wrong || THREAD < THREADS / 2) values[THREAD] = i < ARG.n ? ARG.x[i] : 0;
    BARRIER();
    if (i < ARG.n) ARG.y[i] = values[THREADS - 1 - THREAD];
}

/* A barrier that one thread omits. */
BLOCK_KERNEL(fault_no_meeting, struct faulty) {
    u64 i = INDEX;
    if (!ARG.wrong || THREAD + 1 < THREADS) BARRIER();
    if (i < ARG.n) ARG.y[i] = ARG.x[i];
}
