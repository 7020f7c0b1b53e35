/* The part of CUDA used by the kernels, on the CPU: threads of a block as coroutines that run to the next
 * barrier. Compiled by any C compiler; used by tests only. See runtime.c and checks.c. */
#include <math.h>
#include <stdint.h>
#include <stddef.h>

#define RESTRICT restrict
#define DEVICE static inline
typedef uint32_t u32;
typedef uint64_t u64;

/* Indices of the running thread. */
struct emulated_place {
    u32 thread, threads, block, blocks;
};
extern _Thread_local struct emulated_place emulated;
void *emulated_shared(void);
void emulated_barrier(void);
double emulated_shuffle_down(double value, u32 distance, u32 width);
/* Shared memory that a kernel declares. */
void emulated_declare(void *start, size_t bytes);
/* A read of memory that no thread of the launch writes. */
const void *emulated_constant(const void *start, u32 bytes);
/* Ends a thread that accesses 16 bytes at an address that is not a multiple of 16. */
void emulated_aligned(const void *start);
/* *flag <- 1, which many threads may do at once. */
void emulated_raise(u32 *flag);

/* A kernel `name` becomes a function that runs one thread of it. */
#define KERNEL(name, arguments) \
    static void JOIN(name, body)(const arguments ARG); \
    static void JOIN(name, thread)(const void *a) { JOIN(name, body)(*(const arguments *)a); } \
    enum { JOIN(name, bytes) = sizeof(arguments), JOIN(name, meets) = 0 }; \
    static void JOIN(name, body)(const arguments ARG)
#define BLOCK_KERNEL(name, arguments) \
    static void JOIN(name, body)(const arguments ARG); \
    static void JOIN(name, thread)(const void *a) { JOIN(name, body)(*(const arguments *)a); } \
    enum { JOIN(name, bytes) = sizeof(arguments), JOIN(name, meets) = 1 }; \
    static void JOIN(name, body)(const arguments ARG)
#define SHARED(type, name, count) \
    static _Thread_local type name[count]; \
    emulated_declare(name, sizeof name)
#define DYNAMIC_SHARED(type, name) type *name = (type *)emulated_shared()
#define BARRIER() emulated_barrier()
#define THREAD emulated.thread
#define THREADS emulated.threads
#define BLOCK emulated.block
#define BLOCKS emulated.blocks
#define SHUFFLE_DOWN(value, distance, width) emulated_shuffle_down((value), (distance), (width))
#define LOAD(pointer) (emulated_constant((pointer), sizeof *(pointer)), *(pointer))
#define RAISE(flag) emulated_raise(flag)
#define EXPECT_ALIGNED(pointer) emulated_aligned(pointer)

/* One line of the table of kernels. */
struct emulated_kernel {
    const char *name;
    void (*thread)(const void *);
    u32 bytes;
    u32 meets;
};
#define EMULATED(name) { #name, JOIN(name, thread), JOIN(name, bytes), JOIN(name, meets) }

/* The state of four bytes of memory: their last accesses. */
struct emulated_cell {
    /* Numbers of the launches, plus one for each block in shared memory; threads are numbered in the grid, and
     * `section` counts the barriers that the block has passed. */
    u32 write_launch, writer, write_section;
    u32 read_launch, reader, read_section;
    /* Of the reads: more than one thread in the section, more than one block, one that needs a constant. */
    unsigned char readers, blocks, constant;
    /* Whether they have ever been written. */
    unsigned char defined;
};

/* A buffer of the device, with a cell for each four bytes of it. */
struct emulated_buffer {
    uintptr_t from, to;
    struct emulated_cell *cells;
};

/* The first error of a launch. */
struct emulated_fault {
    u32 kind, block, thread, other;
    u64 offset, bytes;
};
enum {
    FAULT_NONE,
    FAULT_NO_KERNEL,
    FAULT_ARGUMENTS,
    FAULT_NO_MEETING,
    FAULT_MEMORY,
    FAULT_OUTSIDE,
    FAULT_UNDEFINED,
    FAULT_RACE,
    FAULT_CONSTANT,
    FAULT_ALIGNMENT
};

/* One launch. Buffers are sorted by address. */
struct emulated_launch {
    const struct emulated_kernel *table;
    const char *name;
    const void *arguments;
    u64 argument_bytes;
    u64 shared_bytes;
    const struct emulated_buffer *buffers;
    u64 count;
    u32 blocks, threads, descending, number;
};

/* checks.c: notifications from runtime.c. */
void emulated_begin(const struct emulated_launch *launch, const void *stacks, size_t stack_bytes);
void emulated_begin_block(void *shared, size_t bytes);
void emulated_next_section(void);
struct emulated_fault emulated_end(void);
/* runtime.c: ends the running thread. */
void emulated_give_up(void);
