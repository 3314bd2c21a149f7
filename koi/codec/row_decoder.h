// Codes to audio on a CPU, one sequence piece by piece: Quantizer::decode and Generator on rows.
#pragma once

#include <vector>

#include "koi/codec/generator.h"
#include "koi/codec/quantizer.h"
#include "koi/codec/row_layers.h"

namespace koi::codec {

// Holds packed copies of the weights, made on so many threads; never changes.
class RowDecoder {
 public:
  RowDecoder(const Quantizer& quantizer, const Generator& generator, size_t threads);

  // Columns that are decoded at once: enough for each weight that comes from memory to be used some
  // hundred times, few enough for what lies between the layers to stay in the cache.
  static constexpr int64_t kColumns = 8;

  // Buffers of a stage: its input, the residual blocks' sum, and in a block the values so far and
  // the inputs of either convolution.
  struct StageWork {
    RowBuffer x, sum, y, input1, input2;
  };
  // What a sequence has behind it, and room for its next columns: some 40 MB at the published size.
  struct State {
    RowSequence sequence;
    RowBuffer digits = {}, latent = {};
    std::vector<RowBuffer> upsampled = {};
    std::vector<RowBlock::Work> block_work = {};
    RowBuffer pre = {};
    std::vector<StageWork> stages = {};
    RowBuffer audio = {};
  };
  State start(size_t threads) const;

  // `values` float [T, G n] (Quantizer::dequantise), T up to kColumns -> T * samples_per_column
  // samples at `audio`.
  void forward(State& state, const at::Tensor& values, float* audio) const;

 private:
  struct Upsample {
    int64_t factor;
    RowConv conv;
    RowBlock block;
  };
  struct ResBlock {
    std::vector<RowConv> convs1, convs2;
  };
  struct Stage {
    int64_t rate;
    RowConv up;
    std::vector<ResBlock> blocks;
    int64_t lead() const;
  };
  static void run_block(const ResBlock& block, StageWork& work, int64_t rows,
                        RowSequence& sequence);
  static void run_stage(const Stage& stage, StageWork& work, int64_t rows, RowSequence& sequence);

  RowConv projection_;
  std::vector<Upsample> upsample_;
  RowConv conv_pre_, conv_post_;
  std::vector<Stage> stages_;
};

}  // namespace koi::codec
