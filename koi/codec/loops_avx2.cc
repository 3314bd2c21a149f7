// Compiled with -mavx2 -mfma.
#if defined(__x86_64__)
#include <cstdint>

namespace koi::codec {
namespace {
constexpr int kFloats = 8, kRows = 6;
}
}  // namespace koi::codec

#include "koi/codec/loops_body.h"

namespace koi::codec {

const Loops& avx2_loops() { return kLoops; }

}  // namespace koi::codec
#endif
