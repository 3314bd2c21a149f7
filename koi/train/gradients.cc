#include "koi/train/gradients.h"

namespace koi::train {

at::Tensor grad_norm(const std::vector<at::Tensor>& gradients, double norm_type) {
  if (gradients.empty()) return {};
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> norms;
  norms.reserve(gradients.size());
  for (const auto& gradient : gradients) norms.push_back(at::norm(gradient, norm_type));
  return at::norm(at::stack(norms), norm_type);
}

void clip_gradients(const std::vector<at::Tensor>& gradients, const at::Tensor& norm,
                    double max_norm) {
  const at::NoGradGuard no_grad;
  const auto factor = (max_norm / (norm + 1e-6)).clamp_max(1.0);
  for (auto gradient : gradients) gradient.mul_(factor);
}

}  // namespace koi::train
