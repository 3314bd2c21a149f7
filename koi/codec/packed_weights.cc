#include "koi/codec/packed_weights.h"

#include <utility>

#include "koi/kernels/team.h"

namespace koi::codec {

at::Tensor padded_row(const at::Tensor& x) {
  const int64_t missing = row_width(x.size(-1)) - x.size(-1);
  const at::Tensor values = x.to(at::kFloat);
  return missing == 0 ? values.contiguous()
                      : at::constant_pad_nd(values, {0, missing}).contiguous();
}

at::Tensor Packing::add(at::IntArrayRef sizes, std::function<void(float* values)> fill) {
  int64_t bytes = sizeof(float);
  for (const int64_t size : sizes) bytes *= size;
  const std::shared_ptr<char> room = arena_.take(bytes);
  auto* values = reinterpret_cast<float*>(room.get());
  jobs_.push_back([values, fill = std::move(fill)] { fill(values); });
  return at::from_blob(
      values, sizes, [room](void*) {}, at::kFloat);
}

at::Tensor Packing::add_panels(const at::Tensor& weights) {
  const at::Tensor source = weights.to(at::kFloat);
  const int64_t taps = source.size(0), inputs = source.size(1), outputs = source.size(2);
  const int64_t panels = row_width(outputs) / kPanel;
  return add({panels, taps, inputs, kPanel}, [=](float* values) {
    const float* from = source.const_data_ptr<float>();
    const int64_t tap_step = source.stride(0), input_step = source.stride(1);
    const int64_t output_step = source.stride(2);
    for (int64_t panel = 0; panel < panels; ++panel) {
      const int64_t there = std::min(kPanel, outputs - panel * kPanel);
      float* to = values + panel * taps * inputs * kPanel;
      // Taps lie together in most weights.
      for (int64_t i = 0; i < inputs; ++i) {
        for (int64_t t = 0; t < taps; ++t) {
          const float* column = from + panel * kPanel * output_step + t * tap_step + i * input_step;
          float* row = to + (t * inputs + i) * kPanel;
          for (int64_t j = 0; j < there; ++j) row[j] = column[j * output_step];
        }
      }
    }
  });
}

void Packing::run(size_t threads) {
  kernels::Team team(threads);
  team.share(std::ssize(jobs_), 1, [this](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) jobs_[static_cast<size_t>(i)]();
  });
  jobs_.clear();
}

PackedWeights packed_view(const at::Tensor& packed) {
  return {packed.const_data_ptr<float>(), packed.size(-4), packed.size(-3), packed.size(-2)};
}

}  // namespace koi::codec
