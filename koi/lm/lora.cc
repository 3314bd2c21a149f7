#include "koi/lm/lora.h"

namespace koi::lm {

at::Tensor Dropout::apply(const at::Tensor& x, double p) const {
  if (!draws(p)) return x;
  std::optional<at::Generator> source;
  if (generator != nullptr) source = *generator;
  return x * at::empty_like(x).bernoulli_(1 - p, source).div_(1 - p);
}

}  // namespace koi::lm
