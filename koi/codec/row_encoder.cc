#include "koi/codec/row_encoder.h"

#include <algorithm>

namespace koi::codec {

RowEncoder::RowEncoder(const Encoder& encoder, const Quantizer& quantizer, size_t threads)
    : channels_(encoder.norm.weight.size(0)), norm_(encoder.norm) {
  Packing packing;
  for (size_t i = 0; i < encoder.stages.size(); ++i) {
    const auto& [conv, norm] = encoder.downsample_layers[i];
    Stage& stage = stages_.emplace_back(Stage{RowConv(conv, packing), RowNorm(norm), {}});
    for (const ConvNeXtBlock& block : encoder.stages[i]) stage.blocks.emplace_back(block, packing);
  }
  for (const auto& [conv, block] : quantizer.downsample) {
    downsample_.push_back({conv.stride, RowConv(conv, packing), RowBlock(block, packing)});
    frames_per_column_ *= conv.stride;
  }
  packing.run(threads);
}

RowEncoder::State RowEncoder::start(size_t threads) const {
  State state{.sequence = RowSequence(threads)};
  int64_t rows = piece_frames();
  state.mel = RowBuffer(stages_.front().conv.history(), rows, stages_.front().conv.input_width());
  for (const Stage& stage : stages_) {
    const RowBlock& block = stage.blocks.front();
    state.stages.emplace_back(block.history(), rows, stage.conv.output_width());
    state.stage_work.push_back(block.make_work(rows));
  }
  for (const auto& [factor, conv, block] : downsample_) {
    rows /= factor;
    state.downsampled.emplace_back(block.history(), rows, conv.output_width());
    state.downsampled_work.push_back(block.make_work(rows));
  }
  return state;
}

at::Tensor RowEncoder::forward(State& state, const at::Tensor& mel, int64_t kept) const {
  std::vector<at::Tensor> parts;
  for (int64_t begin = 0; begin < mel.size(0); begin += piece_frames()) {
    const int64_t count = std::min(piece_frames(), mel.size(0) - begin);
    parts.push_back(forward_piece(state, mel.narrow(0, begin, count),
                                  std::clamp<int64_t>(kept - begin, 0, count)));
  }
  return parts.empty() ? at::empty({0, channels_}) : at::cat(parts);
}

at::Tensor RowEncoder::forward_piece(State& state, const at::Tensor& mel, int64_t kept) const {
  RowSequence& sequence = state.sequence;
  sequence.begin_piece();
  int64_t rows = mel.size(0);
  state.mel.set(mel);
  RowBuffer* x = &state.mel;
  for (size_t i = 0; i < stages_.size(); ++i) {
    const auto& [conv, norm, blocks] = stages_[i];
    RowBuffer& output = state.stages[i];
    sequence.join(conv.history(), *x, rows);
    sequence.for_rows(rows, [&](int64_t first, int64_t last) {
      if (i > 0) norm.forward(*x, first, last);
      conv.forward(*x, first, last, output);
      if (i == 0) norm.forward(output, first, last);
    });
    x = &output;
    for (const RowBlock& block : blocks) block.forward(*x, rows, state.stage_work[i], sequence);
  }
  norm_.forward(*x, 0, rows);
  const auto clear = [&](int64_t first, int64_t last) {
    if (first < last) std::fill(x->row(first), x->row(last), 0.0F);
  };
  clear(kept, rows);
  for (size_t i = 0; i < downsample_.size(); ++i) {
    const auto& [factor, conv, block] = downsample_[i];
    const int64_t outputs = (rows + factor - 1) / factor;
    clear(rows, outputs * factor);  // what completes the last stride
    RowBuffer& output = state.downsampled[i];
    sequence.for_rows(outputs,
                      [&](int64_t first, int64_t last) { conv.forward(*x, first, last, output); });
    x = &output;
    rows = outputs;
    block.forward(*x, rows, state.downsampled_work[i], sequence);
  }
  return at::from_blob(x->row(0), {rows, x->width()}, at::kFloat).narrow(1, 0, channels_).clone();
}

}  // namespace koi::codec
