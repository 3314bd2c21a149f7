#include "koi/codec/fsq.h"

namespace koi::codec {

Fsq::Fsq(std::vector<int64_t> levels) : levels_(std::move(levels)) {
  std::vector<int64_t> basis;
  for (const int64_t level : levels_) {
    basis.push_back(size_);
    size_ *= level;
  }
  // In float32 from here on, as the reference's quantiser.
  const at::Tensor counts = at::tensor(levels_);
  constexpr double kSlack = 1e-3;
  half_ = (counts - 1).to(at::kFloat) * (1 + kSlack) / 2;
  offset_ = at::where(counts % 2 == 0, 0.5, 0.0).to(at::kFloat);
  shift_ = at::atanh(offset_ / half_);
  half_width_ = at::floor_divide(counts, 2);
  basis_ = at::tensor(basis);
}

at::Tensor Fsq::bound(const at::Tensor& z) const {
  const auto device = z.device();
  return at::tanh(z + shift_.to(device)) * half_.to(device) - offset_.to(device);
}

at::Tensor Fsq::round_levels(const at::Tensor& bounded) const {
  return at::round(bounded) / half_width_.to(bounded.device());
}

at::Tensor Fsq::round_softly(const at::Tensor& bounded, double fade) const {
  const at::Tensor half_width = half_width_.to(bounded.device());
  const at::Tensor exact = bounded.detach();
  const at::Tensor drawn = at::lerp(exact, at::round(exact), fade);
  return (drawn + (bounded - exact)) / half_width;  // the bracket is 0
}

at::Tensor Fsq::codes(const at::Tensor& quantised) const {
  const at::Tensor half_width = half_width_.to(quantised.device());
  const at::Tensor digits = at::round(quantised * half_width).to(at::kLong) + half_width;
  return (digits * basis_.to(quantised.device())).sum(-1);
}

at::Tensor Fsq::dequantise(const at::Tensor& codes) const {
  const auto device = codes.device();
  const at::Tensor half_width = half_width_.to(device);
  const at::Tensor digits =
      at::floor_divide(codes.unsqueeze(-1), basis_.to(device)) % at::tensor(levels_).to(device);
  return (digits - half_width).to(at::kFloat) / half_width;
}

}  // namespace koi::codec
