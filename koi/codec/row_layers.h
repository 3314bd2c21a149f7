// The codec's layers on a CPU: on rows (a position's channels together, loops.h) instead of
// tensors, one sequence at a time, and piece by piece. A convolution keeps the last inputs that its
// next outputs see, so that the outputs are the same, bit for bit, however the sequence is cut and
// however many threads there are.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "koi/codec/block_conv.h"
#include "koi/codec/layers.h"
#include "koi/codec/loops.h"
#include "koi/codec/packed_weights.h"
#include "koi/kernels/team.h"

namespace koi::codec {

// Rows with room before the first, where a convolution finds what it remembers.
class RowBuffer {
 public:
  RowBuffer() = default;
  RowBuffer(int64_t lead, int64_t rows, int64_t width);

  int64_t width() const { return width_; }
  // Row `i` from -lead on.
  float* row(int64_t i) { return values_.data_ptr<float>() + (lead_ + i) * width_; }
  // `values` float [n, up to width]: the first of each of n rows from 0 on.
  void set(const at::Tensor& values);

 private:
  at::Tensor values_;  // [lead + rows, width]
  int64_t lead_ = 0, width_ = 0;
};

// One sequence on its way through the layers, piece by piece: what its convolutions remember (zeros
// at first), and the threads that work on it.
class RowSequence {
 public:
  explicit RowSequence(size_t threads) : team_(std::make_unique<kernels::Team>(threads)) {}

  // From the next piece on; results do not depend on it.
  void set_threads(size_t threads) {
    if (team_->size() != threads) team_ = std::make_unique<kernels::Team>(threads);
  }

  // Convolutions come in the same order for each piece.
  void begin_piece() { next_ = 0; }
  // Puts the next convolution's last `history` inputs before the first row of `input`, and keeps
  // the last of its `rows` for the next piece.
  void join(int64_t history, RowBuffer& input, int64_t rows);

  // Calls work(first, last) for all rows, in tiles that fit into the cache, on all threads.
  template <typename Work>
  void for_rows(int64_t rows, const Work& work) {
    team_->share(rows, tile_rows(rows), work);
  }
  // The same in units of `floats` each.
  template <typename Work>
  void for_units(int64_t units, int64_t floats, const Work& work) {
    team_->share(units, tile_units(units, floats), work);
  }

 private:
  int64_t tile_rows(int64_t rows) const;
  int64_t tile_units(int64_t units, int64_t floats) const;

  std::unique_ptr<kernels::Team> team_;
  std::vector<std::vector<float>> memory_;
  size_t next_ = 0;
};

// A convolution of packed weights, which are there once the Packing that it was made with has run.
class RowConv {
 public:
  RowConv() = default;
  // Of stride 1; or with a kernel as long as its stride, of which forward() takes the inputs of one
  // output as one row.
  RowConv(const Conv& conv, Packing& packing);
  // Of stride 1, as a BlockConv where that is faster: only for run(), in pieces of whole units.
  RowConv(const Conv& conv, int64_t unit_rows, Packing& packing);
  // A row of outputs is `stride` positions of row_width(out) floats.
  RowConv(const TransposedConv& conv, Packing& packing);
  // weight [out, in], bias [out].
  RowConv(const at::Tensor& weight, const at::Tensor& bias, Packing& packing);

  // Rows to the left of its own that an output row sees.
  int64_t history() const { return blocks_ ? blocks_->history() : (taps_ - 1) * dilation_; }
  int64_t input_width() const { return input_width_; }
  int64_t output_width() const { return output_width_; }

  enum class Sums { from_bias, added };  // added to what is in the output
  // Rows [first, last) of the output. `input` is joined with its history.
  void forward(RowBuffer& input, int64_t first, int64_t last, RowBuffer& output,
               Sums sums = Sums::from_bias) const;

  struct Piece {
    RowBuffer& input;
    RowBuffer& output;
    int64_t rows;  // of the output
    Sums sums = Sums::from_bias;
  };
  // Joins the input with its history and makes all rows of the output; calls after(first, last)
  // for those that have just been made, from the sequence's threads.
  template <typename After>
  void run(RowSequence& sequence, const Piece& piece, const After& after) const;

 private:
  void forward_units(const Piece& piece, int64_t first, int64_t last) const;
  // weights [taps, inputs, outputs], the oldest tap first; bias [outputs].
  void pack(const at::Tensor& weights, const at::Tensor& bias, Packing& packing);

  int64_t taps_ = 1, dilation_ = 1;
  int64_t input_width_ = 0, output_width_ = 0;
  at::Tensor weights_, bias_;  // [panel, tap, channel, kPanel], [output_width]
  std::optional<BlockConv> blocks_;
};

template <typename After>
void RowConv::run(RowSequence& sequence, const Piece& piece, const After& after) const {
  sequence.join(history(), piece.input, piece.rows);
  if (!blocks_) {
    sequence.for_rows(piece.rows, [&](int64_t first, int64_t last) {
      forward(piece.input, first, last, piece.output, piece.sums);
      after(first, last);
    });
    return;
  }
  const int64_t unit = blocks_->unit_rows();
  sequence.for_units(piece.rows / unit, unit * input_width_, [&](int64_t first, int64_t last) {
    forward_units(piece, first, last);
    after(first * unit, last * unit);
  });
}

// Norm, of rows [first, last) in place.
class RowNorm {
 public:
  RowNorm() = default;
  explicit RowNorm(const Norm& norm);
  void forward(RowBuffer& x, int64_t first, int64_t last) const;

 private:
  int64_t channels_ = 0;
  at::Tensor weight_, bias_;  // [width]
};

// ConvNeXtBlock.
class RowBlock {
 public:
  struct Work {
    RowBuffer normed, hidden;
  };

  RowBlock(const ConvNeXtBlock& block, Packing& packing);

  int64_t history() const { return depthwise_weight_.size(0) - 1; }
  // Room for pieces of at most `rows` rows, for this block and others of its width.
  Work make_work(int64_t rows) const;
  // In place.
  void forward(RowBuffer& x, int64_t rows, Work& work, RowSequence& sequence) const;

 private:
  at::Tensor depthwise_weight_, depthwise_bias_;  // [taps, width], [width]
  RowNorm norm_;
  RowConv expand_, contract_;
};

}  // namespace koi::codec
