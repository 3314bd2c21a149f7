#include "koi/lm/rope.h"

namespace koi::lm {

at::Tensor rope_table(int64_t positions, int64_t head_dim, double base) {
  const auto pairs = at::arange(0, head_dim, 2, at::kFloat);
  const auto frequencies = 1.0 / at::pow(base, pairs / head_dim);                 // [head_dim/2]
  const auto angles = at::outer(at::arange(positions, at::kFloat), frequencies);  // [P, head_dim/2]
  const auto rounded = [](const at::Tensor& x) { return x.to(at::kBFloat16).to(at::kFloat); };
  return at::complex(rounded(angles.cos()), rounded(angles.sin()));
}

at::Tensor rotate(const at::Tensor& x, const at::Tensor& turns) {
  const auto pairs = x.to(at::kFloat).unflatten(-1, {-1, 2});            // [B, T, H, hd/2, 2]
  const auto turned = at::view_as_complex(pairs) * turns.unsqueeze(-2);  // [B, T, H, hd/2]
  return at::view_as_real(turned).flatten(-2).to(x.scalar_type());
}

}  // namespace koi::lm
