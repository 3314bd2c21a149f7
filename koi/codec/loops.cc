#include "koi/codec/loops.h"

namespace koi::codec {

const Loops& loops_for(kernels::Instructions instructions) {
#if defined(__x86_64__)
  if (instructions == kernels::Instructions::avx512) return avx512_loops();
  if (instructions == kernels::Instructions::avx2) return avx2_loops();
#endif
  return portable_loops();
}

}  // namespace koi::codec
