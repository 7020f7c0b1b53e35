/* Vectors and diagonals. Every kernel reads its operands once and writes its result once; with s bytes a value:
 *
 *   combine          3 s per value, 2 s if y is not read
 *   diagonal         (2 or 3) s per value, s per row
 */

struct combine {
    const REAL *x;
    REAL *y;
    double alpha, beta;
    u64 count;
};

/* y <- alpha x + beta y; with beta = 0, y is not read. */
KERNEL(combine, struct combine) {
    u64 q = INDEX;
    REAL value;
    if (q >= ARG.count) return;
    value = (REAL)ARG.alpha * ARG.x[q];
    ARG.y[q] = ARG.beta == 0 ? value : value + (REAL)ARG.beta * ARG.y[q];
}
