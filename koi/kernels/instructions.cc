#include "koi/kernels/instructions.h"

namespace koi::kernels {

std::string_view name_of(Instructions instructions) {
  switch (instructions) {
    case Instructions::avx2:
      return "avx2";
    case Instructions::avx512:
      return "avx512";
    case Instructions::neon:
      return "neon";
    case Instructions::portable:
      break;
  }
  return "portable";
}

std::vector<Instructions> usable_instructions() {
  std::vector<Instructions> usable;
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
  const bool avx512 =
      __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
      __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
      __builtin_cpu_supports("avx512vnni") != 0;
  if (avx2 && avx512) usable.push_back(Instructions::avx512);
  if (avx2) usable.push_back(Instructions::avx2);
#elif defined(__aarch64__)
  usable.push_back(Instructions::neon);
#endif
  usable.push_back(Instructions::portable);
  return usable;
}

}  // namespace koi::kernels
