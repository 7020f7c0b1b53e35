/* CUDA on a processor, as far as our kernels use it: threads of a block as coroutines that run to the next
 * barrier. Compiled by any C compiler; used by tests only. See runtime.c. */
#include <math.h>
#include <stdint.h>
#include <stddef.h>

#define RESTRICT restrict
#define DEVICE static inline
typedef uint32_t u32;
typedef uint64_t u64;

extern _Thread_local u32 emulated_thread, emulated_threads, emulated_block, emulated_blocks;
void *emulated_shared(void);
void emulated_barrier(void);
double emulated_shuffle_down(double value, u32 distance, u32 width);

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
#define SHARED(type, name, count) static _Thread_local type name[count]
#define DYNAMIC_SHARED(type, name) type *name = (type *)emulated_shared()
#define BARRIER() emulated_barrier()
#define THREAD emulated_thread
#define THREADS emulated_threads
#define BLOCK emulated_block
#define BLOCKS emulated_blocks
#define SHUFFLE_DOWN(value, distance, width) emulated_shuffle_down((value), (distance), (width))
#define LOAD(pointer) (*(pointer))

/* One line of the table of kernels. */
struct emulated_kernel {
    const char *name;
    void (*thread)(const void *);
    u32 bytes;
    u32 meets;
};
#define EMULATED(name) { #name, JOIN(name, thread), JOIN(name, bytes), JOIN(name, meets) }
