/* The common base of all kernel files. It is both CUDA C++ for NVRTC and C99 for the emulator, so kernels
 * use the common subset: structs, plain functions, no templates, no overloading, no headers.
 *
 * The sources are compiled once for each precision:
 *
 *   suffix   REAL (stored)   ACC (sums)
 *   f64      double          double
 *   f32      float           float
 *   mixed    float           double
 *
 * A kernel takes one struct by value, ARG, that the host fills:
 *
 *   KERNEL(name, struct arguments) { ... }        threads do not wait for each other
 *   BLOCK_KERNEL(name, struct arguments) { ... }  threads of a block meet at barriers or in warps
 *
 * Blocks and grids have one dimension. The order of sums does not depend on the GPU, products and
 * sums are not fused (--fmad=false), and no kernel uses floating-point atomics: the bits are the same on
 * every run and every GPU.
 */

#define JOIN2(a, b) a##_##b
#define JOIN(a, b) JOIN2(a, b)

#ifdef __CUDACC_RTC__
#define RESTRICT __restrict__
#define DEVICE static __device__ __forceinline__
#define KERNEL(name, arguments) extern "C" __global__ void JOIN(name, SUFFIX)(const arguments ARG)
#define BLOCK_KERNEL(name, arguments) KERNEL(name, arguments)
#define SHARED(type, name, count) __shared__ type name[count]
/* All dynamic shared memory of the block, as this type. */
#define DYNAMIC_SHARED(type, name) \
    extern __shared__ __align__(16) unsigned char dynamic_shared[]; \
    type *name = (type *)dynamic_shared
#define BARRIER() __syncthreads()
#define THREAD ((unsigned)threadIdx.x)
#define THREADS ((unsigned)blockDim.x)
#define BLOCK ((unsigned)blockIdx.x)
#define BLOCKS ((unsigned)gridDim.x)
/* The value of the lane `distance` places further in the same group of `width` lanes (a power of two). All 32
 * lanes of a warp take part. */
#define SHUFFLE_DOWN(value, distance, width) __shfl_down_sync(0xffffffffu, (value), (distance), (width))
/* A value that no thread of the launch writes. */
#define LOAD(pointer) __ldg(pointer)
/* Sets a flag; all threads that set it write the same value. */
#define RAISE(flag) (*(flag) = 1)
#define ALIGNED(bytes) alignas(bytes)
/* Checks the alignment of 16 bytes; hardware checks it itself. */
#define EXPECT_ALIGNED(pointer) ((void)0)
typedef unsigned int u32;
typedef unsigned long long u64;
#else
#include "emulator/shim.h"
#define ALIGNED(bytes) _Alignas(bytes)
#endif

/* Adjacent values from a multiple of 16 bytes on, for one load or store. */
struct pack {
    ALIGNED(16) REAL of[16 / sizeof(REAL)];
};
#define PACK ((u32)(16 / sizeof(REAL)))

DEVICE struct pack load_pack(const REAL *from) {
    EXPECT_ALIGNED(from);
    return *(const struct pack *)from;
}

DEVICE void store_pack(REAL *to, struct pack values) {
    EXPECT_ALIGNED(to);
    *(struct pack *)to = values;
}

/* Number of this thread in the grid, as 64 bits. */
#define INDEX ((u64)BLOCK * THREADS + THREAD)
/* Number of threads of the grid. */
#define STRIDE ((u64)BLOCKS * THREADS)

#define WARP 32u

/* Row of element q of a block of k columns; a short division where that is enough. */
DEVICE u64 row_of(u64 q, u32 k) { return q >> 32 ? q / k : (u32)q / k; }

/* Sum over each group of `width` lanes, in the first lane of the group. All 32 lanes take part. The order is a tree. */
DEVICE ACC warp_sum(ACC value, u32 width) {
    u32 d;
    for (d = width / 2; d > 0; d /= 2) value += SHUFFLE_DOWN(value, d, width);
    return value;
}
