#include "koi/tensor/random.h"

namespace koi::tensor {

at::Generator make_generator(uint64_t seed, at::Device device) {
  at::Generator generator = at::globalContext().defaultGenerator(device).clone();
  generator.set_current_seed(seed);
  return generator;
}

}  // namespace koi::tensor
