// Compiled with -mavx512f and its relatives.
#if defined(__x86_64__)
#include <cstdint>

namespace koi::codec {
namespace {
constexpr int kFloats = 16, kRows = 8;
}
}  // namespace koi::codec

#include "koi/codec/loops_body.h"

namespace koi::codec {

const Loops& avx512_loops() { return kLoops; }

}  // namespace koi::codec
#endif
