/* Runs kernels on the CPU: blocks one after another, the threads of a block as coroutines.
 *
 * It is stricter than a GPU: a thread that ends while others wait at a barrier is an error, as are threads
 * that wait in different kinds of barrier. Threads run in ascending or descending order. Their accesses to
 * memory are checked in checks.c. */
#define _XOPEN_SOURCE 700
#include "shim.h"
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#define MOST_THREADS 1024
#define STACK (96 * 1024)
#define WARP_LANES 32

_Thread_local struct emulated_place emulated;

enum state { RUNS, AT_BARRIER, IN_SHUFFLE, DONE };

struct fibre {
    ucontext_t context;
    enum state state;
    double offered;
};

static _Thread_local ucontext_t scheduler;
static _Thread_local struct fibre *fibres;
static _Thread_local char *stacks;
static _Thread_local void (*entry)(const void *);
static _Thread_local const void *entry_arguments;
static _Thread_local void *shared;
static _Thread_local size_t shared_bytes;

static _Thread_local int in_fibres;
static _Thread_local jmp_buf given_up;

void *emulated_shared(void) { return shared; }

static void pause_as(enum state state) {
    u32 own = emulated.thread;
    fibres[own].state = state;
    swapcontext(&fibres[own].context, &scheduler);
    emulated.thread = own;
}

void emulated_barrier(void) { pause_as(AT_BARRIER); }

double emulated_shuffle_down(double value, u32 distance, u32 width) {
    u32 own = emulated.thread, lane = own % width;
    double got;
    fibres[own].offered = value;
    pause_as(IN_SHUFFLE);
    got = lane + distance < width ? fibres[own + distance].offered : value;
    pause_as(IN_SHUFFLE);
    return got;
}

void emulated_give_up(void) {
    if (!in_fibres) longjmp(given_up, 1);
    pause_as(DONE);
}

static void start(void) {
    entry(entry_arguments);
    fibres[emulated.thread].state = DONE;
    swapcontext(&fibres[emulated.thread].context, &scheduler);
}

/* Threads whose state is not `state`, among [first, end). */
static u32 others(u32 first, u32 end, enum state state) {
    u32 t, count = 0;
    for (t = first; t < end; t++) count += fibres[t].state != state;
    return count;
}

/* One block: 0, or 3 if threads do not meet at a barrier. */
static int run_block(u32 threads, int descending) {
    u32 t, step;
    for (t = 0; t < threads; t++) {
        struct fibre *f = &fibres[t];
        getcontext(&f->context);
        f->context.uc_stack.ss_sp = stacks + (size_t)t * STACK;
        f->context.uc_stack.ss_size = STACK;
        f->context.uc_link = 0;
        makecontext(&f->context, start, 0);
        f->state = RUNS;
    }
    for (;;) {
        u32 ran = 0, warp;
        for (step = 0; step < threads; step++) {
            t = descending ? threads - 1 - step : step;
            if (fibres[t].state != RUNS) continue;
            emulated.thread = t;
            swapcontext(&scheduler, &fibres[t].context);
            ran = 1;
        }
        if (others(0, threads, DONE) == 0) return 0;
        if (others(0, threads, AT_BARRIER) == 0) {
            emulated_next_section();
            for (t = 0; t < threads; t++) fibres[t].state = RUNS;
            continue;
        }
        for (warp = 0; warp < threads; warp += WARP_LANES) {
            u32 end = warp + WARP_LANES < threads ? warp + WARP_LANES : threads;
            if (others(warp, end, IN_SHUFFLE) != 0) continue;
            for (t = warp; t < end; t++) fibres[t].state = RUNS;
            ran = 2;
        }
        if (ran != 2) return 3;
    }
}

/* One block whose threads do not meet, until one fails. */
static void run_flat(u32 threads, int descending) {
    volatile u32 step;
    if (setjmp(given_up) != 0) return;
    for (step = 0; step < threads; step++) {
        emulated.thread = descending ? threads - 1 - step : step;
        entry(entry_arguments);
    }
}

/* Runs a launch to its end, or to the first block that fails; returns its first error. */
struct emulated_fault emulate(const struct emulated_launch *launch) {
    struct emulated_fault fault = {0};
    const struct emulated_kernel *kernel = launch->table;
    u32 b;
    while (kernel->name && strcmp(kernel->name, launch->name) != 0) kernel++;
    if (!kernel->name) fault.kind = FAULT_NO_KERNEL;
    else if (kernel->bytes != launch->argument_bytes) fault.kind = FAULT_ARGUMENTS;
    else if (launch->threads > MOST_THREADS) fault.kind = FAULT_MEMORY;
    else if (kernel->meets && !fibres) {
        fibres = malloc(MOST_THREADS * sizeof *fibres);
        stacks = malloc((size_t)MOST_THREADS * STACK);
        if (!fibres || !stacks) fault.kind = FAULT_MEMORY;
    }
    if (!fault.kind && launch->shared_bytes > shared_bytes) {
        free(shared);
        shared = malloc(launch->shared_bytes);
        shared_bytes = shared ? launch->shared_bytes : 0;
        if (!shared) fault.kind = FAULT_MEMORY;
    }
    if (fault.kind) return fault;
    entry = kernel->thread;
    entry_arguments = launch->arguments;
    emulated.threads = launch->threads;
    emulated.blocks = launch->blocks;
    emulated_begin(launch, stacks, kernel->meets ? (size_t)MOST_THREADS * STACK : 0);
    for (b = 0; b < launch->blocks; b++) {
        emulated.block = launch->descending ? launch->blocks - 1 - b : b;
        if (launch->shared_bytes) memset(shared, 0xff, launch->shared_bytes);
        emulated_begin_block(shared, launch->shared_bytes);
        in_fibres = kernel->meets;
        if (in_fibres) {
            if (run_block(launch->threads, launch->descending) != 0) {
                fault = emulated_end();
                if (!fault.kind) fault.kind = FAULT_NO_MEETING;
                return fault;
            }
        } else {
            run_flat(launch->threads, launch->descending);
        }
    }
    return emulated_end();
}
