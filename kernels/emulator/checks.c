/* Checks every access of a kernel to memory. The kernels are compiled with -fsanitize=thread, which calls a
 * function before each access; this file defines them. They find
 *
 *   accesses outside all buffers, and reads of uninitialised memory,
 *   races: two threads at one place, one of which writes, with no barrier of their block between them (flags that
 *   many threads raise may be written by all of them, but no thread may read them or write anything else there),
 *   writes to memory read as constant (LOAD) in the same launch, and packs that are not aligned.
 *
 * A shuffle does not order accesses, as on a GPU. Blocks never order each other. Without this compiler option
 * nothing is checked. */
#include "shim.h"
#include <string.h>

#define MOST_ARRAYS 16

static _Thread_local const struct emulated_launch *launch;
static _Thread_local struct emulated_fault fault;
static _Thread_local const struct emulated_buffer *recent;
static _Thread_local uintptr_t stacks_from, stacks_to, stack_top;
/* The number of barriers that the block has passed. */
static _Thread_local u32 section;
/* Shared memory of the running block; its cells are kept from block to block and launch to launch. */
static _Thread_local struct array {
    uintptr_t from, to;
    struct emulated_cell *cells;
    size_t room;
    u32 block;
} arrays[MOST_ARRAYS];
static _Thread_local u32 array_count;
/* Counts blocks of all launches of this thread. */
static _Thread_local u32 block_number;

void *calloc(size_t, size_t);
void free(void *);

static void found(u32 kind, u32 other, u64 offset, u64 bytes) {
    if (fault.kind == FAULT_NONE) {
        fault.kind = kind;
        fault.block = emulated.block;
        fault.thread = emulated.thread;
        fault.other = other;
        fault.offset = offset;
        fault.bytes = bytes;
    }
    if (kind == FAULT_OUTSIDE || kind == FAULT_ALIGNMENT) emulated_give_up();
}

enum access { READ, CONSTANT, WRITE, RAISE };

/* The thread that has raised a flag: any thread, so that no other access to it is ordered. */
#define ANYBODY (~0u)

/* An access to one cell; `stamp` tells launches apart, or blocks in shared memory. */
static void touch(struct emulated_cell *c, enum access access, u32 stamp, int shared, u64 offset, u64 bytes) {
    u32 own = emulated.block * emulated.threads + emulated.thread;
    if (c->write_launch == stamp && c->writer != (access == RAISE ? ANYBODY : own)) {
        int ordered = c->writer != ANYBODY && c->writer / emulated.threads == emulated.block &&
                      c->write_section != section;
        if (!ordered) {
            found(FAULT_RACE, c->writer == ANYBODY ? own : c->writer, offset, bytes);
            return;
        }
    }
    if (access == WRITE || access == RAISE) {
        if (c->read_launch == stamp) {
            int ordered = !c->blocks && c->reader / emulated.threads == emulated.block &&
                          (c->read_section != section || (!c->readers && c->reader == own));
            if (c->constant) found(FAULT_CONSTANT, c->reader, offset, bytes);
            else if (!ordered) found(FAULT_RACE, c->reader, offset, bytes);
        }
        c->write_launch = stamp;
        c->writer = access == RAISE ? ANYBODY : own;
        c->write_section = section;
        c->defined = 1;
        return;
    }
    if (shared ? c->write_launch != stamp : !c->defined) {
        found(FAULT_UNDEFINED, own, offset, bytes);
        return;
    }
    if (access == CONSTANT && c->write_launch == stamp) {
        found(FAULT_CONSTANT, c->writer, offset, bytes);
        return;
    }
    if (c->read_launch != stamp) {
        c->read_launch = stamp;
        c->readers = c->blocks = c->constant = 0;
    } else if (c->reader / emulated.threads != emulated.block) {
        c->blocks = 1;
        c->readers = 0;
    } else if (c->read_section != section) {
        c->readers = 0;
    } else if (c->reader != own) {
        c->readers = 1;
    }
    c->reader = own;
    c->read_section = section;
    c->constant |= access == CONSTANT;
}

/* Bytes [at, at + bytes) of memory that starts at `from`. */
static void touch_all(struct emulated_cell *cells, uintptr_t from, uintptr_t to, uintptr_t at, u32 bytes,
                      enum access access, u32 stamp, int shared) {
    u64 offset = at - from, cell;
    if (at + bytes > to) {
        found(FAULT_OUTSIDE, 0, offset, to - from);
        return;
    }
    for (cell = offset / 4; cell <= (offset + bytes - 1) / 4; cell++)
        touch(&cells[cell], access, stamp, shared, offset, to - from);
}

/* The buffer that starts at an address or before it. */
static const struct emulated_buffer *buffer_before(uintptr_t at) {
    u64 low = 0, high = launch->count;
    while (low < high) {
        u64 middle = low + (high - low) / 2;
        if (launch->buffers[middle].from <= at) low = middle + 1;
        else high = middle;
    }
    return low == 0 ? 0 : &launch->buffers[low - 1];
}

static const struct emulated_buffer *buffer_of(uintptr_t at) {
    if (!recent || at < recent->from || at >= recent->to) recent = buffer_before(at);
    return recent && at < recent->to ? recent : 0;
}

static void found_near(u32 kind, uintptr_t at) {
    const struct emulated_buffer *b = buffer_before(at);
    found(kind, 0, b ? at - b->from : at, b ? b->to - b->from : 0);
}

static void access_at(const void *pointer, u32 bytes, enum access access) {
    uintptr_t at = (uintptr_t)pointer, here = (uintptr_t)&at;
    const struct emulated_buffer *buffer;
    u32 q;
    if (!launch || bytes == 0 || at - (uintptr_t)&emulated < sizeof emulated) return;
    buffer = buffer_of(at);
    if (buffer) {
        touch_all(buffer->cells, buffer->from, buffer->to, at, bytes, access, launch->number, 0);
        return;
    }
    for (q = 0; q < array_count; q++) {
        struct array *a = &arrays[q];
        if (at >= a->from && at < a->to) {
            touch_all(a->cells, a->from, a->to, at, bytes, access, block_number, 1);
            return;
        }
    }
    if (at - (uintptr_t)launch->arguments < launch->argument_bytes) return;
    if (at >= stacks_from && at < stacks_to) return;
    if (!(here >= stacks_from && here < stacks_to) && at >= here && at < stack_top) return;
    found_near(FAULT_OUTSIDE, at);
}

const void *emulated_constant(const void *start, u32 bytes) {
    access_at(start, bytes, CONSTANT);
    return start;
}

void emulated_aligned(const void *start) {
    if ((uintptr_t)start % 16) found_near(FAULT_ALIGNMENT, (uintptr_t)start);
}

void emulated_raise(u32 *flag) {
    access_at(flag, sizeof *flag, RAISE);
    *flag = 1;
}

void emulated_declare(void *start, size_t bytes) {
    struct array *a = 0;
    u32 q;
    for (q = 0; q < array_count; q++) {
        if (arrays[q].from == (uintptr_t)start && arrays[q].block == block_number) return;
    }
    if (array_count == MOST_ARRAYS) return;
    a = &arrays[array_count++];
    if (a->room < bytes) {
        free(a->cells);
        a->room = bytes;
        a->cells = calloc((bytes + 3) / 4, sizeof *a->cells);
    }
    a->from = (uintptr_t)start;
    a->to = a->cells ? a->from + bytes : a->from;
    a->block = block_number;
}

void emulated_begin(const struct emulated_launch *l, const void *stacks, size_t stack_bytes) {
    static const struct emulated_fault none;
    fault = none;
    recent = 0;
    stacks_from = (uintptr_t)stacks;
    stacks_to = stacks_from + stack_bytes;
    stack_top = (uintptr_t)l;
    launch = l;
}

void emulated_begin_block(void *shared, size_t bytes) {
    block_number++;
    section = 0;
    array_count = 0;
    if (bytes) emulated_declare(shared, bytes);
}

void emulated_next_section(void) { section++; }

struct emulated_fault emulated_end(void) {
    launch = 0;
    return fault;
}

/* Functions called by instrumented code. */
#define ACCESSES(bytes) \
    void __tsan_read##bytes(void *p) { access_at(p, bytes, READ); } \
    void __tsan_write##bytes(void *p) { access_at(p, bytes, WRITE); } \
    void __tsan_unaligned_read##bytes(void *p) { access_at(p, bytes, READ); } \
    void __tsan_unaligned_write##bytes(void *p) { access_at(p, bytes, WRITE); }
ACCESSES(1)
ACCESSES(2)
ACCESSES(4)
ACCESSES(8)
ACCESSES(16)
void __tsan_read_range(void *p, size_t bytes) { access_at(p, (u32)bytes, READ); }
void __tsan_write_range(void *p, size_t bytes) { access_at(p, (u32)bytes, WRITE); }
void *__tsan_memcpy(void *to, const void *from, size_t bytes) {
    access_at(from, (u32)bytes, READ);
    access_at(to, (u32)bytes, WRITE);
    return memcpy(to, from, bytes);
}
void *__tsan_memmove(void *to, const void *from, size_t bytes) {
    access_at(from, (u32)bytes, READ);
    access_at(to, (u32)bytes, WRITE);
    return memmove(to, from, bytes);
}
void *__tsan_memset(void *to, int value, size_t bytes) {
    access_at(to, (u32)bytes, WRITE);
    return memset(to, value, bytes);
}
void __tsan_init(void) {}
void __tsan_func_entry(void *caller) { (void)caller; }
void __tsan_func_exit(void) {}
