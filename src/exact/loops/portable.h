#pragma once

// Marks what is compiled for GPUs as well as for the CPU, where a compiler does both.
#if defined(__CUDACC__)
#define STARLING_BOTH __host__ __device__
#else
#define STARLING_BOTH
#endif
