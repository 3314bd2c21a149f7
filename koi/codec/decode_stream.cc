#include "koi/codec/decode_stream.h"

#include <algorithm>

#include "koi/tensor/device.h"

namespace koi::codec {

DecodeStream::DecodeStream(const Firefly& codec, size_t threads) : codec_(codec) {
  const c10::InferenceMode guard;
  if (codec.device().is_cpu()) {
    decoder_ = codec.row_decoder();
    state_ = decoder_->start(threads == 0 ? tensor::thread_count() : threads);
  } else {
    seen_ = at::empty({codec.config().codebooks(), 0}, at::dtype(at::kLong).device(codec.device()));
  }
}

void DecodeStream::set_threads(size_t threads) {
  if (state_) state_->sequence.set_threads(threads);
}

std::vector<float> DecodeStream::push(const at::Tensor& codes) {
  std::vector<float> samples(
      static_cast<size_t>(codes.size(1) * codec_.config().samples_per_column()));
  push(codes, samples.data());
  return samples;
}

void DecodeStream::push(const at::Tensor& codes, float* samples) {
  const c10::InferenceMode guard;
  const at::Tensor checked = codec_.checked_codes(codes.unsqueeze(0), {codes.size(1)})[0];
  if (state_) {
    push_rows(checked, samples);
  } else {
    push_window(checked, samples);
  }
}

void DecodeStream::push_rows(const at::Tensor& codes, float* samples) {
  for (int64_t begin = 0; begin < codes.size(1); begin += RowDecoder::kColumns) {
    const int64_t count = std::min(RowDecoder::kColumns, codes.size(1) - begin);
    const at::Tensor piece = codes.narrow(1, begin, count).unsqueeze(0);
    decoder_->forward(*state_, codec_.quantizer.dequantise(piece)[0].contiguous(),
                      samples + begin * codec_.config().samples_per_column());
  }
}

void DecodeStream::push_window(const at::Tensor& codes, float* samples) {
  const at::Tensor all = at::cat({seen_, codes}, 1);
  const at::Tensor audio = codec_.decode(all.unsqueeze(0), {all.size(1)}).flatten().cpu();
  const int64_t count = codes.size(1) * codec_.config().samples_per_column();
  std::copy_n(audio.const_data_ptr<float>() + audio.numel() - count, count, samples);
  const int64_t kept = std::min(all.size(1), codec_.decode_context());
  seen_ = all.narrow(1, all.size(1) - kept, kept).clone();
}

}  // namespace koi::codec
