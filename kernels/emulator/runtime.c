/* Runs kernels on a processor: blocks one after another, the threads of a block as coroutines.
 *
 * It is stricter than a card: a thread that ends while others wait at a barrier is an error, as are threads
 * that wait in different kinds of meeting. Threads run in ascending or descending order (a kernel that lacks a
 * barrier gives other results in one of them). */
#define _XOPEN_SOURCE 700
#include "shim.h"
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#define MOST_THREADS 1024
#define STACK (96 * 1024)
#define WARP_LANES 32

_Thread_local u32 emulated_thread, emulated_threads, emulated_block, emulated_blocks;

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

void *emulated_shared(void) { return shared; }

static void pause_as(enum state state) {
    u32 own = emulated_thread;
    fibres[own].state = state;
    swapcontext(&fibres[own].context, &scheduler);
    emulated_thread = own;
}

void emulated_barrier(void) { pause_as(AT_BARRIER); }

double emulated_shuffle_down(double value, u32 distance, u32 width) {
    u32 own = emulated_thread, lane = own % width;
    double got;
    fibres[own].offered = value;
    pause_as(IN_SHUFFLE);
    got = lane + distance < width ? fibres[own + distance].offered : value;
    pause_as(IN_SHUFFLE);
    return got;
}

static void start(void) {
    entry(entry_arguments);
    fibres[emulated_thread].state = DONE;
    swapcontext(&fibres[emulated_thread].context, &scheduler);
}

/* Threads whose state is not `state`, among [first, end). */
static u32 others(u32 first, u32 end, enum state state) {
    u32 t, count = 0;
    for (t = first; t < end; t++) count += fibres[t].state != state;
    return count;
}

/* One block: 0, or 3 where threads that should meet do not. */
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
            emulated_thread = t;
            swapcontext(&scheduler, &fibres[t].context);
            ran = 1;
        }
        if (others(0, threads, DONE) == 0) return 0;
        if (others(0, threads, AT_BARRIER) == 0) {
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

/* 0 done; 1 no such kernel; 2 arguments of another size; 3 threads that do not meet; 4 no memory, or too many
 * threads. */
int emulate(const struct emulated_kernel *table, size_t kernels, const char *name, u32 blocks, u32 threads,
            size_t dynamic, const void *arguments, size_t bytes, int descending) {
    size_t q;
    u32 b, t;
    for (q = 0; q < kernels && strcmp(table[q].name, name) != 0; q++) {}
    if (q == kernels) return 1;
    if (table[q].bytes != bytes) return 2;
    if (threads > MOST_THREADS) return 4;
    if (table[q].meets && !fibres) {
        fibres = malloc(MOST_THREADS * sizeof *fibres);
        stacks = malloc((size_t)MOST_THREADS * STACK);
        if (!fibres || !stacks) return 4;
    }
    if (dynamic > shared_bytes) {
        free(shared);
        shared = malloc(dynamic);
        shared_bytes = shared ? dynamic : 0;
        if (!shared) return 4;
    }
    entry = table[q].thread;
    entry_arguments = arguments;
    emulated_threads = threads;
    emulated_blocks = blocks;
    for (b = 0; b < blocks; b++) {
        emulated_block = descending ? blocks - 1 - b : b;
        if (dynamic) memset(shared, 0xff, dynamic);
        if (table[q].meets) {
            int problem = run_block(threads, descending);
            if (problem) return problem;
        } else {
            for (t = 0; t < threads; t++) {
                emulated_thread = descending ? threads - 1 - t : t;
                table[q].thread(arguments);
            }
        }
    }
    return 0;
}
