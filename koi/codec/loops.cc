#include "koi/codec/loops.h"

namespace koi::codec {

const Loops& loops_for(kernels::Instructions instructions) {
#if defined(__x86_64__)
  if (instructions == kernels::Instructions::avx512) return avx512_loops();
  if (instructions == kernels::Instructions::avx2) return avx2_loops();
#endif
  return portable_loops();
}

const Loops& fastest_loops() {
  static const Loops& fastest = loops_for(kernels::usable_instructions().front());
  return fastest;
}

}  // namespace koi::codec
