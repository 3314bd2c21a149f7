#include "koi/lm/int8_base.h"

#include "koi/kernels/matrix.h"
#include "koi/tensor/device.h"

namespace koi::lm {
namespace {

void quantize(Linear& layer, kernels::Arena& arena) {
  if (layer.weight.requires_grad()) return;
  const at::Device device = layer.weight.device();
  const at::Tensor values = layer.weight.to(at::kCPU, at::kFloat).contiguous();
  const kernels::Matrix matrix = kernels::make_matrix(
      {.rows = values.size(0), .columns = values.size(1), .values = values.const_data_ptr()},
      kernels::Format::int8, arena, tensor::thread_count());
  const auto options = at::device(at::kCPU);
  layer.weight =
      at::from_blob(
          const_cast<void*>(matrix.values), {matrix.rows, matrix.columns}, {matrix.row_bytes(), 1},
          [owner = matrix.owner](void*) {}, options.dtype(at::kChar))
          .to(device);
  layer.scales =
      at::from_blob(const_cast<float*>(matrix.scales), {matrix.rows}, options.dtype(at::kFloat))
          .clone()
          .to(device);
}

}  // namespace

void quantize_base(DualAr& model) {
  const at::NoGradGuard no_gradients;
  kernels::Arena arena;
  model.visit_adapted({.linear = [&](const std::string&, Linear& layer) { quantize(layer, arena); },
                       .embedding = [](const std::string&, Embedding&) {}});
}

}  // namespace koi::lm
