// The instruction sets that kernels are written for.
#pragma once

#include <string_view>
#include <vector>

namespace koi::kernels {

enum class Instructions {
  portable,  // plain C++
  avx2,      // with FMA
  avx512,    // F, BW, DQ, VL and VNNI
  neon,      // every 64-bit ARM processor has it
};

std::string_view name_of(Instructions instructions);

// Those that this processor and this build know, the fastest first, portable last.
std::vector<Instructions> usable_instructions();

}  // namespace koi::kernels
