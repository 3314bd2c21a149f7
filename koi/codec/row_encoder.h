// Log-mel frames to what is quantised, on a CPU, piece by piece: Encoder and the first half of
// Quantizer::encode on rows.
#pragma once

#include <vector>

#include "koi/codec/encoder.h"
#include "koi/codec/quantizer.h"
#include "koi/codec/row_layers.h"

namespace koi::codec {

// Holds packed copies of the weights; never changes.
class RowEncoder {
 public:
  RowEncoder(const Encoder& encoder, const Quantizer& quantizer, size_t threads);

  // What a sequence has behind it, and room for its next frames: some 6 MB at the published size.
  struct State {
    RowSequence sequence;
    RowBuffer mel = {};
    std::vector<RowBuffer> stages = {}, downsampled = {};
    std::vector<RowBlock::Work> stage_work = {}, downsampled_work = {};
  };
  State start(size_t threads) const;

  // `mel` float [F, M], the next frames: a multiple of the downsampling unless they are the last.
  // `kept` of them lie within the audio; the features of the others count as 0. Gives the latent,
  // float [T, D], T the frames divided by each factor and rounded up.
  at::Tensor forward(State& state, const at::Tensor& mel, int64_t kept) const;

 private:
  static constexpr int64_t kColumns = 64;  // that are encoded at once
  int64_t piece_frames() const { return kColumns * frames_per_column_; }
  at::Tensor forward_piece(State& state, const at::Tensor& mel, int64_t kept) const;
  struct Stage {  // the stem: conv, then norm; the others: norm, then conv
    RowConv conv;
    RowNorm norm;
    std::vector<RowBlock> blocks;
  };
  struct Downsample {
    int64_t factor;
    RowConv conv;
    RowBlock block;
  };
  int64_t frames_per_column_ = 1, channels_ = 0;
  std::vector<Stage> stages_;
  RowNorm norm_;
  std::vector<Downsample> downsample_;
};

}  // namespace koi::codec
