// Vectors that every processor has: SSE2, NEON.
#include <cstdint>

namespace koi::codec {
namespace {
constexpr int kFloats = 4, kRows = 2;
}
}  // namespace koi::codec

#include "koi/codec/loops_body.h"

namespace koi::codec {

const Loops& portable_loops() { return kLoops; }

}  // namespace koi::codec
