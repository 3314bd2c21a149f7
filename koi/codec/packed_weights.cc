#include "koi/codec/packed_weights.h"

namespace koi::codec {

at::Tensor padded_row(const at::Tensor& x) {
  const int64_t missing = row_width(x.size(-1)) - x.size(-1);
  const at::Tensor values = x.to(at::kFloat);
  return missing == 0 ? values.contiguous()
                      : at::constant_pad_nd(values, {0, missing}).contiguous();
}

at::Tensor pack_weights(const at::Tensor& weights) {
  const int64_t width = row_width(weights.size(-1));
  const at::Tensor whole = width == weights.size(-1) ? weights : padded_row(weights);
  // [..., taps, inputs, panel, kPanel]
  return whole.to(at::kFloat).unflatten(-1, {width / kPanel, kPanel}).movedim(-2, -4).contiguous();
}

PackedWeights packed_view(const at::Tensor& packed) {
  return {packed.const_data_ptr<float>(), packed.size(-4), packed.size(-3), packed.size(-2)};
}

}  // namespace koi::codec
