#include "koi/kernels/kernels.h"

#include <algorithm>
#include <string>

#include "koi/base/error.h"
#include "koi/kernels/kernel_sets.h"

namespace koi::kernels {

const Kernels& kernels_for(Instructions instructions) {
  const auto usable = usable_instructions();
  if (std::find(usable.begin(), usable.end(), instructions) == usable.end()) {
    throw Error(ErrorKind::unsupported, std::string(name_of(instructions)),
                "this processor or this build does not know these instructions");
  }
  switch (instructions) {
#if defined(__x86_64__)
    case Instructions::avx2:
      return avx2_kernels();
    case Instructions::avx512:
      return avx512_kernels();
#elif defined(__aarch64__)
    case Instructions::neon:
      return neon_kernels();
#endif
    default:
      return portable_kernels();
  }
}

const Kernels& best_kernels() {
  static const Kernels& best = kernels_for(usable_instructions().front());
  return best;
}

}  // namespace koi::kernels
