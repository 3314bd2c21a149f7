#include "koi/codec/row_decoder.h"

#include <algorithm>

namespace koi::codec {

RowDecoder::RowDecoder(const Quantizer& quantizer, const Generator& generator, size_t threads) {
  Packing packing;
  const auto [weight, bias] = quantizer.joint_projection();
  projection_ = RowConv(weight, bias, packing);
  for (const auto& [conv, block] : quantizer.upsample)
    upsample_.push_back({conv.stride, RowConv(conv, packing), RowBlock(block, packing)});
  conv_pre_ = RowConv(generator.conv_pre, packing);
  int64_t column_rows = 1;
  for (const Upsample& stage : upsample_) column_rows *= stage.factor;
  for (size_t i = 0; i < generator.ups.size(); ++i) {
    column_rows *= generator.ups[i].stride;
    Stage& stage = stages_.emplace_back(Stage{
        .rate = generator.ups[i].stride, .up = RowConv(generator.ups[i], packing), .blocks = {}});
    for (const Generator::ResBlock& block : generator.resblocks[i]) {
      ResBlock& packed = stage.blocks.emplace_back();
      for (const Conv& conv : block.convs1) packed.convs1.emplace_back(conv, column_rows, packing);
      for (const Conv& conv : block.convs2) packed.convs2.emplace_back(conv, column_rows, packing);
    }
  }
  conv_post_ = RowConv(generator.conv_post, packing);
  packing.run(threads);
}

// Room before the rows of a stage: for its own convolutions, and for the one that reads its sum.
int64_t RowDecoder::Stage::lead() const {
  int64_t rows = 0;
  for (const ResBlock& block : blocks) {
    for (const RowConv& conv : block.convs1) rows = std::max(rows, conv.history());
    for (const RowConv& conv : block.convs2) rows = std::max(rows, conv.history());
  }
  return rows;
}

RowDecoder::State RowDecoder::start(size_t threads) const {
  int64_t rows = kColumns;
  State state{.sequence = RowSequence(threads)};
  state.digits = RowBuffer(0, rows, projection_.input_width());
  state.latent = RowBuffer(upsample_.front().conv.history(), rows, projection_.output_width());
  for (size_t i = 0; i < upsample_.size(); ++i) {
    const auto& [factor, conv, block] = upsample_[i];
    rows *= factor;
    const int64_t width = conv.output_width() / factor;
    const RowConv& next = i + 1 < upsample_.size() ? upsample_[i + 1].conv : conv_pre_;
    state.upsampled.emplace_back(std::max(block.history(), next.history()), rows, width);
    state.block_work.push_back(block.make_work(rows));
  }
  state.pre = RowBuffer(stages_.front().up.history(), rows, conv_pre_.output_width());
  for (size_t i = 0; i < stages_.size(); ++i) {
    const Stage& stage = stages_[i];
    rows *= stage.rate;
    const int64_t width = stage.up.output_width() / stage.rate;
    const RowConv& next = i + 1 < stages_.size() ? stages_[i + 1].up : conv_post_;
    const int64_t lead = stage.lead();
    state.stages.push_back({.x = RowBuffer(0, rows, width),
                            .sum = RowBuffer(next.history(), rows, width),
                            .y = RowBuffer(0, rows, width),
                            .input1 = RowBuffer(lead, rows, width),
                            .input2 = RowBuffer(lead, rows, width)});
  }
  state.audio = RowBuffer(0, rows, conv_post_.output_width());
  return state;
}

void RowDecoder::run_block(const ResBlock& block, StageWork& work, int64_t rows,
                           RowSequence& sequence) {
  const int64_t width = work.x.width();
  sequence.for_rows(rows, [&](int64_t first, int64_t last) {
    const int64_t count = (last - first) * width;
    std::copy_n(work.x.row(first), count, work.y.row(first));
    fastest_loops().silu(work.x.row(first), count, work.input1.row(first));
  });
  for (size_t i = 0; i < block.convs1.size(); ++i) {
    block.convs1[i].run(sequence, {work.input1, work.input2, rows},
                        [&](int64_t first, int64_t last) {
                          float* values = work.input2.row(first);
                          fastest_loops().silu(values, (last - first) * width, values);
                        });
    block.convs2[i].run(sequence, {work.input2, work.y, rows, RowConv::Sums::added},
                        [&](int64_t first, int64_t last) {
                          fastest_loops().silu(work.y.row(first), (last - first) * width,
                                               work.input1.row(first));
                        });
  }
}

// From the stage's x to silu(the blocks' mean) in its sum.
void RowDecoder::run_stage(const Stage& stage, StageWork& work, int64_t rows,
                           RowSequence& sequence) {
  const int64_t width = work.x.width();
  for (size_t i = 0; i < stage.blocks.size(); ++i) {
    run_block(stage.blocks[i], work, rows, sequence);
    sequence.for_rows(rows, [&](int64_t first, int64_t last) {
      const int64_t count = (last - first) * width;
      float* sum = work.sum.row(first);
      if (i == 0) {
        std::copy_n(work.y.row(first), count, sum);
      } else {
        fastest_loops().add(work.y.row(first), count, sum);
      }
      if (i + 1 < stage.blocks.size()) return;
      fastest_loops().scale(1 / static_cast<float>(stage.blocks.size()), count, sum);
      fastest_loops().silu(sum, count, sum);
    });
  }
}

void RowDecoder::forward(State& state, const at::Tensor& values, float* audio) const {
  RowSequence& sequence = state.sequence;
  sequence.begin_piece();
  int64_t rows = values.size(0);
  state.digits.set(values);
  projection_.forward(state.digits, 0, rows, state.latent);

  RowBuffer* x = &state.latent;
  // A convolution whose rows are positions of the present rate.
  const auto convolve = [&](const RowConv& conv, RowBuffer& output) {
    conv.run(sequence, {*x, output, rows}, [](int64_t, int64_t) {});
    x = &output;
  };
  for (size_t i = 0; i < upsample_.size(); ++i) {
    convolve(upsample_[i].conv, state.upsampled[i]);
    rows *= upsample_[i].factor;
    upsample_[i].block.forward(*x, rows, state.block_work[i], sequence);
  }
  convolve(conv_pre_, state.pre);
  fastest_loops().silu(x->row(0), rows * x->width(), x->row(0));
  for (size_t i = 0; i < stages_.size(); ++i) {
    convolve(stages_[i].up, state.stages[i].x);
    rows *= stages_[i].rate;
    run_stage(stages_[i], state.stages[i], rows, sequence);
    x = &state.stages[i].sum;
  }
  convolve(conv_post_, state.audio);
  fastest_loops().tanh(x->row(0), rows * x->width(), x->row(0));
  for (int64_t i = 0; i < rows; ++i) audio[i] = *x->row(i);
}

}  // namespace koi::codec
