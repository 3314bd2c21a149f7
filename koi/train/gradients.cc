#include "koi/train/gradients.h"

namespace koi::train {

at::Tensor grad_norm(const std::vector<at::Tensor>& gradients, double norm_type) {
  if (gradients.empty()) return {};
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> norms;
  if (gradients.front().is_cpu()) {
    for (const auto& gradient : gradients) norms.push_back(at::norm(gradient, norm_type));
  } else {  // all in one launch
    norms = at::_foreach_norm(gradients, norm_type);
  }
  return at::norm(at::stack(norms), norm_type);
}

void clip_gradients(const std::vector<at::Tensor>& gradients, const at::Tensor& norm,
                    double max_norm) {
  const at::NoGradGuard no_grad;
  const auto factor = (max_norm / (norm + 1e-6)).clamp_max(1.0);
  at::_foreach_mul_(gradients, factor);
}

}  // namespace koi::train
