#include "koi/lm/lora.h"

#include "koi/tensor/dropout.h"

namespace koi::lm {

uint64_t Dropout::draw_seed(double p, at::Device device) const {
  if (chance(p) == 0) return 0;
  return tensor::draw_seed(generator != nullptr ? *generator
                                                : at::globalContext().defaultGenerator(device));
}

}  // namespace koi::lm
