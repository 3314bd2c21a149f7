// One set of kernels for each instruction set, each in a file that is compiled for it.
#pragma once

#include "koi/kernels/kernels.h"

namespace koi::kernels {

const Kernels& portable_kernels();
#if defined(__x86_64__)
const Kernels& avx2_kernels();
const Kernels& avx512_kernels();
#elif defined(__aarch64__)
const Kernels& neon_kernels();
#endif

}  // namespace koi::kernels
