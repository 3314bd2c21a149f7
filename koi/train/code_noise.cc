#include "koi/train/code_noise.h"

#include "koi/tensor/transfer.h"

namespace koi::train {

at::Tensor exchange_codes(const at::Tensor& tokens, double share, at::Generator& generator) {
  const int64_t batch = tokens.size(0), codebooks = tokens.size(1) - 1, columns = tokens.size(2);
  const at::Device device = generator.device();
  const auto codes = tokens.slice(1, 1).transpose(1, 2).reshape({-1, codebooks});  // [B*T, K]
  // Found where the tokens lie, which is the CPU: a GPU is not waited for.
  const auto places = tensor::upload(codes.any(1).nonzero().squeeze(1), device);  // [N]
  const int64_t frames = places.numel();
  const auto all = tensor::upload(tokens, device);
  if (frames == 0) return all;

  const auto heard = tensor::upload(codes, device);
  const auto draws = at::device(device);
  const auto others =
      places.index_select(0, at::randint(frames, {frames}, generator, draws.dtype(at::kLong)));
  const auto of_frames = at::rand({frames, 1}, generator, draws).lt(share);
  const auto of_codes = at::rand({frames, codebooks}, generator, draws).lt(share);
  const auto exchanged = at::where(of_frames.logical_or(of_codes), heard.index_select(0, others),
                                   heard.index_select(0, places));
  const auto rows = heard.index_copy(0, places, exchanged).view({batch, columns, codebooks});
  return at::cat({all.narrow(1, 0, 1), rows.transpose(1, 2)}, 1);
}

}  // namespace koi::train
